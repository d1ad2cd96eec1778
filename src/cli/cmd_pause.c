/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach pause and unpause: stop what runs in containers, and have it go on.
 *
 * Runs in the command's own process, on cgroups of the caller. One that fails is reported and the
 * others go on. Fails for containers that do not run, that are in that state already, and for those
 * that have no cgroup.
 */
#include "operands.h"

struct pause_options {
	bool all;
};

static const struct ct_option pause_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct pause_options, all),
	  "All containers that run" },
	{ 0 },
};

static const struct ct_option unpause_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct pause_options, all),
	  "All containers that are paused" },
	{ 0 },
};

/* The freezer of the container's cgroup: processes do not get a signal, and cannot ignore it. */
static int pause_one(struct ct_store *store, struct ct_container *container, void *arg,
		     struct ct_err *err)
{
	const bool *paused = arg;

	(void)store;
	return ct_container_pause(container, *paused, err);
}

/* --all means those in a state for it: what is paused already is no error then, by its name it
 * is. */
static int handle(const struct ct_call *call, bool paused, struct ct_err *err)
{
	const struct pause_options *options = call->options;
	const struct ct_each each = { .act = pause_one, .arg = &paused };
	unsigned states = ct_states_for(paused ? CT_ACT_PAUSE : CT_ACT_UNPAUSE);
	struct ct_call named;

	if (ct_operands_or_all(call, options->all, "all", states, &named, err) < 0)
		return -err->code;
	return ct_each_operand(&named, &each, err);
}

static int pause_handler(const struct ct_call *call, struct ct_err *err)
{
	return handle(call, true, err);
}

static int unpause_handler(const struct ct_call *call, struct ct_err *err)
{
	return handle(call, false, err);
}

const struct ct_verb ct_verb_pause = {
	.name = "pause",
	.summary = "Stop what runs in containers, to go on later",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description =
		"All processes of the container stand still, those of \"cattach exec\" too, until "
		"\"cattach unpause\". They do not notice, and no signal is sent. Its memory stays in use; "
		"connections stay open, and whoever waits for an answer waits.\n\n"
		"\"exec\", \"attach\" and \"start\" are refused meanwhile; \"logs\", \"top\", \"cp\", "
		"\"inspect\" and \"wait\" are not. \"stop\" sends its signal and lets the container go on "
		"to act on it, and so does \"kill\" with any signal but KILL.\n\n"
		"It takes a control group that is yours: \"cattach info\" says whether there is one.",
	.examples = "cattach pause web\tStop it where it is\n"
		    "cattach pause -a\tAll that run\n"
		    "cattach ps -f status=paused\tWhich ones are paused",
	.options = pause_table,
	.options_size = sizeof(struct pause_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = pause_handler,
};

const struct ct_verb ct_verb_unpause = {
	.name = "unpause",
	.summary = "Have paused containers go on",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "What \"cattach pause\" has stopped goes on where it stood.",
	.examples = "cattach unpause web\tHave it go on\n"
		    "cattach unpause -a\tAll that are paused",
	.options = unpause_table,
	.options_size = sizeof(struct pause_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = unpause_handler,
};
