/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command that the caller wants to be run when the session has ended.
 *
 * Runs at the very end of the monitor, with all that it does in a child: nothing of ours is open in
 * it. We wait for it, and are no longer the parent of orphans, which could be its. Cannot fail for
 * anybody: a command that is not there is nobody's to hear of.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

void ct_dropin_restore(const struct dropin *d)
{
	int ct_autofd fd = -1;

	ct_signals_reset();
	if (!d->oom_score)
		return;
	/* More than it was it may always be. */
	fd = openat(AT_FDCWD, "/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && ct_write_all(fd, d->oom_score, strlen(d->oom_score)) < 0)
		return;
}

int ct_exit_command_prepare(struct dropin *d, struct ct_err *err)
{
	const struct ct_strings *args = &d->o->exit_args;
	struct ct_strings words = { 0 };
	int r;

	if (!d->o->exit_command)
		return 0;
	r = ct_strings_add(d->arena, &words, d->o->exit_command);
	for (size_t i = 0; i < args->count && r == 0; i++)
		r = ct_strings_add(d->arena, &words, args->items[i]);
	if (r == 0)
		r = ct_strings_add(d->arena, &words, NULL);
	if (r < 0)
		return ct_fail_nomem(err);
	d->exit_argv = (char *const *)words.items;
	return 0;
}

static void wait_delay(unsigned seconds)
{
	struct timespec left = { .tv_sec = seconds };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		continue;
}

void ct_exit_command(const struct dropin *d)
{
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 0);
	if (!d->exit_argv)
		return;
	pid = fork();
	if (pid == 0) {
		ct_dropin_restore(d);
		ct_close_from(3);
		wait_delay(d->exit_delay);
		execv(d->exit_argv[0], d->exit_argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
}
