/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A JSON document as bytes: is it text at all, and which line and column is an offset?
 *
 * json.c asks here before and while yajl parses. The checks are stricter than yajl's own, which
 * takes form feeds for blanks and turns half a surrogate pair into a character that nobody wrote.
 * Pure functions over borrowed bytes: they run in the command, with the caller's rights, allocate
 * nothing, and fail only by refusing the document.
 */
#include "json_text.h"

#include <errno.h>
#include <string.h>

#include <cattach/encode.h>
#include <cattach/json.h>

/* RFC 3629: no overlong forms (c0, c1, e0 80, f0 80), no surrogates (ed a0), nothing beyond
 * U+10FFFF. 0: no character begins here. */
size_t ct_utf8_length(const unsigned char *p, size_t left)
{
	size_t length = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 :
			p[0] < 0xf5 ? 4 : 0;

	if (length == 0 || length > left)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return length;
}

/* Goes on from where it was asked last, as values come in order: line and column of each cost one
 * pass over the document in all. Columns count characters. */
void ct_json_locate(struct ct_json_text *text, size_t offset)
{
	if (text->line == 0 || offset < text->offset) {
		text->offset = 0;
		text->line = text->column = 1;
	}
	for (; text->offset < offset; text->offset++) {
		unsigned char c = (unsigned char)text->data[text->offset];

		if (c == '\n') {
			text->line++;
			text->column = 1;
		} else if ((c & 0xc0) != 0x80) {
			text->column++;
		}
	}
}

/* Wraps an error that is there with file, line and column: "config.json:3:7: mounts". */
int ct_json_place(struct ct_json_text *text, size_t offset, const char *path, struct ct_err *err)
{
	ct_json_locate(text, offset);
	return ct_wrap(err, "%s:%u:%u%s%s", text->name, text->line, text->column,
		       *path ? ": " : "", path);
}

/* An empty file is told as such, and not as a mistake in its first line. */
static int check_size(const struct ct_json_text *text, struct ct_err *err)
{
	size_t i = 0;

	if (text->size > CT_JSON_MAX_SIZE) {
		ct_fail(err, EFBIG, "larger than %d MiB (%zu bytes)",
			CT_JSON_MAX_SIZE / (1024 * 1024), text->size);
		return ct_wrap(err, "%s", text->name);
	}
	while (i < text->size && ct_json_is_blank(text->data[i]))
		i++;
	if (i < text->size)
		return 0;
	ct_fail(err, EBADMSG, text->size ? "file has nothing but blanks" : "file is empty");
	return ct_wrap(err, "%s", text->name);
}

/* UTF-16 is what some editors call "Unicode"; saying so beats "invalid UTF-8". */
static int check_mark(struct ct_json_text *text, struct ct_err *err)
{
	bool is_utf8 = text->size >= 3 && memcmp(text->data, "\xef\xbb\xbf", 3) == 0;
	bool is_utf16 = text->size >= 2 && (memcmp(text->data, "\xff\xfe", 2) == 0 ||
					    memcmp(text->data, "\xfe\xff", 2) == 0);

	if (is_utf8)
		ct_fail(err, EBADMSG, "starts with a byte-order mark; remove it");
	else if (is_utf16)
		ct_fail(err, EBADMSG, "is written in UTF-16; save it as UTF-8");
	else
		return 0;
	return ct_json_place(text, 0, "", err);
}

/* Before yajl sees a byte. */
int ct_json_check_text(struct ct_json_text *text, struct ct_err *err)
{
	const unsigned char *data = (const unsigned char *)text->data;
	size_t length;

	if (check_size(text, err) < 0 || check_mark(text, err) < 0)
		return -err->code;
	for (size_t i = 0; i < text->size; i += length) {
		length = ct_utf8_length(data + i, text->size - i);
		if (length == 0) {
			ct_fail(err, EBADMSG, "invalid UTF-8 (byte 0x%02x)", data[i]);
			return ct_json_place(text, i, "", err);
		}
		/* Neither between tokens nor, without an escape, inside strings. */
		if (data[i] < ' ' && !ct_json_is_blank((char)data[i])) {
			ct_fail(err, EBADMSG, "not JSON: control character 0x%02x", data[i]);
			return ct_json_place(text, i, "", err);
		}
	}
	return 0;
}

/* The value of four hexadecimal digits, which yajl has checked. */
static unsigned hex4(const char *p)
{
	unsigned value = 0;

	for (int i = 0; i < 4; i++) {
		unsigned char c = (unsigned char)p[i] | 0x20;

		value = value << 4 | (c <= '9' ? c & 0xfu : c - 'a' + 10u);
	}
	return value;
}

/* raw is the source text of a string that yajl has accepted, so each \u has its four digits. */
bool ct_json_lone_surrogate(const char *raw, size_t length)
{
	for (size_t i = 0; i + 1 < length; i++) {
		unsigned code;

		if (raw[i] != '\\')
			continue;
		if (raw[++i] != 'u' || i + 4 >= length)
			continue;
		code = hex4(raw + i + 1);
		i += 4;
		if (code < 0xd800 || code > 0xdfff)
			continue;
		if (code > 0xdbff || i + 6 >= length || raw[i + 1] != '\\' || raw[i + 2] != 'u' ||
		    (hex4(raw + i + 3) & 0xfc00) != 0xdc00)
			return true;
		i += 6;
	}
	return false;
}
