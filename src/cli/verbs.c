/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of verbs and what all of them have in common: finding one by name, parsing its options
 * into a fresh copy of its defaults, counting its operands, answering --help.
 *
 * Runs in the command's own process with the caller's privileges. Fails on names that are no verb
 * and on operands that are missing or too many; exits 125 in each case.
 *
 *   ct_command()            command.c: options before the verb, which verb
 *   ct_verb_call_with()     here: options -> operands -> help? -> change() -> count -> handler
 *   ct_defaults_apply()     defaults.c: what was not given, from a variable or the file
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include <cattach/log.h>

#include "defaults.h"

/* The order is that of "cattach help", by what people do with a container over its life;
 * that of the list of manual pages follows it. */
const struct ct_verb *const ct_verbs[] = {
	&ct_verb_run,	  &ct_verb_create, &ct_verb_start,   &ct_verb_attach,
	&ct_verb_exec,	  &ct_verb_logs,	  &ct_verb_send,   &ct_verb_clients, &ct_verb_detach,
	&ct_verb_cp,	  &ct_verb_diff,
	&ct_verb_ps,	  &ct_verb_top,	  &ct_verb_stats, &ct_verb_events,
	&ct_verb_inspect, &ct_verb_port,
	&ct_verb_stop,	  &ct_verb_restart, &ct_verb_kill, &ct_verb_pause, &ct_verb_unpause,
	&ct_verb_update, &ct_verb_rename,
	&ct_verb_healthcheck,
	&ct_verb_wait,	  &ct_verb_rm,	     &ct_verb_prune,	  &ct_verb_unshare, &ct_verb_spec,
	&ct_verb_generate, &ct_verb_oci,
	&ct_verb_info,	  &ct_verb_version, &ct_verb_help,   NULL,
};

/* Whole names only, as with options: "cattach st" must not become another verb one day. */
int ct_verb_find(const char *name, const struct ct_verb **ret_verb, struct ct_err *err)
{
	const struct ct_verb *best = NULL;
	int best_distance = 0;

	for (size_t i = 0; ct_verbs[i]; i++) {
		int distance;

		if (!strcmp(ct_verbs[i]->name, name)) {
			*ret_verb = ct_verbs[i];
			return 0;
		}
		distance = ct_suggest(name, ct_verbs[i]->name);
		if (distance >= 0 && (!best || distance < best_distance)) {
			best = ct_verbs[i];
			best_distance = distance;
		}
	}
	ct_fail(err, EINVAL, "unknown command \"%s\"", name);
	if (best)
		return ct_hint(err, "did you mean \"%s\"?", best->name);
	return ct_hint(err, "\"cattach help\" lists the commands");
}

/* After change(), which may have made operands of options; before the handler, which relies on
 * it. */
static int check_operands(const struct ct_verb *verb, size_t count, struct ct_err *err)
{
	const char *operand = verb->operand;

	if (count < verb->min_operands) {
		ct_fail(err, EINVAL, "%s needs a %s", verb->name, operand);
		return ct_hint(err, "usage: cattach %s %s", verb->name, verb->synopsis);
	}
	if (count <= verb->max_operands)
		return 0;
	if (!verb->max_operands)
		ct_fail(err, EINVAL, "%s takes no operands", verb->name);
	else if (verb->max_operands > 1)
		ct_fail(err, EINVAL, "%s takes at most %zu operands, not %zu", verb->name,
			verb->max_operands, count);
	else
		ct_fail(err, EINVAL, "%s takes one %s, not %zu", verb->name, operand, count);
	return ct_hint(err, "usage: cattach %s %s", verb->name, verb->synopsis);
}

static int print_help(const struct ct_verb *verb, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	ct_help_verb(&buf, verb);
	return ct_print(&buf, err);
}

/* The handler, with what the caller wants unless it says otherwise. Defaults come after the command
 * line was understood, because one gives way to what was given. When the handler fails and defaults
 * were in effect, the error says which: nobody looks for the cause of "unknown log driver" in a
 * file that was written a year ago. */
static int call_handler(struct ct_call *call, void *options, const bool *given, struct ct_err *err)
{
	struct ct_defaults defaults = { 0 };
	int r = call->verb->without_defaults ? 0 : ct_defaults_load(call->arena, &defaults, err);

	if (r == 0)
		r = ct_defaults_apply(&defaults, call->verb, call->arena, given, options, err);
	if (r < 0)
		return r;
	call->options = options;
	r = call->verb->handler(call, err);
	if (r < 0 && defaults.count)
		ct_defaults_explain(&defaults, call->verb, given, err);
	return r;
}

/* Options, and the words behind them; or all of them as words, when the verb reads them itself. */
static int read_words(const struct ct_option_context *context, int argc, char *const *argv,
		      void *options, struct ct_call *call, struct ct_err *err)
{
	for (int i = 0; i < argc; i++)
		if (ct_strings_add(call->arena, &call->words, argv[i]) < 0)
			return ct_fail_nomem(err);
	if (!call->verb->raw)
		return ct_options_parse(context, call->arena, argc, argv, options, &call->operands,
					err);
	call->operands = call->words;
	return 0;
}

/* given has a place for each row of the table. options starts as the verb's own defaults, so that a
 * handler never asks whether an option was given. */
int ct_verb_call_with(const struct ct_verb *verb, struct ct_arena *arena, int argc,
		      char *const *argv, int (*change)(struct ct_call *call, struct ct_err *err),
		      struct ct_err *err)
{
	const struct ct_option_context context = {
		.verb = verb->name,
		.table = verb->options,
		.stop_at_operand = verb->stop_at_operand,
		.given = ct_arena_calloc(arena, ct_options_count(verb->options) + 1, sizeof(bool)),
	};
	struct ct_call call = {
		.verb = verb, .arena = arena, .first_word = argc ? argv[0] : NULL,
	};
	void *options = ct_arena_alloc(arena, verb->options_size ? verb->options_size : 1);
	int r;

	if (!options || !context.given)
		return ct_fail_nomem(err);
	if (verb->defaults)
		memcpy(options, verb->defaults, verb->options_size);
	r = read_words(&context, argc, argv, options, &call, err);
	if (r < 0)
		return r;
	if (r == CT_OPTIONS_HELP)
		return print_help(verb, err);
	r = change ? change(&call, err) : 0;
	if (r != 0)
		return r < 0 ? r : 0;
	r = check_operands(verb, call.operands.count, err);
	if (r < 0)
		return r;
	ct_log(CT_LOG_DEBUG, CT_TOPIC_CLI, "%s: %zu operands", verb->name, call.operands.count);
	return call_handler(&call, options, context.given, err);
}

int ct_verb_call(const struct ct_verb *verb, struct ct_arena *arena, int argc, char *const *argv,
		 struct ct_err *err)
{
	return ct_verb_call_with(verb, arena, argc, argv, NULL, err);
}
