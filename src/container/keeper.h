/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: the keeper's process. keeper.c is its loop, keeper_run.c what it does about
 * runs that end, keeper_launch.c how a start makes one, keeper_ask.c what others know and want of
 * it.
 *
 * To have something done in it beside the restarts, from time to time or when a descriptor becomes
 * readable (a check of the container's health, say):
 *
 *   1. ct_keeper_is_wanted() (keeper_policy.c) says yes for containers that need it;
 *   2. ct_keeper_plan_jobs() (keeper_run.c), called when the keeper begins and whenever it was told
 *      that the container's record has changed, calls a function of yours, which puts a struct
 *      ct_keeper_job into the loop by ct_keeper_add_job(), or takes it out of it again by
 *      ct_keeper_drop_job() when there is nothing left to be done. Where that is later, in act(),
 *      ct_keeper_look() has the keeper see that it may go;
 *   3. the job's act() is called when its time has come or its descriptor is readable, and when a
 *      run of the container begins or ends; there it sets next and fd anew. It must not block: what
 *      takes time is a child's work, whose pidfd or pipe is the job's fd. Children must not have the
 *      keeper's lock file open: fork by ct_keeper_fork().
 *   4. ct_keeper_restart() has the container started again at its next end, whatever its policy
 *      says, or takes that back. What is to be done to the run that the keeper waits for names it:
 *      k->run.
 *
 * With neither a run to wait for nor a time the loop sleeps in poll(2) without a limit.
 */
#ifndef CATTACH_CONTAINER_KEEPER_H
#define CATTACH_CONTAINER_KEEPER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/health.h>
#include <cattach/keeper.h>

#include "record.h"

#define CT_KEEPER_LOCK	"keeper.lock"
#define CT_KEEPER_FILE	"keeper"
#define CT_STOP_ASKED	"stop-asked"
#define CT_KEEPER_JOBS	4
#define CT_NEVER	UINT64_MAX
#define CT_UNKNOWN_CODE	255		/* of a run whose end nobody has recorded */

struct ct_keeper;

/* Why a job's act() is called. */
enum ct_keeper_cause {
	CT_KEEPER_DUE,			/* next has come; it is CT_NEVER by now */
	CT_KEEPER_READY,		/* fd is readable */
	CT_KEEPER_BEGUN,		/* a run has begun: the container is running */
	CT_KEEPER_OVER,			/* it has ended */
};

struct ct_keeper_job {
	uint64_t next;			/* of CLOCK_MONOTONIC, ns; CT_NEVER: none */
	int fd;				/* to wait for, or -1 */
	void (*act)(struct ct_keeper *keeper, struct ct_keeper_job *job,
		    enum ct_keeper_cause cause);
	void *arg;
};

/* The job that checks the container's health: health_keeper.c. */
struct ct_keeper_health {
	struct ct_keeper_job job;	/* fd: pidfd of the child that is at it */
	struct ct_health_config config;	/* without its texts */
	enum ct_health_action action;
	enum ct_health_status status;	/* by the last check of this run */
	bool wanted;			/* else the job goes when its child has */
	bool running;
	bool acting;			/* the child is about the action, not a check */
	bool stale;			/* it is about a run that is over, or what is not asked any more */
};

struct ct_keeper {
	int dir;			/* the container's, opened anew: it has no lock of others' */
	int lock, record_fd;
	int control;			/* to who starts the container, until it has; then -1 */
	int signals;
	int monitor;			/* pidfd of the run that is waited for, or -1 */
	struct ct_run_id run;		/* that one */
	uint64_t begun;			/* when it began, of CLOCK_MONOTONIC */
	int child, report;		/* pidfd of who starts it again, and its error; or -1 */
	uint64_t next;			/* when that begins, of CLOCK_MONOTONIC; CT_NEVER */
	uint64_t seen;			/* status.started of the last run that is dealt with */
	bool again;			/* ct_keeper_restart() */
	bool owed;			/* the next start is that one: no policy's */
	bool leaving;			/* nothing is left to be done */
	struct ct_restart_policy policy;
	struct ct_restart_tally tally;
	struct ct_keeper_record record;
	struct ct_keeper_job *jobs[CT_KEEPER_JOBS];
	struct ct_keeper_health health;
	char id[CT_CONTAINER_ID_LENGTH + 1];
};

/* ---- the process ---- */

/* keeper.c: until there is nothing left to be done. */
void ct_keeper_loop(struct ct_keeper *k);

/* keeper_run.c */
void ct_keeper_begin(struct ct_keeper *k);	/* a start has come to its end, somehow */
void ct_keeper_run_ended(struct ct_keeper *k);	/* the monitor has */
void ct_keeper_start_again(struct ct_keeper *k);	/* it is time */
void ct_keeper_child_ended(struct ct_keeper *k);
void ct_keeper_look(struct ct_keeper *k);	/* somebody wants us to */
void ct_keeper_leave(struct ct_keeper *k);	/* put down that nothing is started again */
void ct_keeper_plan_jobs(struct ct_keeper *k, const struct ct_meta *meta);

/* health_keeper.c: have its job in the loop as it is to be by now, or none. */
void ct_health_plan_job(struct ct_keeper *k, const struct ct_meta *meta);

/* ---- for jobs ---- */

int ct_keeper_add_job(struct ct_keeper *k, struct ct_keeper_job *job);
void ct_keeper_drop_job(struct ct_keeper *k, const struct ct_keeper_job *job);
void ct_keeper_restart(struct ct_keeper *k, bool again);
/* fork(2) without the keeper's lock and signals: 0 in the child; its pidfd comes with it; or
 * -errno. */
pid_t ct_keeper_fork(struct ct_keeper *k, int *ret_pidfd);

/* ---- making one: keeper_launch.c ---- */

/* Our end of the connection to a keeper that waits for its container's start; -1: none is
 * wanted. */
struct ct_keeper_launch {
	int control;
};

#define CT_KEEPER_LAUNCH_INIT { .control = -1 }

/**
 * ct_keeper_launch - make a keeper, if one is wanted, before the container is started
 * @container: with its directory open and its starts locked
 * Ends the keeper of earlier starts, and forgets what it and "stop" have put down.
 */
int ct_keeper_launch(const struct ct_container *container, struct ct_keeper_launch *ret_launch,
		     struct ct_err *err);

/* Wait until it has its lock: from then on others know that it is there. */
int ct_keeper_await(struct ct_keeper_launch *launch, struct ct_err *err);

/* The container runs; or not, then wait until the keeper is gone. */
void ct_keeper_release(struct ct_keeper_launch *launch, bool started);

/* Of a container that runs, whose policy has changed: tell its keeper, or make one if it needs one.
 * Under the lock of those who start. */
int ct_keeper_adopt(const struct ct_container *container, struct ct_err *err);

/* ---- asking: keeper_ask.c ---- */

/* Is a container that does not run going to be started again? @ended: the run that the status is
 * about is over, of which the keeper may not know yet: then what it is going to decide is worked
 * out. Else somebody is starting it, which may be the keeper. */
bool ct_keeper_will_restart(int dir, const struct ct_status *status, bool ended);

/* The record of the container, with its policy, as it is now. */
int ct_keeper_read_policy(int dir, struct ct_arena *arena, struct ct_meta *ret_meta,
			  struct ct_restart_policy *ret_policy, struct ct_err *err);

bool ct_keeper_is_stop_asked(int dir);

/* It has put down that it goes; which it may think better of, see leave_if_idle(). */
bool ct_keeper_is_leaving(int dir);

/* End it, and wait until it is gone; not being there is success. It starts nothing any more. */
int ct_keeper_retire(int dir, const char *label, struct ct_err *err);

/* A descriptor that tells of what becomes of a container that its keeper starts again, or -errno;
 * look once more when it is there. And sleep on it, or for a moment where there is none; ns, or
 * CT_FOREVER. */
int ct_keeper_watch(int dir);
void ct_keeper_sleep(int watch, uint64_t timeout);

#endif
