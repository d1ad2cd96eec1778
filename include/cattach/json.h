/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON, read through yajl's streaming parser into a tree in an arena, every value with its line
 * and column, and written through yajl's generator. src/base/json.c is the only file that knows
 * yajl. Inputs are bounded before yajl sees them: size, depth, and no byte-order mark, NUL in
 * strings, invalid UTF-8, duplicate keys, comments or text after the end.
 */
#ifndef CATTACH_JSON_H
#define CATTACH_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/err.h>

#define CT_JSON_MAX_SIZE	(1024 * 1024)	/* bytes of a document */
#define CT_JSON_MAX_DEPTH	64		/* nested arrays and objects */

enum ct_json_type {
	CT_JSON_NULL,
	CT_JSON_BOOL,
	CT_JSON_NUMBER,
	CT_JSON_STRING,
	CT_JSON_ARRAY,
	CT_JSON_OBJECT,
};

struct ct_json {
	enum ct_json_type type;
	unsigned line, column;		/* of the value's first byte, from 1 */
	bool boolean;
	const char *key;		/* the member's name inside an object, else NULL */
	const char *text;		/* CT_JSON_STRING decoded; CT_JSON_NUMBER as written */
	size_t count;			/* bytes of text, or number of children */
	const struct ct_json *parent, *child, *next;
};

/**
 * ct_json_parse - parse a document
 * @arena:    owns the tree and its strings
 * @name:     of the document, for errors: where becomes "NAME:LINE:COLUMN: path"
 * @data, @size: the document; at most CT_JSON_MAX_SIZE bytes
 * @ret_root: the top value, of any type
 * @err:      EBADMSG with the texts of reference rows "not JSON", "unexpected end", ...; EFBIG
 *
 * RFC 8259; where it leaves a choice (duplicate keys), the document is refused.
 */
int ct_json_parse(struct ct_arena *arena, const char *name, const void *data, size_t size,
		  const struct ct_json **ret_root, struct ct_err *err);

/* The member of an object by name, NULL when it is not there or the value is no object. */
const struct ct_json *ct_json_get(const struct ct_json *object, const char *key);

/* The value at a path such as "mounts[3].source" below root, or NULL. */
const struct ct_json *ct_json_find(const struct ct_json *root, const char *path);

/* Write the path of a value ("linux.namespaces[2].type") into buf; "" for the top. Returns buf. */
const char *ct_json_path(const struct ct_json *value, char *buf, size_t size);

/* "object", "number", ... for messages, with an article: "an object". */
const char *ct_json_type_name(enum ct_json_type type);

/**
 * struct ct_json_writer - writes one document into a buffer, indented or on one line
 *
 * Begin and end calls must nest; in an object every value follows ct_json_key(). Strings that are
 * not UTF-8 are written with U+FFFD for the bad bytes, so that what we write is always JSON.
 * Failures (memory) are sticky in buf->failed.
 */
struct ct_json_writer {
	struct ct_buf *buf;
	void *gen;		/* yajl_gen */
};

int ct_json_writer_open(struct ct_json_writer *w, struct ct_buf *buf, bool indent,
			struct ct_err *err);
void ct_json_writer_close(struct ct_json_writer *w);
void ct_json_begin_object(struct ct_json_writer *w);
void ct_json_end_object(struct ct_json_writer *w);
void ct_json_begin_array(struct ct_json_writer *w);
void ct_json_end_array(struct ct_json_writer *w);
void ct_json_key(struct ct_json_writer *w, const char *key);
void ct_json_string(struct ct_json_writer *w, const char *s);	/* NULL writes null */
void ct_json_i64(struct ct_json_writer *w, int64_t value);
void ct_json_u64(struct ct_json_writer *w, uint64_t value);
void ct_json_bool(struct ct_json_writer *w, bool value);
void ct_json_null(struct ct_json_writer *w);
void ct_json_raw_number(struct ct_json_writer *w, const char *digits);
void ct_json_strings(struct ct_json_writer *w, const struct ct_strings *list);

/* Key and value in one call. */
void ct_json_put_string(struct ct_json_writer *w, const char *key, const char *s);
void ct_json_put_i64(struct ct_json_writer *w, const char *key, int64_t value);
void ct_json_put_u64(struct ct_json_writer *w, const char *key, uint64_t value);
void ct_json_put_bool(struct ct_json_writer *w, const char *key, bool value);

/* Write a parsed value again, whole (used by inspect and --format json). */
void ct_json_copy(struct ct_json_writer *w, const struct ct_json *value);

#endif
