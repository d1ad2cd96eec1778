/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers, ids, sizes, durations, modes, truth values and names: what is taken, and that all else
 * is refused with the right words and without touching the result. Runs unprivileged.
 */
#include <cattach/num.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

/* What strtoul(3) would take, and what wrapped around to root in other runtimes. */
static const struct {
	const char *text;
	int code;
} bad_ids[] = {
	{ "4294967295", ERANGE }, { "4294967296", ERANGE }, { "4294967297", ERANGE },
	{ "18446744073709551615", ERANGE }, { "18446744073709551616", ERANGE },
	{ "99999999999999999999999999999999", ERANGE },
	{ "-1", EINVAL }, { "+1", EINVAL }, { " 1", EINVAL }, { "1 ", EINVAL }, { "\t1", EINVAL },
	{ "1x", EINVAL }, { "x1", EINVAL }, { "0x0", EINVAL }, { "0x10", EINVAL }, { "", EINVAL },
	{ "1:4294967296", EINVAL }, { "1.0", EINVAL }, { "1e3", EINVAL }, { "1,000", EINVAL },
	{ "root", EINVAL }, { "-0", EINVAL }, { "--1", EINVAL }, { "1\n", EINVAL },
	{ "99999999999999999999x", EINVAL }, { "\xd9\xa1", EINVAL },	/* an Arabic 1 */
};

START_TEST(malformed_ids_are_refused_with_the_bounds)
{
	char expected[256], shown[64];
	uint32_t id = 77;
	struct ct_err err, text;

	ck_assert_int_eq(ct_parse_id(bad_ids[_i].text, &id, &err), -bad_ids[_i].code);
	ck_assert_uint_eq(id, 77);
	ct_fail(&text, EINVAL, "%s", bad_ids[_i].text);
	ct_err_format(&text, shown, sizeof(shown));
	snprintf(expected, sizeof(expected), "must be 0...4294967294, not \"%s\"", shown);
	ck_err(&err, bad_ids[_i].code, expected);
}
END_TEST

START_TEST(good_ids_mean_themselves)
{
	static const struct {
		const char *text;
		uint32_t id;
	} good[] = { { "0", 0 }, { "1", 1 }, { "1000", 1000 }, { "010", 10 }, { "00", 0 },
		     { "2147483648", 2147483648u }, { "4294967294", CT_ID_MAX } };
	struct ct_err err;

	for (int i = 0; i < COUNT(good); i++) {
		uint32_t id = 77;

		ck_assert_int_eq(ct_parse_id(good[i].text, &id, &err), 0);
		ck_assert_uint_eq(id, good[i].id);
	}
}
END_TEST

START_TEST(unsigned_bounds_are_inclusive)
{
	uint64_t value = 0;
	struct ct_err err;

	ck_assert_int_eq(ct_parse_u64("18446744073709551615", 0, UINT64_MAX, &value, &err), 0);
	ck_assert_uint_eq(value, UINT64_MAX);
	ck_assert_int_eq(ct_parse_u64("18446744073709551616", 0, UINT64_MAX, &value, &err),
			 -ERANGE);
	ck_assert_int_eq(ct_parse_u64("5", 5, 9, &value, &err), 0);
	ck_assert_int_eq(ct_parse_u64("9", 5, 9, &value, &err), 0);
	ck_assert_uint_eq(value, 9);
	ck_assert_int_eq(ct_parse_u64("4", 5, 9, &value, &err), -ERANGE);
	ck_err(&err, ERANGE, "must be 5...9, not \"4\"");
	ck_assert_int_eq(ct_parse_u64("10", 5, 9, &value, &err), -ERANGE);
	ck_assert_uint_eq(value, 9);
}
END_TEST

START_TEST(signed_numbers_reach_both_ends)
{
	static const char *const bad[] = { "9223372036854775808", "-9223372036854775809", "--1",
					   "+1", "-", "", "- 1", "1-", "-0x1" };
	int64_t value = 0;
	struct ct_err err;

	ck_assert_int_eq(ct_parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &value, &err),
			 0);
	ck_assert_int_eq(value, INT64_MIN);
	ck_assert_int_eq(ct_parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &value, &err),
			 0);
	ck_assert_int_eq(value, INT64_MAX);
	ck_assert_int_eq(ct_parse_i64("-0", -1, 1, &value, &err), 0);
	ck_assert_int_eq(value, 0);
	for (int i = 0; i < COUNT(bad); i++) {
		ck_assert_int_lt(ct_parse_i64(bad[i], INT64_MIN, INT64_MAX, &value, &err), 0);
		ck_assert_int_eq(value, 0);
	}
	ck_assert_int_eq(ct_parse_i64("-1001", -1000, 1000, &value, &err), -ERANGE);
	ck_err(&err, ERANGE, "must be -1000...1000, not \"-1001\"");
}
END_TEST

