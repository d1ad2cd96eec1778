/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux" part of a spec as JSON, seccomp included; the other half of spec_write.c.
 *
 * Runs in the command, with the caller's rights. Failures (memory) are sticky in the writer's
 * buffer, so nothing here returns one.
 */
#include "write.h"

#include <stdlib.h>

static void write_namespaces(struct ct_json_writer *w, const struct ct_spec_namespace *namespaces)
{
	ct_json_key(w, "namespaces");
	ct_json_begin_array(w);
	for (unsigned ns = 0; ns < CT_NS_COUNT; ns++) {
		if (!namespaces[ns].present)
			continue;
		ct_json_begin_object(w);
		ct_json_put_string(w, "type", ct_spec_ns_name(ns));
		ct_write_string(w, "path", namespaces[ns].path);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

static void write_device(struct ct_json_writer *w, const struct ct_spec_device *device)
{
	char type[2] = { device->type, '\0' };

	ct_json_begin_object(w);
	ct_json_put_string(w, "type", type);
	ct_json_put_string(w, "path", device->path);
	if (device->type != 'p') {
		ct_json_put_i64(w, "major", device->major);
		ct_json_put_i64(w, "minor", device->minor);
	}
	if (device->has_mode)
		ct_json_put_u64(w, "fileMode", device->mode);
	if (device->has_uid)
		ct_json_put_u64(w, "uid", device->uid);
	if (device->has_gid)
		ct_json_put_u64(w, "gid", device->gid);
	ct_json_end_object(w);
}

static void write_devices(struct ct_json_writer *w, const struct ct_spec_linux *lx)
{
	if (!lx->device_count)
		return;
	ct_json_key(w, "devices");
	ct_json_begin_array(w);
	for (size_t i = 0; i < lx->device_count; i++)
		write_device(w, &lx->devices[i]);
	ct_json_end_array(w);
}

static void write_net_devices(struct ct_json_writer *w, const struct ct_spec_net_devices *devices)
{
	if (!devices->count)
		return;
	ct_json_key(w, "netDevices");
	ct_json_begin_object(w);
	for (size_t i = 0; i < devices->count; i++) {
		ct_json_key(w, devices->items[i].name);
		ct_json_begin_object(w);
		ct_json_put_string(w, "name", devices->items[i].inside);
		ct_json_end_object(w);
	}
	ct_json_end_object(w);
}

static void write_intel_rdt(struct ct_json_writer *w, const struct ct_resctrl_settings *settings)
{
	if (!settings)
		return;
	ct_json_key(w, "intelRdt");
	ct_json_begin_object(w);
	ct_write_string(w, "closID", settings->class);
	ct_write_string(w, "l3CacheSchema", settings->cache);
	ct_write_string(w, "memBwSchema", settings->bandwidth);
	ct_write_strings(w, "schemata", &settings->schemata);
	if (settings->monitoring)
		ct_json_put_bool(w, "enableMonitoring", true);
	ct_json_end_object(w);
}

/* Kept as "secs nanosecs", the form in which the kernel reads them. */
static void write_time_offsets(struct ct_json_writer *w, const struct ct_spec_pairs *offsets)
{
	if (!offsets->count)
		return;
	ct_json_key(w, "timeOffsets");
	ct_json_begin_object(w);
	for (size_t i = 0; i < offsets->count; i++) {
		char *end;

		ct_json_key(w, offsets->items[i].key);
		ct_json_begin_object(w);
		ct_json_put_i64(w, "secs", strtoll(offsets->items[i].value, &end, 10));
		ct_json_put_u64(w, "nanosecs", strtoull(end, NULL, 10));
		ct_json_end_object(w);
	}
	ct_json_end_object(w);
}

static void write_rule(struct ct_json_writer *w, const struct ct_spec_seccomp_rule *rule)
{
	ct_json_begin_object(w);
	ct_write_strings(w, "names", &rule->names);
	ct_json_put_string(w, "action", rule->action);
	if (rule->has_errno)
		ct_json_put_u64(w, "errnoRet", rule->errno_ret);
	if (rule->arg_count) {
		ct_json_key(w, "args");
		ct_json_begin_array(w);
		for (size_t i = 0; i < rule->arg_count; i++) {
			ct_json_begin_object(w);
			ct_json_put_u64(w, "index", rule->args[i].index);
			ct_json_put_u64(w, "value", rule->args[i].value);
			ct_json_put_u64(w, "valueTwo", rule->args[i].value_two);
			ct_json_put_string(w, "op", rule->args[i].op);
			ct_json_end_object(w);
		}
		ct_json_end_array(w);
	}
	ct_json_end_object(w);
}

static void write_seccomp(struct ct_json_writer *w, const struct ct_spec_seccomp *seccomp)
{
	ct_json_key(w, "seccomp");
	ct_json_begin_object(w);
	ct_json_put_string(w, "defaultAction", seccomp->default_action);
	if (seccomp->has_default_errno)
		ct_json_put_u64(w, "defaultErrnoRet", seccomp->default_errno);
	ct_write_strings(w, "architectures", &seccomp->architectures);
	ct_write_strings(w, "flags", &seccomp->flags);
	ct_write_string(w, "listenerPath", seccomp->listener_path);
	ct_write_string(w, "listenerMetadata", seccomp->listener_metadata);
	ct_json_key(w, "syscalls");
	ct_json_begin_array(w);
	for (size_t i = 0; i < seccomp->rule_count; i++)
		write_rule(w, &seccomp->rules[i]);
	ct_json_end_array(w);
	ct_json_end_object(w);
}

/* An empty list is not the same as none here: it says "mask nothing". */
static void write_paths(struct ct_json_writer *w, const char *key, bool has,
			const struct ct_strings *list)
{
	if (!has)
		return;
	ct_json_key(w, key);
	ct_json_strings(w, list);
}

void ct_write_linux(struct ct_json_writer *w, const struct ct_spec_linux *lx)
{
	ct_json_key(w, "linux");
	ct_json_begin_object(w);
	write_namespaces(w, lx->namespaces);
	ct_write_idmaps(w, "uidMappings", &lx->uid_mappings);
	ct_write_idmaps(w, "gidMappings", &lx->gid_mappings);
	write_time_offsets(w, &lx->time_offsets);
	write_devices(w, lx);
	write_net_devices(w, &lx->net_devices);
	ct_write_resources(w, &lx->resources);
	write_intel_rdt(w, lx->intel_rdt);
	ct_write_string(w, "cgroupsPath", lx->cgroups_path);
	ct_write_pairs(w, "sysctl", &lx->sysctl);
	if (lx->seccomp)
		write_seccomp(w, lx->seccomp);
	ct_write_string(w, "rootfsPropagation", lx->rootfs_propagation);
	write_paths(w, "maskedPaths", lx->has_masked_paths, &lx->masked_paths);
	write_paths(w, "readonlyPaths", lx->has_readonly_paths, &lx->readonly_paths);
	ct_write_string(w, "mountLabel", lx->mount_label);
	if (lx->memory_mode) {
		ct_json_key(w, "memoryPolicy");
		ct_json_begin_object(w);
		ct_json_put_string(w, "mode", lx->memory_mode);
		ct_write_string(w, "nodes", lx->memory_nodes);
		ct_write_strings(w, "flags", &lx->memory_flags);
		ct_json_end_object(w);
	}
	if (lx->personality) {
		ct_json_key(w, "personality");
		ct_json_begin_object(w);
		ct_json_put_string(w, "domain", lx->personality);
		ct_json_end_object(w);
	}
	ct_json_end_object(w);
}
