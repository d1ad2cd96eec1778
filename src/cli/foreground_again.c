/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one run of a container to its next: the foreground stays when a keeper starts the container
 * again, with its terminal as it is, its detach keys and its place in the log.
 *
 * As soon as the run is over we listen as those do who wait for a first start (ct_waiter_open()),
 * so that the next monitor has us from its first byte on, although our own output may have hours to
 * go. What wakes us then is a connection, a change of the keeper's record, or its end: nothing is
 * asked for again and again. The log of all runs is one, and our cursor goes on in it; only where
 * the log is in memory alone a new cursor begins with the run.
 *
 * Runs in the CLI with the caller's rights. May fail: descriptors, the limits of inotify. A signal
 * that ends the container's policy (as by "kill") ends that here, and then us; a second one, or
 * another that asks to end (a hang-up), us alone.
 *
 *    the run ends (page EXITED)
 *      ct_follow_expect()  listen, while our output is still behind
 *      ct_follow_again()   everything shown: let go of the last monitor, wait
 *        take_connection()   the starter has found us            -> go_on()
 *        attach()            it runs, and had begun before       -> go_on()
 *        tell()              it waits for its delay: say so
 *        show_rest()         nothing starts it any more: what later runs have left
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "follow.h"

#define MS		1000000u
#define LOOK_AGAIN	2

void ct_follow_expect_no_more(struct ct_follow *f)
{
	ct_waiter_close(&f->waiter);
	ct_drop_fd(&f->rest);
}

/* Its state now; the container of the caller stays as it is. */
static enum ct_state look(const struct ct_follow *f)
{
	struct ct_container now = *f->how->container;	/* borrows the descriptors, is never closed */
	struct ct_err ignored;

	return ct_container_look(&now, &ignored) < 0 ? CT_STATE_DAMAGED : now.state;
}

/* Its next run is to come, or there already: we may have been slow. CREATING is a start that
 * somebody has begun; DAMAGED or removed is no next run. */
static bool goes_on(enum ct_state state)
{
	return state == CT_STATE_RESTARTING || state == CT_STATE_CREATING ||
	       state == CT_STATE_RUNNING || state == CT_STATE_PAUSED;
}

