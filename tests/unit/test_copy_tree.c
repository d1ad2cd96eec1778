/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both halves of a copy, in two processes: what arrives, and what each hears when the other fails,
 * dies, or is to stop. Runs unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/copy.h>

#include "copy/parts.h"
#include "fixture.h"

static char reports[4096];

static void note_report(const struct ct_err *err, bool warning, void *arg)
{
	size_t used = strlen(reports);

	(void)arg;
	used += (size_t)snprintf(reports + used, sizeof(reports) - used, "%s", warning ? "warning " : "");
	ct_err_format(err, reports + used, sizeof(reports) - used - 1);
	strcat(reports, "\n");
}

static const struct ct_copy_watch watch = { .report = note_report };

/* What the process at the other end does, and with what it ends. */
static int half(int fd, const struct ct_copy_source *source, const struct ct_copy_target *target)
{
	struct ct_copy_channel channel = CT_COPY_CHANNEL_INIT;
	struct ct_err err = { 0 };
	int r = ct_copy_channel_open(&channel, fd, &err);

	if (r == 0)
		r = source ? ct_copy_send_tree(&channel, source, &err) :
			     ct_copy_receive_tree(&channel, target, &err);
	ct_copy_channel_close(&channel);
	return r < 0 ? err.code : 0;
}

struct ends {
	struct ct_copy_source source;
	struct ct_copy_target target;
	bool sending;		/* we are the source */
	int stop;
};

/* Copy; what we are told is in err, what the other process was told is in *ret_other (an errno). */
static int copy(const struct ends *e, int *ret_other, struct ct_err *err)
{
	struct ct_copy_channel channel = { .fd = -1, .stop = e->stop, .watch = &watch };
	int pair[2], status, r;
	pid_t pid;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(half(pair[1], e->sending ? NULL : &e->source, &e->target));
	}
	close(pair[1]);
	ck_assert_int_eq(ct_copy_channel_open(&channel, pair[0], err), 0);
	r = e->sending ? ct_copy_send_tree(&channel, &e->source, err) :
			 ct_copy_receive_tree(&channel, &e->target, err);
	ct_copy_channel_close(&channel);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	*ret_other = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	return r;
}

static struct ends ends_of(const char *from, const char *to, const char *name)
{
	struct ends e = {
		.source = { .root = { .fd = fixture_dir() }, .path = from, .shown = from },
		.target = { .root = { .fd = fixture_dir(), .confined = true }, .path = to, .shown = to },
		.stop = -1,
	};

	snprintf(e.target.name, sizeof(e.target.name), "%s", name);
	reports[0] = '\0';
	return e;
}

