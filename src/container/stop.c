/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals to a payload, and stopping: signal, wait, SIGKILL, wait for the record.
 *
 * Runs in commands, as the user; nothing is kept. Every signal goes through a pidfd that was
 * verified against the record after a fresh look at it: the caller's struct may be minutes old, and
 * the pid in it somebody else's by now. A payload that is pid 1 of its namespace ignores every
 * signal that it has no handler for, which is why a stop ends with SIGKILL. One that is paused has
 * the signal first and goes on then, so that the signal is what it wakes up to. A keeper is told
 * before anything is signalled that the container stays stopped. Who wants the end of one run (a
 * health check has failed in it) names it, and nothing is done to one that has been started since.
 *
 *   ct_container_stop   forbid restarts -> settle the keeper -> signal -> wait -> KILL -> record
 *   ct_container_signal one signal; one that ends is a stop for the keeper, too
 *   ..._run             the same for one run only: nothing is done to a later one
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "hooks.h"
#include "keeper.h"
#include "record.h"
#include "runtime_parts.h"

#define KEEPER_TIMEOUT (10 * CT_SECOND)	/* for the keeper to go, or the start that it is making */
#define RECORD_TIMEOUT (5 * CT_SECOND)	/* for the monitor to write down what it has reaped */

/* probe is filled only where there is a status to be looked at: the caller has it zeroed. */
int ct_container_refresh(struct ct_container *c, struct ct_probe *probe, struct ct_err *err)
{
	if (c->state == CT_STATE_FOREIGN)
		return 0;
	/* Its status never changes, and there is no monitor to be looked for. */
	if (c->meta.unmonitored) {
		c->state = ct_runtime_look(c);
		return 0;
	}
	/* No status file was found when it was loaded: there is nothing to look at again. */
	if (c->status_fd < 0)
		return 0;
	if (ct_container_probe(c, probe, err) < 0)
		/* Damaged by what was found out when it was loaded, and by nothing else. */
		return c->state == CT_STATE_DAMAGED ? 0 : ct_wrap(err, "%s", ct_container_label(c));
	c->status = probe->status;
	c->state = ct_probe_state(probe, &c->damage);
	return 0;
}

int ct_container_look(struct ct_container *container, struct ct_err *err)
{
	struct ct_probe ignored;

	return ct_container_refresh(container, &ignored, err);
}

/* By pid and start time: a pid alone comes again. */
bool ct_run_is(const struct ct_run_id *run, const struct ct_status *status)
{
	return run->pid > 0 && run->pid == status->pid && run->starttime == status->starttime;
}

/* -ESTALE: whoever wanted the end of the other run has what was wanted. */
static int check_run(const struct ct_container *c, const struct ct_run_id *run, struct ct_err *err)
{
	if (!run || ct_run_is(run, &c->status))
		return 0;
	return ct_fail(err, ESTALE, "%s %s has been started again meanwhile", ct_container_kind(c),
		       ct_container_label(c));
}

/* A pidfd of the running payload. */
static int open_running(struct ct_container *c, const struct ct_run_id *run, struct ct_probe *probe,
			struct ct_err *err)
{
	int fd, r = ct_container_refresh(c, probe, err);

	if (r == 0)
		r = check_run(c, run, err);
	if (r < 0)
		return r;
	if (!ct_state_is_live(c->state))
		return ct_state_refuse(c, CT_ACT_KILL, err);
	fd = ct_probe_open_payload(probe);
	if (fd == -ESRCH)
		return ct_fail(err, ESRCH, "%s %s is not running (it is just ending)",
			       ct_container_kind(c), ct_container_label(c));
	if (fd < 0)
		return ct_fail_errno(err, -fd, "cannot open process %d of container %s",
				     (int)c->status.pid, ct_container_label(c));
	return fd;
}

/* The signal's number, as docker's events have it. */
static void tell_signal(const struct ct_container *c, int signal)
{
	char number[16];

	snprintf(number, sizeof(number), "%d", signal);
	ct_event_record(c, "kill", "signal", number, CT_EVENT_END);
}

