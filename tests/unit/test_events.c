/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of events: what is written is read, whole and once, by any number of writers, over full
 * files and full disks. Any user.
 */
#include "container/events.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container/store.h"
#include "container_fixture.h"

#define LOG	"cattach/events/log"
#define LOG_1	"cattach/events/log.1"

/* ---- tools ---- */

/* A world with a container c1, found, and an empty record. */
static void open_with_container(struct world *w)
{
	world_open(w);
	container_create("c1", w->id);
	container_find(&w->store, &w->arena, "c1", &w->c);
	unlinkat(fixture_dir(), LOG, 0);
}

static void append(const char *file, const char *text, size_t length)
{
	int ct_autofd fd = openat(fixture_dir(), file, O_WRONLY | O_APPEND | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, length), (ssize_t)length);
}

/* Fill the file with so many bytes of lines that are none. */
static void fill(const char *file, size_t size)
{
	static char lines[CT_EVENT_LOG_MAX];

	memset(lines, ' ', sizeof(lines));
	for (size_t i = 0; i < size; i += 4096)
		lines[i] = '\n';
	lines[size - 1] = '\n';
	append(file, lines, size);
}

static off_t size_of(const char *file)
{
	struct stat st;

	return fstatat(fixture_dir(), file, &st, 0) < 0 ? -1 : st.st_size;
}

static void open_reader(struct world *w, bool from_now, struct ct_event_reader *reader)
{
	ck_assert_msg(ct_event_reader_open(&w->store, true, from_now, reader, &w->err) == 0, "%s",
		      w->err.what);
}

static int next(struct world *w, struct ct_event_reader *reader, struct ct_event *event)
{
	return ct_event_next(reader, &w->arena, event, &w->err);
}

static void assert_next(struct world *w, struct ct_event_reader *reader, const char *action)
{
	struct ct_event event;

	ck_assert_int_eq(next(w, reader, &event), 1);
	ck_assert_str_eq(event.action, action);
}

static void assert_no_more(struct world *w, struct ct_event_reader *reader)
{
	struct ct_event event;

	ck_assert_int_eq(next(w, reader, &event), 0);
}

static const char *detail(const struct ct_event *event, const char *key)
{
	const struct ct_json *value = ct_json_get(event->details, key);

	return value ? value->text : "";
}

/* ---- one event ---- */

