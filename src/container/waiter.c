/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that wait for a container's start, and the start that takes them along.
 *
 * The one who waits listens on a socket "wait.XXXXXXXX" in the container's runtime directory. The
 * one who starts connects to all of those before the monitor is forked and gives it the
 * connections, so they are clients before the payload writes its first byte. Who waits says HELLO
 * as soon as it is connected; the start gives everybody together a second for that and then goes
 * on: a stopped process must not keep a container from running. A socket that nobody listens on any
 * more is removed by whoever finds it.
 *
 * Runs in commands, as the user; only processes of the same user get into the directory (0700).
 * Paths go through /proc/self/fd, because a socket's address has room for 107 bytes only.
 *
 *   waiter                              starter
 *     bind, listen wait.XXXXXXXX
 *     watch the directory               find wait.*, connect to each
 *     accept, HELLO             ----->  (the monitor has the connection by then)
 *     remove wait.XXXXXXXX              fork the monitor
 */
#include "waiter.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/container.h>
#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "record.h"
#include "store.h"

#define PREFIX		"wait."
#define TRIES		10
#define HELLO_TIME	CT_SECOND	/* for all waiters together */
#define CHANGES		(IN_MODIFY | IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_TO)
#define REMOVALS	(IN_DELETE | IN_MOVED_FROM)

static struct sockaddr_un address_of(int dir, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir, name);
	return address;
}

/* ---- the one who waits ---- */

/* A backlog of one: there is one starter, whom the lock has let through. */
static int make_listener(struct ct_waiter *w)
{
	struct sockaddr_un address;
	unsigned number;

	if (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		return -errno;
	snprintf(w->name, sizeof(w->name), PREFIX "%08x", number);
	address = address_of(w->dir, w->name);
	w->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (w->listener < 0)
		return -errno;
	if (bind(w->listener, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int code = errno;

		w->name[0] = '\0';
		return -code;
	}
	return listen(w->listener, 1) < 0 ? -errno : 0;
}

static int add_watch(struct ct_waiter *w, int dir, uint32_t what)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return inotify_add_watch(w->watch, path, what) < 0 ? -errno : 0;
}

/* The end of a directory is told to those who watch it only once nobody has it open, and we have:
 * so the one above is watched for that. */
static int make_watch(struct ct_waiter *w, int dir, int above)
{
	int r;

	w->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->watch < 0)
		return -errno;
	r = add_watch(w, dir, CHANGES);
	return r < 0 ? r : add_watch(w, above, REMOVALS);
}

/* The directory is made, and others take it away when it is empty: the monitor of a run that is
 * just ending, whoever removes the container. */
static int open_listener(struct ct_store *store, const struct ct_container *c, struct ct_waiter *w,
			 struct ct_err *err)
{
	int r = -ENOENT;

	for (int i = 0; r == -ENOENT && i < TRIES; i++) {
		ct_drop_fd(&w->listener);
		ct_drop_fd(&w->dir);
		w->dir = ct_store_runtime(store, c->meta.id, true, err);
		if (w->dir < 0)
			return w->dir;
		r = make_listener(w);
	}
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot wait for the start of container %s",
				     ct_container_label(c));
	snprintf(w->id, sizeof(w->id), "%s", c->meta.id);
	w->above = fcntl(store->runtime, F_DUPFD_CLOEXEC, 3);
	w->container = fcntl(c->dir, F_DUPFD_CLOEXEC, 3);
	return w->above < 0 || w->container < 0 ? ct_fail_errno(err, errno, "cannot wait") : 0;
}

/* A directory that was removed has no links left, whoever still has it open. */
static bool is_gone(const struct ct_waiter *w)
{
	struct stat st;

	return w->container >= 0 && fstat(w->container, &st) == 0 && st.st_nlink == 0;
}

/* -ESTALE: removed. Listening comes before the watch and the caller's look: whoever starts it after
 * that look has found us. */
int ct_waiter_open(struct ct_store *store, const struct ct_container *container,
		   struct ct_waiter *ret_waiter, struct ct_err *err)
{
	struct ct_waiter w = CT_WAITER_INIT;
	int r = open_listener(store, container, &w, err);

	if (r == 0) {
		r = make_watch(&w, container->dir, store->containers);
		if (r < 0)
			ct_fail_errno(err, -r, "cannot wait for the start of container %s",
				      ct_container_label(container));
	}
	/* Who has removed it has looked for us before we were there. */
	if (r == 0 && is_gone(&w))
		r = ct_fail(err, ESTALE, "container %s has been removed meanwhile",
			    ct_container_label(container));
	if (r < 0) {
		ct_waiter_close(&w);
		return r;
	}
	*ret_waiter = w;
	return 0;
}

static void remove_socket(struct ct_waiter *waiter)
{
	if (waiter->name[0] && unlinkat(waiter->dir, waiter->name, 0) < 0)
		return;
	waiter->name[0] = '\0';
}

/* -EAGAIN when nobody has connected: the listener does not wait. */
int ct_waiter_accept(struct ct_waiter *waiter)
{
	int fd = accept4(waiter->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return -errno;
	/* The monitor takes its directory away when it ends, and can do so only when it is
	 * empty. */
	remove_socket(waiter);
	return fd;
}

/* Changes are not told apart: each means "look again". */
void ct_waiter_drain(struct ct_waiter *waiter)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(waiter->watch, events, sizeof(events)) > 0)
		;
}

void ct_waiter_close(struct ct_waiter *waiter)
{
	remove_socket(waiter);
	/* Nobody else comes back to it; those who wait besides have their sockets there. */
	if (is_gone(waiter) && unlinkat(waiter->above, waiter->id, AT_REMOVEDIR) < 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_STATE, "its runtime directory stays");
	ct_drop_fd(&waiter->listener);
	ct_drop_fd(&waiter->watch);
	ct_drop_fd(&waiter->dir);
	ct_drop_fd(&waiter->above);
	ct_drop_fd(&waiter->container);
}

/* ---- the one who starts ---- */

struct gathering {
	int *fds;
	size_t count;
};

static int connect_one(int dir, const char *name, unsigned char type, void *arg)
{
	struct sockaddr_un address = address_of(dir, name);
	struct gathering *g = arg;
	int ct_autofd fd = -1;

	if (type != DT_SOCK || strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		/* whoever listened there was killed */
		if (errno == ECONNREFUSED && unlinkat(dir, name, 0) < 0)
			return 0;
		return 0;
	}
	g->fds[g->count++] = ct_take_fd(&fd);
	return g->count == CT_WAITERS_MAX;
}

/* Until all of them have said something, or the time is up. */
static void await_hello(const int *fds, size_t count)
{
	uint64_t limit = ct_now_monotonic() + HELLO_TIME;

	for (size_t i = 0; i < count; i++) {
		struct pollfd one = { .fd = fds[i], .events = POLLIN };
		uint64_t now = ct_now_monotonic();

		/* interrupted: one that comes late is still a client, from where it comes on */
		if (now >= limit || poll(&one, 1, (int)((limit - now) / 1000000) + 1) < 0)
			return;
	}
}

/* In the start, before the monitor is forked. */
size_t ct_waiters_connect(int runtime, int fds[CT_WAITERS_MAX])
{
	struct gathering g = { .fds = fds };

	/* A directory that cannot be read has nobody who could be heard. */
	if (runtime < 0 || ct_each_entry(runtime, connect_one, &g) < 0)
		return g.count;
	await_hello(fds, g.count);
	return g.count;
}
