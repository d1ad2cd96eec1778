/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of the plan: a directory bound as it is, or under a throw-away overlay (ROOTFS:O), which
 * is composed of the top-level directories when there are mounts below (src/ns/overlay.c has why).
 *
 * Runs in the CLI. The mount table is read, through libmount, only for an overlay.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "plan.h"

/* Made fresh in a copy of the host: what is there belongs to the running host. */
static const struct {
	const char *name;
	mode_t mode;
} fresh[] = {
	{ "proc", 0555 }, { "sys", 0555 }, { "dev", 0755 }, { "run", 0755 }, { "tmp", 01777 },
};

static bool is_below(const char *path, const char *directory)
{
	size_t n = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, n) == 0 && path[n] == '/' && path[n + 1];
}

static bool has_mounts_below(const struct ct_mounted_list *mounted, const char *directory)
{
	for (size_t i = 0; i < mounted->count; i++)
		if (is_below(mounted->items[i].target, directory))
			return true;
	return false;
}

/* A directory that is a mount itself can be a lower directory, but not of the tree above it. */
static bool is_mount(const struct ct_mounted_list *mounted, const char *directory)
{
	for (size_t i = 0; i < mounted->count; i++)
		if (strcmp(mounted->items[i].target, directory) == 0)
			return true;
	return false;
}

static bool is_fresh(struct ct_plan_layer *layer)
{
	for (size_t i = 0; i < sizeof(fresh) / sizeof(fresh[0]); i++) {
		if (strcmp(fresh[i].name, layer->name) != 0)
			continue;
		layer->kind = CT_LAYER_EMPTY;
		layer->mode = fresh[i].mode;
		return true;
	}
	return false;
}

/* What becomes of one top-level entry: 1 it is a layer, 0 it is left out. */
static int classify(struct planning *p, int directory, const struct ct_mounted_list *mounted,
		    struct ct_plan_layer *layer, struct ct_err *err)
{
	const char *base = p->plan->root.source.path, *path;
	char link[4096];
	struct stat st;
	ssize_t n;

	if (fstatat(directory, layer->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	layer->mode = st.st_mode & 07777;
	if (S_ISLNK(st.st_mode)) {
		n = readlinkat(directory, layer->name, link, sizeof(link) - 1);
		if (n < 0)
			return 0;
		layer->kind = CT_LAYER_LINK;
		layer->link = ct_arena_strndup(p->arena, link, (size_t)n);
		return layer->link ? 1 : ct_fail_nomem(err);
	}
	if (S_ISREG(st.st_mode)) {
		layer->kind = CT_LAYER_FILE;
		return 1;
	}
	if (!S_ISDIR(st.st_mode))
		return 0;
	if (strcmp(base, "/") == 0 && is_fresh(layer))
		return 1;
	path = ct_arena_printf(p->arena, "%s/%s", base[1] ? base : "", layer->name);
	if (!path)
		return ct_fail_nomem(err);
	layer->kind = has_mounts_below(mounted, path) || is_mount(mounted, path) ?
			      CT_LAYER_BIND :
			      CT_LAYER_OVERLAY;
	return 1;
}

#define MAX_LAYERS 512

static int compose(struct planning *p, const struct ct_mounted_list *mounted, struct ct_err *err)
{
	struct ct_plan_root *root = &p->plan->root;
	DIR ct_autodir *dir = opendir(root->source.path);
	struct dirent *entry;

	if (!dir)
		return ct_fail_errno(err, errno, "%s", root->source.path);
	root->layers = ct_arena_calloc(p->arena, MAX_LAYERS, sizeof(*root->layers));
	if (!root->layers)
		return ct_fail_nomem(err);
	while ((entry = readdir(dir))) {
		struct ct_plan_layer *layer = &root->layers[root->layer_count];
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (root->layer_count == MAX_LAYERS)
			return ct_fail(err, E2BIG, "%s has more than %d entries",
				       root->source.path, MAX_LAYERS);
		layer->name = ct_arena_strdup(p->arena, entry->d_name);
		r = layer->name ? classify(p, dirfd(dir), mounted, layer, err) :
				  ct_fail_nomem(err);
		if (r < 0)
			return r;
		root->layer_count += (size_t)r;
	}
	return 0;
}

/* One overlay over all of a directory can take new files only where a directory's owner is mapped:
 * the kernel copies it up, with its owner, before it puts something into it. In a tree of somebody
 * else's at least the top-level directories are writable when each is an overlay. */
static bool is_ours(const struct ct_plan *plan, const char *path)
{
	const struct ct_plan_ids *map = &plan->uid_map;
	struct stat st;

	if (stat(path, &st) < 0)
		return false;
	for (size_t i = 0; i < map->count; i++)
		if (st.st_uid >= map->items[i].outside &&
		    st.st_uid - map->items[i].outside < map->items[i].count)
			return true;
	return map->count == 0;
}

static int plan_overlay(struct planning *p, struct ct_err *err)
{
	struct ct_plan_root *root = &p->plan->root;
	struct ct_mounted_list mounted;
	int r = ct_mounted_read(p->arena, &mounted, err);

	if (r < 0)
		return r;
	root->kind = CT_ROOT_OVERLAY;
	root->whole = !has_mounts_below(&mounted, root->source.path) &&
		      is_ours(p->plan, root->source.path);
	return root->whole ? 0 : compose(p, &mounted, err);
}

static int plan_propagation(struct planning *p, struct ct_err *err)
{
	struct ct_plan_root *root = &p->plan->root;
	const char *name = p->spec->linux_.rootfs_propagation;

	if (!name || ct_propagation_parse(name, &root->propagation, &root->tree_propagation))
		return 0;
	return ct_spec_fail(p->spec, err, EINVAL, "linux.rootfsPropagation", "unknown value \"%s\"",
			    name);
}

int ct_plan_root(struct planning *p, struct ct_err *err)
{
	struct ct_plan_root *root = &p->plan->root;
	const char *path = p->meta->rootfs;

	if (ct_plan_source(path, &root->source, err) < 0)
		return ct_spec_wrap(p->spec, err, "root.path");
	if (!root->source.directory)
		return ct_spec_fail(p->spec, err, ENOTDIR, "root.path", "%s is not a directory",
				    path);
	root->read_only = p->spec->root_readonly;
	if (plan_propagation(p, err) < 0)
		return -err->code;
	if (p->meta->overlay && plan_overlay(p, err) < 0)
		return ct_wrap(err, "--rootfs");
	return 0;
}
