/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Into a user namespace of its own without leaving one's place: same process, same terminal, same
 * parent. For unshare, and for cp with a container that does not run. user_namespaces(7).
 *
 * Runs in the command, which executes somebody's program afterwards, or in a process that it has
 * forked. The maps are written from outside, by a child that stays there. May fail where user
 * namespaces are refused, and in newuidmap(1), whose words are passed on.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "child.h"

/* The child: waits until there is a namespace, and writes the maps of its parent. */
static _Noreturn void write_maps(int sync, pid_t target, const struct ct_plan *maps)
{
	struct sync_message message;
	struct ct_err err = { 0 };
	int fds[CT_FDS_MAX];

	if (ct_sync_receive(sync, &message, fds) != 1)
		_exit(1);
	if (ct_maps_write(target, maps, &err) < 0)
		ct_sync_send(sync, SYNC_ERROR, &err, -1);
	else
		ct_sync_send(sync, SYNC_MAPPED, NULL, -1);
	_exit(0);
}

static int await_maps(int sync, struct ct_err *err)
{
	struct sync_message message = { 0 };
	int fds[CT_FDS_MAX];
	int r = ct_sync_send(sync, SYNC_MAPPED, NULL, -1);

	if (r == 0)
		r = ct_sync_receive(sync, &message, fds);
	if (r == 1 && message.type == SYNC_MAPPED)
		return 0;
	if (r != 1 || message.type != SYNC_ERROR)
		return ct_fail(err, ECHILD, "the process that writes the id maps ended");
	*err = message.err;
	return -(err->code > 0 ? err->code : EIO);
}

int ct_ns_unshare(const struct ct_plan_ids *uid_map, const struct ct_plan_ids *gid_map,
		  uint64_t flags, struct ct_err *err)
{
	const struct ct_plan maps = { .uid_map = *uid_map, .gid_map = *gid_map };
	int ct_autofd sync = -1, helper = -1;
	pid_t pid, self = getpid();
	int pair[2], status, r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	sync = pair[0];
	pid = ct_clone(0, -1, SIGCHLD, &helper);
	if (pid == 0) {
		close(pair[0]);
		write_maps(pair[1], self, &maps);
	}
	close(pair[1]);
	if (pid < 0)
		return ct_fail_clone(-pid, 0, err);
	if (unshare((int)(flags | CLONE_NEWUSER)) < 0)
		r = ct_fail_clone(errno, CLONE_NEWUSER, err);
	else
		r = await_maps(sync, err);
	ct_drop_fd(&sync);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	/* Where id 0 is not mapped there is no root, and we stay who we are. */
	if (r == 0 && (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return ct_fail_errno(err, errno, "cannot become root in the user namespace");
	return r;
}
