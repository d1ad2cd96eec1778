/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach run: its options, which are docker's as far as they exist yet, and what can be checked
 * on them alone. What they mean is src/container's business (struct ct_run_options); following
 * the container in the foreground is run_execute.c's.
 *
 * Runs in the command's own process, before anything is created.
 */
#include "run_table.h"

#include <errno.h>

static const struct ct_option run_table[] = {
	CT_RUN_SOURCE,
	{ "detach", 'd', CT_OPTION_BOOL, NULL, OPTION(detach),
	  "Run in the background and print the id of the container" },
	CT_RUN_RECORD,
	CT_RUN_SESSION,
	{ "sig-proxy", 0, CT_OPTION_BOOL, "BOOL", OPTION(sig_proxy),
	  "Pass signals on to the command (default true)" },
	{ "detach-keys", 0, CT_OPTION_STRING, "KEYS", OPTION(detach_keys),
	  "Keys that detach from the terminal (default ctrl-p,ctrl-q; none switches them off)" },
	{ "detach-keys", 0, CT_OPTION_DEFAULT, NULL, OPTION(default_keys), NULL },
	{ "lag", 0, CT_OPTION_STRING, "block|skip", OPTION(lag),
	  "When our output is taken slower than the command writes: make it wait in the end, or leave "
	  "bytes out (default block, skip with -t)" },
	{ "preserve-fds", 0, CT_OPTION_STRING, "N", OPTION(preserve_fds),
	  "Give N more descriptors, from 3 on, to the command" },
	CT_RUN_NOTIFY,
	CT_RUN_LOG,
	CT_HEALTH_OPTIONS(OPTION(health)),
	CT_RUN_SURROUNDINGS,
	CT_RUN_LIMITS,
	{ 0 },
};

static const struct ct_run_options run_defaults = { .sig_proxy = true };

/* The operands after the first skip ones are the command. */
static void take_command(struct ct_run_options *options, const struct ct_strings *operands,
			 size_t skip)
{
	if (operands->count <= skip)
		return;
	options->command.items = operands->items + skip;
	options->command.count = operands->count - skip;
}

static int note_words(const struct ct_call *call, struct ct_strings *list, struct ct_err *err)
{
	int r = ct_strings_add(call->arena, list, call->verb->name);

	for (size_t i = 0; r == 0 && i < call->words.count; i++)
		r = ct_strings_add(call->arena, list, call->words.items[i]);
	return r < 0 ? ct_fail_nomem(err) : 0;
}

int ct_run_operands(const struct ct_call *call, struct ct_run_options *options, struct ct_err *err)
{
	const struct ct_strings *operands = &call->operands;
	bool named = options->bundle || options->rootfs;

	if (options->bundle && options->rootfs) {
		ct_fail(err, EINVAL, "--bundle and --rootfs exclude each other");
		return ct_hint(err, "a bundle names its own root file system");
	}
	if (!named && !operands->count) {
		ct_fail(err, EINVAL, "%s needs a BUNDLE or ROOTFS", call->verb->name);
		return ct_hint(err, "usage: cattach %s %s", call->verb->name, call->verb->synopsis);
	}
	if (!named)
		options->operand = operands->items[0];
	take_command(options, operands, named ? 0 : 1);
	return note_words(call, &options->create_command, err);
}

static int run_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_run_options options = *(const struct ct_run_options *)call->options;
	int r = ct_run_operands(call, &options, err);

	return r < 0 ? r : cmd_run_execute(&options, call->arena, err);
}

const struct ct_verb ct_verb_run = {
	.name = "run",
	.summary = "Run a command in a new container",
	.synopsis = "[OPTIONS] BUNDLE|ROOTFS [COMMAND [ARG...]]",
	.description =
		"BUNDLE is a directory with a config.json, ROOTFS another directory, which becomes the "
		"root of the container; ROOTFS:O puts a throwaway overlay on it. In a ROOTFS without "
		"COMMAND a shell is started.\n\n"
		"In the foreground, what COMMAND writes comes out here and signals go to it. With -it, "
		"ctrl-p ctrl-q detaches: the container runs on, \"cattach attach\" comes back.\n\n"
		"The exit code is that of COMMAND; 125 when the container could not be started, 126 "
		"when COMMAND cannot be executed, 127 when it was not found, 128 + N when signal N "
		"ended it. What follows BUNDLE or ROOTFS is never taken for an option.",
	.examples =
		"cattach run --rm -it --rootfs /:O sh\tA shell in a disposable copy of this machine\n"
		"cattach run -d --name web ./bundle\tThe bundle's own command, in the background\n"
		"cattach run --rm -v ~/src:/src ./rootfs make -C /src\tA build in another system",
	.options = run_table,
	.defaults = &run_defaults,
	.options_size = sizeof(struct ct_run_options),
	.operand = "BUNDLE or ROOTFS",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.handler = run_handler,
};
