/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cgroup and all that are below it, each once, the upper ones first.
 *
 * Runs in commands and in the monitor with the caller's privileges. A child that vanishes meanwhile is
 * passed over: it has no processes any more. Fails with ELOOP for a tree that is deeper than anyone needs.
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <cattach/fd.h>

#define DEPTH_MAX	64	/* two descriptors each are open on the way down */

static int walk(int dir, int (*visit)(void *arg, int dir), void *arg, int depth)
{
	DIR ct_autodir *list = NULL;
	int count = visit(arg, dir), fd;

	if (count < 0 || depth == DEPTH_MAX)
		return count < 0 ? count : -ELOOP;
	/* Another open file: the caller's may stand anywhere in its list. */
	fd = ct_cgroup_open_at(dir, ".", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd == -ENOENT ? count : fd;
	list = fdopendir(fd);
	if (!list) {
		ct_fd_close(fd);
		return -ENOMEM;
	}
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		int ct_autofd child = -1;
		int more;

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		child = ct_cgroup_open_at(dir, entry->d_name, O_RDONLY | O_DIRECTORY);
		more = child < 0 ? 0 : walk(child, visit, arg, depth + 1);
		if (more < 0)
			return more;
		count += more;
	}
	return count;
}

int ct_cgroup_walk(int dir, int (*visit)(void *arg, int dir), void *arg)
{
	return walk(dir, visit, arg, 0);
}
