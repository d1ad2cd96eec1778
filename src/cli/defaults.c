/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of options: which one counts, putting it where the command line said nothing, and saying
 * where a value comes from that turns out to be wrong.
 *
 * The nearest place that says something counts alone: a list on the command line replaces one that
 * is a default, so that a command means the same on every machine. Some options make a default of
 * another one senseless: -q that of --format, --log-driver that of --log-opt. It then gives way.
 * Others make sense beside another one only: a default of these waits for that.
 *
 * Runs in the command's own process, between the parsing of the command line and the verb. Fails on
 * values that are wrong by themselves; others are the verb's business, and it speaks of options, so
 * its errors are explained here.
 *
 *    nearest first: the command line, CATTACH_... (the environment), the user's file, built in
 *    within one of them: a name with the verb (psFormat) before one that is shared
 *
 *    ct_options_parse()     the line, noting which rows were given
 *    ct_defaults_load()     file and environment into a list of (verb, option, values, place)
 *    ct_defaults_apply()    for each row that was not given: choose(), then set as if typed
 *    ... the verb ...       an error that speaks of "--log-opt":
 *    ct_defaults_explain()  becomes one of "CATTACH_LOG_OPT" or of the file and line
 */
#include "defaults.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PREFIX "CATTACH_"

/* What a default gives way to when that is said nearer to the command. A default that takes away
 * (capDrop) stays when something is added, one that adds goes when something is taken away. */
static const struct {
	const char *option, *other;
} gives_way[] = {
	{ "format", "quiet" },	      { "log-opt", "log-driver" }, { "cap-add", "cap-drop" },
	{ "uidmap", "userns" },	      { "gidmap", "userns" },	   { "userns", "uidmap" },
	{ "userns", "gidmap" },	      { "rm", "restart" },	   { "restart", "rm" },
	{ "no-healthcheck", "health-cmd" },
	{ "health-cmd", "no-healthcheck" },
	{ "health-interval", "no-healthcheck" },
	{ "health-timeout", "no-healthcheck" },
	{ "health-retries", "no-healthcheck" },
	{ "health-start-period", "no-healthcheck" },
	{ "health-start-interval", "no-healthcheck" },
	{ "health-on-failure", "no-healthcheck" },
};

/* What says how something is done is a default for those commands that do it. */
static const struct {
	const char *option, *other;
} goes_with[] = {
	{ "health-interval", "health-cmd" },
	{ "health-timeout", "health-cmd" },
	{ "health-retries", "health-cmd" },
	{ "health-start-period", "health-cmd" },
	{ "health-start-interval", "health-cmd" },
	{ "health-on-failure", "health-cmd" },
	{ "memory-swap", "memory" },
};

/* ---- the list ---- */

/* Grows like a list of strings (ct_strings_add()): the room follows from the count. */
int ct_default_add(struct ct_arena *arena, struct ct_defaults *defaults,
		   const struct ct_default *item, struct ct_err *err)
{
	size_t count = defaults->count;

	/* full when the count is a power of two */
	if (!(count & (count - 1))) {
		struct ct_default *items = ct_arena_calloc(arena, count ? 2 * count : 1,
							   sizeof(*items));

		if (!items)
			return ct_fail_nomem(err);
		if (count)
			memcpy(items, defaults->items, count * sizeof(*items));
		defaults->items = items;
	}
	defaults->items[defaults->count++] = *item;
	return 0;
}

/* The values of a list in a variable: words. What has blanks in it belongs into the file. */
static int add_words(struct ct_arena *arena, const char *text, struct ct_default *item,
		     struct ct_err *err)
{
	static const char blanks[] = " \t\n";

	for (text += strspn(text, blanks); *text; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);
		const char *word = ct_arena_strndup(arena, text, length);

		if (!word || ct_strings_add(arena, &item->values, word) < 0)
			return ct_fail_nomem(err);
		text += length;
	}
	return 0;
}

