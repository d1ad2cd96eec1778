/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Spans of time as people say them, with the limits and the rounding that docker's tables have, so
 * that scripts which read such a column find what they expect: seconds and minutes are cut, hours
 * are rounded, days count from 48 hours, weeks from two weeks, months from two months, years from
 * two years.
 *
 * Pure functions, no privileges; nothing can fail.
 */
#include <inttypes.h>
#include <stdio.h>

#include <cattach/age.h>

#define SECOND	UINT64_C(1000000000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)

static const char *say(char *buf, size_t size, uint64_t count, const char *unit)
{
	snprintf(buf, size, "%" PRIu64 " %s%s", count, unit, count == 1 ? "" : "s");
	return buf;
}

static const char *say_text(char *buf, size_t size, const char *text)
{
	snprintf(buf, size, "%s", text);
	return buf;
}

const char *ct_human_age(uint64_t ns, char *buf, size_t size)
{
	uint64_t hours;

	if (ns < SECOND)
		return say_text(buf, size, "Less than a second");
	if (ns < MINUTE)
		return say(buf, size, ns / SECOND, "second");
	if (ns < 2 * MINUTE)
		return say_text(buf, size, "About a minute");
	if (ns < HOUR)
		return say(buf, size, ns / MINUTE, "minute");

	/* Halves go up: 90 minutes are two hours. Written so that the largest span is no
	 * overflow. */
	hours = ns / HOUR + (ns % HOUR >= HOUR / 2);
	if (hours == 1)
		return say_text(buf, size, "About an hour");
	if (hours < 48)
		return say(buf, size, hours, "hour");
	if (hours < 24 * 7 * 2)
		return say(buf, size, hours / 24, "day");
	if (hours < 24 * 30 * 2)
		return say(buf, size, hours / 24 / 7, "week");
	if (hours < 24 * 365 * 2)
		return say(buf, size, hours / 24 / 30, "month");
	return say(buf, size, ns / HOUR / 24 / 365, "year");
}

uint64_t ct_age_since(uint64_t then, uint64_t now)
{
	return now > then ? now - then : 0;
}