/* -ESTALE: the directory that we hold is no longer that of its name. */
static int listen_for_next(struct ct_follow *f, struct ct_err *err)
{
	int r = ct_waiter_open(f->how->store, f->how->container, &f->waiter, err);

	/* Removed: nothing is going to start it. */
	if (r == -ESTALE) {
		*err = (struct ct_err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	r = ct_follow_watch(f, f->waiter.listener, CT_FOLLOW_NEXT, EPOLLIN);
	if (r == 0)
		r = ct_follow_watch(f, f->waiter.watch, CT_FOLLOW_NEXT, EPOLLIN | EPOLLET);
	return r < 0 ? ct_fail_errno(err, -r, "cannot wait for the next start") : 0;
}

/* Can it still be connected to, or has it been, by a start that came before we were done? */
static bool is_listening(const struct ct_follow *f)
{
	struct pollfd one = { .fd = f->waiter.listener, .events = POLLIN };

	return f->waiter.listener >= 0 && (f->waiter.name[0] || poll(&one, 1, 0) > 0);
}

int ct_follow_expect(struct ct_follow *f, struct ct_err *err)
{
	const struct ct_foreground *how = f->how;

	if (!f->client || !how->store || !how->container || is_listening(f) ||
	    !ct_container_has_keeper(how->container))
		return 0;
	ct_waiter_close(&f->waiter);
	return goes_on(look(f)) ? listen_for_next(f, err) : 0;
}

/* ---- what the user is told ---- */

static void put_delay(char *buf, size_t size, uint64_t ns)
{
	unsigned ms = (unsigned)(ns / MS);

	if (ms < 1000)
		snprintf(buf, size, "%u ms", ms);
	else if (ms < 10000 && ms % 1000)
		snprintf(buf, size, "%u.%u s", ms / 1000, ms % 1000 / 100);
	else
		snprintf(buf, size, "%u s", ms / 1000);
}

/* The payload's last line may be unfinished; on a terminal that is raw a line begins with \r. Once
 * for each try: the record counts them, and a wake-up may be for something else. */
static void tell(struct ct_follow *f)
{
	struct ct_keeper_record record;
	struct ct_err ignored;
	const char *start = "", *end = "\n";
	char delay[32], line[1024];
	int n;

	if (ct_keeper_record_read(f->how->container->dir, &record, &ignored) < 0 ||
	    record.phase != CT_KEEPER_WAITING || record.restarts == f->told)
		return;
	f->told = record.restarts;
	put_delay(delay, sizeof(delay), record.delay);
	if (f->terminal.fd >= 0) {
		start = "\r\n";
		end = "\r\n";
	}
	if (record.error[0])
		n = snprintf(line, sizeof(line),
			     "%s%s could not be started again: %s; it is tried again in %s%s",
			     start, f->how->name, record.error, delay, end);
	else if (f->gone)
		n = snprintf(line, sizeof(line),
			     "%s%s has ended, nobody knows how; it is started again in %s%s", start,
			     f->how->name, delay, end);
	else
		n = snprintf(line, sizeof(line), "%s%s exited with %d; it is started again in %s%s",
			     start, f->how->name, f->code, delay, end);
	if (ct_write_all(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

/* ---- the next run ---- */

/* Are all runs in it, or is it the memory of one monitor? */
static bool is_kept(const struct ct_cursor *cursor)
{
	return cursor->segment.data >= 0 && !(cursor->header.flags & CT_SEGMENT_MEMORY);
}

/* The client of the next run takes the place of the last one's, where the cursor's source expects
 * it. */
static int go_on(struct ct_follow *f, const struct ct_client *client, struct ct_err *err)
{
	struct ct_log_source source;
	int r = 0;

	*f->client = *client;
	source = ct_client_source(f->client);
	if (is_kept(f->cursor)) {
		f->cursor->source = source;
	} else {
		ct_cursor_close(f->cursor);
		r = ct_cursor_open(&source, CT_FROM_RUN, f->cursor, err);
	}
	if (r == 0 && ct_follow_watch_client(f) < 0)
		r = ct_fail_errno(err, errno, "cannot follow the next run");
	f->connected = r == 0;
	f->over = f->gone = f->waiting = f->stopped = false;
	f->client->room = false;
	f->result = -1;
	ct_follow_resume_input(f);
	return r < 0 ? r : 1;
}

/* The other end has gone, or is not there yet: in both cases another look tells more than the
 * error. */
static bool is_absent(int r)
{
	return r == -EPIPE || r == -ECONNRESET || r == -ECONNREFUSED || r == -ENOENT ||
	       r == -ESRCH || r == -EBUSY || r == -EAGAIN;
}

/* Whoever starts it has connected to us: 1. 0: not yet; LOOK_AGAIN: that start has failed. */
static int take_connection(struct ct_follow *f, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;
	uint16_t rows = 0, columns = 0;
	int sock = ct_waiter_accept(&f->waiter), r;

	if (sock < 0)
		return 0;
	/* It answers once the payload runs, however long that takes, or hangs up. */
	client.patience = UINT64_MAX;
	client.interrupt = f->signals;
	if (f->how->resize && !ct_terminal_caller_size(&rows, &columns))
		rows = columns = 0;
	r = ct_client_hello(sock, f->how->hello, rows, columns, &client, err);
	/* The waiter stays: the start after that one may be in its queue already. */
	client.patience = 0;
	client.interrupt = -1;
	if (r == 0)
		return go_on(f, &client, err);
	/* After a signal that did not end us it is attached to when it runs. */
	if (!is_absent(r) && r != -EINTR)
		return r;
	/* A listener serves one start; what has happened before the next one is there nobody
	 * tells. */
	ct_waiter_close(&f->waiter);
	r = listen_for_next(f, err);
	return r < 0 ? r : LOOK_AGAIN;
}

/* It had begun to start before we listened. */
static int attach(struct ct_follow *f, struct ct_err *err)
{
	struct ct_container now = *f->how->container;
	struct ct_client client = CT_CLIENT_INIT;
	uint16_t rows = 0, columns = 0;
	int r = ct_container_look(&now, err);

	if (f->how->resize && !ct_terminal_caller_size(&rows, &columns))
		rows = columns = 0;
	if (r == 0)
		r = ct_container_attach(f->how->store, &now, f->how->hello, rows, columns, &client,
					err);
	if (r < 0)
		return is_absent(r) ? 0 : r;
	return go_on(f, &client, err);
}

/* 1 when we follow the next run, 0 when it is still to come, or will not (then *ret_over). Drained
 * before the look: what changes after it raises the watch again. */
static int look_for_next(struct ct_follow *f, bool *ret_over, struct ct_err *err)
{
	enum ct_state state;
	int r;

	do {
		ct_waiter_drain(&f->waiter);
		/* In this order: what runs has connected to us before, if it knew of us. */
		state = look(f);
		r = take_connection(f, err);
	} while (r == LOOK_AGAIN);
	if (r != 0)
		return r;
	if (state == CT_STATE_RUNNING || state == CT_STATE_PAUSED)
		return attach(f, err);
	*ret_over = !goes_on(state);
	if (!*ret_over)
		tell(f);
	return 0;
}

static int await(struct ct_follow *f, struct ct_err *err)
{
	bool over = false;
	int r = 0;

	while (r == 0 && f->result < 0) {
		r = look_for_next(f, &over, err);
		if (r == 0 && over)
			break;
		if (r == 0)
			r = ct_follow_turn(f, err);
	}
	return r;
}

/*
 * Nothing is started any more. Slower than the container, we may not have come to its last runs:
 * what they have written is read from its directory, and how it ended is in its status. 1 if so.
 */
static int show_rest(struct ct_follow *f)
{
	struct ct_container now = *f->how->container;
	struct ct_err ignored;

	if (ct_container_look(&now, &ignored) == 0 && now.status.state == CT_STATUS_EXITED)
		f->code = ct_exit_code(&now.status.exit);
	f->result = f->code;
	f->rest = openat(now.dir, "main", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (f->rest < 0 || !is_kept(f->cursor))
		return 0;
	f->cursor->source = ct_log_source_of_dir(f->rest);
	f->client = NULL;
	f->gone = false;
	f->result = -1;
	return 1;
}

/* 1 when there is another run to follow, 0 when we are through (f->result says with what). */
int ct_follow_again(struct ct_follow *f, struct ct_err *err)
{
	int r;

	if (!f->how->container || !ct_container_has_keeper(f->how->container))
		return 0;
	r = ct_follow_expect(f, err);
	if (r < 0)
		return r;
	/* Its monitor waits for us to go, and its keeper for the monitor. */
	f->connected = false;
	ct_client_close(f->client);
	f->code = f->result;
	f->result = -1;
	f->waiting = true;
	ct_follow_hold_input(f);
	if (f->waiter.listener >= 0)
		r = await(f, err);
	if (r != 0)
		return r;
	f->waiting = false;
	/* Else by a signal or the detach keys. */
	return f->result < 0 ? show_rest(f) : 0;
}
