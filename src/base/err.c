/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The error object: filling it, saying where, and turning it into the one line that people read.
 *
 * Runs in every process of ours, the payload's between clone and exec included, with whatever
 * privileges that has. So nothing here allocates, takes a lock or looks at the locale: vsnprintf
 * into fixed arrays and the constant texts of strerrordesc_np are all it uses (strerror would load
 * message catalogues). errno is left as it was. Nothing can fail; what is too long is cut and ends
 * in "...".
 *
 *   where: what (hint)          "config.json:41:7: mounts[3].source: no such directory: /nope (..)"
 *   ct_fail   starts over: code, what           ct_wrap   puts a place before where
 *   ct_hint   the way out                       ct_exit_with   another exit code than 125
 *
 * All of them return -code, so that callers can say "return ct_fail(...)".
 */
#include <cattach/err.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "escape.h"

/* Format in full characters; the arguments may point into the error that is being replaced. */
static void format(char *buf, size_t size, const char *fmt, va_list ap)
	__attribute__((format(printf, 3, 0)));

/* Cut a text that vsnprintf truncated so that it ends in "..." after a whole character. */
static void mark_cut(char *buf, size_t size)
{
	size_t at = size - sizeof("...");

	while (at && ((unsigned char)buf[at] & 0xc0) == 0x80)
		at--;
	memcpy(buf + at, "...", sizeof("..."));
}

static void format(char *buf, size_t size, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, size, fmt, ap);

	if (n < 0)
		buf[0] = '\0';
	else if ((size_t)n >= size)
		mark_cut(buf, size);
}

/* Start an error over with this text. */
static int fill(struct ct_err *err, int code, const char *what)
{
	/* Callers often hold a -errno; a sign must not turn a failure into a success. */
	err->code = code < 0 ? -code : code ? code : EINVAL;
	err->exit = CT_EXIT_FAILED;
	err->where[0] = '\0';
	err->hint[0] = '\0';
	memcpy(err->what, what, strlen(what) + 1);
	return -err->code;
}

/* Into a local first: the arguments may be parts of the error that is replaced. */
int ct_fail(struct ct_err *err, int code, const char *fmt, ...)
{
	char what[sizeof(err->what)];
	int saved = errno, ret;
	va_list ap;

	va_start(ap, fmt);
	format(what, sizeof(what), fmt, ap);
	va_end(ap);
	ret = fill(err, code, what);
	errno = saved;
	return ret;
}

int ct_fail_errno(struct ct_err *err, int code, const char *fmt, ...)
{
	char what[sizeof(err->what)], number[32];
	int saved = errno, ret;
	const char *text = strerrordesc_np(code < 0 ? -code : code);
	va_list ap;

	if (!text) {
		snprintf(number, sizeof(number), "error %d", code < 0 ? -code : code);
		text = number;
	}
	/* A long path is cut before the reason is. */
	va_start(ap, fmt);
	format(what, sizeof(what) - strlen(text) - 2, fmt, ap);
	va_end(ap);
	strcat(what, ": ");
	strcat(what, text);
	ret = fill(err, code, what);
	errno = saved;
	return ret;
}

/* The innermost place is the most precise, so it is kept at the end, and the outer ones are cut
 * last. */
int ct_wrap(struct ct_err *err, const char *fmt, ...)
{
	char place[sizeof(err->where)], where[2 * sizeof(err->where) + 2];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	format(place, sizeof(place), fmt, ap);
	va_end(ap);
	if (err->where[0])
		snprintf(where, sizeof(where), "%s: %.*s", place, (int)sizeof(err->where) - 1,
			 err->where);
	else
		snprintf(where, sizeof(where), "%s", place);
	if (strlen(where) >= sizeof(err->where))
		mark_cut(where, sizeof(err->where));
	memcpy(err->where, where, strlen(where) + 1);
	errno = saved;
	return -err->code;
}

int ct_hint(struct ct_err *err, const char *fmt, ...)
{
	char hint[sizeof(err->hint)];
	int saved = errno;
	va_list ap;

	va_start(ap, fmt);
	format(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	memcpy(err->hint, hint, strlen(hint) + 1);
	errno = saved;
	return -err->code;
}

int ct_exit_with(struct ct_err *err, int exit)
{
	err->exit = exit;
	return -err->code;
}

/* Append a member of an error. It may come from another process: never read past its array. */
static size_t add(char *buf, size_t size, size_t at, const char *s, size_t max)
{
	return ct_escape(buf, size, at, s, strnlen(s, max));
}

size_t ct_err_format(const struct ct_err *err, char *buf, size_t size)
{
	size_t at = 0;

	if (!size)
		return 0;
	buf[0] = '\0';
	if (err->where[0]) {
		at = add(buf, size, at, err->where, sizeof(err->where));
		at = ct_escape(buf, size, at, ": ", 2);
	}
	at = add(buf, size, at, err->what, sizeof(err->what));
	if (err->hint[0]) {
		at = ct_escape(buf, size, at, " (", 2);
		at = add(buf, size, at, err->hint, sizeof(err->hint));
		at = ct_escape(buf, size, at, ")", 1);
	}
	return at;
}
