/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restart policies: their words, in docker's errors; when a container is started again, and after how
 * long. And the keeper's record: what is written is read, what is damaged is said to be.
 */
#include <cattach/keeper.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

#include "fixture.h"

#define MS	UINT64_C(1000000)
#define SECOND	(1000 * MS)

/* ---- words ---- */

static const struct {
	const char *text;
	enum ct_restart kind;
	unsigned max;
} good[] = {
	{ NULL, CT_RESTART_NO, 0 },
	{ "", CT_RESTART_NO, 0 },
	{ "no", CT_RESTART_NO, 0 },
	{ "no:0", CT_RESTART_NO, 0 },
	{ "always", CT_RESTART_ALWAYS, 0 },
	{ "always:", CT_RESTART_ALWAYS, 0 },
	{ "unless-stopped", CT_RESTART_UNLESS_STOPPED, 0 },
	{ "on-failure", CT_RESTART_ON_FAILURE, 0 },
	{ "on-failure:", CT_RESTART_ON_FAILURE, 0 },
	{ "on-failure:0", CT_RESTART_ON_FAILURE, 0 },
	{ "on-failure:2147483647", CT_RESTART_ON_FAILURE, 2147483647 },
};

START_TEST(policies_are_understood)
{
	struct ct_restart_policy policy = { .max = 99 };
	struct ct_err err = { 0 };

	ck_assert_msg(ct_restart_parse(good[_i].text, &policy, &err) == 0, "%s", err.what);
	ck_assert_int_eq(policy.kind, good[_i].kind);
	ck_assert_uint_eq(policy.max, good[_i].max);
}
END_TEST

#define UNKNOWN(text) "invalid restart policy: unknown policy '" text "'; use one of 'no', 'always', " \
		      "'on-failure', or 'unless-stopped'"
#define NO_INTEGER "invalid restart policy format: maximum retry count must be an integer"
#define ONLY_FAILURE "invalid restart policy: maximum retry count can only be used with 'on-failure'"

static const char *const bad[][2] = {
	{ "never", UNKNOWN("never") },
	{ "Always", UNKNOWN("Always") },
	{ "alway", UNKNOWN("alway") },
	{ "on-failure ", UNKNOWN("on-failure ") },
	{ ":3", "invalid restart policy format: no policy provided before colon" },
	{ ":", "invalid restart policy format: no policy provided before colon" },
	{ "on-failure:x", NO_INTEGER },
	{ "on-failure:1:2", NO_INTEGER },
	{ "on-failure:2147483648", NO_INTEGER },
	{ "on-failure:-1", "invalid restart policy: maximum retry count cannot be negative" },
	{ "always:3", ONLY_FAILURE },
	{ "unless-stopped:1", ONLY_FAILURE },
	{ "no:1", ONLY_FAILURE },
};

START_TEST(what_is_no_policy_is_refused_in_dockers_words)
{
	struct ct_restart_policy policy = { .kind = CT_RESTART_ALWAYS, .max = 7 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_restart_parse(bad[_i][0], &policy, &err), -EINVAL);
	ck_err(&err, EINVAL, bad[_i][1]);
	ck_assert_int_eq(policy.kind, CT_RESTART_ALWAYS);
	ck_assert_uint_eq(policy.max, 7);
}
END_TEST

START_TEST(names_are_dockers)
{
	ck_assert_str_eq(ct_restart_name(CT_RESTART_NO), "no");
	ck_assert_str_eq(ct_restart_name(CT_RESTART_ON_FAILURE), "on-failure");
	ck_assert_str_eq(ct_restart_name(CT_RESTART_ALWAYS), "always");
	ck_assert_str_eq(ct_restart_name(CT_RESTART_UNLESS_STOPPED), "unless-stopped");
	ck_assert_str_eq(ct_restart_name((enum ct_restart)9), "unknown");
}
END_TEST

/* ---- deciding ---- */

static bool decide(enum ct_restart kind, unsigned max, int code, uint64_t duration,
		   struct ct_restart_tally *tally)
{
	const struct ct_restart_policy policy = { .kind = kind, .max = max };
	const struct ct_restart_run run = { .code = code, .duration = duration };

	return ct_restart_decide(&policy, &run, tally);
}

