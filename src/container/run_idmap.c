/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The id maps of the user namespace, and what follows from them: which supplementary groups can
 * be set, which group devpts can give its terminals.
 *
 * Runs in the command, before anything is created; newuidmap runs later, in the start itself.
 *   - An unprivileged caller always gets a user namespace, unless the bundle joins one.
 *   - Default, and "host" for an unprivileged caller: container 0 is the caller, 1... are its
 *     subordinate ids. As root, "host" means no user namespace.
 *   - Without subordinate ids one id is mapped: the one that the payload runs with, so that
 *     "-u 1000" works there too. No supplementary groups then: the kernel denies setgroups(2).
 *   - --uidmap C:H:N takes host ids (not ids of an intermediate namespace), checked against the
 *     caller's own; the kind that is left out gets the default map, for root the same numbers.
 *   - Maps of a bundle's config.json are checked in the same way. As root they stay as they are,
 *     and a bundle's user namespace that has none gets the same numbers.
 * May fail where ids were asked for that are not the caller's to map, or are not mapped.
 *
 *   who, what              maps
 *   user, no option        0 -> caller, 1... -> subordinate ids           ct_id_map_default()
 *   user, keep-id          the caller's own id is the same inside         ct_id_map_keep()
 *   user, nomap            0... -> subordinate ids, the caller is not in  ct_id_map_nomap()
 *   --uidmap, --gidmap     as written                                     map_from_options()
 *   bundle with maps       as written                                     check_bundle_maps()
 *   root, bundle without   the same numbers                               ct_id_map_same()
 */
#include "run_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/buf.h>
#include <cattach/log.h>
#include <cattach/num.h>

static const char *const map_option[] = { "--uidmap", "--gidmap" };
static const char *const map_property[] = { "linux.uidMappings", "linux.gidMappings" };

static struct ct_spec_idmaps *spec_map(struct ct_run *run, int kind)
{
	return kind == CT_ID_USER ? &run->spec->linux_.uid_mappings :
				    &run->spec->linux_.gid_mappings;
}

/* The two layers have structs of their own for the same three numbers. */
static int to_spec(struct ct_run *run, int kind, const struct ct_id_map *map, struct ct_err *err)
{
	struct ct_spec_idmaps *out = spec_map(run, kind);

	out->items = ct_arena_calloc(run->arena, map->count, sizeof(*out->items));
	if (!out->items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < map->count; i++)
		out->items[i] = (struct ct_spec_idmap){
			.container_id = map->lines[i].container_id,
			.host_id = map->lines[i].host_id,
			.size = map->lines[i].size,
		};
	out->count = map->count;
	return 0;
}

/* From the form of the document to that of the checks and of newuidmap(1). */
static int from_spec(struct ct_run *run, int kind, struct ct_id_map *ret_map, struct ct_err *err)
{
	const struct ct_spec_idmaps *in = spec_map(run, kind);

	ret_map->lines = ct_arena_calloc(run->arena, in->count + 1, sizeof(*ret_map->lines));
	if (!ret_map->lines)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < in->count; i++)
		ret_map->lines[i] = (struct ct_id_line){
			.container_id = in->items[i].container_id,
			.host_id = in->items[i].host_id,
			.size = in->items[i].size,
		};
	ret_map->count = in->count;
	return 0;
}

/* "C:H:N" */
static int parse_line(struct ct_run *run, const char *text, struct ct_id_line *ret_line,
		      struct ct_err *err)
{
	struct ct_strings parts;
	uint64_t size;
	int ret;

	if (ct_run_split(run->arena, text, ':', &parts) < 0)
		return ct_fail_nomem(err);
	if (parts.count != 3)
		return ct_fail(err, EINVAL, "must be CONTAINER_ID:HOST_ID:SIZE, not \"%s\"", text);
	ret = ct_parse_id(parts.items[0], &ret_line->container_id, err);
	if (ret == 0)
		ret = ct_parse_id(parts.items[1], &ret_line->host_id, err);
	if (ret == 0)
		ret = ct_parse_u64(parts.items[2], 1, CT_ID_MAX, &size, err);
	if (ret == 0)
		ret_line->size = (uint32_t)size;
	return ret;
}

