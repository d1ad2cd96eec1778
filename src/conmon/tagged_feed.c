/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the log to clients that speak conmon's frames: each has a place in the log and is sent what is
 * behind it as its socket takes it, from memory, or from the backlog once memory is used again.
 *
 * Runs in the monitor. Nobody waits for a client that is stuck: neither payload nor log nor the other
 * clients. Whom the payload waits for, when it has a place too far behind:
 *   - on a terminal, whoever still takes something: so a terminal slows down what writes to it, as
 *     terminals do. Who has taken nothing for a second is left behind;
 *   - on pipes, who was there before the start: that is the pipe of a foreground run, which must get
 *     everything. It may be behind by a quarter of a GiB first.
 * All others lose what is older than that, and are told so in its place.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/adopt.h>
#include <cattach/proc.h>

#include "monitor.h"

#define BURST		64		/* records for one client before others get a turn */
#define TTY_BOUND	(1u << 20)	/* more of a terminal's output is of no use to anybody */
#define PATIENCE	UINT64_C(1000000000)	/* ns */

bool ct_tagged_behind(const struct monitor *m, const struct client *c)
{
	return c->missed || c->position < ct_log_end(m->log);
}

bool ct_tagged_any_behind(const struct monitor *m)
{
	for (unsigned i = 0; i < m->client_top; i++) {
		const struct client *c = &m->clients[i];

		if (ct_client_connected(c) && !c->deaf && ct_tagged_behind(m, c))
			return true;
	}
	return false;
}

void ct_tagged_skip(struct client *c, uint64_t offset)
{
	c->missed += (uint32_t)((offset - c->position) / 1024 + 1);
	c->position = offset;
	c->left = 0;
}

/* Up to so many bytes of the log at an offset: how many there are at *ret_bytes. */
static size_t fetch(struct monitor *m, uint64_t offset, size_t want, const uint8_t **ret_bytes)
{
	size_t n = ct_log_at(m->log, offset, ret_bytes);

	if (n)
		return n < want ? n : want;
	*ret_bytes = m->record;
	return ct_backlog_read(m, offset, m->record, want);
}

static int tell_missed(const struct monitor *m, struct client *c)
{
	bool tty = m->config->tty;
	char text[160];
	int n = snprintf(text, sizeof(text), "%scattach-conmon: some %u KiB of output were not shown here, "
			 "for this client was too slow; the log has them%s", tty ? "\r\n" : "",
			 (unsigned)c->missed, tty ? "\r\n" : "\n");
	int r = ct_tagged_send(c->fd, tty ? CT_TAG_STDOUT : CT_TAG_STDERR, text, (size_t)n);

	if (r == 0)
		c->missed = 0;
	return r;
}

/* Past a frame's header; false: it is nowhere. */
static bool begin_frame(struct monitor *m, struct client *c)
{
	const uint8_t *header;
	uint32_t size;

	if (fetch(m, c->position, CT_FRAME_HEADER, &header) < CT_FRAME_HEADER)
		return false;
	memcpy(&size, header + 4, sizeof(size));
	c->stream = header[0];
	c->left = be32toh(size);
	c->position += CT_FRAME_HEADER;
	return true;
}

/* One record: 1, 0 when there was nothing to send, -errno. */
static int send_one(struct monitor *m, struct client *c)
{
	const uint8_t *bytes;
	size_t n;
	int r;

	if (c->missed) {
		r = tell_missed(m, c);
		return r < 0 ? r : 1;
	}
	if (c->position >= ct_log_end(m->log))
		return 0;
	if (!c->left && !begin_frame(m, c)) {
		ct_tagged_skip(c, ct_log_end(m->log));
		return 1;
	}
	n = fetch(m, c->position, c->left < TAGGED_MAX ? c->left : TAGGED_MAX, &bytes);
	if (!n) {
		ct_tagged_skip(c, ct_log_end(m->log));
		return 1;
	}
	r = ct_tagged_send(c->fd, c->stream == CT_STREAM_STDERR ? CT_TAG_STDERR : CT_TAG_STDOUT, bytes, n);
	if (r < 0)
		return r;
	c->position += n;
	c->left -= (uint32_t)n;
	return 1;
}

static void feed(struct monitor *m, struct client *c)
{
	int r = 1;

	for (int i = 0; i < BURST && r > 0; i++)
		r = send_one(m, c);
	/* Nobody hears; what it says is still heard. */
	if (r < 0 && r != -EAGAIN && r != -ENOBUFS && r != -ENOMEM)
		c->deaf = true;
	c->pushing = r < 0 && !c->deaf;
	if (!c->pushing)
		c->moved = ct_now_monotonic();
}

static bool is_waited_for(const struct monitor *m, const struct client *c)
{
	if (!ct_client_connected(c) || c->deaf || !ct_tagged_behind(m, c))
		return false;
	return m->config->tty ? ct_now_monotonic() - c->moved < PATIENCE : c->first;
}

static uint64_t bound_of(const struct monitor *m)
{
	size_t half = ct_log_memory(m->log) / 2;

	if (!m->config->tty)
		return ct_backlog_bound(m);
	return half < TTY_BOUND ? half : TTY_BOUND;
}

/* Is the payload to wait for this one, which is so far behind? Else it may have to be left behind. */
static bool judge(struct monitor *m, struct client *c, uint64_t behind, uint64_t bound)
{
	bool held = m->hold & HOLD_LAG;

	if (is_waited_for(m, c)) {
		m->blockers++;
		return behind >= (held ? bound / 2 : bound);
	}
	/* On pipes, what the backlog has is still there for it. */
	if (m->config->tty && behind > bound)
		ct_tagged_skip(c, ct_log_end(m->log));
	return false;
}

void ct_tagged_look(struct monitor *m)
{
	uint64_t end = ct_log_end(m->log), bound = bound_of(m);
	bool hold = false;

	m->blockers = 0;
	for (unsigned i = 0; i < m->client_top; i++) {
		struct client *c = &m->clients[i];

		if (!ct_client_connected(c))
			continue;
		if (!c->deaf && ct_tagged_behind(m, c)) {
			if (!c->pushing)
				feed(m, c);
			hold = judge(m, c, end - c->position, bound) || hold;
		}
		if (m->ended && (c->deaf || !ct_tagged_behind(m, c)))
			ct_client_drop(m, c, false);
		ct_tagged_watch(m, c);
	}
	if (hold == !!(m->hold & HOLD_LAG))
		return;
	ct_output_hold(m, HOLD_LAG, hold);
	if (hold)
		ct_monitor_tick(m, true);
}
