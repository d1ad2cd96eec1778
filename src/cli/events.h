/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of "cattach events": which ones, and what is shown of them. cmd_events.c puts them
 * together.
 */
#ifndef CATTACH_CLI_EVENTS_H
#define CATTACH_CLI_EVENTS_H

#include <stdbool.h>

#include <cattach/event.h>

#include "value.h"

enum ct_event_key {
	CT_EVENT_KEY_CONTAINER,	/* its name, or the beginning of its id */
	CT_EVENT_KEY_EVENT,	/* what has happened */
	CT_EVENT_KEY_IMAGE,
	CT_EVENT_KEY_LABEL,	/* KEY or KEY=VALUE; all of them must match */
	CT_EVENT_KEY_TYPE,
	CT_EVENT_KEY_COUNT,
};

struct ct_event_filters {
	struct {
		enum ct_event_key key;
		const char *value;
	} *items;
	size_t count;
};

/* Parse the values of --filter: EINVAL for keys, events and types that nobody knows. */
int ct_event_filters_parse(struct ct_arena *arena, const struct ct_strings *list,
			   struct ct_event_filters *ret_filters, struct ct_err *err);

/* Does an event pass? Filters of one key are alternatives, different keys must all pass. */
bool ct_event_filters_match(const struct ct_event_filters *filters, const struct ct_event *event);

/* As docker's line: TIME container died ID (exitCode=7, image=app, name=web), and a newline. */
void ct_event_line(const struct ct_event *event, struct ct_values *values, struct ct_buf *buf);

/* With the members of docker's json and podman's, for json and templates. */
const struct ct_json *ct_event_row(const struct ct_event *event, struct ct_values *values);

#endif
