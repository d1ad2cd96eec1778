/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's processes as commands get at them: through pidfds, opened from a record and
 * verified against it, never by number. A pid is reused; a pid with its start time and the boot's
 * id is not, and ct_proc_open() looks at the start time after it has the pidfd.
 *
 * Runs in commands, as the user.
 */
#include <errno.h>
#include <poll.h>
#include <time.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "record.h"

int ct_probe_open_payload(const struct ct_probe *probe)
{
	const struct ct_status *s = &probe->status;

	if (probe->other_boot || s->pid <= 0)
		return -ESRCH;
	return ct_proc_open(s->pid, s->starttime);
}

int ct_probe_open_monitor(const struct ct_probe *probe, int dir)
{
	const struct ct_status *s = &probe->status;
	int ct_autofd fd = -1;
	pid_t holder = 0;

	if (!probe->other_boot && s->monitor_pid > 0)
		return ct_proc_open(s->monitor_pid, s->monitor_starttime);
	/* No record of it (damaged, or too early): the lock's holder, if it still is that when we
	 * have its pidfd; then the pid cannot have been another's in between. */
	if (probe->holder <= 0)
		return -ESRCH;
	fd = ct_pidfd_open(probe->holder);
	if (fd < 0)
		return fd;
	if (ct_monitor_alive(dir, &holder) != 1 || holder != probe->holder)
		return -ESRCH;
	return ct_take_fd(&fd);
}

/* 1: it has ended; 0: the time is up. Interrupted, it goes on with what is left of the time. */
int ct_pidfd_await(int pidfd, uint64_t timeout)
{
	uint64_t start = ct_now_monotonic(), passed = 0;
	struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

	for (;;) {
		uint64_t left = timeout - passed;
		struct timespec ts = { .tv_sec = (time_t)(left / CT_SECOND),
				       .tv_nsec = (long)(left % CT_SECOND) };
		int n = ppoll(&poll_fd, 1, timeout == CT_FOREVER ? NULL : &ts, NULL);

		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (timeout == CT_FOREVER)
			continue;
		passed = ct_now_monotonic() - start;
		if (passed >= timeout)
			return 0;
	}
}

void ct_nap(uint64_t ns)
{
	nanosleep(&(struct timespec){ .tv_sec = (time_t)(ns / CT_SECOND),
				      .tv_nsec = (long)(ns % CT_SECOND) },
		  NULL);
}
