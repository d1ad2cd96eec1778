/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's stdio and its start: pipes, the master of its pty or what the caller has passed, and
 * the call that makes it.
 *
 * Runs in the monitor, before the loop. The payload's ends block, as any program expects; ours do
 * not. What fails is told to whoever launched the monitor, and ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

static int make_pipe(int *ours, int *theirs, bool we_read, struct ct_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	*ours = fds[we_read ? 0 : 1];
	*theirs = fds[we_read ? 1 : 0];
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up a pipe");
	return 0;
}

/* They are the payload's and its alone: who reads them is to see their end when it has ended. */
static void pass(const struct monitor *m, struct ct_child_stdio *stdio)
{
	for (int i = 0; i < 3; i++)
		stdio->fd[i] = m->config->pass[i];
	stdio->borrowed = true;
}

static void wrote(void *arg, int stream, const void *data, size_t size)
{
	const struct monitor *m = arg;

	memcpy(m->frame + CT_FRAME_HEADER, data, size);
	ct_log_append(m->log, stream, m->frame, size);
}

static int make_stdio(struct monitor *m, struct ct_child_stdio *stdio, struct ct_err *err)
{
	int r = 0;

	stdio->tty = m->config->tty;
	stdio->rows = m->rows;
	stdio->columns = m->columns;
	if (stdio->tty)
		return 0;
	stdio->wrote = wrote;
	stdio->wrote_arg = m;
	if (m->config->passthrough)
		pass(m, stdio);
	for (int i = 0; i < 2 && r == 0 && !stdio->borrowed; i++)
		r = make_pipe(&m->out[i].fd, &stdio->fd[1 + i], true, err);
	if (r < 0 || stdio->fd[0] >= 0)
		return r;
	if (m->config->stdin_open)
		return make_pipe(&m->in, &stdio->fd[0], false, err);
	stdio->fd[0] = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	if (stdio->fd[0] < 0)
		return ct_fail_errno(err, errno, "cannot open /dev/null");
	return 0;
}

static void close_child_ends(const struct ct_child_stdio *stdio)
{
	for (int i = 0; i < 3; i++)
		ct_fd_close(stdio->fd[i]);
}

static int take_terminal(struct monitor *m, struct ct_err *err)
{
	if (!m->config->tty)
		return 0;
	if (fcntl(m->payload.terminal, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up the terminal");
	m->out[0].fd = m->payload.terminal;
	/* Held open, or a payload that lets go of its terminal and opens /dev/console again later
	 * would have ended it in between: the master says EIO once the last slave is closed. */
	m->peer = ioctl(m->payload.terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->peer < 0)
		return ct_fail_errno(err, errno, "cannot hold the terminal");
	if (!m->config->stdin_open)
		return 0;
	/* A descriptor of its own, so that stdin can be watched for room separately. */
	m->in = fcntl(m->payload.terminal, F_DUPFD_CLOEXEC, 3);
	return m->in < 0 ? ct_fail_errno(err, errno, "cannot set up the terminal") : 0;
}

static int meanwhile(void *arg, struct ct_err *err)
{
	struct monitor *m = arg;

	return m->log ? 0 : ct_monitor_prepare(m, err);
}

int ct_payload_start(struct monitor *m, struct ct_err *err)
{
	struct ct_child_stdio stdio = { .fd = { -1, -1, -1 }, .meanwhile = meanwhile, .arg = m };
	int r = make_stdio(m, &stdio, err);

	if (r == 0)
		r = m->config->spawn(m->config->arg, &stdio, &m->payload, err);
	close_child_ends(&stdio);
	if (r == 0)
		r = meanwhile(m, err);
	return r < 0 ? r : take_terminal(m, err);
}
