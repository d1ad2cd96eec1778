/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's descriptors: 0, 1 and 2, those that --preserve-fds keeps, and nothing else. What is
 * left of the host (directories, namespaces, sockets) is really closed here, not only marked, since
 * between here and exec a working directory is resolved.
 *
 * Runs in the child, after the pivot and before its ids change. Only the socket to the starter, the
 * in-container init if one was asked for, and what a start that is held needs, stay until exec.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "child.h"

/* /proc/self/fd/1 can be opened again only by the pipe's owner, whoever the payload runs as. */
static void give_pipe(int fd, const struct ct_plan_process *p)
{
	struct stat st;

	/* A pipe that cannot be given stays usable by its descriptor, so this may fail. */
	if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode) && fchown(fd, p->uid, p->gid) < 0)
		return;
}

static int set_stdio(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;

	for (int i = 0; i < 3; i++) {
		int from = p->tty ? c->terminal : c->stdio->fd[i];

		if (!p->tty && !c->stdio->borrowed)
			give_pipe(from, p);
		if (dup2(from, i) < 0)
			return ct_fail_errno(err, errno, "cannot set up descriptor %d", i);
	}
	/* A session of its own, so that no terminal of the caller can be reached. */
	if (setsid() < 0)
		return ct_fail_errno(err, errno, "setsid");
	if (p->tty && ioctl(0, TIOCSCTTY, 0) < 0)
		return ct_fail_errno(err, errno, "cannot make the pty the controlling terminal");
	return 0;
}

static int keep_preserved(unsigned count, struct ct_err *err)
{
	for (unsigned i = 0; i < count; i++) {
		int fd = 3 + (int)i;

		if (fcntl(fd, F_SETFD, 0) < 0)
			return ct_fail_errno(err, errno, "cannot preserve descriptor %d", fd);
	}
	return 0;
}

/* What the set-up still needs: its place in the child, and the descriptor. */
struct kept {
	int *places[4 + CT_PLACES];
	int count;
};

static void keep(struct kept *k, int *place)
{
	if (*place >= 0)
		k->places[k->count++] = place;
}

/* Out of the way first, then down to the lowest numbers that are free. */
static int move_down(const struct kept *k, int base, struct ct_err *err)
{
	for (int i = 0; i < k->count; i++) {
		int fd = fcntl(*k->places[i], F_DUPFD_CLOEXEC, base + k->count);

		if (fd < 0)
			return ct_fail_errno(err, errno, "cannot move a descriptor");
		*k->places[i] = fd;
	}
	for (int i = 0; i < k->count; i++) {
		if (dup3(*k->places[i], base + i, O_CLOEXEC) < 0)
			return ct_fail_errno(err, errno, "cannot move a descriptor");
		*k->places[i] = base + i;
	}
	return 0;
}

int ct_child_descriptors(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	int base = 3 + (int)p->preserve_fds;
	struct kept kept = { 0 };
	int r = set_stdio(c, err);

	c->init = p->init;
	c->hold = c->plan->hold ? c->plan->hold : -1;
	keep(&kept, &c->sync);
	keep(&kept, &c->init);
	keep(&kept, &c->hold);
	keep(&kept, &c->agent);
	for (size_t i = 0; i < CT_PLACES; i++)
		keep(&kept, &c->places.fd[i]);
	if (r == 0)
		r = keep_preserved(p->preserve_fds, err);
	if (r == 0)
		r = move_down(&kept, base, err);
	if (r < 0)
		return r;
	r = ct_close_from((unsigned)(base + kept.count));
	return r < 0 ? ct_fail_errno(err, -r, "cannot close the host's descriptors") : 0;
}
