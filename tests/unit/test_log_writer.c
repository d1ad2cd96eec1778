/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the stream log: the formats byte for byte, runs one behind the other, limits, and the pace
 * of waking. Rotation is in test_log_rotation.c, what a disk that takes no more does in
 * test_log_memory.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
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
static char text[1 << 20];

static void setup(void)
{
	fixture_setup();
	cursor = (struct ct_cursor)CT_CURSOR_INIT;
	err = (struct ct_err){ 0 };
}

/* ---- formats ---- */

START_TEST(frames_stand_in_the_log_byte_for_byte)
{
	static const char expected[] = "\1\0\0\0\0\0\0\3abc"
				       "\2\0\0\0\0\0\0\1x"
				       "\1\0\0\0\0\0\1\4";
	uint8_t longer[260], got[1024];

	memset(longer, 'l', sizeof(longer));
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "abc");
	log_text(&f, CT_STREAM_STDERR, "x");
	log_bytes(&f, CT_STREAM_STDOUT, longer, sizeof(longer));
	ck_assert_uint_eq(fixture_read("log.0", got, sizeof(got)), sizeof(expected) - 1 + 260);
	ck_assert_mem_eq(got, expected, sizeof(expected) - 1);
	ck_assert_mem_eq(got + sizeof(expected) - 1, longer, sizeof(longer));
	ck_assert_uint_eq(ct_log_end(f.writer), sizeof(expected) - 1 + 260);
	log_close(&f);
}
END_TEST

START_TEST(the_index_has_a_header_and_an_entry_a_frame)
{
	struct { struct ct_index_header h; struct ct_index_entry e[5]; } got;
	uint64_t before = ct_now_real();

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .tty = true });
	log_text(&f, CT_STREAM_STDOUT, "abc");
	ct_log_note(f.writer, CT_NOTE_RESIZE, 24 << 16 | 80, 0);
	log_text(&f, CT_STREAM_STDOUT, "de");
	log_exit(&f, 7);
	ck_assert_uint_eq(sizeof(got), 64 + 5 * 32);
	ck_assert_uint_eq(fixture_read("index.0", &got, sizeof(got)), sizeof(got));
	ck_assert_mem_eq(&got.h.magic, "1ctindx1", 8);
	ck_assert_uint_eq(got.h.version, 1);
	ck_assert_uint_eq(got.h.segment + got.h.base + got.h.payload + got.h.flags, 0);
	ck_assert_uint_eq(got.h.run, 1);
	ck_assert_uint_ge(got.h.time, before);
	ck_assert_uint_eq(got.h.end, 21);
	ck_assert_uint_eq(got.h.entries, 5);
	for (int i = 0; i < 5; i++)
		ck_assert_uint_ge(got.e[i].time, i ? got.e[i - 1].time : got.h.time);
	ck_assert(got.e[0].kind == CT_NOTE_RUN && got.e[0].value == 1 && got.e[0].offset == 0 &&
		  got.e[0].flags == CT_RUN_TTY);
	ck_assert(got.e[1].kind == 1 && got.e[1].value == 3 && got.e[1].offset == 0 &&
		  got.e[1].flags == 1);
	ck_assert(got.e[2].kind == CT_NOTE_RESIZE && got.e[2].value == 0x180050 &&
		  got.e[2].offset == 11);
	ck_assert(got.e[3].kind == 1 && got.e[3].value == 2 && got.e[3].offset == 11 &&
		  got.e[3].flags == 2);
	ck_assert(got.e[4].kind == CT_NOTE_END && got.e[4].value == 7 && got.e[4].offset == 21);
	log_close(&f);
}
END_TEST

START_TEST(the_page_tells_how_far_the_log_reaches_and_how_it_ended)
{
	struct ct_exit status = { .signaled = true, .value = 9 };

	log_open(&f, fixture_dir(), NULL);
	ck_assert_uint_eq(f.page->state, CT_PAGE_STARTING);
	ck_assert_uint_eq(f.page->committed, 0);
	log_text(&f, CT_STREAM_STDOUT, "abc");
	ck_assert_uint_eq(f.page->committed, 11);
	ck_assert_uint_eq(f.page->payload, 3);
	ck_assert_uint_eq(f.page->entries, 2);
	ct_log_publish(f.writer, CT_PAGE_RUNNING, NULL);
	ck_assert_uint_eq(f.page->state, CT_PAGE_RUNNING);
	ct_log_publish(f.writer, CT_PAGE_EXITED, &status);
	ck_assert_uint_eq(f.page->state, CT_PAGE_EXITED);
	ck_assert_uint_eq(f.page->exit_signaled, 1);
	ck_assert_uint_eq(f.page->exit_value, 9);
	ck_assert_uint_eq(f.page->committed, 11);
	log_close(&f);
}
END_TEST

