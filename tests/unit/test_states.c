/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of states: one answer for every verb and state, words for each that says no, and no way
 * from one state to another that is not drawn.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "container/state_text.h"

#include "fixture.h"

Suite *suite_states(void);

/* A container in a state, with all that texts can ask for. */
static struct ct_container make(enum ct_state state)
{
	return (struct ct_container){
		.dir = -1, .status_fd = -1, .state = state, .damage = "its lock is gone",
		.meta = { .id = "0123456789abcdef", .name = "web", .host = "there" },
		.status = { .state = CT_STATUS_EXITED, .exit = { .value = 3 } },
	};
}

START_TEST(every_verb_has_one_answer_to_every_state)
{
	for (int act = 0; act < CT_ACT_COUNT; act++)
		for (int state = 0; state < CT_STATE_COUNT; state++)
			ck_assert_msg(ct_state_rows(act, state) == 1, "act %d, %s: %u rows", act,
				      ct_state_name(state), ct_state_rows(act, state));
}
END_TEST

START_TEST(who_says_no_says_why_and_the_way_out_in_one_line)
{
	for (int act = 0; act < CT_ACT_COUNT; act++) {
		for (int state = 0; state < CT_STATE_COUNT; state++) {
			struct ct_container c = make(state);
			struct ct_err err = { 0 };

			if (ct_state_answer(act, state) != CT_ANSWER_NO)
				continue;
			ck_assert_int_lt(ct_state_check(&c, act, &err), 0);
			ck_assert_int_ne(err.code, ENOTRECOVERABLE);
			ck_assert_msg(strstr(err.what, "web"), "%s", err.what);
			ck_assert_msg(!strpbrk(err.what, "{}\n"), "%s", err.what);
			ck_assert_msg(!strpbrk(err.hint, "{}\n"), "%s", err.hint);
			/* and the way out */
			ck_assert_msg(err.hint[0] || strstr(err.what, "; stop it first or use -f"), "%s",
				      err.what);
		}
	}
}
END_TEST

START_TEST(nothing_to_do_is_told_from_yes_and_no)
{
	struct ct_container c = make(CT_STATE_STOPPED);
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_state_check(&c, CT_ACT_STOP, &err), 1);
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_START, &err), 0);
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_EXEC, &err), -ESRCH);
	ck_assert_int_eq(err.exit, CT_EXIT_FAILED);
	ck_assert_str_eq(err.hint, "cattach start web");
	c.state = CT_STATE_DAMAGED;
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_REMOVE, &err), 0);
	ck_assert_int_eq(ct_state_refuse(&c, CT_ACT_REMOVE, &err), -EBUSY);
	/* A yes has no words for a no. */
	ck_assert_int_eq(ct_state_refuse(&c, CT_ACT_FORCE, &err), -ENOTRECOVERABLE);
}
END_TEST

START_TEST(one_that_is_restarted_is_asked_to_be_waited_for)
{
	struct ct_container c = make(CT_STATE_RESTARTING);
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_state_check(&c, CT_ACT_ATTACH, &err), -EBUSY);
	ck_assert_str_eq(err.what, "You cannot attach to a restarting container, wait until it is "
				   "running: web");
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_EXEC, &err), -EBUSY);
	ck_assert_str_eq(err.what, "container web is restarting, wait until the container is running");
	ck_assert_str_eq(err.hint, "cattach wait --condition running web");
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_START, &err), 1);
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_STOP, &err), 0);
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_REMOVE, &err), -EBUSY);
	ck_assert_int_eq(ct_state_check(&c, CT_ACT_FORCE, &err), 0);
}
END_TEST

START_TEST(a_session_is_not_said_to_be_startable)
{
	struct ct_container c = make(CT_STATE_STOPPED);
	struct ct_err err = { 0 };

	c.session_of = "fedcba";
	c.label = "web/sh";
	ct_state_refuse(&c, CT_ACT_ASK, &err);
	ck_assert_str_eq(err.what, "session web/sh is not running (exited)");
	ck_assert_str_eq(err.hint, "");
	ct_state_refuse(&c, CT_ACT_ATTACH_SESSION, &err);
	ck_assert_str_eq(err.hint, "cattach logs web/sh");
}
END_TEST

START_TEST(all_means_what_can_be_done)
{
	const unsigned live = CT_STATES_LIVE, restarting = CT_STATE_BIT(CT_STATE_RESTARTING);

	ck_assert_uint_eq(ct_states_for(CT_ACT_STOP), live | restarting);
	ck_assert_uint_eq(ct_states_for(CT_ACT_PAUSE), CT_STATE_BIT(CT_STATE_RUNNING));
	ck_assert_uint_eq(ct_states_for(CT_ACT_UNPAUSE), CT_STATE_BIT(CT_STATE_PAUSED));
	ck_assert_uint_eq(ct_states_for(CT_ACT_LOOK), CT_STATES_ALL);
}
END_TEST

