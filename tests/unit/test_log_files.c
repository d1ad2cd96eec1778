/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the files of a log driver: step by step, with a writer and with files made by hand, so
 * that every moment of a rotation can be looked at.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_files.h"
#include "fixture.h"
#include "log_fixture.h"

#define T	"2023-11-14T22:13:20.000000001Z"

static struct ct_log_files *files;
static struct ct_cursor cursor;
static char text[1 << 20];

static void put(const char *name, const char *content)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ck_assert(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
}

/* A record of stdout. */
static void add(const char *name, const char *line)
{
	char record[256];

	snprintf(record, sizeof(record), T " stdout F %s\n", line);
	put(name, record);
}

static void move(const char *from, const char *to)
{
	ck_assert_int_eq(renameat(fixture_dir(), from, fixture_dir(), to), 0);
}

/* One file under two names: what who looks from name to name sees when a rotation overtakes him. */
static void stand_also_as(const char *name, const char *also)
{
	ck_assert_int_eq(linkat(fixture_dir(), name, fixture_dir(), also, 0), 0);
}

static void cut(const char *name, size_t size)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_WRONLY | O_CLOEXEC);

	ck_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
}

static void follow(enum ct_log_file kind)
{
	struct ct_log_source source;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_log_files_open(fixture_dir(), "x", kind, true, &files, &err), 0);
	source = ct_log_files_source(files);
	ck_assert_int_eq(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err), 0);
	ck_assert_int_eq(ct_log_files_follow(files, fixture_dir(), "x", &err), 0);
}

static void done(void)
{
	ct_cursor_close(&cursor);
	ct_log_files_close(files);
}

/* What there is now, since the last time. */
static void comes(const char *wanted)
{
	size_t n = log_read_all(&cursor, text, sizeof(text));

	ck_assert_str_eq(text, wanted);
	ck_assert_uint_eq(n, strlen(wanted));
}

START_TEST(what_is_appended_comes_once_and_in_whole_records)
{
	add("x.1", "a");
	add("x", "b");
	put("x", T " stdout F half");
	follow(CT_LOG_FILE_K8S);
	comes("a\nb\n");
	comes("");
	put("x", " and half\n" T " stdout F next\n" T " std");
	comes("half and half\nnext\n");
	ck_assert(!ct_log_files_more(files));
	put("x", "out P end\n");
	ck_assert(ct_log_files_more(files));
	comes("end");
	ck_assert_uint_eq(ct_log_files_strange(files), 0);
	done();
}
END_TEST

START_TEST(a_file_is_read_to_its_end_before_the_next_one_wherever_it_was_moved)
{
	add("x", "1");
	follow(CT_LOG_FILE_K8S);
	comes("1\n");
	/* Its writer does not know yet, and the next one is empty. */
	move("x", "far-away");
	put("x", "");
	add("far-away", "2");
	comes("2\n");
	add("far-away", "3");
	add("x", "4");
	comes("3\n4\n");
	/* Three rotations between two looks. */
	for (int i = 5; i < 8; i++) {
		char line[8];

		if (i > 5)
			move("x.1", "x.2");
		move("x", "x.1");
		snprintf(line, sizeof(line), "%d", i);
		add("x", line);
		ck_assert(i == 7 || ct_log_files_more(files));
	}
	comes("5\n6\n7\n");
	ck_assert_uint_eq(ct_log_files_met(files), 4);
	done();
}
END_TEST

/*
 * Looked for upwards, "older" is x, until two rotations have given it the number 2 and "newer" the
 * number 1; by four more, each is met once more.
 */
static void overtake(bool again)
{
	add("older", "2");
	add("newer", "3");
	stand_also_as("older", "x");
	stand_also_as("newer", "x.1");
	stand_also_as("older", "x.2");
	if (again) {
		stand_also_as("newer", "x.5");
		stand_also_as("older", "x.6");
	}
	ck_assert_int_eq(unlinkat(fixture_dir(), "older", 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), "newer", 0), 0);
}

START_TEST(a_file_that_rotations_have_overtaken_is_followed_once_where_it_stands_now)
{
	add("x", "1");
	follow(CT_LOG_FILE_K8S);
	comes("1\n");
	move("x", "x.7");
	overtake(_i);
	comes("2\n3\n");
	ck_assert_uint_eq(ct_log_files_met(files), 2);
	/* The one of those rotations that has not been met is there with the next look. */
	add("newest", "4");
	move("newest", "x");
	comes("4\n");
	comes("");
	ck_assert_uint_eq(ct_log_files_met(files), 3);
	done();
}
END_TEST

