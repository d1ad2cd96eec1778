/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stdin from many clients to one payload: messages stay whole, a payload that does not read holds up
 * nothing else, and whose end of file ends it.
 */
#include <check.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/io.h>

#include "monitor_fixture.h"

#define FULL CT_ATTACH_DATA_MAX

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

/* A full message of one letter. */
static void paste(int sock, char letter)
{
	static uint8_t data[FULL];
	struct ct_message message = { .type = CT_MSG_STDIN, .data = data, .size = FULL };

	memset(data, letter, sizeof(data));
	loop_send(&l, sock, &message);
}

/* As much as the pipe takes, and then one more message that has to wait: how many were sent. */
static unsigned fill(int sock)
{
	struct ct_message message;
	struct ct_err err;
	uint8_t record[64];

	for (unsigned count = 1;; count++) {
		ssize_t n;

		ck_assert_uint_lt(count, 1000);
		paste(sock, 'a');
		n = recv(sock, record, sizeof(record), MSG_DONTWAIT);
		if (n < 0)
			return count;
		ck_assert_int_eq(ct_message_decode(record, (size_t)n, &message, &err), 0);
		ck_assert_int_eq(message.type, CT_MSG_ROOM);
	}
}

/* ---- credit ---- */

START_TEST(what_is_typed_arrives_and_there_is_room_for_more)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	for (int i = 0; i < 3; i++) {
		loop_type(&l, sock, "hello\n");
		loop_expect(sock, CT_MSG_ROOM);
		loop_expect_stdin(&l, "hello\n");
	}
	/* Nothing is something, too. */
	loop_type(&l, sock, "");
	loop_expect(sock, CT_MSG_ROOM);
	close(sock);
}
END_TEST

START_TEST(a_message_without_room_ends_the_connection)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	fill(sock);
	loop_type(&l, sock, "more");
	loop_expect_error(sock, "STDIN before ROOM");
	loop_expect_end(sock);
	close(sock);
}
END_TEST

START_TEST(room_comes_when_the_payload_has_read)
{
	static uint8_t data[4 * FULL];
	size_t total = 0;
	unsigned sent;
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	sent = fill(sock);
	loop_expect_nothing(sock);
	while (total < (size_t)sent * FULL) {
		ssize_t n = loop_stdin(&l, data, sizeof(data));

		ck_assert_int_gt(n, 0);
		for (ssize_t i = 0; i < n; i++)
			ck_assert_uint_eq(data[i], 'a');
		total += (size_t)n;
		loop_run(&l);
	}
	ck_assert_uint_eq(total, (size_t)sent * FULL);
	loop_expect(sock, CT_MSG_ROOM);
	loop_expect_nothing(sock);
	close(sock);
}
END_TEST

/* The point of credit, for the one whose stdin is stuck and for those that wait behind it. */
START_TEST(signals_of_clients_whose_stdin_is_stuck_get_through)
{
	struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = SIGUSR1 };
	int socks[3];

	loop_open(&l);
	for (int i = 0; i < 3; i++)
		socks[i] = loop_client(&l, CT_HELLO_STDIN);
	fill(socks[0]);
	for (int i = 1; i < 3; i++) {
		paste(socks[i], 'b');
		loop_expect_nothing(socks[i]);
	}
	/* The one that waits behind everybody. */
	loop_send(&l, socks[2], &message);
	loop_expect_killed(&l, SIGUSR1);
	for (int i = 0; i < 3; i++)
		close(socks[i]);
}
END_TEST

/* Row 103. */
START_TEST(messages_of_five_clients_never_mix)
{
	enum { CLIENTS = 5, ROUNDS = 40 };
	int socks[CLIENTS];
	unsigned sent[CLIENTS] = { 0 }, run = 0, seen = 0;
	uint8_t data[7777], last = 0;

	loop_open(&l);
	for (int i = 0; i < CLIENTS; i++) {
		socks[i] = loop_client(&l, CT_HELLO_STDIN);
		paste(socks[i], (char)('A' + i));
		sent[i] = 1;
	}
	while (seen < CLIENTS * ROUNDS * FULL) {
		ssize_t n = loop_stdin(&l, data, sizeof(data));

		ck_assert_int_gt(n, 0);
		for (ssize_t i = 0; i < n; i++, seen++) {
			/* A run of one letter is whole messages of one client. */
			if (data[i] != last) {
				ck_assert_uint_eq(run % FULL, 0);
				run = 0;
			}
			last = data[i];
			run++;
		}
		loop_run(&l);
		for (int i = 0; i < CLIENTS; i++) {
			char byte;

			if (sent[i] < ROUNDS && recv(socks[i], &byte, 1, MSG_DONTWAIT) > 0) {
				paste(socks[i], (char)('A' + i));
				sent[i]++;
			}
		}
	}
	ck_assert_int_eq(loop_stdin(&l, data, sizeof(data)), -1);
	for (int i = 0; i < CLIENTS; i++)
		close(socks[i]);
}
END_TEST

