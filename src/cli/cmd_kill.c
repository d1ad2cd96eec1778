/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach kill: send a signal to the first process of containers.
 *
 * Runs in the command's own process; the signal goes through a pidfd that was verified against the
 * container's record. Fails for unknown signals, before anything is signalled, and for containers
 * that do not run.
 *
 * A container with a keeper may be between two runs: then there is nobody to signal, and those
 * signals that mean its end stop the keeper instead (ct_container_signal()).
 */
#include "operands.h"

struct kill_options {
	const char *signal;
	bool all, latest;
	struct ct_strings cidfile;
};

static const struct ct_option kill_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct kill_options, all),
	  "All containers that run or are paused" },
	{ "cidfile", 0, CT_OPTION_LIST, "FILE", offsetof(struct kill_options, cidfile),
	  "The container whose id is in FILE, as \"cattach run --cidfile\" writes it" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, offsetof(struct kill_options, latest),
	  "The container that was made last" },
	{ "signal", 's', CT_OPTION_STRING, "SIGNAL", offsetof(struct kill_options, signal),
	  "Signal by name or number: TERM, SIGTERM, term, 15, RTMIN+3 (default KILL)" },
	{ 0 },
};

/* docker's default; "stop" is the gentle one. */
static const struct kill_options kill_defaults = { .signal = "KILL" };

static int signal_one(struct ct_store *store, struct ct_container *container, void *arg,
		      struct ct_err *err)
{
	const int *signal = arg;

	(void)store;
	return ct_container_signal(container, *signal, err);
}

static int kill_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct kill_options *options = call->options;
	const struct ct_named choice = {
		.all = options->all, .option = "all", .states = ct_states_for(CT_ACT_KILL),
		.latest = options->latest, .cidfiles = &options->cidfile,
	};
	/* Filled before each is called: each keeps its address. */
	int signal;
	const struct ct_each each = { .act = signal_one, .arg = &signal };
	struct ct_call named;

	if (ct_signal_option(options->signal, &signal, err) < 0 ||
	    ct_operands_choose(call, &choice, &named, err) < 0)
		return -err->code;
	return ct_each_operand(&named, &each, err);
}

const struct ct_verb ct_verb_kill = {
	.name = "kill",
	.summary = "Send a signal to containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "Only the first process of the container gets the signal. As pid 1 it sees "
		       "only signals that it handles, apart from KILL and STOP; \"cattach run "
		       "--init\" puts an init before it that forwards them. KILL, TERM, INT, QUIT and the "
		       "container's own stop signal end its restart policy, too, until it is started.",
	.examples = "cattach kill web\tEnd a container at once\n"
		    "cattach kill -s HUP web\tLet it read its configuration again",
	.options = kill_table,
	.defaults = &kill_defaults,
	.options_size = sizeof(struct kill_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = kill_handler,
};
