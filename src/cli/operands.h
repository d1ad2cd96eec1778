/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that do the same to several containers, one after the other.
 */
#ifndef CATTACH_CLI_OPERANDS_H
#define CATTACH_CLI_OPERANDS_H

#include "cli.h"

struct ct_each {
	/* What to do to one container; its name is printed when it succeeds. */
	int (*act)(struct ct_store *store, struct ct_container *container, void *arg,
		   struct ct_err *err);
	void *arg;
	bool missing_ok;	/* a container that does not exist is no error, and not printed */
};

/* Sets of states. */
#define CT_STATE_BIT(state)	(1u << (state))
#define CT_STATES_ALL		(~0u)
/* Those that "stop" and "kill" change something for. */
#define CT_STATES_LIVE		(CT_STATE_BIT(CT_STATE_RUNNING) | CT_STATE_BIT(CT_STATE_PAUSED) | \
				 CT_STATE_BIT(CT_STATE_RESTARTING))

/**
 * ct_operands_or_all - the containers that were named, or with --all those of some states
 * @option: "all", as it is called
 * @ret_call: the call with the names as its operands
 * @err: EINVAL when both or neither was given, with the usage
 */
int ct_operands_or_all(const struct ct_call *call, bool all, const char *option, unsigned states,
		       struct ct_call *ret_call, struct ct_err *err);

/**
 * ct_each_operand - do it to every container that was named
 *
 * One that fails is reported and the others go on, as docker does it.
 *
 * Return: 0, CT_EXIT_FAILED when one of them failed, negative when nothing could be done.
 */
int ct_each_operand(const struct ct_call *call, const struct ct_each *each, struct ct_err *err);

#endif
