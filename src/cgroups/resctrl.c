/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of the resctrl file system: made or found, compared, filled in, removed. What linux.intelRdt asks
 * for, by the rules of the runtime specification.
 *
 * Runs in the command that starts a container, as root; ct_resctrl_remove() in the confined monitor, too,
 * and in whoever removes the container. Names come from config.json and are one component each, links are
 * not followed. Only what was made here is ever removed: a group that was there before, and the default
 * one, are somebody's. What may fail: no group or class is left, a group that is to be there and is not or
 * has other values, values that the processor does not take. The kernel says why in a file of its own,
 * info/last_cmd_status, and those words are shown.
 */
#include <cattach/resctrl.h>

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "files.h"

#define RESCTRL_MAGIC	0x7655821	/* RDTGROUP_SUPER_MAGIC, which older headers lack */
#define SCHEMATA_MAX	16384		/* bytes of a group's file, a line for each resource */

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

int ct_resctrl_root(const char *path)
{
	int ct_autofd fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == RESCTRL_MAGIC ? ct_take_fd(&fd) : -ENODEV;
}

void ct_resctrl_close(struct ct_resctrl *resctrl)
{
	ct_drop_fd(&resctrl->root);
	ct_drop_fd(&resctrl->monitors);
	ct_drop_fd(&resctrl->tasks[0]);
	ct_drop_fd(&resctrl->tasks[1]);
}

/* ---- values ---- */

/* The next of the parts that are separated so: its length, with blanks around it left out. */
static size_t part_of(const char **text, const char *separators)
{
	const char *start = *text + strspn(*text, " \t"), *end = start + strcspn(start, separators);

	*text = start;
	while (end > start && isspace((unsigned char)end[-1]))
		end--;
	return (size_t)(end - start);
}

static const char *behind(const char *text, const char *separators)
{
	text += strcspn(text, separators);
	return *text && !strchr("\n", *text) ? text + 1 : text;
}

/* Numbers of one base, of which one may have zeros in front. */
static bool same_number(const char *a, size_t a_length, const char *b, size_t b_length)
{
	while (a_length > 1 && *a == '0')
		a++, a_length--;
	while (b_length > 1 && *b == '0')
		b++, b_length--;
	return a_length && a_length == b_length && strncasecmp(a, b, a_length) == 0;
}

/* "1=0ff" in "0=fff;1=0ff" */
static bool has_domain(const char *line, const char *wanted, size_t length)
{
	const char *equals = memchr(wanted, '=', length), *value = equals ? equals + 1 : NULL;
	size_t id_length, value_length;

	if (!equals)
		return false;
	value += strspn(value, " ");
	id_length = (size_t)(equals - wanted);
	value_length = length - (size_t)(value - wanted);
	while (*line && *line != '\n') {
		size_t here = part_of(&line, ";\n");
		const char *sign = memchr(line, '=', here), *number = sign ? sign + 1 : NULL;

		if (sign && same_number(line, (size_t)(sign - line), wanted, id_length)) {
			number += strspn(number, " ");
			return same_number(number, here - (size_t)(number - line), value, value_length);
		}
		line = behind(line, ";\n");
	}
	return false;
}

/* What stands behind "L3:" in the file, or NULL. */
static const char *find_resource(const char *schemata, const char *name, size_t length)
{
	while (*schemata) {
		const char *line = schemata + strspn(schemata, " \t");

		if (strncmp(line, name, length) == 0 && line[length] == ':')
			return line + length + 1;
		schemata += strcspn(schemata, "\n");
		schemata += *schemata == '\n';
	}
	return NULL;
}

/* All domains of one wanted line, of which there must be one at least. */
static bool agrees_line(const char *schemata, const char *wanted)
{
	size_t name = strcspn(wanted, ":\n");
	const char *line = wanted[name] == ':' ? find_resource(schemata, wanted, name) : NULL;
	bool any = false;

	wanted += name + 1;
	while (line && *wanted && *wanted != '\n') {
		size_t length = part_of(&wanted, ";\n");

		if (length && !has_domain(line, wanted, length))
			return false;
		any = any || length;
		wanted = behind(wanted, ";\n");
	}
	return any;
}

bool ct_resctrl_agrees(const char *schemata, const char *wanted)
{
	while (*wanted) {
		wanted += strspn(wanted, " \t");
		if (*wanted && *wanted != '\n' && !agrees_line(schemata, wanted))
			return false;
		wanted += strcspn(wanted, "\n");
		wanted += *wanted == '\n';
	}
	return true;
}

/* ---- a group ---- */

