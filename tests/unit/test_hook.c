/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running hooks: what they get, how their failures are told, and that nothing of theirs stays open or
 * running. The program is the shell.
 */
#include <cattach/hook.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

Suite *suite_hook(void);

static const struct ct_hook_state state = {
	.head = "{\"id\":\"web\",", .tail = ",\"bundle\":\"/b\"}\n", .bundle = "/usr",
};

static struct ct_err err;

/* A shell with this text; $1 is the fresh directory. */
static int run_as(enum ct_hook_kind kind, const char *text, void (*failed)(const struct ct_err *err))
{
	const char *words[] = { "sh", "-c", text, "sh", fixture_path(), NULL };
	const char *env[] = { "ONE=1", NULL };
	struct ct_hook hook = {
		.path = "/bin/sh", .args = { words, 5 }, .env = { env, 1 }, .timeout = 20,
	};
	const struct ct_hook_list list = { &hook, 1 };
	const struct ct_hook_run run = {
		.kind = kind, .list = &list, .state = &state, .status = "creating", .pid = 42,
		.failed = failed,
	};

	return ct_hooks_run(&run, &err);
}

static int run(const char *text)
{
	return run_as(CT_HOOK_PRESTART, text, NULL);
}

static void must_hold(const char *name, const char *text)
{
	char have[4096];
	size_t n = fixture_read(name, have, sizeof(have) - 1);

	have[n] = '\0';
	ck_assert_str_eq(have, text);
}

START_TEST(a_hook_reads_the_state_and_has_nothing_else)
{
	ck_assert_int_eq(run("cat > $1/state; echo $ONE $HOME $PWD > $1/env; for f in 3 4 5 6 7 8 9; do test -e /proc/$$/fd/$f && "
			     "echo $f >> $1/fds; done; "
			     "readlink /proc/$$/cwd > $1/cwd; umask > $1/umask; touch $1/fds"), 0);
	must_hold("state", "{\"id\":\"web\",\"status\":\"creating\",\"pid\":42,\"bundle\":\"/b\"}\n");
	must_hold("env", "1 /usr\n");
	must_hold("cwd", "/usr\n");
	must_hold("umask", "0022\n");
	must_hold("fds", "");
}
END_TEST

START_TEST(a_failure_has_its_place_the_status_and_the_last_line)
{
	ck_assert_int_lt(run("echo one; echo two >&2; echo; exit 3"), 0);
	ck_err(&err, ECHILD, "hooks.prestart[0]: /bin/sh: exit status 3: two");
	ck_assert_int_lt(run_as(CT_HOOK_POSTSTART, "kill -TERM $$", NULL), 0);
	ck_err(&err, ECHILD, "hooks.poststart[0]: /bin/sh: killed by SIGTERM");
	ck_assert_int_lt(run("printf 'a\\033[2Jb'; exit 1"), 0);
	ck_err(&err, ECHILD, "hooks.prestart[0]: /bin/sh: exit status 1: a?[2Jb");
}
END_TEST

START_TEST(a_program_that_is_not_there_is_said_to_be_so)
{
	struct ct_hook hook = { .path = "/no/such/hook" };
	const struct ct_hook_list list = { &hook, 1 };
	const struct ct_hook_run run = {
		.kind = CT_HOOK_POSTSTOP, .list = &list, .state = &state, .status = "stopped",
	};

	ck_assert_int_lt(ct_hooks_run(&run, &err), 0);
	ck_err(&err, ENOENT,
	       "hooks.poststop[0]: /no/such/hook: cannot be executed: No such file or directory");
}
END_TEST

START_TEST(much_output_holds_nobody_up_and_its_end_is_kept)
{
	ck_assert_int_lt(run("head -c 300000 /dev/zero | tr '\\0' x; echo; echo last; exit 1"), 0);
	ck_err(&err, ECHILD, "hooks.prestart[0]: /bin/sh: exit status 1: last");
}
END_TEST

START_TEST(who_never_stops_talking_is_killed_when_its_time_is_up)
{
	const char *words[] = { "sh", "-c", "exec yes x", NULL };
	struct ct_hook hook = { .path = "/bin/sh", .args = { words, 3 }, .timeout = 1 };
	const struct ct_hook_list list = { &hook, 1 };
	const struct ct_hook_run run = {
		.kind = CT_HOOK_PRESTART, .list = &list, .state = &state, .status = "creating",
	};

	ck_assert_int_lt(ct_hooks_run(&run, &err), 0);
	ck_err(&err, ETIMEDOUT, "hooks.prestart[0]: /bin/sh: took more than its 1 s and was killed: x");
}
END_TEST

START_TEST(who_stays_behind_with_its_output_is_not_waited_for)
{
	ck_assert_int_eq(run("sleep 1000 & echo $! > $1/pid"), 0);
	ck_assert_int_eq(run("kill -9 $(cat $1/pid)"), 0);
}
END_TEST

static unsigned failures;

static void count(const struct ct_err *e)
{
	failures += e->code == ECHILD;
}

START_TEST(after_a_failure_the_next_one_runs_only_where_failures_are_warnings)
{
	const char *words[] = { "sh", "-c", "echo x >> $0/ran; exit 1", fixture_path(), NULL };
	struct ct_hook hooks[2] = {
		{ .path = "/bin/sh", .args = { words, 4 } }, { .path = "/bin/sh", .args = { words, 4 } },
	};
	const struct ct_hook_list list = { hooks, 2 };
	struct ct_hook_run run = { .list = &list, .state = &state, .status = "stopped" };

	ck_assert_int_lt(ct_hooks_run(&run, &err), 0);
	must_hold("ran", "x\n");
	run.failed = count;
	ck_assert_int_eq(ct_hooks_run(&run, &err), 0);
	must_hold("ran", "x\nx\nx\n");
	ck_assert_uint_eq(failures, 2);
}
END_TEST

Suite *suite_hook(void)
{
	Suite *s = suite_create("hook");
	TCase *tc = tcase_create("run");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_hook_reads_the_state_and_has_nothing_else);
	tcase_add_test(tc, a_failure_has_its_place_the_status_and_the_last_line);
	tcase_add_test(tc, a_program_that_is_not_there_is_said_to_be_so);
	tcase_add_test(tc, much_output_holds_nobody_up_and_its_end_is_kept);
	tcase_add_test(tc, who_never_stops_talking_is_killed_when_its_time_is_up);
	tcase_add_test(tc, who_stays_behind_with_its_output_is_not_waited_for);
	tcase_add_test(tc, after_a_failure_the_next_one_runs_only_where_failures_are_warnings);
	suite_add_tcase(s, tc);
	return s;
}
