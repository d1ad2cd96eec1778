/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec without a terminal: the process is our own child and has our own descriptors, so there is no
 * monitor, no log and no relay, and it costs about what entering the namespaces costs. We wait for
 * it by its pidfd, pass signals on, and end as it ended.
 *
 * Runs in the command with the caller's rights. It ends by SIGKILL when we do, unless it was asked
 * to be kept; when the container ends it does (by the kernel where it has a pid namespace, by us
 * otherwise); and by --timeout: SIGTERM, SIGKILL ten seconds later, exit code 124.
 *
 *    turn(): poll on   PROCESS   its pidfd: ended
 *                      SIGNALS   passed on to it
 *                      OWNER     the payload's pidfd: the container has ended, KILL
 *                      RELAYS    up to three, where stdio is a terminal (exec_relay.c)
 *    exit code: its own; 124 by --timeout; 141 nobody reads our output
 */
#include "exec.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "exec_relay.h"
#include "foreground.h"

#define KILL_AFTER	UINT64_C(10000000000)	/* ns between the two signals of --timeout */

struct running {
	char id[CT_EVENT_ID_SIZE];	/* in the record of events */
	struct ct_ns_started process;
	const struct ct_exec_call *call;
	struct ct_relays *relays;
	int signals;			/* signalfd, or -1: signals are not proxied */
	uint64_t deadline;		/* of the next signal by --timeout, monotonic ns; 0: none */
	bool timed_out, owner_ended, unread;
};

