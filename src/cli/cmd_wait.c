/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach wait: wait until containers have ended, and print their exit codes.
 *
 * Runs in the command's own process and sleeps on the monitors' pidfds. All containers are looked
 * up before the first is waited for: one that removes itself meanwhile (--rm) still has its record
 * open here. Fails for containers that do not exist, after the others have been waited for.
 */
#include "cli.h"

#include <stdio.h>

static const struct ct_option wait_table[] = {
	{ 0 },
};

/* One operand: the container that was found, or the error of looking for it. */
struct waiting {
	struct ct_container container;
	bool found;
};

static int wait_one(struct waiting *waiting, struct ct_err *err)
{
	char line[16];
	int code;

	if (ct_container_wait(&waiting->container, &code, err) < 0)
		return -err->code;
	snprintf(line, sizeof(line), "%d", code);
	return ct_print_line(line, err);
}

static int wait_for_all(struct waiting *list, size_t count)
{
	int code = 0;

	for (size_t i = 0; i < count; i++) {
		struct ct_err failure = {0};

		if (list[i].found && wait_one(&list[i], &failure) < 0) {
			ct_report(&failure);
			code = failure.exit;
		}
		if (list[i].found)
			ct_container_close(&list[i].container);
	}
	return code;
}

static int wait_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	size_t count = call->operands.count;
	struct waiting *list = ct_arena_calloc(call->arena, count, sizeof(*list));
	int code = 0, waited;

	if (!list)
		return ct_fail_nomem(err);
	if (ct_store_open(&store, err) < 0)
		return -err->code;
	for (size_t i = 0; i < count; i++) {
		struct ct_err failure = {0};

		list[i].container = (struct ct_container)CT_CONTAINER_INIT;
		list[i].found = ct_container_find(&store, call->arena, call->operands.items[i],
						  &list[i].container, &failure) == 0;
		if (!list[i].found) {
			ct_report(&failure);
			code = failure.exit;
		}
	}
	waited = wait_for_all(list, count);
	return waited ? waited : code;
}

const struct ct_verb ct_verb_wait = {
	.name = "wait",
	.summary = "Wait until containers have ended and print their exit codes",
	.synopsis = "CONTAINER...",
	.description = "Prints one code a line, in the order of the operands: that of the first "
		       "process, 128 + N when signal N ended it, 255 when nobody could record it. "
		       "A container that has ended already is answered at once.",
	.examples = "code=$(cattach wait web)\tIts exit code, once it has one",
	.options = wait_table,
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = CT_OPERANDS_ANY,
	.handler = wait_handler,
};