START_TEST(nobody_can_write_the_page_or_a_memory_segment)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	char path[64];
	int ct_autofd again = -1;

	log_open(&f, fixture_dir(), &(struct ct_log_options){ .memory = true });
	ck_assert_int_eq(ct_log_segment(f.writer, 0, &s), 0);
	for (int i = 0; i < 3; i++) {
		int fd = i == 0 ? ct_log_page(f.writer) : i == 1 ? s.data : s.index;

		ck_assert_int_lt(pwrite(fd, "x", 1, 0), 0);
		ck_assert_int_lt(ftruncate(fd, 0), 0);
		ck_assert_ptr_eq(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = open(path, O_RDWR | O_CLOEXEC);
		if (again >= 0)
			ck_assert_int_lt(pwrite(again, "x", 1, 0), 0);
		ct_drop_fd(&again);
	}
	ct_segment_close(&s);
	log_close(&f);
}
END_TEST

START_TEST(what_is_no_page_is_refused)
{
	int ct_autofd null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int ct_autofd memfd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	const struct ct_page *page;

	ck_assert_int_eq(ct_page_map(null, &page, &err), -EBADMSG);
	ck_assert_int_eq(ftruncate(memfd, CT_PAGE_SIZE), 0);
	/* It could shrink under us. */
	ck_assert_int_eq(ct_page_map(memfd, &page, &err), -EBADMSG);
	ck_assert_int_eq(fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_FUTURE_WRITE), 0);
	ck_assert_int_eq(ct_page_map(memfd, &page, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "this is no commit page of a version known here (was the container "
	       "started by another version of cattach?)");
}
END_TEST

/* ---- runs ---- */

START_TEST(runs_follow_each_other_with_numbers_offsets_and_times_that_grow)
{
	uint64_t end = 0, time = 0, run = 0;
	struct ct_index_entry e;

	for (int i = 0; i < 5; i++) {
		log_open(&f, fixture_dir(), NULL);
		ck_assert_uint_eq(ct_log_end(f.writer), end);
		snprintf(text, sizeof(text), "run %d\n", i + 1);
		log_text(&f, CT_STREAM_STDOUT, text);
		/* The last one is killed: nothing says where it ends but its last entry. */
		if (i != 3)
			log_exit(&f, i);
		end = ct_log_end(f.writer);
		log_close(&f);
	}
	log_dir_cursor(fixture_dir(), CT_FROM_OLDEST, &cursor);
	while (ct_cursor_next(&cursor, &e, text, &err) == 1) {
		ck_assert_uint_ge(e.time, time);
		time = e.time;
		if (e.kind == CT_NOTE_RUN)
			ck_assert_uint_eq(e.value, ++run);
		if (e.kind == CT_NOTE_END)
			ck_assert_uint_eq(e.value, run - 1);
	}
	ck_assert_uint_eq(run, 5);
	ck_assert_uint_eq(cursor.offset, end);
	ck_assert(!cursor.torn);
	ct_cursor_close(&cursor);
}
END_TEST

START_TEST(a_clock_that_was_set_back_does_not_unsort_the_index)
{
	struct ct_index_header h = { .magic = CT_INDEX_MAGIC, .version = 1, .run = 1 };
	struct ct_index_entry e = { .kind = CT_NOTE_RUN, .value = 1 }, got;
	int ct_autofd index = openat(fixture_dir(), "index.0", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	fixture_file("log.0", "");
	h.time = e.time = ct_now_real() + 3600 * 1000000000ull;
	ck_assert_int_eq(pwrite(index, &h, sizeof(h), 0), sizeof(h));
	ck_assert_int_eq(pwrite(index, &e, sizeof(e), sizeof(h)), sizeof(e));
	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "x");
	log_cursor(&f, CT_FROM_RUN, &cursor);
	ck_assert_int_eq(ct_cursor_next(&cursor, &got, text, &err), 1);
	ck_assert_uint_eq(got.kind, CT_NOTE_RUN);
	ck_assert_uint_eq(got.value, 2);
	ck_assert_uint_eq(got.time, e.time);
	ct_cursor_close(&cursor);
	log_close(&f);
}
END_TEST

