/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process of our own code within a container: in its user and mount namespaces and in no other
 * one, or, for a container that does not run, in a fresh user namespace with its id maps.
 *
 * The process executes nothing. It cannot be looked into by anybody within (undumpable before it
 * is there, and in the host's pid namespace), has no descriptor of the host but those it was given,
 * and of the container's capabilities only those that concern files. It ends when its parent does.
 * What may fail: namespaces that cannot be joined or made.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/caps.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "child.h"

/* CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID: 0...4 in capability.h. */
#define FILE_CAPS UINT64_C(0x1f)

enum { FD_SYNC = 3, FD_ROOT, FD_SOCKET, FD_END };

/* Nothing but these three and the host's /dev/null three times. */
static int keep_descriptors(const struct ct_ns_visit *visit, int sync, int null,
			    struct ct_err *err)
{
	const int kept[] = { sync, visit->root, visit->socket };
	int high[FD_END - FD_SYNC];

	for (int i = 0; i < FD_END - FD_SYNC; i++) {
		high[i] = fcntl(kept[i], F_DUPFD_CLOEXEC, FD_END);
		if (high[i] < 0)
			return ct_fail_errno(err, errno, "cannot keep a descriptor");
	}
	for (int i = 0; i < FD_SYNC; i++)
		if (dup2(null, i) < 0)
			return ct_fail_errno(err, errno, "cannot use /dev/null");
	for (int i = 0; i < FD_END - FD_SYNC; i++)
		if (dup3(high[i], FD_SYNC + i, O_CLOEXEC) < 0)
			return ct_fail_errno(err, errno, "cannot keep a descriptor");
	ct_close_from(FD_END);
	return 0;
}

static int join(const struct ct_ns_visit *visit, struct ct_err *err)
{
	struct ct_plan plan = { 0 };
	size_t count = 0;

	if (ct_ns_places_join(visit->places, visit->place, &plan, err) < 0)
		return -err->code;
	for (size_t i = 0; i < plan.join_count; i++)
		if (plan.joins[i].flag == CLONE_NEWUSER || plan.joins[i].flag == CLONE_NEWNS)
			plan.joins[count++] = plan.joins[i];
	plan.join_count = count;
	if (ct_join_all(&plan, err) < 0)
		return -err->code;
	/* As in any container: ids that are not mapped leave us who we are. */
	if (!ct_joins_user(&plan))
		return 0;
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return ct_fail_errno(err, errno, "cannot drop the caller's groups");
	if ((setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0) && errno != EINVAL)
		return ct_fail_errno(err, errno, "cannot become the container's root");
	return 0;
}

static int go_in(const struct ct_ns_visit *visit, struct ct_err *err)
{
	const struct ct_caps caps = { .effective = FILE_CAPS, .permitted = FILE_CAPS };
	int r;

	/* Only who stays in our user namespace can be looked at by it, so not before the maps. */
	if (visit->places)
		r = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 ?
			    ct_fail_errno(err, errno, "cannot become undumpable") :
			    join(visit, err);
	else
		r = visit->uid_map->count ?
			    ct_ns_unshare(visit->uid_map, visit->gid_map, 0, err) : 0;
	if (r < 0)
		return r;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || ct_caps_apply(&caps, err) < 0)
		return err->code ? -err->code : ct_fail_errno(err, errno, "cannot give up rights");
	/* Every change of ids has undone both. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return ct_fail_errno(err, errno, "cannot become undumpable");
	return 0;
}

/* Signals of the terminal are for the command, which tells us by closing the socket. */
static void ignore_signals(void)
{
	static const int signals[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP };

	ct_signals_reset();
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		signal(signals[i], SIG_IGN);
}

static _Noreturn void be_visitor(const struct ct_ns_visit *visit, int sync)
{
	struct ct_err err = { 0 };
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	ignore_signals();
	if (null < 0)
		ct_fail_errno(&err, errno, "cannot open /dev/null");
	if (err.code || go_in(visit, &err) < 0 ||
	    keep_descriptors(visit, sync, null, &err) < 0) {
		ct_sync_send(sync, SYNC_ERROR, &err, -1);
		_exit(1);
	}
	ct_sync_send(FD_SYNC, SYNC_EXEC, NULL, -1);
	close(FD_SYNC);
	_exit(visit->run(FD_ROOT, FD_SOCKET, visit->arg));
}

static int await_visitor(int sync, int pidfd, struct ct_err *err)
{
	struct sync_message message = { 0 };
	struct ct_exit status;
	int fds[CT_FDS_MAX];
	int r = ct_sync_receive(sync, &message, fds);

	if (r == 1 && message.type == SYNC_EXEC)
		return 0;
	ct_pidfd_signal(pidfd, SIGKILL);
	ct_pidfd_wait(pidfd, &status);
	if (r != 1 || message.type != SYNC_ERROR)
		return ct_fail(err, ECHILD, "the process that was to go into the container ended");
	*err = message.err;
	return -(err->code > 0 ? err->code : EIO);
}

int ct_ns_visit(const struct ct_ns_visit *visit, pid_t *ret_pid, int *ret_pidfd,
		struct ct_err *err)
{
	int ct_autofd sync = -1, pidfd = -1;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	sync = pair[0];
	pid = ct_clone(0, -1, SIGCHLD, &pidfd);
	if (pid == 0) {
		close(pair[0]);
		be_visitor(visit, pair[1]);
	}
	close(pair[1]);
	if (pid < 0)
		return ct_fail_clone(-pid, 0, err);
	if (await_visitor(sync, pidfd, err) < 0)
		return -err->code;
	*ret_pid = pid;
	*ret_pidfd = ct_take_fd(&pidfd);
	return 0;
}
