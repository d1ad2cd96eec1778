/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the log of a container is read from. While somebody writes it: through a quiet, read-only
 * connection to the monitor, which hands out the segments, those in memory and those of a container
 * that removes itself (--rm), too. Later: from its directory.
 *
 * A container can end between the look at its state and the connection; then it is looked for
 * again. One that has not been started yet is waited for like a client that attaches: the start
 * finds us and hands our connection to the monitor, so that even a container that lives for a
 * millisecond and removes itself is read whole.
 *
 * With retry a stream that is done waits for the next run of its container, or for the next
 * container of that name, and comes here once more.
 *
 * Runs in the CLI with the caller's rights. What may fail: a container that does not exist, one
 * without a log, one whose monitor does not answer.
 *
 *    state of the container          where it is read from
 *    created, creating               wait (--follow, -F), or nothing there
 *    running, its driver in memory   the connection
 *    running, with files             the files; connected as well when it is followed
 *    ended                           the directory
 *    damaged, removed                an error that says so
 */
#include "logs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/states.h>

#define TRIES	5
#define PAUSE	10000000	/* ns before the next one, of a container that is being started */

/* Everything but what outlives a run of the container: the cutter's buffers, the watch, files that
 * are kept. */
void ct_log_stream_drop(struct ct_log_stream *stream)
{
	struct ct_log_stream *s = stream;

	if (!s->kept)
		ct_log_stream_close_files(s);
	if (s->connected)
		ct_client_close(&s->client);
	ct_drop_fd(&s->main);
	ct_container_close(&s->container);
	s->client = (struct ct_client)CT_CLIENT_INIT;
	s->connected = s->hung_up = s->watched = s->ended = s->flush = s->final = false;
	s->ready = s->idle = false;
	s->notice_due = s->cut = false;
	s->damaged = 0;
}

void ct_log_stream_close(struct ct_log_stream *stream)
{
	ct_log_stream_drop(stream);
	ct_lines_free(&stream->cutter);
	free(stream->frame);
	stream->frame = NULL;
	ct_drop_fd(&stream->watch);
	ct_log_stream_await_no_more(stream);
}

static bool is_unstarted(const struct ct_container *c)
{
	return c->state == CT_STATE_CREATED || c->state == CT_STATE_CREATING;
}

static bool is_running(const struct ct_container *c)
{
	return ct_state_is_live(c->state);
}

/* Files that have everything that was written before now, or will have it in a moment. */
static bool has_files(const struct ct_log_stream *s)
{
	const struct ct_container *c = &s->container;
	enum ct_log_file file = ct_log_file_of(&c->meta);

	/* journald may be behind, and not everybody may read what it keeps. */
	return file != CT_LOG_FILE_NONE && file != CT_LOG_FILE_JOURNALD &&
	       !(c->status.warnings & CT_WARN_MEMORY);
}

/* Nothing to read: an end, or something to wait for. */
static int open_nothing(struct ct_log_stream *s)
{
	bool wait = s->query->retry || s->query->await_start;

	ct_log_stream_drop(s);
	s->state = wait ? CT_STREAM_WAITING : CT_STREAM_DONE;
	s->late = wait;
	return 0;
}