START_TEST(what_a_client_sent_before_it_was_killed_is_still_written)
{
	static uint8_t data[4 * FULL];
	size_t total = 0;
	unsigned sent;
	int sock, other;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	other = loop_client(&l, CT_HELLO_STDIN);
	sent = fill(sock);
	paste(other, 'b');
	close(sock);
	close(other);
	loop_run(&l);
	ck_assert_uint_eq(l.m->client_count, 0);
	while (total < ((size_t)sent + 1) * FULL) {
		ssize_t n = loop_stdin(&l, data, sizeof(data));

		ck_assert_int_gt(n, 0);
		total += (size_t)n;
		ck_assert_uint_eq(data[n - 1], total <= (size_t)sent * FULL ? 'a' : 'b');
		loop_run(&l);
	}
	/* And the slots are free again. */
	for (unsigned i = 0; i < l.m->client_top; i++)
		ck_assert_int_eq(l.m->clients[i].fd, 0);
}
END_TEST

START_TEST(memory_for_stuck_stdin_comes_and_goes)
{
	static uint8_t data[FULL];
	long before, full;
	int socks[64];

	loop_open(&l);
	for (int i = 0; i < 64; i++)
		socks[i] = loop_client(&l, CT_HELLO_STDIN);
	fill(socks[0]);
	paste(socks[1], 'b');
	before = loop_memory();
	for (int i = 2; i < 64; i++)
		paste(socks[i], 'c');
	full = loop_memory();
	ck_assert_int_ge(full - before, 62 * 32);
	while (loop_stdin(&l, data, sizeof(data)) > 0)
		loop_run(&l);
	ck_assert_int_lt(loop_memory() - before, 512);
	for (int i = 0; i < 64; i++)
		close(socks[i]);
}
END_TEST

/* ---- the end ---- */

START_TEST(the_end_of_the_client_that_stdin_was_opened_for_is_its_end)
{
	int sock;

	l.config.stdin_once = true;
	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	loop_type(&l, sock, "last");
	/* By a word, or by going away without one. */
	if (_i)
		close(sock);
	else
		loop_say(&l, sock, CT_MSG_EOF);
	loop_run(&l);
	loop_expect_stdin(&l, "last");
	loop_expect_stdin(&l, "");
	if (!_i)
		close(sock);
}
END_TEST

START_TEST(an_end_waits_for_what_was_sent_before)
{
	static uint8_t data[FULL];
	size_t total = 0;
	unsigned sent;
	ssize_t n;
	int sock;

	l.config.stdin_once = true;
	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	sent = fill(sock);
	loop_say(&l, sock, CT_MSG_EOF);
	for (; (n = loop_stdin(&l, data, sizeof(data))) > 0; loop_run(&l))
		total += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(total, (size_t)sent * FULL);
	close(sock);
}
END_TEST

/* Who may not end it: a container for many, a client that did not come for stdin, one that says
 * goodbye, and one that is sent away. */
START_TEST(other_ends_are_not_the_payloads)
{
	struct ct_message drop = { .type = CT_MSG_CLIENT_DROP };
	int sock, other;

	l.config.stdin_once = _i != 0;
	loop_open(&l);
	other = loop_client(&l, 0);
	sock = loop_client(&l, _i == 1 ? 0 : CT_HELLO_STDIN);
	if (_i < 2)
		loop_say(&l, sock, CT_MSG_EOF);
	else if (_i == 2)
		loop_say(&l, sock, CT_MSG_DETACH);
	else
		loop_send(&l, other, &drop);
	close(sock);
	loop_run(&l);
	if (_i == 3)
		ck_assert_uint_eq(loop_expect(other, CT_MSG_CLIENT).offset, 1);
	loop_type(&l, other, "still open");
	loop_expect(other, CT_MSG_ROOM);
	loop_expect_stdin(&l, "still open");
	close(other);
}
END_TEST

