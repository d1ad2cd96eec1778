/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log of one container as a sequence of units: lines, or the bytes of frames as they are, with
 * a notice wherever something is missing. Pulled one at a time, so that several can be merged.
 *
 * Nothing here waits: what is not there yet makes the stream idle, and the loop says when to look
 * again. A stream is at its end when the monitor has published the exit and everything before it is
 * read, when its limit is reached, or when the monitor has left without a word.
 *
 * Runs in the CLI with the caller's rights. A damaged record is told and passed over; what fails is
 * reading itself.
 *
 *   pull:  take_frame   lines of the frame at hand          -> ready
 *          take_flushed what has no newline yet, when something ends it
 *          take_notice  a gap, damage, the end
 *          read_entry   the next entry: feeds the cutter, or sets flush, notice, ended
 *
 * The order of the three is what a reader sees: the lines before a gap, the half line before it,
 * the notice, and then what comes behind.
 */
#include "logs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

/* ---- entries ---- */

/* until is inclusive, as docker's; offsets below resume were shown before the container was lost
 * and found again (-F). */
enum ct_entry_use ct_log_stream_use(const struct ct_log_stream *stream,
				    const struct ct_index_entry *entry)
{
	const struct ct_log_query *q = stream->query;

	if (entry->offset >= stream->limit || entry->time > q->until ||
	    entry->time > stream->latest)
		return CT_ENTRY_END;
	if (entry->offset < stream->resume)
		return CT_ENTRY_PASS;
	if (entry->kind == CT_NOTE_RUN)
		return stream->only && entry->value > stream->only ? CT_ENTRY_END : CT_ENTRY_BREAK;
	if (entry->kind == CT_NOTE_END)
		return CT_ENTRY_BREAK;
	if (entry->kind == CT_NOTE_GAP)
		return CT_ENTRY_GAP;
	if (entry->kind != CT_STREAM_STDOUT && entry->kind != CT_STREAM_STDERR)
		return CT_ENTRY_PASS;
	if (entry->time < q->since || !q->stream[entry->kind == CT_STREAM_STDERR])
		return CT_ENTRY_PASS;
	return CT_ENTRY_FRAME;
}

/* To be handed out when what is before it has been: no line goes on over a hole. */
static void set_notice(struct ct_log_stream *s)
{
	ct_wrap(&s->unit.notice, "%s", s->name);
	s->flush = s->final = s->notice_due = true;
}

/* In the log's own place, between the lines before it and those behind it, and not on stderr at
 * once. */
static void notice_gap(struct ct_log_stream *s, const struct ct_index_entry *entry)
{
	ct_fail(&s->unit.notice, ENODATA, "%" PRIu64 " bytes are missing here: %s", entry->value,
		entry->flags & CT_GAP_MISSED ? "the log was rotated" : "the disk was full");
	set_notice(s);
}

/* Bytes that neither the file nor memory has. */
void ct_log_stream_notice_lost(struct ct_log_stream *stream, uint64_t bytes)
{
	notice_gap(stream, &(struct ct_index_entry){ .value = bytes });
}

void ct_log_stream_notice_unseen(struct ct_log_stream *stream, uint32_t files)
{
	ct_fail(&stream->unit.notice, ENODATA, "%u of its log files were rotated away before they "
		"were read: what they had is missing before this", files);
	set_notice(stream);
}

/* The end of the log is not the end of what was written. */
static void notice_cut(struct ct_log_stream *s)
{
	const struct ct_status *status = &s->container.status;

	s->cut = false;
	s->cut_told = true;
	if (status->state == CT_STATUS_EXITED)
		ct_fail(&s->unit.notice, ENODATA,
			"%" PRIu64 " bytes are missing here: the disk was "
			"full until the %s ended",
			status->log_unsaved, ct_container_kind(&s->container));
	else
		ct_fail(&s->unit.notice, ENODATA, "the end is missing here: the disk was full, and "
			"the monitor was killed with what it held in memory");
	set_notice(s);
}

/* From here on lines are new ones. */
static void break_lines(struct ct_log_stream *s)
{
	s->flush = s->final = true;
}

/* A run that has not ended may go on when it is found again, with a line that is open. */
static void end(struct ct_log_stream *s)
{
	s->ended = s->flush = true;
	s->final = s->run_ended || !s->query->retry;
}

/* What an entry of the index means for us is decided in one place (ct_log_stream_use()), what is
 * done about it here. */
static void use_entry(struct ct_log_stream *s, const struct ct_index_entry *entry)
{
	size_t skip;

	s->time = entry->time;
	/* A run that was read before its end was lost may have had offsets that are used again. */
	if (entry->kind == CT_NOTE_RUN && entry->value > s->run)
		s->resume = 0;
	switch (ct_log_stream_use(s, entry)) {
	case CT_ENTRY_END:
		end(s);
		break;
	case CT_ENTRY_PASS:
		break;
	case CT_ENTRY_BREAK:
		break_lines(s);
		s->run_ended = entry->kind == CT_NOTE_END;
		if (entry->kind == CT_NOTE_RUN)
			s->run = entry->value;
		s->cut_told = s->cut_told && entry->kind != CT_NOTE_RUN;
		break;
	case CT_ENTRY_GAP:
		if (!s->cut_told)
			notice_gap(s, entry);
		s->cut_told = false;
		break;
	case CT_ENTRY_FRAME:
		s->cutter.run = s->run;
		s->fed = true;
		skip = s->files ? ct_log_stream_skip(s, entry) : 0;
		ct_lines_feed(&s->cutter, (int)entry->kind, entry->time, s->frame + skip,
			      (size_t)entry->value - skip);
		break;
	}
}

/* ---- reading ---- */

