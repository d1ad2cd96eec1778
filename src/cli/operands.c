/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verb, several containers: find each, act, print its name as it was given. Errors are
 * reported as they happen; the exit code tells at the end that there was one.
 *
 * Runs in the command's own process. What it fails on is what the store and the action fail on.
 */
#include "operands.h"

#include <errno.h>

static int act_on(struct ct_store *store, struct ct_arena *arena, const char *name,
		  const struct ct_each *each, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	int r = ct_container_find(store, arena, name, &container, err);

	if (r == -ENOENT && each->missing_ok)
		return 0;
	if (r < 0)
		return r;
	r = each->act(store, &container, each->arg, err);
	return r < 0 ? r : ct_print_line(name, err);
}

int ct_each_operand(const struct ct_call *call, const struct ct_each *each, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	int code = 0, r = ct_store_open(&store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < call->operands.count; i++) {
		struct ct_err failure = {0};

		if (act_on(&store, call->arena, call->operands.items[i], each, &failure) == 0)
			continue;
		ct_report(&failure);
		code = failure.exit;
	}
	return code;
}
