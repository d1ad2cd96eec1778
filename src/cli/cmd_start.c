/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach start: start containers that were created or have ended, and follow one if asked to.
 *
 * Runs in the command's own process with the caller's rights; the monitors are its children's
 * children. A container that runs already is no error, as docker has it. Fails with the exit codes
 * of run (126, 127) when the command cannot be executed; the container is then as it was.
 *
 *                     not running                      runs already
 *    start NAME       started, name printed            name printed, exit code 0
 *    start A B, --all each so; a failure is told       no error
 *    start -a NAME    started, followed as by run      followed from now on
 *    in a service     started, systemd is told         an error: it waits for a start of its own
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include <cattach/event.h>

#include "follow_options.h"
#include "latest.h"
#include "operands.h"
#include "starting.h"

struct start_options {
	bool attach, interactive, sig_proxy, latest, all;
	const char *detach_keys, *default_keys, *sdnotify;
	struct ct_strings filter;
};

#define OPTION(member) offsetof(struct start_options, member)

static const struct ct_option start_table[] = {
	{ "all", 0, CT_OPTION_BOOL, NULL, OPTION(all),
	  "All containers that were created or have ended" },
	{ "filter", 'f', CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "Those that do not run and match, with the keys of \"cattach ps\"" },
	{ "attach", 'a', CT_OPTION_BOOL, NULL, OPTION(attach),
	  "Follow the container: its output, signals and exit code" },
	{ "interactive", 'i', CT_OPTION_BOOL, NULL, OPTION(interactive),
	  "Follow it and give it standard input, if it was made with -i" },
	{ "sig-proxy", 0, CT_OPTION_BOOL, "BOOL", OPTION(sig_proxy),
	  "Pass signals on to the container that is followed (default true)" },
	{ "detach-keys", 0, CT_OPTION_STRING, "KEYS", OPTION(detach_keys),
	  "Keys that detach from the terminal (default ctrl-p,ctrl-q; none switches them off)" },
	{ "detach-keys", 0, CT_OPTION_DEFAULT, NULL, OPTION(default_keys), NULL },
	{ "sdnotify", 0, CT_OPTION_STRING, "MODE", OPTION(sdnotify),
	  "Who tells systemd (NOTIFY_SOCKET) that it is ready: monitor, container or ignore (default as it "
	  "was made)" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest),
	  "Start the container that was made last" },
	{ 0 },
};

/* Nobody waits for one that somebody else is making. */
#define STARTED	(ct_states_for(CT_ACT_START) & ~CT_STATE_BIT(CT_STATE_CREATING))

static const struct start_options start_defaults = { .sig_proxy = true };

/* ---- in the background ---- */

/* --sdnotify counts for this start alone: it changes the record in memory, not that on disk. */
static int find(struct ct_store *store, struct ct_arena *arena, const char *name,
		const struct start_options *o, struct ct_container *container, struct ct_err *err)
{
	int r = ct_container_find(store, arena, name, container, err);

	if (r == 0 && o->sdnotify)
		r = ct_sdnotify_parse(o->sdnotify, &container->meta.sdnotify, err);
	return r;
}

/* For a service one that runs already is an error: it is not the service's, which would wait for a
 * word from it for ever. -EALREADY: it runs, as ct_start_existing() has found under the container's
 * lock. */
static int start_one(struct ct_store *store, struct ct_arena *arena, const char *name,
		     const struct start_options *o, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	int r = find(store, arena, name, o, &container, err);

	if (r == 0)
		r = ct_start_existing(store, &container, 0, 0, NULL, err);
	if (r < 0 && (r != -EALREADY || ct_sdnotify_wanted(&container.meta)))
		return r;
	return ct_print_line(name, err);
}

/* Of several: what is wrong with a command or a mount does not say in which of them. */
static void name_it(struct ct_err *failure, const char *name)
{
	if (!strstr(failure->what, name) && !strstr(failure->where, name))
		ct_wrap(failure, "%s", name);
}

/* One that fails is reported and the others go on. */
static int start_all(const struct ct_call *call, struct ct_store *store)
{
	/* A service has one main process: none of them is it. */
	const struct start_options quietly = { .sdnotify = "ignore" };
	int code = 0;

	for (size_t i = 0; i < call->operands.count; i++) {
		struct ct_err failure = { 0 };

		if (start_one(store, call->arena, call->operands.items[i], &quietly, &failure) == 0)
			continue;
		name_it(&failure, call->operands.items[i]);
		ct_report(&failure);
		code = failure.exit;
	}
	return code;
}

/* --all and --filter name any number, so what needs one terminal is refused even when it would be
 * one. */
static int start_every(const struct ct_call *call, struct ct_store *store, struct ct_err *err)
{
	const struct start_options *o = call->options;
	const struct ct_named choice = {
		.all = o->all, .option = "all", .states = STARTED, .latest = o->latest,
		.filters = &o->filter,
	};
	struct ct_call named;

	if (o->attach || o->interactive)
		return ct_fail(err, EINVAL, "--%s and --%s exclude each other",
			       o->all ? "all" : "filter", o->attach ? "attach" : "interactive");
	if (ct_operands_choose(call, &choice, &named, err) < 0)
		return -err->code;
	return start_all(&named, store);
}

/* ---- followed ---- */

