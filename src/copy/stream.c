/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One end of a copy's socket: messages gathered on their way out, cut from what has come in.
 *
 * Runs in both halves. Nothing waits without looking at the descriptor that says "stop", so that a
 * user's ctrl-c finds us able to clean up, whatever the other half or its file system is doing.
 * What may fail: the other half is gone, which is an error of its own unless it has said why.
 *
 *   source                          target
 *   SOURCE   ------------------->            what it is: a file or a directory
 *            <-------------------  TARGET    where it goes has been decided; or RESULT: it cannot
 *   ENTER, FILE, DATA, ...  ---->            one way only from here on: no answer is waited for
 *   REPORT   ------------------->            what could not be read; the copy goes on
 *   DONE     ------------------->
 *            <-------------------  RESULT    what became of it
 *
 * Both sockets' ends are non-blocking by MSG_DONTWAIT, call by call: the descriptors are shared
 * with nobody, but O_NONBLOCK would have to be set in both halves.
 */
#include "parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

/* Two messages of the greatest size: one can always be added to what is begun, or completed. */
#define BUFFER (2 * CT_COPY_MESSAGE_MAX)

/* On failure the caller closes the channel, which frees what there is. */
int ct_copy_channel_open(struct ct_copy_channel *channel, int fd, struct ct_err *err)
{
	channel->fd = fd;
	channel->out = malloc(BUFFER);
	channel->in = malloc(BUFFER);
	return channel->out && channel->in ? 0 : ct_fail_nomem(err);
}

void ct_copy_channel_close(struct ct_copy_channel *channel)
{
	ct_drop_fd(&channel->fd);
	free(ct_take(&channel->out));
	free(ct_take(&channel->in));
}

/* stop is -1 where nobody can interrupt, which poll(2) passes over. Whatever happens to it counts:
 * a signal that is readable, or a pipe whose other end is gone. */
int ct_copy_poll(const struct ct_copy_channel *channel, int fd, short events, struct ct_err *err)
{
	struct pollfd wait[] = {
		{ .fd = fd, .events = events },
		{ .fd = channel->stop, .events = POLLIN },
	};

	while (poll(wait, 2, -1) < 0)
		if (errno != EINTR)
			return ct_fail_errno(err, errno, "cannot wait");
	return wait[1].revents ? ct_fail(err, ECANCELED, "the copy was interrupted") : 0;
}

/* ---- out ---- */

/* Killed, or it has died of what it found: what it knew it would have said. */
static int fail_gone(struct ct_err *err)
{
	return ct_fail(err, EPIPE, "the other half of the copy ended without a word");
}

/* The order of things must not be left to signals: MSG_NOSIGNAL, so that a half that died shows as
 * EPIPE here and its last words can be read (ct_copy_lost()). */
