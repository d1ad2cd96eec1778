/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's end of the connection: against a peer whose answers were sent beforehand, so that
 * nothing has to wait, and against a real monitor's loop in a process of its own.
 */
#include <cattach/client.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "monitor_fixture.h"

/* ---- a peer of our own ---- */

static struct {
	struct ct_log_writer *log;
	struct ct_client client;
	int sock, wake;		/* the peer's end */
} p;

static void peer_send(const struct ct_message *message, const int *fds, size_t count)
{
	static uint8_t record[CT_ATTACH_RECORD_MAX];
	ssize_t n = ct_message_encode(message, record);

	ck_assert_int_gt(n, 0);
	ck_assert_int_eq(ct_send_fds(p.sock, record, (size_t)n, fds, count, 0), 0);
}

static void peer_say(enum ct_message_type type)
{
	peer_send(&(struct ct_message){ .type = type }, NULL, 0);
}

static void peer_error(uint32_t flags, const char *text)
{
	peer_send(&(struct ct_message){ .type = CT_MSG_ERROR, .flags = flags,
					.data = (const uint8_t *)text, .size = strlen(text) },
		  NULL, 0);
}

static void peer_welcome(void)
{
	struct ct_message message = { .type = CT_MSG_WELCOME, .number = 7,
				      .flags = CT_WELCOME_STDIN_OPEN };

	peer_send(&message, (int[]){ ct_log_page(p.log), p.wake }, 2);
}

static int new_pair(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	p.sock = pair[1];
	return pair[0];
}

static void peer_setup(void)
{
	struct ct_log_options options = { 0 };
	struct ct_err err = { 0 };

	fixture_setup();
	signal(SIGPIPE, SIG_IGN);
	ck_assert_msg(ct_log_create(fixture_dir(), &options, &p.log, &err) == 0, "%s", err.what);
	p.wake = eventfd(0, EFD_CLOEXEC);
	p.client = (struct ct_client)CT_CLIENT_INIT;
	p.sock = -1;
}

static void peer_teardown(void)
{
	ct_client_close(&p.client);
	ct_fd_close(p.sock);
	ct_fd_close(p.wake);
	ct_log_free(p.log);
	fixture_teardown();
}

/* Connected to the peer. */
static void be_welcome(uint32_t hello)
{
	struct ct_message message;
	struct ct_err err = { 0 };
	int sock = new_pair();

	peer_welcome();
	ck_assert_msg(ct_client_hello(sock, hello, 24, 80, &p.client, &err) == 0, "%s", err.what);
	message = loop_expect(p.sock, CT_MSG_HELLO);
	ck_assert_uint_eq(message.flags, hello);
	ck_assert_uint_eq(message.rows, 24);
	ck_assert_uint_eq(message.columns, 80);
}

