/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A growable run of bytes on the heap, always NUL-terminated, for texts whose length nobody knows
 * beforehand (JSON to write, tables, messages). Allocation failures are sticky: append freely and
 * look at ->failed once at the end.
 */
#ifndef CATTACH_BUF_H
#define CATTACH_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct ct_buf {
	char *data;		/* NULL or NUL-terminated */
	size_t length;		/* bytes without the NUL */
	size_t capacity;
	bool failed;		/* an append found no memory; the content is not complete */
};

/* Append bytes, a string, one character or formatted text. */
void ct_buf_add(struct ct_buf *buf, const void *data, size_t length);
void ct_buf_puts(struct ct_buf *buf, const char *s);
void ct_buf_putc(struct ct_buf *buf, char c);
void ct_buf_printf(struct ct_buf *buf, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ct_buf_escaped - append text from outside so that it is safe to show on a terminal
 * @s:      any bytes
 * @length: how many
 *
 * C0, DEL, C1, bidirectional controls and bytes that are not UTF-8 are written as \n, \t or \xNN.
 */
void ct_buf_escaped(struct ct_buf *buf, const char *s, size_t length);

/* The text, "" when empty; valid until the next append. */
const char *ct_buf_text(const struct ct_buf *buf);

/* Forget the content, keep the memory. */
void ct_buf_clear(struct ct_buf *buf);

/* Free the memory. */
void ct_buf_done(struct ct_buf *buf);

static inline void ct_autobuf_cleanup(struct ct_buf *buf)
{
	ct_buf_done(buf);
}

/* struct ct_buf ct_autobuf b = {0};  freed at the end of the scope */
#define ct_autobuf __attribute__((cleanup(ct_autobuf_cleanup)))

#endif
