/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream log between processes: one writes 50 MiB as fast as it can, three follow it in pieces
 * of different sizes, and each sees every byte of both streams in order, and then the end.
 */
#include <cattach/streamlog.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

#define TOTAL	(50u << 20)

/* Both streams are one sequence of bytes each: the n-th depends on n alone. */
static uint8_t byte_at(int stream, uint64_t n)
{
	return (uint8_t)((n * 2654435761u) >> (stream == CT_STREAM_STDOUT ? 8 : 13));
}

static _Noreturn void write_all(struct ct_log_writer *writer)
{
	static uint8_t frame[CT_FRAME_HEADER + CT_FRAME_MAX];
	static const struct ct_exit done = { .value = 42 };
	uint64_t at[3] = { 0 }, total = 0;
	unsigned seed = 1;

	while (total < TOTAL) {
		int stream = rand_r(&seed) % 3 ? CT_STREAM_STDOUT : CT_STREAM_STDERR;
		size_t size = 1 + (size_t)rand_r(&seed) % CT_FRAME_MAX;

		for (size_t i = 0; i < size; i++)
			frame[CT_FRAME_HEADER + i] = byte_at(stream, at[stream]++);
		if (ct_log_append(writer, stream, frame, size) != 0)
			_exit(1);
		total += size;
	}
	ct_log_publish(writer, CT_PAGE_EXITED, &done);
	_exit(0);
}

/* 0 when every byte of both streams came, in order, and the end after them. */
static int read_all(struct ct_cursor *cursor, int wakes, size_t size, uint64_t *ret_total)
{
	static uint8_t buf[128 * 1024];
	struct pollfd wake = { .fd = wakes, .events = POLLIN };
	uint64_t at[3] = { 0 };
	struct ct_exit status = { 0 };
	struct ct_err err = { 0 };

	for (;;) {
		bool ended = ct_cursor_ended(cursor, &status);
		int stream = 0;
		ssize_t n = ended ? 0 : ct_cursor_read(cursor, buf, size, &stream, &err);

		if (n < 0)
			return 2;
		for (ssize_t i = 0; i < n; i++)
			if (buf[i] != byte_at(stream, at[stream]++))
				return 3;
		if (ended)
			break;
		if (n == 0)
			poll(&wake, 1, 1);
	}
	*ret_total = at[1] + at[2];
	return status.value == 42 && *ret_total >= TOTAL ? 0 : 4;
}

START_TEST(three_readers_see_every_byte_while_it_is_written)
{
	static const size_t sizes[] = { 4093, 65536, 128 * 1024 };
	uint64_t *totals = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				-1, 0);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_log_writer writer;
	struct ct_err err = { 0 };
	int file, failed = 0;

	ck_assert_msg(ct_log_create(fixture_dir(), &writer, &err) == 0, "%s", err.what);
	file = openat(fixture_dir(), "log.0", O_RDONLY | O_CLOEXEC);
	ck_assert_msg(ct_cursor_open(writer.page_fd, file, &cursor, &err) == 0, "%s", err.what);
	for (int i = 0; i < 4; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0 && i < 3)
			_exit(read_all(&cursor, writer.wake, sizes[i], &totals[i]));
		if (pid == 0)
			write_all(&writer);
	}
	for (int i = 0, status; i < 4; i++) {
		ck_assert_int_gt(wait(&status), 0);
		failed |= status;
	}
	ck_assert_int_eq(failed, 0);
	ck_assert_uint_eq(totals[0], totals[1]);
	ck_assert_uint_eq(totals[1], totals[2]);
	munmap(totals, 4096);
	ct_cursor_close(&cursor);
	ct_log_writer_close(&writer);
	close(file);
}
END_TEST

Suite *suite_stream_readers(void)
{
	Suite *suite = suite_create("stream_readers");
	TCase *many = tcase_create("several processes");

	tcase_add_checked_fixture(many, fixture_setup, fixture_teardown);
	tcase_set_timeout(many, 30);
	tcase_add_test(many, three_readers_see_every_byte_while_it_is_written);
	suite_add_tcase(suite, many);
	return suite;
}
