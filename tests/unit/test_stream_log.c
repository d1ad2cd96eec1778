/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream log: one writer, cursors that read what is committed and no more, damage that is named
 * with its place, and a full disk that tears nothing.
 */
#include <cattach/streamlog.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static uint8_t frame[CT_FRAME_HEADER + CT_FRAME_MAX];

/* A log in a directory, and a cursor at its beginning. */
struct log {
	struct ct_log_writer writer;
	int file;			/* log.0, for reading and writing */
	struct ct_cursor cursor;
};

static void open_log_in(int dir, struct log *ret_log)
{
	struct log log = { .cursor = CT_CURSOR_INIT };
	struct ct_err err = { 0 };

	ck_assert_msg(ct_log_create(dir, &log.writer, &err) == 0, "%s", err.what);
	log.file = openat(dir, "log.0", O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(log.file, 0);
	ck_assert_msg(ct_cursor_open(log.writer.page_fd, log.file, &log.cursor, &err) == 0, "%s",
		      err.what);
	*ret_log = log;
}

static void open_log(struct log *ret_log)
{
	open_log_in(fixture_dir(), ret_log);
}

static void close_log(struct log *log)
{
	ct_cursor_close(&log->cursor);
	close(log->file);
	ct_log_writer_close(&log->writer);
}

static int append(struct log *log, int stream, const void *data, size_t size)
{
	memcpy(frame + CT_FRAME_HEADER, data, size);
	return ct_log_append(&log->writer, stream, frame, size);
}

static void append_text(struct log *log, int stream, const char *text)
{
	ck_assert_int_eq(append(log, stream, text, strlen(text)), 0);
}

/* The next bytes must be these, of this stream. */
static void assert_next(struct log *log, size_t size, int stream, const char *text)
{
	struct ct_err err = { 0 };
	char buf[256];
	int got = 0;
	ssize_t n = ct_cursor_read(&log->cursor, buf, size, &got, &err);

	ck_assert_msg(n >= 0, "%s", err.what);
	ck_assert_int_eq(n, (ssize_t)strlen(text));
	ck_assert_mem_eq(buf, text, (size_t)n);
	if (n > 0)
		ck_assert_int_eq(got, stream);
}

static void assert_damaged(struct log *log, const char *text)
{
	struct ct_err err = { 0 };
	char buf[256];
	int stream;

	ck_assert_int_eq(ct_cursor_read(&log->cursor, buf, sizeof(buf), &stream, &err), -EBADMSG);
	ck_err(&err, EBADMSG, text);
}

static off_t file_size(const struct log *log)
{
	struct stat st;

	ck_assert_int_eq(fstat(log->file, &st), 0);
	return st.st_size;
}

START_TEST(an_empty_log_has_nothing_and_has_not_ended)
{
	struct ct_exit status;
	struct log log;

	open_log(&log);
	assert_next(&log, 16, 0, "");
	ck_assert(!ct_cursor_ended(&log.cursor, &status));
	close_log(&log);
}
END_TEST

START_TEST(frames_of_one_stream_are_read_in_one_go)
{
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "one ");
	append_text(&log, CT_STREAM_STDOUT, "two ");
	append_text(&log, CT_STREAM_STDOUT, "three");
	assert_next(&log, 256, CT_STREAM_STDOUT, "one two three");
	assert_next(&log, 256, 0, "");
	append_text(&log, CT_STREAM_STDOUT, "four");
	assert_next(&log, 256, CT_STREAM_STDOUT, "four");
	close_log(&log);
}
END_TEST

START_TEST(alternating_streams_come_one_after_the_other)
{
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "o1");
	append_text(&log, CT_STREAM_STDERR, "e1");
	append_text(&log, CT_STREAM_STDERR, "e2");
	append_text(&log, CT_STREAM_STDOUT, "o2");
	assert_next(&log, 256, CT_STREAM_STDOUT, "o1");
	assert_next(&log, 256, CT_STREAM_STDERR, "e1e2");
	assert_next(&log, 256, CT_STREAM_STDOUT, "o2");
	assert_next(&log, 256, 0, "");
	close_log(&log);
}
END_TEST

