/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time zone of records for those who expect local time: when clocks are changed, for the next
 * ten years.
 *
 * Runs before the monitor's loop, which must not call what may read files and allocate, as all of
 * the C library's functions for local time may. So the loop has a table. A zone that changes its
 * rules meanwhile shows other times than clocks do; with their difference from UTC they are right
 * all the same. Cannot fail: a zone that is not known is UTC.
 */
#include "log_record.h"

#include <time.h>

#define DAY	86400u
#define STEP	(14 * DAY)		/* nobody changes clocks twice in a fortnight */
#define YEARS	(10ull * 366 * DAY)

static int minutes_at(uint64_t second)
{
	time_t at = (time_t)second;
	struct tm local;

	return localtime_r(&at, &local) ? (int)(local.tm_gmtoff / 60) : 0;
}

/* The first second with another difference than low has, not later than high. */
static uint64_t find_change(uint64_t low, uint64_t high)
{
	int before = minutes_at(low);

	while (high - low > 1) {
		uint64_t middle = low + (high - low) / 2;

		if (minutes_at(middle) == before)
			low = middle;
		else
			high = middle;
	}
	return high;
}

void ct_record_zone(struct log_encoder *encoder, uint64_t now)
{
	struct log_zone *zones = encoder->zones;
	size_t n = 1;

	tzset();
	encoder->zoned = true;
	encoder->record_max = CT_LOG_ZONED_LINE;
	zones[0] = (struct log_zone){ .minutes = minutes_at(now) };
	for (uint64_t at = now; at < now + YEARS && n < LOG_ZONES; at += STEP) {
		uint64_t from;

		if (minutes_at(at + STEP) == zones[n - 1].minutes)
			continue;
		from = find_change(at, at + STEP);
		zones[n++] = (struct log_zone){ .from = from, .minutes = minutes_at(from) };
	}
}
