/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What state is a container in? Worked out each time from what cannot lie: the monitor's record
 * lock, the status file, the identities of processes, and an flock by which its creator can be
 * told from the remains of a creation.
 *
 * A monitor takes its lock once and gives it up once, when it ends; the status is written before
 * that. So the lock is looked at first: what the status says after a free lock is final. A lock
 * that is taken between the two looks, or a creator that ends between them, is seen by looking a
 * second time, and as often as the status has changed since the last: whoever takes the lock
 * writes.
 *
 * Runs in commands, as the user; changes nothing. May fail: an unreadable status file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "keeper.h"
#include "leaf.h"
#include "record.h"

static const char going[] = "it is being removed";

/* ---- the creator ---- */

int ct_container_mark_creator(int dir)
{
	while (flock(dir, LOCK_EX) < 0) {
		/* A file system without flock cannot tell a creation from its remains. */
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

bool ct_container_has_creator(int dir)
{
	/* Opened anew: a lock belongs to an open file, and dir may be the creator's own. Shared, so
	 * that those who ask do not take each other for the creator. */
	int ct_autofd fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* ---- probing ---- */

/* Has the status been written since this boot? Unknown counts as yes: identities are checked. */
static bool is_other_boot(const struct ct_status *status)
{
	char boot_id[37];

	return status->boot_id[0] && ct_boot_id(boot_id) == 0 &&
	       strcmp(boot_id, status->boot_id) != 0;
}

/* Does the process behind this pidfd live? A zombie that nobody has reaped does not. Takes the
 * descriptor, which may be a -errno. */
static bool lives(int pidfd)
{
	int ct_autofd fd = pidfd;

	return fd >= 0 && ct_pidfd_await(fd, 0) == 0;
}

/* Lock first, then status. */
static int look(const struct ct_container *c, struct ct_probe *p, struct ct_err *err)
{
	int alive = ct_monitor_alive(c->dir, &p->holder), r;

	p->monitor = alive > 0;
	r = ct_status_read(c->status_fd, &p->status, err);
	if (r < 0)
		return r;
	p->other_boot = !p->monitor && is_other_boot(&p->status);
	/* Somebody removed the lock file: the monitor's identity has to do. */
	if (alive < 0 && p->status.state != CT_STATUS_EXITED)
		p->monitor = lives(ct_probe_open_monitor(p, c->dir));
	return 0;
}

/* What says that it was created to stay is missing: is it on its way out, or gone by now? Who
 * removes it holds the creator's lock until nothing is left, and has taken the file "lock" away
 * before. The lock first: one that is free now was given up after the end of the directory. */
static bool is_going(int dir)
{
	bool busy = ct_container_has_creator(dir);
	struct stat st;

	if (busy)
		return faccessat(dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
	return fstat(dir, &st) == 0 && st.st_nlink == 0;
}

static bool is_settled(const struct ct_probe *p)
{
	return p->monitor || p->status.state == CT_STATUS_EXITED;
}

/* Whoever recorded that, or nobody could any more; the kernel may still be at the payload. */
static bool has_ended(const struct ct_probe *p)
{
	if (p->status.state == CT_STATUS_EXITED)
		return true;
	return p->status.state == CT_STATUS_RUNNING && !p->monitor;
}

/* A keeper starts it as anybody does, and that shows as a start. */
static bool may_be_kept(const struct ct_probe *p)
{
	return has_ended(p) || p->status.state == CT_STATUS_STARTING;
}

int ct_container_probe(const struct ct_container *container, struct ct_probe *ret_probe,
		       struct ct_err *err)
{
	struct ct_probe p = { 0 };
	int r = look(container, &p, err);

	for (bool changed = true; r == 0 && changed && !is_settled(&p);) {
		uint64_t seen = p.status.generation;

		p.creator = ct_container_has_creator(container->dir);
		p.complete = ct_container_is_complete(container->dir);
		p.going = !p.complete && is_going(container->dir);
		r = look(container, &p, err);
		changed = p.status.generation != seen;
	}
	if (r == 0 && !is_settled(&p))
		p.payload = lives(ct_probe_open_payload(&p));
	if (r == 0 && p.monitor && p.status.state == CT_STATUS_RUNNING)
		p.frozen = ct_leaf_is_frozen(container->dir, container->meta.id);
	if (r == 0 && may_be_kept(&p))
		p.kept = ct_keeper_will_restart(container->dir, &p.status, has_ended(&p));
	*ret_probe = p;
	return r;
}

enum ct_state ct_probe_state(const struct ct_probe *p, const char **ret_why)
{
	enum ct_status_state recorded = p->status.state;

	*ret_why = NULL;
	if (p->kept)
		return CT_STATE_RESTARTING;
	if (recorded == CT_STATUS_EXITED)
		return CT_STATE_STOPPED;
	if (p->frozen)
		return CT_STATE_PAUSED;
	if (p->monitor)
		return recorded == CT_STATUS_RUNNING ? CT_STATE_RUNNING : CT_STATE_CREATING;
	if (p->payload) {
		*ret_why = "its monitor is gone, its payload is still there";
		return CT_STATE_DAMAGED;
	}
	if (recorded == CT_STATUS_RUNNING) {
		*ret_why = p->other_boot ? "the host restarted" : "its monitor was killed";
		return CT_STATE_STOPPED;
	}
	/* Also while somebody is about to start it, and when such a start was cut short. */
	if (p->complete)
		return CT_STATE_CREATED;
	if (p->creator && !p->going)
		return CT_STATE_CREATING;
	*ret_why = p->going ? going : "its start was interrupted";
	return CT_STATE_DAMAGED;
}

bool ct_container_is_going(const struct ct_container *container)
{
	return container->state == CT_STATE_DAMAGED && container->damage == going;
}
