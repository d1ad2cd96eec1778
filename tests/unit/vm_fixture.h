/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the suites vm_*: they run in virtual machines (tests/vm), where every controller that the
 * machine's flavour promises is delegated. Nothing is skipped there: what is missing is a failure.
 */
#ifndef CATTACH_TESTS_VM_FIXTURE_H
#define CATTACH_TESTS_VM_FIXTURE_H

#include <stdbool.h>
#include <sys/types.h>

#include <cattach/cgroup.h>

#define MIB	(1024 * 1024)

/* Make the container's cgroup (real_cgroup) with these resources. */
void vm_make(const struct ct_cgroup_resources *resources);

/* Change them. What the library says, with real_err. */
int vm_apply(const struct ct_cgroup_resources *resources);

/* Is it a flavour with cpuset, pressure and several processors? */
bool vm_is_full(void);

/* A child that is born in a cgroup and does this with the number, and ends with what it returns. */
pid_t vm_child(int dir, int (*work)(long), long number);

/* Its exit status; it must have ended on its own. */
int vm_exit_status(pid_t pid);

/* Work for children: touch so many bytes; touch them and stay; use a processor for ever. */
int vm_touch(long bytes);
int vm_hold(long bytes);
int vm_spin(long unused);

/* The statistics of the container's cgroup, now. */
struct ct_cgroup_stats vm_stats(void);

/* The text of a file of the container's cgroup, without the newline at its end. */
const char *vm_file(const char *name);

#endif
