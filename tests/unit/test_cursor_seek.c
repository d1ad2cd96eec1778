/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding places in the stream log, held against a model that reads all of a random log from its
 * beginning and then looks by the simplest means there are.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"
#include "log_fixture.h"

#define ENTRIES_MAX	2000
#define BYTES_MAX	20000
#define LOGS		10	/* random logs a test */

static struct log_fixture f;
static struct ct_cursor cursor;
static struct ct_err err;
static char frame[CT_FRAME_MAX];
static int log_dir;

/* What a whole log holds. */
static struct ct_index_entry entries[ENTRIES_MAX];
static size_t entry_count;
/* Every byte: the logical offset where it stands, its stream, and to which line it belongs. */
static struct byte {
	uint64_t offset;
	int stream;
	char value;
	unsigned line;
} bytes[BYTES_MAX];
static size_t byte_count;
static unsigned line_count;		/* numbered from 1 in the order in which they end */

static void setup(void)
{
	fixture_setup();
	cursor = (struct ct_cursor)CT_CURSOR_INIT;
	err = (struct ct_err){ 0 };
}

/* ---- the model ---- */

/* The bytes of this stream from "from" on that have no line yet are one. */
static void end_line(int stream, size_t from)
{
	line_count++;
	for (size_t i = from; i < byte_count; i++)
		if (bytes[i].stream == stream && !bytes[i].line)
			bytes[i].line = line_count;
}

static bool has_open(int stream, size_t *ret_last)
{
	for (size_t i = byte_count; i > 0; i--) {
		if (bytes[i - 1].stream != stream)
			continue;
		*ret_last = i;
		return !bytes[i - 1].line;
	}
	return false;
}

/* Lines without a newline end where their last byte stands: the earlier one first. */
static void end_open_lines(void)
{
	size_t last[3] = { 0 };
	bool open[3] = { false };

	for (int s = 1; s <= 2; s++)
		open[s] = has_open(s, &last[s]);
	for (int i = 0; i < 2; i++) {
		int s = open[1] && (!open[2] || last[1] < last[2]) ? 1 : 2;

		if (open[s])
			end_line(s, 0);
		open[s] = false;
	}
}

static void model_bytes(const struct ct_index_entry *e)
{
	for (uint64_t i = 0; i < e->value; i++) {
		log_check(byte_count < BYTES_MAX);
		bytes[byte_count++] = (struct byte){ e->offset + CT_FRAME_HEADER + i,
						     (int)e->kind, frame[i], 0 };
		if (frame[i] == '\n')
			end_line((int)e->kind, 0);
	}
}

/*
 * An unterminated line counts at the place of its last byte, which is known only when nothing more
 * comes: so lines are numbered anew when everything is there, by the place where each ends.
 */
static void number_lines(void)
{
	static unsigned numbers[BYTES_MAX];
	unsigned next = line_count;

	memset(numbers, 0, sizeof(numbers));
	for (size_t i = byte_count; i > 0; i--)
		if (!numbers[bytes[i - 1].line])
			numbers[bytes[i - 1].line] = next--;
	for (size_t i = 0; i < byte_count; i++)
		bytes[i].line = numbers[bytes[i].line];
}

static void make_model(struct ct_cursor *c)
{
	int r;

	entry_count = byte_count = line_count = 0;
	while ((r = ct_cursor_next(c, &entries[entry_count], frame, &err)) == 1) {
		const struct ct_index_entry *e = &entries[entry_count];

		if (e->kind == CT_NOTE_RUN || e->kind == CT_NOTE_GAP)
			end_open_lines();
		if (e->kind < CT_NOTE_RUN)
			model_bytes(e);
		log_check(++entry_count < ENTRIES_MAX);
	}
	log_check(r == 0);
	end_open_lines();
	number_lines();
}

/* ---- random logs ---- */

static void add_random(struct log_fixture *log)
{
	static const char *const texts[] = {
		"\n", "line\n", "two\nlines\n", "begin", "end\n", "a\n\nb", "\n\n\n", "x",
	};
	struct timespec t = { 0, 1000 };

	if (rand() % 8 == 0)
		ct_log_note(log->writer, CT_NOTE_RESIZE, 1, 0);
	log_text(log, rand() % 4 ? CT_STREAM_STDOUT : CT_STREAM_STDERR, texts[rand() % 8]);
	if (rand() % 3 == 0)
		nanosleep(&t, NULL);
}

