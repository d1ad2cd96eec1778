/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach-init: pid 1 of a container that was started with --init. It starts the payload as its
 * child, forwards signals to it, reaps whatever is orphaned, and ends as the payload ends.
 *
 * A program of its own, static and small, executed from a sealed memfd as the container's user,
 * with the container's capabilities and filter. It trusts nothing and has nothing to lose.
 *
 *   cattach-init SOCKET PROGRAM ARG0 [ARG...]
 *
 * SOCKET is the descriptor over which a failed start is reported, as any failure between clone and
 * exec is (src/ns/sync.c); its end of file means that PROGRAM runs. From the fork on this process
 * may no longer bail out: only the payload's end ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../ns/child.h"

/* Forwarded: all but what is about this process itself. */
static void forwarded(sigset_t *set)
{
	static const int own[] = { SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS,
				   SIGTTIN, SIGTTOU };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		sigdelset(set, own[i]);
}

static _Noreturn void fail(int sync, const char *program, int code)
{
	struct ct_err err = { 0 };

	ct_exec_explain(program, code, &err);
	ct_sync_send(sync, SYNC_ERROR, &err, -1);
	_exit(err.exit);
}

/* The payload gets a process group of its own and, if there is one, the terminal. In a pid namespace
 * of somebody else's it would outlive this process, which dies with the monitor. */
static _Noreturn void become_payload(int sync, pid_t init, const char *program, char **argv,
				     const sigset_t *mask)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != init)
		_exit(CT_EXIT_FAILED);
	setpgid(0, 0);
	tcsetpgrp(STDIN_FILENO, getpgrp());
	signal(SIGTTOU, SIG_DFL);
	signal(SIGTTIN, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execve(program, argv, environ);
	fail(sync, program, errno);
}

/* Reap everything that is there; the payload's end is ours, with the same status. */
static void reap(pid_t payload)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != payload)
			continue;
		/* A pid 1 cannot die by a signal that it sends itself; the code says it instead. */
		_exit(WIFSIGNALED(status) ? CT_EXIT_SIGNAL_BASE + WTERMSIG(status) :
					    WEXITSTATUS(status));
	}
}

static _Noreturn void serve(pid_t payload, const sigset_t *set)
{
	for (;;) {
		siginfo_t info;
		int number = sigwaitinfo(set, &info);

		if (number == SIGCHLD)
			reap(payload);
		else if (number > 0)
			kill(payload, number);
	}
}

int main(int argc, char **argv)
{
	sigset_t set, before;
	pid_t payload, self = getpid();
	int sync;

	if (argc < 4)
		return CT_EXIT_FAILED;
	sync = (int)strtol(argv[1], NULL, 10);
	if (fcntl(sync, F_SETFD, FD_CLOEXEC) < 0)
		return CT_EXIT_FAILED;
	/* Taking the terminal from the background must not stop us. */
	signal(SIGTTOU, SIG_IGN);
	signal(SIGTTIN, SIG_IGN);
	/* Orphans come here, also where this is not pid 1. */
	if (self != 1)
		prctl(PR_SET_CHILD_SUBREAPER, 1);
	forwarded(&set);
	sigprocmask(SIG_SETMASK, &set, &before);
	payload = fork();
	if (payload == 0)
		become_payload(sync, self, argv[2], argv + 3, &before);
	if (payload < 0)
		fail(sync, argv[2], errno);
	close(sync);
	serve(payload, &set);
}
