/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables, points in time, and the words of a row. Runs unprivileged.
 */
#include "cli/table.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <check.h>

#include "cli/times.h"
#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *lines, *result;
} tables[] = {
	{ "", "" },
	{ "one\n", "one\n" },
	{ "A\tB\n1\t2\n", "A         B\n1         2\n" },
	{ "CONTAINER ID\tNAMES\n0123456789ab\tweb\n",
	  "CONTAINER ID   NAMES\n0123456789ab   web\n" },
	/* an empty cell keeps its column, the last cell of a line widens nothing */
	{ "A\t\tC\n1\t22222222222\t3\nlong, but the last of its line\n",
	  "A                       C\n1         22222222222   3\nlong, but the last of its line\n" },
	/* characters and not bytes; wide ones take two columns, marks none */
	{ "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\tx\n12345678\tx\n",
	  "\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc   x\n12345678   x\n" },
	{ "\xe6\xbc\xa2\xe5\xad\x97\tx\n", "\xe6\xbc\xa2\xe5\xad\x97      x\n" },
	{ "e\xcc\x81\tx\n", "e\xcc\x81         x\n" },
	/* a line without an end, bytes that are not UTF-8 */
	{ "A\tB", "A         B" },
	{ "\xff\xc3\tx\n", "\xff\xc3        x\n" },
};

START_TEST(cells_line_up)
{
	struct ct_buf buf = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_table_render(tables[_i].lines, &buf, &err), 0);
	ck_assert_str_eq(ct_buf_text(&buf), tables[_i].result);
	ct_buf_done(&buf);
}
END_TEST

#define SECOND UINT64_C(1000000000)

static const struct {
	uint64_t ns;
	const char *text;
} times[] = {
	{ 0, "0001-01-01T00:00:00Z" },
	{ UINT64_C(1700000000) * SECOND, "2023-11-14T22:13:20Z" },
	{ UINT64_C(1700000000) * SECOND + 500000000, "2023-11-14T22:13:20.5Z" },
	{ UINT64_C(1700000000) * SECOND + 10, "2023-11-14T22:13:20.00000001Z" },
	{ UINT64_C(1700000000) * SECOND + 999999999, "2023-11-14T22:13:20.999999999Z" },
	{ 1, "1970-01-01T00:00:00.000000001Z" },
};

START_TEST(times_are_written_like_go_does)
{
	char buf[CT_TIME_SIZE];

	ck_assert_str_eq(ct_time_rfc3339(times[_i].ns, buf), times[_i].text);
}
END_TEST

START_TEST(local_time_follows_tz)
{
	char buf[CT_TIME_SIZE];

	setenv("TZ", "TST-2", 1);
	tzset();
	ck_assert_str_eq(ct_time_local(UINT64_C(1700000000) * SECOND, buf),
			 "2023-11-15 00:13:20 +0200 TST");
}
END_TEST

START_TEST(a_zone_may_have_a_long_name)
{
	char buf[CT_TIME_SIZE];

	setenv("TZ", "<ABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJABCDEFGHIJ>-2", 1);
	tzset();
	ck_assert_str_eq(ct_time_local(UINT64_C(1700000000) * SECOND, buf),
			 "2023-11-15 00:13:20 +0200");
}
END_TEST

START_TEST(no_time_is_too_large)
{
	char buf[CT_TIME_SIZE];

	ck_assert_str_eq(ct_time_rfc3339(UINT64_MAX, buf), "2554-07-21T23:34:33.709551615Z");
}
END_TEST

Suite *suite_table(void)
{
	Suite *s = suite_create("table");
	TCase *tc = tcase_create("render");

	tcase_add_loop_test(tc, cells_line_up, 0, COUNT(tables));
	suite_add_tcase(s, tc);

	tc = tcase_create("times");
	tcase_add_loop_test(tc, times_are_written_like_go_does, 0, COUNT(times));
	tcase_add_test(tc, local_time_follows_tz);
	tcase_add_test(tc, a_zone_may_have_a_long_name);
	tcase_add_test(tc, no_time_is_too_large);
	suite_add_tcase(s, tc);
	return s;
}