/* By the pidfd: the process is our child and not reaped yet, so this cannot hit another. */
static void pass_signals(struct running *r)
{
	struct signalfd_siginfo info;

	while (r->signals >= 0 && read(r->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		ct_pidfd_signal(r->process.pidfd, (int)info.ssi_signo);
}

/* Twice: TERM at the deadline, KILL at the next, which is KILL_AFTER later. */
static void look_at_time(struct running *r)
{
	if (!r->deadline || ct_now_monotonic() < r->deadline)
		return;
	ct_pidfd_signal(r->process.pidfd, r->timed_out ? SIGKILL : SIGTERM);
	r->deadline = r->timed_out ? 0 : ct_now_monotonic() + KILL_AFTER;
	r->timed_out = true;
}

/* A minute at most: the sum must fit an int, and one wake-up a minute costs nothing. */
static int time_left(const struct running *r)
{
	uint64_t now = ct_now_monotonic(), left;

	if (!r->deadline)
		return -1;
	left = now < r->deadline ? r->deadline - now : 0;
	return left / 1000000 < 60000 ? (int)(left / 1000000) + 1 : 60000;
}

/* Nobody reads our output any more: as in a pipeline the process gets SIGPIPE when it writes, for
 * our end of its pipe is closed; the exit code says so in any case. */
static void pump(struct running *r)
{
	if (!ct_relays_pump(r->relays))
		r->unread = true;
}

/* One turn of the loop: true when the process has ended. The owner is watched only once: its pidfd
 * stays readable for ever. */
static bool turn(struct running *r)
{
	enum { PROCESS, SIGNALS, OWNER, RELAYS, COUNT = RELAYS + 3 };
	struct pollfd fds[COUNT] = {
		[PROCESS] = { .fd = r->process.pidfd, .events = POLLIN },
		[SIGNALS] = { .fd = r->signals, .events = POLLIN },
		[OWNER] = { .fd = r->owner_ended ? -1 : r->call->exec.payload, .events = POLLIN },
	};

	ct_relays_poll(r->relays, fds + RELAYS);
	if (poll(fds, COUNT, time_left(r)) < 0)
		return false;
	if (fds[SIGNALS].revents)
		pass_signals(r);
	if (fds[OWNER].revents) {
		r->owner_ended = true;
		ct_pidfd_signal(r->process.pidfd, SIGKILL);
	}
	look_at_time(r);
	pump(r);
	return fds[PROCESS].revents != 0;
}

/* What it wrote before its end is there by now; who else holds its pipes is not waited for. */
static void drain(struct running *r)
{
	while (!r->unread && ct_relays_pending(r->relays)) {
		struct pollfd fds[3];

		pump(r);
		ct_relays_poll(r->relays, fds);
		if (ct_relays_pending(r->relays) && poll(fds, 3, -1) < 0 && errno != EINTR)
			return;
	}
}

/* 128 + n for a signal, as docker reports it. */
static void tell_end(const struct running *r, const struct ct_exit *status)
{
	char code[16];

	snprintf(code, sizeof(code), "%d", r->timed_out ? CT_EXIT_TIMED_OUT : ct_exit_code(status));
	ct_event_record(&r->call->container, "exec_died", "exitCode", code, "execID", r->id,
			CT_EVENT_END);
}

/* The pidfd of a child: ct_pidfd_wait() reaps it, waitid(2) with P_PIDFD. */
static int follow(struct running *r, struct ct_err *err)
{
	struct ct_exit status = { 0 };
	int waited;

	while (!turn(r))
		continue;
	waited = ct_pidfd_wait(r->process.pidfd, &status);
	if (waited < 0)
		return ct_fail_errno(err, -waited, "cannot wait for the process");
	tell_end(r, &status);
	/* From here on a signal is for us: it ends us where our output is stuck. */
	if (r->signals >= 0)
		ct_foreground_unblock(true);
	ct_relays_last(r->relays);
	drain(r);
	if (r->timed_out)
		return CT_EXIT_TIMED_OUT;
	return r->unread ? CT_EXIT_SIGNAL_BASE + SIGPIPE : ct_exit_code(&status);
}

static int open_signals(bool sig_proxy, int *ret_fd, struct ct_err *err)
{
	sigset_t set;

	if (!sig_proxy)
		return 0;
	ct_foreground_signals(&set);
	*ret_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return *ret_fd < 0 ? ct_fail_errno(err, errno, "cannot watch signals") : 0;
}

/* Of the signals in the set those that would end us. What is ignored (nohup) or only wakes a
 * program up does not end us. */
static void ending_signals(const sigset_t *set, sigset_t *ret_set)
{
	sigemptyset(ret_set);
	for (int number = 1; number <= SIGRTMAX; number++) {
		struct sigaction now;

		if (sigismember(set, number) > 0 && number != SIGCONT && number != SIGWINCH &&
		    sigaction(number, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
			sigaddset(ret_set, number);
	}
}

/*
 * Until the program runs, signals do with us what they would do with a program that has not come to
 * handle them: who is in the container can stop the half-made process, and ctrl-c must get us out.
 * They are blocked all the same: what comes later than the start is the program's, also while we
 * write down that it was.
 */
static int start(struct running *r, struct ct_ns_stdio *stdio, struct ct_err *err)
{
	int ct_autofd interrupt = -1;
	sigset_t set, ending;
	int ret;

	if (r->signals < 0)
		return ct_exec_spawn(&r->call->exec, stdio, &r->process, err);
	ct_foreground_signals(&set);
	ending_signals(&set, &ending);
	interrupt = signalfd(-1, &ending, SFD_CLOEXEC | SFD_NONBLOCK);
	if (interrupt < 0)
		return ct_fail_errno(err, errno, "cannot watch signals");
	stdio->interrupt = interrupt;
	ct_foreground_block(true);
	ret = ct_exec_spawn(&r->call->exec, stdio, &r->process, err);
	stdio->interrupt = 0;
	return ret;
}

static int spawn(struct running *r, struct ct_ns_stdio *stdio, struct ct_err *err)
{
	const struct ct_exec_call *call = r->call;
	int ret;

	ct_event_exec_id(r->id);
	stdio->limit = call->timeout ? ct_now_monotonic() + call->timeout : 0;
	ret = start(r, stdio, err);
	/* A signal that was waited for ends us here. */
	if (ret < 0 && r->signals >= 0)
		ct_foreground_unblock(true);
	/* Only now: the disk is nothing that a start should wait for. */
	ct_event_record(&call->container, "exec_create", "execID", r->id, CT_EVENT_END);
	if (ret < 0)
		return err->code == ETIMEDOUT ? ct_exit_with(err, CT_EXIT_TIMED_OUT) : ret;
	ct_event_record(&call->container, "exec_start", "execID", r->id, CT_EVENT_END);
	r->deadline = stdio->limit;
	return 0;
}

/* Everything that is started here ends here: nothing is kept of it but two events. */
int ct_exec_run(struct ct_exec_call *call, struct ct_err *err)
{
	struct ct_relays relays;
	struct ct_ns_stdio stdio;
	int ct_autofd process = -1;
	struct running running = { .call = call, .relays = &relays, .signals = -1 };
	int r = ct_relays_open(&relays, call->options->interactive, &stdio, err);

	if (r == 0)
		r = open_signals(call->options->sig_proxy, &running.signals, err);
	if (r == 0)
		r = spawn(&running, &stdio, err);
	ct_relays_started(&relays);
	if (r == 0) {
		process = running.process.pidfd;
		r = follow(&running, err);
	}
	ct_fd_close(running.signals);
	ct_relays_close(&relays);
	return r;
}
