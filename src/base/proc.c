/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes: how they end, who they are, and a clean state to start them from.
 *
 * Used by the command line and the monitor with the caller's privileges, and by the child between
 * clone and exec: so nothing here allocates, and directories are read with getdents64 into the
 * stack. A process is acted on through its pidfd only; a number from a file becomes a pidfd when
 * the start time shows that it is still the same process.
 *
 * May fail when /proc is not mounted or hides other users' processes (hidepid), and with EMFILE.
 */
#include <cattach/proc.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#define FIRST_USER_NS	0xeffffffdUL	/* inode: PROC_USER_INIT_INO of the kernel */
#define NS_PER_SECOND	UINT64_C(1000000000)
#define MAX_TRIED	64	/* descriptors that ct_fds_free() opens at most */
#define PF_FORKNOEXEC	0x40	/* the kernel's: forked, and has not executed a program since */

/* As a shell has it: the code itself, or 128 + the signal. */
int ct_exit_code(const struct ct_exit *status)
{
	return status->signaled ? CT_EXIT_SIGNAL_BASE + status->value : status->value;
}

/* Without PIDFD_NONBLOCK: a pidfd is waited for with poll(2). */
int ct_pidfd_open(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0u);

	return fd < 0 ? -errno : fd;
}

/* Raw: glibc has a wrapper only since 2.36. */
int ct_pidfd_signal(int pidfd, int signal)
{
	return syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0u) < 0 ? -errno : 0;
}

/* Only the parent can; ECHILD for anybody else's process. */
int ct_pidfd_wait(int pidfd, struct ct_exit *ret_status)
{
	siginfo_t info = { 0 };
	int ret;

	/* __WALL: children with exit signal 0 are reaped too. */
	do {
		ret = waitid(P_PIDFD, (id_t)pidfd, &info, WEXITED | __WALL);
	} while (ret < 0 && errno == EINTR);
	if (ret < 0)
		return -errno;
	*ret_status = (struct ct_exit){
		.signaled = info.si_code != CLD_EXITED,
		.core = info.si_code == CLD_DUMPED,
		.value = info.si_status,
	};
	return 0;
}

