/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON document as bytes: encoding, places, errors with a place; see json_text.c. */
#ifndef CATTACH_BASE_JSON_TEXT_H
#define CATTACH_BASE_JSON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/err.h>

struct ct_json_text {
	const char *name, *data;
	size_t size;
	/* How far lines were counted; columns count characters, as editors do. */
	size_t offset;
	unsigned line, column;	/* both 0: not begun */
};

/* The four bytes that JSON takes for blanks. */
static inline bool ct_json_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Count lines and columns up to an offset; cheap when offsets only grow. */
void ct_json_locate(struct ct_json_text *text, size_t offset);

/* Say where a filled error happened: at the offset, at the value with this path ("" for none). */
int ct_json_place(struct ct_json_text *text, size_t offset, const char *path, struct ct_err *err)
	__attribute__((cold));

/**
 * ct_json_check_text - what can be said of a document before it is parsed
 * @err: EFBIG, or EBADMSG: empty, byte-order mark, invalid UTF-8, bare control characters
 */
int ct_json_check_text(struct ct_json_text *text, struct ct_err *err);

/**
 * ct_json_lone_surrogate - is there an escaped surrogate without its other half?
 * @raw, @length: a string as written, quotes included, with well-formed escapes
 */
bool ct_json_lone_surrogate(const char *raw, size_t length);

#endif
