/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths of a configuration as text: made absolute and clean, without asking any file system.
 *
 * Runs in the command, with the caller's rights; pure, and cannot fail. Whatever is decided here
 * is about what the configuration says ("this is below /proc"); where a path really leads is found
 * out by src/ns on descriptors, inside the root file system.
 */
#include "schema.h"

#include <string.h>

bool ct_clean_path(const char *path, char *clean)
{
	bool climbs = false;
	size_t used = 0;

	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 2 && memcmp(path, "..", 2) == 0) {
			climbs = true;
			while (used && clean[--used] != '/')
				;
		} else if (length && !(length == 1 && *path == '.')) {
			clean[used++] = '/';
			memcpy(clean + used, path, length);
			used += length;
		}
		path += length;
	}
	if (!used)
		clean[used++] = '/';
	clean[used] = '\0';
	return climbs;
}
