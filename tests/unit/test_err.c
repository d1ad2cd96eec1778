/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: what each call fills in, that it is cut where it must be, and that what comes
 * out is fit for a terminal whatever went in. Runs unprivileged, touches nothing.
 */
#include <cattach/err.h>

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

START_TEST(fail_fills_everything_and_returns_the_negative_code)
{
	struct ct_err err;

	memset(&err, 'x', sizeof(err));
	ck_assert_int_eq(ct_fail(&err, ENOENT, "no such directory: %s", "/nope"), -ENOENT);
	ck_assert_int_eq(err.code, ENOENT);
	ck_assert_int_eq(err.exit, CT_EXIT_FAILED);
	ck_assert_str_eq(err.where, "");
	ck_assert_str_eq(err.what, "no such directory: /nope");
	ck_assert_str_eq(err.hint, "");
}
END_TEST

START_TEST(a_failure_is_negative_whatever_the_code_was)
{
	struct ct_err err;

	ck_assert_int_eq(ct_fail(&err, 0, "x"), -EINVAL);
	ck_assert_int_eq(ct_fail(&err, -EPERM, "x"), -EPERM);
	ck_assert_int_eq(err.code, EPERM);
	ck_assert_int_eq(ct_fail_errno(&err, -EPERM, "x"), -EPERM);
	ck_err(&err, EPERM, "x: Operation not permitted");
}
END_TEST

START_TEST(fail_errno_appends_the_reason_and_never_cuts_it)
{
	struct ct_err err;
	char path[2000];

	ct_fail_errno(&err, EACCES, "cannot open %s", "/a");
	ck_err(&err, EACCES, "cannot open /a: Permission denied");
	ct_fail_errno(&err, 4000, "cannot open %s", "/a");
	ck_err(&err, 4000, "cannot open /a: error 4000");

	memset(path, 'p', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	ct_fail_errno(&err, EACCES, "cannot open %s", path);
	ck_assert_ptr_nonnull(strstr(err.what, "pp...: Permission denied"));
	ck_assert_uint_eq(strlen(err.what), sizeof(err.what) - 1);
}
END_TEST

START_TEST(wrap_puts_places_in_front_of_each_other)
{
	struct ct_err err;

	ct_fail(&err, ENOENT, "no such directory: /nope");
	ck_assert_int_eq(ct_wrap(&err, "mounts[%d].source", 3), -ENOENT);
	ck_assert_int_eq(ct_wrap(&err, "config.json:41:7"), -ENOENT);
	ct_hint(&err, "mkdir %s", "/nope");
	ck_err(&err, ENOENT,
	       "config.json:41:7: mounts[3].source: no such directory: /nope (mkdir /nope)");
}
END_TEST

START_TEST(hint_replaces_and_exit_is_chosen)
{
	struct ct_err err;

	ct_fail(&err, ENOENT, "no such command: x");
	ct_hint(&err, "first");
	ck_assert_int_eq(ct_hint(&err, "second"), -ENOENT);
	ck_assert_int_eq(ct_exit_with(&err, CT_EXIT_NOT_FOUND), -ENOENT);
	ck_assert_int_eq(err.exit, 127);
	ck_err(&err, ENOENT, "no such command: x (second)");
}
END_TEST

START_TEST(an_error_may_be_made_from_its_own_texts)
{
	struct ct_err err;

	ct_fail(&err, EIO, "inner");
	ct_wrap(&err, "place");
	ct_hint(&err, "way out");
	ct_fail(&err, EINVAL, "%s of %s, %s", err.what, err.where, err.hint);
	ck_err(&err, EINVAL, "inner of place, way out");
	ct_wrap(&err, "%s", err.what);
	ck_assert_str_eq(err.where, "inner of place, way out");
}
END_TEST

START_TEST(too_long_texts_are_cut_between_characters_and_say_so)
{
	struct ct_err err;
	char text[3000] = "";

	for (int i = 0; i < 700; i++)
		strcat(text, "\xc3\xa9");	/* e acute: two bytes */
	ct_fail(&err, EINVAL, "%s", text);
	ct_hint(&err, "x%s", text);
	ct_wrap(&err, "%s", text);
	ct_wrap(&err, "x%s", text);
	ct_err_format(&err, text, sizeof(text));
	ck_assert_ptr_null(strstr(text, "\\x"));
	ck_assert_str_eq(err.what + strlen(err.what) - 3, "...");
	ck_assert_str_eq(err.where + strlen(err.where) - 3, "...");
	ck_assert_str_eq(err.hint + strlen(err.hint) - 3, "...");
	ck_assert_uint_ge(strlen(err.what), sizeof(err.what) - 3);
}
END_TEST

START_TEST(errno_is_left_alone)
{
	struct ct_err err;

	errno = EXDEV;
	ct_fail(&err, EINVAL, "%s %d", "x", 1);
	ct_fail_errno(&err, 4000, "x");
	ct_wrap(&err, "y");
	ct_hint(&err, "z");
	ck_assert_int_eq(errno, EXDEV);
}
END_TEST

static const struct {
	const char *raw, *shown;
} escapes[] = {
	{ "plain ~ text", "plain ~ text" },
	{ "back\\slash", "back\\slash" },
	{ "a\nb\tc\rd", "a\\nb\\tc\\x0dd" },
	{ "\033]0;title\007", "\\x1b]0;title\\x07" },
	{ "\033[2J", "\\x1b[2J" },
	{ "\177", "\\x7f" },
	{ "\xc2\x9b" "2J", "\\xc2\\x9b2J" },		/* C1: CSI in one character */
	{ "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\xe2\x80\xae" "exe", "\\xe2\\x80\\xaeexe" },	/* right-to-left override */
	{ "\xe2\x81\xa6", "\\xe2\\x81\\xa6" },		/* isolate */
	{ "\xe2\x80\xa8", "\\xe2\\x80\\xa8" },		/* line separator */
	{ "\xd8\x9c", "\\xd8\\x9c" },			/* Arabic letter mark */
	{ "\xff\xfe", "\\xff\\xfe" },
	{ "\x80", "\\x80" },
	{ "\xc0\xaf", "\\xc0\\xaf" },			/* overlong "/" */
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf" },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },		/* surrogate */
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },	/* above the last character */
	{ "\xf8\x88\x80\x80\x80", "\\xf8\\x88\\x80\\x80\\x80" },
	{ "\xe2\x82", "\\xe2\\x82" },			/* cut short by the end */
	{ "\xe2\x82x", "\\xe2\\x82x" },
	{ "\xf0\x9f\x98", "\\xf0\\x9f\\x98" },
};