int ct_copy_flush(struct ct_copy_channel *channel, struct ct_err *err)
{
	size_t done = 0;

	while (done < channel->out_used) {
		ssize_t n = send(channel->fd, channel->out + done, channel->out_used - done,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			done += (size_t)n;
		else if (errno == EPIPE || errno == ECONNRESET)
			return fail_gone(err);
		else if (errno != EAGAIN && errno != EINTR)
			return ct_fail_errno(err, errno, "cannot send");
		else if (ct_copy_poll(channel, channel->fd, POLLOUT, err) < 0)
			return -err->code;
	}
	channel->out_used = 0;
	return 0;
}

/* Small messages are gathered, so that a tree of small files costs a system call for dozens of
 * them. What must arrive now is followed by a flush. */
int ct_copy_send(struct ct_copy_channel *channel, const struct ct_copy_message *message,
		 struct ct_err *err)
{
	size_t room = CT_COPY_HEADER + CT_COPY_NAME_MAX + message->data_size;

	if (channel->out_used + room > BUFFER && ct_copy_flush(channel, err) < 0)
		return -err->code;
	channel->out_used += ct_copy_encode(message, channel->out + channel->out_used);
	return 0;
}

/* ---- in ---- */

/* What is left of a message moves to the front; decoded messages point into the buffer and are
 * valid until the next call of ct_copy_next() only. */
static int fill(struct ct_copy_channel *channel, struct ct_err *err)
{
	ssize_t n;

	if (channel->in_start) {
		memmove(channel->in, channel->in + channel->in_start,
			channel->in_end - channel->in_start);
		channel->in_end -= channel->in_start;
		channel->in_start = 0;
	}
	do {
		if (ct_copy_poll(channel, channel->fd, POLLIN, err) < 0)
			return -err->code;
		n = recv(channel->fd, channel->in + channel->in_end, BUFFER - channel->in_end,
			 MSG_DONTWAIT);
	} while (n < 0 && (errno == EINTR || errno == EAGAIN));
	if (n == 0 || (n < 0 && errno == ECONNRESET))
		return fail_gone(err);
	if (n < 0)
		return ct_fail_errno(err, errno, "cannot receive");
	channel->in_end += (size_t)n;
	return 0;
}

/* The message points into the channel's buffer, until the next one is asked for. */
int ct_copy_next(struct ct_copy_channel *channel, struct ct_copy_message *ret_message,
		 struct ct_err *err)
{
	for (;;) {
		ssize_t n = ct_copy_decode(channel->in + channel->in_start,
					   channel->in_end - channel->in_start, ret_message, err);

		if (n < 0)
			return (int)n;
		if (n > 0) {
			channel->in_start += (size_t)n;
			return 0;
		}
		if (fill(channel, err) < 0)
			return -err->code;
	}
}

/* ---- what the user hears ---- */

/* The half that has watch is the command itself, and has a user; the other sends it over. A warning
 * does not make the exit code 125, an error does. */
int ct_copy_report(struct ct_copy_channel *channel, const struct ct_err *what, bool warning,
		   struct ct_err *err)
{
	const struct ct_copy_message m = {
		.type = CT_COPY_REPORT,
		.flags = warning ? CT_COPY_WARNING : 0,
		.data = what, .data_size = sizeof(*what),
	};

	if (!warning)
		channel->errors++;
	if (!channel->watch)
		return ct_copy_send(channel, &m, err);
	channel->watch->report(what, warning, channel->watch->arg);
	return 0;
}

/* Bytes of contents, on whichever side there is somebody who watches. */
void ct_copy_count(struct ct_copy_channel *channel, size_t bytes)
{
	channel->bytes += bytes;
	if (channel->watch && channel->watch->progress)
		channel->watch->progress(channel->bytes, channel->watch->arg);
}

/* ---- the conversation, from the source's side ---- */

/* The error that a DONE or RESULT brought, its texts made to end; 0 when there is none. What comes
 * from a process within a container's reach is not believed: neither that its texts end, nor its
 * exit code, nor that its number is an errno. */
int ct_copy_take_error(const struct ct_copy_message *m, struct ct_err *err)
{
	if (!m->data_size)
		return 0;
	memcpy(err, m->data, sizeof(*err));
	err->where[sizeof(err->where) - 1] = '\0';
	err->what[sizeof(err->what) - 1] = '\0';
	err->hint[sizeof(err->hint) - 1] = '\0';
	if (!err->what[0])
		strcpy(err->what, "the other half of the copy failed and does not say why");
	err->exit = CT_EXIT_FAILED;
	if (err->code <= 0 || err->code > 4095)
		err->code = EIO;
	return -err->code;
}

/* A message that is well-formed and not due: the half in a container may have been taken over. */
int ct_copy_fail_order(struct ct_err *err)
{
	return ct_fail(err, EPROTO, "the other half of the copy spoke out of turn");
}

/* What is worth a line although the copy succeeded. */
int ct_copy_warn(struct ct_copy_channel *channel, uint32_t flags, struct ct_err *err)
{
	struct ct_err warning;
	int r = 0;

	if (!channel->watch)
		return 0;	/* the other half has a user to tell */
	if (flags & CT_COPY_NO_OWNERS) {
		ct_fail(&warning, EPERM,
			"some owners could not be kept: there are no such ids there, "
			"or they are not ours to give");
		r = ct_copy_report(channel, &warning, true, err);
	}
	if (r == 0 && flags & CT_COPY_NO_XATTRS) {
		ct_fail(&warning, ENOTSUP,
			"some extended attributes were lost: the file system there "
			"does not take them");
		r = ct_copy_report(channel, &warning, true, err);
	}
	return r;
}

static int take_result(struct ct_copy_channel *channel, const struct ct_copy_message *m,
		       struct ct_err *err)
{
	int r = ct_copy_take_error(m, err);

	return r < 0 ? r : ct_copy_warn(channel, m->flags, err);
}

/* The target may end before the source has sent all: its socket is closed by then, but what it said
 * before is still in ours. */
int ct_copy_lost(struct ct_copy_channel *channel, struct ct_err *err)
{
	struct ct_copy_message m;
	struct ct_err said = { 0 };

	if (err->code == EPIPE && ct_copy_next(channel, &m, &said) == 0 &&
	    m.type == CT_COPY_RESULT && ct_copy_take_error(&m, &said) < 0)
		*err = said;
	return -err->code;
}

/* The only time that the source waits before it has sent everything. */
int ct_copy_begin(struct ct_copy_channel *channel, const struct ct_copy_message *source,
		  struct ct_copy_message *ret_target, struct ct_err *err)
{
	int r = ct_copy_send(channel, source, err);

	if (r == 0)
		r = ct_copy_flush(channel, err);
	if (r == 0)
		r = ct_copy_next(channel, ret_target, err);
	if (r < 0)
		return r;
	if (ret_target->type == CT_COPY_RESULT && ct_copy_take_error(ret_target, err) < 0)
		return -err->code;
	return ret_target->type == CT_COPY_TARGET ? 0 : ct_copy_fail_order(err);
}

/* A failure of ours is told with DONE, so that the target takes away what is half written. */
int ct_copy_finish(struct ct_copy_channel *channel, const struct ct_err *failure,
		   struct ct_err *err)
{
	struct ct_copy_message m = {
		.type = CT_COPY_DONE, .size = channel->errors,
		.data = failure, .data_size = failure ? sizeof(*failure) : 0,
	};
	int r = ct_copy_send(channel, &m, err);

	if (r == 0)
		r = ct_copy_flush(channel, err);
	if (r < 0)
		return ct_copy_lost(channel, err);
	r = ct_copy_next(channel, &m, err);
	if (r < 0)
		return r;
	return m.type == CT_COPY_RESULT ? take_result(channel, &m, err) : ct_copy_fail_order(err);
}
