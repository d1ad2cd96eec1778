/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings changed all or none, in a plain directory that stands for a container's cgroup. Its files
 * are what the kernel's are, but that a shorter value leaves the end of a longer one: so values here
 * are of one length. Any user.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include <check.h>

#include "cgroups/files.h"
#include "fixture.h"

static struct ct_err err;
static struct ct_arena arena;
static struct ct_cgroup_settings settings, before;

static void setup(void)
{
	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	settings = before = (struct ct_cgroup_settings){ .count = 0 };
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

#define ADD(...)                                                                                 \
	ck_assert_int_eq(ct_cgroup_setting_add(&arena, &settings,                                \
					       &(struct ct_cgroup_setting){ __VA_ARGS__ }, &err), 0)

static int change(void)
{
	struct ct_cgroup cgroup = CT_CGROUP_INIT;

	cgroup.container = fixture_dir();
	return ct_cgroup_change(&arena, &cgroup, &settings, &before, &err);
}

static void holds(const char *file, const char *text)
{
	char buf[256];

	ck_assert_int_ge(ct_cgroup_read(fixture_dir(), file, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, text);
}

static void brings_back(const char *file, const char *value)
{
	ck_assert_uint_eq(before.count, 1);
	ck_assert_str_eq(before.items[0].file, file);
	ck_assert_str_eq(before.items[0].value, value);
}

START_TEST(all_values_are_written_and_can_be_taken_back)
{
	fixture_file("memory.max", "1000");
	fixture_file("pids.max", "10");
	ADD(.file = "memory.max", .value = "2000");
	ADD(.file = "pids.max", .value = "20");
	ck_assert_int_eq(change(), 0);
	holds("memory.max", "2000");
	holds("pids.max", "20");
	ct_cgroup_restore(fixture_dir(), &before);
	holds("memory.max", "1000");
	holds("pids.max", "10");
}
END_TEST

START_TEST(one_that_is_refused_takes_the_others_back)
{
	fixture_file("memory.max", "1000");
	fixture_file("cgroup.controllers", "memory\n");
	ADD(.file = "memory.max", .value = "2000", .where = "--memory");
	ADD(.file = "pids.max", .value = "20", .where = "--pids-limit");
	ck_assert_int_eq(change(), -ENOTSUP);
	ck_assert_str_eq(err.where, "--pids-limit");
	holds("memory.max", "1000");
}
END_TEST

START_TEST(the_file_that_is_written_is_the_one_that_is_kept)
{
	fixture_file("io.weight", "default 100\n8:0 50\n");
	ADD(.file = "io.bfq.weight", .value = "300", .instead = "io.weight",
	    .instead_value = "default 300");
	ck_assert_int_eq(change(), 0);
	brings_back("io.weight", "default 100");
}
END_TEST

static const struct {
	const char *file, *text, *value, *back;
} lines[] = {
	{ "io.max", "8:0 rbps=1 wbps=max riops=max wiops=max\n8:16 rbps=2 wbps=max riops=max wiops=max\n",
	  "8:16 rbps=3", "8:16 rbps=2 wbps=max riops=max wiops=max" },
	{ "io.max", "8:16 rbps=2 wbps=max riops=max wiops=max\n", "8:1 rbps=3",
	  "8:1 rbps=max wbps=max riops=max wiops=max" },
	{ "io.max", "", "8:0 wiops=5", "8:0 rbps=max wbps=max riops=max wiops=max" },
	{ "io.weight", "default 100\n8:0 50\n", "200", "default 100" },
	{ "io.weight", "default 100\n8:0 50\n", "default 200", "default 100" },
	{ "io.weight", "default 100\n8:0 50\n", "8:0 70", "8:0 50" },
	{ "io.weight", "default 100\n8:0 50\n", "8:16 70", "8:16 default" },
	{ "cpu.max", "max 100000\n", "5000 10000", "max 100000" },
	{ "cpuset.cpus", "", "0", "\n" },
	{ "cpuset.cpus", "0-1\n", "0", "0-1" },
};

START_TEST(what_brings_back_a_value_is_what_the_kernel_takes)
{
	fixture_file(lines[_i].file, lines[_i].text);
	ADD(.file = lines[_i].file, .value = lines[_i].value);
	ck_assert_int_eq(change(), 0);
	brings_back(lines[_i].file, lines[_i].back);
}
END_TEST

START_TEST(freezing_is_what_was_asked_for)
{
	ck_assert(!ct_cgroup_is_freezing(fixture_dir()));
	fixture_file("cgroup.freeze", "0\n");
	ck_assert(!ct_cgroup_is_freezing(fixture_dir()));
	fixture_file("cgroup.freeze", "1\n");
	ck_assert(ct_cgroup_is_freezing(fixture_dir()));
}
END_TEST

Suite *suite_cgroup_change(void)
{
	Suite *suite = suite_create("cgroup_change");
	TCase *tc = tcase_create("cgroup_change");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, all_values_are_written_and_can_be_taken_back);
	tcase_add_test(tc, one_that_is_refused_takes_the_others_back);
	tcase_add_test(tc, the_file_that_is_written_is_the_one_that_is_kept);
	tcase_add_loop_test(tc, what_brings_back_a_value_is_what_the_kernel_takes, 0,
			    (int)(sizeof(lines) / sizeof(lines[0])));
	tcase_add_test(tc, freezing_is_what_was_asked_for);
	suite_add_tcase(suite, tc);
	return suite;
}
