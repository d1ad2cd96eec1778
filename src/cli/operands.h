/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that do the same to several containers, one after the other.
 */
#ifndef CATTACH_CLI_OPERANDS_H
#define CATTACH_CLI_OPERANDS_H

#include <cattach/states.h>

#include "cli.h"

struct ct_each {
	/* What to do to one container; its name is printed when it succeeds. */
	int (*act)(struct ct_store *store, struct ct_container *container, void *arg,
		   struct ct_err *err);
	void *arg;
	bool missing_ok;	/* a container that does not exist is no error, and not printed */
};

/**
 * ct_operands_or_all - the containers that were named, or with --all those of some states
 * @option: "all", as it is called
 * @ret_call: the call with the names as its operands
 * @err: EINVAL when both or neither was given, with the usage
 */
int ct_operands_or_all(const struct ct_call *call, bool all, const char *option, unsigned states,
		       struct ct_call *ret_call, struct ct_err *err);

/* Which containers are meant by options instead of names. */
struct ct_named {
	bool all;
	const char *option;		/* what all is called: "all" */
	unsigned states;		/* of those that --all and --filter are about */
	bool latest;
	bool missing_ok;		/* a file of --cidfile that does not exist is passed over */
	const struct ct_strings *cidfiles, *filters;	/* as given; NULL: the verb has no such option */
};

/**
 * ct_operands_choose - the containers that were named, or that one of the options stands for
 * @ret_call: the call with their names, or ids, as its operands
 * @err: EINVAL when it was said in two ways or in none, with the usage; bad filters; the files of
 *       --cidfile; ENOENT where --latest has none
 */
int ct_operands_choose(const struct ct_call *call, const struct ct_named *choice,
		       struct ct_call *ret_call, struct ct_err *err);

/* The id of an operand that --all or --filter has chosen; NULL: it was named. */
const char *ct_operand_id(const struct ct_call *call, size_t i);

/* The value of --timeout: seconds, -1 for ever. NULL leaves it as it is. */
int ct_seconds_option(const char *text, int *ret_seconds, struct ct_err *err);

/**
 * ct_each_operand - do it to every container that was named
 *
 * One that fails is reported and the others go on, as docker does it.
 *
 * Return: 0, CT_EXIT_FAILED when one of them failed, negative when nothing could be done.
 */
int ct_each_operand(const struct ct_call *call, const struct ct_each *each, struct ct_err *err);

#endif
