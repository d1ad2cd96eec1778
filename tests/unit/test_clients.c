/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's clients: what breaks the protocol ends the connection with a reason and touches
 * nobody else, whatever a client leaves undone costs others nothing, and nothing leaks.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "monitor_fixture.h"

static struct loop l;

static void setup(void)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
	loop_open(&l);
}

static void teardown(void)
{
	loop_close(&l);
	fixture_teardown();
}

static void raise_limit(void)
{
	struct rlimit limit;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = limit.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* The client was told this and is gone; another one is still served. */
static void assert_dropped(int sock, int other, const char *text)
{
	loop_expect_error(sock, text);
	loop_expect_end(sock);
	loop_type(&l, other, "x");
	loop_expect(other, CT_MSG_ROOM);
	loop_expect_stdin(&l, "x");
}

/* ---- what breaks the protocol ---- */

static const struct {
	const char *what;
	uint8_t bytes[16];
	size_t size;
	const char *text;
} bad_records[] = {
	{ "94: shorter than its header says", { 1, 1, 0, 0, 0, 0, 0, 9, 'x' }, 9,
	  "record of 9 bytes says that it has 9" },
	{ "95: no length at all", { 1, 1, 0, 0 }, 4, "record of 4 bytes is shorter than a header" },
	{ "95: a length of 2^31", { 1, 1, 0, 0, 0x80, 0, 0, 0 }, 8,
	  "record of 8 bytes says that it has 2147483648" },
	{ "95: longer than its header says", { 2, 1, 0, 0, 0, 0, 0, 0, 1, 2 }, 10,
	  "record of 10 bytes says that it has 0" },
	{ "96: an unknown type", { 200, 1, 0, 0, 0, 0, 0, 0 }, 8, "unknown message type 200" },
	{ "96: a version of tomorrow", { 1, 7, 0, 0, 0, 0, 0, 0 }, 8, "unsupported version 7 (1)" },
	{ "a monitor's message", { 64, 1, 0, 0, 0, 0, 0, 0 }, 8,
	  "only a monitor sends messages of this type" },
	{ "a second greeting", { 5, 1, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0 }, 16,
	  "HELLO is said once" },
};

START_TEST(what_breaks_the_protocol_ends_this_connection_with_a_reason_and_no_other)
{
	int sock = loop_client(&l, 0), other = loop_client(&l, 0);

	ck_assert_int_eq(ct_send(sock, bad_records[_i].bytes, bad_records[_i].size, -1), 0);
	loop_run(&l);
	assert_dropped(sock, other, bad_records[_i].text);
	close(sock);
	close(other);
}
END_TEST

START_TEST(everything_but_a_greeting_is_too_early_before_it)
{
	for (int type = CT_MSG_STDIN; type <= CT_MSG_CLIENT_DROP; type++) {
		struct ct_message message = { .type = (enum ct_message_type)type, .signal = 9 };
		int sock;

		if (type == CT_MSG_HELLO)
			continue;
		sock = loop_connect(&l);
		loop_send(&l, sock, &message);
		loop_expect_error(sock, "HELLO comes first");
		loop_expect_end(sock);
		close(sock);
	}
	/* The payload, above all, got none of the signals. */
	ck_assert_int_eq(kill(l.payload, 0), 0);
	ck_assert(!l.m->exited);
}
END_TEST

START_TEST(random_bytes_of_64_kib_end_the_connection)
{
	static uint8_t bytes[65536];
	int sock = loop_client(&l, 0), other = loop_client(&l, 0);

	srandom(99);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random();
	ck_assert_int_eq(ct_send(sock, bytes, sizeof(bytes), -1), 0);
	loop_run(&l);
	assert_dropped(sock, other, "a record is longer than 32776 bytes");
	close(sock);
	close(other);
}
END_TEST

START_TEST(a_record_without_bytes_and_a_half_closed_connection_are_no_clients)
{
	const char *text = "a record without a header, or a connection half closed";
	int sock = loop_client(&l, 0), half = loop_client(&l, 0), other = loop_client(&l, 0);

	ck_assert_int_eq(send(sock, "", 0, 0), 0);
	ck_assert_int_eq(shutdown(half, SHUT_WR), 0);
	loop_run(&l);
	assert_dropped(sock, other, text);
	assert_dropped(half, other, text);
	close(sock);
	close(half);
	close(other);
}
END_TEST

/* Row 100: as many descriptors as the kernel lets anybody send at once. */
START_TEST(descriptors_that_are_sent_along_never_arrive)
{
	enum { COUNT = 200 };
	union {
		char room[CMSG_SPACE(COUNT * sizeof(int))];
		struct cmsghdr align;
	} control = { .room = { 0 } };
	int sock = loop_client(&l, 0), other = loop_client(&l, 0), pipe_ends[2], byte;
	uint8_t record[] = { CT_MSG_CLIENTS_GET, CT_ATTACH_VERSION, 0, 0, 0, 0, 0, 0 };
	struct iovec iov = { record, sizeof(record) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.room,
			      .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	unsigned before;

	ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(COUNT * sizeof(int));
	for (int i = 0; i < COUNT; i++)
		memcpy(CMSG_DATA(c) + (size_t)i * sizeof(int), &pipe_ends[1], sizeof(int));
	ck_assert_int_eq(sendmsg(sock, &msg, 0), sizeof(record));
	before = fixture_count_fds();
	loop_run(&l);
	assert_dropped(sock, other, "descriptors are not accepted");
	/* One less: the dropped connection. And nobody else holds the pipe open for writing. */
	ck_assert_uint_eq(fixture_count_fds(), before - 1);
	close(pipe_ends[1]);
	ck_assert_int_eq(read(pipe_ends[0], &byte, 1), 0);
	close(pipe_ends[0]);
	close(sock);
	close(other);
}
END_TEST

/* ---- read-only ---- */

START_TEST(a_read_only_client_is_refused_all_that_changes_something)
{
	static const struct ct_message messages[] = {
		{ .type = CT_MSG_STDIN, .data = (const uint8_t *)"x", .size = 1 },
		{ .type = CT_MSG_EOF },
		{ .type = CT_MSG_RESIZE, .rows = 1, .columns = 1 },
		{ .type = CT_MSG_SIGNAL, .signal = 9 },
		{ .type = CT_MSG_CLIENT_DROP },
		{ .type = CT_MSG_NAMESPACES_GET },
		{ .type = CT_MSG_LOG_REOPEN },
	};
	int other = loop_client(&l, 0);

	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		int sock = loop_client(&l, CT_HELLO_READ_ONLY | CT_HELLO_STDIN | CT_HELLO_CLOSE);

		loop_send(&l, sock, &messages[i]);
		assert_dropped(sock, other, "this client is read-only");
		close(sock);
	}
	ck_assert_int_eq(kill(l.payload, 0), 0);
	ck_assert(!l.m->exited);
	close(other);
}
END_TEST

START_TEST(a_read_only_client_may_look)
{
	int sock = loop_client(&l, CT_HELLO_READ_ONLY);

	loop_say(&l, sock, CT_MSG_SEGMENT_GET);
	loop_expect(sock, CT_MSG_SEGMENT);
	loop_say(&l, sock, CT_MSG_CLIENTS_GET);
	ck_assert_uint_eq(loop_expect(sock, CT_MSG_CLIENT).number, 1);
	ck_assert_uint_eq(loop_expect(sock, CT_MSG_CLIENT).number, 0);
	close(sock);
}
END_TEST

/* ---- the log driver's file ---- */

START_TEST(to_open_a_file_again_that_is_none_is_answered_with_the_reason)
{
	int sock = loop_client(&l, 0);

	loop_say(&l, sock, CT_MSG_LOG_REOPEN);
	ck_assert_uint_eq(loop_expect(sock, CT_MSG_LOG_REOPENED).number, EOPNOTSUPP);
	close(sock);
}
END_TEST

/* ---- the way in ---- */

/* Ask for it: how many descriptors come, and whether they are these. */
static unsigned ask_places(int sock, const int *expected)
{
	uint8_t record[CT_ATTACH_RECORD_MAX];
	struct ct_message answer;
	struct ct_err err = { 0 };
	int fds[CT_FDS_MAX];
	unsigned count = 0;
	ssize_t n;

	loop_say(&l, sock, CT_MSG_NAMESPACES_GET);
	n = ct_recv_fds(sock, record, sizeof(record), fds, MSG_DONTWAIT);
	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(ct_message_decode(record, (size_t)n, &answer, &err), 0);
	ck_assert_int_eq(answer.type, CT_MSG_NAMESPACES);
	for (size_t i = 0; i < CT_FDS_MAX; i++) {
		struct stat got, wanted;

		if (fds[i] < 0)
			continue;
		ck_assert_int_eq(fstat(fds[i], &got), 0);
		ck_assert_int_eq(fstat(expected[i], &wanted), 0);
		ck_assert_uint_eq(got.st_ino, wanted.st_ino);
		close(fds[i]);
		count++;
	}
	return count;
}

START_TEST(the_way_in_is_handed_out_until_the_payload_ends)
{
	int sock = loop_client(&l, 0), places[CT_ATTACH_PLACES];
	char name[8];

	for (int i = 0; i < CT_ATTACH_PLACES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		fixture_file(name, "");
		places[i] = openat(fixture_dir(), name, O_RDONLY | O_CLOEXEC);
		l.m->payload.places[i] = fcntl(places[i], F_DUPFD_CLOEXEC, 3);
	}
	ck_assert_uint_eq(ask_places(sock, places), CT_ATTACH_PLACES);
	ck_assert_uint_eq(ask_places(sock, places), CT_ATTACH_PLACES);
	kill(l.payload, SIGKILL);
	loop_expect_killed(&l, SIGKILL);
	for (int i = 0; i < CT_ATTACH_PLACES; i++) {
		ck_assert_int_eq(l.m->payload.places[i], -1);
		close(places[i]);
	}
	close(sock);
}
END_TEST

START_TEST(where_there_is_no_way_in_none_is_handed_out)
{
	int sock = loop_client(&l, 0);

	ck_assert_uint_eq(ask_places(sock, NULL), 0);
	close(sock);
}
END_TEST

/* ---- signals ---- */

START_TEST(a_signal_reaches_the_payload)
{
	struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = SIGUSR2 };
	int sock = loop_client(&l, 0);

	loop_send(&l, sock, &message);
	loop_expect_killed(&l, SIGUSR2);
	close(sock);
}
END_TEST

