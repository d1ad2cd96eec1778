/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount sources: files and directories of the host become detached mounts, each when its turn comes.
 *
 * Runs in the child. They are opened after its ids are mapped and before it changes them: a path that
 * the caller can reach through a group or a 0700 home is out of reach once the ids are the container's.
 * They are cloned from those descriptors, in the child's own copy of the mount namespace, which is where
 * the kernel lets it. What the CLI has checked is named by device and inode; another file at that path
 * now is refused.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
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

static bool is_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	while (length && directory[length - 1] == '/')
		length--;
	return strncmp(path, directory, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

static bool any_is_in(const struct ct_strings *paths, const char *directory)
{
	for (size_t i = 0; i < paths->count; i++)
		if (is_in(paths->items[i], directory))
			return true;
	return false;
}

/* Do we mount anything on it or below it ourselves? It would be on the host, too, and stay there: a mask
 * would hide the host's own file. */
static bool is_covered(const struct ct_plan *plan, const struct ct_plan_mount *m)
{
	for (size_t i = (size_t)(m - plan->mounts) + 1; i < plan->mount_count; i++)
		if (is_in(plan->mounts[i].destination, m->destination))
			return true;
	for (size_t i = 0; i < plan->device_count; i++)
		if (is_in(plan->devices[i].path, m->destination))
			return true;
	return any_is_in(&plan->masked, m->destination) || any_is_in(&plan->read_only, m->destination) ||
	       (plan->process.tty && is_in("/dev/console", m->destination));
}

/* Is what is mounted in it inside to be seen on the host, too? In a user namespace the kernel has made it a
 * slave for good. mount_namespaces(7). */
static bool stays_peer(const struct ct_plan *plan, const struct ct_plan_mount *m)
{
	return !m->type && m->options.propagation & MS_SHARED && !m->options.idmap &&
	       !(plan->new_namespaces & CLONE_NEWUSER) && !ct_joins_user(plan) && !is_covered(plan, m);
}

/*
 * Newer kernels list mounts in the order in which they were made, not in the one in which they were
 * attached, and a configuration's order is to be seen in the list: so a mount is cloned late. It is made
 * early where the starter has opened it for another map of ids (idmapped.c), and where a root
 * that takes part in propagation cannot be hidden from a recursive clone.
 */
bool ct_child_clones_late(const struct ct_plan *plan, const struct ct_plan_mount *m)
{
	return !m->options.idmap && !stays_peer(plan, m) &&
	       !(m->options.recursive && plan->root.propagation);
}

int ct_child_clone_source(struct child *c, size_t i, struct ct_err *err)
{
	const struct ct_plan_mount *m = &c->plan->mounts[i];
	int mount = ct_child_clone_mount(c->sources[i], m->source.path, m->options.recursive, err);

	if (mount < 0)
		return mount;
	ct_drop_fd(&c->sources[i]);
	c->sources[i] = mount;
	return 0;
}

static int open_one(struct child *c, size_t i, struct ct_err *err)
{
	const struct ct_plan_mount *m = &c->plan->mounts[i];
	int r = 0;

	c->sources[i] = ct_child_open_source(&m->source, err);
	if (c->sources[i] < 0)
		r = c->sources[i];
	else if (!ct_child_clones_late(c->plan, m))
		r = ct_child_clone_source(c, i, err);
	return r < 0 ? ct_wrap(err, "%s", m->place) : 0;
}

int ct_child_open_peers(struct child *c, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->plan->mount_count; i++)
		if (stays_peer(c->plan, &c->plan->mounts[i]))
			r = open_one(c, i, err);
	return r;
}

int ct_child_open_sources(struct child *c, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < c->plan->mount_count; i++) {
		const struct ct_plan_mount *m = &c->plan->mounts[i];

		if (!m->type && !m->options.idmap && !stays_peer(c->plan, m))
			r = open_one(c, i, err);
	}
	return r;
}
