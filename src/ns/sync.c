/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket between a process that is setting itself up and the one that started it: one record
 * a message, of fixed size, with descriptors or none. The socket is CLOEXEC in the child, so
 * that its end of file after SYNC_EXEC means: the program runs.
 *
 * Runs on both sides; allocates nothing. What may fail: the other side is gone.
 */
#include <errno.h>

#include <cattach/fd.h>

#include "child.h"

int ct_sync_send(int sync, enum sync_type type, const struct ct_err *err, int fd)
{
	struct sync_message message = { .type = type };

	if (err)
		message.err = *err;
	return ct_send(sync, &message, sizeof(message), fd);
}

int ct_sync_send_fds(int sync, enum sync_type type, const int *fds, size_t count)
{
	struct sync_message message = { .type = type };

	return ct_send_fds(sync, &message, sizeof(message), fds, count, 0);
}

/* 1 a message, 0 the end, -errno. */
int ct_sync_receive(int sync, struct sync_message *message, int fds[CT_FDS_MAX])
{
	ssize_t n = ct_recv_fds(sync, message, sizeof(*message), fds, 0);

	/* It ended without reading our last word. The kernel says that first, once, and has what it
	 * said itself before still. */
	if (n == -ECONNRESET)
		n = ct_recv_fds(sync, message, sizeof(*message), fds, 0);
	if (n == -ECONNRESET)
		return 0;
	if (n <= 0)
		return (int)n;
	if (n != (ssize_t)sizeof(*message)) {
		for (size_t i = 0; i < CT_FDS_MAX; i++)
			ct_drop_fd(&fds[i]);
		return -EPROTO;
	}
	/* Our init has it for a moment, too, within the container's reach: texts must end. */
	message->err.where[sizeof(message->err.where) - 1] = '\0';
	message->err.what[sizeof(message->err.what) - 1] = '\0';
	message->err.hint[sizeof(message->err.hint) - 1] = '\0';
	return 1;
}
