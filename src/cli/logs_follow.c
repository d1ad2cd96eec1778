/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following logs: what is there, then whatever comes, until every container has ended, --until has
 * passed, or, with -F, for ever: then a container that is not there yet, or has ended, is waited
 * for by inotify on what a start changes.
 *
 * One epoll for all: the monitors' eventfds by their edges, their connections for the end, and the
 * watches. A stream is looked at once more after its descriptors are in the epoll, so that nothing
 * is missed in between; the last lines of a container are on its page before its connection ends.
 *
 * Runs in the CLI. The signals of the command keep their default meaning: ctrl-c ends it. What may
 * fail: descriptors, inotify.
 *
 *    stream   WAITING  no container of that name, or none that runs     inotify, listener
 *             LIVE     its log is open; connected while it runs         eventfd, socket
 *             DONE     nothing more can come
 *    each event only marks its stream as not idle; what there is to read is found by reading
 *    data.u64 of an event: index of the stream << SOURCE_BITS | kind
 */
#include "logs.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#define MS		UINT64_C(1000000)
#define RETRY_MS	50		/* for a monitor that is there and does not answer yet */
#define MAX_EVENTS	16

#define SOURCE_BITS	3

enum event_source { EV_WAKE, EV_SOCK, EV_WATCH, EV_START, EV_OUTPUT };

struct loop {
	struct ct_log_set *set;
	int epoll;
	bool timed_out;
};

/* What is closed leaves the epoll by itself, but for the eventfd, which the monitor has open, too,
 * and which leaves with that, epoll(7): an event of it in between is one look too many. */
static int watch_fd(struct loop *l, size_t index, enum event_source source, int fd, uint32_t events,
		    struct ct_err *err)
{
	struct epoll_event event = {
		.events = events, .data.u64 = (uint64_t)index << SOURCE_BITS | source,
	};

	if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return ct_fail_errno(err, errno, "cannot wait for container %s",
				     l->set->items[index].name);
	return 0;
}

/* ---- waiting for a start ---- */

/* What to watch for this name: a session that is not there yet is one of its container's to be. */
static int find_watched(const struct loop *l, const char *name, struct ct_container *found)
{
	const char *slash = name[0] ? strchr(name + 1, '/') : NULL, *container;
	struct ct_err ignored;

	if (ct_container_find(l->set->store, l->set->arena, name, found, &ignored) == 0)
		return 0;
	container = slash ? ct_arena_strndup(l->set->arena, name, (size_t)(slash - name)) : NULL;
	if (!container)
		return -ENOENT;
	return ct_container_find(l->set->store, l->set->arena, container, found, &ignored);
}

/* Watch, then look: what changes in between is seen by one of the two. When the look finds another
 * container than the one that is watched, once more. Without a container names are watched, one of
 * which it is going to take. */
static int look_again(struct loop *l, size_t index, struct ct_err *err)
{
	struct ct_log_stream *s = &l->set->items[index];
	char id[sizeof(s->id)] = "", before[sizeof(s->id)];
	int r;

	do {
		struct ct_container ct_autocontainer found = CT_CONTAINER_INIT;

		strcpy(before, id);
		ct_drop_fd(&s->watch);
		id[0] = '\0';
		if (find_watched(l, s->name, &found) == 0)
			strcpy(id, found.meta.id);
		r = ct_container_watch(l->set->store, id[0] ? &found : NULL, &s->watch, err);
		if (r == 0)
			r = watch_fd(l, index, EV_WATCH, s->watch, EPOLLIN, err);
		if (r == 0)
			r = ct_log_stream_await(s, l->set->store, &found, err);
		if (r > 0)
			r = watch_fd(l, index, EV_START, s->waiter.listener, EPOLLIN, err);
	} while (r == 0 && strcmp(before, id) != 0);
	return r < 0 ? r : ct_log_stream_open(s, l->set->store, l->set->arena, err);
}

/* Two ways to hear of a start: the starter finds our listener and hands us to its monitor (nothing
 * is lost), or the record changes (we attach, and read what is there). */
static int wait_for_start(struct loop *l, size_t index, struct ct_err *err)
{
	struct ct_log_stream *s = &l->set->items[index];
	int r = ct_log_stream_join(s, err);

	/* Whoever starts it finds us before anything changes that could be seen. */
	if (r == 0)
		r = look_again(l, index, err);
	if (r < 0 && !s->query->retry)
		return r;
	/* Running, and its monitor does not answer: it is just coming or going. */
	s->soon = r < 0;
	if (r < 0)
		s->state = CT_STREAM_WAITING;
	if (s->state != CT_STREAM_WAITING) {
		ct_drop_fd(&s->watch);
		ct_log_stream_await_no_more(s);
	}
	return 0;
}

