/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources of the OCI specification as files of cgroup v2: values, limits of values, and what is
 * refused. Each test fills in what it is about and looks at all that comes out, as "FILE=VALUE".
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include <cattach/buf.h>

#include "fixture.h"

static struct ct_arena arena;
static struct ct_buf text;

static void setup(void)
{
	struct ct_err err;

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	ct_buf_done(&text);
	fixture_teardown();
}

/* All settings in one line; "?" behind what is best effort. */
static const char *converted(const struct ct_cgroup_resources *r)
{
	struct ct_cgroup_settings settings = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_convert(&arena, r, &settings, &err), 0);
	ct_buf_clear(&text);
	for (size_t i = 0; i < settings.count; i++) {
		const struct ct_cgroup_setting *s = &settings.items[i];

		ck_assert_ptr_nonnull(s->where);
		ct_buf_printf(&text, "%s%s=%s%s", i ? "; " : "", s->file, s->value,
			      s->best_effort ? "?" : "");
		if (s->instead)
			ct_buf_printf(&text, " or %s=%s", s->instead, s->instead_value);
	}
	return ct_buf_text(&text);
}

static void refused(const struct ct_cgroup_resources *r, int code, const char *line)
{
	struct ct_cgroup_settings settings = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_convert(&arena, r, &settings, &err), -code);
	ck_err(&err, code, line);
}

#define CONVERTED(expected, ...) \
	ck_assert_str_eq(converted(&(struct ct_cgroup_resources){ __VA_ARGS__ }), expected)
#define REFUSED(code, line, ...) \
	refused(&(struct ct_cgroup_resources){ __VA_ARGS__ }, code, line)

START_TEST(nothing_asked_for_sets_nothing)
{
	struct ct_cgroup_resources none = {0};

	ck_assert_str_eq(converted(&none), "");
}
END_TEST

/* ---- weights ---- */