START_TEST(a_welcome_says_who_we_are_and_brings_page_and_wake_up)
{
	struct pollfd wake;

	be_welcome(CT_HELLO_STDIN);
	ck_assert_uint_eq(p.client.id, 7);
	ck_assert_uint_eq(p.client.flags, CT_WELCOME_STDIN_OPEN);
	ck_assert(p.client.room);
	ck_assert_uint_eq(p.client.page->magic, CT_PAGE_MAGIC);
	ck_assert_int_eq(eventfd_write(p.wake, 1), 0);
	wake = (struct pollfd){ .fd = p.client.wake, .events = POLLIN };
	ck_assert_int_eq(poll(&wake, 1, 0), 1);
	ck_assert_int_eq(fcntl(p.client.sock, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(fcntl(p.client.wake, F_GETFD), FD_CLOEXEC);
}
END_TEST

START_TEST(a_refusal_is_the_error)
{
	struct ct_err err = { 0 };
	int sock = new_pair();

	peer_error(0, "permission denied");
	/* It does not even wait for what we say. */
	ct_drop_fd(&p.sock);
	ck_assert_int_lt(ct_client_hello(sock, 0, 0, 0, &p.client, &err), 0);
	ck_err(&err, EPROTO, "the monitor says: permission denied");
}
END_TEST

START_TEST(an_end_instead_of_a_welcome_is_an_end)
{
	struct ct_err err = { 0 };
	int sock = new_pair();

	ct_drop_fd(&p.sock);
	ck_assert_int_eq(ct_client_hello(sock, 0, 0, 0, &p.client, &err), -EPIPE);
	ck_err(&err, EPIPE, "the connection to the container's monitor has ended");
}
END_TEST

/* What no monitor of ours would answer. */
START_TEST(what_is_no_welcome_is_refused)
{
	struct ct_message welcome = { .type = CT_MSG_WELCOME };
	struct ct_err err = { 0 };
	int sock = new_pair();
	int fds[] = { p.wake, p.wake };

	switch (_i) {
	case 0:
		peer_say(CT_MSG_ROOM);
		break;
	case 1:
		peer_send(&welcome, NULL, 0);
		break;
	case 2:
		peer_send(&welcome, fds, 1);
		break;
	case 3:	/* not a page */
		peer_send(&welcome, fds, 2);
		break;
	default:
		ck_assert_int_eq(ct_send(p.sock, "rubbish", 7, p.wake), 0);
		break;
	}
	ck_assert_int_lt(ct_client_hello(sock, 0, 0, 0, &p.client, &err), 0);
	ck_assert_str_ne(err.what, "");
}
END_TEST

/* ---- messages ---- */

START_TEST(messages_set_the_flags_that_they_mean)
{
	struct ct_message message;
	struct ct_err err = { 0 };

	be_welcome(0);
	p.client.room = false;
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 0);
	peer_say(CT_MSG_ROOM);
	peer_say(CT_MSG_EXIT);
	peer_say(CT_MSG_DETACHED);
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 1);
	ck_assert(p.client.room && p.client.ended && p.client.detached);
	ct_drop_fd(&p.sock);
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), -EPIPE);
	ck_assert_int_eq(ct_client_send(&p.client, &message), -EPIPE);
}
END_TEST

START_TEST(an_error_ends_all_or_only_says_so)
{
	struct ct_message message;
	struct ct_err err = { 0 };

	be_welcome(0);
	peer_error(CT_ERROR_KEPT, "stdin is not open");
	peer_error(0, "go away");
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 1);
	ck_assert_uint_eq(message.size, 17);
	ck_assert_mem_eq(message.data, "stdin is not open", 17);
	ck_assert_int_lt(ct_client_receive(&p.client, &message, &err), 0);
	ck_err(&err, EPROTO, "the monitor says: go away");
}
END_TEST

/* A monitor that leaves without having read us makes the socket fail before it is empty. */
START_TEST(what_was_sent_before_the_end_is_read_although_the_end_was_rude)
{
	struct ct_message message = { .type = CT_MSG_EOF };
	struct ct_err err = { 0 };

	be_welcome(0);
	peer_say(CT_MSG_EXIT);
	ck_assert_int_eq(ct_client_send(&p.client, &message), 0);
	ct_drop_fd(&p.sock);
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 1);
	ck_assert_int_eq(message.type, CT_MSG_EXIT);
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), -EPIPE);
}
END_TEST

START_TEST(descriptors_that_nobody_asked_for_are_closed)
{
	struct ct_message message;
	struct ct_err err = { 0 };
	unsigned before;

	be_welcome(0);
	before = fixture_count_fds();
	peer_send(&(struct ct_message){ .type = CT_MSG_ROOM }, (int[]){ p.wake, p.wake, p.wake }, 3);
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 1);
	ck_assert_uint_eq(fixture_count_fds(), before);
}
END_TEST

/* ---- positions ---- */

static void ask(uint64_t bound)
{
	struct ct_message question = { .type = CT_MSG_POSITION_GET, .offset = bound }, message;
	struct ct_err err = { 0 };

	peer_send(&question, NULL, 0);
	/* It is answered on the way: nothing for the caller. */
	ck_assert_int_eq(ct_client_receive(&p.client, &message, &err), 0);
}

static void grow_log(size_t size)
{
	static uint8_t frame[CT_FRAME_HEADER + CT_FRAME_MAX];

	ck_assert_uint_le(size, CT_FRAME_MAX);
	ct_log_append(p.log, CT_STREAM_STDOUT, frame, size);
}

static void expect_position(uint64_t offset)
{
	ck_assert_uint_eq(loop_expect(p.sock, CT_MSG_POSITION).offset, offset);
}

