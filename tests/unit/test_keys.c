/* SPDX-License-Identifier: Apache-2.0 */
/* Detach keys: docker's spelling, and everything that only looks like it. Any user. */
#include <cattach/num.h>

#include <errno.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static const struct {
	const char *text, *bytes;
	size_t count;
} good[] = {
	{ "", "", 0 },
	{ "ctrl-p,ctrl-q", "\x10\x11", 2 },
	{ "ctrl-a,d", "\x01" "d", 2 },
	{ "ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,ctrl-z", "\x00\x1b\x1c\x1d\x1e\x1f\x1a", 7 },
	{ "A,~,!", "A~!", 3 },
};

START_TEST(keys_become_what_a_terminal_sends)
{
	unsigned char keys[CT_KEYS_MAX];
	struct ct_err err;
	size_t count;

	ck_assert_int_eq(ct_parse_keys(good[_i].text, keys, &count, &err), 0);
	ck_assert_uint_eq(count, good[_i].count);
	ck_assert_mem_eq(keys, good[_i].bytes, count);
}
END_TEST

static const char *const bad[] = {
	"bogus", ",", "a,", ",a", "a,,b", "ctrl-", "ctrl-P", "ctrl-pp", "ctrl-1", "CTRL-p", "c-p", " ",
	"\x01", "\x7f", "\xc3\xa9", "ctrl-p ctrl-q", "ctrl-p, ctrl-q",
	"1,2,3,4,5,6,7,8,9,0,1,2,3,4,5,6,7",
};

START_TEST(what_no_terminal_sends_is_refused)
{
	unsigned char keys[CT_KEYS_MAX] = { 'x' };
	struct ct_err err;
	size_t count = 99;

	ck_assert_int_eq(ct_parse_keys(bad[_i], keys, &count, &err), -EINVAL);
	ck_assert_uint_eq(count, 99);
	ck_assert_uint_eq(keys[0], 'x');
	ck_assert_msg(strstr(err.what, "not a sequence of keys: \"") == err.what, "%s", err.what);
}
END_TEST

Suite *suite_keys(void);
Suite *suite_keys(void)
{
	Suite *s = suite_create("keys");
	TCase *tc = tcase_create("keys");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tc, keys_become_what_a_terminal_sends, 0, COUNT(good));
	tcase_add_loop_test(tc, what_no_terminal_sends_is_refused, 0, COUNT(bad));
	suite_add_tcase(s, tc);
	return s;
}
