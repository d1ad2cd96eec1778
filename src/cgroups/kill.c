/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending everything in a cgroup and below it.
 *
 * Runs in commands and in the monitor with the caller's privileges, which must include writing the
 * cgroup. The kernel does it in one step since Linux 5.14, against which nothing can fork. Before,
 * the cgroup is frozen so that nothing can, every listed process is sent SIGKILL (of which frozen
 * ones die, too), and what is found later is sent it again. Fails where the cgroup may not be
 * written, and with ELOOP for a tree that is deeper than anyone needs.
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define ROUNDS		100	/* readings of all lists; the second finds nothing as a rule */

/* SIGKILL what one cgroup lists now: how many there were, or -errno. */
static int signal_members(void *arg, int dir)
{
	struct ct_cgroup_pids pids;
	int count = 0, ret = ct_cgroup_pids_open(dir, &pids);
	pid_t pid;

	(void)arg;
	if (ret < 0)
		return ret == -ENOENT || ret == -ENODEV ? 0 : ret;
	while ((pid = ct_cgroup_pids_next(&pids)) != 0) {
		if (pid < 0)
			ret = -EPERM;
		else if (kill(pid, SIGKILL) == 0)
			count++;
		else if (errno != ESRCH)
			ret = -errno;
	}
	ct_fd_close(pids.fd);
	return ret < 0 ? ret : count;
}

/*
 * Zombies are not listed, and one that was sent SIGKILL leaves the list when it gets to run.
 * Threads of a process that waits in the kernel may take long: that is for the caller to wait for,
 * here it only matters that each process was sent the signal, and no new ones came.
 */
int ct_cgroup_kill_by_signals(int dir)
{
	int ret = ct_cgroup_write(dir, "cgroup.freeze", "1"), before = -1;

	if (ret < 0 && ret != -ENOENT)
		return ret;
	for (int round = 0; round < ROUNDS; round++) {
		ret = ct_cgroup_walk(dir, signal_members, NULL);
		if (ret <= 0 || ret == before)
			break;
		before = ret;
	}
	ct_cgroup_write(dir, "cgroup.freeze", "0");
	return ret < 0 ? ret : 0;
}

int ct_cgroup_kill_at_once(int dir)
{
	return ct_cgroup_write(dir, "cgroup.kill", "1");
}

int ct_cgroup_kill(int dir, struct ct_err *err)
{
	int ret = ct_cgroup_kill_at_once(dir);

	/* A threaded cgroup cannot be killed as such, and has processes all the same. */
	if (ret == -ENOENT || ret == -EOPNOTSUPP)
		ret = ct_cgroup_kill_by_signals(dir);
	if (ret == 0 || ret == -ENODEV)
		return 0;
	return ct_fail_errno(err, -ret, "cannot kill what is in the cgroup");
}
