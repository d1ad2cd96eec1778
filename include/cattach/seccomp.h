/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System call filters: our own default policy and policies from a configuration, compiled before
 * the clone by libseccomp (src/ns/seccomp_compile.c is the only file that knows it), cached on
 * disk by content, loaded by the child as its last step. seccomp(2), seccomp_rule_add(3).
 */
#ifndef CATTACH_SECCOMP_H
#define CATTACH_SECCOMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* One comparison: argument index, libseccomp's operator by name ("SCMP_CMP_EQ"), operands. */
struct ct_seccomp_arg {
	uint32_t index;
	const char *op;
	uint64_t a, b;
};

/* One rule: these calls get this action when all comparisons hold. */
struct ct_seccomp_rule {
	struct ct_strings names;
	const char *action;		/* "SCMP_ACT_ALLOW", ... */
	uint32_t errno_ret;		/* for SCMP_ACT_ERRNO and SCMP_ACT_TRACE */
	struct ct_seccomp_arg *args;
	size_t arg_count;
};

/*
 * Filled with zeroes but for what is known. The order of rules means nothing: a rule without
 * comparisons wins over those with; an argument that a rule compares twice makes it several rules.
 */
struct ct_seccomp_policy {
	const char *default_action;
	uint32_t default_errno;
	/* The answer to calls whose numbers are above all that the rules name on their architecture: those
	 * of a kernel that came after the policy. 0: the default action, as to others. */
	uint32_t newer_errno;
	struct ct_strings architectures;	/* beside the native one: "SCMP_ARCH_X86", ...; empty: its
						   32-bit one; others' calls kill the process */
	struct ct_strings flags;		/* "SECCOMP_FILTER_FLAG_LOG", ... */
	struct ct_seccomp_rule *rules;
	size_t rule_count;
	/*
	 * NULL for policies from outside: their whole content is the key of the cache. Else the name
	 * of a built-in policy that stands for its content; names that libseccomp does not know are
	 * then silent, and rules with a wider mask are checked to win over those with a narrower.
	 */
	const char *key;
	/* Makes the rules of a built-in policy, for these capabilities: only where no program is cached. */
	int (*fill)(struct ct_arena *arena, struct ct_seccomp_policy *policy, struct ct_err *err);
	uint64_t caps;
	bool no_exec;		/* for a process that is there already: it need not allow execve */
};

/* A compiled program, ready for seccomp(2). */
struct ct_seccomp_program {
	struct sock_filter *filter;
	unsigned short length;		/* instructions; 0: no filter */
	unsigned flags;			/* SECCOMP_FILTER_FLAG_* for seccomp(2) */
};

/**
 * ct_seccomp_default - our default policy for a container with these capabilities
 * @arena: owns the policy
 * @caps:  the bounding set; calls that a capability guards are allowed with it
 *
 * Unknown calls answer ENOSYS, known-bad ones EPERM; docs/seccomp.md has the table.
 */
int ct_seccomp_default(struct ct_arena *arena, uint64_t caps, struct ct_seccomp_policy *ret_policy,
		       struct ct_err *err);

/**
 * ct_seccomp_monitor - the policy that our own monitors live under, see src/ns/seccomp_monitor.c
 * @arena: owns the policy
 */
int ct_seccomp_monitor(struct ct_arena *arena, struct ct_seccomp_policy *ret_policy,
		       struct ct_err *err);

/**
 * ct_seccomp_compile - a policy into a program, from the cache if it is there
 * @arena:    owns the program
 * @policy:   where in errors names the rule: "syscalls[2].args[0]"
 * @cache_fd: directory of the cache, or -1; a missing or damaged entry is no error
 * @ret_program: set on success
 * @err: EINVAL for unknown actions, operators, architectures, flags, argument indexes over 5;
 *       EPERM when the policy would stop the program before it starts (execve not allowed)
 *
 * Names that libseccomp does not know are skipped, with one warning when the program is made; a
 * program from the cache is silent. ->flags is for ct_seccomp_load().
 */
int ct_seccomp_compile(struct ct_arena *arena, const struct ct_seccomp_policy *policy, int cache_fd,
		       struct ct_seccomp_program *ret_program, struct ct_err *err);

/**
 * ct_seccomp_verdict - what a program answers to one call, found by interpreting it
 * @program: as compiled
 * @call:    number, architecture (AUDIT_ARCH_*) and arguments
 * @ret_verdict: SECCOMP_RET_* and its data
 *
 * Return: 0, or -EINVAL for a program that the kernel would not take either.
 */
int ct_seccomp_verdict(const struct ct_seccomp_program *program, const struct seccomp_data *call,
		       uint32_t *ret_verdict);

/* Load a program into this process; async-signal-safe. 0 or -errno. */
int ct_seccomp_load(const struct ct_seccomp_program *program);

#endif
