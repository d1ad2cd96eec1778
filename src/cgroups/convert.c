/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resources of the OCI specification, written for version 1, mean as files of version 2.
 *
 * Pure functions: no file is touched. Runs in commands before anything is made, so a contradiction
 * or something that version 2 has no equivalent for is refused early, by the property's name. The
 * rules are those that crun and runc agree on; where they differ the reason stands beside. Fails
 * with EINVAL, ENOTSUP, ERANGE, EPERM, and when the arena is exhausted.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#define PERIOD_DEFAULT	100000	/* microseconds, the kernel's */
#define PLACE(name)	"linux.resources." name

/* What all functions below need. */
struct conversion {
	struct ct_arena *arena;
	const struct ct_cgroup_resources *r;
	struct ct_cgroup_settings *out;
	struct ct_err *err;
};

int ct_cgroup_setting_add(struct ct_arena *arena, struct ct_cgroup_settings *settings,
			  const struct ct_cgroup_setting *setting, struct ct_err *err)
{
	/* The caller made the value just now: the arena may have been full. */
	if (!setting->file || !setting->value)
		return ct_fail_nomem(err);
	if (settings->count == settings->capacity) {
		size_t capacity = settings->capacity ? 2 * settings->capacity : 16;
		struct ct_cgroup_setting *items =
			ct_arena_calloc(arena, capacity, sizeof(*items));

		if (!items)
			return ct_fail_nomem(err);
		if (settings->count)
			memcpy(items, settings->items, settings->count * sizeof(*items));
		settings->items = items;
		settings->capacity = capacity;
	}
	settings->items[settings->count++] = *setting;
	return 0;
}

static int add(const struct conversion *c, const struct ct_cgroup_setting *setting)
{
	return ct_cgroup_setting_add(c->arena, c->out, setting, c->err);
}

static const char *number(const struct conversion *c, uint64_t value)
{
	return value > INT64_MAX ? "max" : ct_arena_printf(c->arena, "%" PRIu64, value);
}

static int refuse(const struct conversion *c, const char *where, int code, const char *what)
{
	ct_fail(c->err, code, "%s", what);
	return ct_wrap(c->err, "%s", where);
}

static int no_equivalent(const struct conversion *c, const char *where)
{
	return refuse(c, where, ENOTSUP, "has no equivalent in cgroup v2");
}

/* ---- memory ---- */

/* -1 is how version 1 said "no limit", 0 is "not given". */
static int add_bytes(const struct conversion *c, const char *file, const char *where, int64_t bytes)
{
	struct ct_cgroup_setting s = { .file = file, .where = where };

	if (bytes == 0)
		return 0;
	if (bytes < -1)
		return refuse(c, where, EINVAL, "must be a number of bytes, or -1 for no limit");
	s.value = number(c, (uint64_t)bytes);
	s.above_usage = c->r->check_before_update && !strcmp(file, "memory.max");
	return add(c, &s);
}

/*
 * Version 1 limited memory and swap together, version 2 swap alone. Memory without limit takes the
 * swap with it unless that was given: so runc, for version 1 behaved that way.
 */
static int add_swap(const struct conversion *c)
{
	static const char where[] = PLACE("memory.swap");
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting s = { .file = "memory.swap.max", .where = where };

	if (r->swap == 0 && r->memory != -1)
		return 0;
	if (r->swap < -1)
		return refuse(c, where, EINVAL, "must be a number of bytes, or -1 for no limit");
	if (r->swap > 0 && r->memory == 0)
		return refuse(c, where, EINVAL,
			      "is memory and swap together, so it needs a memory limit");
	if (r->swap > 0 && r->swap < r->memory)
		return refuse(c, where, EINVAL,
			      "is memory and swap together, and less than the memory limit");
	if (r->swap <= 0)
		s.value = "max";
	else
		s.value = number(c, (uint64_t)(r->memory < 0 ? r->swap : r->swap - r->memory));
	/* Nobody asked for the swap of an unlimited memory, and there may be no file for it. */
	s.best_effort = r->swap == 0 || r->swap_by_default;
	return add(c, &s);
}

