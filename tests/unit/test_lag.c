/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that must get everything: the payload waits for the slowest of them when the log can hold
 * no more for it, and for nobody else; and what waits never costs anything but output.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor_fixture.h"

#define SEGMENT (1u << 20)

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
	l.config.log.max_size = SEGMENT;
	l.config.log.max_files = 4;
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

/* The payload writes until nobody takes it any more, or so many bytes: how many were taken. */
static uint64_t flood(uint64_t max)
{
	static const char data[65536];
	uint64_t start = ct_log_end(l.log);

	fcntl(l.out, F_SETFL, O_WRONLY | O_NONBLOCK);
	while (ct_log_end(l.log) - start < max) {
		ssize_t n = write(l.out, data, sizeof(data));

		/* What is left to gather for a moment, at most. */
		if (n < 0 && l.m->hold)
			break;
		if (ct_monitor_turn(l.m, 0) == 0)
			ct_monitor_turn(l.m, 1);
	}
	return ct_log_end(l.log) - start;
}

static void place(int sock, uint64_t offset)
{
	loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_POSITION, .offset = offset });
}

/* The questions that have come by now. */
static unsigned questions(int sock)
{
	unsigned count = 0;
	char record[64];

	while (recv(sock, record, sizeof(record), MSG_DONTWAIT) > 0)
		count += record[0] == CT_MSG_POSITION_GET;
	return count;
}

START_TEST(a_viewer_is_never_waited_for)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, 0);
	ck_assert_uint_ge(flood(16 * SEGMENT), 16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_eq(questions(sock), 0);
	close(sock);
}
END_TEST

START_TEST(who_must_get_everything_is_waited_for_when_the_log_is_full_and_loses_nothing)
{
	uint64_t taken, end;
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	taken = flood(16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	ck_assert_uint_ge(taken, 2 * SEGMENT);
	ck_assert_uint_le(taken, 4 * SEGMENT);
	/* It was asked before it came to that, and when it did. */
	ck_assert_uint_ge(questions(sock), 2);
	/* Everything is there still. */
	loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_SEGMENT_GET });
	ck_assert_uint_eq(loop_expect(sock, CT_MSG_SEGMENT).offset, 0);
	/* A little is not enough, half is. */
	end = ct_log_end(l.log);
	place(sock, SEGMENT / 2);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	place(sock, end - SEGMENT);
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_gt(flood(SEGMENT), 0);
	close(sock);
}
END_TEST

START_TEST(the_slowest_of_them_counts)
{
	int fast, slow;

	loop_open(&l);
	fast = loop_client(&l, CT_HELLO_BLOCK);
	slow = loop_client(&l, CT_HELLO_BLOCK);
	flood(16 * SEGMENT);
	place(fast, ct_log_end(l.log));
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	place(slow, ct_log_end(l.log));
	ck_assert_uint_eq(l.m->hold, 0);
	close(fast);
	close(slow);
}
END_TEST

START_TEST(who_leaves_is_not_waited_for)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	flood(16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	if (_i)
		loop_say(&l, sock, CT_MSG_DETACH);
	close(sock);
	loop_run(&l);
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_ge(flood(8 * SEGMENT), 8 * SEGMENT);
}
END_TEST

/* Log, control, reaping and other clients go on. */
START_TEST(nothing_but_output_waits)
{
	struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = SIGUSR1 };
	int sock, other;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	flood(16 * SEGMENT);
	other = loop_client(&l, CT_HELLO_STDIN);
	loop_type(&l, other, "x");
	loop_expect(other, CT_MSG_ROOM);
	loop_expect_stdin(&l, "x");
	loop_send(&l, other, &message);
	loop_expect_killed(&l, SIGUSR1);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	close(sock);
	close(other);
}
END_TEST

START_TEST(who_keeps_up_is_asked_now_and_then_and_never_waited_for)
{
	unsigned asked = 0;
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	for (int i = 0; i < 64; i++) {
		unsigned now;

		ck_assert_uint_ge(flood(SEGMENT / 4), SEGMENT / 4);
		now = questions(sock);
		asked += now;
		if (now)
			place(sock, ct_log_end(l.log));
		ck_assert_uint_eq(l.m->hold, 0);
	}
	/* 16 MiB, and a quarter of the bound is half a MiB or more. */
	ck_assert_uint_ge(asked, 8);
	ck_assert_uint_le(asked, 40);
	close(sock);
}
END_TEST

