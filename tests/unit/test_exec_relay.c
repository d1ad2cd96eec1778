/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stdio of a process that is our own child: handed over as it is, but for terminals and
 * directories. Pseudo-terminals; any user.
 */
#include "cli/exec_relay.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "fixture.h"

static struct ct_relays relays;
static struct ct_ns_stdio stdio;
static struct ct_err err;
static int saved[3], master, slave;

/* Descriptors 0 to 2 are a terminal, or what a test puts there. */
static void setup(void)
{
	struct termios raw;

	fixture_setup();
	err = (struct ct_err){ 0 };
	for (int i = 0; i < 3; i++)
		saved[i] = fcntl(i, F_DUPFD_CLOEXEC, 10);
	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	ck_assert_int_eq(tcgetattr(slave, &raw), 0);
	cfmakeraw(&raw);
	ck_assert_int_eq(tcsetattr(slave, TCSANOW, &raw), 0);
}

static void restore(void)
{
	for (int i = 0; i < 3; i++)
		dup2(saved[i], i);
}

static void teardown(void)
{
	for (int i = 0; i < 3; i++)
		close(saved[i]);
	close(master);
	close(slave);
	fixture_teardown();
}

/* Open with these as 0, 1, 2, and have the test's own back. */
static int open_on(int in, int out, int error, bool interactive)
{
	const int fds[3] = { in, out, error };
	int r;

	for (int i = 0; i < 3; i++)
		dup2(fds[i], i);
	r = ct_relays_open(&relays, interactive, &stdio, &err);
	if (r < 0)
		restore();
	return r;
}

static void done(void)
{
	ct_relays_close(&relays);
	restore();
}

static bool same(int a, int b)
{
	struct stat one, two;

	return fstat(a, &one) == 0 && fstat(b, &two) == 0 && one.st_ino == two.st_ino &&
	       one.st_dev == two.st_dev;
}

static bool is_pipe(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
}

