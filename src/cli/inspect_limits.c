/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits as "cattach inspect" shows them: what config.json asks for, under the names and in the
 * units that docker has in .HostConfig.
 *
 * Builds values only, in the caller's arena. What is asked for and what is in force are two things:
 * the latter is in the files of the container's cgroup, whose path stands in .State.CgroupPath
 * while it runs.
 */
#include "inspect.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCES "linux.resources."

/* Paths within config.json, a dot for each step down (ct_json_find()). What only "unified" has is
 * not among docker's names, and stands in .Config alone. */
static const struct {
	const char *key, *path;
} numbers[] = {
	{ "Memory", RESOURCES "memory.limit" },
	{ "MemoryReservation", RESOURCES "memory.reservation" },
	{ "MemorySwap", RESOURCES "memory.swap" },
	{ "CpuShares", RESOURCES "cpu.shares" },
	{ "CpuPeriod", RESOURCES "cpu.period" },
	{ "CpuQuota", RESOURCES "cpu.quota" },
	{ "PidsLimit", RESOURCES "pids.limit" },
	{ "BlkioWeight", RESOURCES "blockIO.weight" },
}, texts[] = {
	{ "CpusetCpus", RESOURCES "cpu.cpus" },
	{ "CpusetMems", RESOURCES "cpu.mems" },
	{ "CgroupParent", "linux.cgroupsPath" },
};

/* 0 for what is not asked for, as docker has it. */
static int64_t find_number(const struct ct_json *config, const char *path)
{
	const struct ct_json *value = config ? ct_json_find(config, path) : NULL;

	return value && value->type == CT_JSON_NUMBER ? strtoll(value->text, NULL, 10) : 0;
}

static const char *find_text(const struct ct_json *config, const char *path)
{
	const struct ct_json *value = config ? ct_json_find(config, path) : NULL;

	return value && value->type == CT_JSON_STRING ? value->text : "";
}

/* docker's --cpus: billionths of a processor, from quota and period, which is all that config.json
 * knows. The quota is checked: anybody may have written that file. */
static int64_t nano_cpus(const struct ct_json *config)
{
	int64_t quota = find_number(config, RESOURCES "cpu.quota");
	int64_t period = find_number(config, RESOURCES "cpu.period");

	if (quota <= 0 || quota > INT64_MAX / 1000000000)
		return 0;
	return quota * 1000000000 / (period > 0 ? period : 100000);
}

/* docker knows no -1 of memory alone. */
static int64_t find_limit(const struct ct_json *config, const char *path)
{
	int64_t number = find_number(config, path);

	return number < 0 && !strcmp(path, RESOURCES "memory.limit") ? 0 : number;
}

void ct_inspect_limits(struct ct_values *values, struct ct_json *object, const struct ct_meta *meta,
		       const struct ct_json *config)
{
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		ct_value_set(values, object, numbers[i].key,
			     ct_value_i64(values, find_limit(config, numbers[i].path)));
	ct_value_set(values, object, "NanoCpus", ct_value_i64(values, nano_cpus(config)));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		ct_value_set(values, object, texts[i].key,
			     ct_value_string(values, find_text(config, texts[i].path)));
	ct_value_set(values, object, "Cgroups",
		     ct_value_string(values, meta->cgroups ? meta->cgroups : "default"));
}
