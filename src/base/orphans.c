/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process tree leaves behind when its first process has ended: without a pid namespace
 * nobody else ends it, and without a cgroup nobody else knows it.
 *
 * Runs in the command that waits for a container, with the caller's rights, single-threaded. As a
 * subreaper we become the parent of whoever has lost his own. Not all of those are the container's:
 * a hook may have started a daemon, and our caller may have had children before it executed us.
 * These live with the mounts that we have, a container never does. prctl(2),
 * PR_SET_CHILD_SUBREAPER.
 *
 * May fail: /proc that is not mounted; processes that the kernel does not let go, or that make
 * others faster than we find them.
 */
#include <cattach/proc.h>

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#define NS_PER_MS	UINT64_C(1000000)

int ct_orphans_adopt(void)
{
	return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Does it see other mounts than we do, or none any more, as it is ending? Nobody may look at those
 * that are none of our business. */
static bool lives_elsewhere(pid_t pid)
{
	struct stat own, its;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
	if (stat("/proc/self/ns/mnt", &own) < 0)
		return false;
	if (stat(path, &its) < 0)
		return errno == ENOENT;
	return own.st_ino != its.st_ino || own.st_dev != its.st_dev;
}

/* SIGKILL to each of them: the pid of the last, 0 when there is none, -errno. A child that nobody
 * has reaped keeps its pid, so a number is enough. */
static pid_t kill_children(void)
{
	DIR ct_autodir *proc = opendir("/proc");
	struct ct_err ignored;
	pid_t last = 0;

	if (!proc)
		return -errno;
	for (struct dirent *entry = readdir(proc); entry; entry = readdir(proc)) {
		uint64_t pid, parent;

		if (ct_parse_u64(entry->d_name, 1, INT32_MAX, &pid, &ignored) == 0 &&
		    ct_proc_parent((pid_t)pid, &parent) == 0 && parent == (uint64_t)getpid() &&
		    lives_elsewhere((pid_t)pid) && kill((pid_t)pid, SIGKILL) == 0)
			last = (pid_t)pid;
	}
	return last;
}

static void await_end(pid_t pid, uint64_t limit)
{
	int ct_autofd pidfd = ct_pidfd_open(pid);
	struct pollfd end = { .fd = pidfd, .events = POLLIN };
	uint64_t now = ct_now_monotonic();

	if (pidfd >= 0 && now < limit)
		poll(&end, 1, (int)((limit - now) / NS_PER_MS) + 1);
}

/* Those that have ended. Whose parents they were has ended, too, and they are ours by now. */
static void reap(void)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | __WALL) == 0 && info.si_pid)
		info.si_pid = 0;
}

int ct_orphans_end(unsigned patience)
{
	uint64_t limit = ct_now_monotonic() + patience * NS_PER_MS;
	siginfo_t info;
	pid_t last = 0;

	/* Children of the killed come to us with their parents' end: once more, until there is
	 * nobody. */
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0) {
		if (last > 0 && ct_now_monotonic() >= limit)
			return last;
		last = kill_children();
		if (last > 0)
			await_end(last, limit);
		reap();
		if (last <= 0)
			return last;
	}
	return 0;
}