START_TEST(what_is_no_terminal_is_handed_over_itself)
{
	int file = openat(fixture_dir(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	bool given;

	ck_assert_int_eq(open_on(file, file, file, true), 0);
	given = stdio.fd[0] == 0 && stdio.fd[1] == 1 && stdio.fd[2] == 2 && stdio.borrowed;
	ct_relays_started(&relays);
	given = given && !ct_relays_pending(&relays) && ct_relays_pump(&relays);
	done();
	ck_assert(given);
	close(file);
}
END_TEST

START_TEST(stdin_is_null_without_interactive)
{
	int file = openat(fixture_dir(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool is_null;

	ck_assert_int_eq(open_on(file, file, file, false), 0);
	is_null = stdio.fd[0] > 2 && same(stdio.fd[0], null);
	done();
	ck_assert(is_null);
	close(file);
	close(null);
}
END_TEST

START_TEST(directories_are_refused_by_name_when_they_would_be_handed_over)
{
	static const char *const names[] = { "input", "output", "error" };
	int dir = openat(fixture_dir(), ".", O_RDONLY | O_CLOEXEC);
	int file = openat(fixture_dir(), "file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	char text[256];

	for (int i = 0; i < 3; i++) {
		err = (struct ct_err){ 0 };
		ck_assert_int_eq(open_on(i == 0 ? dir : file, i == 1 ? dir : file,
					 i == 2 ? dir : file, true), -EISDIR);
		snprintf(text, sizeof(text), "standard %s is a directory, which is not "
			 "handed into a container (redirect it to or from a file, or /dev/null)",
			 names[i]);
		ck_err(&err, EISDIR, text);
		ct_relays_close(&relays);
	}
	err = (struct ct_err){ 0 };
	ck_assert_int_eq(open_on(dir, file, file, false), 0);
	done();
	close(dir);
	close(file);
}
END_TEST

START_TEST(a_terminal_is_never_handed_over_but_a_pipe_is)
{
	bool pipes, ttys;

	ck_assert_int_eq(open_on(slave, slave, slave, true), 0);
	pipes = is_pipe(stdio.fd[0]) && is_pipe(stdio.fd[1]) && is_pipe(stdio.fd[2]);
	ttys = isatty(stdio.fd[0]) || isatty(stdio.fd[1]) || isatty(stdio.fd[2]);
	done();
	ck_assert(pipes);
	ck_assert(!ttys);
}
END_TEST

/* Pump until this much is there to be read, or a second has passed. */
static size_t pump_to(int fd, char *buf, size_t size)
{
	size_t got = 0;

	for (int i = 0; i < 1000 && got < size; i++) {
		struct pollfd one = { .fd = fd, .events = POLLIN };
		ssize_t n;

		ct_relays_pump(&relays);
		if (poll(&one, 1, 1) <= 0)
			continue;
		n = read(fd, buf + got, size - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	return got;
}

START_TEST(bytes_are_carried_both_ways)
{
	char in[8] = { 0 }, out[8] = { 0 };
	size_t typed, shown;
	int theirs[2];

	ck_assert_int_eq(open_on(slave, slave, slave, true), 0);
	theirs[0] = fcntl(stdio.fd[0], F_DUPFD_CLOEXEC, 10);
	theirs[1] = fcntl(stdio.fd[1], F_DUPFD_CLOEXEC, 10);
	ct_relays_started(&relays);
	ck_assert_int_eq(write(master, "typed", 5), 5);
	typed = pump_to(theirs[0], in, 5);
	ck_assert_int_eq(write(theirs[1], "shown", 5), 5);
	shown = pump_to(master, out, 5);
	done();
	ck_assert_uint_eq(typed, 5);
	ck_assert_str_eq(in, "typed");
	ck_assert_uint_eq(shown, 5);
	ck_assert_str_eq(out, "shown");
	close(theirs[0]);
	close(theirs[1]);
}
END_TEST

START_TEST(what_was_written_before_the_end_is_pending_until_it_is_shown)
{
	bool before, after;
	char buf[4];
	int theirs;

	ck_assert_int_eq(open_on(slave, slave, slave, false), 0);
	theirs = fcntl(stdio.fd[1], F_DUPFD_CLOEXEC, 10);
	ct_relays_started(&relays);
	ck_assert_int_eq(write(theirs, "end", 3), 3);
	close(theirs);
	before = ct_relays_pending(&relays);
	ck_assert_uint_eq(pump_to(master, buf, 3), 3);
	ct_relays_pump(&relays);
	after = ct_relays_pending(&relays);
	done();
	ck_assert(before);
	ck_assert(!after);
}
END_TEST

START_TEST(what_others_write_behind_its_end_is_not_waited_for)
{
	bool before, after;
	char buf[4];
	int theirs;

	ck_assert_int_eq(open_on(slave, slave, slave, true), 0);
	theirs = fcntl(stdio.fd[1], F_DUPFD_CLOEXEC, 10);
	ct_relays_started(&relays);
	ck_assert_int_eq(write(theirs, "end", 3), 3);
	ct_relays_last(&relays);
	ck_assert_int_eq(write(theirs, "noise", 5), 5);
	before = ct_relays_pending(&relays);
	ck_assert_uint_eq(pump_to(master, buf, 3), 3);
	after = ct_relays_pending(&relays);
	ct_relays_pump(&relays);
	close(theirs);
	done();
	ck_assert(before);
	ck_assert_str_eq(buf, "end");
	ck_assert(!after);
}
END_TEST

START_TEST(a_process_that_reads_no_more_is_no_reason_to_stop)
{
	bool wanted = true;

	ck_assert_int_eq(open_on(slave, slave, slave, true), 0);
	signal(SIGPIPE, SIG_IGN);
	ct_relays_started(&relays);
	ck_assert_int_eq(write(master, "typed", 5), 5);
	for (int i = 0; i < 100 && wanted; i++)
		wanted = ct_relays_pump(&relays);
	done();
	ck_assert(wanted);
}
END_TEST

Suite *suite_exec_relay(void)
{
	Suite *s = suite_create("exec_relay");
	TCase *tc = tcase_create("exec_relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_no_terminal_is_handed_over_itself);
	tcase_add_test(tc, stdin_is_null_without_interactive);
	tcase_add_test(tc, directories_are_refused_by_name_when_they_would_be_handed_over);
	tcase_add_test(tc, a_terminal_is_never_handed_over_but_a_pipe_is);
	tcase_add_test(tc, bytes_are_carried_both_ways);
	tcase_add_test(tc, what_was_written_before_the_end_is_pending_until_it_is_shown);
	tcase_add_test(tc, what_others_write_behind_its_end_is_not_waited_for);
	tcase_add_test(tc, a_process_that_reads_no_more_is_no_reason_to_stop);
	suite_add_tcase(s, tc);
	return s;
}
