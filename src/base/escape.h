/* SPDX-License-Identifier: Apache-2.0 */
/* The one routine that makes foreign bytes safe to show; see escape.c. */
#ifndef CATTACH_BASE_ESCAPE_H
#define CATTACH_BASE_ESCAPE_H

#include <stddef.h>

#define CT_ESCAPE_MAX	16	/* longest output for one unit of input: 4 x \xNN */
#define CT_QUOTE_SIZE	128	/* enough of a bad value to recognise it in an error */

/**
 * ct_escape_unit - make the next character of a text safe to show
 * @s, @length: the text, at least one byte
 * @out:        receives the safe form, not NUL-terminated
 * @ret_out:    its length
 *
 * Return: how many bytes of s it stands for (1...4).
 */
size_t ct_escape_unit(const char *s, size_t length, char out[CT_ESCAPE_MAX], size_t *ret_out);

/**
 * ct_escape - append a safe form of a text to a fixed buffer, in whole characters
 * @buf, @size: the buffer, size >= 1; NUL-terminated afterwards
 * @at:         where to go on
 *
 * Return: the new length of buf; what does not fit is left out and "..." tells so.
 */
size_t ct_escape(char *buf, size_t size, size_t at, const char *s, size_t length);

/* A bad value for an error text: escaped, and cut at CT_QUOTE_SIZE. Returns buf. */
const char *ct_quote(char buf[CT_QUOTE_SIZE], const char *s);

#endif