/* ---- who does not read ---- */

/* At most one record with descriptors is on its way to a client, however often it asks. */
START_TEST(a_client_that_does_not_read_its_segments_is_not_sent_more)
{
	struct ct_message get = { .type = CT_MSG_SEGMENT_GET };
	uint8_t record[CT_ATTACH_HEADER + 8];
	ssize_t n = ct_message_encode(&get, record);
	int sock = loop_client(&l, 0), other = loop_client(&l, 0);
	unsigned before = fixture_count_fds(), answers = 0;

	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(ct_send(sock, record, (size_t)n, -1), 0);
	loop_run(&l);
	/* In flight they are nobody's, but ours would show. */
	ck_assert_uint_eq(fixture_count_fds(), before);
	loop_expect(sock, CT_MSG_SEGMENT);
	loop_expect_nothing(sock);
	loop_type(&l, other, "x");
	loop_expect(other, CT_MSG_ROOM);
	/* As soon as it reads it gets the others, one by one. */
	for (loop_run(&l); answers < 99; loop_run(&l), answers++)
		loop_expect(sock, CT_MSG_SEGMENT);
	loop_expect_nothing(sock);
	close(sock);
	close(other);
}
END_TEST

START_TEST(a_client_that_reads_nothing_at_all_is_not_read_either)
{
	struct ct_message get = { .type = CT_MSG_CLIENTS_GET };
	int sock = loop_client(&l, CT_HELLO_QUIET), other = loop_client(&l, CT_HELLO_QUIET), sent = 0;
	uint8_t record[CT_ATTACH_HEADER + 8], answer[64];
	ssize_t n = ct_message_encode(&get, record);

	/* Both directions of its connection fill up, and that is all that happens. */
	while (send(sock, record, (size_t)n, MSG_DONTWAIT) > 0) {
		if (++sent % 16 == 0)
			loop_run(&l);
		ck_assert_int_lt(sent, 10000);
	}
	loop_run(&l);
	loop_type(&l, other, "x");
	loop_expect(other, CT_MSG_ROOM);
	/* It changes its mind: every question has its answer. */
	for (int answers = 0; answers < sent; answers++) {
		while (recv(sock, answer, sizeof(answer), MSG_DONTWAIT) < 0)
			ck_assert_uint_gt(loop_run(&l), 0);
		ck_assert_uint_eq(answer[0], CT_MSG_CLIENT);
	}
	loop_run(&l);
	loop_expect_nothing(sock);
	close(sock);
	close(other);
}
END_TEST

