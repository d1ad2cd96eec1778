/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signal for everything in a cgroup and below it.
 *
 * Runs in commands with the caller's privileges, which must include signalling what is in there. SIGKILL
 * goes the way of kill.c. For others the cgroup is frozen meanwhile, so that nobody is missed
 * who is just being made; where that cannot be had, it is done without. A pid is signalled through a
 * pidfd, and only while its process is in the cgroup that has listed it. Fails with ESRCH where nobody
 * is, with ELOOP for a tree that is deeper than anyone needs, and with what the kernel says.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "files.h"

#define FREEZE_TIME	1000	/* ms */

struct call {
	int top;		/* of version 2 */
	int signal;
	int failed;		/* -errno of the first that could not be signalled */
};

/* Is the process that has this pid now in there? */
static bool is_in(const struct call *call, pid_t pid, int dir)
{
	char text[CT_CGROUP_SELF], path[CT_CGROUP_PATH];
	struct ct_err ignored;
	struct stat its, ours;
	int ct_autofd fd = -1;

	if (ct_cgroup_read_self(pid, text, sizeof(text), &ignored) < 0)
		return false;
	ct_cgroup_path_of(text, path, sizeof(path));
	fd = ct_cgroup_open_below(call->top, path);
	return fd >= 0 && fstat(fd, &its) == 0 && fstat(dir, &ours) == 0 && its.st_ino == ours.st_ino &&
	       its.st_dev == ours.st_dev;
}

/* 1 when it was signalled. */
static int signal_one(struct call *call, pid_t pid, int dir)
{
	int ct_autofd pidfd = pid < 0 ? -EPERM : ct_pidfd_open(pid);
	int r = pidfd;

	if (pidfd >= 0)
		r = is_in(call, pid, dir) ? ct_pidfd_signal(pidfd, call->signal) : -ESRCH;
	if (r < 0 && r != -ESRCH && !call->failed)
		call->failed = r;
	return r >= 0;
}

/* How many there were here, or -errno. */
static int signal_members(void *arg, int dir)
{
	struct call *call = arg;
	struct ct_cgroup_pids pids;
	int count = 0, ret = ct_cgroup_pids_open(dir, &pids);
	pid_t pid;

	if (ret < 0)
		return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
	while ((pid = ct_cgroup_pids_next(&pids)) != 0)
		count += signal_one(call, pid, dir);
	ct_fd_close(pids.fd);
	return count;
}

static int signal_all(int dir, int signal, struct ct_err *err)
{
	enum ct_cgroup_layout layout;
	int ct_autofd top = ct_cgroup_top(&layout);
	struct call call = { .top = top, .signal = signal };
	/* Who has frozen it already wants it to stay so. */
	bool own = !ct_cgroup_is_freezing(dir);
	struct ct_err ignored;
	int count;

	own = own && ct_cgroup_freeze(dir, true, FREEZE_TIME, &ignored) == 0;
	count = ct_cgroup_walk(dir, signal_members, &call);
	if (own)
		ct_cgroup_freeze(dir, false, FREEZE_TIME, &ignored);
	if (count >= 0 && call.failed)
		count = call.failed;
	if (count > 0)
		return 0;
	return ct_fail_errno(err, count ? -count : ESRCH, "cannot signal what is in the cgroup");
}

/* Into a cgroup in which cgroup.kill was ever written Linux 6.18 lets nobody be cloned: whoever is, is
 * killed. */
static int kill_in(const struct ct_cgroup *cgroup, int dir, struct ct_err *err)
{
	int ret;

	if (!ct_cgroup_is_named(cgroup->path))
		return ct_cgroup_kill(dir, err);
	ret = ct_cgroup_kill_by_signals(dir);
	if (ret == 0 || ret == -ENODEV)
		return 0;
	return ct_fail_errno(err, -ret, "cannot kill what is in the cgroup");
}

int ct_cgroup_end(const struct ct_cgroup *cgroup, struct ct_err *err)
{
	return kill_in(cgroup, cgroup->dir, err);
}

int ct_cgroup_signal(const struct ct_cgroup *cgroup, int signal, struct ct_err *err)
{
	struct ct_cgroup_events events;
	int dir = cgroup->container;

	if (ct_cgroup_events(dir, &events, err) < 0)
		return -err->code;
	if (!events.populated)
		return ct_fail_errno(err, ESRCH, "cannot signal what is in the cgroup");
	if (!signal)
		return 0;
	return signal == SIGKILL ? kill_in(cgroup, dir, err) : signal_all(dir, signal, err);
}
