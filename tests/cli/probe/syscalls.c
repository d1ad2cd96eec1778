/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe for the inside of a container: makes system calls and prints what each answers, one line
 * "name: ERRNO", "name: ok" or "name: killed by SIGNAL". Standalone and statically linked, so that
 * it runs in any root file system. syscalls.expected is what the default policy must give with the
 * default capabilities.
 *
 * Every call is made in a child of its own, since a filter may kill, and with arguments that do no
 * harm where no filter stands: pointers to nowhere, descriptors that are not open, numbers that the
 * kernel refuses. They are chosen so that the kernel's own answer is not the filter's.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOWHERE	1UL		/* as a pointer: EFAULT */
#define NO_FD	0x7fffffffUL	/* as a descriptor: EBADF; as a process: ESRCH */
#define WRONG	0xffffffffUL	/* as flags or a command: EINVAL */
#define HIGH	(1UL << 32)	/* a bit that the kernel does not see in an int */
#define PIPE	0xf1f0UL	/* stands for the descriptor of a pipe */

struct probe {
	const char *name;
	long number;
	unsigned long args[6];
};

static const struct probe probes[] = {
	/* What every program needs; the kernel's own answers. */
	{ "getpid", SYS_getpid, { 0 } },
	{ "openat2", SYS_openat2, { NO_FD, NOWHERE, NOWHERE, 0 } },
	{ "close_range", SYS_close_range, { 9, 8, 0 } },
	{ "memfd_create", SYS_memfd_create, { NOWHERE, 0 } },
	{ "seccomp", SYS_seccomp, { WRONG, 0, 0 } },
	{ "ptrace", SYS_ptrace, { 7, NO_FD, 0, 0 } },
	{ "process_vm_readv", SYS_process_vm_readv, { NO_FD, 0, 0, 0, 0, 1 } },
	{ "chroot", SYS_chroot, { NOWHERE } },
	{ "personality query", SYS_personality, { WRONG } },
	{ "clone", SYS_clone, { SIGCHLD } },
	{ "unshare FS", SYS_unshare, { CLONE_FS } },

	/* Known and refused. */
	{ "bpf", SYS_bpf, { WRONG, 0, 0 } },
	{ "perf_event_open", SYS_perf_event_open, { NOWHERE, 0, 0, 0, WRONG } },
	{ "kexec_load", SYS_kexec_load, { 0, 0, 0, WRONG } },
	{ "kexec_file_load", SYS_kexec_file_load, { NO_FD, NO_FD, 0, 0, WRONG } },
	{ "init_module", SYS_init_module, { NOWHERE, 0, NOWHERE } },
	{ "finit_module", SYS_finit_module, { NO_FD, NOWHERE, WRONG } },
	{ "delete_module", SYS_delete_module, { NOWHERE, 0 } },
	{ "swapon", SYS_swapon, { NOWHERE, WRONG } },
	{ "swapoff", SYS_swapoff, { NOWHERE } },
	{ "reboot", SYS_reboot, { 0, 0, 0, 0 } },
	{ "acct", SYS_acct, { NOWHERE } },
	{ "open_by_handle_at", SYS_open_by_handle_at, { NO_FD, NOWHERE, 0 } },
	{ "keyctl", SYS_keyctl, { WRONG, 0, 0, 0, 0 } },
	{ "add_key", SYS_add_key, { NOWHERE, NOWHERE, 0, 0, 0 } },
	{ "request_key", SYS_request_key, { NOWHERE, NOWHERE, 0, 0 } },
	{ "userfaultfd", SYS_userfaultfd, { WRONG } },
	{ "io_uring_setup", SYS_io_uring_setup, { 0, NOWHERE } },
	{ "mount", SYS_mount, { NOWHERE, NOWHERE, NOWHERE, 0, 0 } },
	{ "umount2", SYS_umount2, { NOWHERE, WRONG } },
	{ "pivot_root", SYS_pivot_root, { NOWHERE, NOWHERE } },
	{ "fsopen", SYS_fsopen, { NOWHERE, WRONG } },
	{ "open_tree", SYS_open_tree, { NO_FD, NOWHERE, WRONG } },
	{ "move_mount", SYS_move_mount, { NO_FD, NOWHERE, NO_FD, NOWHERE, WRONG } },
	{ "setns", SYS_setns, { NO_FD, 0 } },
	{ "sethostname", SYS_sethostname, { NOWHERE, 1 } },
	{ "clock_settime", SYS_clock_settime, { WRONG, NOWHERE } },
	{ "settimeofday", SYS_settimeofday, { NOWHERE, NOWHERE } },
	{ "quotactl", SYS_quotactl, { WRONG, NOWHERE, 0, 0 } },
	{ "syslog", SYS_syslog, { WRONG, 0, 0 } },
	{ "unshare NEWUSER", SYS_unshare, { CLONE_NEWUSER } },
	{ "unshare NEWNS", SYS_unshare, { CLONE_NEWNS } },
	{ "clone NEWUSER", SYS_clone, { CLONE_NEWUSER | SIGCHLD } },
	{ "clone NEWNET", SYS_clone, { CLONE_NEWNET | SIGCHLD } },
	{ "personality ADDR_NO_RANDOMIZE", SYS_personality, { 0x40000 } },

	/* Typing into a terminal; 32 bits count. */
	{ "ioctl TCGETS", SYS_ioctl, { PIPE, TCGETS, NOWHERE } },
	{ "ioctl TIOCSTI", SYS_ioctl, { PIPE, TIOCSTI, NOWHERE } },
	{ "ioctl TIOCSTI|1<<32", SYS_ioctl, { PIPE, TIOCSTI | HIGH, NOWHERE } },
	{ "ioctl TIOCLINUX", SYS_ioctl, { PIPE, TIOCLINUX, NOWHERE } },
	{ "ioctl TIOCLINUX|1<<32", SYS_ioctl, { PIPE, TIOCLINUX | HIGH, NOWHERE } },

	/* Families; a type that does not exist tells the kernel's answer from the filter's. */
	{ "socket UNIX", SYS_socket, { 1, WRONG, 0 } },
	{ "socket 37", SYS_socket, { 37, WRONG, 0 } },
	{ "socket ALG", SYS_socket, { 38, WRONG, 0 } },
	{ "socket ALG|1<<32", SYS_socket, { 38 | HIGH, WRONG, 0 } },
	{ "socket 39", SYS_socket, { 39, WRONG, 0 } },
	{ "socket VSOCK", SYS_socket, { 40, WRONG, 0 } },
	{ "socket VSOCK|1<<32", SYS_socket, { 40 | HIGH, WRONG, 0 } },
	{ "socket 41", SYS_socket, { 41, WRONG, 0 } },

	/* Unknown, or hidden. */
	{ "clone3", SYS_clone3, { 0, 0 } },
	{ "call 999", 999, { 0 } },
	{ "call -1", -1, { 0 } },
#if defined(__x86_64__)
	{ "x32 getpid", 0x40000000 | SYS_getpid, { 0 } },
	{ "x32 ptrace", 0x40000000 | 521, { 7, NO_FD, 0, 0 } },
#endif
};

