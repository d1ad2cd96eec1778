/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What others do to a container between the moment that it is found and the moment that something is
 * done with it: whoever comes too late hears what has happened, and of no damage. Any user.
 */
#include "container/record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "container/store.h"
#include "container/waiter.h"
#include "container_fixture.h"

/* The container "web", created and found. */
static void make_web(struct world *w)
{
	setenv("XDG_RUNTIME_DIR", fixture_path(), 1);
	world_open(w);
	container_create("web", w->id);
	container_find(&w->store, &w->arena, "web", &w->c);
	ck_assert_int_eq(ct_container_complete(&w->c, &w->err), 0);
	ct_container_close(&w->c);
	container_find(&w->store, &w->arena, "web", &w->c);
	ck_assert_int_eq(w->c.state, CT_STATE_CREATED);
}

/* Somebody who removes it: holds its lock, and has taken the first files away. */
static int begin_removal(const struct world *w)
{
	int remover = openat(w->c.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(ct_container_mark_creator(remover), 0);
	ck_assert_int_eq(unlinkat(w->c.dir, "lock", 0), 0);
	return remover;
}

START_TEST(what_is_being_removed_is_not_called_damaged)
{
	struct world autoworld w;
	int ct_autofd remover = -1;
	int code;

	make_web(&w);
	remover = begin_removal(&w);
	ck_assert_int_eq(unlinkat(w.c.dir, "created", 0), 0);
	ck_assert_int_eq(ct_container_stop(&w.c, 0, 0, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "container web is being removed");
	ck_assert_int_eq(ct_container_signal(&w.c, SIGTERM, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "container web is being removed");
	ck_assert_int_eq(ct_container_wait(&w.c, &code, &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "container web is being removed");
}
END_TEST

START_TEST(who_removes_what_another_removes_is_not_told_that_it_is_being_created)
{
	struct world autoworld w;
	int ct_autofd remover = -1;

	make_web(&w);
	remover = begin_removal(&w);
	ck_assert_int_eq(ct_container_remove_within(&w.store, &w.c, false, CT_SECOND / 20, &w.err),
			 -EBUSY);
	ck_err(&w.err, EBUSY, "container web is being started or removed by another command "
	       "(end that command, then try again)");
}
END_TEST

/* By the monitor of one with --rm, which needs no lock. */
START_TEST(a_rename_comes_too_late)
{
	struct world autoworld w;

	make_web(&w);
	ck_assert_int_eq(unlinkat(w.c.dir, "meta.json", 0), 0);
	ck_assert_int_eq(ct_container_rename(&w.store, &w.arena, &w.c, "other", &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "container web has been removed meanwhile");
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	ck_assert_int_eq(ct_container_rename(&w.store, &w.arena, &w.c, "other", &w.err), -ENOENT);
	ck_err(&w.err, ENOENT, "container web has been removed meanwhile");
	ck_assert_int_lt(faccessat(w.store.names, "other", F_OK, AT_SYMLINK_NOFOLLOW), 0);
}
END_TEST

START_TEST(a_name_without_a_record_leads_nowhere)
{
	struct world autoworld w;
	int ct_autofd remover = -1;

	make_web(&w);
	remover = begin_removal(&w);
	ck_assert_int_eq(unlinkat(w.c.dir, "meta.json", 0), 0);
	ct_container_close(&w.c);
	ck_assert_int_eq(ct_container_find(&w.store, &w.arena, "web", &w.c, &w.err), -ENOENT);
	/* by its id it may as well be in the making */
	container_find(&w.store, &w.arena, w.id, &w.c);
	ck_assert_int_eq(w.c.state, CT_STATE_CREATING);
	ck_assert_int_eq(ct_container_reserve(&w.c, false, &w.err), -EAGAIN);
}
END_TEST

START_TEST(a_name_that_has_just_become_free_is_no_strange_file)
{
	struct world autoworld w;

	make_web(&w);
	ck_assert_int_eq(ct_name_release(&w.store, "web", w.id), 0);
	ck_assert_int_eq(ct_name_taken(&w.store, &w.arena, "web", &w.err), -EEXIST);
	ck_err(&w.err, EEXIST, "name \"web\" is in use by a container that is giving it up (try again)");
}
END_TEST

/* ---- clients ---- */

START_TEST(who_comes_to_wait_for_what_is_gone_leaves_nothing)
{
	struct ct_waiter waiter = CT_WAITER_INIT;
	struct world autoworld w;

	make_web(&w);
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	ck_assert_int_eq(ct_waiter_open(&w.store, &w.c, &waiter, &w.err), -ESTALE);
	ck_err(&w.err, ESTALE, "container web has been removed meanwhile");
	ck_assert_int_lt(faccessat(w.store.runtime, w.id, F_OK, 0), 0);
}
END_TEST

START_TEST(the_last_who_waited_for_what_is_gone_takes_the_directory_away)
{
	struct ct_waiter one, other;
	struct world autoworld w;

	make_web(&w);
	ck_assert_int_eq(ct_waiter_open(&w.store, &w.c, &one, &w.err), 0);
	ck_assert_int_eq(ct_waiter_open(&w.store, &w.c, &other, &w.err), 0);
	ck_assert_int_eq(ct_store_forget(&w.store, w.id, "web"), 0);
	ct_waiter_close(&one);
	ck_assert_int_eq(faccessat(w.store.runtime, w.id, F_OK, 0), 0);
	ct_waiter_close(&other);
	ck_assert_int_lt(faccessat(w.store.runtime, w.id, F_OK, 0), 0);
}
END_TEST

/* It ends while its monitor is asked for a socket. Were we slower than that, the test would say the
 * same. */
START_TEST(what_ends_while_it_is_attached_to_has_ended)
{
	const struct timespec moment = { .tv_nsec = 100000000 };
	struct ct_client client = CT_CLIENT_INIT;
	struct world autoworld w;
	pid_t helper;

	make_web(&w);
	/* The monitor that is played has none; whoever it starts inherits that. */
	signal(SIGUSR1, SIG_IGN);
	w.monitor = fake_monitor_start(w.id, FAKE_ENDS_ON_TERM);
	ct_container_close(&w.c);
	container_find(&w.store, &w.arena, "web", &w.c);
	helper = fork();
	ck_assert_int_ge(helper, 0);
	if (helper == 0) {
		nanosleep(&moment, NULL);
		_exit(kill(w.monitor.payload, SIGTERM) != 0);
	}
	ck_assert_int_eq(ct_container_attach(&w.store, &w.c, 0, 0, 0, &client, &w.err), -ESRCH);
	ck_assert_ptr_nonnull(strstr(w.err.what, "You cannot attach to a stopped container"));
	ck_assert_int_eq(waitpid(helper, NULL, 0), helper);
}
END_TEST

Suite *suite_meanwhile(void);
Suite *suite_meanwhile(void)
{
	Suite *s = suite_create("meanwhile");
	TCase *tc = tcase_create("meanwhile");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, what_is_being_removed_is_not_called_damaged);
	tcase_add_test(tc, who_removes_what_another_removes_is_not_told_that_it_is_being_created);
	tcase_add_test(tc, a_rename_comes_too_late);
	tcase_add_test(tc, a_name_without_a_record_leads_nowhere);
	tcase_add_test(tc, a_name_that_has_just_become_free_is_no_strange_file);
	tcase_add_test(tc, who_comes_to_wait_for_what_is_gone_leaves_nothing);
	tcase_add_test(tc, the_last_who_waited_for_what_is_gone_takes_the_directory_away);
	tcase_add_test(tc, what_ends_while_it_is_attached_to_has_ended);
	suite_add_tcase(s, tc);
	return s;
}
