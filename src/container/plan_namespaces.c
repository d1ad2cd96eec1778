/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces of the plan: which are made, which are joined by path, and the id maps.
 *
 * Runs in the CLI. A namespace to be joined is opened here and its type is asked of the kernel, so
 * that a wrong path is refused before anything exists.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/ns.h>

#include "plan.h"

static const struct {
	enum ct_spec_ns ns;
	int flag;
} flags[] = {
	{ CT_NS_USER, CLONE_NEWUSER },   { CT_NS_MOUNT, CLONE_NEWNS },
	{ CT_NS_PID, CLONE_NEWPID },     { CT_NS_NETWORK, CLONE_NEWNET },
	{ CT_NS_IPC, CLONE_NEWIPC },     { CT_NS_UTS, CLONE_NEWUTS },
	{ CT_NS_CGROUP, CLONE_NEWCGROUP }, { CT_NS_TIME, CLONE_NEWTIME },
};

/* The index in linux.namespaces is not kept by the spec: find it again for the error's place. */
static const char *namespace_place(struct planning *p, enum ct_spec_ns ns)
{
	const struct ct_json *root = p->spec->source.root;
	const struct ct_json *list = root ? ct_json_find(root, "linux.namespaces") : NULL;
	size_t i = 0;

	for (const struct ct_json *n = list ? list->child : NULL; n; n = n->next, i++) {
		const struct ct_json *type = ct_json_get(n, "type");

		if (type && type->type == CT_JSON_STRING &&
		    strcmp(type->text, ct_spec_ns_name(ns)) == 0)
			return ct_arena_printf(p->arena, "linux.namespaces[%zu].path", i);
	}
	return ct_arena_printf(p->arena, "linux.namespaces.%s", ct_spec_ns_name(ns));
}

bool ct_plan_is_own(int fd, const char *own)
{
	struct stat there, here;

	return fstat(fd, &there) == 0 && stat(own, &here) == 0 && there.st_dev == here.st_dev &&
	       there.st_ino == here.st_ino;
}

/* The runtime's face has the container's own root in whatever mount namespace it is in, if root may
 * do it. The user namespace is planned before the others. */
static bool may_attach(const struct planning *p)
{
	return p->meta->unmonitored && !(p->plan->new_namespaces & CLONE_NEWUSER) &&
	       !p->plan->join_count;
}

static int plan_join(struct planning *p, enum ct_spec_ns ns, int flag, struct ct_err *err)
{
	const char *path = p->spec->linux_.namespaces[ns].path;
	const char *place = namespace_place(p, ns);
	struct ct_plan_join *join = &p->plan->joins[p->plan->join_count];
	int ct_autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (!place)
		return ct_fail_nomem(err);
	if (fd < 0) {
		ct_fail_errno(err, errno, "%s", path);
		return ct_spec_wrap(p->spec, err, place);
	}
	if (ct_ns_join_check(fd, flag, path, err) < 0)
		return ct_spec_wrap(p->spec, err, place);
	/* The kernel calls it an error to join one's own; it is what is wanted all the same. */
	if (flag == CLONE_NEWUSER && ct_plan_is_own(fd, "/proc/self/ns/user"))
		return 0;
	if (flag == CLONE_NEWNS && may_attach(p))
		return ct_plan_attached(p, ct_take_fd(&fd), place, err);
	if (flag == CLONE_NEWNS && ct_plan_is_own(fd, "/proc/self/ns/mnt")) {
		ct_fail(err, EINVAL, "%s is the host's own mount namespace", path);
		return ct_spec_wrap(p->spec, err, place);
	}
	join->fd = ct_take_fd(&fd);
	join->flag = flag;
	join->place = place;
	p->plan->mounts_joined = p->plan->mounts_joined || flag == CLONE_NEWNS;
	p->plan->join_count++;
	return 0;
}

int ct_plan_ids(struct planning *p, const struct ct_spec_idmaps *maps, struct ct_plan_ids *ids,
		struct ct_err *err)
{
	ids->items = ct_arena_calloc(p->arena, maps->count + 1, sizeof(*ids->items));
	if (!ids->items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < maps->count; i++)
		ids->items[i] = (struct ct_plan_id){
			.inside = maps->items[i].container_id,
			.outside = maps->items[i].host_id,
			.count = maps->items[i].size,
		};
	ids->count = maps->count;
	return 0;
}

int ct_plan_namespaces(struct planning *p, struct ct_err *err)
{
	const struct ct_spec_linux *l = &p->spec->linux_;
	int r = 0;

	for (size_t i = 0; r == 0 && i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (ct_plan_is_new(p, flags[i].ns))
			p->plan->new_namespaces |= (uint64_t)flags[i].flag;
		else if (l->namespaces[flags[i].ns].present)
			r = plan_join(p, flags[i].ns, flags[i].flag, err);
	}
	if (r < 0 || !ct_plan_is_new(p, CT_NS_USER))
		return r;
	r = ct_plan_ids(p, &l->uid_mappings, &p->plan->uid_map, err);
	return r < 0 ? r : ct_plan_ids(p, &l->gid_mappings, &p->plan->gid_map, err);
}
