/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outlet: our stdout or stderr. O_NONBLOCK belongs to the open file description, which a shell
 * or another program shares, so it is never set on theirs. A terminal is opened once more, which
 * gives a description of our own. A pipe or socket is written with pwritev2(2) and RWF_NOWAIT,
 * which takes what fits. Where neither works, poll(2) says that a little fits, and no more is
 * written.
 *
 * Runs in the CLI. What may fail: the terminal belongs to somebody else (su), so that it cannot be
 * opened again.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "outlet.h"

/* A pipe that polls writable has room for PIPE_BUF bytes, a terminal for a page of its buffer. */
#define TERMINAL_CHUNK	256

static int open_terminal(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void ct_outlet_open(int fd, struct ct_outlet *ret_outlet)
{
	struct ct_outlet outlet = { .fd = fd };
	struct stat st;

	outlet.regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	if (isatty(fd)) {
		int again = open_terminal(fd);

		outlet.own = again >= 0;
		outlet.fd = outlet.own ? again : fd;
		outlet.chunk = TERMINAL_CHUNK;
	}
	*ret_outlet = outlet;
}

void ct_outlet_close(struct ct_outlet *outlet)
{
	if (outlet->own)
		ct_fd_close(outlet->fd);
	outlet->own = false;
	outlet->fd = -1;
}

static ssize_t write_now(const struct ct_outlet *outlet, const void *data, size_t size)
{
	ssize_t n = write(outlet->fd, data, size);

	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static ssize_t write_chunk(const struct ct_outlet *outlet, const void *data, size_t size)
{
	struct pollfd room = { .fd = outlet->fd, .events = POLLOUT };

	if (poll(&room, 1, 0) <= 0)
		return 0;
	return write_now(outlet, data, size < outlet->chunk ? size : outlet->chunk);
}

ssize_t ct_outlet_write(struct ct_outlet *outlet, const void *data, size_t size)
{
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	ssize_t n;

	if (outlet->regular || outlet->own)
		return write_now(outlet, data, size);
	if (outlet->chunk)
		return write_chunk(outlet, data, size);
	n = pwritev2(outlet->fd, &part, 1, -1, RWF_NOWAIT);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
		return -errno;
	outlet->chunk = PIPE_BUF;
	return write_chunk(outlet, data, size);
}
