/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes as JSON strings and base64. Pure functions.
 */
#include <cattach/encode.h>

#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *data;
	size_t size;
	bool good;
	size_t whole;
} texts[] = {
	{ "", 0, true, 0 }, { "abc", 3, true, 3 }, { "a\0b", 3, true, 3 },
	{ "\xc3\xbc", 2, true, 2 }, { "\xc3", 1, false, 0 }, { "ab\xc3", 3, false, 2 },
	{ "\xe2\x82\xac", 3, true, 3 }, { "x\xe2\x82", 3, false, 1 }, { "x\xe2", 2, false, 1 },
	{ "\xf0\x9f\x98\x80", 4, true, 4 }, { "\xf0\x9f\x98", 3, false, 0 },
	/* bad in themselves: nothing to wait for */
	{ "\xff", 1, false, 1 }, { "\x80", 1, false, 1 }, { "a\x80\x80\x80\x80", 5, false, 5 },
	{ "\xc0\xaf", 2, false, 2 }, { "\xed\xa0\x80", 3, false, 3 }, { "\xc3x", 2, false, 2 },
};

START_TEST(utf8_is_told_from_other_bytes_and_never_cut)
{
	ck_assert_int_eq(ct_is_utf8(texts[_i].data, texts[_i].size), texts[_i].good);
	ck_assert_uint_eq(ct_utf8_whole(texts[_i].data, texts[_i].size), texts[_i].whole);
}
END_TEST

static const struct {
	const char *data;
	size_t size;
	const char *json, *base64;
} coded[] = {
	{ "", 0, "\"\"", "" }, { "a", 1, "\"a\"", "YQ==" }, { "ab", 2, "\"ab\"", "YWI=" },
	{ "abc", 3, "\"abc\"", "YWJj" }, { "abcd", 4, "\"abcd\"", "YWJjZA==" },
	{ "a\"b\\c", 5, "\"a\\\"b\\\\c\"", "YSJiXGM=" },
	{ "\n\r\t\0\x1b\x7f", 6, "\"\\n\\r\\t\\u0000\\u001b\\u007f\"", "Cg0JABt/" },
	{ "\xc3\xbc\xe2\x82\xac", 5, "\"\xc3\xbc\xe2\x82\xac\"", "w7zigqw=" },
	{ "\xfb\xff\xbf", 3, NULL, "+/+/" },
};

START_TEST(bytes_become_json_and_base64)
{
	struct ct_buf ct_autobuf json = {0}, base64 = {0};

	if (coded[_i].json) {
		ct_buf_json(&json, coded[_i].data, coded[_i].size);
		ck_assert_str_eq(ct_buf_text(&json), coded[_i].json);
	}
	ct_buf_base64(&base64, coded[_i].data, coded[_i].size);
	ck_assert_str_eq(ct_buf_text(&base64), coded[_i].base64);
}
END_TEST

Suite *suite_encode(void);
Suite *suite_encode(void)
{
	Suite *s = suite_create("encode");
	TCase *tc = tcase_create("encode");

	tcase_add_loop_test(tc, utf8_is_told_from_other_bytes_and_never_cut, 0, COUNT(texts));
	tcase_add_loop_test(tc, bytes_become_json_and_base64, 0, COUNT(coded));
	suite_add_tcase(s, tc);
	return s;
}
