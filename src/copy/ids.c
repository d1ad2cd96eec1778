/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners across an id map: what the host calls an id, and what the container does.
 * user_namespaces(7), "/proc/PID/uid_map".
 *
 * Pure functions, used by the command; the half of a copy that is in the container only ever hears
 * of the container's own ids.
 */
#include <cattach/copy.h>

#include <errno.h>
#include <stdlib.h>

/* Unsigned on purpose: an id below the line's first wraps to a large distance, and fails the one
 * comparison that is needed. CT_COPY_NO_ID is (uid_t)-1, which the kernel never gives to
 * anybody. */
uint32_t ct_copy_map_in(const struct ct_copy_map *map, uint32_t outside)
{
	for (size_t i = 0; i < map->count; i++)
		if (outside - map->lines[i].outside < map->lines[i].count)
			return map->lines[i].inside + (outside - map->lines[i].outside);
	return CT_COPY_NO_ID;
}

uint32_t ct_copy_map_out(const struct ct_copy_map *map, uint32_t inside)
{
	for (size_t i = 0; i < map->count; i++)
		if (inside - map->lines[i].inside < map->lines[i].count)
			return map->lines[i].outside + (inside - map->lines[i].inside);
	return CT_COPY_NO_ID;
}

/* strtoull(3) skips blanks and newlines, which is what stands between the numbers. */
static bool next_number(const char **text, uint32_t *ret_number)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(*text, &end, 10);
	if (end == *text || errno || number > UINT32_MAX)
		return false;
	*ret_number = (uint32_t)number;
	*text = end;
	return true;
}

/* Three numbers a line: inside, outside, count. The kernel takes 340 lines at most; what is more
 * than there is room for is as unmapped. */
void ct_copy_map_parse(const char *text, struct ct_copy_map *ret_map)
{
	const size_t room = sizeof(ret_map->lines) / sizeof(ret_map->lines[0]);
	size_t count = 0;

	while (count < room && next_number(&text, &ret_map->lines[count].inside) &&
	       next_number(&text, &ret_map->lines[count].outside) &&
	       next_number(&text, &ret_map->lines[count].count))
		count++;
	ret_map->count = count;
}
