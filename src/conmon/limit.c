/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session's time: SIGTERM to its first process when that is over, SIGKILL some time later. It is
 * the monitor that counts, so that the time holds whoever has looked away meanwhile, and the exit
 * that is recorded says what has happened: 124, as timeout(1) does.
 *
 * Runs in the monitor; the timer is made before the start and begins when the program runs. What it
 * has started itself is not reached, as it is not by a kill.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cattach/err.h>

#include "monitor.h"

#define NS_PER_SECOND	UINT64_C(1000000000)
#define KILL_AFTER	(10 * NS_PER_SECOND)

static void arm(const struct monitor *m, uint64_t ns)
{
	struct itimerspec once = {
		.it_value.tv_sec = (time_t)(ns / NS_PER_SECOND),
		.it_value.tv_nsec = (long)(ns % NS_PER_SECOND),
	};

	if (timerfd_settime(m->limit, 0, &once, NULL) < 0)
		return;
}

int ct_limit_open(struct monitor *m, struct ct_err *err)
{
	if (!m->config->time_limit)
		return 0;
	m->limit = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return m->limit < 0 ? ct_fail_errno(err, errno, "cannot make a timer") : 0;
}

void ct_limit_begin(struct monitor *m)
{
	if (m->limit < 0)
		return;
	ct_monitor_watch(m, m->limit, SRC_LIMIT, EPOLLIN);
	arm(m, m->config->time_limit);
}

/* As conmon does: without a word before, and whoever is in the same group of processes. */
static void end_at_once(const struct monitor *m)
{
	pid_t pid = m->payload.pid;

	if (getpgid(pid) == pid && kill(-pid, SIGKILL) < 0)
		errno = 0;
	ct_pidfd_signal(m->payload.pidfd, SIGKILL);
}

void ct_limit_ready(struct monitor *m)
{
	uint64_t times;

	if (read(m->limit, &times, sizeof(times)) < 0 || m->exited)
		return;
	if (m->config->tagged) {
		end_at_once(m);
	} else {
		ct_pidfd_signal(m->payload.pidfd, m->timed_out ? SIGKILL : SIGTERM);
		if (!m->timed_out)
			arm(m, KILL_AFTER);
	}
	m->timed_out = true;
}

void ct_limit_judge(struct monitor *m)
{
	if (m->timed_out)
		m->status.exit = (struct ct_exit){ .value = m->config->tagged ? -1 : CT_EXIT_TIMED_OUT };
}