static int send_signal(const struct ct_container *c, int pidfd, int signal, struct ct_err *err)
{
	int r;

	/* Before it: what follows from it is told by others, and after it. */
	tell_signal(c, signal);
	r = ct_pidfd_signal(pidfd, signal);
	if (r == -ESRCH)
		return ct_fail(err, ESRCH, "%s %s is not running (it is just ending)",
			       ct_container_kind(c), ct_container_label(c));
	return r < 0 ? ct_fail_errno(err, -r, "cannot signal %s %s", ct_container_kind(c),
				     ct_container_label(c)) : 0;
}

/*
 * It is to stay stopped from now on, so its keeper goes, unless it has been starting it before it
 * could know. Then that start comes to something, and what runs is ended like any other.
 */
static int settle_keeper(struct ct_container *c, struct ct_probe *probe, struct ct_err *err)
{
	int ct_autofd keeper = ct_keeper_open(c->dir);
	uint64_t limit = ct_now_monotonic() + KEEPER_TIMEOUT;
	int r = ct_container_refresh(c, probe, err);

	while (r == 0 && keeper >= 0 && !ct_state_is_live(c->state) && ct_now_monotonic() < limit) {
		bool gone = ct_pidfd_await(keeper, CT_SECOND / 50) != 0;

		r = ct_container_refresh(c, probe, err);
		if (gone)
			break;
	}
	return r;
}

/* 1 when the signal has been for a container that its keeper was about to start again: it is
 * not. */
static int signal_keeper(struct ct_container *c, int signal, struct ct_err *err)
{
	struct ct_probe probe = { 0 };
	bool restarting;
	int r = ct_container_refresh(c, &probe, err);

	if (r < 0)
		return r;
	restarting = c->state == CT_STATE_RESTARTING;
	ct_container_forbid_restart(c, signal);
	if (!restarting || !ct_keeper_is_stop_asked(c->dir))
		return 0;
	r = settle_keeper(c, &probe, err);
	return r < 0 ? r : !ct_state_is_live(c->state);
}

/* The event is told before the signal, so "kill" stands before "died" in the record. */
int ct_container_signal_run(const struct ct_container *container, const struct ct_run_id *run,
			    int signal, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_probe probe = { 0 };
	int ct_autofd pidfd = open_running(&c, run, &probe, err);
	int r = pidfd < 0 ? pidfd : send_signal(&c, pidfd, signal, err);

	/* What is paused would not notice; SIGKILL needs nobody's help. */
	if (r == 0 && signal != SIGKILL && c.state == CT_STATE_PAUSED)
		r = ct_container_thaw(&c, err);
	return r;
}

/* Between two runs there is nobody but the keeper: then what it has been told is all there is to
 * do. */
int ct_container_signal(const struct ct_container *container, int signal, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	int r = signal_keeper(&c, signal, err);

	if (r != 0)
		return r < 0 ? r : 0;
	return ct_container_signal_run(&c, NULL, signal, err);
}

/* ---- stop ---- */

/* The payload has ended; its monitor writes that down. Returns when it has, or is gone. */
static int await_record(struct ct_container *c, struct ct_probe *probe, struct ct_err *err)
{
	int ct_autofd monitor = ct_probe_open_monitor(probe, c->dir);
	uint64_t limit = ct_now_monotonic() + RECORD_TIMEOUT;
	const struct ct_status run = c->status;

	/* The file has no event for its readers: look again, at growing distances, while the
	 * monitor lives; it may stay on for its clients after the record. */
	for (uint64_t pause = CT_SECOND / 1000; ct_now_monotonic() < limit; pause *= 2) {
		int r = ct_container_refresh(c, probe, err);

		if (r < 0)
			return r;
		if (!ct_state_is_live(c->state))
			return 0;
		/* Somebody has started it again meanwhile: that run is over in any case. */
		if (c->status.pid != run.pid || c->status.starttime != run.starttime)
			return 0;
		if (pause > CT_SECOND / 10)
			pause = CT_SECOND / 10;
		if (monitor < 0)
			ct_nap(pause);
		else
			ct_pidfd_await(monitor, pause);
	}
	ct_fail(err, ETIMEDOUT, "%s %s has ended, but its monitor (pid %d) does not record it",
		ct_container_kind(c), ct_container_label(c), (int)c->status.monitor_pid);
	return ct_hint(err, "cattach rm -f %s", ct_container_label(c));
}

