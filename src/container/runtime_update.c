/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing the limits of a container that somebody else watches. Callers give a linux.resources object
 * that has what is to change, often with zeros for everything else, or options that are called as
 * runc's and crun's; in both 0 says nothing, -1 is no limit.
 *
 * Runs in the command, with the caller's rights; the work is done by update.c. Which devices may be used
 * is not among what changes. May fail: values that are malformed, and limits that cannot be had here.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/file.h>

#include <cattach/num.h>
#include <cattach/states.h>

#include "resources.h"
#include "runtime_parts.h"
#include "update.h"

/* ---- options ---- */

enum kind { BYTES, SIGNED, UNSIGNED, SHORT, LIST };

struct option {
	const char *name, *property;
	enum kind kind;
	size_t text, value;
};

#define OPTION(name, property, kind, text, member) \
	{ "--" name, property, kind, offsetof(struct ct_runtime_limits, text), \
	  offsetof(struct ct_cgroup_resources, member) }

static const struct option options[] = {
	OPTION("memory", "memory.limit", BYTES, memory, memory),
	OPTION("memory-reservation", "memory.reservation", BYTES, reservation, reservation),
	OPTION("memory-swap", "memory.swap", BYTES, swap, swap),
	OPTION("cpu-share", "cpu.shares", UNSIGNED, shares, shares),
	OPTION("cpu-quota", "cpu.quota", SIGNED, quota, quota),
	OPTION("cpu-period", "cpu.period", UNSIGNED, period, period),
	OPTION("cpu-burst", "cpu.burst", UNSIGNED, burst, burst),
	OPTION("cpu-idle", "cpu.idle", SIGNED, idle, idle),
	OPTION("cpu-rt-period", "cpu.realtimePeriod", UNSIGNED, rt_period, realtime_period),
	OPTION("cpu-rt-runtime", "cpu.realtimeRuntime", SIGNED, rt_runtime, realtime_runtime),
	OPTION("cpuset-cpus", "cpu.cpus", LIST, cpus, cpus),
	OPTION("cpuset-mems", "cpu.mems", LIST, mems, mems),
	OPTION("pids-limit", "pids.limit", SIGNED, pids, pids),
	OPTION("blkio-weight", "blockIO.weight", SHORT, blkio_weight, weight),
};

static int parse_bytes(const char *text, int64_t *ret_bytes, struct ct_err *err)
{
	uint64_t bytes = 0;
	int r;

	if (!strcmp(text, "-1")) {
		*ret_bytes = -1;
		return 0;
	}
	r = ct_parse_size(text, &bytes, err);
	if (r == 0 && bytes > INT64_MAX)
		return ct_fail(err, ERANGE, "must be a size below 8 EiB, not \"%s\"", text);
	*ret_bytes = (int64_t)bytes;
	return r;
}

static int parse_list(const char *text, const char **ret_list, struct ct_err *err)
{
	if (!ct_is_cpu_list(text))
		return ct_fail(err, EINVAL, "must be a list such as 0-3,7, not \"%s\"", text);
	*ret_list = text;
	return 0;
}

static int parse_one(const struct option *o, const char *text, void *value, struct ct_err *err)
{
	uint64_t number = 0;
	int r;

	switch (o->kind) {
	case BYTES:
		return parse_bytes(text, value, err);
	case SIGNED:
		return ct_parse_i64(text, -1, INT64_MAX, value, err);
	case UNSIGNED:
		return ct_parse_u64(text, 0, INT64_MAX, value, err);
	case LIST:
		return parse_list(text, value, err);
	case SHORT:
		break;
	}
	r = ct_parse_u64(text, 10, 1000, &number, err);
	*(uint16_t *)value = (uint16_t)number;
	return r;
}

int ct_runtime_limits_parse(struct ct_arena *arena, const struct ct_runtime_limits *limits,
			    struct ct_cgroup_resources *ret_resources, struct ct_err *err)
{
	struct ct_cgroup_resources resources = { 0 };
	struct resource_giving giving = { .arena = arena, .resources = &resources, .err = err };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		const struct option *o = &options[i];
		const char *text = *(const char *const *)(const void *)((const char *)limits + o->text);

