/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes from systemd. Where the caller's systemd answers, real ones are made and used; elsewhere
 * there are only the refusals, and one test that counts as skipped with the reason.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroups/files.h"
#include "fixture.h"

#define PATIENCE 20000	/* milliseconds */

static struct ct_err err;
static char name[64];

static pid_t child_of_mine(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static int start(pid_t pid, const char *slice, char *path)
{
	struct ct_cgroup_scope scope = {
		.name = name, .description = "a test of cattach", .slice = slice, .pid = pid,
		.timeout = PATIENCE,
	};

	return ct_cgroup_scope_start(&scope, path, &err);
}

/* Descriptors of the library's own may stay, so the fixture that counts them is not used. */
static void setup(void)
{
	snprintf(name, sizeof(name), "cattach-unit-%d.scope", (int)getpid());
}

START_TEST(where_nobody_answers_nothing_is_possible)
{
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	if (geteuid() != 0)
		ck_assert(!ct_cgroup_scope_possible());
	unsetenv("XDG_RUNTIME_DIR");
	if (geteuid() != 0)
		ck_assert(!ct_cgroup_scope_possible());
	ck_assert_int_eq(ct_cgroup_scope_possible() && access("/run/systemd/system", F_OK) < 0, 0);
}
END_TEST

START_TEST(a_bus_that_is_not_there_is_an_error_with_a_fix)
{
	char path[CT_CGROUP_PATH];
	pid_t child;

	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	/* root's socket has one name only: nobody can be asked to look for another */
	if (geteuid() == 0 && access("/run/systemd/private", F_OK) == 0)
		return;
	child = child_of_mine();
	ck_assert_int_lt(start(child, NULL, path), 0);
	ck_assert(strstr(err.what, "systemd") != NULL);
	ck_assert_str_ne(err.hint, "");
	end(child);
}
END_TEST

START_TEST(a_scope_has_the_process_and_is_a_place)
{
	struct ct_cgroup_where where = { .systemd = true };
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	struct ct_cgroup_plan plan = { .id = "unit", .also = "memory pids cpu" };
	struct ct_cgroup cgroup = CT_CGROUP_INIT;
	char path[CT_CGROUP_PATH];
	pid_t child = child_of_mine();

	ck_assert_int_eq(start(child, NULL, path), 0);
	ck_assert_str_eq(strrchr(path, '/') + 1, name);
	where.scope = path;
	ck_assert_int_eq(ct_cgroup_find_place(&where, &place, &err), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, path);
	ck_assert(place.crowded);
	plan.pid = child;
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &cgroup, &err), 0);
	ck_assert_int_eq(ct_cgroup_leave(&cgroup, child, &err), 0);
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	ct_cgroup_close(&cgroup);
	ct_cgroup_place_done(&place);
	end(child);
}
END_TEST

/* Users' systemds do not mark what they delegate: they are asked. */
START_TEST(who_starts_in_a_delegated_scope_uses_it)
{
	char path[CT_CGROUP_PATH], self[CT_CGROUP_PATH + 8];
	struct ct_cgroup_where where = { .systemd = true, .self = self };
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	pid_t child = child_of_mine();

	ck_assert_int_eq(start(child, NULL, path), 0);
	snprintf(self, sizeof(self), "0::%s\n", path);
	ck_assert_int_eq(ct_cgroup_find_place(&where, &place, &err), 0);
	ck_assert_int_eq(place.verdict, CT_CGROUP_HERE);
	ck_assert_str_eq(place.path, path);
	ct_cgroup_place_done(&place);
	end(child);
}
END_TEST

START_TEST(a_scope_goes_to_the_slice_that_was_asked_for)
{
	char path[CT_CGROUP_PATH];
	pid_t child = child_of_mine();

	ck_assert_int_eq(start(child, "cattachtests.slice", path), 0);
	ck_assert_ptr_nonnull(strstr(path, "/cattachtests.slice/"));
	end(child);
}
END_TEST

START_TEST(what_systemd_refuses_is_said_in_its_words)
{
	char path[CT_CGROUP_PATH];
	pid_t child = child_of_mine();

	ck_assert_int_eq(start(child, NULL, path), 0);
	/* the same name again */
	ck_assert_int_lt(start(child, NULL, path), 0);
	ck_assert_ptr_nonnull(strstr(err.what, "systemd refuses to make cattach-unit-"));
	ck_assert_ptr_nonnull(strstr(err.hint, "reset-failed"));
	/* a slice that is none */
	snprintf(name, sizeof(name), "cattach-unit-%d-b.scope", (int)getpid());
	ck_assert_int_lt(start(child, "no slice at all", path), 0);
	end(child);
	/* a process that is none any more */
	ck_assert_int_lt(start(child, NULL, path), 0);
}
END_TEST

START_TEST(nobody_answers_here)
{
	ck_assert(true);
}
END_TEST

Suite *suite_cgroup_scope(void)
{
	Suite *s = suite_create("cgroup_scope");
	TCase *refusals = tcase_create("refusals");
	bool can = ct_cgroup_scope_possible();
	TCase *tc = tcase_create(can ? "scopes" : "scopes # skip no systemd of the caller's answers");

	tcase_add_checked_fixture(refusals, setup, NULL);
	tcase_add_test(refusals, where_nobody_answers_nothing_is_possible);
	tcase_add_test(refusals, a_bus_that_is_not_there_is_an_error_with_a_fix);
	suite_add_tcase(s, refusals);
	if (can) {
		tcase_add_checked_fixture(tc, setup, NULL);
		tcase_set_timeout(tc, 60);
		tcase_add_test(tc, a_scope_has_the_process_and_is_a_place);
		tcase_add_test(tc, who_starts_in_a_delegated_scope_uses_it);
		tcase_add_test(tc, a_scope_goes_to_the_slice_that_was_asked_for);
		tcase_add_test(tc, what_systemd_refuses_is_said_in_its_words);
	} else {
		tcase_add_test(tc, nobody_answers_here);
	}
	suite_add_tcase(s, tc);
	return s;
}
