/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' cgroups in the kernel's own tree: made, entered by clone, frozen, killed, removed. Runs
 * where a cgroup is delegated to the user of the tests (tests/run.sh does that when it is started by
 * root) and as root. Where nothing is delegated there is one test, which counts as skipped with the
 * reason. Controllers are used as far as the host has them in version 2.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroups/files.h"
#include "fixture.h"

#define PATIENCE 20000	/* milliseconds; only a kernel that does not answer needs them */

static struct ct_cgroup_place place;
static struct ct_cgroup cgroup;
static struct ct_err err;
static char id[32];

/* ---- where and with what ---- */

static bool find(struct ct_cgroup_place *ret_place)
{
	struct ct_cgroup_where where = {0};

	*ret_place = (struct ct_cgroup_place)CT_CGROUP_PLACE_INIT;
	return ct_cgroup_find_place(&where, ret_place, &err) == 0 &&
	       ret_place->verdict == CT_CGROUP_HERE;
}

static void setup(void)
{
	fixture_setup();
	ck_assert(find(&place));
	cgroup = (struct ct_cgroup)CT_CGROUP_INIT;
	snprintf(id, sizeof(id), "unit-%d", (int)getpid());
}

/* Nothing stays, whatever a test has done: also the descriptors are looked at by the fixture. */
static void teardown(void)
{
	if (cgroup.dir >= 0) {
		if (cgroup.origin >= 0)
			ct_cgroup_leave(&cgroup, getpid(), &err);
		ct_cgroup_kill(cgroup.dir, &err);
		ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	}
	ct_cgroup_close(&cgroup);
	ct_cgroup_place_done(&place);
	fixture_teardown();
}

static void make(pid_t pid, const struct ct_cgroup_settings *settings)
{
	struct ct_cgroup_plan plan = { .id = id, .pid = pid, .settings = settings };
	char line[1024] = "";

	if (ct_cgroup_make(&place, &plan, &cgroup, &err) < 0) {
		ct_err_format(&err, line, sizeof(line));
		ck_abort_msg("%s", line);
	}
}

/* A child that is born in the cgroup and does nothing. */
static pid_t born(int dir)
{
	int pidfd = -1;
	pid_t pid = ct_clone(0, dir, SIGCHLD, &pidfd);

	if (pid == 0) {
		for (;;)
			pause();
	}
	ck_assert_int_gt(pid, 0);
	close(pidfd);
	return pid;
}

static void reap(pid_t pid, int signal)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

static bool is_populated(int dir)
{
	struct ct_cgroup_events events;

	ck_assert_int_eq(ct_cgroup_events(dir, &events, &err), 0);
	return events.populated;
}

static bool exists(const char *name)
{
	return faccessat(place.dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Where a process is, as the end of its path. */
static void is_in(pid_t pid, const char *end)
{
	char text[8192], path[CT_CGROUP_PATH];
	size_t length;

	ck_assert_int_eq(ct_cgroup_read_self(pid, text, sizeof(text), &err), 0);
	ct_cgroup_path_of(text, path, sizeof(path));
	length = strlen(path);
	ck_assert_uint_ge(length, strlen(end));
	ck_assert_str_eq(path + length - strlen(end), end);
}

/* ---- making and finding ---- */

START_TEST(a_container_has_a_cgroup_and_its_monitor_another)
{
	char name[128];
	pid_t child;

	make(0, NULL);
	snprintf(name, sizeof(name), "cattach-%s/container", id);
	ck_assert(exists(name));
	child = born(cgroup.container);
	snprintf(name, sizeof(name), "/cattach-%s/container", id);
	is_in(child, name);
	ck_assert(is_populated(cgroup.container));
	ck_assert(!is_populated(cgroup.monitor));
	kill(child, SIGKILL);
	reap(child, SIGKILL);
}
END_TEST

START_TEST(the_monitor_moves_in_and_out)
{
	char name[128];

	make(getpid(), NULL);
	snprintf(name, sizeof(name), "/cattach-%s/monitor", id);
	is_in(getpid(), name);
	ck_assert_int_eq(ct_cgroup_leave(&cgroup, getpid(), &err), 0);
	ck_assert(!is_populated(cgroup.dir));
}
END_TEST

START_TEST(an_id_in_use_is_refused_and_left_as_it_is)
{
	struct ct_cgroup_plan plan = { .id = id };
	struct ct_cgroup second;
	pid_t child;

	make(0, NULL);
	child = born(cgroup.container);
	ck_assert_int_eq(mkdirat(cgroup.container, "inner", 0755), 0);
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &second, &err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(err.what, "is there already and has processes"));
	ck_assert_int_eq(faccessat(cgroup.container, "inner", F_OK, 0), 0);
	ck_assert(is_populated(cgroup.container));
	kill(child, SIGKILL);
	reap(child, SIGKILL);
}
END_TEST

START_TEST(what_a_crash_left_is_replaced)
{
	struct ct_cgroup_plan plan = { .id = id };
	struct ct_cgroup second = CT_CGROUP_INIT;

	make(0, NULL);
	ck_assert_int_eq(mkdirat(cgroup.container, "inner", 0755), 0);
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &second, &err), 0);
	ck_assert_int_ne(faccessat(second.container, "inner", F_OK, 0), 0);
	ct_cgroup_close(&cgroup);
	cgroup = second;
}
END_TEST

