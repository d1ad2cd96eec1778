/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output in the foreground: from the stream log, by a cursor, to our stdout and stderr; before that
 * from the files of a log driver, where somebody wants what is only there. Neither output is ever
 * waited for in a write, so a stuck terminal keeps neither signals nor stdin waiting, and the
 * payload not at all, unless it was asked to wait for us: the monitor is told how far we have read.
 *
 * Runs in the CLI with the caller's rights. What may fail: output that nobody takes any more
 * (EPIPE: quiet, as any filter ends). A damaged record is reported and passed over.
 *
 *    taken from the log    notice (lines were lost)   then data of one stream
 *    write_taken()         1 wrote some, goes on; 0 the output is full: EPOLLOUT wakes us
 *                          2 nothing is left: take() the next
 *    ct_follow_pump()      1 enough for once; 0 nothing to do until something happens
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/io.h>

#include "cli.h"
#include "follow.h"

#define PUMP_MAX	(16 * CT_FOLLOW_BUFFER)	/* before signals and stdin get a turn */

void ct_follow_open_output(struct ct_follow *f, uint8_t *memory)
{
	f->out.data = memory;
	ct_outlet_open(STDOUT_FILENO, &f->out.outlet[0]);
	ct_outlet_open(STDERR_FILENO, &f->out.outlet[1]);
}

void ct_follow_close_output(struct ct_follow *f)
{
	ct_outlet_close(&f->out.outlet[0]);
	ct_outlet_close(&f->out.outlet[1]);
}

/* ---- writing ---- */

/* For one event only (EPOLLONESHOT): the next time that it is full it is armed again, by MOD, for
 * it stays in the epoll. */
static int wait_for_outlet(struct ct_follow *f, const struct ct_outlet *outlet, struct ct_err *err)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT,
				     .data.u32 = CT_FOLLOW_OUTLET };

	if (epoll_ctl(f->epoll, EPOLL_CTL_MOD, outlet->fd, &event) == 0 ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, outlet->fd, &event) == 0)
		return 0;
	return ct_fail_errno(err, errno, "cannot wait for the output to take more");
}

/* 1 something written, 0 it takes nothing now or for ever. Nobody reading any more ends us as
 * SIGPIPE would. */
static int write_some(struct ct_follow *f, struct ct_outlet *outlet, const void *data,
		      size_t *start, size_t end, struct ct_err *err)
{
	ssize_t n = ct_outlet_write(outlet, (const char *)data + *start, end - *start);

	if (n == 0)
		return wait_for_outlet(f, outlet, err);
	if (n == -EPIPE) {
		f->result = CT_EXIT_SIGNAL_BASE + SIGPIPE;
		return 0;
	}
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot write to %s",
				     outlet == &f->out.outlet[1] ? "stderr" : "stdout");
	*start += (size_t)n;
	return 1;
}

/* Write what was taken from the log: 1 there is more, 0 it takes nothing now, 2 nothing is left. */
static int write_taken(struct ct_follow *f, struct ct_err *err)
{
	struct ct_follow_output *out = &f->out;

	if (out->notice_start < out->notice_end)
		return write_some(f, &out->outlet[1], out->notice, &out->notice_start,
				  out->notice_end, err);
	if (out->start < out->end)
		return write_some(f, &out->outlet[out->stream == CT_STREAM_STDERR], out->data,
				  &out->start, out->end, err);
	return 2;
}

/* ---- reading ---- */

/* What was lost to us is said at its place, before what comes behind it. The cursor counts what was
 * overwritten before we had read it: only a reader that does not block (--lag skip) can lose
 * something. */
static void note_missed(struct ct_follow *f)
{
	struct ct_follow_output *out = &f->out;
	uint64_t missed = ct_cursor_missed(f->cursor);

	if (!missed)
		return;
	out->notice_start = 0;
	out->notice_end = (size_t)snprintf(
		out->notice, sizeof(out->notice),
		"cattach: %llu bytes were skipped: this reader was too slow%s\n",
		(unsigned long long)missed, f->terminal.fd >= 0 ? "\r" : "");
}

/* The next bytes of a stream, of files first. */
static ssize_t read_log(struct ct_follow *f, struct ct_err *err)
{
	struct ct_follow_output *out = &f->out;
	ssize_t n = 0;

	if (f->how->earlier)
		n = ct_earlier_read(f->how->earlier, out->data, CT_FOLLOW_BUFFER, &out->stream,
				    err);
	return n ? n : ct_cursor_read(f->cursor, out->data, CT_FOLLOW_BUFFER, &out->stream, err);
}

/* Those that are to be shown: how many, 0 nothing for now. A stream that is not shown is read all
 * the same, and thrown away: the place in the log is one for both. */
static ssize_t take(struct ct_follow *f, struct ct_err *err)
{
	struct ct_follow_output *out = &f->out;
	ssize_t n = read_log(f, err);

	if (n == -EBADMSG) {
		/* the cursor stands behind it; what follows is as good as before */
		ct_report(err);
		return 1;
	}
	if (n < 0)
		return n;
	note_missed(f);
	out->start = 0;
	out->end = f->how->out[out->stream == CT_STREAM_STDERR] ? (size_t)n : 0;
	/* who is gone hears nothing, and who waits for us must know, where we begin, too */
	if (f->connected && ct_client_position(f->client, f->cursor->offset) < 0)
		return n;
	return n;
}

/* Everything is written that will ever come: that is the end, whoever knows how it ended. A client
 * that is NULL is the rest of a log in a directory (foreground_again.c), whose end is the end of
 * its files. */
static void look_for_end(struct ct_follow *f)
{
	struct ct_exit status;

	if (!f->client)
		f->result = 0;
	else if (ct_cursor_ended(f->cursor, &status))
		f->result = ct_exit_code(&status);
	else if (!f->connected)
		f->gone = true;
	f->over = f->client && (f->result >= 0 || f->gone);
}

int ct_follow_pump(struct ct_follow *f, struct ct_err *err)
{
	size_t taken = 0;

	while (taken < PUMP_MAX) {
		int r = write_taken(f, err);
		ssize_t n;

		if (r <= 0)
			return r;
		if (r == 1)
			continue;
		n = take(f, err);
		if (n < 0)
			return (int)n;
		if (n == 0 && f->out.notice_start == f->out.notice_end) {
			look_for_end(f);
			return 0;
		}
		taken += (size_t)n;
	}
	return 1;
}
