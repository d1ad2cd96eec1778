/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of the stream log on disk: rotation and its bound, how far behind a reader may be that is
 * waited for, and what somebody does to the files meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_writer.h"
#include "fixture.h"
#include "log_fixture.h"

static struct log_fixture f;
static struct ct_cursor cursor;
static struct ct_err err;
static char text[1 << 20];

static void setup(void)
{
	fixture_setup();
	cursor = (struct ct_cursor)CT_CURSOR_INIT;
	err = (struct ct_err){ 0 };
}

/* ---- rotation ---- */

START_TEST(segments_rotate_at_their_size_and_are_bounded_in_number)
{
	struct ct_log_options o = { .max_size = 10000, .max_files = 3 };

	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 100; i++) {
		memset(text, 'a' + i % 26, 992);
		log_bytes(&f, CT_STREAM_STDOUT, text, 992);
		ck_assert_uint_le(log_count_files("log."), 3);
		ck_assert_uint_eq(log_count_files("index."), log_count_files("log."));
	}
	ck_assert_int_eq(log_file_size("log", 6), -1);
	for (uint32_t n = 7; n < 10; n++)
		ck_assert_int_eq(log_file_size("log", n), 10000);
	ck_assert_uint_eq(f.page->first, 7);
	ck_assert_uint_eq(f.page->last, 9);
	/* As many are kept by descriptor as have names. */
	ck_assert_uint_eq(f.page->oldest, 40000);
	log_close(&f);
}
END_TEST

START_TEST(what_somebody_has_linked_or_moved_elsewhere_is_never_emptied)
{
	struct ct_log_options o = { .max_size = 10000, .max_files = 2 };
	int dir = fixture_dir();

	log_open(&f, dir, &o);
	memset(text, 'a', 992);
	for (int i = 0; i < 10; i++)
		log_bytes(&f, CT_STREAM_STDOUT, text, 992);
	ck_assert_int_eq(linkat(dir, "log.0", dir, "kept.0", 0), 0);
	ck_assert_int_eq(linkat(dir, "index.0", dir, "kept.1", 0), 0);
	for (int i = 0; i < 100; i++)
		log_bytes(&f, CT_STREAM_STDOUT, text, 992);
	ck_assert_uint_gt(f.page->oldest, 10000);
	ck_assert_int_eq(log_file_size("kept", 0), 10000);
	ck_assert_int_gt(log_file_size("kept", 1), 0);
	log_close(&f);
}
END_TEST

START_TEST(a_frame_larger_than_a_segment_has_one_for_itself)
{
	struct ct_log_options o = { .max_size = 100, .max_files = 2 };

	log_open(&f, fixture_dir(), &o);
	log_text(&f, CT_STREAM_STDOUT, "a");
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), 1);
	memset(text, 'x', CT_FRAME_MAX);
	log_bytes(&f, CT_STREAM_STDOUT, text, CT_FRAME_MAX);
	log_text(&f, CT_STREAM_STDOUT, "b");
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), CT_FRAME_MAX + 1);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(an_index_of_tiny_frames_is_bounded_too)
{
	struct ct_log_options o = { .max_size = 20000, .max_files = 2 };

	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 5000; i++)
		log_text(&f, CT_STREAM_STDOUT, "x");
	for (uint32_t n = 0; n < 20; n++)
		ck_assert_int_le(log_file_size("index", n), 20000 + CT_PAGE_SIZE);
	ck_assert_uint_eq(log_count_files("log."), 2);
	log_close(&f);
}
END_TEST

START_TEST(a_segment_ends_before_its_entries_cannot_be_counted)
{
	struct ct_log_options o = { .max_size = 1ull << 40, .max_files = 2 };

	log_open(&f, fixture_dir(), &o);
	log_text(&f, CT_STREAM_STDOUT, "a");
	/* As if so many frames had been written, of which the index (sparse) has none. */
	f.writer->entries = UINT32_MAX - 9;
	log_text(&f, CT_STREAM_STDOUT, "b");
	ck_assert_uint_eq(f.page->last, 0);
	ck_assert_uint_eq((uint32_t)f.page->entries, UINT32_MAX - 8);
	log_text(&f, CT_STREAM_STDOUT, "c");
	ck_assert_uint_eq(f.page->last, 1);
	ck_assert_uint_eq(f.page->entries, 1ull << 32 | 1);
	log_close(&f);
}
END_TEST

