/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status file: what is written is read, at any time, by anybody; what is damaged is said to
 * be, with the reason; and the lock that says whether a monitor lives.
 */
#include <cattach/monitor.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

static const struct ct_status largest = {
	.state = CT_STATUS_RUNNING,
	.generation = UINT64_MAX,
	.monitor_pid = INT32_MAX,
	.pid = INT32_MAX,
	.monitor_starttime = UINT64_MAX,
	.starttime = UINT64_MAX,
	.boot_id = "01234567-89ab-cdef-0123-456789abcdef",
	.started = UINT64_MAX,
	.finished = UINT64_MAX,
	.exit = { .value = 255 },
	.log_lost = UINT64_MAX,
	.log_unsaved = UINT64_MAX,
	.warnings = CT_WARN_MAX,
};

static int new_file(void)
{
	int fd = openat(fixture_dir(), "status", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

static void assert_same(const struct ct_status *a, const struct ct_status *b)
{
	ck_assert_int_eq(a->state, b->state);
	ck_assert_uint_eq(a->generation, b->generation);
	ck_assert_int_eq(a->monitor_pid, b->monitor_pid);
	ck_assert_int_eq(a->pid, b->pid);
	ck_assert_uint_eq(a->monitor_starttime, b->monitor_starttime);
	ck_assert_uint_eq(a->starttime, b->starttime);
	ck_assert_str_eq(a->boot_id, b->boot_id);
	ck_assert_uint_eq(a->started, b->started);
	ck_assert_uint_eq(a->finished, b->finished);
	ck_assert_int_eq(a->exit.signaled, b->exit.signaled);
	ck_assert_int_eq(a->exit.core, b->exit.core);
	ck_assert_int_eq(a->exit.value, b->exit.value);
	ck_assert_int_eq(a->oom_killed, b->oom_killed);
	ck_assert_uint_eq(a->log_lost, b->log_lost);
	ck_assert_uint_eq(a->log_unsaved, b->log_unsaved);
	ck_assert_uint_eq(a->warnings, b->warnings);
}

START_TEST(the_largest_values_survive_and_fit)
{
	int ct_autofd fd = new_file();
	struct ct_status read = { 0 };
	struct ct_err err = { 0 };
	struct stat st;

	ck_assert_msg(ct_status_write(fd, &largest, &err) == 0, "%s", err.what);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, CT_STATUS_SIZE);
	ck_assert_msg(ct_status_read(fd, &read, &err) == 0, "%s", err.what);
	assert_same(&read, &largest);
}
END_TEST

START_TEST(a_record_that_knows_no_warnings_is_read)
{
	int ct_autofd fd = new_file();
	struct ct_status read = { .warnings = 3 };
	char text[CT_STATUS_SIZE], *at, *end;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_status_write(fd, &largest, &err), 0);
	ck_assert_int_eq(pread(fd, text, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
	at = memmem(text, CT_STATUS_SIZE, ",\"lost\"", 7);
	end = memmem(text, CT_STATUS_SIZE, ",\"end\"", 6);
	ck_assert(at && end && at < end);
	memset(at, ' ', (size_t)(end - at));
	ck_assert_int_eq(pwrite(fd, text, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
	ck_assert_msg(ct_status_read(fd, &read, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(read.generation, largest.generation);
	ck_assert_uint_eq(read.log_lost + read.log_unsaved + read.warnings, 0);
}
END_TEST

START_TEST(an_exit_by_signal_with_core_survives)
{
	struct ct_status s = { .state = CT_STATUS_EXITED, .generation = 1, .finished = 7,
			       .exit = { .signaled = true, .core = true, .value = SIGSEGV },
			       .oom_killed = true };
	int ct_autofd fd = new_file();
	struct ct_status read = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_status_write(fd, &s, &err), 0);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), 0);
	assert_same(&read, &s);
}
END_TEST

START_TEST(a_shorter_status_leaves_nothing_of_a_longer_one)
{
	struct ct_status s = { .state = CT_STATUS_NONE };
	int ct_autofd fd = new_file();
	struct ct_status read = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_status_write(fd, &largest, &err), 0);
	ck_assert_int_eq(ct_status_write(fd, &s, &err), 0);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), 0);
	assert_same(&read, &s);
}
END_TEST

