/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals, stop, wait and remove, against processes that play monitor and payload; and that nobody
 * else is ever signalled, whatever a record says. Any user.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container/keeper.h"
#include "container/store.h"
#include "container_fixture.h"

#define GONE(id) (faccessat(fixture_dir(), container_file((id), ""), F_OK, 0) < 0)

/* All tests are about the container "web". */
static void find_web(struct world *w)
{
	ct_container_close(&w->c);
	container_find(&w->store, &w->arena, "web", &w->c);
}

static void make_stopped(struct world *w, const struct ct_status *status)
{
	world_open(w);
	container_create("web", w->id);
	container_set_status(w->id, status);
	find_web(w);
}

static void make_running(struct world *w, enum fake_payload kind)
{
	struct ct_status none = { .state = CT_STATUS_NONE };

	make_stopped(w, &none);
	w->monitor = fake_monitor_start(w->id, kind);
	find_web(w);
	ck_assert_int_eq(w->c.state, CT_STATE_RUNNING);
}

static void assert_exit(struct world *w, int code)
{
	find_web(w);
	ck_assert_int_eq(w->c.state, CT_STATE_STOPPED);
	ck_assert_int_eq(w->c.status.state, CT_STATUS_EXITED);
	ck_assert_int_eq(ct_exit_code(&w->c.status.exit), code);
}

static double seconds_since(uint64_t start)
{
	return (double)(ct_now_monotonic() - start) / 1e9;
}

/* ---- signals ---- */

START_TEST(a_signal_reaches_the_payload)
{
	struct world autoworld w;
	int code;

	make_running(&w, FAKE_ENDS_ON_TERM);
	ck_assert_msg(ct_container_signal(&w.c, SIGTERM, &w.err) == 0, "%s", w.err.what);
	ck_assert_int_eq(ct_container_wait(&w.c, &code, &w.err), 0);
	ck_assert_int_eq(code, 128 + SIGTERM);
}
END_TEST

START_TEST(a_container_that_is_not_running_is_not_signalled)
{
	struct ct_status exited = container_exited(5), none = { .state = CT_STATUS_NONE };
	struct world autoworld w;

	make_stopped(&w, &exited);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_err(&w.err, ESRCH, "container web is not running (exited (5) 3 seconds ago) (cattach start web)");
	container_set_status(w.id, &none);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_err(&w.err, ESRCH, "container web is not running (damaged: its start was interrupted) (cattach rm -f web)");
}
END_TEST

START_TEST(what_was_found_earlier_is_looked_at_again)
{
	struct world autoworld w;

	make_running(&w, FAKE_ENDS_ON_TERM);
	fake_monitor_done(&w.monitor);
	w.monitor.pid = 0;
	/* w.c still says RUNNING with the payload's pid. */
	ck_assert_int_eq(w.c.state, CT_STATE_RUNNING);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_err(&w.err, ESRCH,
	       "container web is not running (exited (137) Less than a second ago) (cattach start web)");
}
END_TEST

/* ---- one run ---- */

/* The run before the one that is there: its first process has been another. */
static struct ct_run_id run_before(const struct world *w)
{
	return (struct ct_run_id){ w->c.status.pid, w->c.status.starttime - 1 };
}

START_TEST(what_is_meant_for_one_run_is_done_to_no_other)
{
	struct world autoworld w;
	struct ct_run_id other;

	make_running(&w, FAKE_ENDS_ON_TERM);
	fixture_file(container_file(w.id, "keeper.lock"), "");
	other = run_before(&w);
	ck_assert_int_eq(ct_container_signal_run(&w.c, &other, SIGKILL, &w.err), -ESTALE);
	ck_err(&w.err, ESTALE, "container web has been started again meanwhile");
	ck_assert_int_eq(ct_container_end_run(&w.c, &other, 0, -2, &w.err), -ESTALE);
	ck_assert_int_eq(ct_container_stop_run(&w.c, &other, 0, -2, &w.err), -ESTALE);
	ck_assert(!ct_keeper_is_stop_asked(w.c.dir));
	/* Nor to whichever is there when nobody knows for which it is meant. */
	other = (struct ct_run_id){ 0 };
	ck_assert_int_eq(ct_container_end_run(&w.c, &other, 0, -2, &w.err), -ESTALE);
	find_web(&w);
	ck_assert_int_eq(w.c.state, CT_STATE_RUNNING);
}
END_TEST

