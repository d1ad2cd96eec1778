/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The environment of a payload, put together from a configuration, files and options.
 *
 * Runs in the command, before anything is created. Of our own environment nothing gets in but the
 * variables that somebody named, one by one. A hash table finds names, because a configuration of
 * the permitted size can hold a hundred thousand of them.
 *
 * May fail with ENOMEM, and with EINVAL for texts that name no variable; values never appear in
 * errors or logs, because they may be secrets.
 *
 *    NAME=VALUE    set; of two of one name the last counts
 *    NAME          from our own environment; not there: nothing
 *    --env-file    a line each, "#" begins a comment
 */
#include "environ.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run_parts.h"

#define ENV_FILE_MAX (1024 * 1024)

/* FNV-1a over the name. */
static uint32_t hash_name(const char *name, size_t length)
{
	uint32_t hash = 2166136261u;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (unsigned char)name[i]) * 16777619u;
	return hash;
}

/* The slot of a name: the one that holds it, or the empty one where it belongs. slots has numbers
 * of items, from 1, 0 for none; its size is a power of two. */
static uint32_t *find_slot(const struct ct_environ *environment, const char *name, size_t length)
{
	size_t mask = environment->slot_count - 1, at = hash_name(name, length) & mask;

	while (environment->slots[at]) {
		const char *item = environment->items[environment->slots[at] - 1];

		if (!strncmp(item, name, length) && item[length] == '=')
			break;
		at = (at + 1) & mask;
	}
	return &environment->slots[at];
}

/* Room for one more item and the NULL behind it; the table stays at most half full. */
static int make_room(struct ct_environ *environment)
{
	size_t room = environment->room ? 2 * environment->room : 32;
	struct ct_environ grown = *environment;

	if (environment->count + 1 < environment->room)
		return 0;
	grown.items = ct_arena_calloc(environment->arena, room, sizeof(*grown.items));
	grown.slots = ct_arena_calloc(environment->arena, 2 * room, sizeof(*grown.slots));
	if (!grown.items || !grown.slots)
		return -ENOMEM;
	grown.room = room;
	grown.slot_count = 2 * room;
	for (size_t i = 0; i < environment->count; i++) {
		const char *item = environment->items[i];

		grown.items[i] = item;
		*find_slot(&grown, item, strcspn(item, "=")) = (uint32_t)i + 1;
	}
	*environment = grown;
	return 0;
}

/* The last assignment of a name wins, in the place of the first: programs that print their
 * environment show an order that somebody chose. */
int ct_environ_set(struct ct_environ *environment, const char *assignment)
{
	uint32_t *slot;

	if (make_room(environment) < 0)
		return -ENOMEM;
	slot = find_slot(environment, assignment, strcspn(assignment, "="));
	if (!*slot)
		*slot = (uint32_t)++environment->count;
	environment->items[*slot - 1] = assignment;
	return 0;
}

const char *ct_environ_get(const struct ct_environ *environment, const char *name)
{
	size_t length = strlen(name);
	uint32_t slot;

	if (!environment->slot_count)
		return NULL;
	slot = *find_slot(environment, name, length);
	return slot ? environment->items[slot - 1] + length + 1 : NULL;
}

/* NAME alone takes over our own value, and is nothing where we have none, as for docker. */
int ct_environ_option(struct ct_environ *environment, const char *text, struct ct_err *err)
{
	const char *ours;

	if (!*text)
		return ct_fail(err, EINVAL, "is empty; must be NAME=VALUE or NAME");
	if (*text == '=')
		return ct_fail(err, EINVAL, "has no name before the \"=\"");
	if (!strchr(text, '=')) {
		ours = getenv(text);
		if (!ours)
			return 0;
		text = ct_arena_printf(environment->arena, "%s=%s", text, ours);
	}
	if (!text || ct_environ_set(environment, text) < 0)
		return ct_fail_nomem(err);
	return 0;
}

/* One line of an env file, without its end. docker's format: no quotes, no escapes, no "export";
 * what stands behind "=" is the value. */
static int file_line(struct ct_environ *environment, const char *line, size_t length,
		     struct ct_err *err)
{
	char *text;

	/* Blanks before the name are nothing, those in and behind the value are the value's. */
	while (length && (*line == ' ' || *line == '\t')) {
		line++;
		length--;
	}
	if (length && line[length - 1] == '\r')
		length--;
	if (!length || *line == '#')
		return 0;
	if (memchr(line, '\0', length))
		return ct_fail(err, EINVAL, "contains a NUL");
	text = ct_arena_strndup(environment->arena, line, length);
	if (!text)
		return ct_fail_nomem(err);
	if (strcspn(text, " \t\v\f\r") < strcspn(text, "="))
		return ct_fail(err, EINVAL, "the name of a variable has blanks");
	return ct_environ_option(environment, text, err);
}

int ct_environ_file(struct ct_environ *environment, const char *path, struct ct_err *err)
{
	const char *text, *line, *end, *stop;
	unsigned number = 0;
	size_t size;

	if (ct_run_read_host(environment->arena, path, ENV_FILE_MAX, &text, &size, err) < 0)
		return -err->code;
	stop = text + size;
	/* Editors of another system put a byte-order mark there. */
	line = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? text + 3 : text;
	for (; line < stop; line = end + 1) {
		number++;
		end = memchr(line, '\n', (size_t)(stop - line));
		if (!end)
			end = stop;
		if (file_line(environment, line, (size_t)(end - line), err) < 0)
			return ct_wrap(err, "%s:%u", path, number);
	}
	return 0;
}
