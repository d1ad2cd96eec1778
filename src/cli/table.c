/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables as docker prints them: columns by tabs, widths from the content, no lines.
 *
 * Two passes over the text: widths, then output. The text was escaped before; here are no control
 * characters but tabs and newlines. Pure but for the memory of the widths and of the buffer.
 *
 *    NAME\tSTATUS\n        ->   NAME      STATUS
 *    web\tUp 3 hours\n          web       Up 3 hours
 *    each column as wide as its widest cell and GAP, at least MIN_WIDTH; the last as it is
 */
#include "table.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#define MIN_WIDTH 10	/* docker's tabwriter has 10 and 3: NewWriter(out, 10, 1, 3, ' ', 0) */
#define GAP	  3

/* The code point at text and its length in bytes; a bad byte counts as one character. Continuation
 * bytes are not checked: what is no UTF-8 has been escaped before, and a wrong width would be the
 * worst of it. Never reads beyond length. */
static uint32_t decode(const unsigned char *text, size_t length, size_t *ret_bytes)
{
	size_t bytes = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
	uint32_t code = bytes == 1 ? text[0] : text[0] & (0xffu >> (bytes + 1));

	if (bytes > length) {
		*ret_bytes = 1;
		return text[0];
	}
	for (size_t i = 1; i < bytes; i++)
		code = code << 6 | (text[i] & 0x3f);
	*ret_bytes = bytes;
	return code;
}

/* Not wcwidth(3): that needs a UTF-8 locale, which a command that runs everywhere cannot count on.
 * The ranges are those of East Asian Width W and F, and of the marks people really use. In
 * ascending order, so a search could be faster; tables are short. */
static size_t code_width(uint32_t code)
{
	static const struct {
		uint32_t first, last;
		size_t width;
	} ranges[] = {
		{ 0x0300, 0x036f, 0 },	 { 0x0483, 0x0489, 0 },	  { 0x0591, 0x05bd, 0 },
		{ 0x064b, 0x065f, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x1ab0, 0x1aff, 0 },
		{ 0x200b, 0x200d, 0 },	 { 0x20d0, 0x20ff, 0 },	  { 0x2e80, 0x303e, 2 },
		{ 0x3041, 0xa4cf, 2 },	 { 0xac00, 0xd7a3, 2 },	  { 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 },	 { 0xfe20, 0xfe2f, 0 },	  { 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 },	 { 0xffe0, 0xffe6, 2 },	  { 0x1f300, 0x1f64f, 2 },
		{ 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return ranges[i].width;
	return 1;
}

/* Columns of a terminal, for who aligns by itself (help, stats). */
size_t ct_text_width(const char *text, size_t length)
{
	size_t width = 0;

	while (length) {
		size_t bytes;

		width += code_width(decode((const unsigned char *)text, length, &bytes));
		text += bytes;
		length -= bytes;
	}
	return width;
}

/* How many columns the widest line has. */
static size_t count_columns(const char *lines)
{
	size_t most = 1, columns = 1;

	for (; *lines; lines++) {
		if (*lines == '\t')
			columns++;
		else if (*lines == '\n')
			columns = 1;
		if (columns > most)
			most = columns;
	}
	return most;
}

/* Only cells that a tab follows make their column wider; the last of a line may be long. */
static void measure(const char *lines, size_t *widths)
{
	size_t column = 0;

	while (*lines) {
		size_t length = strcspn(lines, "\t\n");
		size_t width = ct_text_width(lines, length) + GAP;

		lines += length;
		if (*lines == '\t' && width > widths[column])
			widths[column] = width;
		column = *lines == '\t' ? column + 1 : 0;
		lines += *lines != '\0';
	}
}

/* Rows need not have the same number of cells. Nothing is put behind the last cell of a line:
 * scripts would get the blanks into their last field. */
int ct_table_render(const char *lines, struct ct_buf *buf, struct ct_err *err)
{
	size_t columns = count_columns(lines), column = 0;
	size_t ct_autofree *widths = calloc(columns, sizeof(*widths));

	if (!widths)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < columns; i++)
		widths[i] = MIN_WIDTH;
	measure(lines, widths);
	while (*lines) {
		size_t length = strcspn(lines, "\t\n");
		size_t width = ct_text_width(lines, length);

		ct_buf_add(buf, lines, length);
		lines += length;
		if (*lines == '\t')
			ct_buf_printf(buf, "%*s", (int)(widths[column] - width), "");
		else if (*lines == '\n')
			ct_buf_putc(buf, '\n');
		column = *lines == '\t' ? column + 1 : 0;
		lines += *lines != '\0';
	}
	return buf->failed ? ct_fail_nomem(err) : 0;
}
