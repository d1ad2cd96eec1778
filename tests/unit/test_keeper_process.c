/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a keeper, step by step in this one: what it forks, and when it leaves. Any user.
 */
#include "container/keeper.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container_fixture.h"

START_TEST(a_child_that_could_not_be_waited_for_is_not_made)
{
	struct ct_keeper k = { .lock = -1, .signals = -1 };
	struct rlimit before, none;
	int pidfd = -1;
	pid_t pid;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	pid = ct_keeper_fork(&k, &pidfd);
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(pid, -EMFILE);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

Suite *suite_keeper_process(void);

Suite *suite_keeper_process(void)
{
	Suite *s = suite_create("keeper_process");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_child_that_could_not_be_waited_for_is_not_made);
	suite_add_tcase(s, tc);
	return s;
}