START_TEST(each_policy_has_its_reasons)
{
	struct ct_restart_tally tally = { 0 };

	ck_assert(!decide(CT_RESTART_NO, 0, 1, 0, &tally));
	ck_assert(!decide(CT_RESTART_ON_FAILURE, 0, 0, 0, &tally));
	ck_assert_uint_eq(tally.restarts, 0);
	ck_assert_uint_eq(tally.delay, 0);
	ck_assert(decide(CT_RESTART_ON_FAILURE, 0, 1, 0, &tally));
	ck_assert(decide(CT_RESTART_ALWAYS, 0, 0, 0, &tally));
	ck_assert(decide(CT_RESTART_UNLESS_STOPPED, 0, 0, 0, &tally));
	ck_assert_uint_eq(tally.restarts, 3);
}
END_TEST

START_TEST(failures_are_counted_up_to_the_limit)
{
	struct ct_restart_tally tally = { 0 };

	ck_assert(decide(CT_RESTART_ON_FAILURE, 2, 1, 0, &tally));
	/* a good run in between makes no difference to the count, as in docker */
	ck_assert(decide(CT_RESTART_ON_FAILURE, 2, 1, 20 * SECOND, &tally));
	ck_assert(!decide(CT_RESTART_ON_FAILURE, 2, 1, 0, &tally));
	ck_assert_uint_eq(tally.restarts, 2);
}
END_TEST

START_TEST(the_wait_doubles_up_to_a_minute)
{
	static const uint64_t expected[] = {
		100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000,
	};
	struct ct_restart_tally tally = { 0 };

	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		ck_assert(decide(CT_RESTART_ALWAYS, 0, 0, 10 * SECOND - 1, &tally));
		ck_assert_uint_eq(tally.delay, expected[i] * MS);
	}
	ck_assert_uint_eq(tally.restarts, 12);
}
END_TEST

START_TEST(a_run_of_ten_seconds_begins_the_wait_anew)
{
	struct ct_restart_tally tally = { .restarts = 5, .delay = 60 * SECOND };

	ck_assert(decide(CT_RESTART_ALWAYS, 0, 1, 10 * SECOND, &tally));
	ck_assert_uint_eq(tally.delay, 100 * MS);
	ck_assert(decide(CT_RESTART_ALWAYS, 0, 1, 0, &tally));
	ck_assert_uint_eq(tally.delay, 200 * MS);
	ck_assert_uint_eq(tally.restarts, 7);
}
END_TEST

/* ---- the record ---- */

