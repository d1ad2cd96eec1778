/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a keeper does: waits for the end of a run, decides by the policy, waits, and has a child
 * start the container again, by the same functions as "cattach start".
 *
 * Runs in the keeper, the start in a child of it, so that the memory of that is gone with the
 * child. What the monitor has recorded is believed; a monitor that was killed has recorded nothing,
 * which counts as a failure. Somebody's wish that the container stays stopped is a file, looked for
 * before every step and once more by the child when nobody else can start the container any more. A
 * start that fails is put down and counts as a run that has ended at once.
 *
 *   WATCHING   a run is waited for         -> ended: decide()
 *   WAITING    next start at k->next       -> due: STARTING; stop asked or policy gone: ENDED
 *   STARTING   a child is at it            -> started: WATCHING; failed: decide() again
 *   ENDED      on its way out
 *
 * The phase is on record before it begins (put_down()), so that whoever looks never sees less than
 * what is going to happen.
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/age.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "record.h"

/* ---- the record ---- */

/* A disk that takes no more keeps what was there: others go by the lock then. */
static void put_down(struct ct_keeper *k, enum ct_keeper_phase phase)
{
	struct ct_err ignored;

	k->record.phase = phase;
	k->record.generation++;
	k->record.restarts = k->tally.restarts;
	k->record.seen = k->seen;
	k->record.again = k->again;
	if (ct_keeper_record_write(k->record_fd, &k->record, &ignored) < 0)
		errno = 0;
}

/* On record first: whoever looks from here on does not wait for another start. */
void ct_keeper_leave(struct ct_keeper *k)
{
	k->leaving = true;
	put_down(k, CT_KEEPER_ENDED);
}

/* On record, for who sees the end before us works out by it what we are going to do. */
void ct_keeper_restart(struct ct_keeper *k, bool again)
{
	if (k->again == again)
		return;
	k->again = again;
	put_down(k, k->record.phase);
}

/* A job may take itself away in its act(): places stay, so the loop does not skip one. */
static void tell_jobs(struct ct_keeper *k, enum ct_keeper_cause cause)
{
	for (size_t i = 0; i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i])
			k->jobs[i]->act(k, k->jobs[i], cause);
}

/* What else there is to be done for this container. */
void ct_keeper_plan_jobs(struct ct_keeper *k, const struct ct_meta *meta)
{
	ct_health_plan_job(k, meta);
}

/* ---- the policy ---- */

/* False: nobody could say what it is now. */
static bool read_policy(struct ct_keeper *k)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_err ignored;
	struct ct_meta meta;

	if (ct_arena_open(&arena, &ignored) < 0 ||
	    ct_keeper_read_policy(k->dir, &arena, &meta, &k->policy, &ignored) < 0)
		return false;
	ct_keeper_plan_jobs(k, &meta);
	return true;
}

static bool has_jobs(const struct ct_keeper *k)
{
	for (size_t i = 0; i < CT_KEEPER_JOBS; i++)
		if (k->jobs[i])
			return true;
	return false;
}

/* With nothing to wait for, and nothing to do while it waits. */
static bool is_idle(const struct ct_keeper *k)
{
	bool unwanted = k->policy.kind == CT_RESTART_NO && !k->again;

	if (k->record.phase == CT_KEEPER_WAITING)
		return (unwanted && !k->owed) || ct_keeper_is_stop_asked(k->dir);
	return k->record.phase == CT_KEEPER_WATCHING && unwanted && !has_jobs(k) && k->control < 0;
}

/*
 * An update puts its policy down, then looks whether we go (ct_keeper_adopt()); we put down that we
 * go, then look at the policy once more. So either we see the new one, and stay, or it sees us
 * going, and waits for our end. What cannot be read has not been taken away.
 */
static void leave_if_idle(struct ct_keeper *k)
{
	enum ct_keeper_phase phase = k->record.phase;

	if (!is_idle(k))
		return;
	put_down(k, CT_KEEPER_ENDED);
	k->record.phase = phase;
	if (read_policy(k) && is_idle(k))
		k->leaving = true;
	else
		put_down(k, phase);
}

/* ---- a run ---- */

