/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Masked and read-only paths: a masked file becomes the host's /dev/null, a masked directory an
 * empty read-only tmpfs (one file system for all of them), a read-only path a read-only bind of
 * itself with everything below it. A path that is not there is left alone.
 *
 * Runs in the child as the container's root, after all mounts.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "child.h"

#define MOVE_BY_FD (MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH)
#define CLONE_FD (AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC)

/* The path inside the root, or -ENOENT; a link on the way could hide what was to be masked. */
static int open_path(struct child *c, const char *path, struct ct_err *err)
{
	int fd = ct_path_try(c->root, path, O_PATH | O_NOFOLLOW,
			     RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);

	if (fd == -ENOENT || fd == -ENOTDIR || fd == -EACCES)
		return -ENOENT;
	if (fd == -ELOOP) {
		/* Some paths of sysfs are links by nature: the target is what is meant. */
		fd = ct_path_try(c->root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
		if (fd == -ENOENT)
			return fd;
	}
	if (fd < 0) {
		ct_fail_errno(err, -fd, "cannot open %s", path);
		return -EINVAL;
	}
	return fd;
}

/* The first masked directory gets the new tmpfs, the others clones of it. */
static int empty_directory(int *first, struct ct_err *err)
{
	static const struct ct_mount_options options = {
		.set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC,
	};
	int mount;

	if (*first >= 0) {
		mount = open_tree(*first, "", CLONE_FD);
		return mount < 0 ? ct_fail_errno(err, errno, "cannot clone the mask") : mount;
	}
	mount = ct_child_new_mount("tmpfs", "masked", &options, err);
	if (mount >= 0)
		*first = fcntl(mount, F_DUPFD_CLOEXEC, 3);
	return mount;
}

static int mask(struct child *c, const char *path, int *first, struct ct_err *err)
{
	int ct_autofd target = open_path(c, path, err);
	int ct_autofd mount = -1;
	struct stat st;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	if (fstat(target, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine %s", path);
	if (S_ISDIR(st.st_mode)) {
		mount = empty_directory(first, err);
		if (mount < 0)
			return mount;
	} else {
		mount = ct_child_clone_node(c, c->null, "/dev/null", err);
		if (mount < 0)
			return mount;
	}
	if (move_mount(mount, "", target, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot mask %s", path);
	return 0;
}

static int make_read_only(struct child *c, const char *path, struct ct_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int ct_autofd target = open_path(c, path, err);
	int ct_autofd mount = -1;

	if (target < 0)
		return target == -ENOENT ? 0 : target;
	mount = open_tree(target, "", CLONE_FD | AT_RECURSIVE);
	if (mount < 0)
		return ct_fail_errno(err, errno, "cannot bind %s", path);
	if (mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot make %s read-only", path);
	if (move_mount(mount, "", target, "", MOVE_BY_FD) < 0)
		return ct_fail_errno(err, errno, "cannot place the read-only %s", path);
	return 0;
}

int ct_child_masks(struct child *c, struct ct_err *err)
{
	const struct ct_strings *masked = &c->plan->masked, *read_only = &c->plan->read_only;
	int ct_autofd first = -1;

	for (size_t i = 0; i < read_only->count; i++)
		if (make_read_only(c, read_only->items[i], err) < 0)
			return ct_wrap(err, "linux.readonlyPaths");
	for (size_t i = 0; i < masked->count; i++)
		if (mask(c, masked->items[i], &first, err) < 0)
			return ct_wrap(err, "linux.maskedPaths");
	return 0;
}
