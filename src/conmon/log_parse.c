/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding records of k8s-file and json-file: the other way round from log_record.c, and for what
 * other programs write in these formats, too: any zone in a time, the members of an object in any
 * order, those that nobody knows passed over.
 *
 * Runs in commands that read a log. Nothing in the files is trusted: what is no record is refused,
 * and nothing is read behind its end.
 *
 *   k8s-file   2026-01-02T15:04:05.123456789+01:00 stdout F text         F: a whole line, P: a part
 *   json-file  {"log":"text\n","stream":"stdout","time":"2026-01-02T14:04:05.123456789Z"}
 *
 * The formats are CRI's (a kubelet reads it) and docker's. A record is one line of the file, handed
 * over without its newline; its text goes into a buffer of the caller's that is as long as the
 * line.
 */
#include "log_parse.h"

#include <errno.h>
#include <string.h>

/* What is left of a record. */
struct rest {
	const uint8_t *at, *end;
};

/* ---- times ---- */

/* Exactly so many: 2026-1-2 is no date of RFC 3339. */
static bool take_digits(struct rest *r, unsigned count, unsigned *ret_value)
{
	unsigned value = 0;

	for (unsigned i = 0; i < count; i++) {
		if (r->at == r->end || *r->at < '0' || *r->at > '9')
			return false;
		value = value * 10 + (*r->at++ - '0');
	}
	*ret_value = value;
	return true;
}

static bool take_byte(struct rest *r, uint8_t byte)
{
	if (r->at == r->end || *r->at != byte)
		return false;
	r->at++;
	return true;
}

/* Days since 1970 of a Gregorian date, years beginning in March. March first, so that the leap day
 * is the last of its year and (153 m + 2) / 5 counts days before month m. No timegm(3): a log has a
 * time on each line, and libc's would look at TZ each time. */
static int64_t day_number(unsigned year, unsigned month, unsigned day)
{
	int64_t y = (int64_t)year - (month <= 2), era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (int64_t)(month + (month > 2 ? 0 : 12) - 3) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

/* Up to nine digits count. */
static uint64_t take_fraction(struct rest *r)
{
	uint64_t ns = 0;
	unsigned digits = 0;

	if (!take_byte(r, '.'))
		return 0;
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++, digits++)
		if (digits < 9)
			ns = ns * 10 + (*r->at - '0');
	for (; digits < 9; digits++)
		ns *= 10;
	return ns;
}

/* Seconds that local time is before UTC's. RFC 3339 and not the names of zones: "Z", "+01:00". */
static bool take_zone(struct rest *r, int64_t *ret_seconds)
{
	unsigned hours, minutes;
	bool east;

	*ret_seconds = 0;
	if (take_byte(r, 'Z'))
		return true;
	east = take_byte(r, '+');
	if ((!east && !take_byte(r, '-')) || !take_digits(r, 2, &hours) || !take_byte(r, ':') ||
	    !take_digits(r, 2, &minutes))
		return false;
	*ret_seconds = (int64_t)(hours * 3600 + minutes * 60) * (east ? 1 : -1);
	return true;
}

/* RFC 3339, as nanoseconds since the epoch. A 31st of February is the 3rd of March: whoever wrote
 * that, its place in the order is what counts. */
static bool take_time(struct rest *r, uint64_t *ret_time)
{
	unsigned year, month, day, hour, minute, second;
	int64_t seconds, zone;
	uint64_t ns;

	if (!take_digits(r, 4, &year) || !take_byte(r, '-') || !take_digits(r, 2, &month) ||
	    !take_byte(r, '-') || !take_digits(r, 2, &day) || !take_byte(r, 'T') ||
	    !take_digits(r, 2, &hour) || !take_byte(r, ':') || !take_digits(r, 2, &minute) ||
	    !take_byte(r, ':') || !take_digits(r, 2, &second))
		return false;
	ns = take_fraction(r);
	if (!take_zone(r, &zone) || month < 1 || month > 12)
		return false;
	seconds = day_number(year, month, day) * 86400 +
		  (int64_t)(hour * 3600 + minute * 60 + second);
	seconds -= zone;
	if (seconds < 0 || seconds > INT64_MAX / 1000000000)
		return false;
	*ret_time = (uint64_t)seconds * 1000000000u + ns;
	return true;
}