static int convert_memory(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;

	if (r->has_swappiness)
		return no_equivalent(c, PLACE("memory.swappiness"));
	if (r->disable_oom_killer)
		return no_equivalent(c, PLACE("memory.disableOOMKiller"));
	/* Unlimited is what they are. */
	if (r->kernel > 0)
		return no_equivalent(c, PLACE("memory.kernel"));
	if (r->kernel_tcp > 0)
		return no_equivalent(c, PLACE("memory.kernelTCP"));
	if (add_bytes(c, "memory.max", PLACE("memory.limit"), r->memory) < 0 ||
	    add_swap(c) < 0 ||
	    add_bytes(c, "memory.low", PLACE("memory.reservation"), r->reservation) < 0)
		return -c->err->code;
	return 0;
}

/* ---- cpu ---- */

static int add_cpu_max(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting s = { .file = "cpu.max", .where = PLACE("cpu.quota") };
	uint64_t period = r->period ? r->period : PERIOD_DEFAULT;

	if (r->quota == 0 && !r->period)
		return 0;
	if (r->quota < -1)
		return refuse(c, s.where, EINVAL,
			      "must be a number of microseconds, or -1 for no limit");
	if (r->quota <= 0)
		s.value = ct_arena_printf(c->arena, "max %" PRIu64, period);
	else
		s.value = ct_arena_printf(c->arena, "%" PRId64 " %" PRIu64, r->quota, period);
	return add(c, &s);
}

/*
 * The kernel wants the burst to be at most the quota at every moment, whichever is written first:
 * so a burst that may be there from before goes first, and the new one comes last.
 */
static int add_bandwidth(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting burst = {
		.file = "cpu.max.burst", .where = PLACE("cpu.burst"), .value = "0",
	};

	if (!r->has_burst)
		return add_cpu_max(c);
	if (r->burst > INT64_MAX || (r->quota > 0 && r->burst > (uint64_t)r->quota))
		return refuse(c, burst.where, ERANGE, "must not be above the quota");
	if (add(c, &burst) < 0 || add_cpu_max(c) < 0)
		return -c->err->code;
	if (!r->burst)
		return 0;
	burst.value = number(c, r->burst);
	return add(c, &burst);
}

/* A group that only gets idle time has no weight: the kernel refuses to set one. */
static int add_weight(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting idle = {
		.file = "cpu.idle", .where = PLACE("cpu.idle"), .value = r->idle ? "1" : "0",
	};
	struct ct_cgroup_setting s = { .file = "cpu.weight", .where = PLACE("cpu.shares") };

	if (r->has_idle && r->idle != 0 && r->idle != 1)
		return refuse(c, idle.where, EINVAL, "must be 0 or 1");
	if (r->has_idle && add(c, &idle) < 0)
		return -c->err->code;
	if (!r->shares || (r->has_idle && r->idle))
		return 0;
	s.value = number(c, ct_cgroup_weight_of_shares(r->shares));
	return add(c, &s);
}

static int convert_cpu(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting cpus = {
		.file = "cpuset.cpus", .where = PLACE("cpu.cpus"), .value = r->cpus,
	};
	struct ct_cgroup_setting mems = {
		.file = "cpuset.mems", .where = PLACE("cpu.mems"), .value = r->mems,
	};

	if (r->realtime_period)
		return no_equivalent(c, PLACE("cpu.realtimePeriod"));
	if (r->realtime_runtime)
		return no_equivalent(c, PLACE("cpu.realtimeRuntime"));
	if (add_weight(c) < 0 || add_bandwidth(c) < 0)
		return -c->err->code;
	if (r->cpus && *r->cpus && add(c, &cpus) < 0)
		return -c->err->code;
	if (r->mems && *r->mems && add(c, &mems) < 0)
		return -c->err->code;
	return 0;
}

/*
 * The first process counts, and is in the group before it is limited in version 1 only: cloned into
 * a group of 0 it could not start. 1 lets it start, and nothing else, which is what 0 asks for.
 */
