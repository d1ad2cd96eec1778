/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching to a container that was created and not started yet, or is just starting.
 *
 * We wait for a connection from whoever starts it (ct_waiter_open()), for a change of the container
 * and for signals, without looking at a clock. Normally the connection comes, and with it all there
 * will ever be. Only when somebody had begun to start it before we were ready to be found, there is
 * a change but no connection: then we attach as to any running container, from the beginning of the
 * run, or show the log of a run that is over already.
 *
 * Runs in the CLI with the caller's rights. A start takes as long as it takes (hooks, a file system
 * that does not answer): only signals end the waiting. One that fails leaves the container created
 * and us waiting; a container that is removed, or was started again in vain, ends it with an error.
 *
 *    poll: listener                 inotify on the container        signals
 *     connection: from the start,   changed: running -> attach      ours: nothing runs yet
 *     the first byte on             ended -> show it, removed -> error
 */
#include "attach_wait.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "cli.h"

struct waiting {
	struct ct_store *store;
	struct ct_arena *arena;
	struct ct_container *container;
	const struct ct_follow_plan *plan;
	struct ct_waiter waiter;
	const char *name;		/* by which it is found again */
	uint64_t since;			/* ns since the epoch: runs before are not what we wait for */
	int signals;
};

#define GO_ON (-1)		/* no exit code and no error: wait on */