static void ck_text(const char *path, const char *text)
{
	char is[256] = "";
	int fd = openat(fixture_dir(), path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_ge(read(fd, is, sizeof(is) - 1), 0);
	close(fd);
	ck_assert_str_eq(is, text);
}

static bool is_there(const char *path)
{
	return faccessat(fixture_dir(), path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void make_tree(void)
{
	mkdirat(fixture_dir(), "s", 0700);
	mkdirat(fixture_dir(), "s/d", 0750);
	fixture_file("s/f", "text");
	ck_assert_int_eq(linkat(fixture_dir(), "s/f", fixture_dir(), "s/d/g", 0), 0);
	ck_assert_int_eq(symlinkat("f", fixture_dir(), "s/l"), 0);
}

START_TEST(a_tree_arrives_whichever_half_is_ours)
{
	struct ends e = ends_of("s", "t", "s");
	struct ct_err err = { 0 };
	struct stat a, b;
	int other;

	make_tree();
	e.sending = _i;
	ck_assert_int_eq(copy(&e, &other, &err), 0);
	ck_assert_int_eq(other, 0);
	ck_text("t/f", "text");
	ck_text("t/l", "text");
	ck_assert_int_eq(fstatat(fixture_dir(), "t/f", &a, 0), 0);
	ck_assert_int_eq(fstatat(fixture_dir(), "t/d/g", &b, 0), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	ck_assert_str_eq(reports, "");
}
END_TEST

START_TEST(a_source_that_is_not_there_is_told_to_both)
{
	struct ends e = ends_of("none", "t", "none");
	struct ct_err err = { 0 };
	int other;

	e.sending = _i;
	ck_assert_int_eq(copy(&e, &other, &err), -ENOENT);
	ck_err(&err, ENOENT, "none: cannot be opened: No such file or directory");
	ck_assert_int_eq(other, ENOENT);
}
END_TEST

START_TEST(a_target_that_refuses_is_told_to_both)
{
	struct ends e = ends_of("s", "file", "s");
	struct ct_err err = { 0 };
	int other;

	make_tree();
	fixture_file("file", "old");
	e.sending = _i;
	ck_assert_int_eq(copy(&e, &other, &err), -ENOTDIR);
	ck_err(&err, ENOTDIR, "a directory cannot take the place of file, which is a file");
	ck_assert_int_eq(other, ENOTDIR);
	ck_text("file", "old");
}
END_TEST

START_TEST(a_target_that_fails_in_the_middle_is_told_to_both)
{
	struct ends e = ends_of("s", "t", "s");
	struct ct_err err = { 0 };
	int other;

	make_tree();
	mkdirat(fixture_dir(), "t", 0700);
	mkdirat(fixture_dir(), "t/s", 0700);
	mkdirat(fixture_dir(), "t/s/f", 0700);
	e.sending = _i;
	ck_assert_int_eq(copy(&e, &other, &err), -EISDIR);
	ck_err(&err, EISDIR, "t/s/f: is a directory, whose place a file cannot take");
	ck_assert_int_eq(other, EISDIR);
}
END_TEST

START_TEST(what_cannot_be_read_is_reported_to_the_user_and_the_rest_arrives)
{
	struct ends e = ends_of("s", "t", "s");
	struct ct_err err = { 0 };
	int other;

	if (geteuid() == 0)
		return;		/* root can read everything */
	make_tree();
	fixture_file("s/secret", "x");
	ck_assert_int_eq(fchmodat(fixture_dir(), "s/secret", 0, 0), 0);
	e.sending = _i;
	ck_assert_int_eq(copy(&e, &other, &err), 0);
	ck_assert_str_eq(reports, "s/secret: cannot be opened: Permission denied\n");
	ck_text("t/f", "text");
	ck_assert(!is_there("t/secret"));
}
END_TEST

START_TEST(a_half_that_dies_is_missed)
{
	struct ct_copy_channel channel = { .fd = -1, .stop = -1, .watch = &watch };
	struct ends e = ends_of("s", "t", "s");
	struct ct_err err = { 0 };
	int pair[2];

	make_tree();
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	close(pair[1]);
	ck_assert_int_eq(ct_copy_channel_open(&channel, pair[0], &err), 0);
	ck_assert_int_lt(_i ? ct_copy_send_tree(&channel, &e.source, &err) :
			      ct_copy_receive_tree(&channel, &e.target, &err), 0);
	ck_err(&err, EPIPE, "the other half of the copy ended without a word");
	ct_copy_channel_close(&channel);
}
END_TEST

/* A source that stops in the middle of a file. */
static void send_half_a_file(int fd)
{
	static const struct ct_copy_message messages[] = {
		{ .type = CT_COPY_SOURCE, .mode = S_IFREG },
		{ .type = CT_COPY_FILE, .name = "f", .size = 100 },
		{ .type = CT_COPY_DATA, .data = "half", .data_size = 4 },
	};
	uint8_t bytes[4096];
	size_t used = 0;

	for (size_t i = 0; i < 3; i++)
		used += ct_copy_encode(&messages[i], bytes + used);
	ck_assert_int_eq(write(fd, bytes, used), (ssize_t)used);
}

START_TEST(a_half_file_is_taken_away_again_when_the_source_dies_or_the_user_stops)
{
	struct ct_copy_channel channel = { .fd = -1, .stop = -1, .watch = &watch };
	struct ends e = ends_of("s", "t", "f");
	struct ct_err err = { 0 };
	int pair[2], stop = eventfd(0, EFD_CLOEXEC);
	pid_t pid;

	mkdirat(fixture_dir(), "t", 0700);
	fixture_file("t/f", "old");
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert_int_eq(ct_copy_channel_open(&channel, pair[0], &err), 0);
	send_half_a_file(pair[1]);
	channel.stop = _i ? stop : -1;
	pid = fork();
	if (pid == 0) {
		struct ct_copy_message m;
		uint8_t bytes[CT_COPY_HEADER];
		struct ct_err ignored;

		/* Once the target has answered it is in the middle of it. */
		ck_assert_int_eq(read(pair[1], bytes, sizeof(bytes)), (ssize_t)sizeof(bytes));
		ck_assert_int_gt(ct_copy_decode(bytes, sizeof(bytes), &m, &ignored), 0);
		eventfd_write(stop, 1);
		if (_i)
			pause();
		_exit(0);
	}
	close(pair[1]);
	ck_assert_int_eq(ct_copy_receive_tree(&channel, &e.target, &err), _i ? -ECANCELED : -EPIPE);
	ct_copy_channel_close(&channel);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	close(stop);
	ck_text("t/f", "old");
	ck_assert_int_eq(unlinkat(fixture_dir(), "t/f", 0), 0);
	/* Nothing else was in there, or this fails. */
	ck_assert_int_eq(unlinkat(fixture_dir(), "t", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(a_limit_of_file_size_is_an_error_and_leaves_nothing)
{
	struct ends e = ends_of("f", "t", "f");
	const struct rlimit limit = { 1, 1 };
	struct ct_err err = { 0 };
	int other;

	fixture_file("f", "more than one byte");
	mkdirat(fixture_dir(), "t", 0700);
	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ck_assert_int_eq(copy(&e, &other, &err), -EFBIG);
	ck_err(&err, EFBIG, "t/f: cannot be written: File too large");
	ck_assert_int_eq(unlinkat(fixture_dir(), "t", AT_REMOVEDIR), 0);
}
END_TEST

START_TEST(keys_have_the_number_that_they_were_given_last)
{
	struct ct_links links = { 0 };

	ck_assert_uint_eq(ct_links_find(&links, "a", 1), 0);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_int_eq(ct_links_add(&links, &i, sizeof(i), i + 1), 0);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(ct_links_find(&links, &i, sizeof(i)), i + 1);
	ck_assert_int_eq(ct_links_add(&links, "ab", 2, 7), 0);
	ck_assert_int_eq(ct_links_add(&links, "ab", 2, 8), 0);
	ck_assert_uint_eq(ct_links_find(&links, "ab", 2), 8);
	ck_assert_uint_eq(ct_links_find(&links, "abc", 3), 0);
	ck_assert_uint_eq(ct_links_find(&links, "a", 1), 0);
	ct_links_done(&links);
}
END_TEST

Suite *suite_copy_tree(void);

Suite *suite_copy_tree(void)
{
	Suite *s = suite_create("copy_tree");
	TCase *t = tcase_create("halves");

	tcase_add_checked_fixture(t, fixture_setup, fixture_teardown);
	tcase_add_loop_test(t, a_tree_arrives_whichever_half_is_ours, 0, 2);
	tcase_add_loop_test(t, a_source_that_is_not_there_is_told_to_both, 0, 2);
	tcase_add_loop_test(t, a_target_that_refuses_is_told_to_both, 0, 2);
	tcase_add_loop_test(t, a_target_that_fails_in_the_middle_is_told_to_both, 0, 2);
	tcase_add_loop_test(t, what_cannot_be_read_is_reported_to_the_user_and_the_rest_arrives, 0, 2);
	tcase_add_loop_test(t, a_half_that_dies_is_missed, 0, 2);
	tcase_add_loop_test(t, a_half_file_is_taken_away_again_when_the_source_dies_or_the_user_stops,
			    0, 2);
	tcase_add_test(t, a_limit_of_file_size_is_an_error_and_leaves_nothing);
	suite_add_tcase(s, t);
	t = tcase_create("links");
	tcase_add_test(t, keys_have_the_number_that_they_were_given_last);
	suite_add_tcase(s, t);
	return s;
}
