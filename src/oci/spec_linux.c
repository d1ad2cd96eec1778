/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux" part of config.json: namespaces, id maps, devices, masks and what else only Linux
 * has. Resources, hooks and seccomp have files of their own.
 *
 * Tables for the reader (read.h) and the rules that a row cannot say. Runs in the command, with
 * the caller's rights, before anything is created; fails by refusing the document, with
 * positions. What the kernel or the host can do is not asked here.
 */
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/num.h>
#include <cattach/path.h>

#define L(member) offsetof(struct ct_spec_linux, member)

/* ---- namespaces ---- */

const char *ct_spec_ns_name(enum ct_spec_ns ns)
{
	static const char *const names[CT_NS_COUNT] = {
		[CT_NS_USER] = "user",
		[CT_NS_MOUNT] = "mount",
		[CT_NS_PID] = "pid",
		[CT_NS_NETWORK] = "network",
		[CT_NS_IPC] = "ipc",
		[CT_NS_UTS] = "uts",
		[CT_NS_CGROUP] = "cgroup",
		[CT_NS_TIME] = "time",
	};

	return ns < CT_NS_COUNT ? names[ns] : NULL;
}

struct listed_namespace {
	const char *type, *path;
};

static const char *const namespace_types[] = {
	"user", "mount", "pid", "network", "ipc", "uts", "cgroup", "time", NULL,
};

static const struct ct_read_field namespace_fields[] = {
	{ "type", READ_STRING, .required = true, .choices = namespace_types,
	  .offset = offsetof(struct listed_namespace, type) },
	{ "path", READ_STRING, .offset = offsetof(struct listed_namespace, path) },
	{0},
};

static const struct ct_read_object namespace_object = { .fields = namespace_fields };

static int add_namespace(const struct ct_reader *r, const struct ct_json *value,
			 struct ct_spec_namespace *namespaces)
{
	struct listed_namespace listed = {0};
	unsigned ns = 0;

	if (ct_read_object(r, value, &namespace_object, &listed) < 0)
		return -r->err->code;
	while (strcmp(ct_spec_ns_name(ns), listed.type) != 0)
		ns++;
	if (namespaces[ns].present)
		return ct_read_fail(r, ct_json_get(value, "type"), EINVAL, "%s listed twice",
				    listed.type);
	/* An empty path is how some tools write that there is none. */
	if (listed.path && *listed.path && listed.path[0] != '/')
		return ct_read_absolute(r, ct_json_get(value, "path"));
	namespaces[ns].present = true;
	namespaces[ns].path = listed.path && *listed.path ? listed.path : NULL;
	return 0;
}

static int read_namespaces(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	if (ct_read_type(r, value, CT_JSON_ARRAY) < 0)
		return -r->err->code;
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (add_namespace(r, v, place) < 0)
			return -r->err->code;
	}
	return 0;
}

/* ---- devices ---- */

static const char *const device_types[] = { "c", "b", "u", "p", NULL };

#define D(member) offsetof(struct ct_spec_device, member)

static int read_device_type(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	if (ct_read_type(r, value, CT_JSON_STRING) < 0)
		return -r->err->code;
	if (!ct_read_known(device_types, value->text))
		return ct_read_fail(r, value, EINVAL, "must be c, b, u or p, not \"%.80s\"",
				    value->text);
	memcpy(place, value->text, 1);
	return 0;
}

static int finish_device(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec_device *device = target;

	/* Some tools write the whole st_mode; the type is said elsewhere. */
	device->mode &= 07777;
	if (device->type == 'p')
		return 0;
	if (!ct_read_get(object, "major"))
		return ct_read_missing(r, object, "major");
	if (!ct_read_get(object, "minor"))
		return ct_read_missing(r, object, "minor");
	return 0;
}