START_TEST(many_short_runs_keep_their_logs_until_the_bound)
{
	struct ct_log_options o = { .max_size = 65536, .max_files = 2 };

	for (int i = 0; i < 20; i++) {
		log_open(&f, fixture_dir(), &o);
		memset(text, 'a' + i, 1000);
		log_bytes(&f, CT_STREAM_STDOUT, text, 1000);
		log_exit(&f, 0);
		log_close(&f);
	}
	ck_assert_uint_eq(log_count_files("log."), 20);
	/* A long one takes their place. */
	log_open(&f, fixture_dir(), &o);
	for (int i = 0; i < 200; i++)
		log_bytes(&f, CT_STREAM_STDOUT, text, 1000);
	ck_assert_uint_eq(log_count_files("log."), 2);
	ck_assert_uint_eq(log_count_files("index."), 2);
	log_close(&f);
}
END_TEST

START_TEST(more_segments_than_a_log_may_have_are_cleared_away)
{
	char name[32];

	for (int i = 0; i < CT_LOG_MAX_FILES + 9; i++) {
		log_open(&f, fixture_dir(), NULL);
		log_text(&f, CT_STREAM_STDOUT, "x");
		log_close(&f);
	}
	ck_assert_uint_le(log_count_files("log."), CT_LOG_MAX_FILES + 1);
	snprintf(name, sizeof(name), "log.%d", CT_LOG_MAX_FILES + 8);
	ck_assert_int_eq(faccessat(fixture_dir(), name, F_OK, 0), 0);
	/* Names that are none of ours stay. */
	fixture_file("log.007", "");
	fixture_file("index.x", "");
	log_open(&f, fixture_dir(), NULL);
	ck_assert_int_eq(faccessat(fixture_dir(), "log.007", F_OK, 0), 0);
	ck_assert_int_eq(faccessat(fixture_dir(), "index.x", F_OK, 0), 0);
	log_close(&f);
}
END_TEST

START_TEST(a_run_begins_behind_what_a_damaged_segment_may_have_told_of)
{
	uint64_t end;

	log_open(&f, fixture_dir(), NULL);
	log_text(&f, CT_STREAM_STDOUT, "first");
	log_exit(&f, 0);
	log_close(&f);
	fixture_file("log.1", "0123456789");
	fixture_file("index.1", "this is no index");
	log_open(&f, fixture_dir(), NULL);
	end = ct_log_end(f.writer);
	ck_assert_uint_ge(end, 13 + 10);
	log_text(&f, CT_STREAM_STDOUT, "second");
	ck_assert_int_gt(log_file_size("log", 2), 0);
	log_close(&f);
}
END_TEST

/* ---- limits ---- */

START_TEST(too_many_files_are_refused)
{
	struct ct_log_options o = { .max_files = CT_LOG_MAX_FILES + 1 };

	ck_assert_int_eq(ct_log_create(fixture_dir(), &o, &f.writer, &err), -EINVAL);
	ck_err(&err, EINVAL, "max-file=129: a log has at most 128 files "
	       "(a greater max-size keeps as much in fewer files)");
}
END_TEST

START_TEST(a_limit_on_file_sizes_makes_segments_smaller)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 300 * 1024;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	log_open(&f, fixture_dir(), NULL);
	log_cursor(&f, CT_FROM_OLDEST, &cursor);
	memset(text, 'x', 10000);
	for (int i = 0; i < 60; i++)
		log_bytes(&f, CT_STREAM_STDOUT, text, 10000);
	ck_assert_uint_eq(log_read_all(&cursor, text, sizeof(text)), 600000);
	ck_assert_int_eq(f.page->memory[0], 0);
	ck_assert_uint_eq(log_count_files("log."), 2);
	ct_cursor_close(&cursor);
	log_close(&f);
	limit.rlim_cur = 1000;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(ct_log_create(fixture_dir(), &(struct ct_log_options){ 0 }, &f.writer,
				       &err), -EFBIG);
	ck_err(&err, EFBIG, "the limit on file sizes leaves no room for the log: 1000 bytes "
	       "(ulimit -f 256, or more)");
}
END_TEST

