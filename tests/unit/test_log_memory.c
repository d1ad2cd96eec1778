/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream log when the disk takes no more, or was never asked: memory segments, what is lost
 * when even those are full, and the way back. Full disks are small tmpfs mounts in a namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_writer.h"
#include "fixture.h"
#include "log_fixture.h"

static struct log_fixture f;
static struct ct_cursor cursor;
static struct ct_err err;
static uint8_t buffer[1 << 20];
static uint64_t written, seen;

static void setup(void)
{
	fixture_setup();
	cursor = (struct ct_cursor)CT_CURSOR_INIT;
	err = (struct ct_err){ 0 };
	written = seen = 0;
}

/* Append the next bytes of the sequence. */
static void add(size_t size)
{
	sequence_fill(f.frame + CT_FRAME_HEADER, written, size);
	ct_log_append(f.writer, CT_STREAM_STDOUT, f.frame, size);
	written += size;
}

/* Read what there is; every byte must be the one that belongs at its place, behind what is lost. */
static void follow(struct ct_cursor *c)
{
	for (;;) {
		int stream;
		ssize_t n = ct_cursor_read(c, buffer, sizeof(buffer), &stream, &err);

		if (n < 0)
			ck_abort_msg("%s", err.what);
		if (n == 0)
			return;
		seen += ct_cursor_missed(c);
		log_check(sequence_check(buffer, seen, (size_t)n) == (size_t)n);
		seen += (uint64_t)n;
	}
}

static void wait_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Until the writer has tried the disk again, and it worked. */
static void return_to_disk(void)
{
	for (int i = 0; i < 200 && f.writer->slot >= 0; i++) {
		wait_ms(20);
		add(100);
	}
	ck_assert_int_lt(f.writer->slot, 0);
}

static void fill_disk(int dir)
{
	int ct_autofd fd = openat(dir, "ballast", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	for (size_t size = 65536; size > 0; size /= 2)
		while (write(fd, buffer, size) > 0)
			continue;
}

static void free_disk(int dir)
{
	ck_assert_int_eq(unlinkat(dir, "ballast", 0), 0);
}

/* What the directory alone tells, as after the monitor's end. */
static void read_directory(int dir, struct ct_cursor *c)
{
	seen = 0;
	log_dir_cursor(dir, CT_FROM_OLDEST, c);
	follow(c);
	ct_cursor_close(c);
}

static int count_named(int dir)
{
	char name[32];
	int count = 0;

	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "log.%d", i);
		count += faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	}
	return count;
}

/* ---- log driver none ---- */

