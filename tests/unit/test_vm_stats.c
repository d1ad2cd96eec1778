/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is asked for stands in the kernel's files, and what the library reads is what stands there.
 * Runs in virtual machines alone, see vm_fixture.h.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "cgroup_fixture.h"
#include "cgroups/files.h"
#include "vm_fixture.h"

static uint64_t number_of(const char *file)
{
	return strtoull(vm_file(file), NULL, 10);
}

static uint64_t key_of(const char *file, const char *key)
{
	uint64_t value = 0;

	ck_assert_msg(ct_cgroup_find_key(vm_file(file), key, &value), "no %s in %s", key, file);
	return value;
}

/* ---- what is asked for ---- */

START_TEST(what_is_asked_for_stands_in_the_files)
{
	struct ct_cgroup_resources r = {
		.memory = 64 * MIB, .reservation = 32 * MIB, .shares = 1024,
		.quota = 50000, .period = 200000, .has_pids = true, .pids = 99,
	};

	vm_make(&r);
	ck_assert_str_eq(vm_file("memory.max"), "67108864");
	ck_assert_str_eq(vm_file("memory.low"), "33554432");
	ck_assert_str_eq(vm_file("cpu.weight"), "100");
	ck_assert_str_eq(vm_file("cpu.max"), "50000 200000");
	ck_assert_str_eq(vm_file("pids.max"), "99");
	/* without limits again */
	r = (struct ct_cgroup_resources){ .memory = -1, .quota = -1, .has_pids = true, .pids = -1 };
	ck_assert_int_eq(vm_apply(&r), 0);
	ck_assert_str_eq(vm_file("memory.max"), "max");
	ck_assert_ptr_eq(strstr(vm_file("cpu.max"), "max "), vm_file("cpu.max"));
	ck_assert_str_eq(vm_file("pids.max"), "max");
}
END_TEST

START_TEST(weights_of_devices_and_bursts_are_set_where_the_kernel_has_them)
{
	struct ct_cgroup_resources r = {
		.weight = 500, .quota = 50000, .has_burst = true, .burst = 20000, .cpus = "0-1",
	};

	vm_make(&r);
	ck_assert_str_eq(vm_file("cpu.max.burst"), "20000");
	ck_assert_str_eq(vm_file("cpuset.cpus"), "0-1");
	ck_assert_str_eq(vm_file("io.weight"), "default 4950");
}
END_TEST

START_TEST(pairs_of_files_and_values_are_written_as_they_are)
{
	static const struct ct_cgroup_pair pairs[] = { { "memory.high", "50331648" },
						       { "cpu.idle", "1" } };
	struct ct_cgroup_resources r = { .unified = pairs, .unified_count = 2 };

	vm_make(&r);
	ck_assert_str_eq(vm_file("memory.high"), "50331648");
	ck_assert_str_eq(vm_file("cpu.idle"), "1");
}
END_TEST

/* Where a value is wrong the kernel says so, and where it came from is named. */
START_TEST(a_processor_that_is_not_there_is_an_error_with_its_property)
{
	struct ct_cgroup_resources r = { .cpus = "77" };

	vm_make(&(struct ct_cgroup_resources){ .cpus = "0" });
	ck_assert_int_lt(vm_apply(&r), 0);
	ck_assert_str_eq(real_err.where, "linux.resources.cpu.cpus");
	ck_assert_ptr_nonnull(strstr(real_err.what, "77"));
	ck_assert_str_ne(real_err.hint, "");
}
END_TEST

/* ---- what is read ---- */

