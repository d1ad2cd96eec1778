/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a container's cgroup: PLACE/[PARENT/]cattach-ID/{container,monitor}, or PLACE/[PARENT/]NAME
 * alone (named.c), for who wants it by a name of his and has no monitor of ours.
 *
 * Runs in the process that starts a container, with the caller's privileges, before the payload is
 * cloned. The monitor stays outside of the limits, in a sibling of the container's cgroup; so
 * cattach-ID itself never has processes and can hand controllers on. Parents that are made here are
 * marked, so that whoever removes the last container in them knows that they may go. While the
 * monitor of an earlier run is still in its own, the name of the new one has a number behind it. What
 * fails half-way is taken back; being killed half-way leaves an empty cgroup, which a sweep removes.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cattach/log.h>

#include "controllers.h"
#include "files.h"

#define TRIES		8	/* others may remove an empty parent that we are about to use */
#define DIRS_MAX	32	/* of a parent: the kernel's files get no further in practice */
#define NAMES		16	/* a container's, as long as monitors of runs before serve late readers */

/* What making needs to know. */
struct making {
	const struct ct_cgroup_place *place;
	const struct ct_cgroup_plan *plan;
	struct ct_cgroup *out;
	unsigned number;	/* "cattach-ID", "cattach-ID+1", ... */
	int dirs[DIRS_MAX];	/* from below the place to the parent; what can be enabled in */
	size_t count;
	bool ours;		/* when something fails it goes */
};

static void making_done(struct making *m)
{
	for (size_t i = 0; i < m->count; i++)
		ct_fd_close(m->dirs[i]);
	m->count = 0;
}

void ct_cgroup_close(struct ct_cgroup *cgroup)
{
	ct_drop_fd(&cgroup->parent);
	ct_drop_fd(&cgroup->dir);
	ct_drop_fd(&cgroup->container);
	ct_drop_fd(&cgroup->monitor);
	ct_drop_fd(&cgroup->origin);
}

int ct_cgroup_fail_make(struct ct_err *err, int code, const char *path)
{
	ct_fail_errno(err, code, "cannot make cgroup %.200s", path);
	if (code == EAGAIN)
		return ct_hint(err, "cgroup.max.depth or cgroup.max.descendants of a cgroup above "
			       "is reached");
	if (code == EACCES || code == EPERM)
		return ct_hint(err, "it must be delegated to you as a whole: docs/cgroups.md");
	return -err->code;
}

/* ---- the parents ---- */

/* Open a child, making it when it is not there; what we make is marked. A descriptor or -errno. */
static int open_or_make(int dir, const char *name)
{
	bool made = mkdirat(dir, name, 0755) == 0;
	int fd;

	if (!made && errno != EEXIST)
		return -errno;
	fd = ct_cgroup_open_below(dir, name);
	if (made && fd >= 0 && fsetxattr(fd, CT_CGROUP_MADE, "1", 1, 0) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "%s cannot be marked and will stay", name);
	return fd;
}

/* Every directory of place->parent in m->dirs: 0 or -errno. */
static int open_parents(struct making *m)
{
	const char *path = m->place->parent;
	char name[256];

	while (*path) {
		size_t n = strcspn(path, "/");
		int fd, above = m->count ? m->dirs[m->count - 1] : m->place->dir;

		if (n >= sizeof(name))
			return -ENAMETOOLONG;
		if (m->count == DIRS_MAX)
			return -ELOOP;
		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		fd = n ? open_or_make(above, name) : 0;
		if (fd < 0)
			return fd;
		if (n)
			m->dirs[m->count++] = fd;
		path += n + (path[n] == '/');
	}
	return 0;
}

/* ---- the container's ---- */

