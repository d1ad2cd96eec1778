/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs whose driver writes a file: they are read from there, the files that it was rotated to
 * first, and followed there, so that a reader may be as far behind as the files reach.
 *
 * Two things no file has: the beginning of a line of json-file that has no end yet, a prompt; and
 * whatever came since the disk took no more. The monitor keeps both in memory and says on its page
 * how far the file goes, in bytes of the payload. So a prompt is shown from memory and left out of
 * the record that has it later; and from a file that gets no more one goes on in memory, with the
 * very byte that it lacks, for as long as the run lasts.
 *
 * Runs in the CLI with the caller's rights. What may fail: reading; where the page has moved on
 * meanwhile there is another look after the next wake-up.
 *
 *    file     ...records....]            what is shown from it, up to its end
 *    page     filed: bytes of the payload in it, held: of an unfinished line, failing: disk full
 *    peek     more in the file?            read on there
 *             held, and not seen?          show it from memory (seen), skip it in its record
 *             failing?                     turn to memory, at the first byte that the file lacks
 */
#include "logs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include <cattach/encode.h>
#include <cattach/log.h>

#include "logs_reach.h"

/* ---- opened, closed ---- */

static const char *path_of(const struct ct_log_stream *s)
{
	const char *path = s->container.meta.log_path;

	return path ? path : CT_LOG_FILE_NAME;
}

/* What journald has, of a container that nobody writes the log of. */
static int open_journal(struct ct_log_stream *s, struct ct_err *err)
{
	if (s->connected || ct_log_journal_open(s->container.meta.id, &s->journal, err) == 0)
		return 0;
	return ct_wrap(err, "%s", s->name);
}

/* A stream that is kept has them open: a container that is started again goes on in the same
 * files. */
int ct_log_stream_open_files(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	enum ct_log_file kind = ct_log_file_of(&s->container.meta);
	bool live = s->connected || s->query->follow || s->container.state == CT_STATE_RUNNING ||
		    s->container.state == CT_STATE_PAUSED;

	if (kind == CT_LOG_FILE_NONE || s->kept)
		return 0;
	if (kind == CT_LOG_FILE_JOURNALD)
		return open_journal(s, err);
	s->format = kind == CT_LOG_FILE_JSON ? "json-file" : "k8s-file";
	if (ct_log_files_open(s->main, path_of(s), kind, live, &s->files, err) == 0)
		return 0;
	/* Of a container that is removed already (--rm), or a file that somebody has moved away. */
	if (s->connected) {
		*err = (struct ct_err){ 0 };
		return 0;
	}
	return ct_wrap(err, "%s", s->name);
}

void ct_log_stream_close_files(struct ct_log_stream *stream)
{
	struct ct_log_stream *s = stream;
	uint64_t strange = s->files ? ct_log_files_strange(s->files) : 0;

	if (s->open)
		ct_cursor_close(&s->cursor);
	s->cursor = (struct ct_cursor)CT_CURSOR_INIT;
	s->open = s->kept = false;
	/* What was passed over is told once it is known. */
	if (strange)
		ct_warn("%s: %" PRIu64 " lines of its log file are no records of %s", s->name,
			strange, s->format);
	ct_log_files_close(s->files);
	s->files = NULL;
	ct_log_journal_close(s->journal);
	s->journal = NULL;
	memset(s->seen, 0, sizeof(s->seen));
	memset(s->skip, 0, sizeof(s->skip));
}

/* ---- files that are rotated away before we have seen them ---- */

/* A counter of the monitor's, modulo 2^32; ours is compared by differences only. */
static uint32_t files_begun(const struct ct_log_stream *s)
{
	if (!s->connected)
		return 0;
	return atomic_load_explicit(&s->client.page->files, memory_order_acquire);
}

/* All that were begun by now have been seen, as far as anybody can tell. */
void ct_log_stream_note_files(struct ct_log_stream *s)
{
	/* In this order: rather one too many than one that is called lost and was not. */
	ct_log_files_more(s->files);
	s->files_before = files_begun(s) - (uint32_t)ct_log_files_met(s->files);
}

/* With nothing more to read: has one of those that were begun never been seen? More than half of
 * the range is a difference below zero: we have met one that the page does not count yet. */
static bool notice_unseen(struct ct_log_stream *s, uint32_t begun)
{
	uint32_t unseen = begun - (uint32_t)s->files_before - (uint32_t)ct_log_files_met(s->files);

	if (!s->connected || !unseen || unseen > UINT32_MAX / 2)
		return false;
	s->files_before += unseen;
	ct_log_stream_notice_unseen(s, unseen);
	return true;
}

int ct_log_stream_follow_files(struct ct_log_stream *stream, struct ct_err *err)
{
	if (!stream->files || !stream->query->follow)
		return 0;
	if (ct_log_files_follow(stream->files, stream->main, path_of(stream), err) < 0)
		return ct_wrap(err, "%s", stream->name);
	ct_log_stream_note_files(stream);
	return 0;
}

