/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to begin: --since, --run and --tail as a place in a stream log, found through its index, so
 * that the cost depends on what is shown and not on how long the log is.
 *
 * The last lines of everything are the cursor's own business. The last lines of a part (one stream,
 * one run, until some time) are found by looking back from the end of that part through windows of
 * time, each four times as wide as the one before, until one holds enough lines that are whole; that
 * many, less what is asked for, are then passed over.
 *
 * Runs in the CLI. What may fail: there is no such run; reading.
 */
#include "logs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cattach/proc.h>

#define FIRST_WINDOW	UINT64_C(1000000)	/* ns */

/* A look at the lines of a window. */
struct count {
	uint64_t lines;			/* in the order in which they end */
	uint64_t torn;			/* so many of the first may have begun before the window */
};

/* The number of the run that is on at the cursor; each run begins a segment of its own. */
static void note_run(struct ct_log_stream *s)
{
	if (s->cursor.segment.data >= 0)
		s->run = s->cursor.header.run;
}

/* ---- runs ---- */

static int fail_run(struct ct_log_stream *s, struct ct_err *err)
{
	struct ct_err ignored;

	ct_fail(err, EINVAL, "there is no run %" PRId64 " in the log", s->query->run);
	if (ct_cursor_seek_run(&s->cursor, -1, &ignored) == 0 && s->cursor.segment.data >= 0)
		ct_hint(err, "the last one is %" PRIu64 ", older ones may have been rotated away",
			s->cursor.header.run);
	ct_wrap(err, "--run");
	return ct_wrap(err, "%s", s->name);
}

