/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table reader behind config.json: from a struct ct_json to a C struct, every wrong type,
 * range, choice or missing property refused with its line and column.
 *
 * Runs in the command, with the caller's rights, before anything is created. The document may be
 * hostile, so each value is checked before it is stored, and nothing is converted on the way: "1"
 * is no number, 1.5 no integer, and a property that is null is one that is not there. What is
 * stored points into the arena. May fail with EINVAL, ERANGE or ENOMEM.
 *
 * Places are reached by offset, because one table serves all structs; memcpy() keeps that within
 * the rules of the language.
 *
 *   ct_read_object    each row of the table: required? read_value()   then finish(), with all of it
 *   read_value        by kind: check type and range, store at offset
 *   has               a bool of the struct that says "was given", where 0 would be ambiguous
 *
 * READ_NOWHERE and a NULL target mean "check, and keep nothing": what is not supported is refused,
 * but only after it was found to be well-formed.
 */
#include "read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cattach/num.h>

#define QUOTE "\"%.80s\""	/* enough of a bad value to recognise it */

/* ---- errors ---- */

/* The place of an error: "config.json:41:7: mounts[3].source". */
int ct_read_wrap(const struct ct_reader *r, const struct ct_json *value)
{
	char path[sizeof(r->err->where)];

	ct_json_path(value, path, sizeof(path));
	return ct_wrap(r->err, "%s:%u:%u%s%s", r->name, value->line, value->column,
		       *path ? ": " : "", path);
}

/* For a value that is there. Always negative, so that it can be returned. */
int ct_read_fail(const struct ct_reader *r, const struct ct_json *value, int code,
		 const char *fmt, ...)
{
	char what[sizeof(r->err->what)];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	ct_fail(r->err, code, "%s", what);
	return ct_read_wrap(r, value);
}

int ct_read_missing(const struct ct_reader *r, const struct ct_json *object, const char *key)
{
	/* A value that could stand there: its path is what the user has to add. */
	struct ct_json absent = { .parent = object, .key = key,
				  .line = object->line, .column = object->column };

	return ct_read_fail(r, &absent, EINVAL, "missing");
}

/* ---- single values ---- */

/* Other tools write null for what is not set (Go's encoding/json does, without omitempty). */
const struct ct_json *ct_read_get(const struct ct_json *object, const char *key)
{
	const struct ct_json *value = ct_json_get(object, key);

	return value && value->type != CT_JSON_NULL ? value : NULL;
}

int ct_read_type(const struct ct_reader *r, const struct ct_json *value, enum ct_json_type type)
{
	if (value->type == type)
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be %s, not %s", ct_json_type_name(type),
			    ct_json_type_name(value->type));
}

/* 1e3 is a number to JSON and no integer to anybody who has written the specification in Go. */
static int check_integer(const struct ct_reader *r, const struct ct_json *value)
{
	if (ct_read_type(r, value, CT_JSON_NUMBER) < 0)
		return -r->err->code;
	if (strpbrk(value->text, ".eE"))
		return ct_read_fail(r, value, EINVAL, "must be an integer, not %.80s", value->text);
	return 0;
}

/* The digits are those of the document: what they were before any rounding. */
int ct_read_integer(const struct ct_reader *r, const struct ct_json *value, int64_t min,
		    int64_t max, int64_t *ret_value)
{
	if (check_integer(r, value) < 0)
		return -r->err->code;
	/* The same words without quotes: in a document "1" and 1 are two things. */
	if (ct_parse_i64(value->text, min, max, ret_value, r->err) < 0)
		return ct_read_fail(r, value, r->err->code, "must be %" PRId64 "...%" PRId64
				    ", not %.80s", min, max, value->text);
	return 0;
}

int ct_read_unsigned(const struct ct_reader *r, const struct ct_json *value, uint64_t min,
		     uint64_t max, uint64_t *ret_value)
{
	if (check_integer(r, value) < 0)
		return -r->err->code;
	if (ct_parse_u64(value->text, min, max, ret_value, r->err) < 0)
		return ct_read_fail(r, value, r->err->code, "must be %" PRIu64 "...%" PRIu64
				    ", not %.80s", min, max, value->text);
	return 0;
}

/* Words are compared exactly; the specification knows no other case. */
bool ct_read_known(const char *const *choices, const char *text)
{
	for (; *choices; choices++) {
		if (strcmp(*choices, text) == 0)
			return true;
	}
	return false;
}

