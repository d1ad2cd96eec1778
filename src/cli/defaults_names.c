/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of defaults: from "logDriver" or CATTACH_LOG_DRIVER to an option of a table, and back.
 *
 * A name is that of an option that run and create share, or of a verb and one of its options. So
 * there is no table of names: docker's own (detachKeys, psFormat, statsFormat) are names of this
 * form, and every new option has one. What has no default: options that say which one thing is
 * meant, like --name, and those of the few verbs that are to work the same everywhere.
 *
 * Looks at tables only. Runs in the command's own process; cannot fail.
 *
 *    key in the file     variable               row of a table
 *    logDriver           CATTACH_LOG_DRIVER     --log-driver of run and create
 *    detachKeys          CATTACH_DETACH_KEYS    --detach-keys of every verb that has it
 *    psFormat            CATTACH_PS_FORMAT      --format of ps
 *    logOpts             CATTACH_LOG_OPTS       --log-opt, in docker's plural
 */
#include "defaults.h"

#include <ctype.h>
#include <string.h>

#define NAME_SIZE 64

/* They stand for one container, session or file, for what is done once, or for what a script that
 * reads our output could not expect. A default for "--all" of rm would make "cattach rm web" remove
 * everything. */
static const char *const without[] = {
	"name", "bundle", "rootfs", "cidfile", "pidfile", "session", "latest", "all", "running", "filter",
	"for-output", "output", "reopen", "redraw", "color", "watch",
};

/* Docker writes these in the plural. */
static const struct {
	const char *written, *option;
} spellings[] = {
	{ "log-opts", "log-opt" },
	{ "labels", "label" },
};

/* What has no help text is another name of a row, or one that is understood and not meant to be
 * used. */
static bool has_default(const struct ct_verb *verb, const struct ct_option *option)
{
	/* where containers are not named, these say what is shown, and not to what something is
	 * done */
	if (!verb->max_operands &&
	    (!strcmp(option->name, "all") || !strcmp(option->name, "filter")))
		return option->help != NULL;
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++)
		if (!strcmp(option->name, without[i]))
			return false;
	return option->help != NULL;
}

static const struct ct_option *option_of(const struct ct_verb *verb, const char *name)
{
	const struct ct_option *option = ct_option_find(verb->options, name, strlen(name));

	return option && has_default(verb, option) ? option : NULL;
}

/* Options for which one default holds for several verbs: what makes containers, and what lets go of
 * any of them. create's table is run's but for what is about following at once. */
static const struct ct_option *shared_option(const char *name)
{
	if (!strcmp(name, "detach-keys"))
		return option_of(&ct_verb_attach, name);
	return option_of(&ct_verb_create, name);
}

/* A shared name is not for any verb that happens to have an option of that name: --user of exec has
 * nothing to do with that of run. */
bool ct_default_is_for(const struct ct_default *item, const struct ct_verb *verb,
		       const struct ct_option *option)
{
	if (strcmp(item->option, option->name))
		return false;
	if (item->verb)
		return item->verb == verb;
	return verb == &ct_verb_run || verb == &ct_verb_create ||
	       !strcmp(item->option, "detach-keys");
}

/* "ps-format": of a verb alone, "log-driver": of several. Shared names first: "stop-signal" is
 * --stop-signal of what makes containers, and not --signal of stop. */
static bool find(const char *name, struct ct_default_name *ret)
{
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++)
		if (!strcmp(name, spellings[i].written))
			name = spellings[i].option;
	*ret = (struct ct_default_name){ .option = shared_option(name) };
	for (size_t i = 0; !ret->option && ct_verbs[i]; i++) {
		size_t length = strlen(ct_verbs[i]->name);

		if (ct_verbs[i]->without_defaults || strncmp(name, ct_verbs[i]->name, length) ||
		    name[length] != '-')
			continue;
		ret->verb = ct_verbs[i];
		ret->option = option_of(ct_verbs[i], name + length + 1);
	}
	return ret->option != NULL;
}

