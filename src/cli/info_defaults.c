/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of options for "cattach info": which file they come from, and which are in effect, of
 * the file and of the variables CATTACH_*. Another variable of that beginning may be somebody
 * else's; one that is nearly ours is told.
 *
 * Runs in the command's own process and only reads. A file that every other command refuses is a
 * fact here, with the reason; it fails only when memory runs out.
 */
#include "info.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "defaults.h"

/* The reason with the hint beside it, as every fact that says no has one. */
static void add_file(struct ct_facts *facts, const struct ct_defaults *defaults, int r,
		     const struct ct_err *failure)
{
	char line[1024];

	if (r < 0) {
		struct ct_err bare = *failure;

		bare.hint[0] = '\0';
		ct_err_format(&bare, line, sizeof(line));
		ct_fact_add(facts, CT_FACT_NO, "Config",
			    failure->hint[0] ? ct_arena_strdup(facts->arena, failure->hint) :
					       "correct it, or move it away",
			    "%s", line);
	} else if (!defaults->path) {
		ct_fact_add(facts, CT_FACT_OK, "Config", NULL,
			    "no file with defaults: there is no home directory for it");
	} else {
		ct_fact_add(facts, CT_FACT_OK, "Config", NULL, "%s %s",
			    defaults->found ? "defaults come from" : "no file with defaults:",
			    defaults->path);
	}
}

/* Is there nothing nearer to the command for the very same? Sources are numbered by how near they
 * are: the file before the variables. */
static bool is_in_effect(const struct ct_defaults *defaults, const struct ct_default *item)
{
	for (size_t i = 0; i < defaults->count; i++) {
		const struct ct_default *other = &defaults->items[i];

		if (other->source > item->source && other->verb == item->verb &&
		    !strcmp(other->option, item->option))
			return false;
	}
	return true;
}

static const char *value_of(struct ct_facts *facts, const struct ct_default *item)
{
	const char *text = "";

	for (size_t i = 0; text && i < item->values.count; i++)
		text = ct_arena_printf(facts->arena, "%s%s%s", text, i ? " " : "",
				       item->values.items[i]);
	facts->failed = facts->failed || !text;
	return text ? text : "";
}

/* By the key or variable as it was written, and what it means. */
static void add_default(struct ct_facts *facts, const struct ct_default *item)
{
	const char *value = value_of(facts, item);
	const char *verb = item->verb ? item->verb->name : NULL;

	if (!strcmp(item->option, "detach-keys") && !verb)
		verb = "attach, exec, run and start";
	ct_fact_add(facts, CT_FACT_OK, item->key, NULL, "%s is \"%s\": --%s of %s", item->key,
		    value, item->option, verb ? verb : "run and create");
}

/* CATTACH_DEBUG is for log.c, and no option's. */
static void add_strangers(struct ct_facts *facts)
{
	static const char prefix[] = "CATTACH_";

	for (char **entry = environ; entry && *entry; entry++) {
		size_t length = strcspn(*entry, "=");
		struct ct_default_name found;
		char near[128], *name;

		if (strncmp(*entry, prefix, strlen(prefix)) ||
		    !strncmp(*entry, "CATTACH_DEBUG=", 14))
			continue;
		name = ct_arena_strndup(facts->arena, *entry, length);
		if (!name || ct_default_find_variable(name + strlen(prefix), &found) ||
		    !ct_default_nearest_variable(name + strlen(prefix), near, sizeof(near)))
			continue;
		ct_fact_add(facts, CT_FACT_WARN, name,
			    ct_arena_printf(facts->arena, "did you mean %s%s?", prefix, near),
			    "%s means nothing to cattach", name);
	}
}

int ct_facts_defaults(struct ct_facts *facts, struct ct_err *err)
{
	struct ct_defaults defaults;
	struct ct_err failure = { 0 };
	int r = ct_defaults_load(facts->arena, &defaults, &failure);

	if (r == -ENOMEM) {
		*err = failure;
		return r;
	}
	add_file(facts, &defaults, r, &failure);
	for (size_t i = 0; i < defaults.count; i++)
		if (is_in_effect(&defaults, &defaults.items[i]))
			add_default(facts, &defaults.items[i]);
	add_strangers(facts);
	return 0;
}