START_TEST(a_file_that_rotations_have_overtaken_is_opened_once_where_it_stands_now)
{
	add("x.7", "1");
	overtake(_i);
	follow(CT_LOG_FILE_K8S);
	comes("1\n2\n3\n");
	add("newest", "4");
	move("newest", "x");
	comes("4\n");
	ck_assert_uint_eq(ct_log_files_met(files), 1);
	done();
}
END_TEST

START_TEST(a_file_that_was_seen_is_read_though_it_is_gone)
{
	char wanted[512];

	add("x", "1");
	follow(CT_LOG_FILE_K8S);
	for (int i = 2; i < 100; i++) {
		char line[8];

		/* As with max-file=1, and a reader that looks and does not read. */
		snprintf(line, sizeof(line), "%d", i);
		add("y", line);
		move("y", "x");
		ck_assert(ct_log_files_more(files));
	}
	for (int i = 1, n = 0; i < 100; i++)
		n += sprintf(wanted + n, "%d\n", i);
	comes(wanted);
	ck_assert_uint_eq(ct_log_files_met(files), 98);
	done();
}
END_TEST

START_TEST(a_file_that_is_cut_begins_anew_and_one_that_lost_half_a_write_does_not)
{
	add("x", "first and long enough for its place to be known again");
	add("x", "second");
	follow(CT_LOG_FILE_K8S);
	comes("first and long enough for its place to be known again\nsecond\n");
	/* The second is taken back, and written once more. */
	cut("x", strlen(T " stdout F \n") + 53);
	comes("");
	add("x", "second");
	comes("");
	add("x", "third");
	comes("third\n");
	ck_assert_int_eq(unlinkat(fixture_dir(), "x", 0), 0);
	add("x", "another file of the name");
	comes("another file of the name\n");
	cut("x", 0);
	comes("");
	add("x", "c");
	comes("c\n");
	/* By the next look it is as long as it was. */
	cut("x", 0);
	put("x", "2023-11-14T22:13:20.000000002Z stdout F d\n");
	comes("d\n");
	done();
}
END_TEST

/* A record of json-file, whose line is the same each time. */
static void add_object(const char *name, unsigned time)
{
	char record[256];

	snprintf(record, sizeof(record),
		 "{\"log\":\"a line that says the same whenever it is written, and no less than this\\n\","
		 "\"stream\":\"stdout\",\"time\":\"2023-11-14T22:13:20.%09uZ\"}\n", time);
	put(name, record);
}

static void come(unsigned count)
{
	unsigned lines = 0;

	log_read_all(&cursor, text, sizeof(text));
	for (const char *c = text; (c = strchr(c, '\n')); c++)
		lines++;
	ck_assert_uint_eq(lines, count);
}

START_TEST(a_file_that_is_cut_is_told_by_its_time_where_its_lines_are_all_the_same)
{
	add_object("x", 1);
	add_object("x", 2);
	follow(CT_LOG_FILE_JSON);
	come(2);
	/* Shorter than it was, then longer. */
	cut("x", 0);
	add_object("x", 3);
	come(1);
	add_object("x", 4);
	come(1);
	cut("x", 0);
	for (unsigned i = 5; i < 8; i++)
		add_object("x", i);
	come(3);
	ck_assert_uint_eq(ct_log_files_strange(files), 0);
	done();
}
END_TEST

/* The next frame is one of this stream and time, with this in it. */
static void comes_in_one_frame(int stream, unsigned nanoseconds, const char *wanted)
{
	static uint8_t frame[CT_FRAME_MAX + 1];
	struct ct_index_entry e;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_cursor_next(&cursor, &e, frame, &err), 1);
	ck_assert_uint_eq(e.kind, (unsigned)stream);
	ck_assert_uint_eq(e.time, 1700000000000000000u + nanoseconds);
	ck_assert_uint_eq(e.value, strlen(wanted));
	ck_assert_mem_eq(frame, wanted, strlen(wanted));
}

