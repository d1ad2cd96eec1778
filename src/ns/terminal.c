/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's terminal: a pty of the container's own devpts instance. The caller's terminal never
 * reaches the payload; the monitor gets the master and relays.
 *
 * Runs in the child as the container's root, once devpts is mounted. The slave is taken from the
 * master itself (TIOCGPTPEER, ioctl_tty(2)), never opened by a name that the root could redirect.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "child.h"

static int open_pair(struct child *c, int *ret_slave, struct ct_err *err)
{
	int ct_autofd master = openat(c->pts, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	int unlock = 0;

	if (master < 0)
		return ct_fail_errno(err, errno, "cannot open a pty in the container's /dev/pts");
	if (ioctl(master, TIOCSPTLCK, &unlock) < 0)
		return ct_fail_errno(err, errno, "cannot unlock the pty");
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*ret_slave < 0)
		return ct_fail_errno(err, errno, "cannot open the pty's other end");
	return ct_take_fd(&master);
}

static int set_size(int terminal, const struct ct_ns_stdio *stdio, struct ct_err *err)
{
	struct winsize size = { .ws_row = stdio->rows, .ws_col = stdio->columns };

	if (!stdio->rows || !stdio->columns)
		return 0;
	if (ioctl(terminal, TIOCSWINSZ, &size) < 0)
		return ct_fail_errno(err, errno, "cannot set the terminal's size");
	return 0;
}

/* /dev/console is the payload's terminal, bound by descriptor. */
static int place_console(struct child *c, struct ct_err *err)
{
	int ct_autofd mount = open_tree(c->terminal, "",
					AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (mount < 0)
		return ct_fail_errno(err, errno, "cannot bind the terminal");
	return ct_child_place(c, mount, "/dev/console", false, err);
}

int ct_child_terminal(struct child *c, struct ct_err *err)
{
	int ct_autofd master = -1;
	int r;

	if (c->pts < 0) {
		ct_fail(err, ENOENT, "a terminal needs a devpts mount on /dev/pts");
		ct_wrap(err, "process.terminal");
		return ct_hint(err, "add it to mounts, or run without -t");
	}
	master = open_pair(c, &c->terminal, err);
	if (master < 0)
		return master;
	r = set_size(c->terminal, c->stdio, err);
	/* A root that was joined has its own console, of its own process. */
	if (r == 0 && !c->plan->mounts_joined)
		r = place_console(c, err);
	if (r < 0)
		return r;
	/* So that the payload can open its terminal again by name, whoever it runs as. */
	if (fchown(c->terminal, c->plan->process.uid, (gid_t)-1) < 0)
		return ct_fail_errno(err, errno, "cannot give the terminal to uid %u",
				     c->plan->process.uid);
	r = ct_sync_send(c->sync, SYNC_TERMINAL, NULL, master);
	return r < 0 ? ct_fail_errno(err, -r, "cannot hand over the terminal") : 0;
}
