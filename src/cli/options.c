/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option parser: from the words after a verb to the verb's struct and its operands.
 *
 * Not getopt_long(3): that abbreviates, prints by itself, keeps global state and cannot name the
 * verb or the nearest option in its messages. Runs in the command's own process with the caller's
 * privileges and touches nothing but memory. Fails on unknown options, on values that are missing
 * or not wanted, and when memory runs out.
 *
 *   word           ::= "--" | "--" NAME [ "=" VALUE ] | "-" LETTERS | operand
 *   --name VALUE       if NAME takes a value and there is no "=": the next word, whatever it is
 *   -itd               letters without values, in one word
 *   -n5 -n=5 -n 5      a letter with one: the rest of the word, or the next word
 *   -i=false           the last letter of a word may have "=BOOL" if its option is one
 *   -                  an operand (standard input or output, for cp and send)
 *   --                 all that follows are operands
 *
 * Where the first operand ends the options (stop_at_operand), "run IMAGE ls -l" leaves -l to ls.
 * each() hears of every option in its order: "generate systemd --new" reads a recorded command line
 * once more with it (recreate.c).
 */
#include "options.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <cattach/num.h>

/* What one run of the parser works on. */
struct parser {
	const struct ct_option_context *context;
	struct ct_arena *arena;
	int argc;
	char *const *argv;
	int next;		/* index of the next word */
	void *target;
	struct ct_err *err;
};

size_t ct_options_count(const struct ct_option *table)
{
	size_t count = 0;

	while (table[count].kind != CT_OPTION_END)
		count++;
	return count;
}

/* Headings and places for defaults are rows of the table, too, and cannot be typed. */
const struct ct_option *ct_option_find(const struct ct_option *table, const char *name,
				       size_t length)
{
	for (; table->kind != CT_OPTION_END; table++)
		if (ct_option_is_typed(table) && strlen(table->name) == length &&
		    !memcmp(table->name, name, length))
			return table;
	return NULL;
}

static const struct ct_option *find_letter(const struct ct_option *table, char letter)
{
	for (; table->kind != CT_OPTION_END; table++)
		if (ct_option_is_typed(table) && table->letter == letter)
			return table;
	return NULL;
}

/* An alias without a help text is not offered: nobody is to learn it from us. */
static const struct ct_option *nearest(const struct ct_option *table, const char *name)
{
	const struct ct_option *best = NULL;
	int best_distance = 0;

	for (; table->kind != CT_OPTION_END; table++) {
		int distance;

		if (!ct_option_is_typed(table) || !table->help)
			continue;
		distance = ct_suggest(name, table->name);
		if (distance >= 0 && (!best || distance < best_distance)) {
			best = table;
			best_distance = distance;
		}
	}
	return best;
}

static int hint_help(const struct parser *p)
{
	const char *verb = p->context->verb;

	return ct_hint(p->err, "see \"cattach %s%s--help\"", verb ? verb : "", verb ? " " : "");
}

/* A name longer than any option is no slip of one, so there is no guess. */
static int fail_unknown_long(const struct parser *p, const char *name, size_t length)
{
	const char *verb = p->context->verb;
	const struct ct_option *near;
	char copy[64];

	ct_fail(p->err, EINVAL, "unknown option --%.*s%s%s%s", (int)length, name,
		verb ? " for \"" : "", verb ? verb : "", verb ? "\"" : "");
	if (length < sizeof(copy)) {
		memcpy(copy, name, length);
		copy[length] = '\0';
		near = nearest(p->context->table, copy);
		if (near)
			return ct_hint(p->err, "did you mean --%s?", near->name);
	}
	return hint_help(p);
}

/* With the whole cluster: "-itx" has more than one letter that could be meant. */
static int fail_unknown_letter(const struct parser *p, char letter, const char *word)
{
	const char *verb = p->context->verb;
	bool cluster = word[2] != '\0';

	ct_fail(p->err, EINVAL, "unknown option -%c%s%s%s%s%s", letter, cluster ? " in " : "",
		cluster ? word : "", verb ? " for \"" : "", verb ? verb : "", verb ? "\"" : "");
	return hint_help(p);
}

/* Options are named in messages as they were typed: -e or --env. */
static int wrap_option(const struct parser *p, const struct ct_option *option, char letter)
{
	if (letter)
		return ct_wrap(p->err, "-%c", letter);
	return ct_wrap(p->err, "--%s", option->name);
}

/* What was given is known to whoever looks for defaults, and to whoever writes it down. given is
 * indexed like the table, as option points into it; an option set from a default comes with no
 * context and is not noted, for it was not given. */
static int note(const struct parser *p, const struct ct_option *option, const char *value)
{
	const struct ct_option_context *context = p->context;

	if (context && context->given)
		context->given[option - context->table] = true;
	return context && context->each ? context->each(context->arg, option, value, p->err) : 0;
}

/* offset and kind of a table's row agree with the verb's struct: that is the promise which these
 * two casts rely on, and OPTION() in each verb is how it is kept. */
static int store(const struct parser *p, const struct ct_option *option, const char *value)
{
	char *member = (char *)p->target + option->offset;

	if (note(p, option, value) < 0)
		return -p->err->code;
	if (option->kind == CT_OPTION_LIST) {
		/* the member is a struct ct_strings by the table's promise */
		struct ct_strings *list = (struct ct_strings *)(void *)member;

		return ct_strings_add(p->arena, list, value) < 0 ? ct_fail_nomem(p->err) : 0;
	}
	memcpy(member, &value, sizeof(value));
	return 0;
}

