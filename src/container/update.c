/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changing what a container may have: in its config.json, and in its cgroup while it runs.
 *
 * Runs in commands, as the user. Whoever updates holds the lock of those who start (created.c), so
 * that a start has the limits from before or those from after, and no mixture. The cgroup is
 * changed first, for it is the kernel that refuses; then config.json is replaced in one step, and
 * when that fails the cgroup is set back. Killed in between, a container runs with limits that it
 * does not have after its next start. That nobody has asked for the limit of swap stands in
 * meta.json, which is replaced before. Fails, with everything as it was, on what cannot be had. A
 * restart policy and how the health is checked stand in meta.json, too, and come after the limits;
 * of a container that runs its keeper is told, or made.
 *
 *   hold the lock -> check the record's part -> limits -> record -> keeper -> event
 *   limits: old settings, wish, new settings; what differs goes into the cgroup, then config.json
 */
#include <errno.h>
#include <string.h>

#include <cattach/cgroup.h>
#include <cattach/event.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/log.h>
#include <cattach/run.h>

#include "keeper.h"
#include "record.h"
#include "run_parts.h"
#include "update.h"

struct updating {
	struct ct_arena *arena;
	struct ct_container *c;
	struct ct_spec *spec;		/* as it is, and then as it is to be */
	const struct update_wish *wish;
	struct ct_cgroup_settings settings;	/* that change */
	struct ct_cgroup_settings before;	/* what takes it back */
	struct ct_cgroup cgroup;	/* open while it runs */
};

/* ---- what changes ---- */

/* What is there already is not written once more: a write of memory.max, say, may start to
 * reclaim. */
static bool has_setting(const struct ct_cgroup_settings *settings,
			const struct ct_cgroup_setting *wanted)
{
	for (size_t i = 0; i < settings->count; i++)
		if (!strcmp(settings->items[i].file, wanted->file) &&
		    !strcmp(settings->items[i].value, wanted->value))
			return true;
	return false;
}

/* Is the file among those that are going to be written? */
static bool has_file(const struct ct_cgroup_settings *settings, const char *file)
{
	for (size_t i = 0; i < settings->count; i++)
		if (!strcmp(settings->items[i].file, file))
			return true;
	return false;
}

/* What was asked for just now, what follows from that, and what has the last word about the same
 * file at a start (linux.resources.unified over an option); the rest is as it has been set. where
 * begins with "--" for what this command's options have asked for. What has not changed is not
 * written again: somebody may have changed the file by hand meanwhile. */
static int choose_settings(struct updating *u, const struct ct_cgroup_settings *old,
			   const struct ct_cgroup_settings *all, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->count; i++) {
		bool by_option = !strncmp(all->items[i].where, "--", 2);

		if (by_option || !has_setting(old, &all->items[i]) ||
		    has_file(&u->settings, all->items[i].file))
			r = ct_cgroup_setting_add(u->arena, &u->settings, &all->items[i], err);
	}
	return r;
}

static int settle(struct updating *u, struct ct_cgroup_settings *settings,
		  struct ct_strings *warnings, struct ct_err *err)
{
	const char *cgroups = u->c->meta.cgroups;
	int r = ct_resources_settle(u->arena, u->spec, &u->c->meta, settings, warnings, err);

	/* The ways out of a start are none any more. */
	if (r == -ENOTSUP)
		return ct_hint(err, "leave it out");
	if (r == -EINVAL && cgroups && !strcmp(cgroups, "disabled"))
		return ct_hint(err, "it was created with --cgroups=disabled, and that stays so");
	return r;
}

/* The same translation as at a start, twice: once for what it has, once for what it is to have. */
static int work_out(struct updating *u, struct ct_err *err)
{
	struct ct_cgroup_settings old = { .count = 0 }, all = { .count = 0 };
	struct ct_strings known = { .count = 0 }, warnings = { .count = 0 };
	int r = settle(u, &old, &known, err);

	if (r == 0)
		r = u->wish->give(u->wish, u->arena, &u->spec->linux_.resources, err);
	if (r == 0)
		r = settle(u, &all, &warnings, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < warnings.count; i++)
		ct_warn("%s", warnings.items[i]);
	return choose_settings(u, &old, &all, err);
}

/* ---- both places ---- */

/* u->before collects what the files had, for the way back. */
static int change_cgroup(struct updating *u, struct ct_err *err)
{
	int r;

	if (!ct_container_is_live(u->c) || !u->settings.count)
		return 0;
	r = ct_container_cgroup(u->c, &u->cgroup, err);
	if (r < 0)
		return r;
	return ct_cgroup_change(u->arena, &u->cgroup, &u->settings, &u->before, err);
}

/* Whether the limit of swap is somebody's wish: a later one of memory would take its place. */
static int note_swap(struct updating *u, bool by_default, struct ct_err *err)
{
	struct ct_meta *meta = &u->c->meta;
	int r;

	if (meta->swap_by_default == by_default)
		return 0;
	meta->swap_by_default = by_default;
	r = ct_meta_save(u->c->dir, meta, err);
	if (r < 0)
		meta->swap_by_default = !by_default;
	return r;
}

/* Bounded as for reading: a record that cannot be read again must not be written. */
static int write_config(struct updating *u, struct ct_err *err)
{
	struct ct_buf ct_autobuf text = { 0 };

	if (ct_spec_write(u->spec, &text, err) < 0)
		return -err->code;
	if (text.length > CT_JSON_MAX_SIZE)
		return ct_fail(err, E2BIG, "config.json would have %zu bytes, the limit is %d",
			       text.length, CT_JSON_MAX_SIZE);
	return ct_write_file_at(u->c->dir, "config.json", text.data, text.length, 0600, err);
}