START_TEST(nobody_who_was_not_asked_tells_where_he_is)
{
	be_welcome(CT_HELLO_BLOCK);
	grow_log(60000);
	for (uint64_t i = 0; i < 60; i++)
		ck_assert_int_eq(ct_client_position(&p.client, i * 1000), 0);
	loop_expect_nothing(p.sock);
}
END_TEST

START_TEST(a_question_before_there_is_a_cursor_is_answered_with_the_first_position)
{
	be_welcome(CT_HELLO_BLOCK);
	grow_log(60000);
	ask(80000);
	loop_expect_nothing(p.sock);
	ct_client_position(&p.client, 5);
	expect_position(5);
}
END_TEST

START_TEST(who_was_asked_goes_on_to_tell_until_little_is_left)
{
	be_welcome(CT_HELLO_BLOCK);
	grow_log(60000);
	ct_client_position(&p.client, 0);
	ask(80000);
	expect_position(0);
	/* Every eighth of what was asked with, 10,000. */
	for (uint64_t offset = 1000; offset < 10000; offset += 1000)
		ct_client_position(&p.client, offset);
	loop_expect_nothing(p.sock);
	ct_client_position(&p.client, 10000);
	expect_position(10000);
	/* Less than a quarter, 20,000, is left: once more, then no more. */
	ct_client_position(&p.client, 60008 - 19999);
	expect_position(60008 - 19999);
	ct_client_position(&p.client, 60008);
	loop_expect_nothing(p.sock);
	/* Asked again it is the truth at once. */
	ask(80000);
	expect_position(60008);
	ct_client_position(&p.client, 60008);
	loop_expect_nothing(p.sock);
}
END_TEST

/* ---- segments ---- */

START_TEST(a_segment_is_waited_for_through_everything_else)
{
	struct ct_log_source source;
	struct ct_segment s = CT_SEGMENT_INIT, from = CT_SEGMENT_INIT;
	struct ct_err err = { 0 };

	be_welcome(0);
	p.client.room = false;
	grow_log(10);
	ck_assert_int_eq(ct_log_segment(p.log, 0, &from), 0);
	peer_say(CT_MSG_ROOM);
	peer_error(CT_ERROR_KEPT, "something else");
	peer_say(CT_MSG_EXIT);
	peer_send(&(struct ct_message){ .type = CT_MSG_SEGMENT, .number = 3, .offset = 4711 },
		  (int[]){ from.data, from.index }, 2);
	source = ct_client_source(&p.client);
	ck_assert_int_eq(source.open_segment(source.arg, 3, &s, &err), 0);
	ck_assert_uint_eq(s.number, 3);
	ck_assert_uint_eq(s.base, 4711);
	ck_assert_uint_eq(loop_expect(p.sock, CT_MSG_SEGMENT_GET).number, 3);
	ck_assert(p.client.room && p.client.ended);
	ct_segment_close(&s);
	ct_segment_close(&from);
}
END_TEST

START_TEST(no_segment_is_no_error_and_one_without_descriptors_is)
{
	struct ct_message message = { .type = CT_MSG_SEGMENT, .number = UINT32_MAX };
	struct ct_segment s = CT_SEGMENT_INIT;
	struct ct_log_source source;
	struct ct_err err = { 0 };

	be_welcome(0);
	source = ct_client_source(&p.client);
	peer_send(&message, NULL, 0);
	ck_assert_int_eq(source.open_segment(source.arg, 1, &s, &err), -ENOENT);
	message.number = 1;
	peer_send(&message, NULL, 0);
	ck_assert_int_eq(source.open_segment(source.arg, 1, &s, &err), -EPROTO);
	ck_err(&err, EPROTO, "the monitor sent segment 1 without its descriptors");
	peer_error(0, "go away");
	ck_assert_int_eq(source.open_segment(source.arg, 1, &s, &err), -EPROTO);
	ck_err(&err, EPROTO, "the monitor says: go away");
}
END_TEST