START_TEST(texts_are_filled_in_and_cut)
{
	struct ct_container c = make(CT_STATE_DAMAGED);
	char text[CT_STATE_TEXT], name[600];

	ck_assert_str_eq(ct_state_text(&c, "{kind} {label} {name} {id} {a} {state} {how} {host}", text),
			 "container web web 0123456789ab a damaged damaged damaged: its lock is gone "
			 "there");
	/* what is no word stays */
	ck_assert_str_eq(ct_state_text(&c, "{nobody} { {label", text), "{nobody} { {label");
	ck_assert_str_eq(ct_state_text(&c, "{a very long word indeed}", text),
			 "{a very long word indeed}");
	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	c.meta.name = name;
	ck_assert_uint_eq(strlen(ct_state_text(&c, "{label}{label}", text)), CT_STATE_TEXT - 1);
	c.damage = "a {label} of its own";
	ck_assert_str_eq(ct_state_text(&c, "{why}", text), "a {label} of its own");
}
END_TEST

START_TEST(a_step_that_is_not_drawn_is_refused_and_not_taken)
{
	struct ct_container c = make(CT_STATE_RUNNING);
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_state_step(&c, CT_STEP_PAUSE, CT_STATE_PAUSED, &err), 0);
	ck_assert_int_eq(c.state, CT_STATE_PAUSED);
	ck_assert_int_eq(ct_state_step(&c, CT_STEP_COMPLETE, CT_STATE_CREATED, &err),
			 -ENOTRECOVERABLE);
	ck_assert_int_eq(c.state, CT_STATE_PAUSED);
	ck_assert_msg(!strncmp(err.what, "container web: nothing leads from paused to created", 50),
		      "%s", err.what);
	/* the right end by the wrong step */
	ck_assert_int_lt(ct_state_step(&c, CT_STEP_PAUSE, CT_STATE_RUNNING, &err), 0);
	ck_assert_int_eq(ct_state_step(&c, CT_STEP_REMOVE, CT_STATE_NONE, &err), 0);
	c.state = CT_STATE_FOREIGN;
	ck_assert_int_lt(ct_state_step(&c, CT_STEP_REMOVE, CT_STATE_NONE, &err), 0);
}
END_TEST

START_TEST(what_is_not_there_can_only_be_created)
{
	struct ct_container c = CT_CONTAINER_INIT;
	struct ct_err err = { 0 };

	ck_assert_int_lt(ct_state_step(&c, CT_STEP_RUN, CT_STATE_RUNNING, &err), 0);
	ck_assert_int_eq(ct_state_step(&c, CT_STEP_CREATE, CT_STATE_CREATING, &err), 0);
	ck_assert(!ct_state_may(CT_STATE_CREATED, CT_STEP_CREATE, CT_STATE_CREATING));
	ck_assert(ct_state_may(CT_STATE_NONE, CT_STEP_CREATE, CT_STATE_CREATING));
}
END_TEST

/* All that can become of a container, and none that stays for ever. */
START_TEST(every_state_is_reached_and_left)
{
	unsigned reached = 0, left = 0, ends = 0;

	for (size_t i = 0; i < ct_transition_count; i++) {
		const struct ct_transition *t = &ct_transitions[i];

		ck_assert_str_ne(t->how, "");
		left |= t->from;
		if (t->to == CT_STATE_NONE)
			ends |= t->from;
		else
			reached |= CT_STATE_BIT(t->to);
	}
	ck_assert_uint_eq(reached, CT_STATES_ALL);
	/* From another machine it cannot be changed, and that is what makes it foreign. */
	ck_assert_uint_eq(left | CT_STATE_BIT(CT_STATE_FOREIGN), CT_STATES_ALL);
	ck_assert_uint_eq(ends | CT_STATE_BIT(CT_STATE_FOREIGN), CT_STATES_ALL);
}
END_TEST

Suite *suite_states(void)
{
	Suite *s = suite_create("states");
	TCase *tc = tcase_create("tables");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, every_verb_has_one_answer_to_every_state);
	tcase_add_test(tc, who_says_no_says_why_and_the_way_out_in_one_line);
	tcase_add_test(tc, nothing_to_do_is_told_from_yes_and_no);
	tcase_add_test(tc, one_that_is_restarted_is_asked_to_be_waited_for);
	tcase_add_test(tc, a_session_is_not_said_to_be_startable);
	tcase_add_test(tc, all_means_what_can_be_done);
	tcase_add_test(tc, texts_are_filled_in_and_cut);
	tcase_add_test(tc, a_step_that_is_not_drawn_is_refused_and_not_taken);
	tcase_add_test(tc, what_is_not_there_can_only_be_created);
	tcase_add_test(tc, every_state_is_reached_and_left);
	suite_add_tcase(s, tc);
	return s;
}
