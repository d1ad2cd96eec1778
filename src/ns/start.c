/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a process by a plan, seen from its parent: clone it into its namespaces, map its ids,
 * wait until it has become the program or has sent the error that stopped it.
 *
 * Runs in the monitor with the caller's rights. When namespaces are joined by path, a forked helper
 * joins them and clones the process with CLONE_PARENT, so that it is the monitor's child all the
 * same and the monitor itself stays where it was. What may fail: everything the child can send,
 * and user namespaces that this host refuses, which is said in terms of the setting to change.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "child.h"

int ct_fail_clone(int code, uint64_t flags, struct ct_err *err)
{
	if (code == ENOSPC || code == EUSERS) {
		ct_fail(err, code, "the limit of namespaces for this user is reached");
		return ct_hint(err, "sysctl user.max_user_namespaces and its neighbours; 0 forbids "
			       "containers without root");
	}
	if (code == EPERM && (flags & CLONE_NEWUSER)) {
		ct_fail(err, code, "this host does not let this user make user namespaces");
		/* 2: SECCOMP_MODE_FILTER, as in a container. */
		if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2)
			return ct_hint(err, CT_HINT_NESTED);
		return ct_hint(err, "cattach info says which setting refuses it");
	}
	if (code == EAGAIN || code == ENOMEM) {
		ct_fail_errno(err, code, "cannot make a process");
		return ct_hint(err, "is the limit of processes reached? ulimit -u");
	}
	return ct_fail_errno(err, code, "cannot make the container's namespaces");
}

/* A cgroup namespace is made by the child: its root is where its maker is, and a clone that makes it
 * makes it for the parent's. So is a time namespace, whose clocks are set before anybody is in it. */
static pid_t clone_into(const struct ct_plan *plan, uint64_t flags, int exit_signal, int *ret_pidfd)
{
	flags |= plan->new_namespaces & ~(uint64_t)(CLONE_NEWCGROUP | CLONE_NEWTIME);
	return ct_clone(flags, plan->cgroup ? plan->cgroup : -1, exit_signal, ret_pidfd);
}

static int fail_clone_into(int code, const struct ct_plan *plan, struct ct_err *err)
{
	if (!plan->cgroup || (code != EACCES && code != EOPNOTSUPP && code != ENOENT &&
			      code != ENODEV && code != EBUSY && code != EAGAIN))
		return ct_fail_clone(code, plan->new_namespaces, err);
	if (code == EAGAIN) {
		ct_fail_errno(err, code, "cannot make a process");
		return ct_hint(err, "the limit of processes of the container (--pids-limit) or of the "
			       "user (ulimit -u) is reached");
	}
	if (code == EOPNOTSUPP) {
		ct_fail(err, code, "cannot make a process in the container's cgroup: clone3 with "
			"CLONE_INTO_CGROUP is not there");
		return ct_hint(err, "Linux 5.7 or newer, and no filter that hides it; or run with "
			       "--cgroups=disabled");
	}
	ct_fail_errno(err, code, "cannot make a process in the container's cgroup");
	if (code == EACCES)
		return ct_hint(err, "it can be entered only from inside of the delegated cgroup: start "
			       "cattach there, see docs/cgroups.md");
	return -err->code;
}

/* The pid behind a pidfd, as this process sees it: pidfd_open(2), "/proc/self/fdinfo". */
static pid_t pid_of(int pidfd)
{
	char path[64], text[512];
	const char *line;
	ssize_t n;
	int ct_autofd fd = -1;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", pidfd);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	line = strstr(text, "Pid:");
	return line ? (pid_t)strtol(line + 4, NULL, 10) : -1;
}

/* The child lets go of the starter's end, so that it sees when the starter dies. */
static _Noreturn void become_child(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
				   const int pair[2])
{
	struct child c;

	close(pair[0]);
	ct_child_init(&c, plan, stdio, pair[1]);
	ct_child_main(&c);
}

/*
 * Helper for joins: enters the namespaces, then makes the process as its own parent's child. The
 * answer is the pidfd; its end of file says that there is none, so the process lets go of it.
 */
static _Noreturn void join_and_clone(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
				     const int pair[2], int answer)
{
	struct ct_err err = { 0 };
	struct child c;
	int pidfd = -1;
	pid_t pid = -1;

	close(pair[0]);
	ct_child_init(&c, plan, stdio, pair[1]);
	if (ct_child_before_join(&c, &err) == 0 && ct_join_all(plan, &err) == 0) {
		pid = clone_into(plan, CLONE_PARENT, 0, &pidfd);
		if (pid < 0)
			fail_clone_into(-pid, plan, &err);
	}
	if (pid == 0) {
		close(answer);
		ct_child_main(&c);
	}
	if (pid > 0)
		ct_send(answer, "p", 1, pidfd);
	else
		ct_sync_send(pair[1], SYNC_ERROR, &err, -1);
	_exit(pid < 0);
}

