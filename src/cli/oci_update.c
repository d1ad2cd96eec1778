/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci update: change the limits of a container, by a linux.resources object (from a file, or "-"
 * for standard input), or by options that are called as those of runc and crun.
 *
 * Runs in the command with the caller's rights. With an object options say nothing, as callers expect.
 * May fail: a limit that cannot be had here; then nothing has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/log.h>
#include <cattach/spec.h>

#include "oci.h"

struct update_options {
	const char *resources, *kernel, *kernel_tcp, *cache, *bandwidth;
	struct ct_runtime_limits limits;
};

#define OPTION(member)	offsetof(struct update_options, member)
#define LIMIT(member)	offsetof(struct update_options, limits.member)

static const struct ct_option update_table[] = {
	{ "resources", 'r', CT_OPTION_STRING, "FILE", OPTION(resources),
	  "What changes, as the linux.resources of a config.json; \"-\": from standard input" },
	{ "memory", 0, CT_OPTION_STRING, "SIZE", LIMIT(memory), "Limit of memory" },
	{ "memory-reservation", 0, CT_OPTION_STRING, "SIZE", LIMIT(reservation),
	  "Memory that is left to it when the host runs short" },
	{ "memory-swap", 0, CT_OPTION_STRING, "SIZE", LIMIT(swap), "Limit of memory and swap together" },
	{ "cpu-share", 0, CT_OPTION_STRING, "N", LIMIT(shares), "Weight when processors are short" },
	{ "cpu-shares", 0, CT_OPTION_STRING, "N", LIMIT(shares), NULL },
	{ "cpu-quota", 0, CT_OPTION_STRING, "US", LIMIT(quota),
	  "Microseconds of processor time in a period" },
	{ "cpu-period", 0, CT_OPTION_STRING, "US", LIMIT(period), "Microseconds of a period" },
	{ "cpu-burst", 0, CT_OPTION_STRING, "US", LIMIT(burst),
	  "Microseconds that may be saved for later periods" },
	{ "cpu-idle", 0, CT_OPTION_STRING, "0|1", LIMIT(idle), "1: only what nobody else wants" },
	{ "cpu-rt-period", 0, CT_OPTION_STRING, "US", LIMIT(rt_period), NULL },
	{ "cpu-rt-runtime", 0, CT_OPTION_STRING, "US", LIMIT(rt_runtime), NULL },
	{ "cpuset-cpus", 0, CT_OPTION_STRING, "LIST", LIMIT(cpus), "Run on these processors only" },
	{ "cpuset-mems", 0, CT_OPTION_STRING, "LIST", LIMIT(mems), "Memory from these nodes only" },
	{ "pids-limit", 0, CT_OPTION_STRING, "N", LIMIT(pids), "Limit of processes and threads" },
	{ "blkio-weight", 0, CT_OPTION_STRING, "N", LIMIT(blkio_weight),
	  "Weight when block devices are busy" },
	{ "kernel-memory", 0, CT_OPTION_STRING, "SIZE", OPTION(kernel), NULL },
	{ "kernel-memory-tcp", 0, CT_OPTION_STRING, "SIZE", OPTION(kernel_tcp), NULL },
	{ "l3-cache-schema", 0, CT_OPTION_STRING, "TEXT", OPTION(cache), NULL },
	{ "mem-bw-schema", 0, CT_OPTION_STRING, "TEXT", OPTION(bandwidth), NULL },
	{ 0 },
};

static int read_resources(struct ct_arena *arena, const char *path,
			  struct ct_cgroup_resources *ret_resources, struct ct_err *err)
{
	bool standard_input = !strcmp(path, "-");
	int ct_autofd file = standard_input ? -1 : openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *name = standard_input ? "standard input" : path;
	const char *text;
	size_t size;

	if (!standard_input && file < 0)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	if (ct_read_stream(arena, standard_input ? STDIN_FILENO : file, CT_JSON_MAX_SIZE, &text, &size,
			   err) < 0)
		return ct_wrap(err, "%s", name);
	return ct_spec_parse_resources(arena, name, text, size, ret_resources, err);
}

static int find_resources(const struct oci_call *call, struct ct_cgroup_resources *ret_resources,
			  struct ct_err *err)
{
	const struct update_options *o = call->options;

	if (o->resources)
		return read_resources(call->arena, o->resources, ret_resources, err);
	if (o->cache || o->bandwidth)
		return ct_fail(err, ENOTSUP, "%s is not supported",
			       o->cache ? "--l3-cache-schema" : "--mem-bw-schema");
	if (o->kernel || o->kernel_tcp)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CLI, "no kernel limits its own memory apart any more");
	return ct_runtime_limits_parse(call->arena, &o->limits, ret_resources, err);
}

static int update_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_cgroup_resources resources;
	int r = find_resources(call, &resources, err);

	if (r == 0)
		r = oci_find(call, &store, &c, err);
	return r < 0 ? r : ct_runtime_update(&c, call->arena, &resources, err);
}

const struct oci_command oci_update = {
	.name = "update", .synopsis = "[OPTIONS] ID", .summary = "Change the limits of a container",
	.options = update_table, .options_size = sizeof(struct update_options),
	.min_operands = 1, .max_operands = 1, .handler = update_handler,
};
