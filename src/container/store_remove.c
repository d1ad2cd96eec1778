/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forgetting a container: its name first, then everything in its directory, then the directory.
 *
 * Runs in commands and, for --rm, in the monitor, as the user; no heap. The directory is ours and
 * private, but what a payload or a person may have put there is not trusted: directories are
 * opened one component at a time, never through a link (links are unlinked, not followed), never
 * across a mount (a rootfs that somebody mounted below stays whole: EXDEV), and not deeper than
 * MAX_DEPTH. Two who forget the same container at once both succeed: what is gone counts as done.
 *
 * "lock" goes first and meta.json last, so that what a kill leaves half-way still shows as a
 * damaged container with its data, and can be removed again. An flock on the directory, the one
 * that its creator has too, tells others that the rest is going right now.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/num.h>
#include <cattach/path.h>

#include <cattach/runtime.h>

#include "store.h"

#define MAX_DEPTH	32
#define MARK_TRIES	1000	/* at the lock of who looks, a millisecond apart */
#define MARK_AT_ONCE	20	/* of them, with nothing between but others' turns */
#define MAX_WALKS	100	/* of one directory into which somebody keeps writing */

static int remove_entry(int dir, const char *name, unsigned char type, unsigned depth);

static int open_inside(int parent, const char *name)
{
	return ct_path_try(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
			   RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS);
}

static int visit(int dir, const char *name, unsigned char type, void *arg)
{
	unsigned depth = *(const unsigned *)arg;

	if (depth == 0 && strcmp(name, "meta.json") == 0)
		return 0;
	return remove_entry(dir, name, type, depth);
}

/* A look by others shares the lock for a microsecond, or for as long as a busy host keeps whoever
 * looks from running: that is waited for, or they would take what is half removed for damaged. A
 * creator or remover that has it alone keeps it, and is not waited for: it has the same effect on
 * those who look. */
static void mark_removal(int dir)
{
	const struct timespec moment = { .tv_nsec = 1000000 };

	for (int i = 0; i < MARK_TRIES && flock(dir, LOCK_EX | LOCK_NB) < 0; i++) {
		if (flock(dir, LOCK_SH | LOCK_NB) < 0)
			return;
		if (i < MARK_AT_ONCE)
			sched_yield();
		else
			nanosleep(&moment, NULL);
	}
}

static int remove_directory(int parent, const char *name, unsigned depth)
{
	int ct_autofd dir = -1;

	if (depth > MAX_DEPTH)
		return -ELOOP;
	dir = open_inside(parent, name);
	/* One of ours that lost its permissions ("chmod 000") gets them back. */
	if (dir == -EACCES && fchmodat(parent, name, 0700, 0) == 0)
		dir = open_inside(parent, name);
	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	if (depth == 0) {
		mark_removal(dir);
		unlinkat(dir, "lock", 0);
	}
	for (int i = 0; i < MAX_WALKS; i++) {
		int r = ct_each_entry(dir, visit, &depth);

		/* Somebody else has removed this very directory meanwhile. */
		if (r == -ENOENT)
			return 0;
		if (r == 0 && depth == 0)
			r = remove_entry(dir, "meta.json", DT_UNKNOWN, depth);
		if (r < 0)
			return r;
		/* Of two who are at it one takes it away. */
		if (unlinkat(parent, name, AT_REMOVEDIR) == 0)
			return depth == 0 ? 1 : 0;
		if (errno == ENOENT)
			return 0;
		if (errno != ENOTEMPTY && errno != EEXIST)
			return -errno;
	}
	return -ENOTEMPTY;
}

static int remove_entry(int dir, const char *name, unsigned char type, unsigned depth)
{
	if (type != DT_DIR) {
		if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
			return 0;
		/* DT_UNKNOWN, or exchanged since: Linux says EISDIR, POSIX EPERM. */
		if (errno != EISDIR && errno != EPERM)
			return -errno;
	}
	return remove_directory(dir, name, depth + 1);
}

/* Unknown to the caller (a damaged record), or another one by now (a rename): then it is looked
 * for. Of two (a rename that was killed) the other one goes when the directory has gone: no link
 * may stay behind. */
static int release_names(const struct ct_store *store, const char *id, const char *name)
{
	char found[CT_NAME_MAX + 1];
	int r = 0;

	if (name && ct_name_lookup(store, name, found) == 0 && strcmp(found, id) == 0)
		return ct_name_release(store, name, id);
	while (r == 0 && ct_name_of_id(store, id, found, sizeof(found)) == 0)
		r = ct_name_release(store, found, id);
	return r;
}

int ct_store_take_away(const struct ct_store *store, const char *id, const char *name)
{
	struct ct_err ignored;
	struct stat st;
	int again, r;

	/* Where there are no names the directories are called as somebody else likes. */
	if (store->names < 0 ? ct_runtime_check_id(id, &ignored) < 0 : !ct_is_id(id))
		return -EINVAL;
	r = store->names < 0 ? 0 : release_names(store, id, name);
	if (r < 0)
		return r;
	if (fstatat(store->containers, id, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	/* Only a directory can be a container; anything else is not ours to delete. */
	r = S_ISDIR(st.st_mode) ? remove_directory(store->containers, id, 0) : -ENOTDIR;
	/* A rename may have come in between; one that comes now sees that there is nothing any
	 * more. */
	again = r < 0 ? 0 : release_names(store, id, NULL);
	return again < 0 ? again : r;
}

int ct_store_forget(const struct ct_store *store, const char *id, const char *name)
{
	int r = ct_store_take_away(store, id, name);

	return r < 0 ? r : 0;
}
