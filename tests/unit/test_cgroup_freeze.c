/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing that does not come to its end, in a plain directory that stands for a container's
 * cgroup: everybody ends meanwhile, somebody else resumes them, the cgroup goes. What the kernel
 * does is in test_cgroup_real_end.c. Any user.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "cgroups/files.h"
#include "fixture.h"

#define PATIENCE 20000	/* milliseconds; only what fails needs them */

static struct ct_err err;

static void holds(const char *text)
{
	char buf[16];

	ck_assert_int_ge(ct_cgroup_read(fixture_dir(), "cgroup.freeze", buf, sizeof(buf)), 0);
	ck_assert_int_eq(buf[0], text[0]);
}

START_TEST(where_all_have_ended_nobody_is_paused)
{
	fixture_file("cgroup.freeze", "0");
	fixture_file("cgroup.events", "populated 0\nfrozen 0\n");
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), true, PATIENCE, &err), -ENODEV);
	holds("0");
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), false, PATIENCE, &err), 0);
}
END_TEST

/* Somebody who stops or kills what is just being paused. */
static void resume_once_it_is_asked(void)
{
	char buf[16] = "";

	while (buf[0] != '1')
		if (ct_cgroup_read(fixture_dir(), "cgroup.freeze", buf, sizeof(buf)) < 0)
			_exit(1);
	_exit(ct_cgroup_write(fixture_dir(), "cgroup.freeze", "0") < 0);
}

START_TEST(who_resumes_it_has_the_last_word)
{
	pid_t child;
	int status;

	fixture_file("cgroup.freeze", "0");
	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0)
		resume_once_it_is_asked();
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), true, PATIENCE, &err), -ECANCELED);
	ck_err(&err, ECANCELED, "cannot pause: somebody else has had it go on meanwhile");
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	holds("0");
}
END_TEST

START_TEST(what_is_not_frozen_in_time_goes_on)
{
	fixture_file("cgroup.freeze", "0");
	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), true, 1, &err), -ETIMEDOUT);
	holds("0");
}
END_TEST

START_TEST(a_cgroup_that_goes_while_it_is_resumed_went_on)
{
	fixture_file("cgroup.freeze", "1");
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), false, PATIENCE, &err), 0);
}
END_TEST

START_TEST(one_that_is_gone_is_no_old_kernel)
{
	for (int frozen = 0; frozen < 2; frozen++) {
		ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), frozen, PATIENCE, &err), -ENODEV);
		ck_err(&err, ENODEV, frozen ? "cannot pause: the cgroup is gone" :
					      "cannot resume: the cgroup is gone");
	}
	fixture_file("cgroup.events", "populated 1\n");
	ck_assert_int_eq(ct_cgroup_freeze(fixture_dir(), true, PATIENCE, &err), -ENOSYS);
}
END_TEST

Suite *suite_cgroup_freeze(void)
{
	Suite *s = suite_create("cgroup_freeze");
	TCase *tc = tcase_create("freeze");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, where_all_have_ended_nobody_is_paused);
	tcase_add_test(tc, who_resumes_it_has_the_last_word);
	tcase_add_test(tc, what_is_not_frozen_in_time_goes_on);
	tcase_add_test(tc, a_cgroup_that_goes_while_it_is_resumed_went_on);
	tcase_add_test(tc, one_that_is_gone_is_no_old_kernel);
	suite_add_tcase(s, tc);
	return s;
}