static int start_joined(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
			const int sync[2], struct ct_ns_started *started, pid_t *ret_helper,
			struct ct_err *err)
{
	int pair[2], pidfd = -1;
	int ct_autofd helper = -1;
	char byte;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	pid = ct_clone(0, -1, SIGCHLD, &helper);
	if (pid == 0)
		join_and_clone(plan, stdio, sync, pair[1]);
	close(pair[1]);
	if (pid > 0)
		ct_recv(pair[0], &byte, 1, &pidfd);
	close(pair[0]);
	if (pid < 0)
		return ct_fail_clone(-pid, 0, err);
	*ret_helper = pid;
	/* Without a pidfd the error is waiting on the socket; a process that the helper may have made
	 * all the same is told to end. */
	if (pidfd < 0)
		shutdown(sync[0], SHUT_WR);
	started->pidfd = pidfd;
	started->pid = pidfd < 0 ? 0 : pid_of(pidfd);
	return 0;
}

static int start_process(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
			 const int sync[2], struct ct_ns_started *started, pid_t *ret_helper,
			 struct ct_err *err)
{
	if (plan->join_count)
		return start_joined(plan, stdio, sync, started, ret_helper, err);
	started->pid = clone_into(plan, 0, SIGCHLD, &started->pidfd);
	if (started->pid == 0)
		become_child(plan, stdio, sync);
	if (started->pid < 0)
		return fail_clone_into(-started->pid, plan, err);
	return 0;
}

/* The child ended without a word: killed from outside, or by the filter before its program. */
static int fail_silent(const struct ct_plan *plan, int pidfd, struct ct_err *err)
{
	struct ct_exit status = { 0 };

	/* Somebody else's child, who alone hears how it ended. */
	if (!plan)
		return ct_fail(err, ECHILD, "killed, or stopped by its seccomp profile, before it was "
			       "the program");
	ct_pidfd_wait(pidfd, &status);
	if (status.signaled && status.value == SIGSYS && plan->process.seccomp.length) {
		ct_fail(err, EPERM, "the seccomp profile stops the program before it starts");
		return ct_wrap(err, "%s", plan->process.seccomp_place);
	}
	if (status.signaled)
		return ct_fail(err, ECHILD, "killed by signal %d while it was being set up",
			       status.value);
	/* A filter may have kept it from saying more. */
	ct_fail(err, ECHILD, "ended with status %d while it was being set up", status.value);
	return ct_exit_with(err, status.value ? status.value : CT_EXIT_FAILED);
}

/* After the last word before execve(2): did it succeed, or has the child died on the way? Our own
 * filter lets it through, so the look is saved. */
static bool became_program(const struct ct_plan *plan, const struct ct_ns_started *started)
{
	return (plan && !plan->process.seccomp_given) || ct_proc_has_executed(started->pid) != 0;
}

/* Descriptors that the child has sent: those that are expected, once each; others are closed. */
static void take_descriptors(enum sync_type type, int fds[CT_FDS_MAX], struct ct_ns_started *started)
{
	if (type == SYNC_TERMINAL && started->terminal < 0)
		started->terminal = ct_take_fd(&fds[0]);
	for (size_t i = 0; type == SYNC_PLACES && i < CT_PLACES; i++)
		if (started->places.fd[i] < 0)
			started->places.fd[i] = ct_take_fd(&fds[i]);
	for (size_t i = 0; i < CT_FDS_MAX; i++)
		ct_drop_fd(&fds[i]);
}

/* Something to receive: 0; or -ETIMEDOUT, -EINTR. What is received comes first: an interrupt later than
 * the end of the start is none. */
static int await(int sync, const struct ct_ns_stdio *stdio)
{
	struct pollfd fds[] = {
		{ .fd = sync, .events = POLLIN },
		{ .fd = stdio->interrupt > 0 ? stdio->interrupt : -1, .events = POLLIN },
	};
	uint64_t limit = stdio->limit;

	while (limit || stdio->interrupt > 0) {
		uint64_t now = ct_now_monotonic(), left = 60000;

		if (limit)
			left = now < limit ? (limit - now) / 1000000 + 1 : 0;
		if (!left)
			return -ETIMEDOUT;
		if (poll(fds, 2, left < 60000 ? (int)left : 60000) > 0)
			return fds[0].revents ? 0 : -EINTR;
	}
	return 0;
}

/* 1 a message, 0 the end, -errno. */
static int receive(int sync, const struct ct_ns_stdio *stdio, struct sync_message *message,
		   int fds[CT_FDS_MAX])
{
	int r = await(sync, stdio);

	return r < 0 ? r : ct_sync_receive(sync, message, fds);
}