/* An empty variable is one that is not set. A name that fits no option is passed over:
 * CATTACH_DEBUG and its like are not options, and somebody else's variables may begin so, too.
 * "info" tells of those that look like a misspelling. */
static int add_variable(struct ct_arena *arena, struct ct_defaults *defaults, const char *entry,
			struct ct_err *err)
{
	const char *equals = strchr(entry, '=');
	struct ct_default item = { .source = CT_DEFAULT_VARIABLE };
	struct ct_default_name found;
	int r;

	if (!equals || !equals[1])
		return 0;
	item.key = ct_arena_strndup(arena, entry, (size_t)(equals - entry));
	if (!item.key)
		return ct_fail_nomem(err);
	if (!ct_default_find_variable(item.key + strlen(PREFIX), &found))
		return 0;
	item.place = item.key;
	item.verb = found.verb;
	item.option = found.option->name;
	if (found.option->kind == CT_OPTION_LIST)
		r = add_words(arena, equals + 1, &item, err);
	else if (ct_strings_add(arena, &item.values, equals + 1) < 0)
		r = ct_fail_nomem(err);
	else
		r = 0;
	return r < 0 ? r : ct_default_add(arena, defaults, &item, err);
}

/* The file first: its errors end here, before the environment is looked at. */
int ct_defaults_load(struct ct_arena *arena, struct ct_defaults *ret_defaults,
		     struct ct_err *err)
{
	struct ct_defaults defaults = { 0 };
	int r = ct_defaults_read(arena, &defaults, err);

	for (char **entry = environ; r == 0 && entry && *entry; entry++)
		if (!strncmp(*entry, PREFIX, strlen(PREFIX)))
			r = add_variable(arena, &defaults, *entry, err);
	/* where the file is, whatever is in it */
	*ret_defaults = defaults;
	return r;
}

/* ---- which one counts ---- */

/* Of two equal ones the first stays: a file cannot have a key twice, and of a variable that the
 * environment has twice getenv(3) sees the first, too. */
static bool is_nearer(const struct ct_default *a, const struct ct_default *b)
{
	if (!b || a->source != b->source)
		return !b || a->source > b->source;
	return a->verb && !b->verb;
}

const struct ct_default *ct_defaults_for(const struct ct_defaults *defaults,
					 const struct ct_verb *verb,
					 const struct ct_option *option)
{
	const struct ct_default *best = NULL;

	for (size_t i = 0; i < defaults->count; i++)
		if (ct_default_is_for(&defaults->items[i], verb, option) &&
		    is_nearer(&defaults->items[i], best))
			best = &defaults->items[i];
	return best;
}

/* Also by another name: two rows for one member. "--net" and "--network" are such rows: one typed
 * is both given. */
static bool is_given(const struct ct_verb *verb, const bool *given, const struct ct_option *option)
{
	for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++)
		if (given[o - verb->options] && o->offset == option->offset)
			return true;
	return false;
}

/* Said nearer: on the line, or by a default of a nearer place (a variable over the file). Two of
 * the same place both count, and contradict each other if they do. */
static bool is_displaced(const struct ct_defaults *defaults, const struct ct_verb *verb,
			 const bool *given, const struct ct_default *item)
{
	for (size_t i = 0; i < sizeof(gives_way) / sizeof(gives_way[0]); i++) {
		const char *name = gives_way[i].other;
		const struct ct_option *other = ct_option_find(verb->options, name, strlen(name));
		const struct ct_default *set;

		if (strcmp(gives_way[i].option, item->option) || !other)
			continue;
		set = ct_defaults_for(defaults, verb, other);
		if (is_given(verb, given, other) || (set && set->source > item->source))
			return true;
	}
	return false;
}

/* The one that it makes sense with is missing, on the line and among the defaults. Silently:
 * "healthInterval" in the file is for containers that have a check, and no error for the others. */
