/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: changing the limits of a container, whoever says how: the options of
 * update, or the runtime command line.
 */
#ifndef CATTACH_CONTAINER_UPDATE_H
#define CATTACH_CONTAINER_UPDATE_H

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/resources.h>

struct update_wish {
	/* Put what is wished over what the container has until now. */
	int (*give)(const struct update_wish *wish, struct ct_arena *arena,
		    struct ct_cgroup_resources *inout, struct ct_err *err);
};

/**
 * ct_update_limits - change config.json, and the cgroup while there is one: both, or neither
 * @c: its state is known, and nobody else changes it
 */
int ct_update_limits(struct ct_container *c, struct ct_arena *arena, const struct update_wish *wish,
		     struct ct_err *err);

#endif