static int seek_run(struct ct_log_stream *s, int64_t run, struct ct_err *err)
{
	int r = ct_cursor_seek_run(&s->cursor, run, err);

	if (r == -ENOENT)
		return fail_run(s, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	note_run(s);
	return 0;
}

int ct_log_stream_seek_next_run(struct ct_log_stream *stream, struct ct_err *err)
{
	return ct_cursor_seek_run(&stream->cursor, (int64_t)stream->run + 1, err);
}

/* ---- the beginning of what is wanted ---- */

static int seek_time(struct ct_log_stream *s, uint64_t time, struct ct_err *err)
{
	return ct_cursor_seek_time(&s->cursor, time, err) < 0 ? ct_wrap(err, "%s", s->name) : 0;
}

/* By --run and --since: whichever is later. */
static int seek_start(struct ct_log_stream *s, struct ct_err *err)
{
	uint64_t offset = 0;
	int r = 0;

	if (s->query->run) {
		r = seek_run(s, s->only ? (int64_t)s->only : s->query->run, err);
		s->only = s->run;
		offset = s->cursor.offset;
	}
	if (r == 0 && (s->query->since || !s->query->run))
		r = seek_time(s, s->query->since, err);
	if (r == 0 && s->cursor.offset < offset)
		r = seek_run(s, (int64_t)s->only, err);
	return r;
}

/* ---- the last lines of a part ---- */

/* The next entry that matters: 1, or 0 when the part is over. */
static int next_entry(struct ct_log_stream *s, struct ct_index_entry *entry, struct ct_err *err)
{
	int r;

	do
		r = ct_cursor_next(&s->cursor, entry, s->frame, err);
	while (r == -EBADMSG);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	return r > 0 && ct_log_stream_use(s, entry) != CT_ENTRY_END;
}

static void count_line(struct count *c, bool unsure[2], const struct ct_log_line *line, bool final)
{
	bool *first = &unsure[line->stream == CT_STREAM_STDERR];

	if (!line->ends && !final)
		return;
	c->lines++;
	if (*first)
		c->torn = c->lines;
	*first = false;
}

static void count_entry(struct count *c, bool unsure[2], struct ct_line_cutter *cutter,
			const struct ct_log_stream *s, const struct ct_index_entry *entry)
{
	enum ct_entry_use use = ct_log_stream_use(s, entry);
	struct ct_log_line line;

	if (use == CT_ENTRY_FRAME) {
		ct_lines_feed(cutter, (int)entry->kind, entry->time, s->frame, entry->value);
		while (ct_lines_next(cutter, &line))
			count_line(c, unsure, &line, false);
	} else if (use == CT_ENTRY_BREAK) {
		while (ct_lines_flush(cutter, true, &line))
			count_line(c, unsure, &line, true);
		unsure[0] = unsure[1] = false;
	}
}

/* Count from the cursor on; whole: no line can have begun before. */
static int count_lines(struct ct_log_stream *s, bool whole, struct count *ret_count,
		       struct ct_err *err)
{
	struct ct_line_cutter cutter = {0};
	struct ct_index_entry entry;
	bool unsure[2] = { !whole, !whole };
	struct ct_log_line line;
	struct count c = {0};
	int r;

	while ((r = next_entry(s, &entry, err)) > 0)
		count_entry(&c, unsure, &cutter, s, &entry);
	while (r == 0 && ct_lines_flush(&cutter, true, &line))
		count_line(&c, unsure, &line, true);
	ct_lines_free(&cutter);
	*ret_count = c;
	return r;
}

/* The time from which to look back. */
static int part_end(struct ct_log_stream *s, uint64_t *ret_time, struct ct_err *err)
{
	struct ct_index_entry entry = { .time = s->query->until };
	int r = 0;

	if (s->only && ct_cursor_seek_run(&s->cursor, (int64_t)s->only + 1, err) == 0)
		r = ct_cursor_next(&s->cursor, &entry, s->frame, err);
	else if (entry.time > ct_now_real())
		entry.time = ct_now_real();
	if (r < 0 && r != -EBADMSG)
		return ct_wrap(err, "%s", s->name);
	*ret_time = entry.time < s->query->until ? entry.time : s->query->until;
	return 0;
}

/* Place the cursor at a window's beginning: 1 when that is the beginning of everything. */
static int seek_window(struct ct_log_stream *s, uint64_t time, uint64_t start, struct ct_err *err)
{
	int r = seek_time(s, time, err);

	if (r < 0 || s->cursor.offset > start)
		return r;
	r = seek_start(s, err);
	return r < 0 ? r : 1;
}

static int seek_last_of_part(struct ct_log_stream *s, struct ct_err *err)
{
	uint64_t start = s->cursor.offset, end = 0, wanted = s->query->lines;
	struct count c = {0};
	int r = part_end(s, &end, err), whole = 0;

	for (uint64_t window = FIRST_WINDOW; r >= 0; window *= 4) {
		uint64_t time = window < end ? end - window : 0;

		whole = seek_window(s, time, start, err);
		r = whole < 0 ? whole : count_lines(s, whole, &c, err);
		if (r < 0 || whole || (c.lines >= wanted && c.lines - wanted >= c.torn)) {
			s->skip = c.lines > wanted ? c.lines - wanted : 0;
			/* Back to where the counting began. */
			return r < 0 ? r : seek_window(s, time, start, err);
		}
	}
	return r;
}

/* ---- the whole ---- */

static bool is_everything(const struct ct_log_stream *s)
{
	return s->query->stream[0] && s->query->stream[1] && s->query->until == UINT64_MAX &&
	       (!s->query->run || s->query->run == -1) && s->limit == UINT64_MAX;
}

static int seek_last(struct ct_log_stream *s, struct ct_err *err)
{
	uint64_t start = s->cursor.offset;
	int r;

	if (!is_everything(s))
		return seek_last_of_part(s, err);
	r = ct_cursor_seek_lines(&s->cursor, s->query->lines, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	return s->cursor.offset < start ? seek_start(s, err) : 0;
}

int ct_log_stream_seek(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	const struct ct_log_query *q = s->query;
	int r = 0;

	if (q->tail && !q->lines) {
		/* Nothing of what is there; the cursor is at the end already if it is followed. */
		if (!q->follow || !s->connected)
			s->limit = 0;
		note_run(s);
		return q->run && q->run != -1 ? seek_run(s, q->run, err) : 0;
	}
	if (q->run || q->since)
		r = seek_start(s, err);
	if (r == 0 && q->tail)
		r = seek_last(s, err);
	note_run(s);
	return r < 0 ? r : 0;
}