/* A damaged record is told where it stands; one that cannot be passed ends the log. */
static int use_damage(struct ct_log_stream *s, const struct ct_err *err)
{
	if (s->damaged && s->cursor.offset <= s->damaged)
		end(s);
	s->damaged = s->cursor.offset;
	s->unit.notice = *err;
	set_notice(s);
	return 1;
}

/* Asked before the last read: what comes between a look and the end would be lost the other way
 * round. */
static bool is_over(struct ct_log_stream *s)
{
	struct ct_exit status;

	if (!s->query->follow || s->stop || !s->connected || s->hung_up)
		return true;
	return s->files ? atomic_load(&s->client.page->state) == CT_PAGE_EXITED :
			  ct_cursor_ended(&s->cursor, &status);
}

/* No more will be written to the file by this run, and the next one's is not ours to show. */
static void note_over(struct ct_log_stream *s)
{
	s->run_ended = !s->hung_up || atomic_load(&s->client.page->state) == CT_PAGE_EXITED;
	if (s->latest == UINT64_MAX && !s->query->retry && s->query->follow)
		s->latest = ct_now_real();
}

/* Somebody has started it since we found it ended: what looks torn is just being written. */
static bool is_written_again(const struct ct_log_stream *s)
{
	struct ct_container now = s->container;	/* borrows the descriptors, is never closed */
	struct ct_err ignored;

	return !s->connected && ct_container_look(&now, &ignored) == 0 &&
	       now.status.generation != s->container.status.generation;
}

/* Nothing more to read, for now or for ever. */
static int use_end(struct ct_log_stream *s, bool over)
{
	const struct ct_page *page = s->client.page;

	if (!over)
		return 0;
	end(s);
	if (s->cut)
		notice_cut(s);
	else if (s->cursor.torn && !is_written_again(s))
		ct_fail(&s->unit.notice, ENODATA, "the log ends in the middle of a record");
	else if (s->hung_up && atomic_load(&page->state) != CT_PAGE_EXITED)
		ct_fail(&s->unit.notice, ENODATA, "its monitor was killed: the log ends here");
	else
		return 1;
	if (!s->notice_due)
		set_notice(s);
	return 1;
}

/* Read one entry: 1 something came of it, 0 nothing there, negative. */
static int read_entry(struct ct_log_stream *s, struct ct_err *err)
{
	struct ct_index_entry entry;
	bool over;
	int r;

	if (s->cursor.offset >= s->limit) {
		end(s);
		/* The limit of the last lines is the end, unless they are those of another run. */
		if (s->cut && (!s->only || s->query->run == -1))
			notice_cut(s);
		return 1;
	}
	/* A file has everything once that is so: before the last look at it. */
	over = s->files && is_over(s);
	if (over)
		note_over(s);
	r = ct_cursor_next(&s->cursor, &entry, s->frame, err);
	if (r == -EBADMSG)
		return use_damage(s, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	if (r == 0 && s->files && s->query->follow) {
		r = ct_log_stream_peek(s, err);
		if (r != 0)
			return r;
	}
	if (r == 0)
		return use_end(s, s->files ? over : is_over(s));
	use_entry(s, &entry);
	return 1;
}

/* ---- units ---- */

/* ready: the next pull hands it out. Units point into the frame or the cutter until then. */
static void set_unit(struct ct_log_stream *s, const struct ct_log_line *line)
{
	s->unit.kind = s->by_lines ? CT_UNIT_LINE : CT_UNIT_BYTES;
	s->unit.time = s->time;
	s->unit.line = *line;
	s->ready = true;
}

/* All that is left of the frame, as it is. */
static bool take_bytes(struct ct_log_stream *s)
{
	const struct ct_log_line all = {
		.time = s->cutter.time, .run = s->run, .stream = s->cutter.stream,
		.text = s->cutter.data, .size = s->cutter.left,
	};

	if (!all.size)
		return false;
	set_unit(s, &all);
	s->cutter.left = 0;
	return true;
}

static bool take_frame(struct ct_log_stream *s)
{
	struct ct_log_line line;

	if (!s->by_lines)
		return take_bytes(s);
	if (!ct_lines_next(&s->cutter, &line))
		return false;
	set_unit(s, &line);
	return true;
}

/* Behind the half line that it interrupts, which is flushed first. */
static bool take_notice(struct ct_log_stream *s)
{
	if (!s->notice_due || s->flush)
		return false;
	s->notice_due = false;
	s->unit.kind = CT_UNIT_NOTICE;
	s->unit.time = s->time;
	s->ready = true;
	return true;
}

static bool take_flushed(struct ct_log_stream *s)
{
	struct ct_log_line line;

	if (!s->flush)
		return false;
	if (ct_lines_flush(&s->cutter, s->final, &line)) {
		set_unit(s, &line);
		return true;
	}
	s->flush = s->final = false;
	return false;
}

/* From the loop, when a half line has waited long enough: a prompt is shown. */
void ct_log_stream_flush(struct ct_log_stream *stream)
{
	stream->flush = true;
	stream->idle = false;
}

/* Everything is handed out: done, or waiting for the next run. */
static int finish(struct ct_log_stream *s)
{
	bool wait = s->query->retry && !s->stop;

	s->kept = wait && s->files;
	s->resume = s->files ? 0 : s->cursor.offset;
	ct_log_stream_drop(s);
	s->state = wait ? CT_STREAM_WAITING : CT_STREAM_DONE;
	s->late = wait;
	return 0;
}

/* 1: a unit is ready; 0: nothing for now, or done; negative. */
int ct_log_stream_pull(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;

	while (!s->ready) {
		int r;

		if (take_frame(s) || take_flushed(s) || take_notice(s))
			break;
		if (s->ended)
			return finish(s);
		r = read_entry(s, err);
		if (r <= 0)
			return r;
	}
	return 1;
}
