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

/* By name, as they are printed; one that has none goes by its id. */
static int add_all(const struct ct_call *call, unsigned states, struct ct_strings *names,
		   struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container_list list = {0};

	if (ct_store_open(&store, err) < 0 || ct_container_list(&store, call->arena, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.count; i++) {
		const struct ct_container *c = &list.items[i];

		if (states & CT_STATE_BIT(c->state) &&
		    ct_strings_add(call->arena, names, ct_container_label(c)) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

int ct_operands_or_all(const struct ct_call *call, bool all, const char *option, unsigned states,
		       struct ct_call *ret_call, struct ct_err *err)
{
	const char *verb = call->verb->name;

	*ret_call = *call;
	if (all && call->operands.count)
		return ct_fail(err, EINVAL, "%s takes --%s or containers, not both", verb, option);
	if (all)
		return add_all(call, states, &ret_call->operands, err);
	if (call->operands.count)
		return 0;
	ct_fail(err, EINVAL, "%s needs a CONTAINER, or --%s", verb, option);
	return ct_hint(err, "usage: cattach %s %s", verb, call->verb->synopsis);
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
