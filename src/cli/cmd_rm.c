/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach rm: remove containers, with -f also running ones.
 *
 * Runs in the command's own process, on directories of the caller only. Fails for a container that
 * runs (without -f), that another machine made, or that does not exist (without -f).
 */
#include "operands.h"

struct rm_options {
	bool force, all, volumes, ignore;
};

static const struct ct_option rm_table[] = {
	{ "force", 'f', CT_OPTION_BOOL, NULL, offsetof(struct rm_options, force),
	  "Kill running containers first; a missing one is no error" },
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct rm_options, all),
	  "All containers; without -f those that run are refused" },
	{ "ignore", 'i', CT_OPTION_BOOL, NULL, offsetof(struct rm_options, ignore),
	  "A missing container is no error" },
	{ "volumes", 'v', CT_OPTION_BOOL, NULL, offsetof(struct rm_options, volumes),
	  "Accepted for scripts: containers have no volumes of their own" },
	{ 0 },
};

static int remove_one(struct ct_store *store, struct ct_container *container, void *arg,
		      struct ct_err *err)
{
	const bool *force = arg;

	return ct_container_remove(store, container, *force, err);
}

static int rm_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct rm_options *options = call->options;
	bool force = options->force;
	const struct ct_each each = {
		.act = remove_one, .arg = &force, .missing_ok = force || options->ignore,
	};
	struct ct_call named;

	if (ct_operands_or_all(call, options->all, "all", CT_STATES_ALL, &named, err) < 0)
		return -err->code;
	return ct_each_operand(&named, &each, err);
}

const struct ct_verb ct_verb_rm = {
	.name = "rm",
	.summary = "Remove containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "The container's record, configuration and log are deleted; its root file "
		       "system is not touched. CONTAINER is a name, an id or the beginning of one. "
		       "What was removed is printed.",
	.examples = "cattach rm web\tRemove a container that has ended\n"
		    "cattach rm -fa\tRemove all of them, running or not",
	.options = rm_table,
	.options_size = sizeof(struct rm_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = rm_handler,
};
