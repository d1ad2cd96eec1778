/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of a path, or a name, as a text: nothing is opened.
 *
 * Pure functions, in any process. Whether a path stays where it should is the kernel's to say, when
 * it is opened (path.c); these are for refusing early, with a better reason. Nothing here can fail.
 */
#include <cattach/path.h>

#include <string.h>

bool ct_path_climbs(const char *path)
{
	while (*path) {
		size_t length = strcspn(path, "/");

		if (length == 2 && path[0] == '.' && path[1] == '.')
			return true;
		path += length + (path[length] == '/');
	}
	return false;
}

bool ct_ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), n = strlen(end);

	return length >= n && !memcmp(text + length - n, end, n);
}
