/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking at what the kernel lets us do. Runs unprivileged.
 */
#include <cattach/probe.h>

#include <sys/stat.h>

#include <check.h>

#include "fixture.h"

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

Suite *suite_kernel_probe(void)
{
	Suite *s = suite_create("kernel_probe");
	TCase *tc = tcase_create("probe");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, the_kernel_has_what_the_build_needs);
	tcase_add_test(tc, tries_of_namespaces_build_on_each_other);
	suite_add_tcase(s, tc);
	return s;
}
