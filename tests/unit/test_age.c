/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of time in docker's words, on both sides of every limit. Pure functions.
 */
#include <cattach/age.h>

#include <stdint.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define S UINT64_C(1000000000)
#define M (60 * S)
#define H (60 * M)
#define D (24 * H)

static const struct {
	uint64_t ns;
	const char *text;
} ages[] = {
	{ 0, "Less than a second" }, { S - 1, "Less than a second" },
	{ S, "1 second" }, { 2 * S - 1, "1 second" }, { 2 * S, "2 seconds" },
	{ 12 * S + 5, "12 seconds" }, { M - 1, "59 seconds" },
	{ M, "About a minute" }, { 2 * M - 1, "About a minute" },
	{ 2 * M, "2 minutes" }, { 5 * M, "5 minutes" }, { H - 1, "59 minutes" },
	{ H, "About an hour" }, { 90 * M - 1, "About an hour" },
	{ 90 * M, "2 hours" }, { 3 * H, "3 hours" }, { 47 * H + 29 * M, "47 hours" },
	{ 47 * H + 30 * M, "2 days" }, { 3 * D, "3 days" }, { 13 * D, "13 days" },
	{ 14 * D, "2 weeks" }, { 21 * D, "3 weeks" }, { 59 * D, "8 weeks" },
	{ 60 * D, "2 months" }, { 120 * D, "4 months" }, { 729 * D, "24 months" },
	{ 730 * D, "2 years" }, { 1095 * D, "3 years" }, { UINT64_MAX, "584 years" },
};

START_TEST(a_span_is_said_as_docker_says_it)
{
	char buf[CT_AGE_SIZE];

	ck_assert_str_eq(ct_human_age(ages[_i].ns, buf, sizeof(buf)), ages[_i].text);
}
END_TEST

START_TEST(a_small_buffer_is_cut_and_terminated)
{
	char buf[8];

	memset(buf, 'x', sizeof(buf));
	ct_human_age(0, buf, 5);
	ck_assert_str_eq(buf, "Less");
	ck_assert_int_eq(buf[5], 'x');
}
END_TEST

START_TEST(a_clock_that_was_set_back_gives_no_negative_span)
{
	ck_assert_uint_eq(ct_age_since(5, 3), 0);
	ck_assert_uint_eq(ct_age_since(5, 5), 0);
	ck_assert_uint_eq(ct_age_since(3, 5), 2);
}
END_TEST

Suite *suite_age(void);
Suite *suite_age(void)
{
	Suite *s = suite_create("age");
	TCase *tc = tcase_create("age");

	tcase_add_loop_test(tc, a_span_is_said_as_docker_says_it, 0,
			    (int)(sizeof(ages) / sizeof(ages[0])));
	tcase_add_test(tc, a_small_buffer_is_cut_and_terminated);
	tcase_add_test(tc, a_clock_that_was_set_back_gives_no_negative_span);
	suite_add_tcase(s, tc);
	return s;
}
