/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching to a container: is it in a state for that, where is its monitor's socket, and what to
 * say when it is not.
 *
 * Runs in commands, as the user. The state is looked at before, and again when nobody answers: a
 * container may end in between, and is then a stopped one like any other. A monitor whose runtime
 * directory has vanished under it (a logout without linger) is asked to make its socket again, by a
 * signal through its verified pidfd.
 *
 *    connect_to()     dir of the socket, hello, answer: connected
 *     absent          nobody there: look at the state again
 *      ended           say what it is now
 *      runs            SIGUSR1 to its monitor, once each: it makes its socket again
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "record.h"
#include "store.h"

#define REMAKE_TIME	CT_SECOND
/* 2 ms: a directory and a socket are made faster than anybody notices. */
#define PAUSE		(CT_SECOND / 500)

/* ---- why not ---- */

static int refuse(const struct ct_container *c, struct ct_err *err)
{
	if (c->state != CT_STATE_RUNNING)
		return ct_state_refuse(c, c->session_of ? CT_ACT_ATTACH_SESSION : CT_ACT_ATTACH,
				       err);
	ct_fail(err, ECONNREFUSED, "%s %s is running, but its monitor (pid %d) has no socket",
		ct_container_kind(c), ct_container_label(c), (int)c->status.monitor_pid);
	return ct_hint(err, "is its runtime directory on a full or read-only file system?");
}

/* ---- connecting ---- */

struct request {
	uint32_t hello;
	uint16_t rows, columns;
};

static int connect_to(struct ct_store *store, const struct ct_container *c, const struct request *q,
		      struct ct_client *ret_client, struct ct_err *err)
{
	int ct_autofd dir = ct_store_runtime(store, c->meta.id, false, err);

	if (dir < 0)
		return dir;
	return ct_client_connect(dir, q->hello, q->rows, q->columns, ret_client, err);
}

/* Nobody there, or going away at this moment. */
static bool is_absent(int code)
{
	return code == -ENOENT || code == -ECONNREFUSED || code == -EPIPE || code == -ECONNRESET;
}

/* The monitor makes its socket again when asked; it takes a moment, in which it may end. The signal
 * goes through a pidfd that was checked against the record's start time, so it cannot reach a
 * process that has the pid by chance. */
static int connect_again(struct ct_store *store, const struct ct_container *c,
			 const struct ct_probe *probe, const struct request *q,
			 struct ct_client *ret_client, struct ct_err *err)
{
	int ct_autofd monitor = ct_probe_open_monitor(probe, c->dir);
	uint64_t limit = ct_now_monotonic() + REMAKE_TIME;
	int r = monitor < 0 ? monitor : ct_pidfd_signal(monitor, SIGUSR1);
	bool ended;

	if (r < 0)
		return -ECONNREFUSED;
	do {
		ended = ct_pidfd_await(monitor, PAUSE) != 0;
		r = connect_to(store, c, q, ret_client, err);
	} while (is_absent(r) && !ended && ct_now_monotonic() < limit);
	return r;
}

static int connect_running(struct ct_store *store, struct ct_container *c, const struct request *q,
			   struct ct_client *ret_client, struct ct_err *err)
{
	int r = connect_to(store, c, q, ret_client, err);
	struct ct_probe probe;
	pid_t asked = 0;

	/* Each monitor is asked once: there is another one when it was started again meanwhile. */
	while (is_absent(r)) {
		if (ct_container_probe(c, &probe, err) < 0)
			return ct_wrap(err, "%s", ct_container_label(c));
		c->status = probe.status;
		c->state = ct_probe_state(&probe, &c->damage);
		if (!ct_state_is_live(c->state) || c->status.monitor_pid == asked)
			return refuse(c, err);
		asked = c->status.monitor_pid;
		r = connect_again(store, c, &probe, q, ret_client, err);
	}
	return r;
}

/* The payload has ended and its record says so, but its monitor still serves who must get
 * everything (--lag block). */
bool ct_container_is_served(const struct ct_container *container)
{
	return (container->state == CT_STATE_STOPPED || container->state == CT_STATE_RESTARTING) &&
	       container->dir >= 0 &&
	       ct_monitor_alive(container->dir, NULL) > 0;
}

/* With its record complete: created to stay, or its monitor is at it already. */
bool ct_container_is_starting(const struct ct_container *c)
{
	return c->state == CT_STATE_CREATING && c->dir >= 0 && c->meta.host &&
	       (ct_container_is_complete(c->dir) || ct_monitor_alive(c->dir, NULL) > 0);
}

/* One that has ended still has its socket while somebody must get everything, and can be asked who
 * that is; of one that is paused the monitor is not. */
static bool can_be_asked(const struct ct_container *c)
{
	return c->state == CT_STATE_PAUSED || ct_container_is_served(c);
}

/* QUIET clients ask and read, and are let in where one that follows is not. client.fallback is the
 * log's directory: a segment that is no longer in the monitor's memory is opened there. */
int ct_container_attach(struct ct_store *store, const struct ct_container *container,
			uint32_t hello, uint16_t rows, uint16_t columns,
			struct ct_client *ret_client, struct ct_err *err)
{
	struct request q = { .hello = hello, .rows = rows, .columns = columns };
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_client client = CT_CLIENT_INIT;
	int r;

	client.patience = ret_client->patience;
	client.interrupt = ret_client->interrupt;
	/* One that is being started may have its socket already. */
	if (c.state != CT_STATE_RUNNING && c.state != CT_STATE_CREATING &&
	    !(hello & CT_HELLO_QUIET && can_be_asked(&c)))
		return refuse(&c, err);
	r = connect_running(store, &c, &q, &client, err);
	if (r < 0)
		return r;
	client.fallback = openat(c.dir, "main", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	*ret_client = client;
	return 0;
}