START_TEST(reads_of_any_size_give_the_same_bytes)
{
	struct log log;
	char expected[512] = "", got[512] = "";

	open_log(&log);
	for (int i = 0; i < 40; i++) {
		char text[16];

		snprintf(text, sizeof(text), "<%d>", i * i);
		append_text(&log, CT_STREAM_STDOUT, text);
		strcat(expected, text);
	}
	for (size_t size = 1;; size = size % 7 + 1) {
		struct ct_err err = { 0 };
		char buf[8];
		int stream;
		ssize_t n = ct_cursor_read(&log.cursor, buf, size, &stream, &err);

		ck_assert_int_ge(n, 0);
		ck_assert_int_le(n, (ssize_t)size);
		if (n == 0)
			break;
		strncat(got, buf, (size_t)n);
	}
	ck_assert_str_eq(got, expected);
	close_log(&log);
}
END_TEST

START_TEST(the_log_is_what_the_engine_api_sends)
{
	static const uint8_t expected[] = { 1, 0, 0, 0, 0, 0, 0, 2, 'h', 'i',
					    2, 0, 0, 0, 0, 0, 0, 3, 'e', 'r', 'r' };
	uint8_t found[64];
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "hi");
	append_text(&log, CT_STREAM_STDERR, "err");
	ck_assert_int_eq(pread(log.file, found, sizeof(found), 0), sizeof(expected));
	ck_assert_mem_eq(found, expected, sizeof(expected));
	close_log(&log);
}
END_TEST

START_TEST(the_largest_frame_survives)
{
	static uint8_t data[CT_FRAME_MAX], back[CT_FRAME_MAX + 1];
	struct ct_err err = { 0 };
	struct log log;
	int stream;

	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	open_log(&log);
	ck_assert_int_eq(append(&log, CT_STREAM_STDERR, data, sizeof(data)), 0);
	ck_assert_int_eq(ct_cursor_read(&log.cursor, back, sizeof(back), &stream, &err),
			 (ssize_t)sizeof(data));
	ck_assert_mem_eq(back, data, sizeof(data));
	close_log(&log);
}
END_TEST

START_TEST(what_is_not_committed_is_not_read)
{
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "committed");
	/* A whole frame behind it that no one has published. */
	ck_assert_int_eq(pwrite(log.file, "\1\0\0\0\0\0\0\4evil", 12, file_size(&log)), 12);
	assert_next(&log, 256, CT_STREAM_STDOUT, "committed");
	assert_next(&log, 256, 0, "");
	/* The writer's next frame takes its place. */
	append_text(&log, CT_STREAM_STDOUT, "good");
	assert_next(&log, 256, CT_STREAM_STDOUT, "good");
	close_log(&log);
}
END_TEST

START_TEST(the_end_is_seen_after_the_last_byte_with_its_status)
{
	static const struct ct_exit killed = { .signaled = true, .value = SIGKILL };
	struct ct_exit status = { 0 };
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "last");
	ct_log_publish(&log.writer, CT_PAGE_RUNNING, NULL);
	ck_assert(!ct_cursor_ended(&log.cursor, &status));
	ct_log_publish(&log.writer, CT_PAGE_EXITED, &killed);
	ck_assert(!ct_cursor_ended(&log.cursor, &status));
	assert_next(&log, 2, CT_STREAM_STDOUT, "la");
	ck_assert(!ct_cursor_ended(&log.cursor, &status));
	assert_next(&log, 2, CT_STREAM_STDOUT, "st");
	ck_assert(ct_cursor_ended(&log.cursor, &status));
	ck_assert(status.signaled);
	ck_assert_int_eq(status.value, SIGKILL);
	close_log(&log);
}
END_TEST

START_TEST(every_append_wakes_and_the_counter_is_never_read)
{
	struct log log;
	struct pollfd wake = { .events = POLLIN };

	open_log(&log);
	wake.fd = log.writer.wake;
	ck_assert_int_eq(poll(&wake, 1, 0), 0);
	append_text(&log, CT_STREAM_STDOUT, "x");
	ck_assert_int_eq(poll(&wake, 1, 0), 1);
	close_log(&log);
}
END_TEST

START_TEST(the_commit_page_cannot_be_written_by_who_gets_it)
{
	char path[64];
	struct log log;
	void *map;
	int again;

	open_log(&log);
	map = mmap(NULL, CT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, log.writer.page_fd, 0);
	ck_assert_ptr_eq(map, MAP_FAILED);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", log.writer.page_fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	if (again >= 0)
		ck_assert_int_lt(pwrite(again, "x", 1, 0), 0);
	ct_fd_close(again);
	ck_assert_int_lt(pwrite(log.writer.page_fd, "x", 1, 0), 0);
	ck_assert_int_lt(ftruncate(log.writer.page_fd, 0), 0);
	/* The writer itself still can. */
	append_text(&log, CT_STREAM_STDOUT, "x");
	assert_next(&log, 16, CT_STREAM_STDOUT, "x");
	close_log(&log);
}
END_TEST

