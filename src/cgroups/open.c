/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a container's cgroup again, and giving it to another owner.
 *
 * Runs in commands with the caller's privileges. The path comes from the container's record: it is
 * resolved by openat2(2) below the top of version 2, without links, and must have the form of ours or
 * our mark, so that no damaged record makes anyone freeze or remove something else. Fails with ENOENT when
 * the cgroup is gone.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/io.h>

#include "files.h"

/* One of the two halves. */
static int open_half(int dir, const char *name)
{
	int fd = ct_cgroup_open_below(dir, name);

	/* As the kernel says; its mode may have been taken by the payload. */
	return fd == -EACCES ? ct_cgroup_open_at(dir, name, O_RDONLY | O_DIRECTORY) : fd;
}

bool ct_cgroup_is_named(const char *path)
{
	return strncmp(strrchr(path, '/') + 1, CT_CGROUP_OWN, strlen(CT_CGROUP_OWN)) != 0;
}

/* One with a name of its own: somebody has written on it that it is. */
static int open_named(struct ct_cgroup *c)
{
	char mark[CT_CGROUP_MARK];

	if (ct_cgroup_read_mark(c->dir, mark, &c->kind) < 0)
		return -EINVAL;
	c->container = fcntl(c->dir, F_DUPFD_CLOEXEC, 0);
	return c->container < 0 ? -errno : 0;
}

static int open_parts(int top, const char *path, struct ct_cgroup *c)
{
	char parent[CT_CGROUP_PATH];
	const char *name = strrchr(path, '/') + 1;

	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	c->parent = ct_cgroup_open_below(top, parent);
	if (c->parent < 0)
		return c->parent;
	c->dir = ct_cgroup_open_below(c->parent, name);
	if (c->dir < 0)
		return c->dir;
	if (ct_cgroup_is_named(path))
		return open_named(c);
	c->container = open_half(c->dir, "container");
	c->monitor = open_half(c->dir, "monitor");
	/* Being removed, one of them is gone before the other. */
	if (c->container < 0 && c->container != -ENOENT)
		return c->container;
	if (c->monitor < 0 && c->monitor != -ENOENT)
		return c->monitor;
	return 0;
}

/* Descriptors that could not be had are -1, not -errno. */
static void normalise(struct ct_cgroup *c)
{
	int *all[] = { &c->parent, &c->dir, &c->container, &c->monitor };

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (*all[i] < 0)
			*all[i] = -1;
	}
}

int ct_cgroup_open(const char *path, struct ct_cgroup *ret_cgroup, struct ct_err *err)
{
	struct ct_cgroup cgroup = CT_CGROUP_INIT;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : "";
	enum ct_cgroup_layout layout;
	int ct_autofd top = -1;
	int ret;

	if (path[0] != '/' || !name[0] || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(path) >= sizeof(cgroup.path))
		return ct_fail(err, EINVAL, "\"%.160s\" is no cgroup of a container", path);
	top = ct_cgroup_top(&layout);
	if (top < 0)
		return ct_fail(err, ENOENT, "no cgroup v2 is mounted at /sys/fs/cgroup");
	ret = open_parts(top, path, &cgroup);
	normalise(&cgroup);
	if (ret < 0) {
		ct_cgroup_close(&cgroup);
		if (ret == -EINVAL)
			return ct_fail(err, EINVAL, "\"%.160s\" is no cgroup of a container", path);
		return ct_fail_errno(err, -ret, "cannot open cgroup %.160s", path);
	}
	snprintf(cgroup.path, sizeof(cgroup.path), "%s", path);
	*ret_cgroup = cgroup;
	return 0;
}

bool ct_cgroup_is_of(const struct ct_cgroup *cgroup, const char *id, const char *mark)
{
	const char *name = strrchr(cgroup->path, '/') + 1;
	size_t own = strlen(CT_CGROUP_OWN), length = strlen(id);
	char text[CT_CGROUP_MARK];
	enum ct_cgroup_kind kind;

	if (!ct_cgroup_is_named(cgroup->path))
		return !strncmp(name + own, id, length) &&
		       (!name[own + length] || name[own + length] == CT_CGROUP_AGAIN[0]);
	return ct_cgroup_read_mark(cgroup->dir, text, &kind) == 0 && !strcmp(text, mark);
}

/* ---- another owner ---- */

/* The kernel's own list of what delegation hands over; this one where it has none. */
static void read_delegate(char *list, size_t size)
{
	int ct_autofd fd = open("/sys/kernel/cgroup/delegate", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || ct_read_text(fd, list, size) <= 0)
		snprintf(list, size, "cgroup.procs\ncgroup.threads\ncgroup.subtree_control\n");
}

int ct_cgroup_give(int container, uid_t uid, gid_t gid, struct ct_err *err)
{
	char list[2048];
	char *rest = list;

	read_delegate(list, sizeof(list));
	if (fchown(container, uid, gid) < 0)
		return ct_fail_errno(err, errno, "cannot give the cgroup to %u:%u", uid, gid);
	for (char *name = strsep(&rest, "\n"); name; name = strsep(&rest, "\n")) {
		/* A file of a controller that is not enabled is not there. */
		if (!*name || strchr(name, '/') ||
		    fchownat(container, name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0 ||
		    errno == ENOENT)
			continue;
		return ct_fail_errno(err, errno, "cannot give %.80s to %u:%u", name, uid, gid);
	}
	return 0;
}
