/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: a small process that exists only for containers with a restart policy or a health check.
 * It waits for the end of the container's monitor and starts the container again, as "cattach start" would.
 *
 *   containers/<id>/keeper.lock	its record lock, as the monitor's: it is alive while that is held
 *   containers/<id>/keeper		what it does, see struct ct_keeper_record
 *   containers/<id>/stop-asked		somebody has stopped the container: it stays that way until it is
 *					started
 *
 * Whoever works inside src/container finds its loop, and how to have something done in it from time
 * to time (struct ct_keeper_job), in src/container/keeper.h.
 */
#ifndef CATTACH_KEEPER_H
#define CATTACH_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/err.h>

struct ct_container;
struct ct_meta;

/* ---- the policy ---- */

enum ct_restart {
	CT_RESTART_NO,
	CT_RESTART_ON_FAILURE,
	CT_RESTART_ALWAYS,
	CT_RESTART_UNLESS_STOPPED,
};

struct ct_restart_policy {
	enum ct_restart kind;
	unsigned max;			/* of on-failure: restarts until it is given up; 0: no limit */
};

/**
 * ct_restart_parse - "no", "always", "unless-stopped", "on-failure", "on-failure:N"
 * @text: NULL or "": no
 * @err: EINVAL, in docker's words
 */
int ct_restart_parse(const char *text, struct ct_restart_policy *ret_policy, struct ct_err *err);

/* "no", "on-failure", ...: .HostConfig.RestartPolicy.Name */
const char *ct_restart_name(enum ct_restart kind);

/* How a run has ended, or why there was none. */
struct ct_restart_run {
	int code;			/* as a shell shows it */
	uint64_t duration;		/* ns; 0 of a start that failed */
};

/* What a keeper remembers from one run to the next. */
struct ct_restart_tally {
	unsigned restarts;		/* since somebody has started it */
	uint64_t delay;			/* ns, the last one; 0: none yet */
};

/**
 * ct_restart_decide - is it started again, and when
 * @tally: counts the restart, and has the delay before it: 100 ms, then twice the last one each
 *         time, a minute at most; 100 ms again after a run of ten seconds
 *
 * Pure: no clock is looked at. Whether somebody has stopped it is the caller's to know.
 */
bool ct_restart_decide(const struct ct_restart_policy *policy, const struct ct_restart_run *run,
		       struct ct_restart_tally *tally);

/* ---- its record ---- */

/* One JSON object padded to this size, rewritten in place like the status; the number of the write
 * stands at both ends. */
#define CT_KEEPER_RECORD_SIZE 1024

enum ct_keeper_phase {
	CT_KEEPER_WATCHING,		/* the container runs, or is being started by a command */
	CT_KEEPER_WAITING,		/* until it starts it again */
	CT_KEEPER_STARTING,
	CT_KEEPER_ENDED,		/* nothing is started again */
};

struct ct_keeper_record {
	uint64_t generation;
	enum ct_keeper_phase phase;
	unsigned restarts;		/* .RestartCount */
	uint64_t until;			/* WAITING: ns since the epoch */
	uint64_t delay;			/* ns, of the last wait */
	uint64_t seen;			/* status.started of the last run that is dealt with */
	bool again;			/* the next end is followed by a start, whatever the policy */
	char error[256];		/* why the last restart has failed; "" */
};

int ct_keeper_record_write(int fd, const struct ct_keeper_record *record, struct ct_err *err);

/**
 * ct_keeper_record_read - what the keeper of a container has put down last
 * @dir: the container's directory
 * @err: ENOENT when it never had one, EBADMSG "keeper is damaged (empty file)" and the like
 *
 * Says nothing about whether the keeper lives.
 */
int ct_keeper_record_read(int dir, struct ct_keeper_record *ret_record, struct ct_err *err);

/* ---- for commands ---- */

/* Does it need a keeper? */
bool ct_keeper_is_wanted(const struct ct_meta *meta);

/* A pidfd of the keeper, verified against its lock: -ESRCH when there is none, or out of sight. */
int ct_keeper_open(int dir);

/**
 * ct_container_forbid_restart - what ends from now on is not started again by the keeper
 * @signal: that is going to be sent; 0: it is stopped in any case. Only one that asks to end (KILL,
 *          TERM, INT, QUIT, the container's own) changes anything
 *
 * To be called before the signal is sent. Of a container that has no keeper nothing is kept. Its next
 * start by somebody lifts it. False: the signal is none of these.
 */
bool ct_container_forbid_restart(const struct ct_container *container, int signal);

/* Has it ever had one? Cheap, for who would look closer then. */
bool ct_container_has_keeper(const struct ct_container *container);

/* Have the keeper look at the container's record again: its policy has changed. */
void ct_keeper_tell(int dir);

#endif
