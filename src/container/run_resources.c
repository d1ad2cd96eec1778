/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of options, in docker's vocabulary, as resources: memory, processors, processes, and the
 * files of a cgroup by their names.
 *
 * Runs in the command with the caller's rights, before anything is created or changed. As docker
 * and podman have it, 0 is no limit for memory, processor time and processes, and means "not given"
 * for weights, periods and reservations, which have no such thing. What the words mean for the
 * kernel is src/cgroups' business, and whether it can be had shows at the start.
 *
 * May fail for values that are malformed or contradict each other; where is the option.
 *
 *   --memory 64m            memory.limit            0 or -1: no limit
 *   --memory-swap 128m      memory.swap             memory and swap together; -1: all there is;
 *                                                   not given: twice the memory, docker's default
 *   --cpus 1.5              cpu.quota, cpu.period   150000 of 100000 us
 *   --cpu-quota, --cpu-period                       the same, in us
 *   --pids-limit 100        pids.limit              0 or -1: no limit
 *   --cgroup-conf F=V       unified[F]              written as it is
 *
 * Also for "update", which begins with what the container has: an option that is not given leaves
 * it.
 */
#include "resources.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <cattach/num.h>

#define MEMORY_MIN	(INT64_C(6) << 20)	/* docker's: less does not start a program */
#define PERIOD_US	100000			/* of --cpus */
#define CPU_MIN_US	1000			/* the kernel's least period and quota */
#define CPU_MAX_US	1000000			/* its longest period */
#define CPUS_MAX	100000

#define PROPERTIES	"linux.resources."

/* ---- which option it was ---- */

/* So that an error at the start, which knows a file of a cgroup, can name the option that wanted
 * it. A new list each time, since the old one may be shared with the spec that the update began
 * with. */
int ct_resource_from(struct resource_giving *g, const char *property, const char *option)
{
	struct ct_cgroup_resources *r = g->resources;
	struct ct_cgroup_origin *all = ct_arena_calloc(g->arena, r->origin_count + 1, sizeof(*all));

	if (!all)
		return ct_fail_nomem(g->err);
	if (r->origin_count)
		memcpy(all, r->origins, r->origin_count * sizeof(*all));
	all[r->origin_count].where = ct_arena_printf(g->arena, PROPERTIES "%s", property);
	all[r->origin_count].option = option;
	if (!all[r->origin_count].where)
		return ct_fail_nomem(g->err);
	r->origins = all;
	r->origin_count++;
	return 0;
}

/* For errors of the cgroup's: "memory.limit" is "--memory" for who has typed that. */
const char *ct_resources_option(const struct ct_cgroup_resources *resources, const char *where)
{
	/* The last one has the word. */
	for (size_t i = resources->origin_count; i > 0; i--)
		if (strcmp(resources->origins[i - 1].where, where) == 0)
			return resources->origins[i - 1].option;
	return NULL;
}

/* ---- memory ---- */

static int parse_bytes(const char *text, int64_t *ret_bytes, struct ct_err *err)
{
	uint64_t bytes = 0;

	if (ct_parse_size(text, &bytes, err) < 0)
		return -err->code;
	if (bytes > INT64_MAX)
		return ct_fail(err, ERANGE, "must be a size below 8 EiB, not \"%s\"", text);
	*ret_bytes = (int64_t)bytes;
	return 0;
}

/* -1 is no limit. */
static int parse_limit(const char *text, int64_t *ret_bytes, struct ct_err *err)
{
	if (strcmp(text, "-1") != 0)
		return parse_bytes(text, ret_bytes, err);
	*ret_bytes = -1;
	return 0;
}

/* docker's bound. Less would kill the payload before it has done anything. */
static int check_minimum(int64_t bytes, const char *what, struct ct_err *err)
{
	if (bytes <= 0 || bytes >= MEMORY_MIN)
		return 0;
	return ct_fail(err, ERANGE, "the minimum memory %s is 6m, not %" PRId64 " bytes", what,
		       bytes);
}

/* -1 in the struct is "no limit", 0 "nothing was said"; see struct ct_cgroup_resources. */
static int give_limit(struct resource_giving *g)
{
	int64_t bytes = 0;

	if (!g->options->memory)
		return 0;
	if (parse_limit(g->options->memory, &bytes, g->err) < 0 ||
	    check_minimum(bytes, "limit", g->err) < 0)
		return ct_wrap(g->err, "--memory");
	g->resources->memory = bytes ? bytes : -1;
	return ct_resource_from(g, "memory.limit", "--memory");
}

