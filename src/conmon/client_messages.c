/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a client's messages do. What a read-only client may not do is enforced here, by the monitor,
 * not left to the client's manners.
 *
 * Runs in the monitor; every handler is short and cannot block. A client that breaks the protocol
 * is told and dropped; signals to a payload that has just ended go nowhere, as kill(2) would.
 */
#include <stdio.h>
#include <sys/socket.h>

#include <cattach/io.h>

#include "monitor.h"

static void say_hello(struct monitor *m, struct client *c, const struct ct_message *message)
{
	bool first;

	if (c->greeted) {
		ct_client_refuse(m, c, "HELLO is said once");
		return;
	}
	c->greeted = true;
	c->hello = message->flags;
	c->credit = true;
	first = c->first;
	c->first = false;
	if (!(c->hello & CT_HELLO_BLOCK))
		c->position = 0;
	ct_client_owe(m, c, OWE_WELCOME);
	ct_size_take(m, c, message->rows, message->columns);
	/* From now on it is waited for by its flags. */
	if (c->hello & CT_HELLO_BLOCK)
		ct_lag_greet(m, c);
	else if (first)
		ct_lag_count(m);
	if (m->ended)
		ct_client_owe(m, c, OWE_EXIT);
}

static void take_stdin(struct monitor *m, struct client *c, const struct ct_message *message)
{
	if (!c->credit)
		ct_client_refuse(m, c, "STDIN before ROOM");
	else
		ct_input_take(m, c, message->data, message->size);
}

static void take_eof(struct monitor *m, struct client *c)
{
	bool once = m->config->stdin_once && c->hello & CT_HELLO_STDIN;

	c->eof = true;
	/* A terminal has no end of file but the character that means it. */
	if (!m->config->tty && (once || c->hello & CT_HELLO_CLOSE))
		ct_input_eof(m);
}

static void take_position(struct monitor *m, struct client *c, uint64_t offset)
{
	uint64_t end = ct_log_end(m->log);

	c->position = offset < end ? offset : end;
	ct_client_placed(m, c);
	if (c->hello & CT_HELLO_BLOCK)
		ct_lag_count(m);
}

/* Tell it and let it go; what it has typed is still written, and its going ends nothing. */
static void send_away(struct monitor *m, struct client *c)
{
	struct ct_message message = { .type = CT_MSG_DETACHED };
	uint8_t record[CT_ATTACH_HEADER + 64];
	ssize_t n = ct_message_encode(&message, record);

	ct_send_fds(c->fd, record, (size_t)n, NULL, 0, MSG_DONTWAIT);
	ct_client_drop(m, c, false);
}

static void drop_others(struct monitor *m, struct client *c, uint32_t id)
{
	uint16_t count = 0;

	for (unsigned i = 0; i < m->client_top; i++) {
		struct client *other = &m->clients[i];

		if (other == c || !ct_client_connected(other) || !other->greeted)
			continue;
		if (id ? other->id != id : (other->hello & CT_HELLO_QUIET) != 0)
			continue;
		send_away(m, other);
		count++;
	}
	c->listed = count;
	ct_client_owe(m, c, OWE_COUNT);
}

/* What only those may send who may change something. */
static bool is_for_writers(enum ct_message_type type)
{
	return type == CT_MSG_STDIN || type == CT_MSG_EOF || type == CT_MSG_RESIZE ||
	       type == CT_MSG_SIGNAL || type == CT_MSG_CLIENT_DROP ||
	       type == CT_MSG_NAMESPACES_GET || type == CT_MSG_LOG_REOPEN;
}

static void answer_segment(struct monitor *m, struct client *c, uint32_t number)
{
	c->segment = number;
	ct_client_owe(m, c, OWE_SEGMENT);
}

static void reopen_log(struct monitor *m, struct client *c)
{
	c->reopened = (uint8_t)-ct_log_reopen(m->log);
	ct_client_owe(m, c, OWE_REOPENED);
}

void ct_client_handle(struct monitor *m, struct client *c, const struct ct_message *message)
{
	if (!c->greeted && message->type != CT_MSG_HELLO) {
		ct_client_refuse(m, c, "HELLO comes first");
		return;
	}
	if (c->hello & CT_HELLO_READ_ONLY && is_for_writers(message->type)) {
		ct_client_refuse(m, c, "this client is read-only");
		return;
	}
	switch (message->type) {
	case CT_MSG_HELLO:
		say_hello(m, c, message);
		return;
	case CT_MSG_STDIN:
		take_stdin(m, c, message);
		return;
	case CT_MSG_EOF:
		take_eof(m, c);
		return;
	case CT_MSG_RESIZE:
		ct_size_take(m, c, message->rows, message->columns);
		return;
	case CT_MSG_SIGNAL:
		if (!m->exited)
			ct_pidfd_signal(m->payload.pidfd, message->signal);
		return;
	case CT_MSG_SEGMENT_GET:
		answer_segment(m, c, message->number);
		return;
	case CT_MSG_POSITION:
		take_position(m, c, message->offset);
		return;
	case CT_MSG_DETACH:
		ct_client_drop(m, c, false);
		return;
	case CT_MSG_CLIENTS_GET:
		ct_client_list(m, c);
		return;
	case CT_MSG_CLIENT_DROP:
		drop_others(m, c, message->number);
		return;
	case CT_MSG_NAMESPACES_GET:
		ct_client_owe(m, c, OWE_NAMESPACES);
		return;
	case CT_MSG_LOG_REOPEN:
		reopen_log(m, c);
		return;
	case CT_MSG_EXIT:
	case CT_MSG_ERROR:
	case CT_MSG_ROOM:
	case CT_MSG_WELCOME:
	case CT_MSG_SEGMENT:
	case CT_MSG_CLIENT:
	case CT_MSG_DETACHED:
	case CT_MSG_POSITION_GET:
	case CT_MSG_NAMESPACES:
	case CT_MSG_LOG_REOPENED:
		ct_client_refuse(m, c, "only a monitor sends messages of this type");
		return;
	}
}