int ct_sync_follow(const struct ct_plan *plan, int sync, const struct ct_ns_stdio *stdio,
		   struct ct_ns_started *started, struct ct_err *err)
{
	struct sync_message message;
	bool at_exec = false;
	int fds[CT_FDS_MAX], r;

	while ((r = receive(sync, stdio, &message, fds)) == 1) {
		/* Our init has the socket for a moment, when everything of ours has been said. */
		take_descriptors(at_exec ? SYNC_EXEC : message.type, fds, started);
		if (message.type == SYNC_HELD)
			return 0;
		if (message.type == SYNC_EXEC)
			at_exec = true;
		if (message.type == SYNC_HOOKS && plan && !at_exec &&
		    ct_sync_hooks(plan, sync, started->pid, err) < 0)
			return -err->code;
		if (message.type == SYNC_ERROR) {
			*err = message.err;
			return -(err->code > 0 ? err->code : EIO);
		}
	}
	if (r == -ETIMEDOUT)
		return ct_fail(err, ETIMEDOUT, "the time was up before the program ran");
	if (r == -EINTR)
		return ct_fail(err, EINTR, "interrupted before the program ran");
	if (r < 0)
		return ct_fail_errno(err, -r, "lost the process that was being set up");
	if (at_exec && became_program(plan, started))
		return 0;
	return fail_silent(plan, started->pidfd, err);
}

/* Before it has run anything, so that whatever it starts is in there, too. */
static int enter_groups(const struct ct_plan *plan, pid_t pid, struct ct_err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d\n", (int)pid);

	for (size_t i = 0; i < plan->tasks_count; i++) {
		int r = ct_write_all(plan->tasks[i], text, (size_t)n);

		if (r < 0) {
			ct_fail_errno(err, -r, "cannot put the process into its resctrl group");
			return ct_wrap(err, "linux.intelRdt");
		}
	}
	return 0;
}

static int do_meanwhile(const struct ct_ns_stdio *stdio, struct ct_err *err)
{
	return stdio->meanwhile ? stdio->meanwhile(stdio->arg, err) : 0;
}

static int set_up(const struct ct_plan *plan, int sync, const struct ct_ns_stdio *stdio,
		  struct ct_ns_started *started, struct ct_err *err)
{
	int r = 0;

	if (started->pidfd >= 0 && plan->uid_map.count)
		r = ct_maps_write(started->pid, plan, err);
	if (r < 0)
		return r;
	if (started->pidfd >= 0 && plan->move)
		r = plan->move(plan->move_arg, started->pid, err);
	if (r == 0 && started->pidfd >= 0)
		r = enter_groups(plan, started->pid, err);
	if (r == 0 && started->pidfd >= 0)
		r = ct_netdev_move(plan, started->pidfd, err);
	if (r < 0)
		return r;
	if (started->pidfd >= 0 && ct_child_is_awaited(plan))
		ct_sync_send(sync, SYNC_MAPPED, NULL, -1);
	return ct_sync_follow(plan, sync, stdio, started, err);
}

/* The helper that joins has nothing to do once there is a process, so it ends while that sets itself
 * up, and is not waited for before. */
static void reap_helper(pid_t pid)
{
	int status;

	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
}

int ct_ns_start(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
		struct ct_ns_started *ret_started, struct ct_err *err)
{
	struct ct_ns_started started = {
		.pidfd = -1, .terminal = -1, .tie = -1, .places = CT_NS_PLACES_INIT,
	};
	int ct_autofd ours = -1;
	pid_t helper = 0;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	ours = pair[0];
	r = ct_child_is_awaited(plan) ? 0 : do_meanwhile(stdio, err);
	if (r == 0)
		r = ct_idmapped_open(plan, err);
	if (r == 0)
		r = ct_listener_connect(plan, err);
	if (r == 0)
		r = start_process(plan, stdio, pair, &started, &helper, err);
	ct_idmapped_close(plan);
	ct_listener_close(plan);
	/* Ours only to give: its end of file must mean the child's exec or end. */
	close(pair[1]);
	if (r == 0 && ct_child_is_awaited(plan))
		r = do_meanwhile(stdio, err);
	if (r == 0)
		r = set_up(plan, ours, stdio, &started, err);
	reap_helper(helper);
	if (r == 0) {
		if (plan->hold)
			started.tie = ct_take_fd(&ours);
		*ret_started = started;
		return 0;
	}
	if (started.pidfd >= 0) {
		struct ct_exit status;

		ct_pidfd_signal(started.pidfd, SIGKILL);
		ct_pidfd_wait(started.pidfd, &status);
	}
	ct_netdev_give_back(plan);
	ct_fd_close(started.pidfd);
	ct_fd_close(started.terminal);
	ct_ns_places_close(&started.places);
	return r;
}
