/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: the files of the record of events, and what a monitor needs to add to it.
 */
#ifndef CATTACH_CONTAINER_EVENTS_H
#define CATTACH_CONTAINER_EVENTS_H

#include <cattach/event.h>

/* The record's directory, from a store's containers/ or exec/, made when it is missing: a
 * descriptor or -errno. */
int ct_events_open(const struct ct_store *store);

/* Room for a line, which begins at the second byte: before it goes a newline, where the line before
 * has lost its own. */
struct event_line {
	char text[1 + CT_EVENT_MAX];
};

/* Add a line of so many bytes, with its newline, to the record in dir. No heap; fails silently. */
void ct_events_append(int dir, struct event_line *line, size_t length);

/* ---- what a monitor tells ---- */

/* Everything that it takes, prepared before it is confined and may allocate no more. */
struct event_teller {
	int dir;			/* of the record; -1: it has nowhere to tell anything */
	int names;			/* the user's names, for a container that is renamed meanwhile */
	char *tail;			/* image and labels as JSON, on the heap */
	char id[CT_CONTAINER_ID_LENGTH + 1];
	char name[CT_NAME_MAX + 1];
	char session[CT_CONTAINER_ID_LENGTH + 1];	/* "": the container's own process */
};

#define EVENT_TELLER_INIT { .dir = -1, .names = -1 }

/* Of a container, or with a session's id of that. What is missing then is an event, no start. */
void ct_event_teller_open(struct event_teller *teller, const struct ct_store *store,
			  const struct ct_container *container, const char *session);
void ct_event_teller_close(struct event_teller *teller);

/* start, or exec_start; and when the record says so, died, or exec_died, with an oom before it. No
 * heap, no tables. */
void ct_event_tell_start(const struct event_teller *teller);
void ct_event_tell_end(const struct event_teller *teller, const struct ct_status *status);
/* Learn its present name: before the container is removed, and its names with it. */
void ct_event_teller_look(struct event_teller *teller);
/* remove, by --rm. */
void ct_event_tell_removal(const struct event_teller *teller);

#endif