START_TEST(the_status_is_readable_after_its_file_is_unlinked)
{
	int ct_autofd fd = new_file();
	struct ct_status read = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(unlinkat(fixture_dir(), "status", 0), 0);
	ck_assert_int_eq(ct_status_write(fd, &largest, &err), 0);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), 0);
	assert_same(&read, &largest);
}
END_TEST

START_TEST(a_state_that_is_none_is_not_written)
{
	struct ct_status s = { .state = (enum ct_status_state)9 };
	int ct_autofd fd = new_file();
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_status_write(fd, &s, &err), -EINVAL);
	ck_err(&err, EINVAL, "cannot record a status: 9 is no state");
	ck_assert_int_eq(lseek(fd, 0, SEEK_END), 0);
}
END_TEST

START_TEST(a_full_disk_at_the_first_write_is_an_error)
{
	int ct_autofd fd = open("/dev/full", O_RDWR | O_CLOEXEC);
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_status_write(fd, &largest, &err), -ENOSPC);
	ck_err(&err, ENOSPC, "cannot write the status: No space left on device");
}
END_TEST

/* Changes to a good status, as text, and what is said about each. */
static const struct {
	const char *from, *to;		/* from NULL: the whole content is to */
	const char *text;
} damages[] = {
	{ NULL, "", "status is damaged (empty file)" },
	{ NULL, "{\"generation\":1", "status is damaged (15 bytes instead of 512)" },
	{ "\"state\":\"running\"", "\"state\":\"walking\"",
	  "status is damaged (state \"walking\" is not known)" },
	{ "\"state\":\"running\"", "\"state\":1", "status is damaged (state must be a string)" },
	{ "\"version\":1", "\"version\":2",
	  "status is damaged (written by another cattach: format 2, this one knows 1)" },
	{ "\"version\":1,", "", "status is damaged (version is missing)" },
	{ "\"pid\":2147483647", "\"pid\":2147483648",
	  "status is damaged (pid: must be 0...2147483647, not \"2147483648\")" },
	{ "\"pid\":2147483647", "\"pid\":-1",
	  "status is damaged (pid: must be 0...2147483647, not \"-1\")" },
	{ "\"pid\":2147483647", "\"pid\":\"1\"",
	  "status is damaged (pid must be a number, not a string)" },
	{ "\"value\":255", "\"value\":256",
	  "status is damaged (value: must be 0...255, not \"256\")" },
	{ "\"warnings\":255", "\"warnings\":256",
	  "status is damaged (warnings: must be 0...255, not \"256\")" },
	{ "\"lost\":", "\"gone\":", "status is damaged (lost is missing)" },
	{ "\"core\":false", "\"core\":0", "status is damaged (core must be true or false)" },
	{ "\"boot_id\":\"0", "\"boot_id\":\"00",
	  "status is damaged (boot_id is longer than 36 characters)" },
	{ "\"end\":18446744073709551615", "\"end\":18446744073709551614",
	  "status is damaged (half written)" },
	{ "\"end\":18446744073709551615", "\"fin\":18446744073709551615",
	  "status is damaged (end is missing)" },
};

