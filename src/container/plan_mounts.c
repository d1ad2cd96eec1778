/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts of the plan: config.json's mounts with their options taken apart, sources pinned, and the
 * file systems replaced that the kernel does not let this container mount: sysfs belongs to the
 * network namespace, proc to the pid namespace, mqueue to the ipc and cgroup to the cgroup
 * namespace; where that is the host's, the host's mount is bound instead, read-only, but for mqueue as
 * root, which hosts without systemd do not have. A namespace that is joined is somebody else's: its file system is mounted, and the host's would be wrong.
 *
 * Runs in the CLI. Also masked and read-only paths.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "plan.h"

/* A file system that needs a namespace of its own, and what stands in for it otherwise. */
static const struct substitute {
	const char *type;
	enum ct_spec_ns ns;
	const char *path;
	bool read_only;
	bool users_only;		/* root mounts the host's itself, which need not be mounted there */
} substitutes[] = {
	{ "sysfs", CT_NS_NETWORK, "/sys", true, false },
	{ "proc", CT_NS_PID, "/proc", false, false },
	{ "mqueue", CT_NS_IPC, "/dev/mqueue", false, true },
	{ "cgroup", CT_NS_CGROUP, "/sys/fs/cgroup", true, false },
	{ "cgroup2", CT_NS_CGROUP, "/sys/fs/cgroup", true, false },
};

/*
 * Is the namespace that shows in this file system out of our reach? The host's is; one that is
 * joined is ours to mount, unless the user namespace is a new one, which has no rights in it: then
 * what only reports (sysfs, cgroup) is the host's, as it is without the join.
 */
static bool needs_substitute(struct planning *p, const struct substitute *s)
{
	if (!p->spec->linux_.namespaces[s->ns].present)
		return !s->users_only || p->spec->linux_.namespaces[CT_NS_USER].present;
	return s->read_only && !ct_plan_is_new(p, s->ns) && ct_plan_is_new(p, CT_NS_USER);
}

static const struct substitute *find_substitute(struct planning *p, const char *type)
{
	for (size_t i = 0; i < sizeof(substitutes) / sizeof(substitutes[0]); i++)
		if (strcmp(substitutes[i].type, type) == 0)
			return needs_substitute(p, &substitutes[i]) ? &substitutes[i] : NULL;
	return NULL;
}

static int use_substitute(const struct substitute *s, struct ct_plan_mount *m, struct ct_err *err)
{
	int r = ct_plan_source(s->path, &m->source, err);

	if (r == -ENOENT)
		return ct_hint(err, "a container without a namespace of type %s has the host's %s, and this "
			       "host has none: leave the mount out, or add { \"type\": \"%s\" }",
			       ct_spec_ns_name(s->ns), s->type, ct_spec_ns_name(s->ns));
	if (r < 0)
		return r;
	m->type = NULL;
	m->options.bind = m->options.recursive = true;
	m->options.data.count = 0;
	if (s->read_only)
		m->options.tree_set |= MOUNT_ATTR_RDONLY;
	return 0;
}

static bool is_mapped(const struct ct_plan_ids *map, uint32_t id)
{
	for (size_t i = 0; i < map->count; i++)
		if (id >= map->items[i].inside && id - map->items[i].inside < map->items[i].count)
			return true;
	return map->count == 0;
}

/* The tty group: devpts takes it only when it is mapped, and ttys work without it. */
static void drop_unmapped_gid(struct planning *p, struct ct_strings *data)
{
	size_t kept = 0;

	for (size_t i = 0; i < data->count; i++)
		if (strcmp(data->items[i], "gid=5") != 0 || is_mapped(&p->plan->gid_map, 5))
			data->items[kept++] = data->items[i];
	data->count = kept;
}

/* Files of a fresh file system get the label; those of the kernel's have their own, binds the host's. */
static int add_label(struct planning *p, struct ct_plan_mount *m, struct ct_err *err)
{
	const char *label = p->spec->linux_.mount_label, *option;

	if (!label || (strcmp(m->type, "tmpfs") != 0 && strcmp(m->type, "devpts") != 0))
		return 0;
	option = ct_arena_printf(p->arena, "context=%s", label);
	return option && ct_strings_add(p->arena, &m->options.data, option) == 0 ? 0 : ct_fail_nomem(err);
}

static int check_label(const struct planning *p, struct ct_err *err)
{
	if (!p->spec->linux_.mount_label ||
	    faccessat(AT_FDCWD, "/sys/fs/selinux/enforce", F_OK, 0) == 0)
		return 0;
	ct_spec_fail(p->spec, err, ENOTSUP, "linux.mountLabel", "this host has no SELinux");
	return ct_hint(err, "remove it, or run with --security-opt label=disable");
}

