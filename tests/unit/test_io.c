/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bounded reads, whole writes, atomic replacement, records with descriptors. Runs unprivileged in
 * a directory of its own; every test is checked for descriptors that it leaves open.
 */
#include <cattach/io.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static struct ct_arena arena;
static const char *text;
static size_t size;
static struct ct_err err;

static void setup(void)
{
	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	text = NULL;
	size = 77;
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

static int read_at(const char *name, size_t max)
{
	return ct_read_file_at(&arena, fixture_dir(), name, max, &text, &size, &err);
}

START_TEST(a_file_is_read_whole_and_terminated)
{
	fixture_file("f", "one\ntwo");
	ck_assert_int_eq(read_at("f", 100), 0);
	ck_assert_str_eq(text, "one\ntwo");
	ck_assert_uint_eq(size, 7);
	fixture_file("empty", "");
	ck_assert_int_eq(read_at("empty", 0), 0);
	ck_assert_str_eq(text, "");
	ck_assert_uint_eq(size, 0);
}
END_TEST

START_TEST(nul_bytes_count)
{
	ck_assert_int_eq(ct_write_file_at(fixture_dir(), "f", "a\0b", 3, 0600, &err), 0);
	ck_assert_int_eq(read_at("f", 3), 0);
	ck_assert_uint_eq(size, 3);
	ck_assert_mem_eq(text, "a\0b", 4);
}
END_TEST

START_TEST(the_bound_is_exact)
{
	fixture_file("f", "12345");
	ck_assert_int_eq(read_at("f", 5), 0);
	ck_assert_uint_eq(size, 5);
	size = 77;
	ck_assert_int_eq(read_at("f", 4), -EFBIG);
	ck_err(&err, EFBIG, "f: has 5 bytes, at most 4 are allowed");
	ck_assert_uint_eq(size, 77);
}
END_TEST

START_TEST(files_of_proc_are_read_and_bounded_though_they_claim_no_size)
{
	int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(ct_read_file(&arena, fd, 65536, &text, &size, &err), 0);
	ck_assert_int_eq(strncmp(text, "Name:", 5), 0);
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(ct_read_file(&arena, fd, 100, &text, &size, &err), -EFBIG);
	ck_err(&err, EFBIG, "has more than the 100 bytes that are allowed");
	close(fd);
}
END_TEST

START_TEST(unused_room_goes_back_to_the_arena_zeroed)
{
	size_t before = arena.used;
	char *next;

	fixture_file("f", "12345");
	ck_assert_int_eq(read_at("f", 1 << 20), 0);
	ck_assert_uint_le(arena.used - before, 32);
	next = ct_arena_alloc(&arena, 4096);
	for (int i = 0; i < 4096; i++)
		ck_assert_int_eq(next[i], 0);
	ck_assert_str_eq(text, "12345");
	/* Also when the file turned out to be too large after it was read. */
	ck_assert_int_eq(ct_read_file_at(&arena, AT_FDCWD, "/proc/self/status", 200, &text, &size,
					 &err), -EFBIG);
	next = ct_arena_alloc(&arena, 4096);
	for (int i = 0; i < 4096; i++)
		ck_assert_int_eq(next[i], 0);
}
END_TEST

START_TEST(a_full_arena_is_out_of_memory_not_too_big)
{
	fixture_file("f", "0123456789012345678901234567890123456789");
	ck_assert_ptr_nonnull(ct_arena_alloc(&arena, arena.size - 80));
	ck_assert_int_eq(read_at("f", 100), -ENOMEM);
	ck_assert_ptr_nonnull(ct_arena_alloc(&arena, arena.size - arena.used - 16));
	ck_assert_int_eq(read_at("f", 100), -ENOMEM);
}
END_TEST

START_TEST(what_is_no_regular_file_is_refused_without_waiting)
{
	struct ct_err ignored;
	int dir = fixture_dir();

	alarm(5);	/* a FIFO without a writer would block for ever */
	ck_assert_int_eq(mkfifoat(dir, "fifo", 0600), 0);
	ck_assert_int_eq(read_at("fifo", 100), -EINVAL);
	ck_err(&err, EINVAL, "fifo: not a regular file");
	ck_assert_int_eq(mkdirat(dir, "dir", 0700), 0);
	ck_assert_int_eq(read_at("dir", 100), -EISDIR);
	ck_err(&err, EISDIR, "dir: is a directory, not a file");
	ck_assert_int_eq(ct_read_file_at(&arena, AT_FDCWD, "/dev/zero", 100, &text, &size,
					 &ignored), -EINVAL);
	ck_assert_int_eq(read_at("missing", 100), -ENOENT);
	ck_err(&err, ENOENT, "cannot open missing: No such file or directory");
	ck_assert_ptr_null(text);
}
END_TEST

START_TEST(a_last_link_is_not_followed)
{
	fixture_file("f", "x");
	ck_assert_int_eq(symlinkat("f", fixture_dir(), "link"), 0);
	ck_assert_int_eq(read_at("link", 100), -ELOOP);
	ck_err(&err, ELOOP, "cannot open link: it is a symbolic link (name the file that it leads "
	       "to)");
}
END_TEST

/* Read everything from fd slowly, in odd portions, and check that it counts up: exit status 0. */
static void check_stream(int fd, size_t total)
{
	unsigned char part[777];
	size_t got = 0;
	ssize_t n;

	while ((n = read(fd, part, sizeof(part))) > 0) {
		for (ssize_t i = 0; i < n; i++, got++)
			if (part[i] != (unsigned char)(got * 7 + got / 251))
				_exit(1);
		if (got % 10 == 0)
			usleep(100);
	}
	_exit(got == total ? 0 : 2);
}

static void ignore_signal(int signal)
{
	(void)signal;
}

START_TEST(partial_writes_and_interruptions_lose_nothing)
{
	const struct itimerval often = { { 0, 2000 }, { 0, 2000 } }, never = { 0 };
	struct sigaction action = { .sa_handler = ignore_signal };	/* no SA_RESTART: EINTR */
	size_t total = 1 << 20;
	unsigned char *data = malloc(total);
	int ends[2], status;
	pid_t child;

	for (size_t i = 0; i < total; i++)
		data[i] = (unsigned char)(i * 7 + i / 251);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	/* Once blocking, once with a pipe that says EAGAIN. */
	if (_i)
		fcntl(ends[1], F_SETFL, O_NONBLOCK);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		check_stream(ends[0], total);
	}
	close(ends[0]);
	sigaction(SIGALRM, &action, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	ck_assert_int_eq(ct_write_all(ends[1], data, total), 0);
	setitimer(ITIMER_REAL, &never, NULL);
	close(ends[1]);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	free(data);
}
END_TEST

START_TEST(a_write_that_fails_says_why)
{
	int ends[2], full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	ck_assert_int_eq(ct_write_all(ends[1], "x", 1), -EPIPE);
	ck_assert_int_eq(ct_write_all(ends[1], "", 0), 0);
	ck_assert_int_eq(ct_write_all(-1, "x", 1), -EBADF);
	ck_assert_int_eq(ct_write_all(full, "x", 1), -ENOSPC);
	close(ends[1]);
	close(full);
}
END_TEST

START_TEST(a_file_is_replaced_in_one_step_with_the_mode_that_was_asked)
{
	struct stat before, after;
	int dir = fixture_dir(), old;

	umask(0777);
	ck_assert_int_eq(ct_write_file_at(dir, "f", "first", 5, 0600, &err), 0);
	old = openat(dir, "f", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fstat(old, &before), 0);
	ck_assert_uint_eq(before.st_mode & 07777, 0600);
	/* Left behind by a writer that was killed. */
	ck_assert_int_eq(symlinkat("f", dir, ".f.tmp"), 0);
	ck_assert_int_eq(ct_write_file_at(dir, "f", "second!", 7, 0640, &err), 0);
	ck_assert_int_eq(fstatat(dir, "f", &after, AT_SYMLINK_NOFOLLOW), 0);
	ck_assert(S_ISREG(after.st_mode));
	ck_assert_uint_eq(after.st_mode & 07777, 0640);
	ck_assert_uint_ne(after.st_ino, before.st_ino);
	ck_assert_int_eq(faccessat(dir, ".f.tmp", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	/* Who had the old file open still reads the old text, whole. */
	ck_assert_int_eq(ct_read_file(&arena, old, 100, &text, &size, &err), 0);
	ck_assert_str_eq(text, "first");
	close(old);
	ck_assert_int_eq(read_at("f", 100), 0);
	ck_assert_str_eq(text, "second!");
}
END_TEST

START_TEST(a_failed_replacement_leaves_no_temporary)
{
	char name[256];
	int dir = fixture_dir();

	ck_assert_int_eq(mkdirat(dir, "d", 0700), 0);
	ck_assert_int_eq(ct_write_file_at(dir, "d", "x", 1, 0600, &err), -EISDIR);
	ck_err(&err, EISDIR, "cannot write d: Is a directory");
	ck_assert_int_eq(faccessat(dir, ".d.tmp", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	ck_assert_int_eq(ct_write_file_at(dir, "d/f", "x", 1, 0600, &err), -EINVAL);
	ck_err(&err, EINVAL, "cannot write \"d/f\": not a plain file name");
	ck_assert_int_eq(ct_write_file_at(dir, "", "x", 1, 0600, &err), -EINVAL);
	memset(name, 'n', 255);
	name[255] = '\0';
	ck_assert_int_eq(ct_write_file_at(dir, name, "x", 1, 0600, &err), -ENAMETOOLONG);
	ck_assert_int_eq(ct_write_file_at(-1, "f", "x", 1, 0600, &err), -EBADF);
}
END_TEST

static int socks[2];

static void open_socks(void)
{
	setup();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), 0);
}

static void close_socks(void)
{
	ct_drop_fd(&socks[0]);
	ct_drop_fd(&socks[1]);
	teardown();
}

START_TEST(a_record_carries_a_descriptor_that_is_cloexec)
{
	struct stat sent, received;
	char buf[16];
	int fd;

	ck_assert_int_eq(ct_send(socks[0], "hello", 5, fixture_dir()), 0);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 5);
	ck_assert_mem_eq(buf, "hello", 5);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(fd, &received), 0);
	ck_assert_int_eq(fstat(fixture_dir(), &sent), 0);
	ck_assert_uint_eq(sent.st_ino, received.st_ino);
	close(fd);
	ck_assert_int_eq(ct_send(socks[0], "none", 4, -1), 0);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 4);
	ck_assert_int_eq(fd, -1);
}
END_TEST