static void write_damaged(int fd, const char *from, const char *to)
{
	char text[CT_STATUS_SIZE + 1], changed[2 * CT_STATUS_SIZE];
	struct ct_err err = { 0 };
	char *at;

	if (!from) {
		ck_assert_int_eq(pwrite(fd, to, strlen(to), 0), (ssize_t)strlen(to));
		return;
	}
	ck_assert_int_eq(ct_status_write(fd, &largest, &err), 0);
	ck_assert_int_eq(pread(fd, text, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
	text[CT_STATUS_SIZE] = '\0';
	at = strstr(text, from);
	ck_assert_ptr_nonnull(at);
	snprintf(changed, sizeof(changed), "%.*s%s%s%*s", (int)(at - text), text, to,
		 at + strlen(from), CT_STATUS_SIZE, "");
	ck_assert_int_eq(pwrite(fd, changed, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
}

START_TEST(damage_is_named_and_changes_nothing)
{
	struct ct_status read = { .generation = 77 };
	int ct_autofd fd = new_file();
	struct ct_err err = { 0 };

	write_damaged(fd, damages[_i].from, damages[_i].to);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), -EBADMSG);
	ck_err(&err, EBADMSG, damages[_i].text);
	ck_assert_uint_eq(read.generation, 77);
}
END_TEST

START_TEST(what_is_no_json_or_no_file_is_damaged)
{
	char junk[CT_STATUS_SIZE + 1];
	int ct_autofd fd = new_file();
	int pipe_fds[2];
	struct ct_status read;
	struct ct_err err = { 0 };

	memset(junk, 'x', sizeof(junk));
	ck_assert_int_eq(pwrite(fd, junk, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), -EBADMSG);
	ck_assert_ptr_nonnull(strstr(err.what, "status is damaged (status:1:1: "));
	memset(junk, 0, sizeof(junk));
	ck_assert_int_eq(pwrite(fd, junk, CT_STATUS_SIZE, 0), CT_STATUS_SIZE);
	ck_assert_int_eq(ct_status_read(fd, &read, &err), -EBADMSG);
	ck_assert_int_eq(pwrite(fd, junk, sizeof(junk), 0), sizeof(junk));
	ck_assert_int_eq(ct_status_read(fd, &read, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "status is damaged (more than 512 bytes instead of 512)");
	ck_assert_int_eq(pipe(pipe_fds), 0);
	ck_assert_int_eq(ct_status_read(pipe_fds[0], &read, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "status is damaged (not a regular file)");
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}
END_TEST

/* ---- a writer and a reader at once ---- */

#define ROUNDS 2000

/* Every field follows from the generation, and the length of the text changes with it. */
static struct ct_status status_of(uint64_t generation)
{
	uint64_t wide = generation % 2 ? UINT64_MAX - generation : generation;

	return (struct ct_status){
		.state = generation % 2 ? CT_STATUS_EXITED : CT_STATUS_RUNNING,
		.generation = generation,
		.monitor_pid = (pid_t)(wide & INT32_MAX),
		.monitor_starttime = wide,
		.pid = (pid_t)generation,
		.starttime = wide,
		.started = wide,
		.finished = generation,
		.exit = { .signaled = generation % 2, .value = (int)(generation % 256) },
	};
}

static void write_for_ever(int fd)
{
	struct ct_err err;

	for (uint64_t i = 1;; i++) {
		struct ct_status s = status_of(i);

		if (ct_status_write(fd, &s, &err) < 0)
			_exit(1);
	}
}

START_TEST(a_reader_never_sees_half_a_write)
{
	int ct_autofd fd = new_file();
	struct ct_status s = status_of(0), read = { 0 };
	struct ct_err err = { 0 };
	uint64_t last = 0, changes = 0;
	pid_t writer;

	ck_assert_int_eq(ct_status_write(fd, &s, &err), 0);
	writer = fork();
	ck_assert_int_ge(writer, 0);
	if (writer == 0)
		write_for_ever(fd);
	/* On until the reads have met enough different writes, so that the test cannot pass by luck
	 * of scheduling alone; Check's time limit ends it if they never do. */
	for (int i = 0; i < ROUNDS || changes < 10; i++) {
		ck_assert_msg(ct_status_read(fd, &read, &err) == 0, "round %d: %s", i, err.what);
		s = status_of(read.generation);
		assert_same(&read, &s);
		ck_assert_uint_ge(read.generation, last);
		changes += read.generation != last;
		last = read.generation;
	}
	kill(writer, SIGKILL);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

/* A writer that is interrupted in the middle of every write, which the real one rarely is. */
static void write_in_parts(int source, int fd)
{
	char text[CT_STATUS_SIZE];
	const off_t front = 128;	/* before the payload's pid */
	const ssize_t rest = CT_STATUS_SIZE - front;
	struct ct_err err;

	/* Even ones above 10^9 all have the same length: parts of two of them are good JSON. */
	for (uint64_t i = 1;; i++) {
		struct ct_status s = status_of(1000000000 + 2 * i);

		if (ct_status_write(source, &s, &err) < 0 ||
		    pread(source, text, sizeof(text), 0) != (ssize_t)sizeof(text) ||
		    pwrite(fd, text, (size_t)front, 0) != front)
			_exit(1);
		if (i % 16 == 0)
			usleep(50);
		if (pwrite(fd, text + front, (size_t)rest, front) != rest)
			_exit(1);
		usleep(50);
	}
}

START_TEST(a_reader_waits_for_the_rest_of_a_write)
{
	int ct_autofd fd = new_file();
	int ct_autofd source = openat(fixture_dir(), "source", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct ct_status s = status_of(0), read = { 0 };
	struct ct_err err = { 0 };
	uint64_t last = 0, changes = 0;
	pid_t writer;

	ck_assert_int_eq(ct_status_write(fd, &s, &err), 0);
	writer = fork();
	ck_assert_int_ge(writer, 0);
	if (writer == 0)
		write_in_parts(source, fd);
	for (int i = 0; i < ROUNDS || changes < 20; i++) {
		ck_assert_msg(ct_status_read(fd, &read, &err) == 0, "round %d: %s", i, err.what);
		s = status_of(read.generation);
		assert_same(&read, &s);
		changes += read.generation != last;
		last = read.generation;
	}
	kill(writer, SIGKILL);
	ck_assert_int_eq(waitpid(writer, NULL, 0), writer);
}
END_TEST

/* ---- the lock ---- */

/* A child that holds the lock of the fresh directory until it is killed. */
static pid_t hold_lock(void)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int ready[2], fd;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(ready), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		fd = openat(fixture_dir(), "lock", O_RDWR | O_CLOEXEC);
		if (fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	ck_assert_int_eq(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

START_TEST(the_lock_names_its_holder_and_goes_with_it)
{
	pid_t holder, found = 77;

	fixture_file("lock", "");
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), &found), 0);
	ck_assert_int_eq(found, 0);
	holder = hold_lock();
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), &found), 1);
	ck_assert_int_eq(found, holder);
	/* Asking took nothing: the next one sees the same. */
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), NULL), 1);
	kill(holder, SIGKILL);
	ck_assert_int_eq(waitpid(holder, NULL, 0), holder);
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), &found), 0);
	ck_assert_int_eq(found, 0);
}
END_TEST

