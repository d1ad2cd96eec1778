/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients are sent. Nothing is queued here: a client is owed things, which are bits and a
 * number in its slot, and each is made when its socket takes it.
 *
 * Runs in the monitor. Descriptors travel only when the client has read everything before, so at
 * most one record with descriptors is on its way to each: descriptors in flight count against the
 * user's limit in the kernel, and one stuck client could otherwise use it up for all. A socket that
 * takes no more, or still holds something, is watched for room by edges (it may well be writable
 * while it is not empty), and not read meanwhile.
 */
#include <errno.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "monitor.h"

#define NO_SEGMENT 0xffffffffu

static void watch_room(struct monitor *m, struct client *c, bool on)
{
	union event_ref ref = {
		.source = SRC_CLIENT,
		.slot = (uint16_t)ct_client_slot(m, c),
		.generation = c->generation,
	};
	struct epoll_event event = { .events = on ? EPOLLOUT | EPOLLET : EPOLLIN,
				     .data.u64 = ref.u64 };

	if (c->pushing == on)
		return;
	c->pushing = on;
	if (epoll_ctl(m->epoll, EPOLL_CTL_MOD, c->fd, &event) < 0)
		return;
}

static int post_with(const struct client *c, const struct ct_message *message, const int *fds,
		     size_t count)
{
	uint8_t record[CT_ATTACH_HEADER + 64];	/* none of these carries data */
	ssize_t n = ct_message_encode(message, record);

	return ct_send_fds(c->fd, record, (size_t)n, fds, count, MSG_DONTWAIT);
}

static int post(const struct client *c, const struct ct_message *message)
{
	return post_with(c, message, NULL, 0);
}

/*
 * Has it read everything that was sent to it? What the kernel counts is the memory of records, some
 * hundred bytes for the shortest. It wakes us when one has been read with a single byte of it still
 * counted, and takes that away afterwards, without another word: who looks in between sees one.
 */
static bool has_read_all(const struct client *c)
{
	int waiting = 0;

	return ioctl(c->fd, SIOCOUTQ, &waiting) == 0 && waiting <= 1;
}

static int post_welcome(struct monitor *m, struct client *c)
{
	struct ct_message message = { .type = CT_MSG_WELCOME, .number = c->id };
	int fds[] = { ct_log_page(m->log), ct_log_wake_fd(m->log) };

	if (m->config->tty)
		message.flags |= CT_WELCOME_TTY;
	if (m->in >= 0 && !m->eof)
		message.flags |= CT_WELCOME_STDIN_OPEN;
	return has_read_all(c) ? post_with(c, &message, fds, 2) : -EAGAIN;
}

static int post_segment(struct monitor *m, struct client *c)
{
	struct ct_segment segment = CT_SEGMENT_INIT;
	struct ct_message message = { .type = CT_MSG_SEGMENT, .number = NO_SEGMENT };
	int r;

	if (!has_read_all(c))
		return -EAGAIN;
	r = ct_log_segment(m->log, c->segment, &segment);
	/* Our own table is full: the timer tries again. */
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM)
		return -ENOBUFS;
	if (r < 0)
		return post(c, &message);
	message.number = segment.number;
	message.offset = segment.base;
	r = post_with(c, &message, (int[]){ segment.data, segment.index }, 2);
	ct_segment_close(&segment);
	return r;
}

static bool is_listed(const struct client *c)
{
	return ct_client_connected(c) && c->greeted && !(c->hello & CT_HELLO_QUIET);
}

/* Has somebody not answered where it is? */
static bool anybody_asked(const struct monitor *m)
{
	for (unsigned i = 0; i < m->client_top; i++)
		if (is_listed(&m->clients[i]) && m->clients[i].asked)
			return true;
	return false;
}

static int post_list(struct monitor *m, struct client *c)
{
	struct ct_message last = { .type = CT_MSG_CLIENT };

	if (m->listing && anybody_asked(m))
		return -EAGAIN;
	for (; c->listed < m->client_top; c->listed++) {
		const struct client *other = &m->clients[c->listed];
		struct ct_message message = {
			.type = CT_MSG_CLIENT, .number = other->id, .pid = (uint32_t)other->pid,
			.uid = other->uid, .flags = other->hello, .offset = other->position,
			.time = other->since,
		};
		int r = is_listed(other) ? post(c, &message) : 0;

		if (r < 0)
			return r;
	}
	for (unsigned i = 0; i < m->client_top; i++)
		last.offset += is_listed(&m->clients[i]);
	return post(c, &last);
}

