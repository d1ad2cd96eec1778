/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config.json may ask for and this version does not do: moved network devices, cache policies.
 *
 * All of it is read by tables, so that wrong types are found, and then refused by name: who has
 * asked for a device must not get a container without it. What a value asks for counts, not that it
 * is there: an empty map of devices asks for nothing. Runs in the command, with the caller's
 * rights, at the end of parsing, so that plain mistakes are told first. Fails with ENOTSUP.
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

/* ---- what is refused ---- */

int ct_refuse_unsupported(const struct ct_reader *r, const struct ct_json *root)
{
	const struct ct_json *lx = ct_read_get(root, "linux");
	const struct ct_json *devices = ct_read_get(lx, "netDevices");
	const struct ct_json *rdt = ct_read_get(lx, "intelRdt");

	if (devices && devices->child)
		return ct_read_fail(r, devices->child, ENOTSUP, "network devices are not moved "
				    "into containers by this version of cattach");
	if (rdt)
		return ct_read_fail(r, rdt, ENOTSUP, "cache and bandwidth allocation (resctrl) is "
				    "not set up by this version of cattach");
	return 0;
}