/* The beginning of a small file of /proc, NUL-terminated: its length or -errno. */
static ssize_t read_proc(const char *path, char *buf, size_t size)
{
	ct_autofd int fd = open(path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	do {
		n = read(fd, buf, size - 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return n;
}

/* A number of /proc/PID/stat, by its place from 4 on (proc(5)): 0 or -errno. */
static int read_stat(pid_t pid, int place, uint64_t *ret_value)
{
	char path[64], stat[2048];
	struct ct_err ignored;
	const char *field;
	ssize_t n;

	if (pid <= 0)
		return -ESRCH;
	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = read_proc(path, stat, sizeof(stat));
	if (n < 0)
		return n == -ENOENT ? -ESRCH : (int)n;
	/* Field 2 is a name that the process chose: it may hold blanks, ")" and line ends, and
	 * numbers that look like the fields behind it. The last ")" is the kernel's own. */
	field = strrchr(stat, ')');
	for (int i = 2; field && i < place; i++)
		field = strchr(field + 1, ' ');
	if (!field)
		return -EPROTO;
	stat[(size_t)(field - stat) + 1 + strcspn(field + 1, " \n")] = '\0';
	return ct_parse_u64(field + 1, 0, UINT64_MAX, ret_value, &ignored) < 0 ? -EPROTO : 0;
}

/* Clock ticks since boot: with the pid it names a process for as long as the machine runs. */
int ct_proc_starttime(pid_t pid, uint64_t *ret_ticks)
{
	return read_stat(pid, 22, ret_ticks);
}

int ct_proc_parent(pid_t pid, uint64_t *ret_parent)
{
	return read_stat(pid, 4, ret_parent);
}

/* Tells a child that is still ours from the program that it has become. */
int ct_proc_has_executed(pid_t pid)
{
	uint64_t flags;
	int ret = read_stat(pid, 9, &flags);

	if (ret < 0)
		return ret;
	return !(flags & PF_FORKNOEXEC);
}

/* Start times begin anew with each boot, so a record has this beside them. */
int ct_boot_id(char buf[37])
{
	char text[64];
	ssize_t n = read_proc("/proc/sys/kernel/random/boot_id", text, sizeof(text));

	if (n < 0)
		return (int)n;
	if (n < 36 || strspn(text, "0123456789abcdef-") != 36)
		return -EPROTO;
	memcpy(buf, text, 36);
	buf[36] = '\0';
	return 0;
}

/* -ESRCH for one that has ended, also when its pid is somebody else's by now. */
int ct_proc_open(pid_t pid, uint64_t starttime)
{
	ct_autofd int fd = -1;
	uint64_t ticks;
	int ret;

	if (pid <= 0)
		return -ESRCH;
	fd = ct_pidfd_open(pid);
	if (fd < 0)
		return fd;
	/* In this order: a descriptor that was opened first cannot move on to a later process, and
	 * if the pid was reused before, the start time below is the newcomer's. */
	ret = ct_proc_starttime(pid, &ticks);
	if (ret < 0)
		return ret;
	return ticks == starttime ? ct_take_fd(&fd) : -ESRCH;
}

/* Close one descriptor or mark it CLOEXEC. */
static int treat_fd(int fd, bool mark)
{
	if (!mark)
		close(fd);	/* whatever it says, the descriptor is gone on Linux */
	else if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 && errno != EBADF)
		return -errno;
	return 0;
}

/* Go through /proc/self/fd; closing what was listed does not disturb the listing. getdents64(2) by
 * hand: opendir(3) allocates, which a child between clone and exec must not. */
static int treat_listed(unsigned first, bool mark)
{
	ct_autofd int dir = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char room[2048];
	struct ct_err ignored;
	ssize_t n;

	if (dir < 0)
		return -errno;
	while ((n = syscall(SYS_getdents64, dir, room, sizeof(room))) > 0) {
		for (ssize_t at = 0; at < n;) {
			const struct dirent64 *entry = (const void *)(room + at);
			uint64_t fd;
			int ret = 0;

			at += entry->d_reclen;
			if (ct_parse_u64(entry->d_name, first, INT32_MAX, &fd, &ignored) < 0)
				continue;	/* ".", "..", or below first */
			if ((int)fd != dir)
				ret = treat_fd((int)fd, mark);
			if (ret < 0)
				return ret;
		}
	}
	return n < 0 ? -errno : 0;
}

/* Linux 5.9; where a filter hides close_range(2), one by one. */
int ct_close_from(unsigned first)
{
	if (syscall(SYS_close_range, first, ~0u, 0u) == 0)
		return 0;
	return treat_listed(first, false);
}

/* For what is inherited from our caller: it stays open for us, and is not for what we execute. */
int ct_cloexec_from(unsigned first)
{
	/* Kernel 5.9 and 5.10 have the call but not the flag. */
	if (syscall(SYS_close_range, first, ~0u, CLOSE_RANGE_CLOEXEC) == 0)
		return 0;
	return treat_listed(first, true);
}

/* By trying, because those that are taken lie anywhere; but far from the limit it is clear. */
unsigned ct_fds_free(int fd, unsigned wanted)
{
	int taken[MAX_TRIED];
	struct rlimit limit;
	unsigned count = 0;

	if (wanted > MAX_TRIED)
		wanted = MAX_TRIED;
	while (count < wanted && (taken[count] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0) {
		count++;
		if (count == 1 && getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
		    limit.rlim_cur / 2 > (rlim_t)taken[0] + MAX_TRIED) {
			close(taken[0]);
			return wanted;
		}
	}
	for (unsigned i = 0; i < count; i++)
		close(taken[i]);
	return count;
}

/* A program that is started with fewer would get a file of ours as its stderr, and write into
 * it. */
int ct_stdio_exist(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* The lowest free number is taken, and those below exist by now. */
		if (open("/dev/null", O_RDWR | O_NOCTTY) < 0)
			return -errno;
	}
	return 0;
}

/* In the child, before exec: handlers go by themselves then, what is ignored and what is blocked
 * stays, execve(2). */
void ct_signals_reset(void)
{
	/* The kernel's sigaction, all zero, is SIG_DFL with no flags on every architecture. Raw,
	 * because glibc refuses 32 and 33, which a caller may have left ignored. */
	static const unsigned long defaults[16];
	const size_t mask_size = 8;
	sigset_t none;

	for (int signal = 1; signal <= 64; signal++)
		syscall(SYS_rt_sigaction, signal, defaults, NULL, mask_size);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static uint64_t now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_SECOND + (uint64_t)ts.tv_nsec;
}

/* For records and for people: the clock may be set while we look away. */
uint64_t ct_now_real(void)
{
	return now(CLOCK_REALTIME);
}

/* For waiting; stands still while the machine is suspended, clock_gettime(2). */
uint64_t ct_now_monotonic(void)
{
	return now(CLOCK_MONOTONIC);
}

/* The kernel's first user namespace has a fixed inode number, like each type's (proc_ns.h). */
bool ct_user_ns_is_nested(void)
{
	struct stat st;

	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != FIRST_USER_NS;
}
