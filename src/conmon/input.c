/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a client to the payload: stdin, terminal size, signals.
 *
 * Runs in the monitor. A client may have one message of stdin on its way and waits for CT_MSG_ROOM
 * before the next, so control never queues up behind stdin that the payload does not read, and a
 * message's bytes are written together, not mixed with another client's. A record that is not
 * understood, or stdin sent without room, ends the connection.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

void ct_input_close(struct monitor *m)
{
	if (m->in < 0)
		return;
	if (m->in_armed)
		ct_monitor_unwatch(m, m->in);
	m->in_armed = false;
	ct_drop_fd(&m->in);
}

void ct_input_say(struct monitor *m, enum ct_message_type type)
{
	struct ct_message message = { .type = type };
	uint8_t record[CT_ATTACH_HEADER];
	ssize_t n = ct_message_encode(&message, record);

	/* The client owes us a read only for what it has asked for, so there is always room. */
	if (m->client >= 0 && n > 0)
		send(m->client, record, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static bool has_pending(const struct monitor *m)
{
	return m->pending_start < m->pending_end;
}

static void drop_client(struct monitor *m)
{
	ct_monitor_unwatch(m, m->client);
	ct_drop_fd(&m->client);
	/* docker's StdinOnce: the first client's end is the payload's end of file. */
	if (!m->config->stdin_once || m->config->tty)
		return;
	m->eof = true;
	if (!has_pending(m))
		ct_input_close(m);
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

/* Write what is pending; the rest waits for ct_input_writable(). */
static void flush(struct monitor *m)
{
	while (has_pending(m) && m->in >= 0) {
		ssize_t n = write(m->in, m->pending + m->pending_start,
				  m->pending_end - m->pending_start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch_room(m, true);
			return;
		}
		/* Any other failure: the payload has closed its stdin, nobody will read this. */
		if (n < 0)
			ct_input_close(m);
		else
			m->pending_start += (size_t)n;
	}
	m->pending_start = m->pending_end = 0;
	watch_room(m, false);
	if (m->eof)
		ct_input_close(m);
	/* A stdin that is closed has no room ever again: what was not sent is left to whoever reads
	 * the client's stdin next, and a client that never ends to send does not spin. */
	if (m->in >= 0)
		ct_input_say(m, CT_MSG_ROOM);
}

void ct_input_writable(struct monitor *m)
{
	flush(m);
}

static void take_stdin(struct monitor *m, const struct ct_message *message)
{
	if (has_pending(m)) {
		drop_client(m);
		return;
	}
	memcpy(m->pending, message->data, message->size);
	m->pending_start = 0;
	m->pending_end = message->size;
	flush(m);
}

static void take_eof(struct monitor *m)
{
	/* A terminal has no end of file but the character that means it. */
	if (m->config->tty || !m->config->stdin_once)
		return;
	m->eof = true;
	if (!has_pending(m))
		ct_input_close(m);
}

static void resize(struct monitor *m, const struct ct_message *message)
{
	struct winsize size = { .ws_row = message->rows, .ws_col = message->columns };

	if (m->config->tty && m->out[0].fd >= 0 && size.ws_row && size.ws_col &&
	    ioctl(m->out[0].fd, TIOCSWINSZ, &size) < 0)
		return;
}

static void handle(struct monitor *m, const struct ct_message *message)
{
	switch (message->type) {
	case CT_MSG_STDIN:
		take_stdin(m, message);
		return;
	case CT_MSG_EOF:
		take_eof(m);
		return;
	case CT_MSG_RESIZE:
		resize(m, message);
		return;
	case CT_MSG_SIGNAL:
		if (!m->exited)
			ct_pidfd_signal(m->payload.pidfd, message->signal);
		return;
	case CT_MSG_EXIT:
	case CT_MSG_ERROR:
	case CT_MSG_ROOM:
		return;
	}
}

void ct_input_client(struct monitor *m, uint32_t events)
{
	struct ct_message message;
	struct ct_err err = { 0 };
	ssize_t n;

	if (m->client < 0)
		return;
	if (!(events & EPOLLIN)) {
		if (events & (EPOLLHUP | EPOLLERR))
			drop_client(m);
		return;
	}
	n = recv(m->client, m->record, CT_ATTACH_RECORD_MAX, MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || n > (ssize_t)CT_ATTACH_RECORD_MAX ||
	    ct_message_decode(m->record, (size_t)n, &message, &err) < 0) {
		drop_client(m);
		return;
	}
	handle(m, &message);
}
