/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that outlives who makes it: the keeper of a container, and what waits to run its
 * poststop hooks.
 *
 * Runs in the command that starts the container, with the caller's privileges. It forks twice, so
 * that the process is a child of nobody here and has a session of its own. May fail where no
 * process can be made (EAGAIN, ENOMEM); nothing stays then.
 */
#include "record.h"

#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

int ct_fork_away(void)
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		setsid();
		pid = fork();
		if (pid == 0)
			return 0;
		_exit(pid < 0 ? errno : 0);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (!WIFEXITED(status))
		return -ECHILD;
	return WEXITSTATUS(status) ? -WEXITSTATUS(status) : 1;
}
