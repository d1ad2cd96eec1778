/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values for output, see value.h: makers, appending, copying, and the two ways to show one.
 *
 * Works on memory of the caller's arena only. Numbers keep the digits they were written with, so
 * that nothing is lost between a file and what is printed. Fails when the arena is exhausted.
 *
 * Arena, no free: a tree is as short-lived as the row it is printed in. A child belongs to one
 * parent only, because the links to its neighbours are in the child itself; what is wanted in two
 * places is copied.
 *
 *    make*        null bool i64 string(_n) object array strings
 *    put together ct_value_set (a member), ct_value_add (an item)
 *    show         ct_value_text (as {{.X}} does), ct_value_write (as JSON)
 */
#include "value.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Never NULL: without memory it is the spare one, which takes whatever is put into it, and "failed"
 * is looked at once, when the tree is complete. So a maker can be an argument of another. */
static struct ct_json *make(struct ct_values *values, enum ct_json_type type)
{
	struct ct_json *value = ct_arena_alloc(values->arena, sizeof(*value));

	if (!value) {
		values->failed = true;
		return &values->spare;
	}
	value->type = type;
	return value;
}

struct ct_json *ct_value_null(struct ct_values *values)
{
	return make(values, CT_JSON_NULL);
}

struct ct_json *ct_value_bool(struct ct_values *values, bool boolean)
{
	struct ct_json *value = make(values, CT_JSON_BOOL);

	value->boolean = boolean;
	return value;
}

/* count is the length of the text, which may have NUL bytes from a JSON string in the middle. */
static struct ct_json *make_text(struct ct_values *values, enum ct_json_type type,
				 const char *text, size_t length)
{
	struct ct_json *value = make(values, type);

	value->text = ct_arena_strndup(values->arena, text, length);
	value->count = length;
	if (!value->text) {
		values->failed = true;
		value->text = "";
		value->count = 0;
	}
	return value;
}

struct ct_json *ct_value_i64(struct ct_values *values, int64_t number)
{
	char digits[24];
	int length = snprintf(digits, sizeof(digits), "%" PRId64, number);

	return make_text(values, CT_JSON_NUMBER, digits, (size_t)length);
}

/* Fixed point, as the kernel has its pressure averages: no double rounds 0.37 to 0.36999. */
struct ct_json *ct_value_hundredths(struct ct_values *values, uint64_t number)
{
	char digits[32];
	int length = snprintf(digits, sizeof(digits), "%" PRIu64 ".%02u", number / 100,
			      (unsigned)(number % 100));

	return make_text(values, CT_JSON_NUMBER, digits, (size_t)length);
}

struct ct_json *ct_value_string_n(struct ct_values *values, const char *text, size_t length)
{
	return make_text(values, CT_JSON_STRING, text, length);
}

/* NULL is what a record does not have: an empty string in docker's output, too. */
struct ct_json *ct_value_string(struct ct_values *values, const char *text)
{
	if (!text)
		text = "";
	return ct_value_string_n(values, text, strlen(text));
}

struct ct_json *ct_value_object(struct ct_values *values)
{
	return make(values, CT_JSON_OBJECT);
}

struct ct_json *ct_value_array(struct ct_values *values)
{
	return make(values, CT_JSON_ARRAY);
}

/* Put value behind last, or first into parent where there is no last. */
static void link_child(struct ct_values *values, struct ct_json *parent, struct ct_json *last,
		       struct ct_json *value)
{
	/* after a failure the spare value stands everywhere; linking it would make a ring */
	if (values->failed)
		return;
	value->parent = parent;
	if (last)
		last->next = value;
	else
		parent->child = value;
	parent->count++;
}

/* Children are const to readers; whoever builds the tree may still append. Walks the list, so n
 * appends take n² steps: fine for the members of a row, and loops over what others made long keep
 * the last one themselves (link_child). */
static struct ct_json *last_child(const struct ct_json *parent)
{
	const struct ct_json *child = parent->child;

	while (child && child->next)
		child = child->next;
	return (struct ct_json *)(uintptr_t)child;
}

/* Walks to the last child each time: for long lists there is ct_value_strings(). */
void ct_value_add(struct ct_values *values, struct ct_json *array, struct ct_json *value)
{
	link_child(values, array, last_child(array), value);
}

/* Does not look whether the key is there already: whoever builds an object names each once. */
void ct_value_set(struct ct_values *values, struct ct_json *object, const char *key,
		  struct ct_json *value)
{
	value->key = ct_arena_strdup(values->arena, key);
	if (!value->key)
		values->failed = true;
	ct_value_add(values, object, value);
}