/* A CHOICE knows three states: yes, no, and not given. */
static int store_bool(const struct parser *p, const struct ct_option *option, char letter,
		      const char *value)
{
	bool set = true;

	if (value && option->kind == CT_OPTION_FLAG) {
		ct_fail(p->err, EINVAL, "takes no value, not \"%s\"", value);
		return wrap_option(p, option, letter);
	}
	if (value && ct_parse_bool(value, &set, p->err) < 0)
		return wrap_option(p, option, letter);
	if (note(p, option, value) < 0)
		return -p->err->code;
	if (option->kind == CT_OPTION_CHOICE) {
		enum ct_choice choice = set ? CT_YES : CT_NO;

		memcpy((char *)p->target + option->offset, &choice, sizeof(choice));
		return 0;
	}
	memcpy((char *)p->target + option->offset, &set, sizeof(set));
	return 0;
}

static bool takes_value(const struct ct_option *option)
{
	return option->kind == CT_OPTION_STRING || option->kind == CT_OPTION_LIST;
}

/* Store a value that is given in the word itself, or take the next word. */
static int store_value(struct parser *p, const struct ct_option *option, char letter,
		       const char *value)
{
	const char *metavar = option->metavar ? option->metavar : "VALUE";

	if (!value) {
		if (p->next >= p->argc) {
			ct_fail(p->err, EINVAL, "needs a value");
			if (letter)
				ct_hint(p->err, "-%c %s", letter, metavar);
			else
				ct_hint(p->err, "--%s %s", option->name, metavar);
			return wrap_option(p, option, letter);
		}
		value = p->argv[p->next++];
	}
	return store(p, option, value);
}

/* --help wins before the table is asked only where the verb has no option of that name itself. */
static int parse_long(struct parser *p, const char *word)
{
	const char *equals = strchr(word, '=');
	size_t length = equals ? (size_t)(equals - word) : strlen(word);
	const struct ct_option *option = ct_option_find(p->context->table, word, length);
	const char *value = equals ? equals + 1 : NULL;

	if (!option && !equals && !strcmp(word, "help"))
		return CT_OPTIONS_HELP;
	if (!option)
		return fail_unknown_long(p, word, length);
	if (takes_value(option))
		return store_value(p, option, 0, value);
	return store_bool(p, option, 0, value);
}

/* One word of short options: -itd, -n5, -n=5, -eA=1. */
static int parse_cluster(struct parser *p, const char *word)
{
	for (size_t i = 1; word[i]; i++) {
		const struct ct_option *option = find_letter(p->context->table, word[i]);
		const char *rest = word + i + 1;

		if (!option && word[i] == 'h')
			return CT_OPTIONS_HELP;
		if (!option)
			return fail_unknown_letter(p, word[i], word);
		if (takes_value(option)) {
			if (*rest == '=')
				rest++;
			else if (!*rest)
				rest = NULL;
			return store_value(p, option, word[i], rest);
		}
		if (*rest == '=')
			return store_bool(p, option, word[i], rest + 1);
		if (store_bool(p, option, word[i], NULL) < 0)
			return -p->err->code;
	}
	return 0;
}

/* For defaults from a file or a variable: the same checks and the same message as if it was
 * typed. */
int ct_option_set(const struct ct_option *option, struct ct_arena *arena, const char *value,
		  void *target, struct ct_err *err)
{
	const struct parser p = { .arena = arena, .target = target, .err = err };

	if (takes_value(option) || option->kind == CT_OPTION_DEFAULT)
		return store(&p, option, value);
	/* a default for a flag is as good as one for what takes "=BOOL" */
	if (option->kind == CT_OPTION_FLAG) {
		struct ct_option boolean = *option;

		boolean.kind = CT_OPTION_BOOL;
		return store_bool(&p, &boolean, 0, value);
	}
	return store_bool(&p, option, 0, value);
}

static int add_operand(struct parser *p, struct ct_strings *operands, const char *word)
{
	return ct_strings_add(p->arena, operands, word) < 0 ? ct_fail_nomem(p->err) : 0;
}

/* r is 1 for --help, which ends the parse: what follows may be half a line and is nobody's
 * error. */
int ct_options_parse(const struct ct_option_context *context, struct ct_arena *arena, int argc,
		     char *const *argv, void *target, struct ct_strings *ret_operands,
		     struct ct_err *err)
{
	struct parser p = {
		.context = context,
		.arena = arena,
		.argc = argc,
		.argv = argv,
		.target = target,
		.err = err,
	};
	struct ct_strings operands = {0};
	bool options = true;

	while (p.next < argc) {
		const char *word = argv[p.next++];
		int r;

		if (!options || word[0] != '-' || !word[1]) {
			r = add_operand(&p, &operands, word);
			options = options && !context->stop_at_operand;
		} else if (!strcmp(word, "--")) {
			options = false;
			continue;
		} else if (word[1] == '-') {
			r = parse_long(&p, word + 2);
		} else {
			r = parse_cluster(&p, word);
		}
		if (r)
			return r;
	}
	*ret_operands = operands;
	return 0;
}
