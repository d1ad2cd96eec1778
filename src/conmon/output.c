/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the payload to the stream log: read what is there, append it as one frame. That is the whole
 * data path, whatever the number of readers.
 *
 * Runs in the monitor, at most one frame a wake-up and stream, so that a noisy payload cannot keep
 * control and reaping waiting. When the log takes no more (a full disk), the frame stays in its
 * buffer and the payload is not read until a retry succeeds: nothing is lost, nothing spins.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

static void end_output(struct monitor *m, struct output *out)
{
	ct_monitor_unwatch(m, out->fd);
	/* With a terminal stdin is the same description: writing on makes no sense either. */
	if (m->config->tty)
		ct_input_close(m);
	ct_drop_fd(&out->fd);
}

/* Out of the set, not without events in it: a hang-up is reported even then, over and over. */
static void arm(struct monitor *m, bool on)
{
	for (int i = 0; i < 2; i++) {
		if (m->out[i].fd < 0)
			continue;
		if (on)
			ct_monitor_watch(m, m->out[i].fd, m->out[i].source, EPOLLIN);
		else
			ct_monitor_unwatch(m, m->out[i].fd);
	}
}

static bool append(struct monitor *m, int stream, size_t size)
{
	if (ct_log_append(&m->log, stream, m->frame, size) == 0)
		return true;
	m->held = size;
	m->held_stream = stream;
	arm(m, false);
	ct_monitor_tick(m, true);
	return false;
}

void ct_output_ready(struct monitor *m, struct output *out)
{
	ssize_t n;

	if (m->held || out->fd < 0)
		return;
	n = read(out->fd, m->frame + CT_FRAME_HEADER, CT_FRAME_MAX);
	if (n > 0) {
		append(m, out->stream, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	/* A pipe ends with 0, a pty whose last slave is closed with EIO. */
	end_output(m, out);
}

void ct_output_retry(struct monitor *m)
{
	size_t size = m->held;

	if (!size)
		return;
	m->held = 0;
	if (append(m, m->held_stream, size))
		arm(m, true);
}

bool ct_output_done(const struct monitor *m)
{
	return !m->held && m->out[0].fd < 0 && m->out[1].fd < 0;
}

void ct_output_close(struct monitor *m)
{
	for (int i = 0; i < 2; i++)
		if (m->out[i].fd >= 0)
			end_output(m, &m->out[i]);
}
