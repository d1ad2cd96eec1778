/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the payload to the stream log: read what is there, append it as one frame. That is the whole
 * data path, whatever the number of readers.
 *
 * Runs in the monitor, at most one frame a wake-up and stream, so that a noisy payload cannot keep
 * control and reaping waiting. There can be reasons to leave the output in its pipe for a while;
 * then the descriptor is out of the set.
 *
 * One of them is that a payload writes line by line, and fast: to read and log each line alone
 * costs more than the line. So when little was read twice within a millisecond, the pipe is left
 * alone for a fraction of one, and what has gathered is read at once. A lone write is never left
 * waiting, nor what may be the echo of a key, nor a pipe that would be full before we come back.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

#define LITTLE		4096		/* bytes; less than this is worth waiting for more */
#define STORM		1000000u	/* ns: little, and little again so soon after, is a storm */
#define GATHER		250000u		/* ns that a pipe is left alone then */
#define TYPING		10000000u	/* ns after a client's stdin in which nothing gathers */
#define ROOM		65536		/* bytes that a pipe must hold to be left alone */

static void arm(struct monitor *m, struct output *out)
{
	bool on = !m->hold && !out->until;

	if (out->fd < 0 || out->armed == on)
		return;
	out->armed = on;
	/* Out of the set, not without events in it: a hang-up is reported even then, again and
	 * again. */
	if (on)
		ct_monitor_watch(m, out->fd, out->source, EPOLLIN);
	else
		ct_monitor_unwatch(m, out->fd);
}

void ct_output_open(struct monitor *m, struct output *out)
{
	int room = fcntl(out->fd, F_GETPIPE_SZ);

	/* A terminal is no pipe, and holds as much. */
	out->gather = room >= ROOM || (room < 0 && m->config->tty);
	arm(m, out);
}

void ct_output_hold(struct monitor *m, unsigned reason, bool on)
{
	m->hold = on ? m->hold | reason : m->hold & ~reason;
	for (int i = 0; i < 2; i++)
		arm(m, &m->out[i]);
}

static void end_output(struct monitor *m, struct output *out)
{
	if (out->armed)
		ct_monitor_unwatch(m, out->fd);
	out->armed = false;
	out->until = 0;
	/* With a terminal stdin is the same description: writing on makes no sense either. */
	if (m->config->tty)
		ct_input_close(m);
	ct_drop_fd(&out->fd);
}

/* So much was read: is more to gather before the next look? */
static void pace(struct monitor *m, struct output *out, size_t size)
{
	uint64_t now, before = out->small;

	if (!out->gather || size >= LITTLE) {
		out->small = 0;
		return;
	}
	now = ct_now_monotonic();
	out->small = now;
	if (now - before > STORM || m->exited || now - m->last_input < TYPING)
		return;
	out->until = now + GATHER;
	arm(m, out);
}

/*
 * Up to a frame: bytes; 0 and less as read(2). A pipe gives all it has at once, a terminal at most
 * a page at a time.
 */
static ssize_t read_frame(const struct monitor *m, const struct output *out)
{
	uint8_t *buf = m->frame + CT_FRAME_HEADER;
	ssize_t n = read(out->fd, buf, CT_FRAME_MAX), all = n;

	while (m->config->tty && n > 0 && all < CT_FRAME_MAX) {
		n = read(out->fd, buf + all, CT_FRAME_MAX - (size_t)all);
		all += n > 0 ? n : 0;
	}
	return all;
}

void ct_output_ready(struct monitor *m, struct output *out)
{
	ssize_t n;

	/* What was reported before this batch's events took it out of the set. */
	if (m->hold || out->until || out->fd < 0)
		return;
	n = read_frame(m, out);
	if (n > 0) {
		ct_log_append(m->log, out->stream, m->frame, (size_t)n);
		m->untidy = m->untidy || n >= LITTLE;
		pace(m, out, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A pipe ends with 0, a pty whose last slave is closed with EIO. */
	end_output(m, out);
}

int64_t ct_output_timeout(const struct monitor *m)
{
	int64_t due = ct_log_wake_due(m->log);
	uint64_t now = 0;

	for (int i = 0; i < 2; i++) {
		uint64_t until = m->out[i].until;
		int64_t left;

		if (!until)
			continue;
		now = now ? now : ct_now_monotonic();
		left = until > now ? (int64_t)(until - now) : 0;
		if (due < 0 || left < due)
			due = left;
	}
	return due;
}

void ct_output_due(struct monitor *m)
{
	uint64_t now = 0;

	for (int i = 0; i < 2; i++) {
		struct output *out = &m->out[i];

		if (!out->until)
			continue;
		now = now ? now : ct_now_monotonic();
		if (now < out->until && !m->exited)
			continue;
		out->until = 0;
		/* It is nearly certain that there is something: no need to be told. In a storm the
		 * descriptor stays out of the set this way. */
		ct_output_ready(m, out);
		arm(m, out);
	}
	ct_log_wake_now(m->log);
}

bool ct_output_done(const struct monitor *m)
{
	return m->out[0].fd < 0 && m->out[1].fd < 0;
}

void ct_output_close(struct monitor *m)
{
	for (int i = 0; i < 2; i++)
		if (m->out[i].fd >= 0)
			end_output(m, &m->out[i]);
}
