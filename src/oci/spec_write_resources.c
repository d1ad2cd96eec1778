/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The "linux.resources" part of a spec as JSON: what spec_resources.c reads, in the order of the
 * runtime specification.
 *
 * An object comes with its first member, so that what limits nothing leaves no trace; where 0 and
 * absent are two things the struct says which it is. Runs in the command, with the caller's rights.
 * Failures (memory) are sticky in the writer's buffer, so nothing here returns one.
 *
 *   write_memory: lazy "memory" in lazy "resources" in "linux"
 *     put_signed(limit)  ->  inside(memory) -> inside(resources): opens both, once
 *     end(memory)        ->  closes it, if it was opened
 */
#include "write.h"

/* An object that is begun by the first member that is written into it. */
struct lazy {
	struct ct_json_writer *w;
	struct lazy *outer;
	const char *key;
	bool open;
};

/* From the outermost inwards, each once: a member written into "memory" makes "resources" be there,
 * too. */
static struct ct_json_writer *inside(struct lazy *object)
{
	if (!object->open) {
		if (object->outer)
			inside(object->outer);
		ct_json_key(object->w, object->key);
		ct_json_begin_object(object->w);
		object->open = true;
	}
	return object->w;
}

static void end(struct lazy *object)
{
	if (object->open)
		ct_json_end_object(object->w);
}

/* Numbers of which 0 is none at all. The specification's 0 for these is "not set" (config-linux.md,
 * "Memory", "CPU"); -1, no limit, is written. */
static void put_signed(struct lazy *object, const char *key, int64_t value)
{
	if (value)
		ct_json_put_i64(inside(object), key, value);
}

static void put_unsigned(struct lazy *object, const char *key, uint64_t value)
{
	if (value)
		ct_json_put_u64(inside(object), key, value);
}

static void put_true(struct lazy *object, const char *key, bool value)
{
	if (value)
		ct_json_put_bool(inside(object), key, true);
}

static void put_text(struct lazy *object, const char *key, const char *value)
{
	if (value)
		ct_json_put_string(inside(object), key, value);
}

/* ---- lists ---- */

/* major and minor -1 are "any" (finish_rule() of spec_resources.c), which is said by leaving them
 * out. */