START_TEST(records_of_one_stream_and_time_are_one_frame_and_no_others)
{
	struct ct_index_entry e;
	struct ct_err err = { 0 };

	put("x", T " stdout F a\n" T " stdout P b\n" T " stdout F c\n" T " stderr F d\n" T " stdout F e\n"
		 "2023-11-14T22:13:20.000000002Z stdout F f\n"
		 T " stdout F whose clock was set back\n"
		 "2023-11-14T22:13:20.000000003Z stdout F g\n");
	follow(CT_LOG_FILE_K8S);
	comes_in_one_frame(CT_STREAM_STDOUT, 1, "a\nbc\n");
	comes_in_one_frame(CT_STREAM_STDERR, 1, "d\n");
	comes_in_one_frame(CT_STREAM_STDOUT, 1, "e\n");
	comes_in_one_frame(CT_STREAM_STDOUT, 2, "f\nwhose clock was set back\n");
	comes_in_one_frame(CT_STREAM_STDOUT, 3, "g\n");
	/* What is read in another look is another. */
	put("x", "2023-11-14T22:13:20.000000003Z stdout F h\n" T " stdout P i\n");
	comes_in_one_frame(CT_STREAM_STDOUT, 3, "h\ni");
	ck_assert_int_eq(ct_cursor_next(&cursor, &e, text, &err), 0);
	done();
}
END_TEST

START_TEST(frames_of_records_are_no_longer_than_frames_may_be)
{
	static uint8_t frame[CT_FRAME_MAX + 1];
	struct ct_index_entry e;
	struct ct_err err = { 0 };
	uint64_t size = 0, frames = 0;
	char line[200];

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	for (int i = 0; i < 1000; i++)
		add("x", line);
	follow(CT_LOG_FILE_K8S);
	for (; ct_cursor_next(&cursor, &e, frame, &err) == 1; frames++) {
		for (uint64_t i = 0; i < e.value; i++)
			ck_assert((frame[i] == '\n') == ((size + i) % 200 == 199));
		size += e.value;
	}
	ck_assert_int_eq(err.code, 0);
	ck_assert_uint_eq(size, 200000);
	ck_assert_uint_eq(frames, 4);
	done();
}
END_TEST

START_TEST(the_page_tells_how_far_the_file_goes_and_how_many_there_were)
{
	struct log_fixture f;

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .file = CT_LOG_FILE_JSON });
	ck_assert_uint_eq(f.page->filed, 0);
	log_text(&f, CT_STREAM_STDOUT, "line\nprompt> ");
	log_text(&f, CT_STREAM_STDERR, "err");
	ck_assert_uint_eq(f.page->filed, f.page->payload);
	ck_assert_uint_eq(f.page->filed, 16);
	ck_assert_uint_eq(f.page->held[0], 8);
	ck_assert_uint_eq(f.page->held[1], 3);
	ck_assert_uint_eq(f.page->file_failing, 0);
	log_text(&f, CT_STREAM_STDOUT, "typed\n");
	ck_assert_uint_eq(f.page->held[0], 0);
	ck_assert_uint_eq(f.page->files, 0);
	ck_assert_int_eq(ct_log_reopen(f.writer), 0);
	ck_assert_uint_eq(f.page->files, 0);
	move(CT_LOG_FILE_NAME, "elsewhere");
	ck_assert_int_eq(ct_log_reopen(f.writer), 0);
	ck_assert_uint_eq(f.page->files, 1);
	log_exit(&f, 0);
	ck_assert_uint_eq(f.page->held[1], 0);
	log_close(&f);
}
END_TEST

Suite *suite_log_files(void);
Suite *suite_log_files(void)
{
	Suite *s = suite_create("log_files");
	TCase *tc = tcase_create("follow");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_is_appended_comes_once_and_in_whole_records);
	tcase_add_test(tc, a_file_is_read_to_its_end_before_the_next_one_wherever_it_was_moved);
	tcase_add_loop_test(tc, a_file_that_rotations_have_overtaken_is_followed_once_where_it_stands_now, 0, 2);
	tcase_add_loop_test(tc, a_file_that_rotations_have_overtaken_is_opened_once_where_it_stands_now, 0, 2);
	tcase_add_test(tc, a_file_that_was_seen_is_read_though_it_is_gone);
	tcase_add_test(tc, a_file_that_is_cut_begins_anew_and_one_that_lost_half_a_write_does_not);
	tcase_add_test(tc, a_file_that_is_cut_is_told_by_its_time_where_its_lines_are_all_the_same);
	tcase_add_test(tc, records_of_one_stream_and_time_are_one_frame_and_no_others);
	tcase_add_test(tc, frames_of_records_are_no_longer_than_frames_may_be);
	tcase_add_test(tc, the_page_tells_how_far_the_file_goes_and_how_many_there_were);
	suite_add_tcase(s, tc);
	return s;
}