static int post_question(struct monitor *m, const struct client *c)
{
	return post(c, &(struct ct_message){ .type = CT_MSG_POSITION_GET,
					     .offset = ct_log_bound(m->log) });
}

/* One way in is as good as all of them: all are there or none. */
static int post_namespaces(struct monitor *m, const struct client *c)
{
	struct ct_message message = { .type = CT_MSG_NAMESPACES };
	bool there = m->payload.places[0] >= 0;

	if (!has_read_all(c))
		return -EAGAIN;
	return post_with(c, &message, m->payload.places, there ? CT_ATTACH_PLACES : 0);
}

/* The first of the things that it is owed: 0, -EAGAIN (later), or another -errno (never). */
static int post_one(struct monitor *m, struct client *c, unsigned what)
{
	switch (what) {
	case OWE_WELCOME:
		return post_welcome(m, c);
	case OWE_ROOM:
		return post(c, &(struct ct_message){ .type = CT_MSG_ROOM });
	case OWE_SEGMENT:
		return post_segment(m, c);
	case OWE_LIST:
		return post_list(m, c);
	case OWE_COUNT:
		return post(c, &(struct ct_message){ .type = CT_MSG_CLIENT, .offset = c->listed });
	case OWE_ASK:
		return post_question(m, c);
	case OWE_NAMESPACES:
		return post_namespaces(m, c);
	case OWE_REOPENED:
		return post(c, &(struct ct_message){ .type = CT_MSG_LOG_REOPENED,
						     .number = c->reopened });
	case OWE_EXIT:
		return post(c, &(struct ct_message){ .type = CT_MSG_EXIT });
	default:
		return -EINVAL;
	}
}

void ct_client_push(struct monitor *m, struct client *c)
{
	int r = 0;

	if (!ct_client_connected(c))
		return;
	while (c->owes && r == 0) {
		unsigned what = c->owes & -(unsigned)c->owes;

		r = post_one(m, c, what);
		if (r == 0)
			c->owes = (uint16_t)(c->owes & ~what);
	}
	/* Too many descriptors in flight or open, the user's or the system's: no event will tell. */
	if (r == -ENOBUFS || r == -ETOOMANYREFS || r == -ENOMEM) {
		m->retry = true;
		ct_monitor_tick(m, true);
		r = -EAGAIN;
	}
	/* It is gone: reading will find the hang-up. */
	if (r < 0 && r != -EAGAIN)
		c->owes = 0;
	watch_room(m, c, c->owes != 0);
}

void ct_client_owe(struct monitor *m, struct client *c, unsigned what)
{
	c->owes = (uint16_t)(c->owes | what);
	ct_client_push(m, c);
}

void ct_clients_say_exit(struct monitor *m)
{
	for (unsigned i = 0; i < m->client_top; i++)
		if (ct_client_connected(&m->clients[i]) && m->clients[i].greeted)
			ct_client_owe(m, &m->clients[i], OWE_EXIT);
}

/* ---- the list ---- */

/* Everybody who waits for the list gets it as it is now. */
static void push_lists(struct monitor *m)
{
	m->listing = false;
	for (unsigned i = 0; i < m->client_top; i++)
		if (m->clients[i].owes & OWE_LIST)
			ct_client_push(m, &m->clients[i]);
}

/* How far behind somebody is, only they know: they are asked, and the list is given when all have
 * answered, or at the timer's next tick, with what one that does not answer said last. */
void ct_client_list(struct monitor *m, struct client *c)
{
	m->listing = true;
	for (unsigned i = 0; i < m->client_top; i++) {
		struct client *other = &m->clients[i];

		if (other == c || !is_listed(other) || other->asked)
			continue;
		other->asked = true;
		ct_client_owe(m, other, OWE_ASK);
	}
	c->listed = 0;
	ct_client_owe(m, c, OWE_LIST);
	if (anybody_asked(m))
		ct_monitor_tick(m, true);
	else
		push_lists(m);
}

void ct_client_placed(struct monitor *m, struct client *c)
{
	c->asked = false;
	if (m->listing && !anybody_asked(m))
		push_lists(m);
}

bool ct_clients_retry(struct monitor *m)
{
	bool retry = m->retry;

	m->retry = false;
	if (m->listing) {
		for (unsigned i = 0; i < m->client_top; i++)
			m->clients[i].asked = false;
		push_lists(m);
	}
	for (unsigned i = 0; retry && i < m->client_top; i++)
		if (m->clients[i].pushing)
			ct_client_push(m, &m->clients[i]);
	return !m->retry;
}
