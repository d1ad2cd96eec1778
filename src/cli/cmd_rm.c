/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach rm: remove containers, with -f also running ones.
 *
 * Runs in the command's own process, on directories of the caller only. Fails for a container that
 * runs (without -f), that another machine made, or that does not exist (without -f).
 */
#include "operands.h"

struct rm_options {
	bool force;
};

static const struct ct_option rm_table[] = {
	{ "force", 'f', CT_OPTION_BOOL, NULL, offsetof(struct rm_options, force),
	  "Kill running containers first; a missing one is no error" },
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
	const struct ct_each each = { .act = remove_one, .arg = &force, .missing_ok = force };

	return ct_each_operand(call, &each, err);
}

const struct ct_verb ct_verb_rm = {
	.name = "rm",
	.summary = "Remove containers",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description = "The container's record, configuration and log are deleted; its root file "
		       "system is not touched. CONTAINER is a name, an id or the beginning of one. "
		       "What was removed is printed.",
	.examples = "cattach rm web\tRemove a container that has ended\n"
		    "cattach rm -f $(cattach ps -aq)\tRemove all of them, running or not",
	.options = rm_table,
	.options_size = sizeof(struct rm_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = CT_OPERANDS_ANY,
	.handler = rm_handler,
};
