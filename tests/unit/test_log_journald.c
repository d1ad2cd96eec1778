/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log driver journald against a socket of our own: what each datagram says, byte for byte, and what
 * becomes of it while nobody reads, or nobody is there. Runs unprivileged.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "conmon/log_driver.h"
#include "fixture.h"
#include "log_fixture.h"

#define FIELDS	"CONTAINER_ID=0123\nCONTAINER_NAME=web\n"

static struct log_fixture f;
static char path[4200];
static int journald;
static char said[LOG_RECORD_MAX + 1];	/* the last datagram */

static void listen_again(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	ck_assert_uint_lt(strlen(path), sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	journald = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_ge(journald, 0);
	ck_assert_int_eq(bind(journald, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void setup(void)
{
	fixture_setup();
	snprintf(path, sizeof(path), "%s/socket", fixture_path());
	listen_again();
	log_open(&f, fixture_dir(), &(struct ct_log_options){
		.file = CT_LOG_FILE_JOURNALD, .path = path, .fields = FIELDS,
	});
}

static void teardown(void)
{
	if (f.writer)
		log_close(&f);
	ct_drop_fd(&journald);
	fixture_teardown();
}

/* The next datagram: its size, 0: there is none. */
static size_t receive(void)
{
	ssize_t n = recv(journald, said, sizeof(said) - 1, 0);

	ck_assert(n > 0 || errno == EAGAIN);
	n = n < 0 ? 0 : n;
	said[n] = '\0';
	return (size_t)n;
}

/* A datagram with this message and priority; the time is now's. */
static void expect(const char *message, int priority, bool partial)
{
	char head[512];
	size_t size;

	ck_assert_uint_gt(receive(), 0);
	size = (size_t)snprintf(head, sizeof(head), "MESSAGE=%s\nPRIORITY=%d\n%sSYSLOG_TIMESTAMP=20",
				message, priority, partial ? "CONTAINER_PARTIAL_MESSAGE=true\n" : "");
	ck_assert_uint_gt(strlen(said), size);
	ck_assert_mem_eq(said, head, size);
	ck_assert_str_eq(said + size + strlen("06-01-02T15:04:05.123456789Z\n"), FIELDS);
}

static void expect_nothing(void)
{
	ck_assert_uint_eq(receive(), 0);
}

static struct ct_log_state state(void)
{
	struct ct_log_state s;

	ct_log_state(f.writer, &s);
	return s;
}

START_TEST(each_line_is_a_datagram_with_the_fields)
{
	log_text(&f, CT_STREAM_STDOUT, "one\ntwo\n\n");
	expect("one", 6, false);
	expect("two", 6, false);
	expect("", 6, false);
	log_text(&f, CT_STREAM_STDERR, "bad \xff\x01=\n");
	expect("bad \xff\x01=", 3, false);
	expect_nothing();
}
END_TEST

START_TEST(a_line_waits_for_its_end_each_stream_for_itself)
{
	log_text(&f, CT_STREAM_STDOUT, "a");
	log_text(&f, CT_STREAM_STDERR, "x");
	log_text(&f, CT_STREAM_STDOUT, "b\n");
	expect("ab", 6, false);
	expect_nothing();
	log_exit(&f, 0);
	expect("x", 3, true);
	expect_nothing();
}
END_TEST

START_TEST(a_long_line_comes_in_pieces_that_say_so)
{
	static char line[40001];

	memset(line, 'x', 40000);
	line[40000] = '\n';
	log_bytes(&f, CT_STREAM_STDOUT, line, sizeof(line));
	for (int i = 0; i < 2; i++) {
		ck_assert_uint_gt(receive(), LOG_RECORD_LINE);
		ck_assert_ptr_nonnull(strstr(said, "x\nPRIORITY=6\nCONTAINER_PARTIAL_MESSAGE=true\n"));
		ck_assert_uint_eq(strspn(said + 8, "x"), LOG_RECORD_LINE);
	}
	ck_assert_uint_gt(receive(), 0);
	ck_assert_uint_eq(strspn(said + 8, "x"), 40000 - 2 * LOG_RECORD_LINE);
	ck_assert_ptr_null(strstr(said, "PARTIAL"));
}
END_TEST

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	ct_log_wake_now(f.writer);
}

/* Lines far beyond what the queue takes: nothing waits, nothing is lost, the order stays. */
START_TEST(a_slow_journald_gets_everything_later)
{
	char line[32];
	int next = 0;

	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), "line %d\n", i);
		log_text(&f, CT_STREAM_STDOUT, line);
	}
	ck_assert(f.writer->driver->failing);
	ck_assert_int_ge(ct_log_wake_due(f.writer), 0);
	ck_assert_uint_eq(state().warnings, 0);
	while (next < 5000) {
		if (!receive()) {
			nap();
			continue;
		}
		snprintf(line, sizeof(line), "MESSAGE=line %d\n", next++);
		ck_assert_mem_eq(said, line, strlen(line));
	}
	expect_nothing();
	ck_assert_uint_eq(state().lost, 0);
}
END_TEST

