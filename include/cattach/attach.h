/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach protocol: control and stdin between a client and a monitor, one message per record of
 * a SOCK_SEQPACKET socket. Output does not travel here: clients read the stream log (streamlog.h).
 * Pure functions shared by both ends. PROTOCOL.md is normative.
 */
#ifndef CATTACH_ATTACH_H
#define CATTACH_ATTACH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>

#define CT_ATTACH_VERSION	1
#define CT_ATTACH_HEADER	8		/* bytes: type, version, 0, 0, length big-endian */
#define CT_ATTACH_DATA_MAX	32768		/* bytes of stdin in one message */
#define CT_ATTACH_RECORD_MAX	(CT_ATTACH_HEADER + CT_ATTACH_DATA_MAX)

enum ct_message_type {
	/* client to monitor */
	CT_MSG_STDIN = 1,	/* bytes for the payload's stdin; one at a time, see CT_MSG_ROOM */
	CT_MSG_EOF,		/* this client has no more stdin */
	CT_MSG_RESIZE,		/* rows, columns: be16 each */
	CT_MSG_SIGNAL,		/* number: one byte */
	/* monitor to client */
	CT_MSG_EXIT = 64,	/* the session has ended; the status is on the commit page */
	CT_MSG_ERROR,		/* text */
	CT_MSG_ROOM,		/* the last CT_MSG_STDIN is in the payload's pipe, send the next */
};

struct ct_message {
	enum ct_message_type type;
	const uint8_t *data;		/* CT_MSG_STDIN, CT_MSG_ERROR: inside the record */
	size_t size;
	uint16_t rows, columns;		/* CT_MSG_RESIZE */
	int signal;			/* CT_MSG_SIGNAL */
};

/**
 * ct_message_encode - a message into a record
 * @record: at least CT_ATTACH_RECORD_MAX bytes
 *
 * Return: bytes of the record, or -EMSGSIZE when the data is too long.
 */
ssize_t ct_message_encode(const struct ct_message *message, uint8_t *record);

/**
 * ct_message_decode - a record into a message
 * @record, @size: as received
 * @err: EPROTO with a text for the peer: unknown type or version, length that does not fit
 *
 * The message points into the record.
 */
int ct_message_decode(const uint8_t *record, size_t size, struct ct_message *ret_message,
		      struct ct_err *err);

#endif
