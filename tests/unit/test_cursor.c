/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the stream log: bytes and entries, over segments that rotate away, by readers too slow for
 * them, and in several processes at once. What is torn or damaged is in test_cursor_damage.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

/* ---- bytes and entries ---- */

START_TEST(a_read_gives_one_stream_at_a_time_and_joins_its_frames)
{
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "one ");
	log_text(&f, CT_STREAM_STDOUT, "two ");
	log_text(&f, CT_STREAM_STDERR, "error");
	log_text(&f, CT_STREAM_STDOUT, "three");
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 8);
	ck_assert_int_eq(stream, CT_STREAM_STDOUT);
	ck_assert_mem_eq(text, "one two ", 8);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 5);
	ck_assert_int_eq(stream, CT_STREAM_STDERR);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 5);
	ck_assert_int_eq(stream, CT_STREAM_STDOUT);
	ck_assert_mem_eq(text, "three", 5);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 0);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 0, &stream, &err), 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_buffer_of_any_size_gets_all_bytes)
{
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .max_size = 3000 });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 400; i++) {
		add((size_t)(rand() % 40 + 1));
		while (read_some(&cursor, (size_t)(_i ? _i : rand() % 100 + 1)))
			continue;
		log_check(seen == written);
	}
	log_check(cursor.offset == f.page->committed);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(entries_have_frames_times_and_notes_in_order)
{
	struct ct_exit status;
	uint64_t time = 0;

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .tty = true });
	log_text(&f, CT_STREAM_STDOUT, "a");
	ct_log_note(f.writer, CT_NOTE_RESIZE, 5, 0);
	ct_log_note(f.writer, CT_NOTE_RESIZE, 6, 0);
	log_text(&f, CT_STREAM_STDERR, "bc");
	log_exit(&f, 3);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert(!ct_cursor_ended(&cursor, &status));
	for (int i = 0; i < 6; i++) {
		static const uint32_t kinds[] = { CT_NOTE_RUN, 1, CT_NOTE_RESIZE, CT_NOTE_RESIZE,
						  2, CT_NOTE_END };
		static const uint64_t values[] = { 1, 1, 5, 6, 2, 3 };

		ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err), 1);
		ck_assert_uint_eq(entry.kind, kinds[i]);
		ck_assert_uint_eq(entry.value, values[i]);
		ck_assert_uint_ge(entry.time, time);
		time = entry.time;
		if (i == 4)
			ck_assert_mem_eq(text, "bc", 2);
	}
	ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err), 0);
	ck_assert(ct_cursor_ended(&cursor, &status));
	ck_assert_int_eq(ct_exit_code(&status), 3);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(reading_bytes_and_entries_may_be_mixed)
{
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .max_size = 5000 });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 600; i++) {
		add((size_t)(rand() % 60 + 1));
		if (rand() % 5 == 0)
			ct_log_note(f.writer, CT_NOTE_RESIZE, 1, 0);
	}
	while (seen < written) {
		if (rand() % 2) {
			read_some(&cursor, (size_t)(rand() % 100 + 1));
			continue;
		}
		log_check(ct_cursor_next(&cursor, &entry, text, &err) == 1);
		if (entry.kind != CT_STREAM_STDOUT)
			continue;
		log_check(sequence_check(text, seen, entry.value) == entry.value);
		seen += entry.value;
	}
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_log_that_has_not_begun_gives_nothing_until_it_has)
{
	struct ct_exit status;

	log_dir_cursor(fixture_dir(), (enum ct_cursor_start)_i, &cursor);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 10, &stream, &err), 0);
	ck_assert_int_eq(ct_cursor_next(&cursor, &entry, text, &err), 0);
	ck_assert(!ct_cursor_ended(&cursor, &status));
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "begun");
	log_exit(&f, 0);
	log_close(&f);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 10, &stream, &err), 5);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(a_cursor_from_now_gives_only_what_comes)
{
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .max_size = 100 });
	for (int i = 0; i < 20; i++) {
		log_text(&f, CT_STREAM_STDOUT, "before");
		log_cursor(&f, CT_FROM_NOW, &cursor);
		ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 0);
		log_text(&f, CT_STREAM_STDOUT, "after");
		ck_assert_uint_eq(log_read_all(&cursor, text, 100), 5);
		ck_assert_str_eq(text, "after");
		ct_cursor_close(&cursor);
	}
	log_close(&f);
}
END_TEST

