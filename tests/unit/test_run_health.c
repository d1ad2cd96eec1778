/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run and create about health checks. Any user.
 */
#include <errno.h>

#include <check.h>

#include <cattach/health.h>

#include "run_fixture.h"

#define SECOND UINT64_C(1000000000)

START_TEST(without_options_nothing_is_checked)
{
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.health.test.count, 0);
	ck_assert(!ct_health_is_checked(&run_meta));
	ck_assert_uint_eq(run_meta.health.interval, 0);
}
END_TEST

static const struct {
	const char *option, *test;
} commands[] = {
	{ "curl -f localhost || exit 1", "CMD-SHELL curl -f localhost || exit 1" },
	{ "[ -f /ready ]", "CMD-SHELL [ -f /ready ]" },
	{ "[\"curl\", \"-f\"", "CMD-SHELL [\"curl\", \"-f\"" },
	{ "[\"curl\", \"-f\", \"local host\"]", "CMD curl -f local host" },
	{ " [\"CMD\", \"true\"]", "CMD true" },
	{ "[\"CMD-SHELL\", \"a b\"]", "CMD-SHELL a b" },
	{ "true", "CMD-SHELL true" },
	{ "none ", "CMD-SHELL none " },
};

START_TEST(a_text_is_for_the_shell_and_an_array_is_words)
{
	run_options.health.cmd = commands[_i].option;
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_meta.health.test), commands[_i].test);
	ck_assert(ct_health_is_checked(&run_meta));
}
END_TEST

START_TEST(what_is_not_said_is_dockers_default)
{
	run_options.health.cmd = "true";
	run_options.health.interval = "0";
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.health.interval, 30 * SECOND);
	ck_assert_uint_eq(run_meta.health.timeout, 30 * SECOND);
	ck_assert_uint_eq(run_meta.health.start_period, 0);
	ck_assert_uint_eq(run_meta.health.start_interval, 5 * SECOND);
	ck_assert_int_eq(run_meta.health.retries, 3);
	ck_assert_int_eq(ct_health_action_of(&run_meta.health), CT_HEALTH_DO_NOTHING);
}
END_TEST

START_TEST(what_is_said_is_kept)
{
	run_options.health.cmd = "true";
	run_options.health.interval = "1m30s";
	run_options.health.timeout = "1ms";
	run_options.health.start_period = "2s";
	run_options.health.start_interval = "100ms";
	run_options.health.retries = "1";
	run_options.health.on_failure = "restart";
	run_ok(&run_alice);
	ck_assert_uint_eq(run_meta.health.interval, 90 * SECOND);
	ck_assert_uint_eq(run_meta.health.timeout, SECOND / 1000);
	ck_assert_uint_eq(run_meta.health.start_period, 2 * SECOND);
	ck_assert_uint_eq(run_meta.health.start_interval, SECOND / 10);
	ck_assert_int_eq(run_meta.health.retries, 1);
	ck_assert_int_eq(ct_health_action_of(&run_meta.health), CT_HEALTH_RESTART);
}
END_TEST

START_TEST(what_removes_itself_is_not_restarted)
{
	run_options.health.cmd = "true";
	run_options.remove = true;
	run_options.health.on_failure = "kill";
	run_ok(&run_alice);
	run_options.health.on_failure = "restart";
	run_bad(EINVAL, "conflicting options: cannot specify both --health-on-failure restart and --rm");
}
END_TEST

START_TEST(what_writes_where_it_was_started_is_not_restarted)
{
	run_options.health.cmd = "true";
	run_options.log_driver = "passthrough";
	run_options.health.on_failure = "stop";
	run_ok(&run_alice);
	run_options.health.on_failure = "restart";
	run_bad(EINVAL, "conflicting options: cannot specify both --health-on-failure restart and "
			"--log-driver passthrough");
}
END_TEST

START_TEST(no_check_is_docker_s_none)
{
	if (_i == 0)
		run_options.health.no_check = true;
	else
		run_options.health.cmd = _i == 1 ? "none" : "[\"NONE\"]";
	run_options.health.interval = _i ? "1s" : NULL;
	run_ok(&run_alice);
	ck_assert_str_eq(run_join(&run_meta.health.test), "NONE");
	ck_assert(!ct_health_is_checked(&run_meta));
	ck_assert_uint_eq(run_meta.health.interval, 0);
}
END_TEST

