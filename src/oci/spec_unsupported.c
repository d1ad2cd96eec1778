/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config.json may ask for and this version does not do: moved network devices, cache and memory
 * policies.
 *
 * All of it is read by tables, so that wrong types are found, and then refused by name: who has asked
 * for a device must not get a container without it. What a value asks for counts, not that it is
 * there: an empty map of devices asks for nothing. Runs in the command, with the caller's rights, at
 * the end of parsing, so that plain mistakes are told first. Fails with ENOTSUP.
 */
#include "schema.h"

#include <errno.h>

#define ROW(name, type) { name, type, .offset = READ_NOWHERE }

/* ---- what it looks like ---- */

static const struct ct_read_field net_device_fields[] = {
	ROW("name", READ_STRING),
	{0},
};

const struct ct_read_object ct_read_net_device = { .fields = net_device_fields };

static const struct ct_read_field intel_rdt_fields[] = {
	ROW("closID", READ_STRING),
	ROW("schemata", READ_STRINGS),
	ROW("l3CacheSchema", READ_STRING),
	ROW("memBwSchema", READ_STRING),
	ROW("enableMonitoring", READ_BOOL),
	{0},
};

const struct ct_read_object ct_read_intel_rdt = { .fields = intel_rdt_fields };

static const char *const memory_modes[] = {
	"MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL",
	"MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE", NULL,
};

static const char *const memory_flags[] = {
	"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", NULL,
};

static const struct ct_read_field memory_policy_fields[] = {
	{ "mode", READ_STRING, .required = true, .choices = memory_modes, .offset = READ_NOWHERE },
	{ "nodes", READ_STRING, .check = ct_read_cpu_list, .offset = READ_NOWHERE },
	{ "flags", READ_STRINGS, .choices = memory_flags, .offset = READ_NOWHERE },
	{0},
};

const struct ct_read_object ct_read_memory_policy = { .fields = memory_policy_fields };

/* ---- what is refused ---- */

int ct_refuse_unsupported(const struct ct_reader *r, const struct ct_json *root)
{
	const struct ct_json *lx = ct_read_get(root, "linux");
	const struct ct_json *devices = ct_read_get(lx, "netDevices");
	const struct ct_json *rdt = ct_read_get(lx, "intelRdt");
	const struct ct_json *policy = ct_read_get(lx, "memoryPolicy");

	if (devices && devices->child)
		return ct_read_fail(r, devices->child, ENOTSUP, "network devices are not moved "
				    "into containers by this version of cattach");
	if (rdt)
		return ct_read_fail(r, rdt, ENOTSUP, "cache and bandwidth allocation (resctrl) is "
				    "not set up by this version of cattach");
	if (policy)
		return ct_read_fail(r, policy, ENOTSUP,
				    "memory policies are not set by this version of cattach");
	return 0;
}
