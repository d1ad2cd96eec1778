/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: clone3 with a fallback, pidfds, identities that survive pid reuse, clean starts.
 */
#ifndef CATTACH_PROC_H
#define CATTACH_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>

/* How a process ended, as waitid(2) tells it. */
struct ct_exit {
	bool signaled;		/* ended by a signal */
	bool core;		/* and dumped core */
	int value;		/* exit status 0...255, or the signal's number */
};

/* The exit code that a shell would show: value, or 128 + signal. */
int ct_exit_code(const struct ct_exit *status);

/**
 * ct_clone - clone3(2), or clone(2) where a seccomp filter hides clone3
 * @flags:      CLONE_NEW*, CLONE_PARENT, ...; CLONE_PIDFD is added
 * @cgroup:     descriptor of a cgroup to be born in, or -1 (clone3 only, else EOPNOTSUPP)
 * @exit_signal: SIGCHLD, or 0
 * @ret_pidfd:  in the parent, a CLOEXEC pidfd of the child
 *
 * Return: 0 in the child, its pid in the parent, -errno.
 */
pid_t ct_clone(uint64_t flags, int cgroup, int exit_signal, int *ret_pidfd);

/* pidfd_open(2), pidfd_send_signal(2): a descriptor or 0, else -errno. */
int ct_pidfd_open(pid_t pid);
int ct_pidfd_signal(int pidfd, int signal);

/* Reap the child behind a pidfd, waiting for it: 0 or -errno (waitid(2), P_PIDFD). */
int ct_pidfd_wait(int pidfd, struct ct_exit *ret_status);

/* Start time of a process in clock ticks since boot (field 22 of /proc/PID/stat): 0 or -errno. */
int ct_proc_starttime(pid_t pid, uint64_t *ret_ticks);

/* Its parent's pid: 0 or -errno. */
int ct_proc_parent(pid_t pid, uint64_t *ret_parent);

/* Has this process, a zombie perhaps, executed a program since it was forked? 1, 0 or -errno. */
int ct_proc_has_executed(pid_t pid);

/* This boot's id (36 characters and a NUL): 0 or -errno. */
int ct_boot_id(char buf[37]);

/**
 * ct_proc_open - a pidfd of exactly this process, never of one that reused its pid
 * @pid, @starttime: identity as recorded
 *
 * Return: a pidfd, -ESRCH when that process is gone.
 */
int ct_proc_open(pid_t pid, uint64_t starttime);

/* From now on who loses his parent among our descendants becomes our child: 0 or -errno. */
int ct_orphans_adopt(void);

/**
 * ct_orphans_end - kill and reap our children with another mount namespace than ours, and theirs
 * @patience: ms until those are given up whom the kernel does not let go
 *
 * Children that have ended are reaped, whoever they were.
 *
 * Return: 0, the pid of one who is left, or -errno.
 */
int ct_orphans_end(unsigned patience);

/* Close every descriptor from first on (close_range(2), else by /proc/self/fd): 0 or -errno. */
int ct_close_from(unsigned first);

/* Mark every descriptor from first on CLOEXEC: 0 or -errno. */
int ct_cloexec_from(unsigned first);

/* How many more descriptors can be opened now, at most `wanted`; fd is any open one. */
unsigned ct_fds_free(int fd, unsigned wanted);

/* Make descriptors 0, 1 and 2 exist: closed ones become /dev/null. 0 or -errno. */
int ct_stdio_exist(void);

/* Default dispositions for all signals, empty mask. */
void ct_signals_reset(void);

/* Overwrite the command line that ps shows with a title (cut to its room): 0 or -errno. */
int ct_process_title(const char *title);

/* Are we in a user namespace that somebody has made? Root is a user of the host's there. */
bool ct_user_ns_is_nested(void);

/* Wall clock and monotonic clock in nanoseconds. */
uint64_t ct_now_real(void);
uint64_t ct_now_monotonic(void);

#endif
