/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's leaf at the start of a run: where it can be, a scope from systemd where that is the
 * way, the directories with their limits, and the record of their path.
 *
 * Runs in the CLI before it forks the monitor, which is born in the leaf's other half; with systemd
 * in the monitor before it makes the payload, for a scope begins with a process. With the caller's
 * privileges; nobody else's process moves but those of a crowded place (src/cgroups/controllers.c).
 * May fail: limits that were asked for and cannot be had. Where nothing was asked for and there is
 * nowhere, the container runs without a leaf.
 *
 *   PARENT/cattach-ID/            the leaf: limits, devices
 *       container/                the payload and what it makes
 *       monitor/                  the monitor, outside of the limits' reach
 *
 *   ct_leaf_make            disabled? place? scope needed (then later)? make, limit, give
 *   ct_leaf_make_in_scope   from the monitor: systemd makes a scope around it, the rest as above
 *   judge                   is a failure one, or does it go without?
 *
 * exact: the OCI runtime command line, whose callers say where cgroups are and expect them there.
 */
#include "leaf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "record.h"

#define SCOPE_TIME	5000	/* ms for systemd to make one */
/* Counted in it whether or not they are limited. */
#define STATISTICS	"cpu memory pids io"

/* ---- what is asked for ---- */

static bool is_mode(const struct leaf_request *q, const char *mode)
{
	return q->cgroups && !strcmp(q->cgroups, mode);
}

/* The first that somebody has asked for, or NULL. */
static const struct ct_cgroup_setting *first_asked(const struct leaf_request *q)
{
	for (size_t i = 0; q->settings && i < q->settings->count; i++)
		if (!q->settings->items[i].best_effort)
			return &q->settings->items[i];
	return NULL;
}

/*
 * Who wants it no matter what: what cannot be had is an error then.
 *   --cgroups=enabled, --cgroup-parent, a limit        an error when it cannot be had
 *   --cgroups=best-effort                              told, and on
 *   nothing                                            a line in the log
 */
static bool is_insisted_on(const struct leaf_request *q)
{
	if (is_mode(q, "enabled") || (q->parent && !q->parent_is_hint))
		return true;
	return first_asked(q) && !is_mode(q, "best-effort");
}

/* By what was asked for: the option or the property of the first limit, else the mode. */
static int wrap_asked(const struct leaf_request *q, struct ct_err *err)
{
	const struct ct_cgroup_setting *asked = first_asked(q);

	if (asked && asked->where)
		return ct_wrap(err, "%s", asked->where);
	return is_mode(q, "enabled") ? ct_wrap(err, "--cgroups=enabled") : -err->code;
}

static int check_disabled(const struct leaf_request *q, struct ct_err *err)
{
	if (!first_asked(q))
		return 0;
	ct_fail(err, EINVAL, "there are no limits without a cgroup");
	ct_hint(err, "leave out --cgroups=disabled, or the limit");
	return wrap_asked(q, err);
}

/* Go without: 0, and who said that this will do, or where it was to be, is told. */
static int go_without(const struct leaf_request *q, struct ct_err *why, struct ct_err *warning)
{
	ct_log(CT_LOG_INFO, CT_TOPIC_CGROUP, "the container has no cgroup: %s", why->what);
	if (is_mode(q, "best-effort") && first_asked(q) && !warning->what[0]) {
		*warning = *why;
		ct_wrap(warning, "runs without limits");
	} else if (q->exact && q->parent) {
		*warning = *why;
		ct_wrap(warning, "made without a cgroup at %.120s", q->parent);
	}
	return 0;
}

/* ---- where ---- */

/* The last part of a path that is the container's own, or NULL. Names of ours, and those of
 * systemd's way to say it, are none. */
static const char *own_name(const struct leaf_request *q)
{
	const char *slash = q->parent ? strrchr(q->parent, '/') : NULL;
	const char *name = slash ? slash + 1 : q->parent;

	if (!q->exact || !name || !*name || strchr(name, ':') || !strcmp(name, ".") ||
	    !strcmp(name, "..") || !strncmp(name, "cattach-", 8))
		return NULL;
	return name;
}

/* SLICE:PREFIX:NAME, as engines name a scope that they want of systemd: what is behind the slice,
 * or NULL. */
