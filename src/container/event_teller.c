/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events that a monitor tells of: that its payload has started, that it has ended, that the
 * container has removed itself.
 *
 * Prepared in the CLI, told in the monitor: the start before it is confined, the end after. There
 * it has a directory that it may write files in, and no heap, so image and labels have been made
 * into JSON before, and the rest needs no escaping: numbers, ids, names. A container may have
 * another name by now: names/ knows. Nothing of it can fail a start or an end.
 *
 *    at the start, with memory          make_tail(): image and labels as text, once
 *    confined, without                  tell(): time, action, details, name as it is now, tail
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/age.h>
#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/json.h>
#include <cattach/proc.h>

#include "events.h"
#include "store.h"

#define TAIL_MAX (CT_EVENT_MAX - 768)	/* what stands before it is shorter than this rest */

/* ---- preparing ---- */

/* "image":"...","labels":{...} */
static int write_tail(const struct ct_meta *meta, bool labels, struct ct_buf *buf)
{
	struct ct_json_writer w;
	struct ct_err ignored;

	ct_buf_clear(buf);
	if (ct_json_writer_open(&w, buf, false, &ignored) < 0)
		return -1;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "image", meta->source ? meta->source : "");
	ct_json_key(&w, "labels");
	ct_json_begin_object(&w);
	for (size_t i = 0; labels && i < meta->labels.count; i++)
		ct_json_put_string(&w, meta->labels.items[i].key, meta->labels.items[i].value);
	ct_json_end_object(&w);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	return buf->failed || buf->length > TAIL_MAX ? -1 : 0;
}

/* Without the braces around it. Labels that are too long for a line are left out, like those of
 * record() in events.c. */
static char *make_tail(const struct ct_meta *meta)
{
	struct ct_buf ct_autobuf buf = { 0 };

	if (write_tail(meta, true, &buf) < 0 && write_tail(meta, false, &buf) < 0)
		return strdup("\"image\":\"\",\"labels\":{}");
	return strndup(buf.data + 1, buf.length - 2);
}

/* The user's names: those of a store of sessions are other ones. An engine's have none. */
static int open_names(const struct ct_store *store)
{
	if (store->engine)
		return -1;
	return openat(store->containers, store->session_of[0] ? "../../../names" : "../names",
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opened here, as the monitor can open nothing later. What fails shows as dir -1, and nothing is
 * told. */
void ct_event_teller_open(struct event_teller *teller, const struct ct_store *store,
			  const struct ct_container *container, const char *session)
{
	const char *label = ct_container_label(container);

	*teller = (struct event_teller){ .dir = ct_events_open(store), .names = open_names(store) };
	teller->tail = make_tail(&container->meta);
	snprintf(teller->id, sizeof(teller->id), "%s", container->meta.id);
	snprintf(teller->name, sizeof(teller->name), "%s", label);
	snprintf(teller->session, sizeof(teller->session), "%s", session ? session : "");
}

void ct_event_teller_close(struct event_teller *teller)
{
	ct_drop_fd(&teller->dir);
	ct_drop_fd(&teller->names);
	free(teller->tail);
	teller->tail = NULL;
}

/* ---- telling ---- */

/* As it is called now; one that has lost its name keeps the one that it had. */
static void find_name(const struct event_teller *teller, char name[CT_NAME_MAX + 1])
{
	const struct ct_store store = { .names = teller->names };
	char id[CT_CONTAINER_ID_LENGTH + 1];

	memcpy(name, teller->name, CT_NAME_MAX + 1);
	if (teller->names < 0 ||
	    (ct_name_lookup(&store, name, id) == 0 && strcmp(id, teller->id) == 0))
		return;
	if (ct_name_of_id(&store, teller->id, name, CT_NAME_MAX + 1) < 0)
		memcpy(name, teller->name, CT_NAME_MAX + 1);
}

/* details: members of an object, without the braces. */
static void tell_as(const struct event_teller *teller, const char *name, const char *action,
		    const char *details)
{
	char exec[CT_CONTAINER_ID_LENGTH + 16] = "";
	const char *comma = *details && teller->session[0] ? "," : "";
	struct event_line line;
	int n;

	if (teller->dir < 0 || !teller->tail)
		return;
	if (teller->session[0])
		snprintf(exec, sizeof(exec), "\"execID\":\"%s\"", teller->session);
	n = snprintf(line.text + 1, CT_EVENT_MAX,
		     "{\"time\":%llu,\"action\":\"%s\",\"id\":\"%s\",\"name\":\"%s\","
		     "\"details\":{%s%s%s},%s}\n",
		     (unsigned long long)ct_now_real(), action, teller->id, name, details,
		     comma, exec, teller->tail);
	if (n > 0 && n < CT_EVENT_MAX)
		ct_events_append(teller->dir, &line, (size_t)n);
}

static void tell(const struct event_teller *teller, const char *action, const char *details)
{
	char name[CT_NAME_MAX + 1];

	find_name(teller, name);
	tell_as(teller, name, action, details);
}

void ct_event_tell_start(const struct event_teller *teller)
{
	tell(teller, teller->session[0] ? "exec_start" : "start", "");
}

/* docker's attributes of "die"; times in seconds. */
void ct_event_tell_end(const struct event_teller *teller, const struct ct_status *status)
{
	uint64_t duration = ct_age_since(status->started, status->finished);
	char details[160];

	if (status->oom_killed && !teller->session[0])
		tell(teller, "oom", "");
	snprintf(details, sizeof(details),
		 "\"exitCode\":\"%d\",\"execDuration\":\"%llu\",\"oomKilled\":\"%s\"",
		 ct_exit_code(&status->exit), (unsigned long long)(duration / 1000000000),
		 status->oom_killed ? "true" : "false");
	tell(teller, teller->session[0] ? "exec_died" : "died", details);
}

/* Before the container's name goes: its removal is told under the name that it had. */
void ct_event_teller_look(struct event_teller *teller)
{
	char name[CT_NAME_MAX + 1];

	find_name(teller, name);
	memcpy(teller->name, name, sizeof(name));
}

/* By the name that it had at the last look: now it has none. */
void ct_event_tell_removal(const struct event_teller *teller)
{
	if (!teller->session[0])
		tell_as(teller, teller->name, "remove", "");
}
