/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that was created: check, plan, launch the monitor (launch.c).
 *
 * Runs in the CLI. Until the monitor runs nothing but the container's directory exists, and when the
 * start fails the caller forgets that, too. May fail: whatever the spec asks for that cannot be had.
 */
#include <cattach/container.h>

#include "launch.h"
#include "plan.h"

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
		.parent = spec->linux_.cgroups_path,
		.parent_is_hint = container->meta.bundle != NULL,
		.resources = &spec->linux_.resources,
	};
	return ct_launch(store, container, options, &launching, ret_session, err);
}