static const char *scope_of(const struct leaf_request *q)
{
	const char *colon = q->parent ? strchr(q->parent, ':') : NULL;

	return colon && strchr(colon + 1, ':') ? colon + 1 : NULL;
}

/* Where the container's cgroup is to be; of a scope the slice. */
static const char *parent_of(const struct leaf_request *q, bool systemd, char buf[CT_CGROUP_PATH])
{
	const char *scope = scope_of(q);

	if (own_name(q)) {
		size_t length = (size_t)(own_name(q) - q->parent);

		snprintf(buf, CT_CGROUP_PATH, "%.*s", (int)(length > 1 ? length - 1 : length),
			 q->parent);
		return *buf ? buf : NULL;
	}
	if (!scope)
		return q->parent;
	snprintf(buf, CT_CGROUP_PATH, "%.*s", (int)(scope - 1 - q->parent), q->parent);
	return systemd && *buf ? buf : NULL;
}

/* Nowhere to put a path that came with a bundle is no reason to refuse it; one that climbs is. */
static int find_place(const struct leaf_request *q, struct ct_cgroup_where *where,
		      struct ct_cgroup_place *place, struct ct_err *err)
{
	const struct ct_cgroup_where plain = { .systemd = where->systemd };
	int r;

	if (!where->parent || !q->parent_is_hint)
		return ct_cgroup_find_place(where, place, err);
	r = ct_cgroup_find_place(&plain, place, err);
	if (r < 0 || place->verdict == CT_CGROUP_NOWHERE ||
	    (q->exact && place->verdict == CT_CGROUP_NEEDS_SCOPE))
		return r;
	ct_cgroup_place_done(place);
	return ct_cgroup_find_place(where, place, err);
}

/* Without it processes could only be moved in, after they have run outside. An empty clone3(2) is
 * EINVAL where the call exists, ENOSYS or EPERM where it does not or is filtered. */
static int check_clone3(struct ct_err *err)
{
	if (syscall(SYS_clone3, NULL, 0) < 0 && errno == EINVAL)
		return 0;
	ct_fail(err, ENOTSUP, "no cgroup can be made: clone3 is not there");
	return ct_hint(err, "Linux 5.7 or newer, and no filter that hides it");
}

/* Root's engine that does not leave cgroups to systemd has them where it says. */
static bool is_systemds(const struct leaf_request *q)
{
	bool root = geteuid() == 0 && !ct_user_ns_is_nested();

	return (!q->exact || q->systemd || !root) && ct_cgroup_scope_possible();
}

/* A place, or that systemd has to make one, or the reason that there is none. */
static int choose_place(const struct leaf_request *q, struct ct_cgroup_place *place,
			struct ct_err *err)
{
	char buf[CT_CGROUP_PATH];
	struct ct_cgroup_where where = { .systemd = is_systemds(q) };
	int r;

	if (q->exact && q->systemd && where.systemd) {
		place->verdict = CT_CGROUP_NEEDS_SCOPE;
		return check_clone3(err);
	}
	where.parent = parent_of(q, where.systemd, buf);
	r = find_place(q, &where, place, err);
	if (r == 0 && place->verdict != CT_CGROUP_NOWHERE)
		return check_clone3(err);
	if (r < 0)
		return r;
	ct_fail(err, ENOTSUP, "no cgroup can be made: %s", place->why);
	return ct_hint(err, "%s", place->fix);
}

/* One of the last run may be there still, with a monitor that serves late readers. */
static void name_scope(const struct leaf_request *q, char *name, size_t size)
{
	const char *wanted = q->exact ? scope_of(q) : NULL,
		   *colon = wanted ? strchr(wanted, ':') : NULL;

	if (!colon)
		snprintf(name, size, "cattach-%.*s-%d.scope", CT_SHORT_ID_LENGTH, q->id,
			 (int)getpid());
	else
		snprintf(name, size, "%.*s%s%s.scope", (int)(colon - wanted), wanted,
			 colon > wanted ? "-" : "", colon + 1);
}

