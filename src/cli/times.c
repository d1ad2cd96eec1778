/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Points in time as docker writes them, so that scripts which parse one parse ours.
 *
 * Pure functions of the time and, for local time, of TZ. Cannot fail: a time that the calendar does
 * not know shows as the one for "never".
 *
 *    ct_time_rfc3339   2026-01-02T03:04:05.06Z               inspect; Go's RFC3339Nano, UTC
 *    ct_time_local     2026-01-02 03:04:05 +0100 CET         ps; Go's Time.String(), no fraction
 *    ct_time_event     2026-01-02T03:04:05.060000000+01:00   events; all nine digits, local time
 *    0 ns              0001-01-01T00:00:00Z                  "never", Go's zero time
 */
#include "times.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

static const char never[] = "0001-01-01T00:00:00Z";

/* In UTC, as docker stores them: a record reads the same for whoever looks. */
const char *ct_time_rfc3339(uint64_t ns, char buf[CT_TIME_SIZE])
{
	time_t seconds = (time_t)(ns / SECOND);
	struct tm tm;
	char fraction[16];
	size_t length;

	if (!ns || !gmtime_r(&seconds, &tm))
		return memcpy(buf, never, sizeof(never));
	length = strftime(buf, CT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	/* RFC3339Nano leaves out the zeros at the end, and the point with them */
	snprintf(fraction, sizeof(fraction), ".%09u", (unsigned)(ns % SECOND));
	for (size_t i = strlen(fraction); i > 0 && strchr("0.", fraction[i - 1]); i--) {
		bool point = fraction[i - 1] == '.';

		fraction[i - 1] = '\0';
		if (point)
			break;
	}
	snprintf(buf + length, CT_TIME_SIZE - length, "%sZ", fraction);
	return buf;
}

/* %Z is text of the time zone and can be of any length (TZ): what does not fit is left out. */
const char *ct_time_local(uint64_t ns, char buf[CT_TIME_SIZE])
{
	time_t seconds = (time_t)(ns / SECOND);
	struct tm tm;

	if (!ns || !localtime_r(&seconds, &tm))
		return memcpy(buf, never, sizeof(never));
	if (!strftime(buf, CT_TIME_SIZE, "%Y-%m-%d %H:%M:%S %z %Z", &tm))
		strftime(buf, CT_TIME_SIZE, "%Y-%m-%d %H:%M:%S %z", &tm);
	return buf;
}

/* There is no event at 0, so no "never". A zone of whole seconds (before 1900, mostly) is cut to
 * minutes, as RFC 3339 knows no others. */
const char *ct_time_event(uint64_t ns, char buf[CT_TIME_SIZE])
{
	time_t seconds = (time_t)(ns / SECOND);
	struct tm tm;
	size_t length;
	long minutes;

	if (!localtime_r(&seconds, &tm))
		return memcpy(buf, never, sizeof(never));
	length = strftime(buf, CT_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	minutes = tm.tm_gmtoff / 60;
	if (!minutes)
		snprintf(buf + length, CT_TIME_SIZE - length, ".%09uZ", (unsigned)(ns % SECOND));
	else
		snprintf(buf + length, CT_TIME_SIZE - length, ".%09u%c%02ld:%02ld",
			 (unsigned)(ns % SECOND), minutes < 0 ? '-' : '+', labs(minutes) / 60,
			 labs(minutes) % 60);
	return buf;
}
