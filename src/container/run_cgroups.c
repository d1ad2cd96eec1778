/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The container's cgroup as run and create ask for it: limits, --cgroups, --cgroup-parent and
 * --device-cgroup-rule.
 *
 * Runs in the command with the caller's rights, before anything is created. Options are put over
 * what a bundle has, and all of it is converted once to find out what cannot be, so that "create"
 * refuses what "start" would. Whether a parent is within what was delegated only the start can
 * tell.
 *
 * May fail for values that are malformed, for what version 2 of control groups has no equivalent
 * for, and for device rules of users, which nobody would enforce.
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <cattach/num.h>
#include <cattach/path.h>

/* ---- --cgroups, --cgroup-parent ---- */

/* "no-conmon" is podman's name of it. */
static int choose_mode(struct ct_run *run, struct ct_err *err)
{
	static const char *const modes[] = { "enabled", "disabled", "no-monitor", "best-effort" };
	const char *mode = run->options->cgroups;

	if (!mode)
		return 0;
	if (!strcmp(mode, "no-conmon"))
		mode = "no-monitor";
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(mode, modes[i]))
			run->meta->cgroups = modes[i];
	if (run->meta->cgroups)
		return 0;
	ct_fail(err, EINVAL, "must be enabled, disabled, no-monitor or best-effort, not \"%s\"",
		mode);
	return ct_wrap(err, "--cgroups");
}

/* cgroup_parent in the record: asked for by option, and so an error where it cannot be had. A path
 * that came with a bundle is only a hint to a user's start. */
static int choose_parent(struct ct_run *run, struct ct_err *err)
{
	const char *parent = run->options->cgroup_parent, *mode = run->meta->cgroups;
	int ret = 0;

	if (!parent)
		return 0;
	if (!*parent)
		ret = ct_fail(err, EINVAL, "is empty");
	/* Where that leads nobody could tell: the start refuses it in every configuration, too. */
	else if (ct_path_climbs(parent))
		ret = ct_fail(err, EPERM, "%s is outside the delegated cgroup", parent);
	else if (mode && !strcmp(mode, "disabled"))
		ret = ct_fail(err, EINVAL, "there is no cgroup with --cgroups=disabled");
	run->spec->linux_.cgroups_path = parent;
	run->meta->cgroup_parent = true;
	return ret < 0 ? ct_wrap(err, "--cgroup-parent") : 0;
}

/* ---- --device-cgroup-rule ---- */

/* A number or "*" up to a character, which is skipped; NULL when it is neither. */
static const char *parse_number(const char *text, char end, int64_t *ret_number)
{
	size_t length = strspn(text, "0123456789");
	int64_t number = 0;

	if (*text == '*' && text[1] == end) {
		*ret_number = -1;
		return text + 1 + (end != '\0');
	}
	if (!length || text[length] != end)
		return NULL;
	for (size_t i = 0; i < length && number <= UINT32_MAX; i++)
		number = 10 * number + (text[i] - '0');
	if (number > UINT32_MAX)
		return NULL;
	*ret_number = number;
	return text + length + (end != '\0');
}

/* "c 1:3 rwm" docker's syntax, which is that of devices.allow of version 1. */
static int parse_rule(const char *text, struct ct_cgroup_device_rule *rule, struct ct_err *err)
{
	const char *rest = NULL;

	*rule = (struct ct_cgroup_device_rule){ .allow = true, .type = *text };
	if (*text && strchr("abc", *text) && text[1] == ' ')
		rest = parse_number(text + 2, ':', &rule->major);
	if (rest)
		rest = parse_number(rest, ' ', &rule->minor);
	rule->access = rest;
	if (rest && *rest && strlen(rest) <= 3 && !rest[strspn(rest, "rwm")])
		return 0;
	return ct_fail(err, EINVAL, "must be TYPE MAJOR:MINOR ACCESS, such as \"c 1:3 rwm\", not "
		       "\"%s\"", text);
}

/* Rules over a list that is to be filled. */
struct rules {
	struct ct_cgroup_device_rule *items;
	size_t count;
};