		if (!text || !*text || (!strcmp(text, "0") && o->kind != LIST))
			continue;
		if (parse_one(o, text, (char *)&resources + o->value, err) < 0)
			return ct_wrap(err, "%s", o->name);
		if (ct_resource_from(&giving, o->property, o->name) < 0)
			return -err->code;
	}
	resources.has_pids = resources.pids != 0;
	resources.has_burst = resources.burst != 0;
	/* The one that has a meaning for 0: it takes back. */
	resources.has_idle = limits->idle && *limits->idle;
	*ret_resources = resources;
	return 0;
}

/* ---- what is wished over what there is ---- */

#define TAKE(member) do { \
	if (wish->member) \
		r->member = wish->member; \
} while (0)

#define TAKE_LIST(items, count) do { \
	if (wish->count) { \
		r->items = wish->items; \
		r->count = wish->count; \
	} \
} while (0)

static void take_memory(struct ct_cgroup_resources *r, const struct ct_cgroup_resources *wish)
{
	TAKE(memory);
	TAKE(reservation);
	TAKE(swap);
	TAKE(check_before_update);
	if (wish->has_swappiness && wish->swappiness) {
		r->has_swappiness = true;
		r->swappiness = wish->swappiness;
	}
	/* Kernel memory alone has no limit any more, in any kernel that we run on. */
}

static void take_cpu(struct ct_cgroup_resources *r, const struct ct_cgroup_resources *wish)
{
	TAKE(shares);
	TAKE(quota);
	TAKE(period);
	TAKE(realtime_period);
	TAKE(realtime_runtime);
	if (wish->cpus && *wish->cpus)
		r->cpus = wish->cpus;
	if (wish->mems && *wish->mems)
		r->mems = wish->mems;
	if (wish->has_burst) {
		r->has_burst = true;
		r->burst = wish->burst;
	}
	if (wish->has_idle) {
		r->has_idle = true;
		r->idle = wish->idle;
	}
}

static void take_rest(struct ct_cgroup_resources *r, const struct ct_cgroup_resources *wish)
{
	/* No caller wants no process at all, and many write 0 for "as it is". */
	if (wish->has_pids && wish->pids) {
		r->has_pids = true;
		r->pids_by_default = false;
		r->pids = wish->pids;
	}
	TAKE(weight);
	TAKE(leaf_weight);
	TAKE_LIST(weights.items, weights.count);
	TAKE_LIST(read_bps.items, read_bps.count);
	TAKE_LIST(write_bps.items, write_bps.count);
	TAKE_LIST(read_iops.items, read_iops.count);
	TAKE_LIST(write_iops.items, write_iops.count);
	TAKE_LIST(huge, huge_count);
	TAKE_LIST(rdma, rdma_count);
	TAKE_LIST(unified, unified_count);
	TAKE_LIST(origins, origin_count);
}

struct resources_wish {
	struct update_wish wish;
	const struct ct_cgroup_resources *resources;
};

static int give(const struct update_wish *wish, struct ct_arena *arena,
		struct ct_cgroup_resources *inout, struct ct_err *err)
{
	const struct ct_cgroup_resources *given = ((const struct resources_wish *)wish)->resources;

	(void)arena;
	(void)err;
	take_memory(inout, given);
	take_cpu(inout, given);
	take_rest(inout, given);
	return 0;
}

/* One after the other, or the files of the record would be of several. The lock is that of its maker. */
int ct_runtime_update(struct ct_container *container, struct ct_arena *arena,
		      const struct ct_cgroup_resources *wish, struct ct_err *err)
{
	const struct resources_wish w = { { give }, wish };
	int r;

	if (!ct_container_is_live(container))
		return ct_fail(err, ESRCH, "container not running");
	if (flock(container->dir, LOCK_EX) < 0)
		return ct_fail_errno(err, errno, "cannot lock container %s", container->meta.id);
	r = ct_runtime_read_meta(arena, container, err);
	if (r == 0)
		r = ct_update_limits(container, arena, &w.wish, err);
	flock(container->dir, LOCK_UN);
	return r;
}
