/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach update: change what containers may have, how their health is checked, and whether they
 * are started again.
 *
 * Runs in the command's own process, on containers and cgroups of the caller. One that fails is
 * reported, stays as it was, and the others go on. Fails without any option, for limits that cannot
 * be had, and for containers that run without a cgroup.
 */
#include "operands.h"

#include <errno.h>

#include "health_options.h"
#include "resource_options.h"

/* The offsets go into struct ct_update_options, which the library takes as it is.
 * "without_defaults" because a default would be a change that nobody has asked for. */
static const struct ct_option update_table[] = {
	CT_RESOURCE_OPTIONS(offsetof(struct ct_update_options, resources)),
	CT_HEALTH_OPTIONS(offsetof(struct ct_update_options, health)),
	{ .kind = CT_OPTION_HEADING, .help = "After its end" },
	{ "restart", 0, CT_OPTION_STRING, "POLICY", offsetof(struct ct_update_options, restart),
	  "Start it again: no, on-failure[:N], always, unless-stopped" },
	{ 0 },
};

struct update {
	struct ct_arena *arena;
	const struct ct_update_options *options;
	bool several;			/* containers: which one it was has to be said */
};

/* A record is read, changed and written under the container's lock, and put back when the cgroup
 * refuses: ct_container_update(). */
static int update_one(struct ct_store *store, struct ct_container *container, void *arg,
		      struct ct_err *err)
{
	const struct update *update = arg;
	int r = ct_container_update(container, update->arena, update->options, err);

	(void)store;
	return r < 0 && update->several ? ct_wrap(err, "%s", ct_container_label(container)) : r;
}

/* Is there one in what the table has filled? By the table, so that a new option counts without
 * being named here. A bool counts when it is true: none of these can be switched off, so "=false"
 * asks for nothing. */
static bool is_any_given(const void *options)
{
	for (const struct ct_option *o = update_table; o->kind != CT_OPTION_END; o++) {
		const void *member = (const char *)options + o->offset;

		if ((o->kind == CT_OPTION_STRING && *(const char *const *)member) ||
		    (o->kind == CT_OPTION_LIST && ((const struct ct_strings *)member)->count) ||
		    (ct_option_is_bool(o) && *(const bool *)member))
			return true;
	}
	return false;
}

static int update_handler(const struct ct_call *call, struct ct_err *err)
{
	struct update update = {
		.arena = call->arena, .options = call->options,
		.several = call->operands.count > 1,
	};
	const struct ct_each each = { .act = update_one, .arg = &update };

	if (!is_any_given(call->options)) {
		ct_fail(err, EINVAL, "update needs an option that says what is to change");
		return ct_hint(err, "cattach help update lists them");
	}
	return ct_each_operand(call, &each, err);
}

const struct ct_verb ct_verb_update = {
	.name = "update",
	.summary = "Change limits, health check and restart policy of containers",
	.synopsis = "OPTIONS CONTAINER...",
	.description =
		"What is given changes, at once for containers that run, and for their next starts; what "
		"is not given stays. The options are those of \"cattach run\". A limit that cannot be had "
		"is an error, and the container then has all the limits that it had.\n\n"
		"A restart policy counts from the next end of the container on.\n\n"
		"Of a health check what is not given stays, too. The next check comes an interval later, and "
		"one that is under way is left out. With another command the container is \"starting\" "
		"again, and nothing that the old one has said counts.\n\n"
		"Less memory than is in use makes the kernel take back what it can, and when that is not "
		"enough it kills processes of the container.",
	.examples = "cattach update --restart on-failure:5 web\tFive more tries\n"
		    "cattach update --health-cmd 'test -e /ready' web\tCheck it, or check it by this\n"
		    "cattach update -m 512m --cpus 1.5 web\tHalf a gigabyte, one and a half processors\n"
		    "cattach update --pids-limit -1 web\tNo limit any more",
	.options = update_table,
	.options_size = sizeof(struct ct_update_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = CT_OPERANDS_ANY,
	.without_defaults = true,
	.handler = update_handler,
};
