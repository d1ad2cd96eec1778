/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks at intervals: a job in the keeper's loop. When one is due a child of the keeper
 * makes it and says by its exit code what the container is now; what is to be done to an unhealthy
 * one is done by another child, since to stop a container takes its time. Never two at the same
 * time.
 *
 * Runs in the keeper and its children, with the user's rights. Who makes a check dies with the
 * keeper and is killed when the run is over, and what it has started in the container dies with it.
 * A check that nothing came of (the container is paused, there was no memory) is left out, and the
 * next one comes after the same time.
 *
 * What is asked for may change at any time: the keeper is told then, a check under way is killed,
 * and the next one comes an interval later.
 *
 * To kill an unhealthy container is what a crash would be: its restart policy decides what follows.
 * To stop it is what "cattach stop" does. To restart it counts as a restart, whatever the policy.
 * Checks and what follows from them are about one run, and nothing is done to another.
 *
 *   plan_next -> (due) fork_child: check -> child_ended -> unhealthy and an action? fork_child: act
 *       ^                                        `---------------- else ----------------'
 *       `------------------------------------------------------------------------------'
 */
#include "keeper.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/health.h>
#include <cattach/proc.h>

#include "record.h"

/* ---- in the children ---- */

/* A keeper that was killed before this would leave us behind. */
static void die_with_keeper(pid_t keeper)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != keeper)
		_exit(CT_HEALTH_NONE);
}

/* NONE is "nothing came of it": the status stays what it was. */
static enum ct_health_status check(struct ct_store *store, struct ct_arena *arena,
				   struct ct_container *container, const struct ct_run_id *run)
{
	struct ct_health_check result;
	struct ct_health health;
	struct ct_err ignored;

	if (container->state != CT_STATE_RUNNING || !ct_run_is(run, &container->status) ||
	    ct_health_check(store, arena, container, &result, &ignored) < 0 ||
	    ct_health_update(container, &result, &health, &ignored) < 0)
		return CT_HEALTH_NONE;
	return health.status;
}

/* Of how its child ends: an action has come to something. */
enum { DONE, FAILED };

/* 0 and -2: the container's own stop signal and time. */
static int act_on(struct ct_container *container, const struct ct_run_id *run,
		  enum ct_health_action action)
{
	struct ct_err ignored;
	int r = 0;

	switch (action) {
	case CT_HEALTH_KILL:
		r = ct_container_signal_run(container, run, SIGKILL, &ignored);
		break;
	case CT_HEALTH_RESTART:
		r = ct_container_end_run(container, run, 0, -2, &ignored);
		break;
	case CT_HEALTH_STOP:
		r = ct_container_stop_run(container, run, 0, -2, &ignored);
		break;
	case CT_HEALTH_DO_NOTHING:
		break;
	}
	/* It is unhealthy still when that fails, and the next check leads here again. What has had
	 * its SIGKILL and takes its time ends by us all the same. */
	return r < 0 && r != -ETIMEDOUT ? FAILED : DONE;
}

/* Finds the container anew: the keeper holds a directory and a name, and no more. */
static _Noreturn void child_main(const struct ct_keeper *k, enum ct_health_action action)
{
	const int nothing = action == CT_HEALTH_DO_NOTHING ? (int)CT_HEALTH_NONE : FAILED;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_err ignored;

	prctl(PR_SET_NAME, "cattach-health");
	if (ct_arena_open(&arena, &ignored) < 0 || ct_store_open(&store, &ignored) < 0 ||
	    ct_container_find(&store, &arena, k->id, &container, &ignored) < 0)
		_exit(nothing);
	if (action == CT_HEALTH_DO_NOTHING)
		_exit((int)check(&store, &arena, &container, &k->run));
	_exit(act_on(&container, &k->run, action));
}

/* ---- in the keeper ---- */

/* Nothing is due while a child is under way, or between two runs. */
static void plan_next(const struct ct_keeper *k, struct ct_keeper_health *h)
{
	uint64_t now = ct_now_monotonic();

	h->job.next = CT_NEVER;
	if (h->running && h->job.fd < 0)
		h->job.next = now + ct_health_delay(&h->config, h->status, k->begun, now);
}

/* Else the next end, which may be a good one, would be taken for what we have done. */
static void child_failed(struct ct_keeper *k, struct ct_keeper_health *h)
{
	if (h->acting)
		ct_keeper_restart(k, false);
	h->acting = false;
}

static void fork_child(struct ct_keeper *k, struct ct_keeper_health *h,
		       enum ct_health_action action)
{
	pid_t keeper = getpid(), pid = ct_keeper_fork(k, &h->job.fd);

