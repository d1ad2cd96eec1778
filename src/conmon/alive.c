/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is there a monitor, or a keeper? Asked by commands, as the user, of the record lock that it holds.
 *
 * The lock is a POSIX record lock (fcntl F_SETLK, F_WRLCK) on the file "lock" of the container's
 * directory, a keeper's on "keeper.lock". The kernel drops it when its process ends, however it
 * ends; children do not inherit it, and F_GETLK asks without taking anything, so that two who ask
 * never see each other. It also drops it as soon as its process closes any descriptor of that file:
 * whoever holds it must therefore never ask for it.
 */
#include <errno.h>
#include <fcntl.h>

#include <cattach/fd.h>
#include <cattach/monitor.h>

int ct_lock_holder(int dir, const char *name, pid_t *ret_pid)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int ct_autofd fd = -1;

	/* O_NONBLOCK: whatever lies there instead of our file must not hold us up. */
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return -errno;
	if (fcntl(fd, F_GETLK, &lock) < 0)
		return -errno;
	/* A holder in a pid namespace that we cannot see is alive all the same, with pid 0. */
	if (ret_pid)
		*ret_pid = lock.l_type == F_UNLCK || lock.l_pid < 0 ? 0 : lock.l_pid;
	return lock.l_type != F_UNLCK;
}

int ct_monitor_alive(int dir, pid_t *ret_pid)
{
	return ct_lock_holder(dir, "lock", ret_pid);
}