START_TEST(a_missing_lock_or_a_link_in_its_place_is_an_error)
{
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), NULL), -ENOENT);
	ck_assert_int_eq(symlinkat("/dev/null", fixture_dir(), "lock"), 0);
	ck_assert_int_eq(ct_monitor_alive(fixture_dir(), NULL), -ELOOP);
}
END_TEST

Suite *suite_status(void);
Suite *suite_status(void)
{
	Suite *s = suite_create("status");
	TCase *tc = tcase_create("status");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, the_largest_values_survive_and_fit);
	tcase_add_test(tc, an_exit_by_signal_with_core_survives);
	tcase_add_test(tc, a_record_that_knows_no_warnings_is_read);
	tcase_add_test(tc, a_shorter_status_leaves_nothing_of_a_longer_one);
	tcase_add_test(tc, the_status_is_readable_after_its_file_is_unlinked);
	tcase_add_test(tc, a_state_that_is_none_is_not_written);
	tcase_add_test(tc, a_full_disk_at_the_first_write_is_an_error);
	tcase_add_loop_test(tc, damage_is_named_and_changes_nothing, 0,
			    (int)(sizeof(damages) / sizeof(damages[0])));
	tcase_add_test(tc, what_is_no_json_or_no_file_is_damaged);
	tcase_add_test(tc, a_reader_never_sees_half_a_write);
	tcase_add_test(tc, a_reader_waits_for_the_rest_of_a_write);
	tcase_add_test(tc, the_lock_names_its_holder_and_goes_with_it);
	tcase_add_test(tc, a_missing_lock_or_a_link_in_its_place_is_an_error);
	suite_add_tcase(s, tc);
	return s;
}
