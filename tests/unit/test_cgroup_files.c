/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings written and numbers read, in a plain directory that stands for a container's cgroup: its
 * files have what the kernel writes, or take what would be written.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "cgroups/controllers.h"
#include "cgroups/files.h"
#include "fixture.h"

static struct ct_err err;

/* Apply one setting. */
static int apply(const struct ct_cgroup_setting *setting)
{
	struct ct_cgroup_setting item = *setting;
	struct ct_cgroup_settings settings = { .items = &item, .count = 1 };

	return ct_cgroup_apply(fixture_dir(), &settings, &err);
}

#define APPLY(...) apply(&(struct ct_cgroup_setting){ __VA_ARGS__ })

static void holds(const char *file, const char *text)
{
	char buf[256];

	ck_assert_int_ge(ct_cgroup_read(fixture_dir(), file, buf, sizeof(buf)), 0);
	ck_assert_str_eq(buf, text);
}

/* ---- settings ---- */

START_TEST(a_value_is_written_as_it_is)
{
	fixture_file("memory.max", "");
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "max"), 0);
	holds("memory.max", "max");
}
END_TEST

START_TEST(where_the_first_file_is_missing_the_other_is_written)
{
	fixture_file("io.weight", "");
	ck_assert_int_eq(APPLY(.file = "io.bfq.weight", .value = "10", .instead = "io.weight",
			       .instead_value = "1"), 0);
	holds("io.weight", "1");
	fixture_file("io.bfq.weight", "");
	ck_assert_int_eq(APPLY(.file = "io.bfq.weight", .value = "10", .instead = "io.weight",
			       .instead_value = "2"), 0);
	holds("io.bfq.weight", "10");
	holds("io.weight", "1");
}
END_TEST

START_TEST(a_controller_that_is_not_there_is_named)
{
	fixture_file("cgroup.controllers", "cpu pids\n");
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "1", .where = "--memory"), -ENOTSUP);
	ck_err(&err, ENOTSUP, "--memory: the controller \"memory\" is not enabled for the container "
	       "(cattach info says which ones are delegated to you)");
}
END_TEST

START_TEST(a_file_that_its_controller_lacks_is_named)
{
	fixture_file("cgroup.controllers", "memory\n");
	ck_assert_int_eq(APPLY(.file = "memory.swap.max", .value = "1", .where = "--memory-swap"),
			 -ENOTSUP);
	ck_err(&err, ENOTSUP, "--memory-swap: the kernel has no memory.swap.max (boot with "
	       "swapaccount=1, or a kernel with CONFIG_SWAP)");
}
END_TEST

START_TEST(what_nobody_asked_for_may_fail)
{
	ck_assert_int_eq(APPLY(.file = "pids.max", .value = "2048", .best_effort = true), 0);
}
END_TEST

START_TEST(a_file_is_one_name_and_no_link)
{
	fixture_file("secret", "kept");
	ck_assert_int_eq(symlinkat("secret", fixture_dir(), "memory.max"), 0);
	ck_assert_int_lt(APPLY(.file = "memory.max", .value = "x"), 0);
	ck_assert_int_eq(ct_cgroup_write(fixture_dir(), "./secret", "x"), -EINVAL);
	ck_assert_int_eq(ct_cgroup_write(fixture_dir(), "", "x"), -EINVAL);
	ck_assert_int_eq(ct_cgroup_write(fixture_dir(), "..", "x"), -EINVAL);
	holds("secret", "kept");
}
END_TEST

START_TEST(a_limit_below_the_usage_is_refused_where_that_was_asked)
{
	fixture_file("memory.current", "5000\n");
	fixture_file("memory.max", "");
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "4999", .above_usage = true), -EBUSY);
	ck_err(&err, EBUSY, "4999 bytes are less than the 5000 in use (leave checkBeforeUpdate out to "
	       "have the kernel reclaim or kill)");
	holds("memory.max", "");
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "5000", .above_usage = true), 0);
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "max ", .above_usage = true), 0);
	ck_assert_int_eq(APPLY(.file = "memory.max", .value = "1   ", .above_usage = false), 0);
}
END_TEST

START_TEST(what_the_kernel_refuses_stands_in_the_error)
{
	/* a directory of that name takes no value at all */
	ck_assert_int_eq(mkdirat(fixture_dir(), "cpuset.cpus", 0755), 0);
	ck_assert_int_eq(APPLY(.file = "cpuset.cpus", .value = "99", .where = "--cpuset-cpus"), -EISDIR);
	ck_err(&err, EISDIR, "--cpuset-cpus: the kernel refuses \"99\" for cpuset.cpus: Is a directory "
	       "(cpuset.cpus.effective and cpuset.mems.effective of your cgroup list what there is)");
}
END_TEST

