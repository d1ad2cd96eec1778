/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: start a process by a plan. clone(2), user_namespaces(7), pivot_root(2).
 */
#ifndef CATTACH_NS_H
#define CATTACH_NS_H

#include <sys/types.h>

#include <cattach/err.h>
#include <cattach/plan.h>

/* The stdio of the new process, and what comes back. */
struct ct_ns_stdio {
	int fd[3];			/* stdin, stdout, stderr; ignored with process.tty */
	unsigned short rows, columns;	/* of the pty, 0: leave it */
};

struct ct_ns_started {
	pid_t pid;			/* as the caller sees it */
	int pidfd;			/* owned by the receiver */
	int terminal;			/* master of the pty, or -1; owned by the receiver */
};

/**
 * ct_ns_start - clone, map ids, set up and exec, by the plan
 * @plan:  complete
 * @stdio: the process's ends
 * @ret_started: set once the program has been exec'ed
 * @err: the exact error of the process that failed, with its exit code (125, 126, 127); the
 *       process is gone then, and with its namespaces everything that it mounted
 *
 * The new process is a child of the caller, to be reaped through the pidfd.
 */
int ct_ns_start(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
		struct ct_ns_started *ret_started, struct ct_err *err);

/**
 * ct_ns_join_check - is this descriptor a namespace of that type?
 * @fd:   open descriptor
 * @flag: CLONE_NEW* that is expected
 * @err:  EINVAL "/proc/1/ns/uts is a uts namespace, not ipc" (ioctl_ns(2), NS_GET_NSTYPE)
 */
int ct_ns_join_check(int fd, int flag, const char *path, struct ct_err *err);

/* "user", "mount", ... for a CLONE_NEW* flag. */
const char *ct_ns_flag_name(int flag);

#endif
