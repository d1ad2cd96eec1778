/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growable buffer: appends of every kind, escaping, and memory that runs out. Runs
 * unprivileged, touches nothing.
 */
#include <cattach/buf.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

START_TEST(an_empty_buffer_is_an_empty_text)
{
	struct ct_buf ct_autobuf b = { 0 };

	ck_assert_str_eq(ct_buf_text(&b), "");
	ct_buf_add(&b, NULL, 0);
	ct_buf_puts(&b, "");
	ck_assert_str_eq(ct_buf_text(&b), "");
	ck_assert_uint_eq(b.length, 0);
	ck_assert(!b.failed);
}
END_TEST

START_TEST(appends_of_every_kind_follow_each_other)
{
	struct ct_buf ct_autobuf b = { 0 };

	ct_buf_puts(&b, "one ");
	ct_buf_add(&b, "two\0", 4);
	ct_buf_putc(&b, '3');
	ct_buf_printf(&b, " %s %d", "four", 5);
	ct_buf_printf(&b, "%s", "");
	ck_assert_uint_eq(b.length, 16);
	ck_assert_mem_eq(ct_buf_text(&b), "one two\0" "3 four 5", 17);
}
END_TEST

START_TEST(it_grows_through_all_sizes_and_stays_terminated)
{
	struct ct_buf ct_autobuf b = { 0 };

	for (size_t i = 0; i < 5000; i++) {
		if (i % 3)
			ct_buf_putc(&b, (char)('a' + i % 26));
		else
			ct_buf_printf(&b, "%c", (int)('a' + i % 26));
		ck_assert_uint_eq(b.length, i + 1);
		ck_assert_uint_lt(b.length, b.capacity);
		ck_assert_int_eq(b.data[b.length], '\0');
	}
	for (size_t i = 0; i < 5000; i++)
		ck_assert_int_eq(b.data[i], (char)('a' + i % 26));
}
END_TEST

START_TEST(foreign_text_is_escaped_also_with_nul_inside)
{
	struct ct_buf ct_autobuf b = { 0 };

	ct_buf_escaped(&b, "a\0b\033[2J\n\xc3\xa9\xff\xe2\x80\xae", 14);
	ck_assert_str_eq(ct_buf_text(&b), "a\\x00b\\x1b[2J\\n\xc3\xa9\\xff\\xe2\\x80\\xae");
	ct_buf_clear(&b);
	/* A character that the given length cuts is not looked up behind it. */
	ct_buf_escaped(&b, "\xe2\x82\xac", 2);
	ck_assert_str_eq(ct_buf_text(&b), "\\xe2\\x82");
}
END_TEST

START_TEST(clear_keeps_the_memory_and_done_frees_it)
{
	struct ct_buf b = { 0 };
	char *data;

	ct_buf_puts(&b, "something");
	data = b.data;
	ct_buf_clear(&b);
	ck_assert_str_eq(ct_buf_text(&b), "");
	ct_buf_puts(&b, "other");
	ck_assert_ptr_eq(b.data, data);
	ct_buf_done(&b);
	ck_assert_ptr_null(b.data);
	ck_assert_uint_eq(b.capacity, 0);
	ct_buf_done(&b);
}
END_TEST

START_TEST(a_failed_append_sticks_and_leaves_a_clean_beginning)
{
	struct ct_buf ct_autobuf b = { 0 };

	ct_buf_puts(&b, "begin");
	ct_buf_add(&b, "", SIZE_MAX - 2);	/* the length alone is refused */
	ck_assert(b.failed);
	ct_buf_puts(&b, "end");
	ct_buf_printf(&b, "%d", 1);
	ck_assert_str_eq(ct_buf_text(&b), "begin");
	ct_buf_clear(&b);
	ck_assert(!b.failed);
	ct_buf_puts(&b, "new");
	ck_assert_str_eq(ct_buf_text(&b), "new");
}
END_TEST

Suite *suite_buf(void);
Suite *suite_buf(void)
{
	Suite *s = suite_create("buf");
	TCase *tc = tcase_create("buf");

	tcase_add_test(tc, an_empty_buffer_is_an_empty_text);
	tcase_add_test(tc, appends_of_every_kind_follow_each_other);
	tcase_add_test(tc, it_grows_through_all_sizes_and_stays_terminated);
	tcase_add_test(tc, foreign_text_is_escaped_also_with_nul_inside);
	tcase_add_test(tc, clear_keeps_the_memory_and_done_frees_it);
	tcase_add_test(tc, a_failed_append_sticks_and_leaves_a_clean_beginning);
	suite_add_tcase(s, tc);
	return s;
}
