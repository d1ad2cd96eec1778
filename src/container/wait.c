/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for a container's end: sleeps on the monitor's pidfd, then reads the status through the
 * descriptor that was opened when the container was found, which works although --rm has unlinked
 * the file by then. Between the runs of one that its keeper starts again the keeper's record is
 * what changes. The monitor's end, not the payload's, is what is waited for: after it the record is
 * written and, with --rm, the directory gone.
 *
 * Runs in commands, as the user. A monitor that was killed leaves no record: exit code 255.
 *
 *    probe: what is it now?
 *     stopped                   its exit code, or 255
 *     created                   0: nothing to wait for
 *     runs                      sleep on the monitor's pidfd
 *     between two runs          sleep on inotify of the keeper's record
 */
#include <errno.h>

#include <cattach/age.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "keeper.h"
#include "record.h"

#define UNKNOWN_CODE	255
#define PAYLOAD_GRACE	(5 * CT_SECOND)
#define PAUSE		(CT_SECOND / 50)	/* between looks at what has no event */

/* A payload is killed by the kernel when its monitor dies, but takes a moment to end.
 * PAYLOAD_GRACE: a process in the middle of a large core dump or a disk that does not answer takes
 * its time. Longer than that is damage. */
static bool outlives_monitor(const struct ct_probe *probe)
{
	int ct_autofd payload = ct_probe_open_payload(probe);

	return payload >= 0 && ct_pidfd_await(payload, PAYLOAD_GRACE) == 0;
}

static uint64_t time_left(uint64_t limit)
{
	return limit == CT_FOREVER ? limit : ct_age_since(ct_now_monotonic(), limit);
}

/* Between two runs: what happened before the watch was there shows at one more look. So the first
 * call only opens the watch and returns, and the caller's loop looks at the state once more. */
static void sleep_between(const struct ct_container *c, int *watch, uint64_t limit)
{
	if (*watch >= 0 || (*watch = ct_keeper_watch(c->dir)) < 0)
		ct_keeper_sleep(*watch, time_left(limit));
}

/* Sleep until something can have changed, or it is time. */
static void sleep_on(const struct ct_container *c, const struct ct_probe *probe, uint64_t limit)
{
	int ct_autofd monitor = ct_probe_open_monitor(probe, c->dir);
	uint64_t left = time_left(limit);

	/* A creator has no monitor yet, and one in a pid namespace above ours cannot be opened. */
	if (monitor < 0 || ct_pidfd_await(monitor, left) < 0)
		ct_nap(left < PAUSE ? left : PAUSE);
}

int ct_container_wait_until(struct ct_container *container, uint64_t limit, int *ret_code,
			    struct ct_err *err)
{
	struct ct_container *c = container;
	struct ct_probe probe;
	int ct_autofd watch = -1;

	if (c->state == CT_STATE_FOREIGN || c->status_fd < 0)
		return ct_state_refuse(c, CT_ACT_WAIT, err);
	for (;;) {
		if (ct_container_probe(c, &probe, err) < 0)
			return c->state == CT_STATE_DAMAGED ? ct_state_refuse(c, CT_ACT_WAIT, err) :
				       ct_wrap(err, "%s", ct_container_label(c));
		c->status = probe.status;
		c->state = ct_probe_state(&probe, &c->damage);
		if (probe.payload && !outlives_monitor(&probe))
			continue;
		if (c->state == CT_STATE_DAMAGED)
			return ct_state_refuse(c, CT_ACT_WAIT, err);
		if (c->state == CT_STATE_STOPPED)
			break;
		/* not running, which is what is waited for: docker's answer */
		if (c->state == CT_STATE_CREATED) {
			*ret_code = 0;
			return 0;
		}
		if (ct_now_monotonic() >= limit)
			return ct_fail(err, ETIMEDOUT, "%s %s has not ended in this time",
				       ct_container_kind(c), ct_container_label(c));
		if (probe.kept)
			sleep_between(c, &watch, limit);
		else
			sleep_on(c, &probe, limit);
	}
	*ret_code = c->status.state == CT_STATUS_EXITED ? ct_exit_code(&c->status.exit) :
							  UNKNOWN_CODE;
	return 0;
}

/* For --condition and "wait" of a script: 255 with a reason instead of a code that the payload may
 * have had. */
int ct_container_end_known(const struct ct_container *c, struct ct_err *err)
{
	char how[512];

	if (c->state != CT_STATE_STOPPED || c->status.state == CT_STATUS_EXITED)
		return 0;
	ct_fail(err, ENODATA, "exit code unknown: %s %s %s", ct_container_kind(c),
		ct_container_label(c), ct_container_describe(c, how, sizeof(how)));
	ct_hint(err, "cattach logs %s has what it wrote", ct_container_label(c));
	return ct_exit_with(err, UNKNOWN_CODE);
}

int ct_container_wait(struct ct_container *container, int *ret_code, struct ct_err *err)
{
	return ct_container_wait_until(container, CT_FOREVER, ret_code, err);
}