static int new_record(void)
{
	int fd = openat(fixture_dir(), "keeper", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	ck_assert_int_ge(fd, 0);
	return fd;
}

START_TEST(the_largest_record_survives_and_fits)
{
	int ct_autofd fd = new_record();
	struct ct_keeper_record r = {
		.generation = UINT64_MAX, .phase = CT_KEEPER_WAITING, .restarts = UINT32_MAX,
		.until = UINT64_MAX, .delay = UINT64_MAX, .seen = UINT64_MAX, .again = true,
	}, read = { 0 };
	struct ct_err err = { 0 };
	struct stat st;

	memset(r.error, '"', sizeof(r.error) - 1);
	ck_assert_msg(ct_keeper_record_write(fd, &r, &err) == 0, "%s", err.what);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_int_eq(st.st_size, CT_KEEPER_RECORD_SIZE);
	ck_assert_msg(ct_keeper_record_read(fixture_dir(), &read, &err) == 0, "%s", err.what);
	ck_assert_mem_eq(&read, &r, sizeof(r));
}
END_TEST

START_TEST(an_error_that_needs_too_much_room_does_not_cost_the_rest)
{
	int ct_autofd fd = new_record();
	struct ct_keeper_record r = { .generation = 3, .phase = CT_KEEPER_ENDED, .restarts = 4 };
	struct ct_keeper_record read = { 0 };
	struct ct_err err = { 0 };

	memset(r.error, '\001', sizeof(r.error) - 1);
	ck_assert_int_eq(ct_keeper_record_write(fd, &r, &err), 0);
	ck_assert_msg(ct_keeper_record_read(fixture_dir(), &read, &err) == 0, "%s", err.what);
	ck_assert_uint_eq(read.restarts, 4);
	ck_assert_int_eq(read.phase, CT_KEEPER_ENDED);
	ck_assert_str_eq(read.error, "the error cannot be shown");
}
END_TEST

START_TEST(a_phase_that_is_none_is_not_written)
{
	int ct_autofd fd = new_record();
	struct ct_keeper_record r = { .phase = (enum ct_keeper_phase)9 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_keeper_record_write(fd, &r, &err), -EINVAL);
}
END_TEST

START_TEST(no_record_is_told_from_a_damaged_one)
{
	struct ct_keeper_record read;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_keeper_record_read(fixture_dir(), &read, &err), -ENOENT);
	fixture_file("keeper", "");
	ck_assert_int_eq(ct_keeper_record_read(fixture_dir(), &read, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "keeper is damaged (empty file)");
	fixture_file("keeper", "{}");
	ck_assert_int_eq(ct_keeper_record_read(fixture_dir(), &read, &err), -EBADMSG);
	ck_err(&err, EBADMSG, "keeper is damaged (of a wrong size)");
}
END_TEST

/* What stands in the record in place of what, and what is said then. */
static const char *const damages[][3] = {
	{ "{\"generation\":1", "{\"generation\":2", "its two ends are of different times" },
	{ "\"version\":1", "\"version\":2", "written by another cattach" },
	{ "\"watching\"", "\"watchinG\"", "phase is not known" },
	{ "\"restarts\":0", "\"restarts\":x", NULL },
	{ "\"restarts\":0", "\"rEstarts\":0", "restarts must be a number" },
	{ "\"until\":0", "\"until\":-", NULL },
	{ "\"seen\":0", "\"sEen\":0", "seen must be a number" },
	{ "\"again\":false", "\"again\":12345", "again must be true or false" },
	{ "\"error\":\"\"", "\"error\":12", "error must be a short string" },
	{ "\"end\":1", "\"enD\":1", "end must be a number" },
};

START_TEST(a_damaged_record_is_said_to_be)
{
	int ct_autofd fd = new_record();
	struct ct_keeper_record r = { .generation = 1 }, read;
	char text[CT_KEEPER_RECORD_SIZE + 1] = { 0 }, expected[256];
	struct ct_err err = { 0 };
	char *at;

	ck_assert_int_eq(ct_keeper_record_write(fd, &r, &err), 0);
	ck_assert_int_eq(pread(fd, text, CT_KEEPER_RECORD_SIZE, 0), CT_KEEPER_RECORD_SIZE);
	at = strstr(text, damages[_i][0]);
	ck_assert_ptr_nonnull(at);
	memcpy(at, damages[_i][1], strlen(damages[_i][1]));
	ck_assert_int_eq(pwrite(fd, text, CT_KEEPER_RECORD_SIZE, 0), CT_KEEPER_RECORD_SIZE);
	ck_assert_int_eq(ct_keeper_record_read(fixture_dir(), &read, &err), -EBADMSG);
	if (!damages[_i][2])
		return;
	snprintf(expected, sizeof(expected), "keeper is damaged (%s)", damages[_i][2]);
	ck_err(&err, EBADMSG, expected);
}
END_TEST

Suite *suite_keeper(void);

Suite *suite_keeper(void)
{
	Suite *s = suite_create("keeper");
	TCase *policy = tcase_create("policy"), *record = tcase_create("record");

	tcase_add_loop_test(policy, policies_are_understood, 0, sizeof(good) / sizeof(good[0]));
	tcase_add_loop_test(policy, what_is_no_policy_is_refused_in_dockers_words, 0,
			    sizeof(bad) / sizeof(bad[0]));
	tcase_add_test(policy, names_are_dockers);
	tcase_add_test(policy, each_policy_has_its_reasons);
	tcase_add_test(policy, failures_are_counted_up_to_the_limit);
	tcase_add_test(policy, the_wait_doubles_up_to_a_minute);
	tcase_add_test(policy, a_run_of_ten_seconds_begins_the_wait_anew);
	suite_add_tcase(s, policy);
	tcase_add_checked_fixture(record, fixture_setup, fixture_teardown);
	tcase_add_test(record, the_largest_record_survives_and_fits);
	tcase_add_test(record, an_error_that_needs_too_much_room_does_not_cost_the_rest);
	tcase_add_test(record, a_phase_that_is_none_is_not_written);
	tcase_add_test(record, no_record_is_told_from_a_damaged_one);
	tcase_add_loop_test(record, a_damaged_record_is_said_to_be, 0,
			    sizeof(damages) / sizeof(damages[0]));
	suite_add_tcase(s, record);
	return s;
}
