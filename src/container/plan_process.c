/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of the plan: arguments, environment, ids, limits, capabilities, labels.
 *
 * Runs in the CLI. Here the words of config.json get their numbers; a capability that nobody knows, or
 * that the running kernel or our own bounding set cannot give, is left out with one warning.
 */
#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include <cattach/log.h>

#include "plan.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "RLIMIT_AS", RLIMIT_AS },
	{ "RLIMIT_CORE", RLIMIT_CORE },
	{ "RLIMIT_CPU", RLIMIT_CPU },
	{ "RLIMIT_DATA", RLIMIT_DATA },
	{ "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "RLIMIT_NICE", RLIMIT_NICE },
	{ "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "RLIMIT_RSS", RLIMIT_RSS },
	{ "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "RLIMIT_STACK", RLIMIT_STACK },
};

static int plan_limit(const struct ct_spec_rlimit *from, struct ct_plan_rlimit *to,
		      struct ct_err *err)
{
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		if (strcmp(limits[i].name, from->type) != 0)
			continue;
		to->resource = limits[i].resource;
		to->limit.rlim_cur = from->soft;
		to->limit.rlim_max = from->hard;
		return 0;
	}
	return ct_fail(err, EINVAL, "%s: unknown resource", from->type);
}

static int plan_limits(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_process *from = p->spec->process;
	struct ct_plan_process *to = &p->plan->process;

	to->rlimits = ct_arena_calloc(p->arena, from->rlimit_count + 1, sizeof(*to->rlimits));
	if (!to->rlimits)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < from->rlimit_count; i++)
		if (plan_limit(&from->rlimits[i], &to->rlimits[i], err) < 0)
			return ct_spec_wrap(p->spec, err,
					    ct_plan_place(p, "process.rlimits", i));
	to->rlimit_count = from->rlimit_count;
	return 0;
}

static int plan_set(struct planning *p, const char *name, const struct ct_strings *list,
		    uint64_t *ret_mask, struct ct_err *err)
{
	*ret_mask = 0;
	for (size_t i = 0; i < list->count; i++) {
		const char *place = ct_arena_printf(p->arena, "process.capabilities.%s[%zu]", name,
						    i);
		unsigned number;

		if (!place)
			return ct_fail_nomem(err);
		if (ct_cap_parse(list->items[i], &number, err) == 0) {
			*ret_mask |= 1ULL << number;
			continue;
		}
		/* One of a kernel that comes after us, or of none: the spec wants a warning. */
		ct_spec_wrap(p->spec, err, place);
		ct_warn("%s: %s, and is left out", err->where, err->what);
	}
	*err = (struct ct_err){ 0 };
	return 0;
}

/* The kernel would refuse them: only what is permitted and inheritable can be ambient. */
static void drop_ambient(struct ct_caps *caps)
{
	uint64_t missing = caps->ambient & ~(caps->permitted & caps->inheritable);

	for (unsigned i = 0; i < 64; i++)
		if (missing >> i & 1)
			ct_warn("%s is not permitted and inheritable, so it cannot be ambient and is left out",
				ct_cap_name(i));
	caps->ambient &= ~missing;
}

/*
 * A capability that nobody can grant here is dropped from all sets: the spec wants a warning and
 * the container to run. In a new user namespace every capability that the kernel knows is there.
 */
static void drop_unavailable(struct planning *p, struct ct_caps *caps)
{
	uint64_t available = ct_plan_is_new(p, CT_NS_USER) ? ct_caps_known() : ct_caps_bounding();
	uint64_t missing = (caps->bounding | caps->permitted | caps->effective |
			    caps->inheritable | caps->ambient) & ~available;

	for (unsigned i = 0; i < 64; i++)
		if (missing >> i & 1)
			ct_warn("%s cannot be granted here and is left out", ct_cap_name(i));
	caps->bounding &= available;
	caps->permitted &= available;
	caps->effective &= available;
	caps->inheritable &= available;
	caps->ambient &= available;
}

static int plan_capabilities(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_capabilities *from = &p->spec->process->capabilities;
	struct ct_plan_process *to = &p->plan->process;
	struct ct_caps *caps = &to->caps;
	int r;

	/* Without the property the process gets none: that is what an empty object means, too. */
	to->has_caps = true;
	if (!p->spec->process->has_capabilities)
		return 0;
	r = plan_set(p, "bounding", &from->bounding, &caps->bounding, err);
	if (r == 0)
		r = plan_set(p, "effective", &from->effective, &caps->effective, err);
	if (r == 0)
		r = plan_set(p, "permitted", &from->permitted, &caps->permitted, err);
	if (r == 0)
		r = plan_set(p, "inheritable", &from->inheritable, &caps->inheritable, err);
	if (r == 0)
		r = plan_set(p, "ambient", &from->ambient, &caps->ambient, err);
	if (r < 0)
		return r;
	drop_unavailable(p, caps);
	drop_ambient(caps);
	return 0;
}

static const char *find_path(const struct ct_strings *env)
{
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], "PATH=", 5) == 0)
			return env->items[i] + 5;
	return DEFAULT_PATH;
}

/* argv and environ must end with NULL, also when they are empty. */
static struct ct_strings terminated(struct ct_strings list)
{
	static const char *none[] = { NULL };

	if (!list.items)
		list.items = none;
	return list;
}

/* With a single id the kernel lets nobody set groups. */
static bool is_single(const struct ct_plan_ids *map)
{
	return map->count == 1 && map->items[0].count == 1;
}

/* The process's own group is among its groups: a program that changes its group (set-group-id) would
 * lose it otherwise, and with it what files deny to that group. */
static int plan_groups(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_process *from = p->spec->process;
	struct ct_plan_process *to = &p->plan->process;
	size_t count = from->additional_gid_count;
	bool own = is_single(&p->plan->gid_map);

	to->keep_groups = from->keep_groups;
	to->groups = ct_arena_calloc(p->arena, count + 2, sizeof(*to->groups));
	if (!to->groups)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		to->groups[i] = from->additional_gids[i];
		own = own || to->groups[i] == from->gid;
	}
	if (!own)
		to->groups[count++] = from->gid;
	to->group_count = count;
	return 0;
}

int ct_plan_process(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_process *from = p->spec->process;
	struct ct_plan_process *to = &p->plan->process;
	int r;

	to->init = -1;
	if (!from)
		return ct_spec_fail(p->spec, err, EINVAL, "process", "missing");
	to->cwd = from->cwd;
	to->tty = from->terminal;
	to->uid = from->uid;
	to->gid = from->gid;
	to->has_umask = from->has_umask;
	to->umask = from->umask;
	to->no_new_privileges = from->no_new_privileges;
	to->has_oom_score_adj = from->has_oom_score_adj;
	to->oom_score_adj = from->oom_score_adj;
	to->apparmor = from->apparmor_profile;
	to->selinux = from->selinux_label;
	to->preserve_fds = p->preserve_fds;
	to->path = find_path(&from->env);
	to->args = terminated(from->args);
	to->env = terminated(from->env);
	r = plan_groups(p, err);
	if (r == 0)
		r = plan_limits(p, err);
	return r < 0 ? r : plan_capabilities(p, err);
}