START_TEST(without_a_disk_the_log_is_in_memory_alone)
{
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 2000; i++) {
		add(10007);
		if (i % 100 == 0)
			follow(&cursor);
	}
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(log_count_files("log."), 0);
	/* To forget is what was asked for: nothing of it is a gap. */
	ck_assert_uint_eq(f.page->lost, 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(what_memory_has_forgotten_is_missed_to_the_byte)
{
	struct ct_index_entry e;
	uint64_t gap = 0, got = 0;
	int r;

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	add(77);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	follow(&cursor);
	/* By notes: what was missed comes as a note, in its place. */
	for (int i = 0; i < 3000; i++)
		add(_i ? 10007 : (size_t)i + 1);
	while ((r = ct_cursor_next(&cursor, &e, buffer, &err)) == 1) {
		if (e.kind == CT_NOTE_GAP) {
			log_check(got == 0);
			gap += e.value;
		} else if (e.kind == CT_STREAM_STDOUT) {
			log_check(sequence_check(buffer, 77 + gap + got, e.value) == e.value);
			got += e.value;
		}
	}
	ck_assert_int_eq(r, 0);
	ck_assert_uint_eq(77 + gap + got, written);
	if (_i)
		ck_assert_uint_gt(gap, 0);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_reader_in_recycled_memory_never_gets_bytes_of_another_place)
{
	struct ct_cursor readers[8];
	uint64_t places[8] = { 0 };

	/* Frames of one size: a new one stands exactly where an old one stood. */
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	for (int i = 0; i < 8; i++)
		log_cursor(&f, CT_FROM_OLDEST, &readers[i]);
	for (int i = 0; i < 40000; i++) {
		int k = rand() % 8, stream;
		ssize_t n;

		add(1016);
		if (rand() % 10)
			continue;
		n = ct_cursor_read(&readers[k], buffer, (size_t)(rand() % 5000 + 1), &stream, &err);
		log_check(n >= 0);
		places[k] += ct_cursor_missed(&readers[k]);
		log_check(sequence_check(buffer, places[k], (size_t)n) == (size_t)n);
		places[k] += (uint64_t)n;
	}
	for (int i = 0; i < 8; i++) {
		seen = places[i];
		follow(&readers[i]);
		log_check(seen == written);
		ct_cursor_close(&readers[i]);
	}
	log_close(&f);
}
END_TEST

START_TEST(many_tiny_frames_fill_the_index_of_memory_first)
{
	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	for (int i = 0; i < 100000; i++)
		add(1);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	seen = written - (f.page->committed - f.page->oldest) / 9;
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

/* ---- full disks ---- */

static void go_through_a_full_disk(int dir)
{
	log_open(&f, dir, NULL);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 100; i++)
		add(1000);
	fill_disk(dir);
	for (int i = 0; i < 3000; i++)
		add(1000);
	ck_assert(f.page->memory[0] || f.page->memory[1]);
	ck_assert_uint_eq(f.page->lost, 0);
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	free_disk(dir);
	return_to_disk();
	for (int i = 0; i < 100; i++)
		add(1000);
	/* Back, with all that was in memory. */
	log_exit(&f, 3);
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	ct_cursor_close(&cursor);
	log_close(&f);
	read_directory(dir, &cursor);
	ck_assert_uint_eq(seen, written);
}

START_TEST(a_disk_that_was_full_for_a_while_costs_nothing)
{
	in_small_disk("size=16m", go_through_a_full_disk);
}
END_TEST

/* Of those that stand in front of a segment. */
static uint64_t sum_of_gap_notes(int dir)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < 100; i++) {
		struct ct_segment s = CT_SEGMENT_INIT;
		struct ct_index_entry e;

		if (ct_segment_open_at(dir, i, O_RDONLY, &s) < 0)
			continue;
		ck_assert_int_eq(ct_segment_entry(&s, 0, &e), 0);
		if (e.kind == CT_NOTE_GAP)
			sum += e.value;
		ct_segment_close(&s);
	}
	return sum;
}

static void lose_what_memory_cannot_hold(int dir)
{
	struct ct_index_entry e;
	uint64_t lost, at = 0, noted = 0;
	int r;

	log_open(&f, dir, NULL);
	add(1000);
	fill_disk(dir);
	for (int i = 0; i < 30000; i++)
		add(1000);
	lost = f.page->lost;
	log_check(lost > 15000000);
	log_check(lost < written - LOG_MEMORY_SIZE);
	free_disk(dir);
	return_to_disk();
	add(1000);
	log_check(f.page->lost == lost);
	log_exit(&f, 0);
	log_close(&f);
	/* The gap is told exactly, and where it is, by reading... */
	log_dir_cursor(dir, CT_FROM_OLDEST, &cursor);
	while ((r = ct_cursor_next(&cursor, &e, buffer, &err)) == 1) {
		if (e.kind == CT_NOTE_GAP) {
			noted += e.value;
			at += e.value;
		} else if (e.kind == CT_STREAM_STDOUT) {
			log_check(sequence_check(buffer, at, e.value) == e.value);
			at += e.value;
		}
	}
	log_check(r == 0);
	log_check(noted == lost);
	log_check(at == written);
	ct_cursor_close(&cursor);
	/* ...and by the note in the index, to who comes only behind it. */
	log_check(sum_of_gap_notes(dir) == lost);
}

START_TEST(what_even_memory_cannot_hold_is_a_gap_that_is_counted_and_noted)
{
	in_small_disk("size=24m", lose_what_memory_cannot_hold);
}
END_TEST

