/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strict parsing of numbers, ids, modes, truth values, names and lists of processors.
 *
 * The libc parsers skip blanks, take signs, stop at the first odd character and wrap around: that
 * is how "4294967296" became uid 0 in more than one container runtime. Here a text is digits from
 * its first byte to its last and within its bounds, or it is refused with those bounds. Leading
 * zeros are decimal as the others are: 010 is ten.
 *
 * Pure functions: any process, no privileges, no allocation. A refused text is shown escaped and
 * cut to a bounded length, so the error is fit to print even for a hostile megabyte.
 *
 *    ct_parse_u64, _i64    digits within bounds            ct_parse_bool   true, f, 1, 0 ...
 *    ct_parse_id           a uid or gid, never -1          ct_is_cpu_list  0-3,7
 */
#include <cattach/num.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "escape.h"

/* Digits only, into 64 bits: 0, EINVAL or ERANGE. */
static int digits_u64(const char *text, uint64_t *ret_value)
{
	uint64_t value = 0;
	int ret = 0;

	if (!*text)
		return EINVAL;
	for (const char *s = text; *s; s++) {
		if (*s < '0' || *s > '9')
			return EINVAL;
		/* Look at every byte before calling it too large: "99...9x" is no number. */
		if (__builtin_mul_overflow(value, 10u, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*s - '0'), &value))
			ret = ERANGE;
	}
	if (!ret)
		*ret_value = value;
	return ret;
}

/* ERANGE and EINVAL with the same words: what is wanted, and what was given. */
int ct_parse_u64(const char *text, uint64_t min, uint64_t max, uint64_t *ret_value,
		 struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	uint64_t value = 0;
	int ret = digits_u64(text, &value);

	if (!ret && (value < min || value > max))
		ret = ERANGE;
	if (ret)
		return ct_fail(err, ret, "must be %" PRIu64 "...%" PRIu64 ", not \"%s\"", min, max,
			       ct_quote(quote, text));
	*ret_value = value;
	return 0;
}

/* "-" alone and "--1" have no digits where they are looked for. */
int ct_parse_i64(const char *text, int64_t min, int64_t max, int64_t *ret_value,
		 struct ct_err *err)
{
	bool negative = *text == '-';
	char quote[CT_QUOTE_SIZE];
	uint64_t magnitude = 0;
	int64_t value = 0;
	int ret = digits_u64(text + negative, &magnitude);

	if (!ret && magnitude > (uint64_t)INT64_MAX + negative)
		ret = ERANGE;
	/* Negate as unsigned: the least value has no positive twin. */
	if (!ret)
		value = (int64_t)(negative ? -magnitude : magnitude);
	if (!ret && (value < min || value > max))
		ret = ERANGE;
	if (ret)
		return ct_fail(err, ret, "must be %" PRId64 "...%" PRId64 ", not \"%s\"", min, max,
			       ct_quote(quote, text));
	*ret_value = value;
	return 0;
}

/* CT_ID_MAX leaves out (uid_t)-1, which means "unchanged" to chown(2) and setresuid(2). */
int ct_parse_id(const char *text, uint32_t *ret_id, struct ct_err *err)
{
	uint64_t value;
	int ret = ct_parse_u64(text, 0, CT_ID_MAX, &value, err);

	if (ret < 0)
		return ret;
	*ret_id = (uint32_t)value;
	return 0;
}

/* What docker (1, t, true) and people write; "t" and "f" alone are refused. */
int ct_parse_bool(const char *text, bool *ret_value, struct ct_err *err)
{
	static const char *const yes[] = { "true", "1", "yes", "on" };
	static const char *const no[] = { "false", "0", "no", "off" };
	char quote[CT_QUOTE_SIZE];

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		bool is_yes = !strcasecmp(text, yes[i]);

		if (is_yes || !strcasecmp(text, no[i])) {
			*ret_value = is_yes;
			return 0;
		}
	}
	return ct_fail(err, EINVAL, "must be true or false, not \"%s\"", ct_quote(quote, text));
}

/* Octal with or without a leading 0, as chmod(1). */
int ct_parse_mode(const char *text, uint32_t *ret_mode, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	uint32_t mode = 0;
	int ret = *text ? 0 : EINVAL;

	for (const char *s = text; *s && ret != EINVAL; s++) {
		if (*s < '0' || *s > '7')
			ret = EINVAL;
		else if (mode > 07777 >> 3)
			ret = ERANGE;
		else
			mode = mode << 3 | (uint32_t)(*s - '0');
	}
	if (ret)
		return ct_fail(err, ret, "must be an octal mode 0...7777, not \"%s\"",
			       ct_quote(quote, text));
	*ret_mode = mode;
	return 0;
}

/* Not isalnum(3), which asks the locale. */
static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/* docker's rule, [a-zA-Z0-9][a-zA-Z0-9_.-]*: no slash, no blank, and never an option by its
 * dash. */
int ct_check_name(const char *name, struct ct_err *err)
{
	char quote[CT_QUOTE_SIZE];
	size_t length = strnlen(name, CT_NAME_MAX + 1);
	bool good = length >= 1 && length <= CT_NAME_MAX && is_alnum(name[0]);

	for (size_t i = 1; good && i < length; i++)
		good = is_alnum(name[i]) || strchr("_.-", name[i]);
	if (good)
		return 0;
	return ct_fail(err, EINVAL, "must be 1...%d of a-z, A-Z, 0-9, \"_\", \".\" and \"-\", the "
		       "first a letter or digit, not \"%s\"", CT_NAME_MAX, ct_quote(quote, name));
}

/* One "3" or "0-7" of a list, within what the kernel can number; NULL when it is neither. */
static const char *skip_cpus(const char *s)
{
	unsigned long first, last;
	char *end;

	if (*s < '0' || *s > '9')
		return NULL;
	first = last = strtoul(s, &end, 10);
	if (*end == '-') {
		s = end + 1;
		if (*s < '0' || *s > '9')
			return NULL;
		last = strtoul(s, &end, 10);
	}
	return first <= last && last < 65536 ? end : NULL;
}

/* The syntax of cpuset(7), "List format", without strides. */
bool ct_is_cpu_list(const char *text)
{
	while (*text) {
		text = skip_cpus(text);
		if (!text || (*text && *text != ',') || (*text == ',' && !text[1]))
			return false;
		text += *text == ',';
	}
	return true;
}

/* For sched_setaffinity(2): mask has bits bits, in words of the kernel's size. */
int ct_cpu_list_bits(const char *text, unsigned long *mask, size_t bits)
{
	const size_t width = 8 * sizeof(*mask);

	if (!ct_is_cpu_list(text))
		return -EINVAL;
	while (*text) {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (last >= bits)
			return -ERANGE;
		for (unsigned long i = first; i <= last; i++)
			mask[i / width] |= 1UL << i % width;
		text = *end == ',' ? end + 1 : end;
	}
	return 0;
}
