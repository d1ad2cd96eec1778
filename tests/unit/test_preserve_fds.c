/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --preserve-fds: how many, and are they there? Any user.
 */
#include "cli/preserve_fds.h"

#include <check.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fixture.h"

START_TEST(none_is_none)
{
	struct ct_err err = { 0 };
	unsigned count = 7;

	ck_assert_int_eq(ct_preserve_fds(NULL, &count, &err), 0);
	ck_assert_uint_eq(count, 0);
	count = 7;
	ck_assert_int_eq(ct_preserve_fds("0", &count, &err), 0);
	ck_assert_uint_eq(count, 0);
}
END_TEST

/* In a process of its own, whose descriptors from 3 on nobody else needs: with n of them open, the
 * errno of asking for so many. */
static int ask(int n, const char *text)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct ct_err err = { 0 };
		unsigned count = 0;

		close_range(3, ~0u, 0);
		for (int i = 0; i < n; i++)
			dup2(0, 3 + i);
		ct_preserve_fds(text, &count, &err);
		_exit(err.code ? err.code : 100 + (int)count);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(as_many_as_are_open)
{
	ck_assert_int_eq(ask(2, "2"), 102);
	ck_assert_int_eq(ask(2, "1"), 101);
	ck_assert_int_eq(ask(2, "3"), EBADF);
	ck_assert_int_eq(ask(0, "1"), EBADF);
	ck_assert_int_eq(ask(0, "0"), 100);
}
END_TEST

START_TEST(the_one_that_is_missing_is_named)
{
	struct ct_err err = { 0 };
	unsigned count = 7;

	ck_assert_int_eq(ct_preserve_fds("1024", &count, &err), -EBADF);
	ck_assert_str_eq(err.where, "--preserve-fds");
	ck_assert_ptr_nonnull(strstr(err.what, " is not open"));
	ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(what_is_no_number_of_descriptors_is_refused)
{
	static const char *const texts[] = { "", "x", "-1", "+1", " 1", "1 ", "1025", "1e3",
					     "99999999999999999999" };

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct ct_err err = { 0 };
		unsigned count;

		ck_assert_msg(ct_preserve_fds(texts[i], &count, &err) < 0, "\"%s\"", texts[i]);
		ck_assert_str_eq(err.where, "--preserve-fds");
	}
}
END_TEST

Suite *suite_preserve_fds(void)
{
	Suite *s = suite_create("preserve_fds");
	TCase *tc = tcase_create("preserve_fds");

	tcase_add_test(tc, none_is_none);
	tcase_add_test(tc, as_many_as_are_open);
	tcase_add_test(tc, the_one_that_is_missing_is_named);
	tcase_add_test(tc, what_is_no_number_of_descriptors_is_refused);
	suite_add_tcase(s, tc);
	return s;
}