/* --uidmap or --gidmap: every line, then the check of the whole map. */
static int map_from_options(struct ct_run *run, int kind, const struct ct_strings *list,
			    struct ct_err *err)
{
	struct ct_id_map map = { .count = list->count };
	size_t line = 0;
	int ret = 0;

	map.lines = ct_arena_calloc(run->arena, list->count, sizeof(*map.lines));
	if (!map.lines)
		return ct_fail_nomem(err);
	for (size_t i = 0; ret == 0 && i < list->count; i++)
		ret = parse_line(run, list->items[i], &map.lines[i], err);
	if (ret == 0)
		ret = ct_id_map_check(run->caller, (enum ct_id_kind)kind, &map, &line, err);
	return ret < 0 ? ct_wrap(err, "%s", map_option[kind]) : to_spec(run, kind, &map, err);
}

/* For those who want more than one id a warning; the others find it in the log. */
static void note_single(const struct ct_run *run)
{
	const struct ct_spec_process *process = run->spec->process;
	const char *lacks = ct_id_caller_lacks(run->caller, run->arena);

	if (ct_id_caller_has_ranges(run->caller))
		return;
	if (run->userns.mode == CT_USERNS_KEEP_ID || process->uid || process->gid ||
	    process->additional_gid_count || run->asked_group_count)
		ct_warn("only one user id is mapped: %s (see cattach info)", lacks);
	else
		ct_log(CT_LOG_INFO, CT_TOPIC_NS, "only one user id is mapped: %s", lacks);
}

/* The map that the mode stands for. */
static int map_by_mode(struct ct_run *run, int kind, struct ct_err *err)
{
	const struct ct_spec_process *process = run->spec->process;
	uint32_t single = kind == CT_ID_USER ? process->uid : process->gid;
	enum ct_id_kind id_kind = (enum ct_id_kind)kind;
	struct ct_id_map map = { 0 };
	int ret;

	/* A single id under keep-id and -u: it can be one of the two, and the payload needs it. */
	if (run->userns.mode == CT_USERNS_KEEP_ID &&
	    (!run->options->user || ct_id_caller_has_ranges(run->caller)))
		ret = ct_id_map_keep(run->arena, run->caller, id_kind, run->userns.keep[kind], &map,
				     err);
	else if (run->userns.mode == CT_USERNS_NOMAP)
		ret = ct_id_map_nomap(run->arena, run->caller, id_kind, &map, err);
	else
		ret = ct_id_map_default(run->arena, run->caller, id_kind, single, &map, err);
	if (ret < 0)
		return ct_wrap(err, "--userns");
	return to_spec(run, kind, &map, err);
}

/* Both kinds by hand, or the one that is left out as the head of this file says. */
static int maps_from_options(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *lists[] = { &run->options->uidmap, &run->options->gidmap };
	int ret = 0;

	for (int kind = CT_ID_USER; ret == 0 && kind <= CT_ID_GROUP; kind++) {
		if (lists[kind]->count)
			ret = map_from_options(run, kind, lists[kind], err);
		else if (run->rootless)
			ret = map_by_mode(run, kind, err);
		else
			ret = map_from_options(run, kind, lists[!kind], err);
	}
	return ret;
}

/* Maps that a bundle brings: the caller must be allowed to make them. */
static int check_bundle_maps(struct ct_run *run, struct ct_err *err)
{
	char path[64];

	for (int kind = CT_ID_USER; kind <= CT_ID_GROUP; kind++) {
		struct ct_id_map map = { 0 };
		size_t line = 0;
		int ret;

		if (!spec_map(run, kind)->count) {
			ret = map_by_mode(run, kind, err);
			if (ret < 0)
				return ret;
			continue;
		}
		ret = from_spec(run, kind, &map, err);
		if (ret == 0)
			ret = ct_id_map_check(run->caller, (enum ct_id_kind)kind, &map, &line, err);
		if (ret < 0) {
			snprintf(path, sizeof(path), "%s[%zu]", map_property[kind], line);
			return ct_spec_wrap(run->spec, err, path);
		}
	}
	return 0;
}

