/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /dev: nodes bound from the host by descriptor, and the usual links.
 *
 * Nodes are opened on the host before anything of the container exists, must be the device that
 * they are named after (type and number), and are used through that descriptor only; nothing is
 * ever taken from the container's own /dev. Runs in the child: opening with the caller's ids,
 * placing as the container's root. An unprivileged user cannot make nodes, only bind them; what root
 * makes has the owner and mode that was asked for, whatever the umask is.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "child.h"

static int open_node(struct child *c, const char *host, mode_t type, dev_t number,
		     struct ct_err *err)
{
	int ct_autofd fd = openat(c->host_root, host + 1, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open the host's %s", host);
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine the host's %s", host);
	if ((st.st_mode & S_IFMT) != type || (type != S_IFIFO && st.st_rdev != number))
		return ct_fail(err, ENODEV, "the host's %s is not device %u:%u", host,
			       major(number), minor(number));
	return ct_take_fd(&fd);
}

/* Without a user namespace the container's root owns the host's nodes, and their modes and owners are
 * the host's: on a read-only mount they cannot be changed, while the device takes what is written. */
static bool owns_host_nodes(const struct child *c)
{
	return !(c->plan->new_namespaces & CLONE_NEWUSER) && !ct_joins_user(c->plan);
}

int ct_child_clone_node(struct child *c, int fd, const char *host, struct ct_err *err)
{
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_RDONLY };
	int ct_autofd mount = open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0)
		return ct_fail_errno(err, errno, "cannot bind the host's %s", host);
	if (owns_host_nodes(c) && mount_setattr(mount, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot protect the host's %s", host);
	return ct_take_fd(&mount);
}

int ct_child_open_devices(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->device_count; i++) {
		const struct ct_plan_device *d = &c->plan->devices[i];
		int ct_autofd fd = d->made ? -1 : open_node(c, d->host, d->type, d->number, err);

		if (d->made)
			continue;
		if (fd < 0)
			return ct_wrap(err, "%s", d->place);
		c->devices[i] = ct_child_clone_node(c, fd, d->host, err);
		if (c->devices[i] < 0)
			return ct_wrap(err, "%s", d->place);
	}
	/* Masks of files are this one, so it must be the real one. */
	c->null = open_node(c, "/dev/null", S_IFCHR, makedev(1, 3), err);
	return c->null < 0 ? c->null : 0;
}

/* A node may hide a node or an empty file that waits for it, but no file that means something. */
static int check_target(struct child *c, const struct ct_plan_device *d, struct ct_err *err)
{
	int ct_autofd fd = ct_path_try(c->root, d->path, O_PATH | O_NOFOLLOW,
				       RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct stat st;

	if (fd < 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine %s", d->path);
	if (S_ISLNK(st.st_mode))
		return ct_fail(err, ELOOP, "%s is a symbolic link in the root file system",
			       d->path);
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		return ct_fail(err, EEXIST, "%s exists in the root file system and is no device",
			       d->path);
	return 0;
}

/* In a fresh tmpfs on /dev there is nothing yet that could be in the way. */
static int place_fresh(struct child *c, int mount, const char *name, struct ct_err *err)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	int ct_autofd target = openat(c->dev, name, O_RDONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (target < 0)
		return ct_fail_errno(err, errno, "cannot make /dev/%s", name);
	if (move_mount(mount, "", target, "", flags) < 0)
		return ct_fail_errno(err, errno, "cannot mount on /dev/%s", name);
	return 0;
}

static int open_parent(struct child *c, const char *path, const char *name, struct ct_err *err)
{
	char parent[PATH_MAX];

	if (c->dev >= 0 && name == path + strlen("/dev/") && strncmp(path, "/dev/", 5) == 0)
		return fcntl(c->dev, F_DUPFD_CLOEXEC, 3);
	if ((size_t)(name - path) > sizeof(parent))
		return ct_fail(err, ENAMETOOLONG, "%s: the path is too long", path);
	memcpy(parent, path, (size_t)(name - path));
	parent[name - path > 1 ? name - path - 1 : 1] = '\0';
	return ct_path_make_dir(c->root, parent, 0755, err);
}

/* By descriptor and after a look: the root file system may hold anything at that name. */
static int set_owner(struct child *c, int parent, const char *name, const struct ct_plan_device *d,
		     struct ct_err *err)
{
	int ct_autofd fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char path[32];
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine %s", d->path);
	if ((st.st_mode & S_IFMT) != d->type || (d->type != S_IFIFO && st.st_rdev != d->number))
		return ct_fail(err, EEXIST, "%s exists in the root file system and is something else",
			       d->path);
	snprintf(path, sizeof(path), "self/fd/%d", fd);
	if (fchownat(fd, "", d->uid, d->gid, AT_EMPTY_PATH) < 0 ||
	    (c->proc >= 0 && fchmodat(c->proc, path, d->mode, 0) < 0))
		return ct_fail_errno(err, errno, "cannot set owner and mode of %s", d->path);
	return 0;
}

static int make_node(struct child *c, const struct ct_plan_device *d, struct ct_err *err)
{
	const char *name = strrchr(d->path, '/') + 1;
	int ct_autofd parent = open_parent(c, d->path, name, err);

	if (parent < 0)
		return -err->code;
	if (mknodat(parent, name, d->type | d->mode, d->type == S_IFIFO ? 0 : d->number) < 0 &&
	    errno != EEXIST)
		return ct_fail_errno(err, errno, "cannot make %s", d->path);
	return set_owner(c, parent, name, d, err);
}

static int place_node(struct child *c, int mount, const struct ct_plan_device *d,
		      struct ct_err *err)
{
	int r;

	if (d->made)
		return make_node(c, d, err);
	if (c->dev >= 0 && strncmp(d->path, "/dev/", 5) == 0 && !strchr(d->path + 5, '/'))
		return place_fresh(c, mount, d->path + 5, err);
	r = check_target(c, d, err);
	return r < 0 ? r : ct_child_place(c, mount, d->path, false, err);
}

static int open_dev(struct child *c, struct ct_err *err)
{
	if (c->dev >= 0)
		return ct_take_fd(&c->dev);
	return ct_path_open(c->root, "/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW, err);
}

static int make_links(struct child *c, struct ct_err *err)
{
	int ct_autofd dev = open_dev(c, err);

	if (dev < 0)
		return dev;
	for (size_t i = 0; i < c->plan->link_count; i++) {
		const struct ct_plan_pair *link = &c->plan->links[i];

		if (symlinkat(link->value, dev, link->key) == 0 || errno == EEXIST)
			continue;
		ct_fail_errno(err, errno, "cannot make the link /dev/%s", link->key);
		return ct_hint(err, "mount a tmpfs on /dev");
	}
	return 0;
}

int ct_child_devices(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->device_count; i++) {
		const struct ct_plan_device *d = &c->plan->devices[i];

		if (place_node(c, c->devices[i], d, err) < 0)
			return ct_wrap(err, "%s", d->place);
		ct_drop_fd(&c->devices[i]);
	}
	return c->plan->own_dev ? make_links(c, err) : 0;
}
