/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose size the terminal has: each policy, with clients that come, change and go.
 */
#include <check.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "monitor_fixture.h"

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
	l.config.tty = true;
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

static void open_with(enum ct_size_policy policy)
{
	l.config.size_policy = policy;
	loop_open(&l);
}

static void assert_size(uint16_t rows, uint16_t columns)
{
	struct winsize size = { 0 };

	ck_assert_int_eq(ioctl(l.out, TIOCGWINSZ, &size), 0);
	ck_assert_uint_eq(size.ws_row, rows);
	ck_assert_uint_eq(size.ws_col, columns);
}

static void resize(int sock, uint16_t rows, uint16_t columns)
{
	struct ct_message message = { .type = CT_MSG_RESIZE, .rows = rows, .columns = columns };

	loop_send(&l, sock, &message);
}

static void leave(int sock)
{
	close(sock);
	loop_run(&l);
}

START_TEST(the_latest_word_counts_and_then_the_one_before_it)
{
	int a, b;

	open_with(CT_SIZE_LATEST);
	a = loop_sized_client(&l, 0, 24, 80);
	assert_size(24, 80);
	b = loop_sized_client(&l, 0, 50, 100);
	assert_size(50, 100);
	resize(a, 30, 90);
	assert_size(30, 90);
	resize(b, 40, 120);
	assert_size(40, 120);
	leave(b);
	assert_size(30, 90);
	/* The last one leaves: it stays. */
	leave(a);
	assert_size(30, 90);
}
END_TEST

START_TEST(the_smallest_fits_everybody)
{
	int a, b;

	open_with(CT_SIZE_SMALLEST);
	a = loop_sized_client(&l, 0, 24, 120);
	b = loop_sized_client(&l, 0, 50, 80);
	assert_size(24, 80);
	resize(a, 60, 200);
	assert_size(50, 80);
	leave(b);
	assert_size(60, 200);
	leave(a);
}
END_TEST

START_TEST(the_largest_shows_everything_to_somebody)
{
	int a, b;

	open_with(CT_SIZE_LARGEST);
	a = loop_sized_client(&l, 0, 24, 120);
	b = loop_sized_client(&l, 0, 50, 80);
	assert_size(50, 120);
	leave(a);
	assert_size(50, 80);
	leave(b);
}
END_TEST

START_TEST(nobody_resizes_what_is_nobodys)
{
	int a;

	l.config.rows = 10;
	open_with(CT_SIZE_NONE);
	a = loop_sized_client(&l, 0, 24, 120);
	resize(a, 30, 30);
	assert_size(0, 0);
	leave(a);
}
END_TEST

START_TEST(who_may_only_look_does_not_count)
{
	int a, b;

	open_with(CT_SIZE_SMALLEST);
	a = loop_sized_client(&l, 0, 24, 80);
	b = loop_sized_client(&l, CT_HELLO_READ_ONLY, 2, 2);
	assert_size(24, 80);
	leave(b);
	leave(a);
}
END_TEST

/* Row 97. */
START_TEST(sizes_that_are_none_are_ignored_and_the_largest_is_taken)
{
	int a;

	open_with(CT_SIZE_LATEST);
	a = loop_sized_client(&l, 0, 24, 80);
	resize(a, 0, 0);
	resize(a, 0, 80);
	resize(a, 24, 0);
	assert_size(24, 80);
	resize(a, 65535, 65535);
	assert_size(65535, 65535);
	leave(a);
}
END_TEST

START_TEST(without_a_terminal_sizes_mean_nothing)
{
	int a;

	l.config.tty = false;
	loop_open(&l);
	a = loop_sized_client(&l, 0, 24, 80);
	resize(a, 30, 90);
	loop_type(&l, a, "still here");
	loop_expect(a, CT_MSG_ROOM);
	leave(a);
}
END_TEST

static unsigned count_notes(void)
{
	int dir = openat(fixture_dir(), "main", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct ct_log_source source = ct_log_source_of_dir(dir);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_index_entry entry;
	static char buf[CT_FRAME_MAX];
	struct ct_err err = { 0 };
	const struct ct_page *page;
	unsigned count = 0;

	ck_assert_int_eq(ct_page_map(ct_log_page(l.log), &page, &err), 0);
	source.page = page;
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
	while (ct_cursor_next(&cursor, &entry, buf, &err) > 0)
		count += entry.kind == CT_NOTE_RESIZE;
	ct_cursor_close(&cursor);
	ct_page_unmap(page);
	close(dir);
	return count;
}

START_TEST(only_changes_are_applied_and_noted)
{
	int a, b;

	open_with(CT_SIZE_LATEST);
	a = loop_sized_client(&l, 0, 24, 80);
	b = loop_sized_client(&l, 0, 24, 80);
	resize(a, 24, 80);
	resize(b, 24, 80);
	ck_assert_uint_eq(count_notes(), 1);
	resize(b, 25, 80);
	ck_assert_uint_eq(count_notes(), 2);
	leave(a);
	leave(b);
}
END_TEST

Suite *suite_size_policy(void)
{
	Suite *suite = suite_create("size_policy");
	TCase *tc = tcase_create("ct_size_choose");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_latest_word_counts_and_then_the_one_before_it);
	tcase_add_test(tc, the_smallest_fits_everybody);
	tcase_add_test(tc, the_largest_shows_everything_to_somebody);
	tcase_add_test(tc, nobody_resizes_what_is_nobodys);
	tcase_add_test(tc, who_may_only_look_does_not_count);
	tcase_add_test(tc, sizes_that_are_none_are_ignored_and_the_largest_is_taken);
	tcase_add_test(tc, without_a_terminal_sizes_mean_nothing);
	tcase_add_test(tc, only_changes_are_applied_and_noted);
	suite_add_tcase(suite, tc);
	return suite;
}