/* ---- a line that has no end yet ---- */

/* Bytes that these become in json-file: what is no character is U+FFFD there. */
static size_t size_in_file(const char *text, size_t size)
{
	size_t result = 0;

	for (size_t i = 0, n; i < size; i += n ? n : 1) {
		n = ct_utf8_length((const unsigned char *)text + i, size - i);
		result += n ? n : 3;
	}
	return result;
}

/* All bytes of a stream from where its last line begins up to a place: 0, or negative. From the
 * last line's first byte in memory, found backwards through the index. */
static int read_last_line(struct ct_log_stream *s, size_t which, uint64_t filed, struct ct_buf *buf,
			  uint64_t *ret_time, struct ct_err *err)
{
	const bool only[2] = { which == 0, which == 1 };
	struct ct_log_source source = ct_client_source(&s->client);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_index_entry e;
	int r = ct_cursor_open(&source, CT_FROM_NOW, &cursor, err);

	if (r == 0)
		r = ct_cursor_back_lines(&cursor, 1, only, err);
	while (r == 0 && cursor.payload < filed) {
		r = ct_cursor_next(&cursor, &e, s->frame, err);
		if (r <= 0)
			break;
		r = 0;
		if (e.kind != (which ? CT_STREAM_STDERR : CT_STREAM_STDOUT))
			continue;
		*ret_time = buf->length ? *ret_time : e.time;
		ct_buf_add(buf, s->frame, (size_t)e.value);
	}
	ct_cursor_close(&cursor);
	return r;
}

static bool is_wanted(const struct ct_log_stream *s, size_t which, uint64_t time)
{
	return s->query->stream[which] && time >= s->query->since && time <= s->query->until;
}

/* What is new of it, as a frame: 1, or 0. Whole characters alone: a multi-byte character that has
 * come in part is shown when it is whole. */
static int show_held(struct ct_log_stream *s, size_t which, const struct ct_log_reach *reach,
		     struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	uint64_t time = 0;
	size_t held = reach->held[which], size;
	const char *text;

	if (read_last_line(s, which, reach->filed, &buf, &time, err) < 0 || buf.failed)
		return ct_wrap(err, "%s", s->name);
	/* Too long ago for memory, or more has come. */
	if (buf.length < held || !ct_log_reach_is_still(s->client.page, reach) ||
	    !is_wanted(s, which, time))
		return 0;
	text = ct_buf_text(&buf) + buf.length - held + s->seen[which];
	size = ct_utf8_whole(text, held - s->seen[which]);
	if (!size)
		return 0;
	s->seen[which] += (uint32_t)size;
	s->skip[which] += size_in_file(text, size);
	memcpy(s->frame, text, size);
	s->time = time > s->time ? time : s->time;
	s->cutter.run = s->run;
	s->fed = true;
	ct_lines_feed(&s->cutter, which ? CT_STREAM_STDERR : CT_STREAM_STDOUT, time, s->frame,
		      size);
	return 1;
}

/* Of the record that ends the line, when it comes: so much of it is on the screen already. */
size_t ct_log_stream_skip(struct ct_log_stream *stream, const struct ct_index_entry *entry)
{
	struct ct_log_stream *s = stream;
	size_t which = entry->kind == CT_STREAM_STDERR;
	size_t skip = s->skip[which] < entry->value ? (size_t)s->skip[which] : (size_t)entry->value;

	s->skip[which] = s->seen[which] = 0;
	return skip;
}

/* ---- from the file into memory ---- */

/* The stream goes on in memory, behind what the file has and what was shown besides. */
static int turn_to_memory(struct ct_log_stream *s, const struct ct_log_reach *reach,
			  struct ct_err *err)
{
	struct ct_cursor cursor = CT_CURSOR_INIT;
	uint64_t first, lost;
	int r = ct_log_reach_open(&s->client, reach, s->seen, s->frame, &cursor, &first, &lost,
				  err);

	if (r != 0)
		return r < 0 ? ct_wrap(err, "%s", s->name) : r;
	ct_log_stream_close_files(s);
	s->cursor = cursor;
	s->open = true;
	s->resume = first;
	if (lost)
		ct_log_stream_notice_lost(s, lost);
	return 1;
}

int ct_log_stream_peek(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	struct ct_log_reach reach;
	uint32_t begun;

	if (!s->connected || s->hung_up)
		return 0;
	begun = files_begun(s);
	reach = ct_log_reach_of(s->client.page);
	/* In this order: the file has what the page told of. */
	if (ct_log_files_more(s->files) || notice_unseen(s, begun))
		return 1;
	if (!ct_log_reach_is_still(s->client.page, &reach))
		return 0;
	if (reach.failing)
		return turn_to_memory(s, &reach, err);
	for (size_t i = 0; i < 2; i++) {
		int r = reach.held[i] > s->seen[i] ? show_held(s, i, &reach, err) : 0;

		if (r != 0)
			return r;
	}
	return 0;
}