START_TEST(a_run_that_is_named_ends_and_stays_stopped)
{
	struct world autoworld w;
	struct ct_run_id run;

	make_running(&w, FAKE_ENDS_ON_TERM);
	fixture_file(container_file(w.id, "keeper.lock"), "");
	run = (struct ct_run_id){ w.c.status.pid, w.c.status.starttime };
	ck_assert_msg(ct_container_stop_run(&w.c, &run, 0, -2, &w.err) == 0, "%s", w.err.what);
	ck_assert(ct_keeper_is_stop_asked(w.c.dir));
	assert_exit(&w, 128 + SIGTERM);
	ck_assert_int_eq(ct_container_stop_run(&w.c, &run, 0, -2, &w.err), -ESRCH);
	ck_assert_int_eq(ct_container_end_run(&w.c, &run, 0, -2, &w.err), 0);
}
END_TEST

/* ---- reused pids ---- */

static pid_t start_innocent(void)
{
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	for (;;)
		pause();
}

static void end_innocent(pid_t pid)
{
	ck_assert(process_lives(pid));
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

/* The record of a container whose payload's and monitor's pids an innocent process has now. */
static struct ct_status stale_record(pid_t innocent)
{
	struct ct_status s = { .state = CT_STATUS_RUNNING, .pid = innocent, .monitor_pid = innocent };
	uint64_t ticks;

	ck_assert_int_eq(ct_proc_starttime(innocent, &ticks), 0);
	s.starttime = s.monitor_starttime = ticks - 1;
	ck_assert_int_eq(ct_boot_id(s.boot_id), 0);
	return s;
}

START_TEST(a_process_that_got_the_pid_of_a_payload_is_never_signalled)
{
	pid_t innocent = start_innocent();
	struct ct_status s = stale_record(innocent);
	struct world autoworld w;
	int code;

	make_stopped(&w, &s);
	ck_assert_int_eq(w.c.state, CT_STATE_STOPPED);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_assert_ptr_nonnull(strstr(w.err.what, "container web is not running ("));
	ck_assert_int_eq(ct_container_stop(&w.c, 0, 0, &w.err), 0);
	ck_assert_int_eq(ct_container_wait(&w.c, &code, &w.err), 0);
	ck_assert_int_eq(code, 255);
	/* A caller that believes an old struct gets no further. */
	w.c.state = CT_STATE_RUNNING;
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, true, &w.err), 0);
	ck_assert(GONE(w.id));
	end_innocent(innocent);
}
END_TEST

/* The lock is held, so the container counts as running; only the payload's identity is wrong. */
START_TEST(nor_is_it_while_the_monitor_lives)
{
	pid_t innocent = start_innocent();
	struct ct_status s = stale_record(innocent);
	struct world autoworld w;

	make_running(&w, FAKE_ENDS_ON_TERM);
	s.monitor_pid = w.c.status.monitor_pid;
	s.monitor_starttime = w.c.status.monitor_starttime;
	container_set_status(w.id, &s);
	find_web(&w);
	ck_assert_int_eq(w.c.state, CT_STATE_RUNNING);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_err(&w.err, ESRCH, "container web is not running (it is just ending)");
	end_innocent(innocent);
}
END_TEST

START_TEST(nor_one_that_fits_a_record_of_another_boot)
{
	pid_t innocent = start_innocent();
	struct ct_status s = stale_record(innocent);
	struct world autoworld w;

	s.starttime++;
	s.monitor_starttime++;
	memcpy(s.boot_id, "00000000-0000-0000-0000-000000000000", sizeof(s.boot_id));
	make_stopped(&w, &s);
	ck_assert_int_eq(ct_container_signal(&w.c, SIGKILL, &w.err), -ESRCH);
	ck_err(&w.err, ESRCH,
	       "container web is not running (exited, nobody knows how: the host restarted) (cattach start web)");
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, true, &w.err), 0);
	end_innocent(innocent);
}
END_TEST

