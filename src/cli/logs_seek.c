/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where to begin: --since, --run and --tail as a place in a stream log, found through its index, so
 * that the cost depends on what is shown and not on how long the log is.
 *
 * The last lines are counted back from the end of what is wanted: of the log, of a run, or from the
 * last frame that is not later than --until.
 *
 * Runs in the CLI. What may fail: there is no such run; reading.
 *
 *    beginning   the later of --since and the run's first entry
 *    end         the earlier of --until, the next run's first entry and now
 *    --tail N    N lines back from the end, not beyond the beginning
 */
#include "logs.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cattach/proc.h>

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

/* A file knows no runs: of the last one the record says when it began, and check_driver() has
 * refused the others. */
static int seek_run(struct ct_log_stream *s, int64_t run, struct ct_err *err)
{
	int r = s->files || s->journal ?
			ct_cursor_seek_time(&s->cursor, s->container.status.started, err) :
			ct_cursor_seek_run(&s->cursor, run, err);

	if (r == -ENOENT)
		return fail_run(s, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	note_run(s);
	return 0;
}

/* ---- the beginning of what is wanted ---- */

static int seek_time(struct ct_log_stream *s, uint64_t time, struct ct_err *err)
{
	return ct_cursor_seek_time(&s->cursor, time, err) < 0 ? ct_wrap(err, "%s", s->name) : 0;
}

/* By --run and --since: whichever is later. s->only remembers the number that -1 or -2 meant when
 * we came: a run that starts meanwhile does not shift it. */
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

/* ---- the last lines ---- */

/* Behind the last entry that is wanted. */
static int seek_end(struct ct_log_stream *s, struct ct_err *err)
{
	uint64_t after = s->query->until == UINT64_MAX ? UINT64_MAX : s->query->until + 1, end;
	struct ct_err ignored;
	int r = seek_time(s, after, err);

	if (r < 0 || !s->only)
		return r;
	end = s->cursor.offset;
	/* Of a run that is not the last one: where the next begins, if that is earlier. */
	if (ct_cursor_seek_run(&s->cursor, (int64_t)s->only + 1, &ignored) == 0 &&
	    s->cursor.offset <= end)
		return 0;
	return seek_time(s, after, err);
}

static int seek_last(struct ct_log_stream *s, struct ct_err *err)
{
	uint64_t start = s->cursor.offset;
	int r = seek_end(s, err);

	if (r < 0)
		return r;
	/* The count is of these lines, whatever has come since. */
	if (!s->query->follow)
		s->limit = s->cursor.offset;
	r = ct_cursor_back_lines(&s->cursor, s->query->lines, s->query->stream, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	return s->cursor.offset < start ? seek_start(s, err) : 0;
}

/* ---- the whole ---- */

/* late: the container was started while we waited for it, so --tail does not count: all of its run
 * is new. */
int ct_log_stream_seek(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	const struct ct_log_query *q = s->query;
	int r = 0;

	if (q->tail && !q->lines && !s->late) {
		/* Nothing of what is there; the cursor is at the end already if it is followed. */
		if (!q->follow || !s->connected)
			s->limit = 0;
		s->time = ct_now_real();
		note_run(s);
		return q->run && q->run != -1 ? seek_run(s, q->run, err) : 0;
	}
	if (q->run || q->since)
		r = seek_start(s, err);
	if (r == 0 && q->tail && !s->late)
		r = seek_last(s, err);
	note_run(s);
	return r < 0 ? r : 0;
}

/* Not by the number of the run: it may have been read from the directory while it was being
 * started, before anything was written or anybody called it running. s->resume is the offset up to
 * which it was read: nothing new there is -ENOENT. */
int ct_log_stream_resume(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	int r = seek_time(s, UINT64_MAX, err);

	if (r < 0)
		return r;
	if (!s->connected && s->cursor.offset == s->resume && s->cursor.header.run == s->run)
		return -ENOENT;
	return seek_time(s, s->time, err);
}
