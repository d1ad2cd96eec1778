/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time in every form that is taken, and many that are not. Pure but for TZ, which each
 * test sets for itself (Check forks).
 */
#include <cattach/timespec.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "fixture.h"

#define S	UINT64_C(1000000000)
#define NOW	(UINT64_C(1700000000) * S + 500000000)	/* 2023-11-14T22:13:20.5Z */
#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static void set_zone(const char *tz)
{
	setenv("TZ", tz, 1);
	tzset();
}

/* In the zone TST-2, that is two hours east of UTC. */
static const struct {
	const char *text;
	uint64_t ns;
} good[] = {
	/* ago */
	{ "10s", NOW - 10 * S }, { "10", NOW - 10 * S }, { "0", NOW }, { "0s", NOW },
	{ "1m30s", NOW - 90 * S }, { "1.5h", NOW - 5400 * S }, { "250ms", NOW - S / 4 },
	{ "1h2m3s", NOW - 3723 * S }, { "1ns", NOW - 1 }, { "1.5", NOW - 3 * S / 2 },
	{ "+10s", NOW - 10 * S }, { "-10s", NOW + 10 * S }, { "010", NOW - 10 * S },
	{ "999999999", NOW - 999999999 * S },
	/* more than there was: the beginning */
	{ "500000h", 0 },
	/* seconds since the epoch */
	{ "1000000000", 1000000000 * S }, { "1700000000", 1700000000 * S },
	{ "1700000000.5", 1700000000 * S + S / 2 },
	{ "1700000000.000000001", 1700000000 * S + 1 },
	{ "1700000000.0000000019", 1700000000 * S + 1 },
	{ "1136073600.000000001", 1136073600 * S + 1 },
	/* with a zone */
	{ "2023-11-14T22:13:20Z", 1700000000 * S },
	{ "2023-11-14T22:13:20.000000007Z", 1700000000 * S + 7 },
	{ "2023-11-14T22:13:20.5Z", NOW },
	{ "2023-11-15T00:13:20.123456789+02:00", 1700000000 * S + 123456789 },
	{ "2023-11-14T15:13:20-07:00", 1700000000 * S },
	{ "2023-11-14T22:13Z", 1699999980 * S }, { "2023-11-14T22Z", 1699999200 * S },
	{ "2023-11-14Z", 1699920000 * S }, { "2023-11-14-07:00", (1699920000 + 25200) * S },
	{ "2023-11-14+07:00", (1699920000 - 25200) * S },
	/* local */
	{ "2023-11-15T00:13:20", 1700000000 * S },
	{ "2023-11-15T00:13:20.5", NOW }, { "2023-11-15 00:13:20", 1700000000 * S },
	{ "2023-11-15T00:13", 1699999980 * S }, { "2023-11-15T00", 1699999200 * S },
	{ "2023-11-14", (1699920000 - 7200) * S },
	{ "2024-02-29Z", 1709164800 * S }, { "2000-02-29Z", 951782400 * S },
	/* outside of what can be */
	{ "1970-01-01T00:00:00Z", 0 }, { "1969-12-31T23:59:59Z", 0 }, { "0001-01-01Z", 0 },
	{ "9999-12-31T23:59:59Z", UINT64_MAX }, { "2554-07-21T23:34:32Z", 18446744072 * S },
};

START_TEST(every_form_of_a_time_is_understood)
{
	struct ct_err err;
	uint64_t ns = 1;

	set_zone("TST-2");
	ck_assert_int_eq(ct_parse_time(good[_i].text, NOW, &ns, &err), 0);
	ck_assert_uint_eq(ns, good[_i].ns);
}
END_TEST

static const char *const bad[] = {
	"", " ", "garbage", "10 s", " 10", "10 ", "1m30", "s", "-", "+", "--1s", "1e9", "0x10", "1.", "500y",
	".5", "1..5", "1700000000.", "1700000000.5.5", "1700000000s5",
	"99999999999999999999", "18446744074", "1700000000000",
	"2023-13-01", "2023-00-01", "2023-01-00", "2023-01-32", "2023-02-29", "2100-02-29Z",
	"2023-1-1", "23-01-01", "2023-01", "2023-01-01T", "2023-01-01T24:00", "2023-01-01T1:00",
	"2023-01-01T10:60", "2023-01-01T10:00:60", "2023-01-01T10:00:00.", "2023-01-01T10:00:00.xZ",
	"2023-01-01T10:00:00ZZ", "2023-01-01T10:00:00 ", "2023-01-01T10:00:00+7",
	"2023-01-01T10:00:00+07", "2023-01-01T10:00:00+0700", "2023-01-01T10:00:00+24:00",
	"2023-01-01T10:00:00+07:60", "2023-01-01T10:00:00+07:00x", "2023-01-01x", "yesterday",
};

