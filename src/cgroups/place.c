/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where this user may make a container's cgroup.
 *
 * The kernel lets a process move, and be cloned, from A to B only if the mover may write
 * cgroup.procs of B and of what A and B have in common. So the place is our own cgroup or one of
 * its ancestors, delegated to us. It should have no processes of its own, for a cgroup with
 * processes cannot enable controllers for its children. Cgroups that systemd manages (units without
 * Delegate=, slices, the user's own systemd) are not taken even if they could be written: systemd
 * would change them under us.
 *
 * Runs in commands with the caller's privileges and only reads. That there is no place is a result,
 * with a text for people. Fails for a parent that leads out of the delegated subtree.
 */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cattach/path.h>
#include <cattach/proc.h>

#include "files.h"

enum judgement { PLACE_NOT_OURS, PLACE_SYSTEMDS, PLACE_CROWDED, PLACE_FREE };

/* What the walk upwards has found; paths have no slash at their ends but "/". */
struct search {
	const struct ct_cgroup_where *where;
	struct ct_cgroup_place *place;
	char top[CT_CGROUP_PATH];	/* of all that is delegated, the uppermost; "" for none */
	enum judgement best;
	int code;			/* why our own cgroup is not ours to use */
};

void ct_cgroup_place_done(struct ct_cgroup_place *place)
{
	ct_drop_fd(&place->root);
	ct_drop_fd(&place->dir);
}

/* The name of a cgroup that belongs to systemd, which names all of its own so. */
static bool is_unit(const char *name)
{
	static const char *const ends[] = { ".service", ".scope", ".slice", ".socket", ".mount",
					    ".swap" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		if (ct_ends_with(name, ends[i]))
			return true;
	}
	return false;
}

/* systemd marks what it delegates, since version 251 for users to read. Users' own systemds do not,
 * up to version 252 at least: they can only be asked. */
static bool is_delegated(int dir, const char *path)
{
	char value[8] = "";

	if ((fgetxattr(dir, "user.delegate", value, sizeof(value)) >= 1 ||
		fgetxattr(dir, "trusted.delegate", value, sizeof(value)) >= 1) && value[0] == '1')
		return true;
	return (geteuid() != 0 || ct_user_ns_is_nested()) && ct_cgroup_scope_is_delegated(path);
}

/* A unit that is systemd's to change; "user@UID.service" is delegated, but to that systemd. */
static bool is_systemds(int dir, const char *path)
{
	const char *name = strrchr(path, '/') + 1;

	return is_unit(name) && (!strncmp(name, "user@", 5) || !is_delegated(dir, path));
}

/* May the processes of a cgroup be moved by us? Those that we see and that are the caller's. */
static bool may_move(int dir)
{
	struct ct_cgroup_pids pids;
	char path[32];
	struct stat st;
	bool all = true;
	pid_t pid;

	if (ct_cgroup_pids_open(dir, &pids) < 0)
		return false;
	while (all && (pid = ct_cgroup_pids_next(&pids)) != 0) {
		snprintf(path, sizeof(path), "/proc/%d", (int)pid);
		all = pid > 0 && (geteuid() == 0 || stat(path, &st) < 0 ||
				  st.st_uid == geteuid());
	}
	ct_fd_close(pids.fd);
	return all;
}

static bool has_processes(int dir)
{
	struct ct_cgroup_pids pids;
	bool has;

	if (ct_cgroup_pids_open(dir, &pids) < 0)
		return true;
	has = ct_cgroup_pids_next(&pids) != 0;
	ct_fd_close(pids.fd);
	return has;
}

static enum judgement judge(const struct search *s, int dir, const char *path, int *ret_code)
{
	char type[32];
	ssize_t n = ct_cgroup_read(dir, "cgroup.type", type, sizeof(type));

	*ret_code = -ct_cgroup_check_delegated(dir);
	if (*ret_code)
		return PLACE_NOT_OURS;
	/* The top of all has no type, may have processes and is nobody's unit. */
	if (n == -ENOENT)
		return s->where->systemd ? PLACE_SYSTEMDS : PLACE_FREE;
	if (n < 0 || strcmp(type, "domain") != 0) {
		*ret_code = EOPNOTSUPP;
		return PLACE_NOT_OURS;
	}
	/* systemd before 251 does not mark what it delegates; of this one we know. */
	if (s->where->systemd && !s->where->scope && is_systemds(dir, path))
		return PLACE_SYSTEMDS;
	if (!has_processes(dir))
		return PLACE_FREE;
	*ret_code = EBUSY;
	return may_move(dir) ? PLACE_CROWDED : PLACE_NOT_OURS;
}

/* Look at one cgroup on the way up; the nearest of the best kind is kept. False: go no further, for
 * above a unit of systemd's everything is systemd's. */
static bool consider(struct search *s, const char *path)
{
	int ct_autofd dir = ct_cgroup_open_below(s->place->root, path);
	int code = dir < 0 ? -dir : 0;
	enum judgement found = dir < 0 ? PLACE_NOT_OURS : judge(s, dir, path, &code);

	if (!s->code)
		s->code = code;
	if (found == PLACE_SYSTEMDS)
		s->best = s->best > PLACE_SYSTEMDS ? s->best : PLACE_SYSTEMDS;
	if (found < PLACE_CROWDED)
		return found != PLACE_SYSTEMDS;
	snprintf(s->top, sizeof(s->top), "%s", path);
	if (found > s->best) {
		s->best = found;
		ct_drop_fd(&s->place->dir);
		s->place->dir = ct_take_fd(&dir);
		snprintf(s->place->path, sizeof(s->place->path), "%s", path);
	}
	return !s->where->scope && !(s->where->systemd && is_unit(strrchr(path, '/') + 1));
}

/* From our own cgroup to the top. */
static void walk_up(struct search *s, const char *own)
{
	char path[CT_CGROUP_PATH];

	snprintf(path, sizeof(path), "%s", own);
	while (consider(s, path) && strcmp(path, "/") != 0) {
		char *slash = strrchr(path, '/');

		slash[slash == path] = '\0';
	}
}

/* Paths may be longer than a line for people: their ends say more than their beginnings. */
static const char *tail_of(const char *path)
{
	size_t length = strlen(path);

	return length > 160 ? path + length - 160 : path;
}

static void explain_delegation(struct ct_cgroup_place *place)
{
	bool systemd = access("/run/systemd/system", F_OK) == 0;

	snprintf(place->why, sizeof(place->why), "cgroup %.160s is not delegated to you",
		 tail_of(place->path));
	snprintf(place->fix, sizeof(place->fix), "%s",
		 systemd ? "log in through systemd (ssh, machinectl shell, not su), or: systemd-run "
			   "--user --scope -p Delegate=yes cattach ..."
			 : "have root make a cgroup, give it to you with its cgroup.procs and "
			   "cgroup.subtree_control, and start your shell in a child of it: "
			   "docs/cgroups.md");
}

/* Nothing is ours: say why by what was wrong with our own cgroup. */
static void explain_nowhere(const struct search *s)
{
	struct ct_cgroup_place *place = s->place;
	const char *path = tail_of(place->path);

	switch (s->code) {
	case EROFS:
		snprintf(place->why, sizeof(place->why), "/sys/fs/cgroup is mounted read-only");
		snprintf(place->fix, sizeof(place->fix),
			 "start the container around with its own writable cgroups: podman run "
			 "--cgroupns=private --security-opt unmask=/sys/fs/cgroup, docker run "
			 "--privileged --cgroupns=private");
		break;
	case EBUSY:
		snprintf(place->why, sizeof(place->why),
			 "cgroup %.160s has processes that are not yours to move", path);
		snprintf(place->fix, sizeof(place->fix),
			 "start cattach in a child of a cgroup that has no processes of its own");
		break;
	case EOPNOTSUPP:
		snprintf(place->why, sizeof(place->why), "cgroup %.160s is threaded", path);
		snprintf(place->fix, sizeof(place->fix),
			 "start cattach in a cgroup whose cgroup.type is \"domain\"");
		break;
	case ENOENT:
	case EXDEV:
		snprintf(place->why, sizeof(place->why),
			 "your cgroup %.160s is outside of what is mounted at /sys/fs/cgroup", path);
		snprintf(place->fix, sizeof(place->fix),
			 "mount cgroup2 in the cgroup namespace that you are in");
		break;
	default:
		explain_delegation(place);
	}
}

/* ---- a parent that was asked for ---- */

static int fail_outside(struct ct_err *err, const char *parent, const char *top)
{
	ct_fail(err, EPERM, "\"%.160s\" is outside the delegated cgroup", parent);
	return ct_hint(err, "give a path below %.160s, without \"..\" and links", tail_of(top));
}

/* What of the path is there must be directories below dir, by the kernel's word and not by ours. */
static int check_below(int dir, const char *path, const char *top, struct ct_err *err)
{
	char prefix[CT_CGROUP_PATH];

	for (size_t n = strcspn(path, "/"); path[0]; n += 1 + strcspn(path + n + 1, "/")) {
		int ct_autofd fd = -1;

		snprintf(prefix, sizeof(prefix), "%.*s", (int)n, path);
		fd = ct_cgroup_open_below(dir, prefix);
		if (fd == -ENOENT)
			return 0;
		if (fd == -ELOOP || fd == -EXDEV)
			return fail_outside(err, path, top);
		if (fd < 0)
			return ct_fail_errno(err, -fd, "cannot open cgroup %.160s", prefix);
		if (!path[n])
			return 0;
	}
	return 0;
}

/* The rest of an absolute path below base, or NULL. */
static const char *below(const char *path, const char *base)
{
	size_t n = strcmp(base, "/") == 0 ? 0 : strlen(base);

	return !strncmp(path, base, n) && (path[n] == '/' || !path[n]) ? path + n : NULL;
}

/* An absolute path may be anywhere in the delegated subtree: the place is then the top of that. */
static int place_at_top(struct search *s, struct ct_err *err)
{
	struct ct_cgroup_place *place = s->place;
	int dir = ct_cgroup_open_below(place->root, s->top);

	if (dir < 0)
		return ct_fail_errno(err, -dir, "cannot open cgroup %s", tail_of(s->top));
	ct_drop_fd(&place->dir);
	place->dir = dir;
	snprintf(place->path, sizeof(place->path), "%s", s->top);
	return 0;
}

/* The names of a path, with one slash between: "a//b/./" is "a/b". Each is a directory that is made
 * and removed, and what is recorded is taken apart at its slashes. */
static void copy_names(char *names, const char *path)
{
	size_t length = 0;

	for (; *path; path += strspn(path, "/")) {
		size_t n = strcspn(path, "/");

		if (n && !(n == 1 && *path == '.')) {
			if (length)
				names[length++] = '/';
			memcpy(names + length, path, n);
			length += n;
		}
		path += n;
	}
	names[length] = '\0';
}

/* What is within a container's cgroup ends with that container. */
static int check_names(const char *names, struct ct_err *err)
{
	for (const char *name = names; name; name = strchr(name, '/')) {
		name += *name == '/';
		if (strncmp(name, CT_CGROUP_OWN, strlen(CT_CGROUP_OWN)) != 0)
			continue;
		ct_fail(err, EPERM, "\"%.160s\" has a name that belongs to a container", names);
		return ct_hint(err, "choose one that does not begin with " CT_CGROUP_OWN);
	}
	return 0;
}

static int take_parent(struct search *s, struct ct_err *err)
{
	struct ct_cgroup_place *place = s->place;
	const char *parent = s->where->parent, *rest = parent;

	if (ct_path_climbs(parent) || strlen(parent) >= sizeof(place->parent))
		return fail_outside(err, parent, s->top);
	if (*parent == '/') {
		rest = below(parent, place->path);
		if (!rest) {
			rest = below(parent, s->top);
			if (!rest)
				return fail_outside(err, parent, s->top);
			if (place_at_top(s, err) < 0)
				return -err->code;
		}
	}
	copy_names(place->parent, rest);
	if (check_names(place->parent, err) < 0)
		return -err->code;
	return check_below(place->dir, place->parent, s->top, err);
}

/* ---- the whole ---- */

static int refuse_parent(const struct search *s, struct ct_err *err)
{
	const struct ct_cgroup_place *place = s->place;

	if (place->verdict == CT_CGROUP_NEEDS_SCOPE) {
		const char *parent = s->where->parent;

		if (ct_ends_with(parent, ".slice") && !strchr(parent, '/'))
			return 0;
		ct_fail(err, EPERM, "\"%.160s\" is outside the delegated cgroup", parent);
		return ct_hint(err, "systemd makes the cgroup here: give one of its slices, such as "
			       "app.slice");
	}
	ct_fail(err, EPERM, "\"%.160s\" is outside the delegated cgroup: %.200s", s->where->parent,
		place->why);
	return ct_hint(err, "%s", place->fix);
}

static int conclude(struct search *s, struct ct_err *err)
{
	struct ct_cgroup_place *place = s->place;

	if (s->best < PLACE_CROWDED) {
		place->verdict = (s->best == PLACE_SYSTEMDS || s->where->systemd) &&
						 !s->where->scope
					 ? CT_CGROUP_NEEDS_SCOPE
					 : CT_CGROUP_NOWHERE;
		if (place->verdict == CT_CGROUP_NOWHERE)
			explain_nowhere(s);
		else
			snprintf(place->why, sizeof(place->why), "cgroup %.160s is systemd's",
				 tail_of(place->path));
		return s->where->parent ? refuse_parent(s, err) : 0;
	}
	place->verdict = CT_CGROUP_HERE;
	if (s->where->parent && take_parent(s, err) < 0)
		return -err->code;
	if (ct_cgroup_read(place->dir, "cgroup.controllers", place->controllers,
			   sizeof(place->controllers)) < 0)
		place->controllers[0] = '\0';
	place->crowded = faccessat(place->dir, "cgroup.type", F_OK, 0) == 0 &&
			 has_processes(place->dir);
	return 0;
}

int ct_cgroup_search(const struct ct_cgroup_where *where, const char *self,
		     struct ct_cgroup_place *place, struct ct_err *err)
{
	struct search s = { .where = where, .place = place };
	char own[CT_CGROUP_PATH];

	if (where->scope)
		snprintf(own, sizeof(own), "%s", where->scope);
	else
		ct_cgroup_path_of(self, own, sizeof(own));
	if (own[0] != '/')
		snprintf(own, sizeof(own), "/");
	snprintf(place->path, sizeof(place->path), "%s", own);
	/* "/../x": our cgroup is not below the top of our cgroup namespace; nothing there is. */
	if (ct_path_climbs(own))
		s.code = EXDEV;
	else
		walk_up(&s, own);
	return conclude(&s, err);
}

static int refuse_layout(const struct ct_cgroup_where *where, struct ct_cgroup_place *place,
			 struct ct_err *err)
{
	struct search s = { .where = where, .place = place };

	if (place->layout == CT_CGROUP_NONE) {
		snprintf(place->why, sizeof(place->why), "no cgroups at /sys/fs/cgroup");
		snprintf(place->fix, sizeof(place->fix), "mount -t cgroup2 none /sys/fs/cgroup");
	} else {
		snprintf(place->why, sizeof(place->why), "cgroups: %s; limits need v2",
			 ct_cgroup_layout_name(place->layout));
		snprintf(place->fix, sizeof(place->fix),
			 "boot with systemd.unified_cgroup_hierarchy=1");
	}
	return where->parent ? refuse_parent(&s, err) : 0;
}

int ct_cgroup_find_place(const struct ct_cgroup_where *where, struct ct_cgroup_place *ret_place,
			 struct ct_err *err)
{
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	char text[CT_CGROUP_SELF];
	int ret;

	if (!where->self && ct_cgroup_read_self(0, text, sizeof(text), err) < 0)
		return -err->code;
	place.root = ct_cgroup_top(&place.layout);
	if (place.root < 0) {
		place.root = -1;
		ret = refuse_layout(where, &place, err);
	} else {
		ret = ct_cgroup_search(where, where->self ? where->self : text, &place, err);
	}
	if (ret < 0) {
		ct_cgroup_place_done(&place);
		return ret;
	}
	*ret_place = place;
	return 0;
}
