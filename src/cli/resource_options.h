/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that limit what a container may have, as a piece of tables: run, create and update
 * include it. AT is the offset of the struct ct_resource_options in what the verb fills.
 *
 * All of them are text until src/container/run_resources.c reads them: "update" has to tell what
 * was given from what was not, and 0 is a value for most. Units: SIZE is bytes with b, k, m, g or t
 * behind (1024 each), US microseconds, weights the scales of docker, which the cgroup's writer
 * turns into those of cgroup v2.
 */
#ifndef CATTACH_CLI_RESOURCE_OPTIONS_H
#define CATTACH_CLI_RESOURCE_OPTIONS_H

#include <cattach/run.h>

#include "options.h"

#define CT_RESOURCE(AT, member) ((AT) + offsetof(struct ct_resource_options, member))

/* --memory-swappiness and --oom-kill-disable have no help on purpose: cgroup v2 has neither, so
 * they are taken for the error that says so (run_resources.c), and not for a misspelling. */
#define CT_RESOURCE_OPTIONS(AT) \
	{ .kind = CT_OPTION_HEADING, .help = "Limits" }, \
	{ "memory", 'm', CT_OPTION_STRING, "SIZE", CT_RESOURCE(AT, memory), \
	  "Limit memory (6m at least; 0 or -1: no limit)" }, \
	{ "memory-reservation", 0, CT_OPTION_STRING, "SIZE", CT_RESOURCE(AT, memory_reservation), \
	  "Memory that is left to it when the host runs short" }, \
	{ "memory-swap", 0, CT_OPTION_STRING, "SIZE", CT_RESOURCE(AT, memory_swap), \
	  "Limit memory and swap together (default twice the memory; -1: no limit)" }, \
	{ "memory-swappiness", 0, CT_OPTION_STRING, "N", CT_RESOURCE(AT, memory_swappiness), NULL }, \
	{ "oom-kill-disable", 0, CT_OPTION_BOOL, NULL, CT_RESOURCE(AT, oom_kill_disable), NULL }, \
	{ "cpus", 0, CT_OPTION_STRING, "N.NN", CT_RESOURCE(AT, cpus), \
	  "Limit the processor time to that of N.NN processors (0: no limit)" }, \
	{ "cpu-shares", 'c', CT_OPTION_STRING, "N", CT_RESOURCE(AT, cpu_shares), \
	  "Weight when processors are short, 2 to 262144 (others have 1024)" }, \
	{ "cpu-period", 0, CT_OPTION_STRING, "US", CT_RESOURCE(AT, cpu_period), \
	  "Microseconds in which the quota may be used (default 100000)" }, \
	{ "cpu-quota", 0, CT_OPTION_STRING, "US", CT_RESOURCE(AT, cpu_quota), \
	  "Microseconds of processor time in a period (-1: no limit)" }, \
	{ "cpuset-cpus", 0, CT_OPTION_STRING, "LIST", CT_RESOURCE(AT, cpuset_cpus), \
	  "Run on these processors only: 0-2,5" }, \
	{ "cpuset-mems", 0, CT_OPTION_STRING, "LIST", CT_RESOURCE(AT, cpuset_mems), \
	  "Take memory from these NUMA nodes only" }, \
	{ "pids-limit", 0, CT_OPTION_STRING, "N", CT_RESOURCE(AT, pids_limit), \
	  "Limit the number of processes and threads " \
	  "(0 or -1: no limit; new containers have 2048)" }, \
	{ "blkio-weight", 0, CT_OPTION_STRING, "N", CT_RESOURCE(AT, blkio_weight), \
	  "Weight when block devices are busy, 10 to 1000" }, \
	{ "blkio-weight-device", 0, CT_OPTION_LIST, "PATH:N", \
	  CT_RESOURCE(AT, blkio_weight_device), "The same for one block device" }, \
	{ "device-read-bps", 0, CT_OPTION_LIST, "PATH:SIZE", CT_RESOURCE(AT, device_read_bps), \
	  "Limit bytes read from a block device in a second" }, \
	{ "device-write-bps", 0, CT_OPTION_LIST, "PATH:SIZE", CT_RESOURCE(AT, device_write_bps), \
	  "Limit bytes written to it in a second" }, \
	{ "device-read-iops", 0, CT_OPTION_LIST, "PATH:N", CT_RESOURCE(AT, device_read_iops), \
	  "Limit reads from a block device in a second" }, \
	{ "device-write-iops", 0, CT_OPTION_LIST, "PATH:N", CT_RESOURCE(AT, device_write_iops), \
	  "Limit writes to it in a second" }, \
	{ "cgroup-conf", 0, CT_OPTION_LIST, "KEY=VALUE", CT_RESOURCE(AT, cgroup_conf), \
	  "Write VALUE into the file KEY of the container's cgroup: memory.high=32m" }

#endif