/* Send one record with as many descriptors as asked, which ct_send() does not do. */
static void send_many(const char *data, size_t length, size_t count)
{
	char control[CMSG_SPACE(253 * sizeof(int))] __attribute__((aligned(8))) = { 0 };
	struct iovec iov = { (void *)(uintptr_t)data, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control,
			      .msg_controllen = CMSG_SPACE(count * sizeof(int)) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = fixture_dir();

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(fd), &fd, sizeof(fd));
	ck_assert_int_eq(sendmsg(socks[0], &msg, 0), (ssize_t)length);
}

START_TEST(a_record_carries_up_to_eight_descriptors)
{
	int ours[CT_FDS_MAX + 1], fds[CT_FDS_MAX];
	char byte;

	for (size_t i = 0; i <= CT_FDS_MAX; i++)
		ours[i] = fixture_dir();
	for (size_t count = 0; count <= CT_FDS_MAX; count++) {
		ck_assert_int_eq(ct_send_fds(socks[0], "x", 1, ours, count, 0), 0);
		ck_assert_int_eq(ct_recv_fds(socks[1], &byte, 1, fds, 0), 1);
		for (size_t i = 0; i < CT_FDS_MAX; i++) {
			ck_assert_int_eq(fds[i] >= 0, i < count);
			if (fds[i] >= 0)
				ck_assert_int_eq(fcntl(fds[i], F_GETFD), FD_CLOEXEC);
			ct_fd_close(fds[i]);
		}
	}
	ck_assert_int_eq(ct_recv_fds(socks[1], &byte, 1, fds, MSG_DONTWAIT), -EAGAIN);
	ck_assert_int_eq(ct_send_fds(socks[0], "x", 1, ours, CT_FDS_MAX + 1, 0), -EINVAL);
}
END_TEST