/* ---- stop ---- */

START_TEST(a_stop_sends_the_containers_signal_and_waits_for_the_record)
{
	struct world autoworld w;
	uint64_t start = ct_now_monotonic();

	make_running(&w, FAKE_ENDS_ON_TERM);
	ck_assert_msg(ct_container_stop(&w.c, 0, -2, &w.err) == 0, "%s", w.err.what);
	assert_exit(&w, 128 + SIGTERM);
	ck_assert_double_lt(seconds_since(start), 5);
	/* Again: nothing to do is no error. */
	ck_assert_int_eq(ct_container_stop(&w.c, 0, -2, &w.err), 0);
}
END_TEST

START_TEST(a_stop_ends_what_ignores_it)
{
	struct world autoworld w;
	uint64_t start;

	make_running(&w, FAKE_IGNORES_TERM);
	start = ct_now_monotonic();
	ck_assert_msg(ct_container_stop(&w.c, 0, 1, &w.err) == 0, "%s", w.err.what);
	ck_assert_double_ge(seconds_since(start), 1);
	ck_assert_double_lt(seconds_since(start), 4);
	assert_exit(&w, 128 + SIGKILL);
}
END_TEST

START_TEST(a_stop_takes_another_signal_and_no_time)
{
	struct world autoworld w;

	make_running(&w, FAKE_IGNORES_TERM);
	ck_assert_int_eq(ct_container_stop(&w.c, SIGINT, 10, &w.err), 0);
	assert_exit(&w, 128 + SIGINT);
}
END_TEST

START_TEST(a_stop_without_limit_waits)
{
	struct world autoworld w;
	uint64_t start;
	pid_t helper;

	make_running(&w, FAKE_IGNORES_TERM);
	start = ct_now_monotonic();
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		usleep(300000);
		kill(w.monitor.payload, SIGUSR1);
		_exit(0);
	}
	ck_assert_int_eq(ct_container_stop(&w.c, 0, -1, &w.err), 0);
	ck_assert_double_ge(seconds_since(start), 0.25);
	assert_exit(&w, 128 + SIGUSR1);
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
}
END_TEST

START_TEST(a_damaged_container_is_not_stopped_in_silence)
{
	struct ct_status none = { .state = CT_STATUS_NONE };
	struct world autoworld w;

	make_stopped(&w, &none);
	ck_assert_int_eq(ct_container_stop(&w.c, 0, 0, &w.err), -EIO);
	ck_err(&w.err, EIO, "container web cannot be stopped "
	       "(damaged: its start was interrupted) (cattach rm -f web)");
}
END_TEST

/* ---- wait ---- */

START_TEST(a_wait_returns_the_code_even_when_the_directory_has_gone)
{
	struct world autoworld w;
	pid_t helper;
	int code = -1;

	make_running(&w, FAKE_ENDS_ON_TERM);
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		/* What --rm does, only earlier: the monitor records in an unlinked file. */
		usleep(100000);
		ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
		usleep(100000);
		kill(w.monitor.payload, SIGUSR2);
		_exit(0);
	}
	ck_assert_msg(ct_container_wait(&w.c, &code, &w.err) == 0, "%s", w.err.what);
	ck_assert_int_eq(code, 128 + SIGUSR2);
	ck_assert(GONE(w.id));
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
}
END_TEST

START_TEST(a_wait_for_an_ended_container_returns_at_once)
{
	struct ct_status exited = container_exited(5);
	struct world autoworld w;
	int code;

	make_stopped(&w, &exited);
	ck_assert_int_eq(ct_container_wait(&w.c, &code, &w.err), 0);
	ck_assert_int_eq(code, 5);
}
END_TEST

