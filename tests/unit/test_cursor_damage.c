/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading stream logs that are torn, damaged or not what they should be: what is whole is given, what
 * is not is told of once, and no reader crashes or goes in circles.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"
#include "log_fixture.h"

static struct log_fixture f;
static struct ct_cursor cursor;
static struct ct_index_entry entry;
static struct ct_err err;
static uint64_t written, seen;
static int stream;
static char text[1 << 20];

static void setup(void)
{
	fixture_setup();
	cursor = (struct ct_cursor)CT_CURSOR_INIT;
	err = (struct ct_err){ 0 };
	written = seen = 0;
}

static void add(size_t size)
{
	sequence_fill(f.frame + CT_FRAME_HEADER, written, size);
	ct_log_append(f.writer, CT_STREAM_STDOUT, f.frame, size);
	written += size;
}

/* One read of at most so many bytes, checked: false when there is nothing more for now. */
static bool read_some(struct ct_cursor *c, size_t size)
{
	ssize_t n = ct_cursor_read(c, text, size, &stream, &err);

	if (n < 0)
		ck_abort_msg("%s", err.what);
	seen += ct_cursor_missed(c);
	log_check(sequence_check(text, seen, (size_t)n) == (size_t)n);
	seen += (uint64_t)n;
	return n > 0;
}

/* ---- torn ---- */

static void truncate_file(const char *name, int64_t size)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_WRONLY | O_CLOEXEC);

	log_check(ftruncate(fd, size) == 0);
}

static void copy_file(const char *from, const char *to)
{
	int ct_autofd in = openat(fixture_dir(), from, O_RDONLY | O_CLOEXEC);
	int ct_autofd out = openat(fixture_dir(), to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
				   0600);
	ssize_t n = read(in, text, sizeof(text));

	log_check(n >= 0);
	log_check(write(out, text, (size_t)n) == n);
}

/* A log whose writer was killed: 5 frames of 100 bytes. */
static void make_killed_log(void)
{
	log_open(&f, fixture_dir(), NULL);
	for (int i = 0; i < 5; i++)
		add(100);
	log_close(&f);
	copy_file("log.0", "saved-log");
	copy_file("index.0", "saved-index");
}

static void check_torn(uint64_t frames, bool torn)
{
	seen = 0;
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	while (read_some(&cursor, 70))
		continue;
	log_check(seen == frames * 100);
	log_check(cursor.torn == torn);
	log_check(ct_cursor_read(&cursor, text, 10, &stream, &err) == 0);
	ct_cursor_close(&cursor);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	for (uint64_t i = 0; i <= frames; i++)
		log_check(ct_cursor_next(&cursor, &entry, text, &err) == 1);
	log_check(ct_cursor_next(&cursor, &entry, text, &err) == 0);
	log_check(cursor.torn == torn);
	ct_cursor_close(&cursor);
}

START_TEST(a_log_torn_at_any_byte_ends_with_its_last_whole_frame)
{
	make_killed_log();
	check_torn(5, false);
	for (int64_t size = 3 * 108; size < 5 * 108; size++) {
		copy_file("saved-log", "log.0");
		truncate_file("log.0", size);
		check_torn((uint64_t)size / 108, true);
	}
}
END_TEST

START_TEST(a_segment_that_a_writer_has_only_just_made_is_no_damage)
{
	make_killed_log();
	close(openat(fixture_dir(), "log.1", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	close(openat(fixture_dir(), "index.1", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, 500);
	ct_cursor_close(&cursor);
	/* Nor for the next run, which begins behind it and counts on. */
	log_open(&f, fixture_dir(), NULL);
	add(100);
	ck_assert_uint_eq(f.page->payload, 600);
	log_exit(&f, 0);
	log_close(&f);
	seen = 0;
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, 600);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(an_index_torn_at_any_byte_ends_the_log_with_its_last_whole_entry)
{
	make_killed_log();
	/* A header, the note about the run, five frames. */
	for (int64_t size = 64 + 4 * 32; size < 64 + 6 * 32; size++) {
		copy_file("saved-index", "index.0");
		truncate_file("index.0", size);
		check_torn((uint64_t)(size - 96) / 32, true);
	}
}
END_TEST

START_TEST(a_run_behind_a_torn_one_is_read_on_into)
{
	make_killed_log();
	truncate_file("log.0", 3 * 108 + 50);
	written = 300;
	log_open(&f, fixture_dir(), NULL);
	ck_assert_uint_eq(ct_log_end(f.writer), 3 * 108);
	add(100);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	seen = 0;
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, 400);
	ck_assert(cursor.torn);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* ---- damaged ---- */

static void poke(const char *name, off_t at, const void *bytes, size_t size)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_WRONLY | O_CLOEXEC);

	log_check(pwrite(fd, bytes, size, at) == (ssize_t)size);
}

START_TEST(a_damaged_header_is_told_of_once_and_passed_over)
{
	static const uint8_t bad[][8] = {
		{ 3, 0, 0, 0, 0, 0, 0, 100 }, { 0, 0, 0, 0, 0, 0, 0, 100 },
		{ 1, 0, 0, 0, 0, 0, 0, 0 },   { 1, 0, 0, 0, 255, 255, 255, 255 },
		{ 1, 1, 0, 0, 0, 0, 0, 100 }, { 1, 0, 0, 0, 0, 1, 0, 1 },
	};

	make_killed_log();
	poke("log.0", 2 * 108, bad[_i], 8);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), 200);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "damaged record at offset 216 of the log");
	seen = 300;
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, 500);
	ct_cursor_close(&cursor);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err),
				 i == 3 ? -EBADMSG : 1);
	ck_err(&err, EBADMSG, "damaged record at offset 216 of the log");
	ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err), 0);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(a_damaged_entry_is_told_of_once_and_hurts_no_byte)
{
	struct ct_index_entry bad = { .kind = 99, .offset = 216 };

	make_killed_log();
	poke("index.0", 64 + 3 * 32, &bad, sizeof(bad));
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	seen = 0;
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, 500);
	ct_cursor_close(&cursor);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 6; i++)
		ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err),
				 i == 3 ? -EBADMSG : 1);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(a_segment_with_a_damaged_index_is_told_of_once_and_passed_over)
{
	struct ct_log_options o = { .max_size = 216, .max_files = 4 };

	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 6; i++)
		add(100);
	log_exit(&f, 0);
	log_close(&f);
	poke("index.1", _i ? 8 : 0, "damaged", 7);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	read_some(&cursor, sizeof(text));
	ck_assert_uint_eq(seen, 200);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "damaged index of segment 1 of the log");
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), 200);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 200);
	ck_assert_uint_eq(sequence_check(text, 400, 200), 200);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(what_is_no_file_is_passed_over)
{
	struct ct_log_options o = { .max_size = 216, .max_files = 4 };

	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 8; i++)
		add(100);
	log_exit(&f, 0);
	log_close(&f);
	/* A link, a FIFO and a directory in the places of segments; and one is gone. */
	ck_assert_int_eq(unlinkat(fixture_dir(), "log.1", 0), 0);
	if (_i == 0)
		ck_assert_int_eq(symlinkat("log.0", fixture_dir(), "log.1"), 0);
	if (_i == 1)
		ck_assert_int_eq(mkfifoat(fixture_dir(), "log.1", 0600), 0);
	if (_i == 2)
		ck_assert_int_eq(mkdirat(fixture_dir(), "log.1", 0700), 0);
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), 200);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, sizeof(text), &stream, &err), 200);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 200);
	ck_assert_uint_eq(sequence_check(text, 400, 200), 200);
	ct_cursor_close(&cursor);
}
END_TEST