/* A signal that has come, or 0. */
static int pending_signal(const struct waiting *w)
{
	struct signalfd_siginfo info;

	if (read(w->signals, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return 0;
	return (int)info.ssi_signo;
}

/* ---- it has started without us ---- */

/* The run is over: its log, from its beginning, and its exit code. The directory "main" has the log
 * of the container's payload, its sessions have others. O_PATH: the cursor opens files in it and
 * never lists it. */
static int show_ended(const struct waiting *w, struct ct_err *err)
{
	int ct_autofd dir = openat(w->container->dir, "main",
				   O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_log_source source;
	int code, r;

	/* It has run, and removed itself. */
	if (dir < 0 && errno == ENOENT)
		return ct_fail(err, ENOENT, "container %s has been removed meanwhile",
			       w->plan->how.name);
	if (dir < 0)
		return ct_fail_errno(err, errno, "cannot open the log of container %s",
				     w->plan->how.name);
	source = ct_log_source_of_dir(dir);
	r = ct_cursor_open(&source, CT_FROM_RUN, &cursor, err);
	if (r == 0)
		r = ct_foreground_show(&cursor, &w->plan->how, err);
	ct_cursor_close(&cursor);
	if (r != 0)
		return r;
	r = ct_container_wait(w->container, &code, err);
	return r < 0 ? r : code;
}

static int connect_to(const struct waiting *w, struct ct_client *client, struct ct_err *err)
{
	const struct ct_follow_plan *plan = w->plan;

	return ct_container_attach(w->store, w->container, plan->hello, plan->rows, plan->columns, client,
				   err);
}

static int attach_running(const struct waiting *w, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;

	return connect_to(w, &client, err) < 0 ? -err->code : ct_follow_run(&client, w->plan, err);
}

/* Its monitor listens before it starts anything, and answers when that runs. Where there is no
 * monitor yet, or the start has failed, there is to be waited as for any other: GO_ON. */
static int attach_starting(const struct waiting *w, int *ret_code, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_err ignored = { 0 };
	int number, r;

	*ret_code = GO_ON;
	client.patience = UINT64_MAX;
	client.interrupt = w->signals;
	r = connect_to(w, &client, &ignored);
	number = r == -EINTR ? pending_signal(w) : 0;
	if (number)
		*ret_code = CT_EXIT_SIGNAL_BASE + number;
	if (r < 0)
		return 0;
	r = ct_follow_run(&client, w->plan, err);
	*ret_code = r;
	return r < 0 ? r : 0;
}

/* Look at the container anew; GO_ON while it is still to be started. The name may mean another
 * container by now; the id means this one. */
static int look_again(struct waiting *w, int *ret_code, struct ct_err *err)
{
	struct ct_container now = CT_CONTAINER_INIT;
	bool ended, before;
	int r = ct_container_find(w->store, w->arena, w->name, &now, err);

	*ret_code = GO_ON;
	if (r == -ENOENT)
		return ct_fail(err, ENOENT, "%s %s %s", ct_container_kind(w->container),
			       w->plan->how.name,
			       w->since ? "has been removed meanwhile" : "was removed before it was started");
	if (r < 0)
		return r;
	ct_container_close(w->container);
	*w->container = now;
	if (now.state == CT_STATE_CREATED || now.state == CT_STATE_CREATING)
		return 0;
	ended = now.state == CT_STATE_STOPPED;
	/* It could not be started again: that is not its end. */
	before = ended && now.status.started < w->since;
	r = ended && !before ? show_ended(w, err) : attach_running(w, err);
	/* it may have ended in between */
	if (r == -ESRCH && !before)
		r = show_ended(w, err);
	*ret_code = r;
	return r < 0 ? r : 0;
}

/* ---- it starts with us ---- */

/* A connection, if there is one: follow it. GO_ON when there is none, or the start has failed. A
 * waiter serves one start: a failed one needs another, made before the next look at the state so
 * that no start falls between. */
static int take_connection(struct waiting *w, int *ret_code, struct ct_err *err)
{
	int sock = ct_waiter_accept(&w->waiter);
	struct ct_err failure = { 0 };
	int number, r;

	*ret_code = GO_ON;
	if (sock < 0)
		return 0;
	r = ct_follow_starting(sock, w->signals, w->plan, &failure);
	number = r == -EINTR ? pending_signal(w) : 0;
	if (number) {
		*ret_code = CT_EXIT_SIGNAL_BASE + number;
		return 0;
	}
	/* The other end went before it ever was a monitor: whoever started it has heard why. */
	if (r == -EPIPE || r == -ECONNRESET || r == -ECONNREFUSED) {
		ct_waiter_close(&w->waiter);
		return ct_waiter_open(w->store, w->container, &w->waiter, err);
	}
	if (r < 0) {
		*err = failure;
		return r;
	}
	*ret_code = r;
	return 0;
}

/* ---- waiting ---- */

/* Nothing runs that a signal could be meant for but us. */
static int open_signals(struct waiting *w, struct ct_err *err)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(&set, ours[i]);
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (w->signals < 0)
		return ct_fail_errno(err, errno, "cannot wait for signals");
	return 0;
}

/* Signals first: who asks us to end is not kept by a container that is changed all the time. */
static int wait_once(struct waiting *w, int *ret_code, struct ct_err *err)
{
	struct pollfd ready[] = {
		{ .fd = w->waiter.listener, .events = POLLIN },
		{ .fd = w->waiter.watch, .events = POLLIN },
		{ .fd = w->signals, .events = POLLIN },
	};
	int number, r;

	if (poll(ready, 3, -1) < 0 && errno != EINTR)
		return ct_fail_errno(err, errno, "cannot wait for the start");
	number = ready[2].revents ? pending_signal(w) : 0;
	if (number) {
		*ret_code = CT_EXIT_SIGNAL_BASE + number;
		return 0;
	}
	ct_waiter_drain(&w->waiter);
	r = take_connection(w, ret_code, err);
	if (r < 0 || *ret_code != GO_ON)
		return r;
	return look_again(w, ret_code, err);
}

/* For people, who would otherwise wonder; what reads our stderr gets nothing but the
 * container's. */
static void say_waiting(const char *name)
{
	char line[256];
	int n = snprintf(line, sizeof(line), "waiting for %s to be started\n", name);

	if (isatty(STDERR_FILENO) && ct_write_all(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static int wait_for_start(struct waiting *w, struct ct_err *err)
{
	int code = GO_ON;
	/* It may have been started before we could be found. */
	int r = look_again(w, &code, err);

	if (r == 0 && code == GO_ON)
		say_waiting(w->plan->how.name);
	while (r == 0 && code == GO_ON)
		r = wait_once(w, &code, err);
	return r < 0 ? r : code;
}

int ct_attach_created(struct ct_store *store, struct ct_arena *arena,
		      struct ct_container *container, uint64_t since,
		      const struct ct_follow_plan *plan, struct ct_err *err)
{
	struct waiting w = {
		.store = store, .arena = arena, .container = container, .plan = plan,
		.waiter = CT_WAITER_INIT, .name = container->meta.id, .since = since, .signals = -1,
	};
	int code = GO_ON, r;

	if (container->session_of)
		w.name = ct_arena_printf(arena, "%s/%s", container->session_of, container->meta.id);
	if (!w.name)
		return ct_fail_nomem(err);
	ct_foreground_block(plan->how.sig_proxy);
	r = open_signals(&w, err);
	if (r == 0 && since)
		r = attach_starting(&w, &code, err);
	if (r == 0 && code == GO_ON)
		r = ct_waiter_open(store, container, &w.waiter, err);
	if (r == 0)
		r = code == GO_ON ? wait_for_start(&w, err) : code;
	ct_waiter_close(&w.waiter);
	ct_fd_close(w.signals);
	return r;
}