/* Several runs over many segments in a directory of their own; some of the segments are gone. */
static void make_log(unsigned seed)
{
	char directory[32];
	struct ct_log_options o = { .max_size = 60 + (uint64_t)(seed % 7) * 100,
				    .max_files = 60 };
	unsigned runs = seed % 4 + 1;

	srand(seed);
	snprintf(directory, sizeof(directory), "log-%u", seed);
	ck_assert_int_eq(mkdirat(fixture_dir(), directory, 0700), 0);
	log_dir = openat(fixture_dir(), directory, O_PATH | O_CLOEXEC);
	for (unsigned run = 0; run < runs; run++) {
		log_open(&f, log_dir, &o);
		for (int n = rand() % 80; n > 0; n--)
			add_random(&f);
		if (rand() % 3)
			log_exit(&f, 0);
		log_close(&f);
	}
	for (unsigned hole = 0; hole < seed % 5; hole++) {
		char name[32];
		int number = rand() % 40;

		snprintf(name, sizeof(name), "log.%d", number);
		unlinkat(log_dir, name, 0);
		snprintf(name, sizeof(name), "index.%d", number);
		unlinkat(log_dir, name, 0);
	}
	log_dir_cursor(log_dir, CT_FROM_OLDEST, &cursor);
	make_model(&cursor);
}

static void drop_log(void)
{
	ct_cursor_close(&cursor);
	close(log_dir);
}

/* From here on the cursor gives the entries that the model has from number n on. */
static void check_entries(size_t n)
{
	struct ct_index_entry e;
	int r;

	while ((r = ct_cursor_next(&cursor, &e, frame, &err)) == 1) {
		/* A gap before a place that one has gone to is none of the cursor's. */
		while (n < entry_count && entries[n].kind == CT_NOTE_GAP &&
		       e.kind != CT_NOTE_GAP)
			n++;
		log_check(n < entry_count);
		log_check(e.kind == entries[n].kind);
		log_check(e.time == entries[n].time);
		log_check(e.offset == entries[n].offset);
		log_check(e.value == entries[n].value);
		n++;
	}
	log_check(r == 0);
	log_check(n == entry_count);
}

/* ---- tests ---- */

static void find_times(unsigned seed)
{
	make_log(seed);
	for (int round = 0; round < 40 && entry_count; round++) {
		uint64_t time = entries[(size_t)rand() % entry_count].time;
		size_t n = 0;

		time += (uint64_t)(rand() % 3) - 1;
		while (n < entry_count && entries[n].time < time)
			n++;
		ck_assert_int_eq(ct_cursor_seek_time(&cursor, time, &err), 0);
		check_entries(n);
	}
	ck_assert_int_eq(ct_cursor_seek_time(&cursor, 0, &err), 0);
	check_entries(0);
	ck_assert_int_eq(ct_cursor_seek_time(&cursor, UINT64_MAX, &err), 0);
	check_entries(entry_count);
	drop_log();
}

START_TEST(a_time_is_found_where_the_model_finds_it)
{
	for (unsigned i = 0; i < LOGS; i++)
		find_times((unsigned)_i * LOGS + i);
}
END_TEST

/* The bytes of the last n lines, in order, and nothing else. */
static void check_lines(uint64_t n)
{
	unsigned first = n < line_count ? line_count - (unsigned)n + 1 : 1;
	size_t at = 0;

	for (;;) {
		int stream;
		ssize_t got = ct_cursor_read(&cursor, frame, (size_t)(rand() % 50 + 1), &stream,
					     &err);

		log_check(got >= 0);
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i++) {
			while (at < byte_count && bytes[at].line < first)
				at++;
			log_check(at < byte_count);
			log_check(bytes[at].stream == stream);
			log_check(bytes[at].value == frame[i]);
			at++;
		}
	}
	while (at < byte_count && bytes[at].line < first)
		at++;
	log_check(at == byte_count);
}