static const struct ct_read_field device_fields[] = {
	{ "type", READ_CUSTOM, .required = true, .read = read_device_type, .offset = D(type) },
	{ "path", READ_STRING, .required = true, .check = ct_read_absolute, .offset = D(path) },
	{ "major", READ_I64, .min = 0, .max = 0xfff, .offset = D(major) },
	{ "minor", READ_I64, .min = 0, .max = 0xfffff, .offset = D(minor) },
	{ "fileMode", READ_U32, .max = 0177777, .offset = D(mode), .has = D(has_mode) },
	{ "uid", READ_U32, .max = CT_ID_MAX, .offset = D(uid), .has = D(has_uid) },
	{ "gid", READ_U32, .max = CT_ID_MAX, .offset = D(gid), .has = D(has_gid) },
	{0},
};

static const struct ct_read_object device = {
	.fields = device_fields, .size = sizeof(struct ct_spec_device), .finish = finish_device,
};

/* ---- small things ---- */

/* No component may climb: where the leaf would end up, nobody could tell. */
static int check_cgroups_path(const struct ct_reader *r, const struct ct_json *value)
{
	return ct_path_climbs(value->text) ?
	       ct_read_fail(r, value, EINVAL, "must not contain \"..\"") : 0;
}

static const char *const propagations[] = {
	"private", "rprivate", "slave", "rslave", "shared", "rshared", "unbindable", "runbindable",
	NULL,
};

static const char *const domains[] = { "LINUX", "LINUX32", NULL };

static int finish_personality(const struct ct_reader *r, const struct ct_json *object,
			      void *target)
{
	const struct ct_json *flags = ct_read_get(object, "flags");

	(void)target;
	if (flags && flags->child)
		return ct_read_fail(r, flags->child, EINVAL, "unknown flag \"%.80s\" (there are "
				    "none)", flags->child->text);
	return 0;
}

static const struct ct_read_field personality_fields[] = {
	{ "domain", READ_STRING, .required = true, .choices = domains, .offset = L(personality) },
	{ "flags", READ_STRINGS, .offset = READ_NOWHERE },
	{0},
};

static const struct ct_read_object personality = {
	.fields = personality_fields, .finish = finish_personality,
};

static const char *const memory_modes[] = {
	"MPOL_DEFAULT", "MPOL_PREFERRED", "MPOL_BIND", "MPOL_INTERLEAVE", "MPOL_LOCAL",
	"MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE", NULL,
};

static const char *const memory_flags[] = {
	"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", NULL,
};

static const char *const without_nodes[] = { "MPOL_DEFAULT", "MPOL_LOCAL", NULL };

static int finish_memory_policy(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	const struct ct_spec_linux *lx = target;
	bool has_nodes = lx->memory_nodes && *lx->memory_nodes;

	if (ct_read_known(without_nodes, lx->memory_mode))
		return has_nodes ? ct_read_fail(r, ct_read_get(object, "nodes"), EINVAL,
						"%s is for no nodes", lx->memory_mode) : 0;
	if (!has_nodes && strcmp(lx->memory_mode, "MPOL_PREFERRED") != 0)
		return ct_read_missing(r, object, "nodes");
	return 0;
}

static const struct ct_read_field memory_policy_fields[] = {
	{ "mode", READ_STRING, .required = true, .choices = memory_modes, .offset = L(memory_mode) },
	{ "nodes", READ_STRING, .check = ct_read_cpu_list, .offset = L(memory_nodes) },
	{ "flags", READ_STRINGS, .choices = memory_flags, .offset = L(memory_flags) },
	{0},
};

static const struct ct_read_object memory_policy = {
	.fields = memory_policy_fields, .finish = finish_memory_policy,
};

struct time_offset {
	int64_t secs;
	uint32_t nanosecs;
};

static const struct ct_read_field time_offset_fields[] = {
	{ "secs", READ_I64, .offset = offsetof(struct time_offset, secs) },
	{ "nanosecs", READ_U32, .max = 999999999,
	  .offset = offsetof(struct time_offset, nanosecs) },
	{0},
};

static const struct ct_read_object time_offset = { .fields = time_offset_fields };