/* A list that does not exist is an empty one: [] and not null, as scripts index it. */
struct ct_json *ct_value_strings(struct ct_values *values, const struct ct_strings *list)
{
	struct ct_json *array = ct_value_array(values), *last = NULL;

	for (size_t i = 0; list && i < list->count; i++) {
		struct ct_json *item = ct_value_string(values, list->items[i]);

		link_child(values, array, last, item);
		last = item;
	}
	return array;
}

/* Depth is bounded by CT_JSON_MAX_DEPTH, because that is all that can be parsed. Texts are shared:
 * both trees live in arenas of the same command. */
struct ct_json *ct_value_copy(struct ct_values *values, const struct ct_json *value)
{
	struct ct_json *copy, *last = NULL;

	if (!value)
		return ct_value_null(values);
	copy = make(values, value->type);
	copy->boolean = value->boolean;
	copy->text = value->text;
	if (value->type != CT_JSON_ARRAY && value->type != CT_JSON_OBJECT) {
		copy->count = value->count;
		return copy;
	}
	for (const struct ct_json *child = value->child; child; child = child->next) {
		struct ct_json *item = ct_value_copy(values, child);

		item->key = child->key;
		link_child(values, copy, last, item);
		last = item;
	}
	return copy;
}

/* As JSON text; a tree that was made without memory is the caller's to look for
 * (values->failed). */
int ct_value_write(const struct ct_json *value, bool indent, struct ct_buf *buf,
		   struct ct_err *err)
{
	struct ct_json_writer writer;
	int r = ct_json_writer_open(&writer, buf, indent, err);

	if (r < 0)
		return r;
	ct_json_copy(&writer, value);
	ct_json_writer_close(&writer);
	return 0;
}

/* Go prints the keys of a map in order. */
static int compare_keys(const void *a, const void *b)
{
	const struct ct_json *const *left = a, *const *right = b;

	return strcmp((*left)->key, (*right)->key);
}

/* Go prints maps in the order of their keys. The memory is given back at once and not the arena's:
 * printing must not grow what a long-running stats or events keeps. */
static void object_text(const struct ct_json *object, struct ct_buf *buf)
{
	const struct ct_json **members = calloc(object->count + 1, sizeof(*members));
	size_t count = 0;

	if (!members) {
		buf->failed = true;
		return;
	}
	for (const struct ct_json *child = object->child; child; child = child->next)
		members[count++] = child;
	qsort(members, count, sizeof(const struct ct_json *), compare_keys);
	ct_buf_puts(buf, "map[");
	for (size_t i = 0; i < count; i++) {
		ct_buf_printf(buf, "%s%s:", i ? " " : "", members[i]->key);
		ct_value_text(members[i], buf);
	}
	ct_buf_putc(buf, ']');
	free(members);
}

/* Go's %v of a slice: [a b], which is what {{.Names}} shows of a list. */
static void array_text(const struct ct_json *array, struct ct_buf *buf)
{
	ct_buf_putc(buf, '[');
	for (const struct ct_json *child = array->child; child; child = child->next) {
		ct_value_text(child, buf);
		if (child->next)
			ct_buf_putc(buf, ' ');
	}
	ct_buf_putc(buf, ']');
}

/* "<no value>" is what Go prints for a nil; docker's users know it. */
void ct_value_text(const struct ct_json *value, struct ct_buf *buf)
{
	switch (value->type) {
	case CT_JSON_NULL:
		ct_buf_puts(buf, "<no value>");
		break;
	case CT_JSON_BOOL:
		ct_buf_puts(buf, value->boolean ? "true" : "false");
		break;
	case CT_JSON_NUMBER:
	case CT_JSON_STRING:
		ct_buf_add(buf, value->text, value->count);
		break;
	case CT_JSON_ARRAY:
		array_text(value, buf);
		break;
	case CT_JSON_OBJECT:
		object_text(value, buf);
		break;
	}
}

/* Go's truth for {{if}}: the zero value of each type is false. */
bool ct_value_true(const struct ct_json *value)
{
	switch (value->type) {
	case CT_JSON_NULL:
		return false;
	case CT_JSON_BOOL:
		return value->boolean;
	case CT_JSON_NUMBER:
		return strtod(value->text, NULL) != 0;
	case CT_JSON_STRING:
	case CT_JSON_ARRAY:
	case CT_JSON_OBJECT:
		return value->count > 0;
	}
	return false;
}