/* ---- controllers ---- */

START_TEST(the_controller_of_a_file_is_its_first_word)
{
	ck_assert_uint_eq(ct_cgroup_controller_length("memory.swap.max"), 6);
	ck_assert_uint_eq(ct_cgroup_controller_length("io.bfq.weight"), 2);
	ck_assert_uint_eq(ct_cgroup_controller_length("cgroup.max.depth"), 0);
	ck_assert_uint_eq(ct_cgroup_controller_length("hugetlb.2MB.max"), 7);
}
END_TEST

START_TEST(words_are_found_whole)
{
	ck_assert(ct_cgroup_has_word("cpuset cpu io\n", "cpu", 3));
	ck_assert(ct_cgroup_has_word("cpuset cpu io\n", "io.max", 2));
	ck_assert(!ct_cgroup_has_word("cpuset io", "cpu", 3));
	ck_assert(!ct_cgroup_has_word("", "cpu", 3));
	ck_assert(!ct_cgroup_has_word("cpu", "", 0));
}
END_TEST

START_TEST(a_controller_is_enabled_once)
{
	fixture_file("cgroup.controllers", "cpu memory\n");
	fixture_file("cgroup.subtree_control", "");
	ck_assert_int_eq(ct_cgroup_enable(fixture_dir(), "memory.max", 6, NULL), 0);
	holds("cgroup.subtree_control", "+memory");
	fixture_file("cgroup.subtree_control", "cpu\n");
	ck_assert_int_eq(ct_cgroup_enable(fixture_dir(), "cpu", 3, NULL), 0);
	holds("cgroup.subtree_control", "cpu");
	ck_assert_int_eq(ct_cgroup_enable(fixture_dir(), "pids", 4, NULL), -ENOENT);
}
END_TEST

START_TEST(a_controller_that_is_not_delegated_is_an_error_with_a_fix)
{
	fixture_file("cgroup.controllers", "cpu pids\n");
	ck_assert_int_eq(ct_cgroup_fail_controller(&err, ENOENT, fixture_dir(), "memory.max", 6,
						   "/me"), -ENOTSUP);
	ck_assert_str_eq(err.what, "the controller \"memory\" is not delegated to you: cgroup /me has "
			 "cpu pids");
	ck_assert_str_ne(err.hint, "");
	ct_cgroup_fail_controller(&err, EBUSY, fixture_dir(), "memory", 6, "/me");
	ck_err(&err, EBUSY, "the controller \"memory\" cannot be enabled: cgroup /me has processes of "
	       "its own (start cattach in a child of it, or give another --cgroup-parent)");
}
END_TEST

/* ---- what is read ---- */

START_TEST(numbers_are_read_strictly)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t value;
	} rows[] = {
		{ "0\n", 0, 0 }, { "max\n", 0, CT_CGROUP_MAX }, { "max", 0, CT_CGROUP_MAX },
		{ "18446744073709551615\n", 0, UINT64_MAX }, { "18446744073709551616\n", -EIO, 0 },
		{ "", -EIO, 0 }, { "-1\n", -EIO, 0 }, { "1x\n", -EIO, 0 }, { "maximum\n", -EIO, 0 },
		{ "99999999999999999999999999999\n", -EIO, 0 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 0;

		fixture_file("number", rows[i].text);
		ck_assert_int_eq(ct_cgroup_read_number(fixture_dir(), "number", &value), rows[i].ret);
		ck_assert(value == rows[i].value);
	}
}
END_TEST