START_TEST(an_exit_is_known_only_behind_the_last_byte)
{
	struct ct_exit status;

	log_open(&f, fixture_dir(), NULL);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	log_text(&f, CT_STREAM_STDOUT, "last words");
	log_exit(&f, 9);
	ck_assert(!ct_cursor_ended(&cursor, &status));
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 4, &stream, &err), 4);
	ck_assert(!ct_cursor_ended(&cursor, &status));
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 6);
	ck_assert(ct_cursor_ended(&cursor, &status));
	ck_assert_int_eq(status.value, 9);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* ---- rotation ---- */

START_TEST(rotation_under_a_reader_loses_and_doubles_nothing)
{
	struct ct_log_options o = { .max_size = 20000, .max_files = 3 };

	log_open(&f, fixture_dir(), &o);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 3000; i++) {
		add((size_t)(rand() % 900 + 1));
		/* Never farther behind than what has names. */
		while (f.page->committed - cursor.offset > 30000 || rand() % 4 == 0)
			if (!read_some(&cursor, (size_t)(rand() % 3000 + 1)))
				break;
	}
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ck_assert_uint_gt(f.page->last, 50);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_reader_slower_than_the_bound_is_told_what_it_missed_to_the_byte)
{
	struct ct_log_options o = { .max_size = 20000, .max_files = 2 };
	uint64_t missed = 0;

	log_open(&f, fixture_dir(), &o);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int round = 0; round < 50; round++) {
		size_t burst = (size_t)(rand() % 400);

		for (size_t i = 0; i < burst; i++)
			add((size_t)(rand() % 900 + 1));
		for (int reads = rand() % 10; reads > 0; reads--) {
			ssize_t n = ct_cursor_read(&cursor, text, (size_t)(rand() % 3000 + 1),
						   &stream, &err);
			uint64_t lost = ct_cursor_missed(&cursor);

			log_check(n >= 0);
			missed += lost;
			seen += lost;
			log_check(sequence_check(text, seen, (size_t)n) == (size_t)n);
			seen += (uint64_t)n;
		}
	}
	while (read_some(&cursor, sizeof(text)))
		continue;
	log_check(seen == written);
	log_check(missed > 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* Of the first run, and of a later one. */
START_TEST(who_reads_a_run_from_its_beginning_is_told_what_is_gone_of_it)
{
	struct ct_log_options o = { .max_size = 20000, .max_files = 2 };

	log_open(&f, fixture_dir(), &o);
	if (_i) {
		for (int i = 0; i < 30; i++)
			add(700);
		log_close(&f);
		log_open(&f, fixture_dir(), &o);
	}
	seen = written;
	for (int i = 0; i < 400; i++)
		add(900);
	log_cursor(&f, CT_FROM_RUN, &cursor);
	ck_assert_uint_gt(cursor.missed, 200000);
	while (read_some(&cursor, sizeof(text)))
		continue;
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(what_was_missed_comes_as_a_note_among_entries_and_is_counted_once)
{
	struct ct_log_options o = { .max_size = 20000, .max_files = 2 };
	unsigned gaps = 0;
	int r;

	log_open(&f, fixture_dir(), &o);
	add(10);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < 300; i++)
			add((size_t)(rand() % 900 + 1));
		/* Begin in the middle of a frame every other time. */
		if (round % 2)
			read_some(&cursor, 5);
		while ((r = ct_cursor_next(&cursor, &entry, text, &err)) == 1) {
			if (entry.kind == CT_STREAM_STDOUT)
				log_check(sequence_check(text, seen, entry.value) == entry.value);
			gaps += entry.kind == CT_NOTE_GAP;
			if (entry.kind == CT_NOTE_GAP || entry.kind == CT_STREAM_STDOUT)
				seen += entry.value;
		}
		log_check(r == 0);
		log_check(seen == written);
	}
	log_check(gaps >= 3);
	log_check(ct_cursor_missed(&cursor) == 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_reader_whose_writer_and_segments_are_gone_comes_to_the_end)
{
	struct ct_log_source source;
	struct ct_exit status;

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	add(1000);
	log_exit(&f, 4);
	/* Nothing of it is in the directory. */
	source = ct_log_source_of_dir(fixture_dir());
	source.page = f.page;
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
	ck_assert_int_eq(ct_cursor_read(&cursor, text, 100, &stream, &err), 0);
	ck_assert(ct_cursor_ended(&cursor, &status));
	ck_assert_int_eq(status.value, 4);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* ---- processes ---- */

#define TOTAL	(100u << 20)

/* FNV-1a over words: fast enough not to be what is measured. */
static uint64_t sum_of(uint64_t sum, const char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sum = (sum ^ (uint8_t)bytes[i]) * 0x100000001b3ull;
	return sum;
}

static void follow_to_the_end(int result)
{
	struct ct_log_source source = ct_log_source_of_dir(fixture_dir());
	uint64_t sum = 0, size = 0;
	struct ct_exit status;

	source.page = f.page;
	log_check(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err) == 0);
	while (!ct_cursor_ended(&cursor, &status)) {
		ssize_t n = ct_cursor_read(&cursor, text, 65536, &stream, &err);

		if (n < 0)
		ck_abort_msg("%s", err.what);
		sum = sum_of(sum, text, (size_t)n);
		size += (uint64_t)n;
		if (n == 0)
			sched_yield();
	}
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ct_cursor_close(&cursor);
	ck_assert_uint_eq(size, TOTAL);
	ck_assert_int_eq(write(result, &sum, sizeof(sum)), sizeof(sum));
	_exit(0);
}

START_TEST(three_readers_get_the_same_hundred_megabytes_as_the_writer_wrote)
{
	struct ct_log_options o = { .max_size = 8 << 20, .max_files = 20 };
	uint64_t sum = 0, got;
	int result[2], status;

	ck_assert_int_eq(pipe2(result, O_CLOEXEC), 0);
	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 3; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			follow_to_the_end(result[1]);
	}
	for (uint64_t at = 0; at < TOTAL;) {
		size_t size = (size_t)(rand() % 3 ? rand() % CT_FRAME_MAX : rand() % 100) + 1;

		size = size < TOTAL - at ? size : (size_t)(TOTAL - at);
		memset(f.frame + CT_FRAME_HEADER, rand(), size);
		sum = sum_of(sum, (char *)f.frame + CT_FRAME_HEADER, size);
		ct_log_append(f.writer, rand() % 2 + 1, f.frame, size);
		at += size;
	}
	log_exit(&f, 0);
	for (int i = 0; i < 3; i++) {
		wait(&status);
		ck_assert_int_eq(status, 0);
		ck_assert_int_eq(read(result[0], &got, sizeof(got)), sizeof(got));
		ck_assert_uint_eq(got, sum);
	}
	close(result[0]);
	close(result[1]);
	log_close(&f);
}
END_TEST

