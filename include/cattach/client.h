/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A client's end of a connection to a monitor: used by run, attach, start, logs, send, clients and
 * later the Engine API. Runs in commands, with the user's rights.
 */
#ifndef CATTACH_CLIENT_H
#define CATTACH_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/attach.h>
#include <cattach/err.h>
#include <cattach/streamlog.h>

struct ct_client {
	int sock;			/* SOCK_SEQPACKET; poll it for CT_MSG_* */
	int wake;			/* eventfd: watch with EPOLLIN | EPOLLET */
	const struct ct_page *page;	/* mapped read-only */
	uint32_t id, flags;		/* from WELCOME: our id, CT_WELCOME_* */
	uint64_t position, reported;	/* of our cursor; what of it the monitor knows */
	uint64_t asked;			/* CT_MSG_POSITION_GET that is not served yet, 0: none */
	bool placed;			/* position means something: there is a cursor */
	bool gone;			/* the monitor has left: segments come from the fallback */
	int fallback;			/* the session's directory ("main") for when the monitor has left,
					 * -1: none; closed with the client */
	uint64_t patience;		/* ns to wait for an answer; set before connecting, 0: 10 s */
	int interrupt;			/* a descriptor that ends such waiting when it becomes readable:
					 * EINTR; likewise; -1: none */
	/* Seen while waiting for an answer (ct_client_segment), to be looked at by the caller. */
	bool room, ended, detached;
	uint8_t *record;		/* CT_ATTACH_RECORD_MAX bytes */
};

#define CT_CLIENT_PATIENCE UINT64_C(10000000000)
#define CT_CLIENT_INIT { .sock = -1, .wake = -1, .fallback = -1, .interrupt = -1 }

/**
 * ct_client_connect - connect to the attach socket in a runtime directory
 * @dir: descriptor of $XDG_RUNTIME_DIR/cattach/<id>; any length of path works
 * @hello: CT_HELLO_*; @rows, @columns: size of our terminal or 0
 * @ret_client: CT_CLIENT_INIT, or with a patience of its own (UINT64_MAX: for ever)
 * @err: ECONNREFUSED, ENOENT (nobody listens), ETIMEDOUT, or the text of CT_MSG_ERROR
 */
int ct_client_connect(int dir, uint32_t hello, uint16_t rows, uint16_t columns,
		      struct ct_client *ret_client, struct ct_err *err);

/* The same over a socket that is connected already (the one run makes); takes the socket. */
int ct_client_hello(int sock, uint32_t hello, uint16_t rows, uint16_t columns,
		    struct ct_client *ret_client, struct ct_err *err);

void ct_client_close(struct ct_client *client);

/* Send a message; 0 or -errno (EPIPE: the monitor is gone). Never raises SIGPIPE. Message data may
 * lie in client->record + CT_ATTACH_HEADER: then nothing is copied. */
int ct_client_send(struct ct_client *client, const struct ct_message *message);

/**
 * ct_client_receive - the next message, without waiting
 * The message points into client->record and is valid until the client is used again. CT_MSG_ERROR
 * comes as a message only with CT_ERROR_KEPT, else as a negative result with its text in err.
 *
 * Return: 1 a message (ROOM, EXIT, DETACHED also set the flags), 0 none now, -EPIPE the end, negative.
 */
int ct_client_receive(struct ct_client *client, struct ct_message *ret_message, struct ct_err *err);

/**
 * ct_client_position - how far our cursor has come
 *
 * Call it as soon as the cursor is open and after every read; it costs a comparison as a rule. The
 * monitor asks when it wants to know (CT_MSG_POSITION_GET): then ct_client_receive() answers, and
 * this goes on to until we have caught up. 0 or -errno of sending.
 */
int ct_client_position(struct ct_client *client, uint64_t offset);

/**
 * ct_client_namespaces - ask the monitor for the way into the container
 * @ret_fds: in the order of CT_MSG_NAMESPACES; the caller owns them
 * @err: ENOENT: the payload has ended; EPERM for a read-only client; the monitor is gone
 */
int ct_client_namespaces(struct ct_client *client, int ret_fds[CT_ATTACH_PLACES],
			 struct ct_err *err);

/* Segments of this session, asked of the monitor: a source for ct_cursor_open(). The client must
 * outlive the cursor. After the monitor's end it answers from the directory fallback (-1: none). */
struct ct_log_source ct_client_source(struct ct_client *client);

#endif