/* The same by entries. */
static void check_lines_by_entries(uint64_t n)
{
	unsigned first = n < line_count ? line_count - (unsigned)n + 1 : 1;
	struct ct_index_entry e;
	size_t at = 0;

	while (ct_cursor_next(&cursor, &e, frame, &err) == 1) {
		for (uint64_t i = 0; e.kind < CT_NOTE_RUN && i < e.value; i++, at++) {
			while (at < byte_count && bytes[at].line < first)
				at++;
			log_check(at < byte_count);
			log_check(bytes[at].value == frame[i]);
		}
	}
	while (at < byte_count && bytes[at].line < first)
		at++;
	log_check(at == byte_count);
}

static void find_lines(unsigned seed)
{
	make_log(seed);
	for (uint64_t n = 0; n < 20; n++) {
		log_check(ct_cursor_seek_lines(&cursor, n, &err) == 0);
		check_lines(n);
		log_check(ct_cursor_seek_lines(&cursor, n, &err) == 0);
		check_lines_by_entries(n);
	}
	for (int round = 0; round < 10; round++) {
		uint64_t n = (uint64_t)rand() % (line_count + 3);

		log_check(ct_cursor_seek_lines(&cursor, n, &err) == 0);
		check_lines(n);
	}
	log_check(ct_cursor_seek_lines(&cursor, UINT64_MAX, &err) == 0);
	check_lines(UINT64_MAX);
	drop_log();
}

START_TEST(the_last_lines_are_those_of_the_model)
{
	for (unsigned i = 0; i < LOGS; i++)
		find_lines((unsigned)_i * LOGS + i);
}
END_TEST

static void find_runs(unsigned seed)
{
	int64_t last = 0;

	make_log(seed);
	for (size_t i = 0; i < entry_count; i++)
		if (entries[i].kind == CT_NOTE_RUN)
			last = (int64_t)entries[i].value;
	for (size_t i = 0; i < entry_count; i++) {
		if (entries[i].kind != CT_NOTE_RUN)
			continue;
		ck_assert_int_eq(ct_cursor_seek_run(&cursor, (int64_t)entries[i].value, &err), 0);
		check_entries(i);
	}
	/* The last one there is need not have its beginning any more. */
	if (seed % 5 == 0) {
		ck_assert_int_eq(ct_cursor_seek_run(&cursor, -1, &err), 0);
		ck_assert_int_eq(ct_cursor_next(&cursor, &entries[0], frame, &err), 1);
		ck_assert_uint_eq(entries[0].kind, CT_NOTE_RUN);
		ck_assert_int_eq((int64_t)entries[0].value, last);
	}
	ck_assert_int_eq(ct_cursor_seek_run(&cursor, 99, &err), -ENOENT);
	ck_err(&err, ENOENT, "there is no run 99 in the log");
	ck_assert_int_eq(ct_cursor_seek_run(&cursor, -99, &err), -ENOENT);
	ck_assert_int_eq(ct_cursor_seek_run(&cursor, INT64_MIN, &err), -ENOENT);
	ck_assert_int_eq(ct_cursor_seek_run(&cursor, 0, &err), -ENOENT);
	drop_log();
}

START_TEST(the_only_segment_is_asked_for_once)
{
	char text[64];

	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "hello");
	log_cursor(&f, CT_FROM_RUN, &cursor);
	ck_assert_uint_eq(f.asked, 1);
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), 5);
	ck_assert_uint_eq(f.asked, 1);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_run_is_found_by_number_and_from_the_end)
{
	for (unsigned i = 0; i < LOGS; i++)
		find_runs((unsigned)_i * LOGS + i);
}
END_TEST

