/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of a container that runs, as the host's /proc shows them. Nothing of the container
 * is executed, opened or believed: a process chooses its name and command line, no more.
 */
#ifndef CATTACH_TOP_H
#define CATTACH_TOP_H

#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>

/* Index of the capability sets. */
enum ct_top_caps { CT_TOP_INHERITABLE, CT_TOP_PERMITTED, CT_TOP_EFFECTIVE, CT_TOP_BOUNDING };

struct ct_top_process {
	pid_t pid, parent, group;	/* as the host numbers them */
	pid_t inside, inside_parent;	/* as the container does; 0: not in there */
	char state;			/* "R", "S", ... */
	uint32_t uid, gid, ruid, rgid;	/* as the host counts them: effective, real */
	uint32_t inside_uid, inside_gid, inside_ruid, inside_rgid;	/* 2^32 - 1: not mapped */
	int tty;			/* device number, 0: none */
	long nice;
	uint64_t ticks;			/* of processor time; sysconf(_SC_CLK_TCK) to a second */
	uint64_t started;		/* the same, since boot */
	uint64_t size, resident;	/* bytes */
	uint64_t caps[4];
	int seccomp;			/* 0 disabled, 1 strict, 2 filter */
	const char *comm;		/* any bytes but NUL */
	const char *args;		/* words joined by blanks; "[comm]" when there are none */
	const char *label;		/* of AppArmor or SELinux, "?" when unknown */
};

struct ct_top {
	struct ct_top_process *items;	/* by host pid */
	size_t count;
};

/**
 * ct_top - who is in this container now
 * @err: ESRCH and the like with the state, as for exec
 *
 * Those of its pid namespace and of namespaces within it. Where it has none of its own (--pid
 * host): the payload, whoever is in its mount namespace, and their descendants.
 */
int ct_top(struct ct_store *store, struct ct_arena *arena, const struct ct_container *container,
	   struct ct_top *ret_top, struct ct_err *err);

#endif
