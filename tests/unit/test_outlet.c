/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Outlets: whatever stdout is, a write takes what fits, says 0 when nothing does, never blocks and
 * never makes the descriptor non-blocking for those who share it.
 */
#include "cli/outlet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

static uint8_t data[65536];

/* A write that blocks ends the test by this alarm. */
static void setup(void)
{
	fixture_setup();
	alarm(10);
	memset(data, 'x', sizeof(data));
}

static bool is_blocking(int fd)
{
	return !(fcntl(fd, F_GETFL) & O_NONBLOCK);
}

/* Write until nothing fits any more, and goes on not to: the kernel moves a terminal's output on
 * to its reader's end in the background. Bytes that were taken. */
static size_t fill(struct ct_outlet *outlet)
{
	size_t total = 0;

	for (int full = 0; full < 5; full++) {
		ssize_t n = ct_outlet_write(outlet, data, sizeof(data));

		ck_assert_int_ge(n, 0);
		total += (size_t)n;
		if (n > 0)
			full = 0;
		else
			usleep(10000);
	}
	return total;
}

/* Fill it, empty it, see that everything came and that there is room again. */
static void check_full(int in, int out)
{
	struct ct_outlet outlet;
	size_t total, read_back = 0;
	uint8_t buf[65536];

	ct_outlet_open(in, &outlet);
	total = fill(&outlet);
	ck_assert_uint_gt(total, 4096);
	ck_assert(is_blocking(in));
	for (struct pollfd more = { .fd = out, .events = POLLIN }; poll(&more, 1, 100) == 1;) {
		ssize_t n = read(out, buf, sizeof(buf));

		ck_assert_int_gt(n, 0);
		read_back += (size_t)n;
	}
	ck_assert_uint_eq(read_back, total);
	ck_assert_int_gt(ct_outlet_write(&outlet, data, sizeof(data)), 0);
	ct_outlet_close(&outlet);
	ck_assert_int_ge(fcntl(in, F_GETFD), 0);
}

START_TEST(a_full_pipe_takes_nothing_and_does_not_block)
{
	int fds[2];

	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	check_full(fds[1], fds[0]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

START_TEST(a_full_socket_takes_nothing_and_does_not_block)
{
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	check_full(fds[1], fds[0]);
	close(fds[0]);
	close(fds[1]);
}
END_TEST

/* A pty of which nobody reads the master; raw, or its echo and line feeds would count. */
static void open_terminal(int *ret_master, int *ret_slave)
{
	struct termios settings;

	*ret_master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*ret_master, 0);
	ck_assert_int_eq(grantpt(*ret_master), 0);
	ck_assert_int_eq(unlockpt(*ret_master), 0);
	*ret_slave = ioctl(*ret_master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	ck_assert_int_ge(*ret_slave, 0);
	ck_assert_int_eq(tcgetattr(*ret_slave, &settings), 0);
	cfmakeraw(&settings);
	ck_assert_int_eq(tcsetattr(*ret_slave, TCSANOW, &settings), 0);
}

START_TEST(a_full_terminal_takes_nothing_and_does_not_block)
{
	int master, slave;

	open_terminal(&master, &slave);
	check_full(slave, master);
	close(slave);
	close(master);
}
END_TEST

START_TEST(a_stopped_terminal_takes_nothing_and_does_not_block)
{
	struct ct_outlet outlet;
	int master, slave;

	open_terminal(&master, &slave);
	ck_assert_int_eq(tcflow(slave, TCOOFF), 0);
	ct_outlet_open(slave, &outlet);
	fill(&outlet);
	ck_assert_int_eq(tcflow(slave, TCOON), 0);
	ck_assert_int_gt(ct_outlet_write(&outlet, data, 100), 0);
	ct_outlet_close(&outlet);
	close(slave);
	close(master);
}
END_TEST

START_TEST(a_terminal_that_cannot_be_opened_again_does_not_block_either)
{
	struct ct_outlet outlet;
	int master, slave;

	open_terminal(&master, &slave);
	ct_outlet_open(slave, &outlet);
	ck_assert(outlet.own);
	/* As when it belongs to somebody else: what there is must do. */
	ct_outlet_close(&outlet);
	outlet.fd = slave;
	ck_assert_uint_gt(fill(&outlet), 0);
	close(slave);
	close(master);
}
END_TEST

START_TEST(a_file_takes_everything)
{
	struct ct_outlet outlet;
	int fd = openat(fixture_dir(), "file", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	ct_outlet_open(fd, &outlet);
	ck_assert_int_eq(ct_outlet_write(&outlet, data, sizeof(data)), sizeof(data));
	ck_assert_int_eq(ct_outlet_write(&outlet, "tail", 4), 4);
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), sizeof(data) + 4);
	ct_outlet_close(&outlet);
	close(fd);
}
END_TEST

START_TEST(devices_take_or_refuse)
{
	struct ct_outlet outlet;
	int fd = open("/dev/null", O_WRONLY | O_CLOEXEC);

	ct_outlet_open(fd, &outlet);
	ck_assert_int_gt(ct_outlet_write(&outlet, data, sizeof(data)), 0);
	ct_outlet_close(&outlet);
	close(fd);
	fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	ct_outlet_open(fd, &outlet);
	ck_assert_int_eq(ct_outlet_write(&outlet, data, sizeof(data)), -ENOSPC);
	ct_outlet_close(&outlet);
	close(fd);
}
END_TEST

START_TEST(a_pipe_without_a_reader_is_a_broken_pipe)
{
	struct ct_outlet outlet;
	int fds[2];

	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	ct_outlet_open(fds[1], &outlet);
	close(fds[0]);
	ck_assert_int_eq(ct_outlet_write(&outlet, "x", 1), -EPIPE);
	ct_outlet_close(&outlet);
	close(fds[1]);
}
END_TEST

START_TEST(a_terminal_that_was_hung_up_is_an_error)
{
	struct ct_outlet outlet;
	int master, slave;

	open_terminal(&master, &slave);
	ct_outlet_open(slave, &outlet);
	close(master);
	ck_assert_int_eq(ct_outlet_write(&outlet, "x", 1), -EIO);
	ct_outlet_close(&outlet);
	close(slave);
}
END_TEST

Suite *suite_outlet(void)
{
	Suite *suite = suite_create("outlet");
	TCase *tc = tcase_create("ct_outlet_write");

	tcase_add_checked_fixture(tc, setup, fixture_teardown);
	tcase_add_test(tc, a_full_pipe_takes_nothing_and_does_not_block);
	tcase_add_test(tc, a_full_socket_takes_nothing_and_does_not_block);
	tcase_add_test(tc, a_full_terminal_takes_nothing_and_does_not_block);
	tcase_add_test(tc, a_stopped_terminal_takes_nothing_and_does_not_block);
	tcase_add_test(tc, a_terminal_that_cannot_be_opened_again_does_not_block_either);
	tcase_add_test(tc, a_file_takes_everything);
	tcase_add_test(tc, devices_take_or_refuse);
	tcase_add_test(tc, a_pipe_without_a_reader_is_a_broken_pipe);
	tcase_add_test(tc, a_terminal_that_was_hung_up_is_an_error);
	suite_add_tcase(suite, tc);
	return suite;
}