START_TEST(places_are_found_in_a_log_that_is_being_written)
{
	struct ct_log_options o = { .max_size = 500, .max_files = 4, .memory = _i % 2 };

	srand((unsigned)_i);
	log_open(&f, fixture_dir(), &o);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int round = 0; round < 60; round++) {
		size_t n = 0;
		uint64_t lines;

		for (int i = rand() % 12; i >= 0; i--)
			add_random(&f);
		ck_assert_int_eq(ct_cursor_seek_time(&cursor, 0, &err), 0);
		make_model(&cursor);
		lines = (uint64_t)rand() % (line_count + 2);
		ck_assert_int_eq(ct_cursor_seek_lines(&cursor, lines, &err), 0);
		check_lines(lines);
		n = (size_t)rand() % entry_count;
		while (n > 0 && entries[n - 1].time == entries[n].time)
			n--;
		ck_assert_int_eq(ct_cursor_seek_time(&cursor, entries[n].time, &err), 0);
		check_entries(n);
		ck_assert_uint_eq(ct_cursor_missed(&cursor), 0);
	}
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(two_streams_that_interleave_have_whole_lines_each)
{
	char got[100];

	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "old\nlong ");
	log_text(&f, CT_STREAM_STDERR, "e1\ne2\n");
	log_text(&f, CT_STREAM_STDOUT, "line\n");
	log_text(&f, CT_STREAM_STDERR, "prompt> ");
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 1, &err), 0);
	log_read_all(&cursor, got, sizeof(got));
	ck_assert_str_eq(got, "prompt> ");
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 2, &err), 0);
	log_read_all(&cursor, got, sizeof(got));
	ck_assert_str_eq(got, "long line\nprompt> ");
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 3, &err), 0);
	log_read_all(&cursor, got, sizeof(got));
	ck_assert_str_eq(got, "long e2\nline\nprompt> ");
	/* What comes later comes whole. */
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 1, &err), 0);
	log_text(&f, CT_STREAM_STDOUT, "more\n");
	log_read_all(&cursor, got, sizeof(got));
	ck_assert_str_eq(got, "prompt> more\n");
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(a_line_of_many_frames_is_found_whole)
{
	static char line[300000], got[300001];

	log_open(&f, fixture_dir(), NULL);
	memset(line, 'x', sizeof(line));
	log_text(&f, CT_STREAM_STDOUT, "before\n");
	for (size_t at = 0; at < sizeof(line); at += 60000)
		log_bytes(&f, CT_STREAM_STDOUT, line + at, 60000);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 1, &err), 0);
	ck_assert_uint_eq(log_read_all(&cursor, got, sizeof(got)), sizeof(line));
	ck_assert_mem_eq(got, line, sizeof(line));
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

static uint64_t bytes_read(void)
{
	char io[512];
	int ct_autofd fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, io, sizeof(io) - 1);
	unsigned long long chars = 0;

	ck_assert_int_gt(n, 0);
	io[n] = '\0';
	ck_assert_int_eq(sscanf(io, "rchar: %llu", &chars), 1);
	return chars;
}

START_TEST(the_cost_of_finding_a_place_does_not_grow_with_the_log)
{
	static char line[1001];
	uint64_t cost[2], time = 0;

	memset(line, 'x', 999);
	line[999] = '\n';
	log_open(&f, fixture_dir(),
		 &(struct ct_log_options){ .max_size = 4 << 20, .max_files = 20 });
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	for (int size = 0; size < 2; size++) {
		for (int i = 0; i < (size ? 40000 : 400); i++) {
			log_text(&f, CT_STREAM_STDOUT, line);
			if (size && i == 20000)
				time = ct_now_real();
		}
		cost[size] = bytes_read();
		ck_assert_int_eq(ct_cursor_seek_lines(&cursor, 10, &err), 0);
		ck_assert_int_eq(ct_cursor_seek_time(&cursor, time, &err), 0);
		ck_assert_int_eq(ct_cursor_seek_run(&cursor, -1, &err), 0);
		cost[size] = bytes_read() - cost[size];
	}
	/* A hundred times the log, and the places cost some kilobytes more at most. */
	ck_assert_uint_lt(cost[1], cost[0] + 8192);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

Suite *suite_cursor_seek(void)
{
	Suite *s = suite_create("cursor_seek");
	TCase *tc = tcase_create("cursor_seek");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, a_time_is_found_where_the_model_finds_it, 0, 4);
	tcase_add_loop_test(tc, the_last_lines_are_those_of_the_model, 0, 6);
	tcase_add_loop_test(tc, a_run_is_found_by_number_and_from_the_end, 0, 2);
	tcase_add_test(tc, the_only_segment_is_asked_for_once);
	tcase_add_loop_test(tc, places_are_found_in_a_log_that_is_being_written, 0, 4);
	tcase_add_test(tc, two_streams_that_interleave_have_whole_lines_each);
	tcase_add_test(tc, a_line_of_many_frames_is_found_whole);
	tcase_add_test(tc, the_cost_of_finding_a_place_does_not_grow_with_the_log);
	suite_add_tcase(s, tc);
	return s;
}
