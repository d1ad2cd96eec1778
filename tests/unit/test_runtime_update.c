/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of the runtime command line's update as resources: units, zeros, and every refusal. What
 * they do to a container that runs is in tests/cli/cgroups_oci.bats. Any user.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <string.h>

#include <check.h>

#include <cattach/run.h>

#include "fixture.h"

Suite *suite_runtime_update(void);

static struct ct_arena arena;
static struct ct_err err;
static struct ct_cgroup_resources r;

static void setup(void)
{
	fixture_setup();
	err = (struct ct_err){ 0 };
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

START_TEST(options_are_resources_with_their_names)
{
	const struct ct_runtime_limits limits = {
		.memory = "64m", .reservation = "1048576", .swap = "-1", .shares = "512",
		.quota = "20000", .period = "10000", .burst = "5000", .idle = "0", .cpus = "0-1,3",
		.mems = "0", .pids = "-1", .blkio_weight = "500",
	};

	ck_assert_int_eq(ct_runtime_limits_parse(&arena, &limits, &r, &err), 0);
	ck_assert_int_eq(r.memory, 64 << 20);
	ck_assert_int_eq(r.reservation, 1 << 20);
	ck_assert_int_eq(r.swap, -1);
	ck_assert_uint_eq(r.shares, 512);
	ck_assert_int_eq(r.quota, 20000);
	ck_assert_uint_eq(r.period, 10000);
	ck_assert(r.has_burst && r.burst == 5000);
	ck_assert(r.has_idle && r.idle == 0);
	ck_assert_str_eq(r.cpus, "0-1,3");
	ck_assert_str_eq(r.mems, "0");
	ck_assert(r.has_pids && r.pids == -1);
	ck_assert_uint_eq(r.weight, 500);
	ck_assert_str_eq(ct_resources_option(&r, "linux.resources.cpu.shares"), "--cpu-share");
}
END_TEST

START_TEST(zeros_say_nothing)
{
	const struct ct_runtime_limits limits = {
		.memory = "0", .swap = "0", .shares = "0", .quota = "0", .period = "0", .burst = "0",
		.cpus = "", .pids = "0", .blkio_weight = "0",
	};
	const struct ct_cgroup_resources nothing = { 0 };

	ck_assert_int_eq(ct_runtime_limits_parse(&arena, &limits, &r, &err), 0);
	ck_assert_mem_eq(&r, &nothing, sizeof(r));
}
END_TEST

START_TEST(what_is_no_value_is_refused_by_its_option)
{
	static const struct {
		struct ct_runtime_limits limits;
		const char *where;
	} rows[] = {
		{ { .memory = "much" }, "--memory" },
		{ { .memory = "16E" }, "--memory" },
		{ { .swap = "-2" }, "--memory-swap" },
		{ { .shares = "-1" }, "--cpu-share" },
		{ { .quota = "-2" }, "--cpu-quota" },
		{ { .idle = "x" }, "--cpu-idle" },
		{ { .mems = "3-1-2" }, "--cpuset-mems" },
		{ { .pids = "-5" }, "--pids-limit" },
		{ { .blkio_weight = "5" }, "--blkio-weight" },
	};

	ck_assert_int_lt(ct_runtime_limits_parse(&arena, &rows[_i].limits, &r, &err), 0);
	ck_assert_str_eq(err.where, rows[_i].where);
}
END_TEST

Suite *suite_runtime_update(void)
{
	Suite *suite = suite_create("runtime_update");
	TCase *tc = tcase_create("runtime_update");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, options_are_resources_with_their_names);
	tcase_add_test(tc, zeros_say_nothing);
	tcase_add_loop_test(tc, what_is_no_value_is_refused_by_its_option, 0, 9);
	suite_add_tcase(suite, tc);
	return suite;
}
