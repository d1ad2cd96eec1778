/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of any kind as text. What a payload writes may be anything: a line of it becomes a JSON
 * string when it is UTF-8, and base64 when it is not, so that nothing of it is lost or guessed.
 *
 * Runs of plain characters are copied at once: this stands in the path of every line of
 * "logs --format json". Runs in any process, no privileges; what may fail is memory, which the
 * buffer remembers.
 */
#include <cattach/encode.h>

#include <stdint.h>
#include <string.h>

#include "json_text.h"

/* How many bytes of ASCII this begins with, or nearly so many: eight at a time. */
static size_t ascii_length(const unsigned char *p, size_t size)
{
	size_t n = 0;
	uint64_t word;

	for (; size - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, p + n, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return n;
}

bool ct_is_utf8(const char *data, size_t size)
{
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = ascii_length(p, size); i < size;) {
		size_t n = p[i] < 0x80 ? 1 : ct_utf8_length(p + i, size - i);

		if (!n)
			return false;
		i += n;
	}
	return true;
}

/* A character has four bytes at most, so three are looked at. Bytes that are no UTF-8 at all are
 * whole in their way: waiting for more would not help. */
size_t ct_utf8_whole(const char *data, size_t size)
{
	const unsigned char *p = (const unsigned char *)data;

	/* Look back for the beginning of a character that wants more bytes than there are. */
	for (size_t back = 1; back <= 3 && back <= size; back++) {
		unsigned char c = p[size - back];
		size_t wants = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;

		if (c < 0x80)
			break;
		if (c >= 0xc2 && c <= 0xf4)
			return wants > back ? size - back : size;
	}
	return size;
}

static void put_control(struct ct_buf *buf, unsigned char c)
{
	switch (c) {
	case '\n':
		ct_buf_puts(buf, "\\n");
		break;
	case '\r':
		ct_buf_puts(buf, "\\r");
		break;
	case '\t':
		ct_buf_puts(buf, "\\t");
		break;
	default:
		ct_buf_printf(buf, "\\u%04x", c);
	}
}

/* The caller has looked that it is UTF-8; bytes from 0x80 on pass as they are. */
void ct_buf_json(struct ct_buf *buf, const char *data, size_t size)
{
	size_t start = 0;

	ct_buf_putc(buf, '"');
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)data[i];

		/* DEL is allowed in JSON, but no more welcome on a terminal than the others. */
		if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
			continue;
		ct_buf_add(buf, data + start, i - start);
		start = i + 1;
		if (c == '"' || c == '\\') {
			ct_buf_putc(buf, '\\');
			ct_buf_putc(buf, (char)c);
		} else {
			put_control(buf, c);
		}
	}
	ct_buf_add(buf, data + start, size - start);
	ct_buf_putc(buf, '"');
}

/* RFC 4648, section 4, with padding. */
void ct_buf_base64(struct ct_buf *buf, const void *data, size_t size)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i += 3) {
		size_t left = size - i;
		uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
				(left > 2 ? p[i + 2] : 0);
		char four[4] = {
			digits[bits >> 18], digits[bits >> 12 & 63],
			left > 1 ? digits[bits >> 6 & 63] : '=', left > 2 ? digits[bits & 63] : '=',
		};

		ct_buf_add(buf, four, sizeof(four));
	}
}
