/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers' cgroups in the kernel's own tree: made, entered, limited, found again. See
 * cgroup_fixture.h for where this runs. Controllers are used as far as the host has them in
 * version 2.
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

/* ---- making and finding ---- */

START_TEST(a_container_has_a_cgroup_and_its_monitor_another)
{
	char name[128];
	pid_t child;

	real_make(0, NULL);
	snprintf(name, sizeof(name), "cattach-%s/container", real_id);
	ck_assert(real_exists(name));
	child = real_born(real_cgroup.container);
	snprintf(name, sizeof(name), "/cattach-%s/container", real_id);
	real_is_in(child, name);
	ck_assert(real_is_populated(real_cgroup.container));
	ck_assert(!real_is_populated(real_cgroup.monitor));
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

START_TEST(the_monitor_moves_in_and_out)
{
	char name[128];

	real_make(getpid(), NULL);
	snprintf(name, sizeof(name), "/cattach-%s/monitor", real_id);
	real_is_in(getpid(), name);
	ck_assert_int_eq(ct_cgroup_leave(&real_cgroup, getpid(), &real_err), 0);
	ck_assert(!real_is_populated(real_cgroup.dir));
}
END_TEST

START_TEST(an_id_in_use_is_refused_and_left_as_it_is)
{
	struct ct_cgroup_plan plan = { .id = real_id };
	struct ct_cgroup second;
	pid_t child;

	real_make(0, NULL);
	child = real_born(real_cgroup.container);
	ck_assert_int_eq(mkdirat(real_cgroup.container, "inner", 0755), 0);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &second, &real_err), -EEXIST);
	ck_assert_ptr_nonnull(strstr(real_err.what, "is there already and has processes"));
	ck_assert_int_eq(faccessat(real_cgroup.container, "inner", F_OK, 0), 0);
	ck_assert(real_is_populated(real_cgroup.container));
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

START_TEST(what_a_crash_left_is_replaced)
{
	struct ct_cgroup_plan plan = { .id = real_id };
	struct ct_cgroup second = CT_CGROUP_INIT;

	real_make(0, NULL);
	ck_assert_int_eq(mkdirat(real_cgroup.container, "inner", 0755), 0);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &second, &real_err), 0);
	ck_assert_int_ne(faccessat(second.container, "inner", F_OK, 0), 0);
	ct_cgroup_close(&real_cgroup);
	real_cgroup = second;
}
END_TEST

/* ct_cgroup_plan.record: what is to be there is not there yet. */
static int note_path(const void *arg, const char *path, bool found, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup early = CT_CGROUP_INIT;
	char *noted = (char *)(uintptr_t)arg;

	ck_assert(!found);
	ck_assert_int_eq(ct_cgroup_open(path, &early, err), -ENOENT);
	*err = (struct ct_err){ 0 };
	snprintf(noted, CT_CGROUP_PATH, "%s", path);
	return 0;
}

START_TEST(beside_a_monitor_that_is_still_leaving_there_is_room)
{
	char noted[CT_CGROUP_PATH] = "", wanted[CT_CGROUP_PATH + 2];
	struct ct_cgroup_plan plan = { .id = real_id, .record = note_path, .arg = noted };
	struct ct_cgroup ct_autocgroup second = CT_CGROUP_INIT;
	pid_t monitor;

	real_make(0, NULL);
	monitor = real_born(real_cgroup.monitor);
	ck_assert_int_eq(ct_cgroup_remove_container(&real_cgroup, 0, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &second, &real_err), 0);
	snprintf(wanted, sizeof(wanted), "%s+1", real_cgroup.path);
	ck_assert_str_eq(second.path, wanted);
	ck_assert_str_eq(noted, wanted);
	ck_assert_int_eq(ct_cgroup_remove(&second, 0, &real_err), 0);
	kill(monitor, SIGKILL);
	real_reap(monitor, SIGKILL);
}
END_TEST

START_TEST(the_next_one_by_the_same_name_is_not_removed)
{
	struct ct_cgroup_plan plan = { .id = real_id };
	struct ct_cgroup second = CT_CGROUP_INIT;
	struct ct_cgroup ct_autocgroup first = CT_CGROUP_INIT;

	real_make(0, NULL);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &second, &real_err), 0);
	ck_assert_int_eq(unlinkat(second.dir, "container", AT_REMOVEDIR), 0);
	ck_assert_int_eq(unlinkat(second.dir, "monitor", AT_REMOVEDIR), 0);
	first = real_cgroup;
	real_cgroup = second;
	ck_assert_int_eq(ct_cgroup_remove(&first, 0, &real_err), 0);
	ck_assert_int_eq(faccessat(second.parent, strrchr(second.path, '/') + 1, F_OK, 0), 0);
}
END_TEST

