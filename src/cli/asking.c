/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A short conversation with the monitor of a running container, over a connection of its own that
 * counts as nobody's terminal: it is not listed, has no size and ends nothing when it goes.
 *
 * Runs in the command's own process with the caller's rights. What may fail: the container does not
 * run, or ends meanwhile; the monitor refuses what it is asked.
 *
 *   ct_ask_open    attach with CT_HELLO_QUIET
 *   ct_ask_send    a question         ct_ask_wait    its answer; other messages are passed over
 *   ct_ask_close   DETACH, so that the monitor knows that we did not crash
 */
#include "asking.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <cattach/states.h>

static int fail_ended(const struct ct_asking *a, struct ct_err *err)
{
	return ct_fail(err, ESRCH, "%s %s has ended meanwhile",
		       ct_container_kind(&a->container), a->name);
}

/* A monitor serves its last readers for a while after the payload's end: it may still be asked
 * then. */
int ct_ask_open(struct ct_asking *asking, const struct ct_call *call, const char *name,
		uint32_t hello, struct ct_err *err)
{
	struct ct_asking *a = asking;
	int r;

	a->name = name;
	if (ct_store_open(&a->store, err) < 0 ||
	    ct_container_find(&a->store, call->arena, name, &a->container, err) < 0)
		return -err->code;
	if (a->container.meta.name)
		a->name = ct_container_label(&a->container);
	if (ct_state_check(&a->container, CT_ACT_ASK, err) < 0)
		return -err->code;
	if (!ct_state_is_live(a->container.state) && !ct_container_is_served(&a->container))
		return ct_state_refuse(&a->container, CT_ACT_ASK, err);
	r = ct_container_attach(&a->store, &a->container, hello | CT_HELLO_QUIET, 0, 0, &a->client,
				err);
	/* It has ended, or its monitor has and nobody has noticed yet that the payload goes,
	 * too. */
	if ((r == -ESRCH || r == -EIO) && ct_state_is_live(a->container.state))
		return fail_ended(a, err);
	/* That last client has gone, too. */
	return r == -ESRCH ? ct_state_refuse(&a->container, CT_ACT_ASK, err) : r;
}

void ct_ask_close(struct ct_asking *asking)
{
	if (asking->client.sock >= 0)
		ct_client_send(&asking->client, &(struct ct_message){ .type = CT_MSG_DETACH });
	ct_client_close(&asking->client);
	ct_container_close(&asking->container);
	ct_store_close(&asking->store);
}

int ct_ask_send(struct ct_asking *asking, const struct ct_message *message, struct ct_err *err)
{
	int r = ct_client_send(&asking->client, message);

	if (r == -EPIPE || r == -ECONNRESET)
		return fail_ended(asking, err);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot ask the monitor of %s", asking->name);
	return 0;
}

/* What the monitor says when it does not do something, but goes on. */
static int fail_refused(const struct ct_asking *a, const struct ct_message *m, struct ct_err *err)
{
	return ct_fail(err, EPERM, "the monitor of %s refuses: %.*s", a->name, (int)m->size,
		       (const char *)m->data);
}

/* EXIT in place of an answer: the monitor is done with everybody. */
int ct_ask_wait(struct ct_asking *asking, enum ct_message_type type,
		struct ct_message *ret_message, struct ct_err *err)
{
	struct pollfd sock = { .fd = asking->client.sock, .events = POLLIN };

	for (;;) {
		int r = ct_client_receive(&asking->client, ret_message, err);

		if (r == -EPIPE)
			return fail_ended(asking, err);
		if (r < 0)
			return ct_wrap(err, "%s", asking->name);
		if (r == 0 && poll(&sock, 1, -1) < 0 && errno != EINTR)
			return ct_fail_errno(err, errno, "cannot wait for the monitor of %s",
					     asking->name);
		if (r == 0)
			continue;
		if (ret_message->type == type)
			return 0;
		if (ret_message->type == CT_MSG_EXIT)
			return fail_ended(asking, err);
		if (ret_message->type == CT_MSG_ERROR)
			return fail_refused(asking, ret_message, err);
	}
}

/* A CLIENT for each, and one with id 0 at the end (PROTOCOL.md, "Lists"). */
int ct_ask_clients(struct ct_asking *asking, struct ct_arena *arena,
		   struct ct_attached *ret_attached, struct ct_err *err)
{
	struct ct_attached list = {
		.items = ct_arena_calloc(arena, CT_ATTACH_MAX_CLIENTS, sizeof(*list.items)),
	};
	struct ct_message message = { .type = CT_MSG_CLIENTS_GET };

	if (!list.items)
		return ct_fail_nomem(err);
	if (ct_ask_send(asking, &message, err) < 0)
		return -err->code;
	while (list.count < CT_ATTACH_MAX_CLIENTS) {
		if (ct_ask_wait(asking, CT_MSG_CLIENT, &message, err) < 0)
			return -err->code;
		if (!message.number)
			break;
		list.items[list.count++] = message;
	}
	*ret_attached = list;
	return 0;
}
