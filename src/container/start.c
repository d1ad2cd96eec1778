/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that was created: check, plan, launch the monitor (launch.c).
 *
 * Runs in the CLI, and in children of keepers. Until the monitor runs nothing but the container's
 * directory and its leaf exist, and when the start fails the leaf goes and the caller forgets the
 * directory, too. May fail: whatever the spec asks for that cannot be had.
 *
 *   ct_keeper_launch     forked first, so that no end of a run can be missed
 *   plan                 ct_spec_check, ct_plan_make, ct_plan_resources: whatever can be refused
 *   ct_lower_save        what is below an overlay, for diff
 *   ct_keeper_await      it has its lock
 *   ct_poststop_launch   who runs the poststop hooks
 *   ct_launch            leaf, monitor, payload
 *   poststart hooks      on the host; one that fails ends the container again
 */
#include <cattach/container.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>

#include "hooks.h"
#include "keeper.h"
#include "launch.h"
#include "lower.h"
#include "plan.h"

static bool is_outside(const char *cgroups)
{
	return cgroups && !strcmp(cgroups, "no-monitor");
}

/* Who follows it to its end in the foreground removes what its monitor sits in. A leaf cannot be
 * removed while its monitor is in it, and the monitor is there until its end. */
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

/* The subtraction wraps around for ids below the line's first, and is then larger than any size. */
static uint32_t host_id(const struct ct_spec_idmaps *maps, uint32_t id)
{
	for (size_t i = 0; i < maps->count; i++)
		if (id - maps->items[i].container_id < maps->items[i].size)
			return maps->items[i].host_id + (id - maps->items[i].container_id);
	return id;
}

static bool is_read_only(const struct ct_spec_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (!strcmp(mount->options.items[i], "ro"))
			return true;
	return false;
}

/* Who may write to the cgroups that it sees gets its own to write to: a container of root's whose
 * root is another. A user's root is that user as a rule, whom the leaf belongs to in any case.
 * Without a mount of its own the container has no path to it, and with a read-only one no use for
 * it. */
static bool gets_leaf(const struct ct_spec *spec)
{
	const struct ct_spec_linux *l = &spec->linux_;

	if (geteuid() != 0 || !l->namespaces[CT_NS_CGROUP].present ||
	    l->namespaces[CT_NS_CGROUP].path || !l->uid_mappings.count)
		return false;
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct ct_spec_mount *mount = &spec->mounts.items[i];

		if (mount->type && !strncmp(mount->type, "cgroup", strlen("cgroup")))
			return !is_read_only(mount);
	}
	return false;
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
		.parent_is_hint = !container->meta.cgroup_parent,
		.settings = settings,
		.devices = spec->linux_.resources.devices,
		.device_count = spec->linux_.resources.device_count,
		.give = gets_leaf(spec) && host_id(&spec->linux_.uid_mappings, 0) != 0,
		.owner = host_id(&spec->linux_.uid_mappings, 0),
		.group = host_id(&spec->linux_.gid_mappings, 0),
	};
}

static int plan(struct ct_store *store, const struct ct_start_options *options,
		struct planning *planning, struct launching *launching, struct ct_err *err)
{
	int r = ct_spec_check(planning->spec, options->rootless, err);

	if (r == 0)
		r = ct_plan_make(planning->arena, planning->spec, planning->meta, store->cache,
				 options->preserve_fds, &launching->plan, err);
	if (r == 0)
		r = ct_plan_resources(planning, err);
	if (r == 0)
		r = ct_clos_look(planning->arena, planning->spec, &launching->clos_request, err);
	if (r == 0)
		ct_plan_log(launching->plan);
	return r;
}

/* The container does not stay without what its hooks have not done. */
static void end_after_hook(struct ct_container *container)
{
	struct ct_err ignored;

	ct_container_forbid_restart(container, 0);
	ct_container_end_run(container, NULL, SIGKILL, 0, &ignored);
}

/* With those hooks that are run outside of it. */
static int launch(struct ct_store *store, struct ct_container *container,
		  const struct ct_start_options *options, struct planning *planning,
		  struct launching *launching, struct ct_session *ret_session, struct ct_err *err)
{
	int r = ct_launch(store, container, options, launching, ret_session, err);
	struct ct_status status;

	if (r < 0 || !planning->spec->hooks.lists[CT_HOOK_POSTSTART].count)
		return r;
	r = ct_status_read(container->status_fd, &status, err);
	if (r == 0)
		r = ct_hooks_run_poststart(planning->arena, planning->spec, planning->meta,
					   status.pid, err);
	if (r < 0) {
		end_after_hook(container);
		ct_session_close(ret_session);
	}
	return r;
}

/* The keeper is forked first, and is ready by the time that there is a plan. */
static int start(struct ct_store *store, struct ct_container *container,
		 const struct ct_start_options *options, struct planning *planning,
		 struct launching *launching, struct ct_session *ret_session, struct ct_err *err)
{
	struct ct_keeper_launch keeper = CT_KEEPER_LAUNCH_INIT;
	struct ct_poststop poststop = CT_POSTSTOP_INIT;
	int r = options->kept ? 0 : ct_keeper_launch(container, &keeper, err);

	if (r == 0)
		r = plan(store, options, planning, launching, err);
	if (r == 0)
		r = ct_lower_save(container, &launching->plan->root, err);
	if (r == 0)
		r = ct_keeper_await(&keeper, err);
	if (r == 0)
		r = ct_poststop_launch(container, planning->spec, &poststop, err);
	if (r == 0) {
		launching->request = make_request(container, planning->spec, planning->settings);
		r = launch(store, container, options, planning, launching, ret_session, err);
	}
	ct_keeper_release(&keeper, r == 0);
	ct_poststop_release(&poststop, r == 0);
	container->poststop = ct_take_fd(&poststop.pidfd);
	return r;
}

int ct_container_start(struct ct_store *store, struct ct_arena *arena,
		       struct ct_container *container, const struct ct_spec *spec,
		       const struct ct_start_options *options, struct ct_session *ret_session,
		       struct ct_err *err)
{
	struct planning planning = { .arena = arena, .spec = spec, .meta = &container->meta };
	struct launching launching = {
		.arena = arena,
		.followed = options->client >= 0 && !ct_keeper_is_wanted(&container->meta),
	};
	int r = start(store, container, options, &planning, &launching, ret_session, err);

	if (r < 0)
		return r;
	keep_leaf(container, &launching.leaf, launching.followed);
	if (give_warnings(arena, options, &planning.warnings, ret_session->warning) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_CGROUP, "no memory for warnings");
	return 0;
}