/* The kernel's words for the last thing that it refused, as an end of ours; "" where it has none. */
static void last_words(int root, char *buf, size_t size)
{
	int ct_autofd info = openat(root, "info", DIRECTORY);
	char text[256];
	ssize_t n = info < 0 ? -1 : ct_cgroup_read(info, "last_cmd_status", text, sizeof(text));

	buf[0] = '\0';
	if (n <= 0 || strcmp(text, "ok") == 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	snprintf(buf, size, ": %s", text);
}

static int fail_make(int root, const char *what, const char *name, int code, struct ct_err *err)
{
	char words[260];

	last_words(root, words, sizeof(words));
	ct_fail(err, code, "cannot make resctrl %s %s: %s%s", what, name, strerror(code), words);
	if (code == ENOSPC)
		return ct_hint(err, "rmdir one that nobody uses any more: their number is the processor's");
	return -err->code;
}

static int fail_open(const char *name, int code, struct ct_err *err)
{
	return ct_fail_errno(err, code, "cannot open resctrl group %s", *name ? name : "/");
}

/* In *ret_made whether it was made here. A directory that is nobody's group has no tasks. */
static int open_group(struct ct_resctrl *r, const char *name, bool make, int *ret_fd, struct ct_err *err)
{
	*ret_fd = openat(r->root, *name ? name : ".", DIRECTORY);
	if (*ret_fd < 0 && errno == ENOENT && make) {
		if (mkdirat(r->root, name, 0755) < 0)
			return fail_make(r->root, "group", name, errno, err);
		r->made = true;
		*ret_fd = openat(r->root, name, DIRECTORY);
	}
	if (*ret_fd < 0)
		return fail_open(name, errno, err);
	snprintf(r->group, sizeof(r->group), "%s", name);
	r->tasks[0] = ct_cgroup_open_at(*ret_fd, "tasks", O_WRONLY);
	return r->tasks[0] < 0 ? fail_open(name, -ct_take_fd(&r->tasks[0]), err) : 0;
}

static int open_monitor(struct ct_resctrl *r, int group, const char *name, struct ct_err *err)
{
	int ct_autofd dir = -1;

	r->monitors = openat(group, "mon_groups", DIRECTORY);
	if (r->monitors < 0) {
		ct_fail_errno(err, errno, "cannot make a monitoring group");
		return ct_hint(err, "has this processor monitoring? the kernel's info/L3_MON says so");
	}
	snprintf(r->monitor, sizeof(r->monitor), "%s", name);
	dir = openat(r->monitors, name, DIRECTORY);
	if (dir < 0)
		return fail_open(name, errno, err);
	r->tasks[1] = ct_cgroup_open_at(dir, "tasks", O_WRONLY);
	return r->tasks[1] < 0 ? fail_open(name, -ct_take_fd(&r->tasks[1]), err) : 0;
}

static int make_monitor(struct ct_resctrl *r, int group, const char *id, struct ct_err *err)
{
	int ct_autofd monitors = openat(group, "mon_groups", DIRECTORY);

	/* One that is there is somebody's; without the directory the next one has the words for it. */
	if (monitors >= 0 && mkdirat(monitors, id, 0755) < 0)
		return fail_make(r->root, "monitoring group", id, errno, err);
	if (open_monitor(r, group, id, err) == 0)
		return 0;
	if (monitors >= 0)
		unlinkat(monitors, id, AT_REMOVEDIR);
	r->monitor[0] = '\0';
	return -err->code;
}

/* ---- what it has ---- */

/* Ended once: to the kernel an empty line is a wrong one. */
static int write_line(int root, int group, const char *line, struct ct_err *err)
{
	char text[SCHEMATA_MAX], words[260];
	size_t length = strlen(line);
	int n, r;

	while (length && line[length - 1] == '\n')
		length--;
	n = snprintf(text, sizeof(text), "%.*s\n", (int)length, line);

	if (n < 0 || (size_t)n >= sizeof(text))
		return ct_fail(err, E2BIG, "is longer than %d bytes", SCHEMATA_MAX - 2);
	r = ct_cgroup_write(group, "schemata", text);
	if (r == 0)
		return 0;
	last_words(root, words, sizeof(words));
	return ct_fail(err, -r, "\"%.200s\" is refused: %s%s", line, strerror(-r), words);
}

/* In the order that the specification wants: cache, bandwidth, the rest. */
static int write_schemata(int root, int group, const struct ct_resctrl_settings *settings, struct ct_err *err)
{
	if (settings->cache && write_line(root, group, settings->cache, err) < 0)
		return ct_wrap(err, "linux.intelRdt.l3CacheSchema");
	if (settings->bandwidth && write_line(root, group, settings->bandwidth, err) < 0)
		return ct_wrap(err, "linux.intelRdt.memBwSchema");
	for (size_t i = 0; i < settings->schemata.count; i++)
		if (write_line(root, group, settings->schemata.items[i], err) < 0)
			return ct_wrap(err, "linux.intelRdt.schemata[%zu]", i);
	return 0;
}

static int fail_differs(const struct ct_resctrl *r, const char *wanted, const char *key, struct ct_err *err)
{
	ct_fail(err, EEXIST, "resctrl group %s is there and has other values than \"%.200s\"",
		*r->group ? r->group : "/", wanted);
	ct_hint(err, "its file schemata has them; take these, or another closID");
	return ct_wrap(err, "linux.intelRdt.%s", key);
}

/* Others may be in it, who are to keep what they have. */
static int compare(const struct ct_resctrl *r, int group, const struct ct_resctrl_settings *settings,
		   struct ct_err *err)
{
	char text[SCHEMATA_MAX];
	ssize_t n;

	if (!settings->cache && !settings->bandwidth)
		return 0;
	n = ct_cgroup_read(group, "schemata", text, sizeof(text));
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot read the schemata of resctrl group %s", r->group);
	if (settings->cache && !ct_resctrl_agrees(text, settings->cache))
		return fail_differs(r, settings->cache, "l3CacheSchema", err);
	if (settings->bandwidth && !ct_resctrl_agrees(text, settings->bandwidth))
		return fail_differs(r, settings->bandwidth, "memBwSchema", err);
	return 0;
}

/* ---- all of it ---- */

static bool has_values(const struct ct_resctrl_settings *settings)
{
	return settings->cache || settings->bandwidth || settings->schemata.count;
}

static int fail_id(const char *id, struct ct_err *err)
{
	ct_fail(err, EINVAL, "no resctrl group can be called %.64s, as the container", id);
	return ct_hint(err, "another id; or without monitoring a closID");
}

static int make(struct ct_resctrl *r, const struct ct_resctrl_settings *settings, const char *id,
		struct ct_err *err)
{
	const char *name = settings->class ? settings->class : id;
	int ct_autofd group = -1;
	int ret;

	if (strcmp(name, "/") == 0)
		name = "";
	/* Without values it is one that somebody has prepared. */
	ret = open_group(r, name, !settings->class || has_values(settings), &group, err);
	if (ret == -ENOENT && settings->class)
		ct_hint(err, "mkdir makes it, or give it schemata");
	if (ret < 0)
		return ct_wrap(err, settings->class ? "linux.intelRdt.closID" : "linux.intelRdt");
	if (!r->made)
		ret = compare(r, group, settings, err);
	if (ret == 0)
		ret = write_schemata(r->root, group, settings, err);
	if (ret == 0 && settings->monitoring && make_monitor(r, group, id, err) < 0)
		ret = ct_wrap(err, "linux.intelRdt.enableMonitoring");
	return ret;
}

int ct_resctrl_make(int root, const struct ct_resctrl_settings *settings, const char *id,
		    struct ct_resctrl *ret, struct ct_err *err)
{
	struct ct_resctrl ct_autoresctrl r = CT_RESCTRL_INIT;

	if ((!settings->class || settings->monitoring) && !ct_is_resctrl_name(id)) {
		fail_id(id, err);
		return ct_wrap(err, "linux.intelRdt");
	}
	r.root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (r.root < 0)
		return ct_fail_errno(err, errno, "cannot open the resctrl file system");
	if (make(&r, settings, id, err) < 0) {
		/* Also one with another name: this time nothing has come of it. */
		ct_resctrl_remove(&r);
		return -err->code;
	}
	/* A class that has a name is not ours to remove, whoever made it. */
	r.made = r.made && !settings->class;
	*ret = r;
	r = (struct ct_resctrl)CT_RESCTRL_INIT;
	return 0;
}

int ct_resctrl_open(int root, const char *group, const char *monitor, struct ct_resctrl *ret,
		    struct ct_err *err)
{
	struct ct_resctrl ct_autoresctrl r = CT_RESCTRL_INIT;
	int ct_autofd dir = -1;

	r.root = fcntl(root, F_DUPFD_CLOEXEC, 3);
	if (r.root < 0)
		return ct_fail_errno(err, errno, "cannot open the resctrl file system");
	if (open_group(&r, group, false, &dir, err) < 0 ||
	    (*monitor && open_monitor(&r, dir, monitor, err) < 0))
		return -err->code;
	*ret = r;
	r = (struct ct_resctrl)CT_RESCTRL_INIT;
	return 0;
}

void ct_resctrl_reach(int root, const char *group, const char *monitor, bool made, struct ct_resctrl *ret)
{
	int ct_autofd dir = *monitor ? openat(root, *group ? group : ".", DIRECTORY) : -1;

	*ret = (struct ct_resctrl)CT_RESCTRL_INIT;
	ret->root = root;
	ret->monitors = dir < 0 ? -1 : openat(dir, "mon_groups", DIRECTORY);
	snprintf(ret->group, sizeof(ret->group), "%s", group);
	snprintf(ret->monitor, sizeof(ret->monitor), "%s", monitor);
	ret->made = made;
}

static int remove_group(int dir, const char *name)
{
	return unlinkat(dir, name, AT_REMOVEDIR) < 0 && errno != ENOENT ? -errno : 0;
}

int ct_resctrl_remove(const struct ct_resctrl *resctrl)
{
	int r = 0;

	if (resctrl->monitors >= 0 && resctrl->monitor[0])
		r = remove_group(resctrl->monitors, resctrl->monitor);
	if (resctrl->made)
		r = remove_group(resctrl->root, resctrl->group);
	return r;
}