START_TEST(pids_are_read_across_blocks)
{
	struct ct_cgroup_pids pids;
	char text[16384] = "";
	size_t used = 0;

	for (int pid = 1; pid <= 2000; pid++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%d\n", pid);
	snprintf(text + used, sizeof(text) - used, "0\n4294967296\n");
	fixture_file("cgroup.procs", text);
	ck_assert_int_eq(ct_cgroup_pids_open(fixture_dir(), &pids), 0);
	for (int pid = 1; pid <= 2000; pid++)
		ck_quick(ct_cgroup_pids_next(&pids) == pid);
	/* not in our pid namespace, and no pid at all */
	ck_assert_int_eq(ct_cgroup_pids_next(&pids), -1);
	ck_assert_int_eq(ct_cgroup_pids_next(&pids), -1);
	ck_assert_int_eq(ct_cgroup_pids_next(&pids), 0);
	close(pids.fd);
}
END_TEST

START_TEST(events_come_from_three_files)
{
	struct ct_cgroup_events events;

	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	fixture_file("memory.events", "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\n"
		     "oom_group_kill 0\n");
	fixture_file("pids.events", "max 7\n");
	ck_assert_int_eq(ct_cgroup_events(fixture_dir(), &events, &err), 0);
	ck_assert(events.populated && !events.frozen);
	ck_assert_uint_eq(events.oom, 3);
	ck_assert_uint_eq(events.oom_kill, 2);
	ck_assert_uint_eq(events.memory_max, 12);
	ck_assert_uint_eq(events.pids_max, 7);
}
END_TEST

START_TEST(without_controllers_nothing_has_happened)
{
	struct ct_cgroup_events events;
	struct ct_cgroup_stats stats;

	fixture_file("cgroup.events", "populated 0\nfrozen 1\n");
	ck_assert_int_eq(ct_cgroup_events(fixture_dir(), &events, &err), 0);
	ck_assert(!events.populated && events.frozen && !events.oom_kill && !events.pids_max);
	ck_assert_int_eq(ct_cgroup_stats(fixture_dir(), &stats, &err), 0);
	ck_assert(!stats.has_memory && !stats.has_cpu && !stats.has_pids && !stats.has_io);
	ck_assert(!stats.memory_pressure.present);
	ck_assert(stats.memory_limit == CT_CGROUP_MAX && stats.pids_limit == CT_CGROUP_MAX);
}
END_TEST

START_TEST(a_cgroup_that_is_gone_is_said_to_be)
{
	struct ct_cgroup_events events;

	ck_assert_int_eq(ct_cgroup_events(fixture_dir(), &events, &err), -ENODEV);
	ck_err(&err, ENODEV, "the cgroup is gone");
}
END_TEST

static void write_stats(void)
{
	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	fixture_file("memory.current", "1000\n");
	fixture_file("memory.max", "max\n");
	fixture_file("memory.peak", "3000\n");
	fixture_file("memory.swap.current", "10\n");
	fixture_file("memory.swap.max", "20\n");
	fixture_file("memory.stat", "anon 1\nfile 2\nkernel 3\nkernel_stack 9\nfile_mapped 8\n"
		     "inactive_anon 7\ninactive_file 4\n");
	fixture_file("cpu.stat", "usage_usec 30\nuser_usec 20\nsystem_usec 10\nnr_periods 5\n"
		     "nr_throttled 4\nthrottled_usec 300\n");
	fixture_file("pids.current", "6\n");
	fixture_file("pids.max", "2048\n");
	fixture_file("io.stat", "8:0 rbytes=100 wbytes=200 rios=1 wios=2 dbytes=9 dios=9\n"
		     "7:0 \n253:1 rbytes=11 wbytes=22 rios=3 wios=4 dbytes=0 dios=0\n");
	fixture_file("memory.pressure", "some avg10=0.37 avg60=12.05 avg300=100.00 total=123456\n"
		     "full avg10=0.00 avg60=0.01 avg300=0.10 total=7\n");
	fixture_file("cpu.pressure", "some avg10=1.00 avg60=2.00 avg300=3.00 total=4\n");
}

START_TEST(memory_and_pids_are_what_the_files_say)
{
	struct ct_cgroup_stats s;

	write_stats();
	ck_assert_int_eq(ct_cgroup_stats(fixture_dir(), &s, &err), 0);
	ck_assert(s.has_memory && s.has_swap && s.has_pids);
	ck_assert(s.memory == 1000 && s.memory_limit == CT_CGROUP_MAX && s.memory_peak == 3000);
	ck_assert(s.swap == 10 && s.swap_limit == 20);
	ck_assert(s.anon == 1 && s.file == 2 && s.kernel == 3 && s.inactive_file == 4);
	ck_assert(s.pids == 6 && s.pids_limit == 2048);
}
END_TEST

START_TEST(cpu_and_io_are_what_the_files_say)
{
	struct ct_cgroup_stats s;

	write_stats();
	ck_assert_int_eq(ct_cgroup_stats(fixture_dir(), &s, &err), 0);
	ck_assert(s.has_cpu && s.cpu_usage == 30 && s.cpu_user == 20 && s.cpu_system == 10);
	ck_assert(s.periods == 5 && s.throttled_periods == 4 && s.throttled == 300);
	ck_assert(s.has_io && s.read_bytes == 111 && s.write_bytes == 222);
	ck_assert(s.reads == 4 && s.writes == 6);
}
END_TEST

START_TEST(pressure_is_in_hundredths)
{
	struct ct_cgroup_stats s;

	write_stats();
	ck_assert_int_eq(ct_cgroup_stats(fixture_dir(), &s, &err), 0);
	ck_assert(s.memory_pressure.present);
	ck_assert_uint_eq(s.memory_pressure.some.avg10, 37);
	ck_assert_uint_eq(s.memory_pressure.some.avg60, 1205);
	ck_assert_uint_eq(s.memory_pressure.some.avg300, 10000);
	ck_assert_uint_eq(s.memory_pressure.some.total, 123456);
	ck_assert_uint_eq(s.memory_pressure.full.avg60, 1);
	ck_assert_uint_eq(s.memory_pressure.full.avg300, 10);
	/* older kernels have no "full" for processors */
	ck_assert(s.cpu_pressure.present && s.cpu_pressure.full.total == 0);
	ck_assert(!s.io_pressure.present);
}
END_TEST

START_TEST(hostile_lines_do_not_overrun)
{
	static char text[70000];
	struct ct_cgroup_stats s;

	write_stats();
	memset(text, '9', sizeof(text) - 1);
	fixture_file("io.stat", text);
	fixture_file("memory.stat", text);
	fixture_file("memory.pressure", text);
	fixture_file("memory.current", text);
	ck_assert_int_eq(ct_cgroup_stats(fixture_dir(), &s, &err), 0);
	ck_assert(!s.has_memory && s.has_io && s.read_bytes == 0 && !s.memory_pressure.present);
}
END_TEST

/* ---- layouts ---- */

/* Directories of those names alone make no version 2: the file system does. */
START_TEST(a_layout_is_told_by_controllers_and_the_file_system)
{
	ck_assert_int_eq(ct_cgroup_layout_of(fixture_dir()), CT_CGROUP_NONE);
	ck_assert_int_eq(mkdirat(fixture_dir(), "unified", 0700), 0);
	ck_assert_int_eq(ct_cgroup_layout_of(fixture_dir()), CT_CGROUP_NONE);
	ck_assert_int_eq(mkdirat(fixture_dir(), "memory", 0700), 0);
	ck_assert_int_eq(ct_cgroup_layout_of(fixture_dir()), CT_CGROUP_V1);
}
END_TEST

Suite *suite_cgroup_files(void)
{
	Suite *s = suite_create("cgroup_files");
	TCase *tc = tcase_create("files");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_value_is_written_as_it_is);
	tcase_add_test(tc, where_the_first_file_is_missing_the_other_is_written);
	tcase_add_test(tc, a_controller_that_is_not_there_is_named);
	tcase_add_test(tc, a_file_that_its_controller_lacks_is_named);
	tcase_add_test(tc, what_nobody_asked_for_may_fail);
	tcase_add_test(tc, a_file_is_one_name_and_no_link);
	tcase_add_test(tc, a_limit_below_the_usage_is_refused_where_that_was_asked);
	tcase_add_test(tc, what_the_kernel_refuses_stands_in_the_error);
	tcase_add_test(tc, the_controller_of_a_file_is_its_first_word);
	tcase_add_test(tc, words_are_found_whole);
	tcase_add_test(tc, a_controller_is_enabled_once);
	tcase_add_test(tc, a_controller_that_is_not_delegated_is_an_error_with_a_fix);
	tcase_add_test(tc, numbers_are_read_strictly);
	tcase_add_test(tc, pids_are_read_across_blocks);
	tcase_add_test(tc, events_come_from_three_files);
	tcase_add_test(tc, without_controllers_nothing_has_happened);
	tcase_add_test(tc, a_cgroup_that_is_gone_is_said_to_be);
	tcase_add_test(tc, memory_and_pids_are_what_the_files_say);
	tcase_add_test(tc, cpu_and_io_are_what_the_files_say);
	tcase_add_test(tc, pressure_is_in_hundredths);
	tcase_add_test(tc, hostile_lines_do_not_overrun);
	tcase_add_test(tc, a_layout_is_told_by_controllers_and_the_file_system);
	suite_add_tcase(s, tc);
	return s;
}
