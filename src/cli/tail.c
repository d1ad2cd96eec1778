/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The value of --tail, which logs and attach must not understand differently.
 *
 * Runs in the command's own process; a pure function. Fails on what is neither a number nor "all".
 */
#include "tail.h"

#include <errno.h>
#include <string.h>

#include <cattach/num.h>

int ct_parse_tail(const char *text, bool *ret_some, uint64_t *ret_lines, struct ct_err *err)
{
	struct ct_err ignored;
	int64_t lines = -1;

	if (text && strcmp(text, "all") != 0 &&
	    ct_parse_i64(text, INT64_MIN, INT64_MAX, &lines, &ignored) < 0) {
		ct_fail(err, EINVAL, "must be a number of lines or \"all\", not \"%.64s\"", text);
		return ct_wrap(err, "--tail");
	}
	/* Less than none is everything, as for docker. */
	*ret_some = lines >= 0;
	*ret_lines = lines >= 0 ? (uint64_t)lines : 0;
	return 0;
}
