/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers without a mount namespace of their own: what they cannot have, the one place of theirs
 * in the host's mount table or in that of a namespace that root joins, and its end.
 * src/ns/inherit.c has how they come there.
 *
 *   ROOT/<id>/mounts        a bind of itself, under which all mounts of the container are
 *
 * It is known by where it is, in a directory that is ours alone: no record that a kill could leave
 * unwritten, and none that could name somebody else's mount. Taking it off takes off all of them.
 * In other namespaces the kernel does so, when the directory is removed: what is mounted on it goes.
 *
 * Runs in commands, as root; and in a process of its own to look into another mount namespace. What
 * may fail: the kernel refuses to take it off; somebody has mounted something else there, which is
 * not ours to touch.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/nsfs.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "plan.h"
#include "runtime_parts.h"

#define MAX_STACKED	64
#define DIRECTORY	(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

bool ct_inherits_mounts(const struct ct_spec *spec)
{
	return !spec->linux_.namespaces[CT_NS_MOUNT].present;
}

int ct_refuse_inherited(const struct ct_spec *spec, struct ct_err *err)
{
	ct_spec_fail(spec, err, ENOTSUP, "linux.namespaces",
		     "without a mount namespace the host's mounts would change, and outlast a "
		     "container that ends by itself");
	return ct_hint(err, "add { \"type\": \"mount\" }; cattach oci create, whose containers are deleted, "
		       "takes it");
}

/* ---- the plan ---- */

/* The mounts of the host are not ours to change, and what is unbindable could not be moved
 * there. */
static int check_propagation(struct planning *p, struct ct_err *err)
{
	struct ct_plan *plan = p->plan;
	const char *instead = plan->inherited.joined ? " of its own: linux.namespaces joins one" :
						       ": linux.namespaces has none";

	if (plan->root.propagation & ~(uint64_t)MS_PRIVATE)
		return ct_spec_fail(p->spec, err, ENOTSUP, "linux.rootfsPropagation",
				    "\"%s\" needs a mount namespace%s",
				    p->spec->linux_.rootfs_propagation, instead);
	plan->root.propagation = 0;
	for (size_t i = 0; i < plan->mount_count; i++) {
		const struct ct_plan_mount *m = &plan->mounts[i];

		if (!(m->options.propagation & MS_UNBINDABLE))
			continue;
		ct_fail(err, ENOTSUP, "unbindable needs a mount namespace%s", instead);
		return ct_spec_wrap(p->spec, err, m->place);
	}
	return 0;
}

/* Where another user namespace has the say about the mounts, what root brings along would not be
 * safe. */
int ct_plan_attached(struct planning *p, int space, const char *place, struct ct_err *err)
{
	int ct_autofd fd = space;
	int ct_autofd owner = ioctl(fd, NS_GET_USERNS);

	if (owner < 0 || !ct_plan_is_own(owner, "/proc/self/ns/user")) {
		ct_fail(err, EPERM, "the mount namespace belongs to another user namespace");
		ct_hint(err, "join that one, too; the container's root is that of the mount "
			     "namespace then");
		return ct_spec_wrap(p->spec, err, place);
	}
	p->plan->inherited.joined = place;
	p->plan->inherited.space = ct_take_fd(&fd);
	return 0;
}

int ct_plan_inherited(struct planning *p, struct ct_err *err)
{
	if (!ct_inherits_mounts(p->spec) && !p->plan->inherited.joined)
		return 0;
	if (!p->meta->unmonitored)
		return ct_refuse_inherited(p->spec, err);
	ct_log(CT_LOG_INFO, CT_TOPIC_MOUNT, "the mount namespace is %s: all mounts are below "
	       "%s/" CT_INHERITED_PLACE " of the runtime's directory",
	       p->plan->inherited.joined ? "joined" : "the caller's", p->meta->id);
	p->plan->inherited.mounts = true;
	p->plan->new_namespaces |= CLONE_NEWNS;
	return check_propagation(p, err);
}

/* ---- the place ---- */

int ct_inherited_make(int dir, const char *path, struct ct_plan *plan, struct ct_err *err)
{
	int ct_autofd caller = -1;

	if (!plan->inherited.mounts)
		return 0;
	if (mkdirat(dir, CT_INHERITED_PLACE, 0700) < 0 ||
	    mkdirat(dir, CT_INHERITED_PLACE "/" CT_INHERITED_ROOT, 0700) < 0)
		return ct_fail_errno(err, errno, "cannot make a place for the container's mounts");
	plan->inherited.directory = dir;
	plan->inherited.path = path;
	if (plan->inherited.joined)
		return 0;
	caller = openat(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (caller < 0)
		return ct_fail_errno(err, errno, "cannot open /proc/self/ns/mnt");
	plan->inherited.space = ct_take_fd(&caller);
	return 0;
}

/* Is the place there, and bound on itself? Its file system is that of the directory then. */
static int look(int dir, bool *ret_bound, struct ct_err *err)
{
	struct statx above, place;

	*ret_bound = false;
	if (statx(dir, CT_INHERITED_PLACE, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT,
		  STATX_INO | STATX_MNT_ID, &place) < 0)
		return errno == ENOENT ? 0 : ct_fail_errno(err, errno, "cannot examine " CT_INHERITED_PLACE);
	if (statx(dir, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &above) < 0 ||
	    !(above.stx_mask & place.stx_mask & STATX_MNT_ID))
		return ct_fail_errno(err, errno, "cannot examine the container's directory");
	*ret_bound = above.stx_mnt_id != place.stx_mnt_id;
	if (*ret_bound && (above.stx_dev_major != place.stx_dev_major ||
			   above.stx_dev_minor != place.stx_dev_minor))
		return ct_fail(err, EBUSY, "something that is not the container's is mounted on its "
			       "directory " CT_INHERITED_PLACE);
	return 0;
}

bool ct_is_attached(const struct ct_container *c, const struct ct_spec *spec)
{
	return ct_inherits_mounts(spec) ||
	       (spec->linux_.namespaces[CT_NS_MOUNT].path &&
		faccessat(c->dir, CT_INHERITED_PLACE, F_OK, AT_SYMLINK_NOFOLLOW) == 0);
}

static int open_here(int dir)
{
	struct ct_err ignored;
	bool bound;

	if (look(dir, &bound, &ignored) < 0 || !bound)
		return -1;
	return openat(dir, CT_INHERITED_PLACE "/" CT_INHERITED_ROOT, DIRECTORY);
}

static bool is_mounted(int place, int root)
{
	struct statx below, st;

	return statx(place, "", AT_EMPTY_PATH, STATX_MNT_ID, &below) == 0 &&
	       statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) == 0 &&
	       below.stx_mnt_id != st.stx_mnt_id;
}

