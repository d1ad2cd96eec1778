/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' cgroups in the kernel's own tree: frozen, killed, removed. See cgroup_fixture.h for
 * where this runs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroup_fixture.h"
#include "cgroups/files.h"
#include "fixture.h"

/* ---- freezing, killing ---- */

START_TEST(frozen_processes_stand_still_until_resumed)
{
	struct ct_cgroup_events events;
	int pipes[2], pidfd = -1;
	char byte;
	pid_t child;

	real_make(0, NULL);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	child = ct_clone(0, real_cgroup.container, SIGCHLD, &pidfd);
	if (child == 0) {
		while (write(pipes[1], "x", 1) == 1)
			;
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	close(pidfd);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(ct_cgroup_freeze(real_cgroup.container, true, PATIENCE, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_events(real_cgroup.container, &events, &real_err), 0);
	ck_assert(events.frozen);
	/* what was written before is all there is */
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	while (read(pipes[0], &byte, 1) == 1)
		;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(ct_cgroup_freeze(real_cgroup.container, false, PATIENCE, &real_err), 0);
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, 0), 0);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
	close(pipes[0]);
	close(pipes[1]);
}
END_TEST

/* A process in the container's cgroup, one below it, and the monitor beside. */
struct family {
	pid_t payload, nested, monitor;
};

static struct family have_family(void)
{
	struct family f;
	int inner;

	real_make(0, NULL);
	ck_assert_int_eq(mkdirat(real_cgroup.container, "inner", 0755), 0);
	inner = ct_cgroup_open_below(real_cgroup.container, "inner");
	ck_assert_int_ge(inner, 0);
	f.payload = real_born(real_cgroup.container);
	f.nested = real_born(inner);
	f.monitor = real_born(real_cgroup.monitor);
	close(inner);
	return f;
}

static void payload_is_gone(const struct family *f)
{
	real_reap(f->payload, SIGKILL);
	real_reap(f->nested, SIGKILL);
	ck_assert_int_eq(ct_cgroup_wait_empty(real_cgroup.container, PATIENCE, &real_err), 0);
	ck_assert(real_is_populated(real_cgroup.monitor));
	ck_assert_int_eq(waitpid(f->monitor, NULL, WNOHANG), 0);
	kill(f->monitor, SIGKILL);
	real_reap(f->monitor, SIGKILL);
}

START_TEST(killing_ends_everything_below_but_not_the_monitor)
{
	struct family f = have_family();

	ck_assert_int_eq(ct_cgroup_kill(real_cgroup.container, &real_err), 0);
	payload_is_gone(&f);
}
END_TEST

