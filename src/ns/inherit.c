/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container in its caller's mount namespace, or in one that root joins. It is built in a copy of
 * the caller's, like any other one; then all of it is moved to where it belongs, in one piece, and
 * the process follows:
 *
 *   a copy of the caller's namespace           the caller's, or the one that is joined
 *     root, mounts, devices, masks    ──────►    DIRECTORY/mounts         bound on itself, private
 *                                                DIRECTORY/mounts/root    all of it
 *
 * What the caller sees of a container that cannot be built is nothing, and of one that is there a mount
 * that takes everything below it along when it is taken off: src/container/inherited.c. The copy
 * ends when the process leaves it. Whether it is made private or slave is of no account for the caller.
 *
 * Runs in the child, in the place of the pivot, as root of the host. What may fail: a mount or a
 * right that the kernel refuses, a container that was deleted meanwhile, whose place is gone, a
 * namespace where its place is not seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "child.h"

#define MOVE_BY_FD (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
#define CLONE_FD (AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)
#define DIRECTORY (O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static int set_propagation(int mount, uint64_t propagation, struct ct_err *err)
{
	struct mount_attr attr = { .propagation = propagation };

	if (mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot keep the container's mounts to itself");
	return 0;
}

/*
 * The caller's is where the container's directory was opened. Into another one nothing but a path
 * leads; what is there is another container's root, perhaps, so it must be the very directory.
 */
static int open_place(const struct child *c, struct ct_err *err)
{
	const struct ct_plan_inherited *in = &c->plan->inherited;
	int ct_autofd place = in->joined ? openat(AT_FDCWD, in->path, DIRECTORY) :
					   openat(in->directory, CT_INHERITED_PLACE, DIRECTORY);
	struct stat want, have;

	if (fstatat(in->directory, CT_INHERITED_PLACE, &want, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (place < 0 && !in->joined))
		return ct_fail_errno(err, errno, "cannot open the place for its mounts");
	if (place >= 0 && fstat(place, &have) == 0 && have.st_dev == want.st_dev &&
	    have.st_ino == want.st_ino)
		return ct_take_fd(&place);
	ct_fail(err, ENOENT, "the place for the container's mounts, %s, is not seen in that "
		"mount namespace", in->path);
	ct_wrap(err, "%s", in->joined);
	return ct_hint(err, "leave out \"path\", for one of its own; or take a --root that is seen "
		       "there, too");
}

/*
 * Where the host's mounts are shared, this one is shared with them the moment that it is there, and
 * other namespaces get a copy: an empty directory, which goes with ours. That is why it is made
 * private once more, before anything comes below it; and unbindable, so that who binds a directory
 * above it, another container's root perhaps, does not get this container's mounts along with it.
 */
static int bind_place(const struct child *c, struct ct_err *err)
{
	int ct_autofd place = open_place(c, err);
	int ct_autofd bind = -1;

	if (place < 0)
		return -err->code;
	bind = open_tree(place, "", CLONE_FD);
	if (bind < 0)
		return ct_fail_errno(err, errno, "cannot bind the place for the container's mounts");
	if (set_propagation(bind, MS_PRIVATE, err) < 0)
		return -err->code;
	if (move_mount(bind, "", place, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot mount the place for the container's mounts");
	return set_propagation(bind, MS_UNBINDABLE, err) < 0 ? -err->code : ct_take_fd(&bind);
}

static int attach(const struct child *c, int tree, struct ct_err *err)
{
	int ct_autofd bind = bind_place(c, err);
	int ct_autofd target = -1;

	if (bind < 0)
		return bind;
	target = openat(bind, CT_INHERITED_ROOT, DIRECTORY);
	if (target < 0 || move_mount(tree, "", target, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot attach the container's mounts");
	return 0;
}

int ct_child_change_root(int root, struct ct_err *err)
{
	if (fchdir(root) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return ct_fail_errno(err, errno, "cannot enter the root file system");
	return 0;
}

int ct_child_inherit(struct child *c, struct ct_err *err)
{
	int ct_autofd tree = open_tree(c->root, "", CLONE_FD | AT_RECURSIVE);
	int r;

	if (tree < 0)
		return ct_fail_errno(err, errno, "cannot take up the container's mounts");
	if (setns(c->plan->inherited.space, CLONE_NEWNS) < 0) {
		ct_fail_errno(err, errno, c->plan->inherited.joined ?
			      "cannot join the mount namespace" :
			      "cannot go back to the host's mount namespace");
		return c->plan->inherited.joined ? ct_wrap(err, "%s", c->plan->inherited.joined) :
						   -err->code;
	}
	r = attach(c, tree, err);
	if (r == 0)
		r = ct_child_change_root(tree, err);
	if (r < 0)
		return r;
	ct_drop_fd(&c->root);
	c->root = ct_take_fd(&tree);
	return 0;
}