/* ---- preparing to wait ---- */

/* The eventfd by its edges: its counter is never read, since all readers share it. The stream is
 * looked at once after this, for what came before. */
static int watch_live(struct loop *l, size_t index, struct ct_err *err)
{
	struct ct_log_stream *s = &l->set->items[index];
	int r;

	if (s->watched || !s->connected)
		return 0;
	r = watch_fd(l, index, EV_WAKE, s->client.wake, EPOLLIN | EPOLLET, err);
	if (r == 0)
		r = watch_fd(l, index, EV_SOCK, s->client.sock, EPOLLIN, err);
	s->watched = r == 0;
	s->idle = false;
	return r;
}

static int watch_all(struct loop *l, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 0; i < l->set->count && r == 0; i++) {
		struct ct_log_stream *s = &l->set->items[i];

		if (s->state == CT_STREAM_WAITING && s->watch < 0)
			r = wait_for_start(l, i, err);
		if (r == 0 && s->state == CT_STREAM_LIVE)
			r = watch_live(l, i, err);
	}
	return r;
}

/* What has to be done next. */
struct outlook {
	bool any;			/* somebody is not done */
	bool more;			/* somebody has not been looked at */
	bool soon;			/* somebody's monitor does not answer yet */
	uint64_t flush;			/* CLOCK_MONOTONIC, when a line was held back long enough */
};

static bool holds_back(const struct ct_log_stream *s)
{
	return s->state == CT_STREAM_LIVE && s->by_lines && ct_lines_pending(&s->cutter);
}

static struct outlook look_out(const struct ct_log_set *set)
{
	struct outlook o = { .flush = UINT64_MAX };

	for (size_t i = 0; i < set->count; i++) {
		const struct ct_log_stream *s = &set->items[i];

		o.any = o.any || s->state != CT_STREAM_DONE;
		o.soon = o.soon || (s->state == CT_STREAM_WAITING && s->soon);
		o.more = o.more || (s->state == CT_STREAM_LIVE && !s->idle);
		if (holds_back(s) && s->quiet_since + set->patience < o.flush)
			o.flush = s->quiet_since + set->patience;
	}
	return o;
}

/* ---- time ---- */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t left(uint64_t until, uint64_t now)
{
	return until > now ? until - now : 0;
}

/* Milliseconds to wait, -1: for ever. Rounded up, or a wait that is too short would spin. Three
 * clocks: the end of a line's patience and --timeout are monotonic, --until is the wall's, which
 * may be set while we sleep. */
static int timeout_of(const struct loop *l, const struct outlook *o)
{
	const struct ct_log_set *set = l->set;
	uint64_t ns = UINT64_MAX, now = ct_now_monotonic();

	if (o->more)
		return 0;
	if (o->flush != UINT64_MAX)
		ns = left(o->flush, now);
	if (o->soon)
		ns = earlier(ns, RETRY_MS * MS);
	if (set->deadline && !l->timed_out)
		ns = earlier(ns, left(set->deadline, now));
	if (set->query->until != UINT64_MAX)
		ns = earlier(ns, left(set->query->until, ct_now_real()));
	if (ns == UINT64_MAX)
		return -1;
	/* A day at most: then there is another look at the clock. */
	return (int)earlier((ns + MS - 1) / MS, 86400000);
}

/* It is time: what is there is all. A limit for each that is still written: what is committed at
 * this moment is the last that is shown. */
static void stop_all(const struct ct_log_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct ct_log_stream *s = &set->items[i];

		if (s->stop)
			continue;
		s->stop = true;
		s->idle = false;
		if (s->state == CT_STREAM_WAITING)
			s->state = CT_STREAM_DONE;
		/* The payload may write faster than we read. */
		if (s->files)
			s->latest = ct_now_real();
		else if (s->connected && s->limit == UINT64_MAX)
			s->limit = atomic_load_explicit(&s->client.page->committed,
							memory_order_acquire);
	}
}

static void look_at_clocks(struct loop *l)
{
	const struct ct_log_set *set = l->set;

	if (set->deadline && ct_now_monotonic() >= set->deadline)
		l->timed_out = true;
	if (l->timed_out || ct_now_real() > set->query->until)
		stop_all(set);
}

