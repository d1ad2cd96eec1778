/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that was created: check, plan, launch the monitor (launch.c).
 *
 * Runs in the CLI. Until the monitor runs nothing but the container's directory exists, and when the
 * start fails the caller forgets that, too. May fail: whatever the spec asks for that cannot be had.
 */
#include <cattach/container.h>

#include <stdlib.h>
#include <string.h>

#include "launch.h"
#include "plan.h"

static bool is_outside(const char *cgroups)
{
	return cgroups && !strcmp(cgroups, "no-monitor");
}

/* Who follows it to its end in the foreground removes what its monitor sits in. */
static int keep_leaf(struct ct_container *container, struct leaf *leaf, bool followed,
		     struct ct_err *err)
{
	if (leaf->cgroup.dir >= 0 && followed) {
		container->leaf = malloc(sizeof(*container->leaf));
		if (!container->leaf)
			return ct_fail_nomem(err);
		*container->leaf = leaf->cgroup;
		leaf->cgroup = (struct ct_cgroup)CT_CGROUP_INIT;
	}
	ct_leaf_close(leaf);
	return 0;
}

void ct_container_sweep(struct ct_container *container)
{
	if (container->leaf)
		ct_leaf_sweep(container->leaf);
}

int ct_container_start(struct ct_store *store, struct ct_arena *arena,
		       struct ct_container *container, const struct ct_spec *spec,
		       const struct ct_start_options *options, struct ct_session *ret_session,
		       struct ct_err *err)
{
	struct launching launching = { .arena = arena };
	struct ct_plan *plan;
	int r = ct_spec_check(spec, options->rootless, err);

	if (r == 0)
		r = ct_plan_make(arena, spec, &container->meta, store->cache, options->preserve_fds,
				 &plan, err);
	if (r < 0)
		return r;
	ct_plan_log(plan);
	launching.plan = plan;
	launching.request = (struct leaf_request){
		.id = container->meta.id,
		.cgroups = container->meta.cgroups,
		.monitor_outside = is_outside(container->meta.cgroups),
		.parent = spec->linux_.cgroups_path,
		.parent_is_hint = container->meta.bundle != NULL,
		.resources = &spec->linux_.resources,
	};
	r = ct_launch(store, container, options, &launching, ret_session, err);
	return r < 0 ? r : keep_leaf(container, &launching.leaf, options->client >= 0, err);
}
