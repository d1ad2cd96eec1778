/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ct_process_title(): what ps shows of a process. The tests run in forked children, whose command
 * line is the test program's.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

static size_t read_command_line(char *buf, size_t size)
{
	int fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t n = read(fd, buf, size - 1);

	close(fd);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	return (size_t)n;
}

START_TEST(a_title_replaces_the_command_line)
{
	char before[4096], after[4096];
	size_t n = read_command_line(before, sizeof(before));

	ck_assert_uint_gt(n, 4);
	ck_assert_int_eq(ct_process_title("abc"), 0);
	read_command_line(after, sizeof(after));
	ck_assert_str_eq(after, "abc");
}
END_TEST

START_TEST(nothing_of_the_command_line_is_left_behind_the_title)
{
	char after[4096];
	size_t n;

	ck_assert_int_eq(ct_process_title("x"), 0);
	n = read_command_line(after, sizeof(after));
	for (size_t i = 1; i < n; i++)
		ck_assert_int_eq(after[i], 0);
}
END_TEST

START_TEST(a_long_title_is_cut_to_the_room_there_is)
{
	char title[8192], before[4096], after[8192];
	size_t n = read_command_line(before, sizeof(before));

	memset(title, 't', sizeof(title) - 1);
	title[sizeof(title) - 1] = '\0';
	ck_assert_int_eq(ct_process_title(title), 0);
	read_command_line(after, sizeof(after));
	ck_assert_uint_le(strlen(after), n);
	ck_assert_ptr_nonnull(getenv("PATH"));
}
END_TEST

Suite *suite_title(void);

Suite *suite_title(void)
{
	Suite *s = suite_create("title");
	TCase *t = tcase_create("title");

	tcase_add_test(t, a_title_replaces_the_command_line);
	tcase_add_test(t, nothing_of_the_command_line_is_left_behind_the_title);
	tcase_add_test(t, a_long_title_is_cut_to_the_room_there_is);
	suite_add_tcase(s, t);
	return s;
}
