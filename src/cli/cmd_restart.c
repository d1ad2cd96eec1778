/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach restart: stop, then start.
 *
 * Runs in the command's own process with the caller's rights, one container after the other. One
 * that does not run is only started. Fails as stop and start do; the others go on.
 */
#include "cli.h"

#include <errno.h>

#include <cattach/event.h>

#include "operands.h"
#include "starting.h"

struct restart_options {
	const char *timeout, *signal;
	bool all, running, latest;
	struct ct_strings cidfile, filter;
};

#define OPTION(member) offsetof(struct restart_options, member)

static const struct ct_option restart_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, OPTION(all),
	  "All containers: those that do not run are started" },
	{ "cidfile", 0, CT_OPTION_LIST, "FILE", OPTION(cidfile),
	  "The container whose id is in FILE, as \"cattach run --cidfile\" writes it" },
	{ "filter", 'f', CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "Those that match, with the keys of \"cattach ps\"; with --running only what runs" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest), "The container that was made last" },
	{ "running", 0, CT_OPTION_BOOL, NULL, OPTION(running), "All containers that run" },
	{ "timeout", 't', CT_OPTION_STRING, "SECONDS", OPTION(timeout),
	  "Seconds to wait before KILL (default that of the container; -1 for ever)" },
	{ "time", 0, CT_OPTION_STRING, "SECONDS", OPTION(timeout), NULL },
	{ "signal", 's', CT_OPTION_STRING, "SIGNAL", OPTION(signal),
	  "Signal to send first (default that of the container)" },
	{ 0 },
};

/* Or is about to. */
#define RUNNING	(CT_STATES_LIVE | CT_STATE_BIT(CT_STATE_RESTARTING))

struct restart {
	int signal, timeout;
};

/* A container that is about to be started again by its policy is stopped first, and then started
 * here. */
static int restart_one(struct ct_store *store, struct ct_container *container, void *arg,
		       struct ct_err *err)
{
	const struct restart *restart = arg;
	int r = ct_container_refuse_session(container, "started again", err);

	if (r == 0)
		r = ct_container_stop(container, restart->signal, restart->timeout, err);
	if (r == 0)
		r = ct_start_existing(store, container, 0, 0, NULL, err);
	/* Somebody else was quicker; the run is a new one all the same. */
	if (r == -EALREADY) {
		*err = (struct ct_err){ 0 };
		r = 0;
	}
	if (r == 0)
		ct_event_record(container, "restart", CT_EVENT_END);
	return r;
}

/* --running is podman's: what runs, and not what has ended; --all is both. */
static int restart_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct restart_options *o = call->options;
	struct restart restart = { .timeout = -2 };
	const struct ct_each each = { .act = restart_one, .arg = &restart };
	const struct ct_named choice = {
		.all = o->all || o->running, .option = o->all ? "all" : "running",
		.states = o->running && !o->all ? RUNNING : ct_states_for(CT_ACT_RESTART),
		.latest = o->latest, .cidfiles = &o->cidfile, .filters = &o->filter,
	};
	struct ct_call named;

	if (o->signal && ct_signal_option(o->signal, &restart.signal, err) < 0)
		return -err->code;
	if (ct_seconds_option(o->timeout, &restart.timeout, err) < 0 ||
	    ct_operands_choose(call, &choice, &named, err) < 0)
		return -err->code;
	return ct_each_operand(&named, &each, err);
}

const struct ct_verb ct_verb_restart = {
	.name = "restart",
	.summary = "Stop containers and start them again",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "What \"cattach stop\" and \"cattach start\" do, for one container after the "
		       "other. One that does not run is only started.",
	.examples = "cattach restart -t 2 web\tTwo seconds to end, then the same again\n"
		    "cattach restart --running\tEverything that runs",
	.options = restart_table,
	.options_size = sizeof(struct restart_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = restart_handler,
};
