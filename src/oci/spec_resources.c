/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux.resources" part of config.json: what a container may have, into struct
 * ct_cgroup_resources; types and ranges are checked here.
 *
 * What the values mean, and which of them version 2 of control groups can do, is src/cgroups'
 * business: whoever makes a container asks it. Here a property that cannot be done is read like any
 * other, so that it can be refused by its place. Runs in the command, with the caller's rights;
 * fails by refusing the document, with positions.
 *
 *   memory  cpu  pids  devices  blockIO  hugepageLimits  network  rdma  unified     config-linux.md
 *
 * Also for "oci update", which gets the object alone. A row's offset is within the whole struct, so
 * the nested objects (memory, cpu, ...) need no structs of their own.
 */
#include "schema.h"

#include <errno.h>
#include <string.h>

#define CPU_MIN_US	1000		/* the kernel's least period and quota */
#define CPU_MAX_US	1000000		/* its longest period */

#define R(member)	offsetof(struct ct_cgroup_resources, member)

/* ---- memory, cpu, pids: their rows name members of the whole ---- */

/* swap is memory and swap together in this document, as in docker's --memory-swap. */
static int finish_memory(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_cgroup_resources *all = target;

	if (all->memory > 0 && all->swap > 0 && all->swap < all->memory)
		return ct_read_fail(r, ct_json_get(object, "swap"), EINVAL,
				    "memory and swap together (%lld) are less than the memory "
				    "limit (%lld)", (long long)all->swap, (long long)all->memory);
	return 0;
}

/* -1 is no limit; 0 is what a document has that says nothing, and is kept as such. */
#define BYTES(name, member) { name, READ_I64, .min = -1, .max = INT64_MAX, .offset = R(member) }
static const struct ct_read_field memory_fields[] = {
	BYTES("limit", memory),
	BYTES("reservation", reservation),
	BYTES("swap", swap),
	BYTES("kernel", kernel),
	BYTES("kernelTCP", kernel_tcp),
	{ "swappiness", READ_U64, .max = 100, .offset = R(swappiness), .has = R(has_swappiness) },
	{ "disableOOMKiller", READ_BOOL, .offset = R(disable_oom_killer) },
	{ "useHierarchy", READ_BOOL, .offset = R(use_hierarchy) },
	{ "checkBeforeUpdate", READ_BOOL, .offset = R(check_before_update) },
	{0},
};

static const struct ct_read_object memory = { .fields = memory_fields, .finish = finish_memory };

/* A row has one range, and this has two: -1 and 0, or 1 ms and more. */
static int read_quota(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	int64_t quota = 0;

	if (ct_read_integer(r, value, INT64_MIN, INT64_MAX, &quota) < 0)
		return -r->err->code;
	if (quota != -1 && quota != 0 && quota < CPU_MIN_US)
		return ct_read_fail(r, value, ERANGE, "must be at least %d microseconds, or -1, "
				    "not %lld", CPU_MIN_US, (long long)quota);
	memcpy(place, &quota, sizeof(quota));
	return 0;
}

/* The kernel's own bounds of cpu.max: 1 ms to 1 s, kernel/sched/core.c. 0 is "not set". */
static int read_period(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	uint64_t period = 0;

	if (ct_read_unsigned(r, value, 0, UINT64_MAX, &period) < 0)
		return -r->err->code;
	if (period && (period < CPU_MIN_US || period > CPU_MAX_US))
		return ct_read_fail(r, value, ERANGE, "must be %d...%d microseconds, not %s",
				    CPU_MIN_US, CPU_MAX_US, value->text);
	memcpy(place, &period, sizeof(period));
	return 0;
}

/* cpu.max.burst, cgroup-v2.rst: the kernel refuses a burst above the quota. */
static int finish_cpu(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_cgroup_resources *all = target;

	if (all->quota > 0 && all->burst > (uint64_t)all->quota)
		return ct_read_fail(r, ct_json_get(object, "burst"), ERANGE,
				    "must not be above the quota (%lld)", (long long)all->quota);
	return 0;
}

static const struct ct_read_field cpu_fields[] = {
	{ "shares", READ_U64, .offset = R(shares) },
	{ "quota", READ_CUSTOM, .read = read_quota, .offset = R(quota) },
	{ "period", READ_CUSTOM, .read = read_period, .offset = R(period) },
	{ "burst", READ_U64, .max = INT64_MAX, .offset = R(burst), .has = R(has_burst) },
	{ "realtimeRuntime", READ_I64, .offset = R(realtime_runtime) },
	{ "realtimePeriod", READ_U64, .offset = R(realtime_period) },
	{ "cpus", READ_STRING, .check = ct_read_cpu_list, .offset = R(cpus) },
	{ "mems", READ_STRING, .check = ct_read_cpu_list, .offset = R(mems) },
	{ "idle", READ_I64, .min = 0, .max = 1, .offset = R(idle), .has = R(has_idle) },
	{0},
};