START_TEST(the_writer_names_all_its_descriptors)
{
	int fds[CT_LOG_DESCRIPTORS];
	unsigned before = fixture_count_fds();
	size_t n;

	log_open(&f, fixture_dir(), NULL);
	n = ct_log_descriptors(f.writer, fds, CT_LOG_DESCRIPTORS);
	ck_assert_uint_eq(n, fixture_count_fds() - before);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_ge(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
	ck_assert_uint_eq(ct_log_descriptors(f.writer, fds, 2), 2);
	log_close(&f);
}
END_TEST

/* ---- waking ---- */

static int make_watch(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	ck_assert_int_eq(epoll_ctl(epoll, EPOLL_CTL_ADD, ct_log_wake_fd(f.writer), &event), 0);
	return epoll;
}

static int edges(int epoll)
{
	struct epoll_event event;

	return epoll_wait(epoll, &event, 1, 0);
}

static void be_quiet(void)
{
	struct timespec t = { 0, 60000000 };

	nanosleep(&t, NULL);
	ct_log_wake_now(f.writer);
}

START_TEST(the_first_commit_after_a_quiet_time_wakes_at_once)
{
	int ct_autofd epoll = -1;

	log_open(&f, fixture_dir(), NULL);
	epoll = make_watch();
	for (int i = 0; i < 3; i++) {
		be_quiet();
		edges(epoll);
		ck_assert_int_eq(edges(epoll), 0);
		log_text(&f, CT_STREAM_STDOUT, "x");
		ck_assert_int_eq(edges(epoll), 1);
	}
	log_close(&f);
}
END_TEST

START_TEST(what_was_held_back_is_due_soon_and_wakes_then)
{
	int ct_autofd epoll = -1;
	unsigned woken = 0, held = 0;

	log_open(&f, fixture_dir(), NULL);
	epoll = make_watch();
	be_quiet();
	edges(epoll);
	ck_assert_int_eq(ct_log_wake_due(f.writer), -1);
	for (int i = 0; i < 2000; i++) {
		log_text(&f, CT_STREAM_STDOUT, "x");
		woken += (unsigned)edges(epoll);
		held += ct_log_wake_due(f.writer) >= 0;
	}
	/* Far fewer than commits, yet never long without one. */
	ck_assert_uint_gt(held, 0);
	ck_assert_uint_lt(woken, 2000);
	do {
		log_text(&f, CT_STREAM_STDOUT, "x");
		edges(epoll);
	} while (ct_log_wake_due(f.writer) < 0);
	ck_assert_int_le(ct_log_wake_due(f.writer), 50000000);
	while (ct_log_wake_due(f.writer) > 0)
		ck_assert_int_eq(edges(epoll), 0);
	ct_log_wake_now(f.writer);
	ck_assert_int_eq(edges(epoll), 1);
	ck_assert_int_eq(ct_log_wake_due(f.writer), -1);
	log_close(&f);
}
END_TEST

START_TEST(the_exit_always_wakes)
{
	int ct_autofd epoll = -1;

	log_open(&f, fixture_dir(), NULL);
	epoll = make_watch();
	for (int i = 0; i < 1000; i++)
		log_text(&f, CT_STREAM_STDOUT, "x");
	edges(epoll);
	log_exit(&f, 0);
	ck_assert_int_eq(edges(epoll), 1);
	ck_assert_int_eq(ct_log_wake_due(f.writer), -1);
	log_close(&f);
}
END_TEST

Suite *suite_log_writer(void)
{
	Suite *s = suite_create("log_writer");
	TCase *tc = tcase_create("log_writer");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, frames_stand_in_the_log_byte_for_byte);
	tcase_add_test(tc, the_index_has_a_header_and_an_entry_a_frame);
	tcase_add_test(tc, the_page_tells_how_far_the_log_reaches_and_how_it_ended);
	tcase_add_test(tc, nobody_can_write_the_page_or_a_memory_segment);
	tcase_add_test(tc, what_is_no_page_is_refused);
	tcase_add_test(tc, runs_follow_each_other_with_numbers_offsets_and_times_that_grow);
	tcase_add_test(tc, a_clock_that_was_set_back_does_not_unsort_the_index);
	tcase_add_test(tc, many_short_runs_keep_their_logs_until_the_bound);
	tcase_add_test(tc, more_segments_than_a_log_may_have_are_cleared_away);
	tcase_add_test(tc, a_run_begins_behind_what_a_damaged_segment_may_have_told_of);
	tcase_add_test(tc, too_many_files_are_refused);
	tcase_add_test(tc, a_limit_on_file_sizes_makes_segments_smaller);
	tcase_add_test(tc, the_writer_names_all_its_descriptors);
	tcase_add_test(tc, the_first_commit_after_a_quiet_time_wakes_at_once);
	tcase_add_test(tc, what_was_held_back_is_due_soon_and_wakes_then);
	tcase_add_test(tc, the_exit_always_wakes);
	suite_add_tcase(s, tc);
	return s;
}