START_TEST(the_bound_is_what_a_reader_may_be_behind_without_loss)
{
	struct ct_log_options o = { .max_size = 1 << 20, .max_files = 4 };

	log_open(&f, fixture_dir(), &o);
	log_check(ct_log_bound(f.writer) == 3 << 20);
	for (int i = 0; i < 20000; i++) {
		log_bytes(&f, CT_STREAM_STDOUT, text, 992);
		log_check(ct_log_bound(f.writer) <= 3 << 20);
		log_check(ct_log_bound(f.writer) >= 2 << 20);
		log_check(i < 4000 || f.page->committed - f.page->oldest >= ct_log_bound(f.writer));
	}
	log_close(&f);
}
END_TEST

START_TEST(a_reader_within_the_bound_loses_nothing)
{
	/* One file, several, memory alone; frames large, small, and as small as can be. */
	static const struct ct_log_options options[] = {
		{ .max_size = 1 << 20, .max_files = 1 }, { .max_size = 1 << 20, .max_files = 4 },
		{ .memory = true },
	};
	static const size_t sizes[] = { CT_FRAME_MAX, 999, 1 };
	size_t size = sizes[_i % 3];
	uint64_t written = 0, seen = 0;
	int stream;

	log_open(&f, fixture_dir(), &options[_i / 3]);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < (size == CT_FRAME_MAX ? 1000 : 150000); i++) {
		/* As the monitor does it: look, then up to four frames. */
		while (i % 4 == 0 && ct_log_end(f.writer) - cursor.offset > ct_log_bound(f.writer)) {
			ssize_t n = ct_cursor_read(&cursor, text, 50000, &stream, &err);

			log_check(n > 0);
			log_check(sequence_check(text, seen, (size_t)n) == (size_t)n);
			seen += (uint64_t)n;
		}
		sequence_fill(f.frame + CT_FRAME_HEADER, written, size);
		ct_log_append(f.writer, CT_STREAM_STDOUT, f.frame, size);
		written += size;
	}
	for (ssize_t n = 1; n > 0; seen += (uint64_t)n) {
		n = ct_cursor_read(&cursor, text, 50000, &stream, &err);
		log_check(n >= 0);
		log_check(sequence_check(text, seen, (size_t)n) == (size_t)n);
	}
	log_check(ct_cursor_missed(&cursor) == 0);
	log_check(seen == written);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* ---- what somebody does to the files ---- */

/* The writer looks once a second whether its file is still there: let that second be over. */
static void let_it_look(void)
{
	f.writer->look_at = 0;
}

static void damage_name(int how)
{
	if (how != 1)
		ck_assert_int_eq(unlinkat(fixture_dir(), "log.0", 0), 0);
	if (how == 0)
		ck_assert_int_eq(unlinkat(fixture_dir(), "index.0", 0), 0);
	if (how == 1)
		ck_assert_int_eq(renameat(fixture_dir(), "log.0", fixture_dir(), "moved"), 0);
	if (how == 2)
		ck_assert_int_eq(symlinkat("victim", fixture_dir(), "log.0"), 0);
	if (how == 3)
		ck_assert_int_eq(mkfifoat(fixture_dir(), "log.0", 0600), 0);
	if (how == 4)
		fixture_file("log.0", "something else");
}

START_TEST(a_log_that_was_deleted_moved_or_replaced_goes_on_and_is_never_followed)
{
	fixture_file("victim", "untouched");
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "one ");
	damage_name(_i);
	log_text(&f, CT_STREAM_STDOUT, "two ");
	/* The reader comes late: the names lead nowhere, the descriptors do. */
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	log_read_all(&cursor, text, sizeof(text));
	ck_assert_str_eq(text, "one two ");
	let_it_look();
	log_text(&f, CT_STREAM_STDOUT, "three");
	log_read_all(&cursor, text, sizeof(text));
	ck_assert_str_eq(text, "three");
	ct_cursor_close(&cursor);
	/* The next segment is a file of its own. */
	ck_assert_int_eq(log_file_size("log", 1), CT_FRAME_HEADER + 5);
	fixture_read("victim", text, sizeof(text));
	ck_assert_mem_eq(text, "untouched", 9);
	log_close(&f);
}
END_TEST

