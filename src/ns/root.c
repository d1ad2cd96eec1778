/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root file system: clone or compose it, attach it, make it "/", let go of the host's.
 *
 * Runs in the child; cloning with the caller's ids, the rest as the container's root in its own
 * user and mount namespaces. Nothing here resolves a path inside the root file system. What may
 * fail: a kernel before 5.12, an AppArmor rule that refuses mounts in user namespaces, an overlay
 * that the file system below does not carry.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/statfs.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "child.h"

#define MAX_STACKED	64

/* Was asked for what is mounted on the host later to appear here, somewhere? */
static bool follows_host(const struct ct_plan *plan)
{
	if (plan->root.propagation)
		return true;
	for (size_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].options.propagation & (MS_SLAVE | MS_SHARED))
			return true;
	return false;
}

/*
 * What is mounted on the host later must not appear here in the wrong place, and nothing from here
 * may reach the host. In a new user namespace the kernel has made every mount a slave already; what
 * is cloned from a private one is private without another call.
 */
static int cut_propagation(struct child *c, struct ct_err *err)
{
	struct mount_attr attr = { .propagation = MS_PRIVATE };

	c->slaves = follows_host(c->plan);
	if (c->slaves)
		attr.propagation = MS_SLAVE;

	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno == ENOSYS)
		return ct_fail(err, ENOSYS, "this kernel has no mount_setattr(2); Linux 5.12 or "
			       "newer is needed");
	ct_fail_errno(err, errno, "cannot change mount propagation");
	if (err->code == EPERM || err->code == EACCES)
		return ct_hint(err, "mounts in user namespaces are refused here: cattach info");
	return -err->code;
}

int ct_child_open_root(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;
	int r = ct_child_open_peers(c, err);

	if (r == 0)
		r = cut_propagation(c, err);
	if (r < 0)
		return r;
	c->under = ct_child_open_source(&root->source, err);
	if (c->under < 0)
		return ct_wrap(err, "root file system");
	if (root->kind == CT_ROOT_OVERLAY)
		return ct_child_open_layers(c, err);
	c->root = ct_child_clone_mount(c->under, root->source.path, true, err);
	return c->root < 0 ? ct_wrap(err, "root file system") : 0;
}

static int set_propagation(int mount, uint64_t propagation, bool tree, struct ct_err *err)
{
	struct mount_attr attr = { .propagation = propagation };
	unsigned flags = AT_EMPTY_PATH | (tree ? (unsigned)AT_RECURSIVE : 0);

	if (mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot set the root's propagation");
	return 0;
}

/* On top of the directory that it is a copy of; looking that up once more could fail now, as the
 * container's root need not reach it. */
static int attach_copy(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;

	if (move_mount(c->root, "", c->under, "", flags) < 0)
		return ct_fail_errno(err, errno, "cannot attach the root file system %s",
				     root->source.path);
	return 0;
}

int ct_child_attach_root(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;
	int r = root->kind == CT_ROOT_OVERLAY ? ct_child_compose_overlay(c, err) :
						attach_copy(c, err);

	/* It is only some mount that follows the host, not the root. */
	if (r == 0 && c->slaves && !root->propagation)
		r = set_propagation(c->root, MS_PRIVATE, true, err);
	return r;
}

static int make_read_only(struct child *c, struct ct_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };

	if (!c->plan->root.read_only)
		return 0;
	if (mount_setattr(c->root, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot make the root read-only");
	for (size_t i = 0; i < c->plan->root.layer_count; i++)
		if (c->layers[i] >= 0 &&
		    mount_setattr(c->layers[i], "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
			return ct_fail_errno(err, errno, "cannot make /%s read-only",
					     c->plan->root.layers[i].name);
	return 0;
}

/* Does "/.." lead to the new root? A path that starts at "/" does not see what is mounted over it,
 * but ".." does. */
static bool is_alone(struct child *c)
{
	int ct_autofd top = openat(AT_FDCWD, "/..", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statx have, want;

	return top >= 0 && statx(top, "", AT_EMPTY_PATH, STATX_MNT_ID, &have) == 0 &&
	       statx(c->root, "", AT_EMPTY_PATH, STATX_MNT_ID, &want) == 0 &&
	       have.stx_mask & STATX_MNT_ID && have.stx_mnt_id == want.stx_mnt_id;
}

/* One umount takes off one mount, and there may be others on the host's root: it must be gone
 * whatever they are, or it stays within the container's reach. */
static int detach_host(struct child *c, struct ct_err *err)
{
	for (int i = 0; i < MAX_STACKED; i++) {
		if (umount2(".", MNT_DETACH) < 0)
			return ct_fail_errno(err, errno, "cannot detach the host's root");
		if (is_alone(c))
			return 0;
	}
	return ct_fail(err, EBUSY, "more than %d mounts lie over the host's root", MAX_STACKED);
}

int ct_child_pivot(struct child *c, struct ct_err *err)
{
	const struct ct_plan_root *root = &c->plan->root;
	int r = make_read_only(c, err);

	if (r < 0)
		return r;
	if (c->plan->inherited.mounts)
		return ct_child_inherit(c, err);
	if (fchdir(c->root) < 0)
		return ct_fail_errno(err, errno, "cannot enter the root file system");
	/* pivot_root(".", ".") stacks the old root over the new one, where it is then taken off:
	 * no directory for it is needed, so a read-only root works. */
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return ct_fail_errno(err, errno, "pivot_root");
	r = detach_host(c, err);
	if (r < 0)
		return r;
	if (chdir("/") < 0)
		return ct_fail_errno(err, errno, "cannot enter the new root");
	if (!root->propagation)
		return 0;
	/* Not before: pivot_root(2) refuses a shared one. */
	r = set_propagation(c->root, root->propagation, root->tree_propagation, err);
	return r < 0 ? r : ct_child_propagation(c, err);
}

/* What the mount namespace that was joined has for a root; of its /dev only a devpts is believed. */
int ct_child_enter_root(struct child *c, struct ct_err *err)
{
	struct statfs fs;

	if (c->plan->chroot && ct_child_change_root(c->plan->chroot, err) < 0)
		return -err->code;
	c->root = openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (c->root < 0)
		return ct_fail_errno(err, errno, "cannot open the root of the mount namespace");
	if (!c->plan->process.tty)
		return 0;
	c->pts = ct_path_try(c->root, "/dev/pts", O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	if (c->pts >= 0 && (fstatfs(c->pts, &fs) < 0 || fs.f_type != DEVPTS_SUPER_MAGIC))
		ct_drop_fd(&c->pts);
	return ct_child_terminal(c, err);
}