START_TEST(more_descriptors_than_eight_are_a_protocol_error_and_none_stays_open)
{
	unsigned before = fixture_count_fds();
	int fds[CT_FDS_MAX];
	char byte;

	send_many("x", 1, CT_FDS_MAX + 1);
	ck_assert_int_eq(ct_recv_fds(socks[1], &byte, 1, fds, 0), -EPROTO);
	ck_assert_int_eq(fds[0], -1);
	ck_assert_uint_eq(fixture_count_fds(), before);
}
END_TEST

START_TEST(surplus_descriptors_are_closed)
{
	unsigned before = fixture_count_fds();
	char buf[16];
	int fd;

	send_many("x", 1, 3);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 1);
	ck_assert_int_ge(fd, 0);
	ck_assert_uint_eq(fixture_count_fds(), before + 1);
	close(fd);
}
END_TEST

START_TEST(lost_descriptors_are_a_protocol_error_and_none_stays_open)
{
	unsigned before = fixture_count_fds();
	char buf[16];
	int fd;

	send_many("x", 1, 253);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), -EPROTO);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(fixture_count_fds(), before);
}
END_TEST

START_TEST(a_record_that_is_too_long_is_refused_with_its_descriptor)
{
	unsigned before = fixture_count_fds();
	char buf[4];
	int fd;

	ck_assert_int_eq(ct_send(socks[0], "hello", 5, fixture_dir()), 0);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), -EMSGSIZE);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(fixture_count_fds(), before);
	/* The next record is whole. */
	ck_assert_int_eq(ct_send(socks[0], "next", 4, -1), 0);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 4);
}
END_TEST

