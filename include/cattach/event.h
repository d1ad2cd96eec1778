/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What has happened to containers, for those who want to be told: a bounded record in the user's
 * store, written by whoever does a thing, read by "cattach events". There is no daemon that could
 * forget it or be asked for it.
 *
 *   $XDG_DATA_HOME/cattach/events/log      one line of JSON an event, appended by one write(2)
 *   $XDG_DATA_HOME/cattach/events/log.1    the one before, since log has had CT_EVENT_LOG_MAX bytes
 */
#ifndef CATTACH_EVENT_H
#define CATTACH_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/json.h>

#define CT_EVENT_MAX		4096		/* bytes of a line, with its newline */
#define CT_EVENT_LOG_MAX	(1024 * 1024)	/* bytes after which a file is set aside */

#define CT_EVENT_END		((const char *)NULL)	/* of the details of an event */

/**
 * ct_event_record - put down what has happened to a container
 * @container: with its directory open; of a session it is its container's event, with "execID"
 * @action:    "kill"
 * @...:       details: names and values in turn, all strings, closed by CT_EVENT_END
 *
 * An event that cannot be written is lost, and nothing else: no disk is so full that a container
 * could not be stopped. Labels are left out of a line that would be too long with them.
 */
void ct_event_record(const struct ct_container *container, const char *action, ...)
	__attribute__((sentinel));

/* The same of a container whose directory is gone, or of none (NULL). */
void ct_event_record_in(const struct ct_store *store, const struct ct_container *container,
			const char *action, ...) __attribute__((sentinel));

#define CT_EVENT_ID_SIZE (CT_CONTAINER_ID_LENGTH + 1)

/* A name for what exec runs without a session, so that its start and its end can be told to belong
 * together: 64 hexadecimal digits; "" when there is no randomness. */
void ct_event_exec_id(char id[CT_EVENT_ID_SIZE]);

/* ---- reading ---- */

/* As found in the record; in the arena that it was read into. */
struct ct_event {
	uint64_t time;			/* ns since the epoch */
	const char *action;
	const char *id, *name, *image;	/* of the container; "" where there is none */
	const struct ct_json *details, *labels;	/* objects of strings */
};

/* One file of the record, and how far it has been read. */
struct ct_event_file {
	int fd;				/* -1: not there */
	uint64_t offset;
};

/* The two files, read as one, whatever is set aside meanwhile. */
struct ct_event_reader {
	int dir;
	int watch;			/* inotify: readable when there may be more, see _drain() */
	struct ct_event_file previous, current;
};

#define CT_EVENT_READER_INIT { .dir = -1, .watch = -1, .previous.fd = -1, .current.fd = -1 }

/**
 * ct_event_reader_open - open the record
 * @follow: to be told of more
 * @from_now: leave out what is there
 * @err: EMFILE and the like; the limits of inotify
 */
int ct_event_reader_open(const struct ct_store *store, bool follow, bool from_now,
			 struct ct_event_reader *ret_reader, struct ct_err *err);
void ct_event_reader_close(struct ct_event_reader *reader);

/**
 * ct_event_next - the next event
 *
 * Lines that are none (the rest of one for which the disk had no room) are passed over.
 *
 * Return: 1, 0 when there is none yet, or negative.
 */
int ct_event_next(struct ct_event_reader *reader, struct ct_arena *arena,
		  struct ct_event *ret_event, struct ct_err *err);

/* Forget what made the watch readable: before the last look. */
void ct_event_reader_drain(struct ct_event_reader *reader);

#endif
