/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources of the plan: the settings that a start writes, the places that its errors will name,
 * what is best effort, and what --cgroups makes of all that.
 */
#include <errno.h>
#include <string.h>

#include <check.h>

#include "container/plan.h"
#include "container/run_parts.h"

#include "run_fixture.h"

Suite *suite_plan_resources(void);

static struct planning planning;

/* Plan what was prepared, as a start does. */
static int plan(void)
{
	planning = (struct planning){ .arena = &run_arena, .spec = run_spec, .meta = &run_meta };
	return ct_plan_resources(&planning, &run_err);
}

static void plan_ok(void)
{
	ck_assert_int_eq(plan(), 0);
}

static void plan_bad(int code, const char *text)
{
	ck_assert_int_eq(plan(), -code);
	ck_err(&run_err, code, text);
}

static const struct ct_cgroup_setting *setting(const char *file)
{
	for (size_t i = 0; i < planning.settings->count; i++)
		if (!strcmp(planning.settings->items[i].file, file))
			return &planning.settings->items[i];
	return NULL;
}

static const char *where(const char *file)
{
	ck_assert_ptr_nonnull(setting(file));
	return setting(file)->where;
}

static void resources(const char *text)
{
	run_bundle("", ct_arena_printf(&run_arena, ",\n\"resources\": {\n%s } ", text));
}

START_TEST(nothing_asked_is_a_limit_of_processes_where_it_can_be_had)
{
	run_ok(&run_alice);
	plan_ok();
	ck_assert_uint_eq(planning.settings->count, 1);
	ck_assert_str_eq(setting("pids.max")->value, "2048");
	ck_assert(setting("pids.max")->best_effort);
	ck_assert_uint_eq(planning.warnings.count, 0);
	ck_assert(!run_spec->linux_.resources.has_pids);
	/* who watches it himself says himself what is limited */
	run_meta.unmonitored = true;
	plan_ok();
	ck_assert_uint_eq(planning.settings->count, 0);
}
END_TEST

START_TEST(a_limit_of_the_bundle_is_named_by_line_and_column)
{
	resources("\"memory\": {\n\"limit\": 67108864 },\n\"unified\": { \"cpu.weight.nice\": \"3\" },\n"
		  "\"hugepageLimits\": [ { \"pageSize\": \"2MB\", \"limit\": 1 } ],\n"
		  "\"rdma\": { \"r0\": { \"hcaObjects\": 1 } }");
	run_ok(NULL);
	plan_ok();
	ck_assert_str_eq(where("memory.max"), "config.json:9:10: linux.resources.memory.limit");
	ck_assert_str_eq(where("cpu.weight.nice"),
			 "config.json:10:33: linux.resources.unified[\"cpu.weight.nice\"]");
	ck_assert_str_eq(where("hugetlb.2MB.max"),
			 "config.json:11:21: linux.resources.hugepageLimits[0]");
	ck_assert_str_eq(where("rdma.max"), "config.json:12:17: linux.resources.rdma[\"r0\"]");
	ck_assert(!setting("memory.max")->best_effort);
	ck_assert(!setting("hugetlb.2MB.max")->best_effort);
}
END_TEST

START_TEST(a_limit_of_an_option_is_named_by_the_option)
{
	resources("\"memory\": {\n\"limit\": 67108864 },\n\"pids\": { \"limit\": 5 }");
	run_options.resources.memory = "1g";
	run_options.resources.cpus = "1";
	run_add(&run_options.resources.cgroup_conf, "memory.high=5m");
	run_ok(NULL);
	plan_ok();
	ck_assert_str_eq(where("memory.max"), "--memory");
	ck_assert_str_eq(where("cpu.max"), "--cpus");
	ck_assert_str_eq(where("memory.high"), "--cgroup-conf memory.high");
	ck_assert_str_eq(where("pids.max"), "config.json:10:20: linux.resources.pids.limit");
}
END_TEST

START_TEST(without_a_source_the_property_is_the_place)
{
	run_ok(&run_alice);
	run_spec->linux_.resources.weight = 10;
	plan_ok();
	ck_assert_str_eq(where("io.bfq.weight"), "linux.resources.blockIO.weight");
}
END_TEST

START_TEST(what_only_takes_a_limit_away_is_best_effort)
{
	resources("\"memory\": { \"limit\": -1, \"swap\": -1, \"reservation\": -1 },"
		  "\"cpu\": { \"quota\": -1, \"period\": 5000, \"burst\": 0, \"idle\": 0 },"
		  "\"pids\": { \"limit\": -1 }, \"blockIO\": { \"throttleReadBpsDevice\":"
		  "[ { \"major\": 8, \"minor\": 0, \"rate\": 0 } ] }");
	run_ok(NULL);
	plan_ok();
	ck_assert_uint_eq(planning.settings->count, 8);
	for (size_t i = 0; i < planning.settings->count; i++)
		ck_assert_msg(planning.settings->items[i].best_effort, "%s",
			      planning.settings->items[i].file);
}
END_TEST

START_TEST(what_is_given_by_the_name_of_its_file_is_meant)
{
	resources("\"unified\": { \"memory.max\": \"max\", \"cpu.idle\": \"0\" }");
	run_ok(NULL);
	plan_ok();
	ck_assert(!setting("memory.max")->best_effort);
	ck_assert(!setting("cpu.idle")->best_effort);
}
END_TEST