static void open_main(struct ct_log_stream *s)
{
	if (s->container.dir >= 0)
		s->main = openat(s->container.dir, "main",
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_directory(struct ct_log_stream *s, struct ct_err *err)
{
	open_main(s);
	if (s->main >= 0)
		return ct_log_stream_open_files(s, err);
	if (s->container.state == CT_STATE_DAMAGED)
		return ct_state_refuse(&s->container, CT_ACT_LOGS, err);
	return ct_fail(err, ENOENT, "%s %s has no log any more",
		       ct_container_kind(&s->container), ct_container_label(&s->container));
}

/*
 * Nobody who answers: what is on disk can be read all the same by those who do not wait for more. A
 * monitor that does not answer will not for the next attempt, either.
 */
static int give_up(struct ct_log_stream *s, bool last, struct ct_err *err)
{
	if (!last && err->code != ETIMEDOUT)
		return 1;
	if (s->query->follow)
		return ct_wrap(err, "%s", s->name);
	ct_warn("%s: %s: what it has put on disk is shown", s->name, err->what);
	return open_directory(s, err);
}

/*
 * Started again at this moment: earlier runs are there to be read, and the monitor will answer. Who
 * waits for starts is found by this one or hears of it.
 */
static bool is_restarting(const struct ct_log_stream *s)
{
	return is_unstarted(&s->container) && s->container.status.state == CT_STATUS_STARTING &&
	       !s->query->retry && !s->query->await_start;
}

static bool is_none(const struct ct_log_stream *s)
{
	const char *driver = s->container.meta.log_driver;

	return driver && strcmp(driver, "none") == 0;
}

/* With "none" there is what is in memory, as long as it runs. No file tells runs apart: of the last
 * one the record knows when it began. */
static int check_driver(const struct ct_log_stream *s, struct ct_err *err)
{
	const struct ct_container *c = &s->container;

	if (s->query->run && s->query->run != -1 && ct_log_file_of(&c->meta) != CT_LOG_FILE_NONE) {
		ct_fail(err, EINVAL, "the log driver %s tells only the last run from the others",
			c->meta.log_driver);
		ct_hint(err, "-1");
		return ct_wrap(err, "--run");
	}
	if (ct_log_passes(&c->meta))
		return ct_fail(err, EINVAL,
			       "this container is using the 'passthrough' log driver, cannot "
			       "read logs");
	if (!is_none(s))
		return 0;
	if (s->query->retry || is_running(c) || is_unstarted(c))
		return 0;
	return ct_fail(err, EINVAL,
		       "this container is using the 'none' log driver, cannot read logs");
}

/* Those of another container are of no more use. */
static void drop_kept(struct ct_log_stream *s)
{
	if (s->kept && strcmp(s->id, s->container.meta.id) != 0)
		ct_log_stream_close_files(s);
}

/* 1: try again, it has changed meanwhile. FOREIGN: its monitor is in a pid namespace that we do not
 * see, so its end could not be waited for. */
static int open_source_once(struct ct_log_stream *s, struct ct_store *store,
			    struct ct_arena *arena, bool last, struct ct_err *err)
{
	int r;

	ct_log_stream_drop(s);
	r = ct_container_find(store, arena, s->name, &s->container, err);
	if (r < 0)
		return r;
	r = check_driver(s, err);
	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	drop_kept(s);
	if (s->container.state == CT_STATE_FOREIGN && s->query->await_start)
		return ct_state_refuse(&s->container, CT_ACT_LOGS, err);
	if (is_unstarted(&s->container) && !is_restarting(s))
		return 0;
	if (s->container.state != CT_STATE_CREATING &&
	    (!is_running(&s->container) || (has_files(s) && !s->query->follow)))
		return open_directory(s, err);
	r = ct_container_attach(store, &s->container, CT_HELLO_QUIET | CT_HELLO_READ_ONLY, 0, 0,
				&s->client, err);
	s->connected = r == 0;
	if (r < 0 && is_restarting(s) && r != -ETIMEDOUT) {
		/* Its socket is about to be there, or the start has just failed. */
		nanosleep(&(struct timespec){ .tv_nsec = PAUSE }, NULL);
		return last ? 0 : 1;
	}
	if (r < 0)
		return give_up(s, last, err);
	if (has_files(s))
		open_main(s);
	return s->main >= 0 ? ct_log_stream_open_files(s, err) : 0;
}

/* The source, or CT_STREAM_WAITING, or CT_STREAM_DONE when there is nothing. -ENOENT with --retry
 * is a container that will be there. */
static int open_source(struct ct_log_stream *s, struct ct_store *store, struct ct_arena *arena,
		       struct ct_err *err)
{
	int r = 1;

	for (int i = 1; r == 1; i++)
		r = open_source_once(s, store, arena, i == TRIES, err);
	if (r == -ENOENT && s->query->retry)
		return open_nothing(s);
	if (r < 0)
		return r;
	if (!s->connected && (s->main < 0 || is_none(s)))
		return open_nothing(s);
	s->state = CT_STREAM_LIVE;
	return 0;
}

/* In the order of what has most: files reach back further than memory. */
static int open_cursor(struct ct_log_stream *s, bool now, struct ct_err *err)
{
	struct ct_log_source source = s->files	   ? ct_log_files_source(s->files) :
				      s->connected ? ct_client_source(&s->client) :
				      s->journal   ? ct_log_journal_source(s->journal) :
						     ct_log_source_of_dir(s->main);
	int r = ct_cursor_open(&source, now ? CT_FROM_NOW : CT_FROM_OLDEST, &s->cursor, err);

	if (r < 0)
		return ct_wrap(err, "%s", s->name);
	s->open = true;
	/* Without follow the end is where it was when we came, however fast the payload writes. */
	s->limit = UINT64_MAX;
	if (s->connected && !s->query->follow && !s->files)
		s->limit = atomic_load_explicit(&s->client.page->committed, memory_order_acquire);
	return 0;
}

/* What it goes by from now on. */
static void note_names(struct ct_log_stream *s)
{
	const char *name = ct_container_label(&s->container);

	snprintf(s->short_id, sizeof(s->short_id), "%s", s->container.meta.id);
	snprintf(s->real_name, sizeof(s->real_name), "%s", name);
	s->label.tty = s->container.meta.tty;
}

/*
 * Did the last run end on a full disk? What the monitor still held then is in no file, nor a word
 * of it: only the record knows.
 */
static bool is_cut(const struct ct_log_stream *s)
{
	const struct ct_status *status = &s->container.status;

	/* A monitor that does not answer still holds what it holds. */
	if (s->connected || s->query->until != UINT64_MAX ||
	    (s->container.state != CT_STATE_STOPPED && s->container.state != CT_STATE_RESTARTING))
		return false;
	return status->state == CT_STATUS_EXITED ? status->log_unsaved > 0 :
						   (status->warnings & CT_WARN_MEMORY) != 0;
}

static int allocate(struct ct_log_stream *s, struct ct_err *err)
{
	/* A zero stands behind it, for those who take a line for a string (checkers do). */
	if (!s->frame)
		s->frame = calloc(1, CT_FRAME_MAX + 1);
	return s->frame ? 0 : ct_fail_nomem(err);
}

/* What has come since, or whatever the name stands for by now. The same container goes on where it
 * was left; another of that name begins at its beginning. */
static int seek_again(struct ct_log_stream *s, struct ct_err *err)
{
	int r;

	if (strcmp(s->id, s->container.meta.id) != 0) {
		s->run = s->only = s->resume = 0;
		return ct_log_stream_seek(s, err);
	}
	r = ct_log_stream_resume(s, err);
	return r == -ENOENT ? open_nothing(s) : r;
}

/* On where the files had ended. */
static int open_kept(struct ct_log_stream *s)
{
	if (!s->connected && !ct_log_files_more(s->files))
		return open_nothing(s);
	s->kept = false;
	ct_log_stream_note_files(s);
	s->limit = UINT64_MAX;
	s->cut = is_cut(s);
	return 0;
}

/* The place in a log whose source is open. */
static int open_place(struct ct_log_stream *s, struct ct_err *err)
{
	bool again = s->id[0], now;
	int r;

	note_names(s);
	s->by_lines = s->query->by_lines || (s->query->by_lines_unless_tty && !s->label.tty);
	if (s->kept)
		return open_kept(s);
	now = !s->late && s->query->tail && !s->query->lines && s->query->follow && s->connected;
	r = open_cursor(s, now, err);
	if (r == 0)
		r = again ? seek_again(s, err) : ct_log_stream_seek(s, err);
	if (r == 0)
		r = ct_log_stream_follow_files(s, err);
	if (r < 0)
		return r;
	if (s->state != CT_STREAM_LIVE)
		return 0;
	strcpy(s->id, s->container.meta.id);
	s->cut = is_cut(s);
	return 0;
}

int ct_log_stream_open(struct ct_log_stream *stream, struct ct_store *store,
		       struct ct_arena *arena, struct ct_err *err)
{
	int r = allocate(stream, err);

	if (r == 0)
		r = open_source(stream, store, arena, err);
	return r < 0 || stream->state != CT_STREAM_LIVE ? r : open_place(stream, err);
}

/* ---- before the start ---- */

void ct_log_stream_await_no_more(struct ct_log_stream *stream)
{
	ct_waiter_close(&stream->waiter);
	ct_container_close(&stream->starting);
	stream->starting = (struct ct_container)CT_CONTAINER_INIT;
}

/*
 * One with --rm may have been left by a monitor that was killed: its next run will be the last. And
 * with "none" a run is to be read while it lasts, or not at all.
 */
static bool may_start(const struct ct_container *c)
{
	bool passing = c->meta.remove ||
		       (c->meta.log_driver && !strcmp(c->meta.log_driver, "none"));

	return c->dir >= 0 &&
	       (c->state == CT_STATE_CREATED || (c->state == CT_STATE_STOPPED && passing));
}

/* The container is moved into the stream: its lock and descriptors must live as long as the waiter
 * that is in its directory. */
int ct_log_stream_await(struct ct_log_stream *stream, struct ct_store *store,
			struct ct_container *container, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	int r;

	if (s->waiter.listener >= 0 && container->dir >= 0 &&
	    !strcmp(s->starting.meta.id, container->meta.id))
		return 0;
	ct_log_stream_await_no_more(s);
	if (!may_start(container))
		return 0;
	r = ct_waiter_open(store, container, &s->waiter, err);
	/* Removed: the next look finds that, or another of that name. */
	if (r == -ESTALE) {
		*err = (struct ct_err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	/* There is a watch already, which sees more. */
	ct_drop_fd(&s->waiter.watch);
	s->starting = *container;
	*container = (struct ct_container)CT_CONTAINER_INIT;
	return 1;
}

/* 0: no connection yet, or that start has failed; 1: the stream is LIVE. */
int ct_log_stream_join(struct ct_log_stream *stream, struct ct_err *err)
{
	struct ct_log_stream *s = stream;
	int sock = ct_waiter_accept(&s->waiter), r;

	if (sock < 0)
		return 0;
	ct_log_stream_drop(s);
	/* It answers once the payload runs, however long that takes, or hangs up. */
	s->client.patience = UINT64_MAX;
	r = ct_client_hello(sock, CT_HELLO_QUIET | CT_HELLO_READ_ONLY, 0, 0, &s->client, err);
	s->connected = r == 0;
	if (r == 0) {
		s->container = s->starting;
		s->starting = (struct ct_container)CT_CONTAINER_INIT;
		s->client.fallback = openat(s->container.dir, "main",
					    O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		s->state = CT_STREAM_LIVE;
		s->late = true;
		drop_kept(s);
		/* Of this run alone memory is enough, and is there even where the file is
		 * removed. */
		if (s->query->retry)
			open_main(s);
		if (s->main >= 0)
			r = ct_log_stream_open_files(s, err);
		if (r == 0)
			r = open_place(s, err);
	}
	ct_log_stream_await_no_more(s);
	/* That start has failed: who started it has heard why. */
	if (r == -EPIPE || r == -ECONNRESET || r == -ECONNREFUSED)
		return 0;
	return r < 0 ? r : 1;
}
