/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading a compiled program: the last thing that happens to the payload before execve, in the
 * child, after everything that the program may forbid. Needs no_new_privs or CAP_SYS_ADMIN in the
 * user namespace (else EACCES). One system call, no memory, async-signal-safe; ENOMEM or EINVAL
 * when the kernel refuses the program or does not know a flag.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/seccomp.h>

int ct_seccomp_load(const struct ct_seccomp_program *program)
{
	struct sock_fprog prog = { .len = program->length, .filter = program->filter };
	long rc;

	if (!program->length)
		return 0;
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, program->flags, &prog);
	if (rc < 0)
		return -errno;
	/* With TSYNC a positive number is a thread that has another filter already. */
	return rc > 0 ? -ESRCH : 0;
}