/* systemd moves us into it: an answer comes when that has happened, or SCOPE_TIME has passed. */
static int start_scope(const struct leaf_request *q, char *path, struct ct_err *err)
{
	char name[256], description[64], slice[CT_CGROUP_PATH];
	const struct ct_cgroup_scope scope = {
		.name = name, .description = description,
		.slice = q->exact && !scope_of(q) ? NULL : parent_of(q, true, slice),
		.pid = getpid(), .timeout = SCOPE_TIME,
	};

	name_scope(q, name, sizeof(name));
	snprintf(description, sizeof(description), "cattach container %.*s", CT_SHORT_ID_LENGTH,
		 q->id);
	return ct_cgroup_scope_start(&scope, path, err);
}

/* ---- making ---- */

/* The path, for whoever comes after a crash, and that it was there. */
static int record_path(const void *arg, const char *path, bool found, struct ct_err *err)
{
	const struct leaf_request *q = arg;
	char line[CT_CGROUP_PATH + LEAF_WORDS];
	int n = snprintf(line, sizeof(line), "%s\n%s", path, found ? LEAF_FOUND "\n" : "");

	return ct_write_file_at(q->dir, "cgroup", line, (size_t)n, 0600, err);
}

/* With --cgroups=best-effort nothing is asked for; what of it cannot be had is told afterwards. */
static struct ct_cgroup_settings relax(const struct leaf_request *q,
				       struct ct_cgroup_setting *items, size_t max)
{
	struct ct_cgroup_settings relaxed = { .items = items };

	for (size_t i = 0; q->settings && i < q->settings->count && i < max; i++) {
		items[i] = q->settings->items[i];
		items[i].best_effort = true;
		relaxed.count++;
	}
	return relaxed;
}

static void append(char *text, size_t size, const char *more)
{
	size_t used = strlen(text);

	snprintf(text + used, size - used, "%s", more);
}

/* Behind the first reason another one, or who else has the last: "; --cpus, --cpu-shares: why". */
static void add_reason(struct ct_err *warning, const struct ct_err *err)
{
	char *what = warning->what;
	size_t used = strlen(what), length = strlen(err->what);
	bool same = used > length + 2 && !strcmp(what + used - length, err->what);

	if (same)
		what[used - length - 2] = '\0';
	append(what, sizeof(warning->what), same ? ", " : "; ");
	append(what, sizeof(warning->what), err->where);
	append(what, sizeof(warning->what), ": ");
	append(what, sizeof(warning->what), err->what);
}

/* Who goes without, and why: "--memory, --memory-swap: why". */
static void add_missing(struct ct_err *warning, const struct ct_err *err)
{
	if (!warning->what[0]) {
		*warning = *err;
	} else if (strcmp(warning->what, err->what) != 0) {
		if (!strstr(warning->what, err->where))
			add_reason(warning, err);
	} else if (!strstr(warning->where, err->where)) {
		append(warning->where, sizeof(warning->where), ", ");
		append(warning->where, sizeof(warning->where), err->where);
	}
}

/* For --cgroups=best-effort, which goes on and says what it lacks: one limit at a time, to find out
 * which. */
static void tell_missing(const struct leaf_request *q, const struct leaf *leaf,
			 struct ct_err *warning)
{
	for (size_t i = 0; q->settings && i < q->settings->count; i++) {
		const struct ct_cgroup_settings one = { .items = &q->settings->items[i],
							.count = 1 };
		struct ct_err err = { 0 };

		/* What has been set is set once more, which is no harm. */
		if (!one.items->best_effort &&
		    ct_cgroup_apply(leaf->cgroup.container, &one, &err) < 0)
			add_missing(warning, &err);
	}
}

/* A user's container has no device but those that are bound into it, and nobody to ask but the
 * kernel for more; a root that is none on the host is a user in this. */
static int limit_devices(const struct leaf_request *q, const struct leaf *leaf, struct ct_err *err)
{
	int r = geteuid() != 0 ? 0 : ct_cgroup_devices_apply(leaf->cgroup.container, q->devices,
							     q->device_count, err);

	if (r != -EPERM)
		return r;
	ct_log(CT_LOG_INFO, CT_TOPIC_CGROUP, "no rules for devices: %s", err->what);
	return 0;
}

