/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach socket: made and taken away, thousands of visitors, a full house, no descriptors left.
 * (Somebody else's uid needs two uids: tests/cli/attach_protocol.bats.)
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "monitor_fixture.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
	l.config.runtime = 0;
	loop_open(&l);
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

static void limit_descriptors(rlim_t count)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = count && count < limit.rlim_max ? count : limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int dial(void)
{
	int sock = loop_dial(&l);

	ck_assert_msg(sock >= 0, "cannot connect: %s", strerror(-sock));
	return sock;
}

static int dial_and_greet(void)
{
	int sock = dial();

	loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_HELLO });
	loop_expect(sock, CT_MSG_WELCOME);
	return sock;
}

/* ---- making and taking away ---- */

START_TEST(the_socket_is_ours_alone)
{
	struct stat st;

	ck_assert_int_eq(fstatat(l.runtime, "attach", &st, 0), 0);
	ck_assert(S_ISSOCK(st.st_mode));
	/* The directory is what keeps others out; the monitor runs with this mask besides. */
	ck_assert_uint_eq(st.st_uid, geteuid());
}
END_TEST

START_TEST(who_connects_before_the_first_turn_is_a_client)
{
	int socks[100];

	for (int i = 0; i < 100; i++)
		socks[i] = dial();
	loop_run(&l);
	ck_assert_uint_eq(l.m->client_count, 100);
	for (int i = 0; i < 100; i++)
		close(socks[i]);
}
END_TEST

START_TEST(who_connects_while_it_closes_is_let_in_and_later_ones_find_nobody)
{
	int sock = dial();

	ct_listen_close(l.m);
	ck_assert_uint_eq(l.m->client_count, 1);
	ck_assert_int_eq(faccessat(l.runtime, "attach", F_OK, 0), -1);
	ck_assert_int_eq(loop_dial(&l), -ENOENT);
	l.m->ended = true;
	loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_HELLO });
	loop_expect(sock, CT_MSG_WELCOME);
	loop_expect(sock, CT_MSG_EXIT);
	close(sock);
}
END_TEST

START_TEST(a_socket_that_a_killed_monitor_left_is_replaced)
{
	struct ct_err err = { 0 };
	int sock;

	/* As kill -9 would: the name stays, nobody listens. */
	ct_monitor_unwatch(l.m, l.m->listener);
	ct_drop_fd(&l.m->listener);
	ct_drop_fd(&l.m->reserve);
	l.m->listening = false;
	ck_assert_int_eq(loop_dial(&l), -ECONNREFUSED);
	ck_assert_msg(ct_listen_open(l.m, &err) == 0, "%s", err.what);
	ct_listen_resume(l.m);
	sock = dial_and_greet();
	close(sock);
}
END_TEST

START_TEST(a_directory_that_takes_no_socket_says_so)
{
	struct ct_err err = { 0 };
	struct ct_monitor_config config = l.config;
	struct monitor *m = ct_monitor_new(&config, l.log);

	config.runtime = openat(fixture_dir(), "runtime", O_PATH | O_CLOEXEC);
	ck_assert_int_eq(mkdirat(l.runtime, "attach.d", 0700), 0);
	ck_assert_int_eq(renameat(l.runtime, "attach", l.runtime, "old"), 0);
	ck_assert_int_eq(renameat(l.runtime, "attach.d", l.runtime, "attach"), 0);
	ck_assert_int_lt(ct_listen_open(m, &err), 0);
	ck_err(&err, EISDIR,
	       "cannot make the attach socket in the runtime directory: Is a directory "
	       "(see the place named by XDG_RUNTIME_DIR)");
	ct_fd_close(config.runtime);
	ct_monitor_free(m);
}
END_TEST

