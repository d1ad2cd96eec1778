/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's job of checking health: when it is there, and when it is due. What its children do is
 * tested through commands (tests/cli/health.bats). Any user.
 */
#include <signal.h>
#include <unistd.h>

#include <check.h>

#include <cattach/keeper.h>
#include <cattach/proc.h>

#include "container/keeper.h"
#include "container/record.h"

static const char *words[] = { "CMD", "true" };

static struct ct_meta checked_meta(void)
{
	return (struct ct_meta){
		.health = {
			.test = { .items = words, .count = 2 }, .interval = 60 * CT_SECOND,
			.timeout = CT_SECOND, .start_interval = CT_SECOND, .retries = 1,
			.on_failure = "stop",
		},
	};
}

/* One whose container does not run yet; a run would begin now. */
static struct ct_keeper new_keeper(void)
{
	return (struct ct_keeper){
		.dir = -1, .record_fd = -1, .lock = -1, .signals = -1, .monitor = -1, .control = -1,
		.begun = ct_now_monotonic(),
	};
}

static struct ct_keeper_job *only_job(struct ct_keeper *k, const struct ct_meta *meta)
{
	ct_health_plan_job(k, meta);
	ck_assert_ptr_nonnull(k->jobs[0]);
	ck_assert_ptr_null(k->jobs[1]);
	return k->jobs[0];
}

START_TEST(a_keeper_is_wanted_for_a_check_alone)
{
	struct ct_meta meta = checked_meta();
	const char *none[] = { "NONE" };

	ck_assert(ct_keeper_is_wanted(&meta));
	meta.health.test = (struct ct_strings){ .items = none, .count = 1 };
	ck_assert(!ct_keeper_is_wanted(&meta));
	meta.health.test.count = 0;
	ck_assert(!ct_keeper_is_wanted(&meta));
}
END_TEST

START_TEST(without_a_check_there_is_no_job)
{
	struct ct_keeper k = new_keeper();
	struct ct_meta meta = { 0 };

	ct_health_plan_job(&k, &meta);
	ck_assert_ptr_null(k.jobs[0]);
}
END_TEST

START_TEST(there_is_one_job_however_often_the_record_is_read)
{
	struct ct_keeper k = new_keeper();
	struct ct_meta meta = checked_meta();
	struct ct_keeper_job *job = only_job(&k, &meta);

	job->act(&k, job, CT_KEEPER_BEGUN);
	ck_assert_ptr_eq(only_job(&k, &meta), job);
	ck_assert_uint_ne(job->next, CT_NEVER);
	ck_assert_int_eq(k.health.action, CT_HEALTH_STOP);
	/* Nothing of it is in the memory of what was parsed. */
	ck_assert_ptr_null(k.health.config.test.items);
	ck_assert_ptr_null(k.health.config.on_failure);
}
END_TEST

/* Is it due so long after a time between the two? */
static void assert_due(const struct ct_keeper_job *job, uint64_t delay, uint64_t from, uint64_t to)
{
	ck_assert_uint_ge(job->next, from + delay);
	ck_assert_uint_le(job->next, to + delay);
}

START_TEST(a_check_is_due_an_interval_after_the_run_has_begun_and_never_when_it_is_over)
{
	struct ct_keeper k = new_keeper();
	struct ct_meta meta = checked_meta();
	struct ct_keeper_job *job = only_job(&k, &meta);
	uint64_t before = ct_now_monotonic();

	ck_assert_uint_eq(job->next, CT_NEVER);
	ck_assert_int_eq(job->fd, -1);
	job->act(&k, job, CT_KEEPER_BEGUN);
	assert_due(job, 60 * CT_SECOND, before, ct_now_monotonic());
	job->act(&k, job, CT_KEEPER_OVER);
	ck_assert_uint_eq(job->next, CT_NEVER);
}
END_TEST

START_TEST(in_the_start_period_it_is_due_after_the_start_interval)
{
	struct ct_keeper k = new_keeper();
	struct ct_meta meta = checked_meta();
	uint64_t before = ct_now_monotonic();
	struct ct_keeper_job *job;

	meta.health.start_period = 3600 * CT_SECOND;
	job = only_job(&k, &meta);
	job->act(&k, job, CT_KEEPER_BEGUN);
	assert_due(job, CT_SECOND, before, ct_now_monotonic());
}
END_TEST

/* The keeper hears of the end of a child that was about an action, or about a check. */
static void end_child(struct ct_keeper *k, struct ct_keeper_job *job, bool acting, int code)
{
	pid_t pid = ct_clone(0, -1, SIGCHLD, &job->fd);

	if (pid == 0)
		_exit(code);
	ck_assert_int_gt(pid, 0);
	k->health.acting = acting;
	job->act(k, job, CT_KEEPER_READY);
	ck_assert_int_eq(job->fd, -1);
}

START_TEST(a_restart_that_came_to_nothing_is_not_made_up_for_at_the_next_end)
{
	struct ct_keeper k = new_keeper();
	struct ct_meta meta = checked_meta();
	struct ct_keeper_job *job = only_job(&k, &meta);

	job->act(&k, job, CT_KEEPER_BEGUN);
	ct_keeper_restart(&k, true);
	end_child(&k, job, true, 0);
	ck_assert(k.again);
	/* A check that says nothing, while the run is still to end, is no failure of what was done. */
	end_child(&k, job, false, CT_HEALTH_NONE);
	ck_assert(k.again);
	end_child(&k, job, true, 1);
	ck_assert(!k.again);
	ck_assert_uint_ne(job->next, CT_NEVER);
}
END_TEST

Suite *suite_health_keeper(void);
Suite *suite_health_keeper(void)
{
	Suite *s = suite_create("health_keeper");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, a_keeper_is_wanted_for_a_check_alone);
	tcase_add_test(tc, without_a_check_there_is_no_job);
	tcase_add_test(tc, there_is_one_job_however_often_the_record_is_read);
	tcase_add_test(tc, a_check_is_due_an_interval_after_the_run_has_begun_and_never_when_it_is_over);
	tcase_add_test(tc, in_the_start_period_it_is_due_after_the_start_interval);
	tcase_add_test(tc, a_restart_that_came_to_nothing_is_not_made_up_for_at_the_next_end);
	suite_add_tcase(s, tc);
	return s;
}