START_TEST(sizes_are_powers_of_1024)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} good[] = {
		{ "0", 0 }, { "10", 10 }, { "10b", 10 }, { "10B", 10 }, { "1k", 1024 },
		{ "1K", 1024 }, { "1kb", 1024 }, { "1KiB", 1024 }, { "64m", 64 << 20 },
		{ "64MB", 64 << 20 }, { "1g", 1 << 30 }, { "1Gib", 1 << 30 },
		{ "2t", UINT64_C(2) << 40 }, { "16777215t", UINT64_C(16777215) << 40 },
		{ "18446744073709551615", UINT64_MAX },
		{ "1.5g", UINT64_C(3) << 29 }, { "0.5KiB", 512 }, { "2.0m", 2 << 20 },
		{ "1.0009765625k", 1025 }, { "0.0009k", 0 }, { "0.1m", 104857 },
		{ "16777215.99999999999999999999t", UINT64_MAX },
	};
	struct ct_err err;

	for (int i = 0; i < COUNT(good); i++) {
		uint64_t bytes = 77;

		ck_assert_msg(ct_parse_size(good[i].text, &bytes, &err) == 0, "%s", good[i].text);
		ck_assert_uint_eq(bytes, good[i].bytes);
	}
}
END_TEST

START_TEST(malformed_sizes_are_refused)
{
	static const char *const bad[] = {
		"", "k", "-1", "+1", " 1", "1 ", "1 k", "1kk", "1kib2", "1i", "1ib", "1bb", "1x",
		"1.5", "1.5b", "1.g", ".5g", "1.5.5g", "1,5g", "0x10", "1p", "1kbx", "max", "1k1", "1@",
	};
	static const char *const huge[] = { "18446744073709551616", "16777216t",
					    "18014398509481984k", "99999999999999999999g" };
	uint64_t bytes = 77;
	struct ct_err err;

	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_msg(ct_parse_size(bad[i], &bytes, &err) == -EINVAL, "%s", bad[i]);
	for (int i = 0; i < COUNT(huge); i++)
		ck_assert_msg(ct_parse_size(huge[i], &bytes, &err) == -ERANGE, "%s", huge[i]);
	ck_assert_uint_eq(bytes, 77);
	ck_err(&err, ERANGE, "must be a size below 16 EiB, not \"99999999999999999999g\"");
	ct_parse_size("x", &bytes, &err);
	ck_err(&err, EINVAL, "must be a size in bytes or with b, k, m, g or t, such as 64m, not "
	       "\"x\"");
}
END_TEST

START_TEST(durations_are_seconds_or_go_like)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 }, { "10", UINT64_C(10000000000) }, { "0s", 0 }, { "1ns", 1 },
		{ "1us", 1000 }, { "1\xc2\xb5s", 1000 }, { "1\xce\xbcs", 1000 },
		{ "250ms", 250000000 }, { "1m30s", UINT64_C(90000000000) },
		{ "1h1m1s1ms1us1ns", UINT64_C(3661001001001) }, { "1.5s", 1500000000 },
		{ "0.5", 500000000 }, { "1.5h", UINT64_C(5400000000000) }, { "0.1ns", 0 },
		{ "0.333333333333333333333333333s", 333333333 }, { "1.25m", UINT64_C(75000000000) },
		{ "18446744073s", UINT64_C(18446744073000000000) },
		{ "18446744073709551615ns", UINT64_MAX },
	};
	struct ct_err err;

	for (int i = 0; i < COUNT(good); i++) {
		uint64_t ns = 77;

		ck_assert_msg(ct_parse_duration(good[i].text, &ns, &err) == 0, "%s", good[i].text);
		ck_assert_msg(ns == good[i].ns, "%s: %llu", good[i].text, (unsigned long long)ns);
	}
}
END_TEST

START_TEST(malformed_durations_are_refused)
{
	static const char *const bad[] = {
		"", "s", "-1s", "-1", "+1s", " 1s", "1s ", "1m30", "1 s", "1x", "1d", "1.s", ".5s",
		".", "1..5s", "1.5.5s", "1S", "1sm", "1s1", "0x1s", "1e3s", "1.", "ms",
		"99999999999999999999x",
	};
	static const char *const huge[] = { "18446744074", "18446744073709551616ns", "5124096h",
					    "18446744073709551615ns1ns", "99999999999999999999s",
					    "18446744073.8s", "18446744074s1s" };
	uint64_t ns = 77;
	struct ct_err err;

	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_msg(ct_parse_duration(bad[i], &ns, &err) == -EINVAL, "%s", bad[i]);
	ck_err(&err, EINVAL, "must be seconds or a duration such as 1m30s or 250ms, not "
	       "\"99999999999999999999x\"");
	for (int i = 0; i < COUNT(huge); i++)
		ck_assert_msg(ct_parse_duration(huge[i], &ns, &err) == -ERANGE, "%s", huge[i]);
	ck_err(&err, ERANGE, "must be a duration below 584 years, not \"18446744074s1s\"");
	ck_assert_uint_eq(ns, 77);
}
END_TEST

