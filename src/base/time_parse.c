/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time: the forms that docker takes for --since and --until, and the stamp of a log line.
 *
 * A text is tried as a date, as a plain number, as a duration, in this order; each form is taken
 * from the first byte to the last or not at all. Plain numbers mean seconds ago, but from 1e9 on
 * (September 2001) seconds since the epoch: nobody asks for what happened 31 years ago, and scripts
 * that give docker "$(date +%s)" go on working.
 *
 * Runs in any process, no privileges. Local time is that of TZ. What may fail: nothing but the
 * text; dates outside of what 64 bits of nanoseconds hold are cut to the nearest.
 *
 *   2006-01-02[T15:04[:05[.999]]][Z|+07:00]      a date; midnight, local time
 *   1700000000[.5]                               since the epoch, from EPOCH_FROM on
 *   90[.5]                                       seconds before now
 *   1h30m, -10s                                  a Go duration before now; with "-" behind it
 */
#include <cattach/timespec.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cattach/num.h>

#include "escape.h"

#define SECOND		UINT64_C(1000000000)
#define EPOCH_FROM	UINT64_C(1000000000)	/* plain seconds: since the epoch from here on */
#define STAMP_DIGITS	9

/* Exactly n digits at *s, moving behind them: their value, or -1. */
static int take_number(const char **s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (**s < '0' || **s > '9')
			return -1;
		value = value * 10 + (**s - '0');
	}
	return value;
}

/* Digits behind a point, as nanoseconds; what is finer is dropped. False: no digit there. */
static bool take_fraction(const char **s, uint32_t *ret_ns)
{
	uint32_t ns = 0, scale = 100000000;
	bool any = false;

	for (; **s >= '0' && **s <= '9'; (*s)++) {
		ns += scale * (uint32_t)(**s - '0');
		scale /= 10;
		any = true;
	}
	*ret_ns = ns;
	return any;
}

static bool take_char(const char **s, char c)
{
	if (**s != c)
		return false;
	(*s)++;
	return true;
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* mktime(3) would make March out of February 30. */
static bool is_date(int year, int month, int day)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	if (year < 0 || month < 1 || month > 12 || day < 1)
		return false;
	return day <= days[month - 1] + (month == 2 && is_leap(year));
}