static const struct ct_read_object cpu = { .fields = cpu_fields, .finish = finish_cpu };

static const struct ct_read_field pids_fields[] = {
	{ "limit", READ_I64, .min = -1, .max = INT64_MAX, .offset = R(pids),
	  .has = R(has_pids) },
	{0},
};

static const struct ct_read_object pids = { .fields = pids_fields };

/* ---- devices ---- */

#define D(member)	offsetof(struct ct_cgroup_device_rule, member)

/* "u" is another name for "c"; "p", a pipe, is no device at all. */
static int read_device_type(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	static const char *const types[] = { "a", "b", "c", "u", NULL };
	char type;

	if (ct_read_type(r, value, CT_JSON_STRING) < 0)
		return -r->err->code;
	if (strcmp(value->text, "p") == 0)
		return ct_read_fail(r, value, EINVAL, "pipes are no devices, and no rule holds for "
				    "them (a, b, c, u)");
	if (!ct_read_known(types, value->text))
		return ct_read_fail(r, value, EINVAL, "must be a, b, c or u, not \"%.80s\"",
				    value->text);
	type = value->text[0] == 'u' ? 'c' : value->text[0];
	memcpy(place, &type, sizeof(type));
	return 0;
}

/* Any number of each and in any order. */
static int check_access(const struct ct_reader *r, const struct ct_json *value)
{
	if (value->text[strspn(value->text, "rwm")] == '\0')
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be made of r, w and m, not \"%.80s\"",
			    value->text);
}

/* Absent is any, and so is -1. The specification's "a" for all devices is the default, too. */
static int finish_rule(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_cgroup_device_rule *rule = target;

	(void)r;
	if (!rule->type)
		rule->type = 'a';
	if (!ct_read_get(object, "major"))
		rule->major = -1;
	if (!ct_read_get(object, "minor"))
		rule->minor = -1;
	return 0;
}

#define NUMBER(name, member) { name, READ_I64, .min = -1, .max = UINT32_MAX, .offset = D(member) }
static const struct ct_read_field rule_fields[] = {
	{ "allow", READ_BOOL, .required = true, .offset = D(allow) },
	{ "type", READ_CUSTOM, .read = read_device_type, .offset = D(type) },
	NUMBER("major", major),
	NUMBER("minor", minor),
	{ "access", READ_STRING, .check = check_access, .offset = D(access) },
	{0},
};

static const struct ct_read_object device_rule = {
	.fields = rule_fields, .size = sizeof(struct ct_cgroup_device_rule), .finish = finish_rule,
};

/* ---- block devices ---- */

#define V(member)	offsetof(struct ct_cgroup_device_value, member)

/* The specification wants one of the two. */
static int finish_weight(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	(void)target;
	if (ct_read_get(object, "weight") || ct_read_get(object, "leafWeight"))
		return 0;
	return ct_read_missing(r, object, "weight");
}

#define DEVICE_NUMBER(name, member) \
	{ name, READ_I64, .required = true, .min = 0, .max = UINT32_MAX, .offset = V(member) }
static const struct ct_read_field weight_fields[] = {
	DEVICE_NUMBER("major", major),
	DEVICE_NUMBER("minor", minor),
	{ "weight", READ_U64, .max = 1000, .offset = V(value) },
	{ "leafWeight", READ_U16, .max = 1000, .offset = V(leaf_weight) },
	{0},
};

static const struct ct_read_object weight_device = {
	.fields = weight_fields, .size = sizeof(struct ct_cgroup_device_value),
	.finish = finish_weight,
};

static const struct ct_read_field throttle_fields[] = {
	DEVICE_NUMBER("major", major),
	DEVICE_NUMBER("minor", minor),
	{ "rate", READ_U64, .required = true, .offset = V(value) },
	{0},
};

static const struct ct_read_object throttle = {
	.fields = throttle_fields, .size = sizeof(struct ct_cgroup_device_value),
};

#define DEVICES(name, what, at) \
	{ name, READ_LIST, .object = &(what), \
	  .offset = (at) + offsetof(struct ct_cgroup_device_values, items), \
	  .count = (at) + offsetof(struct ct_cgroup_device_values, count) }
static const struct ct_read_field block_fields[] = {
	{ "weight", READ_U16, .max = 1000, .offset = R(weight) },
	{ "leafWeight", READ_U16, .max = 1000, .offset = R(leaf_weight) },
	DEVICES("weightDevice", weight_device, R(weights)),
	DEVICES("throttleReadBpsDevice", throttle, R(read_bps)),
	DEVICES("throttleWriteBpsDevice", throttle, R(write_bps)),
	DEVICES("throttleReadIOPSDevice", throttle, R(read_iops)),
	DEVICES("throttleWriteIOPSDevice", throttle, R(write_iops)),
	{0},
};

