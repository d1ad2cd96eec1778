/* SPDX-License-Identifier: Apache-2.0 */
/* Inside src/container: the hooks that run outside of the container's own process. */
#ifndef CATTACH_CONTAINER_HOOKS_H
#define CATTACH_CONTAINER_HOOKS_H

#include <cattach/container.h>
#include <cattach/hook.h>
#include <cattach/spec.h>

/* What hooks get to read of a container, but for its status and pid. */
int ct_hook_state_make(struct ct_arena *arena, const struct ct_spec *spec, const char *id,
		       const char *bundle, struct ct_hook_state *ret_state, struct ct_err *err);

/**
 * ct_hooks_run_poststart - the program runs
 * @pid: of the container's process
 * @err: of the first hook that failed; the caller ends the container
 */
int ct_hooks_run_poststart(struct ct_arena *arena, const struct ct_spec *spec,
			   const struct ct_meta *meta, pid_t pid, struct ct_err *err);

/* It is over, or could not be started. All of them run; failed (or NULL) hears of each that
 * fails. */
void ct_hooks_run_poststop(struct ct_arena *arena, const struct ct_spec *spec,
			   const struct ct_meta *meta, void (*failed)(const struct ct_err *err));

/*
 * Those after a run whose monitor may not execute anything: a process of their own, poststop.c,
 * made before the run. It has what it needs in memory, holds a lock in the container's directory,
 * and ends with its work.
 */
struct ct_poststop {
	int control;			/* until the start has come to its end, or -1 */
	int pidfd;
};

#define CT_POSTSTOP_INIT { .control = -1, .pidfd = -1 }

/* Make it, where there are such hooks, once that of the run before has done. */
int ct_poststop_launch(const struct ct_container *container, const struct ct_spec *spec,
		       struct ct_poststop *ret_poststop, struct ct_err *err);

/* The start has succeeded, or failed: then the hooks run at once, and are waited for. */
void ct_poststop_release(struct ct_poststop *poststop, bool started);

/* Before a run is ended: find who waits for that, for ct_poststop_await() later. */
void ct_poststop_note(struct ct_container *container);

/* Sleep until the hooks of a run that is over have come to their end: 1, or 0 when the time is
 * up. */
int ct_poststop_await(const struct ct_container *container, uint64_t timeout);

/* "cattach: warning: ..." on stderr: for commands. */
void ct_hooks_warn(const struct ct_err *err);

#endif
