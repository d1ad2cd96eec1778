/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Resources of the plan: what config.json and options ask for, as the files of a container's cgroup.
 *
 * Runs in the CLI, with the caller's rights, at "create" to find out what cannot be, and at every
 * start for the settings. Nothing of the host is asked: whether there is a cgroup with these files
 * shows when it is made. The settings are for a group that has just been made: what only takes a
 * limit away asks for nothing there. Each one carries the place that errors of the start will name:
 * the option of this command, or line and column where the spec has a source.
 *
 * May fail: what version 2 has no equivalent for, what contradicts itself, limits where the user
 * wants no cgroup, memory.
 */
#include <errno.h>
#include <string.h>

#include <cattach/path.h>

#include "plan.h"
#include "run_parts.h"

#define PIDS_DEFAULT	2048	/* podman's */
#define PLACE(name)	"linux.resources." name

/* What a struct ct_cgroup_resources loses when it goes without a property. */
#define MEMBER(where, member) \
	{ PLACE(where), offsetof(struct ct_cgroup_resources, member), \
	  sizeof(((struct ct_cgroup_resources *)0)->member) }

static const struct {
	const char *where;
	size_t offset, size;
} droppable[] = {
	MEMBER("memory.swappiness", has_swappiness),
	MEMBER("memory.disableOOMKiller", disable_oom_killer),
	MEMBER("memory.kernel", kernel),
	MEMBER("memory.kernelTCP", kernel_tcp),
	MEMBER("cpu.realtimePeriod", realtime_period),
	MEMBER("cpu.realtimeRuntime", realtime_runtime),
	MEMBER("blockIO.leafWeight", leaf_weight),
	MEMBER("blockIO.weightDevice", weights),
	MEMBER("network", has_network),
};

static bool drop(struct ct_cgroup_resources *resources, const char *where)
{
	for (size_t i = 0; i < sizeof(droppable) / sizeof(droppable[0]); i++) {
		if (strcmp(where, droppable[i].where) == 0) {
			memset((char *)resources + droppable[i].offset, 0, droppable[i].size);
			return true;
		}
	}
	return false;
}

/* ---- places ---- */

static bool is_property(const char *where)
{
	return strncmp(where, PLACE(""), strlen(PLACE(""))) == 0;
}

/* The place of an error that the conversion filled, as the user knows it. */
static int name_place(const struct ct_spec *spec, struct ct_err *err)
{
	char where[sizeof(err->where)];
	const char *option;

	memcpy(where, err->where, sizeof(where));
	if (!is_property(where))
		return -err->code;
	err->where[0] = '\0';
	option = ct_resources_option(&spec->linux_.resources, where);
	return option ? ct_wrap(err, "%s", option) : ct_spec_wrap(spec, err, where);
}

/* The same for the errors that are to come. */
static int name_setting(struct ct_arena *arena, const struct ct_spec *spec,
			struct ct_cgroup_setting *setting, struct ct_err *err)
{
	struct ct_err later;

	ct_fail(&later, EINVAL, "not yet");
	ct_wrap(&later, "%s", setting->where);
	name_place(spec, &later);
	setting->where = ct_arena_strdup(arena, later.where);
	return setting->where ? 0 : ct_fail_nomem(err);
}

/* ---- settings ---- */

/* Does it take away what a new group does not have? Files that are given by name are not judged. */
static bool limits_nothing(const struct ct_cgroup_setting *setting)
{
	const char *value = setting->value;

	if (strncmp(setting->where, PLACE("unified"), strlen(PLACE("unified"))) == 0)
		return false;
	if (!strcmp(setting->file, "cpu.idle") || !strcmp(setting->file, "cpu.max.burst"))
		return !strcmp(value, "0");
	if (!strcmp(setting->file, "io.max"))
		return ct_ends_with(value, "=max");
	return !strcmp(value, "max") || !strncmp(value, "max ", strlen("max "));
}

static int warn(struct ct_arena *arena, struct ct_strings *warnings, struct ct_err *err)
{
	char line[sizeof(*err)];
	const char *copy;

	ct_hint(err, "the container goes without");
	ct_err_format(err, line, sizeof(line));
	copy = ct_arena_strdup(arena, line);
	return copy ? ct_strings_add(arena, warnings, copy) : -ENOMEM;
}

/* Convert, and again without what cannot be, as long as that is wanted. */
static int convert(struct ct_arena *arena, const struct ct_spec *spec,
		   struct ct_cgroup_resources *resources, bool best_effort,
		   struct ct_cgroup_settings *settings, struct ct_strings *warnings,
		   struct ct_err *err)
{
	while (ct_cgroup_convert(arena, resources, settings, err) < 0) {
		bool dropped = best_effort && err->code == ENOTSUP && drop(resources, err->where);

		name_place(spec, err);
		if (!dropped && err->code == ENOTSUP && !err->hint[0])
			return ct_hint(err, "leave it out, or go without it by "
				       "--cgroups=best-effort");
		if (!dropped)
			return -err->code;
		if (warn(arena, warnings, err) < 0)
			return ct_fail_nomem(err);
		settings->count = 0;
	}
	return 0;
}

/* "disabled" and a limit cannot both be meant. */
static int check_disabled(const struct ct_cgroup_setting *setting, struct ct_err *err)
{
	if (setting->best_effort)
		return 0;
	ct_fail(err, EINVAL, "there are no limits without a cgroup");
	ct_hint(err, "leave out --cgroups=disabled, or the limit");
	return ct_wrap(err, "%s", setting->where);
}

int ct_resources_settle(struct ct_arena *arena, const struct ct_spec *spec,
			const struct ct_meta *meta, struct ct_cgroup_settings *ret_settings,
			struct ct_strings *warnings, struct ct_err *err)
{
	const char *cgroups = meta ? meta->cgroups : NULL;
	bool disabled = cgroups && !strcmp(cgroups, "disabled");
	bool best_effort = cgroups && !strcmp(cgroups, "best-effort");
	struct ct_cgroup_resources resources = spec->linux_.resources;
	struct ct_cgroup_settings settings = { 0 };

	/* An engine says what it wants, or wants nothing. */
	if (!resources.has_pids && !(meta && meta->unmonitored)) {
		resources.has_pids = resources.pids_by_default = true;
		resources.pids = PIDS_DEFAULT;
	}
	if (convert(arena, spec, &resources, best_effort, &settings, warnings, err) < 0)
		return -err->code;
	for (size_t i = 0; i < settings.count; i++) {
		struct ct_cgroup_setting *setting = &settings.items[i];

		if (limits_nothing(setting))
			setting->best_effort = true;
		if (name_setting(arena, spec, setting, err) < 0 ||
		    (disabled && check_disabled(setting, err) < 0))
			return -err->code;
	}
	if (disabled)
		settings.count = 0;
	*ret_settings = settings;
	return 0;
}

int ct_plan_resources(struct planning *p, struct ct_err *err)
{
	p->settings = ct_arena_alloc(p->arena, sizeof(*p->settings));
	if (!p->settings)
		return ct_fail_nomem(err);
	return ct_resources_settle(p->arena, p->spec, p->meta, p->settings, &p->warnings,
				   err);
}
