/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command line from its first word: the options before the verb, then the verb with what follows
 * it. Everything below returns a struct ct_err and lets main() decide what becomes of it.
 *
 * Runs in the command's own process with the caller's privileges. Fails on unknown options, unknown
 * verbs, bad log levels, and on what the verb fails on.
 *
 *    cattach [GLOBAL OPTIONS] VERB [OPTIONS] [OPERANDS]
 *    CATTACH_DEBUG=TOPICS  as --log-level, by topic
 */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>

#include <cattach/log.h>

const struct ct_option ct_global_options[] = {
	{ "log-level", 0, CT_OPTION_STRING, "LEVEL", offsetof(struct ct_global_options, log_level),
	  "Say more on standard error: none, error, warn, info or debug" },
	{ "version", 0, CT_OPTION_FLAG, NULL, offsetof(struct ct_global_options, version),
	  "Print the version and exit" },
	{ 0 },
};

static int print_main_help(struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	ct_help_main(&buf);
	return ct_print(&buf, err);
}

/* Out of the kernel's sight: what it shows of a process as its command line is overwritten in those
 * that others may look at, who still need the words. The monitor sets its own title over argv
 * (src/conmon/title), in a process that is forked from this one. */
static int copy_words(struct ct_arena *arena, struct ct_strings *words, struct ct_err *err)
{
	for (size_t i = 0; i < words->count; i++) {
		words->items[i] = ct_arena_strdup(arena, words->items[i]);
		if (!words->items[i])
			return ct_fail_nomem(err);
	}
	return 0;
}

/* Once in a process: from main(), and from tests. */
int ct_command(int argc, char *const *argv, struct ct_err *err)
{
	static const struct ct_option_context context = { .table = ct_global_options,
							  .stop_at_operand = true };
	struct ct_arena ct_autoarena arena = {0};
	struct ct_global_options options = {0};
	struct ct_strings words = {0};
	const struct ct_verb *verb;
	int r = ct_arena_open(&arena, err);

	if (r < 0)
		return r;
	r = ct_options_parse(&context, &arena, argc, argv, &options, &words, err);
	if (r < 0)
		return r;
	if (r == CT_OPTIONS_HELP)
		return print_main_help(err);
	r = ct_log_setup(options.log_level, getenv("CATTACH_DEBUG"), err);
	if (r < 0)
		return r;
	if (options.version)
		return ct_verb_call(&ct_verb_version, &arena, 0, NULL, err);
	if (!words.count) {
		ct_fail(err, EINVAL, "no command given");
		return ct_hint(err, "\"cattach help\" lists the commands");
	}
	r = ct_verb_find(words.items[0], &verb, err);
	if (r == 0)
		r = copy_words(&arena, &words, err);
	if (r < 0)
		return r;
	/* operands are the tail of argv, because parsing stopped at the first of them */
	argc = (int)words.count - 1;
	return ct_verb_call(verb, &arena, argc, (char *const *)words.items + 1, err);
}
