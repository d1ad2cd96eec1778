/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process's own attributes, in the order that makes each step both possible and final: limits
 * and scheduling while privileged, the bounding set, groups, gid, uid, the working directory as
 * the user, then capabilities, no_new_privs and the filter (exec.c does the last three around
 * execve). capabilities(7), credentials(7), setrlimit(2), sched_setattr(2), ioprio_set(2).
 *
 * Runs in the child after the pivot. What may fail: ids that are not mapped, limits above the
 * caller's hard limit, scheduling that needs privileges on the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/sched/types.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "child.h"

static bool maps_id(const struct ct_plan_ids *map, uint32_t id)
{
	for (size_t i = 0; i < map->count; i++)
		if (id >= map->items[i].inside && id - map->items[i].inside < map->items[i].count)
			return true;
	return false;
}

/*
 * Set-up is done as the container's root, so that what is made belongs to it. Under a single-id map
 * without id 0 there is no root: capabilities of the new user namespace are enough for the mounts.
 * The maps of a user namespace that was joined are not known here, so the kernel is asked.
 */
int ct_child_become_root(struct child *c, struct ct_err *err)
{
	const struct ct_plan *plan = c->plan;
	bool joined = ct_joins_user(plan);

	if (!plan->process.keep_groups && setgroups(0, NULL) < 0 && errno != EPERM)
		return ct_fail_errno(err, errno, "cannot drop the caller's groups");
	if (!plan->uid_map.count && !joined)
		return 0;
	if ((joined || maps_id(&plan->gid_map, 0)) && setresgid(0, 0, 0) < 0 &&
	    !(joined && errno == EINVAL))
		return ct_fail_errno(err, errno, "cannot become the container's root group");
	if ((joined || maps_id(&plan->uid_map, 0)) && setresuid(0, 0, 0) < 0 &&
	    !(joined && errno == EINVAL))
		return ct_fail_errno(err, errno, "cannot become the container's root");
	return 0;
}

static int set_limits(const struct ct_plan_process *p, struct ct_err *err)
{
	for (size_t i = 0; i < p->rlimit_count; i++) {
		const struct ct_plan_rlimit *l = &p->rlimits[i];

		if (setrlimit((__rlimit_resource_t)l->resource, &l->limit) == 0)
			continue;
		ct_fail_errno(err, errno, "cannot be set");
		ct_wrap(err, "process.rlimits[%zu]", i);
		if (err->code == EPERM)
			return ct_hint(err, "it is above the caller's own hard limit (ulimit -H -a)");
		return -err->code;
	}
	return 0;
}

int ct_child_affinity(const unsigned long *mask, const char *place, struct ct_err *err)
{
	if (!mask || syscall(SYS_sched_setaffinity, 0, CT_PLAN_MASK_BITS / 8, mask) >= 0)
		return 0;
	ct_fail_errno(err, errno, "cannot be set");
	ct_wrap(err, "process.execCPUAffinity.%s", place);
	if (err->code == EINVAL)
		return ct_hint(err, "none of these processors is there, or allowed here");
	return -err->code;
}

static int set_memory_policy(const struct ct_plan_process *p, struct ct_err *err)
{
	unsigned long bits = p->memory_nodes ? CT_PLAN_MASK_BITS + 1 : 0;

	if (!p->has_memory_policy ||
	    syscall(SYS_set_mempolicy, p->memory_mode, p->memory_nodes, bits) == 0)
		return 0;
	if (errno == ENOSYS)
		ct_fail(err, ENOTSUP, "this kernel has no memory policies (CONFIG_NUMA)");
	else
		ct_fail_errno(err, errno, "cannot be set");
	ct_wrap(err, "linux.memoryPolicy");
	if (err->code == EINVAL)
		return ct_hint(err, "is there such a node, in the container's cpuset, too? "
			       "/sys/devices/system/node/has_memory");
	return -err->code;
}

static int set_scheduling(const struct ct_plan_process *p, struct ct_err *err)
{
	const struct ct_plan_scheduler *s = &p->scheduler;
	struct sched_attr attr = {
		.size = sizeof(attr),
		.sched_policy = s->policy,
		.sched_flags = s->flags,
		.sched_nice = s->nice,
		.sched_priority = s->priority,
		.sched_runtime = s->runtime,
		.sched_deadline = s->deadline,
		.sched_period = s->period,
	};

	/* 1 is IOPRIO_WHO_PROCESS, for which there is no header. */
	if (p->has_io_priority && syscall(SYS_ioprio_set, 1, 0, p->io_priority) < 0) {
		ct_fail_errno(err, errno, "cannot be set");
		return ct_wrap(err, "process.ioPriority");
	}
	if (s->present && syscall(SYS_sched_setattr, 0, &attr, 0) < 0) {
		ct_fail_errno(err, errno, "cannot be set");
		return ct_wrap(err, "process.scheduler");
	}
	if (p->has_personality && personality(p->personality) < 0) {
		ct_fail_errno(err, errno, "cannot be set");
		return ct_wrap(err, "linux.personality");
	}
	if (set_memory_policy(p, err) < 0)
		return -err->code;
	return ct_child_affinity(p->affinity_final, "final", err);
}

