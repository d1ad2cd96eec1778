/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health: what follows from which check, and when the next one is due. Pure functions, any user, no
 * clock but the times that are given.
 */
#include <string.h>

#include <check.h>

#include <cattach/health.h>

#define SECOND	UINT64_C(1000000000)
#define START	(1000 * SECOND)

static struct ct_health_config config_with(uint64_t start_period, int retries)
{
	return (struct ct_health_config){
		.interval = 30 * SECOND, .timeout = SECOND, .start_period = start_period,
		.start_interval = 5 * SECOND, .retries = retries,
	};
}

static struct ct_health_check check_at(uint64_t time, int code)
{
	return (struct ct_health_check){ .start = time, .end = time + SECOND, .code = code };
}

/* One row: a check so many seconds after the start of the run, and what is so then. */
struct row {
	unsigned at;
	int code;
	bool changed;
	enum ct_health_status status;
	unsigned streak;
};

static void follow(const struct ct_health_config *config, const struct row *rows, size_t count)
{
	struct ct_health health = ct_health_begin(START);

	ck_assert_int_eq(health.status, CT_HEALTH_STARTING);
	for (size_t i = 0; i < count; i++) {
		struct ct_health_check check = check_at(START + rows[i].at * SECOND, rows[i].code);

		ck_assert_msg(ct_health_apply(config, &health, &check) == rows[i].changed,
			      "changed in row %zu", i);
		ck_assert_msg(health.status == rows[i].status, "row %zu: %s", i,
			      ct_health_name(health.status));
		ck_assert_msg(health.streak == rows[i].streak, "row %zu: streak %u", i, health.streak);
	}
}

#define FOLLOW(config, ...) do { \
		const struct row rows_[] = { __VA_ARGS__ }; \
		follow(config, rows_, sizeof(rows_) / sizeof(rows_[0])); \
	} while (0)

START_TEST(one_success_makes_it_healthy_and_so_many_failures_unhealthy)
{
	struct ct_health_config config = config_with(0, 3);

	FOLLOW(&config,
	       { 1, 0, true, CT_HEALTH_HEALTHY, 0 },
	       { 2, 1, false, CT_HEALTH_HEALTHY, 1 },
	       { 3, 1, false, CT_HEALTH_HEALTHY, 2 },
	       { 4, 0, false, CT_HEALTH_HEALTHY, 0 },
	       { 5, 1, false, CT_HEALTH_HEALTHY, 1 },
	       { 6, 137, false, CT_HEALTH_HEALTHY, 2 },
	       { 7, CT_HEALTH_TIMED_OUT, true, CT_HEALTH_UNHEALTHY, 3 },
	       { 8, 1, false, CT_HEALTH_UNHEALTHY, 4 },
	       { 9, 0, true, CT_HEALTH_HEALTHY, 0 });
}
END_TEST

START_TEST(without_a_start_period_failures_count_from_the_first_one_on)
{
	struct ct_health_config config = config_with(0, 2);

	FOLLOW(&config,
	       { 0, 1, false, CT_HEALTH_STARTING, 1 },
	       { 1, 1, true, CT_HEALTH_UNHEALTHY, 2 });
}
END_TEST

START_TEST(failures_in_the_start_period_do_not_count)
{
	struct ct_health_config config = config_with(10 * SECOND, 1);

	FOLLOW(&config,
	       { 0, 1, false, CT_HEALTH_STARTING, 0 },
	       { 9, 1, false, CT_HEALTH_STARTING, 0 },
	       { 10, 1, true, CT_HEALTH_UNHEALTHY, 1 });
}
END_TEST

START_TEST(who_has_been_healthy_is_not_starting_any_more)
{
	struct ct_health_config config = config_with(10 * SECOND, 2);

	FOLLOW(&config,
	       { 1, 1, false, CT_HEALTH_STARTING, 0 },
	       { 2, 0, true, CT_HEALTH_HEALTHY, 0 },
	       { 3, 1, false, CT_HEALTH_HEALTHY, 1 },
	       { 4, 1, true, CT_HEALTH_UNHEALTHY, 2 });
}
END_TEST

START_TEST(a_check_counts_by_when_it_began)
{
	struct ct_health_config config = config_with(10 * SECOND, 1);
	struct ct_health health = ct_health_begin(START);
	struct ct_health_check check = check_at(START + 9 * SECOND, 1);

	check.end = START + 60 * SECOND;
	ck_assert(!ct_health_apply(&config, &health, &check));
	ck_assert_int_eq(health.status, CT_HEALTH_STARTING);
}
END_TEST

START_TEST(the_last_five_checks_are_kept_oldest_first)
{
	struct ct_health_config config = config_with(0, 3);
	struct ct_health health = ct_health_begin(START);

	for (int i = 0; i < 7; i++) {
		struct ct_health_check check = check_at(START + (unsigned)i * SECOND, i);

		ct_health_apply(&config, &health, &check);
		ck_assert_uint_eq(health.count, i < 5 ? (size_t)i + 1 : 5);
	}
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(health.log[i].code, i + 2);
}
END_TEST

