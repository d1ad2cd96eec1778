/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers with units: sizes in bytes and durations.
 *
 * Both are read as people write them for docker and podman (64m, 1.5GiB, 1m30s, 10), and as
 * strictly as plain numbers are: every byte counts, nothing wraps around, a sign or a blank is an
 * error.
 * Both are kept in integers; what is below one byte or nanosecond is dropped, never rounded up.
 *
 * Pure functions: any process, no privileges, no allocation.
 *
 *   size       DIGITS [. DIGITS] [b | k m g t [b | ib]]       powers of 1024, case does not matter
 *   duration   DIGITS                                         seconds
 *              { DIGITS [. DIGITS] (ns us ms s m h) }         Go's
 */
#include <cattach/num.h>

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

#define NS_PER_SECOND	UINT64_C(1000000000)

/* Read digits at *s and move behind them: 0, EINVAL when there are none, ERANGE. */
static int take_digits(const char **s, uint64_t *ret_value)
{
	uint64_t value = 0;
	int ret = **s >= '0' && **s <= '9' ? 0 : EINVAL;

	for (; **s >= '0' && **s <= '9'; (*s)++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(**s - '0'), &value))
			ret = ERANGE;
	}
	*ret_value = value;
	return ret;
}

/* The power of two that a size's suffix stands for, negative for a suffix that is none. */
static int size_shift(const char *suffix)
{
	static const char letters[] = "kmgt";
	const char *letter;

	if (!*suffix || !strcasecmp(suffix, "b"))
		return 0;
	letter = strchr(letters, *suffix | 0x20);	/* lower case, without a locale */
	if (!letter || !*letter)
		return -1;
	if (suffix[1] && strcasecmp(suffix + 1, "b") && strcasecmp(suffix + 1, "ib"))
		return -1;
	return 10 * (int)(letter - letters + 1);
}

/* Digits behind the decimal point, as a share of the unit; to drop what is below a byte at every
 * step is to drop it at the end. */
static uint64_t fraction_bytes(const char *digits, const char *end, int shift)
{
	uint64_t bytes = 0;

	while (end > digits)
		bytes = (((uint64_t)(*--end - '0') << shift) + bytes) / 10;
	return bytes;
}

int ct_parse_size(const char *text, uint64_t *ret_bytes, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	const char *s = text, *fraction = NULL, *end = NULL;
	uint64_t bytes, ignored;
	int ret = take_digits(&s, &bytes), shift;

	if (!ret && *s == '.') {
		fraction = ++s;
		ret = take_digits(&s, &ignored) == EINVAL ? EINVAL : 0;
		end = s;
	}
	shift = size_shift(s);
	/* A part of a byte is nothing. */
	if (shift < 0 || (fraction && shift == 0))
		ret = EINVAL;
	if (!ret && bytes > UINT64_MAX >> shift)
		ret = ERANGE;
	if (ret == ERANGE)
		return ct_fail(err, ret, "must be a size below 16 EiB, not \"%s\"",
			       ct_quote(quote, text));
	if (ret)
		return ct_fail(err, ret, "must be a size in bytes or with b, k, m, g or t, such as "
			       "64m, not \"%s\"", ct_quote(quote, text));
	*ret_bytes = (bytes << shift) + fraction_bytes(fraction, end, shift);
	return 0;
}

/* Nanoseconds of the unit at *s, moving behind it; 0 when there is none. */
static uint64_t take_unit(const char **s)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} units[] = {
		{ "ns", 1 }, { "us", 1000 }, { "\xc2\xb5s", 1000 }, { "\xce\xbcs", 1000 },
		{ "ms", 1000000 },	/* before "m", which it begins with */
		{ "s", NS_PER_SECOND }, { "m", 60 * NS_PER_SECOND }, { "h", 3600 * NS_PER_SECOND },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		size_t length = strlen(units[i].name);

		if (!strncmp(*s, units[i].name, length)) {
			*s += length;
			return units[i].ns;
		}
	}
	return 0;
}

/* What stands behind the decimal point, as a share of the unit. */
static uint64_t fraction_ns(const char *digits, const char *end, uint64_t unit)
{
	uint64_t ns = 0;

	for (; digits < end && unit; digits++) {
		ns += (uint64_t)(*digits - '0') * unit / 10;
		unit /= 10;
	}
	return ns;
}

/* One "NUMBER[.NUMBER][UNIT]" of a duration, added to *sum: 0, EINVAL or ERANGE. */
static int add_part(const char *text, const char **s, uint64_t *sum)
{
	const char *start = *s, *fraction = NULL, *end = NULL;
	uint64_t whole, ignored, unit;
	int ret = take_digits(s, &whole);

	if (**s == '.') {
		fraction = ++*s;
		if (take_digits(s, &ignored) == EINVAL)
			return EINVAL;
		end = *s;
	}
	unit = take_unit(s);
	/* Plain seconds only when nothing else is there: "1m30" would be a guess. */
	if (!unit && !**s && start == text)
		unit = NS_PER_SECOND;
	if (!unit || ret == EINVAL)
		return EINVAL;
	if (ret || __builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(*sum, whole, sum))
		return ERANGE;
	if (fraction && __builtin_add_overflow(*sum, fraction_ns(fraction, end, unit), sum))
		return ERANGE;
	return 0;
}

/* All of the text is looked at before it is called too long: "99999999999hx" is none at all. */
int ct_parse_duration(const char *text, uint64_t *ret_ns, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	const char *s = text;
	uint64_t sum = 0;
	int ret = *text ? 0 : EINVAL;

	while (*s && ret != EINVAL) {
		int part = add_part(text, &s, &sum);

		if (part)
			ret = part;
	}
	if (ret == ERANGE)
		return ct_fail(err, ret, "must be a duration below 584 years, not \"%s\"",
			       ct_quote(quote, text));
	if (ret)
		return ct_fail(err, ret, "must be seconds or a duration such as 1m30s or 250ms, "
			       "not \"%s\"", ct_quote(quote, text));
	*ret_ns = sum;
	return 0;
}