START_TEST(shares_become_weights_as_runc_and_crun_do)
{
	static const struct {
		uint64_t shares;
		unsigned weight;
	} rows[] = {
		{ 0, 0 }, { 1, 1 }, { 2, 1 }, { 3, 2 }, { 102, 17 }, { 512, 59 }, { 1024, 100 },
		{ 1025, 101 }, { 2048, 174 }, { 262143, 10000 }, { 262144, 10000 },
		{ 262145, 10000 }, { UINT64_MAX, 10000 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		ck_assert_uint_eq(ct_cgroup_weight_of_shares(rows[i].shares), rows[i].weight);
}
END_TEST

START_TEST(more_shares_never_weigh_less)
{
	unsigned before = 0;

	for (uint64_t shares = 0; shares <= 262144; shares += 1 + shares / 64) {
		unsigned weight = ct_cgroup_weight_of_shares(shares);

		ck_quick(weight >= before && weight <= 10000);
		before = weight;
	}
	ck_assert_uint_gt(before, 9000);
}
END_TEST

START_TEST(block_weights_keep_their_ends)
{
	ck_assert_uint_eq(ct_cgroup_io_weight(0), 0);
	/* below the range version 1 had, where others' arithmetic goes below zero */
	ck_assert_uint_eq(ct_cgroup_io_weight(1), 1);
	ck_assert_uint_eq(ct_cgroup_io_weight(10), 1);
	ck_assert_uint_eq(ct_cgroup_io_weight(11), 11);
	ck_assert_uint_eq(ct_cgroup_io_weight(500), 4950);
	ck_assert_uint_eq(ct_cgroup_io_weight(1000), 10000);
	ck_assert_uint_eq(ct_cgroup_io_weight(65535), 10000);
}
END_TEST

/* ---- memory ---- */

START_TEST(memory_limits_are_bytes_or_max)
{
	CONVERTED("memory.max=1", .memory = 1);
	CONVERTED("memory.max=9223372036854775807", .memory = INT64_MAX);
	CONVERTED("memory.low=4096", .reservation = 4096);
	CONVERTED("memory.low=max", .reservation = -1);
	REFUSED(EINVAL, "linux.resources.memory.limit: must be a number of bytes, or -1 for no limit",
		.memory = -2);
	REFUSED(EINVAL, "linux.resources.memory.reservation: must be a number of bytes, or -1 for no "
		"limit", .reservation = INT64_MIN);
}
END_TEST

START_TEST(swap_is_what_is_beyond_memory)
{
	CONVERTED("memory.max=100; memory.swap.max=50", .memory = 100, .swap = 150);
	CONVERTED("memory.max=100; memory.swap.max=0", .memory = 100, .swap = 100);
	CONVERTED("memory.max=100; memory.swap.max=max", .memory = 100, .swap = -1);
	CONVERTED("memory.max=100", .memory = 100, .swap = 0);
	CONVERTED("memory.max=1; memory.swap.max=9223372036854775806", .memory = 1,
		  .swap = INT64_MAX);
}
END_TEST

START_TEST(unlimited_memory_takes_the_swap_with_it)
{
	CONVERTED("memory.max=max; memory.swap.max=max?", .memory = -1);
	CONVERTED("memory.max=max; memory.swap.max=max", .memory = -1, .swap = -1);
	CONVERTED("memory.max=max; memory.swap.max=70", .memory = -1, .swap = 70);
	CONVERTED("memory.swap.max=max", .swap = -1);
}
END_TEST

START_TEST(swap_without_or_below_memory_is_refused)
{
	REFUSED(EINVAL, "linux.resources.memory.swap: is memory and swap together, so it needs a "
		"memory limit", .swap = 100);
	REFUSED(EINVAL, "linux.resources.memory.swap: is memory and swap together, and less than the "
		"memory limit", .memory = 100, .swap = 99);
	REFUSED(EINVAL, "linux.resources.memory.swap: must be a number of bytes, or -1 for no limit",
		.memory = 100, .swap = -2);
}
END_TEST

START_TEST(a_limit_can_be_checked_against_the_usage)
{
	struct ct_cgroup_resources r = { .memory = 5, .swap = 6, .check_before_update = true };
	struct ct_cgroup_settings settings = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_convert(&arena, &r, &settings, &err), 0);
	ck_assert_uint_eq(settings.count, 2);
	ck_assert(settings.items[0].above_usage);
	ck_assert(!settings.items[1].above_usage);
}
END_TEST

/* ---- cpu, pids ---- */

START_TEST(quota_and_period_are_one_line)
{
	CONVERTED("cpu.max=50000 100000", .quota = 50000);
	CONVERTED("cpu.max=50000 20000", .quota = 50000, .period = 20000);
	CONVERTED("cpu.max=max 20000", .period = 20000);
	CONVERTED("cpu.max=max 100000", .quota = -1);
	CONVERTED("cpu.max=max 5000", .quota = -1, .period = 5000);
	CONVERTED("cpu.max=9223372036854775807 18446744073709551615", .quota = INT64_MAX,
		  .period = UINT64_MAX);
	REFUSED(EINVAL, "linux.resources.cpu.quota: must be a number of microseconds, or -1 for no "
		"limit", .quota = -2);
}
END_TEST

START_TEST(a_burst_is_never_above_the_quota_on_the_way)
{
	CONVERTED("cpu.max.burst=0; cpu.max=2000 100000; cpu.max.burst=1000", .quota = 2000,
		  .has_burst = true, .burst = 1000);
	CONVERTED("cpu.max.burst=0; cpu.max=2000 100000", .quota = 2000, .has_burst = true);
	CONVERTED("cpu.max.burst=0; cpu.max.burst=7", .has_burst = true, .burst = 7);
	REFUSED(ERANGE, "linux.resources.cpu.burst: must not be above the quota", .quota = 2000,
		.has_burst = true, .burst = 2001);
	REFUSED(ERANGE, "linux.resources.cpu.burst: must not be above the quota", .has_burst = true,
		.burst = UINT64_MAX);
}
END_TEST

START_TEST(who_gets_only_idle_time_has_no_weight)
{
	CONVERTED("cpu.weight=100", .shares = 1024);
	CONVERTED("cpu.idle=1", .shares = 1024, .has_idle = true, .idle = 1);
	CONVERTED("cpu.idle=0; cpu.weight=100", .shares = 1024, .has_idle = true);
	REFUSED(EINVAL, "linux.resources.cpu.idle: must be 0 or 1", .has_idle = true, .idle = 2);
}
END_TEST

START_TEST(cpusets_are_taken_as_they_are)
{
	CONVERTED("cpuset.cpus=0-3,5; cpuset.mems=0", .cpus = "0-3,5", .mems = "0");
	CONVERTED("", .cpus = "", .mems = "");
}
END_TEST

START_TEST(a_pids_limit_lets_the_first_process_start)
{
	CONVERTED("pids.max=2048", .has_pids = true, .pids = 2048);
	CONVERTED("pids.max=2048?", .has_pids = true, .pids = 2048, .pids_by_default = true);
	CONVERTED("pids.max=max", .has_pids = true, .pids = -1);
	CONVERTED("pids.max=1", .has_pids = true, .pids = 0);
	CONVERTED("pids.max=9223372036854775807", .has_pids = true, .pids = INT64_MAX);
	REFUSED(EINVAL, "linux.resources.pids.limit: must be a number, or -1 for no limit",
		.has_pids = true, .pids = -2);
}
END_TEST

/* ---- devices ---- */

START_TEST(block_weights_know_both_schedulers)
{
	static const struct ct_cgroup_device_value devices[] = {
		{ .major = 8, .minor = 0, .value = 10 },
		{ .major = 8, .minor = 16, .value = 0 },
		{ .major = 259, .minor = 1, .value = UINT64_MAX },
	};

	CONVERTED("io.bfq.weight=500 or io.weight=4950", .weight = 500);
	CONVERTED("io.bfq.weight=8:0 10 or io.weight=8:0 1; "
		  "io.bfq.weight=259:1 1000 or io.weight=259:1 10000",
		  .weights = { devices, 3 });
}
END_TEST

START_TEST(throttles_are_a_line_each)
{
	static const struct ct_cgroup_device_value one[] = { { .major = 8, .value = 1048576 } };
	static const struct ct_cgroup_device_value none[] = { { .major = 8, .minor = 1 } };
	static const struct ct_cgroup_device_value most[] = { { .major = 8, .value = UINT64_MAX } };

	CONVERTED("io.max=8:0 rbps=1048576; io.max=8:0 wbps=1048576; io.max=8:0 riops=1048576; "
		  "io.max=8:0 wiops=1048576", .read_bps = { one, 1 }, .write_bps = { one, 1 },
		  .read_iops = { one, 1 }, .write_iops = { one, 1 });
	CONVERTED("io.max=8:1 rbps=max", .read_bps = { none, 1 });
	CONVERTED("io.max=8:0 wiops=max", .write_iops = { most, 1 });
}
END_TEST

START_TEST(a_device_may_say_where_it_stands)
{
	static const struct ct_cgroup_device_value one[] = {
		{ .major = 8, .value = 1, .where = "--device-read-bps" },
	};
	struct ct_cgroup_resources r = { .read_bps = { one, 1 } };
	struct ct_cgroup_settings settings = {0};
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_convert(&arena, &r, &settings, &err), 0);
	ck_assert_str_eq(settings.items[0].where, "--device-read-bps");
}
END_TEST

