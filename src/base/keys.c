/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sequences of keys that detach from a terminal, in docker's spelling: "ctrl-p,ctrl-q", "ctrl-a,d".
 *
 * Pure: any process, no privileges, no allocation. Fails on what a terminal cannot send, so that a
 * mistyped key is noticed when it is given and not when somebody wants to leave.
 */
#include <cattach/num.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "escape.h"

/* The byte that a terminal sends for a key, or -1. */
static int key_byte(const char *key, size_t length)
{
	static const char others[] = "[\\]^_";		/* 27 and on */
	const char *other;
	char c = key[length ? length - 1 : 0];

	if (length == 1)
		return c > ' ' && c <= '~' ? c : -1;
	if (length != strlen("ctrl-x") || memcmp(key, "ctrl-", 5) != 0)
		return -1;
	if (c == '@')
		return 0;
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 1;
	other = strchr(others, c);
	return other ? 27 + (int)(other - others) : -1;
}

int ct_parse_keys(const char *text, unsigned char ret_keys[CT_KEYS_MAX], size_t *ret_count,
		  struct ct_err *err)
{
	unsigned char keys[CT_KEYS_MAX] = { 0 };
	char quote[CT_QUOTE_SIZE];
	const char *key = text;
	size_t count = 0;

	for (bool more = *text; more; count++) {
		size_t length = strcspn(key, ",");
		int byte = count < CT_KEYS_MAX ? key_byte(key, length) : -1;

		if (byte < 0) {
			ct_fail(err, EINVAL, "not a sequence of keys: \"%s\"", ct_quote(quote, text));
			return ct_hint(err, "up to %d, with commas between them: a character, or ctrl- "
				       "and one of a-z @ [ \\ ] ^ _", CT_KEYS_MAX);
		}
		keys[count] = (unsigned char)byte;
		more = key[length] == ',';
		key += length + 1;
	}
	memcpy(ret_keys, keys, count);
	*ret_count = count;
	return 0;
}