START_TEST(a_recorded_path_finds_it_again)
{
	struct ct_cgroup ct_autocgroup again = CT_CGROUP_INIT;
	struct stat a, b;

	real_make(0, NULL);
	ck_assert_int_eq(ct_cgroup_open(real_cgroup.path, &again, &real_err), 0);
	ck_assert_int_eq(fstat(real_cgroup.container, &a), 0);
	ck_assert_int_eq(fstat(again.container, &b), 0);
	ck_assert(a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	ck_assert_str_eq(again.path, real_cgroup.path);
}
END_TEST

START_TEST(only_paths_of_ours_are_opened)
{
	static const char *const paths[] = { "/", "/x/", "cattach-x", "/cattach-x/..", "", "/x/." };
	struct ct_cgroup none = CT_CGROUP_INIT;
	char other[CT_CGROUP_PATH + 32];

	real_make(0, NULL);
	/* It is there, and nobody has written on it that it is a container's. */
	ck_assert_int_eq(mkdirat(real_cgroup.container, "other", 0700), 0);
	snprintf(other, sizeof(other), "%s/container/other", real_cgroup.path);
	ck_assert_int_eq(ct_cgroup_open(other, &none, &real_err), -EINVAL);
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		ck_assert_int_eq(ct_cgroup_open(paths[i], &none, &real_err), -EINVAL);
	ck_assert_int_eq(ct_cgroup_open("/../cattach-x", &none, &real_err), -EXDEV);
	ck_assert_int_eq(ct_cgroup_open("/cattach-that-is-not-there", &none, &real_err), -ENOENT);
	ck_assert_int_eq(ct_cgroup_open("/that-is-not-there", &none, &real_err), -ENOENT);
}
END_TEST

/* ---- parents ---- */

START_TEST(parents_that_we_made_go_with_the_last_container)
{
	struct ct_cgroup_plan plan = { .id = real_id };
	struct ct_cgroup other = CT_CGROUP_INIT;
	char jobs[64], today[80];

	snprintf(jobs, sizeof(jobs), "jobs-%s", real_id);
	snprintf(today, sizeof(today), "%s/today", jobs);
	snprintf(real_place.parent, sizeof(real_place.parent), "%s", today);
	real_make(0, NULL);
	plan.id = "unit-other";
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &other, &real_err), 0);
	ck_assert_int_eq(ct_cgroup_remove(&other, PATIENCE, &real_err), 0);
	ct_cgroup_close(&other);
	ck_assert(real_exists(today));
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, PATIENCE, &real_err), 0);
	ct_cgroup_close(&real_cgroup);
	ck_assert(!real_exists(jobs));
}
END_TEST

START_TEST(parents_that_were_there_stay)
{
	char jobs[64];

	snprintf(jobs, sizeof(jobs), "jobs-%s", real_id);
	snprintf(real_place.parent, sizeof(real_place.parent), "%s/today", jobs);
	ck_assert_int_eq(mkdirat(real_place.dir, jobs, 0755), 0);
	real_make(0, NULL);
	ck_assert_int_eq(ct_cgroup_remove(&real_cgroup, PATIENCE, &real_err), 0);
	ct_cgroup_close(&real_cgroup);
	ck_assert(real_exists(jobs));
	ck_assert(!real_exists(real_place.parent));
	ck_assert_int_eq(unlinkat(real_place.dir, jobs, AT_REMOVEDIR), 0);
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
		if (ct_cgroup_has_word(real_place.controllers, all[i].file, strcspn(all[i].file, "."))) {
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

	ck_assert_msg(some_limit(&limit), "no controller that is known: %s", real_place.controllers);
	real_make(getpid(), &settings);
	ck_assert_int_gt(ct_cgroup_read(real_cgroup.container, limit.file, text, sizeof(text)), 0);
	ck_assert_str_eq(text, limit.value);
	ck_assert_int_gt(ct_cgroup_read(real_cgroup.monitor, limit.file, text, sizeof(text)), 0);
	ck_assert_str_ne(text, limit.value);
	/* the monitor can still have the payload born beside it */
	child = real_born(real_cgroup.container);
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
}
END_TEST

START_TEST(a_controller_that_is_missing_fails_and_leaves_nothing)
{
	struct ct_cgroup_setting limit = { .file = "nonsense.max", .value = "1", .where = "--limit" };
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	struct ct_cgroup_plan plan = { .id = real_id, .pid = getpid(), .settings = &settings };
	char before[CT_CGROUP_SELF], after[CT_CGROUP_SELF], name[128], jobs[64];

	ck_assert_int_eq(ct_cgroup_read_self(0, before, sizeof(before), &real_err), 0);
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &real_cgroup, &real_err), -ENOTSUP);
	ck_assert_str_eq(real_err.where, "--limit");
	ck_assert_ptr_nonnull(strstr(real_err.what, "the controller \"nonsense\" is not delegated to you"));
	ck_assert_int_eq(ct_cgroup_read_self(0, after, sizeof(after), &real_err), 0);
	ck_assert_str_eq(after, before);
	snprintf(name, sizeof(name), "cattach-%s", real_id);
	ck_assert(!real_exists(name));
	/* nor do parents, wherever it fails */
	snprintf(jobs, sizeof(jobs), "jobs-%s", real_id);
	snprintf(real_place.parent, sizeof(real_place.parent), "%s", jobs);
	limit.file = "cgroup.max.depth";
	limit.value = "deep";
	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &real_cgroup, &real_err), -EINVAL);
	ck_assert(!real_exists(jobs));
	limit.file = "nonsense.max";
	limit.best_effort = true;
	real_make(0, &settings);
}
END_TEST