START_TEST(huge_pages_and_their_reservations_are_limited)
{
	static const struct ct_cgroup_huge huge[] = {
		{ "2MB", 0 }, { "1GB", 1073741824 }, { "64KB", UINT64_MAX },
	};

	CONVERTED("hugetlb.2MB.max=0; hugetlb.2MB.rsvd.max=0?; hugetlb.1GB.max=1073741824; "
		  "hugetlb.1GB.rsvd.max=1073741824?; hugetlb.64KB.max=max; "
		  "hugetlb.64KB.rsvd.max=max?", .huge = huge, .huge_count = 3);
}
END_TEST

START_TEST(rdma_names_what_is_limited)
{
	static const struct ct_cgroup_rdma rdma[] = {
		{ .device = "mlx5_0", .has_handles = true, .handles = 3 },
		{ .device = "mlx5_1", .has_handles = true, .has_objects = true,
		  .objects = UINT32_MAX },
	};

	CONVERTED("rdma.max=mlx5_0 hca_handle=3; rdma.max=mlx5_1 hca_handle=0 hca_object=max",
		  .rdma = rdma, .rdma_count = 2);
}
END_TEST

/* ---- by name ---- */

START_TEST(unified_keys_come_last_and_a_line_each)
{
	static const struct ct_cgroup_pair pairs[] = {
		{ "memory.high", "1000" },
		{ "io.max", "8:0 rbps=1\n8:16 rbps=2\n" },
		{ "cgroup.max.depth", "3" },
		{ "cpuset.cpus", "" },
	};

	CONVERTED("memory.max=2000; memory.high=1000; io.max=8:0 rbps=1; io.max=8:16 rbps=2; "
		  "cgroup.max.depth=3; cpuset.cpus=", .memory = 2000, .unified = pairs,
		  .unified_count = 4);
}
END_TEST