/* ---- coming and going ---- */

START_TEST(an_event_for_a_client_that_has_just_gone_is_harmless)
{
	int sock = loop_client(&l, 0), newcomer;
	struct client *c = &l.m->clients[0];
	uint32_t generation = c->generation;

	ct_client_drop(l.m, c, true);
	newcomer = loop_client(&l, 0);
	/* The slot has somebody else now, who has said something. */
	ck_assert_uint_eq(l.m->client_top, 1);
	ck_assert_int_eq(ct_send(newcomer, "rubbish", 7, -1), 0);
	ct_client_ready(l.m, 0, generation, EPOLLIN | EPOLLHUP);
	ck_assert(ct_client_connected(c));
	ct_client_ready(l.m, 0, c->generation, EPOLLIN);
	ck_assert(!ct_client_connected(c));
	close(sock);
	close(newcomer);
}
END_TEST

START_TEST(a_client_that_is_killed_between_two_messages_leaves_nothing)
{
	unsigned before = fixture_count_fds();
	int other = loop_client(&l, 0);

	for (int i = 0; i < 20; i++) {
		int sock = loop_client(&l, CT_HELLO_STDIN);

		if (i % 2)
			loop_type(&l, sock, "half a line");
		close(sock);
		loop_run(&l);
	}
	ck_assert_uint_eq(l.m->client_count, 1);
	close(other);
	loop_run(&l);
	ck_assert_uint_eq(l.m->client_count, 0);
	ck_assert_uint_eq(fixture_count_fds(), before);
}
END_TEST

