/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture of the tests in the kernel's own cgroup tree. Everything that a test makes is
 * removed, with whoever is still in it.
 */
#include "cgroup_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroups/files.h"
#include "fixture.h"

struct ct_cgroup_place real_place;
struct ct_cgroup real_cgroup;
struct ct_err real_err;
char real_id[32];

static bool real_find(struct ct_cgroup_place *ret_place)
{
	struct ct_cgroup_where where = { .systemd = ct_cgroup_scope_possible() };

	*ret_place = (struct ct_cgroup_place)CT_CGROUP_PLACE_INIT;
	return ct_cgroup_find_place(&where, ret_place, &real_err) == 0 &&
	       ret_place->verdict == CT_CGROUP_HERE;
}

static void real_setup(void)
{
	fixture_setup();
	ck_assert(real_find(&real_place));
	real_cgroup = (struct ct_cgroup)CT_CGROUP_INIT;
	snprintf(real_id, sizeof(real_id), "unit-%d", (int)getpid());
}

/* Nothing stays, whatever a test has done: also the descriptors are looked at by the fixture. */
static void real_teardown(void)
{
	if (real_cgroup.dir >= 0) {
		if (real_cgroup.origin >= 0)
			ct_cgroup_leave(&real_cgroup, getpid(), &real_err);
		ct_cgroup_kill(real_cgroup.dir, &real_err);
		ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, PATIENCE, &real_err), 0);
	}
	ct_cgroup_close(&real_cgroup);
	ct_cgroup_place_done(&real_place);
	fixture_teardown();
}

void real_make(pid_t pid, const struct ct_cgroup_settings *settings)
{
	struct ct_cgroup_plan plan = { .id = real_id, .pid = pid, .settings = settings };
	char line[1024] = "";

	if (ct_cgroup_make(&real_place, &plan, &real_cgroup, &real_err) < 0) {
		ct_err_format(&real_err, line, sizeof(line));
		ck_abort_msg("%s", line);
	}
}

/* A child that is born in the cgroup and does nothing. */
pid_t real_born(int dir)
{
	int pidfd = -1;
	pid_t pid = ct_clone(0, dir, SIGCHLD, &pidfd);

	if (pid == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	close(pidfd);
	return pid;
}

void real_reap(pid_t pid, int signal)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

bool real_is_populated(int dir)
{
	struct ct_cgroup_events events;

	ck_assert_int_eq(ct_cgroup_events(dir, &events, &real_err), 0);
	return events.populated;
}

bool real_exists(const char *name)
{
	return faccessat(real_place.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Where a process is, as the end of its path. */
void real_is_in(pid_t pid, const char *end)
{
	char text[8192], path[CT_CGROUP_PATH];
	size_t length;

	ck_assert_int_eq(ct_cgroup_read_self(pid, text, sizeof(text), &real_err), 0);
	ct_cgroup_path_of(text, path, sizeof(path));
	length = strlen(path);
	ck_assert_uint_ge(length, strlen(end));
	ck_assert_str_eq(path + length - strlen(end), end);
}

/* ---- the suites ---- */

START_TEST(nothing_is_delegated_here)
{
	ck_assert(true);
}
END_TEST

/* The name of a test case stands in the report, which is how a reason gets there. */
Suite *real_suite(const char *name, void (*add_tests)(TCase *tc))
{
	static char reason[512];
	Suite *s = suite_create(name);
	struct ct_cgroup_place here;
	TCase *tc;

	if (real_find(&here)) {
		tc = tcase_create("real");
		tcase_add_checked_fixture(tc, real_setup, real_teardown);
		tcase_set_timeout(tc, 60);
		add_tests(tc);
	} else {
		snprintf(reason, sizeof(reason), "real # skip no cgroup of version 2 is delegated: %s",
			 here.why);
		tc = tcase_create(reason);
		tcase_add_test(tc, nothing_is_delegated_here);
	}
	ct_cgroup_place_done(&here);
	suite_add_tcase(s, tc);
	return s;
}