/* 0: neither, and the record is refused. */
static int stream_of(const uint8_t *name, size_t size)
{
	if (size == 6 && !memcmp(name, "stdout", 6))
		return CT_STREAM_STDOUT;
	return size == 6 && !memcmp(name, "stderr", 6) ? CT_STREAM_STDERR : 0;
}

/* ---- k8s-file ---- */

/* The newline is not in the file for a whole line, and in the log it was: it is put back. */
static int parse_cri(const uint8_t *data, size_t size, uint8_t *text, struct log_record *ret)
{
	struct rest r = { data, data + size };
	struct log_record record = { .text = text };
	bool full;

	if (!take_time(&r, &record.time) || !take_byte(&r, ' ') || r.end - r.at < 9)
		return -EBADMSG;
	record.stream = stream_of(r.at, 6);
	full = r.at[7] == 'F';
	if (!record.stream || r.at[6] != ' ' || (!full && r.at[7] != 'P'))
		return -EBADMSG;
	r.at += 8;
	/* More tags may follow, each behind a colon. */
	if (r.at < r.end && *r.at == ':')
		while (r.at < r.end && *r.at != ' ')
			r.at++;
	if (!take_byte(&r, ' '))
		return -EBADMSG;
	record.size = (size_t)(r.end - r.at);
	memcpy(text, r.at, record.size);
	if (full)
		text[record.size++] = '\n';
	*ret = record;
	return 0;
}

/* ---- json-file ---- */

/* Behind "\u": four digits, in any case. The byte at the end of the data counts as 0, which is
 * none. */
static bool take_hex(struct rest *r, uint32_t *ret_value)
{
	uint32_t value = 0;

	for (int i = 0; i < 4; i++) {
		uint8_t c = r->at < r->end ? *r->at++ : 0, lower = c | 0x20;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (uint32_t)(lower - 'a' + 10);
		else
			return false;
	}
	*ret_value = value;
	return true;
}

