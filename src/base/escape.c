/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making bytes from outside safe to show.
 *
 * Names, arguments and file contents that a container's maker chose end up in error texts, logs
 * and tables. Shown raw they could clear the screen, set the window's title, reverse the order of
 * what follows, or forge a second line. Here, and only here, such bytes become \n, \t or \xNN;
 * errors, logs and buffers all come through this file.
 *
 * A backslash stays as it is: escaping a text twice must not change it, because an error's text
 * may hold a value that was already quoted when the error was made.
 *
 * Pure functions, no allocation, no locale: they run in any process, between clone and exec too,
 * and cannot fail.
 */
#include "escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* How many bytes a well-formed character at s has, and its code point; 0 when it is not UTF-8. */
static size_t decode(const unsigned char *s, size_t length, uint32_t *ret_code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = s[0] < 0x80 ? 1 : s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
	uint32_t code = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));

	if (n > length || (s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3fu);
	}
	/* Overlong forms and surrogates are how filters get fooled. */
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
		return 0;
	*ret_code = code;
	return n;
}

/* Does a terminal act on this character, or show later ones in another order or line? */
static bool is_active(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||	/* C0, DEL, C1 */
	       code == 0x61c || code == 0x200e || code == 0x200f ||	/* direction marks */
	       (code >= 0x2028 && code <= 0x202e) ||		/* line ends, embeddings */
	       (code >= 0x2066 && code <= 0x2069);		/* isolates */
}

static size_t put_hex(char *out, unsigned char byte)
{
	static const char digits[] = "0123456789abcdef";

	out[0] = '\\';
	out[1] = 'x';
	out[2] = digits[byte >> 4];
	out[3] = digits[byte & 15];
	return 4;
}

size_t ct_escape_unit(const char *s, size_t length, char out[CT_ESCAPE_MAX], size_t *ret_out)
{
	const unsigned char *bytes = (const unsigned char *)s;
	uint32_t code = 0;
	size_t n = decode(bytes, length, &code), put = 0;

	if (n && !is_active(code)) {
		memcpy(out, s, n);
		*ret_out = n;
		return n;
	}
	if (n == 1 && (code == '\n' || code == '\t')) {
		out[0] = '\\';
		out[1] = code == '\n' ? 'n' : 't';
		*ret_out = 2;
		return 1;
	}
	if (!n)
		n = 1;
	for (size_t i = 0; i < n; i++)
		put += put_hex(out + put, bytes[i]);
	*ret_out = put;
	return n;
}

size_t ct_escape(char *buf, size_t size, size_t at, const char *s, size_t length)
{
	static const char more[] = "...";
	char unit[CT_ESCAPE_MAX];
	size_t put, last = at;	/* last: the longest whole text that leaves room for "..." */

	for (size_t i = 0; i < length;) {
		size_t used = ct_escape_unit(s + i, length - i, unit, &put);

		if (at + put + sizeof(more) <= size)
			last = at + put;
		if (at + put + 1 > size) {
			if (last + sizeof(more) <= size) {
				memcpy(buf + last, more, sizeof(more) - 1);
				at = last + sizeof(more) - 1;
			}
			break;
		}
		memcpy(buf + at, unit, put);
		at += put;
		i += used;
	}
	buf[at] = '\0';
	return at;
}

const char *ct_quote(char buf[CT_QUOTE_SIZE], const char *s)
{
	/* strnlen: the value may be megabytes long, and more than this is never shown. */
	ct_escape(buf, CT_QUOTE_SIZE, 0, s, strnlen(s, CT_QUOTE_SIZE));
	return buf;
}
