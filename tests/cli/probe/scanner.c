/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile payload, pid 1 of a container that others enter: stops each new process as soon as it
 * has a pid, and looks at it while it stands still.
 *
 *   scanner look    what can be reached of one that is not a program of the container yet? Prints
 *                   "caught" for each that was examined, and "reached: WHAT" for what may not be.
 *                   Then it goes on.
 *   scanner stop    leaves such a one stopped, and prints "stopped"
 *   scanner kill    kills it, and prints "killed"
 *
 * Programs of the container are those in the file system of /bin/busybox, and this one.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define WINDOW	64			/* pids beyond the last one that may have been given */

static void say(const char *text, const char *what)
{
	printf("%s%s\n", text, what);
	fflush(stdout);
}

/* The letter of its state, or 0 when it is gone. */
static char state_of(pid_t pid)
{
	char path[64], text[512], *end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' ? end[2] : 0;
}

static void try_open(pid_t pid, const char *name, int flags)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return;
	say("reached: ", path);
	close(fd);
}

static void try_link(pid_t pid, const char *name)
{
	char path[64], target[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (readlink(path, target, sizeof(target)) >= 0)
		say("reached: ", path);
}

/* The words of its command line may be read, but they are ours to choose: the caller's may hold what
 * other users of the container are not told ("-e TOKEN=..."). */
static void try_words(pid_t pid)
{
	char path[64], text[512];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	for (ssize_t i = 0; i < n; i++)
		text[i] = text[i] ? text[i] : ' ';
	text[n > 0 ? n : 0] = '\0';
	if (strstr(text, "exec"))
		say("reached: ", text);
}

/* All that leads from a process to what it has. */
static void examine(pid_t pid)
{
	static const char *const readable[] = {
		"exe", "maps", "smaps", "mem", "environ", "auxv", "fd", "fdinfo", "map_files",
		"cwd", "root", "pagemap", "io", "stack", "syscall", "personality",
	};
	static const char *const writable[] = { "exe", "mem", "oom_score_adj", "comm" };
	char word[8], name[16];
	struct iovec here = { .iov_base = word, .iov_len = sizeof(word) };
	struct iovec there = { .iov_base = (void *)(uintptr_t)&word, .iov_len = sizeof(word) };

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		try_open(pid, readable[i], O_RDONLY | O_NONBLOCK);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		try_open(pid, writable[i], O_WRONLY | O_NONBLOCK);
	try_words(pid);
	try_link(pid, "exe");
	try_link(pid, "cwd");
	try_link(pid, "root");
	for (int fd = 0; fd < 48; fd++) {
		snprintf(name, sizeof(name), "fd/%d", fd);
		try_link(pid, name);
		try_open(pid, name, O_RDONLY | O_NONBLOCK);
	}
	if (process_vm_readv(pid, &here, 1, &there, 1, 0) >= 0 || errno == EFAULT)
		say("reached: ", "process_vm_readv");
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
		say("reached: ", "ptrace");
		ptrace(PTRACE_DETACH, pid, 0, 0);
	}
}

/* Does it run a program of the container already? */
static int is_program(pid_t pid)
{
	struct stat program, own, tool;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	if (stat(path, &program) < 0 || stat("/bin/busybox", &tool) < 0 ||
	    stat("/proc/self/exe", &own) < 0)
		return 0;
	if ((program.st_dev == tool.st_dev && program.st_ino == tool.st_ino) ||
	    (program.st_dev == own.st_dev && program.st_ino == own.st_ino))
		return 1;
	say("reached: ", "a foreign program");
	return 1;
}

/* It was told to stop: does it stand still, and is not a program yet? */
static int is_half_made(pid_t pid)
{
	char state;

	while ((state = state_of(pid)) != 'T' && state && state != 'Z' && state != 'X')
		continue;
	return state == 'T' && !is_program(pid) && state_of(pid) == 'T';
}

static void meet(pid_t pid, const char *how)
{
	if (!strcmp(how, "kill")) {
		kill(pid, SIGKILL);
		say("killed", "");
		return;
	}
	if (is_half_made(pid)) {
		if (!strcmp(how, "look"))
			examine(pid);
		say(!strcmp(how, "look") ? "caught" : "stopped", "");
		if (strcmp(how, "look") != 0)
			return;
	}
	kill(pid, SIGCONT);
}

int main(int argc, char **argv)
{
	pid_t last = getpid();

	say("looking", "");
	for (;;) {
		/* Pids are given in turn, so the next one is known before it is there. */
		for (pid_t pid = last + 1; pid < last + WINDOW; pid++) {
			if (kill(pid, SIGSTOP) < 0)
				continue;
			last = pid;
			meet(pid, argc > 1 ? argv[1] : "look");
		}
		waitpid(-1, NULL, WNOHANG);
	}
}