/* Signal and wait; 1 when the payload has ended, 0 when the time is up. */
static int ask_to_end(const struct ct_container *c, int pidfd, int signal, int timeout,
		      struct ct_err *err)
{
	int r = send_signal(c, pidfd, signal, err);
	struct ct_err ignored;

	if (r == -ESRCH)
		return 1;
	if (r < 0)
		return r;
	/* Failed, it is SIGKILL that ends it, later. */
	if (c->state == CT_STATE_PAUSED)
		ct_container_thaw(c, &ignored);
	r = ct_pidfd_await(pidfd, timeout < 0 ? CT_FOREVER : (uint64_t)timeout * CT_SECOND);
	return r < 0 ? ct_fail_errno(err, -r, "cannot wait for %s %s", ct_container_kind(c),
				     ct_container_label(c)) : r;
}

/* Twice the same: the signal that was asked for with the time that was given, then KILL with
 * ours. */
static int end_payload(const struct ct_container *c, int pidfd, int signal, int timeout,
		       struct ct_err *err)
{
	int r = ask_to_end(c, pidfd, signal, timeout, err);

	if (r != 0)
		return r;
	r = ask_to_end(c, pidfd, SIGKILL, (int)(RECORD_TIMEOUT / CT_SECOND), err);
	if (r != 0)
		return r;
	ct_fail(err, ETIMEDOUT, "%s %s does not end: the kernel holds its process %d",
		ct_container_kind(c), ct_container_label(c), (int)c->status.pid);
	return ct_hint(err, "a stuck device or network file system? see /proc/%d/wchan",
		       (int)c->status.pid);
}

/* timeout -2 means the container's own, -1 for ever. */
int ct_container_end_run(struct ct_container *container, const struct ct_run_id *run, int signal,
			 int timeout, struct ct_err *err)
{
	struct ct_probe probe = { 0 };
	int ct_autofd pidfd = open_running(container, run, &probe, err);
	int r;

	if (pidfd < 0) {
		/* Its payload is gone already, and the monitor about to say so. */
		if (pidfd == -ESRCH && container->state == CT_STATE_RUNNING)
			return await_record(container, &probe, err);
		if (pidfd != -ESRCH)
			return pidfd;
		r = ct_state_check(container, CT_ACT_STOP, err);
		return r > 0 ? 0 : r;
	}
	r = end_payload(container, pidfd, signal ? signal : container->meta.stop_signal,
			timeout == -2 ? container->meta.stop_timeout : timeout, err);
	if (r >= 0)
		r = await_record(container, &probe, err);
	if (r == 0)
		ct_event_record(container, "stop", CT_EVENT_END);
	return r;
}

/* The file that forbids restarts is there before anything is signalled: a keeper that is quick must
 * not start it again. */
int ct_container_stop(struct ct_container *container, int signal, int timeout, struct ct_err *err)
{
	struct ct_probe probe = { 0 };
	int r = 0;

	ct_container_forbid_restart(container, 0);
	if (container->dir >= 0 && container->status_fd >= 0)
		r = settle_keeper(container, &probe, err);
	ct_poststop_note(container);
	if (r == 0)
		r = ct_container_end_run(container, NULL, signal, timeout, err);
	if (r == 0)
		ct_container_await_hooks(container);
	return r;
}

/* Under the lock of those who start: what is asked for here the next start lifts, and not the one
 * before. */
static int forbid_run(struct ct_container *c, const struct ct_run_id *run, struct ct_err *err)
{
	int r = ct_container_await_creator(c->dir, ct_container_label(c));

	if (r < 0 && r != -EOPNOTSUPP)
		return ct_fail_errno(err, -r, "cannot lock container %s", ct_container_label(c));
	r = ct_container_look(c, err);
	if (r == 0)
		r = check_run(c, run, err);
	if (r == 0 && !ct_state_is_live(c->state))
		r = ct_state_refuse(c, CT_ACT_KILL, err);
	if (r == 0)
		ct_container_forbid_restart(c, 0);
	ct_container_let_go(c);
	return r;
}

/* For health checks: what a later run does is none of theirs. */
int ct_container_stop_run(struct ct_container *container, const struct ct_run_id *run, int signal,
			  int timeout, struct ct_err *err)
{
	int r = forbid_run(container, run, err);

	return r < 0 ? r : ct_container_end_run(container, run, signal, timeout, err);
}
