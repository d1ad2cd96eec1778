/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cgroups that nobody uses any more: what is left when a monitor was killed, or the host's power
 * went, between the payload's end and the removal of its cgroup.
 *
 * Runs in commands, as the user. A container that does not run is locked against a start while the
 * cgroup in its record is emptied and removed; what belongs to no container of this store is
 * removed only where no process is in it, for it may be another store's. Fails for cgroups that
 * cannot be listed, and for one with a process that cannot be ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cattach/cgroup.h>
#include <cattach/path.h>

#include "leaf.h"
#include "record.h"
#include "store.h"

static bool has_record(const struct ct_container *c)
{
	return c->dir >= 0 && faccessat(c->dir, "cgroup", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Nobody is in it who matters, and nobody is about to start it. */
static bool is_over(const struct ct_container *c)
{
	struct ct_probe probe;
	struct ct_err ignored;

	if (c->status_fd < 0 || ct_container_probe(c, &probe, &ignored) < 0)
		return false;
	return !probe.monitor && !probe.payload;
}

int ct_container_prune_cgroup(const struct ct_container *container, struct ct_err *err)
{
	int r = 0;

	if (container->session_of || container->state == CT_STATE_FOREIGN || !has_record(container))
		return 0;
	/* Somebody is just starting or removing it, and sees to its cgroup. */
	if (flock(container->dir, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return 0;
	if (is_over(container) && has_record(container))
		r = ct_leaf_clean(container->dir, container->meta.id, err) < 0 ? -err->code : 1;
	flock(container->dir, LOCK_UN);
	return r < 0 ? ct_wrap(err, "%s", ct_container_label(container)) : r;
}

/* A cgroup is on record before it is made, and until it is removed: that of a container without a
 * record is in nobody's way to it. */
static bool is_known(const char *name, void *arg)
{
	const struct ct_store *store = arg;
	char id[CT_CONTAINER_ID_LENGTH + 1], path[CT_CGROUP_PATH];
	int ct_autofd dir = -1;
	int r;

	snprintf(id, sizeof(id), "%s", name);
	dir = openat(store->containers, id, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return errno != ENOENT;
	r = ct_leaf_read(dir, path);
	return r < 0 ? r != -ENOENT : ct_ends_with(path, name);
}

int ct_store_prune_cgroups(struct ct_store *store, unsigned *ret_removed, struct ct_err *err)
{
	const struct ct_cgroup_where where = { .systemd = ct_cgroup_scope_possible() };
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	int r = ct_cgroup_find_place(&where, &place, err);

	*ret_removed = 0;
	/* Elsewhere there is nothing of ours: scopes of systemd's end with their last process. */
	if (r == 0 && place.verdict == CT_CGROUP_HERE)
		r = ct_cgroup_sweep(&place, is_known, store, ret_removed, err);
	ct_cgroup_place_done(&place);
	return r;
}
