/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach detach: send clients of a container away. The container does not notice: their going
 * closes nothing of it, and what they have typed still reaches it.
 *
 * Runs in the command's own process. Without a client's id there must be exactly one to be meant.
 * Fails for a client that is not attached, and for a container that does not run.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>

#include <cattach/num.h>

#include "asking.h"

#define SHOWN	8	/* ids in a message */

struct detach_options {
	bool all;
};

static const struct ct_option detach_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct detach_options, all),
	  "Every client that is attached" },
	{ 0 },
};

/* "attached: 1, 2, 3 and 4 more", or "nobody is attached" */
static int hint_attached(const struct ct_attached *attached, struct ct_err *err)
{
	struct ct_buf ct_autobuf text = {0};

	if (!attached->count)
		return ct_hint(err, "nobody is attached");
	for (size_t i = 0; i < attached->count && i < SHOWN; i++)
		ct_buf_printf(&text, "%s%u", i ? ", " : "", attached->items[i].number);
	if (attached->count > SHOWN)
		ct_buf_printf(&text, " and %zu more", attached->count - SHOWN);
	return ct_hint(err, "attached: %s", ct_buf_text(&text));
}

/* By the number that "cattach clients" shows, which no other client of this run ever has. */
static int find_client(const char *text, const struct ct_attached *attached, const char *name,
		       uint32_t *ret_id, struct ct_err *err)
{
	uint64_t id;

	if (ct_parse_u64(text, 1, UINT32_MAX, &id, err) < 0)
		return ct_wrap(err, "CLIENT");
	for (size_t i = 0; i < attached->count; i++) {
		if (attached->items[i].number != id)
			continue;
		*ret_id = (uint32_t)id;
		return 0;
	}
	ct_fail(err, ENOENT, "no client %s is attached to %s", text, name);
	return hint_attached(attached, err);
}

/* The only one there is. */
static int only_client(const struct ct_attached *attached, const char *name, uint32_t *ret_id,
		       struct ct_err *err)
{
	if (attached->count == 1) {
		*ret_id = attached->items[0].number;
		return 0;
	}
	if (!attached->count)
		return ct_fail(err, ENOENT, "nobody is attached to %s", name);
	ct_fail(err, EINVAL, "%zu clients are attached to %s: say which, or --all",
		attached->count, name);
	return hint_attached(attached, err);
}

/* 0 is the message's word for "all". */
static int choose(const struct ct_call *call, const struct ct_asking *asking,
		  const struct ct_attached *attached, uint32_t *ret_id, struct ct_err *err)
{
	const struct detach_options *options = call->options;

	*ret_id = 0;
	if (options->all)
		return 0;
	if (call->operands.count > 1)
		return find_client(call->operands.items[1], attached, asking->name, ret_id, err);
	return only_client(attached, asking->name, ret_id, err);
}

/* The ids of those who had to go. */
static int print_dropped(const struct ct_attached *attached, uint32_t id, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	for (size_t i = 0; i < attached->count; i++)
		if (!id || attached->items[i].number == id)
			ct_buf_printf(&buf, "%u\n", attached->items[i].number);
	return ct_print(&buf, err);
}

/* The answer is a CLIENT with id 0, which comes when the clients have been dropped. */
static int detach_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct detach_options *options = call->options;
	struct ct_asking ct_autoasking asking = CT_ASKING_INIT;
	struct ct_message message = { .type = CT_MSG_CLIENT_DROP }, answer;
	struct ct_attached attached;

	if (options->all && call->operands.count > 1) {
		ct_fail(err, EINVAL, "--all and a CLIENT exclude each other");
		return ct_hint(err, "usage: cattach detach %s", call->verb->synopsis);
	}
	if (ct_ask_open(&asking, call, call->operands.items[0], 0, err) < 0 ||
	    ct_ask_clients(&asking, call->arena, &attached, err) < 0 ||
	    choose(call, &asking, &attached, &message.number, err) < 0 ||
	    ct_ask_send(&asking, &message, err) < 0 ||
	    ct_ask_wait(&asking, CT_MSG_CLIENT, &answer, err) < 0)
		return -err->code;
	return print_dropped(&attached, message.number, err);
}

const struct ct_verb ct_verb_detach = {
	.name = "detach",
	.summary = "Detach clients from a container",
	.synopsis = "[OPTIONS] CONTAINER [CLIENT]",
	.description = "The container runs on, and its stdin stays open. CLIENT is an id that \"cattach "
		       "clients\" shows; it can be left out when only one is attached. Prints the ids "
		       "of those that were detached.",
	.examples = "cattach detach web 3\tSend client 3 away\n"
		    "cattach detach --all web\tSend everybody away",
	.options = detach_table,
	.options_size = sizeof(struct detach_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 2,
	.handler = detach_handler,
};
