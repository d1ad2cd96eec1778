/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The convenient half of writing JSON: members in one call, lists of strings, whole parsed values.
 * Everything goes through the generator in json.c, so this file does not know yajl.
 *
 * Runs in the command, with the caller's rights. Failures are sticky in the buffer (json.h), so
 * nothing here returns one.
 */
#include <cattach/json.h>

#include <inttypes.h>
#include <stdio.h>

void ct_json_key(struct ct_json_writer *w, const char *key)
{
	/* At the place of a name, the generator takes a string for one. */
	ct_json_string(w, key ? key : "");
}

void ct_json_u64(struct ct_json_writer *w, uint64_t value)
{
	char digits[24];

	/* The generator's integers are signed. */
	snprintf(digits, sizeof(digits), "%" PRIu64, value);
	ct_json_raw_number(w, digits);
}

void ct_json_strings(struct ct_json_writer *w, const struct ct_strings *list)
{
	ct_json_begin_array(w);
	for (size_t i = 0; i < list->count; i++)
		ct_json_string(w, list->items[i]);
	ct_json_end_array(w);
}

/* A NULL text is written as null; ct_write_string() of src/oci leaves it out instead. */
void ct_json_put_string(struct ct_json_writer *w, const char *key, const char *s)
{
	ct_json_key(w, key);
	ct_json_string(w, s);
}

void ct_json_put_i64(struct ct_json_writer *w, const char *key, int64_t value)
{
	ct_json_key(w, key);
	ct_json_i64(w, value);
}

void ct_json_put_u64(struct ct_json_writer *w, const char *key, uint64_t value)
{
	ct_json_key(w, key);
	ct_json_u64(w, value);
}

void ct_json_put_bool(struct ct_json_writer *w, const char *key, bool value)
{
	ct_json_key(w, key);
	ct_json_bool(w, value);
}

static void copy_children(struct ct_json_writer *w, const struct ct_json *value)
{
	for (const struct ct_json *v = value->child; v; v = v->next) {
		if (v->key)
			ct_json_key(w, v->key);
		ct_json_copy(w, v);
	}
}

/* Recursion is as deep as the document, which the parser bounds at CT_JSON_MAX_DEPTH. Numbers are
 * copied as they were written: 1e400 or twenty digits stay what they are. */
void ct_json_copy(struct ct_json_writer *w, const struct ct_json *value)
{
	switch (value->type) {
	case CT_JSON_NULL:
		ct_json_null(w);
		return;
	case CT_JSON_BOOL:
		ct_json_bool(w, value->boolean);
		return;
	case CT_JSON_NUMBER:
		ct_json_raw_number(w, value->text);
		return;
	case CT_JSON_STRING:
		ct_json_string(w, value->text);
		return;
	case CT_JSON_ARRAY:
		ct_json_begin_array(w);
		copy_children(w, value);
		ct_json_end_array(w);
		return;
	case CT_JSON_OBJECT:
		ct_json_begin_object(w);
		copy_children(w, value);
		ct_json_end_object(w);
		return;
	}
}