	if (pid == 0) {
		/* To stop a container is not left half done. */
		if (action == CT_HEALTH_DO_NOTHING)
			die_with_keeper(keeper);
		child_main(k, action);
	}
	h->acting = action != CT_HEALTH_DO_NOTHING;
	if (pid < 0) {
		h->job.fd = -1;
		child_failed(k, h);
	}
	plan_next(k, h);
}

/* What it comes to does not count any more. What is done about an unhealthy container is not left
 * half done; a check ends here. */
static void retire(struct ct_keeper_health *h)
{
	h->stale = h->job.fd >= 0;
	if (h->stale && !h->acting)
		ct_pidfd_signal(h->job.fd, SIGKILL);
}

static void take_away(struct ct_keeper *k, struct ct_keeper_health *h)
{
	ct_keeper_drop_job(k, &h->job);
	h->job.act = NULL;
}

/* A restart is announced before the container is ended: its end must not be taken for a crash. */
static void child_ended(struct ct_keeper *k, struct ct_keeper_health *h)
{
	struct ct_exit status = { 0 };
	int r = ct_pidfd_wait(h->job.fd, &status);
	bool told = r == 0 && !status.signaled;
	bool counts = told && h->running && !h->stale && !h->acting &&
		      status.value != CT_HEALTH_NONE;

	ct_drop_fd(&h->job.fd);
	if (!told || status.value != DONE)
		child_failed(k, h);
	h->acting = h->stale = false;
	if (counts)
		h->status = (enum ct_health_status)status.value;
	if (!h->wanted) {
		take_away(k, h);
		ct_keeper_look(k);
		return;
	}
	if (counts && h->status == CT_HEALTH_UNHEALTHY && h->action != CT_HEALTH_DO_NOTHING) {
		ct_keeper_restart(k, h->action == CT_HEALTH_RESTART);
		fork_child(k, h, h->action);
		return;
	}
	plan_next(k, h);
}

/* The job's function, called by the keeper's loop for each of these causes. */
static void act(struct ct_keeper *k, struct ct_keeper_job *job, enum ct_keeper_cause cause)
{
	struct ct_keeper_health *h = job->arg;

	switch (cause) {
	case CT_KEEPER_BEGUN:
		h->running = true;
		h->status = CT_HEALTH_STARTING;
		plan_next(k, h);
		break;
	case CT_KEEPER_OVER:
		h->running = false;
		retire(h);
		plan_next(k, h);
		break;
	case CT_KEEPER_DUE:
		fork_child(k, h, CT_HEALTH_DO_NOTHING);
		break;
	case CT_KEEPER_READY:
		child_ended(k, h);
		break;
	}
}

/* ---- what is asked for ---- */

static void drop(struct ct_keeper *k, struct ct_keeper_health *h)
{
	h->wanted = false;
	h->job.next = CT_NEVER;
	retire(h);
	/* A child has to be waited for. */
	if (h->job.fd < 0)
		take_away(k, h);
}

/* The memory of what was parsed goes; of the configuration only numbers are kept. */
static struct ct_health_config numbers_of(const struct ct_health_config *config)
{
	struct ct_health_config numbers = *config;

	numbers.test = (struct ct_strings){ 0 };
	numbers.on_failure = NULL;
	return numbers;
}

static bool is_same(const struct ct_health_config *a, const struct ct_health_config *b)
{
	return a->interval == b->interval && a->timeout == b->timeout && a->retries == b->retries &&
	       a->start_period == b->start_period && a->start_interval == b->start_interval &&
	       a->changed == b->changed;
}

/* The time to the next check begins anew, the start period does not: it is the run's. */
static void change(struct ct_keeper *k, struct ct_keeper_health *h,
		   const struct ct_health_config *wanted)
{
	if (h->config.changed != wanted->changed)
		h->status = CT_HEALTH_STARTING;
	h->config = numbers_of(wanted);
	retire(h);
	plan_next(k, h);
}

/* When the keeper begins, and whenever the record has changed. */
void ct_health_plan_job(struct ct_keeper *k, const struct ct_meta *meta)
{
	struct ct_keeper_health *h = &k->health;
	bool there = h->job.act;

	if (!ct_health_is_checked(meta)) {
		if (there && h->wanted)
			drop(k, h);
		return;
	}
	if (!there) {
		*h = (struct ct_keeper_health){
			.job = { .next = CT_NEVER, .fd = -1, .act = act, .arg = h },
			.status = CT_HEALTH_STARTING, .running = k->monitor >= 0,
		};
		ct_keeper_add_job(k, &h->job);
	}
	h->action = ct_health_action_of(&meta->health);
	if (!h->wanted || !is_same(&h->config, &meta->health))
		change(k, h, &meta->health);
	h->wanted = true;
}