/* In a process of its own, which goes there: what is below the very directory, and a mount. */
static int open_there(const struct ct_container *c, int space)
{
	struct stat want, have;
	char path[PATH_MAX];
	int ct_autofd place = -1;
	int ct_autofd root = -1;

	snprintf(path, sizeof(path), "%s/%s/" CT_INHERITED_PLACE, c->engine_root, c->meta.id);
	if (fstatat(c->dir, CT_INHERITED_PLACE, &want, AT_SYMLINK_NOFOLLOW) < 0 ||
	    setns(space, CLONE_NEWNS) < 0)
		return -1;
	place = openat(AT_FDCWD, path, DIRECTORY);
	root = place < 0 ? -1 : openat(place, CT_INHERITED_ROOT, DIRECTORY);
	if (root < 0 || fstat(place, &have) < 0 || have.st_dev != want.st_dev ||
	    have.st_ino != want.st_ino)
		return -1;
	return is_mounted(place, root) ? ct_take_fd(&root) : -1;
}

static int ask_there(const struct ct_container *c, int space)
{
	int ct_autofd helper = -1;
	struct ct_exit status;
	int pair[2], root = -1;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	pid = ct_clone(0, -1, SIGCHLD, &helper);
	if (pid == 0) {
		root = open_there(c, space);
		if (root >= 0)
			ct_send(pair[1], "r", 1, root);
		_exit(0);
	}
	close(pair[1]);
	if (pid > 0)
		ct_recv(pair[0], &byte, 1, &root);
	close(pair[0]);
	if (pid > 0)
		ct_pidfd_wait(helper, &status);
	return root;
}

int ct_inherited_open_root(const struct ct_container *c, const struct ct_spec *spec, int space)
{
	if (ct_inherits_mounts(spec) || ct_plan_is_own(space, "/proc/self/ns/mnt"))
		return open_here(c->dir);
	return c->engine_root ? ask_there(c, space) : -1;
}

uint64_t ct_inherited_mount_id(const struct ct_container *c, const struct ct_spec *spec, int space)
{
	int ct_autofd root = ct_inherited_open_root(c, spec, space);
	struct statx st;

	if (root < 0 || statx(root, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return 0;
	return st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0;
}

int ct_inherited_detach(int dir, struct ct_err *err)
{
	char path[64];
	bool bound;
	int r;

	/* By way of the directory that is open: no name on the way can be exchanged. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/" CT_INHERITED_PLACE, dir);
	for (int i = 0; i < MAX_STACKED; i++) {
		r = look(dir, &bound, err);
		if (r < 0 || !bound)
			return r;
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return ct_fail_errno(err, errno, "cannot take off the container's mounts");
	}
	return ct_fail(err, EBUSY, "more than %d mounts lie over the container's", MAX_STACKED);
}

/* A mount of the very directory, wherever it is. The kernel's list says where, the directory says
 * whether. */
static void detach_copy(const char *target, const struct stat *place)
{
	static const char name[] = "/" CT_INHERITED_PLACE;
	size_t length = strlen(target);
	int ct_autofd fd = -1;
	char path[64];
	struct stat st;

	if (length < sizeof(name) || strcmp(target + length - strlen(name), name) != 0)
		return;
	fd = openat(AT_FDCWD, target, DIRECTORY);
	if (fd < 0 || fstat(fd, &st) < 0 || st.st_dev != place->st_dev || st.st_ino != place->st_ino)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (umount2(path, MNT_DETACH) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MOUNT, "cannot take off %s: %s", target, strerror(errno));
}

/*
 * mount --rbind takes along what is mounted below, and the directory could not be removed while it
 * is mounted on anywhere in this namespace. What is bound is unbindable, but kernels forget that in
 * a copy of a namespace, as the one is where a container is built.
 */
void ct_inherited_detach_copies(int dir)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_mounted_list list = { 0 };
	struct ct_err err;
	struct stat place;

	if (fstatat(dir, CT_INHERITED_PLACE, &place, AT_SYMLINK_NOFOLLOW) < 0 ||
	    ct_arena_open(&arena, &err) < 0 || ct_mounted_read(&arena, &list, &err) < 0)
		return;
	for (size_t i = list.count; i > 0; i--)
		detach_copy(list.items[i - 1].target, &place);
}
