/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much room a container's files take: the sum over its root file system, and what a throw-away
 * overlay holds above it.
 *
 * Runs in commands, as the user, who may not look into each directory that the container's other
 * ids have closed: such ones are counted and not entered. The overlay's upper layer is nowhere to
 * be seen from outside, but statfs(2) of an overlay is that of its upper file system, a tmpfs of
 * the container's own. Files may come and go meanwhile. Fails when the root file system is gone.
 */
#include <cattach/size.h>

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <cattach/arena.h>

/* A file of several names has its part under each of them. */
static uint64_t part_of(const struct stat *st)
{
	return (uint64_t)st->st_size / (st->st_nlink ? st->st_nlink : 1);
}

static int add_entry(const FTSENT *entry, struct ct_size *size, struct ct_err *err)
{
	switch (entry->fts_info) {
	case FTS_F:
	case FTS_SL:
		size->total += part_of(entry->fts_statp);
		return 0;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		/* What has vanished since its name was read is nothing. */
		if (entry->fts_level == 0)
			return ct_fail_errno(err, entry->fts_errno, "%s", entry->fts_path);
		size->unread = size->unread || entry->fts_errno != ENOENT;
		return 0;
	default:
		return 0;
	}
}

/* FTS_XDEV: what is mounted in the root file system on the host is not the container's. */
static int add_tree(const char *path, struct ct_size *size, struct ct_err *err)
{
	char *const paths[] = { (char *)(uintptr_t)path, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
	const FTSENT *entry;
	int r = 0;

	if (!tree)
		return ct_fail_errno(err, errno, "%s", path);
	while (r == 0 && (entry = fts_read(tree)))
		r = add_entry(entry, size, err);
	fts_close(tree);
	return r;
}

/* Pages of its tmpfs in use. Who may not look, because the payload may not be looked at, sees 0. */
static uint64_t upper_layer(const struct ct_container *c)
{
	char root[64];
	struct statfs fs;

	if (!c->meta.overlay ||
	    (c->state != CT_STATE_RUNNING && c->state != CT_STATE_PAUSED))
		return 0;
	snprintf(root, sizeof(root), "/proc/%d/root/", (int)c->status.pid);
	if (statfs(root, &fs) < 0 || fs.f_blocks < fs.f_bfree)
		return 0;
	return (uint64_t)(fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
}

int ct_container_size(const struct ct_container *container, struct ct_size *ret_size,
		      struct ct_err *err)
{
	struct ct_size size = { 0 };

	if (!container->meta.rootfs)
		return ct_fail(err, ENOENT, "it is not known where its root file system is");
	if (add_tree(container->meta.rootfs, &size, err) < 0)
		return -err->code;
	size.writable = upper_layer(container);
	size.total += size.writable;
	*ret_size = size;
	return 0;
}