START_TEST(a_value_that_the_kernel_refuses_leaves_nothing)
{
	struct ct_cgroup_setting limit = { .file = "cgroup.max.depth", .value = "deep",
					   .where = "--cgroup-conf" };
	struct ct_cgroup_settings settings = { .items = &limit, .count = 1 };
	struct ct_cgroup_plan plan = { .id = real_id, .settings = &settings };
	char name[128];

	ck_assert_int_eq(ct_cgroup_make(&real_place, &plan, &real_cgroup, &real_err), -EINVAL);
	ck_err(&real_err, EINVAL, "--cgroup-conf: the kernel refuses \"deep\" for cgroup.max.depth: Invalid "
	       "argument");
	snprintf(name, sizeof(name), "cattach-%s", real_id);
	ck_assert(!real_exists(name));
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
	real_make(0, &settings);
	child = real_born(real_cgroup.container);
	crowded.dir = real_cgroup.container;
	crowded.root = real_place.root;
	memcpy(crowded.path, real_cgroup.path, sizeof(crowded.path));
	/* nobody asked for a limit: nobody is moved */
	limit.best_effort = true;
	plan.settings = &settings;
	ck_assert_int_eq(ct_cgroup_make(&crowded, &plan, &inner, &real_err), 0);
	real_is_in(child, "/container");
	ck_assert_int_eq(ct_cgroup_remove(&inner, PATIENCE, &real_err), 0);
	ct_cgroup_close(&inner);
	limit.best_effort = false;
	ck_assert_int_eq(ct_cgroup_make(&crowded, &plan, &inner, &real_err), 0);
	real_is_in(child, "/container/cattach-callers");
	kill(child, SIGKILL);
	real_reap(child, SIGKILL);
	ck_assert_int_eq(ct_cgroup_remove(&inner, PATIENCE, &real_err), 0);
	ct_cgroup_close(&inner);
	ck_assert_int_ne(faccessat(real_cgroup.container, "cattach-callers", F_OK, 0), 0);
}
END_TEST

/* ---- reading ---- */

START_TEST(statistics_of_a_cgroup_agree_with_its_files)
{
	struct ct_cgroup_stats stats;
	uint64_t usage;
	char text[1024];

	real_make(0, NULL);
	ck_assert_int_eq(ct_cgroup_stats(real_cgroup.container, &stats, &real_err), 0);
	ck_assert(!stats.events.populated);
	ck_assert_int_gt(ct_cgroup_read(real_cgroup.container, "cpu.stat", text, sizeof(text)), 0);
	ck_assert(ct_cgroup_find_key(text, "usage_usec", &usage));
	/* nobody was ever in it */
	ck_assert(stats.has_cpu && stats.cpu_usage == usage && usage == 0);
}
END_TEST

/* ---- the suite ---- */

static void add_tests(TCase *tc)
{
	tcase_add_test(tc, a_container_has_a_cgroup_and_its_monitor_another);
	tcase_add_test(tc, the_monitor_moves_in_and_out);
	tcase_add_test(tc, an_id_in_use_is_refused_and_left_as_it_is);
	tcase_add_test(tc, what_a_crash_left_is_replaced);
	tcase_add_test(tc, beside_a_monitor_that_is_still_leaving_there_is_room);
	tcase_add_test(tc, the_next_one_by_the_same_name_is_not_removed);
	tcase_add_test(tc, a_recorded_path_finds_it_again);
	tcase_add_test(tc, only_paths_of_ours_are_opened);
	tcase_add_test(tc, parents_that_we_made_go_with_the_last_container);
	tcase_add_test(tc, parents_that_were_there_stay);
	tcase_add_test(tc, a_limit_is_in_the_container_and_not_in_the_monitor);
	tcase_add_test(tc, a_controller_that_is_missing_fails_and_leaves_nothing);
	tcase_add_test(tc, a_value_that_the_kernel_refuses_leaves_nothing);
	tcase_add_test(tc, processes_of_a_crowded_place_are_moved_for_a_limit);
	tcase_add_test(tc, statistics_of_a_cgroup_agree_with_its_files);
}

Suite *suite_cgroup_real(void)
{
	return real_suite("cgroup_real", add_tests);
}
