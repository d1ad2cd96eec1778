/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Limits of options that are about block devices: --blkio-weight and what names a device.
 *
 * Runs in the command with the caller's rights, before anything is created or changed. A path is
 * the caller's own and stands for the numbers of its node, which are what the kernel knows; a later
 * option, or one of "update", takes the place of an earlier value for the same device.
 *
 * May fail for values that are malformed, and for what is no block device; where is the option, and
 * the device behind it.
 */
#include "resources.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cattach/num.h>

#define WEIGHT_MIN	10
#define WEIGHT_MAX	1000

/* 0 is how docker says "not given". */
static int parse_weight(const char *text, uint64_t *ret_weight, struct ct_err *err)
{
	if (strcmp(text, "0") != 0)
		return ct_parse_u64(text, WEIGHT_MIN, WEIGHT_MAX, ret_weight, err);
	*ret_weight = 0;
	return 0;
}

static int parse_count(const char *text, uint64_t *ret_count, struct ct_err *err)
{
	return ct_parse_u64(text, 0, UINT64_MAX, ret_count, err);
}

/* The options of this kind. */
struct kind {
	const char *option, *metavar;
	int (*parse)(const char *text, uint64_t *ret_value, struct ct_err *err);
	const struct ct_strings *list;
	struct ct_cgroup_device_values *values;
};

/* A partition has numbers of its own; that io.max wants those of the disk the kernel says at the
 * start. */
static int look_up(const char *path, struct ct_cgroup_device_value *value, struct ct_err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return ct_fail_errno(err, errno, "%s", path);
	if (!S_ISBLK(st.st_mode)) {
		ct_fail(err, ENOTBLK, "%s is not a block device", path);
		return ct_hint(err, "lsblk lists them");
	}
	value->major = major(st.st_rdev);
	value->minor = minor(st.st_rdev);
	return 0;
}

/* "PATH:VALUE"; paths below /dev/disk/by-path have colons themselves. */
static int parse_device(struct resource_giving *g, const struct kind *kind, const char *text,
			struct ct_cgroup_device_value *value)
{
	const char *colon = strrchr(text, ':'), *path;

	if (*text != '/' || !colon || !colon[1])
		return ct_fail(g->err, EINVAL, "must be %s, not \"%s\"", kind->metavar, text);
	path = ct_arena_strndup(g->arena, text, (size_t)(colon - text));
	value->where = ct_arena_printf(g->arena, "%s %s", kind->option, path ? path : "");
	if (!path || !value->where)
		return ct_fail_nomem(g->err);
	if (kind->parse(colon + 1, &value->value, g->err) < 0)
		return ct_wrap(g->err, "%s", path);
	return look_up(path, value, g->err);
}

/* In a new list, since the old one may be shared with the spec that an update began with. */
static int give_devices(struct resource_giving *g, const struct kind *kind)
{
	struct ct_cgroup_device_values *values = kind->values;
	struct ct_cgroup_device_value *all, value = { 0 };

	if (!kind->list->count)
		return 0;
	all = ct_arena_calloc(g->arena, values->count + kind->list->count, sizeof(*all));
	if (!all)
		return ct_fail_nomem(g->err);
	if (values->count)
		memcpy(all, values->items, values->count * sizeof(*all));
	values->items = all;
	for (size_t i = 0; i < kind->list->count; i++) {
		size_t k = 0;

		if (parse_device(g, kind, kind->list->items[i], &value) < 0)
			return ct_wrap(g->err, "%s", kind->option);
		while (k < values->count &&
		       (all[k].major != value.major || all[k].minor != value.minor))
			k++;
		all[k] = value;
		values->count += k == values->count;
	}
	return 0;
}

int ct_resource_block(struct resource_giving *g)
{
	const struct ct_resource_options *o = g->options;
	struct ct_cgroup_resources *r = g->resources;
	const struct kind kinds[] = {
		{ "--blkio-weight-device", "/dev/DEVICE:WEIGHT", parse_weight,
		  &o->blkio_weight_device, &r->weights },
		{ "--device-read-bps", "/dev/DEVICE:SIZE", ct_parse_size, &o->device_read_bps,
		  &r->read_bps },
		{ "--device-write-bps", "/dev/DEVICE:SIZE", ct_parse_size, &o->device_write_bps,
		  &r->write_bps },
		{ "--device-read-iops", "/dev/DEVICE:NUMBER", parse_count, &o->device_read_iops,
		  &r->read_iops },
		{ "--device-write-iops", "/dev/DEVICE:NUMBER", parse_count, &o->device_write_iops,
		  &r->write_iops },
	};
	uint64_t weight = 0;

	if (o->blkio_weight && parse_weight(o->blkio_weight, &weight, g->err) < 0)
		return ct_wrap(g->err, "--blkio-weight");
	if (weight) {
		r->weight = (uint16_t)weight;
		if (ct_resource_from(g, "blockIO.weight", "--blkio-weight") < 0)
			return -g->err->code;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (give_devices(g, &kinds[i]) < 0)
			return -g->err->code;
	return 0;
}
