/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A target's side of the conversation: what comes in, in an order that makes sense, handed to a
 * sink that makes files or a tar stream of it.
 *
 * Runs in the half that writes: in the command, where the source is a process within a container's
 * reach, or in that process. The order is kept here, once, so that no sink ever sees two things at
 * the top, data without a file, or a directory left that nobody entered, whatever is sent.
 *
 *   depth 0, nothing yet   SOURCE                    -> started
 *   started                ENTER, FILE, SYMLINK, HARDLINK, FIFO    one of them at the top, once
 *   in a directory         the same, and LEAVE
 *   a file is open         EXTENT, DATA, CLOSE
 *   just entered or opened XATTR
 *   anywhere               REPORT; DONE when everything was closed and left
 */
#include "parts.h"

#include <errno.h>

struct state {
	struct ct_copy_channel *channel;
	struct ct_copy_sink *sink;
	unsigned depth;
	bool started, file_open, top;	/* top: the one thing at the top has been there */
	bool attributes;		/* the last thing that was opened takes some */
};

/* A warning is passed on as one; ct_copy_report() knows what counts. */
static int count_error(struct state *s, const struct ct_copy_message *m, struct ct_err *err)
{
	struct ct_err what;
	struct ct_copy_message error = *m;

	ct_copy_take_error(&error, &what);
	return ct_copy_report(s->channel, &what, m->flags & CT_COPY_WARNING, err);
}

/* TARGET is sent at once: the source waits for it, and sends nothing that has no place to go. */
static int start(struct state *s, const struct ct_copy_message *m, struct ct_err *err)
{
	struct ct_copy_message target = { .type = CT_COPY_TARGET };
	int r;

	if (s->started)
		return ct_copy_fail_order(err);
	s->started = true;
	r = s->sink->source(s->sink->arg, m, &target, err);
	if (r == 0)
		r = ct_copy_send(s->channel, &target, err);
	return r < 0 ? r : ct_copy_flush(s->channel, err);
}

/* Does it make sense here? */
static bool fits(const struct state *s, const struct ct_copy_message *m)
{
	switch (m->type) {
	case CT_COPY_ENTER:
	case CT_COPY_FILE:
	case CT_COPY_SYMLINK:
	case CT_COPY_HARDLINK:
	case CT_COPY_FIFO:
		return s->started && !s->file_open && (s->depth || !s->top) &&
		       (m->type != CT_COPY_ENTER || s->depth < CT_COPY_DEPTH);
	case CT_COPY_LEAVE:
		return s->depth && !s->file_open;
	case CT_COPY_EXTENT:
	case CT_COPY_DATA:
	case CT_COPY_CLOSE:
		return s->file_open;
	case CT_COPY_XATTR:
		return s->attributes;
	case CT_COPY_SOURCE:
	case CT_COPY_TARGET:
	case CT_COPY_REPORT:
	case CT_COPY_DONE:
	case CT_COPY_RESULT:
		break;
	}
	return false;
}

static int take_entry(struct state *s, const struct ct_copy_message *m, struct ct_err *err)
{
	if (!fits(s, m))
		return ct_copy_fail_order(err);
	s->top = true;
	s->attributes = m->type == CT_COPY_ENTER || m->type == CT_COPY_FILE ||
			m->type == CT_COPY_XATTR;
	if (m->type == CT_COPY_ENTER)
		s->depth++;
	else if (m->type == CT_COPY_LEAVE)
		s->depth--;
	else if (m->type == CT_COPY_FILE || m->type == CT_COPY_CLOSE)
		s->file_open = m->type == CT_COPY_FILE;
	return s->sink->entry(s->sink->arg, m, err);
}

/* 1: that was the last. */
static int take_message(struct state *s, const struct ct_copy_message *m, struct ct_err *err)
{
	if (m->type == CT_COPY_SOURCE)
		return start(s, m, err);
	if (m->type == CT_COPY_REPORT)
		return count_error(s, m, err);
	if (m->type != CT_COPY_DONE)
		return take_entry(s, m, err);
	if (ct_copy_take_error(m, err) < 0)
		return -err->code;
	/* Errors of the other half were counted as they came, if it was honest. */
	if (s->channel->errors < m->size)
		s->channel->errors = m->size;
	return s->depth || s->file_open || !s->started ? ct_copy_fail_order(err) : 1;
}

/* The last word of a target: what became of it, for the source. */
static void say_result(struct ct_copy_channel *channel, uint32_t warnings,
		       const struct ct_err *failure)
{
	const struct ct_copy_message m = {
		.type = CT_COPY_RESULT, .flags = warnings,
		.data = failure, .data_size = failure ? sizeof(*failure) : 0,
	};
	struct ct_err ignored;

	if (ct_copy_send(channel, &m, &ignored) == 0)
		ct_copy_flush(channel, &ignored);
}

/* RESULT is sent whatever happened: the source waits for it behind DONE, and reads it when sending
 * fails. That it cannot be sent does not matter, for then the source is gone. */
int ct_copy_receive(struct ct_copy_channel *channel, struct ct_copy_sink *sink,
		    struct ct_err *err)
{
	struct state s = { .channel = channel, .sink = sink };
	struct ct_copy_message m;
	int r = 0;

	while (r == 0) {
		r = ct_copy_next(channel, &m, err);
		if (r == 0)
			r = take_message(&s, &m, err);
	}
	if (r > 0)
		r = ct_copy_warn(channel, sink->warnings, err);
	say_result(channel, r < 0 ? 0 : sink->warnings, r < 0 ? err : NULL);
	return r;
}