static int write_both(struct updating *u, struct ct_err *err)
{
	bool before = u->c->meta.swap_by_default;
	struct ct_err ignored;
	int r = note_swap(u, u->spec->linux_.resources.swap_by_default, err);

	if (r == 0)
		r = write_config(u, err);
	/* Where that fails, too, the next limit of memory decides about swap anew. */
	if (r < 0)
		note_swap(u, before, &ignored);
	return r;
}

/* The order is the point: what can be refused comes first, what cannot be undone last. */
static int update(struct updating *u, struct ct_err *err)
{
	int r = ct_container_spec(u->c, u->arena, &u->spec, err);

	if (r == 0)
		r = work_out(u, err);
	if (r == 0)
		r = change_cgroup(u, err);
	if (r < 0)
		return r;
	r = write_both(u, err);
	if (r < 0 && u->cgroup.container >= 0)
		ct_cgroup_restore(u->cgroup.container, &u->before);
	return r;
}

int ct_update_limits(struct ct_container *c, struct ct_arena *arena, const struct update_wish *wish,
		     struct ct_err *err)
{
	struct updating u = { .arena = arena, .c = c, .wish = wish, .cgroup = CT_CGROUP_INIT };
	int r = update(&u, err);

	ct_cgroup_close(&u.cgroup);
	return r;
}

/* ---- by options ---- */

struct option_wish {
	struct update_wish wish;
	const struct ct_resource_options *options;
};

/* For "oci update" there is another (runtime_update.c), which is why this is a callback. */
static int give_options(const struct update_wish *wish, struct ct_arena *arena,
			struct ct_cgroup_resources *inout, struct ct_err *err)
{
	const struct option_wish *o = (const struct option_wish *)wish;

	return ct_resources_from_options(arena, o->options, inout, err);
}

/* Another command begins anew; the same one goes on with what it has said. */
static bool is_same_test(const struct ct_strings *a, const struct ct_strings *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; same && i < a->count; i++)
		same = !strcmp(a->items[i], b->items[i]);
	return same;
}

/* changed is also the name of the command in the file "health", see health_record.c. */
static int choose_health(struct ct_arena *arena, const struct ct_health_options *options,
			 struct ct_meta *inout, struct ct_err *err)
{
	const struct ct_health_config before = inout->health;
	uint64_t now = ct_now_real();
	int r;

	if (options->cmd && !*options->cmd) {
		ct_fail(err, EINVAL, "there is no command that could be run");
		ct_hint(err, "--no-healthcheck takes the check away");
		return ct_wrap(err, "--health-cmd");
	}
	r = ct_health_from_options(arena, options, inout, err);
	/* What the old command has said is no answer of the new one, however the clock is set. */
	if (r == 0 && !is_same_test(&before.test, &inout->health.test))
		inout->health.changed = now > before.changed ? now : before.changed + 1;
	return r;
}

/* Of the record what is for its keeper. The rest of @ret_wanted is as it is. */
static int choose_record(const struct ct_container *c, struct ct_arena *arena,
			 const struct ct_update_options *options, struct ct_meta *ret_wanted,
			 struct ct_err *err)
{
	struct ct_meta wanted = c->meta;
	int r = choose_health(arena, &options->health, &wanted, err);

	if (r == 0 && options->restart)
		r = ct_run_restart(arena, options->restart, &wanted, err);
	if (r == 0)
		*ret_wanted = wanted;
	return r;
}

/* The record first: whoever starts the container or keeps it goes by that. */
static int update_record(struct ct_container *c, const struct ct_meta *wanted, struct ct_err *err)
{
	struct ct_meta *meta = &c->meta;
	const char *restart = meta->restart;
	const struct ct_health_config health = meta->health;

	meta->restart = wanted->restart;
	meta->health = wanted->health;
	if (ct_meta_save(c->dir, meta, err) < 0) {
		meta->restart = restart;
		meta->health = health;
		return -err->code;
	}
	return ct_keeper_adopt(c, err);
}

static bool has_health(const struct ct_health_options *o)
{
	return o->cmd || o->interval || o->timeout || o->retries || o->start_period ||
	       o->start_interval || o->on_failure || o->no_check;
}

/* A container without a cgroup can be given another restart policy, so it is only refused when
 * there is a limit. */
static bool has_limits(const struct ct_resource_options *options)
{
	const struct ct_resource_options *o = options;
	const char *const texts[] = {
		o->memory, o->memory_reservation, o->memory_swap, o->memory_swappiness, o->cpus,
		o->cpu_shares, o->cpu_period, o->cpu_quota, o->cpuset_cpus, o->cpuset_mems,
		o->pids_limit, o->blkio_weight,
	};
	const struct ct_strings *const lists[] = {
		&o->blkio_weight_device, &o->device_read_bps, &o->device_write_bps,
		&o->device_read_iops, &o->device_write_iops, &o->cgroup_conf,
	};
	bool any = o->oom_kill_disable;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		any = any || texts[i];
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		any = any || lists[i]->count;
	return any;
}

int ct_container_update(struct ct_container *container, struct ct_arena *arena,
			const struct ct_update_options *options, struct ct_err *err)
{
	const struct option_wish limits = { { give_options }, &options->resources };
	int r = ct_container_hold(container, arena, CT_ACT_UPDATE, err);
	struct ct_meta wanted;

	if (r < 0)
		return r;
	/* What is wrong with it shows before anything changes. */
	r = choose_record(container, arena, options, &wanted, err);
	if (r == 0 && has_limits(&options->resources))
		r = ct_update_limits(container, arena, &limits.wish, err);
	if (r == 0 && (options->restart || has_health(&options->health)))
		r = update_record(container, &wanted, err);
	if (r == 0)
		ct_event_record(container, "update", CT_EVENT_END);
	ct_container_let_go(container);
	return r;
}