START_TEST(what_is_no_commit_page_is_refused)
{
	int page = memfd_create("not-a-page", MFD_CLOEXEC);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ftruncate(page, CT_PAGE_SIZE), 0);
	ck_assert_int_eq(ct_cursor_open(page, page, &cursor, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "this is no commit page of a version known here");
	close(page);
}
END_TEST

START_TEST(a_second_log_in_the_same_directory_is_refused)
{
	struct ct_log_writer second;
	struct ct_err err = { 0 };
	struct log log;

	open_log(&log);
	ck_assert_int_eq(ct_log_create(fixture_dir(), &second, &err), -EEXIST);
	close_log(&log);
}
END_TEST

/* ---- damage ---- */

static const struct damage {
	const char *what;
	off_t at;
	const char *bytes;
	size_t size;
} damages[] = {
	{ "stream 0", 12, "\0", 1 },
	{ "stream 3", 12, "\3", 1 },
	{ "a length of 0", 16, "\0\0\0\0", 4 },
	{ "a length beyond what is committed", 16, "\0\0\1\0", 4 },
	{ "a length of 2^32 - 1", 16, "\377\377\377\377", 4 },
};

/* Two frames of 12 bytes in the file; the second one's header is damaged. */
START_TEST(a_damaged_header_is_named_with_its_offset_after_what_stands_before_it)
{
	const struct damage *d = &damages[_i];
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "good");
	append_text(&log, CT_STREAM_STDOUT, "lost");
	ck_assert_int_eq(pwrite(log.file, d->bytes, d->size, d->at), (ssize_t)d->size);
	assert_next(&log, 256, CT_STREAM_STDOUT, "good");
	assert_damaged(&log, "damaged record in the log at offset 12");
	/* And again: it does not go away. */
	assert_damaged(&log, "damaged record in the log at offset 12");
	close_log(&log);
}
END_TEST

START_TEST(a_truncated_file_is_named_with_its_offset)
{
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "good");
	append_text(&log, CT_STREAM_STDOUT, "torn");
	ck_assert_int_eq(ftruncate(log.file, 12 + 8 + 2), 0);
	assert_next(&log, 256, CT_STREAM_STDOUT, "goodto");
	assert_damaged(&log, "damaged record in the log at offset 22");
	ck_assert_int_eq(ftruncate(log.file, 0), 0);
	assert_damaged(&log, "damaged record in the log at offset 22");
	close_log(&log);
}
END_TEST

START_TEST(a_file_that_ends_inside_a_header_is_named_with_its_offset)
{
	struct log log;

	open_log(&log);
	append_text(&log, CT_STREAM_STDOUT, "good");
	append_text(&log, CT_STREAM_STDOUT, "torn");
	ck_assert_int_eq(ftruncate(log.file, 12 + 3), 0);
	assert_next(&log, 256, CT_STREAM_STDOUT, "good");
	assert_damaged(&log, "damaged record in the log at offset 12");
	close_log(&log);
}
END_TEST

/* ---- a full disk ---- */

