/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach create: the options of run without those of its foreground; the container is made and
 * waits to be started.
 *
 * Runs in the command's own process with the caller's rights. Fails as run does before it starts
 * anything, and then leaves nothing behind.
 */
#include "run_table.h"

static const struct ct_option create_table[] = {
	CT_RUN_SOURCE,
	CT_RUN_RECORD,
	CT_RUN_SESSION,
	CT_RUN_NOTIFY,
	CT_RUN_LOG,
	CT_HEALTH_OPTIONS(OPTION(health)),
	CT_RUN_SURROUNDINGS,
	CT_RUN_LIMITS,
	{ 0 },
};

static int create_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_run_options options = *(const struct ct_run_options *)call->options;
	int r = ct_run_operands(call, &options, err);

	return r < 0 ? r : cmd_create_execute(&options, call->arena, err);
}

const struct ct_verb ct_verb_create = {
	.name = "create",
	.summary = "Make a container, to be started later",
	.synopsis = "[OPTIONS] BUNDLE|ROOTFS [COMMAND [ARG...]]",
	.description =
		"Everything that \"cattach run\" does before it starts COMMAND; prints the id. "
		"\"cattach start\" starts the container, as often as one likes; \"cattach attach\" "
		"waits for that and then misses nothing.",
	.examples = "cattach create --name job ./rootfs make\tA container that has not run yet\n"
		    "cattach start -a job\tRun it and follow it",
	.options = create_table,
	.options_size = sizeof(struct ct_run_options),
	.operand = "BUNDLE or ROOTFS",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.handler = create_handler,
};
