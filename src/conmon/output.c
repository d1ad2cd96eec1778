/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the payload to the stream log: read what is there, append it as one frame. That is the whole
 * data path, whatever the number of readers.
 *
 * Runs in the monitor, at most one frame a wake-up and stream, so that a noisy payload cannot keep
 * control and reaping waiting. There can be reasons to leave the output in its pipe for a while;
 * then the descriptors are out of the set.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

static void arm(struct monitor *m, struct output *out, bool on)
{
	if (out->fd < 0 || out->armed == on)
		return;
	out->armed = on;
	/* Out of the set, not without events in it: a hang-up is reported even then, over and over. */
	if (on)
		ct_monitor_watch(m, out->fd, out->source, EPOLLIN);
	else
		ct_monitor_unwatch(m, out->fd);
}

void ct_output_hold(struct monitor *m, unsigned reason, bool on)
{
	m->hold = on ? m->hold | reason : m->hold & ~reason;
	for (int i = 0; i < 2; i++)
		arm(m, &m->out[i], !m->hold);
}

static void end_output(struct monitor *m, struct output *out)
{
	arm(m, out, false);
	/* With a terminal stdin is the same description: writing on makes no sense either. */
	if (m->config->tty)
		ct_input_close(m);
	ct_drop_fd(&out->fd);
}

void ct_output_ready(struct monitor *m, struct output *out)
{
	ssize_t n;

	if (m->hold || out->fd < 0)
		return;
	n = read(out->fd, m->frame + CT_FRAME_HEADER, CT_FRAME_MAX);
	if (n > 0) {
		ct_log_append(m->log, out->stream, m->frame, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A pipe ends with 0, a pty whose last slave is closed with EIO. */
	end_output(m, out);
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
