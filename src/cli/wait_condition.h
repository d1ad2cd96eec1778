/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait --condition: until containers are in one of several states.
 */
#ifndef CATTACH_CLI_WAIT_CONDITION_H
#define CATTACH_CLI_WAIT_CONDITION_H

#include "cli.h"

struct ct_wait_condition {
	struct ct_strings conditions;	/* as given */
	bool ignore;			/* a container that does not exist is done, with -1 */
	bool first;			/* one container is enough */
	uint64_t limit;			/* of CLOCK_MONOTONIC in ns, UINT64_MAX: never */
};

/* Wait for all operands at the same time and print their exit codes, -1 for those that have none.
 * 0, 124 when the time is up, or negative. */
int ct_wait_condition(const struct ct_call *call, const struct ct_wait_condition *wait,
		      struct ct_err *err);

#endif
