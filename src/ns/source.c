/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount sources: files and directories of the host become detached mounts, to be attached later.
 *
 * Runs in the child after its ids are mapped and before it changes them: the kernel lets only the
 * child clone mounts, in its own copy of the mount namespace, and a path that the caller can reach
 * through a group or a 0700 home is out of reach once the ids are the container's. What the CLI
 * has checked is named by device and inode; another file at that path now is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include <cattach/fd.h>

#include "child.h"

int ct_child_open_source(const struct ct_plan_source *source, struct ct_err *err)
{
	int ct_autofd fd = openat(AT_FDCWD, source->path, O_PATH | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return ct_fail_errno(err, errno, "%s", source->path);
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine %s", source->path);
	if (st.st_dev != source->device || st.st_ino != source->inode)
		return ct_fail(err, ESTALE, "%s was exchanged while the container was being set up",
			       source->path);
	return ct_take_fd(&fd);
}

/* A detached copy of the mount that an O_PATH descriptor stands on, from there on. */
int ct_child_clone_mount(int fd, const char *path, bool recursive, struct ct_err *err)
{
	unsigned flags = AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
	int tree = open_tree(fd, "", flags | (recursive ? (unsigned)AT_RECURSIVE : 0));

	if (tree >= 0)
		return tree;
	/* Mounts of another user namespace are locked: what they cover must not be uncovered. */
	if (errno == EINVAL && !recursive) {
		ct_fail(err, EINVAL, "%s has mounts below it, which a plain bind would uncover",
			path);
		return ct_hint(err, "bind it recursively: rbind");
	}
	return ct_fail_errno(err, errno, "cannot bind %s", path);
}

static int clone_source(const struct ct_plan_source *source, bool recursive, struct ct_err *err)
{
	int ct_autofd fd = ct_child_open_source(source, err);

	if (fd < 0)
		return fd;
	return ct_child_clone_mount(fd, source->path, recursive, err);
}

int ct_child_open_sources(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->mount_count; i++) {
		const struct ct_plan_mount *m = &c->plan->mounts[i];

		if (m->type || m->options.idmap)
			continue;
		c->sources[i] = clone_source(&m->source, m->options.recursive, err);
		if (c->sources[i] < 0)
			return ct_wrap(err, "%s", m->place);
	}
	return 0;
}
