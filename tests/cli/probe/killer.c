/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a process of cattach in the middle of what it does, always at the same place: before the Nth of
 * its system calls that change something others can see, or that wait for somebody.
 *
 *   killer N COMMAND ARG...           the command itself: exit code 137, or its own when it has fewer
 *   killer -k N COMMAND ARG...        the keeper that the command makes; the command goes on. Waits for
 *                                     the end of both: exit code 137, or 0 when it has fewer
 *
 * Where it was killed is printed: the process's name and the system call. Runs on the host, as the user
 * whose commands they are. The keeper is who the first child of the command forks (see
 * src/container/keeper_launch.c); everybody else is let go at once, and runs untraced. A wait of the
 * keeper does not count, since it sleeps as often as it likes. 99: no tracing here, 98: it went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHANGE = 1, WAIT, CREATE, LOCK };

static const struct {
	long nr;
	int kind;
	const char *name;
} calls[] = {
	{ SYS_openat, CREATE, "openat" },
	{ SYS_fcntl, LOCK, "fcntl" },
	{ SYS_mkdirat, CHANGE, "mkdirat" },
	{ SYS_symlinkat, CHANGE, "symlinkat" },
	{ SYS_linkat, CHANGE, "linkat" },
	{ SYS_unlinkat, CHANGE, "unlinkat" },
	{ SYS_fsetxattr, CHANGE, "fsetxattr" },
	{ SYS_fremovexattr, CHANGE, "fremovexattr" },
	{ SYS_renameat2, CHANGE, "renameat2" },
#ifdef SYS_renameat
	{ SYS_renameat, CHANGE, "renameat" },
#endif
	{ SYS_write, CHANGE, "write" },
	{ SYS_pwrite64, CHANGE, "pwrite64" },
	{ SYS_sendto, CHANGE, "sendto" },
	{ SYS_sendmsg, CHANGE, "sendmsg" },
	{ SYS_shutdown, CHANGE, "shutdown" },
	{ SYS_flock, CHANGE, "flock" },
	{ SYS_clone, CHANGE, "clone" },
	{ SYS_clone3, CHANGE, "clone3" },
#ifdef SYS_vfork
	{ SYS_fork, CHANGE, "fork" },
	{ SYS_vfork, CHANGE, "vfork" },
#endif
	{ SYS_setsid, CHANGE, "setsid" },
	{ SYS_pidfd_send_signal, CHANGE, "pidfd_send_signal" },
	{ SYS_exit_group, CHANGE, "exit_group" },
	{ SYS_waitid, CHANGE, "waitid" },
	{ SYS_wait4, WAIT, "wait4" },
	{ SYS_recvmsg, WAIT, "recvmsg" },
	{ SYS_ppoll, WAIT, "ppoll" },
#ifdef SYS_poll
	{ SYS_poll, WAIT, "poll" },
#endif
};

struct hunt {
	pid_t command, child, prey;	/* prey: who is to be killed; 0: not known yet */
	pid_t held;			/* has stopped before who made it has told of it */
	long left;			/* of its system calls */
	bool keeper, killed;
	int code;			/* of the command */
};

/* Its name, when this is a place that counts. */
static const char *place(const struct hunt *h, const struct __ptrace_syscall_info *info)
{
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		if ((unsigned long long)calls[i].nr != info->entry.nr)
			continue;
		if ((calls[i].kind == CREATE && !(info->entry.args[2] & O_CREAT)) ||
		    (calls[i].kind == LOCK && info->entry.args[1] != F_SETLK) ||
		    (calls[i].kind == WAIT && h->keeper))
			return NULL;
		return calls[i].name;
	}
	return NULL;
}

static void print_name(pid_t pid, const char *call)
{
	char path[64], name[32] = "?\n";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	file = fopen(path, "re");
	if (file && !fgets(name, sizeof(name), file))
		strcpy(name, "?\n");
	if (file)
		fclose(file);
	name[strcspn(name, "\n")] = '\0';
	printf("%s %s\n", name, call);
	fflush(stdout);
}

static void at_call(struct hunt *h, pid_t pid)
{
	struct __ptrace_syscall_info info;
	const char *name;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) < 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return;
	name = place(h, &info);
	if (!name || --h->left > 0 || h->killed)
		return;
	print_name(pid, name);
	h->killed = kill(pid, SIGKILL) == 0;
}

static void go_on(const struct hunt *h, pid_t pid, int signal)
{
	if (pid == h->prey) {
		/* Whom it makes in turn is not followed. */
		ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD);
		ptrace(PTRACE_SYSCALL, pid, 0, signal);
	} else {
		/* Who is of no use is let go. */
		ptrace(h->prey ? PTRACE_DETACH : PTRACE_CONT, pid, 0, signal);
	}
}

/* The command has a child, or that child has: the keeper. */
static void at_fork(struct hunt *h, pid_t pid)
{
	unsigned long made = 0;

	ptrace(PTRACE_GETEVENTMSG, pid, 0, &made);
	if (pid == h->command && !h->child)
		h->child = (pid_t)made;
	else if (pid == h->child)
		h->prey = (pid_t)made;
	if (h->held && h->held == (pid_t)made) {
		h->held = 0;
		go_on(h, (pid_t)made, 0);
	}
}

static void stopped(struct hunt *h, pid_t pid, int status)
{
	int signal = WSTOPSIG(status), event = status >> 16;

	if (event)
		at_fork(h, pid);
	else if (signal == (SIGTRAP | 0x80))
		at_call(h, pid);
	if (event || signal == (SIGTRAP | 0x80) || signal == SIGSTOP)
		signal = 0;
	if (!h->prey && pid != h->command && pid != h->child)
		h->held = pid;
	else
		go_on(h, pid, signal);
}

static int hunt(struct hunt *h)
{
	int status, r;

	while ((r = waitpid(-1, &status, __WALL)) > 0 || errno == EINTR) {
		if (r > 0 && WIFSTOPPED(status))
			stopped(h, r, status);
		else if (r == h->command)
			h->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	}
	if (h->killed)
		return 137;
	puts("ended");
	return h->keeper ? 0 : h->code;
}

int main(int argc, char **argv)
{
	struct hunt h = { .keeper = argc > 1 && !strcmp(argv[1], "-k") };
	char **args = argv + 1 + h.keeper;
	int status = 0;

	if (argc - h.keeper < 3)
		return 98;
	h.left = atol(args[0]);
	h.command = fork();
	if (h.command == 0) {
		if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0)
			_exit(99);
		execvp(args[1], args + 1);
		_exit(98);
	}
	/* It stops at its first instruction. */
	if (h.command < 0 || waitpid(h.command, &status, 0) < 0 || !WIFSTOPPED(status))
		return WIFEXITED(status) ? WEXITSTATUS(status) : 98;
	if (!h.keeper)
		h.prey = h.command;
	ptrace(PTRACE_SETOPTIONS, h.command, 0,
	       h.keeper ? PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK : PTRACE_O_TRACESYSGOOD);
	ptrace(h.keeper ? PTRACE_CONT : PTRACE_SYSCALL, h.command, 0, 0);
	return hunt(&h);
}
