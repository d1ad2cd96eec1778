/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line of a log as it is shown: for people as text, with the container, the time or neither
 * before it; for programs as one JSON object.
 *
 * What a payload without a terminal writes into its log was not meant to drive one, least of all
 * that of whoever reads the log: there control sequences are shown and not sent. Colours (SGR)
 * pass, because logs are full of them and they do no harm; they end with the line when something of
 * ours stands before the next one.
 *
 * Runs in the CLI; pure but for the memory of the buffer, which remembers when there was none.
 *
 *    text   [colour]NAME 2026-01-02T03:04:05.000000000Z[end] the line, escaped if need be
 *    json   {"time":..,"stream":..,"run":..,"container":..,"line" or "data_base64":..,"partial":..}
 */
#include "logs.h"

#include <string.h>

#include <cattach/encode.h>
#include <cattach/timespec.h>

#define SGR_MAX		64	/* bytes of a sequence that passes */
#define SGR_RESET	"\x1b[0m"

/* Bytes of the SGR sequence at text: "ESC [ digits ; : m", or 0. strchr() finds the NUL at the end
 * of its set, too, so that is asked for by itself. Anything longer than SGR_MAX is no colour that
 * anybody meant. */
static size_t sgr_length(const char *text, size_t size)
{
	if (size < 3 || text[0] != '\x1b' || text[1] != '[')
		return 0;
	for (size_t i = 2; i < size && i < SGR_MAX; i++) {
		if (text[i] == 'm')
			return i + 1;
		if (!strchr("0123456789;:", text[i]) || !text[i])
			return 0;
	}
	return 0;
}

/* In runs as long as possible: most lines are one, and are copied at once. */
void ct_log_escape(const char *text, size_t size, struct ct_buf *buf)
{
	size_t start = 0;

	for (size_t i = 0; i < size;) {
		size_t passes = text[i] == '\t' ? 1 : sgr_length(text + i, size - i);

		if (!passes) {
			i++;
			continue;
		}
		ct_buf_escaped(buf, text + start, i - start);
		ct_buf_add(buf, text + i, passes);
		i += passes;
		start = i;
	}
	ct_buf_escaped(buf, text + start, size - start);
}

bool ct_log_has_prefix(const struct ct_log_style *style, const struct ct_log_label *label)
{
	return style->timestamps || label->text;
}

static void color_on(const struct ct_log_style *style, const struct ct_log_label *label,
		     struct ct_buf *buf)
{
	/* Green, yellow, blue, magenta, cyan, then the bright ones; red is for errors. */
	static const unsigned char codes[] = { 32, 33, 34, 35, 36, 92, 93, 94, 95, 96 };

	if (style->color)
		ct_buf_printf(buf, "\x1b[%um", codes[label->color % sizeof(codes)]);
}

static void color_off(const struct ct_log_style *style, struct ct_buf *buf)
{
	if (style->color)
		ct_buf_puts(buf, SGR_RESET);
}

/* The time is UTC with nine digits, docker's form, which sorts as text. */
static void render_prefix(const struct ct_log_style *style, const struct ct_log_label *label,
			  const struct ct_log_line *line, struct ct_buf *buf)
{
	char stamp[CT_STAMP_SIZE];

	color_on(style, label, buf);
	if (label->text)
		ct_buf_puts(buf, label->text);
	if (label->text && style->timestamps)
		ct_buf_putc(buf, ' ');
	if (style->timestamps)
		ct_buf_puts(buf, ct_format_time(line->time, stamp));
	color_off(style, buf);
	ct_buf_putc(buf, ' ');
}

/* A container with a terminal was looked at on one, and its sequences are what it is about: those
 * pass. */
static void render_text(const struct ct_log_style *style, const struct ct_log_label *label,
			const struct ct_log_line *line, bool fresh, struct ct_buf *buf)
{
	bool escape = style->escape[line->stream == CT_STREAM_STDERR] && !label->tty;
	bool prefix = ct_log_has_prefix(style, label);
	size_t size = line->size;

	/* With nothing before it, it is the line itself that has the colour. */
	if (prefix && fresh)
		render_prefix(style, label, line, buf);
	else if (!prefix)
		color_on(style, label, buf);
	if (escape) {
		/* The end of a line as some write it: harmless where it stands. */
		if (line->ends && size && line->text[size - 1] == '\r')
			size--;
		ct_log_escape(line->text, size, buf);
		ct_buf_add(buf, line->text + size, line->size - size);
	} else {
		ct_buf_add(buf, line->text, size);
	}
	if (prefix && escape && size && memchr(line->text, '\x1b', size))
		ct_buf_puts(buf, SGR_RESET);
	if (!prefix)
		color_off(style, buf);
	if (line->ends)
		ct_buf_putc(buf, '\n');
}

/* ct_buf_printf() would do, at several times the cost; a log has a number for every line. */
static const char *decimal(uint64_t value, char buf[24])
{
	char *at = buf + 23;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while (value /= 10);
	return at;
}

static void render_json(const struct ct_log_label *label, const struct ct_log_line *line,
			struct ct_buf *buf)
{
	char stamp[CT_STAMP_SIZE], run[24];

	/* In pieces: formatting it would cost more than all the rest of a line. */
	ct_buf_puts(buf, "{\"time\":\"");
	ct_buf_puts(buf, ct_format_time(line->time, stamp));
	ct_buf_puts(buf, line->stream == CT_STREAM_STDERR ? "\",\"stream\":\"stderr\",\"run\":" :
							    "\",\"stream\":\"stdout\",\"run\":");
	ct_buf_puts(buf, decimal(line->run, run));
	if (label->text) {
		ct_buf_puts(buf, ",\"container\":");
		ct_buf_json(buf, label->text, strlen(label->text));
	}
	/* JSON strings are Unicode, so other bytes cannot be in one: they are never changed, but
	 * named differently. */
	if (ct_is_utf8(line->text, line->size)) {
		ct_buf_puts(buf, ",\"line\":");
		ct_buf_json(buf, line->text, line->size);
	} else {
		ct_buf_puts(buf, ",\"data_base64\":\"");
		ct_buf_base64(buf, line->text, line->size);
		ct_buf_putc(buf, '"');
	}
	ct_buf_puts(buf, line->ends ? ",\"partial\":false}\n" : ",\"partial\":true}\n");
}

void ct_log_render(const struct ct_log_style *style, const struct ct_log_label *label,
		   const struct ct_log_line *line, bool fresh, struct ct_buf *buf)
{
	if (style->format == CT_LOGS_JSON)
		render_json(label, line, buf);
	else
		render_text(style, label, line, fresh, buf);
}