START_TEST(memory_and_processes_are_as_the_files_say)
{
	struct ct_cgroup_resources r = { .memory = 64 * MIB, .has_pids = true, .pids = 7 };
	struct ct_cgroup_stats stats;
	pid_t child;

	vm_make(&r);
	child = vm_child(real_cgroup.container, vm_hold, 20 * MIB);
	while (vm_stats().anon < 20 * MIB)
		usleep(10000);
	ck_assert_int_eq(ct_cgroup_freeze(real_cgroup.container, true, PATIENCE, &real_err), 0);
	stats = vm_stats();
	ck_assert(stats.has_memory && stats.has_pids && stats.events.frozen);
	ck_assert_uint_eq(stats.memory, number_of("memory.current"));
	ck_assert_uint_eq(stats.anon, key_of("memory.stat", "anon"));
	ck_assert_uint_eq(stats.file, key_of("memory.stat", "file"));
	ck_assert_uint_eq(stats.inactive_file, key_of("memory.stat", "inactive_file"));
	ck_assert_uint_ge(stats.memory, stats.anon);
	ck_assert_uint_eq(stats.memory_limit, 64 * MIB);
	ck_assert(!vm_is_full() || stats.memory_peak >= stats.memory);
	ck_assert_uint_eq(stats.pids, 1);
	ck_assert_uint_eq(stats.pids_limit, 7);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

START_TEST(processor_time_is_as_the_files_say)
{
	struct ct_cgroup_resources r = { .quota = 30000 };
	struct ct_cgroup_stats stats;
	pid_t child;

	vm_make(&r);
	child = vm_child(real_cgroup.container, vm_spin, 0);
	while (vm_stats().throttled_periods < 3)
		usleep(10000);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
	stats = vm_stats();
	ck_assert(stats.has_cpu);
	ck_assert_uint_eq(stats.cpu_usage, key_of("cpu.stat", "usage_usec"));
	ck_assert_uint_eq(stats.cpu_user, key_of("cpu.stat", "user_usec"));
	ck_assert_uint_eq(stats.cpu_system, key_of("cpu.stat", "system_usec"));
	ck_assert_uint_eq(stats.periods, key_of("cpu.stat", "nr_periods"));
	ck_assert_uint_eq(stats.throttled_periods, key_of("cpu.stat", "nr_throttled"));
	ck_assert_uint_eq(stats.throttled, key_of("cpu.stat", "throttled_usec"));
	ck_assert_uint_ge(stats.cpu_usage, 90000);
}
END_TEST

/* Who has used up a quota waits, and that is pressure. */
START_TEST(pressure_is_read_where_the_kernel_has_it)
{
	struct ct_cgroup_resources r = { .memory = 64 * MIB, .quota = 10000 };
	struct ct_cgroup_stats stats;
	pid_t children[2];

	vm_make(&r);
	ck_assert(!vm_stats().cpu_pressure.present == !vm_is_full());
	for (int i = 0; i < 2; i++)
		children[i] = vm_child(real_cgroup.container, vm_spin, 0);
	do {
		usleep(50000);
		stats = vm_stats();
	} while (vm_is_full() && stats.cpu_pressure.some.total < 100000);
	ck_assert(stats.memory_pressure.present == vm_is_full());
	ck_assert(stats.io_pressure.present == vm_is_full());
	ck_assert_uint_le(stats.cpu_pressure.some.avg10, 10000);
	for (int i = 0; i < 2; i++) {
		kill(children[i], SIGKILL);
		real_reap(children[i], SIGKILL);
	}
}
END_TEST

/* ---- the suite ---- */

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, what_is_asked_for_stands_in_the_files);
	tcase_add_test(tc, pairs_of_files_and_values_are_written_as_they_are);
	if (vm_is_full()) {
		tcase_add_test(tc, weights_of_devices_and_bursts_are_set_where_the_kernel_has_them);
		tcase_add_test(tc, a_processor_that_is_not_there_is_an_error_with_its_property);
	}
	tcase_add_test(tc, memory_and_processes_are_as_the_files_say);
	tcase_add_test(tc, processor_time_is_as_the_files_say);
	tcase_add_test(tc, pressure_is_read_where_the_kernel_has_it);
}

Suite *suite_vm_stats(void)
{
	return real_suite("vm_stats", add_tests);
}