static int convert_pids(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting s = {
		.file = "pids.max", .where = PLACE("pids.limit"), .best_effort = r->pids_by_default,
	};

	if (!r->has_pids)
		return 0;
	if (r->pids < -1)
		return refuse(c, s.where, EINVAL, "must be a number, or -1 for no limit");
	s.value = number(c, r->pids ? (uint64_t)r->pids : 1);
	return add(c, &s);
}

/* ---- block devices ---- */

static const char *device_line(const struct conversion *c, const struct ct_cgroup_device_value *d,
			       const char *key, const char *value)
{
	if (!value)
		return NULL;
	return ct_arena_printf(c->arena, "%" PRId64 ":%" PRId64 " %s%s", d->major, d->minor, key,
			       value);
}

/* Rate 0 took a limit away in version 1; here that is "max". */
static int add_throttles(const struct conversion *c, const struct ct_cgroup_device_values *list,
			 const char *key, const char *where)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct ct_cgroup_device_value *d = &list->items[i];
		struct ct_cgroup_setting s = { .file = "io.max", .where = d->where };

		if (!s.where)
			s.where = where;
		s.value = device_line(c, d, key, d->value ? number(c, d->value) : "max");
		if (add(c, &s) < 0)
			return -c->err->code;
	}
	return 0;
}

/* The scheduler BFQ keeps version 1's range; io.weight is the other one's that knows weights. */
static int add_io_weights(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;
	struct ct_cgroup_setting s = {
		.file = "io.bfq.weight", .where = PLACE("blockIO.weight"), .instead = "io.weight",
	};

	if (r->weight) {
		s.value = number(c, r->weight);
		s.instead_value = number(c, ct_cgroup_io_weight(r->weight));
		if (add(c, &s) < 0)
			return -c->err->code;
	}
	for (size_t i = 0; i < r->weights.count; i++) {
		const struct ct_cgroup_device_value *d = &r->weights.items[i];
		unsigned weight = d->value > 1000 ? 1000 : (unsigned)d->value;

		s.where = d->where ? d->where : PLACE("blockIO.weightDevice");
		if (d->leaf_weight)
			return no_equivalent(c, s.where);
		s.value = device_line(c, d, "", number(c, weight));
		s.instead_value = device_line(c, d, "", number(c, ct_cgroup_io_weight(weight)));
		if (weight && add(c, &s) < 0)
			return -c->err->code;
	}
	return 0;
}

static int convert_io(const struct conversion *c)
{
	const struct ct_cgroup_resources *r = c->r;

	if (r->leaf_weight)
		return no_equivalent(c, PLACE("blockIO.leafWeight"));
	if (add_io_weights(c) < 0 ||
	    add_throttles(c, &r->read_bps, "rbps=", PLACE("blockIO.throttleReadBpsDevice")) < 0 ||
	    add_throttles(c, &r->write_bps, "wbps=", PLACE("blockIO.throttleWriteBpsDevice")) < 0 ||
	    add_throttles(c, &r->read_iops, "riops=", PLACE("blockIO.throttleReadIOPSDevice")) < 0 ||
	    add_throttles(c, &r->write_iops, "wiops=", PLACE("blockIO.throttleWriteIOPSDevice")) < 0)
		return -c->err->code;
	return 0;
}

/* ---- the rest ---- */

/* Page faults are limited by .max, reservations by .rsvd.max, which kernels before 5.7 lack. */
static int convert_huge(const struct conversion *c)
{
	for (size_t i = 0; i < c->r->huge_count; i++) {
		const struct ct_cgroup_huge *huge = &c->r->huge[i];
		struct ct_cgroup_setting s = {
			.where = ct_arena_printf(c->arena, PLACE("hugepageLimits[%zu]"), i),
			.file = ct_arena_printf(c->arena, "hugetlb.%s.max", huge->page_size),
			.value = number(c, huge->limit),
		};

		if (add(c, &s) < 0)
			return -c->err->code;
		s.file = ct_arena_printf(c->arena, "hugetlb.%s.rsvd.max", huge->page_size);
		s.best_effort = true;
		if (add(c, &s) < 0)
			return -c->err->code;
	}
	return 0;
}