START_TEST(a_recorded_path_finds_it_again)
{
	struct ct_cgroup ct_autocgroup again = CT_CGROUP_INIT;
	struct stat a, b;

	make(0, NULL);
	ck_assert_int_eq(ct_cgroup_open(cgroup.path, &again, &err), 0);
	ck_assert_int_eq(fstat(cgroup.container, &a), 0);
	ck_assert_int_eq(fstat(again.container, &b), 0);
	ck_assert(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	ck_assert_str_eq(again.path, cgroup.path);
}
END_TEST

START_TEST(only_paths_of_ours_are_opened)
{
	static const char *const paths[] = { "/", "/x", "cattach-x", "/cattach-x/..", "", "/a/cattach" };
	struct ct_cgroup none = CT_CGROUP_INIT;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert_int_eq(ct_cgroup_open(paths[i], &none, &err), -EINVAL);
	ck_assert_int_eq(ct_cgroup_open("/../cattach-x", &none, &err), -EXDEV);
	ck_assert_int_eq(ct_cgroup_open("/cattach-that-is-not-there", &none, &err), -ENOENT);
}
END_TEST

/* ---- parents ---- */

START_TEST(parents_that_we_made_go_with_the_last_container)
{
	struct ct_cgroup_plan plan = { .id = id };
	struct ct_cgroup other = CT_CGROUP_INIT;
	char jobs[64], today[80];

	snprintf(jobs, sizeof(jobs), "jobs-%s", id);
	snprintf(today, sizeof(today), "%s/today", jobs);
	snprintf(place.parent, sizeof(place.parent), "%s", today);
	make(0, NULL);
	plan.id = "unit-other";
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &other, &err), 0);
	ck_assert_int_eq(ct_cgroup_remove(&other, PATIENCE, &err), 0);
	ct_cgroup_close(&other);
	ck_assert(exists(today));
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	ct_cgroup_close(&cgroup);
	ck_assert(!exists(jobs));
}
END_TEST

START_TEST(parents_that_were_there_stay)
{
	char jobs[64];

	snprintf(jobs, sizeof(jobs), "jobs-%s", id);
	snprintf(place.parent, sizeof(place.parent), "%s/today", jobs);
	ck_assert_int_eq(mkdirat(place.dir, jobs, 0755), 0);
	make(0, NULL);
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	ct_cgroup_close(&cgroup);
	ck_assert(exists(jobs));
	ck_assert(!exists(place.parent));
	ck_assert_int_eq(unlinkat(place.dir, jobs, AT_REMOVEDIR), 0);
}
END_TEST

/* ---- controllers ---- */

/* Any controller that this host has in version 2, with a file of it and a value that fits. */
static bool some_limit(struct ct_cgroup_setting *ret_setting)
{
	static const struct ct_cgroup_setting all[] = {
		{ .file = "memory.max", .value = "1073741824", .where = "--memory" },
		{ .file = "pids.max", .value = "4096", .where = "--pids-limit" },
		{ .file = "hugetlb.2MB.max", .value = "4194304", .where = "--limit" },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (ct_cgroup_has_word(place.controllers, all[i].file, strcspn(all[i].file, "."))) {
			*ret_setting = all[i];
			return true;
		}
	}
	return false;
}

