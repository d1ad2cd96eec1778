/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux.resources" part of config.json: types and ranges only.
 *
 * Nothing is stored, because no limit is enforced yet: one that asks for something is refused by
 * name in spec_unsupported.c. The ranges are checked all the same, so that a document does not
 * become invalid on the day when limits work. Runs in the command, with the caller's rights;
 * fails by refusing the document, with positions.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#define CPU_MIN_US	1000		/* the kernel's least period and quota */
#define CPU_MAX_US	1000000		/* its longest period */

#define ROW(name, type) { name, type, .offset = READ_NOWHERE }

/* A number that an earlier row has checked; the default when it is absent. */
static int64_t number_of(const struct ct_reader *r, const struct ct_json *object, const char *key,
			 int64_t otherwise)
{
	const struct ct_json *value = ct_read_get(object, key);
	int64_t number = otherwise;

	if (value && ct_read_integer(r, value, INT64_MIN, INT64_MAX, &number) < 0)
		return otherwise;
	return number;
}

/* ---- memory, cpu, pids ---- */

static int finish_memory(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	int64_t limit = number_of(r, object, "limit", -1);
	int64_t swap = number_of(r, object, "swap", -1);

	(void)target;
	if (limit > 0 && swap > 0 && swap < limit)
		return ct_read_fail(r, ct_json_get(object, "swap"), EINVAL,
				    "memory and swap together (%lld) are less than the memory "
				    "limit (%lld)", (long long)swap, (long long)limit);
	return 0;
}

#define BYTES(name) { name, READ_I64, .min = -1, .max = INT64_MAX, .offset = READ_NOWHERE }
static const struct ct_read_field memory_fields[] = {
	BYTES("limit"),
	BYTES("reservation"),
	BYTES("swap"),
	BYTES("kernel"),
	BYTES("kernelTCP"),
	{ "swappiness", READ_U64, .max = 100, .offset = READ_NOWHERE },
	ROW("disableOOMKiller", READ_BOOL),
	ROW("useHierarchy", READ_BOOL),
	ROW("checkBeforeUpdate", READ_BOOL),
	{0},
};

static const struct ct_read_object memory = { .fields = memory_fields, .finish = finish_memory };

static int read_quota(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	int64_t quota = 0;

	(void)place;
	if (ct_read_integer(r, value, INT64_MIN, INT64_MAX, &quota) < 0)
		return -r->err->code;
	if (quota != -1 && quota != 0 && quota < CPU_MIN_US)
		return ct_read_fail(r, value, ERANGE, "must be at least %d microseconds, or -1, "
				    "not %lld", CPU_MIN_US, (long long)quota);
	return 0;
}

static int read_period(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	uint64_t period = 0;

	(void)place;
	if (ct_read_unsigned(r, value, 0, UINT64_MAX, &period) < 0)
		return -r->err->code;
	if (period && (period < CPU_MIN_US || period > CPU_MAX_US))
		return ct_read_fail(r, value, ERANGE, "must be %d...%d microseconds, not %s",
				    CPU_MIN_US, CPU_MAX_US, value->text);
	return 0;
}

static int finish_cpu(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	int64_t quota = number_of(r, object, "quota", 0);
	int64_t burst = number_of(r, object, "burst", 0);

	(void)target;
	if (quota > 0 && burst > quota)
		return ct_read_fail(r, ct_json_get(object, "burst"), ERANGE,
				    "must not be above the quota (%lld)", (long long)quota);
	return 0;
}

