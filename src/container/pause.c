/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pausing a container and having it go on: all processes in its cgroup, at once.
 *
 * Runs in commands, as the user, who must be allowed to write the container's cgroup; it does where
 * the cgroup was made by this user. The processes do not notice, and no signal is spent on it. What
 * is paused is what the kernel says is frozen (state.c), nothing is recorded: so whoever is killed
 * here leaves a container that is paused or not, and that every other command sees as what it is.
 * Fails without a cgroup, in any other state, and when the kernel cannot stop a process in time.
 */
#include <errno.h>

#include <cattach/cgroup.h>
#include <cattach/event.h>

#include "record.h"

#define PATIENCE	10000	/* milliseconds for the kernel to stop everybody, or to let them go */

static int fail_ending(const struct ct_container *c, struct ct_err *err)
{
	return ct_fail(err, ESRCH, "container %s is not running: it is just ending",
		       ct_container_label(c));
}

static int freeze(const struct ct_container *c, bool paused, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	int r = ct_container_cgroup(c, &cgroup, err);

	if (r == -ENOTSUP && !paused)
		return ct_state_refuse(c, CT_ACT_UNPAUSE, err);
	if (r < 0)
		return r;
	/* Somebody began to pause it and was killed, or the kernel has not come to the end of
	 * it. */
	if (!paused && c->state == CT_STATE_RUNNING && !ct_cgroup_is_freezing(cgroup.container))
		return ct_state_refuse(c, CT_ACT_UNPAUSE, err);
	r = ct_cgroup_freeze(cgroup.container, paused, PATIENCE, err);
	if (r == -ENOENT || r == -ENODEV)
		return fail_ending(c, err);
	return r < 0 ? ct_wrap(err, "%s", ct_container_label(c)) : 0;
}

/* None for one whose pause was cut short. */
static int take_step(struct ct_container *c, bool paused, struct ct_err *err)
{
	if (paused)
		return ct_state_step(c, CT_STEP_PAUSE, CT_STATE_PAUSED, err);
	if (c->state == CT_STATE_RUNNING)
		return 0;
	return ct_state_step(c, CT_STEP_UNPAUSE, CT_STATE_RUNNING, err);
}

int ct_container_pause(const struct ct_container *container, bool paused, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_probe probe = { 0 };
	int r = ct_container_refuse_session(&c, paused ? "paused" : "unpaused", err);

	if (r == 0)
		r = ct_container_refresh(&c, &probe, err);
	if (r < 0)
		return r;
	r = ct_state_check(&c, paused ? CT_ACT_PAUSE : CT_ACT_UNPAUSE, err);
	if (r == 0)
		r = freeze(&c, paused, err);
	if (r == 0)
		r = take_step(&c, paused, err);
	if (r == 0)
		ct_event_record(&c, paused ? "pause" : "unpause", CT_EVENT_END);
	return r;
}

int ct_container_thaw(const struct ct_container *container, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	int r;

	if (container->session_of)
		return 0;
	r = ct_container_cgroup(container, &cgroup, err);
	if (r == 0 && cgroup.container >= 0)
		r = ct_cgroup_freeze(cgroup.container, false, PATIENCE, err);
	if (r == 0)
		ct_event_record(container, "unpause", CT_EVENT_END);
	/* It has ended by the signal, which was the purpose. */
	return r == -ENOENT || r == -ENODEV ? 0 : r;
}
