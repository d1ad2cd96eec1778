/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of a container's health: what is recorded is read, for the run that it is about and for
 * no other, and a damaged record is none. Any user.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/event.h>
#include <cattach/health.h>
#include <cattach/proc.h>

#include "container/record.h"
#include "container_fixture.h"

#define CHECKS	10	/* by each of two processes */

/* ---- tools ---- */

static const char *const words[] = { "CMD", "true" };

/* A container that "runs" and is checked. */
static void open_running(struct world *w)
{
	world_open(w);
	container_create("c1", w->id);
	w->monitor = fake_monitor_start(w->id, FAKE_ENDS_ON_TERM);
	container_find(&w->store, &w->arena, "c1", &w->c);
	ck_assert_int_eq(w->c.state, CT_STATE_RUNNING);
	ck_assert_int_eq(w->c.health, CT_HEALTH_NONE);
	w->c.meta.health = (struct ct_health_config){
		.test = { .items = (const char **)words, .count = 2 },
		.interval = CT_SECOND, .timeout = CT_SECOND, .start_interval = CT_SECOND, .retries = 2,
	};
	ck_assert_msg(ct_meta_save(w->c.dir, &w->c.meta, &w->err) == 0, "%s", w->err.what);
}

static struct ct_health update(struct world *w, int code, const char *output)
{
	struct ct_health_check check = { .start = ct_now_real(), .end = ct_now_real(), .code = code };
	struct ct_health health;

	ct_health_output(&check, output, strlen(output));
	ck_assert_msg(ct_health_update(&w->c, &check, &health, &w->err) == 0, "%s", w->err.what);
	return health;
}

static struct ct_health look(const struct world *w)
{
	struct ct_health health;

	ct_health_read(&w->c, &health);
	return health;
}

static void end_payload(struct world *w)
{
	ck_assert_int_eq(ct_container_stop(&w->c, 0, 10, &w->err), 0);
	fake_monitor_done(&w->monitor);
	w->monitor.pid = 0;
}

static unsigned events(struct world *w, const char *action)
{
	struct ct_event_reader reader;
	struct ct_event event;
	unsigned count = 0;

	ck_assert_int_eq(ct_event_reader_open(&w->store, false, false, &reader, &w->err), 0);
	while (ct_event_next(&reader, &w->arena, &event, &w->err) > 0)
		count += !strcmp(event.action, action);
	ct_event_reader_close(&reader);
	return count;
}

/* ---- tests ---- */

START_TEST(what_is_recorded_is_read)
{
	struct world autoworld w;
	struct ct_health health;

	open_running(&w);
	ck_assert_int_eq(ct_health_of(&w.c), CT_HEALTH_STARTING);
	ck_assert_uint_eq(look(&w).count, 0);
	update(&w, 0, "a \"b\"\\\n\x1b[31m\xc3\xa9");
	update(&w, CT_HEALTH_TIMED_OUT, "");
	health = look(&w);
	ck_assert_int_eq(health.status, CT_HEALTH_HEALTHY);
	ck_assert_int_eq(ct_health_of(&w.c), CT_HEALTH_HEALTHY);
	ck_assert_uint_eq(health.streak, 1);
	ck_assert_uint_eq(health.run, w.c.status.started);
	ck_assert_uint_eq(health.count, 2);
	ck_assert_str_eq(health.log[0].output, "a \"b\"\\\n\x1b[31m\xc3\xa9");
	ck_assert_int_eq(health.log[0].code, 0);
	ck_assert_int_eq(health.log[1].code, CT_HEALTH_TIMED_OUT);
	ck_assert_uint_ge(health.log[1].start, health.log[0].end);
}
END_TEST

START_TEST(only_changes_are_events)
{
	struct world autoworld w;

	open_running(&w);
	for (int i = 0; i < 3; i++)
		update(&w, 0, "");
	for (int i = 0; i < 3; i++)
		update(&w, 1, "");
	ck_assert_uint_eq(events(&w, "health_status: healthy"), 1);
	ck_assert_uint_eq(events(&w, "health_status: unhealthy"), 1);
	ck_assert_uint_eq(look(&w).streak, 3);
}
END_TEST

START_TEST(the_longest_output_of_five_checks_is_read_again)
{
	char longest[CT_HEALTH_OUTPUT_MAX + 1];
	struct world autoworld w;

	open_running(&w);
	memset(longest, 1, sizeof(longest));
	longest[CT_HEALTH_OUTPUT_MAX] = '\0';
	for (int i = 0; i < 6; i++)
		update(&w, 0, longest);
	ck_assert_uint_eq(look(&w).count, CT_HEALTH_LOG_MAX);
	ck_assert_str_eq(look(&w).log[4].output, longest);
}
END_TEST

START_TEST(the_record_is_private_whatever_the_umask)
{
	struct world autoworld w;
	struct stat st;
	mode_t saved;

	open_running(&w);
	saved = umask(0);
	update(&w, 0, "");
	umask(saved);
	ck_assert_int_eq(fstatat(w.c.dir, "health", &st, 0), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0600);
}
END_TEST

