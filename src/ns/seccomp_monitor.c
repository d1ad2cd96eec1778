/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The policy for our own monitors: what reading pipes, appending to files, serving sockets, reaping
 * a child and removing a directory need, and nothing that executes, mounts, enters a namespace,
 * traces, or makes memory executable. What is not here answers ENOSYS: a C library that asks for
 * something newer falls back instead of ending a monitor, and with it a container.
 *
 * Runs in the process that prepares a start; a few microseconds, for the program comes out of the
 * cache. The key of the cache is the content of the tables below.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <cattach/seccomp.h>

#include "fnv.h"

#define NAMES_MAX	32	/* a row */

static const char *const rows[][NAMES_MAX] = {
	/* data: pipes, the log, the status file, sockets */
	{ "read", "write", "readv", "writev", "pread64", "pwrite64", "preadv", "pwritev", "lseek",
	  "sendmsg", "recvmsg", "sendto", "recvfrom", "splice", "sendfile", "copy_file_range" },
	/* files, below the directories that landlock leaves */
	{ "openat", "openat2", "close", "close_range", "fstat", "newfstatat", "statx", "fcntl", "ftruncate",
	  "fallocate", "unlinkat", "renameat", "renameat2", "mkdirat", "readlinkat", "getdents64",
	  "flock", "fchmod", "fchmodat", "fsync", "fdatasync", "fadvise64", "faccessat", "faccessat2",
	  "fstatfs", "sync_file_range", "umask", "linkat", "fgetxattr" },
	/* names of the above on architectures that have them still */
	{ "open", "stat", "lstat", "unlink", "readlink", "mkdir", "rmdir", "dup", "dup3" },
	/* the loop */
	{ "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "timerfd_settime", "poll", "ppoll",
	  "accept4", "bind", "listen", "getsockopt", "setsockopt", "getsockname", "shutdown",
	  "pidfd_send_signal", "waitid", "wait4" },
	/* the process itself */
	{ "exit", "exit_group", "rt_sigreturn", "rt_sigprocmask", "rt_sigaction", "sched_yield",
	  "nanosleep", "clock_nanosleep", "clock_gettime", "gettimeofday", "getpid", "gettid", "getuid",
	  "geteuid", "getgid", "getegid", "getrandom", "restart_syscall", "futex", "set_robust_list",
	  "rseq", "set_tid_address", "sigaltstack", "munmap", "madvise", "brk" },
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Calls of which only some uses are allowed: the argument under the mask must have the value. */
static const struct {
	const char *name;
	struct ct_seccomp_arg arg;
} uses[] = {
	/* fork(2), for a child that serves the last clients: no new namespaces, no shared memory */
	{ "clone", { .index = 0, .op = "SCMP_CMP_MASKED_EQ",
		     .a = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
			  CLONE_NEWPID | CLONE_NEWNET | CLONE_VM | CLONE_PARENT, .b = 0 } },
	{ "socket", { .index = 0, .op = "SCMP_CMP_EQ", .a = AF_UNIX } },
	{ "mmap", { .index = 2, .op = "SCMP_CMP_MASKED_EQ", .a = PROT_EXEC, .b = 0 } },
	{ "mprotect", { .index = 2, .op = "SCMP_CMP_MASKED_EQ", .a = PROT_EXEC, .b = 0 } },
	{ "ioctl", { .index = 1, .op = "SCMP_CMP_MASKED_EQ", .a = 0xffffffff, .b = TIOCSWINSZ } },
	{ "ioctl", { .index = 1, .op = "SCMP_CMP_MASKED_EQ", .a = 0xffffffff, .b = TIOCGWINSZ } },
	{ "ioctl", { .index = 1, .op = "SCMP_CMP_MASKED_EQ", .a = 0xffffffff, .b = SIOCOUTQ } },
	{ "ioctl", { .index = 1, .op = "SCMP_CMP_MASKED_EQ", .a = 0xffffffff, .b = FIONREAD } },
};

#define USES (sizeof(uses) / sizeof(uses[0]))

/* Changes with every edit of the tables. */
static const char *make_key(struct ct_arena *arena)
{
	uint64_t hash = FNV_START;

	for (size_t i = 0; i < ROWS; i++)
		for (size_t k = 0; k < NAMES_MAX && rows[i][k]; k++)
			hash = fnv_add(hash, rows[i][k], strlen(rows[i][k]) + 1);
	for (size_t i = 0; i < USES; i++) {
		uint64_t fields[] = { uses[i].arg.index, uses[i].arg.a, uses[i].arg.b };

		hash = fnv_add(hash, uses[i].name, strlen(uses[i].name) + 1);
		hash = fnv_add(hash, fields, sizeof(fields));
	}
	return ct_arena_printf(arena, "monitor %016llx", (unsigned long long)hash);
}

static struct ct_seccomp_rule *add_rule(struct ct_seccomp_policy *policy)
{
	struct ct_seccomp_rule *rule = &policy->rules[policy->rule_count++];

	rule->action = "SCMP_ACT_ALLOW";
	return rule;
}

static int fill(struct ct_arena *arena, struct ct_seccomp_policy *policy, struct ct_err *err)
{
	policy->rules = ct_arena_calloc(arena, ROWS + USES, sizeof(*policy->rules));
	if (!policy->rules)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < ROWS; i++) {
		struct ct_seccomp_rule *rule = add_rule(policy);

		for (size_t k = 0; k < NAMES_MAX && rows[i][k]; k++)
			if (ct_strings_add(arena, &rule->names, rows[i][k]) < 0)
				return ct_fail_nomem(err);
	}
	for (size_t i = 0; i < USES; i++) {
		struct ct_seccomp_rule *rule = add_rule(policy);

		rule->args = ct_arena_calloc(arena, 1, sizeof(*rule->args));
		if (!rule->args || ct_strings_add(arena, &rule->names, uses[i].name) < 0)
			return ct_fail_nomem(err);
		rule->args[0] = uses[i].arg;
		rule->arg_count = 1;
	}
	return 0;
}

int ct_seccomp_monitor(struct ct_arena *arena, struct ct_seccomp_policy *ret_policy,
		       struct ct_err *err)
{
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ERRNO",
		.default_errno = ENOSYS,
		.key = make_key(arena),
		.fill = fill,
		.no_exec = true,
	};

	/* Calls of another architecture are none of ours: they kill. */
	if (!policy.key || ct_strings_add(arena, &policy.architectures, "SCMP_ARCH_NATIVE") < 0)
		return ct_fail_nomem(err);
	*ret_policy = policy;
	return 0;
}