static int remake(void *arg)
{
	(void)arg;
	if (mkdirat(fixture_dir(), "again", 0700) < 0)
		return -errno;
	return openat(fixture_dir(), "again", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

START_TEST(a_vanished_directory_is_made_again_and_old_clients_stay)
{
	int old = dial_and_greet(), sock;

	ck_assert_int_eq(unlinkat(l.runtime, "attach", 0), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), "runtime", AT_REMOVEDIR), 0);
	ck_assert_int_eq(loop_dial(&l), -ENOENT);
	l.config.remake = remake;
	ct_listen_again(l.m);
	ct_fd_close(l.runtime);
	l.runtime = openat(fixture_dir(), "again", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	sock = dial_and_greet();
	loop_type(&l, old, "x");
	loop_expect(old, CT_MSG_ROOM);
	ct_fd_close(l.m->runtime);
	close(old);
	close(sock);
}
END_TEST

START_TEST(a_directory_that_cannot_be_made_again_changes_nothing)
{
	int sock;

	l.config.remake = remake;
	ck_assert_int_eq(mkdirat(fixture_dir(), "again", 0700), 0);
	ct_listen_again(l.m);
	sock = dial_and_greet();
	close(sock);
}
END_TEST

/* ---- many ---- */

/* Row 106, T25: half of them greet, some are in the middle of a record of their own. */
START_TEST(ten_thousand_visits_leave_nothing_behind)
{
	unsigned fds = 0;
	long memory = 0;

	for (int i = 0; i < 10000; i++) {
		int sock = i % 2 ? dial() : dial_and_greet();

		if (i % 5 == 0)
			ck_assert_int_gt(send(sock, "half", 4, MSG_NOSIGNAL), 0);
		close(sock);
		loop_run(&l);
		/* After the first ones everything that is ever touched was touched. */
		if (i == 1000) {
			fds = fixture_count_fds();
			memory = loop_memory();
		}
	}
	ck_assert_uint_eq(l.m->client_count, 0);
	ck_assert_uint_eq(l.m->client_top, 1);
	ck_assert_uint_eq(fixture_count_fds(), fds);
	/* A sanitizer keeps what Check itself frees; there the bytes of 9,000 leaks would be more. */
	ck_assert_int_le(loop_memory() - memory, SANITIZED ? 9000 * 4 : 64);
}
END_TEST

START_TEST(the_1025th_client_is_refused_in_words_and_there_is_room_when_one_leaves)
{
	static int socks[CT_ATTACH_MAX_CLIENTS];
	int late;

	limit_descriptors(0);
	for (int i = 0; i < CT_ATTACH_MAX_CLIENTS; i++)
		socks[i] = dial_and_greet();
	late = dial();
	loop_run(&l);
	loop_expect_error(late, "1024 clients are attached already, and that is all there is room for");
	loop_expect_end(late);
	close(late);
	/* The others have not noticed. */
	loop_type(&l, socks[1023], "x");
	loop_expect(socks[1023], CT_MSG_ROOM);
	close(socks[500]);
	loop_run(&l);
	socks[500] = dial_and_greet();
	/* By number they are all different, also those that came later. */
	loop_send(&l, socks[0], &(struct ct_message){ .type = CT_MSG_CLIENT_DROP, .number = 501 });
	ck_assert_uint_eq(loop_expect(socks[0], CT_MSG_CLIENT).offset, 0);
	loop_send(&l, socks[0], &(struct ct_message){ .type = CT_MSG_CLIENT_DROP });
	ck_assert_uint_eq(loop_expect(socks[0], CT_MSG_CLIENT).offset, CT_ATTACH_MAX_CLIENTS - 1);
	ck_assert_uint_eq(l.m->client_count, 1);
	for (int i = 0; i < CT_ATTACH_MAX_CLIENTS; i++)
		close(socks[i]);
}
END_TEST

/* ---- no descriptors left ---- */

/* All numbers up to the limit are taken but one, by copies of stdin. */
static int take_all(int fds[256])
{
	int count = 0;

	for (int fd; (fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)) >= 0; count++)
		fds[count] = fd;
	ck_assert_int_eq(errno, EMFILE);
	return count;
}

START_TEST(without_descriptors_a_client_is_refused_in_words_and_nothing_spins)
{
	int fds[256], count, first, second;

	limit_descriptors(128);
	first = dial();
	second = dial();
	count = take_all(fds);
	ck_assert_uint_lt(loop_run(&l), 10);
	loop_expect_error(first, "the monitor has no descriptor left for another client");
	loop_expect_error(second, "the monitor has no descriptor left for another client");
	ck_assert_uint_eq(loop_run(&l), 0);
	while (count > 0)
		close(fds[--count]);
	close(first);
	first = dial_and_greet();
	close(first);
	close(second);
}
END_TEST

START_TEST(without_even_one_in_reserve_it_waits_for_the_timer)
{
	int fds[256], count, sock;

	limit_descriptors(128);
	sock = dial();
	ct_drop_fd(&l.m->reserve);
	count = take_all(fds);
	ck_assert_uint_lt(loop_run(&l), 10);
	ck_assert(!l.m->listening);
	/* Not looked at again before the timer. */
	ck_assert_uint_lt(loop_run(&l), 2);
	while (count > 0)
		close(fds[--count]);
	while (l.m->client_count == 0)
		ck_assert_int_ge(ct_monitor_turn(l.m, 10000), 1);
	loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_HELLO });
	loop_expect(sock, CT_MSG_WELCOME);
	close(sock);
}
END_TEST

Suite *suite_listen(void)
{
	Suite *suite = suite_create("listen");
	TCase *tc = tcase_create("listen");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, the_socket_is_ours_alone);
	tcase_add_test(tc, who_connects_before_the_first_turn_is_a_client);
	tcase_add_test(tc, who_connects_while_it_closes_is_let_in_and_later_ones_find_nobody);
	tcase_add_test(tc, a_socket_that_a_killed_monitor_left_is_replaced);
	tcase_add_test(tc, a_directory_that_takes_no_socket_says_so);
	tcase_add_test(tc, a_vanished_directory_is_made_again_and_old_clients_stay);
	tcase_add_test(tc, a_directory_that_cannot_be_made_again_changes_nothing);
	tcase_add_test(tc, ten_thousand_visits_leave_nothing_behind);
	tcase_add_test(tc, the_1025th_client_is_refused_in_words_and_there_is_room_when_one_leaves);
	tcase_add_test(tc, without_descriptors_a_client_is_refused_in_words_and_nothing_spins);
	tcase_add_test(tc, without_even_one_in_reserve_it_waits_for_the_timer);
	suite_add_tcase(suite, tc);
	return suite;
}
