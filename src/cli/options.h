/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command line options as tables: one table per verb gives parsing, help, man page and the hints
 * of error messages, so that none of them can say something else than the others.
 */
#ifndef CATTACH_CLI_OPTIONS_H
#define CATTACH_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* What an option takes, and the type of the member at its offset. */
enum ct_option_kind {
	CT_OPTION_END,		/* closes a table */
	CT_OPTION_HEADING,	/* no option: help is the title of those that follow */
	CT_OPTION_FLAG,		/* bool; never a value */
	CT_OPTION_BOOL,		/* bool; "=BOOL" may follow */
	CT_OPTION_CHOICE,	/* enum ct_choice; the same, for a default that depends */
	CT_OPTION_STRING,	/* const char *; the last one given counts */
	CT_OPTION_LIST,		/* struct ct_strings; every one given counts */
	CT_OPTION_DEFAULT,	/* no option: where the default of the one of this name goes, const
				 * char *, so that it is not taken for what was given */
};

enum ct_choice { CT_NOT_GIVEN, CT_NO, CT_YES };

struct ct_option {
	const char *name;	/* without the dashes */
	char letter;		/* short form, or 0 */
	enum ct_option_kind kind;
	const char *metavar;	/* "NAME"; for CT_OPTION_BOOL and _CHOICE NULL hides "[=BOOL]" in help */
	size_t offset;		/* of the member in the verb's struct */
	const char *help;	/* NULL: an alias that help does not list */
};

/* May "=BOOL" follow it? */
static inline bool ct_option_is_bool(const struct ct_option *option)
{
	return option->kind == CT_OPTION_BOOL || option->kind == CT_OPTION_CHOICE;
}

/* Is it one that can be typed? */
static inline bool ct_option_is_typed(const struct ct_option *option)
{
	return option->kind != CT_OPTION_HEADING && option->kind != CT_OPTION_DEFAULT;
}

/* Where a table is used. */
struct ct_option_context {
	const char *verb;	/* for messages; NULL for the options before a verb */
	const struct ct_option *table;
	bool stop_at_operand;	/* what follows the first operand belongs to the payload */
	/* Told of every option, in their order, with its value or NULL; or NULL itself. */
	int (*each)(void *arg, const struct ct_option *option, const char *value,
		    struct ct_err *err);
	void *arg;
	bool *given;		/* for each row of the table: was it on the line? Or NULL */
};

/* ct_options_parse() met --help; nothing after it was looked at. */
#define CT_OPTIONS_HELP 1

/**
 * ct_options_parse - parse the words of a command line
 * @context: which table, for which verb
 * @arena:   owns the lists; the words themselves are borrowed
 * @argc, @argv: the words, without the program and the verb
 * @target:  the verb's struct, holding its defaults
 * @ret_operands: what is not an option, in order
 * @err:     unknown options with the nearest one, values that are missing or not wanted
 *
 * Long options take "=VALUE" or the next word, short ones cluster (-itd, -n5, -eA=1) and "--" ends
 * options. Long names are never abbreviated: a script must not change its meaning when an option
 * is added.
 *
 * Return: 0, CT_OPTIONS_HELP, or negative.
 */
int ct_options_parse(const struct ct_option_context *context, struct ct_arena *arena, int argc,
		     char *const *argv, void *target, struct ct_strings *ret_operands,
		     struct ct_err *err);

/* The rows of a table, without the one that closes it. */
size_t ct_options_count(const struct ct_option *table);

/* The option of this long name that can be typed, or NULL; length bytes of the name count. */
const struct ct_option *ct_option_find(const struct ct_option *table, const char *name,
				       size_t length);

/**
 * ct_option_set - do what the option with this value does, wherever that comes from
 * @value: NULL for one that is true without
 * @err:   where is the option, by its long name
 */
int ct_option_set(const struct ct_option *option, struct ct_arena *arena, const char *value,
		  void *target, struct ct_err *err);

/**
 * ct_suggest - is this near enough to what was typed to be meant?
 * @typed: what was typed
 * @candidate: a word of ours
 *
 * Return: the number of insertions, removals, changes and swaps of neighbours between the two, or
 * -1 when they are too far apart to be worth a question.
 */
int ct_suggest(const char *typed, const char *candidate);

#endif