START_TEST(a_log_that_was_truncated_is_told_of_once_and_read_on)
{
	int ct_autofd fd = -1;
	int stream;

	log_open(&f, fixture_dir(), NULL);
	for (int i = 0; i < 100; i++)
		log_text(&f, CT_STREAM_STDOUT, "lost");
	fd = openat(fixture_dir(), "log.0", O_WRONLY | O_TRUNC | O_CLOEXEC);
	log_text(&f, CT_STREAM_STDOUT, "kept ");
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "damaged record at offset 0 of the log");
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), 5);
	log_text(&f, CT_STREAM_STDOUT, "new");
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), 3);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* Hands out a segment as the monitor does, and drops it before it is read. */
static int open_and_drop(void *arg, uint32_t number, struct ct_segment *ret_segment,
			 struct ct_err *ret_err)
{
	int *drops = arg;
	int r = f.source.open_segment(f.source.arg, number, ret_segment, ret_err);
	struct stat st;

	if (r < 0 || !*drops)
		return r;
	(*drops)--;
	do {
		log_bytes(&f, CT_STREAM_STDOUT, text, 992);
		ck_assert_int_eq(fstat(ret_segment->index, &st), 0);
	} while (st.st_size > 0);
	return 0;
}

START_TEST(a_segment_that_is_dropped_before_it_is_read_is_missed_and_not_damaged)
{
	int drops = 0, stream;
	struct ct_log_source source = { open_and_drop, &drops, NULL };
	uint64_t seen = 0;
	ssize_t n;

	memset(text, 'a', sizeof(text));
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .max_size = 10000, .max_files = 3 });
	source.page = f.page;
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
	for (int i = 0; i < 4; i++) {
		for (int k = 0; k < 20; k++)
			log_bytes(&f, CT_STREAM_STDOUT, text, 992);
		drops = i % 2 + 1;
		while ((n = ct_cursor_read(&cursor, text, sizeof(text), &stream, &err)) > 0)
			seen += (uint64_t)n;
		if (n < 0)
			ck_abort_msg("%s", err.what);
		ck_assert_int_eq(drops, 0);
		ck_assert_uint_eq(seen + cursor.missed, f.page->payload);
	}
	ck_assert_uint_gt(cursor.missed, 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_name_that_is_taken_is_left_alone)
{
	fixture_file("victim", "untouched");
	ck_assert_int_eq(symlinkat("victim", fixture_dir(), "log.0"), 0);
	ck_assert_int_eq(symlinkat("victim", fixture_dir(), "index.1"), 0);
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "x");
	ck_assert_int_eq(log_file_size("log", f.page->last), 9);
	fixture_read("victim", text, sizeof(text));
	ck_assert_mem_eq(text, "untouched", 9);
	log_close(&f);
}
END_TEST

Suite *suite_log_rotation(void)
{
	Suite *s = suite_create("log_rotation");
	TCase *tc = tcase_create("log_rotation");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, segments_rotate_at_their_size_and_are_bounded_in_number);
	tcase_add_test(tc, a_segment_ends_before_its_entries_cannot_be_counted);
	tcase_add_test(tc, what_somebody_has_linked_or_moved_elsewhere_is_never_emptied);
	tcase_add_test(tc, a_frame_larger_than_a_segment_has_one_for_itself);
	tcase_add_test(tc, an_index_of_tiny_frames_is_bounded_too);
	tcase_add_test(tc, the_bound_is_what_a_reader_may_be_behind_without_loss);
	tcase_add_loop_test(tc, a_reader_within_the_bound_loses_nothing, 0, 9);
	tcase_add_loop_test(tc,
		a_log_that_was_deleted_moved_or_replaced_goes_on_and_is_never_followed, 0, 5);
	tcase_add_test(tc, a_log_that_was_truncated_is_told_of_once_and_read_on);
	tcase_add_test(tc, a_segment_that_is_dropped_before_it_is_read_is_missed_and_not_damaged);
	tcase_add_test(tc, a_name_that_is_taken_is_left_alone);
	suite_add_tcase(s, tc);
	return s;
}
