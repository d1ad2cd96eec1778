/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Values that verbs build and templates read: trees of struct ct_json, made by hand. One model for
 * "--format json", templates and tables.
 */
#ifndef CATTACH_CLI_VALUE_H
#define CATTACH_CLI_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/err.h>
#include <cattach/json.h>

/*
 * Where values are made. When the arena is exhausted every maker returns the spare value and
 * failed is set, so that callers build freely and look once at the end.
 */
struct ct_values {
	struct ct_arena *arena;
	bool failed;
	struct ct_json spare;
};

struct ct_json *ct_value_null(struct ct_values *values);
struct ct_json *ct_value_bool(struct ct_values *values, bool boolean);
struct ct_json *ct_value_i64(struct ct_values *values, int64_t number);
/* 37 is 0.37. */
struct ct_json *ct_value_hundredths(struct ct_values *values, uint64_t number);
/* A copy of the text; NULL counts as "". */
struct ct_json *ct_value_string(struct ct_values *values, const char *text);
struct ct_json *ct_value_string_n(struct ct_values *values, const char *text, size_t length);
struct ct_json *ct_value_object(struct ct_values *values);
struct ct_json *ct_value_array(struct ct_values *values);
/* An array of strings; NULL, an empty one. */
struct ct_json *ct_value_strings(struct ct_values *values, const struct ct_strings *list);

/* Append a fresh value to an object or array; it belongs to one parent only. */
void ct_value_set(struct ct_values *values, struct ct_json *object, const char *key,
		  struct ct_json *value);
void ct_value_add(struct ct_values *values, struct ct_json *array, struct ct_json *value);

/* A copy of a value with everything below it, to be put elsewhere; NULL copies as null. */
struct ct_json *ct_value_copy(struct ct_values *values, const struct ct_json *value);

/* Append a value as JSON. */
int ct_value_write(const struct ct_json *value, bool indent, struct ct_buf *buf,
		   struct ct_err *err);

/* Append a value as Go's %v shows it: text, [a b], map[a:1 b:2], <no value>. */
void ct_value_text(const struct ct_json *value, struct ct_buf *buf);

/* Is it something: not null, false, 0, "" or empty? */
bool ct_value_true(const struct ct_json *value);

#endif
