/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's cgroup by a name that somebody else has chosen, PLACE/[PARENT/]NAME: making it or taking
 * what is there, whose it is, and giving it back.
 *
 * Runs in commands with the caller's privileges. The name does not tell whose it is, so an attribute of
 * the directory does, "MARK KIND": the container's mark, which no container of another store has, and what
 * becomes of the directory with the container. Who makes a container in one that an earlier container has
 * left, without a process, takes it over; that one's record leads to nothing of its own from then on. What
 * was there already stays. May fail: processes in it, no right to make it, a file system without
 * attributes (Linux before 5.7).
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "files.h"

#define MARK	"user.cattach.id"

static const char *const kinds[] = {
	[CT_CGROUP_OURS] = "made",
	[CT_CGROUP_FOUND] = "found",
	[CT_CGROUP_SHARED] = "shared",
};

/* ---- the mark ---- */

int ct_cgroup_read_mark(int dir, char text[CT_CGROUP_MARK], enum ct_cgroup_kind *ret_kind)
{
	ssize_t n = fgetxattr(dir, MARK, text, CT_CGROUP_MARK - 1);
	char *kind;

	if (n < 0)
		return -errno;
	text[n] = '\0';
	kind = strrchr(text, ' ');
	for (size_t i = 0; kind && i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind + 1, kinds[i]) != 0)
			continue;
		*kind = '\0';
		*ret_kind = (enum ct_cgroup_kind)i;
		return 0;
	}
	return -EINVAL;
}

static int write_mark(const struct ct_cgroup *c, const char *mark, struct ct_err *err)
{
	char text[CT_CGROUP_MARK];
	int n = snprintf(text, sizeof(text), "%s %s", mark, kinds[c->kind]);

	if ((size_t)n < sizeof(text) && fsetxattr(c->dir, MARK, text, (size_t)n, 0) == 0)
		return 0;
	return ct_fail_errno(err, (size_t)n < sizeof(text) ? errno : ENAMETOOLONG,
			     "cannot mark cgroup %.200s", c->path);
}

/* ---- making ---- */

/* What is in one that is there was made by its payload if there was nothing before. */
static enum ct_cgroup_kind kind_of(int dir, bool made)
{
	char text[CT_CGROUP_MARK], child[256];
	enum ct_cgroup_kind kind;

	if (made)
		return CT_CGROUP_OURS;
	if (ct_cgroup_read_mark(dir, text, &kind) == 0)
		return kind;
	return ct_cgroup_first_child(dir, child) == 0 ? CT_CGROUP_FOUND : CT_CGROUP_SHARED;
}

static int fail_in_use(const struct ct_cgroup *c, struct ct_err *err)
{
	ct_fail(err, EEXIST, "cgroup %.200s is there already and has processes", c->path);
	return ct_hint(err, "give the container another cgroup, or end them");
}

static int record(const struct ct_cgroup_plan *plan, const struct ct_cgroup *c, bool found,
		  struct ct_err *err)
{
	return plan->record ? plan->record(plan->arg, c->path, found, err) : 0;
}

/* On record before it is there; who is killed before it has its mark is known to have made it. */
static int make_dir(const struct ct_cgroup_plan *plan, struct ct_cgroup *c, bool *ret_made,
		    struct ct_err *err)
{
	bool found = faccessat(c->parent, plan->name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;

	if (record(plan, c, found, err) < 0)
		return -err->code;
	*ret_made = mkdirat(c->parent, plan->name, 0755) == 0;
	/* -ENOENT: the parent was removed under us, by who removed its last container. */
	if (!*ret_made && errno != EEXIST)
		return errno == ENOENT ? -ENOENT : ct_cgroup_fail_make(err, errno, c->path);
	/* Somebody else was at it in between. */
	return *ret_made == found ? record(plan, c, !*ret_made, err) : 0;
}

int ct_cgroup_make_named(const struct ct_cgroup_plan *plan, struct ct_cgroup *c, bool *ret_ours,
			 struct ct_err *err)
{
	struct ct_cgroup_events events;
	int ret = make_dir(plan, c, ret_ours, err);

	if (ret < 0)
		return ret;
	c->dir = ct_cgroup_open_below(c->parent, plan->name);
	if (c->dir < 0)
		return ct_cgroup_fail_make(err, -c->dir, c->path);
	if (ct_cgroup_events(c->dir, &events, err) < 0)
		return -err->code;
	if (events.populated)
		return fail_in_use(c, err);
	if (ct_cgroup_is_freezing(c->dir))
		return ct_cgroup_fail_frozen(err, c->path);
	c->kind = kind_of(c->dir, *ret_ours);
	/* Whose it is must be written on it, or nobody would find it again. */
	if (write_mark(c, plan->mark ? plan->mark : plan->id, err) < 0)
		return -err->code;
	*ret_ours = true;
	c->container = fcntl(c->dir, F_DUPFD_CLOEXEC, 0);
	return c->container < 0 ? ct_fail_errno(err, errno, "cannot keep a descriptor") : 0;
}

/* ---- giving it back ---- */

int ct_cgroup_give_back(const struct ct_cgroup *cgroup, unsigned timeout, struct ct_err *err)
{
	int ret;

	if (cgroup->kind == CT_CGROUP_OURS)
		return ct_cgroup_remove(cgroup, timeout, err);
	ret = ct_cgroup_empty(cgroup, timeout, cgroup->kind == CT_CGROUP_FOUND, err);
	if (ret == 0 && fremovexattr(cgroup->dir, MARK) < 0 && errno != ENODATA)
		return ct_fail_errno(err, errno, "cannot take the mark off cgroup %.200s", cgroup->path);
	return ret;
}

int ct_cgroup_remove_unmarked(const char *path)
{
	struct ct_cgroup ct_autocgroup c = CT_CGROUP_INIT;
	char parent[CT_CGROUP_PATH], text[CT_CGROUP_MARK];
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : "";
	enum ct_cgroup_layout layout;
	enum ct_cgroup_kind kind;
	int ct_autofd top = ct_cgroup_top(&layout);
	struct ct_err ignored;

	if (top < 0 || !*name || strlen(path) >= sizeof(c.path) || !ct_cgroup_is_named(path))
		return -EINVAL;
	snprintf(parent, sizeof(parent), "%.*s", (int)(name - path), path);
	snprintf(c.path, sizeof(c.path), "%s", path);
	c.parent = ct_cgroup_open_below(top, parent);
	c.dir = c.parent < 0 ? -1 : ct_cgroup_open_below(c.parent, name);
	if (c.dir < 0 || ct_cgroup_read_mark(c.dir, text, &kind) != -ENODATA ||
	    ct_cgroup_first_child(c.dir, text) != 0)
		return -ENOENT;
	return ct_cgroup_remove(&c, 0, &ignored);
}
