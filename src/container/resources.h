/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: what the files that turn options into resources share. A working copy takes
 * all of it, and becomes the caller's when nothing was wrong.
 */
#ifndef CATTACH_CONTAINER_RESOURCES_H
#define CATTACH_CONTAINER_RESOURCES_H

#include <cattach/run.h>

struct resource_giving {
	struct ct_arena *arena;
	const struct ct_resource_options *options;
	struct ct_cgroup_resources *resources;
	struct ct_err *err;
};

/* A property, behind "linux.resources.", now comes from an option. 0 or negative with the error. */
int ct_resource_from(struct resource_giving *g, const char *property, const char *option);

/* run_resources_io.c: --blkio-weight and what names a block device */
int ct_resource_block(struct resource_giving *g);

#endif
