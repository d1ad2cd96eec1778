/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach healthcheck run: make a container's health check now, by hand.
 *
 * Runs in the command's own process with the caller's rights; the check is its child and ends with
 * it. What came of it goes into the record as that of any other check, and tells of a change. What
 * --health-on-failure asks for is left to the checks that nobody has asked for. Fails for
 * containers that have no check or do not run; an answer is no failure, whatever it is.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include <cattach/health.h>

/* "run" is a word of docker's and podman's command, and the only one. */
static const struct ct_option healthcheck_table[] = {
	{ 0 },
};

/* What the container is now, unless all is well: a script looks at the exit code. */
static int print_status(const struct ct_health *health, const struct ct_health_check *check,
			struct ct_err *err)
{
	int r = check->code ? ct_print_line(ct_health_name(health->status), err) : 0;

	if (r < 0)
		return r;
	return check->code ? 1 : 0;
}

/* The check and the record of it are two steps: a monitor whose own check ends in between is not
 * lost, ct_health_update() reads the record again under its lock. */
static int healthcheck_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	const char *action = call->operands.items[0];
	struct ct_health_check check = { 0 };
	struct ct_health health = { 0 };
	int r;

	if (strcmp(action, "run") != 0 || call->operands.count < 2) {
		if (strcmp(action, "run") != 0)
			ct_fail(err, EINVAL, "unknown command \"healthcheck %.64s\"", action);
		else
			ct_fail(err, EINVAL, "healthcheck run needs a CONTAINER");
		return ct_hint(err, "usage: cattach healthcheck %s", call->verb->synopsis);
	}
	r = ct_store_open(&store, err);
	if (r == 0)
		r = ct_container_find(&store, call->arena, call->operands.items[1], &container,
				      err);
	if (r == 0)
		r = ct_health_check(&store, call->arena, &container, &check, err);
	if (r == 0)
		r = ct_health_update(&container, &check, &health, err);
	return r < 0 ? r : print_status(&health, &check, err);
}

const struct ct_verb ct_verb_healthcheck = {
	.name = "healthcheck",
	.summary = "Check the health of a container now",
	.synopsis = "run CONTAINER",
	.description =
		"The command of --health-cmd is run once in the container, as \"cattach exec\" would, and "
		"what it says goes into the record: \"cattach inspect -f '{{json .State.Health}}'\" shows "
		"it, and \"cattach events\" tells when the container becomes healthy or unhealthy by it. "
		"The checks that are made at intervals go on as they would.\n\n"
		"The exit code is 0 when the check has succeeded. When it has failed the exit code is 1, "
		"and what the container is now is printed: starting, healthy (it takes --health-retries "
		"failures to change that) or unhealthy. It is 125 when no check could be made: the "
		"container has none, does not run, or is paused. --health-on-failure is not acted on.",
	.examples = "cattach healthcheck run web\tIs it well?\n"
		    "cattach wait --condition healthy web\tWait until it is",
	.options = healthcheck_table,
	.operand = "COMMAND",
	.min_operands = 1,
	.max_operands = 2,
	.handler = healthcheck_handler,
};