START_TEST(modes_are_octal)
{
	static const char *const bad[] = { "", "8", "0o755", "0x1", "-1", "755 ", "rwx", "7558",
					   "99999" };
	uint32_t mode = 77;
	struct ct_err err;

	ck_assert_int_eq(ct_parse_mode("755", &mode, &err), 0);
	ck_assert_uint_eq(mode, 0755);
	ck_assert_int_eq(ct_parse_mode("00001777", &mode, &err), 0);
	ck_assert_uint_eq(mode, 01777);
	ck_assert_int_eq(ct_parse_mode("7777", &mode, &err), 0);
	ck_assert_uint_eq(mode, 07777);
	ck_assert_int_eq(ct_parse_mode("10000", &mode, &err), -ERANGE);
	ck_assert_int_eq(ct_parse_mode("77777777777777777777", &mode, &err), -ERANGE);
	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_msg(ct_parse_mode(bad[i], &mode, &err) == -EINVAL, "%s", bad[i]);
	ck_assert_uint_eq(mode, 07777);
	ck_err(&err, EINVAL, "must be an octal mode 0...7777, not \"99999\"");
}
END_TEST

START_TEST(truth_has_eight_spellings)
{
	static const char *const yes[] = { "true", "TRUE", "1", "yes", "Yes", "on" };
	static const char *const no[] = { "false", "False", "0", "no", "NO", "off" };
	static const char *const bad[] = { "", "2", "t", "y", "truee", " true", "enabled", "01" };
	struct ct_err err;
	bool value;

	for (int i = 0; i < COUNT(yes); i++) {
		value = false;
		ck_assert_int_eq(ct_parse_bool(yes[i], &value, &err), 0);
		ck_assert(value);
		ck_assert_int_eq(ct_parse_bool(no[i], &value, &err), 0);
		ck_assert(!value);
	}
	value = true;
	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_int_eq(ct_parse_bool(bad[i], &value, &err), -EINVAL);
	ck_assert(value);
	ck_err(&err, EINVAL, "must be true or false, not \"01\"");
}
END_TEST

START_TEST(names_are_checked_and_shown_escaped)
{
	static const char *const good[] = { "a", "0", "A_b.c-d", "centos_bash", "9-" };
	static const char *const bad[] = { "", ".", "..", "-a", "_a", ".a", "a/b", "a b", "a\n",
					   "\xc3\xa9", "a:b", "a\\", "../x", "a\033" };
	char name[CT_NAME_MAX + 2];
	struct ct_err err;

	for (int i = 0; i < COUNT(good); i++)
		ck_assert_int_eq(ct_check_name(good[i], &err), 0);
	for (int i = 0; i < COUNT(bad); i++)
		ck_assert_msg(ct_check_name(bad[i], &err) == -EINVAL, "%s", bad[i]);
	ck_assert_str_eq(err.what, "must be 1...128 of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the "
			 "first a letter or digit, not \"a\\x1b\"");
	memset(name, 'n', sizeof(name));
	name[CT_NAME_MAX] = '\0';
	ck_assert_int_eq(ct_check_name(name, &err), 0);
	name[CT_NAME_MAX] = 'n';
	name[CT_NAME_MAX + 1] = '\0';
	ck_assert_int_eq(ct_check_name(name, &err), -EINVAL);
}
END_TEST

START_TEST(a_megabyte_is_refused_in_a_line)
{
	char *text = malloc(1 << 20);
	uint64_t value = 0;
	struct ct_err err;

	ck_assert_ptr_nonnull(text);
	memset(text, '9', (1 << 20) - 1);
	text[(1 << 20) - 1] = '\0';
	ck_assert_int_eq(ct_parse_u64(text, 0, 10, &value, &err), -ERANGE);
	ck_assert_ptr_nonnull(strstr(err.what, "99...\""));
	ck_assert_uint_lt(strlen(err.what), 200);
	free(text);
}
END_TEST

Suite *suite_num(void);
Suite *suite_num(void)
{
	Suite *s = suite_create("num");
	TCase *tc = tcase_create("num");

	tcase_add_loop_test(tc, malformed_ids_are_refused_with_the_bounds, 0, COUNT(bad_ids));
	tcase_add_test(tc, good_ids_mean_themselves);
	tcase_add_test(tc, unsigned_bounds_are_inclusive);
	tcase_add_test(tc, signed_numbers_reach_both_ends);
	tcase_add_test(tc, sizes_are_powers_of_1024);
	tcase_add_test(tc, malformed_sizes_are_refused);
	tcase_add_test(tc, durations_are_seconds_or_go_like);
	tcase_add_test(tc, malformed_durations_are_refused);
	tcase_add_test(tc, modes_are_octal);
	tcase_add_test(tc, truth_has_eight_spellings);
	tcase_add_test(tc, names_are_checked_and_shown_escaped);
	tcase_add_test(tc, a_megabyte_is_refused_in_a_line);
	suite_add_tcase(s, tc);
	return s;
}
