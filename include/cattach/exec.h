/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Another process in a container that runs: in its namespaces and its cgroup, as confined as the
 * payload. Used by exec, and for the sessions that exec makes.
 *
 *   ct_exec_find()      which one
 *   ct_exec_open()      is it running, and the way in
 *   ct_exec_process()   what to run, from options; or a process.json into exec->spec->process
 *   ct_exec_plan()      everything that can be checked is
 *   ct_exec_spawn()     now, as a child of the caller; or
 *   ct_session_start()  under a monitor of its own
 */
#ifndef CATTACH_EXEC_H
#define CATTACH_EXEC_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/ns.h>
#include <cattach/resctrl.h>
#include <cattach/spec.h>

/* What docker exec has, as given. */
struct ct_exec_options {
	struct ct_strings command;
	bool tty, privileged;
	const char *user, *workdir;
	struct ct_strings env, env_file, cap_add, cap_drop;
};

struct ct_exec {
	const struct ct_container *container;	/* borrowed */
	int payload;			/* pidfd of the container's payload */
	struct ct_ns_places places;
	struct ct_spec *spec;		/* of the container; ct_exec_process() changes its process */
	struct ct_cgroup_entry leaf;	/* where it goes; fd -1: the container has no cgroup */
	struct ct_resctrl clos;		/* and this; root -1: the container has none */
	struct ct_plan *plan;
};

#define CT_EXEC_INIT                                                                  \
	{                                                                             \
		.payload = -1, .places = CT_NS_PLACES_INIT, .leaf = { .fd = -1 },     \
		.clos = CT_RESCTRL_INIT,                                              \
	}

/* ct_container_find() of a container that exec can go into: one that an engine has made (runtime.h), in the
 * default store of those, too, when there is none of ours that is called this. */
int ct_exec_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		 struct ct_container *ret_container, struct ct_err *err);

/**
 * ct_exec_open - find the way into a container
 * @container: as found; borrowed until ct_exec_close()
 * @ret_exec: spec and what it points to are in the arena
 * @err: ESRCH "container x is not running: exited (5) 3 minutes ago", and the like for every other
 *       state, with the way out
 *
 * The namespaces are opened through /proc where we may look at the payload, and asked of the
 * monitor where not (a payload that is not dumpable, or whose program is unreadable).
 */
int ct_exec_open(struct ct_store *store, struct ct_arena *arena,
		 const struct ct_container *container, struct ct_exec *ret_exec,
		 struct ct_err *err);

/* The same into one that runs or is paused, by somebody who has looked at that. */
int ct_exec_open_live(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, struct ct_exec *ret_exec,
		      struct ct_err *err);

void ct_exec_close(struct ct_exec *exec);

static inline void ct_autoexec_cleanup(struct ct_exec *exec)
{
	ct_exec_close(exec);
}

#define ct_autoexec __attribute__((cleanup(ct_autoexec_cleanup)))

/**
 * ct_exec_process - the container's own process, changed by options
 * @err: where is the option
 *
 * Environment: the container's, HOME of --user, TERM=xterm with a terminal unless there is one,
 * each --env-file, each -e. Names of users and groups are those of the container's files.
 */
int ct_exec_process(struct ct_exec *exec, struct ct_arena *arena,
		    const struct ct_exec_options *options, struct ct_err *err);

/* It is what a caller has written. What that does not speak of (capabilities, limits, labels, umask, OOM
 * score) is as in the container's configuration, HOME as in its /etc/passwd. */
int ct_exec_take_process(struct ct_exec *exec, struct ct_arena *arena, struct ct_spec_process *process,
			 struct ct_err *err);

/* It goes into this cgroup below the container's, "/" for that itself. ENOTSUP when there is none. */
int ct_exec_choose_cgroup(struct ct_exec *exec, const char *path, struct ct_err *err);

/**
 * ct_exec_plan - work out everything that the process has to do before it is the program
 * @preserve_fds: descriptors 3... of the caller that it keeps
 * @untied: it outlives the process that spawns it, or dies with it
 */
int ct_exec_plan(struct ct_exec *exec, struct ct_store *store, struct ct_arena *arena,
		 unsigned preserve_fds, bool untied, struct ct_err *err);

/**
 * ct_exec_spawn - start it
 * @stdio: its ends; borrowed ones keep their owner
 * @ret_started: its parent is the caller, who reaps it
 * @err: exit is 126, 127 or 125; when the container has ended meanwhile that is what it says
 */
int ct_exec_spawn(const struct ct_exec *exec, const struct ct_ns_stdio *stdio,
		  struct ct_ns_started *ret_started, struct ct_err *err);

/* An error of going in: when the container has ended meanwhile that is what it says from now on. */
int ct_exec_blame(const struct ct_exec *exec, struct ct_err *err);

/**
 * ct_session_start - start it under a monitor of its own, instead of ct_exec_spawn()
 * @exec: planned, not untied; it ends with the monitor and with the container
 * @store: the user's
 * @meta: as for ct_container_create(): id and name may be NULL
 * @options: rootless, preserve_fds and keep do not matter
 * @ret_container: the session, as ct_container_find() finds it as CONTAINER/SESSION
 * @ret_session: close with ct_session_close()
 * @err: as for ct_exec_spawn(); EEXIST when the name is taken. Nothing stays on disk
 */
int ct_session_start(struct ct_exec *exec, struct ct_store *store, struct ct_arena *arena,
		     struct ct_meta *meta, const struct ct_start_options *options,
		     struct ct_container *ret_container, struct ct_session *ret_session,
		     struct ct_err *err);

#endif