START_TEST(a_limit_is_in_the_container_and_not_in_the_monitor)
{
	struct ct_cgroup_setting limit;
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	char text[64];
	pid_t child;

	ck_assert_msg(some_limit(&limit), "no controller that is known: %s", place.controllers);
	make(getpid(), &settings);
	ck_assert_int_gt(ct_cgroup_read(cgroup.container, limit.file, text, sizeof(text)), 0);
	ck_assert_str_eq(text, limit.value);
	ck_assert_int_gt(ct_cgroup_read(cgroup.monitor, limit.file, text, sizeof(text)), 0);
	ck_assert_str_ne(text, limit.value);
	/* the monitor can still have the payload born beside it */
	child = born(cgroup.container);
	kill(child, SIGKILL);
	reap(child, SIGKILL);
}
END_TEST

START_TEST(a_controller_that_is_missing_fails_and_leaves_nothing)
{
	struct ct_cgroup_setting limit = { .file = "nonsense.max", .value = "1", .where = "--limit" };
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	struct ct_cgroup_plan plan = { .id = id, .pid = getpid(), .settings = &settings };
	char before[8192], after[8192], name[128];

	ck_assert_int_eq(ct_cgroup_read_self(0, before, sizeof(before), &err), 0);
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &cgroup, &err), -ENOTSUP);
	ck_assert_str_eq(err.where, "--limit");
	ck_assert_ptr_nonnull(strstr(err.what, "the controller \"nonsense\" is not delegated to you"));
	ck_assert_int_eq(ct_cgroup_read_self(0, after, sizeof(after), &err), 0);
	ck_assert_str_eq(after, before);
	snprintf(name, sizeof(name), "cattach-%s", id);
	ck_assert(!exists(name));
	limit.best_effort = true;
	make(0, &settings);
}
END_TEST

START_TEST(a_value_that_the_kernel_refuses_leaves_nothing)
{
	struct ct_cgroup_setting limit = { .file = "cgroup.max.depth", .value = "deep",
					   .where = "--cgroup-conf" };
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	struct ct_cgroup_plan plan = { .id = id, .settings = &settings };
	char name[128];

	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &cgroup, &err), -EINVAL);
	ck_err(&err, EINVAL, "--cgroup-conf: the kernel refuses \"deep\" for cgroup.max.depth: Invalid "
	       "argument");
	snprintf(name, sizeof(name), "cattach-%s", id);
	ck_assert(!exists(name));
}
END_TEST

/* A place in a cgroup that has processes, which is what a shell in a delegated cgroup is. */
START_TEST(processes_of_a_crowded_place_are_moved_for_a_limit)
{
	struct ct_cgroup_place crowded = CT_CGROUP_PLACE_INIT;
	struct ct_cgroup inner = CT_CGROUP_INIT;
	struct ct_cgroup_setting limit;
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	struct ct_cgroup_plan plan = { .id = "inner" };
	pid_t child;

	ck_assert(some_limit(&limit));
	make(0, &settings);
	child = born(cgroup.container);
	crowded.dir = cgroup.container;
	crowded.root = place.root;
	memcpy(crowded.path, cgroup.path, sizeof(crowded.path));
	/* nobody asked for a limit: nobody is moved */
	limit.best_effort = true;
	plan.settings = &settings;
	ck_assert_int_eq(ct_cgroup_make(&crowded, &plan, &inner, &err), 0);
	is_in(child, "/container");
	ck_assert_int_eq(ct_cgroup_remove(&inner, PATIENCE, &err), 0);
	ct_cgroup_close(&inner);
	limit.best_effort = false;
	ck_assert_int_eq(ct_cgroup_make(&crowded, &plan, &inner, &err), 0);
	is_in(child, "/container/cattach-callers");
	kill(child, SIGKILL);
	reap(child, SIGKILL);
	ck_assert_int_eq(ct_cgroup_remove(&inner, PATIENCE, &err), 0);
	ct_cgroup_close(&inner);
	ck_assert_int_ne(faccessat(cgroup.container, "cattach-callers", F_OK, 0), 0);
}
END_TEST

/* ---- freezing, killing ---- */

