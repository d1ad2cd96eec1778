/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that was created: check, plan, launch the monitor (launch.c).
 *
 * Runs in the CLI. Until the monitor runs nothing but the container's directory exists, and when the
 * start fails the caller forgets that, too. May fail: whatever the spec asks for that cannot be had.
 */
#include <cattach/container.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/log.h>

#include "launch.h"
#include "plan.h"

static bool is_outside(const char *cgroups)
{
	return cgroups && !strcmp(cgroups, "no-monitor");
}

/* Who follows it to its end in the foreground removes what its monitor sits in. */
static void keep_leaf(struct ct_container *container, struct leaf *leaf, bool followed)
{
	if (leaf->cgroup.dir >= 0 && followed)
		container->leaf = malloc(sizeof(*container->leaf));
	if (container->leaf) {
		*container->leaf = leaf->cgroup;
		leaf->cgroup = (struct ct_cgroup)CT_CGROUP_INIT;
	}
	ct_leaf_close(leaf);
}

void ct_container_sweep(struct ct_container *container)
{
	if (container->leaf)
		ct_leaf_sweep(container->leaf);
}

/* The plan's warnings and the start's. */
static int give_warnings(struct ct_arena *arena, const struct ct_start_options *options,
			 const struct ct_strings *planned, const char *started)
{
	int r = 0;

	for (size_t i = 0; r == 0 && options->warnings && i < planned->count; i++)
		r = ct_strings_add(arena, options->warnings, planned->items[i]);
	if (r == 0 && options->warnings && *started) {
		const char *copy = ct_arena_strdup(arena, started);

		r = copy ? ct_strings_add(arena, options->warnings, copy) : -ENOMEM;
	}
	return r;
}

static struct leaf_request make_request(const struct ct_container *container,
					const struct ct_spec *spec,
					const struct ct_cgroup_settings *settings)
{
	return (struct leaf_request){
		.id = container->meta.id,
		.cgroups = container->meta.cgroups,
		.monitor_outside = is_outside(container->meta.cgroups),
		.parent = spec->linux_.cgroups_path,
		.parent_is_hint = container->meta.bundle != NULL,
		.settings = settings,
		.resources = &spec->linux_.resources,
	};
}

int ct_container_start(struct ct_store *store, struct ct_arena *arena,
		       struct ct_container *container, const struct ct_spec *spec,
		       const struct ct_start_options *options, struct ct_session *ret_session,
		       struct ct_err *err)
{
	struct planning resources = { .arena = arena, .spec = spec, .meta = &container->meta };
	struct launching launching = { .arena = arena };
	int r = ct_spec_check(spec, options->rootless, err);

	if (r == 0)
		r = ct_plan_make(arena, spec, &container->meta, store->cache, options->preserve_fds,
				 &launching.plan, err);
	if (r == 0)
		r = ct_plan_resources(&resources, err);
	if (r < 0)
		return r;
	ct_plan_log(launching.plan);
	launching.request = make_request(container, spec, resources.settings);
	r = ct_launch(store, container, options, &launching, ret_session, err);
	if (r < 0)
		return r;
	keep_leaf(container, &launching.leaf, options->client >= 0);
	if (give_warnings(arena, options, &resources.warnings, ret_session->warning) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "no memory for warnings");
	return 0;
}
