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
 *
 *    what it is        how it is written                       when it takes nothing
 *    regular file      write(2)                                does not happen
 *    terminal          opened again, O_NONBLOCK                EAGAIN
 *    pipe, socket      pwritev2(2) with RWF_NOWAIT             EAGAIN
 *    neither works     poll(2), then chunk bytes at most       poll says so
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

/* By /proc: the same device, whatever its name is in this mount namespace. O_NOCTTY, or a session
 * leader without one would get it as its own. */
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

/* Another process that writes there at the same time can take the room between the two calls: then
 * this waits, as any write would. */
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
	/* Offset -1 is the current one, where pipes and sockets have none. */
	n = pwritev2(outlet->fd, &part, 1, -1, RWF_NOWAIT);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* Asked once: what does not know the flag now will not later. */
	outlet->chunk = PIPE_BUF;
	return write_chunk(outlet, data, size);
}