/* Nobody asked for it: as much swap as memory, or no limit together with the memory's.
 * swap_by_default stands in the record: only then may a later --memory change it along. */
static int give_default_swap(struct resource_giving *g)
{
	struct ct_cgroup_resources *r = g->resources;

	if (!g->options->memory || (r->memory > 0 && r->swap && !r->swap_by_default))
		return 0;
	r->swap_by_default = r->memory > 0;
	if (r->memory < 0)
		r->swap = 0;
	else
		r->swap = r->memory > INT64_MAX / 2 ? -1 : 2 * r->memory;
	return ct_resource_from(g, "memory.swap", "--memory");
}

/* A limit of both that is there already stays, and may not fit any more. Both directions are looked
 * at, because with update either of the two may be the new one; the option that is named is the one
 * that was given now. */
static int check_swap(struct resource_giving *g)
{
	const struct ct_cgroup_resources *r = g->resources;

	if (r->swap <= 0 || (r->memory > 0 && r->swap >= r->memory))
		return 0;
	if (g->options->memory_swap && r->memory <= 0) {
		ct_fail(g->err, EINVAL,
			"is memory and swap together, so it needs a memory limit");
		ct_hint(g->err, "give --memory, too");
		return ct_wrap(g->err, "--memory-swap");
	}
	if (g->options->memory_swap) {
		ct_fail(g->err, EINVAL, "is memory and swap together, and less than the memory "
			"limit of %" PRId64 " bytes", r->memory);
		return ct_wrap(g->err, "--memory-swap");
	}
	if (!g->options->memory)
		return 0;
	ct_fail(g->err, EINVAL, "is above the limit of memory and swap together, which is %" PRId64
		" bytes already", r->swap);
	ct_hint(g->err, "give --memory-swap, too");
	return ct_wrap(g->err, "--memory");
}

/* 0 is docker's word for "not given". */
static int give_swap(struct resource_giving *g)
{
	int64_t bytes = 0;

	if (g->options->memory_swap && parse_limit(g->options->memory_swap, &bytes, g->err) < 0)
		return ct_wrap(g->err, "--memory-swap");
	if (!bytes)
		return give_default_swap(g) < 0 ? -g->err->code : check_swap(g);
	g->resources->swap = bytes;
	g->resources->swap_by_default = false;
	if (ct_resource_from(g, "memory.swap", "--memory-swap") < 0)
		return -g->err->code;
	return check_swap(g);
}

static int give_reservation(struct resource_giving *g)
{
	struct ct_cgroup_resources *r = g->resources;
	const char *text = g->options->memory_reservation;
	int64_t bytes = 0;

	if (text && (parse_bytes(text, &bytes, g->err) < 0 ||
		     check_minimum(bytes, "reservation", g->err) < 0))
		return ct_wrap(g->err, "--memory-reservation");
	if (bytes)
		r->reservation = bytes;
	if (bytes && ct_resource_from(g, "memory.reservation", "--memory-reservation") < 0)
		return -g->err->code;
	if (r->memory <= 0 || r->reservation <= r->memory || (!bytes && !g->options->memory))
		return 0;
	ct_fail(g->err, EINVAL, "the reservation (%" PRId64 " bytes) is above the memory limit (%"
		PRId64 " bytes)", r->reservation, r->memory);
	return ct_wrap(g->err, bytes ? "--memory-reservation" : "--memory");
}

static int give_memory(struct resource_giving *g)
{
	struct ct_cgroup_resources *r = g->resources;
	int64_t swappiness = -1;

	if (give_limit(g) < 0 || give_swap(g) < 0 || give_reservation(g) < 0)
		return -g->err->code;
	if (g->options->memory_swappiness &&
	    ct_parse_i64(g->options->memory_swappiness, -1, 100, &swappiness, g->err) < 0)
		return ct_wrap(g->err, "--memory-swappiness");
	/* Both are known so that they can be refused by their names. */
	if (swappiness >= 0) {
		r->has_swappiness = true;
		r->swappiness = (uint64_t)swappiness;
		if (ct_resource_from(g, "memory.swappiness", "--memory-swappiness") < 0)
			return -g->err->code;
	}
	if (!g->options->oom_kill_disable)
		return 0;
	r->disable_oom_killer = true;
	return ct_resource_from(g, "memory.disableOOMKiller", "--oom-kill-disable");
}

