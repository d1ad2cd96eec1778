/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scheduling of the plan: policy, I/O priority, personality; words of config.json into numbers.
 *
 * Runs in the CLI. Whether the user may have them only the kernel knows: the child asks.
 */
#include <errno.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <string.h>
#include <sys/personality.h>

#include <cattach/num.h>

#include "plan.h"

struct number {
	const char *name;
	uint64_t value;
};

static const struct number policies[] = {
	{ "SCHED_OTHER", SCHED_NORMAL },       { "SCHED_NORMAL", SCHED_NORMAL },
	{ "SCHED_FIFO", SCHED_FIFO },	       { "SCHED_RR", SCHED_RR },
	{ "SCHED_BATCH", SCHED_BATCH },	       { "SCHED_ISO", 4 },
	{ "SCHED_IDLE", SCHED_IDLE },	       { "SCHED_DEADLINE", SCHED_DEADLINE },
	{ NULL, 0 },
};

static const struct number flags[] = {
	{ "SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK },
	{ "SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM },
	{ "SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN },
	{ "SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY },
	{ "SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS },
	{ "SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN },
	{ "SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX },
	{ NULL, 0 },
};

static const struct number io_classes[] = {
	{ "IOPRIO_CLASS_RT", IOPRIO_CLASS_RT },
	{ "IOPRIO_CLASS_BE", IOPRIO_CLASS_BE },
	{ "IOPRIO_CLASS_IDLE", IOPRIO_CLASS_IDLE },
	{ NULL, 0 },
};

static const struct number personalities[] = {
	{ "LINUX", PER_LINUX },
	{ "LINUX32", PER_LINUX32 },
	{ NULL, 0 },
};

static const struct number memory_modes[] = {
	{ "MPOL_DEFAULT", MPOL_DEFAULT },     { "MPOL_PREFERRED", MPOL_PREFERRED },
	{ "MPOL_BIND", MPOL_BIND },	      { "MPOL_INTERLEAVE", MPOL_INTERLEAVE },
	{ "MPOL_LOCAL", MPOL_LOCAL },	      { "MPOL_PREFERRED_MANY", 5 },
	{ "MPOL_WEIGHTED_INTERLEAVE", 6 },    { "MPOL_F_NUMA_BALANCING", 1 << 13 },
	{ "MPOL_F_RELATIVE_NODES", 1 << 14 }, { "MPOL_F_STATIC_NODES", 1 << 15 },
	{ NULL, 0 },
};

static int find(struct planning *p, const struct number *table, const char *name,
		const char *place, uint64_t *ret_value, struct ct_err *err)
{
	for (; table->name; table++) {
		if (strcmp(table->name, name) == 0) {
			*ret_value = table->value;
			return 0;
		}
	}
	return ct_spec_fail(p->spec, err, EINVAL, place, "unknown value \"%s\"", name);
}

static int plan_scheduler(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_scheduler *from = &p->spec->process->scheduler;
	struct ct_plan_scheduler *to = &p->plan->process.scheduler;
	uint64_t value = 0;

	if (!p->spec->process->has_scheduler)
		return 0;
	if (find(p, policies, from->policy, "process.scheduler.policy", &value, err) < 0)
		return -err->code;
	*to = (struct ct_plan_scheduler){
		.present = true,
		.policy = (uint32_t)value,
		.nice = from->nice,
		.priority = (uint32_t)from->priority,
		.runtime = from->runtime,
		.deadline = from->deadline,
		.period = from->period,
	};
	for (size_t i = 0; i < from->flags.count; i++) {
		const char *place = ct_plan_place(p, "process.scheduler.flags", i);

		if (find(p, flags, from->flags.items[i], place, &value, err) < 0)
			return -err->code;
		to->flags |= value;
	}
	return 0;
}

/* "0-3,7" as a mask; NULL stays NULL. */
static int plan_mask(struct planning *p, const char *list, const char *place, unsigned long **ret_mask,
		     struct ct_err *err)
{
	unsigned long *mask;
	int r;

	if (!list || !*list)
		return 0;
	mask = ct_arena_calloc(p->arena, CT_PLAN_MASK_BITS / 8 / sizeof(*mask), sizeof(*mask));
	if (!mask)
		return ct_fail_nomem(err);
	r = ct_cpu_list_bits(list, mask, CT_PLAN_MASK_BITS);
	if (r < 0)
		return ct_spec_fail(p->spec, err, -r, place, "%s: more than %d are not possible", list,
				    CT_PLAN_MASK_BITS);
	*ret_mask = mask;
	return 0;
}

static int plan_memory(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_linux *from = &p->spec->linux_;
	struct ct_plan_process *to = &p->plan->process;
	uint64_t value = 0;

	if (!from->memory_mode)
		return 0;
	if (find(p, memory_modes, from->memory_mode, "linux.memoryPolicy.mode", &value, err) < 0)
		return -err->code;
	to->memory_mode = (int)value;
	for (size_t i = 0; i < from->memory_flags.count; i++) {
		const char *place = ct_plan_place(p, "linux.memoryPolicy.flags", i);

		if (find(p, memory_modes, from->memory_flags.items[i], place, &value, err) < 0)
			return -err->code;
		to->memory_mode |= (int)value;
	}
	to->has_memory_policy = true;
	return plan_mask(p, from->memory_nodes, "linux.memoryPolicy.nodes", &to->memory_nodes, err);
}

int ct_plan_affinity(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_process *from = p->spec->process;
	struct ct_plan_process *to = &p->plan->process;
	int r = plan_mask(p, from->affinity_initial, "process.execCPUAffinity.initial",
			  &to->affinity_initial, err);

	return r < 0 ? r : plan_mask(p, from->affinity_final, "process.execCPUAffinity.final",
				     &to->affinity_final, err);
}

int ct_plan_scheduling(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_process *from = p->spec->process;
	struct ct_plan_process *to = &p->plan->process;
	uint64_t value = 0;

	if (plan_scheduler(p, err) < 0 || plan_memory(p, err) < 0)
		return -err->code;
	if (from->io_class) {
		if (find(p, io_classes, from->io_class, "process.ioPriority.class", &value, err) < 0)
			return -err->code;
		to->has_io_priority = true;
		to->io_priority = (int)(value << IOPRIO_CLASS_SHIFT) | from->io_priority;
	}
	if (p->spec->linux_.personality) {
		if (find(p, personalities, p->spec->linux_.personality,
			 "linux.personality.domain", &value, err) < 0)
			return -err->code;
		to->has_personality = true;
		to->personality = (unsigned long)value;
	}
	return 0;
}
