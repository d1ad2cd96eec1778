/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach help: the list of commands, one command's help, or a manual page.
 *
 * Runs in the command's own process and only prints. Fails on a name that is no command.
 */
#include "cli.h"

struct help_options {
	bool man;
};

/* --man has no help text on purpose: it is how the pages under man/ are made. */
static const struct ct_option help_table[] = {
	{ "man", 0, CT_OPTION_FLAG, NULL, offsetof(struct help_options, man), NULL },
	{ 0 },
};

/* All three forms come from the tables that the parser goes by, so an option cannot be missing in
 * one. */
static int help_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct help_options *options = call->options;
	struct ct_buf ct_autobuf buf = {0};
	const struct ct_verb *verb = NULL;

	if (call->operands.count && ct_verb_find(call->operands.items[0], &verb, err) < 0)
		return -err->code;
	if (options->man)
		ct_man_page(&buf, verb);
	else if (verb)
		ct_help_verb(&buf, verb);
	else
		ct_help_main(&buf);
	return ct_print(&buf, err);
}

const struct ct_verb ct_verb_help = {
	.name = "help",
	.summary = "Explain cattach or one of its commands",
	.synopsis = "[COMMAND]",
	.description = "Without COMMAND the commands are listed. \"cattach COMMAND --help\" prints "
		       "the same as \"cattach help COMMAND\".",
	.options = help_table,
	.options_size = sizeof(struct help_options),
	.operand = "COMMAND",
	.max_operands = 1,
	.without_defaults = true,
	.handler = help_handler,
};