START_TEST(frozen_processes_stand_still_until_resumed)
{
	struct ct_cgroup_events events;
	int pipes[2], pidfd = -1;
	char byte;
	pid_t child;

	make(0, NULL);
	ck_assert_int_eq(pipe2(pipes, O_CLOEXEC), 0);
	child = ct_clone(0, cgroup.container, SIGCHLD, &pidfd);
	if (child == 0) {
		while (write(pipes[1], "x", 1) == 1)
			;
		_exit(0);
	}
	ck_assert_int_gt(child, 0);
	close(pidfd);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	ck_assert_int_eq(ct_cgroup_freeze(cgroup.container, true, PATIENCE, &err), 0);
	ck_assert_int_eq(ct_cgroup_events(cgroup.container, &events, &err), 0);
	ck_assert(events.frozen);
	/* what was written before is all there is */
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, O_NONBLOCK), 0);
	while (read(pipes[0], &byte, 1) == 1)
		;
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(ct_cgroup_freeze(cgroup.container, false, PATIENCE, &err), 0);
	ck_assert_int_eq(fcntl(pipes[0], F_SETFL, 0), 0);
	ck_assert_int_eq(read(pipes[0], &byte, 1), 1);
	kill(child, SIGKILL);
	reap(child, SIGKILL);
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

	make(0, NULL);
	ck_assert_int_eq(mkdirat(cgroup.container, "inner", 0755), 0);
	inner = ct_cgroup_open_below(cgroup.container, "inner");
	ck_assert_int_ge(inner, 0);
	f.payload = born(cgroup.container);
	f.nested = born(inner);
	f.monitor = born(cgroup.monitor);
	close(inner);
	return f;
}

static void payload_is_gone(const struct family *f)
{
	reap(f->payload, SIGKILL);
	reap(f->nested, SIGKILL);
	ck_assert_int_eq(ct_cgroup_wait_empty(cgroup.container, PATIENCE, &err), 0);
	ck_assert(is_populated(cgroup.monitor));
	ck_assert_int_eq(waitpid(f->monitor, NULL, WNOHANG), 0);
	kill(f->monitor, SIGKILL);
	reap(f->monitor, SIGKILL);
}

START_TEST(killing_ends_everything_below_but_not_the_monitor)
{
	struct family f = have_family();

	ck_assert_int_eq(ct_cgroup_kill(cgroup.container, &err), 0);
	payload_is_gone(&f);
}
END_TEST

START_TEST(what_is_frozen_can_be_killed)
{
	struct family f = have_family();

	ck_assert_int_eq(ct_cgroup_freeze(cgroup.container, true, PATIENCE, &err), 0);
	ck_assert_int_eq(ct_cgroup_kill(cgroup.container, &err), 0);
	payload_is_gone(&f);
}
END_TEST

START_TEST(kernels_without_cgroup_kill_do_it_by_signals)
{
	struct family f = have_family();
	char text[16];

	ck_assert_int_eq(ct_cgroup_kill_by_signals(cgroup.container), 0);
	payload_is_gone(&f);
	ck_assert_int_gt(ct_cgroup_read(cgroup.container, "cgroup.freeze", text, sizeof(text)), 0);
	ck_assert_str_eq(text, "0");
	ck_assert_int_eq(ct_cgroup_freeze(cgroup.container, false, PATIENCE, &err), 0);
}
END_TEST

START_TEST(killing_nobody_is_no_error)
{
	make(0, NULL);
	ck_assert_int_eq(ct_cgroup_kill(cgroup.container, &err), 0);
	ck_assert_int_eq(ct_cgroup_kill_by_signals(cgroup.container), 0);
	ck_assert_int_eq(ct_cgroup_wait_empty(cgroup.container, 0, &err), 0);
}
END_TEST

/* ---- removing ---- */

START_TEST(removing_takes_deep_trees_and_needs_few_descriptors)
{
	int dir;

	make(0, NULL);
	dir = fcntl(cgroup.container, F_DUPFD_CLOEXEC, 0);
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
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, 0, &err), 0);
	ct_cgroup_close(&cgroup);
}
END_TEST

START_TEST(what_has_processes_is_not_removed)
{
	pid_t child;

	make(0, NULL);
	ck_assert_int_eq(mkdirat(cgroup.container, "inner", 0755), 0);
	child = born(cgroup.container);
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, 0, &err), -EBUSY);
	ck_assert_ptr_nonnull(strstr(err.what, "still has processes"));
	ck_assert_int_eq(faccessat(cgroup.container, "inner", F_OK, 0), 0);
	kill(child, SIGKILL);
	reap(child, SIGKILL);
}
END_TEST

