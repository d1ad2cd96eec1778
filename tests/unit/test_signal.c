/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by name and number: every spelling that docker and podman users type, the way back, and
 * what is refused. Runs unprivileged, sends nothing.
 */
#include <cattach/num.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

START_TEST(names_and_numbers_are_taken_in_any_case)
{
	static const struct {
		const char *text;
		int signal;
	} good[] = {
		{ "KILL", SIGKILL }, { "SIGKILL", SIGKILL }, { "kill", SIGKILL },
		{ "sigKill", SIGKILL }, { "9", SIGKILL }, { "1", SIGHUP }, { "64", 64 },
		{ "32", 32 }, { "TERM", SIGTERM }, { "CLD", SIGCHLD }, { "IOT", SIGABRT },
		{ "POLL", SIGIO }, { "RTMIN", 34 }, { "SIGRTMIN+3", 37 }, { "rtmin+30", 64 },
		{ "RTMAX", 64 }, { "RTMAX-30", 34 }, { "sigrtmax-1", 63 }, { "RTMIN+0", 34 },
	};
	struct ct_err err;

	for (int i = 0; i < COUNT(good); i++) {
		int signal = 0;

		ck_assert_msg(ct_parse_signal(good[i].text, &signal, &err) == 0, "%s",
			      good[i].text);
		ck_assert_int_eq(signal, good[i].signal);
	}
}
END_TEST

static const char *const bad[] = {
	"BOGUS", "", "0", "99", "-1", "9x", "65", "+9", " 9", "9 ", "SIG", "SIGSIGKILL", "SIG9",
	"KILLX", "RTMIN+31", "RTMIN-1", "RTMAX+1", "RTMAX-31", "RTMIN+", "RTMIN3", "RTMIN+ 1",
	"18446744073709551625", "EXIT", "RTMIN+18446744073709551617",
};

START_TEST(anything_else_is_unknown)
{
	char expected[256];
	int signal = 77;
	struct ct_err err;

	ck_assert_int_eq(ct_parse_signal(bad[_i], &signal, &err), -EINVAL);
	ck_assert_int_eq(signal, 77);
	snprintf(expected, sizeof(expected), "unknown signal \"%s\" (a name such as TERM or "
		 "RTMIN+3, or a number 1...64)", bad[_i]);
	ck_err(&err, EINVAL, expected);
}
END_TEST

START_TEST(every_signal_has_a_name_that_leads_back)
{
	char name[32];
	struct ct_err err;

	for (int signal = 1; signal <= 64; signal++) {
		int back = 0;

		ct_signal_name(signal, name, sizeof(name));
		ck_assert_msg(ct_parse_signal(name, &back, &err) == 0, "%s", name);
		ck_assert_int_eq(back, signal);
	}
	ck_assert_str_eq(ct_signal_name(15, name, sizeof(name)), "SIGTERM");
	ck_assert_str_eq(ct_signal_name(6, name, sizeof(name)), "SIGABRT");
	ck_assert_str_eq(ct_signal_name(34, name, sizeof(name)), "SIGRTMIN");
	ck_assert_str_eq(ct_signal_name(37, name, sizeof(name)), "SIGRTMIN+3");
	ck_assert_str_eq(ct_signal_name(33, name, sizeof(name)), "33");
	ck_assert_str_eq(ct_signal_name(SIGVTALRM, name, 5), "SIGV");
}
END_TEST

START_TEST(the_error_is_untouched_when_a_name_is_known)
{
	struct ct_err err, before;
	int signal;

	memset(&err, 'x', sizeof(err));
	before = err;
	ck_assert_int_eq(ct_parse_signal("TERM", &signal, &err), 0);
	ck_assert_mem_eq(&err, &before, sizeof(err));
}
END_TEST

Suite *suite_signal(void);
Suite *suite_signal(void)
{
	Suite *s = suite_create("signal");
	TCase *tc = tcase_create("signal");

	tcase_add_test(tc, names_and_numbers_are_taken_in_any_case);
	tcase_add_loop_test(tc, anything_else_is_unknown, 0, COUNT(bad));
	tcase_add_test(tc, every_signal_has_a_name_that_leads_back);
	tcase_add_test(tc, the_error_is_untouched_when_a_name_is_known);
	suite_add_tcase(s, tc);
	return s;
}
