/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses: what the kernel has counted in its cgroup, and what has gone through its
 * network devices. Readings; the rate of anything is the difference of two.
 */
#ifndef CATTACH_STATS_H
#define CATTACH_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/cgroup.h>
#include <cattach/container.h>
#include <cattach/err.h>

struct ct_usage {
	uint64_t taken;			/* CLOCK_MONOTONIC, ns */
	struct ct_cgroup_stats cgroup;
	bool has_network;		/* it has a network of its own, of which: */
	uint64_t received, sent;	/* bytes over all devices but the loopback */
};

/**
 * ct_container_usage - one reading
 * @err: ESRCH "container x is not running: ..."; ENOTSUP when it has no cgroup, with the way to one
 */
int ct_container_usage(const struct ct_container *container, struct ct_usage *ret_usage,
		       struct ct_err *err);

/* One reading of a cgroup and of a file in the form of /proc/PID/net/dev (-1: none). Takes neither
 * descriptor. */
int ct_usage_read(int cgroup, int network, struct ct_usage *ret_usage, struct ct_err *err);

/* Microseconds of processor time a second of the clock, of one processor: 1000000 is all of one. */
uint64_t ct_usage_cpu_rate(const struct ct_usage *before, const struct ct_usage *now);

/* What it has in memory and would not give back at once: docker's number. */
uint64_t ct_usage_memory(const struct ct_usage *usage);

/* What it may have at most: its limit, or all that the host has when that is less. */
uint64_t ct_usage_memory_limit(const struct ct_usage *usage, uint64_t host);

#endif
