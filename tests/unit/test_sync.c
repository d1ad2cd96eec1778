/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The socket between a process that is setting itself up and its starter: whole errors, at most one
 * descriptor, and an end that is told apart from a message.
 */
#include "ns/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static int pair[2];

static void setup(void)
{
	fixture_setup();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
}

static void teardown(void)
{
	ct_drop_fd(&pair[0]);
	ct_drop_fd(&pair[1]);
	fixture_teardown();
}

START_TEST(an_error_arrives_whole)
{
	struct sync_message message;
	struct ct_err sent = { 0 };
	int fds[CT_FDS_MAX];

	ct_fail(&sent, ENOENT, "no such directory: /nope");
	ct_wrap(&sent, "mounts[3].source");
	ct_hint(&sent, "make it");
	ct_exit_with(&sent, 126);
	ck_assert_int_eq(ct_sync_send(pair[0], SYNC_ERROR, &sent, -1), 0);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 1);
	ck_assert_int_eq(message.type, SYNC_ERROR);
	ck_assert_mem_eq(&message.err, &sent, sizeof(sent));
	for (int i = 0; i < CT_FDS_MAX; i++)
		ck_assert_int_eq(fds[i], -1);
}
END_TEST

START_TEST(a_descriptor_arrives_closed_on_exec)
{
	int ct_autofd null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct sync_message message;
	struct stat sent, got;
	int fds[CT_FDS_MAX];

	ck_assert_int_eq(ct_sync_send(pair[0], SYNC_TERMINAL, NULL, null), 0);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 1);
	ck_assert_int_eq(message.type, SYNC_TERMINAL);
	ck_assert_int_eq(message.err.code, 0);
	ck_assert_int_ge(fds[0], 0);
	ck_assert_int_eq(fcntl(fds[0], F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fstat(null, &sent), 0);
	ck_assert_int_eq(fstat(fds[0], &got), 0);
	ck_assert_uint_eq(got.st_rdev, sent.st_rdev);
	close(fds[0]);
}
END_TEST

START_TEST(messages_arrive_in_order_and_then_the_end)
{
	static const enum sync_type types[] = { SYNC_MAPPED, SYNC_TERMINAL, SYNC_EXEC };
	struct sync_message message;
	int fds[CT_FDS_MAX];

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ct_sync_send(pair[0], types[i], NULL, -1), 0);
	ct_drop_fd(&pair[0]);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 1);
		ck_assert_int_eq(message.type, types[i]);
	}
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 0);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 0);
}
END_TEST

/* A peer that dies with unread messages of ours resets the connection: that is its end, too. */
START_TEST(a_peer_that_died_without_reading_is_an_end)
{
	struct sync_message message;
	int fds[CT_FDS_MAX];

	ck_assert_int_eq(ct_sync_send(pair[1], SYNC_MAPPED, NULL, -1), 0);
	ct_drop_fd(&pair[0]);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 0);
}
END_TEST

/* The kernel reports the reset before what the peer had said, which is still there. */
START_TEST(the_last_word_of_a_peer_that_died_without_reading_arrives)
{
	struct sync_message message;
	struct ct_err sent = { 0 };
	int fds[CT_FDS_MAX];

	ct_fail(&sent, ELOOP, "it was exchanged");
	ck_assert_int_eq(ct_sync_send(pair[0], SYNC_ERROR, &sent, -1), 0);
	ck_assert_int_eq(ct_sync_send(pair[1], SYNC_MAPPED, NULL, -1), 0);
	ct_drop_fd(&pair[0]);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 1);
	ck_assert_int_eq(message.type, SYNC_ERROR);
	ck_assert_str_eq(message.err.what, "it was exchanged");
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), 0);
}
END_TEST

START_TEST(sending_to_nobody_is_an_error_and_no_signal)
{
	signal(SIGPIPE, SIG_DFL);
	ct_drop_fd(&pair[0]);
	ck_assert_int_eq(ct_sync_send(pair[1], SYNC_EXEC, NULL, -1), -EPIPE);
}
END_TEST

START_TEST(a_record_of_another_size_is_refused)
{
	struct sync_message message;
	char longer[sizeof(message) + 1] = { 0 };
	int fds[CT_FDS_MAX];

	ck_assert_int_eq(send(pair[0], longer, sizeof(message) - 1, 0), sizeof(message) - 1);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), -EPROTO);
	ck_assert_int_eq(send(pair[0], longer, 1, 0), 1);
	ck_assert_int_eq(ct_sync_receive(pair[1], &message, fds), -EPROTO);
}
END_TEST

Suite *suite_sync(void)
{
	Suite *suite = suite_create("sync");
	TCase *tc = tcase_create("ct_sync_send and ct_sync_receive");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_error_arrives_whole);
	tcase_add_test(tc, a_descriptor_arrives_closed_on_exec);
	tcase_add_test(tc, messages_arrive_in_order_and_then_the_end);
	tcase_add_test(tc, a_peer_that_died_without_reading_is_an_end);
	tcase_add_test(tc, the_last_word_of_a_peer_that_died_without_reading_arrives);
	tcase_add_test(tc, sending_to_nobody_is_an_error_and_no_signal);
	tcase_add_test(tc, a_record_of_another_size_is_refused);
	suite_add_tcase(suite, tc);
	return suite;
}
