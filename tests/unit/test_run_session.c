/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of run about its session: streams, stdin, sizes. Any user.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "run_fixture.h"

/* ---- streams ---- */

static int parse(const char *a, const char *b, struct ct_streams *ret, struct ct_err *err)
{
	const char *items[] = { a, b, NULL };
	struct ct_strings list = { .items = items, .count = (size_t)!!a + !!b };

	return ct_parse_streams(&list, ret, err);
}

START_TEST(no_stream_named_is_all_of_them)
{
	struct ct_streams s = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(parse(NULL, NULL, &s, &err), 0);
	ck_assert(s.in && s.out && s.err);
}
END_TEST

START_TEST(streams_are_named_in_any_case)
{
	struct ct_streams s = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(parse("STDOUT", NULL, &s, &err), 0);
	ck_assert(!s.in && s.out && !s.err);
	ck_assert_int_eq(parse("stdin", "StdErr", &s, &err), 0);
	ck_assert(s.in && !s.out && s.err);
}
END_TEST

START_TEST(what_is_no_stream_is_refused_in_dockers_words)
{
	struct ct_streams s = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(parse("stdin", "bogus", &s, &err), -EINVAL);
	ck_err(&err, EINVAL, "invalid argument \"bogus\" for \"-a, --attach\" flag: valid streams are "
			     "STDIN, STDOUT and STDERR");
}
END_TEST

START_TEST(stdin_is_closed_with_its_creator_only_where_that_is_attached_to_it)
{
	run_options.interactive = true;
	run_ok(&run_alice);
	ck_assert(run_meta.stdin_open && run_meta.stdin_once);
	run_add(&run_options.attach, "stdout");
	run_ok(&run_alice);
	ck_assert(run_meta.stdin_open && !run_meta.stdin_once);
	run_add(&run_options.attach, "stdin");
	run_ok(&run_alice);
	ck_assert(run_meta.stdin_once);
}
END_TEST

START_TEST(nobody_is_attached_or_tied_to_what_runs_in_the_background)
{
	run_options.detach = true;
	run_options.tie = true;
	run_bad(EINVAL, "conflicting options: cannot specify both --tie and --detach (nobody would be "
			"there to be tied to)");
	run_options.tie = false;
	run_add(&run_options.attach, "stdout");
	run_bad(EINVAL, "conflicting options: cannot specify both --attach and --detach (cattach "
			"attach -a STREAM follows it later)");
}
END_TEST

/* ---- words ---- */

START_TEST(words_are_recorded_as_given)
{
	run_options.size_policy = "smallest";
	run_options.stdin_eof = "keep";
	run_options.log_driver = "none";
	run_options.tie = true;
	run_ok(&run_alice);
	ck_assert_str_eq(run_meta.size_policy, "smallest");
	ck_assert_str_eq(run_meta.stdin_eof, "keep");
	ck_assert_str_eq(run_meta.log_driver, "none");
	ck_assert(run_meta.tie);
}
END_TEST

START_TEST(nothing_is_recorded_that_was_not_given)
{
	run_ok(&run_alice);
	ck_assert_ptr_null(run_meta.size_policy);
	ck_assert_ptr_null(run_meta.stdin_eof);
	ck_assert_ptr_null(run_meta.log_driver);
	ck_assert_uint_eq(run_meta.log_max_size, 0);
	ck_assert_int_eq(run_meta.log_max_files, 0);
	ck_assert(!run_meta.tie);
}
END_TEST

START_TEST(the_record_knows_of_the_default_filter)
{
	run_ok(&run_alice);
	ck_assert(run_meta.default_seccomp);
	run_options.privileged = true;
	run_ok(&run_alice);
	ck_assert(!run_meta.default_seccomp);
}
END_TEST

START_TEST(other_words_are_refused)
{
	run_options.size_policy = "mine";
	run_bad(EINVAL, "--size-policy: must be latest, smallest, largest or none, not \"mine\"");
	run_options.size_policy = NULL;
	run_options.stdin_eof = "";
	run_bad(EINVAL, "--stdin-eof: must be close, keep or detach, not \"\"");
}
END_TEST

Suite *suite_run_session(void);
Suite *suite_run_session(void)
{
	Suite *s = suite_create("run_session");
	TCase *streams = tcase_create("streams"), *session = tcase_create("session");

	tcase_add_test(streams, no_stream_named_is_all_of_them);
	tcase_add_test(streams, streams_are_named_in_any_case);
	tcase_add_test(streams, what_is_no_stream_is_refused_in_dockers_words);
	suite_add_tcase(s, streams);
	tcase_add_checked_fixture(session, run_setup, run_teardown);
	tcase_add_test(session, stdin_is_closed_with_its_creator_only_where_that_is_attached_to_it);
	tcase_add_test(session, nobody_is_attached_or_tied_to_what_runs_in_the_background);
	tcase_add_test(session, words_are_recorded_as_given);
	tcase_add_test(session, nothing_is_recorded_that_was_not_given);
	tcase_add_test(session, the_record_knows_of_the_default_filter);
	tcase_add_test(session, other_words_are_refused);
	suite_add_tcase(s, session);
	return s;
}
