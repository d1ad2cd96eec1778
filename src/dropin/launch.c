/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the runtime: fork, descriptors, execve, wait for its end and, where there is a terminal, for
 * that; then the pid that it has written. What it has made is then our child, for we are the parent of
 * orphans.
 *
 * Runs in the monitor before its loop, with the caller's rights, and blocks as long as the runtime
 * does, but not for what it writes (words.c). The runtime ends with us, and a signal to us ends both. May
 * fail in as many ways as a runtime can; what it wrote on stderr is kept for the caller.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#define LOOK_MS		100
#define CANNOT_EXECUTE	127

/* ---- in the child ---- */

/* Those that the caller has put behind the first three for the container. */
static void preserve(const struct dropin *d)
{
	for (unsigned i = 0; i < d->preserve; i++)
		if (fcntl(3 + (int)i, F_SETFD, 0) < 0)
			return;
}

static void set_listen_pid(const struct dropin *d)
{
	char text[16];

	if (!d->o->replace_listen_pid)
		return;
	snprintf(text, sizeof(text), "%d", getpid());
	setenv("LISTEN_PID", text, 1);
}

static _Noreturn void be_runtime(const struct dropin *d, const int stdio[3])
{
	ct_dropin_restore(d);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (int i = 0; i < 3; i++)
		if (dup2(stdio[i], i) < 0)
			_exit(CANNOT_EXECUTE);
	preserve(d);
	set_listen_pid(d);
	execv(d->argv[0], d->argv);
	dprintf(2, "cannot execute %s: %s\n", d->argv[0], strerror(errno));
	_exit(CANNOT_EXECUTE);
}

/* ---- waiting for it ---- */

/* Signals wait for the loop, which passes them on to the payload: but there may never be one. */
static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int await(const struct dropin *d, int pidfd, const struct ct_child_stdio *stdio,
		 struct said *said, int *terminal, struct ct_err *err)
{
	int ct_autofd signals = open_signals();

	for (;;) {
		struct pollfd fds[] = {
			{ .fd = pidfd, .events = POLLIN },
			{ .fd = d->console, .events = POLLIN },
			{ .fd = said->pipe[0].drained ? said->pipe[0].fd : -1, .events = POLLIN },
			{ .fd = said->pipe[1].drained ? said->pipe[1].fd : -1, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
		};
		int n = poll(fds, sizeof(fds) / sizeof(fds[0]), LOOK_MS);

		if (n < 0 && errno != EINTR)
			return ct_fail_errno(err, errno, "cannot wait for the runtime");
		ct_said_look(said, stdio);
		/* The terminal is sent before the runtime ends: so it is looked for first. */
		if (d->console >= 0 && ct_console_take(d, terminal, err) < 0)
			return -err->code;
		if (n > 0 && fds[0].revents)
			return 0;
		if (n > 0 && fds[4].revents)
			return ct_fail(err, EINTR, "ended by a signal before the runtime %s was done",
				       d->argv[0]);
	}
}

static int judge(struct dropin *d, const struct ct_exit *status, struct said *said, struct ct_err *err)
{
	if (!status->signaled && status->value == 0)
		return 0;
	d->message = ct_said_message(said, d->arena);
	if (status->signaled)
		return ct_fail(err, ECHILD, "the runtime %s was ended by signal %d", d->argv[0],
			       status->value);
	ct_fail(err, ECHILD, "the runtime %s has failed with exit status %d", d->argv[0], status->value);
	return ct_hint(err, "its words, if it had any, are on its stderr or in its own log");
}

static int read_pid(const struct dropin *d, pid_t *ret_pid, struct ct_err *err)
{
	int ct_autofd fd = openat(AT_FDCWD, d->pidfile, O_RDONLY | O_CLOEXEC);
	char text[32];
	uint64_t pid;

	if (fd < 0)
		return ct_fail_errno(err, errno, "the runtime has not written %s", d->pidfile);
	if (ct_read_text(fd, text, sizeof(text)) < 0)
		return ct_fail_errno(err, errno, "cannot read %s", d->pidfile);
	text[strcspn(text, "\n")] = '\0';
	if (ct_parse_u64(text, 1, INT32_MAX, &pid, err) < 0)
		return ct_wrap(err, "%s", d->pidfile);
	*ret_pid = (pid_t)pid;
	return 0;
}

static int find_payload(const struct dropin *d, struct ct_spawned *spawned, struct ct_err *err)
{
	int r = read_pid(d, &spawned->pid, err);

	if (r < 0)
		return r;
	spawned->pidfd = ct_pidfd_open(spawned->pid);
	if (spawned->pidfd < 0)
		return ct_fail_errno(err, -spawned->pidfd, "%s: no process %d", d->pidfile, spawned->pid);
	if (d->o->terminal && spawned->terminal < 0)
		return ct_fail(err, EPROTO, "the runtime has sent no terminal");
	return 0;
}

/* ---- */

/* Who takes a user other than ours may open its stdout by its name all the same. */
static void open_to_all(const int stdio[3])
{
	struct stat st;

	for (int i = 0; i < 3; i++)
		if (fstat(stdio[i], &st) == 0 && S_ISFIFO(st.st_mode) && fchmod(stdio[i], 0777) < 0)
			return;
}

static int run_and_wait(struct dropin *d, const int fds[3], const struct ct_child_stdio *stdio,
			struct said *said, int *terminal, struct ct_err *err)
{
	int ct_autofd pidfd = -1;
	struct ct_exit status;
	pid_t pid = fork();
	int r;

