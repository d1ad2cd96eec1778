/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Health checks: a command that is run in a container again and again, and what its exit codes make
 * of the container's health. docker's meaning of every word.
 *
 *   ct_health_check()   run the command once, as "cattach exec" would
 *   ct_health_update()  what that makes of the record, which is kept in the file "health" of the
 *                       container's directory
 *   ct_health_read()    the record, as far as it is about the present run
 */
#ifndef CATTACH_HEALTH_H
#define CATTACH_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>

#define CT_HEALTH_OUTPUT_MAX	500	/* bytes of a check's output that are kept */
#define CT_HEALTH_LOG_MAX	5	/* checks that are kept */
#define CT_HEALTH_TIMED_OUT	(-1)	/* exit code of a check that took too long */

/* One check. */
struct ct_health_check {
	uint64_t start, end;		/* ns since the epoch */
	int code;			/* exit code, 0: healthy; CT_HEALTH_TIMED_OUT */
	char output[CT_HEALTH_OUTPUT_MAX + 1];	/* its beginning: UTF-8, see ct_health_output() */
};

/* What is known about the health of one run. */
struct ct_health {
	enum ct_health_status status;
	unsigned streak;		/* failures since the last success, as far as they count */
	uint64_t run;			/* when that run was started: ct_status.started */
	uint64_t check;			/* which command said so: ct_health_config.changed */
	struct ct_health_check log[CT_HEALTH_LOG_MAX];	/* oldest first */
	size_t count;			/* of log */
};

/* What is to be done when a container has become unhealthy. */
enum ct_health_action {
	CT_HEALTH_DO_NOTHING,
	CT_HEALTH_KILL,
	CT_HEALTH_RESTART,
	CT_HEALTH_STOP,
};

/* Is there a command? "NONE" is none. */
bool ct_health_is_checked(const struct ct_meta *meta);

/* That of --health-on-failure, as it was checked. */
enum ct_health_action ct_health_action_of(const struct ct_health_config *config);

/* "starting", "healthy", "unhealthy"; "none" where there is no check. */
const char *ct_health_name(enum ct_health_status status);

/* By its name: 0 or -EINVAL. */
int ct_health_parse(const char *name, enum ct_health_status *ret_status);

/* ---- how one thing leads to another; nothing is asked or changed but what is given ---- */

/* Any bytes as UTF-8: U+FFFD stands for what is none, and for NUL; cut where there is no more room. */
void ct_health_output(struct ct_health_check *check, const char *data, size_t size);

/* The health that a run begins with. */
struct ct_health ct_health_begin(uint64_t run);

/**
 * ct_health_apply - what one more check makes of it
 * Failures within the start period of a run that has not been healthy yet do not count.
 *
 * Return: has the status changed?
 */
bool ct_health_apply(const struct ct_health_config *config, struct ct_health *health,
		     const struct ct_health_check *check);

/* From now, the end of the last check or the start of the run, until the next check. */
uint64_t ct_health_delay(const struct ct_health_config *config, enum ct_health_status status,
			 uint64_t run, uint64_t now);

/* ---- the record ---- */

/**
 * ct_health_read - the record of the present or last run
 * @container: with its directory open; what another command said than the one it has now is none of it
 * @ret_health: of a container that does not run: starting, with the checks of its last run; of a run
 *              that has not been checked yet, and when the record cannot be read: as it begins
 */
void ct_health_read(const struct ct_container *container, struct ct_health *ret_health);

/* Its status alone, CT_HEALTH_NONE without a check: what ct_container_find() puts into ->health. */
enum ct_health_status ct_health_of(const struct ct_container *container);

/**
 * ct_health_update - put a check into the record, and tell of a change
 * @container: as it was found before the check; how often it may fail is looked up anew
 * @ret_health: as it is now
 * @err: ESRCH when that run is over, or another command is to say it now: nothing was recorded
 */
int ct_health_update(const struct ct_container *container, const struct ct_health_check *check,
		     struct ct_health *ret_health, struct ct_err *err);

/* ---- the check ---- */

/**
 * ct_health_check - run the command, and wait for it
 * @arena: what it takes to go in is made there
 * @ret_check: whatever came of it, also when the program could not be started
 * @err: EINVAL when there is none; every other state than running, as for exec; ESRCH when the
 *       container has ended meanwhile. Nothing can be said about its health then
 *
 * The command dies with this process, with the container, and by SIGKILL when its time is up; what
 * it has started and left in its session goes, too.
 */
int ct_health_check(struct ct_store *store, struct ct_arena *arena,
		    const struct ct_container *container, struct ct_health_check *ret_check,
		    struct ct_err *err);

#endif
