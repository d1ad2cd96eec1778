/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose size the terminal has when several clients have sent one: by config.size_policy, worked out
 * again whenever one comes, changes or goes.
 *
 * Runs in the monitor. Read-only clients have no say. The payload gets a SIGWINCH only when the
 * size really changes, and the index a note, so that a replay can be drawn as it was.
 */
#include <sys/ioctl.h>

#include "monitor.h"

void ct_size_set(struct monitor *m, uint16_t rows, uint16_t columns)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };

	if ((rows == m->rows && columns == m->columns) || m->out[0].fd < 0)
		return;
	if (ioctl(m->out[0].fd, TIOCSWINSZ, &size) < 0)
		return;
	m->rows = rows;
	m->columns = columns;
	ct_log_note(m->log, CT_NOTE_RESIZE, (uint64_t)rows << 16 | columns, 0);
}

static uint16_t lesser(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

static uint16_t greater(uint16_t a, uint16_t b)
{
	return a > b ? a : b;
}

/* Let one more client have its say; the first one's size stands until another one differs. */
static void consider(enum ct_size_policy policy, struct client *best, const struct client *c)
{
	if (!best->rows) {
		*best = *c;
		return;
	}
	switch (policy) {
	case CT_SIZE_LATEST:
		/* As a difference: the count may run over. */
		if ((int32_t)(c->turn - best->turn) > 0)
			*best = *c;
		return;
	case CT_SIZE_SMALLEST:
		best->rows = lesser(best->rows, c->rows);
		best->columns = lesser(best->columns, c->columns);
		return;
	case CT_SIZE_LARGEST:
		best->rows = greater(best->rows, c->rows);
		best->columns = greater(best->columns, c->columns);
		return;
	case CT_SIZE_NONE:
		return;
	}
}

void ct_size_choose(struct monitor *m)
{
	struct client best = { 0 };

	if (!m->config->tty || m->config->size_policy == CT_SIZE_NONE)
		return;
	for (unsigned i = 0; i < m->client_top; i++)
		if (ct_client_connected(&m->clients[i]) && m->clients[i].rows)
			consider(m->config->size_policy, &best, &m->clients[i]);
	/* The last one has gone: it stays as it is. */
	if (best.rows)
		ct_size_set(m, best.rows, best.columns);
}

void ct_size_take(struct monitor *m, struct client *c, uint16_t rows, uint16_t columns)
{
	if (!m->config->tty || !rows || !columns || c->hello & CT_HELLO_READ_ONLY)
		return;
	c->rows = rows;
	c->columns = columns;
	c->turn = ++m->last_turn;
	ct_size_choose(m);
}