/* From now on: what it has written before is in "cattach logs", and docker's attach does not show
 * it either. */
static int follow_running(struct ct_client *client, const struct ct_follow_plan *plan,
			  struct ct_err *err)
{
	struct ct_log_source source = ct_client_source(client);
	struct ct_cursor cursor = CT_CURSOR_INIT;

	if (ct_cursor_open(&source, CT_FROM_NOW, &cursor, err) < 0) {
		ct_client_close(client);
		return -err->code;
	}
	return ct_follow_session(client, &cursor, plan, err);
}

/* A connection to its start, as a socket, or, where it runs already, to its monitor: 0 or negative.
 * What ran when we looked and has ended by the time that we connect can be started after all. Goes
 * round when the two looks see different states: EALREADY by the start (it runs), then ESRCH by the
 * attach (it has ended). Each round needs another end of the container, so this cannot spin. */
static int start_or_attach(struct ct_store *store, struct ct_container *container,
			   const struct ct_follow_plan *plan, int *ret_sock,
			   struct ct_client *ret_client, struct ct_err *err)
{
	for (;;) {
		int r = ct_start_existing(store, container, plan->rows, plan->columns, ret_sock,
					  err);

		if (r != -EALREADY || ct_sdnotify_wanted(&container->meta))
			return r;
		*err = (struct ct_err){ 0 };
		r = ct_container_attach(store, container, plan->hello, plan->rows, plan->columns,
					ret_client, err);
		if (r != -ESRCH)
			return r;
		*err = (struct ct_err){ 0 };
	}
}

static int start_and_follow(struct ct_store *store, struct ct_arena *arena, const char *name,
			    const struct start_options *o, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_follow_options options = {
		.streams = { .in = o->interactive, .out = true, .err = true },
		.detach_keys = o->detach_keys,
		.default_keys = o->default_keys,
		.sig_proxy = o->sig_proxy,
		.no_terminal = "leave out -i to watch it",
	};
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_follow_plan plan;
	int sock = -1, r = find(store, arena, name, o, &container, err);

	/* What a pipe gets must be all there is; a terminal is only looked at. */
	options.lag_blocks = !container.meta.tty;
	if (r == 0)
		r = ct_follow_prepare(&container.meta, &options, &plan, err);
	if (r < 0)
		return r;
	/* A window that is closed is no reason for the container to end: it was there before us. */
	plan.how.hang_up = CT_HANG_UP_DETACHES;
	plan.how.container = &container;
	plan.how.store = store;
	ct_event_record(&container, "attach", CT_EVENT_END);
	/* From here on a signal is meant for the payload, which may start at any moment. */
	ct_foreground_block(o->sig_proxy);
	r = start_or_attach(store, &container, &plan, &sock, &client, err);
	if (r < 0)
		return r;
	if (sock < 0)
		return follow_running(&client, &plan, err);
	r = ct_follow_started(sock, &plan, err);
	/* The monitor has ended: what it could not remove itself, its own cgroup, goes now. */
	ct_container_sweep(&container);
	ct_container_await_hooks(&container);
	return r;
}

/* Before anything is looked up. For one container, even "-l", it is known here that it is one. */
static int check_sdnotify(const struct ct_call *call, struct ct_err *err)
{
	const struct start_options *o = call->options;
	const char *ignored;

	if (ct_sdnotify_parse(o->sdnotify, &ignored, err) < 0)
		return -err->code;
	if (!o->sdnotify || (!o->all && !o->filter.count && call->operands.count <= 1))
		return 0;
	ct_fail(err, EINVAL, "a service has one main process, and this would be several");
	return ct_wrap(err, "--sdnotify");
}

static int start_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct start_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	const struct ct_follow_options keys = { .detach_keys = o->detach_keys,
						.default_keys = o->default_keys };
	bool attached = o->attach || o->interactive, every = o->all || o->filter.count;
	const char *name;
	int r = every ? 0 : ct_check_latest(call, o->latest, err);

	if (r == 0)
		r = check_sdnotify(call, err);
	if (r == 0)
		r = ct_follow_check(&keys, err);
	if (r == 0 && attached && call->operands.count > 1) {
		ct_fail(err, EINVAL, "you cannot start and attach multiple containers at once");
		return ct_hint(err, "start them, then cattach attach each, or cattach logs -f all");
	}
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0 && every)
		return start_every(call, &store, err);
	if (r == 0 && call->operands.count > 1)
		return start_all(call, &store);
	if (r == 0)
		r = ct_operand_or_latest(call, o->latest, &store, &name, err);
	if (r < 0)
		return r;
	if (attached)
		return start_and_follow(&store, call->arena, name, o, err);
	return start_one(&store, call->arena, name, o, err);
}

const struct ct_verb ct_verb_start = {
	.name = "start",
	.summary = "Start containers that were created or have ended",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description =
		"Runs the command of each container again, with the options it was made with, and prints "
		"its name. What it writes goes on in the same log. A container that runs already is no "
		"error.\n\n"
		"With -a or -i one container is followed as by \"cattach run\"; the exit code is then "
		"its own. 126 and 127 have the meaning they have there.",
	.examples = "cattach start web db\tStart two containers\n"
		    "cattach start -ai shell\tStart one and sit down at it",
	.options = start_table,
	.defaults = &start_defaults,
	.options_size = sizeof(struct start_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = start_handler,
};