START_TEST(a_journald_that_comes_back_gets_what_it_has_missed)
{
	ct_drop_fd(&journald);
	log_text(&f, CT_STREAM_STDOUT, "one\n");
	ck_assert_uint_eq(state().warnings, CT_WARN_JOURNALD | CT_WARN_MEMORY);
	ck_assert_int_eq(unlink(path), 0);
	log_text(&f, CT_STREAM_STDOUT, "two\n");
	listen_again();
	while (f.writer->driver->failing)
		nap();
	expect("one", 6, false);
	expect("two", 6, false);
	ck_assert_uint_eq(state().warnings, CT_WARN_JOURNALD);
}
END_TEST

/* More than memory holds. */
START_TEST(what_is_lost_meanwhile_is_told_at_its_place)
{
	static char line[1000];
	unsigned long long lost = 0;
	unsigned received = 0;
	bool ended = false;
	char *at;

	memset(line, 'x', sizeof(line) - 1);
	line[sizeof(line) - 1] = '\n';
	log_text(&f, CT_STREAM_STDERR, "open");
	ct_drop_fd(&journald);
	ck_assert_int_eq(unlink(path), 0);
	for (int i = 0; i < 20000; i++)
		log_bytes(&f, CT_STREAM_STDOUT, line, sizeof(line));
	listen_again();
	while (f.writer->driver->failing || lost == 0) {
		while (receive()) {
			received++;
			if (!strncmp(said, "MESSAGE=open\nPRIORITY=3\nSYSLOG", 30))
				ended = !lost;
			at = strstr(said, "\nCATTACH_LOST=");
			if (!at)
				continue;
			lost = strtoull(at + strlen("\nCATTACH_LOST="), NULL, 10);
			ck_assert_ptr_eq(strstr(said, "MESSAGE=cattach: "), said);
			ck_assert_ptr_nonnull(strstr(said, "\nPRIORITY=4\n"));
		}
		nap();
	}
	while (receive())
		received++;
	ck_assert_uint_eq(lost, state().lost);
	/* The hole and, before it, the line that it has ended; that gets no more. */
	ck_assert(ended);
	ck_assert_uint_eq(lost + (received - 2) * sizeof(line), 20000 * sizeof(line));
}
END_TEST

/* The queue is full, and somebody begins to empty it when the run ends. */
START_TEST(the_end_waits_for_a_slow_journald)
{
	struct pollfd one = { .fd = journald, .events = POLLIN };
	pid_t reader;

	for (int i = 0; i < 3000; i++)
		log_text(&f, CT_STREAM_STDOUT, "line\n");
	ck_assert(f.writer->driver->failing);
	reader = fork();
	ck_assert_int_ge(reader, 0);
	if (reader == 0) {
		while (poll(&one, 1, -1) > 0)
			recv(journald, said, sizeof(said), 0);
		_exit(0);
	}
	log_exit(&f, 0);
	kill(reader, SIGKILL);
	waitpid(reader, NULL, 0);
	ck_assert_uint_eq(state().unsaved, 0);
	ck_assert_uint_eq(state().lost, 0);
}
END_TEST

START_TEST(what_nobody_has_taken_at_the_end_is_counted)
{
	ct_drop_fd(&journald);
	log_text(&f, CT_STREAM_STDOUT, "one\ntwo\n");
	log_exit(&f, 0);
	ck_assert_uint_eq(state().unsaved, 8);
	ck_assert_uint_eq(state().lost, 8);
	ck_assert_uint_eq(state().warnings, CT_WARN_JOURNALD | CT_WARN_MEMORY);
}
END_TEST