/* What --device gives away is meant to be used. */
static int allow_given(const struct ct_run *run, struct rules *rules, struct ct_err *err)
{
	const struct ct_strings *list = &run->options->device;
	struct stat st;

	for (size_t i = 0; i < list->count; i++) {
		const char *text = list->items[i];
		const char *path = ct_arena_strndup(run->arena, text, strcspn(text, ":"));

		if (!path)
			return ct_fail_nomem(err);
		if (stat(path, &st) < 0)
			return ct_fail_errno(err, errno, "%s", path);
		if (S_ISDIR(st.st_mode)) {
			ct_fail(err, EINVAL, "--device %s is a directory, whose devices no rule "
				"allows", path);
			return ct_hint(err, "name the devices in it one by one");
		}
		rules->items[rules->count++] = (struct ct_cgroup_device_rule){
			.allow = true, .type = S_ISBLK(st.st_mode) ? 'b' : 'c',
			.major = major(st.st_rdev), .minor = minor(st.st_rdev), .access = "rwm",
		};
	}
	return 0;
}

/* Without a list everything is allowed, and to allow more would mean nothing: so it becomes one
 * that denies, but for the devices that the container is given otherwise. */
static int begin_rules(const struct ct_run *run, struct rules *rules, struct ct_err *err)
{
	const struct ct_spec_linux *lx = &run->spec->linux_;

	rules->items[rules->count++] = (struct ct_cgroup_device_rule){
		.type = 'a', .major = -1, .minor = -1, .access = "rwm",
	};
	for (size_t i = 0; i < lx->device_count; i++) {
		if (lx->devices[i].type == 'p')
			continue;
		rules->items[rules->count++] = (struct ct_cgroup_device_rule){
			.allow = true, .type = lx->devices[i].type == 'b' ? 'b' : 'c',
			.major = lx->devices[i].major, .minor = lx->devices[i].minor,
			.access = "rwm",
		};
	}
	return allow_given(run, rules, err);
}

/* The default rules come before those of options, as in runc: the last one that fits decides. */
static int add_rules(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *list = &run->options->device_cgroup_rule;
	struct ct_spec_linux *lx = &run->spec->linux_;
	struct ct_cgroup_resources *r = &lx->resources;
	struct rules rules = { .count = r->device_count };

	rules.items = ct_arena_calloc(run->arena, r->device_count + lx->device_count +
				      run->options->device.count + list->count + 1,
				      sizeof(*rules.items));
	if (!rules.items)
		return ct_fail_nomem(err);
	if (r->device_count)
		memcpy(rules.items, r->devices, r->device_count * sizeof(*rules.items));
	else if (!run->options->privileged && begin_rules(run, &rules, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list->count; i++)
		if (parse_rule(list->items[i], &rules.items[rules.count++], err) < 0)
			return -err->code;
	r->devices = rules.items;
	r->device_count = rules.count;
	return 0;
}

/* As engines have it: root's containers get what is always allowed and what they are given, unless
 * a bundle says otherwise. A directory of devices changes under a list. */
static bool is_limited_by_default(const struct ct_run *run)
{
	const struct ct_strings *list = &run->options->device;
	struct stat st;

	if (run->rootless || !run->plain || run->options->privileged)
		return false;
	for (size_t i = 0; i < list->count; i++) {
		const char *path = ct_arena_strndup(run->arena, list->items[i],
						    strcspn(list->items[i], ":"));

		if (!path || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
			return false;
	}
	return true;
}

static int choose_rules(struct ct_run *run, struct ct_err *err)
{
	if (!run->options->device_cgroup_rule.count)
		return is_limited_by_default(run) ? add_rules(run, err) : 0;
	if (!run->rootless)
		return add_rules(run, err) < 0 ? ct_wrap(err, "--device-cgroup-rule") : 0;
	ct_fail(err, EPERM, "only root can have device rules enforced, and a container of yours "
		"has no devices but those that you give it");
	ct_hint(err, "--device gives it one");
	return ct_wrap(err, "--device-cgroup-rule");
}

/* Settled once and thrown away: it is only asked whether it can be. */
int ct_run_resources(struct ct_run *run, struct ct_err *err)
{
	struct ct_cgroup_settings settings;
	struct ct_strings warnings = { 0 };

	if (choose_mode(run, err) < 0 || choose_parent(run, err) < 0 ||
	    ct_resources_from_options(run->arena, &run->options->resources,
				      &run->spec->linux_.resources, err) < 0 ||
	    choose_rules(run, err) < 0)
		return -err->code;
	run->meta->swap_by_default = run->spec->linux_.resources.swap_by_default;
	/* The start makes the settings anew, and tells what it goes without. */
	return ct_resources_settle(run->arena, run->spec, run->meta, &settings, &warnings,
				   err);
}
