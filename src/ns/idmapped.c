/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idmapped mounts: a bind in which files belong to other ids than on disk. mount_setattr(2),
 * "ID-mapped mounts".
 *
 * Runs in the starter, before the clone: the kernel asks for privilege over the file system, which the
 * container's process has given up by the time that it clones mounts. What is made here is attached to
 * nothing, and inherited by its descriptor. The map comes as a user namespace: the one that is joined, or
 * that of a process made for it and ended again. What may fail: no privilege, so never without root; a
 * file system that does not know of this.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "child.h"

static _Noreturn void wait_to_be_killed(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	for (;;)
		pause();
}

/* A user namespace with these maps, and nobody in it. */
static int make_user_namespace(const struct ct_plan_ids *uids, const struct ct_plan_ids *gids,
			       struct ct_err *err)
{
	const struct ct_plan maps = { .uid_map = *uids, .gid_map = *gids };
	int ct_autofd pidfd = -1;
	struct ct_exit ignored;
	char path[64];
	pid_t pid = ct_clone(CLONE_NEWUSER, -1, SIGCHLD, &pidfd);
	int fd = -1, r;

	if (pid == 0)
		wait_to_be_killed();
	if (pid < 0)
		return ct_fail_clone(-pid, CLONE_NEWUSER, err);
	r = ct_maps_write(pid, &maps, err);
	if (r == 0) {
		snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
		fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? ct_fail_errno(err, errno, "cannot open a user namespace") : 0;
	}
	ct_pidfd_signal(pidfd, SIGKILL);
	ct_pidfd_wait(pidfd, &ignored);
	return r < 0 ? r : fd;
}

/* Of the mount itself, or the container's, which may be one that it joins. */
static int open_map(const struct ct_plan *plan, const struct ct_plan_mount *m, struct ct_err *err)
{
	if (m->uid_map.count)
		return make_user_namespace(&m->uid_map, &m->gid_map, err);
	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].flag == CLONE_NEWUSER)
			return fcntl(plan->joins[i].fd, F_DUPFD_CLOEXEC, 3);
	return make_user_namespace(&plan->uid_map, &plan->gid_map, err);
}

static int fail_map(const struct ct_plan_mount *m, int code, struct ct_err *err)
{
	if (code == EINVAL)
		return ct_fail(err, code, "the file system of %s, or one below it, does not take idmapped "
			       "mounts", m->source.path);
	if (code == EPERM) {
		ct_fail(err, code, "%s cannot be idmapped", m->source.path);
		return ct_hint(err, "the kernel wants CAP_SYS_ADMIN over its file system, and one that is "
			       "not idmapped already");
	}
	return ct_fail_errno(err, code, "%s cannot be idmapped", m->source.path);
}

static int make_one(const struct ct_plan *plan, const struct ct_plan_mount *m, struct ct_err *err)
{
	unsigned flags = AT_EMPTY_PATH | (m->options.idmap_tree ? (unsigned)AT_RECURSIVE : 0);
	struct mount_attr private = { .propagation = MS_PRIVATE };
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };
	int ct_autofd source = ct_child_open_source(&m->source, err);
	int ct_autofd map = source < 0 ? -1 : open_map(plan, m, err);
	int ct_autofd mount = -1;

	if (source < 0 || map < 0)
		return -err->code;
	mount = ct_child_clone_mount(source, m->source.path, m->options.recursive, err);
	if (mount < 0)
		return mount;
	/* A copy made here would pass on what is mounted in the container later. */
	if (!m->options.propagation &&
	    mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &private, sizeof(private)) < 0)
		return ct_fail_errno(err, errno, "cannot change mount propagation");
	attr.userns_fd = (uint64_t)map;
	if (mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0)
		return fail_map(m, errno, err);
	return ct_take_fd(&mount);
}

int ct_idmapped_open(const struct ct_plan *plan, struct ct_err *err)
{
	for (size_t i = 0; i < plan->mount_count; i++) {
		const struct ct_plan_mount *m = &plan->mounts[i];

		if (!m->options.idmap)
			continue;
		plan->slots[i] = make_one(plan, m, err);
		if (plan->slots[i] < 0)
			return ct_wrap(err, "%s", m->place);
	}
	return 0;
}

void ct_idmapped_close(const struct ct_plan *plan)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].options.idmap)
			ct_drop_fd(&plan->slots[i]);
}
