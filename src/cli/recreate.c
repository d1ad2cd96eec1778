/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the record of how a container was made to the command line that makes another like it, for a
 * service of systemd.
 *
 * Runs in "cattach generate systemd --new", on memory alone. Options are read as they were then, by
 * the table of the verb, and written in their long form; those are left out that are about who made
 * it and not about the container, and those that the service decides. May fail: a record that does
 * not say how the container was made, or says it in options that do not exist any more.
 *
 *    cattach run -it --name a -v /x:/y IMAGE    as the record has it
 *    run --detach --rm --sdnotify=monitor --name=a --interactive --tty --volume=/x:/y IMAGE
 */
#include "systemd_unit.h"

#include <errno.h>
#include <string.h>

#include "cli.h"

struct recreation {
	struct ct_arena *arena;
	struct ct_strings *words;
};

/* Decided by the service; of a terminal, descriptors and files that it does not have. "rm" and
 * "detach" come back, in the service's own words (ct_recreate()). */
static bool is_left_out(const char *name)
{
	static const char *const names[] = {
		"name", "detach", "rm", "sdnotify", "restart", "cidfile", "pidfile", "attach",
		"sig-proxy", "detach-keys", "lag", "stdin-eof", "tie", "preserve-fds",
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

static int add(const struct recreation *r, const char *word, struct ct_err *err)
{
	return !word || ct_strings_add(r->arena, r->words, word) < 0 ? ct_fail_nomem(err) : 0;
}

/* Who starts it again is systemd: what has "restart" for its health is killed, and the service has
 * failed. */
static const char *value_for(const struct ct_option *option, const char *value)
{
	if (value && !strcmp(option->name, "health-on-failure") && !strcmp(value, "restart"))
		return "kill";
	return value;
}

/* In one word each: "--env=A=B" cannot be taken for an option and an operand, whatever the value
 * begins with. */
static int take_option(void *arg, const struct ct_option *option, const char *value,
		       struct ct_err *err)
{
	const struct recreation *r = arg;

	if (is_left_out(option->name))
		return 0;
	return add(r, ct_arena_printf(r->arena, value ? "--%s=%s" : "--%s", option->name,
				      value_for(option, value)), err);
}

/* Parsed into a struct that is thrown away: what counts is what the parser tells of each option on
 * its way. */
static int take_words(const struct recreation *r, const struct ct_verb *verb,
		      const struct ct_strings *command, struct ct_err *err)
{
	const struct ct_option_context context = {
		.verb = verb->name, .table = verb->options, .stop_at_operand = true,
		.each = take_option, .arg = (void *)(uintptr_t)r,
	};
	struct ct_strings operands = { 0 };
	void *ignored = ct_arena_calloc(r->arena, 1, verb->options_size);
	int ret = ignored ? ct_options_parse(&context, r->arena, (int)command->count - 1,
					     (char *const *)(uintptr_t)(command->items + 1),
					     ignored, &operands, err) :
			    ct_fail_nomem(err);

	/* It followed a "--" then, which the parser has eaten. */
	if (ret == 0 && operands.count && operands.items[0][0] == '-')
		ret = add(r, "--", err);
	for (size_t i = 0; ret == 0 && i < operands.count; i++)
		ret = add(r, operands.items[i], err);
	return ret;
}

int ct_recreate(struct ct_arena *arena, const struct ct_meta *meta, struct ct_strings *ret_words,
		struct ct_err *err)
{
	struct ct_strings words = { 0 };
	const struct recreation r = { arena, &words };
	const struct ct_verb *verb;
	const char *mode = meta->sdnotify ? meta->sdnotify : "monitor";

	if (!meta->create_command.count) {
		ct_fail(err, ENODATA, "the record does not say how it was made");
		return ct_hint(err,
			       "leave out --new: the service starts the container that is there");
	}
	if (ct_verb_find(meta->create_command.items[0], &verb, err) < 0 ||
	    add(&r, "run", err) < 0 || add(&r, "--detach", err) < 0 || add(&r, "--rm", err) < 0 ||
	    add(&r, ct_arena_printf(arena, "--sdnotify=%s", mode), err) < 0 ||
	    add(&r, ct_arena_printf(arena, "--name=%s", meta->name), err) < 0 ||
	    take_words(&r, verb, &meta->create_command, err) < 0)
		return -err->code;
	*ret_words = words;
	return 0;
}