static const char *rdma_part(const struct conversion *c, bool has, const char *key, uint32_t value)
{
	if (!has)
		return "";
	return value == UINT32_MAX ? ct_arena_printf(c->arena, " %s=max", key)
				   : ct_arena_printf(c->arena, " %s=%" PRIu32, key, value);
}

static int convert_rdma(const struct conversion *c)
{
	for (size_t i = 0; i < c->r->rdma_count; i++) {
		const struct ct_cgroup_rdma *rdma = &c->r->rdma[i];
		const char *handles = rdma_part(c, rdma->has_handles, "hca_handle", rdma->handles);
		const char *objects = rdma_part(c, rdma->has_objects, "hca_object", rdma->objects);
		struct ct_cgroup_setting s = {
			.file = "rdma.max",
			.where = ct_arena_printf(c->arena, PLACE("rdma[\"%s\"]"), rdma->device),
		};

		if (handles && objects)
			s.value = ct_arena_printf(c->arena, "%s%s%s", rdma->device, handles, objects);
		if (add(c, &s) < 0)
			return -c->err->code;
	}
	return 0;
}

/* Not limits: these move processes, end them or change what is ours to decide. */
static bool is_ours(const char *file)
{
	static const char *const allowed[] = {
		"cgroup.max.depth", "cgroup.max.descendants", "cgroup.pressure",
	};

	for (size_t i = 0; i < sizeof(allowed) / sizeof(*allowed); i++) {
		if (!strcmp(file, allowed[i]))
			return false;
	}
	return !strncmp(file, "cgroup.", strlen("cgroup."));
}

int ct_cgroup_setting_unified(struct ct_arena *arena, struct ct_cgroup_settings *settings,
			      const char *key, const char *value, const char *where,
			      struct ct_err *err)
{
	struct ct_cgroup_setting s = { .where = where };

	if (!*key || *key == '.' || strchr(key, '/') || !strchr(key, '.')) {
		ct_fail(err, EINVAL, "\"%.80s\" is no name of a cgroup file", key);
		return ct_wrap(err, "%s", where);
	}
	if (is_ours(key)) {
		ct_fail(err, EPERM, "%.80s sets no limit", key);
		ct_hint(err, "cattach pause, kill and exec do what it is for");
		return ct_wrap(err, "%s", where);
	}
	s.file = ct_arena_strdup(arena, key);
	do {
		size_t line = strcspn(value, "\n");

		s.value = ct_arena_strndup(arena, value, line);
		if (ct_cgroup_setting_add(arena, settings, &s, err) < 0)
			return -err->code;
		value += line + (value[line] == '\n');
	} while (*value);
	return 0;
}

static int convert_unified(const struct conversion *c)
{
	for (size_t i = 0; i < c->r->unified_count; i++) {
		const struct ct_cgroup_pair *pair = &c->r->unified[i];
		const char *where = ct_arena_printf(c->arena, PLACE("unified[\"%.80s\"]"), pair->key);

		if (!where)
			return ct_fail_nomem(c->err);
		if (ct_cgroup_setting_unified(c->arena, c->out, pair->key, pair->value, where,
					      c->err) < 0)
			return -c->err->code;
	}
	return 0;
}

int ct_cgroup_convert(struct ct_arena *arena, const struct ct_cgroup_resources *r,
		      struct ct_cgroup_settings *ret_settings, struct ct_err *err)
{
	struct conversion c = { .arena = arena, .r = r, .out = ret_settings, .err = err };

	if (r->has_network)
		return no_equivalent(&c, PLACE("network"));
	/* What is given by its own name comes last, so that it has the last word. */
	if (convert_memory(&c) < 0 || convert_cpu(&c) < 0 || convert_pids(&c) < 0 ||
	    convert_io(&c) < 0 || convert_huge(&c) < 0 || convert_rdma(&c) < 0 ||
	    convert_unified(&c) < 0)
		return -err->code;
	return 0;
}