/* In a child: make the call and end with its errno. */
static void make_call(const struct probe *p)
{
	unsigned long a[6];
	int ends[2];

	memcpy(a, p->args, sizeof(a));
	if (a[0] == PIPE) {
		if (pipe(ends) < 0)
			_exit(255);
		a[0] = (unsigned long)ends[0];
	}
	errno = 0;
	/* A child of a clone that succeeded comes out here too, and ends as well. */
	_exit(syscall(p->number, a[0], a[1], a[2], a[3], a[4], a[5]) < 0 ? errno : 0);
}

#if defined(__x86_64__)

/* The same through the gate of 32-bit programs, whose numbers are others. */
static const struct probe i386_probes[] = {
	{ "int80 getpid", 20, { 0 } },
	{ "int80 mount", 21, { 1, 1, 1, 0, 0 } },
	{ "int80 ioctl TIOCSTI", 54, { PIPE, TIOCSTI, 0 } },
	{ "int80 socket ALG", 359, { 38, WRONG, 0 } },
	{ "int80 clone3", 435, { 0, 0 } },
};

static void make_i386_call(const struct probe *p)
{
	unsigned long first = p->args[0];
	int ends[2];
	long rc;

	if (first == PIPE) {
		if (pipe(ends) < 0)
			_exit(255);
		first = (unsigned long)ends[0];
	}
	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(p->number), "b"(first), "c"(p->args[1]), "d"(p->args[2]),
			   "S"(p->args[3]), "D"(p->args[4])
			 : "memory", "r8", "r9", "r10", "r11");
	_exit((int)rc < 0 ? (int)-rc : 0);
}

#endif

/* Run one probe in a child and print its line. */
static void run(const struct probe *p, void (*make)(const struct probe *))
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0)
		make(p);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		printf("%s: cannot be tried: %s\n", p->name, strerror(errno));
	else if (WIFSIGNALED(status))
		printf("%s: killed by SIG%s\n", p->name, sigabbrev_np(WTERMSIG(status)));
	else if (!WEXITSTATUS(status))
		printf("%s: ok\n", p->name);
	else if (strerrorname_np(WEXITSTATUS(status)))
		printf("%s: %s\n", p->name, strerrorname_np(WEXITSTATUS(status)));
	else
		printf("%s: %d\n", p->name, WEXITSTATUS(status));
}

int main(void)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++)
		run(&probes[i], make_call);
#if defined(__x86_64__)
	for (size_t i = 0; i < sizeof(i386_probes) / sizeof(i386_probes[0]); i++)
		run(&i386_probes[i], make_i386_call);
#endif
	return 0;
}