#define ACTIONS "must be none, kill, restart or stop, not "
#define WORDS "a health check must be \"CMD\" and its words, \"CMD-SHELL\" and one text, or \"NONE\" alone"

static const struct {
	size_t option;
	const char *value, *text;
	int code;
} bad[] = {
	{ offsetof(struct ct_run_options, health.interval), "-1s",
	  "--health-interval: cannot be negative", EINVAL },
	{ offsetof(struct ct_run_options, health.timeout), "-1s",
	  "--health-timeout: cannot be negative", EINVAL },
	{ offsetof(struct ct_run_options, health.start_period), "-1s",
	  "--health-start-period: cannot be negative", EINVAL },
	{ offsetof(struct ct_run_options, health.start_interval), "-1s",
	  "--health-start-interval: cannot be negative", EINVAL },
	{ offsetof(struct ct_run_options, health.retries), "-1",
	  "--health-retries: cannot be negative", EINVAL },
	{ offsetof(struct ct_run_options, health.interval), "999us",
	  "--health-interval: Interval in Healthcheck cannot be less than 1ms", EINVAL },
	{ offsetof(struct ct_run_options, health.start_period), "1ns",
	  "--health-start-period: StartPeriod in Healthcheck cannot be less than 1ms", EINVAL },
	{ offsetof(struct ct_run_options, health.retries), "x",
	  "--health-retries: must be 0...2147483647, not \"x\"", EINVAL },
	{ offsetof(struct ct_run_options, health.on_failure), "reboot",
	  "--health-on-failure: " ACTIONS "\"reboot\"", EINVAL },
	{ offsetof(struct ct_run_options, health.cmd), "[]", "--health-cmd: the array is empty", EINVAL },
	{ offsetof(struct ct_run_options, health.cmd), "[\"a\", 1]",
	  "--health-cmd: must be a JSON array of strings, not of a number", EINVAL },
	{ offsetof(struct ct_run_options, health.cmd), "[\"CMD\"]", "--health-cmd: " WORDS, EINVAL },
	{ offsetof(struct ct_run_options, health.cmd), "[\"CMD-SHELL\", \"a\", \"b\"]",
	  "--health-cmd: " WORDS, EINVAL },
	{ offsetof(struct ct_run_options, health.cmd), "[\"NONE\", \"a\"]", "--health-cmd: " WORDS,
	  EINVAL },
};

START_TEST(values_that_cannot_be_are_refused)
{
	run_options.health.cmd = "true";
	*(const char **)((char *)&run_options + bad[_i].option) = bad[_i].value;
	run_bad(bad[_i].code, bad[_i].text);
}
END_TEST

START_TEST(an_option_without_a_command_is_refused)
{
	run_options.health.retries = "5";
	run_bad(EINVAL, "--health-retries: there is no command that could be run (--health-cmd COMMAND)");
	run_options.health.cmd = "";
	run_bad(EINVAL, "--health-retries: there is no command that could be run (--health-cmd COMMAND)");
	run_options.health.no_check = true;
	run_bad(EINVAL, "--no-healthcheck conflicts with --health-* options");
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_run_health(void);
Suite *suite_run_health(void)
{
	Suite *s = suite_create("run_health");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, without_options_nothing_is_checked);
	tcase_add_loop_test(tc, a_text_is_for_the_shell_and_an_array_is_words, 0, COUNT(commands));
	tcase_add_test(tc, what_is_not_said_is_dockers_default);
	tcase_add_test(tc, what_is_said_is_kept);
	tcase_add_test(tc, what_removes_itself_is_not_restarted);
	tcase_add_test(tc, what_writes_where_it_was_started_is_not_restarted);
	tcase_add_loop_test(tc, no_check_is_docker_s_none, 0, 3);
	tcase_add_loop_test(tc, values_that_cannot_be_are_refused, 0, COUNT(bad));
	tcase_add_test(tc, an_option_without_a_command_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
