/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Noticing that a container is made, started, ended or removed, without asking again and again: an
 * inotify descriptor on the names, and on the status file and the directory of one container.
 *
 * An event says no more than that it is time to look again, so one that tells too much does no
 * harm, and whoever waits looks once more after the watch is there. A home on a network file system
 * tells of this machine's changes only, which are the only ones that can start a container here.
 *
 * Runs in commands, as the user. May fail: the limits of inotify (max_user_instances), which the
 * error names.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/inotify.h>

#include <cattach/container.h>
#include <cattach/fd.h>

/* A keeper writes its record, and closes its lock when it ends, however it does. */
#define OF_FILES (IN_CREATE | IN_DELETE | IN_MOVE | IN_DELETE_SELF | IN_MODIFY | IN_CLOSE_WRITE)

/* Through the descriptor, whatever has become of the path. */
static int add(int watch, int fd, uint32_t mask)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(watch, path, mask) < 0 ? -errno : 0;
}

/* The names of its sessions; of one that has none the directory tells when there are. */
static int add_sessions(int watch, const struct ct_store *store,
			const struct ct_container *container)
{
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	struct ct_err ignored;

	if (ct_store_sessions(store, container, false, &sessions, &ignored) < 0)
		return 0;
	return add(watch, sessions.names, IN_CREATE | IN_DELETE | IN_MOVE);
}

int ct_container_watch(const struct ct_store *store, const struct ct_container *container,
		       int *ret_watch, struct ct_err *err)
{
	int ct_autofd watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	int r = watch < 0 ? -errno : 0;

	if (r == 0)
		r = add(watch, store->names, IN_CREATE | IN_DELETE | IN_MOVE);
	if (r == 0 && container && container->dir >= 0)
		r = add(watch, container->dir, OF_FILES);
	if (r == 0 && container)
		r = add_sessions(watch, store, container);
	if (r == 0 && container && container->status_fd >= 0)
		r = add(watch, container->status_fd, IN_MODIFY | IN_CLOSE_WRITE);
	if (r == -EMFILE) {
		ct_fail_errno(err, EMFILE, "cannot watch for containers");
		return ct_hint(err, "raise fs.inotify.max_user_instances");
	}
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot watch for containers");
	*ret_watch = ct_take_fd(&watch);
	return 0;
}
