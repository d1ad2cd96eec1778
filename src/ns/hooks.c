/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks at their moments in a start: those of the caller's namespaces, for which the process that is
 * being set up waits, and those that it runs itself.
 *
 *   the starter          the process
 *    │ ◄──────── SYNC_HOOKS   root and mounts are there, the host's root still is "/"
 *    │ prestart, createRuntime
 *    │ SYNC_HOOKED ────────►  createContainer; then the pivot, ...
 *                             startContainer, when it has been told to go on; then its program
 *
 * What the process runs has the container's namespaces and, in createContainer, its root's ids; in
 * startContainer all that its program will have: ids, limits, capabilities, filter. That is why the
 * filter is loaded by the hook's own process, and none has to allow what we do meanwhile. A hook that
 * fails ends the start, and with it everything that was made.
 */
#include <errno.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/hook.h>

#include "child.h"

static struct ct_hook_run hooks_of(const struct ct_plan *plan, enum ct_hook_kind kind)
{
	return (struct ct_hook_run){
		.kind = kind, .list = &plan->hooks.lists[kind], .state = &plan->hook_state,
		.status = kind == CT_HOOK_START_CONTAINER ? "created" : "creating",
	};
}

/* ---- in the process ---- */

static int await_starter(struct child *c, struct ct_err *err)
{
	struct sync_message message;
	int fds[CT_FDS_MAX];

	if (ct_sync_send(c->sync, SYNC_HOOKS, NULL, -1) < 0 ||
	    ct_sync_receive(c->sync, &message, fds) != 1 || message.type != SYNC_HOOKED)
		return ct_fail(err, ECANCELED, "the monitor went away");
	return 0;
}

int ct_child_create_hooks(struct child *c, struct ct_err *err)
{
	const struct ct_hook_list *lists = c->plan->hooks.lists;
	struct ct_hook_run run = hooks_of(c->plan, CT_HOOK_CREATE_CONTAINER);
	int r = 0;

	if (lists[CT_HOOK_PRESTART].count || lists[CT_HOOK_CREATE_RUNTIME].count)
		r = await_starter(c, err);
	run.pid = getpid();
	return r < 0 ? r : ct_hooks_run(&run, err);
}

int ct_child_start_hooks(struct child *c, int (*prepare)(void *arg, struct ct_err *err),
			 struct ct_err *err)
{
	struct ct_hook_run run = hooks_of(c->plan, CT_HOOK_START_CONTAINER);

	run.pid = getpid();
	run.prepare = prepare;
	run.arg = c;
	return ct_hooks_run(&run, err);
}

/* ---- in the starter ---- */

int ct_sync_hooks(const struct ct_plan *plan, int sync, pid_t pid, struct ct_err *err)
{
	struct ct_hook_run run = hooks_of(plan, CT_HOOK_PRESTART);
	int r;

	run.pid = pid;
	r = ct_hooks_run(&run, err);
	run.kind = CT_HOOK_CREATE_RUNTIME;
	run.list = &plan->hooks.lists[run.kind];
	if (r == 0)
		r = ct_hooks_run(&run, err);
	/* One that has gone meanwhile is seen by who follows it. */
	if (r == 0)
		ct_sync_send(sync, SYNC_HOOKED, NULL, -1);
	return r;
}
