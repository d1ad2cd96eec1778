/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One verb, several containers: which ones, by name or by option; find each, act, print its name as
 * it was given. Errors are reported as they happen; the exit code tells at the end that there was
 * one.
 *
 * Runs in the command's own process. What it fails on is what the store and the action fail on.
 *
 *   CONTAINER...              as they were typed; each looked up when its turn comes
 *   --all, --filter           looked up here, by state and filter: ids[] beside operands[]
 *   --latest                  the one that was made last
 *   --cidfile FILE...         the id in each file
 *
 * Exactly one of these ways (check_choice). Between choosing and acting a container may be removed,
 * or its name given to another: what a filter chose is found again by its id and printed by its
 * name, and when it has gone meanwhile that is no error, for nobody has named it.
 */
#include "operands.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <cattach/num.h>

#include "cidfile.h"
#include "latest.h"
#include "ps.h"

#define MAX_SECONDS 2147483	/* what fits into poll(2)'s milliseconds */

/* The name is printed only after the deed, so that a script can count what was done. */
static int act_on(struct ct_store *store, const struct ct_call *call, size_t i,
		  const struct ct_each *each, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	const char *name = call->operands.items[i], *id = ct_operand_id(call, i);
	int r = ct_container_find(store, call->arena, id ? id : name, &container, err);

	if (r == 0)
		r = each->act(store, &container, each->arg, err);
	/* what was chosen and has gone meanwhile is no more among those that were meant */
	if (r == -ENOENT && (each->missing_ok || id))
		return 0;
	return r < 0 ? r : ct_print_line(name, err);
}

const char *ct_operand_id(const struct ct_call *call, size_t i)
{
	return i < call->ids.count ? call->ids.items[i] : NULL;
}

/* A session or a damaged record may have no id of its own; its label finds it then. */
static int add_chosen(struct ct_call *call, const struct ct_container *container,
		      struct ct_err *err)
{
	const char *label = ct_container_label(container), *id = container->meta.id;

	if (ct_strings_add(call->arena, &call->operands, label) < 0 ||
	    ct_strings_add(call->arena, &call->ids, id ? id : label) < 0)
		return ct_fail_nomem(err);
	return 0;
}

/* By name, as they are printed, and by id, as they are found: a name may be another one's by
 * then. */
static int add_all(struct ct_store *store, const struct ct_named *choice, struct ct_call *call,
		   struct ct_err *err)
{
	static const struct ct_strings none;
	struct ct_container_list list = {0};
	struct ct_filters filters = {0};

	if (ct_filters_parse(store, call->arena, choice->filters ? choice->filters : &none,
			     &filters, err) < 0 ||
	    ct_container_list(store, call->arena, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.count; i++) {
		const struct ct_container *c = &list.items[i];

		if (choice->states & CT_STATE_BIT(c->state) && ct_filters_match(&filters, c) &&
		    add_chosen(call, c, err) < 0)
			return -err->code;
	}
	return 0;
}

/* What an empty variable of a script makes of "name=$name": everything would match it. */
static int check_filters(const struct ct_strings *filters, struct ct_err *err)
{
	for (size_t i = 0; i < filters->count; i++) {
		const char *equals = strchr(filters->items[i], '=');

		if (!equals || equals[1])
			continue;
		ct_fail(err, EINVAL, "\"%s\" has no value", filters->items[i]);
		ct_hint(err, "--all stands for all of them");
		return ct_wrap(err, "--filter");
	}
	return 0;
}

static int add_latest(struct ct_store *store, struct ct_call *call, struct ct_err *err)
{
	const char *name;

	if (ct_operand_or_latest(call, true, store, &name, err) < 0)
		return -err->code;
	return ct_strings_add(call->arena, &call->operands, name) < 0 ? ct_fail_nomem(err) : 0;
}

/* missing_ok is --ignore: a file that was never written is a container that is not there. */
static int add_cidfiles(const struct ct_named *choice, struct ct_call *call, struct ct_err *err)
{
	for (size_t i = 0; i < choice->cidfiles->count; i++) {
		const char *id;
		int r = ct_cidfile_read(call->arena, choice->cidfiles->items[i], &id, err);

		if (r == -ENOENT && choice->missing_ok)
			continue;
		if (r < 0)
			return r;
		if (ct_strings_add(call->arena, &call->operands, id) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

/* In how many ways was it said? More than one is an error, and none is. */
static int check_choice(const struct ct_call *call, const struct ct_named *choice, bool some,
			struct ct_err *err)
{
	bool cidfiles = choice->cidfiles && choice->cidfiles->count;
	const char *how[3], *verb = call->verb->name;
	size_t count = 0;

	if (some)
		how[count++] = choice->all ? choice->option : "filter";
	if (choice->latest)
		how[count++] = "latest";
	if (cidfiles)
		how[count++] = "cidfile";
	if (count > 1)
		return ct_fail(err, EINVAL, "--%s and --%s exclude each other", how[0], how[1]);
	if (count && call->operands.count)
		return ct_fail(err, EINVAL, "%s takes --%s or containers, not both", verb, how[0]);
	if (count || call->operands.count)
		return 0;
	ct_fail(err, EINVAL, "%s needs a CONTAINER, or --%s", verb, choice->option);
	return ct_hint(err, "usage: cattach %s %s", verb, call->verb->synopsis);
}

/* *ret_call is a copy of the call with other operands, and shares everything else with it. The
 * filters are looked at before the store is opened: what is wrong with the command line is said
 * first. */
int ct_operands_choose(const struct ct_call *call, const struct ct_named *choice,
		       struct ct_call *ret_call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	bool some = choice->all || (choice->filters && choice->filters->count);

	*ret_call = *call;
	if (check_choice(call, choice, some, err) < 0 ||
	    (choice->filters && check_filters(choice->filters, err) < 0))
		return -err->code;
	if (call->operands.count)
		return 0;
	if (!some && !choice->latest)
		return add_cidfiles(choice, ret_call, err);
	if (ct_store_open(&store, err) < 0)
		return -err->code;
	return some ? add_all(&store, choice, ret_call, err) : add_latest(&store, ret_call, err);
}

int ct_operands_or_all(const struct ct_call *call, bool all, const char *option, unsigned states,
		       struct ct_call *ret_call, struct ct_err *err)
{
	const struct ct_named choice = { .all = all, .option = option, .states = states };

	return ct_operands_choose(call, &choice, ret_call, err);
}

/* -1 is "for ever", as docker has it; *ret_seconds keeps its default when nothing was given. */
int ct_seconds_option(const char *text, int *ret_seconds, struct ct_err *err)
{
	int64_t seconds;

	if (!text)
		return 0;
	if (ct_parse_i64(text, -1, MAX_SECONDS, &seconds, err) < 0)
		return ct_wrap(err, "--timeout");
	*ret_seconds = (int)seconds;
	return 0;
}

/* The exit code is that of the last failure. All failures here are 125, but for verbs whose action
 * says otherwise. */
int ct_each_operand(const struct ct_call *call, const struct ct_each *each, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	int code = 0, r = ct_store_open(&store, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < call->operands.count; i++) {
		struct ct_err failure = {0};

		if (act_on(&store, call, i, each, &failure) == 0)
			continue;
		ct_report(&failure);
		code = failure.exit;
	}
	return code;
}
