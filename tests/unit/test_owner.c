/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session with an owner: the process with whose end it ends, as exec's sessions do with their
 * container. Any user.
 */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "monitor_fixture.h"

static struct loop l;
static pid_t owner;

static void setup(void)
{
	fixture_setup();
	owner = fork();
	if (owner == 0)
		for (;;)
			pause();
	l = (struct loop)LOOP_INIT;
	l.config.owner = ct_pidfd_open(owner);
	ck_assert_int_ge(l.config.owner, 0);
	loop_open(&l);
}

static void teardown(void)
{
	int pidfd = l.config.owner;

	loop_close(&l);
	close(pidfd);
	if (owner > 0) {
		kill(owner, SIGKILL);
		waitpid(owner, NULL, 0);
	}
	fixture_teardown();
}

static void end_owner(void)
{
	kill(owner, SIGKILL);
	waitpid(owner, NULL, 0);
	owner = 0;
}

START_TEST(while_the_owner_lives_nothing_happens)
{
	ck_assert_uint_eq(loop_run(&l), 0);
	ck_assert(!l.m->exited);
	ck_assert_int_eq(kill(l.payload, 0), 0);
}
END_TEST

START_TEST(with_the_owner_the_session_ends)
{
	end_owner();
	loop_expect_killed(&l, SIGKILL);
	ck_assert(l.m->exited);
	/* Its descriptor stays readable, and is not looked at any more. */
	ck_assert_uint_lt(loop_run(&l), 100);
}
END_TEST

START_TEST(an_owner_that_ends_after_the_session_is_nothing_to_it)
{
	kill(l.payload, SIGTERM);
	loop_expect_killed(&l, SIGTERM);
	end_owner();
	ck_assert_uint_lt(loop_run(&l), 100);
	ck_assert_int_eq(l.m->status.exit.value, SIGTERM);
}
END_TEST

Suite *suite_owner(void)
{
	Suite *s = suite_create("owner");
	TCase *tc = tcase_create("owner");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, while_the_owner_lives_nothing_happens);
	tcase_add_test(tc, with_the_owner_the_session_ends);
	tcase_add_test(tc, an_owner_that_ends_after_the_session_is_nothing_to_it);
	suite_add_tcase(s, tc);
	return s;
}
