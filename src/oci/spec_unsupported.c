/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What config.json may ask for and this version does not do: cache policies.
 *
 * All of it is read by tables, so that wrong types are found, and then refused by name: who has asked
 * for a share of a cache must not get a container without it. Runs in the command, with the caller's rights, at
 * the end of parsing, so that plain mistakes are told first. Fails with ENOTSUP.
 */
#include "schema.h"

#include <errno.h>

#define ROW(name, type) { name, type, .offset = READ_NOWHERE }

/* ---- what it looks like ---- */

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
	const struct ct_json *rdt = ct_read_get(lx, "intelRdt");

	if (rdt)
		return ct_read_fail(r, rdt, ENOTSUP, "cache and bandwidth allocation (resctrl) is "
				    "not set up by this version of cattach");
	return 0;
}