	if (pid < 0)
		return ct_fail_errno(err, errno, "cannot make a process for the runtime");
	if (pid == 0)
		be_runtime(d, fds);
	pidfd = ct_pidfd_open(pid);
	if (pidfd < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return ct_fail_errno(err, -pidfd, "cannot watch the runtime");
	}
	r = await(d, pidfd, stdio, said, terminal, err);
	if (r < 0)
		ct_pidfd_signal(pidfd, SIGKILL);
	if (ct_pidfd_wait(pidfd, &status) < 0 && r == 0)
		r = ct_fail(err, ECHILD, "cannot tell how the runtime has ended");
	return r < 0 ? r : judge(d, &status, said, err);
}

static int run(struct dropin *d, const int fds[3], const struct ct_child_stdio *stdio, int *terminal,
	       struct ct_err *err)
{
	struct said *said = ct_arena_calloc(d->arena, 1, sizeof(*said));
	int r;

	if (!said)
		return ct_fail_nomem(err);
	said->pipe[0].fd = said->pipe[1].fd = -1;
	if (!d->passthrough)
		ct_said_open(said, fds);
	r = run_and_wait(d, fds, stdio, said, terminal, err);
	ct_said_close(said);
	return r;
}

/* With a terminal only the runtime's own words come by a pipe. */
static int make_stdio(const struct dropin *d, const struct ct_child_stdio *stdio, int ret_stdio[4],
		      struct ct_err *err)
{
	int null, fds[2];

	if (!d->o->terminal || d->passthrough) {
		memcpy(ret_stdio, stdio->fd, sizeof(stdio->fd));
		return 0;
	}
	null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || pipe2(fds, O_CLOEXEC) < 0) {
		ct_fd_close(null);
		return ct_fail_errno(err, errno, "cannot make the runtime's stdio");
	}
	/* Its other end stays open until the runtime has ended. */
	ret_stdio[0] = ret_stdio[1] = null;
	ret_stdio[2] = fds[1];
	ret_stdio[3] = fds[0];
	return 0;
}

int ct_runtime_launch(struct dropin *d, const struct ct_child_stdio *stdio,
		      struct ct_spawned *ret_spawned, struct ct_err *err)
{
	int fds[4] = { -1, -1, -1, -1 };
	struct ct_spawned spawned = { .pidfd = -1, .terminal = -1 };
	int r = make_stdio(d, stdio, fds, err);

	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		spawned.places[i] = -1;
	if (r < 0)
		return r;
	if (!d->passthrough)
		open_to_all(fds);
	r = run(d, fds, stdio, &spawned.terminal, err);
	if (fds[3] >= 0) {
		ct_fd_close(fds[0]);
		ct_fd_close(fds[2]);
		ct_fd_close(fds[3]);
	}
	if (r == 0)
		r = find_payload(d, &spawned, err);
	if (r < 0) {
		ct_fd_close(spawned.terminal);
		return r;
	}
	*ret_spawned = spawned;
	return 0;
}