static bool is_alone(const struct ct_defaults *defaults, const struct ct_verb *verb,
		     const bool *given, const struct ct_default *item)
{
	for (size_t i = 0; i < sizeof(goes_with) / sizeof(goes_with[0]); i++) {
		const char *name = goes_with[i].other;
		const struct ct_option *other = ct_option_find(verb->options, name, strlen(name));

		const struct ct_default *set;

		if (strcmp(goes_with[i].option, item->option) || !other)
			continue;
		set = ct_defaults_for(defaults, verb, other);
		return !is_given(verb, given, other) &&
		       (!set || is_displaced(defaults, verb, given, set));
	}
	return false;
}

/* What becomes of an option that can be typed; NULL: nothing. */
static const struct ct_default *choose(const struct ct_defaults *defaults,
				       const struct ct_verb *verb, const bool *given,
				       const struct ct_option *option)
{
	const struct ct_default *item;

	if (!ct_option_is_typed(option) || !option->help || is_given(verb, given, option))
		return NULL;
	item = ct_defaults_for(defaults, verb, option);
	if (!item || is_displaced(defaults, verb, given, item) ||
	    is_alone(defaults, verb, given, item))
		return NULL;
	return item;
}

/* Where its value goes: most often to where the option itself would put it. A row of kind
 * CT_OPTION_DEFAULT takes it where a verb must tell a default from what was typed: --detach-keys,
 * over which the container's record goes. */
static const struct ct_option *place_of(const struct ct_verb *verb, const struct ct_option *option)
{
	for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++)
		if (o->kind == CT_OPTION_DEFAULT && !strcmp(o->name, option->name))
			return o;
	return option;
}

/* given is of the line alone and does not change here: what one default sets is no reason for
 * another to give way, or the order of the table would count. */
int ct_defaults_apply(const struct ct_defaults *defaults, const struct ct_verb *verb,
		      struct ct_arena *arena, const bool *given, void *target, struct ct_err *err)
{
	if (!defaults->count)
		return 0;
	for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++) {
		const struct ct_default *item = choose(defaults, verb, given, o);
		int r = 0;

		for (size_t i = 0; r == 0 && item && i < item->values.count; i++)
			r = ct_option_set(place_of(verb, o), arena, item->values.items[i], target,
					  err);
		if (r < 0) {
			ct_defaults_explain(defaults, verb, given, err);
			return r;
		}
	}
	return 0;
}

/* ---- whose fault it is ---- */

/* "--log-opt" in a text, and not as the beginning of another option. "--log" is in "--log-opt", and
 * "--log-opt" in "--log-opts". */
static const char *find_option(const char *text, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = strstr(text, "--"); at; at = strstr(at + 2, "--"))
		if (!strncmp(at + 2, name, length) && at[2 + length] != '-' &&
		    !isalnum((unsigned char)at[2 + length]))
			return at;
	return NULL;
}

/* err->where is the list of what an error was wrapped in ("web: --log-opt"), and the place stands
 * in it where the option did. What only the text names gets the place before it. */
static bool explain(const struct ct_default *item, struct ct_err *err)
{
	const char *at = find_option(err->where, item->option);
	char where[2 * sizeof(err->where)];

	if (at) {
		snprintf(where, sizeof(where), "%.*s%s%s", (int)(at - err->where), err->where,
			 item->place, at + 2 + strlen(item->option));
		snprintf(err->where, sizeof(err->where), "%.*s", (int)sizeof(err->where) - 1,
			 where);
		return true;
	}
	if (!find_option(err->what, item->option))
		return false;
	ct_wrap(err, "%s", item->place);
	return true;
}

void ct_defaults_explain(const struct ct_defaults *defaults, const struct ct_verb *verb,
			 const bool *given, struct ct_err *err)
{
	for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++) {
		const struct ct_default *item = choose(defaults, verb, given, o);

		if (item && explain(item, err))
			return;
	}
}