static void end_on_a_full_disk(int dir)
{
	uint64_t before;

	log_open(&f, dir, NULL);
	add(1000);
	before = written;
	fill_disk(dir);
	add(5000);
	add(5000);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	log_exit(&f, 0);
	/* Who has the page knows it all, and what the disk will never have is counted. */
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(f.page->lost, 10000);
	ct_cursor_close(&cursor);
	log_close(&f);
	read_directory(dir, &cursor);
	ck_assert_uint_eq(seen, before);
}

START_TEST(a_run_that_ends_on_a_full_disk_leaves_a_whole_log)
{
	in_small_disk("size=1m", end_on_a_full_disk);
}
END_TEST

static void start_on_a_full_disk(int dir)
{
	fill_disk(dir);
	log_open(&f, dir, NULL);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	add(1000);
	follow(&cursor);
	ck_assert_uint_eq(seen, 1000);
	free_disk(dir);
	wait_ms(300);
	/* Nothing is written, yet it comes back by itself. */
	for (int i = 0; i < 100 && ct_log_wake_due(f.writer) >= 0; i++) {
		wait_ms(ct_log_wake_due(f.writer) / 1000000 + 1);
		ct_log_wake_now(f.writer);
	}
	ck_assert_int_eq(count_named(dir), 2);
	add(1000);
	log_exit(&f, 0);
	follow(&cursor);
	ct_cursor_close(&cursor);
	log_close(&f);
	read_directory(dir, &cursor);
	ck_assert_uint_eq(seen, 2000);
}

START_TEST(a_start_on_a_full_disk_works_and_goes_to_disk_when_there_is_room)
{
	in_small_disk("size=1m", start_on_a_full_disk);
}
END_TEST

/* Room for so many pages, then none: wherever it ends, no frame is torn or lost. */
static void end_of_disk_anywhere(int dir)
{
	int ct_autofd ballast = openat(dir, "ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	fill_disk(dir);
	for (int pages = 0; pages < 24; pages++) {
		written = seen = 0;
		ck_assert_int_eq(ftruncate(ballast, (1 << 20) - pages * 4096), 0);
		log_open(&f, dir, NULL);
		log_cursor(&f, CT_FROM_RUN, &cursor);
		for (int i = 0; i < 60; i++)
			add((size_t)(rand() % 4000) + 1);
		follow(&cursor);
		ck_assert_uint_eq(seen, written);
		ct_cursor_close(&cursor);
		log_close(&f);
		log_dir_cursor(dir, CT_FROM_OLDEST, &cursor);
		seen = 0;
		follow(&cursor);
		ck_assert(!cursor.torn);
		ct_cursor_close(&cursor);
		for (int i = 0; i < 10; i++) {
			char name[32];

			snprintf(name, sizeof(name), "log.%d", i);
			unlinkat(dir, name, 0);
			snprintf(name, sizeof(name), "index.%d", i);
			unlinkat(dir, name, 0);
		}
		fill_disk(dir);
	}
}

START_TEST(wherever_the_disk_ends_no_frame_is_torn)
{
	in_small_disk("size=1m", end_of_disk_anywhere);
}
END_TEST

static void flap(int dir)
{
	log_open(&f, dir, &(struct ct_log_options){ .max_size = 1 << 20, .max_files = 4 });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 3; i++) {
		fill_disk(dir);
		for (int k = 0; k < 20; k++)
			add(10000);
		free_disk(dir);
		return_to_disk();
		for (int k = 0; k < 20; k++)
			add(10000);
		follow(&cursor);
	}
	log_exit(&f, 0);
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	ck_assert_uint_eq(f.page->lost, 0);
	ct_cursor_close(&cursor);
	log_close(&f);
	read_directory(dir, &cursor);
	ck_assert_uint_eq(seen, written);
}

START_TEST(a_disk_that_is_full_again_and_again_loses_nothing)
{
	in_small_disk("size=8m", flap);
}
END_TEST

