/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of any kind as text: JSON strings and base64, for outputs too long or too frequent for
 * the JSON writer (json.h), and bytes that may hold NUL.
 */
#ifndef CATTACH_ENCODE_H
#define CATTACH_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/buf.h>

/* Bytes of the UTF-8 character at p, 0 when it is none (RFC 3629: no overlong, no surrogates). */
size_t ct_utf8_length(const unsigned char *p, size_t left);

/* Is all of this UTF-8 (RFC 3629: no overlong forms, no surrogates)? NUL is a character. */
bool ct_is_utf8(const char *data, size_t size);

/* How much of this does not end in the middle of a UTF-8 character: size, or up to 3 less. */
size_t ct_utf8_whole(const char *data, size_t size);

/* Append a JSON string, with its quotes; data must be UTF-8. */
void ct_buf_json(struct ct_buf *buf, const char *data, size_t size);

/* Append base64 (RFC 4648, padded). */
void ct_buf_base64(struct ct_buf *buf, const void *data, size_t size);

#endif
