/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits that a kernel enforces: who exceeds them is killed, refused, or waits, and it is counted.
 * Runs in virtual machines alone, see vm_fixture.h. Where time is looked at, it is the kernel's own
 * count of it, or a lower bound: a machine under load takes longer.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroup_fixture.h"
#include "cgroups/files.h"
#include "vm_fixture.h"

START_TEST(every_controller_that_is_promised_is_delegated)
{
	static const char *const promised[] = { "cpu", "io", "memory", "pids", "cpuset" };

	for (size_t i = 0; i < (vm_is_full() ? 5 : 4); i++)
		ck_assert_msg(ct_cgroup_has_word(real_place.controllers, promised[i],
						 strlen(promised[i])),
			      "no %s in \"%s\"", promised[i], real_place.controllers);
}
END_TEST

/* ---- memory ---- */

START_TEST(too_much_memory_kills_the_payload_and_not_the_monitor)
{
	struct ct_cgroup_resources r = { .memory = 16 * MIB, .swap = 16 * MIB };
	struct ct_cgroup_events events;
	pid_t monitor;

	vm_make(&r);
	monitor = vm_child(real_cgroup.monitor, vm_touch, 48 * MIB);
	real_reap(vm_child(real_cgroup.container, vm_touch, 48 * MIB), SIGKILL);
	ck_assert_int_eq(vm_exit_status(monitor), 0);
	ck_assert_int_eq(ct_cgroup_events(real_cgroup.container, &events, &real_err), 0);
	ck_assert_uint_eq(events.oom_kill, 1);
	ck_assert_uint_ge(events.oom, 1);
	ck_assert_uint_ge(events.memory_max, 1);
	ck_assert(!events.populated);
}
END_TEST

START_TEST(what_stays_below_the_limit_lives)
{
	struct ct_cgroup_resources r = { .memory = 32 * MIB };
	struct ct_cgroup_events events;

	vm_make(&r);
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.container, vm_touch, 8 * MIB)), 0);
	ck_assert_int_eq(ct_cgroup_events(real_cgroup.container, &events, &real_err), 0);
	ck_assert_uint_eq(events.oom_kill, 0);
}
END_TEST

/* Whoever below was killed: the container made a cgroup of its own and something in it was. */
START_TEST(a_kill_further_down_counts)
{
	struct ct_cgroup_resources r = { .memory = 16 * MIB, .swap = 16 * MIB };
	struct ct_cgroup_events events;
	int ct_autofd inner = -1;

	vm_make(&r);
	ck_assert_int_eq(mkdirat(real_cgroup.container, "inner", 0755), 0);
	ck_assert_int_eq(ct_cgroup_write(real_cgroup.container, "cgroup.subtree_control", "+memory"), 0);
	inner = ct_cgroup_open_below(real_cgroup.container, "inner");
	ck_assert_int_ge(inner, 0);
	real_reap(vm_child(inner, vm_touch, 48 * MIB), SIGKILL);
	ck_assert_int_eq(ct_cgroup_events(real_cgroup.container, &events, &real_err), 0);
	ck_assert_uint_eq(events.oom_kill, 1);
	ct_drop_fd(&inner);
}
END_TEST

START_TEST(a_limit_below_what_is_used_is_refused_when_asked_to_look)
{
	struct ct_cgroup_resources r = { .memory = 64 * MIB };
	pid_t child;

	vm_make(&r);
	child = vm_child(real_cgroup.container, vm_hold, 24 * MIB);
	while (vm_stats().memory < 24 * MIB)
		usleep(10000);
	r.memory = 8 * MIB;
	r.check_before_update = true;
	ck_assert_int_eq(vm_apply(&r), -EBUSY);
	ck_assert_ptr_nonnull(strstr(real_err.what, "bytes are less than the"));
	ck_assert_str_eq(vm_file("memory.max"), "67108864");
	ck_assert_int_eq(waitpid(child, NULL, WNOHANG), 0);
	/* without being asked the kernel does it */
	r.check_before_update = false;
	r.swap = 8 * MIB;
	ck_assert_int_eq(vm_apply(&r), 0);
	real_reap(child, SIGKILL);
	ck_assert_uint_eq(vm_stats().events.oom_kill, 1);
}
END_TEST

/* ---- processes ---- */

/* How many children there may be beside us, up to a number. */
static int fork_away(long most)
{
	int count = 0;

	while (count < most) {
		pid_t pid = fork();

		if (pid < 0)
			return errno == EAGAIN ? count : 100;
		if (pid == 0) {
			for (;;)
				pause();
		}
		count++;
	}
	return count;
}

