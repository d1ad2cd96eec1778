/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One event as a line, and as a row with docker's members and podman's.
 *
 * Builds values only, in the caller's arena. Attributes are docker's: name, image, details and
 * labels in one, sorted by their names; where a label is called as one of the others, that one
 * counts. In a line what others have written is escaped, so that it stays one.
 *
 *   2026-01-02T15:04:05.123456789+01:00 container died ID (exitCode=0, image=..., name=web)
 *   {"status":"died","id":"...","from":"...","Type":"container","Action":"died","Actor":{...},...}
 */
#include "events.h"

#include <stdlib.h>
#include <string.h>

#include <cattach/num.h>

#include "times.h"

#define SECOND UINT64_C(1000000000)

struct attribute {
	const char *key, *value;
};

struct attributes {
	struct attribute *items;
	size_t count;
};

/* Few, so a search through all of them is the simplest. */
static bool has(const struct attributes *list, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->items[i].key, key))
			return true;
	return false;
}

/* The first of a name counts: name and image are added before the labels, which are anybody's. */
static void add(struct attributes *list, const char *key, const char *value)
{
	if (!has(list, key))
		list->items[list->count++] = (struct attribute){ .key = key, .value = value };
}

static void add_all(struct attributes *list, const struct ct_json *object)
{
	for (const struct ct_json *item = object->child; item; item = item->next)
		if (item->type == CT_JSON_STRING)
			add(list, item->key, item->text);
}

/* Keys are unique by now (has()), so the order is total. */
static int compare(const void *left, const void *right)
{
	const struct attribute *a = left, *b = right;

	return strcmp(a->key, b->key);
}

/* In the order in which one of the same name counts: name and image, then details, then labels. */
static struct attributes attributes_of(const struct ct_event *event, struct ct_values *values)
{
	size_t room = 2 + event->details->count + event->labels->count;
	struct attributes list = {
		.items = ct_arena_calloc(values->arena, room, sizeof(*list.items)),
	};

	if (!list.items) {
		values->failed = true;
		return list;
	}
	/* Of no container: of the store. */
	if (*event->id) {
		add(&list, "name", event->name);
		add(&list, "image", event->image);
	}
	add_all(&list, event->details);
	add_all(&list, event->labels);
	qsort(list.items, list.count, sizeof(*list.items), compare);
	return list;
}

/* docker's line. prune has no container, so its id is empty. */
void ct_event_line(const struct ct_event *event, struct ct_values *values, struct ct_buf *buf)
{
	struct attributes list = attributes_of(event, values);
	char time[CT_TIME_SIZE];

	ct_buf_printf(buf, "%s container %s %s (", ct_time_event(event->time, time), event->action,
		      event->id);
	for (size_t i = 0; i < list.count; i++) {
		ct_buf_puts(buf, i ? ", " : "");
		ct_buf_escaped(buf, list.items[i].key, strlen(list.items[i].key));
		ct_buf_putc(buf, '=');
		ct_buf_escaped(buf, list.items[i].value, strlen(list.items[i].value));
	}
	ct_buf_puts(buf, ")\n");
}

static void set(struct ct_values *values, struct ct_json *row, const char *key, const char *text)
{
	ct_value_set(values, row, key, ct_value_string(values, text));
}

/* A new object each time: a value has one parent. */
static struct ct_json *object(struct ct_values *values, const struct attributes *list)
{
	struct ct_json *made = ct_value_object(values);

	for (size_t i = 0; i < list->count; i++)
		set(values, made, list->items[i].key, list->items[i].value);
	return made;
}

/* What docker has in lower case templates ask for with a capital letter. */
static void set_docker(struct ct_values *values, struct ct_json *row, const struct ct_event *event,
		       const struct attributes *list)
{
	struct ct_json *actor = ct_value_object(values);
	static const char *const cases[][6] = {
		{ "status", "id", "from", "scope", "time", "timeNano" },
		{ "Status", "ID", "From", "Scope", "Time", "TimeNano" },
	};

	for (size_t i = 0; i < 2; i++) {
		set(values, row, cases[i][0], event->action);
		set(values, row, cases[i][1], event->id);
		set(values, row, cases[i][2], event->image);
		set(values, row, cases[i][3], "local");
		ct_value_set(values, row, cases[i][4],
			     ct_value_i64(values, (int64_t)(event->time / SECOND)));
		ct_value_set(values, row, cases[i][5], ct_value_i64(values, (int64_t)event->time));
	}
	set(values, row, "Type", "container");
	set(values, row, "Action", event->action);
	set(values, actor, "ID", event->id);
	ct_value_set(values, actor, "Attributes", object(values, list));
	ct_value_set(values, row, "Actor", actor);
}

/* A number out of the record's text; null where there is none. The record is a file that people
 * edit. */
static struct ct_json *exit_code(const struct ct_event *event, struct ct_values *values)
{
	const struct ct_json *code = ct_json_get(event->details, "exitCode");
	struct ct_err ignored;
	int64_t number;

	if (!code || code->type != CT_JSON_STRING ||
	    ct_parse_i64(code->text, 0, 255, &number, &ignored) < 0)
		return ct_value_null(values);
	return ct_value_i64(values, number);
}

/* docker's members first, podman's behind them: a script for either finds its own. */
const struct ct_json *ct_event_row(const struct ct_event *event, struct ct_values *values)
{
	struct attributes list = attributes_of(event, values);
	struct ct_json *row = ct_value_object(values);

	set_docker(values, row, event, &list);
	set(values, row, "Name", event->name);
	set(values, row, "Image", event->image);
	ct_value_set(values, row, "Attributes", object(values, &list));
	/* Templates fail on what is not there, so it always is. */
	ct_value_set(values, row, "ContainerExitCode", exit_code(event, values));
	return row;
}