/* A prompt has no newline and wants to be seen. patience is how long half a line is held back in
 * the hope of the rest. */
static void flush_quiet(const struct ct_log_set *set)
{
	uint64_t now = ct_now_monotonic();

	for (size_t i = 0; i < set->count; i++) {
		struct ct_log_stream *s = &set->items[i];

		if (holds_back(s) && now >= s->quiet_since + set->patience)
			ct_log_stream_flush(s);
	}
}

/* After everything that was there is handed out. */
static void note_quiet(const struct ct_log_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->items[i].fed)
			set->items[i].quiet_since = ct_now_monotonic();
		set->items[i].fed = false;
	}
}

/* ---- events ---- */

/* All that its monitor has to say to us is that it leaves. */
static void read_sock(struct loop *l, struct ct_log_stream *s)
{
	struct ct_message message;
	struct ct_err ignored;
	int r;

	do
		r = ct_client_receive(&s->client, &message, &ignored);
	while (r > 0);
	if (r == 0)
		return;
	epoll_ctl(l->epoll, EPOLL_CTL_DEL, s->client.sock, NULL);
	s->hung_up = true;
}

static int dispatch(struct loop *l, const struct epoll_event *event, struct ct_err *err)
{
	size_t index = (size_t)(event->data.u64 >> SOURCE_BITS);
	enum event_source source = event->data.u64 & ((1 << SOURCE_BITS) - 1);
	struct ct_log_stream *s = &l->set->items[index];

	/* A reader that has gone is noticed even while there is nothing to write. */
	if (source == EV_OUTPUT)
		return ct_fail_unread(err);
	/* An event of this batch may be of a descriptor that is closed by now. */
	switch (source) {
	case EV_SOCK:
		if (s->connected && s->watched && !s->hung_up)
			read_sock(l, s);
		break;
	case EV_WATCH:
	case EV_START:
		return s->watch >= 0 ? wait_for_start(l, index, err) : 0;
	case EV_WAKE:
	case EV_OUTPUT:
		break;
	}
	s->idle = false;
	return 0;
}

static int wait_for_events(struct loop *l, int timeout, struct ct_err *err)
{
	struct epoll_event events[MAX_EVENTS];
	int n = epoll_wait(l->epoll, events, MAX_EVENTS, timeout), r = 0;

	if (n < 0 && errno != EINTR)
		return ct_fail_errno(err, errno, "cannot wait for logs");
	for (int i = 0; i < n && r == 0; i++)
		r = dispatch(l, &events[i], err);
	return r;
}

/* ---- the loop ---- */

/* Nothing to hand out for now, or enough for once. After this comes ct_log_merge(), which hands out
 * whatever is there, in the order of time across all streams. */
static int turn(struct loop *l, struct outlook *ret_outlook, struct ct_err *err)
{
	struct ct_log_set *set = l->set;
	int r = set->pause ? set->pause(set->arg, err) : 0;

	if (r == 0)
		r = watch_all(l, err);
	*ret_outlook = look_out(set);
	if (r < 0 || !ret_outlook->any)
		return r;
	r = wait_for_events(l, timeout_of(l, ret_outlook), err);
	if (r < 0)
		return r;
	look_at_clocks(l);
	flush_quiet(set);
	for (size_t i = 0; i < set->count && ret_outlook->soon && r == 0; i++)
		if (set->items[i].state == CT_STREAM_WAITING && set->items[i].soon)
			r = wait_for_start(l, i, err);
	return r;
}

/* For errors alone; a regular file cannot be watched, and has no reader to lose. */
static void watch_output(const struct loop *l, int fd)
{
	struct epoll_event event = { .data.u64 = EV_OUTPUT };

	if (fd >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return;
}

int ct_log_follow(struct ct_log_set *set, struct ct_err *err)
{
	int ct_autofd epoll = epoll_create1(EPOLL_CLOEXEC);
	struct loop l = { .set = set, .epoll = epoll };
	struct outlook outlook = { .any = true };
	int r = 0;

	if (epoll < 0)
		return ct_fail_errno(err, errno, "cannot wait for logs");
	watch_output(&l, set->output);
	while (r == 0 && outlook.any) {
		r = ct_log_merge(set, err);
		note_quiet(set);
		if (r == 0)
			r = turn(&l, &outlook, err);
	}
	return r == 0 && l.timed_out ? CT_TIMED_OUT : r;
}
