/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel lets this caller do, found by trying it in a child process that leaves nothing
 * behind. For "cattach info" and for hints of errors; no start depends on it.
 */
#ifndef CATTACH_PROBE_H
#define CATTACH_PROBE_H

#include <stdbool.h>

#include <cattach/err.h>

/* Results of tries: 0 it works, an errno, or CT_PROBE_NOT_TRIED because an earlier one failed. */
#define CT_PROBE_NOT_TRIED (-1)

struct ct_ns_probe {
	int user_ns;		/* clone3 or clone with CLONE_NEWUSER | CLONE_NEWNS */
	int id_map;		/* mapping the own ids to 0 */
	int mount;		/* a tmpfs inside of it, attached: what AppArmor may forbid */
	int overlay;		/* an overlay on that tmpfs */
	int proc;		/* a proc of a new pid namespace; EPERM inside most containers */
};

/**
 * ct_ns_probe - try a user namespace and what containers need in it
 * @err: only when the tries cannot be made: no pipe, no process
 */
int ct_ns_probe(struct ct_ns_probe *ret_probe, struct ct_err *err);

struct ct_kernel_probe {
	int clone3;		/* 0 or errno: seccomp filters of other containers hide it */
	int openat2;
	int mount_api;		/* fsopen(2) and friends */
	int pidfd;		/* pidfd_open(2) */
	bool seccomp_filter;	/* SECCOMP_MODE_FILTER can be used */
	int landlock;		/* version of its ABI, 0: not there */
};

/* Ask the kernel which system calls it has; nothing is made. */
void ct_kernel_probe(struct ct_kernel_probe *ret_probe);

#endif
