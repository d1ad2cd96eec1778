/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach rm: remove containers, with -f also running ones.
 *
 * Runs in the command's own process, on directories of the caller only. Fails for a container that
 * runs (without -f), that another machine made, or that does not exist (without -f).
 *
 *    rm         stopped, created, damaged: removed                   runs: an error
 *    rm -f      the same; what runs is killed first                  missing: no error
 *    rm -ft N   what runs gets its stop signal and N seconds first
 */
#include "operands.h"

#include <errno.h>

struct rm_options {
	bool force, all, volumes, ignore, latest, depend;
	const char *timeout;
	struct ct_strings cidfile, filter;
};

#define OPTION(member) offsetof(struct rm_options, member)

static const struct ct_option rm_table[] = {
	{ "force", 'f', CT_OPTION_BOOL, NULL, OPTION(force),
	  "Kill running containers first; a missing one is no error" },
	{ "all", 'a', CT_OPTION_BOOL, NULL, OPTION(all),
	  "All containers; without -f those that run are refused" },
	{ "cidfile", 0, CT_OPTION_LIST, "FILE", OPTION(cidfile),
	  "The container whose id is in FILE, as \"cattach run --cidfile\" writes it" },
	{ "depend", 0, CT_OPTION_BOOL, NULL, OPTION(depend),
	  "Accepted for scripts: no container depends on another" },
	{ "filter", 0, CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "All that match, with the keys of \"cattach ps\"; without -f those that run are refused" },
	{ "ignore", 'i', CT_OPTION_BOOL, NULL, OPTION(ignore),
	  "A missing container is no error" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest), "The container that was made last" },
	{ "timeout", 't', CT_OPTION_STRING, "SECONDS", OPTION(timeout),
	  "With -f: send the stop signal first, and wait so long before KILL (-1 for ever)" },
	{ "time", 0, CT_OPTION_STRING, "SECONDS", OPTION(timeout), NULL },
	{ "volumes", 'v', CT_OPTION_BOOL, NULL, OPTION(volumes),
	  "Accepted for scripts: containers have no volumes of their own" },
	{ 0 },
};

struct removal {
	bool force, ask;	/* ask: to end, before it is killed */
	int timeout;
};

static int remove_one(struct ct_store *store, struct ct_container *container, void *arg,
		      struct ct_err *err)
{
	const struct removal *removal = arg;
	struct ct_err ignored;

	/* One that cannot be stopped is removed by force, or that says why not. */
	if (removal->ask && CT_STATES_LIVE & CT_STATE_BIT(container->state))
		ct_container_stop(container, 0, removal->timeout, &ignored);
	return ct_container_remove(store, container, removal->force, err);
}

/* podman takes --time only with --force, too. */
static int check_timeout(const struct rm_options *options, struct removal *removal,
			 struct ct_err *err)
{
	removal->ask = options->timeout;
	if (options->timeout && !options->force) {
		ct_fail(err, EINVAL, "needs --force");
		ct_hint(err, "without it nothing that runs is removed");
		return ct_wrap(err, "--timeout");
	}
	return ct_seconds_option(options->timeout, &removal->timeout, err);
}

/* -f stands for --ignore, too, as for docker and podman: a script that cleans up asks for the end
 * state. */
static int rm_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct rm_options *options = call->options;
	struct removal removal = { .force = options->force };
	const struct ct_each each = {
		.act = remove_one, .arg = &removal, .missing_ok = options->force || options->ignore,
	};
	const struct ct_named choice = {
		.all = options->all, .option = "all", .states = CT_STATES_ALL,
		.latest = options->latest, .missing_ok = each.missing_ok,
		.cidfiles = &options->cidfile, .filters = &options->filter,
	};
	struct ct_call named;

	if (check_timeout(options, &removal, err) < 0 ||
	    ct_operands_choose(call, &choice, &named, err) < 0)
		return -err->code;
	return ct_each_operand(&named, &each, err);
}

const struct ct_verb ct_verb_rm = {
	.name = "rm",
	.summary = "Remove containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "The container's record, configuration and log are deleted; its root file "
		       "system is not touched. CONTAINER is a name, an id or the beginning of one. "
		       "What was removed is printed.\n\n"
		       "With -f a container that runs is killed at once; with -t, too, it gets its stop "
		       "signal first, and the time to end by itself.",
	.examples = "cattach rm web\tRemove a container that has ended\n"
		    "cattach rm -f -t 5 web\tFive seconds to end, then it is gone\n"
		    "cattach rm --filter status=exited --filter label=ci\tWhat a job has left\n"
		    "cattach rm -fa\tRemove all of them, running or not",
	.options = rm_table,
	.options_size = sizeof(struct rm_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = rm_handler,
};