/* The process ends while the removal waits for it. */
START_TEST(removing_waits_for_who_is_just_ending)
{
	int pipes[2];
	pid_t child, killer;

	make(0, NULL);
	child = born(cgroup.container);
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
	ck_assert_int_eq(ct_cgroup_remove(&cgroup, PATIENCE, &err), 0);
	ct_cgroup_close(&cgroup);
	reap(child, SIGKILL);
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

	make(0, NULL);
	snprintf(lost, sizeof(lost), "unit-lost-%s", id);
	snprintf(name, sizeof(name), "cattach-%s", lost);
	ck_assert_int_eq(ct_cgroup_make(&place, &plan, &left, &err), 0);
	child = born(left.container);
	ck_assert_int_eq(ct_cgroup_sweep(&place, is_kept, NULL, &removed, &err), 0);
	ck_assert(exists(name));
	kill(child, SIGKILL);
	reap(child, SIGKILL);
	ck_assert_int_eq(ct_cgroup_wait_empty(left.dir, PATIENCE, &err), 0);
	ct_cgroup_close(&left);
	ck_assert_int_eq(ct_cgroup_sweep(&place, is_kept, NULL, &removed, &err), 0);
	ck_assert_uint_ge(removed, 1);
	ck_assert(!exists(name));
	snprintf(name, sizeof(name), "cattach-%s", id);
	ck_assert(exists(name));
}
END_TEST

/* ---- reading ---- */

START_TEST(statistics_of_a_cgroup_agree_with_its_files)
{
	struct ct_cgroup_stats stats;
	uint64_t usage;
	char text[1024];

	make(0, NULL);
	ck_assert_int_eq(ct_cgroup_stats(cgroup.container, &stats, &err), 0);
	ck_assert(!stats.events.populated);
	ck_assert_int_gt(ct_cgroup_read(cgroup.container, "cpu.stat", text, sizeof(text)), 0);
	ck_assert(ct_cgroup_find_key(text, "usage_usec", &usage));
	/* nobody was ever in it */
	ck_assert(stats.has_cpu && stats.cpu_usage == usage && usage == 0);
}
END_TEST

/* ---- the suite ---- */

START_TEST(nothing_is_delegated_here)
{
	ck_assert(true);
}
END_TEST

static void add_tests(TCase *tc)
{
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_container_has_a_cgroup_and_its_monitor_another);
	tcase_add_test(tc, the_monitor_moves_in_and_out);
	tcase_add_test(tc, an_id_in_use_is_refused_and_left_as_it_is);
	tcase_add_test(tc, what_a_crash_left_is_replaced);
	tcase_add_test(tc, a_recorded_path_finds_it_again);
	tcase_add_test(tc, only_paths_of_ours_are_opened);
	tcase_add_test(tc, parents_that_we_made_go_with_the_last_container);
	tcase_add_test(tc, parents_that_were_there_stay);
	tcase_add_test(tc, a_limit_is_in_the_container_and_not_in_the_monitor);
	tcase_add_test(tc, a_controller_that_is_missing_fails_and_leaves_nothing);
	tcase_add_test(tc, a_value_that_the_kernel_refuses_leaves_nothing);
	tcase_add_test(tc, processes_of_a_crowded_place_are_moved_for_a_limit);
	tcase_add_test(tc, frozen_processes_stand_still_until_resumed);
	tcase_add_test(tc, killing_ends_everything_below_but_not_the_monitor);
	tcase_add_test(tc, what_is_frozen_can_be_killed);
	tcase_add_test(tc, kernels_without_cgroup_kill_do_it_by_signals);
	tcase_add_test(tc, killing_nobody_is_no_error);
	tcase_add_test(tc, removing_takes_deep_trees_and_needs_few_descriptors);
	tcase_add_test(tc, what_has_processes_is_not_removed);
	tcase_add_test(tc, removing_waits_for_who_is_just_ending);
	tcase_add_test(tc, a_sweep_takes_what_nobody_owns_and_uses);
	tcase_add_test(tc, statistics_of_a_cgroup_agree_with_its_files);
}

/* The name of a test case stands in the report, which is how a reason gets there. */
Suite *suite_cgroup_real(void)
{
	static char reason[512];
	Suite *s = suite_create("cgroup_real");
	struct ct_cgroup_place here;
	TCase *tc;

	if (find(&here)) {
		tc = tcase_create("real");
		add_tests(tc);
	} else {
		snprintf(reason, sizeof(reason), "real # skip no cgroup of version 2 is delegated: %s",
			 here.why);
		tc = tcase_create(reason);
		tcase_add_test(tc, nothing_is_delegated_here);
	}
	ct_cgroup_place_done(&here);
	suite_add_tcase(s, tc);
	return s;
}