START_TEST(what_is_no_time_is_refused_and_the_result_untouched)
{
	struct ct_err err;
	uint64_t ns = 42;
	char text[400];

	set_zone("UTC0");
	ck_assert_int_eq(ct_parse_time(bad[_i], NOW, &ns, &err), -EINVAL);
	ck_assert_uint_eq(ns, 42);
	snprintf(text, sizeof(text), "--since: \"%s\" is no time or duration (such as 10m, 1h30m, "
		 "2006-01-02T15:04:05Z, 2006-01-02 or 1700000000)", bad[_i]);
	ct_wrap(&err, "--since");
	ck_err(&err, EINVAL, text);
}
END_TEST

START_TEST(a_hostile_text_is_shown_escaped)
{
	struct ct_err err;
	uint64_t ns;

	ck_assert_int_eq(ct_parse_time("\x1b[2J", NOW, &ns, &err), -EINVAL);
	ck_assert_str_eq(err.what, "\"\\x1b[2J\" is no time or duration");
}
END_TEST

START_TEST(an_hour_that_summer_time_leaves_out_is_some_hour)
{
	struct ct_err err;
	uint64_t ns = 0;

	set_zone("CET-1CEST,M3.5.0,M10.5.0/3");
	ck_assert_int_eq(ct_parse_time("2023-07-01T12:00:00", NOW, &ns, &err), 0);
	ck_assert_uint_eq(ns, UINT64_C(1688205600) * S);
	ck_assert_int_eq(ct_parse_time("2023-12-01T12:00:00", NOW, &ns, &err), 0);
	ck_assert_uint_eq(ns, UINT64_C(1701428400) * S);
	ck_assert_int_eq(ct_parse_time("2023-03-26T02:30:00", NOW, &ns, &err), 0);
	ck_assert_uint_ge(ns, UINT64_C(1679790600) * S);
	ck_assert_uint_le(ns, UINT64_C(1679794200) * S);
}
END_TEST

static const struct {
	uint64_t ns;
	const char *text;
} stamps[] = {
	{ 0, "1970-01-01T00:00:00.000000000Z" }, { 1, "1970-01-01T00:00:00.000000001Z" },
	{ NOW, "2023-11-14T22:13:20.500000000Z" },
	{ NOW + 499999999, "2023-11-14T22:13:20.999999999Z" },
	{ UINT64_C(951782400) * S, "2000-02-29T00:00:00.000000000Z" },
	{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
};

START_TEST(a_stamp_has_nine_digits_and_is_utc)
{
	char buf[CT_STAMP_SIZE];

	set_zone("TST-2");
	ck_assert_str_eq(ct_format_time(stamps[_i].ns, buf), stamps[_i].text);
}
END_TEST

START_TEST(a_stamp_can_be_given_back)
{
	char buf[CT_STAMP_SIZE];
	struct ct_err err;
	uint64_t ns;

	for (uint64_t t = 1; t < UINT64_MAX / 3; t = t * 3 + 7) {
		ck_assert_int_eq(ct_parse_time(ct_format_time(t, buf), NOW, &ns, &err), 0);
		ck_assert_uint_eq(ns, t);
	}
}
END_TEST

Suite *suite_time_parse(void);
Suite *suite_time_parse(void)
{
	Suite *s = suite_create("time_parse");
	TCase *tc = tcase_create("parse");

	tcase_add_loop_test(tc, every_form_of_a_time_is_understood, 0, COUNT(good));
	tcase_add_loop_test(tc, what_is_no_time_is_refused_and_the_result_untouched, 0,
			    COUNT(bad));
	tcase_add_test(tc, a_hostile_text_is_shown_escaped);
	tcase_add_test(tc, an_hour_that_summer_time_leaves_out_is_some_hour);
	suite_add_tcase(s, tc);
	tc = tcase_create("format");
	tcase_add_loop_test(tc, a_stamp_has_nine_digits_and_is_utc, 0, COUNT(stamps));
	tcase_add_test(tc, a_stamp_can_be_given_back);
	suite_add_tcase(s, tc);
	return s;
}
