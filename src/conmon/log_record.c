/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encoding records of k8s-file, json-file and journald.
 *
 *   2006-01-02T15:04:05.123456789Z stdout F a line
 *   {"log":"a line\n","stream":"stdout","time":"2006-01-02T15:04:05.123456789Z"}
 *
 * k8s-file: a record for every line, or part of one (P), that was read at once. A part is joined
 * with what follows on the same stream up to the next F, so the bytes of all records, with a
 * newline for each F, are what was written. Nothing ever waits in memory.
 *
 * json-file: a record for every line; one that has no newline yet waits, and is written without one
 * when it has 16 KiB, but for a character that is not whole, or the stream ends. Escaped as Docker
 * escapes: bytes that are no UTF-8 are U+FFFD then, each. Times without the zeros at their end, and
 * those of a line that was cut are all that of its first record.
 *
 * journald: lines are cut as for json-file; each is a datagram of journald's native protocol,
 * "NAME=VALUE\n"..., in which no value has a newline. CONTAINER_PARTIAL_MESSAGE says that no
 * newline has followed.
 *
 * Runs in the monitor, in memory that was made at the start; no call of the C library but for
 * bytes, since those for time may allocate. Cannot fail.
 */
#include "log_record.h"

#include <string.h>

#include <cattach/encode.h>

#define NS	1000000000u

/* ---- times ---- */

/* With zeros before it: for times. */
static void put_number(char *p, uint64_t value, unsigned digits)
{
	for (unsigned i = digits; i > 0; i--, value /= 10)
		p[i - 1] = (char)('0' + value % 10);
}

/* The Gregorian date of a day since 1970; years begin in March here, so that leap days are last. */
static void put_day(char *p, uint64_t days)
{
	uint64_t shifted = days + 719468, era = shifted / 146097, of_era = shifted % 146097;
	uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
	uint64_t month = (5 * of_year + 2) / 153;

	put_number(p + 8, of_year - (153 * month + 2) / 5 + 1, 2);
	month = month < 10 ? month + 3 : month - 9;
	put_number(p, year + era * 400 + (month <= 2), 4);
	put_number(p + 5, month, 2);
	p[4] = p[7] = '-';
}

/* The zone of a second, as text: what it differs from UTC, in minutes. Changes of the zone, for
 * summer time, were looked up before the monitor was confined (log_zone.c). */
static int set_zone(struct log_encoder *e, uint64_t second)
{
	int minutes = e->zones[0].minutes;
	unsigned all;

	for (size_t i = 1; i < LOG_ZONES && e->zones[i].from && e->zones[i].from <= second; i++)
		minutes = e->zones[i].minutes;
	all = (unsigned)(minutes < 0 ? -minutes : minutes);
	e->zone[0] = minutes < 0 ? '-' : '+';
	put_number(e->zone + 1, all / 60, 2);
	e->zone[3] = ':';
	put_number(e->zone + 4, all % 60, 2);
	return minutes;
}

/* A second's text is kept, for lines come many to a second. */
static void set_second(struct log_encoder *e, uint64_t second)
{
	if (second == e->second && e->date[0])
		return;
	e->second = second;
	if (e->zoned)
		second += (uint64_t)(set_zone(e, second) * 60);
	put_day(e->date, second / 86400);
	e->date[10] = 'T';
	put_number(e->date + 11, second / 3600 % 24, 2);
	put_number(e->date + 14, second / 60 % 60, 2);
	put_number(e->date + 17, second % 60, 2);
	e->date[13] = e->date[16] = ':';
}

/* RFC 3339, in UTC unless there is a zone: nine digits, or as many as it takes. */
static uint8_t *put_time(struct log_encoder *e, uint8_t *p, uint64_t time, bool trim)
{
	unsigned digits = 9;

	set_second(e, time / NS);
	memcpy(p, e->date, 19);
	p[19] = '.';
	put_number((char *)p + 20, time % NS, 9);
	while (trim && digits && p[19 + digits] == '0')
		digits--;
	p += digits ? 20 + digits : 19;
	if (e->zoned) {
		memcpy(p, e->zone, 6);
		return p + 6;
	}
	*p++ = 'Z';
	return p;
}

/* ---- text ---- */

/* Every put_ function returns the place behind what it has written; that there is room is known
 * from the size of the input. */
static uint8_t *put(uint8_t *p, const void *text, size_t size)
{
	memcpy(p, text, size);
	return p + size;
}

static uint8_t *put_stream(uint8_t *p, int stream)
{
	return put(p, stream == CT_STREAM_STDERR ? "stderr" : "stdout", 6);
}

/* What stands in a JSON string as it is: text but for " & < > \ */
static const bool plain[256] = {
	[' ' ... '!'] = true, ['#' ... '%'] = true, ['\'' ... ';'] = true, ['='] = true,
	['?' ... '['] = true, [']' ... 0x7f] = true,
};

