/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making processes: clone3(2), with clone(2) where a seccomp filter hides it.
 *
 * Runs in the monitor (for the payload), in the helper of exec and in keepers, all single-threaded,
 * with the caller's privileges or those of a user namespace. The calls are made raw, as glibc has
 * no wrapper that works like fork: its atfork handlers do not run, which is right for children that
 * execute a program or stay in our own code.
 *
 * May fail as the kernel does: EAGAIN for too many processes, ENOSPC for too many namespaces, EPERM
 * where user namespaces are switched off, EACCES for a cgroup that is not delegated.
 */
#include <cattach/proc.h>

#include <errno.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What clone(2) can say: CSIGNAL's byte is taken by the exit signal, and there are 32 bits. */
#define OLD_CLONE_FLAGS	UINT64_C(0xffffff00)

static pid_t old_clone(uint64_t flags, int exit_signal, int *pidfd)
{
	unsigned long low = (unsigned long)flags | (unsigned)exit_signal;

	/* A null stack means the parent's, copied. TLS and child tid are unused, so the order in
	 * which the last two arguments stand (it differs) does not matter. */
#if defined(__s390x__) || defined(__s390__)
	return (pid_t)syscall(SYS_clone, NULL, low, pidfd, NULL, 0ul);
#elif defined(__x86_64__) || defined(__aarch64__) || defined(__i386__) || defined(__arm__) || \
	defined(__riscv) || defined(__powerpc64__) || defined(__loongarch__) || defined(__mips__)
	return (pid_t)syscall(SYS_clone, low, NULL, pidfd, NULL, 0ul);
#else
#error "the argument order of clone(2) on this architecture is not known here"
#endif
}

pid_t ct_clone(uint64_t flags, int cgroup, int exit_signal, int *ret_pidfd)
{
	int pidfd = -1;
	struct clone_args args = {
		.flags = flags | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
		.exit_signal = (uint64_t)(unsigned)exit_signal,
	};
	pid_t pid;

	if (cgroup >= 0) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)(unsigned)cgroup;
	}
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	/* Filters that know clone3 answer ENOSYS, older ones EPERM to all that they do not know. */
	if (pid < 0 && (errno == ENOSYS || errno == EPERM)) {
		if (args.flags & ~OLD_CLONE_FLAGS)
			return errno == EPERM ? -EPERM : -EOPNOTSUPP;
		pid = old_clone(args.flags, exit_signal, &pidfd);
	}
	if (pid < 0)	/* E2BIG: a kernel before 5.7, to which the cgroup's field is unknown */
		return errno == E2BIG ? -EOPNOTSUPP : -errno;
	if (pid > 0)
		*ret_pidfd = pidfd;
	return pid;
}
