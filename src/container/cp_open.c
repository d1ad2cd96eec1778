/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a container's files: through the namespaces of one that runs, or to the root directory
 * of one that does not.
 *
 * Runs in the command, as the user. Without a running process there is a directory of the host and
 * nothing else: what the container mounts is not mounted, and an overlay was gone with its last
 * process. Both are said rather than copied from where they are not. What may fail besides: the
 * root directory is not there any more.
 */
#include "cp_open.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

#include <cattach/fd.h>

#include "record.h"

/* ---- of one that does not run ---- */

/* Is path, which begins at the root, at or below a mount of the container? */
static bool is_below(const char *path, const char *mount)
{
	for (;;) {
		size_t length;

		mount += strspn(mount, "/");
		path += strspn(path, "/");
		length = strcspn(mount, "/");
		if (!length)
			return true;
		if (strcspn(path, "/") != length || memcmp(path, mount, length) != 0)
			return false;
		mount += length;
		path += length;
	}
}

/* What is below the mount in the root directory is not what the container sees there. */
static int check_mounts(const struct ct_container *c, const struct ct_spec *spec, const char *path,
			struct ct_err *err)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const struct ct_spec_mount *mount = &spec->mounts.items[i];

		if (!is_below(path, mount->destination))
			continue;
		ct_fail(err, ENOENT,
			"%s of container %s is a mount, which is there only while it runs",
			mount->destination, ct_container_label(c));
		if (mount->source && *mount->source == '/')
			return ct_hint(err,
				       "it is %s on this host; or start it first: cattach start %s",
				       mount->source, ct_container_label(c));
		return ct_hint(err, "cattach start %s", ct_container_label(c));
	}
	return 0;
}

static int take_ids(struct ct_arena *arena, const struct ct_spec_idmaps *maps,
		    struct ct_plan_ids *ids, struct ct_err *err)
{
	ids->items = ct_arena_calloc(arena, maps->count + 1, sizeof(*ids->items));
	if (!ids->items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < maps->count; i++)
		ids->items[i] = (struct ct_plan_id){
			.inside = maps->items[i].container_id,
			.outside = maps->items[i].host_id,
			.count = maps->items[i].size,
		};
	ids->count = maps->count;
	return 0;
}

/* Somebody else's user namespace is gone or may have another map by now. */
static int take_maps(struct ct_arena *arena, const struct ct_container *c,
		     const struct ct_spec *spec, struct ct_cp_way *way, struct ct_err *err)
{
	const struct ct_spec_namespace *user = &spec->linux_.namespaces[CT_NS_USER];

	if (!user->present)
		return 0;
	if (user->path) {
		ct_fail(err, ESRCH,
			"container %s does not run, and its user namespace is another's",
			ct_container_label(c));
		return ct_hint(err, "cattach start %s", ct_container_label(c));
	}
	if (take_ids(arena, &spec->linux_.uid_mappings, &way->uid_map, err) < 0)
		return -err->code;
	return take_ids(arena, &spec->linux_.gid_mappings, &way->gid_map, err);
}

/* meta.rootfs is absolute, from when the container was made. */
static int open_stopped(struct ct_arena *arena, const struct ct_container *c, const char *path,
			struct ct_cp_way *way, struct ct_err *err)
{
	struct ct_spec *spec;

	if (c->meta.overlay) {
		ct_fail(err, ESRCH,
			"container %s does not run, and what it wrote over %s went with "
			"it",
			ct_container_label(c), c->meta.rootfs);
		return ct_hint(err, "cattach start %s", ct_container_label(c));
	}
	if (ct_container_spec(c, arena, &spec, err) < 0 || check_mounts(c, spec, path, err) < 0 ||
	    take_maps(arena, c, spec, way, err) < 0)
		return -err->code;
	way->root = openat(AT_FDCWD, c->meta.rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (way->root < 0)
		return ct_fail_errno(err, errno, "cannot open %s, the root of container %s",
				     c->meta.rootfs, ct_container_label(c));
	return 0;
}

/* ---- both ---- */

static int open_running(struct ct_store *store, struct ct_arena *arena,
			const struct ct_container *c, struct ct_cp_way *way, struct ct_err *err)
{
	/* Our own process goes in, with the rights of cp and outside of the container's cgroup: one
	 * that is paused has its files all the same. */
	way->running = true;
	if (ct_exec_open_live(store, arena, c, &way->exec, err) < 0)
		return -err->code;
	way->root = ct_take_fd(&way->exec.places.fd[CT_PLACE_ROOT]);
	return 0;
}

int ct_cp_open(struct ct_store *store, struct ct_arena *arena,
	       const struct ct_container *container, const char *path, struct ct_cp_way *ret_way,
	       struct ct_err *err)
{
	if (ct_state_check(container, CT_ACT_CP, err) < 0)
		return -err->code;
	if (ct_state_is_live(container->state))
		return open_running(store, arena, container, ret_way, err);
	return open_stopped(arena, container, path, ret_way, err);
}

/* One for each directory that we are in, in each tree; 1024, the usual soft limit, is not enough
 * for CT_COPY_DEPTH. Up to the hard limit everybody may go. */
void ct_cp_allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= 4096)
		return;
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	setrlimit(RLIMIT_NOFILE, &limit);
}

void ct_cp_close(struct ct_cp_way *way)
{
	ct_exec_close(&way->exec);
	ct_drop_fd(&way->root);
}