/* As root config.json means what it says, and one that is to run for everybody says no ids. */
static int complete_bundle_maps(struct ct_run *run, struct ct_err *err)
{
	const struct ct_spec_namespace *user = &run->spec->linux_.namespaces[CT_NS_USER];
	struct ct_id_map map;
	int ret = 0;

	if (!user->present || user->path || spec_map(run, CT_ID_USER)->count ||
	    spec_map(run, CT_ID_GROUP)->count)
		return 0;
	for (int kind = CT_ID_USER; ret == 0 && kind <= CT_ID_GROUP; kind++) {
		ret = ct_id_map_same(run->arena, (enum ct_id_kind)kind, &map, err);
		if (ret == 0)
			ret = to_spec(run, kind, &map, err);
	}
	return ret;
}

/* The namespace and its maps: the bundle's, the options' or those of the mode, in this order. */
static int choose_maps(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_linux *linux_ = &run->spec->linux_;
	struct ct_spec_namespace *user = &linux_->namespaces[CT_NS_USER];
	bool own_maps = linux_->uid_mappings.count || linux_->gid_mappings.count;
	int ret = 0;

	if (run->userns.mode == CT_USERNS_UNSET && !run->plain) {
		if (!run->rootless)
			return complete_bundle_maps(run, err);
		/* Joined: the maps are there already. */
		if (user->path)
			return 0;
		user->present = true;
		if (own_maps)
			return check_bundle_maps(run, err);
	}
	/* From here on what the configuration says about the user namespace does not count. */
	user->path = NULL;
	user->present = run->rootless || run->userns.mode == CT_USERNS_MAPS;
	linux_->uid_mappings = linux_->gid_mappings = (struct ct_spec_idmaps){ 0 };
	if (run->userns.mode == CT_USERNS_MAPS)
		return maps_from_options(run, err);
	if (!run->rootless)
		return 0;
	note_single(run);
	for (int kind = CT_ID_USER; ret == 0 && kind <= CT_ID_GROUP; kind++)
		ret = map_by_mode(run, kind, err);
	return ret;
}

/* Is an id of the container usable? Where no map is ours to make, nobody here can say no. */
static bool is_mapped(struct ct_run *run, int kind, uint32_t id)
{
	const struct ct_spec_idmaps *map = spec_map(run, kind);

	if (!map->count)
		return true;
	for (size_t i = 0; i < map->count; i++)
		if (id >= map->items[i].container_id &&
		    id - map->items[i].container_id < map->items[i].size)
			return true;
	return false;
}

/* The first lines of the map go into the error: with them the user sees what there is. */
static int fail_unmapped(struct ct_run *run, int kind, uint32_t id, struct ct_err *err)
{
	const struct ct_spec_idmaps *map = spec_map(run, kind);
	struct ct_buf ct_autobuf text = { 0 };

	for (size_t i = 0; i < map->count && i < 8; i++)
		ct_buf_printf(&text, "%s%u→%u ×%u", i ? ", " : "", map->items[i].container_id,
			      map->items[i].host_id, map->items[i].size);
	return ct_fail(err, EINVAL, "%s %u is not mapped (mapping: %s)",
		       kind == CT_ID_USER ? "uid" : "gid", id, ct_buf_text(&text));
}

/* The kernel lets an unprivileged process map its own gid alone only after denying setgroups(2). */
static bool setgroups_denied(struct ct_run *run)
{
	const struct ct_spec_idmaps *map = spec_map(run, CT_ID_GROUP);

	return run->rootless && map->count == 1 && map->items[0].size == 1 &&
	       map->items[0].host_id == run->caller->id[CT_ID_GROUP];
}

/* Once each: the lists that come through here are short. */
static void add_group(struct ct_spec_process *process, uint32_t gid)
{
	for (size_t i = 0; i < process->additional_gid_count; i++)
		if (process->additional_gids[i] == gid)
			return;
	process->additional_gids[process->additional_gid_count++] = gid;
}

/* Groups from /etc/group: those that are not mapped cannot be had, and nobody asked for them. */
static void add_file_groups(struct ct_run *run)
{
	struct ct_spec_process *process = run->spec->process;

	for (size_t i = 0; i < run->file_group_count; i++) {
		uint32_t gid = run->file_groups[i];

		/* Not add_group(): a hostile file has 60,000, and the kernel takes doubles. */
		if (is_mapped(run, CT_ID_GROUP, gid))
			process->additional_gids[process->additional_gid_count++] = gid;
		else
			ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "group %u is not mapped", gid);
	}
}