/* One character below 0x80 that cannot stand there as it is. */
static uint8_t *put_special(uint8_t *p, uint8_t c)
{
	static const char hex[] = "0123456789abcdef";

	*p++ = '\\';
	if (c == '"' || c == '\\') {
		*p++ = c;
	} else if (c == '\n' || c == '\r') {
		*p++ = c == '\n' ? 'n' : 'r';
	} else {
		p = put(p, "u00", 3);
		*p++ = (uint8_t)hex[c >> 4];
		*p++ = (uint8_t)hex[c & 15];
	}
	return p;
}

/* One character from 0x80 on, or a byte that is none: how many bytes it took. */
static size_t put_wide(uint8_t **p, const uint8_t *s, size_t left)
{
	size_t n = ct_utf8_length(s, left);

	if (!n) {
		*p = put(*p, "\\ufffd", 6);
		return 1;
	}
	/* The two that end a line in JavaScript. */
	if (n == 3 && s[0] == 0xe2 && s[1] == 0x80 && (s[2] == 0xa8 || s[2] == 0xa9))
		*p = put(*p, s[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
	else
		*p = put(*p, s, n);
	return n;
}

/* In runs of what needs no escape: most of a log is that. */
static uint8_t *put_json(uint8_t *p, const uint8_t *s, size_t size)
{
	for (size_t i = 0, from = 0; i < size; from = i) {
		while (i < size && plain[s[i]])
			i++;
		p = put(p, s + from, i - from);
		if (i == size)
			break;
		if (s[i] < 0x80)
			p = put_special(p, s[i++]);
		else
			i += put_wide(&p, s + i, size - i);
	}
	return p;
}

/* ---- k8s-file ---- */

/* The bytes are as they were: CRI's lines have no escapes, and no newline is among them. */
static size_t put_cri(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
		      size_t size, bool partial, uint8_t *out)
{
	uint8_t *p = put_time(e, out, time, false);

	*p++ = ' ';
	p = put_stream(p, stream);
	p = put(p, partial ? " P " : " F ", 3);
	p = put(p, data, size);
	*p++ = '\n';
	return (size_t)(p - out);
}

/* Returns how much of data it took; the caller comes again with the rest. */
static size_t encode_cri(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
			 size_t size, uint8_t *out, size_t *ret_size)
{
	size_t most = size < e->record_max ? size : e->record_max;
	/* The newline of a line that fills a record belongs to it. */
	const uint8_t *end = memchr(data, '\n', most < size ? most + 1 : most);
	size_t n = end ? (size_t)(end - data) : most;

	e->line[stream == CT_STREAM_STDERR].partial = !end;
	*ret_size = put_cri(e, stream, time, data, n, !end, out);
	return n + (end != NULL);
}

/* ---- json-file ---- */

static size_t put_docker(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
			 size_t size, bool newline, uint8_t *out)
{
	uint8_t *p = put_json(put(out, "{\"log\":\"", 8), data, size);

	if (newline)
		p = put(p, "\\n", 2);
	p = put_stream(put(p, "\",\"stream\":\"", 12), stream);
	*p++ = '"';
	p = put(p, e->attrs, e->attrs_size);
	p = put_time(e, put(p, ",\"time\":\"", 9), time, true);
	p = put(p, "\"}\n", 3);
	return (size_t)(p - out);
}

/* ---- journald ---- */

static uint8_t *put_text(uint8_t *p, const char *text)
{
	return put(p, text, strlen(text));
}

/* What all of its records have behind the message. */
static size_t put_fields(struct log_encoder *e, uint64_t time, const uint8_t *out, uint8_t *p)
{
	p = put_time(e, put_text(p, "SYSLOG_TIMESTAMP="), time, false);
	*p++ = '\n';
	p = put(p, e->attrs, e->attrs_size);
	return (size_t)(p - out);
}

/* PRIORITY 3 is an error, 6 information (syslog(3)): what journalctl colours. */
static size_t put_journald(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
			   size_t size, bool newline, uint8_t *out)
{
	uint8_t *p = put(put_text(out, "MESSAGE="), data, size);

	p = put_text(p, stream == CT_STREAM_STDERR ? "\nPRIORITY=3\n" : "\nPRIORITY=6\n");
	if (!newline)
		p = put_text(p, "CONTAINER_PARTIAL_MESSAGE=true\n");
	return put_fields(e, time, out, p);
}

/* The number, without zeros before it. */
static uint8_t *put_decimal(uint8_t *p, uint64_t value)
{
	unsigned digits = 1;

	for (uint64_t rest = value / 10; rest; rest /= 10)
		digits++;
	put_number((char *)p, value, digits);
	return p + digits;
}

/* Only journald has a place for it; in a file the line ends where bytes are missing. */
size_t ct_record_gap(struct log_encoder *encoder, uint64_t time, uint64_t lost, uint8_t *out)
{
	uint8_t *p = out;

	if (encoder->kind != CT_LOG_FILE_JOURNALD || !lost)
		return 0;
	p = put_decimal(put_text(p, "MESSAGE=cattach: "), lost);
	p = put_text(p, " bytes of output are lost here: journald has not taken them in time\n");
	p = put_decimal(put_text(p, "PRIORITY=4\nCATTACH_LOST="), lost);
	*p++ = '\n';
	return put_fields(encoder, time, out, p);
}

/* ---- lines that wait for their end ---- */

static size_t put_record(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
			 size_t size, bool newline, uint8_t *out)
{
	if (e->kind == CT_LOG_FILE_JOURNALD)
		return put_journald(e, stream, time, data, size, newline, out);
	return put_docker(e, stream, time, data, size, newline, out);
}

/* What waits of a line, with or without the end; one that is cut is cut between two characters. */
static size_t put_line(struct log_encoder *e, int stream, bool end, uint8_t *out)
{
	struct log_line *line = &e->line[stream == CT_STREAM_STDERR];
	size_t size = line->size, n;

	if (!end && size == LOG_RECORD_LINE)
		size = ct_utf8_whole((const char *)line->text, size);
	n = put_record(e, stream, line->first, line->text, size, end, out);
	line->partial = !end;
	line->size -= (uint32_t)size;
	memmove(line->text, line->text + size, line->size);
	return n;
}

/* A line that is whole in one frame is written from there, without a copy, which is the usual
 * case. */
static size_t encode_line(struct log_encoder *e, int stream, uint64_t time, const uint8_t *data,
			    size_t size, uint8_t *out, size_t *ret_size)
{
	struct log_line *line = &e->line[stream == CT_STREAM_STDERR];
	size_t room = LOG_RECORD_LINE - line->size, most = size < room ? size : room, n;
	/* Docker looks for a newline in 16 KiB, so the longest line that is not cut has one byte
	 * less. */
	const uint8_t *end = memchr(data, '\n', most);

	if (end && !line->size && !line->partial) {
		n = (size_t)(end - data);
		*ret_size = put_record(e, stream, time, data, n, true, out);
		return n + 1;
	}
	if (!line->size && !line->partial)
		line->first = time;
	n = end ? (size_t)(end - data) : most;
	memcpy(line->text + line->size, data, n);
	line->size += (uint32_t)n;
	*ret_size = end || line->size == LOG_RECORD_LINE ? put_line(e, stream, end, out) : 0;
	return n + (end != NULL);
}

/* ---- all of them ---- */

/* Escaped once, at the start. */
static void set_tag(struct log_encoder *encoder, const char *tag)
{
	size_t size = tag ? strnlen(tag, LOG_RECORD_TAG) : 0;
	uint8_t *attrs = (uint8_t *)encoder->attrs, *p = attrs;

	if (size) {
		p = put(p, ",\"attrs\":{\"tag\":\"", 17);
		p = put_json(p, (const uint8_t *)tag, size);
		p = put(p, "\"}", 2);
	}
	encoder->attrs_size = (size_t)(p - attrs);
}

/* text is the tag, or journald's fields, made before (ct_log_fields()). */
void ct_record_init(struct log_encoder *encoder, enum ct_log_file kind, const char *text)
{
	encoder->kind = kind;
	encoder->record_max = LOG_RECORD_LINE;
	if (kind == CT_LOG_FILE_JSON)
		set_tag(encoder, text);
	if (kind != CT_LOG_FILE_JOURNALD || !text)
		return;
	encoder->attrs_size = strnlen(text, LOG_RECORD_FIELDS);
	memcpy(encoder->attrs, text, encoder->attrs_size);
}

size_t ct_record_encode(struct log_encoder *encoder, int stream, uint64_t time,
			const uint8_t *data, size_t size, uint8_t *out, size_t *ret_size)
{
	if (encoder->kind == CT_LOG_FILE_K8S)
		return encode_cri(encoder, stream, time, data, size, out, ret_size);
	return encode_line(encoder, stream, time, data, size, out, ret_size);
}

/* What waits for its newline when the run ends. */
size_t ct_record_end(struct log_encoder *encoder, int stream, uint64_t time, uint8_t *out)
{
	const struct log_line *line = &encoder->line[stream == CT_STREAM_STDERR];

	(void)time;	/* it has its own; only as the one below */
	return line->size ? put_line(encoder, stream, false, out) : 0;
}

/* Bytes are missing behind this: what waits must not be joined with what comes after the gap. */
size_t ct_record_break(struct log_encoder *encoder, int stream, uint64_t time, uint8_t *out)
{
	struct log_line *line = &encoder->line[stream == CT_STREAM_STDERR];

	if (!line->size && !line->partial)
		return 0;
	if (encoder->kind != CT_LOG_FILE_K8S)
		return put_line(encoder, stream, true, out);
	line->partial = false;
	return put_cri(encoder, stream, time, (const uint8_t *)"", 0, false, out);
}
