/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a container's cgroup with everything that the payload made below it, and the parents
 * that were made for it and are empty.
 *
 * Runs in the monitor at the end, and in commands after a crash, with the caller's privileges. A
 * payload may have nested cgroups as deeply as it liked, so the way down is walked with one
 * descriptor and no memory: cgroups are never renamed, so ".." leads back. Kills nobody. Fails with
 * EBUSY when there are processes still after the time allowed.
 */
#include <cattach/cgroup.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cattach/num.h>
#include <cattach/proc.h>

#include "files.h"

#define PARENTS_MAX	32	/* of a --cgroup-parent, as in make.c */

/* A walk below one directory. */
struct walk {
	int dir;		/* where it stands */
	unsigned depth;		/* 0: where it began */
	uint64_t deadline;	/* monotonic, ns */
};

static unsigned left(const struct walk *w)
{
	uint64_t now = ct_now_monotonic();

	return now >= w->deadline ? 0 : (unsigned)((w->deadline - now) / 1000000 + 1);
}

static int step_to(struct walk *w, int fd)
{
	if (fd < 0)
		return -errno;
	ct_fd_close(w->dir);
	w->dir = fd;
	return 0;
}

static int step_up(struct walk *w)
{
	w->depth--;
	return step_to(w, openat(w->dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

/* A child that cannot be removed: go down if it has children, else wait for its processes. */
static int step_down(struct walk *w, const char *name)
{
	char ignored[256];
	int fd = ct_cgroup_open_at(w->dir, name, O_RDONLY | O_DIRECTORY);
	struct ct_err err;
	int ret;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	ret = ct_cgroup_first_child(fd, ignored);
	if (ret > 0) {
		w->depth++;
		return step_to(w, fd);
	}
	/* Who is late is not killed for it; an empty one may be busy for a moment of the kernel's. */
	if (ret == 0 && ct_cgroup_wait_empty(fd, left(w), &err) < 0)
		ret = err.code == ETIMEDOUT ? -EBUSY : -err.code;
	ct_fd_close(fd);
	return ret;
}

static int step(struct walk *w)
{
	char name[256];
	int ret = ct_cgroup_first_child(w->dir, name);

	if (ret < 0)
		return ret;
	if (ret == 0)
		return w->depth ? step_up(w) : 1;
	if (unlinkat(w->dir, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	if (errno != EBUSY)
		return -errno;
	ret = step_down(w, name);
	return ret;
}

/* Remove all children of a directory: 0 or -errno. */
static int remove_below(int dir, uint64_t deadline)
{
	struct walk w = { .deadline = deadline };
	unsigned stuck = 0;
	int ret = 0;

	w.dir = ct_cgroup_open_at(dir, ".", O_RDONLY | O_DIRECTORY);
	if (w.dir < 0)
		return w.dir == -ENOENT ? 0 : w.dir;
	/* Who keeps making children while we remove them is not waited for without end. */
	while (ret == 0) {
		ret = step(&w);
		if (ret == 0 && !left(&w) && ++stuck > 100000)
			ret = -EBUSY;
	}
	ct_fd_close(w.dir);
	return ret == -ENOENT || ret == -ENODEV || ret == 1 ? 0 : ret;
}

/* By that name there may be another by now: of the next run. */
static bool is_there(int parent, const char *name, int dir)
{
	struct stat found, ours;

	return fstatat(parent, name, &found, AT_SYMLINK_NOFOLLOW) == 0 && fstat(dir, &ours) == 0 &&
	       found.st_ino == ours.st_ino && found.st_dev == ours.st_dev;
}

static int remove_dir(int parent, const char *name, int dir, uint64_t deadline)
{
	int ret = remove_below(dir, deadline);

	if (ret < 0 || !is_there(parent, name, dir))
		return ret;
	if (unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return 0;
	return -errno;
}

/* The parents that we made, from the innermost on, until one is not ours or not empty. */
static void remove_parents(const struct ct_cgroup *cgroup)
{
	char path[CT_CGROUP_PATH], mark;
	int ct_autofd dir = fcntl(cgroup->parent, F_DUPFD_CLOEXEC, 0);
	char *slash;

	memcpy(path, cgroup->path, sizeof(path));
	*strrchr(path, '/') = '\0';
	for (; dir >= 0 && (slash = strrchr(path, '/')) != NULL; *slash = '\0') {
		int ct_autofd above = -1;

		if (fgetxattr(dir, CT_CGROUP_MADE, &mark, 1) != 1)
			break;
		above = openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (above < 0 || unlinkat(above, slash + 1, AT_REMOVEDIR) < 0)
			return;
		ct_drop_fd(&dir);
		dir = ct_take_fd(&above);
	}
	/* Callers that were moved aside are not ours to end; without them their cgroup goes. */
	if (dir >= 0)
		unlinkat(dir, CT_CGROUP_CALLERS, AT_REMOVEDIR);
}

static int fail_remove(const struct ct_cgroup *cgroup, int ret, struct ct_err *err)
{
	if (ret != -EBUSY)
		return ct_fail_errno(err, -ret, "cannot remove cgroup %.200s", cgroup->path);
	ct_fail(err, EBUSY, "cgroup %.200s still has processes", cgroup->path);
	return ct_hint(err, "see cgroup.procs in it and below it");
}

/* Once it is empty: before that nothing is touched, or the empty cgroups of one that lives would be
 * gone. 0 or -errno. */
static int remove_empty(int parent, const char *name, int dir, unsigned timeout)
{
	uint64_t deadline = ct_now_monotonic() + (uint64_t)timeout * 1000000;
	struct ct_err err;

	if (dir < 0)
		return 0;
	if (ct_cgroup_wait_empty(dir, timeout, &err) < 0)
		return err.code == ETIMEDOUT ? -EBUSY : -err.code;
	return remove_dir(parent, name, dir, deadline);
}

int ct_cgroup_empty(const struct ct_cgroup *cgroup, unsigned timeout, bool all, struct ct_err *err)
{
	uint64_t deadline = ct_now_monotonic() + (uint64_t)timeout * 1000000;
	int ret = 0;

	if (cgroup->dir < 0)
		return 0;
	if (ct_cgroup_wait_empty(cgroup->dir, timeout, err) < 0)
		ret = err->code == ETIMEDOUT ? -EBUSY : -err->code;
	if (ret == 0 && all)
		ret = remove_below(cgroup->dir, deadline);
	return ret < 0 ? fail_remove(cgroup, ret, err) : 0;
}

int ct_cgroup_remove(const struct ct_cgroup *cgroup, unsigned timeout, struct ct_err *err)
{
	int ret = remove_empty(cgroup->parent, strrchr(cgroup->path, '/') + 1, cgroup->dir, timeout);

	if (ret < 0)
		return fail_remove(cgroup, ret, err);
	remove_parents(cgroup);
	return 0;
}

int ct_cgroup_remove_container(const struct ct_cgroup *cgroup, unsigned timeout,
			       struct ct_err *err)
{
	int ret;

	if (ct_cgroup_is_named(cgroup->path))
		return ct_cgroup_remove(cgroup, timeout, err);
	ret = remove_empty(cgroup->dir, "container", cgroup->container, timeout);

	return ret < 0 ? fail_remove(cgroup, ret, err) : 0;
}

/* ---- after crashes ---- */

/* What a sweep needs to know. */
struct sweep {
	bool (*is_known)(const char *name, void *arg);
	void *arg;
	unsigned removed;
};

/* One directory of ours that no container owns: empty it and remove it, unless it is in use. */
static void sweep_one(struct sweep *s, int parent, const char *name)
{
	const char *own = name + strlen(CT_CGROUP_OWN);
	char id[256];
	int ct_autofd dir = -1;
	struct ct_cgroup_events events;
	struct ct_err ignored;

	snprintf(id, sizeof(id), "%.*s", (int)strcspn(own, CT_CGROUP_AGAIN), own);
	if (!strcmp(name, CT_CGROUP_CALLERS) || ct_check_name(id, &ignored) < 0 ||
	    s->is_known(own, s->arg))
		return;
	dir = ct_cgroup_open_at(parent, name, O_RDONLY | O_DIRECTORY);
	if (dir < 0 || ct_cgroup_events(dir, &events, &ignored) < 0 || events.populated)
		return;
	if (remove_dir(parent, name, dir, 0) == 0)
		s->removed++;
}

static int sweep_below(struct sweep *s, int dir, unsigned depth);

/* A parent that was made for containers, and goes when there are none in it. */
static void sweep_parent(struct sweep *s, int above, const char *name, unsigned depth)
{
	int ct_autofd dir = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char mark;

	if (dir < 0 || depth == PARENTS_MAX || fgetxattr(dir, CT_CGROUP_MADE, &mark, 1) != 1)
		return;
	if (sweep_below(s, dir, depth + 1) == 0)
		unlinkat(above, name, AT_REMOVEDIR);
}

static int sweep_below(struct sweep *s, int dir, unsigned depth)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR ct_autodir *list = fd < 0 ? NULL : fdopendir(fd);

	if (!list) {
		int code = errno;

		ct_fd_close(fd);
		return -code;
	}
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		const char *name = entry->d_name;

		if (entry->d_type != DT_DIR || name[0] == '.')
			continue;
		if (!strncmp(name, CT_CGROUP_OWN, strlen(CT_CGROUP_OWN)))
			sweep_one(s, dir, name);
		else
			sweep_parent(s, dir, name, depth);
	}
	unlinkat(dir, CT_CGROUP_CALLERS, AT_REMOVEDIR);
	return 0;
}

int ct_cgroup_sweep(const struct ct_cgroup_place *place,
		    bool (*is_known)(const char *name, void *arg), void *arg, unsigned *ret_removed,
		    struct ct_err *err)
{
	struct sweep s = { .is_known = is_known, .arg = arg };
	int ct_autofd dir = ct_cgroup_open_below(place->dir, place->parent);
	int r;

	*ret_removed = 0;
	if (dir < 0)
		return dir == -ENOENT ? 0 : ct_fail_errno(err, -dir, "cannot open the cgroup");
	r = sweep_below(&s, dir, 0);
	*ret_removed = s.removed;
	return r < 0 ? ct_fail_errno(err, -r, "cannot list cgroup %.160s", place->path) : 0;
}