START_TEST(when_the_monitor_has_left_segments_come_from_the_directory)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	struct ct_log_source source;
	struct ct_err err = { 0 };

	be_welcome(0);
	grow_log(10);
	source = ct_client_source(&p.client);
	ct_drop_fd(&p.sock);
	ck_assert_int_eq(source.open_segment(source.arg, 0, &s, &err), -ENOENT);
	p.client.fallback = openat(fixture_dir(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(source.open_segment(source.arg, 0, &s, &err), 0);
	ck_assert_uint_eq(s.number, 0);
	ct_segment_close(&s);
	ck_assert_int_eq(source.open_segment(source.arg, 1, &s, &err), -ENOENT);
}
END_TEST

/* ---- a real monitor ---- */

/* A monitor's loop in a child: its payload writes text, then more at each turn. */
static pid_t start_monitor(const char *text)
{
	int ready[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		struct loop l = LOOP_INIT;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		l.config.runtime = 0;
		loop_open(&l);
		loop_write(&l, text, strlen(text));
		close(ready[0]);
		ck_assert_int_eq(write(ready[1], "x", 1), 1);
		for (;;)
			ct_monitor_turn(l.m, -1);
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void kill_monitor(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void read_all(struct ct_client *client, const char *expected)
{
	struct ct_log_source source = ct_client_source(client);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_err err = { 0 };
	char text[256] = "";
	int stream;
	ssize_t n;

	ck_assert_msg(ct_cursor_open(&source, CT_FROM_RUN, &cursor, &err) == 0, "%s", err.what);
	n = ct_cursor_read(&cursor, text, sizeof(text) - 1, &stream, &err);
	ck_assert_int_eq(n, (ssize_t)strlen(expected));
	ck_assert_str_eq(text, expected);
	ct_cursor_close(&cursor);
}

START_TEST(a_client_reads_the_log_that_a_monitor_writes)
{
	struct ct_client client = CT_CLIENT_INIT;
	pid_t pid = start_monitor("hello\n");
	struct ct_err err = { 0 };
	int dir = openat(fixture_dir(), "runtime", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_msg(ct_client_connect(dir, 0, 0, 0, &client, &err) == 0, "%s", err.what);
	read_all(&client, "hello\n");
	kill_monitor(pid);
	/* And goes on where the log lies. */
	client.fallback = openat(fixture_dir(), "main", O_PATH | O_DIRECTORY | O_CLOEXEC);
	read_all(&client, "hello\n");
	ct_client_close(&client);
	close(dir);
}
END_TEST

START_TEST(nobody_there_is_said_with_its_errno)
{
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_err err = { 0 };
	pid_t pid;
	int dir;

	ck_assert_int_eq(ct_client_connect(fixture_dir(), 0, 0, 0, &client, &err), -ENOENT);
	ck_err(&err, ENOENT,
	       "cannot connect to the container's monitor: No such file or directory");
	pid = start_monitor("x");
	kill_monitor(pid);
	dir = openat(fixture_dir(), "runtime", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(ct_client_connect(dir, 0, 0, 0, &client, &err), -ECONNREFUSED);
	close(dir);
}
END_TEST

/* The address of a socket has room for 107 bytes. */
START_TEST(paths_of_any_length_work)
{
	char name[201];
	struct ct_client client = CT_CLIENT_INIT;
	pid_t pid = start_monitor("x");
	struct ct_err err = { 0 };
	int dir = -1, deep = fixture_dir();

	memset(name, 'd', 200);
	name[200] = '\0';
	for (int i = 0; i < 3; i++) {
		int next;

		ck_assert_int_eq(mkdirat(deep, name, 0700), 0);
		next = openat(deep, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (deep != fixture_dir())
			close(deep);
		deep = next;
	}
	ck_assert_int_eq(renameat(fixture_dir(), "runtime", deep, "runtime"), 0);
	dir = openat(deep, "runtime", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ck_assert_msg(ct_client_connect(dir, 0, 0, 0, &client, &err) == 0, "%s", err.what);
	ct_client_close(&client);
	kill_monitor(pid);
	close(dir);
	close(deep);
}
END_TEST

/* ---- a monitor that does nothing ---- */

#define SHORT	UINT64_C(20000000)	/* ns: what is waited for never comes, so any time will do */

START_TEST(a_monitor_that_does_not_answer_is_given_up_in_words)
{
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_err err = { 0 };

	client.patience = SHORT;
	ck_assert_int_eq(ct_client_hello(new_pair(), 0, 0, 0, &client, &err), -ETIMEDOUT);
	ck_err(&err, ETIMEDOUT, "the container's monitor does not answer (was it stopped? kill -CONT "
				"the process \"cattach: monitor of ...\")");
	ck_assert_int_eq(client.sock, -1);
	close(p.sock);
	/* For ever, or until something else comes. */
	client.patience = UINT64_MAX;
	client.interrupt = eventfd(1, EFD_CLOEXEC);
	ck_assert_int_eq(ct_client_hello(new_pair(), 0, 0, 0, &client, &err), -EINTR);
	close(client.interrupt);
}
END_TEST

START_TEST(a_segment_that_does_not_come_is_given_up_in_words)
{
	struct ct_segment segment = CT_SEGMENT_INIT;
	struct ct_log_source source;
	struct ct_err err = { 0 };
	int sock = new_pair();

	p.client.patience = SHORT;
	peer_welcome();
	ck_assert_int_eq(ct_client_hello(sock, 0, 0, 0, &p.client, &err), 0);
	source = ct_client_source(&p.client);
	ck_assert_int_eq(source.open_segment(source.arg, 0, &segment, &err), -ETIMEDOUT);
	ck_assert_ptr_nonnull(strstr(err.what, "does not answer"));
}
END_TEST

START_TEST(a_full_backlog_is_not_waited_for_for_ever)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int ct_autofd first = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_err err = { 0 };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/attach",
		 fixture_dir());
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	ck_assert_int_eq(listen(listener, 0), 0);
	ck_assert_int_eq(connect(first, (struct sockaddr *)&address, sizeof(address)), 0);
	client.patience = SHORT;
	ck_assert_int_eq(ct_client_connect(fixture_dir(), 0, 0, 0, &client, &err), -EAGAIN);
	ck_err(&err, EAGAIN, "the container's monitor takes no more connections at the moment (try "
			     "again; if it was stopped, kill -CONT it)");
}
END_TEST

Suite *suite_client(void)
{
	Suite *suite = suite_create("client");
	TCase *peer = tcase_create("with a peer"), *real = tcase_create("with a monitor");

	tcase_add_checked_fixture(peer, peer_setup, peer_teardown);
	tcase_add_test(peer, a_welcome_says_who_we_are_and_brings_page_and_wake_up);
	tcase_add_test(peer, a_refusal_is_the_error);
	tcase_add_test(peer, an_end_instead_of_a_welcome_is_an_end);
	tcase_add_loop_test(peer, what_is_no_welcome_is_refused, 0, 5);
	tcase_add_test(peer, messages_set_the_flags_that_they_mean);
	tcase_add_test(peer, an_error_ends_all_or_only_says_so);
	tcase_add_test(peer, what_was_sent_before_the_end_is_read_although_the_end_was_rude);
	tcase_add_test(peer, descriptors_that_nobody_asked_for_are_closed);
	tcase_add_test(peer, nobody_who_was_not_asked_tells_where_he_is);
	tcase_add_test(peer, a_question_before_there_is_a_cursor_is_answered_with_the_first_position);
	tcase_add_test(peer, who_was_asked_goes_on_to_tell_until_little_is_left);
	tcase_add_test(peer, a_segment_is_waited_for_through_everything_else);
	tcase_add_test(peer, no_segment_is_no_error_and_one_without_descriptors_is);
	tcase_add_test(peer, when_the_monitor_has_left_segments_come_from_the_directory);
	tcase_add_test(peer, a_monitor_that_does_not_answer_is_given_up_in_words);
	tcase_add_test(peer, a_segment_that_does_not_come_is_given_up_in_words);
	tcase_add_test(peer, a_full_backlog_is_not_waited_for_for_ever);
	suite_add_tcase(suite, peer);
	tcase_add_checked_fixture(real, fixture_setup, fixture_teardown);
	tcase_add_test(real, a_client_reads_the_log_that_a_monitor_writes);
	tcase_add_test(real, nobody_there_is_said_with_its_errno);
	tcase_add_test(real, paths_of_any_length_work);
	suite_add_tcase(suite, real);
	return suite;
}