static const struct {
	uint64_t start_period;
	enum ct_health_status status;
	unsigned age;		/* of the run, in seconds */
	unsigned delay;
} delays[] = {
	{ 0, CT_HEALTH_STARTING, 0, 30 },
	{ 10, CT_HEALTH_STARTING, 0, 5 },
	{ 10, CT_HEALTH_STARTING, 9, 5 },
	{ 10, CT_HEALTH_STARTING, 10, 30 },
	{ 10, CT_HEALTH_HEALTHY, 1, 30 },
	{ 10, CT_HEALTH_UNHEALTHY, 1, 30 },
};

START_TEST(the_start_interval_is_for_what_is_starting_in_its_start_period)
{
	struct ct_health_config config = config_with(delays[_i].start_period * SECOND, 3);

	ck_assert_uint_eq(ct_health_delay(&config, delays[_i].status, START,
					  START + delays[_i].age * SECOND),
			  delays[_i].delay * SECOND);
}
END_TEST

START_TEST(a_clock_that_was_set_back_is_no_end_of_the_start_period)
{
	struct ct_health_config config = config_with(10 * SECOND, 3);

	ck_assert_uint_eq(ct_health_delay(&config, CT_HEALTH_STARTING, START, START - SECOND),
			  5 * SECOND);
}
END_TEST

static const struct {
	const char *data;
	size_t size;
	const char *text;
} outputs[] = {
	{ "", 0, "" },
	{ "ok\n\t\x1b[31m", 9, "ok\n\t\x1b[31m" },
	{ "a\0b", 3, "a\xef\xbf\xbd" "b" },
	{ "\xff\xc3\xa9\xc3", 4, "\xef\xbf\xbd\xc3\xa9\xef\xbf\xbd" },
};

START_TEST(any_output_is_kept_as_text)
{
	struct ct_health_check check = { 0 };

	ct_health_output(&check, outputs[_i].data, outputs[_i].size);
	ck_assert_str_eq(check.output, outputs[_i].text);
}
END_TEST

START_TEST(output_is_cut_between_characters)
{
	struct ct_health_check check = { 0 };
	char data[CT_HEALTH_OUTPUT_MAX + 1];

	memset(data, 'x', sizeof(data));
	ct_health_output(&check, data, sizeof(data));
	ck_assert_uint_eq(strlen(check.output), CT_HEALTH_OUTPUT_MAX);
	memcpy(data + CT_HEALTH_OUTPUT_MAX - 1, "\xc3\xa9", 2);
	ct_health_output(&check, data, sizeof(data));
	ck_assert_uint_eq(strlen(check.output), CT_HEALTH_OUTPUT_MAX - 1);
	memset(data, 0xff, sizeof(data));
	ct_health_output(&check, data, sizeof(data));
	ck_assert_uint_eq(strlen(check.output), CT_HEALTH_OUTPUT_MAX / 3 * 3);
}
END_TEST

START_TEST(every_status_is_found_by_its_name)
{
	enum ct_health_status status;

	for (int i = CT_HEALTH_NONE; i <= CT_HEALTH_UNHEALTHY; i++) {
		ck_assert_int_eq(ct_health_parse(ct_health_name((enum ct_health_status)i), &status), 0);
		ck_assert_int_eq((int)status, i);
	}
	ck_assert_int_lt(ct_health_parse("well", &status), 0);
}
END_TEST

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

Suite *suite_health_state(void);
Suite *suite_health_state(void)
{
	Suite *s = suite_create("health_state");
	TCase *tc = tcase_create("core");

	tcase_add_test(tc, one_success_makes_it_healthy_and_so_many_failures_unhealthy);
	tcase_add_test(tc, without_a_start_period_failures_count_from_the_first_one_on);
	tcase_add_test(tc, failures_in_the_start_period_do_not_count);
	tcase_add_test(tc, who_has_been_healthy_is_not_starting_any_more);
	tcase_add_test(tc, a_check_counts_by_when_it_began);
	tcase_add_test(tc, the_last_five_checks_are_kept_oldest_first);
	tcase_add_loop_test(tc, the_start_interval_is_for_what_is_starting_in_its_start_period, 0,
			    COUNT(delays));
	tcase_add_test(tc, a_clock_that_was_set_back_is_no_end_of_the_start_period);
	tcase_add_loop_test(tc, any_output_is_kept_as_text, 0, COUNT(outputs));
	tcase_add_test(tc, output_is_cut_between_characters);
	tcase_add_test(tc, every_status_is_found_by_its_name);
	suite_add_tcase(s, tc);
	return s;
}
