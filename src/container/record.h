/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: a container's record (meta.json), what is found out about its processes,
 * and the descriptors through which they are waited for and signalled.
 */
#ifndef CATTACH_CONTAINER_RECORD_H
#define CATTACH_CONTAINER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/states.h>

/* ---- meta.json ---- */

#define CT_META_VERSION 1

/* Write a record as meta.json's text; EBADMSG when it could not be read again. */
int ct_meta_write(const struct ct_meta *meta, struct ct_buf *buf, struct ct_err *err);

/* Parse meta.json; strings are copied into the arena. EBADMSG and the like for what is damaged. */
int ct_meta_parse(struct ct_arena *arena, const char *text, size_t size, struct ct_meta *ret_meta,
		  struct ct_err *err);

/* Is this one that checks can be made by? EBADMSG. */
int ct_health_config_check(const struct ct_health_config *config, struct ct_err *err);

/* Write it into the container's directory, in one step. */
int ct_meta_save(int dir, const struct ct_meta *meta, struct ct_err *err);

/* 64 hexadecimal digits; the short id is no number, for it becomes the host name. */
int ct_random_id(char id[CT_CONTAINER_ID_LENGTH + 1], struct ct_err *err);

/* ---- what is true now ---- */

/* What a look at a container's lock, status and processes found. */
struct ct_probe {
	bool creator;		/* a command is between making the directory and the start */
	bool monitor;		/* a monitor holds the lock, or lives though the lock file is gone */
	pid_t holder;		/* of the lock, 0: not visible from here */
	bool payload;		/* its monitor is gone and the recorded payload lives on */
	bool complete;		/* it was created to stay, see created.c */
	bool frozen;		/* it runs, and its leaf's freezer has stopped it */
	bool going;		/* it is being removed, or has been since it was opened */
	bool kept;		/* it has ended, and its keeper is going to start it again */
	bool other_boot;	/* the status was written before the host restarted */
	struct ct_status status;
};

/* Look. The error is that of the status file; processes are looked for even then, so far as the
 * lock names them. */
int ct_container_probe(const struct ct_container *container, struct ct_probe *ret_probe,
		       struct ct_err *err);

/* Is a command making this container right now? dir is its directory. */
bool ct_container_has_creator(int dir);

/* Become its creator: hold an flock on this descriptor's open directory until the last copy of
 * the descriptor is closed. 0 or -errno. */
int ct_container_mark_creator(int dir);

/* The same of a container that others may be starting: when it takes more than two seconds, one
 * warning says who keeps us waiting. label is the container's, for that. */
int ct_container_await_creator(int dir, const char *label);

/* Keep those who start, remove or change a container away, and find out its state now: "container x
 * cannot be updated (...)", by the verb. Its record is read anew. A container that runs runs on. */
int ct_container_hold(struct ct_container *c, struct ct_arena *arena, enum ct_act act,
		      struct ct_err *err);
void ct_container_let_go(const struct ct_container *c);

/* Being created by nobody any more: DAMAGED from now on. For who holds its lock. */
int ct_container_give_up(struct ct_container *c, struct ct_err *err);

/**
 * ct_container_reserve - be the only one who starts this container
 * @kept: for its keeper: that starts it while others take it for running, and not (ECANCELED) when
 *        it is to stay stopped
 * @err:  EALREADY "container x is running", or what else its state says against a start
 *
 * Holds for as long as container->dir is open, here or in the monitor until the payload runs. Looks
 * at the state anew.
 */
int ct_container_reserve(struct ct_container *container, bool kept, struct ct_err *err);

/* Was the container in this directory created to stay? */
bool ct_container_is_complete(int dir);

/* A fresh look, which the caller's struct follows unless its status cannot be read. */
int ct_container_refresh(struct ct_container *c, struct ct_probe *probe, struct ct_err *err);

/* Have what is paused go on, so that it can act on a signal: 0, or negative. Of a session nothing:
 * it is its container that is paused. */
int ct_container_thaw(const struct ct_container *container, struct ct_err *err);

/* State and, where it needs one, its explanation in words, from a probe that succeeded. */
enum ct_state ct_probe_state(const struct ct_probe *probe, const char **ret_why);

/* Is its directory, which was opened before, gone by now? And to say so, instead of what came of
 * it. */
bool ct_container_is_removed(const struct ct_container *container);
int ct_container_fail_removed(const struct ct_container *container, struct ct_err *err);

/* Was it found, by a look since it was loaded, on its way out? */
bool ct_container_is_going(const struct ct_container *container);

/* Fill in everything about the container id: 0 (damaged and foreign ones too) or -ENOENT.
 * host is ct_host_identity() or NULL, which asks. Other errors: memory, descriptors. */
int ct_container_load(const struct ct_store *store, struct ct_arena *arena, const char *host,
		      const char *id, struct ct_container *ret_container, struct ct_err *err);

/* The status file of the container in this directory, if both are ours alone. The caller owns
 * it. */
int ct_container_open_status(int dir, struct ct_err *err);

/* Of a container that was found or made in a store of sessions: what it belongs to. */
int ct_session_mark(const struct ct_store *store, struct ct_arena *arena, struct ct_container *c,
		    struct ct_err *err);

/* End and forget all sessions of a container, in a bounded time; what resists is left behind. */
void ct_sessions_end(const struct ct_store *store, const struct ct_container *container);

/* Take away what is left of a session whose maker was killed before it was started: has it gone? Of
 * any other state than DAMAGED it is false. */
bool ct_session_drop_interrupted(const struct ct_store *sessions, const struct ct_container *session);

/* ---- its processes ---- */

#define CT_SECOND UINT64_C(1000000000)
#define CT_FOREVER UINT64_MAX

/* A pidfd of the payload or of the monitor, verified against the record: -ESRCH when gone. */
int ct_probe_open_payload(const struct ct_probe *probe);
int ct_probe_open_monitor(const struct ct_probe *probe, int dir);

/* Wait until the process behind a pidfd has ended: 1, 0 after timeout nanoseconds, -errno. */
int ct_pidfd_await(int pidfd, uint64_t timeout);

/* Sleep, for what the kernel has no event for. */
void ct_nap(uint64_t ns);

/* One run of a container, by its first process. What is meant for one is done to no other:
 * ESTALE. */
struct ct_run_id {
	pid_t pid;
	uint64_t starttime;
};

bool ct_run_is(const struct ct_run_id *run, const struct ct_status *status);

/* ct_container_signal() and ct_container_stop() of a run, or of whichever there is (NULL): whether
 * it is started again is its keeper's to decide. */
int ct_container_signal_run(const struct ct_container *container, const struct ct_run_id *run,
			    int signal, struct ct_err *err);
int ct_container_end_run(struct ct_container *container, const struct ct_run_id *run, int signal,
			 int timeout, struct ct_err *err);

/* ct_container_stop() of this run: it stays stopped. Of one that is over nothing is asked for. */
int ct_container_stop_run(struct ct_container *container, const struct ct_run_id *run, int signal,
			  int timeout, struct ct_err *err);

/* ct_container_remove() with another time for the monitor to leave by itself. */
int ct_container_remove_within(const struct ct_store *store, const struct ct_container *container,
			       bool force, uint64_t grace, struct ct_err *err);

/* A process with a session of its own that is nobody's child here: 0 in it, 1 in the caller, or
 * negative errno there. */
int ct_fork_away(void);

#endif
