/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stand-in for resctrl. mkdirat() and unlinkat() are defined here for the whole program: they are
 * the kernel's calls, and in a test that has asked for the stand-in they do for a group what the kernel does
 * there. The schemata of a group that is made is a pipe, so that all that is written can be read, in order.
 */
#include "resctrl_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static bool standing_in, refusing;
static int written = -1;

static int raw_mkdirat(int dir, const char *name, mode_t mode)
{
	return (int)syscall(SYS_mkdirat, dir, name, mode);
}

static int raw_unlinkat(int dir, const char *name, int flags)
{
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}

static void make_file(int dir, const char *name)
{
	close(openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
}

/* A monitoring group has tasks alone. */
static void populate(int group, bool monitoring)
{
	make_file(group, "tasks");
	if (monitoring)
		return;
	raw_mkdirat(group, "mon_groups", 0755);
	if (refusing) {
		raw_mkdirat(group, "schemata", 0755);
		return;
	}
	ck_assert_int_eq(mkfifoat(group, "schemata", 0644), 0);
	ct_drop_fd(&written);
	written = openat(group, "schemata", O_RDWR | O_NONBLOCK | O_CLOEXEC);
}

static bool is_in_monitors(int dir)
{
	char path[64], target[4096];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	n = readlink(path, target, sizeof(target) - 1);
	target[n < 0 ? 0 : n] = '\0';
	return strstr(target, "/mon_groups") != NULL;
}

int mkdirat(int dir, const char *name, mode_t mode)
{
	int r = raw_mkdirat(dir, name, mode), group;

	if (r < 0 || !standing_in)
		return r;
	group = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	populate(group, is_in_monitors(dir));
	close(group);
	return 0;
}

int unlinkat(int dir, const char *name, int flags)
{
	int group = standing_in && flags == AT_REMOVEDIR ?
		    openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (group >= 0) {
		raw_unlinkat(group, "tasks", 0);
		raw_unlinkat(group, "schemata", 0);
		raw_unlinkat(group, "schemata", AT_REMOVEDIR);
		raw_unlinkat(group, "mon_groups", AT_REMOVEDIR);
		close(group);
	}
	return raw_unlinkat(dir, name, flags);
}

void resctrl_setup(void)
{
	fixture_setup();
	ck_assert_int_eq(mkdirat(fixture_dir(), "info", 0755), 0);
	ck_assert_int_eq(mkdirat(fixture_dir(), "mon_groups", 0755), 0);
	fixture_file("info/last_cmd_status", "ok\n");
	fixture_file("schemata", "    L3:0=fff;1=fff\n    MB:0=100;1=100\n");
	fixture_file("tasks", "");
	standing_in = true;
}

void resctrl_teardown(void)
{
	ct_drop_fd(&written);
	fixture_teardown();
}

void resctrl_refuse(void)
{
	refusing = true;
	fixture_file("info/last_cmd_status", "mask f0f has non-consecutive 1-bits\n");
}

void resctrl_group(const char *name, const char *schemata)
{
	char path[300];

	standing_in = false;
	ck_assert_int_eq(mkdirat(fixture_dir(), name, 0755), 0);
	snprintf(path, sizeof(path), "%s/mon_groups", name);
	ck_assert_int_eq(mkdirat(fixture_dir(), path, 0755), 0);
	snprintf(path, sizeof(path), "%s/tasks", name);
	fixture_file(path, "");
	snprintf(path, sizeof(path), "%s/schemata", name);
	fixture_file(path, schemata);
	standing_in = true;
}

bool resctrl_has(const char *name)
{
	return faccessat(fixture_dir(), name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

const char *resctrl_written(void)
{
	static char text[4096];
	ssize_t n = read(written, text, sizeof(text) - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}