START_TEST(hostile_bytes_come_out_harmless)
{
	char line[1024], again[1024];
	struct ct_err err;

	ct_fail(&err, EINVAL, "%s", escapes[_i].raw);
	ct_err_format(&err, line, sizeof(line));
	ck_assert_str_eq(line, escapes[_i].shown);
	/* Escaping what was escaped changes nothing. */
	ct_fail(&err, EINVAL, "%s", line);
	ct_err_format(&err, again, sizeof(again));
	ck_assert_str_eq(again, line);
}
END_TEST

START_TEST(format_fits_every_buffer)
{
	char whole[256], part[256];
	struct ct_err err;
	size_t length;

	ct_fail(&err, EINVAL, "bad \033 name \xc3\xa9");
	ct_wrap(&err, "--name");
	ct_hint(&err, "letters");
	length = ct_err_format(&err, whole, sizeof(whole));
	ck_assert_str_eq(whole, "--name: bad \\x1b name \xc3\xa9 (letters)");
	ck_assert_uint_eq(length, strlen(whole));
	for (size_t size = 0; size <= length + 1; size++) {
		memset(part, '#', sizeof(part));
		length = ct_err_format(&err, part, size);
		ck_assert_int_eq(part[size], '#');
		if (size)
			ck_assert_uint_eq(length, strlen(part));
		length = strlen(whole);
	}
	ck_assert_str_eq(part + length, "");
	ct_err_format(&err, part, 16);
	ck_assert_str_eq(part, "--name: bad ...");
}
END_TEST

START_TEST(an_unterminated_error_from_a_pipe_is_read_within_its_arrays)
{
	struct ct_err *err = malloc(sizeof(*err));
	char line[8192];

	memset(err, 'x', sizeof(*err));
	ck_assert_uint_eq(ct_err_format(err, line, sizeof(line)),
			  sizeof(err->where) + sizeof(err->what) + sizeof(err->hint) + 2 + 3);
	ct_wrap(err, "place");
	ck_assert_uint_lt(strlen(err->where), sizeof(err->where));
	free(err);
}
END_TEST

Suite *suite_err(void);
Suite *suite_err(void)
{
	Suite *s = suite_create("err");
	TCase *tc = tcase_create("fill");

	tcase_add_test(tc, fail_fills_everything_and_returns_the_negative_code);
	tcase_add_test(tc, a_failure_is_negative_whatever_the_code_was);
	tcase_add_test(tc, fail_errno_appends_the_reason_and_never_cuts_it);
	tcase_add_test(tc, wrap_puts_places_in_front_of_each_other);
	tcase_add_test(tc, hint_replaces_and_exit_is_chosen);
	tcase_add_test(tc, an_error_may_be_made_from_its_own_texts);
	tcase_add_test(tc, too_long_texts_are_cut_between_characters_and_say_so);
	tcase_add_test(tc, errno_is_left_alone);
	suite_add_tcase(s, tc);
	tc = tcase_create("format");
	tcase_add_loop_test(tc, hostile_bytes_come_out_harmless, 0,
			    (int)(sizeof(escapes) / sizeof(escapes[0])));
	tcase_add_test(tc, format_fits_every_buffer);
	tcase_add_test(tc, an_unterminated_error_from_a_pipe_is_read_within_its_arrays);
	suite_add_tcase(s, tc);
	return s;
}