START_TEST(what_is_recorded_is_read)
{
	struct ct_event_reader reader;
	struct world autoworld w;
	struct ct_event event;
	uint64_t before = ct_now_real();

	open_with_container(&w);
	ct_event_record(&w.c, "kill", "signal", "15", "word", "a \"b\"\n\xff", CT_EVENT_END);
	open_reader(&w, false, &reader);
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_str_eq(event.action, "kill");
	ck_assert_str_eq(event.id, w.id);
	ck_assert_str_eq(event.name, "c1");
	ck_assert_uint_ge(event.time, before);
	ck_assert_uint_le(event.time, ct_now_real());
	ck_assert_str_eq(detail(&event, "signal"), "15");
	ck_assert_str_eq(detail(&event, "word"), "a \"b\"\n\xef\xbf\xbd");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(creating_and_removing_are_events)
{
	struct ct_event_reader reader;
	struct world autoworld w;

	world_open(&w);
	container_create("c1", w.id);
	container_find(&w.store, &w.arena, "c1", &w.c);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), 0);
	/* Gone already: nobody's doing. */
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), 0);
	open_reader(&w, false, &reader);
	assert_next(&w, &reader, "create");
	assert_next(&w, &reader, "remove");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(files_are_private_whatever_the_umask)
{
	struct world autoworld w;
	struct stat st;
	mode_t saved;

	open_with_container(&w);
	saved = umask(0777);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	umask(saved);
	ck_assert_int_eq(fstatat(fixture_dir(), LOG, &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
	ck_assert_int_eq(fstatat(fixture_dir(), "cattach/events", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0700);
}
END_TEST

START_TEST(labels_are_left_out_of_a_line_that_is_too_long_with_them)
{
	static char value[CT_EVENT_MAX];
	struct ct_spec_pair label = { .key = "k", .value = value };
	struct ct_event_reader reader;
	struct world autoworld w;
	struct ct_event event;

	open_with_container(&w);
	memset(value, 'x', sizeof(value) - 1);
	w.c.meta.labels = (struct ct_spec_pairs){ .items = &label, .count = 1 };
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	label.value = "short";
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	open_reader(&w, false, &reader);
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_uint_eq(event.labels->count, 0);
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_str_eq(ct_json_get(event.labels, "k")->text, "short");
	ct_event_reader_close(&reader);
}
END_TEST

/* ---- damage ---- */

START_TEST(the_rest_of_a_line_on_a_full_disk_spoils_no_other)
{
	static const char torn[] = "{\"time\":1,\"action\":\"st";
	struct ct_event_reader reader;
	struct world autoworld w;

	open_with_container(&w);
	ct_event_record(&w.c, "start", CT_EVENT_END);
	append(LOG, torn, sizeof(torn) - 1);
	open_reader(&w, false, &reader);
	assert_next(&w, &reader, "start");
	assert_no_more(&w, &reader);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	assert_next(&w, &reader, "stop");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(lines_that_are_no_events_are_passed_over)
{
	static const char *const lines[] = {
		"\n", "x\n", "[]\n", "{}\n", "{\"time\":\"1\"}\n", "\x80\n",
		"{\"time\":1,\"action\":1,\"id\":\"\",\"name\":\"\",\"image\":\"\",\"details\":{},\"labels\":{}}\n",
		"{\"time\":1,\"action\":\"x\",\"id\":\"\",\"name\":\"\",\"image\":\"\",\"details\":[],\"labels\":{}}\n",
	};
	struct ct_event_reader reader;
	struct world autoworld w;
	char line[5 * CT_EVENT_MAX];

	open_with_container(&w);
	append(LOG, lines[_i], strlen(lines[_i]));
	memset(line, 'x', sizeof(line));
	append(LOG, line, sizeof(line));
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	open_reader(&w, false, &reader);
	assert_next(&w, &reader, "stop");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(what_cannot_be_recorded_is_lost_and_nothing_else)
{
	struct ct_event_reader reader;
	struct world autoworld w;

	open_with_container(&w);
	unlinkat(fixture_dir(), "cattach/events", AT_REMOVEDIR);
	ck_assert_int_eq(symlinkat("/", fixture_dir(), "cattach/events"), 0);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	ck_assert_int_lt(ct_event_reader_open(&w.store, false, false, &reader, &w.err), 0);
	ck_assert_ptr_nonnull(strstr(w.err.what, "cattach/events"));
}
END_TEST

/* ---- full files ---- */

START_TEST(a_full_file_is_set_aside_and_both_are_read)
{
	struct ct_event_reader reader;
	struct world autoworld w;

	open_with_container(&w);
	ct_event_record(&w.c, "start", CT_EVENT_END);
	fill(LOG, CT_EVENT_LOG_MAX);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	ck_assert_int_gt(size_of(LOG_1), CT_EVENT_LOG_MAX);
	ck_assert_int_lt(size_of(LOG), CT_EVENT_MAX);
	open_reader(&w, false, &reader);
	assert_next(&w, &reader, "start");
	assert_next(&w, &reader, "stop");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(who_follows_misses_nothing_when_files_are_set_aside)
{
	struct ct_event_reader reader;
	struct world autoworld w;

	open_with_container(&w);
	ct_event_record(&w.c, "create", CT_EVENT_END);
	open_reader(&w, true, &reader);
	assert_no_more(&w, &reader);
	for (int i = 0; i < 3; i++) {
		ct_event_record(&w.c, "start", CT_EVENT_END);
		fill(LOG, CT_EVENT_LOG_MAX);
		ct_event_record(&w.c, "stop", CT_EVENT_END);
		/* By somebody who had opened it before it was set aside. */
		append(LOG_1, "\n", 1);
		assert_next(&w, &reader, "start");
		assert_next(&w, &reader, "stop");
		assert_no_more(&w, &reader);
	}
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(what_comes_late_to_a_file_that_was_set_aside_is_read)
{
	struct ct_event_reader reader;
	struct world autoworld w;
	char line[2048];
	ssize_t n;
	int fd;

	open_with_container(&w);
	ct_event_record(&w.c, "pause", CT_EVENT_END);
	fd = openat(fixture_dir(), LOG, O_RDWR | O_APPEND);
	n = pread(fd, line, sizeof(line), 0);
	open_reader(&w, true, &reader);
	fill(LOG, CT_EVENT_LOG_MAX);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	assert_next(&w, &reader, "stop");
	ck_assert_int_eq(write(fd, line, (size_t)n), n);
	assert_next(&w, &reader, "pause");
	assert_no_more(&w, &reader);
	ct_fd_close(fd);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(two_files_that_are_filled_between_two_looks_are_both_read)
{
	struct ct_event_reader reader;
	struct world autoworld w;

	open_with_container(&w);
	ct_event_record(&w.c, "create", CT_EVENT_END);
	open_reader(&w, true, &reader);
	assert_no_more(&w, &reader);
	fill(LOG, CT_EVENT_LOG_MAX);
	ct_event_record(&w.c, "start", CT_EVENT_END);
	fill(LOG, CT_EVENT_LOG_MAX);
	ct_event_record(&w.c, "stop", CT_EVENT_END);
	assert_next(&w, &reader, "start");
	assert_next(&w, &reader, "stop");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

#define WRITERS	6
#define EVENTS	300

static void write_many(const struct world *w, int writer)
{
	for (int i = 0; i < EVENTS; i++) {
		char number[16];

		snprintf(number, sizeof(number), "%d", writer * EVENTS + i);
		ct_event_record(&w->c, "kill", "number", number, CT_EVENT_END);
	}
	_exit(0);
}

/* A file is set aside amid them: its 1 MiB is nearly full when they begin. */
START_TEST(many_writers_lose_nothing_and_mix_nothing)
{
	struct ct_event_reader reader;
	struct world autoworld w;
	bool seen[WRITERS * EVENTS] = { false };
	pid_t writers[WRITERS];
	struct ct_event event;

	open_with_container(&w);
	fill(LOG, CT_EVENT_LOG_MAX - 100000);
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = fork();
		if (writers[i] == 0)
			write_many(&w, i);
	}
	for (int i = 0; i < WRITERS; i++)
		ck_assert_int_eq(waitpid(writers[i], NULL, 0), writers[i]);
	ck_assert_int_ge(size_of(LOG_1), CT_EVENT_LOG_MAX);
	open_reader(&w, false, &reader);
	for (int i = 0; i < WRITERS * EVENTS; i++) {
		unsigned number;

		ck_assert_int_eq(next(&w, &reader, &event), 1);
		ck_assert_int_eq(sscanf(detail(&event, "number"), "%u", &number), 1);
		ck_assert_uint_lt(number, WRITERS * EVENTS);
		ck_assert(!seen[number]);
		seen[number] = true;
	}
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

/* ---- monitors ---- */

START_TEST(a_monitor_tells_how_it_ended)
{
	struct ct_status status = container_exited(7);
	struct ct_event_reader reader;
	struct event_teller teller;
	struct world autoworld w;
	struct ct_event event;

	open_with_container(&w);
	status.oom_killed = true;
	ct_event_teller_open(&teller, &w.store, &w.c, _i ? "5e55" : NULL);
	ct_event_tell_start(&teller);
	ct_event_tell_end(&teller, &status);
	ct_event_teller_close(&teller);
	open_reader(&w, false, &reader);
	assert_next(&w, &reader, _i ? "exec_start" : "start");
	if (!_i)
		assert_next(&w, &reader, "oom");
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_str_eq(event.action, _i ? "exec_died" : "died");
	ck_assert_str_eq(event.id, w.id);
	ck_assert_str_eq(event.name, "c1");
	ck_assert_str_eq(detail(&event, "exitCode"), "7");
	ck_assert_str_eq(detail(&event, "oomKilled"), "true");
	ck_assert_str_eq(detail(&event, "execID"), _i ? "5e55" : "");
	assert_no_more(&w, &reader);
	ct_event_reader_close(&reader);
}
END_TEST

START_TEST(a_monitor_tells_of_a_container_by_the_name_that_it_has_now)
{
	struct ct_status status = container_exited(0);
	struct ct_event_reader reader;
	struct event_teller teller;
	struct world autoworld w;
	struct ct_event event;

	open_with_container(&w);
	ct_event_teller_open(&teller, &w.store, &w.c, NULL);
	ck_assert_int_eq(ct_name_claim(&w.store, "c2", w.id), 0);
	ck_assert_int_eq(ct_name_release(&w.store, "c1", w.id), 0);
	ct_event_tell_end(&teller, &status);
	/* When its names are gone it has the one that was looked up before. */
	ct_event_teller_look(&teller);
	ck_assert_int_eq(ct_name_release(&w.store, "c2", w.id), 0);
	ct_event_tell_removal(&teller);
	ct_event_teller_close(&teller);
	open_reader(&w, false, &reader);
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_str_eq(event.name, "c2");
	ck_assert_int_eq(next(&w, &reader, &event), 1);
	ck_assert_str_eq(event.action, "remove");
	ck_assert_str_eq(event.name, "c2");
	ct_event_reader_close(&reader);
}
END_TEST

Suite *suite_events(void);
Suite *suite_events(void)
{
	Suite *s = suite_create("events");
	TCase *tc = tcase_create("core");

	tcase_set_timeout(tc, 60);
	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_is_recorded_is_read);
	tcase_add_test(tc, creating_and_removing_are_events);
	tcase_add_test(tc, files_are_private_whatever_the_umask);
	tcase_add_test(tc, labels_are_left_out_of_a_line_that_is_too_long_with_them);
	tcase_add_test(tc, the_rest_of_a_line_on_a_full_disk_spoils_no_other);
	tcase_add_loop_test(tc, lines_that_are_no_events_are_passed_over, 0, 8);
	tcase_add_test(tc, what_cannot_be_recorded_is_lost_and_nothing_else);
	tcase_add_test(tc, a_full_file_is_set_aside_and_both_are_read);
	tcase_add_test(tc, who_follows_misses_nothing_when_files_are_set_aside);
	tcase_add_test(tc, what_comes_late_to_a_file_that_was_set_aside_is_read);
	tcase_add_test(tc, two_files_that_are_filled_between_two_looks_are_both_read);
	tcase_add_test(tc, many_writers_lose_nothing_and_mix_nothing);
	tcase_add_loop_test(tc, a_monitor_tells_how_it_ended, 0, 2);
	tcase_add_test(tc, a_monitor_tells_of_a_container_by_the_name_that_it_has_now);
	suite_add_tcase(s, tc);
	return s;
}