START_TEST(unified_keys_that_are_no_limits_are_refused)
{
	static const char *const names[] = { "cgroup.procs", "cgroup.kill", "cgroup.subtree_control",
					     "cgroup.freeze", "cgroup.type", "cgroup.threads" };
	static const char *const bad[] = { "", "..", "../x.max", "a/b.max", "memory", ".max" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct ct_cgroup_settings settings = {0};
		struct ct_err err;

		ck_assert_int_eq(ct_cgroup_setting_unified(&arena, &settings, names[i], "1",
							   "--cgroup-conf", &err), -EPERM);
		ck_assert_str_eq(err.where, "--cgroup-conf");
		ck_assert_uint_eq(settings.count, 0);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct ct_cgroup_settings settings = {0};
		struct ct_err err;

		ck_assert_int_eq(ct_cgroup_setting_unified(&arena, &settings, bad[i], "1",
							   "--cgroup-conf", &err), -EINVAL);
	}
}
END_TEST

START_TEST(what_version_2_lacks_is_refused_by_name)
{
	REFUSED(ENOTSUP, "linux.resources.memory.swappiness: has no equivalent in cgroup v2",
		.has_swappiness = true);
	REFUSED(ENOTSUP, "linux.resources.memory.disableOOMKiller: has no equivalent in cgroup v2",
		.disable_oom_killer = true);
	REFUSED(ENOTSUP, "linux.resources.memory.kernel: has no equivalent in cgroup v2",
		.kernel = 1);
	REFUSED(ENOTSUP, "linux.resources.memory.kernelTCP: has no equivalent in cgroup v2",
		.kernel_tcp = 1);
	REFUSED(ENOTSUP, "linux.resources.cpu.realtimePeriod: has no equivalent in cgroup v2",
		.realtime_period = 1);
	REFUSED(ENOTSUP, "linux.resources.cpu.realtimeRuntime: has no equivalent in cgroup v2",
		.realtime_runtime = 1);
	REFUSED(ENOTSUP, "linux.resources.blockIO.leafWeight: has no equivalent in cgroup v2",
		.leaf_weight = 1);
	REFUSED(ENOTSUP, "linux.resources.network: has no equivalent in cgroup v2",
		.has_network = true);
	/* no limit is what there is */
	CONVERTED("", .kernel = -1, .kernel_tcp = -1);
}
END_TEST

Suite *suite_cgroup_convert(void)
{
	Suite *s = suite_create("cgroup_convert");
	TCase *tc = tcase_create("convert");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_asked_for_sets_nothing);
	tcase_add_test(tc, shares_become_weights_as_runc_and_crun_do);
	tcase_add_test(tc, more_shares_never_weigh_less);
	tcase_add_test(tc, block_weights_keep_their_ends);
	tcase_add_test(tc, memory_limits_are_bytes_or_max);
	tcase_add_test(tc, swap_is_what_is_beyond_memory);
	tcase_add_test(tc, unlimited_memory_takes_the_swap_with_it);
	tcase_add_test(tc, swap_without_or_below_memory_is_refused);
	tcase_add_test(tc, a_limit_can_be_checked_against_the_usage);
	tcase_add_test(tc, quota_and_period_are_one_line);
	tcase_add_test(tc, a_burst_is_never_above_the_quota_on_the_way);
	tcase_add_test(tc, who_gets_only_idle_time_has_no_weight);
	tcase_add_test(tc, cpusets_are_taken_as_they_are);
	tcase_add_test(tc, a_pids_limit_lets_the_first_process_start);
	tcase_add_test(tc, block_weights_know_both_schedulers);
	tcase_add_test(tc, throttles_are_a_line_each);
	tcase_add_test(tc, a_device_may_say_where_it_stands);
	tcase_add_test(tc, huge_pages_and_their_reservations_are_limited);
	tcase_add_test(tc, rdma_names_what_is_limited);
	tcase_add_test(tc, unified_keys_come_last_and_a_line_each);
	tcase_add_test(tc, unified_keys_that_are_no_limits_are_refused);
	tcase_add_test(tc, what_version_2_lacks_is_refused_by_name);
	suite_add_tcase(s, tc);
	return s;
}