static int open_child(int dir, const char *name, int *ret_fd)
{
	int fd;

	if (mkdirat(dir, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = ct_cgroup_open_below(dir, name);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

/* Where it is going to be: 0 or -ENAMETOOLONG. */
static int set_path(struct making *m)
{
	const struct ct_cgroup_place *place = m->place;
	const char *top = strcmp(place->path, "/") == 0 ? "" : place->path;
	char number[16] = "";
	int n;

	if (m->plan->name) {
		n = snprintf(m->out->path, sizeof(m->out->path), "%s%s%s/%s", top,
			     *place->parent ? "/" : "", place->parent, m->plan->name);
		return n < 0 || (size_t)n >= sizeof(m->out->path) ? -ENAMETOOLONG : 0;
	}
	if (m->number)
		snprintf(number, sizeof(number), "%s%u", CT_CGROUP_AGAIN, m->number);
	n = snprintf(m->out->path, sizeof(m->out->path), "%s%s%s/%s%s%s", top,
		     *place->parent ? "/" : "", place->parent, CT_CGROUP_OWN, m->plan->id, number);
	return n < 0 || (size_t)n >= sizeof(m->out->path) ? -ENAMETOOLONG : 0;
}

static const char *name_of(const struct making *m)
{
	return strrchr(m->out->path, '/') + 1;
}

/*
 * Is there one by this name? One of a crash is removed. 1 when it must stay: its container's part is
 * gone, but the monitor of an earlier run serves a client that reads slowly; or it is empty and cannot
 * be removed. -EEXIST when somebody else is in it.
 */
static int is_taken(struct making *m)
{
	struct ct_cgroup old = CT_CGROUP_INIT;
	struct ct_err ignored;
	int ret;

	memcpy(old.path, m->out->path, sizeof(old.path));
	old.parent = m->out->parent;
	old.dir = ct_cgroup_open_below(old.parent, name_of(m));
	if (old.dir < 0)
		return old.dir == -ENOENT ? 0 : old.dir;
	ret = ct_cgroup_remove(&old, 0, &ignored);
	if (ret == -EBUSY && faccessat(old.dir, "container", F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		ret = -EEXIST;
	ct_fd_close(old.dir);
	return ret == 0 || ret == -EEXIST ? ret : 1;
}

static int choose_name(struct making *m, struct ct_err *err)
{
	for (m->number = 0; m->number < NAMES; m->number++) {
		int ret = set_path(m);

		if (ret < 0)
			return ct_fail(err, -ret, "the cgroup's path is too long");
		ret = is_taken(m);
		if (ret == 0)
			return 0;
		if (ret == -EEXIST)
			break;
		if (ret < 0)
			return ct_cgroup_fail_make(err, -ret, m->out->path);
	}
	ct_fail(err, EEXIST, "cgroup %.200s is there already and has processes", m->out->path);
	return ct_hint(err, "cattach prune removes what crashes left");
}

/* Its path is known to the caller before it is there: who is killed leaves nothing that is not found. */
static int make_dir(struct making *m, struct ct_err *err)
{
	const struct ct_cgroup_plan *plan = m->plan;
	int ret;

	if (choose_name(m, err) < 0 ||
	    (plan->record && plan->record(plan->arg, m->out->path, false, err) < 0))
		return -err->code;
	/* -ENOENT: the parent was removed under us, by who removed its last container. */
	if (mkdirat(m->out->parent, name_of(m), 0755) < 0)
		return errno == ENOENT ? -ENOENT : ct_cgroup_fail_make(err, errno, m->out->path);
	ret = ct_cgroup_open_below(m->out->parent, name_of(m));
	if (ret < 0)
		return ct_cgroup_fail_make(err, -ret, m->out->path);
	m->out->dir = ret;
	return 0;
}

static int fail_frozen(struct making *m, struct ct_err *err)
{
	if (set_path(m) < 0)
		return ct_fail(err, ENAMETOOLONG, "the cgroup's path is too long");
	return ct_cgroup_fail_frozen(err, m->out->path);
}

static int make_tree(struct making *m, struct ct_err *err)
{
	int ret = -ENOENT;

	for (int i = 0; i < TRIES && ret == -ENOENT; i++) {
		making_done(m);
		ct_drop_fd(&m->out->parent);
		ret = open_parents(m);
		if (ret == -ENOENT)
			continue;
		if (ret < 0)
			return ct_cgroup_fail_make(err, -ret, m->out->path);
		m->out->parent = fcntl(m->count ? m->dirs[m->count - 1] : m->place->dir,
				       F_DUPFD_CLOEXEC, 0);
		if (m->out->parent < 0)
			return ct_fail_errno(err, errno, "cannot keep a descriptor");
		if (ct_cgroup_stops(m->out->parent))
			return fail_frozen(m, err);
		ret = m->plan->name ? ct_cgroup_make_named(m->plan, m->out, &m->ours, err) :
				      make_dir(m, err);
	}
	if (ret == -ENOENT)
		return ct_cgroup_fail_make(err, ENOENT, m->out->path);
	if (ret < 0 || m->plan->name)
		return ret;
	ret = open_child(m->out->dir, "container", &m->out->container);
	if (ret == 0)
		ret = open_child(m->out->dir, "monitor", &m->out->monitor);
	return ret < 0 ? ct_cgroup_fail_make(err, -ret, m->out->path) : 0;
}

/* ---- controllers ---- */

/* From the place down to cattach-ID, so that the container's own cgroup has the files. */
static int enable_everywhere(struct making *m, const char *name, size_t length, bool may_move,
			     struct ct_err *err)
{
	const struct ct_cgroup_place *place = m->place;
	int dir = place->dir, ret;

	/* That we ourselves are moved a step down matters to nobody: a service of systemd, say. */
	may_move = may_move || ct_cgroup_is_alone(dir);
	ret = ct_cgroup_enable(dir, name, length, may_move ? place : NULL);
	if (ret < 0)
		return ct_cgroup_fail_controller(err, -ret, dir, name, length, place->path);
	for (size_t i = 0; ret == 0 && i < m->count; i++) {
		dir = m->dirs[i];
		ret = ct_cgroup_enable(dir, name, length, NULL);
	}
	if (ret == 0 && !m->plan->name)
		ret = ct_cgroup_enable(m->out->dir, name, length, NULL);
	if (ret < 0)
		return ct_cgroup_fail_controller(err, -ret, dir, name, length, m->out->path);
	return 0;
}

static int enable_for_settings(struct making *m, struct ct_err *err)
{
	const struct ct_cgroup_settings *settings = m->plan->settings;

	for (size_t i = 0; settings && i < settings->count; i++) {
		const struct ct_cgroup_setting *s = &settings->items[i];
		size_t length = ct_cgroup_controller_length(s->file);

		if (!length ||
		    enable_everywhere(m, s->file, length, !s->best_effort, err) == 0)
			continue;
		if (!s->best_effort)
			return s->where ? ct_wrap(err, "%s", s->where) : -err->code;
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "going without: %s", err->what);
	}
	return 0;
}

/* What is not there at all is found before anything is made or moved, for not everyone can
 * go back. */
static int check_controllers(const struct making *m, struct ct_err *err)
{
	const struct ct_cgroup_settings *settings = m->plan->settings;
	const struct ct_cgroup_place *place = m->place;
	char list[256];

	if (ct_cgroup_read(place->dir, "cgroup.controllers", list, sizeof(list)) < 0)
		list[0] = '\0';
	for (size_t i = 0; settings && i < settings->count; i++) {
		const struct ct_cgroup_setting *s = &settings->items[i];
		size_t length = ct_cgroup_controller_length(s->file);

		if (s->best_effort || !length || ct_cgroup_has_word(list, s->file, length))
			continue;
		ct_cgroup_fail_controller(err, ENOENT, place->dir, s->file, length, place->path);
		return s->where ? ct_wrap(err, "%s", s->where) : -err->code;
	}
	return 0;
}

/* For what is only looked at nobody is moved and nothing fails. */
static void enable_also(struct making *m)
{
	const char *list = m->plan->also ? m->plan->also : "";
	struct ct_err err;

	while (*list) {
		size_t length = strcspn(list, " ");

		if (length && enable_everywhere(m, list, length, false, &err) < 0)
			ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "going without: %s", err.what);
		list += length;
		list += strspn(list, " ");
	}
}

/* ---- the monitor ---- */

int ct_cgroup_move(int dir, pid_t pid, struct ct_err *err)
{
	char text[16];
	int ret;

	snprintf(text, sizeof(text), "%d", (int)pid);
	ret = ct_cgroup_write(dir, "cgroup.procs", text);
	if (ret == 0)
		return 0;
	ct_fail_errno(err, -ret, "cannot move process %d into the cgroup", (int)pid);
	if (ret == -EACCES)
		return ct_hint(err, "a process moves inside of the delegated subtree only: start "
			       "cattach in it, or systemd-run --user --scope -p Delegate=yes");
	if (ret == -EBUSY)
		return ct_hint(err, "the cgroup hands controllers on, so processes go to a child");
	return -err->code;
}

/* Where it comes from is kept, for the end and for a failure; not everyone can come back. Who is born
 * in it comes from where we are. */
static int move_monitor(struct making *m, struct ct_err *err)
{
	char text[CT_CGROUP_SELF], path[CT_CGROUP_PATH];
	pid_t pid = m->plan->pid;

	if (ct_cgroup_read_self(pid, text, sizeof(text), err) < 0)
		return -err->code;
	ct_cgroup_path_of(text, path, sizeof(path));
	m->out->origin = ct_cgroup_open_below(m->place->root, path);
	if (m->out->origin < 0)
		m->out->origin = -1;
	return pid ? ct_cgroup_move(m->out->monitor, pid, err) : 0;
}

/* The first above a container's cgroup that was not made for one, for those would be in the way. */
static int open_lasting(int parent)
{
	int fd = fcntl(parent, F_DUPFD_CLOEXEC, 0);
	char mark;

	while (fd >= 0 && fgetxattr(fd, CT_CGROUP_MADE, &mark, 1) == 1) {
		int above = openat(fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		ct_fd_close(fd);
		fd = above;
	}
	return fd < 0 ? -errno : fd;
}

/* The origin cannot take it back when it hands controllers on by now: then into the next best. */
int ct_cgroup_leave(const struct ct_cgroup *cgroup, pid_t pid, struct ct_err *err)
{
	int ct_autofd lasting = -1;
	int ret = -ENODEV;

	if (cgroup->origin >= 0 && ct_cgroup_move(cgroup->origin, pid, err) == 0)
		return 0;
	lasting = open_lasting(cgroup->parent);
	/* Others remove it when they find it empty, before we are in it, too. */
	for (int i = 0; i < TRIES && (ret == -ENODEV || ret == -ENOENT); i++) {
		int ct_autofd callers = lasting < 0 ? lasting : ct_cgroup_open_callers(lasting);

		ret = callers < 0 ? callers : ct_cgroup_move(callers, pid, err);
		if (callers < 0)
			ct_fail_errno(err, -callers, "cannot make cgroup %s above %.160s",
				      CT_CGROUP_CALLERS, cgroup->path);
	}
	return ret;
}

static void take_back(struct making *m)
{
	struct ct_cgroup *c = m->out;
	struct ct_err ignored;

	if (m->plan->pid && c->monitor >= 0)
		ct_cgroup_leave(c, m->plan->pid, &ignored);
	/* Without a directory of its own there may be parents that were made for it. */
	if (c->parent >= 0 && (m->ours || !m->plan->name || c->dir < 0))
		ct_cgroup_give_back(c, 0, &ignored);
	ct_cgroup_close(c);
}

/* The monitor moves first: it may be the one whose presence keeps controllers from being
 * enabled. */
static int make_all(struct making *m, struct ct_err *err)
{
	if (check_controllers(m, err) < 0 || make_tree(m, err) < 0 ||
	    move_monitor(m, err) < 0 || enable_for_settings(m, err) < 0)
		return -err->code;
	enable_also(m);
	if (!m->plan->settings)
		return 0;
	return ct_cgroup_apply(m->out->container, m->plan->settings, err);
}

int ct_cgroup_make(const struct ct_cgroup_place *place, const struct ct_cgroup_plan *plan,
		   struct ct_cgroup *ret_cgroup, struct ct_err *err)
{
	/* Programs read their limits in there, whoever they are. */
	mode_t ct_autoumask saved = umask(022);
	struct ct_cgroup cgroup = CT_CGROUP_INIT;
	struct making m = { .place = place, .plan = plan, .out = &cgroup };
	int ret = set_path(&m);

	if (ret < 0)
		return ct_fail(err, -ret, "the cgroup's path is too long");
	ret = make_all(&m, err);
	if (ret < 0)
		take_back(&m);
	making_done(&m);
	if (ret == 0)
		*ret_cgroup = cgroup;
	return ret;
}