START_TEST(an_end_makes_it_starting_again_and_leaves_the_checks_to_be_read)
{
	struct world autoworld w;
	struct ct_health_check check = { 0 };
	struct ct_health health;

	open_running(&w);
	update(&w, 0, "was well");
	end_payload(&w);
	ck_assert_int_eq(ct_health_update(&w.c, &check, &health, &w.err), -ESRCH);
	ck_assert_str_eq(w.err.what, "container c1 has just ended");
	w.c.state = CT_STATE_STOPPED;
	health = look(&w);
	ck_assert_int_eq(health.status, CT_HEALTH_STARTING);
	ck_assert_uint_eq(health.count, 1);
	ck_assert_str_eq(health.log[0].output, "was well");
}
END_TEST

START_TEST(the_next_run_begins_anew)
{
	struct world autoworld w;
	struct ct_health health;

	open_running(&w);
	update(&w, 0, "");
	w.c.status.started++;
	health = look(&w);
	ck_assert_int_eq(health.status, CT_HEALTH_STARTING);
	ck_assert_uint_eq(health.count, 0);
	ck_assert_int_eq(ct_health_of(&w.c), CT_HEALTH_STARTING);
}
END_TEST

START_TEST(a_check_of_an_earlier_run_is_not_recorded)
{
	struct ct_health_check check = { 0 };
	struct world autoworld w;
	struct ct_health health;

	open_running(&w);
	w.c.status.started--;
	ck_assert_int_eq(ct_health_update(&w.c, &check, &health, &w.err), -ESRCH);
	ck_assert_int_eq(faccessat(w.c.dir, "health", F_OK, 0), -1);
}
END_TEST

#define HEAD "{\"version\":1,\"run\":%llu,"

static const char *const damages[] = {
	"",
	"[]",
	"{}",
	HEAD,
	HEAD "\"status\":\"healthy\",\"streak\":0}",
	HEAD "\"status\":\"none\",\"streak\":0,\"log\":[]}",
	HEAD "\"status\":\"well\",\"streak\":0,\"log\":[]}",
	HEAD "\"status\":\"healthy\",\"streak\":-1,\"log\":[]}",
	HEAD "\"status\":\"healthy\",\"streak\":0,\"log\":[{}]}",
	HEAD "\"status\":\"healthy\",\"streak\":0,\"log\":[1,2,3,4,5,6]}",
	HEAD "\"status\":\"healthy\",\"streak\":0,\"log\":[{\"start\":1,\"end\":1,\"code\":256,"
	     "\"output\":\"\"}]}",
	HEAD "\"status\":\"healthy\",\"streak\":0,\"log\":[{\"start\":1,\"end\":1,\"code\":0,"
	     "\"output\":1}]}",
};

START_TEST(a_damaged_record_is_none_and_the_next_check_writes_a_new_one)
{
	struct world autoworld w;
	char text[512];

	open_running(&w);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(text, sizeof(text), damages[_i], (unsigned long long)w.c.status.started);
#pragma GCC diagnostic pop
	fixture_file(container_file(w.id, "health"), text);
	ck_assert_int_eq(look(&w).status, CT_HEALTH_STARTING);
	ck_assert_uint_eq(look(&w).count, 0);
	ck_assert_int_eq(update(&w, 0, "").status, CT_HEALTH_HEALTHY);
	ck_assert_int_eq(look(&w).status, CT_HEALTH_HEALTHY);
}
END_TEST

START_TEST(two_who_record_at_the_same_time_lose_no_check)
{
	struct world autoworld w;
	int status;
	pid_t pid;

	open_running(&w);
	w.c.meta.health.retries = 1000;
	pid = fork();
	ck_assert_int_ge(pid, 0);
	for (int i = 0; i < CHECKS; i++)
		update(&w, 1, "");
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(look(&w).streak, 2 * CHECKS);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_health_record(void);
Suite *suite_health_record(void)
{
	Suite *s = suite_create("health_record");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, what_is_recorded_is_read);
	tcase_add_test(tc, only_changes_are_events);
	tcase_add_test(tc, the_longest_output_of_five_checks_is_read_again);
	tcase_add_test(tc, the_record_is_private_whatever_the_umask);
	tcase_add_test(tc, an_end_makes_it_starting_again_and_leaves_the_checks_to_be_read);
	tcase_add_test(tc, the_next_run_begins_anew);
	tcase_add_test(tc, a_check_of_an_earlier_run_is_not_recorded);
	tcase_add_loop_test(tc, a_damaged_record_is_none_and_the_next_check_writes_a_new_one, 0,
			    COUNT(damages));
	tcase_add_test(tc, two_who_record_at_the_same_time_lose_no_check);
	suite_add_tcase(s, tc);
	return s;
}
