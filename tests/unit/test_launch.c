/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launching a monitor whose payload never starts: what fails is told, and a start that hangs is
 * given up when somebody asks for it. Runs a real monitor, which is not our child.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/monitor.h>

#include "fixture.h"

static int hang(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		struct ct_err *err)
{
	(void)arg;
	(void)stdio;
	(void)ret_spawned;
	(void)err;
	while (pause() < 0)
		continue;
	return -EINTR;
}

static int refuse(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		  struct ct_err *err)
{
	(void)arg;
	(void)stdio;
	(void)ret_spawned;
	ct_fail(err, ENOENT, "no such program");
	return ct_exit_with(err, CT_EXIT_NOT_FOUND);
}

/* The monitor has made everything of its own by then. */
static int refuse_late(void *arg, const struct ct_child_stdio *stdio,
		       struct ct_spawned *ret_spawned, struct ct_err *err)
{
	int r = stdio->meanwhile(stdio->arg, err);

	return r < 0 ? r : refuse(arg, stdio, ret_spawned, err);
}

static void nothing(void *arg, bool started)
{
	(void)arg;
	(void)started;
}

/* A container's directory as far as a monitor needs one. */
static struct ct_monitor_config make_config(void)
{
	struct ct_monitor_config config = {
		.dir = fixture_dir(), .runtime = -1, .owner = -1, .client = -1, .finish = nothing,
		.keep = { -1, -1, -1 },
	};

	ck_assert_int_eq(mkdirat(config.dir, "main", 0700), 0);
	fixture_file("status", "");
	fixture_file("lock", "");
	return config;
}

static int launch(int (*spawn)(void *, const struct ct_child_stdio *, struct ct_spawned *,
			       struct ct_err *), struct ct_err *err)
{
	struct ct_monitor_config config = make_config();
	struct ct_session session = CT_SESSION_INIT;

	config.spawn = spawn;
	return ct_monitor_launch(&config, &session, err);
}

START_TEST(what_stops_the_payload_is_the_error_of_the_launch)
{
	struct ct_err err = { 0 };

	ck_assert_int_eq(launch(refuse, &err), -ENOENT);
	ck_assert_str_eq(err.what, "no such program");
	ck_assert_int_eq(err.exit, 127);
}
END_TEST

START_TEST(what_earlier_runs_have_lost_is_told_once_also_when_the_start_fails)
{
	struct ct_monitor_config config = make_config();
	struct ct_session session = CT_SESSION_INIT;
	struct ct_err err = { 0 };
	uint64_t owed = 5000;

	config.spawn = refuse_late;
	config.log.owed = &owed;
	ck_assert_int_eq(ct_monitor_launch(&config, &session, &err), -ENOENT);
	ck_assert_uint_eq(owed, 0);
}
END_TEST

START_TEST(what_earlier_runs_have_lost_is_still_owed_by_a_start_without_a_log)
{
	struct ct_monitor_config config = make_config();
	struct ct_session session = CT_SESSION_INIT;
	struct ct_err err = { 0 };
	uint64_t owed = 5000;

	config.spawn = refuse;
	config.log.owed = &owed;
	ck_assert_int_eq(ct_monitor_launch(&config, &session, &err), -ENOENT);
	ck_assert_uint_eq(owed, 5000);
}
END_TEST

START_TEST(a_start_that_hangs_is_given_up_for_a_signal_that_is_blocked)
{
	struct ct_err err = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGINT);
	ck_assert_int_eq(launch(hang, &err), -EINTR);
	ck_assert_str_eq(err.what, "the start was given up: SIGINT, and it had not come to an end");
	ck_assert_int_eq(err.exit, 130);
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), NULL), 0);
}
END_TEST

Suite *suite_launch(void)
{
	Suite *suite = suite_create("launch");
	TCase *tc = tcase_create("ct_monitor_launch");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_stops_the_payload_is_the_error_of_the_launch);
	tcase_add_test(tc, what_earlier_runs_have_lost_is_told_once_also_when_the_start_fails);
	tcase_add_test(tc, what_earlier_runs_have_lost_is_still_owed_by_a_start_without_a_log);
	tcase_add_test(tc, a_start_that_hangs_is_given_up_for_a_signal_that_is_blocked);
	suite_add_tcase(suite, tc);
	return suite;
}