/* "unknown value "x"", with the values there are when they fit on a line. */
static int fail_choice(const struct ct_reader *r, const struct ct_json *value,
		       const char *const *choices)
{
	char all[sizeof(r->err->hint)];
	size_t used = 0;

	ct_read_fail(r, value, EINVAL, "unknown value " QUOTE, value->text);
	for (; *choices; choices++) {
		int n = snprintf(all + used, sizeof(all) - used, "%s%s", used ? ", " : "",
				 *choices);

		if (n < 0 || (size_t)n >= sizeof(all) - used)
			return -r->err->code;
		used += (size_t)n;
	}
	return ct_hint(r->err, "%s", all);
}

/* One string, by the rules of its row. */
static int check_string(const struct ct_reader *r, const struct ct_read_field *f,
			const struct ct_json *value)
{
	if (ct_read_type(r, value, CT_JSON_STRING) < 0)
		return -r->err->code;
	if (f->choices && !ct_read_known(f->choices, value->text))
		return fail_choice(r, value, f->choices);
	return f->check ? f->check(r, value) : 0;
}

/* Nothing else about a path is checked here: what it leads to is found inside the container's
 * root. */
int ct_read_absolute(const struct ct_reader *r, const struct ct_json *value)
{
	if (value->text[0] == '\0')
		return ct_read_fail(r, value, EINVAL, "is empty");
	if (value->text[0] != '/')
		return ct_read_fail(r, value, EINVAL, "must be absolute, not " QUOTE, value->text);
	return 0;
}

/* cpuset(7), "List format"; the kernel would refuse it when the container is half made. */
int ct_read_cpu_list(const struct ct_reader *r, const struct ct_json *value)
{
	if (ct_is_cpu_list(value->text))
		return 0;
	return ct_read_fail(r, value, EINVAL, "must be a list such as 0-3,7, not " QUOTE,
			    value->text);
}

/* ---- storing ---- */

/* NULL where nothing is kept, and what is stored at NULL is dropped (store()). */
static void *place_of(void *target, size_t offset)
{
	return target && offset != READ_NOWHERE ? (char *)target + offset : NULL;
}

static void store(void *place, const void *value, size_t size)
{
	if (place)
		memcpy(place, value, size);
}

/* A row with neither bound has the type's own range. */
static int read_signed(const struct ct_reader *r, const struct ct_read_field *f,
		       const struct ct_json *value, void *place, size_t size)
{
	int64_t wide_min = size == 4 ? INT32_MIN : INT64_MIN;
	int64_t wide_max = size == 4 ? INT32_MAX : INT64_MAX;
	bool bounded = f->min || f->max;
	int64_t number = 0;
	int32_t narrow;

	if (ct_read_integer(r, value, bounded ? f->min : wide_min,
			    f->max ? (int64_t)f->max : wide_max, &number) < 0)
		return -r->err->code;
	narrow = (int32_t)number;
	if (size == 4)
		store(place, &narrow, size);
	else
		store(place, &number, size);
	return 0;
}

/* One function for three widths: the number is known to fit, so the casts lose nothing. */
static int read_number(const struct ct_reader *r, const struct ct_read_field *f,
		       const struct ct_json *value, void *place, size_t size)
{
	uint64_t wide_max = size == 8 ? UINT64_MAX : (UINT64_C(1) << size * 8) - 1;
	uint64_t number = 0;
	uint16_t half;
	uint32_t word;

	if (ct_read_unsigned(r, value, (uint64_t)f->min, f->max ? f->max : wide_max, &number) < 0)
		return -r->err->code;
	half = (uint16_t)number;
	word = (uint32_t)number;
	store(place, size == 2 ? (void *)&half : size == 4 ? (void *)&word : (void *)&number, size);
	return 0;
}

static int read_string(const struct ct_reader *r, const struct ct_read_field *f,
		       const struct ct_json *value, void *place)
{
	if (check_string(r, f, value) < 0)
		return -r->err->code;
	if (f->not_empty && !*value->text)
		return ct_read_fail(r, value, EINVAL, "is empty");
	store(place, &value->text, sizeof(value->text));
	return 0;
}

/* Checked one by one, with the place of the one that is wrong. */
static int read_strings(const struct ct_reader *r, const struct ct_read_field *f,
			const struct ct_json *value, void *place)
{
	struct ct_strings list = {0};

	if (value->type != CT_JSON_ARRAY)
		return ct_read_fail(r, value, EINVAL, "must be a list of strings, not %s",
				    ct_json_type_name(value->type));
	if (f->not_empty && !value->child)
		return ct_read_fail(r, value, EINVAL, "is empty");
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (check_string(r, f, v) < 0)
			return -r->err->code;
		if (place && ct_strings_add(r->arena, &list, v->text) < 0)
			return ct_fail_nomem(r->err);
	}
	store(place, &list, sizeof(list));
	return 0;
}

