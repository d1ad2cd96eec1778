/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container from inside, as descriptors: its eight namespaces and its root. Who has them can go
 * in, whatever has become of the payload: setns(2) on a descriptor asks for rights in the user
 * namespace, but not for the right to trace a process, which a payload that is not dumpable, or
 * whose program is unreadable, does not grant to anybody outside. ptrace(2), namespaces(7).
 *
 * Opened by the process that becomes the payload, of itself, which nothing can refuse, and handed
 * to its starter; or by a command, of another process, where it may. Fails where /proc is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/nsfs.h>
#include <linux/sched.h>

#include <cattach/fd.h>

#include "child.h"

static const struct {
	const char *path;	/* below /proc/PID */
	int flag;		/* CLONE_NEW*; 0: a directory */
} kinds[CT_PLACES] = {
	[CT_PLACE_USER] = { "ns/user", CLONE_NEWUSER },
	[CT_PLACE_MOUNT] = { "ns/mnt", CLONE_NEWNS },
	[CT_PLACE_PID] = { "ns/pid", CLONE_NEWPID },
	[CT_PLACE_NETWORK] = { "ns/net", CLONE_NEWNET },
	[CT_PLACE_IPC] = { "ns/ipc", CLONE_NEWIPC },
	[CT_PLACE_UTS] = { "ns/uts", CLONE_NEWUTS },
	[CT_PLACE_CGROUP] = { "ns/cgroup", CLONE_NEWCGROUP },
	[CT_PLACE_ROOT] = { "root", 0 },
	[CT_PLACE_TIME] = { "ns/time", CLONE_NEWTIME },
};

void ct_ns_places_close(struct ct_ns_places *places)
{
	for (size_t i = 0; i < CT_PLACES; i++)
		ct_drop_fd(&places->fd[i]);
}

/* All of them below a directory of /proc: 0 or -errno. */
static int open_all(int process, struct ct_ns_places *places)
{
	for (size_t i = 0; i < CT_PLACES; i++) {
		int flags = kinds[i].flag ? O_RDONLY : O_PATH | O_DIRECTORY;

		places->fd[i] = openat(process, kinds[i].path, flags | O_CLOEXEC);
		/* Nobody counts on it, but all of them are handed on together. */
		if (places->fd[i] < 0 && errno == ENOENT && i == CT_PLACE_TIME)
			places->fd[i] = openat(process, "ns/uts", flags | O_CLOEXEC);
		if (places->fd[i] < 0) {
			int code = errno;

			ct_ns_places_close(places);
			return -code;
		}
	}
	return 0;
}

int ct_ns_places_open(pid_t pid, struct ct_ns_places *ret_places, struct ct_err *err)
{
	struct ct_ns_places places = CT_NS_PLACES_INIT;
	char path[32];
	int ct_autofd process = -1;
	int r;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	process = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process < 0)
		return ct_fail_errno(err, errno, "%s", path);
	r = open_all(process, &places);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot look into process %d", (int)pid);
	*ret_places = places;
	return 0;
}

/* Without a /proc of the host there is nothing to hand over, and nobody can go in later. */
int ct_child_open_places(struct child *c, struct ct_err *err)
{
	int ct_autofd self = -1;
	int r;

	if (c->proc < 0)
		return 0;
	self = openat(c->proc, "self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (self < 0)
		return ct_fail_errno(err, errno, "cannot open /proc/self");
	r = open_all(self, &c->places);
	return r < 0 ? ct_fail_errno(err, -r, "cannot open the container's namespaces") : 0;
}

int ct_child_report_places(struct child *c, struct ct_err *err)
{
	int r;

	if (!c->plan->report_places && !c->plan->hold)
		return 0;
	r = ct_child_open_places(c, err);
	if (r < 0 || !c->plan->report_places || c->places.fd[0] < 0)
		return r;
	r = ct_sync_send_fds(c->sync, SYNC_PLACES, c->places.fd, CT_PLACES);
	if (!c->plan->hold)
		ct_ns_places_close(&c->places);
	return r < 0 ? ct_fail_errno(err, -r, "cannot hand over the container's namespaces") : 0;
}

/* Are we in this namespace ourselves? The kernel refuses to join one's own user namespace, and the
 * others of the host's from inside of another one. */
static bool is_own(int fd, int self, const char *path)
{
	struct stat there, here;

	return fstat(fd, &there) == 0 && fstatat(self, path, &here, 0) == 0 &&
	       there.st_dev == here.st_dev && there.st_ino == here.st_ino;
}

/* A container's root is that of a mount; what chroot(2) leads to is one as a rule not. */
static bool is_mount_root(int fd)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 ||
	       !(st.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) ||
	       st.stx_attributes & STATX_ATTR_MOUNT_ROOT;
}

/* A pid namespace is never changed by who is in it. The host's tells nothing. ioctl_ns(2). */
static bool is_first_user_namespace(const struct ct_ns_places *places)
{
	int ct_autofd self = openat(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ct_autofd owner = ioctl(places->fd[CT_PLACE_PID], NS_GET_USERNS);
	struct stat one, other;

	if (self < 0 || owner < 0 ||
	    is_own(places->fd[CT_PLACE_PID], self, kinds[CT_PLACE_PID].path))
		return true;
	return fstat(owner, &one) < 0 || fstat(places->fd[CT_PLACE_USER], &other) < 0 ||
	       (one.st_dev == other.st_dev && one.st_ino == other.st_ino);
}

bool ct_ns_places_agree(const struct ct_ns_places *places)
{
	return is_mount_root(places->fd[CT_PLACE_ROOT]) && is_first_user_namespace(places);
}

int ct_ns_places_join(const struct ct_ns_places *places, const char *place, struct ct_plan *plan,
		      struct ct_err *err)
{
	int ct_autofd self = openat(AT_FDCWD, "/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (self < 0)
		return ct_fail_errno(err, errno, "cannot open /proc/self");
	plan->join_count = 0;
	for (size_t i = 0; i < CT_PLACES; i++) {
		if (!kinds[i].flag || is_own(places->fd[i], self, kinds[i].path) ||
		    (i == CT_PLACE_TIME && ioctl(places->fd[i], NS_GET_NSTYPE) != CLONE_NEWTIME))
			continue;
		plan->joins[plan->join_count++] = (struct ct_plan_join){
			.fd = places->fd[i],
			.flag = kinds[i].flag,
			.place = place,
		};
		plan->mounts_joined = plan->mounts_joined || kinds[i].flag == CLONE_NEWNS;
	}
	/* Where the container has none of its own, its root is what it has. */
	plan->mounts_joined = plan->mounts_joined || plan->chroot > 0;
	if (plan->mounts_joined)
		return 0;
	ct_fail(err, EINVAL, "its mount namespace is the one that this command is in");
	return ct_wrap(err, "%s", place);
}
