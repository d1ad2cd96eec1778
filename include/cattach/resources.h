/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources that a container may have: what is asked for, as data. config.json's linux.resources is
 * read into it (src/oci), options of commands fill it, src/cgroups turns it into files of version 2.
 * Everything is borrowed; 0 and NULL mean "not given" unless a member says otherwise.
 */
#ifndef CATTACH_RESOURCES_H
#define CATTACH_RESOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cattach/arena.h>

struct ct_cgroup_device_value {
	int64_t major, minor;
	uint64_t value;
	uint16_t leaf_weight;		/* of weights only; 0: not given */
	const char *where;		/* NULL: as the property is called */
};

struct ct_cgroup_device_values {
	const struct ct_cgroup_device_value *items;
	size_t count;
};

struct ct_cgroup_pair {
	const char *key;
	const char *value;
};

struct ct_cgroup_huge {
	const char *page_size;		/* "2MB" */
	uint64_t limit;
};

struct ct_cgroup_rdma {
	const char *device;
	bool has_handles, has_objects;
	uint32_t handles, objects;
};

struct ct_cgroup_priority {
	const char *name;		/* of a network interface */
	uint32_t priority;
};

/* A class of service of resctrl, and what it may use: linux.intelRdt. */
struct ct_resctrl_settings {
	const char *class;		/* its name, "/" the default one; NULL: as the container's id */
	const char *cache, *bandwidth;	/* l3CacheSchema, memBwSchema */
	struct ct_strings schemata;
	bool monitoring;		/* a monitoring group of the container's own */
};

#define CT_RESCTRL_NAME	256	/* bytes of a group's name with its NUL */

/* Can that be the name of a group? Not a path, and none of the kernel's own directories there. */
static inline bool ct_is_resctrl_name(const char *name)
{
	size_t length = strlen(name);

	if (!length || length >= CT_RESCTRL_NAME || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
	    strcmp(name, "info") == 0 || strcmp(name, "mon_groups") == 0 || strcmp(name, "mon_data") == 0)
		return false;
	for (const char *s = name; *s; s++)
		if (*s == '/' || (unsigned char)*s < ' ' || *s == 0x7f)
			return false;
	return true;
}

/* A property that an option of a command has set: errors name the option. */
struct ct_cgroup_origin {
	const char *where;		/* "linux.resources.memory.limit" */
	const char *option;		/* "--memory" */
};

/* Who may do what with which device nodes: linux.resources.devices. */
struct ct_cgroup_device_rule {
	bool allow;
	char type;			/* 'a': all, 'b', 'c' */
	int64_t major, minor;		/* -1: any */
	const char *access;		/* of "rwm"; NULL: all of them */
};

/* In the words and units of the OCI specification, which are those of version 1. */
struct ct_cgroup_resources {
	/* bytes; 0: not given, -1: no limit; swap is memory and swap together */
	int64_t memory, reservation, swap;
	bool swap_by_default;		/* nobody asked: best effort; not part of config.json */
	bool check_before_update, use_hierarchy;
	bool has_swappiness, disable_oom_killer;
	uint64_t swappiness;
	int64_t kernel, kernel_tcp;
	uint64_t shares;		/* 0: not given, else 2...262144 */
	int64_t quota;			/* microseconds a period; 0, -1: no limit */
	uint64_t period;		/* microseconds; 0: the kernel's 100000 */
	bool has_burst;
	uint64_t burst;
	bool has_idle;
	int64_t idle;
	uint64_t realtime_period;
	int64_t realtime_runtime;
	const char *cpus, *mems;	/* lists such as "0-3,5", or NULL */
	bool has_pids;
	int64_t pids;			/* -1: no limit; 0 and 1: no process but the first */
	bool pids_by_default;		/* nobody asked: best effort */
	uint16_t weight;		/* 0: not given, else 10...1000 */
	uint16_t leaf_weight;
	struct ct_cgroup_device_values weights;
	struct ct_cgroup_device_values read_bps, write_bps, read_iops, write_iops;
	const struct ct_cgroup_huge *huge;
	size_t huge_count;
	const struct ct_cgroup_rdma *rdma;
	size_t rdma_count;
	bool has_network;		/* classID or priorities */
	uint32_t class_id;
	const struct ct_cgroup_priority *priorities;
	size_t priority_count;
	const struct ct_cgroup_pair *unified;
	size_t unified_count;
	/* In their order: a later one overrules. Enforced for root alone:
	 * what users bind into a container is all that there is. */
	const struct ct_cgroup_device_rule *devices;
	size_t device_count;
	/* Not part of config.json: what options of this command have set. */
	const struct ct_cgroup_origin *origins;
	size_t origin_count;
};

#endif
