/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at control groups and at what the kernel lets us do. The layouts of version 1 are made of
 * plain directories; version 2 is the host's own where it has one. Runs unprivileged.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <sys/stat.h>

#include <check.h>

#include <cattach/probe.h>

#include "fixture.h"

START_TEST(an_empty_directory_has_no_cgroups)
{
	struct ct_cgroup_probe probe;
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_probe(fixture_dir(), "0::/x\n", &probe, &err), 0);
	ck_assert_int_eq(probe.layout, CT_CGROUP_NONE);
	ck_assert(!probe.delegated);
}
END_TEST

START_TEST(controllers_as_directories_are_version_1)
{
	struct ct_cgroup_probe probe;
	struct ct_err err;

	ck_assert_int_eq(mkdirat(fixture_dir(), "memory", 0700), 0);
	/* a directory of that name does not make it hybrid: the file system does */
	ck_assert_int_eq(mkdirat(fixture_dir(), "unified", 0700), 0);
	ck_assert_int_eq(ct_cgroup_probe(fixture_dir(), "1:name=systemd:/\n", &probe, &err), 0);
	ck_assert_int_eq(probe.layout, CT_CGROUP_V1);
}
END_TEST

START_TEST(the_host_has_a_layout_with_a_name)
{
	struct ct_cgroup_probe probe;
	struct ct_err err;

	ck_assert_int_eq(ct_cgroup_probe(-1, NULL, &probe, &err), 0);
	ck_assert_str_ne(ct_cgroup_layout_name(probe.layout), "");
	if (probe.layout == CT_CGROUP_UNIFIED)
		ck_assert_int_eq(probe.path[0], '/');
}
END_TEST

START_TEST(the_kernel_has_what_the_build_needs)
{
	struct ct_kernel_probe probe;

	ct_kernel_probe(&probe);
	ck_assert_int_eq(probe.openat2, 0);
	ck_assert_int_eq(probe.pidfd, 0);
	ck_assert_int_eq(probe.mount_api, 0);
	ck_assert(probe.seccomp_filter);
}
END_TEST

/* Later tries are made if and only if the earlier ones worked, and nothing is left mounted. */
START_TEST(tries_of_namespaces_build_on_each_other)
{
	struct ct_ns_probe probe;
	struct ct_err err;
	struct stat before, after;

	ck_assert_int_eq(stat("/", &before), 0);
	ck_assert_int_eq(ct_ns_probe(&probe, &err), 0);
	ck_assert_int_eq(probe.id_map == CT_PROBE_NOT_TRIED, probe.user_ns != 0);
	ck_assert_int_eq(probe.mount == CT_PROBE_NOT_TRIED, probe.id_map != 0);
	ck_assert_int_eq(probe.overlay == CT_PROBE_NOT_TRIED, probe.mount != 0);
	ck_assert_int_eq(probe.proc == CT_PROBE_NOT_TRIED, probe.mount != 0);
	ck_assert_int_eq(stat("/", &after), 0);
	ck_assert(before.st_dev == after.st_dev && before.st_ino == after.st_ino);
}
END_TEST

Suite *suite_cgroup_probe(void)
{
	Suite *s = suite_create("cgroup_probe");
	TCase *tc = tcase_create("probe");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, an_empty_directory_has_no_cgroups);
	tcase_add_test(tc, controllers_as_directories_are_version_1);
	tcase_add_test(tc, the_host_has_a_layout_with_a_name);
	tcase_add_test(tc, the_kernel_has_what_the_build_needs);
	tcase_add_test(tc, tries_of_namespaces_build_on_each_other);
	suite_add_tcase(s, tc);
	return s;
}