/* pid: of who is to sit beside it and is not there yet, or 0. */
static int make(const struct leaf_request *q, const struct ct_cgroup_place *place, pid_t pid,
		struct leaf *leaf, struct ct_err *warning, struct ct_err *err)
{
	struct ct_cgroup_setting items[128];
	struct ct_cgroup_settings relaxed = relax(q, items, sizeof(items) / sizeof(items[0]));
	bool best_effort = is_mode(q, "best-effort");
	char mark[LEAF_MARK];
	struct ct_cgroup_plan plan = {
		.id = q->id, .name = own_name(q), .mark = ct_leaf_mark(q->dir, q->id, mark),
		.pid = pid, .also = STATISTICS,
		.settings = best_effort ? &relaxed : q->settings,
		.record = record_path, .arg = q,
	};
	int r = ct_cgroup_make(place, &plan, &leaf->cgroup, err);

	if (r < 0) {
		unlinkat(q->dir, "cgroup", 0);
		return r;
	}
	if (best_effort)
		tell_missing(q, leaf, warning);
	if (q->device_count && limit_devices(q, leaf, err) < 0)
		return -err->code;
	if (q->give && ct_cgroup_give(leaf->cgroup.container, q->owner, q->group, err) < 0)
		return -err->code;
	leaf->given = q->give;
	leaf->place = fcntl(place->dir, F_DUPFD_CLOEXEC, 3);
	return 0;
}

/* ".." in a path that comes from a config.json would lead out of what was delegated. */
static bool climbs(const char *path)
{
	for (const char *part = path; part; part = strchr(part, '/')) {
		part += *part == '/';
		if (!strncmp(part, "..", 2) && (!part[2] || part[2] == '/'))
			return true;
	}
	return false;
}

/* Not that there is nowhere, but that it must not be there. EPERM is ct_cgroup_find_place()'s for a
 * path that leads out of what is the caller's. */
static bool is_refusal(const struct leaf_request *q, int r)
{
	/* Somebody is in it, or stops whoever comes. */
	if (q->exact)
		return r == -EEXIST || r == -EBUSY || (r == -EPERM && climbs(q->parent));
	return r == -EPERM;
}

/* What was asked for decides whether a failure is one. */
static int judge(const struct leaf_request *q, int r, struct ct_err *warning, struct ct_err *err)
{
	if (r == 0)
		return 0;
	if (!is_insisted_on(q) && !is_refusal(q, r))
		return go_without(q, err, warning);
	if (err->where[0])
		return r;
	if (r == -EPERM && q->parent)
		return ct_wrap(err, q->parent_is_hint ? "linux.cgroupsPath" : "--cgroup-parent");
	return wrap_asked(q, err);
}

/* A scope cannot be made here: it begins with a process, and the monitor is not forked yet. */
int ct_leaf_make(const struct leaf_request *q, struct leaf *ret_leaf, struct ct_err *warning,
		 struct ct_err *err)
{
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	struct leaf leaf = LEAF_INIT;
	int r;

	*ret_leaf = leaf;
	/* That of the last run, which crashed: it may have had processes. */
	if (ct_leaf_clean(q->dir, q->id, err) < 0)
		return ct_wrap(err, "the cgroup of the last run");
	if (is_mode(q, "disabled"))
		return check_disabled(q, err);
	r = choose_place(q, &place, err);
	if (r == 0 && place.verdict == CT_CGROUP_NEEDS_SCOPE)
		leaf.needs_scope = true;
	else if (r == 0)
		r = make(q, &place, 0, &leaf, warning, err);
	ct_cgroup_place_done(&place);
	if (r == 0)
		*ret_leaf = leaf;
	else
		ct_leaf_undo(&leaf, q->dir);
	return judge(q, r, warning, err);
}

/* In the monitor, which is in the scope from then on; the container's limits come below it. */
int ct_leaf_make_in_scope(const struct leaf_request *q, struct leaf *leaf, struct ct_err *warning,
			  struct ct_err *err)
{
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	char path[CT_CGROUP_PATH];
	const struct ct_cgroup_where where = { .systemd = true, .scope = path };
	struct leaf_request inner = *q;
	int r = start_scope(q, path, err);

	if (r == 0)
		r = ct_cgroup_find_place(&where, &place, err);
	/* In a scope there is room for who starts it, too. */
	inner.parent = NULL;
	if (r == 0)
		r = make(&inner, &place, getpid(), leaf, warning, err);
	ct_cgroup_place_done(&place);
	leaf->in_scope = r == 0;
	if (r < 0)
		ct_leaf_undo(leaf, q->dir);
	return judge(q, r, warning, err);
}
