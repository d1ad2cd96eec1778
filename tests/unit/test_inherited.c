/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that a monitor has inherited: raised for itself, and as they were for what it executes. Each test
 * is a process of its own, so nothing else is limited.
 */
#include <check.h>

#include "conmon/monitor.h"
#include "fixture.h"

static rlim_t soft(__rlimit_resource_t resource)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(resource, &limit), 0);
	return limit.rlim_cur;
}

static void limit_to(__rlimit_resource_t resource, rlim_t value)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(resource, &limit), 0);
	limit.rlim_cur = value;
	ck_assert_int_eq(setrlimit(resource, &limit), 0);
}

START_TEST(limits_are_raised_and_lowered_to_what_they_were)
{
	struct rlimit before[MONITOR_LIMITS], hard[2];

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &hard[0]), 0);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &hard[1]), 0);
	limit_to(RLIMIT_NOFILE, 64);
	limit_to(RLIMIT_FSIZE, 8192);
	limit_to(RLIMIT_CPU, 1000);
	ct_monitor_raise_limits(before);
	ck_assert(soft(RLIMIT_NOFILE) == hard[0].rlim_max);
	ck_assert(soft(RLIMIT_FSIZE) == hard[1].rlim_max);
	ck_assert(soft(RLIMIT_CPU) > 1000);
	ct_monitor_lower_limits(before);
	ck_assert(soft(RLIMIT_NOFILE) == 64);
	ck_assert(soft(RLIMIT_FSIZE) == 8192);
	ck_assert(soft(RLIMIT_CPU) == 1000);
}
END_TEST

START_TEST(what_is_hard_stays)
{
	struct rlimit before[MONITOR_LIMITS], limit = { 50, 60 };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	ct_monitor_raise_limits(before);
	ck_assert(soft(RLIMIT_NOFILE) == 60);
	ct_monitor_lower_limits(before);
	ck_assert(soft(RLIMIT_NOFILE) == 50);
}
END_TEST

Suite *suite_inherited(void);
Suite *suite_inherited(void)
{
	Suite *s = suite_create("inherited");
	TCase *tc = tcase_create("limits");

	tcase_add_test(tc, limits_are_raised_and_lowered_to_what_they_were);
	tcase_add_test(tc, what_is_hard_stays);
	suite_add_tcase(s, tc);
	return s;
}