START_TEST(a_killed_monitor_ends_a_wait_with_255)
{
	struct world autoworld w;
	pid_t helper;
	int code = -1;

	make_running(&w, FAKE_ENDS_ON_TERM);
	if (_i)
		ck_assert_int_eq(unlinkat(fixture_dir(), container_file(w.id, "lock"), 0), 0);
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		usleep(100000);
		kill(w.monitor.pid, SIGKILL);
		_exit(0);
	}
	/* The monitor stays a zombie here all the time, which must not count as life. */
	ck_assert_msg(ct_container_wait(&w.c, &code, &w.err) == 0, "%s", w.err.what);
	ck_assert_int_eq(code, 255);
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
}
END_TEST

START_TEST(a_container_that_never_started_is_not_waited_for)
{
	struct ct_status none = { .state = CT_STATUS_NONE };
	struct world autoworld w;
	int code;

	make_stopped(&w, &none);
	ck_assert_int_eq(ct_container_wait(&w.c, &code, &w.err), -EIO);
	ck_err(&w.err, EIO, "cannot wait for container web "
	       "(damaged: its start was interrupted) (cattach rm -f web)");
}
END_TEST

/* ---- remove ---- */

START_TEST(a_running_container_is_removed_only_by_force)
{
	struct world autoworld w;
	uint64_t start;

	make_running(&w, FAKE_IGNORES_TERM);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), -EBUSY);
	ck_err(&w.err, EBUSY, "container web is running; stop it first or use -f");
	ck_assert(process_lives(w.monitor.payload));
	ck_assert(!GONE(w.id));
	start = ct_now_monotonic();
	ck_assert_msg(ct_container_remove(&w.store, &w.c, true, &w.err) == 0, "%s", w.err.what);
	ck_assert_double_lt(seconds_since(start), 5);
	ck_assert(!process_lives(w.monitor.payload));
	ck_assert(!process_lives(w.monitor.pid));
	ck_assert(GONE(w.id));
	/* Once more, with what was found before: done already. */
	ck_assert_msg(ct_container_remove(&w.store, &w.c, true, &w.err) == 0, "%s", w.err.what);
}
END_TEST

START_TEST(a_monitor_that_does_not_leave_is_killed)
{
	struct world autoworld w;
	uint64_t start;

	make_running(&w, FAKE_ENDS_ON_TERM);
	kill(w.monitor.pid, SIGSTOP);
	start = ct_now_monotonic();
	ck_assert_msg(ct_container_remove_within(&w.store, &w.c, true, CT_SECOND / 2, &w.err) == 0,
		      "%s", w.err.what);
	ck_assert_double_ge(seconds_since(start), 0.5);
	ck_assert_double_lt(seconds_since(start), 5);
	ck_assert(!process_lives(w.monitor.pid));
	ck_assert(GONE(w.id));
}
END_TEST

START_TEST(a_damaged_status_does_not_hide_a_running_monitor)
{
	struct world autoworld w;

	make_running(&w, FAKE_ENDS_ON_TERM);
	ck_assert_int_eq(unlinkat(fixture_dir(), container_file(w.id, "status"), 0), 0);
	fixture_file(container_file(w.id, "status"), "");
	ck_assert_int_eq(fchmodat(fixture_dir(), container_file(w.id, "status"), 0600, 0), 0);
	find_web(&w);
	ck_assert_int_eq(w.c.state, CT_STATE_DAMAGED);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), -EBUSY);
	ck_assert_msg(ct_container_remove_within(&w.store, &w.c, true, CT_SECOND / 10, &w.err) == 0,
		      "%s", w.err.what);
	ck_assert(!process_lives(w.monitor.pid));
	ck_assert(GONE(w.id));
}
END_TEST

START_TEST(a_payload_without_its_monitor_is_ended_by_force)
{
	pid_t payload = start_innocent();
	struct ct_status s = { .state = CT_STATUS_RUNNING, .pid = payload };
	struct world autoworld w;

	ck_assert_int_eq(ct_proc_starttime(payload, &s.starttime), 0);
	ck_assert_int_eq(ct_boot_id(s.boot_id), 0);
	make_stopped(&w, &s);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), -EBUSY);
	ck_err(&w.err, EBUSY, "container web has lost its monitor, but its payload runs; "
	       "stop it first or use -f");
	ck_assert(process_lives(payload));
	ck_assert_msg(ct_container_remove(&w.store, &w.c, true, &w.err) == 0, "%s", w.err.what);
	ck_assert(!process_lives(payload));
	ck_assert(GONE(w.id));
	ck_assert_int_eq(waitpid(payload, NULL, 0), payload);
}
END_TEST

