/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients that speak conmon's frames: what they are sent has a byte in front that says of which
 * stream it is, what they send is stdin and nothing else. Their coming, stdin and going.
 *
 * Runs in the monitor. Sockets never block. A record that the payload's stdin does not take at once
 * stays in the client's socket: it is looked at in pieces and taken out when all of it is written, so
 * that records of any size arrive whole, and a client with stdin that nobody reads holds up itself
 * alone. A socket that is neither to be read nor written is watched for its hang-up by edges, or that
 * would be told again and again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cattach/adopt.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "monitor.h"

#define BURST	32	/* pieces of one client before others get a turn */

int ct_tagged_send(int fd, int tag, const void *data, size_t size)
{
	uint8_t byte = (uint8_t)tag;
	struct iovec iov[] = {
		{ .iov_base = &byte, .iov_len = 1 },
		{ .iov_base = (void *)data, .iov_len = size },
	};
	struct msghdr message = { .msg_iov = iov, .msg_iovlen = 2 };

	return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

void ct_tagged_watch(struct monitor *m, struct client *c)
{
	union event_ref ref = {
		.source = SRC_CLIENT,
		.slot = (uint16_t)ct_client_slot(m, c),
		.generation = c->generation,
	};
	struct epoll_event event = { .data.u64 = ref.u64 };

	if (!ct_client_connected(c))
		return;
	if (c->credit && !c->eof)
		event.events |= EPOLLIN;
	if (!c->deaf && ct_tagged_behind(m, c))
		event.events |= EPOLLOUT;
	if (!event.events)
		event.events = EPOLLET;
	/* The bits of both fit into what others use for what they are owed. */
	if (c->owes == (event.events == EPOLLET ? 0 : event.events))
		return;
	c->owes = (uint16_t)(event.events == EPOLLET ? 0 : event.events);
	if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
		return;
}

/* Before a container is started its process has the name that its runtime gave it: executing what it
 * is to be changes that. */
static bool is_started(const struct monitor *m)
{
	char now[sizeof(m->made_as)];

	ct_tagged_name(m->payload.pid, now);
	return strcmp(now, m->made_as) != 0;
}

void ct_tagged_name(pid_t pid, char name[16])
{
	char path[32];
	int ct_autofd fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, name, 15);
	name[n > 0 ? n : 0] = '\0';
}

void ct_tagged_come(struct monitor *m, struct client *c)
{
	int from = 0;

	/* Without it a long record cannot be read in pieces: it is cut, then. */
	if (setsockopt(c->fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof(from)) < 0)
		errno = 0;
	c->hello = CT_HELLO_STDIN;
	c->credit = true;
	c->owes = EPOLLIN;
	c->position = ct_log_end(m->log);
	/* Who was there before the start is whoever has started it, whatever hooks have said before.
	 * Where that cannot be told it is who was there before the first byte. */
	c->first = m->made_as[0] ? !is_started(m) : c->position == m->run_start;
	c->moved = ct_now_monotonic();
	c->missed = 0;
}

/* ---- stdin ---- */

/* The rest of the record at the head of its socket: its size, 0 at the end, -errno. */
static ssize_t look_at_head(const struct monitor *m, const struct client *c)
{
	int from = (int)c->taken;
	ssize_t n;

	if (setsockopt(c->fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof(from)) < 0)
		return -errno;
	n = recv(c->fd, m->record, CT_ATTACH_DATA_MAX, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	return n < 0 ? -errno : n;
}

static void take_out(struct client *c)
{
	char byte;

	c->taken = 0;
	while (recv(c->fd, &byte, 1, MSG_TRUNC | MSG_DONTWAIT) < 0 &&
	       (errno == EINTR || errno == ECONNRESET))
		continue;
}

/* It says no more. For conmon that is the payload's end of file, whoever else is there. */
static void end_stdin(struct monitor *m, struct client *c)
{
	c->eof = true;
	if (m->config->stdin_once && !m->config->tty)
		ct_input_eof(m);
}

/* A piece of a record: true when there may be more for now. */
static bool take_piece(struct monitor *m, struct client *c)
{
	ssize_t n = look_at_head(m, c);
	size_t piece = n > CT_ATTACH_DATA_MAX ? CT_ATTACH_DATA_MAX : (size_t)n;

	/* It went without reading all that it was sent. That is said once, before what it has sent. */
	if (n == -EINTR || n == -ECONNRESET)
		return true;
	if (n == -EAGAIN)
		return false;
	if (n < 0) {
		ct_client_drop(m, c, true);
		return false;
	}
	if (n == 0) {
		end_stdin(m, c);
		return false;
	}
	/* Out before it is passed on: what has no reader any more could drop the client. */
	if ((size_t)n == piece)
		take_out(c);
	else
		c->taken += (uint32_t)piece;
	ct_input_take(m, c, m->record, piece);
	return true;
}

void ct_tagged_ready(struct monitor *m, struct client *c, uint32_t events)
{
	if (events & (EPOLLHUP | EPOLLERR))
		c->deaf = true;
	if (events & EPOLLOUT)
		c->pushing = false;
	for (int i = 0; i < BURST && ct_client_connected(c) && c->credit && !c->eof; i++)
		if (!take_piece(m, c))
			break;
	if (ct_client_connected(c) && c->deaf && c->eof)
		ct_client_drop(m, c, true);
	ct_tagged_watch(m, c);
}
