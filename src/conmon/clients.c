/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of clients: taking connections in, reading their records, letting go of them.
 *
 * Runs in the monitor. Nothing that a client does or leaves undone can hold up the payload, the log
 * or another client: sockets never block, at most BURST records of a client are taken a wake-up, a
 * client that is owed something which its socket does not take is not read until it does, and
 * descriptors that somebody sends along are never received at all. What is not understood ends the
 * connection, with a text that says why.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "monitor.h"

#define BURST	32	/* records of one client before others get a turn */
#define DRAIN	1024	/* records of one that is sent away; more do not fit into its socket */

unsigned ct_client_slot(const struct monitor *m, const struct client *c)
{
	return (unsigned)(c - m->clients);
}

/* ---- coming ---- */

static struct client *free_slot(struct monitor *m)
{
	for (unsigned i = 0; i < m->client_top; i++)
		if (m->clients[i].fd == 0)
			return &m->clients[i];
	return m->client_top < CT_ATTACH_MAX_CLIENTS ? &m->clients[m->client_top] : NULL;
}

static union event_ref ref_of(const struct monitor *m, const struct client *c)
{
	return (union event_ref){
		.source = SRC_CLIENT,
		.slot = (uint16_t)ct_client_slot(m, c),
		.generation = c->generation,
	};
}

struct client *ct_client_add(struct monitor *m, int fd)
{
	struct client *c = free_slot(m);
	struct ucred peer = { 0 };
	socklen_t size = sizeof(peer);
	struct epoll_event event = { .events = EPOLLIN };

	if (!c) {
		ct_fd_close(fd);
		return NULL;
	}
	*c = (struct client){
		.fd = fd, .generation = c->generation + 1, .id = m->last_id + 1,
		.since = ct_now_real(), .position = m->run_start, .next = NO_SLOT,
	};
	event.data.u64 = ref_of(m, c).u64;
	if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		ct_fd_close(fd);
		c->fd = 0;
		return NULL;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0) {
		c->pid = peer.pid;
		c->uid = peer.uid;
	}
	if (m->config->tagged)
		ct_tagged_come(m, c);
	m->last_id++;
	m->client_count++;
	if (ct_client_slot(m, c) == m->client_top)
		m->client_top++;
	return c;
}

/* ---- going ---- */

/* A socket that is closed with records in it makes its peer's next read fail with ECONNRESET,
 * before the peer has read what we sent last: so they are taken out first. */
void ct_client_hang_up(int fd)
{
	char byte;

	if (shutdown(fd, SHUT_RD) == 0)
		for (int i = 0; i < DRAIN && recv(fd, &byte, 1, MSG_DONTWAIT | MSG_TRUNC) > 0; i++)
			continue;
	ct_fd_close(fd);
}

void ct_client_drop(struct monitor *m, struct client *c, bool hung_up)
{
	const struct ct_monitor_config *config = m->config;
	bool blocked = c->first || (c->hello & CT_HELLO_BLOCK), sized = c->rows;

	if (!ct_client_connected(c))
		return;
	ct_monitor_unwatch(m, c->fd);
	ct_client_hang_up(c->fd);
	/* The slot stays taken while bytes of it are in the queue. */
	c->fd = c->queued ? -1 : 0;
	m->client_count--;
	if (c->asked)
		ct_client_placed(m, c);
	if (blocked)
		ct_lag_count(m);
	if (sized)
		ct_size_choose(m);
	if (hung_up && c->id == m->tied_id && !m->exited)
		ct_pidfd_signal(m->payload.pidfd, SIGKILL);
	/* docker's StdinOnce: the end of the client that it was opened for is its end of file. */
	if (hung_up && c->hello & CT_HELLO_STDIN && !(c->hello & CT_HELLO_READ_ONLY) &&
	    config->stdin_once && !config->tty)
		ct_input_eof(m);
}

void ct_client_written(struct monitor *m, struct client *c)
{
	if (c->fd < 0) {
		c->fd = 0;
		return;
	}
	c->credit = true;
	if (m->config->tagged)
		ct_tagged_watch(m, c);
	else
		ct_client_owe(m, c, OWE_ROOM);
}

static void say(const struct monitor *m, const struct client *c, uint32_t flags, const char *text)
{
	struct ct_message message = { .type = CT_MSG_ERROR, .flags = flags,
				      .data = (const uint8_t *)text, .size = strlen(text) };
	ssize_t n;

	/* There is no such message among conmon's. */
	if (m->config->tagged)
		return;
	n = ct_message_encode(&message, m->record);
	/* Who does not read what it was told before need not be told more. */
	if (n > 0)
		ct_send_fds(c->fd, m->record, (size_t)n, NULL, 0, MSG_DONTWAIT);
}

void ct_client_tell(struct monitor *m, struct client *c, const char *text)
{
	say(m, c, CT_ERROR_KEPT, text);
}

void ct_client_refuse(struct monitor *m, struct client *c, const char *text)
{
	say(m, c, 0, text);
	ct_client_drop(m, c, true);
}

/* ---- reading ---- */

/* One record into m->record: its size, 0 at the end, -errno; *ret_why when it cannot be taken. */
static ssize_t receive(struct monitor *m, const struct client *c, const char **ret_why)
{
	struct iovec iov = { .iov_base = m->record, .iov_len = CT_ATTACH_RECORD_MAX };
	/* No room for control data: the kernel drops descriptors instead of giving them to us. */
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n = recvmsg(c->fd, &msg, MSG_DONTWAIT);

	*ret_why = NULL;
	if (n < 0)
		return -errno;
	if (msg.msg_flags & MSG_CTRUNC)
		*ret_why = "descriptors are not accepted";
	else if (msg.msg_flags & MSG_TRUNC)
		*ret_why = "a record is longer than 32776 bytes";
	return n;
}

/* One record: true when there may be another one for now. */
static bool take_record(struct monitor *m, struct client *c)
{
	struct ct_message message;
	struct ct_err err;
	const char *why;
	ssize_t n = receive(m, c, &why);

	/* It went without reading all that it was sent. That is said once, before what it has sent. */
	if (n == -EINTR || n == -ECONNRESET)
		return true;
	if (n == -EAGAIN)
		return false;
	if (why)
		ct_client_refuse(m, c, why);
	else if (n == 0)
		/* A hang-up, or a record without bytes, for which the text is. */
		ct_client_refuse(m, c, "a record without a header, or a connection half closed");
	else if (n < 0)
		ct_client_drop(m, c, true);
	else if (ct_message_decode(m->record, (size_t)n, &message, &err) < 0)
		ct_client_refuse(m, c, err.what);
	else
		ct_client_handle(m, c, &message);
	return true;
}

void ct_client_ready(struct monitor *m, unsigned slot, uint32_t generation, uint32_t events)
{
	struct client *c = &m->clients[slot];

	if (slot >= m->client_top || c->generation != generation || !ct_client_connected(c))
		return;
	if (m->config->tagged) {
		ct_tagged_ready(m, c, events);
		return;
	}
	/* It cannot hear any more; what it said before is still to be read. */
	if (events & (EPOLLHUP | EPOLLERR))
		c->owes = 0;
	if (c->pushing)
		ct_client_push(m, c);
	for (int i = 0; i < BURST && ct_client_connected(c) && !c->pushing; i++)
		if (!take_record(m, c))
			return;
}
