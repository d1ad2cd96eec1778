/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper's loop: the run that is waited for, the time of the next start, who makes that start,
 * signals, jobs. What follows from each is in keeper_run.c.
 *
 * Runs in the keeper, a process of its own with the user's rights and nothing of the container's:
 * it holds no stdio of it, is not in its cgroup, and when it is killed the container runs on.
 * Descriptors are its own; memory that only a step needed is given back at the next quiet moment,
 * and with nothing due it sleeps without a limit. Nothing here fails in a way that anybody could be
 * told.
 *
 *   fds: control (start has ended), signals, monitor's pidfd, child's pidfd, jobs'
 *   time: k->next (start again), each job's next
 *
 * A handler may close descriptors that later ones in the same round were polled for; dispatch()
 * looks whether they are still what was polled.
 */
#include "keeper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "record.h"

#define QUIET	(CT_SECOND / 10)	/* of this length: then memory is given back */

enum { AT_CONTROL, AT_SIGNALS, AT_MONITOR, AT_CHILD, AT_JOBS, AT_END = AT_JOBS + CT_KEEPER_JOBS };

/* The same job may be added again: it keeps its place. */
int ct_keeper_add_job(struct ct_keeper *k, struct ct_keeper_job *job)
{
	for (size_t i = 0; i < CT_KEEPER_JOBS; i++) {
		if (k->jobs[i] && k->jobs[i] != job)
			continue;
		k->jobs[i] = job;
		return 0;
	}
	return -ENOSPC;
}

void ct_keeper_drop_job(struct ct_keeper *k, const struct ct_keeper_job *job)
{
	for (size_t i = 0; i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i] == job)
			k->jobs[i] = NULL;
}

pid_t ct_keeper_fork(struct ct_keeper *k, int *ret_pidfd)
{
	sigset_t none;
	/* With its pidfd, or not at all: nobody would wait for a child without. */
	pid_t pid = ct_clone(0, -1, SIGCHLD, ret_pidfd);

	if (pid != 0)
		return pid;
	/* A lock is not inherited, but who waits for the file to be closed by its holder is. */
	ct_drop_fd(&k->lock);
	ct_drop_fd(&k->signals);
	ct_signals_reset();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	return 0;
}

/* ---- what has happened ---- */

/* One byte says that the container runs; the end of file that who wanted to start it has gone. */
static void hear(struct ct_keeper *k)
{
	char word;
	ssize_t n = read(k->control, &word, 1);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	ct_drop_fd(&k->control);
	ct_keeper_begin(k);
}

/* USR1 says "look at your files", TERM "leave": keeper_ask.c sends both. */
static void read_signals(struct ct_keeper *k)
{
	struct signalfd_siginfo info;

	while (!k->leaving && read(k->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGTERM)
			ct_keeper_leave(k);
		else
			ct_keeper_look(k);
	}
}

static void dispatch(struct ct_keeper *k, const struct pollfd *fds)
{
	if (fds[AT_CONTROL].revents)
		hear(k);
	if (!k->leaving && fds[AT_SIGNALS].revents)
		read_signals(k);
	if (!k->leaving && fds[AT_MONITOR].revents && fds[AT_MONITOR].fd == k->monitor)
		ct_keeper_run_ended(k);
	if (!k->leaving && fds[AT_CHILD].revents && fds[AT_CHILD].fd == k->child)
		ct_keeper_child_ended(k);
	for (size_t i = 0; !k->leaving && i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i] && fds[AT_JOBS + i].revents)
			k->jobs[i]->act(k, k->jobs[i], CT_KEEPER_READY);
}

/* A time is taken away before it is acted upon, as the action may set the next one. */
static void do_what_is_due(struct ct_keeper *k)
{
	uint64_t now = ct_now_monotonic();

	if (now >= k->next) {
		k->next = CT_NEVER;
		ct_keeper_start_again(k);
	}
	for (size_t i = 0; !k->leaving && i < CT_KEEPER_JOBS; i++) {
		if (!k->jobs[i] || now < k->jobs[i]->next)
			continue;
		k->jobs[i]->next = CT_NEVER;
		k->jobs[i]->act(k, k->jobs[i], CT_KEEPER_DUE);
	}
}

/* ---- sleeping ---- */

static uint64_t next_due(const struct ct_keeper *k)
{
	uint64_t due = k->next;

	for (size_t i = 0; i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i] && k->jobs[i]->next < due)
			due = k->jobs[i]->next;
	return due;
}

static void fill(const struct ct_keeper *k, struct pollfd fds[AT_END])
{
	const int own[] = {
		[AT_CONTROL] = k->control, [AT_SIGNALS] = k->signals,
		[AT_MONITOR] = k->monitor, [AT_CHILD] = k->child,
	};

	for (size_t i = 0; i < AT_END; i++)
		fds[i] = (struct pollfd){ .fd = i < AT_JOBS ? own[i] : -1, .events = POLLIN };
	for (size_t i = 0; i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i])
			fds[AT_JOBS + i].fd = k->jobs[i]->fd;
}

/* Until something has happened or is due: 0 when nothing has within a quiet moment. */
static int sleep_once(const struct ct_keeper *k, struct pollfd fds[AT_END], bool untidy)
{
	uint64_t due = next_due(k), now = ct_now_monotonic();
	uint64_t left = due <= now ? 0 : due - now;
	struct timespec limit;
	bool tidies = untidy && left > QUIET;

	if (tidies)
		left = QUIET;
	limit = (struct timespec){ .tv_sec = (time_t)(left / CT_SECOND),
				   .tv_nsec = (long)(left % CT_SECOND) };
	if (ppoll(fds, AT_END, due == CT_NEVER && !tidies ? NULL : &limit, NULL) != 0)
		return 1;
	return !tidies;
}

/* Memory is given back only once after something has happened: untidy says whether it has. */
void ct_keeper_loop(struct ct_keeper *k)
{
	struct pollfd fds[AT_END];
	bool untidy = true;

	while (!k->leaving) {
		fill(k, fds);
		if (!sleep_once(k, fds, untidy)) {
			untidy = false;
			ct_process_give_back();
			continue;
		}
		untidy = true;
		dispatch(k, fds);
		if (!k->leaving)
			do_what_is_due(k);
	}
}
