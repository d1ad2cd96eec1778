/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak conmon's frames, in the loop of every monitor: tags and sizes of records, stdin in
 * records of any size, and those that are behind: by more than memory holds, and by more than there is.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/adopt.h>
#include <cattach/fd.h>

#include "monitor_fixture.h"

static struct loop l;

static void open_loop(bool tty)
{
	fixture_setup();
	l = (struct loop)LOOP_INIT;
	l.config.runtime = 0;
	l.config.tagged = true;
	l.config.tty = tty;
	l.config.stdin_once = true;
	l.config.log.memory = l.config.log.alone = true;
	loop_open(&l);
	ct_backlog_open(l.m);
}

static void setup(void)
{
	open_loop(false);
}

static void setup_terminal(void)
{
	open_loop(true);
}

static void teardown(void)
{
	ct_backlog_close(l.m);
	loop_close(&l);
	fixture_teardown();
}

/* One record's text, which must be there. */
static void expect(int sock, int tag, const char *text)
{
	char record[TAGGED_MAX + 2];
	ssize_t n = recv(sock, record, sizeof(record), MSG_DONTWAIT);

	ck_assert_int_eq(n, (ssize_t)strlen(text) + 1);
	ck_assert_int_eq(record[0], tag);
	ck_assert_mem_eq(record + 1, text, strlen(text));
}

/* All that is there and all that comes while it is read: how many bytes of it are stdout's. What is on
 * stderr is kept in said. */
static size_t drain(int sock, char *said, size_t room)
{
	char record[TAGGED_MAX + 2];
	size_t all = 0;
	ssize_t n;

	*said = '\0';
	for (;;) {
		while ((n = recv(sock, record, sizeof(record), MSG_DONTWAIT)) > 0) {
			ck_assert_int_le(n, (ssize_t)TAGGED_MAX + 1);
			if (record[0] == CT_TAG_STDOUT)
				all += (size_t)n - 1;
			else
				snprintf(said, room, "%.*s", (int)n - 1, record + 1);
		}
		if (!loop_run(&l))
			return all;
	}
}

/* So many bytes, as the payload would write them, with turns between. */
static void write_much(size_t size)
{
	static char block[32768];

	memset(block, 'x', sizeof(block));
	for (size_t done = 0; done < size; done += sizeof(block)) {
		loop_write(&l, block, sizeof(block));
		loop_run(&l);
	}
}

START_TEST(records_have_a_tag_and_at_most_8_kib)
{
	char said[256];
	int sock = loop_connect(&l);

	loop_write(&l, "hello\n", 6);
	loop_run(&l);
	expect(sock, CT_TAG_STDOUT, "hello\n");
	write_much(100000);
	ck_assert_uint_eq(drain(sock, said, sizeof(said)), 131072);
	ck_assert_str_eq(said, "");
	close(sock);
}
END_TEST

START_TEST(who_comes_later_gets_what_comes_later)
{
	int sock;

	loop_write(&l, "before", 6);
	loop_run(&l);
	sock = loop_connect(&l);
	loop_write(&l, "after", 5);
	loop_run(&l);
	expect(sock, CT_TAG_STDOUT, "after");
	close(sock);
}
END_TEST

START_TEST(a_record_of_stdin_longer_than_ours_arrives_whole)
{
	static char data[150000], got[200000];
	int sock = loop_connect(&l), room = 1 << 20;
	size_t all = 0;

	ck_assert_int_eq(setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)), 0);
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (char)(i / 7);
	ck_assert_int_eq(send(sock, data, sizeof(data), 0), sizeof(data));
	ck_assert_int_eq(send(sock, "end", 3, 0), 3);
	for (int i = 0; i < 100 && all < sizeof(data) + 3; i++) {
		ssize_t n;

		loop_run(&l);
		n = loop_stdin(&l, got + all, sizeof(got) - all);
		all += n > 0 ? (size_t)n : 0;
	}
	ck_assert_uint_eq(all, sizeof(data) + 3);
	ck_assert_mem_eq(got, data, sizeof(data));
	ck_assert_mem_eq(got + sizeof(data), "end", 3);
	close(sock);
}
END_TEST

START_TEST(the_end_of_a_client_is_the_end_of_stdin_once_all_is_written)
{
	int sock = loop_connect(&l);
	char byte;

	ck_assert_int_eq(send(sock, "last", 4, 0), 4);
	ck_assert_int_eq(shutdown(sock, SHUT_WR), 0);
	loop_run(&l);
	loop_expect_stdin(&l, "last");
	ck_assert_int_eq(loop_stdin(&l, &byte, 1), 0);
	/* It still hears. */
	loop_write(&l, "yes", 3);
	loop_run(&l);
	expect(sock, CT_TAG_STDOUT, "yes");
	close(sock);
	loop_run(&l);
	ck_assert_uint_eq(l.m->client_count, 0);
}
END_TEST