Suite *suite_cursor(void)
{
	Suite *s = suite_create("cursor");
	TCase *tc = tcase_create("cursor");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_read_gives_one_stream_at_a_time_and_joins_its_frames);
	tcase_add_loop_test(tc, a_buffer_of_any_size_gets_all_bytes, 0, 12);
	tcase_add_test(tc, entries_have_frames_times_and_notes_in_order);
	tcase_add_test(tc, reading_bytes_and_entries_may_be_mixed);
	tcase_add_loop_test(tc, a_log_that_has_not_begun_gives_nothing_until_it_has, 0, 3);
	tcase_add_test(tc, a_cursor_from_now_gives_only_what_comes);
	tcase_add_test(tc, an_exit_is_known_only_behind_the_last_byte);
	tcase_add_test(tc, rotation_under_a_reader_loses_and_doubles_nothing);
	tcase_add_test(tc, a_reader_slower_than_the_bound_is_told_what_it_missed_to_the_byte);
	tcase_add_loop_test(tc, who_reads_a_run_from_its_beginning_is_told_what_is_gone_of_it, 0, 2);
	tcase_add_test(tc, what_was_missed_comes_as_a_note_among_entries_and_is_counted_once);
	tcase_add_test(tc, a_reader_whose_writer_and_segments_are_gone_comes_to_the_end);
	tcase_add_test(tc, three_readers_get_the_same_hundred_megabytes_as_the_writer_wrote);
	suite_add_tcase(s, tc);
	return s;
}