START_TEST(what_is_frozen_can_be_killed)
{
	struct family f = have_family();

	ck_assert_int_eq(ct_cgroup_freeze(real_cgroup.container, true, PATIENCE, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_kill(real_cgroup.container, &real_err), 0);
	payload_is_gone(&f);
}
END_TEST

START_TEST(kernels_without_cgroup_kill_do_it_by_signals)
{
	struct family f = have_family();
	char text[16];

	ck_assert_int_eq(ct_cgroup_kill_by_signals(real_cgroup.container), 0);
	payload_is_gone(&f);
	ck_assert_int_gt(ct_cgroup_read(real_cgroup.container, "cgroup.freeze", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "0");
	ck_assert_int_eq(ct_cgroup_freeze(real_cgroup.container, false, PATIENCE, &real_err), 0);
}
END_TEST

START_TEST(killing_nobody_is_no_error)
{
	real_make(0, NULL);
	ck_assert_int_eq(ct_cgroup_kill(real_cgroup.container, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_kill_by_signals(real_cgroup.container), 0);
	ck_assert_int_eq(ct_cgroup_wait_empty(real_cgroup.container, 0, &real_err), 0);
}
END_TEST

/* ---- removing ---- */

START_TEST(removing_takes_deep_trees_and_needs_few_descriptors)
{
	int dir;

	real_make(0, NULL);
	dir = fcntl(real_cgroup.container, F_DUPFD_CLOEXEC, 0);
	for (int depth = 0; depth < 300; depth++) {
		int inner;

		ck_assert_int_eq(mkdirat(dir, "a", 0755), 0);
		ck_assert_int_eq(mkdirat(dir, "b", 0755), 0);
		inner = openat(dir, depth % 2 ? "a" : "b", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		ck_assert_int_ge(inner, 0);
		close(dir);
		dir = inner;
	}
	close(dir);
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, PATIENCE, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, 0, &real_err), 0);
	ct_cgroup_close(&real_cgroup);
}
END_TEST

START_TEST(what_has_processes_is_not_removed)
{
	pid_t child;

	real_make(0, NULL);
	ck_assert_int_eq(mkdirat(real_cgroup.container, "inner", 0755), 0);
	child = real_born(real_cgroup.container);
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, 0, &real_err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(real_err.what, "still has processes"));
	ck_assert_int_eq(faccessat(real_cgroup.container, "inner", F_OK, 0), 0);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

/* The process ends while the removal waits for it. */
START_TEST(removing_waits_for_who_is_just_ending)
{
	int pipes[2];
	pid_t child, killer;

	real_make(0, NULL);
	child = real_born(real_cgroup.container);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	killer = fork();
	if (killer == 0) {
		char byte;

		/* the end comes when the removal is about to begin */
		close(pipes[1]);
		(void)!read(pipes[0], &byte, 1);
		kill(child, SIGKILL);
		_exit(0);
	}
	ck_assert_int_gt(killer, 0);
	close(pipes[0]);
	close(pipes[1]);
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, PATIENCE, &real_err), 0);
	ct_cgroup_close(&real_cgroup);
	real_reap(child, SIGKILL);
	ck_assert_int_eq(waitpid(killer, NULL, 0), killer);
}
END_TEST

static bool is_kept(const char *name, void *arg)
{
	(void)arg;
	return !strstr(name, "unit-lost-");
}

START_TEST(a_sweep_takes_what_nobody_owns_and_uses)
{
	char lost[96], name[128];
	struct ct_cgroup_plan plan = { .id = lost };
	struct ct_cgroup left = CT_CGROUP_INIT;
	unsigned removed = 0;
	pid_t child;

	real_make(0, NULL);
	snprintf(lost, sizeof(lost), "unit-lost-%s", real_id);
	snprintf(name, sizeof(name), "cattach-%s", lost);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &left, &real_err), 0);
	child = real_born(left.container);
	ck_assert_int_eq(ct_cgroup_sweep(&real_place, is_kept, NULL, &removed, &real_err), 0);
	ck_assert(real_exists(name));
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
	ck_assert_int_eq(ct_cgroup_wait_empty(left.dir, PATIENCE, &real_err), 0);
	ct_cgroup_close(&left);
	ck_assert_int_eq(ct_cgroup_sweep(&real_place, is_kept, NULL, &removed, &real_err), 0);
	ck_assert_uint_ge(removed, 1);
	ck_assert(!real_exists(name));
	snprintf(name, sizeof(name), "cattach-%s", real_id);
	ck_assert(real_exists(name));
}
END_TEST

/* ---- the suite ---- */

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, frozen_processes_stand_still_until_resumed);
	tcase_add_test(tc, killing_ends_everything_below_but_not_the_monitor);
	tcase_add_test(tc, what_is_frozen_can_be_killed);
	tcase_add_test(tc, kernels_without_cgroup_kill_do_it_by_signals);
	tcase_add_test(tc, killing_nobody_is_no_error);
	tcase_add_test(tc, removing_takes_deep_trees_and_needs_few_descriptors);
	tcase_add_test(tc, what_has_processes_is_not_removed);
	tcase_add_test(tc, removing_waits_for_who_is_just_ending);
	tcase_add_test(tc, a_sweep_takes_what_nobody_owns_and_uses);
}

Suite *suite_cgroup_real_end(void)
{
	return real_suite("cgroup_real_end", add_tests);
}