/* ---- processors ---- */

/* "1.5" as microseconds of PERIOD_US; what is below one is dropped. By digits, not by strtod(3):
 * 0.1 has no exact double, and a locale could want a comma. Quotas are in microseconds of a tenth
 * of a second, so five digits behind the point count. */
static int parse_cpus(const char *text, int64_t *ret_quota, struct ct_err *err)
{
	size_t whole = strspn(text, "0123456789"), fraction = 0;
	int64_t unit = PERIOD_US, quota = 0;

	if (text[whole] == '.')
		fraction = strspn(text + whole + 1, "0123456789");
	if (text[whole + (fraction ? fraction + 1 : 0)] || whole + fraction == 0)
		return ct_fail(err, EINVAL,
			       "must be a number of processors such as 1.5, not \"%s\"", text);
	for (size_t i = 0; i < whole && quota <= CPUS_MAX; i++)
		quota = 10 * quota + (text[i] - '0');
	quota *= PERIOD_US;
	for (size_t i = 0; i < fraction; i++) {
		unit /= 10;
		quota += unit * (text[whole + 1 + i] - '0');
	}
	if (quota > (int64_t)CPUS_MAX * PERIOD_US ||
	    (quota < CPU_MIN_US && text[strspn(text, "0.")]))
		return ct_fail(err, ERANGE, "must be 0.01...%d, or 0 for no limit, not \"%s\"",
			       CPUS_MAX, text);
	*ret_quota = quota;
	return 0;
}

/* 0 is no limit, which the specification has as -1. */
static int give_cpus(struct resource_giving *g)
{
	const struct ct_resource_options *o = g->options;
	const char *other = o->cpu_quota ? "--cpu-quota" : o->cpu_period ? "--cpu-period" : NULL;
	int64_t quota = 0;

	if (!o->cpus)
		return 0;
	if (other) {
		ct_fail(g->err, EINVAL, "conflicting options: --cpus and %s cannot both be set",
			other);
		return ct_wrap(g->err, "--cpus");
	}
	if (parse_cpus(o->cpus, &quota, g->err) < 0)
		return ct_wrap(g->err, "--cpus");
	g->resources->quota = quota ? quota : -1;
	g->resources->period = PERIOD_US;
	return ct_resource_from(g, "cpu.quota", "--cpus");
}

/* The kernel refuses less than 1 ms (cpu.max, cgroup-v2.rst) with EINVAL alone; here is the
 * reason. */
static int give_quota(struct resource_giving *g)
{
	int64_t quota = 0;

	if (!g->options->cpu_quota)
		return 0;
	if (ct_parse_i64(g->options->cpu_quota, -1, INT64_MAX, &quota, g->err) < 0)
		return ct_wrap(g->err, "--cpu-quota");
	if (quota > 0 && quota < CPU_MIN_US) {
		ct_fail(g->err, ERANGE, "must be at least %d microseconds, or -1 for no limit, not "
			"%" PRId64, CPU_MIN_US, quota);
		return ct_wrap(g->err, "--cpu-quota");
	}
	g->resources->quota = quota ? quota : -1;
	return ct_resource_from(g, "cpu.quota", "--cpu-quota");
}

static int give_period(struct resource_giving *g)
{
	uint64_t period = 0;

	if (!g->options->cpu_period || !strcmp(g->options->cpu_period, "0"))
		return 0;
	if (ct_parse_u64(g->options->cpu_period, CPU_MIN_US, CPU_MAX_US, &period, g->err) < 0)
		return ct_wrap(g->err, "--cpu-period");
	g->resources->period = period;
	/* A period alone is written into the quota's file. */
	return g->options->cpu_quota ? 0 : ct_resource_from(g, "cpu.quota", "--cpu-period");
}

static int give_list(struct resource_giving *g, const char *option, const char *property,
		     const char *text, const char **list)
{
	if (!text || !*text)
		return 0;
	if (!ct_is_cpu_list(text)) {
		ct_fail(g->err, EINVAL, "must be a list such as 0-3,7, not \"%s\"", text);
		return ct_wrap(g->err, "%s", option);
	}
	*list = text;
	return ct_resource_from(g, property, option);
}