/* Duplicate names cannot come here: the parser refuses them. */
static int read_pairs(const struct ct_reader *r, const struct ct_read_field *f,
		      const struct ct_json *value, void *place)
{
	struct ct_spec_pairs pairs = {0};

	if (ct_read_type(r, value, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	pairs.items = ct_arena_calloc(r->arena, value->count, sizeof(*pairs.items));
	if (!pairs.items)
		return ct_fail_nomem(r->err);
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (!*v->key)
			return ct_read_fail(r, v, EINVAL, "the name is empty");
		if (check_string(r, f, v) < 0)
			return -r->err->code;
		pairs.items[pairs.count++] = (struct ct_spec_pair){ v->key, v->text };
	}
	store(place, &pairs, sizeof(pairs));
	return 0;
}

/* For objects that may be missing: the pointer stays NULL then. */
static int read_pointer(const struct ct_reader *r, const struct ct_read_field *f,
			const struct ct_json *value, void *place)
{
	void *target = place ? ct_arena_alloc(r->arena, f->object->size) : NULL;

	if (place && !target)
		return ct_fail_nomem(r->err);
	if (ct_read_object(r, value, f->object, target) < 0)
		return -r->err->code;
	store(place, &target, sizeof(target));
	return 0;
}

/* An array of structs in the arena, zeroed, each filled by the row's own table; the number of them
 * goes to another member of the target. */
static int read_list(const struct ct_reader *r, const struct ct_read_field *f,
		     const struct ct_json *value, void *place, void *count_place)
{
	char *items = NULL;
	size_t i = 0;

	if (ct_read_type(r, value, CT_JSON_ARRAY) < 0)
		return -r->err->code;
	if (f->not_empty && !value->child)
		return ct_read_fail(r, value, EINVAL, "is empty");
	if (place) {
		items = ct_arena_calloc(r->arena, value->count, f->object->size);
		if (!items)
			return ct_fail_nomem(r->err);
	}
	for (const struct ct_json *v = value->child; v; v = v->next, i++) {
		if (ct_read_object(r, v, f->object, items ? items + i * f->object->size : NULL) < 0)
			return -r->err->code;
	}
	store(place, &items, sizeof(items));
	store(count_place, &value->count, sizeof(value->count));
	return 0;
}

/* ---- objects ---- */

static int read_value(const struct ct_reader *r, const struct ct_read_field *f,
		      const struct ct_json *value, void *target)
{
	void *place = place_of(target, f->offset);

	switch (f->kind) {
	case READ_STRING:
		return read_string(r, f, value, place);
	case READ_BOOL:
		if (ct_read_type(r, value, CT_JSON_BOOL) < 0)
			return -r->err->code;
		store(place, &value->boolean, sizeof(value->boolean));
		return 0;
	case READ_U16:
		return read_number(r, f, value, place, sizeof(uint16_t));
	case READ_U32:
		return read_number(r, f, value, place, sizeof(uint32_t));
	case READ_U64:
		return read_number(r, f, value, place, sizeof(uint64_t));
	case READ_I32:
		return read_signed(r, f, value, place, sizeof(int32_t));
	case READ_I64:
		return read_signed(r, f, value, place, sizeof(int64_t));
	case READ_STRINGS:
		return read_strings(r, f, value, place);
	case READ_PAIRS:
		return read_pairs(r, f, value, place);
	case READ_OBJECT:
		return ct_read_object(r, value, f->object, place);
	case READ_POINTER:
		return read_pointer(r, f, value, place);
	case READ_LIST:
		return read_list(r, f, value, place, place ? place_of(target, f->count) : NULL);
	case READ_CUSTOM:
		return f->read(r, value, place);
	}
	return 0;
}

/* Members that no row names are passed over: the specification asks for that, "Extensibility" in
 * config.md. */
int ct_read_object(const struct ct_reader *r, const struct ct_json *object,
		   const struct ct_read_object *described, void *target)
{
	static const bool given = true;

	if (ct_read_type(r, object, CT_JSON_OBJECT) < 0)
		return -r->err->code;
	for (const struct ct_read_field *f = described->fields; f->key; f++) {
		const struct ct_json *value = ct_read_get(object, f->key);

		if (!value && f->required)
			return ct_read_missing(r, object, f->key);
		if (!value)
			continue;
		if (read_value(r, f, value, target) < 0)
			return -r->err->code;
		if (f->has)
			store(place_of(target, f->has), &given, sizeof(given));
	}
	return described->finish ? described->finish(r, object, target) : 0;
}