START_TEST(an_empty_record_hands_over_nothing)
{
	unsigned before = fixture_count_fds();
	char buf[4];
	int fd;

	send_many("", 0, 1);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_uint_eq(fixture_count_fds(), before);
}
END_TEST

START_TEST(the_end_is_zero_and_a_closed_peer_raises_no_signal)
{
	char buf[4];
	int fd, stream[2];

	ct_drop_fd(&socks[0]);
	ck_assert_int_eq(ct_recv(socks[1], buf, sizeof(buf), &fd), 0);
	ck_assert_int_eq(fd, -1);
	ck_assert_int_eq(ct_send(socks[1], "x", 1, -1), -EPIPE);
	/* Only streams raise SIGPIPE; whoever started the test may have it ignored. */
	signal(SIGPIPE, SIG_DFL);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, stream), 0);
	close(stream[0]);
	ck_assert_int_eq(ct_send(stream[1], "x", 1, -1), -EPIPE);
	close(stream[1]);
	ck_assert_int_eq(ct_send(-1, "x", 1, -1), -EBADF);
	ck_assert_int_eq(ct_recv(-1, buf, sizeof(buf), &fd), -EBADF);
}
END_TEST

Suite *suite_io(void);
Suite *suite_io(void)
{
	Suite *s = suite_create("io");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 20);
	tcase_add_test(tc, a_file_is_read_whole_and_terminated);
	tcase_add_test(tc, nul_bytes_count);
	tcase_add_test(tc, the_bound_is_exact);
	tcase_add_test(tc, files_of_proc_are_read_and_bounded_though_they_claim_no_size);
	tcase_add_test(tc, unused_room_goes_back_to_the_arena_zeroed);
	tcase_add_test(tc, a_full_arena_is_out_of_memory_not_too_big);
	tcase_add_test(tc, what_is_no_regular_file_is_refused_without_waiting);
	tcase_add_test(tc, a_last_link_is_not_followed);
	tcase_add_loop_test(tc, partial_writes_and_interruptions_lose_nothing, 0, 2);
	tcase_add_test(tc, a_write_that_fails_says_why);
	tcase_add_test(tc, a_file_is_replaced_in_one_step_with_the_mode_that_was_asked);
	tcase_add_test(tc, a_failed_replacement_leaves_no_temporary);
	suite_add_tcase(s, tc);
	tc = tcase_create("records");
	tcase_add_checked_fixture(tc, open_socks, close_socks);
	tcase_add_test(tc, a_record_carries_a_descriptor_that_is_cloexec);
	tcase_add_test(tc, a_record_carries_up_to_eight_descriptors);
	tcase_add_test(tc, more_descriptors_than_eight_are_a_protocol_error_and_none_stays_open);
	tcase_add_test(tc, surplus_descriptors_are_closed);
	tcase_add_test(tc, lost_descriptors_are_a_protocol_error_and_none_stays_open);
	tcase_add_test(tc, a_record_that_is_too_long_is_refused_with_its_descriptor);
	tcase_add_test(tc, an_empty_record_hands_over_nothing);
	tcase_add_test(tc, the_end_is_zero_and_a_closed_peer_raises_no_signal);
	suite_add_tcase(s, tc);
	return s;
}