START_TEST(a_container_in_the_making_is_left_to_its_creator)
{
	struct ct_status none = { .state = CT_STATUS_NONE };
	struct world autoworld w;
	int creator;

	make_stopped(&w, &none);
	creator = openat(w.c.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_eq(ct_container_mark_creator(creator), 0);
	find_web(&w);
	ck_assert_int_eq(w.c.state, CT_STATE_CREATING);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, false, &w.err), -EBUSY);
	ck_err(&w.err, EBUSY, "container web is being created; stop it first or use -f");
	ck_assert_int_eq(ct_container_remove_within(&w.store, &w.c, true, CT_SECOND / 10, &w.err),
			 -EBUSY);
	ck_err(&w.err, EBUSY, "container web is being created by another command "
	       "(end that command, then try again)");
	close(creator);
	ck_assert_int_eq(ct_container_remove(&w.store, &w.c, true, &w.err), 0);
	ck_assert(GONE(w.id));
}
END_TEST

START_TEST(two_who_remove_by_force_both_succeed)
{
	struct world autoworld w;
	int status;
	pid_t other;

	make_running(&w, FAKE_IGNORES_TERM);
	other = fork();
	ck_assert_int_ge(other, 0);
	if (other == 0)
		_exit(-ct_container_remove(&w.store, &w.c, true, &w.err));
	ck_assert_msg(ct_container_remove(&w.store, &w.c, true, &w.err) == 0, "%s", w.err.what);
	ck_assert_int_eq(waitpid(other, &status, 0), other);
	ck_assert_int_eq(status, 0);
	ck_assert(GONE(w.id));
}
END_TEST

Suite *suite_stop(void);
Suite *suite_stop(void)
{
	Suite *s = suite_create("stop");
	TCase *tc = tcase_create("stop");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, a_signal_reaches_the_payload);
	tcase_add_test(tc, a_container_that_is_not_running_is_not_signalled);
	tcase_add_test(tc, what_was_found_earlier_is_looked_at_again);
	tcase_add_test(tc, what_is_meant_for_one_run_is_done_to_no_other);
	tcase_add_test(tc, a_run_that_is_named_ends_and_stays_stopped);
	tcase_add_test(tc, a_process_that_got_the_pid_of_a_payload_is_never_signalled);
	tcase_add_test(tc, nor_is_it_while_the_monitor_lives);
	tcase_add_test(tc, nor_one_that_fits_a_record_of_another_boot);
	tcase_add_test(tc, a_stop_sends_the_containers_signal_and_waits_for_the_record);
	tcase_add_test(tc, a_stop_ends_what_ignores_it);
	tcase_add_test(tc, a_stop_takes_another_signal_and_no_time);
	tcase_add_test(tc, a_stop_without_limit_waits);
	tcase_add_test(tc, a_damaged_container_is_not_stopped_in_silence);
	tcase_add_test(tc, a_wait_returns_the_code_even_when_the_directory_has_gone);
	tcase_add_test(tc, a_wait_for_an_ended_container_returns_at_once);
	tcase_add_loop_test(tc, a_killed_monitor_ends_a_wait_with_255, 0, 2);
	tcase_add_test(tc, a_container_that_never_started_is_not_waited_for);
	tcase_add_test(tc, a_running_container_is_removed_only_by_force);
	tcase_add_test(tc, a_monitor_that_does_not_leave_is_killed);
	tcase_add_test(tc, a_damaged_status_does_not_hide_a_running_monitor);
	tcase_add_test(tc, a_payload_without_its_monitor_is_ended_by_force);
	tcase_add_test(tc, a_container_in_the_making_is_left_to_its_creator);
	tcase_add_test(tc, two_who_remove_by_force_both_succeed);
	suite_add_tcase(s, tc);
	return s;
}
