/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait --condition: docker's conditions and podman's, for all operands at the same time.
 *
 * Runs in the command's own process and sleeps in poll(2) on inotify: on each container's
 * directory, status and name, and on the record of events, which tells of pauses. Whatever wakes
 * it, all are looked at anew. A state that has come and gone between two looks counts where the
 * record shows it: a start, and an end, since the command began. May fail: the limits of inotify,
 * conditions that nobody knows, or that cannot come (health, of a container that nothing checks, or
 * that has ended and that its keeper does not start again), containers that do not exist.
 *
 *   watch everything -> look at all -> met? print, end -> sleep until a change -> look at all
 *
 * Watched first, looked at then: what changes in between wakes the sleep.
 */
#include "wait_condition.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#define NO_CODE	(-1)
#define NEVER	1			/* exit code: it has ended, and does not come to that */

/* What is waited for, in bits. */
enum {
	WANT_CREATED = 1,
	WANT_RUNNING = 2,
	WANT_PAUSED = 4,
	WANT_ENDED = 8,			/* it has run, and does not run any more */
	WANT_NOT_RUNNING = 16,		/* docker's: or has never run */
	WANT_NEXT_EXIT = 32,		/* an end that is still to come */
	WANT_REMOVED = 64,
	WANT_HEALTHY = 128,
	WANT_UNHEALTHY = 256,
};

#define WANT_HEALTH	(WANT_HEALTHY | WANT_UNHEALTHY)

/* What is being stopped or removed is on no record: its end is the first that can be seen of it. */
static const struct {
	const char *name;
	unsigned wants;
} conditions[] = {
	{ "created", WANT_CREATED },	 { "configured", WANT_CREATED },
	{ "initialized", WANT_CREATED }, { "running", WANT_RUNNING },
	{ "paused", WANT_PAUSED },	 { "exited", WANT_ENDED },
	{ "stopped", WANT_ENDED },	 { "not-running", WANT_NOT_RUNNING },
	{ "next-exit", WANT_NEXT_EXIT }, { "removed", WANT_REMOVED },
	{ "healthy", WANT_HEALTHY },	 { "unhealthy", WANT_UNHEALTHY },
	{ "stopping", WANT_ENDED },	 { "removing", WANT_REMOVED },
};

/* One operand. */
struct awaited {
	struct ct_container container;	/* as it was found: its status can be read after its end */
	char id[CT_CONTAINER_ID_LENGTH + 1];
	int watch;
	bool done;
	bool over;			/* not done, and nobody starts it again... */
	bool unchecked;			/* ...or asks how it is */
	int code;
};

struct waiting {
	const struct ct_call *call;
	const struct ct_wait_condition *how;
	struct ct_store *store;
	unsigned wants;
	uint64_t begun;			/* ns since the epoch */
	struct ct_event_reader events;
	struct awaited *items;
	struct pollfd *fds;		/* the events, then one each */
};

/* ---- conditions ---- */

/* Several names may mean one thing (docker's "not-running", podman's "exited"): each is a set of
 * what is waited for. */
static int parse_condition(const char *text, unsigned *wants, struct ct_err *err)
{
	for (size_t i = 0; i < sizeof(conditions) / sizeof(conditions[0]); i++) {
		if (strcmp(conditions[i].name, text))
			continue;
		*wants |= conditions[i].wants;
		return 0;
	}
	ct_fail(err, EINVAL, "unknown condition \"%.64s\"", text);
	return ct_hint(err, "there is created, running, paused, exited, stopped, not-running, "
			    "next-exit, removed, healthy, unhealthy");
}

/* begun is when the command began, for states that are over by the time of the look. */
static bool is_met(const struct waiting *w, const struct ct_container *c)
{
	bool between = c->state == CT_STATE_RESTARTING;	/* it counts as running, as docker has it */
	bool live = between || ct_state_is_live(c->state);
	bool ended = c->state == CT_STATE_STOPPED;

	if (w->wants & WANT_CREATED && c->state == CT_STATE_CREATED)
		return true;
	if (w->wants & WANT_RUNNING && (c->state == CT_STATE_RUNNING ||
					((ended || between) && c->status.started >= w->begun)))
		return true;
	if (w->wants & WANT_PAUSED && c->state == CT_STATE_PAUSED)
		return true;
	if (w->wants & WANT_ENDED && ended)
		return true;
	if (w->wants & WANT_HEALTHY && c->health == CT_HEALTH_HEALTHY)
		return true;
	if (w->wants & WANT_UNHEALTHY && c->health == CT_HEALTH_UNHEALTHY)
		return true;
	if (w->wants & WANT_NOT_RUNNING && !live && c->state != CT_STATE_CREATING)
		return true;
	return w->wants & WANT_NEXT_EXIT && (ended || between) && c->status.finished >= w->begun;
}