/* By name each time: it is the record of the run that is over, or of the next. */
static int read_status(const struct ct_keeper *k, struct ct_status *ret_status)
{
	int ct_autofd fd = openat(k->dir, "status", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct ct_err ignored;

	return fd < 0 ? -errno : ct_status_read(fd, ret_status, &ignored);
}

/* The holder of the lock, while it is that: as in ct_keeper_open(). */
static int open_monitor(const struct ct_keeper *k)
{
	pid_t pid = 0, again = 0;
	int ct_autofd fd = -1;

	if (ct_monitor_alive(k->dir, &pid) <= 0 || pid <= 0)
		return -ESRCH;
	fd = ct_pidfd_open(pid);
	if (fd < 0 || ct_monitor_alive(k->dir, &again) <= 0 || again != pid)
		return -ESRCH;
	return ct_take_fd(&fd);
}

/* What is not known is no run at all. It may have begun long before us. */
static void note_run(struct ct_keeper *k)
{
	uint64_t now = ct_now_monotonic(), age;
	struct ct_status status = { 0 };

	if (read_status(k, &status) < 0)
		status = (struct ct_status){ .started = ct_now_real() };
	age = ct_age_since(status.started, ct_now_real());
	k->run = (struct ct_run_id){ .pid = status.pid, .starttime = status.starttime };
	k->begun = age < now ? now - age : 0;
}

/* Also when a run has ended before we got to look: it is dealt with like any other. */
void ct_keeper_begin(struct ct_keeper *k)
{
	k->monitor = open_monitor(k);
	note_run(k);
	if (k->record.phase != CT_KEEPER_WATCHING)
		put_down(k, CT_KEEPER_WATCHING);
	if (k->monitor < 0) {
		ct_keeper_run_ended(k);
		return;
	}
	tell_jobs(k, CT_KEEPER_BEGUN);
	/* The policy may have been taken away while it was being started. */
	leave_if_idle(k);
}

/* Without a record of its end the run counts as one that ended just now, by a failure. */
static struct ct_restart_run run_of(const struct ct_status *status)
{
	struct ct_restart_run run = { .code = CT_UNKNOWN_CODE };
	uint64_t end = ct_now_real();

	if (status->state == CT_STATUS_EXITED) {
		run.code = ct_exit_code(&status->exit);
		end = status->finished;
	}
	run.duration = end > status->started ? end - status->started : 0;
	return run;
}

/* A restart that was asked for (again) is owed whatever the policy says, but not against a stop. */
static void decide(struct ct_keeper *k, const struct ct_restart_run *run)
{
	bool again = k->again;

	k->again = false;
	k->owed = again;
	if (ct_keeper_is_stop_asked(k->dir)) {
		ct_keeper_leave(k);
		return;
	}
	if (again) {
		k->tally.restarts++;
		/* Who follows the container has the time to listen for its next run. */
		k->tally.delay = CT_SECOND / 10;
	} else if (!ct_restart_decide(&k->policy, run, &k->tally)) {
		ct_keeper_leave(k);
		return;
	}
	k->next = ct_now_monotonic() + k->tally.delay;
	k->record.delay = k->tally.delay;
	k->record.until = ct_now_real() + k->tally.delay;
	put_down(k, CT_KEEPER_WAITING);
}

/* seen keeps one end from being dealt with twice. */
void ct_keeper_run_ended(struct ct_keeper *k)
{
	struct ct_status status = { 0 };
	struct ct_restart_run run;

	ct_drop_fd(&k->monitor);
	/* Removed; or not started after all: whoever wanted that has said so, or was killed. */
	if (read_status(k, &status) < 0 || !status.started || status.started == k->seen) {
		ct_keeper_leave(k);
		return;
	}
	k->seen = status.started;
	tell_jobs(k, CT_KEEPER_OVER);
	/* Whoever has changed it may have been killed before we were told. */
	read_policy(k);
	run = run_of(&status);
	decide(k, &run);
}

/* ---- the next one ---- */

/* In the child. */
static int start(const char *id, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	const struct ct_start_again how = { .kept = true };
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_arena ct_autoarena arena = { 0 };
	int r = ct_arena_open(&arena, err);

	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		r = ct_container_find(&store, &arena, id, &container, err);
	return r < 0 ? r : ct_container_start_again(&store, &container, &how, NULL, err);
}

/* The whole struct ct_err goes back, of which the keeper makes a line for its record. */
static _Noreturn void child_main(struct ct_keeper *k, int report)
{
	struct ct_err err = { 0 };

	if (start(k->id, &err) == 0)
		err.code = 0;
	/* Without a reader the keeper has gone, and nobody wants to know. */
	_exit(ct_write_all(report, &err, sizeof(err)) < 0);
}

/* A start that fails is a run of no length, so the delays grow by it, too. */
static void failed(struct ct_keeper *k, const struct ct_err *err)
{
	struct ct_restart_run run = { .code = err->exit ? err->exit : CT_EXIT_FAILED };

	ct_err_format(err, k->record.error, sizeof(k->record.error));
	decide(k, &run);
}

/* What comes of it is read when the child has ended (its pidfd is in the loop). */
void ct_keeper_start_again(struct ct_keeper *k)
{
	struct ct_err err = { 0 };
	int ends[2] = { -1, -1 };
	pid_t pid;

	put_down(k, CT_KEEPER_STARTING);
	pid = pipe2(ends, O_CLOEXEC) < 0 ? -errno : ct_keeper_fork(k, &k->child);
	if (pid == 0)
		child_main(k, ends[1]);
	ct_fd_close(ends[1]);
	k->report = ends[0];
	if (pid > 0)
		return;
	ct_drop_fd(&k->report);
	ct_fail_errno(&err, -pid, "the keeper cannot make a process");
	failed(k, &err);
}

/* Or about to be: whoever removes it takes its lock away first. */
static bool is_removed(const struct ct_keeper *k)
{
	return faccessat(k->dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT;
}

/* EALREADY: somebody else has started it, which is as good. ECANCELED: a stop was asked for
 * meanwhile. */
void ct_keeper_child_ended(struct ct_keeper *k)
{
	struct ct_err err = { 0 };
	struct ct_exit ignored;
	ssize_t n;

	ct_pidfd_wait(k->child, &ignored);
	do
		n = read(k->report, &err, sizeof(err));
	while (n < 0 && errno == EINTR);
	ct_drop_fd(&k->child);
	ct_drop_fd(&k->report);
	if (n != (ssize_t)sizeof(err))
		ct_fail(&err, ECHILD, "the process that was starting it died");
	if (err.code == 0 || err.code == EALREADY) {
		k->record.error[0] = '\0';
		ct_keeper_begin(k);
	} else if (err.code == ECANCELED || is_removed(k)) {
		ct_keeper_leave(k);
	} else {
		failed(k, &err);
	}
}

/* ---- somebody wants us to look ---- */

/* On SIGUSR1: an update, or a stop, has written something. */
void ct_keeper_look(struct ct_keeper *k)
{
	read_policy(k);
	leave_if_idle(k);
}