static const struct ct_read_object block = { .fields = block_fields };

/* ---- huge pages, network ---- */

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

static const struct ct_read_field huge_fields[] = {
	{ "pageSize", READ_STRING, .required = true, .check = check_page_size,
	  .offset = offsetof(struct ct_cgroup_huge, page_size) },
	{ "limit", READ_U64, .required = true, .offset = offsetof(struct ct_cgroup_huge, limit) },
	{0},
};

static const struct ct_read_object huge = {
	.fields = huge_fields, .size = sizeof(struct ct_cgroup_huge),
};

static const struct ct_read_field priority_fields[] = {
	{ "name", READ_STRING, .required = true, .not_empty = true,
	  .offset = offsetof(struct ct_cgroup_priority, name) },
	{ "priority", READ_U32, .required = true,
	  .offset = offsetof(struct ct_cgroup_priority, priority) },
	{0},
};

static const struct ct_read_object priority = {
	.fields = priority_fields, .size = sizeof(struct ct_cgroup_priority),
};

/* Class 0 is no class. */
static int finish_network(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_cgroup_resources *all = target;

	(void)r;
	(void)object;
	all->has_network = all->class_id || all->priority_count;
	return 0;
}

static const struct ct_read_field network_fields[] = {
	{ "classID", READ_U32, .offset = R(class_id) },
	{ "priorities", READ_LIST, .object = &priority, .offset = R(priorities),
	  .count = R(priority_count) },
	{0},
};

static const struct ct_read_object network = {
	.fields = network_fields, .finish = finish_network,
};

/* ---- maps: their readers get the whole, because the names are values, too ---- */

/* A device without either would limit nothing, which nobody means. */
static int finish_rdma(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_cgroup_rdma *one = target;

	if (one->has_handles || one->has_objects)
		return 0;
	return ct_read_fail(r, object, EINVAL, "needs hcaHandles or hcaObjects");
}

#define M(member)	offsetof(struct ct_cgroup_rdma, member)
static const struct ct_read_field rdma_fields[] = {
	{ "hcaHandles", READ_U32, .offset = M(handles), .has = M(has_handles) },
	{ "hcaObjects", READ_U32, .offset = M(objects), .has = M(has_objects) },
	{0},
};

static const struct ct_read_object rdma = { .fields = rdma_fields, .finish = finish_rdma };

/* An object whose keys are the devices: "mlx5_1": { "hcaHandles": 3 }. */
static int read_rdma(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_cgroup_resources *all = place;
	struct ct_cgroup_rdma *items;

	if (ct_read_type(r, value, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	items = ct_arena_calloc(r->arena, value->count, sizeof(*items));
	if (!items)
		return ct_fail_nomem(r->err);
	all->rdma = items;
	for (const struct ct_json *v = value->child; v; v = v->next) {
		struct ct_cgroup_rdma *one = &items[all->rdma_count++];

		/* It becomes the first word of a line. */
		if (!*v->key || strpbrk(v->key, " \t\n"))
			return ct_read_fail(r, v, EINVAL, "is no name of a device");
		one->device = v->key;
		if (ct_read_object(r, v, &rdma, one) < 0)
			return -r->err->code;
	}
	return 0;
}

/* The name becomes a file in the container's cgroup, and only there. */
static int read_unified(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_cgroup_resources *all = place;
	struct ct_cgroup_pair *items;

	if (ct_read_type(r, value, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	items = ct_arena_calloc(r->arena, value->count, sizeof(*items));
	if (!items)
		return ct_fail_nomem(r->err);
	all->unified = items;
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (ct_read_type(r, v, CT_JSON_STRING) < 0)
			return -r->err->code;
		if (!*v->key || strchr(v->key, '/') || v->key[0] == '.')
			return ct_read_fail(r, v, EINVAL, "is no name of a cgroup file");
		items[all->unified_count++] = (struct ct_cgroup_pair){ v->key, v->text };
	}
	return 0;
}

/* ---- the whole ---- */

static const struct ct_read_field resource_fields[] = {
	{ "devices", READ_LIST, .object = &device_rule, .offset = R(devices), .count = R(device_count) },
	{ "memory", READ_OBJECT, .object = &memory },
	{ "cpu", READ_OBJECT, .object = &cpu },
	{ "pids", READ_OBJECT, .object = &pids },
	{ "blockIO", READ_OBJECT, .object = &block },
	{ "hugepageLimits", READ_LIST, .object = &huge, .offset = R(huge), .count = R(huge_count) },
	{ "network", READ_OBJECT, .object = &network },
	{ "rdma", READ_CUSTOM, .read = read_rdma },
	{ "unified", READ_CUSTOM, .read = read_unified },
	{0},
};

const struct ct_read_object ct_read_resources = { .fields = resource_fields };