/* A number that is missing is below 0 and fails is_date(): each is looked at once, at the end. */
static bool take_date(const char **s, struct tm *tm)
{
	int year = take_number(s, 4), month, day;

	if (!take_char(s, '-'))
		return false;
	month = take_number(s, 2);
	if (!take_char(s, '-'))
		return false;
	day = take_number(s, 2);
	if (!is_date(year, month, day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* "T15[:04[:05[.999]]]"; nothing at all is midnight. No leap second: the kernel's clock has none
 * either. */
static bool take_clock(const char **s, struct tm *tm, uint32_t *ret_ns)
{
	*ret_ns = 0;
	if (!take_char(s, 'T') && !take_char(s, ' '))
		return true;
	tm->tm_hour = take_number(s, 2);
	if (take_char(s, ':')) {
		tm->tm_min = take_number(s, 2);
		if (take_char(s, ':')) {
			tm->tm_sec = take_number(s, 2);
			if (take_char(s, '.') && !take_fraction(s, ret_ns))
				return false;
		}
	}
	return tm->tm_hour >= 0 && tm->tm_hour < 24 && tm->tm_min >= 0 && tm->tm_min < 60 &&
	       tm->tm_sec >= 0 && tm->tm_sec < 60;
}

/* "Z", "+07:00" or nothing, to the end of the text: seconds east of UTC. */
static bool take_zone(const char *s, bool *ret_local, int *ret_east)
{
	int sign = *s == '-' ? -1 : 1, hours, minutes;

	*ret_local = !*s;
	*ret_east = 0;
	if (!*s || !strcmp(s, "Z"))
		return true;
	if (!take_char(&s, '+') && !take_char(&s, '-'))
		return false;
	hours = take_number(&s, 2);
	if (hours < 0 || !take_char(&s, ':'))
		return false;
	minutes = take_number(&s, 2);
	*ret_east = sign * (hours * 3600 + minutes * 60);
	return hours < 24 && minutes >= 0 && minutes < 60 && !*s;
}

/* Before 1970 is 0, after 2554 the greatest number: an order is kept, and that is what is asked
 * for. */
static uint64_t clamp(int64_t seconds, uint32_t ns)
{
	if (seconds < 0)
		return 0;
	if ((uint64_t)seconds >= UINT64_MAX / SECOND)
		return UINT64_MAX;
	return (uint64_t)seconds * SECOND + ns;
}

/* tm_isdst -1: mktime(3) finds out itself whether summer time holds then. */
static bool parse_date(const char *s, uint64_t *ret_ns)
{
	struct tm tm = { .tm_isdst = -1 };
	int64_t seconds;
	uint32_t ns;
	bool local;
	int east;

	if (!take_date(&s, &tm) || !take_clock(&s, &tm, &ns) || !take_zone(s, &local, &east))
		return false;
	/* A failure of mktime(3) looks like the last second of 1969, and becomes 0 as that does. */
	seconds = local ? (int64_t)mktime(&tm) : (int64_t)timegm(&tm) - east;
	*ret_ns = clamp(seconds, ns);
	return true;
}

/* "SECONDS[.FRACTION]": false when it is none, or more than fits. */
static bool parse_number(const char *s, uint64_t *ret_ns)
{
	uint64_t seconds = 0;
	uint32_t ns = 0;

	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		seconds = seconds * 10 + (uint64_t)(*s - '0');
		if (seconds >= UINT64_MAX / SECOND)
			return false;
	}
	if (take_char(&s, '.') && !take_fraction(&s, &ns))
		return false;
	*ret_ns = seconds * SECOND + ns;
	return !*s;
}

static uint64_t before(uint64_t now, uint64_t span)
{
	return span < now ? now - span : 0;
}

/* A Go duration with its sign: false when it is none. */
static bool parse_span(const char *text, uint64_t now, uint64_t *ret_ns)
{
	bool future = *text == '-';
	struct ct_err ignored;
	uint64_t span;

	if (*text == '-' || *text == '+')
		text++;
	if (ct_parse_duration(text, &span, &ignored) < 0)
		return false;
	if (!future)
		*ret_ns = before(now, span);
	else if (__builtin_add_overflow(now, span, ret_ns))
		*ret_ns = UINT64_MAX;
	return true;
}

/* A date first, for its digits are a number, too, up to the dash. */
int ct_parse_time(const char *text, uint64_t now, uint64_t *ret_ns, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	uint64_t ns;

	if (parse_date(text, ret_ns))
		return 0;
	if (parse_number(text, &ns)) {
		*ret_ns = ns / SECOND >= EPOCH_FROM ? ns : before(now, ns);
		return 0;
	}
	if (parse_span(text, now, ret_ns))
		return 0;
	ct_fail(err, EINVAL, "\"%s\" is no time or duration", ct_quote(quote, text));
	return ct_hint(err, "such as 10m, 1h30m, 2006-01-02T15:04:05Z, 2006-01-02 or 1700000000");
}

/* A number in exactly so many digits. */
static char *put_digits(char *at, unsigned value, int digits)
{
	for (int i = digits - 1; i >= 0; i--, value /= 10)
		at[i] = (char)('0' + value % 10);
	return at + digits;
}

const char *ct_format_time(uint64_t ns, char buf[CT_STAMP_SIZE])
{
	time_t seconds = (time_t)(ns / SECOND);
	struct tm tm = {0};
	char *at;

	/* Not snprintf(3) and strftime(3): a stamp stands before every line of a long log. All that
	 * 64 bits of nanoseconds hold has four digits of year, so gmtime_r(3) cannot fail. */
	gmtime_r(&seconds, &tm);
	at = put_digits(buf, (unsigned)tm.tm_year + 1900, 4);
	*at++ = '-';
	at = put_digits(at, (unsigned)tm.tm_mon + 1, 2);
	*at++ = '-';
	at = put_digits(at, (unsigned)tm.tm_mday, 2);
	*at++ = 'T';
	at = put_digits(at, (unsigned)tm.tm_hour, 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)tm.tm_min, 2);
	*at++ = ':';
	at = put_digits(at, (unsigned)tm.tm_sec, 2);
	*at++ = '.';
	at = put_digits(at, (unsigned)(ns % SECOND), STAMP_DIGITS);
	*at++ = 'Z';
	*at = '\0';
	return buf;
}