/* Groups that somebody asked for by name: without them the payload is not what was wanted. */
static int add_asked_groups(struct ct_run *run, bool denied, struct ct_err *err)
{
	struct ct_spec_process *process = run->spec->process;

	for (size_t i = 0; i < run->asked_group_count; i++) {
		uint32_t gid = run->asked_groups[i];

		if (gid == process->gid && denied)
			continue;
		if (denied) {
			ct_fail(err, EPERM, "groups cannot be added: only one group id is mapped");
			ct_hint(err, "%s; keep-groups keeps your own",
				ct_id_caller_lacks(run->caller, run->arena));
			return ct_wrap(err, "--group-add");
		}
		if (!is_mapped(run, CT_ID_GROUP, gid)) {
			fail_unmapped(run, CT_ID_GROUP, gid, err);
			return ct_wrap(err, "--group-add");
		}
		add_group(process, gid);
	}
	return 0;
}

/*
 * The list for setgroups(2). It begins with the group itself: a process whose own group is not in
 * its list can drop it, and with it the denial of a file mode like 0604.
 *   config.json's, then the group itself and those of /etc/group, then --group-add
 */
static int choose_groups(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_process *process = run->spec->process;
	bool denied = setgroups_denied(run);
	const uint32_t *config = process->additional_gids;
	size_t count = process->additional_gid_count;

	/* The caller's own groups stay in place of any list: there is no setgroups(2) at all. */
	if (process->keep_groups) {
		process->additional_gids = NULL;
		process->additional_gid_count = 0;
		return 0;
	}
	process->additional_gids = ct_arena_calloc(run->arena, 1 + count + run->file_group_count +
						   run->asked_group_count, sizeof(*config));
	if (!process->additional_gids)
		return ct_fail_nomem(err);
	/* Without setgroups(2) the one group of the map is there all the same. */
	process->additional_gid_count = 0;
	for (size_t i = 0; i < count; i++)
		if (!denied || config[i] != process->gid)
			process->additional_gids[process->additional_gid_count++] = config[i];
	if (run->own_groups && !denied) {
		process->additional_gids[process->additional_gid_count++] = process->gid;
		add_file_groups(run);
	}
	return add_asked_groups(run, denied, err);
}

/* Terminals belong to group 5 where there is one; the kernel refuses ids that are not mapped. */
static int choose_devpts_group(struct ct_run *run, struct ct_err *err)
{
	for (size_t i = 0; run->plain && i < run->spec->mounts.count; i++) {
		struct ct_spec_mount *mount = &run->spec->mounts.items[i];
		struct ct_strings options = { 0 };
		int ret = 0;

		if (!mount->type || strcmp(mount->type, "devpts"))
			continue;
		for (size_t k = 0; ret == 0 && k < mount->options.count; k++)
			if (strncmp(mount->options.items[k], "gid=", 4))
				ret = ct_strings_add(run->arena, &options, mount->options.items[k]);
		if (ret == 0 && is_mapped(run, CT_ID_GROUP, 5))
			ret = ct_strings_add(run->arena, &options, "gid=5");
		if (ret < 0)
			return ct_fail_nomem(err);
		mount->options = options;
	}
	return 0;
}

/* The ids of --user are looked at only where somebody has given them: those of a bundle are checked
 * with the whole of it. */
int ct_run_idmap(struct ct_run *run, struct ct_err *err)
{
	const struct ct_spec_process *process = run->spec->process;
	int ret = choose_maps(run, err);

	if (ret == 0 && run->options->user && !is_mapped(run, CT_ID_USER, process->uid)) {
		fail_unmapped(run, CT_ID_USER, process->uid, err);
		ret = ct_wrap(err, "--user");
	}
	if (ret == 0 && run->options->user && !is_mapped(run, CT_ID_GROUP, process->gid)) {
		fail_unmapped(run, CT_ID_GROUP, process->gid, err);
		ret = ct_wrap(err, "--user");
	}
	if (ret == 0)
		ret = choose_groups(run, err);
	return ret == 0 ? choose_devpts_group(run, err) : ret;
}