/* Nothing but its health is waited for, and that is checked in what runs only. */
static bool is_about_health(const struct waiting *w)
{
	return w->wants & WANT_HEALTH && !(w->wants & ~WANT_HEALTH);
}

/* An error, and not a sleep for ever: a script waits for something that nothing can bring about any
 * more. */
static int never_comes(const struct awaited *a, struct ct_err *err)
{
	const char *label = ct_container_label(&a->container);

	if (a->unchecked) {
		ct_fail(err, ESRCH,
			"container %s is not checked any more, and has not come to that", label);
		ct_hint(err, "cattach update --health-cmd COMMAND %s", label);
	} else {
		ct_fail(err, ESRCH, "container %s has ended, and has not come to that", label);
		ct_hint(err, "cattach start %s, or --condition exited besides", label);
	}
	ct_wrap(err, "--condition");
	return ct_exit_with(err, NEVER);
}

/* ---- looking ---- */

static int code_of(const struct ct_status *status)
{
	return status->state == CT_STATUS_EXITED ? ct_exit_code(&status->exit) : NO_CODE;
}

/* It is gone, by --rm or rm: what it was last is in the status that is open still. */
static int look_at_gone(const struct waiting *w, struct awaited *a, struct ct_err *err)
{
	struct ct_status status = { 0 };
	struct ct_err ignored;

	if (a->container.status_fd >= 0 &&
	    ct_status_read(a->container.status_fd, &status, &ignored) == 0)
		a->code = code_of(&status);
	a->done = w->wants & (WANT_REMOVED | WANT_NOT_RUNNING) ||
		  (w->wants & (WANT_ENDED | WANT_NEXT_EXIT) && a->code != NO_CODE) ||
		  (w->wants & WANT_RUNNING && status.started >= w->begun);
	if (a->done)
		return 0;
	ct_fail(err, ENOENT, "container %s has been removed, and never came to that",
		ct_container_label(&a->container));
	ct_wrap(err, "--condition");
	/* One with --rm is seen when it has ended, or when it is gone. */
	return is_about_health(w) ? ct_exit_with(err, NEVER) : -err->code;
}

/* Found anew by its id: the record that was opened first shows nothing of what came after a
 * removal. */
static int look(struct waiting *w, struct awaited *a, struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_arena ct_autoarena arena = {0};
	int r = ct_arena_open(&arena, err);

	if (r == 0)
		r = ct_container_find(w->store, &arena, a->id, &c, err);
	if (r == -ENOENT)
		return look_at_gone(w, a, err);
	if (r < 0)
		return r;
	a->done = is_met(w, &c);
	/* Of what cannot be read nothing is known. */
	a->unchecked = is_about_health(w) && c.health == CT_HEALTH_NONE &&
		       (c.state == CT_STATE_CREATED || c.state == CT_STATE_RESTARTING ||
			ct_state_is_live(c.state));
	a->over = !a->done && is_about_health(w) && (a->unchecked || c.state == CT_STATE_STOPPED);
	a->code = c.state == CT_STATE_STOPPED || c.state == CT_STATE_RESTARTING ?
			  code_of(&c.status) :
			  NO_CODE;
	return 0;
}

/* Forget what woke us first: what comes after that wakes us again. */
static void drain(int watch)
{
	char events[4096] __attribute__((aligned(8)));

	while (read(watch, events, sizeof(events)) > 0)
		continue;
}

/* 1 when it is over. */
static int look_at_all(struct waiting *w, struct ct_err *err)
{
	size_t count = w->call->operands.count, done = 0, over = 0;
	const struct awaited *ended = NULL;

	ct_event_reader_drain(&w->events);
	for (size_t i = 0; i < count; i++) {
		if (!w->items[i].done) {
			drain(w->items[i].watch);
			if (look(w, &w->items[i], err) < 0)
				return -err->code;
		}
		if (w->items[i].done && w->how->first)
			return 1;
		done += w->items[i].done;
		over += w->items[i].over;
		ended = w->items[i].over && !ended ? &w->items[i] : ended;
	}
	/* Of the first match one that can still come is enough. */
	if (ended && (!w->how->first || over == count))
		return never_comes(ended, err);
	return done == count;
}

/* ---- waiting ---- */

/* Rounded up, and an hour at most: the sum must fit an int. */
static int time_left(uint64_t limit)
{
	uint64_t now = ct_now_monotonic();

	if (limit == UINT64_MAX)
		return -1;
	if (now >= limit)
		return 0;
	return (limit - now) / 1000000 < 3600000 ? (int)((limit - now) / 1000000) + 1 : 3600000;
}

