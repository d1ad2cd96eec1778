/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "Did you mean": the distance between what was typed and what exists, counted in insertions,
 * removals, changes and swaps of two neighbours (optimal string alignment). Pure function of two
 * strings, on the stack, bounded in length; it cannot fail.
 */
#include "options.h"

#include <string.h>

#define MAX_WORD 32		/* our longest verb or option is much shorter */

static int min3(int a, int b, int c)
{
	int least = a < b ? a : b;

	return least < c ? least : c;
}

static int distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	int d[MAX_WORD + 1][MAX_WORD + 1];

	for (size_t i = 0; i <= a_length; i++)
		d[i][0] = (int)i;
	for (size_t j = 0; j <= b_length; j++)
		d[0][j] = (int)j;
	for (size_t i = 1; i <= a_length; i++) {
		for (size_t j = 1; j <= b_length; j++) {
			int change = a[i - 1] != b[j - 1];

			d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1,
				       d[i - 1][j - 1] + change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    d[i - 2][j - 2] + 1 < d[i][j])
				d[i][j] = d[i - 2][j - 2] + 1;
		}
	}
	return d[a_length][b_length];
}

int ct_suggest(const char *typed, const char *candidate)
{
	size_t typed_length = strlen(typed), length = strlen(candidate);
	int limit, d;

	if (!typed_length || typed_length > MAX_WORD || length > MAX_WORD)
		return -1;
	/* somebody who types "inter" means "interactive" */
	if (typed_length >= 3 && length > typed_length && !memcmp(typed, candidate, typed_length))
		return 1;
	/* a third of the word may be wrong: "rnu" for run, never "ls" for ps or "up" for rm */
	limit = length < 3 ? 0 : length < 6 ? 1 : length < 9 ? 2 : 3;
	d = distance(typed, typed_length, candidate, length);
	return d <= limit ? d : -1;
}
