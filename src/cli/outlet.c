/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An outlet: our stdout or stderr. O_NONBLOCK belongs to the open file description, which a shell
 * or another program shares, so it is never set. Where the kernel can, pwritev2(2) with RWF_NOWAIT
 * writes what fits; elsewhere poll(2) says that at least PIPE_BUF bytes fit, and no more are
 * written. Runs in the CLI.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "outlet.h"

void ct_outlet_open(int fd, struct ct_outlet *ret_outlet)
{
	struct stat st;

	*ret_outlet = (struct ct_outlet){ .fd = fd };
	ret_outlet->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
}

static ssize_t write_chunk(struct ct_outlet *outlet, const void *data, size_t size)
{
	struct pollfd room = { .fd = outlet->fd, .events = POLLOUT };
	ssize_t n;

	if (!outlet->regular) {
		if (poll(&room, 1, 0) <= 0)
			return 0;
		size = size < PIPE_BUF ? size : PIPE_BUF;
	}
	n = write(outlet->fd, data, size);
	if (n >= 0)
		return n;
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

ssize_t ct_outlet_write(struct ct_outlet *outlet, const void *data, size_t size)
{
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	ssize_t n;

	if (outlet->regular || outlet->by_chunks)
		return write_chunk(outlet, data, size);
	n = pwritev2(outlet->fd, &part, 1, -1, RWF_NOWAIT);
	if (n >= 0)
		return n;
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS)
		return -errno;
	outlet->by_chunks = true;
	return write_chunk(outlet, data, size);
}
