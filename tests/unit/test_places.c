/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into a container as descriptors: what is opened of a process, and which of its namespaces
 * are joined. Processes with user namespaces of their own where the host allows them; any user.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/nsfs.h>

#include <cattach/fd.h>
#include <cattach/ns.h>

#include "fixture.h"

static const int flags[CT_PLACES] = {
	[CT_PLACE_USER] = CLONE_NEWUSER, [CT_PLACE_MOUNT] = CLONE_NEWNS,
	[CT_PLACE_PID] = CLONE_NEWPID, [CT_PLACE_NETWORK] = CLONE_NEWNET,
	[CT_PLACE_IPC] = CLONE_NEWIPC, [CT_PLACE_UTS] = CLONE_NEWUTS,
	[CT_PLACE_CGROUP] = CLONE_NEWCGROUP,
};

/* A process that has these namespaces for itself, and waits to be killed. */
static pid_t other(int own)
{
	int ends[2];
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		byte = unshare(own) == 0 ? 'y' : 'n';
		if (write(ends[1], &byte, 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	ck_assert_msg(byte == 'y', "this host makes no namespaces for us");
	close(ends[0]);
	close(ends[1]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool joins(const struct ct_plan *plan, int flag)
{
	for (size_t i = 0; i < plan->join_count; i++)
		if (plan->joins[i].flag == flag)
			return true;
	return false;
}

START_TEST(all_are_opened_and_are_what_they_should_be)
{
	struct ct_ns_places ct_autoplaces places = CT_NS_PLACES_INIT;
	struct ct_err err = { 0 };
	struct stat st;

	ck_assert_int_eq(ct_ns_places_open(getpid(), &places, &err), 0);
	for (size_t i = 0; i < CT_PLACE_ROOT; i++) {
		ck_assert_int_eq(ioctl(places.fd[i], NS_GET_NSTYPE), flags[i]);
		ck_assert_int_eq(fcntl(places.fd[i], F_GETFD), FD_CLOEXEC);
	}
	ck_assert_int_eq(fstat(places.fd[CT_PLACE_ROOT], &st), 0);
	ck_assert(S_ISDIR(st.st_mode));
	ck_assert(fcntl(places.fd[CT_PLACE_ROOT], F_GETFL) & O_PATH);
}
END_TEST

START_TEST(closing_twice_is_closing)
{
	struct ct_ns_places places = CT_NS_PLACES_INIT;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_ns_places_open(getpid(), &places, &err), 0);
	ct_ns_places_close(&places);
	ct_ns_places_close(&places);
	for (size_t i = 0; i < CT_PLACES; i++)
		ck_assert_int_eq(places.fd[i], -1);
}
END_TEST

START_TEST(nobody_and_the_dead_have_none)
{
	struct ct_ns_places places = CT_NS_PLACES_INIT;
	struct ct_err err = { 0 };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	ck_assert_int_eq(waitid(P_PID, (id_t)pid, &(siginfo_t){ 0 }, WEXITED | WNOWAIT), 0);
	ck_assert_int_lt(ct_ns_places_open(pid, &places, &err), 0);
	ck_assert_int_eq(places.fd[0], -1);
	waitpid(pid, NULL, 0);
	err = (struct ct_err){ 0 };
	ck_assert_int_eq(ct_ns_places_open(pid, &places, &err), -ENOENT);
	ck_assert_int_eq(places.fd[0], -1);
}
END_TEST

START_TEST(what_we_are_in_ourselves_is_no_container)
{
	struct ct_ns_places ct_autoplaces places = CT_NS_PLACES_INIT;
	struct ct_plan plan = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_ns_places_open(getpid(), &places, &err), 0);
	ck_assert_int_eq(ct_ns_places_join(&places, "container x", &plan, &err), -EINVAL);
	ck_err(&err, EINVAL, "container x: its mount namespace is the one that this "
	       "command is in");
	ck_assert_uint_eq(plan.join_count, 0);
}
END_TEST

START_TEST(only_what_is_another_ones_is_joined)
{
	struct ct_ns_places ct_autoplaces places = CT_NS_PLACES_INIT;
	pid_t pid = other(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWUTS);
	struct ct_plan plan = { .join_count = 3 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_ns_places_open(pid, &places, &err), 0);
	/* In our pid namespace, which tells nothing about it. */
	ck_assert(ct_ns_places_agree(&places));
	ck_assert_int_eq(ct_ns_places_join(&places, "container x", &plan, &err), 0);
	ck_assert_uint_eq(plan.join_count, 3);
	ck_assert(plan.mounts_joined);
	ck_assert(joins(&plan, CLONE_NEWUSER) && joins(&plan, CLONE_NEWNS));
	ck_assert(joins(&plan, CLONE_NEWUTS) && !joins(&plan, CLONE_NEWNET));
	for (size_t i = 0; i < plan.join_count; i++)
		ck_assert_str_eq(plan.joins[i].place, "container x");
	end(pid);
}
END_TEST

START_TEST(who_has_a_root_to_change_to_may_be_in_our_mount_namespace)
{
	struct ct_ns_places ct_autoplaces places = CT_NS_PLACES_INIT;
	struct ct_plan plan = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_ns_places_open(getpid(), &places, &err), 0);
	plan.chroot = places.fd[CT_PLACE_ROOT];
	ck_assert_int_eq(ct_ns_places_join(&places, "container x", &plan, &err), 0);
	ck_assert_uint_eq(plan.join_count, 0);
	ck_assert(plan.mounts_joined);
}
END_TEST

START_TEST(what_has_only_a_network_of_its_own_is_no_container)
{
	struct ct_ns_places ct_autoplaces places = CT_NS_PLACES_INIT;
	pid_t pid = other(CLONE_NEWUSER | CLONE_NEWNET);
	struct ct_plan plan = { 0 };
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_ns_places_open(pid, &places, &err), 0);
	ck_assert_int_eq(ct_ns_places_join(&places, "container x", &plan, &err), -EINVAL);
	ck_assert(!plan.mounts_joined);
	end(pid);
}
END_TEST

Suite *suite_places(void)
{
	Suite *s = suite_create("places");
	TCase *tc = tcase_create("places");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, all_are_opened_and_are_what_they_should_be);
	tcase_add_test(tc, closing_twice_is_closing);
	tcase_add_test(tc, nobody_and_the_dead_have_none);
	tcase_add_test(tc, what_we_are_in_ourselves_is_no_container);
	tcase_add_test(tc, only_what_is_another_ones_is_joined);
	tcase_add_test(tc, who_has_a_root_to_change_to_may_be_in_our_mount_namespace);
	tcase_add_test(tc, what_has_only_a_network_of_its_own_is_no_container);
	suite_add_tcase(s, tc);
	return s;
}
