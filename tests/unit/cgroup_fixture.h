/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests in the kernel's own cgroup tree. They run where a cgroup is delegated to the user of
 * the tests (tests/run.sh does that for the suites cgroup_real*, when it is started by root) and
 * as root. Where nothing is delegated there is one test, which counts as skipped with the reason.
 */
#ifndef CATTACH_TESTS_CGROUP_FIXTURE_H
#define CATTACH_TESTS_CGROUP_FIXTURE_H

#include <check.h>

#include <cattach/cgroup.h>

#define PATIENCE 20000	/* milliseconds; only a kernel that does not answer needs them */

/* The place, and the container's cgroup once real_make() has made it; an id that is a test's
 * own. */
extern struct ct_cgroup_place real_place;
extern struct ct_cgroup real_cgroup;
extern struct ct_err real_err;
extern char real_id[32];

/* A suite whose tests, or whose reason to skip them, are in one test case with the fixture. */
Suite *real_suite(const char *name, void (*add_tests)(TCase *tc));

/* Make the container's cgroup; it must succeed. */
void real_make(pid_t pid, const struct ct_cgroup_settings *settings);

/* A child that is born in a cgroup and does nothing; the end of one, by this signal. */
pid_t real_born(int dir);
void real_reap(pid_t pid, int signal);

bool real_is_populated(int dir);

/* Is there such a name below the place? */
bool real_exists(const char *name);

/* The path of a process' cgroup must end so. */
void real_is_in(pid_t pid, const char *end);

#endif
