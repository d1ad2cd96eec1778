/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach socket: made in the container's runtime directory before the payload starts, so that
 * nobody who has seen the container finds no socket, and taken away after its end.
 *
 * Runs in the monitor, with the user's rights. Bound through the directory's descriptor, so paths
 * of any length work. The directory is private and the peer's uid is checked all the same: somebody
 * may have opened the directory by force. May fail at the start (then nothing starts); later a full
 * descriptor table or a full house refuse a client in words, and never spin: what cannot even be
 * refused waits for the timer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/adopt.h>
#include <cattach/fd.h>
#include <cattach/io.h>

#include "monitor.h"

#define SOCKET_NAME	"attach"
#define BACKLOG		128
#define BURST		32	/* connections before others get a turn */

/* ---- making ---- */

static int make_socket(int dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t ct_autoumask before = umask(077);

	if (sock < 0)
		return -errno;
	/* What lies there was left by a monitor that was killed: the container's lock is ours. */
	if (unlinkat(dir, SOCKET_NAME, 0) < 0 && errno != ENOENT)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" SOCKET_NAME, dir);
	if (bind(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sock, BACKLOG) < 0)
		return -errno;
	return ct_take_fd(&sock);
}

int ct_listen_open(struct monitor *m, struct ct_err *err)
{
	int sock;

	m->runtime = m->config->runtime;
	if (m->runtime < 0)
		return 0;
	sock = make_socket(m->runtime);
	if (sock < 0) {
		ct_fail_errno(err, -sock, "cannot make the attach socket in the runtime directory");
		return ct_hint(err, "see the place named by XDG_RUNTIME_DIR");
	}
	m->listener = sock;
	m->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return 0;
}

static void watch(struct monitor *m, bool on)
{
	if (m->listener < 0 || m->listening == on)
		return;
	m->listening = on;
	if (on)
		ct_monitor_watch(m, m->listener, SRC_LISTEN, EPOLLIN);
	else
		ct_monitor_unwatch(m, m->listener);
}

bool ct_listen_resume(struct monitor *m)
{
	watch(m, true);
	return true;
}

/* ---- accepting ---- */

static void send_away(const struct monitor *m, int fd, const char *text)
{
	struct ct_message message = { .type = CT_MSG_ERROR, .data = (const uint8_t *)text,
				      .size = strlen(text) };
	uint8_t record[CT_ATTACH_HEADER + 128];
	ssize_t n = ct_message_encode(&message, record);

	if (m->config->tagged)
		ct_tagged_send(fd, CT_TAG_STDERR, text, strlen(text));
	else
		ct_send_fds(fd, record, (size_t)n, NULL, 0, MSG_DONTWAIT);
	ct_client_hang_up(fd);
}

static bool is_allowed(struct monitor *m, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0))
		return true;
	m->warnings |= CT_WARN_STRANGER;
	return false;
}

static int accept_one(const struct monitor *m)
{
	int fd = accept4(m->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	return fd < 0 ? -errno : fd;
}

static bool is_full(int code)
{
	return code == -EMFILE || code == -ENFILE;
}

/* No descriptor is left: the one in reserve is enough to say so. */
static int refuse_one(struct monitor *m)
{
	int fd;

	ct_drop_fd(&m->reserve);
	fd = accept_one(m);
	if (fd >= 0)
		send_away(m, fd, "the monitor has no descriptor left for another client");
	m->reserve = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? fd : 0;
}

static void take_in(struct monitor *m, int fd)
{
	if (!is_allowed(m, fd))
		send_away(m, fd, "permission denied: the container belongs to somebody else");
	else if (m->client_count >= CT_ATTACH_MAX_CLIENTS)
		send_away(m, fd, "1024 clients are attached already, and that is all there is room for");
	else
		ct_client_add(m, fd);
}

/* At most BURST of them: may there be more? */
static bool accept_some(struct monitor *m)
{
	for (int i = 0; i < BURST; i++) {
		int fd = accept_one(m);

		if (fd >= 0) {
			take_in(m, fd);
			continue;
		}
		if (is_full(fd) && m->reserve >= 0)
			fd = refuse_one(m);
		if (fd == 0 || fd == -EINTR || fd == -ECONNABORTED)
			continue;
		if (fd == -EAGAIN)
			return false;
		/* It stays readable: looked at again by the timer, or this would spin. */
		watch(m, false);
		ct_monitor_tick(m, true);
		return false;
	}
	return true;
}

void ct_listen_ready(struct monitor *m)
{
	if (m->listener >= 0)
		accept_some(m);
}

/* ---- taking it away ---- */

static void forget_socket(struct monitor *m)
{
	/* Who has connected already is let in. */
	for (int i = 0; i <= BACKLOG / BURST && accept_some(m); i++)
		continue;
	watch(m, false);
	ct_drop_fd(&m->listener);
}

void ct_listen_close(struct monitor *m)
{
	if (m->listener < 0)
		return;
	forget_socket(m);
	ct_drop_fd(&m->reserve);
	if (unlinkat(m->runtime, SOCKET_NAME, 0) < 0)
		return;
}

void ct_listen_again(struct monitor *m)
{
	int dir, sock;

	if (m->exited || !m->config->remake)
		return;
	dir = m->config->remake(m->config->arg);
	sock = dir < 0 ? dir : make_socket(dir);
	if (sock < 0) {
		m->warnings |= CT_WARN_SOCKET;
		ct_fd_close(dir);
		return;
	}
	m->warnings &= ~CT_WARN_SOCKET;
	forget_socket(m);
	/* The one from the start belongs to the caller. */
	if (m->runtime != m->config->runtime)
		ct_fd_close(m->runtime);
	m->runtime = dir;
	m->listener = sock;
	watch(m, true);
}