/* Reads to the end by bytes and by entries, and finds places; must end, and not crash. */
static void read_whatever(void)
{
	static uint8_t frame[CT_FRAME_MAX];
	int calls = 0;
	ssize_t n;

	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	do {
		n = ct_cursor_read(&cursor, text, 300, &stream, &err);
		log_check(++calls < 5000);
	} while (n > 0 || n == -EBADMSG);
	for (int i = 0; i < 4; i++) {
		int r = i == 0 ? ct_cursor_seek_time(&cursor, (uint64_t)rand() << 32, &err) :
			i == 1 ? ct_cursor_seek_lines(&cursor, (uint64_t)(rand() % 20), &err) :
			i == 2 ? ct_cursor_seek_run(&cursor, rand() % 5 - 2, &err) :
				 ct_cursor_seek_lines(&cursor, 1000, &err);

		calls = 0;
		do {
			r = ct_cursor_next(&cursor, &entry, frame, &err);
			log_check(++calls < 5000);
		} while (r == 1 || r == -EBADMSG);
	}
	ct_cursor_close(&cursor);
}

START_TEST(no_damage_makes_a_reader_crash_or_go_in_circles)
{
	static const char *const names[] = { "log.0", "index.0", "log.1", "index.1", "index.2" };
	struct ct_log_options o = { .max_size = 900, .max_files = 9 };
	char saved[32];

	srand((unsigned)_i);
	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 100; i++)
		log_text(&f, rand() % 2 + 1, i % 3 ? "a line\nand some more" : "\n");
	log_close(&f);
	for (int i = 0; i < 5; i++) {
		snprintf(saved, sizeof(saved), "saved-%d", i);
		copy_file(names[i], saved);
	}
	for (int round = 0; round < 40; round++) {
		for (int hits = rand() % 8; hits >= 0; hits--) {
			const char *name = names[rand() % 5];
			uint64_t value = rand() % 3 ? (uint64_t)rand() : UINT64_MAX;

			if (rand() % 10 == 0)
				truncate_file(name, rand() % 2000);
			else
				poke(name, rand() % 2000, &value, (size_t)(rand() % 8 + 1));
		}
		read_whatever();
		for (int i = 0; i < 5; i++) {
			snprintf(saved, sizeof(saved), "saved-%d", i);
			copy_file(saved, names[i]);
		}
	}
}
END_TEST

Suite *suite_cursor_damage(void)
{
	Suite *s = suite_create("cursor_damage");
	TCase *tc = tcase_create("cursor_damage");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_log_torn_at_any_byte_ends_with_its_last_whole_frame);
	tcase_add_test(tc, a_segment_that_a_writer_has_only_just_made_is_no_damage);
	tcase_add_test(tc, an_index_torn_at_any_byte_ends_the_log_with_its_last_whole_entry);
	tcase_add_test(tc, a_run_behind_a_torn_one_is_read_on_into);
	tcase_add_loop_test(tc, a_damaged_header_is_told_of_once_and_passed_over, 0, 6);
	tcase_add_test(tc, a_damaged_entry_is_told_of_once_and_hurts_no_byte);
	tcase_add_loop_test(tc, a_segment_with_a_damaged_index_is_told_of_once_and_passed_over, 0,
			    2);
	tcase_add_loop_test(tc, what_is_no_file_is_passed_over, 0, 4);
	tcase_add_loop_test(tc, no_damage_makes_a_reader_crash_or_go_in_circles, 0, 6);
	suite_add_tcase(s, tc);
	return s;
}