/* A slow reader stands in memory that becomes a file and is used for other bytes then. */
static void move_under_a_reader(int dir)
{
	struct ct_cursor slow = CT_CURSOR_INIT;
	int stream;

	log_open(&f, dir, NULL);
	add(100);
	log_cursor(&f, CT_FROM_OLDEST, &slow);
	fill_disk(dir);
	for (int i = 0; i < 500; i++)
		add(1016);
	/* Into the middle of a frame in memory. */
	seen = 0;
	while (seen < 250000) {
		ssize_t n = ct_cursor_read(&slow, buffer, 333, &stream, &err);

		log_check(n > 0);
		log_check(sequence_check(buffer, seen, (size_t)n) == (size_t)n);
		seen += (uint64_t)n;
	}
	for (int round = 0; round < 3; round++) {
		free_disk(dir);
		return_to_disk();
		add(1016);
		fill_disk(dir);
		for (int i = 0; i < 500; i++)
			add(1016);
	}
	follow(&slow);
	log_check(seen == written);
	log_check(ct_cursor_missed(&slow) == 0);
	ct_cursor_close(&slow);
	log_close(&f);
}

START_TEST(a_reader_in_memory_that_has_become_a_file_goes_on_in_the_file)
{
	in_small_disk("size=8m", move_under_a_reader);
}
END_TEST

/* ---- directories that take nothing ---- */

static void write_nothing(int dir)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	ck_assert_int_eq(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	log_open(&f, dir, NULL);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int i = 0; i < 100; i++)
		add(5000);
	follow(&cursor);
	ck_assert_uint_eq(seen, written);
	/* It becomes writable again. */
	ck_assert_int_eq(mount(NULL, path, NULL, MS_REMOUNT | MS_BIND, NULL), 0);
	return_to_disk();
	add(5000);
	log_exit(&f, 0);
	follow(&cursor);
	ct_cursor_close(&cursor);
	log_close(&f);
	read_directory(dir, &cursor);
	ck_assert_uint_eq(seen, written);
}

START_TEST(a_directory_that_is_read_only_is_no_reason_not_to_start)
{
	in_small_disk("size=8m", write_nothing);
}
END_TEST

START_TEST(a_directory_that_has_vanished_is_no_reason_to_stop)
{
	char path[4200];
	int ct_autofd dir = -1;

	snprintf(path, sizeof(path), "%s/main", fixture_path());
	ck_assert_int_eq(mkdir(path, 0700), 0);
	dir = open(path, O_PATH | O_CLOEXEC);
	log_open(&f, dir, &(struct ct_log_options){ .max_size = 100000 });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	add(50000);
	ck_assert_int_eq(unlinkat(dir, "log.0", 0), 0);
	ck_assert_int_eq(unlinkat(dir, "index.0", 0), 0);
	ck_assert_int_eq(rmdir(path), 0);
	for (int i = 0; i < 50; i++) {
		add(50000);
		follow(&cursor);
	}
	ck_assert_uint_eq(seen, written);
	log_exit(&f, 0);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

Suite *suite_log_memory(void)
{
	Suite *s = suite_create("log_memory");
	TCase *tc = tcase_create("log_memory");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, without_a_disk_the_log_is_in_memory_alone);
	tcase_add_loop_test(tc, what_memory_has_forgotten_is_missed_to_the_byte, 0, 2);
	tcase_add_test(tc, a_reader_in_recycled_memory_never_gets_bytes_of_another_place);
	tcase_add_test(tc, many_tiny_frames_fill_the_index_of_memory_first);
	tcase_add_test(tc, a_disk_that_was_full_for_a_while_costs_nothing);
	tcase_add_test(tc, what_even_memory_cannot_hold_is_a_gap_that_is_counted_and_noted);
	tcase_add_test(tc, a_run_that_ends_on_a_full_disk_leaves_a_whole_log);
	tcase_add_test(tc, a_start_on_a_full_disk_works_and_goes_to_disk_when_there_is_room);
	tcase_add_test(tc, wherever_the_disk_ends_no_frame_is_torn);
	tcase_add_test(tc, a_disk_that_is_full_again_and_again_loses_nothing);
	tcase_add_test(tc, a_reader_in_memory_that_has_become_a_file_goes_on_in_the_file);
	tcase_add_test(tc, a_directory_that_is_read_only_is_no_reason_not_to_start);
	tcase_add_test(tc, a_directory_that_has_vanished_is_no_reason_to_stop);
	suite_add_tcase(s, tc);
	return s;
}