static int plan_bind(struct planning *p, const struct ct_spec_mount *s, struct ct_plan_mount *m,
		     struct ct_err *err)
{
	const char *path = s->source;

	if (!path || !path[0])
		return ct_fail(err, EINVAL, "a bind mount needs a source");
	if (path[0] != '/') {
		if (!p->meta->bundle)
			return ct_fail(err, EINVAL, "source %s must be absolute", path);
		path = ct_arena_printf(p->arena, "%s/%s", p->meta->bundle, path);
		if (!path)
			return ct_fail_nomem(err);
	}
	m->type = NULL;
	return ct_plan_source(path, &m->source, err);
}

static int plan_file_system(struct planning *p, const struct ct_spec_mount *s,
			    struct ct_plan_mount *m, struct ct_err *err)
{
	const struct substitute *substitute = find_substitute(p, s->type);

	if (substitute)
		return use_substitute(substitute, m, err);
	m->type = s->type;
	m->source.path = s->source ? s->source : s->type;
	if (strcmp(s->type, "cgroup") == 0) {
		m->type = m->source.path = "cgroup2";
		m->options.data.count = 0;
	}
	if (strcmp(s->type, "devpts") == 0)
		drop_unmapped_gid(p, &m->options.data);
	return add_label(p, m, err);
}

static int check_options(const struct ct_spec_mount *s, const struct ct_mount_options *o,
			 struct ct_err *err)
{
	if (o->idmap && !o->bind)
		return ct_fail(err, EINVAL, "only a bind mount can be idmapped");
	if (o->copy_up && (!s->type || strcmp(s->type, "tmpfs") != 0))
		return ct_fail(err, EINVAL, "tmpcopyup works on a tmpfs only");
	return 0;
}

static int plan_mount(struct planning *p, size_t i, struct ct_err *err)
{
	const struct ct_spec_mount *s = &p->spec->mounts.items[i];
	struct ct_plan_mount *m = &p->plan->mounts[i];
	int r = ct_mount_options_parse(p->arena, &s->options, &m->options, err);

	m->destination = s->destination;
	/* The maps alone ask for it. */
	m->options.idmap = m->options.idmap || s->uid_mappings.count;
	if (r == 0)
		r = ct_plan_ids(p, &s->uid_mappings, &m->uid_map, err);
	if (r == 0)
		r = ct_plan_ids(p, &s->gid_mappings, &m->gid_map, err);
	if (r == 0)
		r = check_options(s, &m->options, err);
	if (r < 0)
		return r;
	if (m->options.bind)
		return plan_bind(p, s, m, err);
	if (!s->type)
		return ct_fail(err, EINVAL, "neither a type nor the option bind or rbind");
	return plan_file_system(p, s, m, err);
}

int ct_plan_mounts(struct planning *p, struct ct_err *err)
{
	size_t count = p->spec->mounts.count;

	if (check_label(p, err) < 0)
		return -err->code;
	p->plan->mounts = ct_arena_calloc(p->arena, count + 1, sizeof(*p->plan->mounts));
	if (!p->plan->mounts)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		p->plan->mounts[i].place = ct_plan_place(p, "mounts", i);
		if (plan_mount(p, i, err) < 0)
			return ct_spec_wrap(p->spec, err, p->plan->mounts[i].place);
	}
	p->plan->mount_count = count;
	return 0;
}

static bool contains(const struct ct_strings *list, const char *s)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], s) == 0)
			return true;
	return false;
}

static int add_path(struct planning *p, struct ct_strings *to, const char *path, struct ct_err *err)
{
	/* Twice the same would stack one mask on the other. */
	if (contains(to, path))
		return 0;
	return ct_strings_add(p->arena, to, path) < 0 ? ct_fail_nomem(err) : 0;
}

/* A pattern stands for what the host has: sysfs is the same one inside. */
static int add_pattern(struct planning *p, struct ct_strings *to, const char *pattern,
		       struct ct_err *err)
{
	glob_t found;
	int r = 0;

	if (glob(pattern, GLOB_NOSORT, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; r == 0 && i < found.gl_pathc; i++) {
		const char *path = ct_arena_strdup(p->arena, found.gl_pathv[i]);

		r = path ? add_path(p, to, path, err) : ct_fail_nomem(err);
	}
	globfree(&found);
	return r;
}

static int add_paths(struct planning *p, struct ct_strings *to, const struct ct_strings *from,
		     struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < from->count; i++)
		r = strchr(from->items[i], '*') ? add_pattern(p, to, from->items[i], err) :
						  add_path(p, to, from->items[i], err);
	return r;
}

int ct_plan_masks(struct planning *p, struct ct_err *err)
{
	int r = add_paths(p, &p->plan->masked, &p->spec->linux_.masked_paths, err);

	return r < 0 ? r : add_paths(p, &p->plan->read_only, &p->spec->linux_.readonly_paths, err);
}