/* Nothing is asked of who has read it all, or nearly: a lone line costs no message. */
START_TEST(little_output_asks_nothing)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	for (int i = 0; i < 100; i++)
		loop_write(&l, "a line\n", 7);
	ck_assert_uint_eq(questions(sock), 0);
	close(sock);
}
END_TEST

START_TEST(the_client_of_the_start_counts_before_it_has_said_anything)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	l.config.client = pair[1];
	loop_open(&l);
	flood(16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	/* It is a viewer after all, or gone. */
	if (_i)
		loop_send(&l, pair[0], &(struct ct_message){ .type = CT_MSG_HELLO });
	else
		close(pair[0]);
	loop_run(&l);
	ck_assert_uint_eq(l.m->hold, 0);
	if (_i)
		close(pair[0]);
}
END_TEST

START_TEST(one_that_comes_when_it_is_late_already_is_asked_at_once)
{
	int first, late;

	loop_open(&l);
	first = loop_client(&l, CT_HELLO_BLOCK);
	flood(16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	late = loop_client(&l, CT_HELLO_BLOCK);
	ck_assert_uint_eq(questions(late), 1);
	place(first, ct_log_end(l.log));
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	place(late, ct_log_end(l.log));
	ck_assert_uint_eq(l.m->hold, 0);
	close(first);
	close(late);
}
END_TEST

/* A position beyond the end, or back again, is the client's own trouble. */
START_TEST(positions_that_make_no_sense_harm_nobody)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	place(sock, UINT64_MAX);
	flood(SEGMENT);
	place(sock, 0);
	place(sock, UINT64_MAX);
	ck_assert_uint_eq(l.m->hold, 0);
	flood(16 * SEGMENT);
	ck_assert_uint_eq(l.m->hold, HOLD_LAG);
	close(sock);
}
END_TEST

START_TEST(what_the_log_held_at_the_end_outlives_its_directory)
{
	unsigned count = 0;
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_BLOCK);
	flood(16 * SEGMENT);
	ct_log_hold(l.log);
	for (unsigned i = 0; i < 4; i++) {
		char name[32];

		snprintf(name, sizeof(name), "main/log.%u", i);
		unlinkat(fixture_dir(), name, 0);
		snprintf(name, sizeof(name), "main/index.%u", i);
		unlinkat(fixture_dir(), name, 0);
	}
	questions(sock);
	for (uint32_t number = 0;; count++) {
		struct ct_message message;

		loop_send(&l, sock, &(struct ct_message){ .type = CT_MSG_SEGMENT_GET,
							  .number = number });
		message = loop_expect(sock, CT_MSG_SEGMENT);
		if (message.number == UINT32_MAX)
			break;
		ck_assert_uint_eq(message.number, number);
		number++;
	}
	ck_assert_uint_ge(count, 3);
	close(sock);
}
END_TEST

Suite *suite_lag(void)
{
	Suite *suite = suite_create("lag");
	TCase *tc = tcase_create("ct_lag_look");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_viewer_is_never_waited_for);
	tcase_add_test(tc, who_must_get_everything_is_waited_for_when_the_log_is_full_and_loses_nothing);
	tcase_add_test(tc, the_slowest_of_them_counts);
	tcase_add_loop_test(tc, who_leaves_is_not_waited_for, 0, 2);
	tcase_add_test(tc, nothing_but_output_waits);
	tcase_add_test(tc, who_keeps_up_is_asked_now_and_then_and_never_waited_for);
	tcase_add_test(tc, little_output_asks_nothing);
	tcase_add_loop_test(tc, the_client_of_the_start_counts_before_it_has_said_anything, 0, 2);
	tcase_add_test(tc, one_that_comes_when_it_is_late_already_is_asked_at_once);
	tcase_add_test(tc, positions_that_make_no_sense_harm_nobody);
	tcase_add_test(tc, what_the_log_held_at_the_end_outlives_its_directory);
	suite_add_tcase(suite, tc);
	return suite;
}
