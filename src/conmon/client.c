/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's end of a connection to a monitor: HELLO and WELCOME, messages, positions.
 *
 * Runs in commands, with the user's rights. The monitor is as little trusted as a peer can be whose
 * directory is ours: records are checked, the page is mapped read-only and checked. What may fail:
 * nobody listens, the monitor refuses (its text is the error), it does not answer in time (it
 * was stopped, or the host is out of breath), it ends.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "client.h"

#define NS_PER_S	UINT64_C(1000000000)
#define NS_PER_MS	UINT64_C(1000000)
#define POLL_MAX	(3600 * NS_PER_S)	/* then there is another look at the clock */

/* ---- messages ---- */

int ct_client_send(struct ct_client *client, const struct ct_message *message)
{
	uint8_t small[CT_ATTACH_HEADER + 64], *record = client->record;
	ssize_t n;

	/* Only data needs the big record; everything else leaves what was received there alone. */
	if (message->type != CT_MSG_STDIN)
		record = small;
	if (client->sock < 0)
		return -EPIPE;
	n = ct_message_encode(message, record);
	return n < 0 ? (int)n : ct_send(client->sock, record, (size_t)n, -1);
}

static int send_position(struct ct_client *client)
{
	struct ct_message message = { .type = CT_MSG_POSITION, .offset = client->position };

	client->reported = client->position;
	return ct_client_send(client, &message);
}

/* Nearer than a quarter of what the monitor asked with: it knows enough. */
static bool has_caught_up(const struct ct_client *client)
{
	uint64_t end = atomic_load_explicit(&client->page->committed, memory_order_acquire);

	return client->position >= end || end - client->position < client->asked / 4;
}

int ct_client_position(struct ct_client *client, uint64_t offset)
{
	bool first = !client->placed, last;

	client->position = offset;
	client->placed = true;
	if (!client->asked)
		return 0;
	last = has_caught_up(client);
	if (last)
		client->asked = 0;
	else if (!first && offset - client->reported < client->asked / 8)
		return 0;
	return send_position(client);
}

/* The answer, now if there is a cursor already: it may have caught up long ago. */
static void take_question(struct ct_client *client, uint64_t bound)
{
	client->asked = bound ? bound : 1;
	if (!client->placed)
		return;
	if (has_caught_up(client))
		client->asked = 0;
	send_position(client);
}

static int fail_by_monitor(const struct ct_message *m, struct ct_err *err)
{
	return ct_fail(err, EPROTO, "the monitor says: %.*s", (int)m->size, (const char *)m->data);
}

/* What every reader of messages has to know about them. */
static int note(struct ct_client *client, const struct ct_message *m, struct ct_err *err)
{
	if (m->type == CT_MSG_ERROR && !(m->flags & CT_ERROR_KEPT))
		return fail_by_monitor(m, err);
	if (m->type == CT_MSG_POSITION_GET)
		take_question(client, m->offset);
	client->room = client->room || m->type == CT_MSG_ROOM;
	client->ended = client->ended || m->type == CT_MSG_EXIT;
	client->detached = client->detached || m->type == CT_MSG_DETACHED;
	return 1;
}

static int fail_ended(struct ct_err *err)
{
	ct_fail(err, EPIPE, "the connection to the container's monitor has ended");
	return -EPIPE;
}

int ct_client_take(struct ct_client *client, struct ct_message *ret_message, int fds[CT_FDS_MAX],
		   struct ct_err *err)
{
	ssize_t n = ct_recv_fds(client->sock, client->record, CT_ATTACH_RECORD_MAX, fds, MSG_DONTWAIT);
	int r;

	if (n == -EAGAIN)
		return 0;
	/* Reset: it left without reading our last message. What it had sent may still be there. */
	if (n == -ECONNRESET)
		n = ct_recv_fds(client->sock, client->record, CT_ATTACH_RECORD_MAX, fds, MSG_DONTWAIT);
	if (n == 0 || n == -ECONNRESET || n == -EAGAIN)
		return fail_ended(err);
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot receive from the container's monitor");
	r = ct_message_decode(client->record, (size_t)n, ret_message, err);
	if (r == 0)
		r = note(client, ret_message, err);
	if (r < 0)
		ct_client_drop_fds(fds);
	return r;
}

void ct_client_drop_fds(int fds[CT_FDS_MAX])
{
	for (int i = 0; i < CT_FDS_MAX; i++)
		ct_drop_fd(&fds[i]);
}

int ct_client_receive(struct ct_client *client, struct ct_message *ret_message, struct ct_err *err)
{
	int fds[CT_FDS_MAX], r;

	if (client->sock < 0)
		return fail_ended(err);
	do {
		r = ct_client_take(client, ret_message, fds, err);
		if (r > 0)
			ct_client_drop_fds(fds);
	} while (r > 0 && ret_message->type == CT_MSG_POSITION_GET);
	return r;
}