static void write_rules(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct ct_json_writer *w = all->w;

	if (!r->device_count)
		return;
	ct_json_key(inside(all), "devices");
	ct_json_begin_array(w);
	for (size_t i = 0; i < r->device_count; i++) {
		const struct ct_cgroup_device_rule *rule = &r->devices[i];
		char type[2] = { rule->type, '\0' };

		ct_json_begin_object(w);
		ct_json_put_bool(w, "allow", rule->allow);
		ct_json_put_string(w, "type", type);
		if (rule->major >= 0)
			ct_json_put_i64(w, "major", rule->major);
		if (rule->minor >= 0)
			ct_json_put_i64(w, "minor", rule->minor);
		ct_write_string(w, "access", rule->access);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

/* A weight is left out where only that of leaves was given; a rate is always there. */
static void write_values(struct lazy *block, const char *key, const char *name,
			 const struct ct_cgroup_device_values *list)
{
	struct ct_json_writer *w = block->w;

	if (!list->count)
		return;
	ct_json_key(inside(block), key);
	ct_json_begin_array(w);
	for (size_t i = 0; i < list->count; i++) {
		const struct ct_cgroup_device_value *device = &list->items[i];

		ct_json_begin_object(w);
		ct_json_put_i64(w, "major", device->major);
		ct_json_put_i64(w, "minor", device->minor);
		if (device->value || !device->leaf_weight)
			ct_json_put_u64(w, name, device->value);
		if (device->leaf_weight)
			ct_json_put_u64(w, "leafWeight", device->leaf_weight);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

static void write_huge(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct ct_json_writer *w = all->w;

	if (!r->huge_count)
		return;
	ct_json_key(inside(all), "hugepageLimits");
	ct_json_begin_array(w);
	for (size_t i = 0; i < r->huge_count; i++) {
		ct_json_begin_object(w);
		ct_json_put_string(w, "pageSize", r->huge[i].page_size);
		ct_json_put_u64(w, "limit", r->huge[i].limit);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

static void write_priorities(struct lazy *network, const struct ct_cgroup_resources *r)
{
	struct ct_json_writer *w = network->w;

	if (!r->priority_count)
		return;
	ct_json_key(inside(network), "priorities");
	ct_json_begin_array(w);
	for (size_t i = 0; i < r->priority_count; i++) {
		ct_json_begin_object(w);
		ct_json_put_string(w, "name", r->priorities[i].name);
		ct_json_put_u64(w, "priority", r->priorities[i].priority);
		ct_json_end_object(w);
	}
	ct_json_end_array(w);
}

/* ---- objects ---- */

static void write_memory(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy memory = { .w = all->w, .outer = all, .key = "memory" };

	put_signed(&memory, "limit", r->memory);
	put_signed(&memory, "reservation", r->reservation);
	put_signed(&memory, "swap", r->swap);
	put_signed(&memory, "kernel", r->kernel);
	put_signed(&memory, "kernelTCP", r->kernel_tcp);
	if (r->has_swappiness)
		ct_json_put_u64(inside(&memory), "swappiness", r->swappiness);
	put_true(&memory, "disableOOMKiller", r->disable_oom_killer);
	put_true(&memory, "useHierarchy", r->use_hierarchy);
	put_true(&memory, "checkBeforeUpdate", r->check_before_update);
	end(&memory);
}

static void write_cpu(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy cpu = { .w = all->w, .outer = all, .key = "cpu" };

	put_unsigned(&cpu, "shares", r->shares);
	put_signed(&cpu, "quota", r->quota);
	if (r->has_burst)
		ct_json_put_u64(inside(&cpu), "burst", r->burst);
	put_unsigned(&cpu, "period", r->period);
	put_signed(&cpu, "realtimeRuntime", r->realtime_runtime);
	put_unsigned(&cpu, "realtimePeriod", r->realtime_period);
	put_text(&cpu, "cpus", r->cpus);
	put_text(&cpu, "mems", r->mems);
	if (r->has_idle)
		ct_json_put_i64(inside(&cpu), "idle", r->idle);
	end(&cpu);
}

/* A limit that nobody asked for is found anew at each start, which may be on another host. */
static void write_pids(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy pids = { .w = all->w, .outer = all, .key = "pids" };

	if (r->has_pids && !r->pids_by_default)
		ct_json_put_i64(inside(&pids), "limit", r->pids);
	end(&pids);
}

static void write_block(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy block = { .w = all->w, .outer = all, .key = "blockIO" };

	put_unsigned(&block, "weight", r->weight);
	put_unsigned(&block, "leafWeight", r->leaf_weight);
	write_values(&block, "weightDevice", "weight", &r->weights);
	write_values(&block, "throttleReadBpsDevice", "rate", &r->read_bps);
	write_values(&block, "throttleWriteBpsDevice", "rate", &r->write_bps);
	write_values(&block, "throttleReadIOPSDevice", "rate", &r->read_iops);
	write_values(&block, "throttleWriteIOPSDevice", "rate", &r->write_iops);
	end(&block);
}

static void write_network(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy network = { .w = all->w, .outer = all, .key = "network" };

	put_unsigned(&network, "classID", r->class_id);
	write_priorities(&network, r);
	end(&network);
}

/* Keys of the object are the devices' names: "mlx5_0": { "hcaHandles": 3 }. */
static void write_rdma(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy rdma = { .w = all->w, .outer = all, .key = "rdma" };

	for (size_t i = 0; i < r->rdma_count; i++) {
		const struct ct_cgroup_rdma *one = &r->rdma[i];

		ct_json_key(inside(&rdma), one->device);
		ct_json_begin_object(all->w);
		if (one->has_handles)
			ct_json_put_u64(all->w, "hcaHandles", one->handles);
		if (one->has_objects)
			ct_json_put_u64(all->w, "hcaObjects", one->objects);
		ct_json_end_object(all->w);
	}
	end(&rdma);
}

/* As they were given: file name and content in the container's cgroup, never read by us. */
static void write_unified(struct lazy *all, const struct ct_cgroup_resources *r)
{
	struct lazy unified = { .w = all->w, .outer = all, .key = "unified" };

	for (size_t i = 0; i < r->unified_count; i++)
		put_text(&unified, r->unified[i].key, r->unified[i].value);
	end(&unified);
}

/* Called within "linux", by spec_write_linux.c; writes nothing at all when nothing is limited. */
void ct_write_resources(struct ct_json_writer *w, const struct ct_cgroup_resources *resources)
{
	struct lazy all = { .w = w, .key = "resources" };

	write_rules(&all, resources);
	write_memory(&all, resources);
	write_cpu(&all, resources);
	write_pids(&all, resources);
	write_block(&all, resources);
	write_huge(&all, resources);
	write_network(&all, resources);
	write_rdma(&all, resources);
	write_unified(&all, resources);
	end(&all);
}
