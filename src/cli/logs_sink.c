/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the lines of logs go: stdout's part to stdout, stderr's part to stderr, through one buffer,
 * so that the two come out in the order in which they went in.
 *
 * Knows which line stands open (without its newline) on each of the two: when another source's line
 * comes and something of ours stands before lines, the open one is closed first, and goes on later
 * with the same thing before it. Without anything before lines the bytes are the payload's alone,
 * and nothing is added to them.
 *
 * Runs in the CLI. Writes block as any filter's do, which costs no container anything. What may
 * fail: the output, quietly when nobody reads it any more.
 *
 *    stdout and stderr the same file (a terminal, 2>&1)   one device: one line can stand open
 *    two files                                            two devices, each with its own
 *    a line that stands open is its source (a pointer, compared only) and its stream
 */
#include "logs.h"

#include <errno.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/io.h>

#include "cli.h"

#define FLUSH_AT	65536

/* st_rdev for devices: a terminal may have several files in different places of /dev. */
static bool is_same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino && x.st_rdev == y.st_rdev;
}

void ct_sink_open(struct ct_log_sink *ret_sink, const struct ct_log_style *style)
{
	*ret_sink = (struct ct_log_sink){
		.style = style, .fd = STDOUT_FILENO,
		.same = is_same_file(STDOUT_FILENO, STDERR_FILENO),
	};
}

void ct_sink_free(struct ct_log_sink *sink)
{
	ct_buf_done(&sink->buf);
}

/* As a filter that SIGPIPE ends; a shell shows nothing of it, and "set -o pipefail" sees 141. */
int ct_fail_unread(struct ct_err *err)
{
	ct_fail(err, EPIPE, "nobody reads the output");
	return ct_exit_with(err, CT_EXIT_SIGNAL_BASE + SIGPIPE);
}

static int write_to(int fd, const void *data, size_t size, struct ct_err *err)
{
	int r = ct_write_all(fd, data, size);

	if (r == -EPIPE)
		return ct_fail_unread(err);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot write to %s",
				     fd == STDERR_FILENO ? "stderr" : "stdout");
	return 0;
}

/* The buffer is empty afterwards also when it could not be written: what is tried again would come
 * twice. */
int ct_sink_flush(struct ct_log_sink *sink, struct ct_err *err)
{
	int r;

	if (sink->buf.failed)
		return ct_fail_nomem(err);
	if (!sink->buf.length)
		return 0;
	r = write_to(sink->fd, ct_buf_text(&sink->buf), sink->buf.length, err);
	ct_buf_clear(&sink->buf);
	return r;
}

/* From here on the buffer is for this descriptor. stdout and stderr share one buffer, so a change
 * of the descriptor writes it out: that keeps the order between the two where both are one
 * terminal. */
static int turn_to(struct ct_log_sink *sink, int fd, struct ct_err *err)
{
	int r = sink->fd == fd ? 0 : ct_sink_flush(sink, err);

	sink->fd = fd;
	return r;
}

static int fd_of(int stream)
{
	return stream == CT_STREAM_STDERR ? STDERR_FILENO : STDOUT_FILENO;
}

static int finish(struct ct_log_sink *sink, struct ct_err *err)
{
	return sink->buf.length >= FLUSH_AT || sink->buf.failed ? ct_sink_flush(sink, err) : 0;
}

/* One line or a part of one. ours: it goes on where the last part of the same line has stopped, so
 * nothing is put before it. */
int ct_sink_line(struct ct_log_sink *sink, const void *source, const struct ct_log_label *label,
		 const struct ct_log_line *line, struct ct_err *err)
{
	size_t device = line->stream == CT_STREAM_STDERR && !sink->same;
	bool ours = sink->open[device].source == source &&
		    sink->open[device].stream == line->stream && !line->begins;
	/* JSON objects always go to stdout: the stream is one of their members. */
	bool json = sink->style->format == CT_LOGS_JSON;
	int r = turn_to(sink, json ? STDOUT_FILENO : fd_of(line->stream), err);

	if (r < 0)
		return r;
	if (!json && sink->open[device].source && !ours && ct_log_has_prefix(sink->style, label))
		ct_buf_putc(&sink->buf, '\n');
	ct_log_render(sink->style, label, line, !ours, &sink->buf);
	sink->open[device].source = line->ends ? NULL : source;
	sink->open[device].stream = line->stream;
	return finish(sink, err);
}

/* Without anything before lines and in no other format the bytes go as they came. What is large is
 * not copied first. */
int ct_sink_bytes(struct ct_log_sink *sink, int stream, const void *data, size_t size,
		  struct ct_err *err)
{
	int r = turn_to(sink, fd_of(stream), err);

	if (r == 0 && size >= FLUSH_AT / 2) {
		r = ct_sink_flush(sink, err);
		return r < 0 ? r : write_to(sink->fd, data, size, err);
	}
	if (r < 0)
		return r;
	ct_buf_add(&sink->buf, data, size);
	return finish(sink, err);
}

/* What was lost is told at its place between the lines: so these are written out first. */
int ct_sink_notice(struct ct_log_sink *sink, const struct ct_err *notice, struct ct_err *err)
{
	size_t device = !sink->same;

	/* A line of ours that stands open there would have the notice in the middle of it. */
	if (sink->open[device].source) {
		if (turn_to(sink, sink->same ? STDOUT_FILENO : STDERR_FILENO, err) < 0)
			return -err->code;
		ct_buf_putc(&sink->buf, '\n');
		sink->open[device].source = NULL;
	}
	if (ct_sink_flush(sink, err) < 0)
		return -err->code;
	ct_report(notice);
	return 0;
}