START_TEST(there_is_no_file_to_be_opened_again)
{
	ck_assert_int_eq(ct_log_reopen(f.writer), -ENOTSUP);
	ck_assert_int_eq(ct_log_outside(f.writer), -1);
}
END_TEST

/* Beside a file: each has everything, whatever becomes of the other. */
START_TEST(a_file_beside_it_has_everything_while_journald_is_gone)
{
	struct ct_log_options beside = { .file = CT_LOG_FILE_JOURNALD, .path = path, .fields = FIELDS };
	struct ct_log_options options = { .file = CT_LOG_FILE_K8S, .also = &beside };
	char text[256] = "";

	log_close(&f);
	f.writer = NULL;
	log_open(&f, fixture_dir(), &options);
	log_text(&f, CT_STREAM_STDOUT, "one\n");
	expect("one", 6, false);
	ct_drop_fd(&journald);
	ck_assert_int_eq(unlink(path), 0);
	log_text(&f, CT_STREAM_STDOUT, "two\n");
	ck_assert(state().warnings & CT_WARN_JOURNALD);
	ck_assert_int_ge(ct_log_wake_due(f.writer), 0);
	ck_assert_uint_gt(fixture_read(CT_LOG_FILE_NAME, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, " stdout F one\n"));
	ck_assert_ptr_nonnull(strstr(text, " stdout F two\n"));
	/* Only the file is opened again by its name. */
	ck_assert_int_eq(renameat(fixture_dir(), CT_LOG_FILE_NAME, fixture_dir(), "old"), 0);
	ck_assert_int_eq(ct_log_reopen(f.writer), 0);
	memset(text, 0, sizeof(text));
	listen_again();
	log_text(&f, CT_STREAM_STDOUT, "three\n");
	log_exit(&f, 0);
	expect("two", 6, false);
	expect("three", 6, false);
	ck_assert_uint_gt(fixture_read(CT_LOG_FILE_NAME, text, sizeof(text)), 0);
	ck_assert_ptr_nonnull(strstr(text, " stdout F three\n"));
	ck_assert_ptr_null(strstr(text, "two"));
	ck_assert_uint_eq(state().lost, 0);
}
END_TEST

START_TEST(without_journald_nothing_starts)
{
	struct ct_log_options options = { .file = CT_LOG_FILE_JOURNALD, .path = "/nowhere/socket" };
	struct ct_log_writer *writer;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_log_create(fixture_dir(), &options, &writer, &err), -ENOENT);
	ck_err(&err, ENOENT, "no journald here: /nowhere/socket: No such file or directory "
			     "(--log-driver native, k8s-file or json-file)");
	options.path = path;
	ct_drop_fd(&journald);
	err = (struct ct_err){ 0 };
	ck_assert_int_eq(ct_log_create(fixture_dir(), &options, &writer, &err), -ECONNREFUSED);
}
END_TEST

Suite *suite_log_journald(void);
Suite *suite_log_journald(void)
{
	Suite *s = suite_create("log_journald");
	TCase *tc = tcase_create("journald");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_line_is_a_datagram_with_the_fields);
	tcase_add_test(tc, a_line_waits_for_its_end_each_stream_for_itself);
	tcase_add_test(tc, a_long_line_comes_in_pieces_that_say_so);
	tcase_add_test(tc, a_slow_journald_gets_everything_later);
	tcase_add_test(tc, a_journald_that_comes_back_gets_what_it_has_missed);
	tcase_add_test(tc, what_is_lost_meanwhile_is_told_at_its_place);
	tcase_add_test(tc, the_end_waits_for_a_slow_journald);
	tcase_add_test(tc, what_nobody_has_taken_at_the_end_is_counted);
	tcase_add_test(tc, there_is_no_file_to_be_opened_again);
	tcase_add_test(tc, a_file_beside_it_has_everything_while_journald_is_gone);
	tcase_add_test(tc, without_journald_nothing_starts);
	suite_add_tcase(s, tc);
	return s;
}
