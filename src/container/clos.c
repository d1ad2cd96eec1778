/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's class of service: the resctrl file system is found, groups are made for the run and
 * recorded, and removed with it.
 *
 * ct_clos_look() and ct_clos_make() run in the CLI, as root, before there is a process;
 * ct_clos_end() in the confined monitor, which has the descriptors, or in the CLI when the start
 * fails; the others in commands. The record is the container's file "resctrl": where the file
 * system was, the group ("made" or "found") and a monitoring group. It was ours once and is
 * checked: names are single ones, the monitoring group and what was made are called as the
 * container, and the file system must be one of the kind. May fail: there is none; whatever the
 * groups can fail with.
 */
#include "clos.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/io.h>
#include <cattach/mount.h>

#define RECORD	"resctrl"
#define USUAL	"/sys/fs/resctrl"
#define RECORD_MAX (4096 + 2 * CT_RESCTRL_NAME + 32)

/* ---- where ---- */

/* Where it is mounted else, by the mount table. */
static int find_mounted(struct ct_arena *arena, struct clos_request *request, struct ct_err *err)
{
	struct ct_mounted_list list;

	if (ct_mounted_read(arena, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; request->root < 0 && i < list.count; i++) {
		if (strcmp(list.items[i].fstype, "resctrl") != 0)
			continue;
		request->path = list.items[i].target;
		request->root = ct_resctrl_root(request->path);
	}
	if (request->root >= 0)
		return 0;
	ct_fail(err, ENOTSUP, "no resctrl file system is mounted here");
	return ct_hint(err, "mount -t resctrl resctrl " USUAL ", where processor and kernel have it");
}

int ct_clos_look(struct ct_arena *arena, const struct ct_spec *spec, struct clos_request *ret_request,
		 struct ct_err *err)
{
	*ret_request = (struct clos_request){ .spec = spec, .root = -1 };
	if (!spec->linux_.intel_rdt)
		return 0;
	ret_request->path = USUAL;
	ret_request->root = ct_resctrl_root(USUAL);
	if (ret_request->root < 0 && find_mounted(arena, ret_request, err) < 0)
		return ct_spec_wrap(spec, err, "linux.intelRdt");
	return 0;
}

/* ---- the record ---- */

static int record(const struct clos_request *q, int dir, const struct ct_resctrl *clos, struct ct_err *err)
{
	char text[RECORD_MAX];
	int n = snprintf(text, sizeof(text), "%s\n%s %s\n%s%s\n", q->path, clos->made ? "made" : "found",
			 clos->group, clos->monitor[0] ? "monitor " : "", clos->monitor);

	if (n < 0 || (size_t)n >= sizeof(text))
		return ct_fail(err, ENAMETOOLONG, "the path of the resctrl file system is too long");
	return ct_write_file_at(dir, RECORD, text, (size_t)n, 0600, err);
}

struct recorded {
	char text[RECORD_MAX];
	const char *path, *group, *monitor;
	bool made;
};

/* The line at *text, ended; *text goes on behind it. NULL when it has no end. */
static char *take_line(char **text)
{
	char *line = *text, *end = strchr(line, '\n');

	if (!end)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

/* What is behind a word at the beginning of a line, or NULL. */
static const char *behind(const char *line, const char *word)
{
	size_t length = strlen(word);

	return strncmp(line, word, length) == 0 ? line + length : NULL;
}

static bool is_of(const struct recorded *r, const char *id)
{
	bool named = !*r->group || ct_is_resctrl_name(r->group);

	return named && (!r->made || strcmp(r->group, id) == 0) &&
	       (!*r->monitor || (strcmp(r->monitor, id) == 0 && ct_is_resctrl_name(id)));
}

static bool parse(struct recorded *r, const char *id)
{
	char *rest = r->text, *path = take_line(&rest);
	char *group = path ? take_line(&rest) : NULL, *monitor = group ? take_line(&rest) : NULL;

	if (!monitor || *rest || *path != '/')
		return false;
	r->path = path;
	r->group = behind(group, "made ");
	r->made = r->group;
	if (!r->made)
		r->group = behind(group, "found ");
	r->monitor = *monitor ? behind(monitor, "monitor ") : "";
	return r->group && r->monitor && is_of(r, id);
}

/* 1 there is one, 0 there is none, -EBADMSG one that cannot be, -errno. */
static int read_record(int dir, const char *id, struct recorded *r)
{
	int ct_autofd fd = openat(dir, RECORD, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	n = ct_read_text(fd, r->text, sizeof(r->text));
	if (n < 0)
		return (int)n;
	return (size_t)n == strlen(r->text) && parse(r, id) ? 1 : -EBADMSG;
}

static int open_recorded(const struct recorded *r, struct ct_resctrl *ret, struct ct_err *err)
{
	int ct_autofd root = ct_resctrl_root(r->path);

	if (root < 0)
		return ct_fail_errno(err, -root, "no resctrl file system is at %s any more", r->path);
	return ct_resctrl_open(root, r->group, r->monitor, ret, err);
}

/* ---- start and end ---- */

/* What has no position yet gets one. */
static int wrap_place(const struct ct_spec *spec, struct ct_err *err)
{
	char place[sizeof(err->where)];

	memcpy(place, err->where, sizeof(place));
	err->where[0] = '\0';
	return ct_spec_wrap(spec, err, place);
}

int ct_clos_make(const struct clos_request *request, int dir, const char *id, struct ct_resctrl *ret,
		 struct ct_plan *plan, struct ct_err *err)
{
	*ret = (struct ct_resctrl)CT_RESCTRL_INIT;
	if (!request->path)
		return 0;
	/* That of the last run, which crashed. */
	if (ct_clos_clean(dir, id, err) < 0)
		return -err->code;
	if (ct_resctrl_make(request->root, request->spec->linux_.intel_rdt, id, ret, err) < 0)
		return wrap_place(request->spec, err);
	if (record(request, dir, ret, err) < 0) {
		ct_clos_end(ret, dir);
		return ct_wrap(err, "linux.intelRdt");
	}
	ct_clos_plan(ret, plan);
	return 0;
}

void ct_clos_plan(const struct ct_resctrl *clos, struct ct_plan *plan)
{
	for (size_t i = 0; i < 2; i++)
		if (clos->tasks[i] >= 0)
			plan->tasks[plan->tasks_count++] = clos->tasks[i];
}

void ct_clos_end(struct ct_resctrl *clos, int dir)
{
	if (clos->root < 0)
		return;
	if (ct_resctrl_remove(clos) == 0)
		unlinkat(dir, RECORD, 0);
	ct_resctrl_close(clos);
}

/* ---- by others ---- */

int ct_clos_open(int dir, const char *id, struct ct_resctrl *ret, struct ct_err *err)
{
	struct recorded recorded;
	int r = read_record(dir, id, &recorded);

	*ret = (struct ct_resctrl)CT_RESCTRL_INIT;
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read which resctrl group it is in");
	return r == 0 ? 0 : open_recorded(&recorded, ret, err);
}

/* Where nobody has mounted that file system any more there are no groups; a record that is spoilt
 * leads to none. */
int ct_clos_clean(int dir, const char *id, struct ct_err *err)
{
	struct ct_resctrl ct_autoresctrl clos = CT_RESCTRL_INIT;
	struct recorded recorded;
	int r = read_record(dir, id, &recorded), root = r == 1 ? ct_resctrl_root(recorded.path) : -1;

	if (r == 0)
		return 0;
	if (root >= 0) {
		ct_resctrl_reach(root, recorded.group, recorded.monitor, recorded.made, &clos);
		r = ct_resctrl_remove(&clos);
		if (r < 0)
			return ct_fail_errno(err, -r, "cannot remove resctrl group %s", id);
	}
	if (unlinkat(dir, RECORD, 0) == 0 || errno == ENOENT ||
	    (errno == EISDIR && unlinkat(dir, RECORD, AT_REMOVEDIR) == 0))
		return 0;
	return ct_fail_errno(err, errno, "cannot remove the record of its resctrl group");
}
