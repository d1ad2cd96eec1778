/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process of a keeper, step by step in this one: what it forks, and when it leaves. Any user.
 */
#include "container/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container_fixture.h"

START_TEST(a_child_that_could_not_be_waited_for_is_not_made)
{
	struct ct_keeper k = { .lock = -1, .signals = -1 };
	struct rlimit before, none;
	int pidfd = -1;
	pid_t pid;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = before.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	pid = ct_keeper_fork(&k, &pidfd);
	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	ck_assert_int_eq(pid, -EMFILE);
	ck_assert_int_eq(waitpid(-1, NULL, 0), -1);
	ck_assert_int_eq(errno, ECHILD);
}
END_TEST

/* A container that runs, with this policy on record, and its keeper, which knows of none. */
static void make_keeper(struct world *w, struct ct_keeper *ret_keeper, const char *policy)
{
	world_open(w);
	container_create("web", w->id);
	w->monitor = fake_monitor_start(w->id, FAKE_ENDS_ON_TERM);
	container_find(&w->store, &w->arena, "web", &w->c);
	w->c.meta.restart = policy;
	ck_assert_msg(ct_meta_save(w->c.dir, &w->c.meta, &w->err) == 0, "%s", w->err.what);
	*ret_keeper = (struct ct_keeper){
		.dir = w->c.dir, .lock = -1, .control = -1, .signals = -1, .monitor = -1, .child = -1,
		.report = -1, .next = CT_NEVER, .record = { .generation = 1 },
		.record_fd = openat(w->c.dir, CT_KEEPER_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0600),
	};
	ck_assert_int_ge(ret_keeper->record_fd, 0);
}

static void close_keeper(struct ct_keeper *k)
{
	ct_drop_fd(&k->monitor);
	ct_drop_fd(&k->record_fd);
}

START_TEST(a_policy_that_comes_while_it_goes_keeps_it)
{
	struct world autoworld w;
	struct ct_keeper k;

	make_keeper(&w, &k, "always");
	ct_keeper_begin(&k);
	ck_assert(!k.leaving);
	ck_assert_int_eq(k.policy.kind, CT_RESTART_ALWAYS);
	ck_assert(!ct_keeper_is_leaving(w.c.dir));
	/* It has said that it goes, and then that it does not. */
	ck_assert_uint_eq(k.record.generation, 3);
	close_keeper(&k);
}
END_TEST

START_TEST(without_a_policy_it_goes_and_says_so)
{
	struct world autoworld w;
	struct ct_keeper k;

	make_keeper(&w, &k, "no");
	ct_keeper_begin(&k);
	ck_assert(k.leaving);
	ck_assert(ct_keeper_is_leaving(w.c.dir));
	close_keeper(&k);
}
END_TEST

/* A look, while it waits until it starts the container again. */
static void look_between(struct ct_keeper *k, bool again)
{
	*k = (struct ct_keeper){ .dir = k->dir, .record_fd = k->record_fd, .lock = -1, .control = -1,
				 .signals = -1, .monitor = -1, .child = -1, .report = -1,
				 .next = CT_NEVER, .again = again, .policy.kind = CT_RESTART_ALWAYS };
	ct_keeper_run_ended(k);
	ck_assert_int_eq(k->record.phase, CT_KEEPER_WAITING);
	ct_keeper_look(k);
}

START_TEST(a_start_that_no_policy_wants_is_not_given_up_for_none)
{
	struct world autoworld w;
	struct ct_keeper k;

	make_keeper(&w, &k, "no");
	look_between(&k, true);
	ck_assert(!k.leaving);
	close_keeper(&k);
}
END_TEST

START_TEST(a_start_that_its_policy_wanted_goes_with_it)
{
	struct world autoworld w;
	struct ct_keeper k;

	make_keeper(&w, &k, "always");
	look_between(&k, false);
	ck_assert(!k.leaving);
	w.c.meta.restart = NULL;
	ck_assert_int_eq(ct_meta_save(w.c.dir, &w.c.meta, &w.err), 0);
	ct_keeper_look(&k);
	ck_assert(k.leaving);
	close_keeper(&k);
}
END_TEST

Suite *suite_keeper_process(void);

Suite *suite_keeper_process(void)
{
	Suite *s = suite_create("keeper_process");
	TCase *tc = tcase_create("core");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_child_that_could_not_be_waited_for_is_not_made);
	tcase_add_test(tc, a_policy_that_comes_while_it_goes_keeps_it);
	tcase_add_test(tc, without_a_policy_it_goes_and_says_so);
	tcase_add_test(tc, a_start_that_no_policy_wants_is_not_given_up_for_none);
	tcase_add_test(tc, a_start_that_its_policy_wanted_goes_with_it);
	suite_add_tcase(s, tc);
	return s;
}
