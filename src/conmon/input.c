/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a client to the payload: stdin, terminal size, signals.
 *
 * Runs in the monitor. A message of stdin is written whole before the next record is read, so
 * bytes of one message never interleave with another's, and a payload that does not read its stdin
 * stops only the client that types: the client's descriptor leaves the epoll set until the payload
 * can take more. A record that is not understood ends the connection.
 */
#include <errno.h>
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
	m->pending_size = 0;
	ct_drop_fd(&m->in);
}

static void drop_client(struct monitor *m)
{
	ct_monitor_unwatch(m, m->client);
	ct_drop_fd(&m->client);
	/* docker's StdinOnce: the first client's end is the payload's end of file. */
	if (m->config->stdin_once && !m->config->tty) {
		m->eof = true;
		if (!m->pending_size)
			ct_input_close(m);
	}
}

static void arm_client(struct monitor *m, bool on)
{
	if (m->client >= 0 && m->client_armed != on)
		ct_monitor_rewatch(m, m->client, SRC_CLIENT, on ? EPOLLIN : 0);
	m->client_armed = on;
}

static void wait_for_room(struct monitor *m)
{
	if (!m->in_armed)
		ct_monitor_watch(m, m->in, SRC_STDIN, EPOLLOUT);
	m->in_armed = true;
	arm_client(m, false);
}

/* Write what is pending; leaves the rest for ct_input_writable(). */
static void flush(struct monitor *m)
{
	while (m->pending_size && m->in >= 0) {
		ssize_t n = write(m->in, m->pending, m->pending_size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			wait_for_room(m);
			return;
		}
		if (n < 0) {
			/* The payload has closed its stdin. */
			ct_input_close(m);
			break;
		}
		m->pending += n;
		m->pending_size -= (size_t)n;
	}
	m->pending_size = 0;
	if (m->in_armed && m->in >= 0)
		ct_monitor_unwatch(m, m->in);
	m->in_armed = false;
	if (m->eof)
		ct_input_close(m);
	arm_client(m, true);
}

void ct_input_writable(struct monitor *m)
{
	flush(m);
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
		if (m->in < 0)
			return;
		m->pending = message->data;
		m->pending_size = message->size;
		flush(m);
		return;
	case CT_MSG_EOF:
		/* A terminal has no end of file but the character that means it. */
		if (!m->config->tty && m->config->stdin_once)
			ct_input_close(m);
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

void ct_input_say_exit(struct monitor *m)
{
	struct ct_message message = { .type = CT_MSG_EXIT };
	ssize_t n = ct_message_encode(&message, m->record);

	if (m->client >= 0 && n > 0)
		send(m->client, m->record, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
}