static const struct ct_read_field cpu_fields[] = {
	ROW("shares", READ_U64),
	{ "quota", READ_CUSTOM, .read = read_quota, .offset = READ_NOWHERE },
	{ "period", READ_CUSTOM, .read = read_period, .offset = READ_NOWHERE },
	{ "burst", READ_U64, .max = INT64_MAX, .offset = READ_NOWHERE },
	ROW("realtimeRuntime", READ_I64),
	ROW("realtimePeriod", READ_U64),
	{ "cpus", READ_STRING, .check = ct_read_cpu_list, .offset = READ_NOWHERE },
	{ "mems", READ_STRING, .check = ct_read_cpu_list, .offset = READ_NOWHERE },
	{ "idle", READ_I64, .min = 0, .max = 1, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object cpu = { .fields = cpu_fields, .finish = finish_cpu };

static const struct ct_read_field pids_fields[] = {
	{ "limit", READ_I64, .required = true, .min = -1, .max = INT64_MAX,
	  .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object pids = { .fields = pids_fields };

/* ---- devices ---- */

static const char *const device_types[] = { "a", "c", "b", "u", "p", NULL };

static int check_access(const struct ct_reader *r, const struct ct_json *value)
{
	if (value->text[strspn(value->text, "rwm")] == '\0')
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be made of r, w and m, not \"%.80s\"",
			    value->text);
}

/* -1 is how some tools write "any". */
#define NUMBER(name) { name, READ_I64, .min = -1, .max = UINT32_MAX, .offset = READ_NOWHERE }
static const struct ct_read_field device_fields[] = {
	{ "allow", READ_BOOL, .required = true, .offset = READ_NOWHERE },
	{ "type", READ_STRING, .choices = device_types, .offset = READ_NOWHERE },
	NUMBER("major"),
	NUMBER("minor"),
	{ "access", READ_STRING, .check = check_access, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object device = { .fields = device_fields };

/* ---- block devices ---- */

static int finish_weight(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	(void)target;
	if (ct_read_get(object, "weight") || ct_read_get(object, "leafWeight"))
		return 0;
	return ct_read_missing(r, object, "weight");
}

#define DEVICE_NUMBER(name) \
	{ name, READ_I64, .required = true, .min = 0, .max = UINT32_MAX, .offset = READ_NOWHERE }
#define WEIGHT(name) { name, READ_U16, .max = 1000, .offset = READ_NOWHERE }
static const struct ct_read_field weight_fields[] = {
	DEVICE_NUMBER("major"),
	DEVICE_NUMBER("minor"),
	WEIGHT("weight"),
	WEIGHT("leafWeight"),
	{0},
};

static const struct ct_read_object weight_device = {
	.fields = weight_fields, .finish = finish_weight,
};

static const struct ct_read_field throttle_fields[] = {
	DEVICE_NUMBER("major"),
	DEVICE_NUMBER("minor"),
	{ "rate", READ_U64, .required = true, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object throttle = { .fields = throttle_fields };

#define THROTTLE(name) { name, READ_LIST, .object = &throttle, .offset = READ_NOWHERE }
static const struct ct_read_field block_fields[] = {
	WEIGHT("weight"),
	WEIGHT("leafWeight"),
	{ "weightDevice", READ_LIST, .object = &weight_device, .offset = READ_NOWHERE },
	THROTTLE("throttleReadBpsDevice"),
	THROTTLE("throttleWriteBpsDevice"),
	THROTTLE("throttleReadIOPSDevice"),
	THROTTLE("throttleWriteIOPSDevice"),
	{0},
};

static const struct ct_read_object block = { .fields = block_fields };

/* ---- the rest ---- */

/* "2MB", "1GB": the names below /sys/kernel/mm/hugepages in the units of the cgroup files. */
static int check_page_size(const struct ct_reader *r, const struct ct_json *value)
{
	static const char *const units[] = { "B", "KB", "MB", "GB", "TB", "PB", NULL };
	size_t digits = strspn(value->text, "0123456789");

	if (digits && value->text[0] != '0' && ct_read_known(units, value->text + digits))
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be a size such as 2MB, not \"%.80s\"",
			    value->text);
}

static const struct ct_read_field huge_page_fields[] = {
	{ "pageSize", READ_STRING, .required = true, .check = check_page_size,
	  .offset = READ_NOWHERE },
	{ "limit", READ_U64, .required = true, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object huge_page = { .fields = huge_page_fields };

static const struct ct_read_field priority_fields[] = {
	{ "name", READ_STRING, .required = true, .not_empty = true, .offset = READ_NOWHERE },
	{ "priority", READ_U32, .required = true, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object priority = { .fields = priority_fields };

static const struct ct_read_field network_fields[] = {
	ROW("classID", READ_U32),
	{ "priorities", READ_LIST, .object = &priority, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object network = { .fields = network_fields };

static int finish_rdma(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	(void)target;
	if (ct_read_get(object, "hcaHandles") || ct_read_get(object, "hcaObjects"))
		return 0;
	return ct_read_fail(r, object, EINVAL, "needs hcaHandles or hcaObjects");
}

static const struct ct_read_field rdma_fields[] = {
	ROW("hcaHandles", READ_U32),
	ROW("hcaObjects", READ_U32),
	{0},
};

static const struct ct_read_object rdma = { .fields = rdma_fields, .finish = finish_rdma };

/* The name becomes a file in the container's cgroup, and only there. */
static int check_unified(const struct ct_reader *r, const struct ct_json *value)
{
	if (!strchr(value->key, '/') && value->key[0] != '.')
		return 0;
	return ct_read_fail(r, value, EINVAL, "is no name of a cgroup file");
}

static const struct ct_read_field resource_fields[] = {
	{ "devices", READ_LIST, .object = &device, .offset = READ_NOWHERE },
	{ "memory", READ_OBJECT, .object = &memory, .offset = READ_NOWHERE },
	{ "cpu", READ_OBJECT, .object = &cpu, .offset = READ_NOWHERE },
	{ "pids", READ_OBJECT, .object = &pids, .offset = READ_NOWHERE },
	{ "blockIO", READ_OBJECT, .object = &block, .offset = READ_NOWHERE },
	{ "hugepageLimits", READ_LIST, .object = &huge_page, .offset = READ_NOWHERE },
	{ "network", READ_OBJECT, .object = &network, .offset = READ_NOWHERE },
	{ "rdma", READ_MAP, .object = &rdma, .offset = READ_NOWHERE },
	{ "unified", READ_PAIRS, .check = check_unified, .offset = READ_NOWHERE },
	{0},
};

const struct ct_read_object ct_read_resources = { .fields = resource_fields };