/* An hour at most at a time, as poll(2) counts milliseconds in an int. */
static int sleep_once(struct waiting *w, struct ct_err *err)
{
	size_t count = w->call->operands.count;

	if (ct_now_monotonic() >= w->how->limit) {
		ct_fail(err, ETIMEDOUT, "it has not come to that in this time");
		ct_wrap(err, "--timeout");
		return ct_exit_with(err, CT_EXIT_TIMED_OUT);
	}
	w->fds[0] = (struct pollfd){ .fd = w->events.watch, .events = POLLIN };
	for (size_t i = 0; i < count; i++)
		w->fds[i + 1] = (struct pollfd){
			.fd = w->items[i].done ? -1 : w->items[i].watch, .events = POLLIN,
		};
	if (poll(w->fds, count + 1, time_left(w->how->limit)) < 0 && errno != EINTR)
		return ct_fail_errno(err, errno, "cannot wait for containers");
	return 0;
}

/* A code for each operand in their order, or of the first that has come to it, as podman's
 * --exit-first-match. */
static int print_codes(const struct waiting *w, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	for (size_t i = 0; i < w->call->operands.count; i++) {
		if (w->how->first && !w->items[i].done)
			continue;
		ct_buf_printf(&buf, "%d\n", w->items[i].code);
		if (w->how->first)
			break;
	}
	return ct_print(&buf, err);
}

static int check_health(const struct waiting *w, const struct ct_container *c, struct ct_err *err)
{
	if (!is_about_health(w) || c->health != CT_HEALTH_NONE)
		return 0;
	ct_fail(err, EINVAL, "container %s has no health check: that never comes",
		ct_container_label(c));
	ct_hint(err,
		"cattach update --health-cmd COMMAND %s, or --for-output waits for what it writes",
		ct_container_label(c));
	return ct_wrap(err, "--condition");
}

/* Watched as soon as it is found; what changed before shows at the first look. */
static int find_one(struct waiting *w, struct awaited *a, const char *name, struct ct_err *err)
{
	int r = ct_container_find(w->store, w->call->arena, name, &a->container, err);

	if (r == -ENOENT && w->how->ignore) {
		a->done = true;
		return 0;
	}
	if (r == 0)
		r = ct_container_refuse_session(&a->container, "waited for with --condition", err);
	if (r == 0)
		r = check_health(w, &a->container, err);
	if (r == 0)
		r = ct_container_watch(w->store, &a->container, &a->watch, err);
	if (r == 0)
		snprintf(a->id, sizeof(a->id), "%s", a->container.meta.id);
	return r;
}

/* The record of events is opened first, from its end on: so an end that happens from here on is
 * seen, even of a container that is started again at once. */
static int wait_for_all(struct waiting *w, struct ct_err *err)
{
	size_t count = w->call->operands.count;
	int r = ct_event_reader_open(w->store, true, true, &w->events, err);

	for (size_t i = 0; r == 0 && i < count; i++)
		r = find_one(w, &w->items[i], w->call->operands.items[i], err);
	while (r == 0) {
		r = look_at_all(w, err);
		if (r == 0)
			r = sleep_once(w, err);
		else if (r > 0)
			return print_codes(w, err);
	}
	return r;
}

static int make_items(struct waiting *w, struct ct_err *err)
{
	size_t count = w->call->operands.count;

	w->items = ct_arena_calloc(w->call->arena, count, sizeof(*w->items));
	w->fds = ct_arena_calloc(w->call->arena, count + 1, sizeof(*w->fds));
	if (!w->items || !w->fds)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < count; i++)
		w->items[i] = (struct awaited){
			.container = CT_CONTAINER_INIT, .watch = -1, .code = NO_CODE,
		};
	return 0;
}

/* Without a condition, but with --ignore or --exit-first-match, it is docker's default. */
int ct_wait_condition(const struct ct_call *call, const struct ct_wait_condition *wait,
		      struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct waiting w = {
		.call = call, .how = wait, .store = &store, .begun = ct_now_real(),
		.events = CT_EVENT_READER_INIT,
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < wait->conditions.count; i++)
		if (parse_condition(wait->conditions.items[i], &w.wants, err) < 0)
			return ct_wrap(err, "--condition");
	if (!w.wants)
		w.wants = WANT_NOT_RUNNING;
	r = make_items(&w, err);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		r = wait_for_all(&w, err);
	for (size_t i = 0; w.items && i < call->operands.count; i++) {
		ct_container_close(&w.items[i].container);
		ct_fd_close(w.items[i].watch);
	}
	ct_event_reader_close(&w.events);
	return r;
}