static int fail_silent(struct ct_err *err)
{
	ct_fail(err, ETIMEDOUT, "the container's monitor does not answer");
	return ct_hint(err, "was it stopped? kill -CONT the process \"cattach: monitor of ...\"");
}

int ct_client_await(struct ct_client *client, uint64_t limit, struct ct_err *err)
{
	struct pollfd fds[] = {
		{ .fd = client->sock, .events = POLLIN },
		{ .fd = client->interrupt, .events = POLLIN },
	};
	uint64_t now = ct_now_monotonic(), left = now < limit ? limit - now : 0;
	int n = 0;

	if (left)
		n = poll(fds, 2, (int)((left < POLL_MAX ? left : POLL_MAX) / NS_PER_MS) + 1);
	if (n > 0 && fds[1].revents && !fds[0].revents)
		return ct_fail(err, EINTR, "waiting for the container's monitor was interrupted");
	if (n < 0 && errno != EINTR)
		return ct_fail_errno(err, errno, "cannot wait for the container's monitor");
	return n == 0 && left < POLL_MAX ? fail_silent(err) : 0;
}

static uint64_t patience_of(const struct ct_client *client)
{
	return client->patience ? client->patience : CT_CLIENT_PATIENCE;
}

uint64_t ct_client_limit(const struct ct_client *client)
{
	uint64_t limit;

	if (__builtin_add_overflow(ct_now_monotonic(), patience_of(client), &limit))
		return UINT64_MAX;
	return limit;
}

/* ---- connecting ---- */

static int take_welcome(struct ct_client *client, const struct ct_message *m, int fds[CT_FDS_MAX],
			struct ct_err *err)
{
	int r;

	if (m->type != CT_MSG_WELCOME || fds[0] < 0 || fds[1] < 0)
		return ct_fail(err, EPROTO, "the monitor does not welcome us (message type %d)",
			       (int)m->type);
	r = ct_page_map(fds[0], &client->page, err);
	if (r < 0)
		return r;
	client->wake = ct_take_fd(&fds[1]);
	client->id = m->number;
	client->flags = m->flags;
	client->room = true;
	return 0;
}

static int greet(struct ct_client *client, const struct ct_message *hello, struct ct_err *err)
{
	uint64_t limit = ct_client_limit(client);
	int r = ct_client_send(client, hello);
	struct ct_message answer;
	int fds[CT_FDS_MAX];

	/* A monitor that has refused us already has its text in the socket. */
	if (r < 0 && r != -EPIPE && r != -ECONNRESET)
		return ct_fail_errno(err, -r, "cannot send to the container's monitor");
	do {
		r = ct_client_take(client, &answer, fds, err);
		if (r == 0 && ct_client_await(client, limit, err) < 0)
			return -err->code;
	} while (r == 0);
	if (r < 0)
		return r;
	r = take_welcome(client, &answer, fds, err);
	ct_client_drop_fds(fds);
	return r;
}

int ct_client_hello(int sock, uint32_t hello, uint16_t rows, uint16_t columns,
		    struct ct_client *ret_client, struct ct_err *err)
{
	struct ct_message message = { .type = CT_MSG_HELLO, .flags = hello, .rows = rows,
				      .columns = columns };
	struct ct_client client = CT_CLIENT_INIT;
	int r;

	client.sock = sock;
	client.patience = ret_client->patience;
	client.interrupt = ret_client->interrupt;
	client.record = malloc(CT_ATTACH_RECORD_MAX);
	r = client.record ? greet(&client, &message, err) : ct_fail_nomem(err);
	if (r < 0) {
		ct_client_close(&client);
		return r;
	}
	*ret_client = client;
	return 0;
}

static int fail_full(struct ct_err *err)
{
	ct_fail(err, EAGAIN, "the container's monitor takes no more connections at the moment");
	return ct_hint(err, "try again; if it was stopped, kill -CONT it");
}

int ct_client_connect(int dir, uint32_t hello, uint16_t rows, uint16_t columns,
		      struct ct_client *ret_client, struct ct_err *err)
{
	uint64_t left = patience_of(ret_client);
	struct timeval patience = { .tv_sec = (time_t)(left / NS_PER_S),
				    .tv_usec = (suseconds_t)(left % NS_PER_S / 1000) };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int ct_autofd sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int r;

	if (sock < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	/* A full backlog makes connect(2) wait for room, but not for ever. */
	if (setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) < 0)
		return ct_fail_errno(err, errno, "cannot set up a socket");
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/attach", dir);
	do
		r = connect(sock, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	while (r == -EINTR);
	if (r == -EAGAIN)
		return fail_full(err);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot connect to the container's monitor");
	return ct_client_hello(ct_take_fd(&sock), hello, rows, columns, ret_client, err);
}

void ct_client_close(struct ct_client *client)
{
	if (client->page)
		ct_page_unmap(client->page);
	client->page = NULL;
	ct_drop_fd(&client->sock);
	ct_drop_fd(&client->wake);
	ct_drop_fd(&client->fallback);
	free(client->record);
	client->record = NULL;
}