START_TEST(a_burst_that_is_asked_for_is_no_best_effort)
{
	const struct ct_cgroup_settings *all;

	resources("\"cpu\": { \"quota\": 5000, \"burst\": 1000 }");
	run_ok(NULL);
	plan_ok();
	all = planning.settings;
	ck_assert_str_eq(all->items[all->count - 2].value, "1000");
	ck_assert(!all->items[all->count - 2].best_effort);
}
END_TEST

START_TEST(what_version_2_cannot_do_is_refused_where_it_stands)
{
	resources("\"memory\": {\n\"limit\": 67108864,\n\"swappiness\": 60 }");
	ck_assert_int_eq(ct_run_prepare_for(&run_options, NULL, &run_arena, &run_spec, &run_meta,
					    &run_err), -ENOTSUP);
	ck_err(&run_err, ENOTSUP, "config.json:10:15: linux.resources.memory.swappiness: has no "
	       "equivalent in cgroup v2 (leave it out, or go without it by --cgroups=best-effort)");
}
END_TEST

/* One warning each, and what can be had stays. */
START_TEST(best_effort_leaves_out_what_cannot_be_and_says_so)
{
	resources("\"memory\": { \"limit\": 67108864, \"kernel\": 1, \"kernelTCP\": 1,\n"
		  "\"disableOOMKiller\": true },\n\"cpu\": { \"realtimeRuntime\": 1, \"realtimePeriod\""
		  ": 1 },\n\"blockIO\": { \"leafWeight\": 10, \"weight\": 10, \"weightDevice\": [\n"
		  "{ \"major\": 1, \"minor\": 1, \"leafWeight\": 10 } ] },\n\"network\": { \"classID\": 1 }");
	run_options.resources.memory_swappiness = "3";
	run_options.cgroups = "best-effort";
	run_ok(NULL);
	plan_ok();
	ck_assert_uint_eq(planning.warnings.count, 9);
	ck_assert_str_eq(planning.warnings.items[0], "config.json:13:12: linux.resources.network: has "
			 "no equivalent in cgroup v2 (the container goes without)");
	ck_assert_str_eq(planning.warnings.items[1], "--memory-swappiness: has no equivalent in "
			 "cgroup v2 (the container goes without)");
	ck_assert_uint_eq(planning.settings->count, 3);
	ck_assert_str_eq(setting("memory.max")->value, "67108864");
	ck_assert_str_eq(setting("io.bfq.weight")->value, "10");
}
END_TEST

START_TEST(best_effort_forgives_no_mistakes)
{
	run_ok(&run_alice);
	run_meta.cgroups = "best-effort";
	run_spec->linux_.resources.swap = 5;
	plan_bad(EINVAL, "linux.resources.memory.swap: is memory and swap together, so it needs a "
		 "memory limit");
}
END_TEST

START_TEST(without_a_cgroup_there_are_no_settings)
{
	run_ok(&run_alice);
	run_meta.cgroups = "disabled";
	plan_ok();
	ck_assert_uint_eq(planning.settings->count, 0);
	run_spec->linux_.resources.memory = 7000000;
	plan_bad(EINVAL, "linux.resources.memory.limit: there are no limits without a cgroup (leave "
		 "out --cgroups=disabled, or the limit)");
}
END_TEST

/* As it comes back from the record of a container whose --memory implied a limit of swap. */
START_TEST(swap_that_nobody_asked_for_is_best_effort)
{
	run_ok(&run_alice);
	run_spec->linux_.resources.memory = 7000000;
	run_spec->linux_.resources.swap = 14000000;
	plan_ok();
	ck_assert(!setting("memory.swap.max")->best_effort);
	run_spec->linux_.resources.swap_by_default = true;
	plan_ok();
	ck_assert(setting("memory.swap.max")->best_effort);
	ck_assert(!setting("memory.max")->best_effort);
}
END_TEST

Suite *suite_plan_resources(void)
{
	Suite *s = suite_create("plan_resources");
	TCase *tc = tcase_create("resources");

	tcase_add_checked_fixture(tc, run_setup, run_teardown);
	tcase_add_test(tc, nothing_asked_is_a_limit_of_processes_where_it_can_be_had);
	tcase_add_test(tc, a_limit_of_the_bundle_is_named_by_line_and_column);
	tcase_add_test(tc, a_limit_of_an_option_is_named_by_the_option);
	tcase_add_test(tc, without_a_source_the_property_is_the_place);
	tcase_add_test(tc, what_only_takes_a_limit_away_is_best_effort);
	tcase_add_test(tc, what_is_given_by_the_name_of_its_file_is_meant);
	tcase_add_test(tc, a_burst_that_is_asked_for_is_no_best_effort);
	tcase_add_test(tc, what_version_2_cannot_do_is_refused_where_it_stands);
	tcase_add_test(tc, best_effort_leaves_out_what_cannot_be_and_says_so);
	tcase_add_test(tc, best_effort_forgives_no_mistakes);
	tcase_add_test(tc, without_a_cgroup_there_are_no_settings);
	tcase_add_test(tc, swap_that_nobody_asked_for_is_best_effort);
	suite_add_tcase(s, tc);
	return s;
}