static int read_time_offsets(const struct ct_reader *r, const struct ct_json *value, void *place)
{
	struct ct_spec_pairs pairs = {0};

	if (ct_read_type(r, value, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	pairs.items = ct_arena_calloc(r->arena, value->count, sizeof(*pairs.items));
	if (!pairs.items)
		return ct_fail_nomem(r->err);
	for (const struct ct_json *v = value->child; v; v = v->next) {
		struct time_offset offset = {0};
		const char *text;

		if (strcmp(v->key, "monotonic") != 0 && strcmp(v->key, "boottime") != 0)
			return ct_read_fail(r, v, EINVAL, "unknown clock (monotonic, boottime)");
		if (ct_read_object(r, v, &time_offset, &offset) < 0)
			return -r->err->code;
		text = ct_arena_printf(r->arena, "%lld %u", (long long)offset.secs,
				       offset.nanosecs);
		if (!text)
			return ct_fail_nomem(r->err);
		pairs.items[pairs.count++] = (struct ct_spec_pair){ v->key, text };
	}
	memcpy(place, &pairs, sizeof(pairs));
	return 0;
}

/* ---- the whole ---- */

static int finish_linux(const struct ct_reader *r, const struct ct_json *object, void *target)
{
	struct ct_spec_linux *lx = target;

	if (lx->cgroups_path && !*lx->cgroups_path)
		lx->cgroups_path = NULL;
	if (lx->mount_label && !*lx->mount_label)
		lx->mount_label = NULL;
	if (ct_check_idmaps(r, ct_read_get(object, "uidMappings"), &lx->uid_mappings) < 0)
		return -r->err->code;
	return ct_check_idmaps(r, ct_read_get(object, "gidMappings"), &lx->gid_mappings);
}

static const struct ct_read_field linux_fields[] = {
	{ "namespaces", READ_CUSTOM, .read = read_namespaces, .offset = L(namespaces) },
	{ "uidMappings", READ_LIST, .not_empty = true, .object = &ct_read_idmap,
	  .offset = L(uid_mappings.items), .count = L(uid_mappings.count) },
	{ "gidMappings", READ_LIST, .not_empty = true, .object = &ct_read_idmap,
	  .offset = L(gid_mappings.items), .count = L(gid_mappings.count) },
	{ "timeOffsets", READ_CUSTOM, .read = read_time_offsets, .offset = L(time_offsets) },
	{ "devices", READ_LIST, .object = &device, .offset = L(devices), .count = L(device_count) },
	{ "netDevices", READ_CUSTOM, .read = ct_read_net_devices, .offset = L(net_devices) },
	{ "cgroupsPath", READ_STRING, .check = check_cgroups_path, .offset = L(cgroups_path) },
	{ "resources", READ_OBJECT, .object = &ct_read_resources, .offset = L(resources) },
	{ "intelRdt", READ_POINTER, .object = &ct_read_intel_rdt, .offset = L(intel_rdt) },
	/* Its rows, too. */
	{ "memoryPolicy", READ_OBJECT, .object = &memory_policy, .offset = 0 },
	{ "sysctl", READ_PAIRS, .offset = L(sysctl) },
	{ "seccomp", READ_POINTER, .object = &ct_read_seccomp, .offset = L(seccomp) },
	{ "rootfsPropagation", READ_STRING, .choices = propagations,
	  .offset = L(rootfs_propagation) },
	{ "maskedPaths", READ_STRINGS, .check = ct_read_absolute, .offset = L(masked_paths),
	  .has = L(has_masked_paths) },
	{ "readonlyPaths", READ_STRINGS, .check = ct_read_absolute, .offset = L(readonly_paths),
	  .has = L(has_readonly_paths) },
	{ "mountLabel", READ_STRING, .offset = L(mount_label) },
	/* Its rows name members of this struct. */
	{ "personality", READ_OBJECT, .object = &personality, .offset = 0 },
	{0},
};

const struct ct_read_object ct_read_linux = {
	.fields = linux_fields, .size = sizeof(struct ct_spec_linux), .finish = finish_linux,
};
