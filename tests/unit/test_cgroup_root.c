/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about device nodes in force, in the kernel's own cgroup tree. Only root of the host may do
 * that: tests/run.sh runs this suite as root where it is started by root. Elsewhere there is one
 * test, which counts as skipped with the reason. The node that is tried is /dev/kmsg (1:11), which
 * no container has by default.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "cgroups/files.h"
#include "fixture.h"

#define TRIED "/dev/kmsg"
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

enum { MAY_READ = 1, MAY_WRITE = 2, MAY_BOTH = 4, MAY_MAKE = 8, HAS_NULL = 16 };

static int top, cgroup;
static char name[64];
static struct ct_err err;

static const struct ct_cgroup_device_rule none[] = { { false, 'a', -1, -1, "rwm" } };
static const struct ct_cgroup_device_rule reading[] = {
	{ false, 'a', -1, -1, "rwm" }, { true, 'c', 1, 11, "r" },
};
static const struct ct_cgroup_device_rule all[] = { { true, 'a', -1, -1, NULL } };
static const struct ct_cgroup_device_rule all_but_writing[] = {
	{ true, 'a', -1, -1, NULL }, { false, 'c', 1, 11, "w" },
};

/* ---- a cgroup, and a child in it ---- */

/* Without an assertion, for it is also asked before there is a test. */
static bool open_cgroup(void)
{
	enum ct_cgroup_layout layout;

	snprintf(name, sizeof(name), "cattach-tests-devices-%d", (int)getpid());
	top = ct_cgroup_top(&layout);
	if (top < 0 || mkdirat(top, name, 0755) < 0)
		return false;
	cgroup = openat(top, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return cgroup >= 0;
}

static int close_cgroup(void)
{
	ct_drop_fd(&cgroup);
	return unlinkat(top, name, AT_REMOVEDIR);
}

static void setup(void)
{
	fixture_setup();
	ck_assert(open_cgroup());
}

static void teardown(void)
{
	ck_assert_int_eq(close_cgroup(), 0);
	ct_drop_fd(&top);
	fixture_teardown();
}

static bool can_open(const char *path, int flags)
{
	int fd = open(path, flags | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return false;
	ct_fd_close(fd);
	return true;
}

static int try_all(void)
{
	int result = 0;

	result |= can_open(TRIED, O_RDONLY) ? MAY_READ : 0;
	result |= can_open(TRIED, O_WRONLY) ? MAY_WRITE : 0;
	result |= can_open(TRIED, O_RDWR) ? MAY_BOTH : 0;
	result |= can_open("/dev/null", O_RDWR) && can_open("/dev/zero", O_RDONLY) ? HAS_NULL : 0;
	if (mknodat(fixture_dir(), "node", S_IFCHR | 0600, makedev(1, 11)) == 0 &&
	    unlinkat(fixture_dir(), "node", 0) == 0)
		result |= MAY_MAKE;
	return result;
}

/* What a process that is born in the cgroup can do. */
static int tries(void)
{
	int status = 0, pidfd = -1;
	pid_t pid = ct_clone(0, cgroup, SIGCHLD, &pidfd);

	if (pid == 0)
		_exit(try_all());
	ck_assert_int_gt(pid, 0);
	close(pidfd);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define APPLY(rules) \
	ck_assert_msg(ct_cgroup_devices_apply(cgroup, rules, COUNT(rules), &err) == 0, "%s", \
		      err.what)

/* ---- tests ---- */

START_TEST(rules_hold_for_who_is_in_the_cgroup)
{
	ck_assert_int_eq(tries(), MAY_READ | MAY_WRITE | MAY_BOTH | MAY_MAKE | HAS_NULL);
	APPLY(reading);
	ck_assert_int_eq(tries(), MAY_READ | MAY_MAKE | HAS_NULL);
	/* and for nobody else */
	ck_assert(can_open(TRIED, O_WRONLY));
}
END_TEST

START_TEST(rules_are_replaced_and_do_not_pile_up)
{
	APPLY(none);
	ck_assert_int_eq(tries(), MAY_MAKE | HAS_NULL);
	/* all that are attached must agree: with the first one still there this would be no */
	APPLY(all);
	ck_assert_int_eq(tries(), MAY_READ | MAY_WRITE | MAY_BOTH | MAY_MAKE | HAS_NULL);
	APPLY(all_but_writing);
	ck_assert_int_eq(tries(), MAY_READ | MAY_MAKE | HAS_NULL);
	for (int i = 0; i < 100; i++)
		APPLY(none);
	APPLY(reading);
	ck_assert_int_eq(tries(), MAY_READ | MAY_MAKE | HAS_NULL);
}
END_TEST

/* A child that opens again and again while the rules change: it never gets through. */
START_TEST(there_is_no_moment_without_rules)
{
	int status = 0, pidfd = -1;
	pid_t pid;

	APPLY(none);
	pid = ct_clone(0, cgroup, SIGCHLD, &pidfd);
	if (pid == 0) {
		while (!can_open(TRIED, O_WRONLY))
			;
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	close(pidfd);
	for (int i = 0; i < 300; i++) {
		APPLY(reading);
		APPLY(none);
	}
	ck_assert_int_eq(waitpid(pid, &status, WNOHANG), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
}
END_TEST

START_TEST(what_is_denied_above_cannot_be_allowed_below)
{
	int outer = cgroup;

	APPLY(reading);
	ck_assert_int_eq(mkdirat(outer, "inner", 0755), 0);
	cgroup = openat(outer, "inner", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(cgroup, 0);
	APPLY(all);
	ck_assert_int_eq(tries(), MAY_READ | MAY_MAKE | HAS_NULL);
	ct_drop_fd(&cgroup);
	cgroup = outer;
	ck_assert_int_eq(unlinkat(outer, "inner", AT_REMOVEDIR), 0);
}
END_TEST

/* The kernel's checker follows all ways through a program: the most that we take is no trouble. */
START_TEST(the_kernel_takes_as_many_rules_as_we_do)
{
	static struct ct_cgroup_device_rule rules[CT_CGROUP_DEVICE_RULES];
	static const char *const access[] = { "r", "w", "rw", "rm", NULL };

	for (size_t i = 0; i < COUNT(rules); i++)
		rules[i] = (struct ct_cgroup_device_rule){ i % 3 != 0, i % 2 ? 'c' : 'b',
							   (int64_t)(300 + i / 7),
							   i % 5 ? (int64_t)i : -1,
							   access[i % COUNT(access)] };
	rules[0] = reading[1];
	APPLY(rules);
	ck_assert_int_eq(tries(), MAY_READ | MAY_MAKE | HAS_NULL);
}
END_TEST

/* ---- the suite ---- */

/* NULL, or why the tests cannot be: only root of the host may, not another container's. */
static const char *why_not(void)
{
	static char reason[1200];
	bool refused;

	if (geteuid() != 0)
		return "only root may set rules for devices";
	if (access(TRIED, F_OK) < 0)
		return "there is no " TRIED;
	if (!open_cgroup())
		return "no cgroup of version 2 can be made";
	refused = ct_cgroup_devices_apply(cgroup, none, COUNT(none), &err) < 0;
	close_cgroup();
	ct_drop_fd(&top);
	snprintf(reason, sizeof(reason), "%s", err.what);
	return refused ? reason : NULL;
}

START_TEST(there_is_nothing_to_try)
{
	ck_assert(true);
}
END_TEST

Suite *suite_cgroup_root(void);
Suite *suite_cgroup_root(void)
{
	static char label[1300];
	const char *reason = why_not();
	Suite *s = suite_create("cgroup_root");
	TCase *tc;

	snprintf(label, sizeof(label), "devices%s%s", reason ? " # skip " : "",
		 reason ? reason : "");
	tc = tcase_create(label);
	suite_add_tcase(s, tc);
	if (reason) {
		tcase_add_test(tc, there_is_nothing_to_try);
		return s;
	}
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rules_hold_for_who_is_in_the_cgroup);
	tcase_add_test(tc, rules_are_replaced_and_do_not_pile_up);
	tcase_add_test(tc, there_is_no_moment_without_rules);
	tcase_add_test(tc, what_is_denied_above_cannot_be_allowed_below);
	tcase_add_test(tc, the_kernel_takes_as_many_rules_as_we_do);
	return s;
}
