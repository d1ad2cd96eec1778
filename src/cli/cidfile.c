/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cidfile of commands that are given such a file instead of a container: its first word is the
 * id, whoever has written it.
 *
 * Runs in the command's own process with the caller's rights. Whether there is such a container is
 * not looked at here. Fails for what is no regular file, cannot be read, is too large or empty.
 */
#include "cidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <cattach/io.h>

#define MAX_SIZE 4096		/* an id, and nothing else */

int ct_cidfile_read(struct ct_arena *arena, const char *path, const char **ret_id,
		    struct ct_err *err)
{
	const char *text;
	size_t size;

	if (ct_read_file_at(arena, AT_FDCWD, path, MAX_SIZE, &text, &size, err) < 0)
		return ct_wrap(err, "--cidfile");
	size = strcspn(text, " \t\r\n");
	if (!size) {
		ct_fail(err, EINVAL, "%s: there is no id in it", path);
		ct_hint(err, "cattach run --cidfile writes one");
		return ct_wrap(err, "--cidfile");
	}
	*ret_id = ct_arena_strndup(arena, text, size);
	return *ret_id ? 0 : ct_fail_nomem(err);
}