START_TEST(who_asks_for_it_ends_stdin_that_is_open_for_many)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_CLOSE);
	loop_type(&l, sock, "last");
	loop_say(&l, sock, CT_MSG_EOF);
	loop_expect_stdin(&l, "last");
	loop_expect_stdin(&l, "");
	close(sock);
}
END_TEST

START_TEST(a_terminal_has_no_end_but_its_character)
{
	int sock;

	l.config.tty = l.config.stdin_once = true;
	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN | CT_HELLO_CLOSE);
	loop_say(&l, sock, CT_MSG_EOF);
	close(sock);
	loop_run(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	loop_type(&l, sock, "x");
	loop_expect(sock, CT_MSG_ROOM);
	loop_expect_stdin(&l, "x");
	close(sock);
}
END_TEST

/* ---- row 98 ---- */

START_TEST(stdin_that_is_not_open_is_said_once_and_ignored)
{
	struct ct_message message;
	int sock;

	l.config.stdin_open = false;
	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	loop_type(&l, sock, "x");
	message = loop_expect(sock, CT_MSG_ERROR);
	ck_assert_uint_eq(message.flags, CT_ERROR_KEPT);
	for (int i = 0; i < 3; i++)
		loop_type(&l, sock, "x");
	loop_expect_nothing(sock);
	/* It is a client like any other. */
	loop_say(&l, sock, CT_MSG_SEGMENT_GET);
	loop_expect(sock, CT_MSG_SEGMENT);
	close(sock);
}
END_TEST

START_TEST(stdin_after_its_end_is_said_once_and_ignored)
{
	int sock;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	loop_say(&l, sock, CT_MSG_EOF);
	for (int i = 0; i < 3; i++)
		loop_type(&l, sock, "x");
	loop_expect_error(sock, "the container's stdin is not open");
	loop_expect_nothing(sock);
	ck_assert_int_eq(loop_stdin(&l, &(char){ 0 }, 1), -1);
	close(sock);
}
END_TEST

START_TEST(a_payload_that_closes_its_stdin_is_no_trouble)
{
	int sock, waiting;

	loop_open(&l);
	sock = loop_client(&l, CT_HELLO_STDIN);
	waiting = loop_client(&l, CT_HELLO_STDIN);
	fill(sock);
	paste(waiting, 'b');
	close(l.in);
	l.in = -1;
	loop_run(&l);
	/* Who waited for room is told instead: nobody takes more out of its own stdin for nothing. */
	loop_expect_error(sock, "the container's stdin is not open");
	loop_expect_error(waiting, "the container's stdin is not open");
	loop_type(&l, sock, "x");
	loop_say(&l, sock, CT_MSG_SEGMENT_GET);
	loop_expect(sock, CT_MSG_SEGMENT);
	close(sock);
	close(waiting);
}
END_TEST

Suite *suite_stdin(void)
{
	Suite *suite = suite_create("stdin");
	TCase *tc = tcase_create("stdin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_is_typed_arrives_and_there_is_room_for_more);
	tcase_add_test(tc, a_message_without_room_ends_the_connection);
	tcase_add_test(tc, room_comes_when_the_payload_has_read);
	tcase_add_test(tc, signals_of_clients_whose_stdin_is_stuck_get_through);
	tcase_add_test(tc, messages_of_five_clients_never_mix);
	tcase_add_test(tc, what_a_client_sent_before_it_was_killed_is_still_written);
	tcase_add_test(tc, memory_for_stuck_stdin_comes_and_goes);
	tcase_add_loop_test(tc, the_end_of_the_client_that_stdin_was_opened_for_is_its_end, 0, 2);
	tcase_add_test(tc, an_end_waits_for_what_was_sent_before);
	tcase_add_loop_test(tc, other_ends_are_not_the_payloads, 0, 4);
	tcase_add_test(tc, who_asks_for_it_ends_stdin_that_is_open_for_many);
	tcase_add_test(tc, a_terminal_has_no_end_but_its_character);
	tcase_add_test(tc, stdin_that_is_not_open_is_said_once_and_ignored);
	tcase_add_test(tc, stdin_after_its_end_is_said_once_and_ignored);
	tcase_add_test(tc, a_payload_that_closes_its_stdin_is_no_trouble);
	suite_add_tcase(suite, tc);
	return suite;
}
