/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The growable text buffer.
 *
 * For the command line's side, where texts are put together whose length nobody knows: JSON,
 * tables, messages. The monitor does not use it once the payload runs. Needs no privileges.
 *
 * Only memory can run out. That is remembered in ->failed instead of being returned by every
 * append; from then on appends do nothing, so what is there stays a clean beginning of the text.
 */
#include <cattach/buf.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"

/* Make room for so many more bytes and the NUL. Doubling, so that n appends copy no more than 2n
 * bytes. A capacity above length always has room for the NUL: ->data is a C string at any
 * moment. */
static bool reserve(struct ct_buf *buf, size_t more)
{
	size_t need, capacity = buf->capacity ? buf->capacity : 64;
	char *data;

	if (buf->failed)
		return false;
	if (__builtin_add_overflow(buf->length, more, &need) || need >= SIZE_MAX / 2) {
		buf->failed = true;
		return false;
	}
	if (need < buf->capacity)
		return true;
	while (capacity <= need)
		capacity *= 2;
	data = realloc(buf->data, capacity);
	if (!data) {
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	return true;
}

void ct_buf_add(struct ct_buf *buf, const void *data, size_t length)
{
	if (!length || !reserve(buf, length))
		return;
	memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void ct_buf_puts(struct ct_buf *buf, const char *s)
{
	ct_buf_add(buf, s, strlen(s));
}

void ct_buf_putc(struct ct_buf *buf, char c)
{
	ct_buf_add(buf, &c, 1);
}

/* Formatted twice: once for the length, and once for good. */
void ct_buf_printf(struct ct_buf *buf, const char *fmt, ...)
{
	va_list ap, again;
	int n;

	va_start(ap, fmt);
	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		buf->failed = true;
	else if (reserve(buf, (size_t)n))
		buf->length += (size_t)vsnprintf(buf->data + buf->length, (size_t)n + 1, fmt,
						 again);
	va_end(again);
	va_end(ap);
}

/* For texts of strangers: what could drive a terminal is written as \xNN (escape.c). */
void ct_buf_escaped(struct ct_buf *buf, const char *s, size_t length)
{
	char unit[CT_ESCAPE_MAX];
	size_t put;

	for (size_t i = 0; i < length;) {
		i += ct_escape_unit(s + i, length - i, unit, &put);
		ct_buf_add(buf, unit, put);
	}
}

/* "" and not NULL when nothing was ever appended: callers hand it to printf(3). */
const char *ct_buf_text(const struct ct_buf *buf)
{
	return buf->data ? buf->data : "";
}

/* The memory stays, for the next text. */
void ct_buf_clear(struct ct_buf *buf)
{
	buf->length = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Runs as a cleanup behind a return: errno belongs to what was returned. */
void ct_buf_done(struct ct_buf *buf)
{
	int saved = errno;

	free(buf->data);
	*buf = (struct ct_buf){ 0 };
	errno = saved;
}