static int fail_id(const char *what, unsigned id, struct ct_err *err)
{
	int code = errno;

	if (code == EINVAL)
		return ct_fail(err, code, "%s %u is not mapped in the user namespace", what, id);
	return ct_fail_errno(err, code, "cannot set %s %u", what, id);
}

static int set_groups(const struct ct_plan_process *p, struct ct_err *err)
{
	if (p->keep_groups || setgroups(p->group_count, p->groups) == 0)
		return 0;
	/* Under setgroups=deny there is nothing to drop that was not dropped by the map. */
	if (errno == EPERM && (p->group_count == 0 ||
			       (p->group_count == 1 && p->groups[0] == p->gid)))
		return 0;
	if (errno == EPERM) {
		ct_fail(err, EPERM, "supplementary groups cannot be set with a single mapped id");
		ct_wrap(err, "process.user.additionalGids");
		return ct_hint(err, "apt install uidmap and give the user a range in /etc/subgid, "
			       "or --group-add keep-groups");
	}
	ct_fail_errno(err, errno, "cannot set supplementary groups");
	return ct_wrap(err, "process.user.additionalGids");
}

static int set_ids(const struct ct_plan_process *p, struct ct_err *err)
{
	int r;

	/* Before the groups, of which it is one as a rule: so it is named when it is not mapped. */
	if (setresgid(p->gid, p->gid, p->gid) < 0)
		return fail_id("gid", p->gid, err);
	r = set_groups(p, err);
	if (r < 0)
		return r;
	if (setresuid(p->uid, p->uid, p->uid) < 0)
		return fail_id("uid", p->uid, err);
	return 0;
}

/*
 * The caller's session keyring holds what the caller has unlocked. Our own filter keeps every call
 * that would lead there from the payload; under another one, or none, it gets an empty keyring.
 */
static int leave_keyring(const struct ct_plan_process *p, struct ct_err *err)
{
	if (p->seccomp.length && !p->seccomp_given)
		return 0;
	/* Where we may not ask, behind a filter of somebody else's, the payload may not either. */
	if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0 || errno == ENOSYS ||
	    errno == EPERM)
		return 0;
	ct_fail_errno(err, errno, "cannot make a session keyring");
	return ct_hint(err, "sysctl kernel.keys.maxkeys and kernel.keys.maxbytes limit them");
}

static int fail_cwd(const char *cwd, int code, struct ct_err *err)
{
	ct_fail_errno(err, code, "working directory %s", cwd);
	return ct_exit_with(err, code == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_NOT_EXECUTABLE);
}

static int open_cwd(const struct ct_plan_process *p, struct ct_err *err)
{
	const char *cwd = p->cwd;
	uint64_t resolve = RESOLVE_NO_MAGICLINKS;
	int fd = ct_path_try(AT_FDCWD, cwd, O_PATH | O_DIRECTORY, resolve);

	if (fd < 0 && fd != -ELOOP && p->cwd_is_there)
		return fail_cwd(cwd, -fd, err);
	if (fd == -ENOENT) {
		int ct_autofd root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);

		return ct_path_make_dir(root, cwd, 0755, err);
	}
	if (fd == -ELOOP)
		return ct_fail(err, ELOOP, "working directory %s is outside the container", cwd);
	return fd < 0 ? ct_fail_errno(err, -fd, "working directory %s", cwd) : fd;
}

/* As the user, with no directory of the host open any more; what does not exist is made. */
static int enter_cwd(const struct ct_plan_process *p, struct ct_err *err)
{
	char where[4096];
	int ct_autofd fd = open_cwd(p, err);

	if (fd < 0)
		return p->cwd_is_there ? fd : ct_wrap(err, "process.cwd");
	if (fchdir(fd) < 0 && p->cwd_is_there)
		return fail_cwd(p->cwd, errno, err);
	if (fchdir(fd) < 0) {
		ct_fail_errno(err, errno, "working directory %s", p->cwd);
		return ct_wrap(err, "process.cwd");
	}
	if (syscall(SYS_getcwd, where, sizeof(where)) < 0 || where[0] != '/') {
		ct_fail(err, EINVAL, "working directory %s is outside the container", p->cwd);
		return ct_wrap(err, "process.cwd");
	}
	return 0;
}

int ct_child_process(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	int r = set_limits(p, err);

	if (r == 0)
		r = set_scheduling(p, err);
	if (r == 0 && p->has_caps)
		r = ct_caps_limit(p->caps.bounding, err);
	if (r < 0)
		return r;
	/* Permitted capabilities survive the change of uid, to be cut to size in exec.c. */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		return ct_fail_errno(err, errno, "cannot keep capabilities");
	r = set_ids(p, err);
	if (r == 0)
		r = leave_keyring(p, err);
	if (r < 0)
		return r;
	umask(p->has_umask ? p->umask : 022);
	return enter_cwd(p, err);
}
