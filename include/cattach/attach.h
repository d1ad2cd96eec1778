/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attach protocol: control and stdin between a client and a monitor, one message per record of
 * a SOCK_SEQPACKET socket. Output does not travel here: clients read the stream log (streamlog.h).
 * Pure functions shared by both ends (src/conmon/protocol.c). PROTOCOL.md is normative.
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
#define CT_ATTACH_MAX_CLIENTS	1024
#define CT_ATTACH_PLACES	9		/* descriptors that come with CT_MSG_NAMESPACES */

enum ct_message_type {
	/* client to monitor */
	CT_MSG_STDIN = 1,	/* bytes for the payload's stdin: one after CT_MSG_WELCOME, one more after
				 * each CT_MSG_ROOM */
	CT_MSG_EOF,		/* this client has no more stdin: the payload's stdin may be closed */
	CT_MSG_RESIZE,		/* rows, columns: be16 each */
	CT_MSG_SIGNAL,		/* number: one byte */
	CT_MSG_HELLO,		/* flags: CT_HELLO_*, rows, columns (0: none); first message */
	CT_MSG_SEGMENT_GET,	/* number: be32 */
	CT_MSG_POSITION,	/* offset: be64; what this client has read up to: see CT_MSG_POSITION_GET */
	CT_MSG_DETACH,		/* goodbye: unlike a hang-up it never closes the payload's stdin */
	CT_MSG_CLIENTS_GET,	/* who is attached? */
	CT_MSG_CLIENT_DROP,	/* number: be32; a client's id, 0: all others. Answered by CT_MSG_CLIENT
				 * with number 0 and in offset how many there were */
	CT_MSG_NAMESPACES_GET,	/* the way into the container, please */
	CT_MSG_LOG_REOPEN,	/* the file that the log driver writes was renamed: make a new one */
	/* monitor to client */
	CT_MSG_EXIT = 64,	/* the session has ended; the status is on the commit page */
	CT_MSG_ERROR,		/* flags: CT_ERROR_*, text; the connection ends but for CT_ERROR_KEPT */
	CT_MSG_ROOM,		/* the last CT_MSG_STDIN is in the payload's pipe, send the next */
	CT_MSG_WELCOME,		/* flags: CT_WELCOME_*, number: this client's id; with the descriptors
				 * of page and eventfd */
	CT_MSG_SEGMENT,		/* number, offset: its base; with the descriptors of log and index;
				 * number 0xffffffff without descriptors: there is none (yet) */
	CT_MSG_CLIENT,		/* one client: number id, pid, uid, flags, offset (its last
				 * CT_MSG_POSITION, 0: none), time of attaching; after the last one comes
				 * one with number 0 and in offset how many there were */
	CT_MSG_DETACHED,	/* somebody sent CT_MSG_CLIENT_DROP for this client */
	CT_MSG_POSITION_GET,	/* offset: n; CT_MSG_POSITION is due now, and again whenever n/8 more
				 * bytes are read or all of them, until less than n/4 are left */
	CT_MSG_NAMESPACES,	/* with CT_ATTACH_PLACES descriptors: the container's namespaces user,
				 * mnt, pid, net, ipc, uts, cgroup, its root (O_PATH) and its time
				 * namespace; without any: there is no way in, or not any more */
	CT_MSG_LOG_REOPENED,	/* number: 0, or the errno for which the old file is written on */
};

#define CT_HELLO_READ_ONLY	1u	/* the monitor refuses stdin, signals and sizes from it */
#define CT_HELLO_BLOCK		2u	/* must get everything: in the end the payload waits for it */
#define CT_HELLO_STDIN		4u	/* will send stdin: its end may be the payload's (StdinOnce) */
#define CT_HELLO_QUIET		8u	/* asks only (logs, clients, send): is not listed as a viewer */

#define CT_HELLO_CLOSE		16u	/* its CT_MSG_EOF ends the payload's stdin whoever opened that */
#define CT_HELLO_ALL		31u

#define CT_ERROR_KEPT		1u	/* nothing but this message was refused */

#define CT_WELCOME_TTY		1u
#define CT_WELCOME_STDIN_OPEN	2u

/* A message, decoded. Which fields mean something depends on the type. */
struct ct_message {
	enum ct_message_type type;
	const uint8_t *data;		/* CT_MSG_STDIN, CT_MSG_ERROR (its text): inside the record */
	size_t size;
	uint16_t rows, columns;
	int signal;
	uint32_t flags, number;
	uint64_t offset, time;
	uint32_t pid, uid;
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
 * @err: EPROTO with a text for the peer: unknown type or version, length that does not fit
 *
 * The message points into the record.
 */
int ct_message_decode(const uint8_t *record, size_t size, struct ct_message *ret_message,
		      struct ct_err *err);

#endif