/* p has room for four bytes: what becomes them was six bytes of the record, or twelve. */
static size_t put_utf8(uint8_t *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (uint8_t)(0xc0 | c >> 6);
		p[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (uint8_t)(0xe0 | c >> 12);
		p[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		p[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | c >> 18);
	p[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	p[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	p[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* Behind "\u": one character, of two such when it is beyond 16 bits; half of a pair is none. U+FFFD
 * stands for half of a pair: there is no UTF-8 for it. */
static bool take_character(struct rest *r, uint32_t *ret_character)
{
	struct rest next;
	uint32_t c, low;

	if (!take_hex(r, &c))
		return false;
	if (c >= 0xd800 && c < 0xdc00) {
		next = *r;
		if (take_byte(&next, '\\') && take_byte(&next, 'u') && take_hex(&next, &low) &&
		    low >= 0xdc00 && low < 0xe000) {
			*r = next;
			*ret_character = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
			return true;
		}
	}
	*ret_character = c >= 0xd800 && c < 0xe000 ? 0xfffd : c;
	return true;
}

/* Behind a backslash: the bytes that it means. */
static bool take_escape(struct rest *r, uint8_t **p)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	uint32_t c;

	if (r->at == r->end || !*r->at)
		return false;
	if (*r->at == 'u') {
		r->at++;
		if (!take_character(r, &c))
			return false;
		*p += put_utf8(*p, c);
		return true;
	}
	found = strchr(from, *r->at++);
	if (!found)
		return false;
	*(*p)++ = (uint8_t)to[found - from];
	return true;
}

/* A string; what it means is never longer than what it is. Bytes as they are, if they are no UTF-8,
 * too: docker has made sure, others may not have. */
static bool take_string(struct rest *r, uint8_t *text, size_t *ret_size)
{
	uint8_t *p = text;

	if (!take_byte(r, '"'))
		return false;
	while (r->at < r->end && *r->at != '"') {
		if (*r->at != '\\') {
			*p++ = *r->at++;
			continue;
		}
		r->at++;
		if (!take_escape(r, &p))
			return false;
	}
	*ret_size = (size_t)(p - text);
	return take_byte(r, '"');
}

/* Any other value, up to the comma or brace behind it. Not judged, only passed over. A bracket too
 * many makes depth wrap around, and then no end is found. */
static bool skip_value(struct rest *r)
{
	unsigned depth = 0;
	bool quoted = false;

	for (; r->at < r->end; r->at++) {
		uint8_t c = *r->at;

		if (quoted && c == '\\' && r->at + 1 < r->end)
			r->at++;
		else if (c == '"')
			quoted = !quoted;
		else if (!quoted && (c == '{' || c == '['))
			depth++;
		else if (!quoted && !depth && (c == ',' || c == '}'))
			return true;
		else if (!quoted && (c == '}' || c == ']'))
			depth--;
	}
	return false;
}

/* No newline among them: a record is one line. */
static void skip_blanks(struct rest *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\r'))
		r->at++;
}

/* One member, whose key is known; those that are strings, into text behind what the log has. A
 * second "log" is passed over. "stream" and "time" only use the room, and "log" may write over
 * it. */
static bool take_member(struct rest *r, const uint8_t *key, size_t size, struct log_record *record,
			bool *timed)
{
	uint8_t *text = record->text + record->size;
	struct rest time;
	size_t n;

	if (size == 3 && !memcmp(key, "log", 3) && !record->size)
		return take_string(r, text, &record->size);
	if (size == 6 && !memcmp(key, "stream", 6)) {
		if (!take_string(r, text, &n))
			return false;
		record->stream = stream_of(text, n);
		return record->stream != 0;
	}
	if (size != 4 || memcmp(key, "time", 4) != 0)
		return skip_value(r);
	if (!take_string(r, text, &n))
		return false;
	time = (struct rest){ text, text + n };
	*timed = take_time(&time, &record->time) && time.at == time.end;
	return *timed;
}

/* No JSON library: it would build a tree for each line of a log of gigabytes. */
static int parse_docker(const uint8_t *data, size_t size, uint8_t *text, struct log_record *ret)
{
	struct log_record record = { .text = text };
	struct rest r = { data, data + size };
	bool timed = false;

	if (!take_byte(&r, '{'))
		return -EBADMSG;
	do {
		const uint8_t *key;
		size_t n;

		skip_blanks(&r);
		key = r.at + 1;
		if (!take_byte(&r, '"'))
			return -EBADMSG;
		while (r.at < r.end && *r.at != '"')
			r.at++;
		n = (size_t)(r.at - key);
		if (!take_byte(&r, '"') || !take_byte(&r, ':'))
			return -EBADMSG;
		skip_blanks(&r);
		if (!take_member(&r, key, n, &record, &timed))
			return -EBADMSG;
		skip_blanks(&r);
	} while (take_byte(&r, ','));
	if (!take_byte(&r, '}') || !record.stream || !timed)
		return -EBADMSG;
	*ret = record;
	return 0;
}

/* For the search by time, which needs no more of a record. */
int ct_record_parse_time(const uint8_t *data, size_t size, uint64_t *ret_time)
{
	struct rest r = { data, data + size };

	return take_time(&r, ret_time) && r.at == r.end ? 0 : -EBADMSG;
}

/* -EBADMSG for whatever is no record; the caller counts those, and goes on. */
int ct_record_parse(enum ct_log_file kind, const uint8_t *data, size_t size, uint8_t *text,
		    struct log_record *ret_record)
{
	if (kind == CT_LOG_FILE_JSON)
		return parse_docker(data, size, text, ret_record);
	return parse_cri(data, size, text, ret_record);
}