/* Into its socket, and nobody looks yet. */
static void post(int sock, const struct ct_message *message)
{
	uint8_t record[CT_ATTACH_RECORD_MAX];
	ssize_t n = ct_message_encode(message, record);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(ct_send(sock, record, (size_t)n, -1), 0);
}

START_TEST(what_a_client_has_sent_counts_though_it_goes_without_reading_all)
{
	int sock = loop_client(&l, CT_HELLO_STDIN), other = loop_client(&l, CT_HELLO_STDIN);

	l.config.stdin_once = true;
	/* Room for more, of which it does not read: that makes its close(2) a reset. */
	loop_type(&l, sock, "first and ");
	post(sock, &(struct ct_message){ .type = CT_MSG_STDIN, .data = (const uint8_t *)"last", .size = 4 });
	post(sock, &(struct ct_message){ .type = CT_MSG_DETACH });
	close(sock);
	loop_run(&l);
	loop_expect_stdin(&l, "first and last");
	ck_assert_uint_eq(l.m->client_count, 1);
	/* It has detached, and not hung up: stdin is still open. */
	loop_type(&l, other, "more");
	loop_expect_stdin(&l, "more");
	close(other);
}
END_TEST

START_TEST(two_hundred_idle_clients_cost_nearly_nothing)
{
	int socks[200];
	long before = loop_memory();

	raise_limit();
	for (int i = 0; i < 200; i++)
		socks[i] = i % 2 ? loop_client(&l, 0) : loop_connect(&l);
	/* 200 slots of the table are 20 KiB; a buffer for each would be 6 MiB. */
	ck_assert_int_lt(loop_memory() - before, 1024);
	ck_assert_uint_eq(loop_run(&l), 0);
	for (int i = 0; i < 200; i++)
		close(socks[i]);
	loop_run(&l);
	ck_assert_uint_eq(l.m->client_count, 0);
}
END_TEST

START_TEST(clients_are_told_of_the_end_and_late_ones_too)
{
	int sock = loop_client(&l, 0), silent = loop_connect(&l), late;

	l.m->ended = true;
	ct_clients_say_exit(l.m);
	loop_expect(sock, CT_MSG_EXIT);
	loop_expect_nothing(silent);
	late = loop_client(&l, 0);
	loop_expect(late, CT_MSG_EXIT);
	close(sock);
	close(silent);
	close(late);
}
END_TEST

Suite *suite_clients(void)
{
	Suite *suite = suite_create("clients");
	TCase *tc = tcase_create("clients");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, what_breaks_the_protocol_ends_this_connection_with_a_reason_and_no_other,
			    0, (int)(sizeof(bad_records) / sizeof(bad_records[0])));
	tcase_add_test(tc, everything_but_a_greeting_is_too_early_before_it);
	tcase_add_test(tc, random_bytes_of_64_kib_end_the_connection);
	tcase_add_test(tc, a_record_without_bytes_and_a_half_closed_connection_are_no_clients);
	tcase_add_test(tc, descriptors_that_are_sent_along_never_arrive);
	tcase_add_test(tc, a_read_only_client_is_refused_all_that_changes_something);
	tcase_add_test(tc, a_read_only_client_may_look);
	tcase_add_test(tc, to_open_a_file_again_that_is_none_is_answered_with_the_reason);
	tcase_add_test(tc, the_way_in_is_handed_out_until_the_payload_ends);
	tcase_add_test(tc, where_there_is_no_way_in_none_is_handed_out);
	tcase_add_test(tc, a_signal_reaches_the_payload);
	tcase_add_test(tc, a_client_that_does_not_read_its_segments_is_not_sent_more);
	tcase_add_test(tc, a_client_that_reads_nothing_at_all_is_not_read_either);
	tcase_add_test(tc, an_event_for_a_client_that_has_just_gone_is_harmless);
	tcase_add_test(tc, a_client_that_is_killed_between_two_messages_leaves_nothing);
	tcase_add_test(tc, what_a_client_has_sent_counts_though_it_goes_without_reading_all);
	tcase_add_test(tc, two_hundred_idle_clients_cost_nearly_nothing);
	tcase_add_test(tc, clients_are_told_of_the_end_and_late_ones_too);
	suite_add_tcase(suite, tc);
	return suite;
}