static int give_shares(struct resource_giving *g)
{
	uint64_t shares = 0;

	if (!g->options->cpu_shares)
		return 0;
	if (ct_parse_u64(g->options->cpu_shares, 0, INT64_MAX, &shares, g->err) < 0)
		return ct_wrap(g->err, "--cpu-shares");
	if (!shares)
		return 0;
	g->resources->shares = shares;
	return ct_resource_from(g, "cpu.shares", "--cpu-shares");
}

static int give_cpu(struct resource_giving *g)
{
	const struct ct_resource_options *o = g->options;
	struct ct_cgroup_resources *r = g->resources;

	if (give_cpus(g) < 0 || give_quota(g) < 0 || give_period(g) < 0 || give_shares(g) < 0 ||
	    give_list(g, "--cpuset-cpus", "cpu.cpus", o->cpuset_cpus, &r->cpus) < 0 ||
	    give_list(g, "--cpuset-mems", "cpu.mems", o->cpuset_mems, &r->mems) < 0)
		return -g->err->code;
	return 0;
}

/* ---- the rest ---- */

/* -1 in a bundle is no limit as well. */
static int give_pids(struct resource_giving *g)
{
	struct ct_cgroup_resources *r = g->resources;
	int64_t limit = 0;

	if (!g->options->pids_limit)
		return 0;
	if (ct_parse_i64(g->options->pids_limit, -1, INT64_MAX, &limit, g->err) < 0)
		return ct_wrap(g->err, "--pids-limit");
	r->has_pids = true;
	r->pids_by_default = false;
	r->pids = limit ? limit : -1;
	return ct_resource_from(g, "pids.limit", "--pids-limit");
}

/* The last one with a key wins, in the place of the first. */
static int give_file(struct resource_giving *g, struct ct_cgroup_pair *pairs, const char *text)
{
	const char *equals = strchr(text, '='), *where, *option;
	struct ct_cgroup_resources *r = g->resources;
	const char *key = equals ? ct_arena_strndup(g->arena, text, (size_t)(equals - text)) : "";
	size_t i = 0;

	if (!key)
		return ct_fail_nomem(g->err);
	/* Of nothing there is no write: it would be lost without a word. */
	if (!*key || !equals[1]) {
		ct_fail(g->err, EINVAL, "must be KEY=VALUE, such as memory.high=32m, not \"%s\"",
			text);
		return ct_wrap(g->err, "--cgroup-conf");
	}
	while (i < r->unified_count && strcmp(pairs[i].key, key) != 0)
		i++;
	pairs[i] = (struct ct_cgroup_pair){ key, equals + 1 };
	if (i == r->unified_count)
		r->unified_count++;
	/* As the conversion calls it. */
	where = ct_arena_printf(g->arena, "unified[\"%.80s\"]", key);
	option = ct_arena_printf(g->arena, "--cgroup-conf %.80s", key);
	return where && option ? ct_resource_from(g, where, option) : ct_fail_nomem(g->err);
}

/* Behind what a bundle has in "unified". */
static int give_files(struct resource_giving *g)
{
	const struct ct_strings *list = &g->options->cgroup_conf;
	struct ct_cgroup_resources *r = g->resources;
	struct ct_cgroup_pair *pairs;

	if (!list->count)
		return 0;
	pairs = ct_arena_calloc(g->arena, r->unified_count + list->count, sizeof(*pairs));
	if (!pairs)
		return ct_fail_nomem(g->err);
	if (r->unified_count)
		memcpy(pairs, r->unified, r->unified_count * sizeof(*pairs));
	r->unified = pairs;
	for (size_t i = 0; i < list->count; i++)
		if (give_file(g, pairs, list->items[i]) < 0)
			return -g->err->code;
	return 0;
}

/* On a copy: after a failure *inout is what it was. */
int ct_resources_from_options(struct ct_arena *arena, const struct ct_resource_options *options,
			      struct ct_cgroup_resources *inout, struct ct_err *err)
{
	struct ct_cgroup_resources resources = *inout;
	struct resource_giving g = {
		.arena = arena, .options = options, .resources = &resources, .err = err,
	};

	if (give_memory(&g) < 0 || give_cpu(&g) < 0 || give_pids(&g) < 0 ||
	    ct_resource_block(&g) < 0 || give_files(&g) < 0)
		return -err->code;
	*inout = resources;
	return 0;
}