START_TEST(too_many_processes_are_refused_and_counted)
{
	struct ct_cgroup_resources r = { .has_pids = true, .pids = 6 };

	vm_make(&r);
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.container, fork_away, 50)), 5);
	ck_assert_uint_eq(vm_stats().pids, 5);
	ck_assert_uint_eq(vm_stats().pids_limit, 6);
	ck_assert_uint_ge(vm_stats().events.pids_max, 1);
	/* by the kernel's rules who is born into a cgroup is counted where its parent is */
	r.pids = 40;
	ck_assert_int_eq(vm_apply(&r), 0);
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.container, fork_away, 10)), 10);
	ck_assert_int_eq(ct_cgroup_kill(real_cgroup.container, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_wait_empty(real_cgroup.container, PATIENCE, &real_err), 0);
}
END_TEST

/* ---- processors ---- */

/* In periods of the kernel's own, in which it looks: who waits for the host has not used more. */
static void measure_share(uint64_t quota)
{
	struct ct_cgroup_stats before = vm_stats(), now = before;
	uint64_t used, allowed;

	while (now.periods < before.periods + 30) {
		usleep(50000);
		now = vm_stats();
	}
	used = now.cpu_usage - before.cpu_usage;
	allowed = (now.periods - before.periods) * quota;
	ck_assert_msg(used >= allowed * 8 / 10 && used <= allowed * 12 / 10,
		      "%lu of %lu microseconds", (unsigned long)used, (unsigned long)allowed);
	ck_assert_uint_gt(now.throttled_periods, before.throttled_periods);
	ck_assert_uint_gt(now.throttled, before.throttled);
}

START_TEST(a_quota_of_processor_time_is_kept_within_a_fifth)
{
	struct ct_cgroup_resources r = { .quota = 20000, .period = 100000 };
	pid_t child;

	vm_make(&r);
	child = vm_child(real_cgroup.container, vm_spin, 0);
	measure_share(20000);
	r.quota = 40000;
	ck_assert_int_eq(vm_apply(&r), 0);
	measure_share(40000);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

static int only_on_the_first(long unused)
{
	cpu_set_t set;

	(void)unused;
	if (sched_getaffinity(0, sizeof(set), &set) < 0)
		return 100;
	return CPU_COUNT(&set) == 1 && CPU_ISSET(0, &set) ? 0 : 1;
}

START_TEST(a_set_of_processors_confines)
{
	struct ct_cgroup_resources r = { .cpus = "0", .mems = "0" };

	ck_assert_int_ge(sysconf(_SC_NPROCESSORS_ONLN), 2);
	ck_assert_int_eq(only_on_the_first(0), 1);
	vm_make(&r);
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.container, only_on_the_first, 0)), 0);
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.monitor, only_on_the_first, 0)), 1);
}
END_TEST

/* ---- input and output ---- */

static int read_disk(long bytes)
{
	int fd = open(getenv("CT_DISK"), O_RDONLY | O_DIRECT | O_CLOEXEC);
	static char block[65536] __attribute__((aligned(4096)));

	while (fd >= 0 && bytes > 0) {
		if (read(fd, block, sizeof(block)) != (ssize_t)sizeof(block))
			return 1;
		bytes -= (long)sizeof(block);
	}
	return fd < 0 ? 2 : 0;
}

START_TEST(a_device_is_read_no_faster_than_allowed)
{
	struct ct_cgroup_device_value limit = { .value = MIB };
	struct ct_cgroup_resources r = { .read_bps = { .items = &limit, .count = 1 } };
	struct ct_cgroup_stats stats;
	struct stat st;
	uint64_t begin;

	ck_assert_int_eq(stat(getenv("CT_DISK"), &st), 0);
	limit.major = major(st.st_rdev);
	limit.minor = minor(st.st_rdev);
	vm_make(&r);
	ck_assert_ptr_nonnull(strstr(vm_file("io.max"), "rbps=1048576"));
	begin = ct_now_monotonic();
	ck_assert_int_eq(vm_exit_status(vm_child(real_cgroup.container, read_disk, 3 * MIB)), 0);
	/* three seconds, less what may come at once in the beginning */
	ck_assert_uint_ge((ct_now_monotonic() - begin) / 1000000, 2000);
	stats = vm_stats();
	ck_assert(stats.has_io);
	ck_assert_uint_eq(stats.read_bytes, 3 * MIB);
	ck_assert_uint_ge(stats.reads, 1);
	ck_assert_uint_eq(stats.write_bytes, 0);
}
END_TEST

/* ---- the suite ---- */

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, every_controller_that_is_promised_is_delegated);
	tcase_add_test(tc, too_much_memory_kills_the_payload_and_not_the_monitor);
	tcase_add_test(tc, what_stays_below_the_limit_lives);
	tcase_add_test(tc, a_kill_further_down_counts);
	tcase_add_test(tc, a_limit_below_what_is_used_is_refused_when_asked_to_look);
	tcase_add_test(tc, too_many_processes_are_refused_and_counted);
	tcase_add_test(tc, a_quota_of_processor_time_is_kept_within_a_fifth);
	if (vm_is_full())
		tcase_add_test(tc, a_set_of_processors_confines);
	tcase_add_test(tc, a_device_is_read_no_faster_than_allowed);
}

Suite *suite_vm_limits(void)
{
	return real_suite("vm_limits", add_tests);
}
