/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From clients to the payload: stdin.
 *
 * Runs in the monitor. A client has credit for one message of at most 32 KiB and gets the next when
 * that is in the payload's pipe. What the pipe does not take at once is kept in the client's own
 * place of the stdin area, and the clients that have something there stand in a queue: so bytes of
 * one message never mix with another client's, and every socket is read all the time, whatever the
 * payload does with its stdin. A signal behind stuck stdin gets through, for every client.
 *
 * The area is address space for every slot that costs nothing until it is written to, and its pages
 * go back as soon as they are empty: idle clients have no memory, and 1,024 that all wait with a
 * full message bind 32 MiB. (One buffer with the others' sockets disarmed would have put signals
 * behind stdin; peeking at records does not help, for they can only be taken in order.)
 *
 * A client may hang up with bytes in the queue: they were accepted, so they are written.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

/* ---- the queue ---- */

static uint8_t *place_of(const struct monitor *m, const struct client *c)
{
	return m->stdin_area + (size_t)ct_client_slot(m, c) * CT_ATTACH_DATA_MAX;
}

static struct client *head(const struct monitor *m)
{
	return m->queue_head == NO_SLOT ? NULL : &m->clients[m->queue_head];
}

static void enqueue(struct monitor *m, struct client *c, const uint8_t *data, size_t size)
{
	uint16_t slot = (uint16_t)ct_client_slot(m, c);

	memcpy(place_of(m, c), data, size);
	c->start = 0;
	c->end = (uint16_t)size;
	c->next = NO_SLOT;
	c->queued = true;
	if (m->queue_head == NO_SLOT)
		m->queue_head = slot;
	else
		m->clients[m->queue_tail].next = slot;
	m->queue_tail = slot;
}

static void dequeue(struct monitor *m)
{
	struct client *c = head(m);

	m->queue_head = c->next;
	c->queued = false;
	/* Nothing is lost when this fails but the memory, until the next time. */
	if (madvise(place_of(m, c), CT_ATTACH_DATA_MAX, MADV_DONTNEED) < 0)
		memset(place_of(m, c), 0, c->end);
}

/* ---- the payload's end ---- */

/* Nobody reads it: said once, then ignored. The credit stays, or the client would be in the wrong
 * with its next message, which it may have sent before it could know. */
static void refuse(struct monitor *m, struct client *c)
{
	c->credit = true;
	if (!c->told)
		ct_client_tell(m, c, "the container's stdin is not open");
	c->told = true;
}

/* Those who wait for room get none: what they would send next could go nowhere. */
void ct_input_close(struct monitor *m)
{
	if (m->in < 0)
		return;
	if (m->in_armed)
		ct_monitor_unwatch(m, m->in);
	m->in_armed = false;
	ct_drop_fd(&m->in);
	while (head(m)) {
		struct client *c = head(m);

		dequeue(m);
		if (c->fd < 0)
			c->fd = 0;
		else
			refuse(m, c);
	}
}

static void watch_room(struct monitor *m, bool on)
{
	if (m->in_armed == on || m->in < 0)
		return;
	if (on)
		ct_monitor_watch(m, m->in, SRC_STDIN, EPOLLOUT);
	else
		ct_monitor_unwatch(m, m->in);
	m->in_armed = on;
}

/* Bytes written, 0 when there is no room, -1 when nobody will ever read (and stdin is closed). */
static ssize_t write_some(struct monitor *m, const uint8_t *data, size_t size)
{
	ssize_t n;

	do
		n = write(m->in, data, size);
	while (n < 0 && errno == EINTR);
	if (n >= 0)
		return n;
	if (errno == EAGAIN)
		return 0;
	/* The payload has closed its stdin. */
	ct_input_close(m);
	return -1;
}

/* Write what is queued; what finds no room is woken for. */
static void flush(struct monitor *m)
{
	while (head(m)) {
		struct client *c = head(m);
		ssize_t n = write_some(m, place_of(m, c) + c->start, (size_t)(c->end - c->start));

		if (n < 0)
			return;
		c->start = (uint16_t)(c->start + n);
		if (c->start < c->end) {
			watch_room(m, true);
			return;
		}
		dequeue(m);
		ct_client_written(m, c);
	}
	watch_room(m, false);
	if (m->eof)
		ct_input_close(m);
}

void ct_input_writable(struct monitor *m)
{
	flush(m);
}

void ct_input_eof(struct monitor *m)
{
	m->eof = true;
	if (m->queue_head == NO_SLOT)
		ct_input_close(m);
}

void ct_input_take(struct monitor *m, struct client *c, const uint8_t *data, size_t size)
{
	if (m->in < 0 || m->eof || c->eof) {
		refuse(m, c);
		return;
	}
	m->last_input = ct_now_monotonic();
	c->credit = false;
	if (m->queue_head == NO_SLOT) {
		ssize_t n = write_some(m, data, size);

		if (n < 0) {
			refuse(m, c);
			return;
		}
		data += n;
		size -= (size_t)n;
	}
	if (!size) {
		ct_client_written(m, c);
		return;
	}
	enqueue(m, c, data, size);
	watch_room(m, true);
}
