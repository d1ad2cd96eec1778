/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a session's log, as a client gets them: from the monitor, which has those that are in
 * memory and those of directories that are gone; from the session's directory when it has left.
 *
 * Runs in commands, with the user's rights. A question has one answer, and there is one question at
 * a time; other messages that come in between are noted in the client for its caller.
 */
#include <errno.h>

#include <cattach/fd.h>

#include "client.h"

#define NO_SEGMENT 0xffffffffu

static int from_directory(const struct ct_client *client, uint32_t number,
			  struct ct_segment *ret_segment, struct ct_err *err)
{
	struct ct_log_source dir;

	if (client->fallback < 0)
		return -ENOENT;
	dir = ct_log_source_of_dir(client->fallback);
	return dir.open_segment(dir.arg, number, ret_segment, err);
}

/* 1 the answer to the question, 0 something else, negative error. */
static int take_answer(const struct ct_message *m, int fds[CT_FDS_MAX],
		       struct ct_segment *ret_segment, struct ct_err *err)
{
	/* An error that is kept is about something else, too. */
	if (m->type != CT_MSG_SEGMENT)
		return 0;
	if (m->number == NO_SEGMENT)
		return -ENOENT;
	if (fds[0] < 0 || fds[1] < 0)
		return ct_fail(err, EPROTO, "the monitor sent segment %u without its descriptors",
			       m->number);
	ret_segment->number = m->number;
	ret_segment->base = m->offset;
	ret_segment->data = ct_take_fd(&fds[0]);
	ret_segment->index = ct_take_fd(&fds[1]);
	return 1;
}

static int await_answer(struct ct_client *client, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	uint64_t limit = ct_client_limit(client);
	struct ct_message message;
	int fds[CT_FDS_MAX], r;

	for (;;) {
		r = ct_client_take(client, &message, fds, err);
		if (r < 0)
			return r;
		if (r == 0) {
			r = ct_client_await(client, limit, err);
			if (r < 0)
				return r;
			continue;
		}
		r = take_answer(&message, fds, ret_segment, err);
		ct_client_drop_fds(fds);
		if (r != 0)
			return r;
	}
}

static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct ct_message question = { .type = CT_MSG_SEGMENT_GET, .number = number };
	struct ct_segment segment = CT_SEGMENT_INIT;
	struct ct_client *client = arg;
	int r = client->gone ? -EPIPE : ct_client_send(client, &question);

	if (r == 0)
		r = await_answer(client, &segment, err);
	else if (r != -EPIPE && r != -ECONNRESET)
		return ct_fail_errno(err, -r, "cannot ask the container's monitor");
	if (r == -EPIPE || r == -ECONNRESET) {
		client->gone = true;
		return from_directory(client, number, ret_segment, err);
	}
	if (r < 0)
		return r;
	*ret_segment = segment;
	return 0;
}

struct ct_log_source ct_client_source(struct ct_client *client)
{
	return (struct ct_log_source){
		.open_segment = open_segment,
		.arg = client,
		.page = client->page,
	};
}