START_TEST(a_client_that_is_behind_more_than_memory_gets_everything)
{
	size_t much = 6 * ct_log_memory(l.log);
	int slow = loop_connect(&l), quick = loop_connect(&l);
	char said[256];
	size_t got = 0;

	for (size_t done = 0; done < much; done += 1 << 20) {
		write_much(1 << 20);
		got += drain(quick, said, sizeof(said));
	}
	ck_assert_uint_eq(got, much);
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_eq(drain(slow, said, sizeof(said)), much);
	ck_assert_str_eq(said, "");
	/* And with nobody behind, the next segment leaves nothing of it. */
	for (size_t done = 0; done < 2 * ct_log_memory(l.log); done += 1 << 20) {
		write_much(1 << 20);
		drain(slow, said, sizeof(said));
		drain(quick, said, sizeof(said));
	}
	ck_assert_uint_eq(l.m->backlog.base, l.m->backlog.end);
	close(slow);
	close(quick);
}
END_TEST

START_TEST(what_everybody_has_takes_no_memory)
{
	char said[256];
	int sock = loop_connect(&l);
	long before = loop_memory();

	for (int i = 0; i < 8; i++) {
		write_much(1 << 20);
		drain(sock, said, sizeof(said));
	}
	ck_assert_int_gt(loop_memory(), before + 4096);
	ct_monitor_give_back_buffers(l.m);
	ck_assert_int_lt(loop_memory(), before + 1024);
	/* And what comes is what comes. */
	loop_write(&l, "next", 4);
	loop_run(&l);
	expect(sock, CT_TAG_STDOUT, "next");
	close(sock);
}
END_TEST

START_TEST(without_a_disk_for_it_a_late_client_is_told_what_it_has_missed)
{
	size_t much = 3 * ct_log_memory(l.log), got;
	char said[256];
	int sock;

	l.m->backlog.refused = true;
	loop_write(&l, "x", 1);
	loop_run(&l);
	/* Behind the first byte: nobody waits for it. */
	sock = loop_connect(&l);
	write_much(much);
	ck_assert_uint_eq(l.m->hold, 0);
	got = drain(sock, said, sizeof(said));
	ck_assert_uint_lt(got, much);
	ck_assert_uint_gt(got, 0);
	ck_assert_ptr_nonnull(strstr(said, "KiB of output were not shown here"));
	loop_write(&l, "on", 2);
	loop_run(&l);
	expect(sock, CT_TAG_STDOUT, "on");
	close(sock);
}
END_TEST

START_TEST(without_a_disk_for_it_who_was_there_before_the_start_is_waited_for)
{
	char said[256];
	int sock = loop_connect(&l);
	static char block[65536];
	size_t sent = 0, got = 0;
	ssize_t n;

	l.m->backlog.refused = true;
	ck_assert_int_eq(fcntl(l.out, F_SETFL, O_NONBLOCK), 0);
	/* Until the pipe takes no more, which is not for ever. */
	while ((n = write(l.out, block, sizeof(block))) > 0) {
		sent += (size_t)n;
		ck_assert_uint_lt(sent, 2 * ct_log_memory(l.log));
		loop_run(&l);
	}
	ck_assert_uint_ne(l.m->hold, 0);
	got = drain(sock, said, sizeof(said));
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_eq(got, sent);
	ck_assert_str_eq(said, "");
	close(sock);
}
END_TEST

START_TEST(a_terminal_waits_for_a_client_no_longer_than_it_reads)
{
	static char block[4096];
	int sock = loop_connect(&l);
	char said[256];

	memset(block, 'x', sizeof(block));
	/* A terminal takes no more for a moment, too: the kernel passes on what it has in its own time. */
	while (!l.m->hold) {
		ck_assert_uint_lt(ct_log_end(l.log) - l.m->run_start, 2 * ct_log_memory(l.log));
		if (write(l.out, block, sizeof(block)) < 0)
			ck_assert_int_eq(errno, EAGAIN);
		loop_run(&l);
	}
	/* A second later it is stuck. */
	l.m->clients[0].moved -= UINT64_C(2000000000);
	ct_tagged_look(l.m);
	ck_assert_uint_eq(l.m->hold, 0);
	ck_assert_uint_gt(l.m->clients[0].missed, 0);
	ck_assert_uint_gt(drain(sock, said, sizeof(said)), 0);
	ck_assert_uint_eq(l.m->clients[0].missed, 0);
	close(sock);
}
END_TEST

Suite *suite_tagged(void);
Suite *suite_tagged(void)
{
	Suite *s = suite_create("tagged");
	TCase *pipes = tcase_create("pipes"), *terminal = tcase_create("terminal");

	tcase_add_checked_fixture(pipes, setup, teardown);
	tcase_add_test(pipes, records_have_a_tag_and_at_most_8_kib);
	tcase_add_test(pipes, who_comes_later_gets_what_comes_later);
	tcase_add_test(pipes, a_record_of_stdin_longer_than_ours_arrives_whole);
	tcase_add_test(pipes, the_end_of_a_client_is_the_end_of_stdin_once_all_is_written);
	tcase_add_test(pipes, a_client_that_is_behind_more_than_memory_gets_everything);
	tcase_add_test(pipes, what_everybody_has_takes_no_memory);
	tcase_add_test(pipes, without_a_disk_for_it_a_late_client_is_told_what_it_has_missed);
	tcase_add_test(pipes, without_a_disk_for_it_who_was_there_before_the_start_is_waited_for);
	suite_add_tcase(s, pipes);
	tcase_add_checked_fixture(terminal, setup_terminal, teardown);
	tcase_add_test(terminal, a_terminal_waits_for_a_client_no_longer_than_it_reads);
	suite_add_tcase(s, terminal);
	return s;
}
