/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading JSON into structs by tables: one row per property says its name, its type, its bounds
 * and where the value goes. See read.c; the tables of config.json are in spec_*.c.
 *
 * A property that is null counts as absent. Properties without a row are ignored, as the
 * runtime specification demands. A row without a place is checked all the same.
 */
#ifndef CATTACH_OCI_READ_H
#define CATTACH_OCI_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>
#include <cattach/json.h>
#include <cattach/spec.h>

/* Where we are: the document's name and root for error positions, the arena for what is read. */
struct ct_reader {
	struct ct_arena *arena;
	const char *name;
	struct ct_err *err;
};

enum ct_read {
	READ_STRING,	/* const char * */
	READ_BOOL,	/* bool */
	READ_U16,
	READ_U32,
	READ_I32,
	READ_U64,
	READ_I64,
	READ_STRINGS,	/* struct ct_strings; check and choices apply to every item */
	READ_PAIRS,	/* struct ct_spec_pairs: an object whose values are strings */
	READ_OBJECT,	/* struct described by object, embedded */
	READ_POINTER,	/* pointer to a struct described by object */
	READ_LIST,	/* pointer to an array of structs described by object, and a count */
	READ_CUSTOM,	/* read(), which gets the place */
};

/* offset: the value is checked and not stored */
#define READ_NOWHERE	SIZE_MAX

struct ct_read_object;

struct ct_read_field {
	const char *key;
	enum ct_read kind;
	bool required;
	bool not_empty;			/* string or list */
	size_t offset;			/* of the value in the struct, or READ_NOWHERE */
	size_t has;			/* offset of a bool that says "given"; 0: none */
	size_t count;			/* READ_LIST: offset of the size_t count */
	int64_t min;			/* bounds of numbers, inclusive */
	uint64_t max;			/* 0: as the type has it */
	const char *const *choices;	/* strings: the values there are, NULL at the end */
	/* strings: a further rule about one value */
	int (*check)(const struct ct_reader *r, const struct ct_json *value);
	/* READ_CUSTOM */
	int (*read)(const struct ct_reader *r, const struct ct_json *value, void *place);
	const struct ct_read_object *object;
};

struct ct_read_object {
	const struct ct_read_field *fields;	/* ends with a row without key */
	size_t size;				/* of the struct, for pointers and lists */
	/* Rules about several properties, once all are read; target is NULL for READ_NOWHERE. */
	int (*finish)(const struct ct_reader *r, const struct ct_json *object, void *target);
};

/* Read an object's properties into the struct at target (NULL: check only). */
int ct_read_object(const struct ct_reader *r, const struct ct_json *object,
		   const struct ct_read_object *described, void *target);

/* Fill the error with the place of a value: "config.json:41:7: process.args[0]". */
int ct_read_fail(const struct ct_reader *r, const struct ct_json *value, int code,
		 const char *fmt, ...) __attribute__((format(printf, 4, 5), cold));

/* Put that place before an error that a callee filled. */
int ct_read_wrap(const struct ct_reader *r, const struct ct_json *value) __attribute__((cold));

/* The property key of an object is not there but must be. */
int ct_read_missing(const struct ct_reader *r, const struct ct_json *object, const char *key)
	__attribute__((cold));

/* The member of an object, NULL also when it is null. */
const struct ct_json *ct_read_get(const struct ct_json *object, const char *key);

/* The value must have this type. */
int ct_read_type(const struct ct_reader *r, const struct ct_json *value, enum ct_json_type type);

/* An integer within bounds. */
int ct_read_integer(const struct ct_reader *r, const struct ct_json *value, int64_t min,
		    int64_t max, int64_t *ret_value);
int ct_read_unsigned(const struct ct_reader *r, const struct ct_json *value, uint64_t min,
		     uint64_t max, uint64_t *ret_value);

/* Is text one of choices (NULL-terminated)? */
bool ct_read_known(const char *const *choices, const char *text);

/* Rules for ct_read_field.check. */
int ct_read_absolute(const struct ct_reader *r, const struct ct_json *value);
int ct_read_cpu_list(const struct ct_reader *r, const struct ct_json *value);

#endif