static void limit_file_size(rlim_t bytes)
{
	struct rlimit limit = { .rlim_cur = bytes, .rlim_max = RLIM_INFINITY };

	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

START_TEST(a_frame_that_does_not_fit_is_not_there_at_all_and_fits_later)
{
	struct log log;

	open_log(&log);
	signal(SIGXFSZ, SIG_IGN);
	append_text(&log, CT_STREAM_STDOUT, "first");
	limit_file_size(20);
	/* Seven bytes of it fit: they are taken back. */
	ck_assert_int_eq(append(&log, CT_STREAM_STDERR, "second", 6), -EFBIG);
	ck_assert_int_eq(file_size(&log), 13);
	ck_assert_uint_eq(log.writer.offset, 13);
	ck_assert_int_eq(append(&log, CT_STREAM_STDERR, "second", 6), -EFBIG);
	assert_next(&log, 256, CT_STREAM_STDOUT, "first");
	assert_next(&log, 256, 0, "");
	limit_file_size(1000);
	append_text(&log, CT_STREAM_STDERR, "second");
	assert_next(&log, 256, CT_STREAM_STDERR, "second");
	close_log(&log);
}
END_TEST

static bool write_text(const char *path, const char *text)
{
	int ct_autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

static bool map_id(const char *path, unsigned id)
{
	char text[32];

	snprintf(text, sizeof(text), "0 %u 1", id);
	return write_text(path, text);
}

/* A tmpfs of 64 KiB in namespaces of our own, where our ids are mapped and can own files. */
static bool mount_small_tmpfs(const char *path)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
		return false;
	if (!write_text("/proc/self/setgroups", "deny") || !map_id("/proc/self/uid_map", uid) ||
	    !map_id("/proc/self/gid_map", gid))
		return false;
	return mount("small", path, "tmpfs", MS_NOSUID | MS_NODEV, "size=65536,mode=777") == 0;
}

/* In a child: 0 when all went well, else the line that failed. */
static int fill_small_disk(void)
{
	static uint8_t data[30000], back[40000];
	struct ct_log_writer w;
	struct ct_cursor c;
	struct ct_err err = { 0 };
	int dir, file, stream;

	if (!mount_small_tmpfs(fixture_path()))
		return __LINE__;
	dir = open(fixture_path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0 || ct_log_create(dir, &w, &err) < 0)
		return __LINE__;
	file = openat(dir, "log.0", O_RDONLY | O_CLOEXEC);
	if (file < 0 || ct_cursor_open(w.page_fd, file, &c, &err) < 0)
		return __LINE__;
	memset(frame, 'x', sizeof(frame));
	for (int i = 0; i < 2; i++)
		if (ct_log_append(&w, CT_STREAM_STDOUT, frame, sizeof(data)) != 0)
			return __LINE__;
	/* 60,016 bytes are there; a part of the third frame would fit. */
	if (ct_log_append(&w, CT_STREAM_STDOUT, frame, sizeof(data)) != -ENOSPC)
		return __LINE__;
	if (lseek(file, 0, SEEK_END) != 2 * (off_t)(sizeof(data) + CT_FRAME_HEADER))
		return __LINE__;
	/* What is committed is whole, and a smaller frame fits. */
	if (ct_cursor_read(&c, back, sizeof(back), &stream, &err) != (ssize_t)sizeof(back) ||
	    ct_cursor_read(&c, back, sizeof(back), &stream, &err) != 20000)
		return __LINE__;
	if (ct_log_append(&w, CT_STREAM_STDERR, frame, 100) != 0 ||
	    ct_cursor_read(&c, back, sizeof(back), &stream, &err) != 100)
		return __LINE__;
	return stream == CT_STREAM_STDERR ? 0 : __LINE__;
}

START_TEST(a_full_disk_tears_nothing)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int line = fill_small_disk();

		if (line)
			fprintf(stderr, "fill_small_disk() failed in line %d\n", line);
		_exit(line != 0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}
END_TEST

static TCase *reading(void)
{
	TCase *tc = tcase_create("reading and writing");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, an_empty_log_has_nothing_and_has_not_ended);
	tcase_add_test(tc, frames_of_one_stream_are_read_in_one_go);
	tcase_add_test(tc, alternating_streams_come_one_after_the_other);
	tcase_add_test(tc, reads_of_any_size_give_the_same_bytes);
	tcase_add_test(tc, the_log_is_what_the_engine_api_sends);
	tcase_add_test(tc, the_largest_frame_survives);
	tcase_add_test(tc, what_is_not_committed_is_not_read);
	tcase_add_test(tc, the_end_is_seen_after_the_last_byte_with_its_status);
	tcase_add_test(tc, every_append_wakes_and_the_counter_is_never_read);
	tcase_add_test(tc, the_commit_page_cannot_be_written_by_who_gets_it);
	tcase_add_test(tc, what_is_no_commit_page_is_refused);
	tcase_add_test(tc, a_second_log_in_the_same_directory_is_refused);
	return tc;
}

Suite *suite_stream_log(void)
{
	Suite *suite = suite_create("stream_log");
	TCase *damage = tcase_create("damage");
	TCase *full = tcase_create("a full disk");

	suite_add_tcase(suite, reading());
	tcase_add_checked_fixture(damage, fixture_setup, fixture_teardown);
	tcase_add_loop_test(damage,
			    a_damaged_header_is_named_with_its_offset_after_what_stands_before_it,
			    0, (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(damage, a_truncated_file_is_named_with_its_offset);
	tcase_add_test(damage, a_file_that_ends_inside_a_header_is_named_with_its_offset);
	suite_add_tcase(suite, damage);
	tcase_add_checked_fixture(full, fixture_setup, fixture_teardown);
	tcase_add_test(full, a_frame_that_does_not_fit_is_not_there_at_all_and_fits_later);
	tcase_add_test(full, a_full_disk_tears_nothing);
	suite_add_tcase(suite, full);
	return suite;
}
