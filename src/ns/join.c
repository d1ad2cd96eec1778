/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining namespaces by descriptor. setns(2), ioctl_ns(2).
 *
 * The checks run in the CLI, before anything is created. The joins run in a helper process that
 * the monitor forks for them (start.c), since a user namespace that is joined is never left again:
 * the user namespace first, because it gives the right to join the others, the mount namespace
 * last, because it takes the host's paths away. The cgroup namespace is left to the process itself,
 * once it is in its cgroup: from inside of one the kernel lets nobody be moved across its root.
 */
#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <linux/nsfs.h>
#include <linux/sched.h>

#include "child.h"

static const struct {
	int flag;
	const char *name;
} types[] = {
	{ CLONE_NEWUSER, "user" },     { CLONE_NEWIPC, "ipc" },       { CLONE_NEWUTS, "uts" },
	{ CLONE_NEWNET, "network" },   { CLONE_NEWPID, "pid" },       { CLONE_NEWNS, "mount" },
	{ CLONE_NEWTIME, "time" },			       { CLONE_NEWCGROUP, "cgroup" },
};

#define TYPE_COUNT (sizeof(types) / sizeof(types[0]))

const char *ct_ns_flag_name(int flag)
{
	for (size_t i = 0; i < TYPE_COUNT; i++)
		if (types[i].flag == flag)
			return types[i].name;
	return "unknown";
}

int ct_ns_join_check(int fd, int flag, const char *path, struct ct_err *err)
{
	int type = ioctl(fd, NS_GET_NSTYPE);

	if (type < 0)
		return ct_fail(err, EINVAL, "%s is not a namespace", path);
	if (type != flag)
		return ct_fail(err, EINVAL, "%s is a %s namespace, not %s", path,
			       ct_ns_flag_name(type), ct_ns_flag_name(flag));
	return 0;
}

bool ct_joins_user(const struct ct_plan *plan)
{
	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].flag == CLONE_NEWUSER)
			return true;
	return false;
}

static int join_type(const struct ct_plan *plan, int flag, struct ct_err *err)
{
	for (size_t k = 0; k < plan->join_count; k++) {
		const struct ct_plan_join *join = &plan->joins[k];

		if (join->flag != flag || setns(join->fd, join->flag) == 0)
			continue;
		ct_fail_errno(err, errno, "cannot join the %s namespace", ct_ns_flag_name(flag));
		ct_wrap(err, "%s", join->place);
		if (err->code == EPERM)
			return ct_hint(err, "it belongs to a user namespace that this user has no "
				       "rights in; join that one too");
		return -err->code;
	}
	return 0;
}

int ct_join_all(const struct ct_plan *plan, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < TYPE_COUNT; i++)
		if (types[i].flag != CLONE_NEWCGROUP)
			r = join_type(plan, types[i].flag, err);
	return r;
}

int ct_child_cgroup_namespace(struct child *c, struct ct_err *err)
{
	if (!(c->plan->new_namespaces & CLONE_NEWCGROUP))
		return join_type(c->plan, CLONE_NEWCGROUP, err);
	if (unshare(CLONE_NEWCGROUP) < 0)
		return ct_fail_clone(errno, CLONE_NEWCGROUP, err);
	return 0;
}
