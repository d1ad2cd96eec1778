/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going into a container's cgroup from outside, for exec: where in it, and by which way.
 *
 * Runs in the command that execs, or in the monitor of a session, with the caller's privileges. The
 * kernel lets a process be cloned or moved only by who may write cgroup.procs of what the two cgroups
 * have in common. A shell that was logged in by another way than the one that made the container is
 * outside of that; then systemd, which manages both, moves the process (AttachProcessesToUnit). Fails
 * where neither is possible, and when the cgroup has gone.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"

#define SYSTEMD_TIME	5000	/* ms */

/* What the two paths have in common, as whole components: into buf, "/" at the least. */
static void common_path(const char *a, const char *b, char *buf, size_t size)
{
	size_t last = 0, i = 0;

	for (; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			last = i;
	if ((!a[i] || a[i] == '/') && (!b[i] || b[i] == '/'))
		last = i;
	snprintf(buf, size, "%.*s", (int)last, a);
	if (!*buf)
		snprintf(buf, size, "/");
}

/* May we put processes of our own cgroup there? One that the map's root owns, who is somebody else,
 * cannot be entered any more by who has joined its user namespace. */
static bool is_open_to_us(const char *own, const char *path, int fd)
{
	char common[CT_CGROUP_PATH];
	enum ct_cgroup_layout layout;
	int ct_autofd top = ct_cgroup_top(&layout), above = -1;
	struct stat st;

	if (top < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid())
		return false;
	common_path(own, path, common, sizeof(common));
	above = ct_cgroup_open_below(top, common);
	return above >= 0 && faccessat(above, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

static size_t container_path(const struct ct_cgroup *cgroup, char path[CT_CGROUP_PATH])
{
	return (size_t)snprintf(path, CT_CGROUP_PATH, "%.*s%s", CT_CGROUP_PATH - 16, cgroup->path,
				ct_cgroup_is_named(cgroup->path) ? "" : "/container");
}

/* One that hands controllers on has no processes itself: then where the payload is, which has made
 * it so. The path that is meant. */
static void choose_path(const struct ct_cgroup *cgroup, pid_t payload, char path[CT_CGROUP_PATH])
{
	char text[CT_CGROUP_SELF], list[256], payloads[CT_CGROUP_PATH];
	size_t length = container_path(cgroup, path);
	struct ct_err ignored;

	if (ct_cgroup_read(cgroup->container, "cgroup.subtree_control", list, sizeof(list)) <= 0 ||
	    ct_cgroup_read_self(payload, text, sizeof(text), &ignored) < 0)
		return;
	ct_cgroup_path_of(text, payloads, sizeof(payloads));
	if (!strncmp(payloads, path, length) && payloads[length] == '/')
		snprintf(path, CT_CGROUP_PATH, "%s", payloads);
}

static int open_path(const char *path)
{
	enum ct_cgroup_layout layout;
	int ct_autofd top = ct_cgroup_top(&layout);

	return top < 0 ? top : ct_cgroup_open_below(top, path);
}

/* entry->path is set: open it, and see how one gets there. */
static int open_entry(struct ct_cgroup_entry *entry, struct ct_err *err)
{
	char text[CT_CGROUP_SELF], own[CT_CGROUP_PATH];

	if (ct_cgroup_read_self(0, text, sizeof(text), err) < 0)
		return -err->code;
	ct_cgroup_path_of(text, own, sizeof(own));
	entry->fd = open_path(entry->path);
	if (entry->fd < 0)
		return ct_fail_errno(err, -entry->fd, "cannot open cgroup %.160s", entry->path);
	entry->direct = is_open_to_us(own, entry->path, entry->fd);
	return 0;
}

int ct_cgroup_entry_open(const struct ct_cgroup *cgroup, pid_t payload,
			 struct ct_cgroup_entry *ret_entry, struct ct_err *err)
{
	struct ct_cgroup_entry entry = { 0 };

	choose_path(cgroup, payload, entry.path);
	if (open_entry(&entry, err) < 0)
		return -err->code;
	*ret_entry = entry;
	return 0;
}

/* Looked up below the container's first: what leads out of it is not there. */
int ct_cgroup_entry_open_below(const struct ct_cgroup *cgroup, const char *below,
			       struct ct_cgroup_entry *ret_entry, struct ct_err *err)
{
	const char *path = below + strspn(below, "/");
	int ct_autofd probe = ct_cgroup_open_below(cgroup->container, *path ? path : ".");
	struct ct_cgroup_entry entry = { 0 };
	size_t length = container_path(cgroup, entry.path), room = sizeof(entry.path) - length;

	if (probe < 0)
		return ct_fail_errno(err, -probe, "no cgroup %.160s in the container's", below);
	if (snprintf(entry.path + length, room, "%s%s", *path ? "/" : "", path) >= (int)room)
		return ct_fail(err, ENAMETOOLONG, "the path of the cgroup is too long");
	if (open_entry(&entry, err) < 0)
		return -err->code;
	*ret_entry = entry;
	return 0;
}

/* "/a/b.scope/cattach-1/container": the unit is b.scope, and the rest is below it. */
static const char *find_unit(const char *path, char *unit, size_t size)
{
	static const char *const kinds[] = { ".scope/", ".service/" };
	const char *end = NULL, *start;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		for (const char *at = strstr(path, kinds[i]); at; at = strstr(at + 1, kinds[i]))
			if (!end || at + strlen(kinds[i]) - 1 > end)
				end = at + strlen(kinds[i]) - 1;
	}
	if (!end)
		return NULL;
	for (start = end; start > path && start[-1] != '/'; start--)
		continue;
	if ((size_t)(end - start) >= size)
		return NULL;
	snprintf(unit, size, "%.*s", (int)(end - start), start);
	return end;
}

int ct_cgroup_entry_move(const struct ct_cgroup_entry *entry, pid_t pid, struct ct_err *err)
{
	char unit[256];
	const char *below;

	if (ct_cgroup_move(entry->fd, pid, err) == 0)
		return 0;
	below = find_unit(entry->path, unit, sizeof(unit));
	if (err->code != EACCES || !below || !ct_cgroup_scope_possible())
		return -err->code;
	return ct_cgroup_scope_attach(unit, below, pid, SYSTEMD_TIME, err);
}
