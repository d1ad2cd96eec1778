/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Defaults of options that the caller has set: in config.json, and in variables CATTACH_*.
 *
 * Both name options in one way. "capAdd" and CATTACH_CAP_ADD are --cap-add of what makes
 * containers, run and create; "psFormat" and CATTACH_PS_FORMAT are --format of ps. Nearest to the
 * command counts: the command line, a variable, the file, what is built in; of the last three the
 * one for a single verb before the one for several.
 */
#ifndef CATTACH_CLI_DEFAULTS_H
#define CATTACH_CLI_DEFAULTS_H

#include "cli.h"

enum ct_default_source { CT_DEFAULT_FILE, CT_DEFAULT_VARIABLE };

struct ct_default {
	enum ct_default_source source;
	const char *key;		/* as written: "psFormat", "CATTACH_PS_FORMAT" */
	const char *place;		/* for errors: the variable, or file, line, column and key */
	const struct ct_verb *verb;	/* whose option it is; NULL: of several verbs */
	const char *option;		/* its long name */
	struct ct_strings values;	/* one, unless the option is a list */
};

struct ct_defaults {
	const char *path;		/* of config.json; NULL: the caller has no home */
	bool found;			/* it is there */
	struct ct_default *items;	/* those of the file in its order, then variables */
	size_t count;
};

/* What a key names. */
struct ct_default_name {
	const struct ct_verb *verb;	/* NULL: several verbs */
	const struct ct_option *option;	/* in the table of one of them */
};

/* "psFormat" or, behind its CATTACH_, "PS_FORMAT": is there such a default? */
bool ct_default_find_key(const char *key, struct ct_default_name *ret);
bool ct_default_find_variable(const char *name, struct ct_default_name *ret);

/* The key that is nearest to a wrong one, written into buf; false: none is near. */
bool ct_default_nearest(const char *key, char *buf, size_t size);
bool ct_default_nearest_variable(const char *name, char *buf, size_t size);

/* Is the option one that this default is for? */
bool ct_default_is_for(const struct ct_default *item, const struct ct_verb *verb,
		       const struct ct_option *option);

/* Append to the list; negative when memory runs out. */
int ct_default_add(struct ct_arena *arena, struct ct_defaults *defaults,
		   const struct ct_default *item, struct ct_err *err);

/**
 * ct_defaults_read - the caller's config.json
 * @err: what is wrong with it, with its path, line and column: JSON, unknown keys, values
 *       of the wrong type; EPERM when others can write it
 *
 * A file that is not there is none of these, and costs one open(2).
 */
int ct_defaults_read(struct ct_arena *arena, struct ct_defaults *defaults, struct ct_err *err);

/* The same for its text; name is what errors call it. */
int ct_defaults_parse(struct ct_arena *arena, const char *name, const void *data, size_t size,
		      struct ct_defaults *defaults, struct ct_err *err);

/* File and variables. What the variables say is checked by whoever uses it. */
int ct_defaults_load(struct ct_arena *arena, struct ct_defaults *ret_defaults,
		     struct ct_err *err);

/* What counts for an option of a verb, NULL: nothing but what is built in. */
const struct ct_default *ct_defaults_for(const struct ct_defaults *defaults,
					 const struct ct_verb *verb,
					 const struct ct_option *option);

/**
 * ct_defaults_apply - put them where the command line said nothing
 * @given: for each row of the verb's table, whether it was on the line
 * @target: the verb's struct
 * @err:   where is the variable, or the place in the file
 */
int ct_defaults_apply(const struct ct_defaults *defaults, const struct ct_verb *verb,
		      struct ct_arena *arena, const bool *given, void *target,
		      struct ct_err *err);

/* An error of the verb speaks of options: say where the value comes from when nobody typed it. */
void ct_defaults_explain(const struct ct_defaults *defaults, const struct ct_verb *verb,
			 const bool *given, struct ct_err *err);

#endif
