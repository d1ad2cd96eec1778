/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for clients that must get everything (CT_HELLO_BLOCK): when the slowest of them is behind
 * by the whole bound of the log, so that the next segment would take away what it has not read, the
 * payload's output is left in its pipe until that client is nearer than half the bound, has
 * detached or died. Everything else goes on: the log, control, reaping, other clients.
 *
 * Runs in the monitor. The client that came with the start counts from the first byte on, before it
 * has said HELLO, or a payload could outrun the log before anybody reads. Positions are asked for
 * when they begin to matter: a client that keeps up with little output is never asked.
 */
#include "monitor.h"

static bool blocks(const struct client *c)
{
	return ct_client_connected(c) && (c->first || (c->greeted && c->hello & CT_HELLO_BLOCK));
}

void ct_lag_count(struct monitor *m)
{
	if (m->config->tagged)
		return;
	m->blockers = 0;
	m->slowest = UINT64_MAX;
	for (unsigned i = 0; i < m->client_top; i++) {
		const struct client *c = &m->clients[i];

		if (!blocks(c))
			continue;
		m->blockers++;
		if (c->position < m->slowest)
			m->slowest = c->position;
	}
	ct_lag_look(m);
}

static void ask_one(struct monitor *m, struct client *c)
{
	c->asked = true;
	ct_client_owe(m, c, OWE_ASK);
}

/* Those who are a quarter of the bound behind, as far as we know: they need not be. Asked again
 * only when as much has been added, for while they are behind they go on to tell by themselves. */
static void ask_all(struct monitor *m, uint64_t end, uint64_t quarter)
{
	m->asked_at = end;
	for (unsigned i = 0; i < m->client_top; i++) {
		struct client *c = &m->clients[i];

		if (blocks(c) && c->greeted && c->position + quarter <= end)
			ask_one(m, c);
	}
}

void ct_lag_greet(struct monitor *m, struct client *c)
{
	if (c->position + ct_log_bound(m->log) / 4 <= ct_log_end(m->log))
		ask_one(m, c);
	ct_lag_count(m);
}

void ct_lag_look(struct monitor *m)
{
	bool held = m->hold & HOLD_LAG;
	uint64_t end, bound, behind;

	if (m->config->tagged) {
		ct_tagged_look(m);
		return;
	}
	if (!m->blockers) {
		if (held)
			ct_output_hold(m, HOLD_LAG, false);
		return;
	}
	end = ct_log_end(m->log);
	bound = ct_log_bound(m->log);
	behind = end > m->slowest ? end - m->slowest : 0;
	if (behind >= bound / 4 && end - m->asked_at >= bound / 4)
		ask_all(m, end, bound / 4);
	if (held && behind < bound / 2) {
		ct_output_hold(m, HOLD_LAG, false);
	} else if (!held && behind >= bound) {
		ct_output_hold(m, HOLD_LAG, true);
		/* The bound may have become less since they were asked. */
		ask_all(m, end, bound / 4);
	}
}