/* Camel case as in docker's config.json; a digit is part of its word. Anything else is no name of
 * ours. */
bool ct_default_find_key(const char *key, struct ct_default_name *ret)
{
	char name[NAME_SIZE];
	size_t at = 0;

	for (; *key && at < sizeof(name) - 2; key++) {
		if (!isalnum((unsigned char)*key))
			return false;
		if (isupper((unsigned char)*key))
			name[at++] = '-';
		name[at++] = (char)tolower((unsigned char)*key);
	}
	name[at] = '\0';
	return !*key && find(name, ret);
}

/* The part behind CATTACH_, upper case with underscores. */
bool ct_default_find_variable(const char *variable, struct ct_default_name *ret)
{
	char name[NAME_SIZE];
	size_t at = 0;

	for (; *variable && at < sizeof(name) - 1; variable++) {
		if (islower((unsigned char)*variable) || *variable == '-')
			return false;
		name[at++] = *variable == '_' ? '-' : (char)tolower((unsigned char)*variable);
	}
	name[at] = '\0';
	return !*variable && find(name, ret);
}

/* ---- what may be meant ---- */

/* "ps" and "no-trunc": psNoTrunc */
static void write_key(const char *verb, const char *option, char *buf, size_t size)
{
	size_t at = 0;

	for (; *verb && at < size - 1; verb++)
		buf[at++] = *verb;
	for (bool upper = at > 0; *option && at < size - 1; option++) {
		if (*option != '-')
			buf[at++] = upper ? (char)toupper((unsigned char)*option) : *option;
		upper = *option == '-';
	}
	buf[at] = '\0';
	if (!strcmp(buf, "logOpt"))
		strcat(buf, "s");
}

/* Of the keys for the options of a table; prefix is the verb's name, or "" for shared ones.
 * Candidates are written as keys and read back, so that what is suggested is what is understood. */
static void nearest_of(const struct ct_verb *verb, const char *prefix, const char *key, int *best,
		       char *buf, size_t size)
{
	for (const struct ct_option *o = verb->options; o->kind != CT_OPTION_END; o++) {
		struct ct_default_name found;
		char candidate[2 * NAME_SIZE];
		int distance;

		if (!ct_option_is_typed(o) || !has_default(verb, o))
			continue;
		write_key(prefix, o->name, candidate, sizeof(candidate) - 1);
		if (!ct_default_find_key(candidate, &found))
			continue;
		distance = ct_suggest(key, candidate);
		if (distance < 0 || (*best >= 0 && distance >= *best) || strlen(candidate) >= size)
			continue;
		*best = distance;
		strcpy(buf, candidate);
	}
}

bool ct_default_nearest(const char *key, char *buf, size_t size)
{
	int best = -1;

	nearest_of(&ct_verb_create, "", key, &best, buf, size);
	nearest_of(&ct_verb_attach, "", key, &best, buf, size);
	for (size_t i = 0; ct_verbs[i]; i++)
		if (!ct_verbs[i]->without_defaults)
			nearest_of(ct_verbs[i], ct_verbs[i]->name, key, &best, buf, size);
	return best >= 0;
}

/* As a key there and back: the distance is counted in the letters of the key, where no underscores
 * dilute it. */
bool ct_default_nearest_variable(const char *name, char *buf, size_t size)
{
	char key[NAME_SIZE], near[NAME_SIZE];
	size_t at = 0;
	bool upper = false;

	for (; *name && at < sizeof(key) - 1; name++) {
		if (*name != '_')
			key[at++] = upper ? *name : (char)tolower((unsigned char)*name);
		upper = *name == '_';
	}
	key[at] = '\0';
	if (*name || !ct_default_nearest(key, near, sizeof(near)))
		return false;
	at = 0;
	for (const char *from = near; *from && at + 2 < size; from++) {
		if (isupper((unsigned char)*from))
			buf[at++] = '_';
		buf[at++] = (char)toupper((unsigned char)*from);
	}
	buf[at] = '\0';
	return true;
}
