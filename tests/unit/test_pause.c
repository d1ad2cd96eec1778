/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who cannot be paused, and what a signal, a start and an attach say of who is. The freezer itself is
 * in tests/cli/cgroups_pause.bats and test_cgroup_real_end.c. Any user.
 */
#include "container/record.h"

#include <errno.h>
#include <signal.h>

#include <check.h>

#include "container_fixture.h"

static void make_stopped(struct world *w)
{
	struct ct_status exited = container_exited(5);

	world_open(w);
	container_create("web", w->id);
	container_set_status(w->id, &exited);
	container_find(&w->store, &w->arena, "web", &w->c);
}

static void make_running(struct world *w)
{
	struct ct_status none = { .state = CT_STATUS_NONE };

	world_open(w);
	container_create("web", w->id);
	container_set_status(w->id, &none);
	w->monitor = fake_monitor_start(w->id, FAKE_ENDS_ON_TERM);
	container_find(&w->store, &w->arena, "web", &w->c);
	ck_assert_int_eq(w->c.state, CT_STATE_RUNNING);
}

START_TEST(one_that_has_ended_is_not_paused)
{
	struct world autoworld w;

	make_stopped(&w);
	for (int paused = 0; paused < 2; paused++) {
		ck_assert_int_eq(ct_container_pause(&w.c, paused, &w.err), -ESRCH);
		ck_err(&w.err, ESRCH, "container web is not running: exited (5) 3 seconds ago (cattach "
		       "start web)");
	}
}
END_TEST

START_TEST(one_of_another_machine_is_left_to_it)
{
	struct world autoworld w;

	make_stopped(&w);
	w.c.state = CT_STATE_FOREIGN;
	w.c.meta.host = "elsewhere";
	ck_assert_int_eq(ct_container_pause(&w.c, true, &w.err), -EXDEV);
	ck_err(&w.err, EXDEV, "container web belongs to another machine (do it on elsewhere)");
}
END_TEST

START_TEST(without_a_cgroup_there_is_a_way_to_one)
{
	struct world autoworld w;

	make_running(&w);
	ck_assert_int_eq(ct_container_pause(&w.c, true, &w.err), -ENOTSUP);
	ck_assert_str_eq(w.err.what, "container web has no cgroup of its own");
	ck_assert_str_ne(w.err.hint, "");
	ck_assert_int_eq(ct_container_pause(&w.c, false, &w.err), -EINVAL);
	ck_assert_str_eq(w.err.what, "container web is not paused");
}
END_TEST

START_TEST(a_session_is_paused_with_its_container_only)
{
	struct world autoworld w;

	make_running(&w);
	w.c.session_of = w.id;
	w.c.label = "web/s";
	ck_assert_int_eq(ct_container_pause(&w.c, true, &w.err), -EINVAL);
	ck_assert_str_eq(w.err.what, "web/s is a session of a container, and cannot be paused");
	/* nor does a signal to it have the others go on */
	ck_assert_int_eq(ct_container_thaw(&w.c, &w.err), 0);
}
END_TEST

START_TEST(what_is_frozen_is_paused_unless_it_has_ended)
{
	struct ct_probe probe = { .monitor = true, .frozen = true };
	const char *why;

	probe.status.state = CT_STATUS_RUNNING;
	ck_assert_int_eq(ct_probe_state(&probe, &why), CT_STATE_PAUSED);
	ck_assert_ptr_null(why);
	probe.status.state = CT_STATUS_EXITED;
	ck_assert_int_eq(ct_probe_state(&probe, &why), CT_STATE_STOPPED);
}
END_TEST

START_TEST(one_that_is_paused_cannot_be_attached_to)
{
	struct world autoworld w;
	struct ct_client client = CT_CLIENT_INIT;

	make_running(&w);
	w.c.state = CT_STATE_PAUSED;
	ck_assert_int_eq(ct_container_attach(&w.store, &w.c, 0, 0, 0, &client, &w.err), -EBUSY);
	ck_err(&w.err, EBUSY, "You cannot attach to a paused container, unpause it first: web (cattach "
	       "unpause web)");
}
END_TEST

Suite *suite_pause(void)
{
	Suite *suite = suite_create("pause");
	TCase *tc = tcase_create("pause");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, one_that_has_ended_is_not_paused);
	tcase_add_test(tc, one_of_another_machine_is_left_to_it);
	tcase_add_test(tc, without_a_cgroup_there_is_a_way_to_one);
	tcase_add_test(tc, a_session_is_paused_with_its_container_only);
	tcase_add_test(tc, what_is_frozen_is_paused_unless_it_has_ended);
	tcase_add_test(tc, one_that_is_paused_cannot_be_attached_to);
	suite_add_tcase(suite, tc);
	return suite;
}
