/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach rename: another name for a container.
 *
 * Runs in the command's own process, on the caller's store only; what the container runs does not
 * notice. Fails for a name that is taken or no name, with who has it, and for a container that
 * cannot be changed.
 */
#include "cli.h"

static const struct ct_option rename_table[] = {
	{ 0 },
};

static int rename_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	const char *name = call->operands.items[1];
	int r = ct_store_open(&store, err);

	if (r == 0)
		r = ct_container_find(&store, call->arena, call->operands.items[0], &container,
				      err);
	if (r < 0)
		return r;
	return ct_container_rename(&store, call->arena, &container,
				   name[0] == '/' ? name + 1 : name, err);
}

const struct ct_verb ct_verb_rename = {
	.name = "rename",
	.summary = "Give a container another name",
	.synopsis = "CONTAINER NAME",
	.description =
		"The container may run: it does not notice, and whoever follows it goes on. From "
		"then on it answers to the new name, and the old one is free. The host name inside, "
		"and the title of its monitor in ps(1), stay as they are.",
	.examples = "cattach rename web old\tFree the name for a successor",
	.options = rename_table,
	.operand = "CONTAINER and a NAME",
	.min_operands = 2,
	.max_operands = 2,
	.handler = rename_handler,
};
