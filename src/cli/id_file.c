/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cidfile and --pidfile: opened before the container is made, so that a place that cannot be
 * written is refused while nothing runs yet, written when the number is known, and removed again
 * when the start fails, unless somebody else's file was there before. Commands that are given such a
 * file instead of a container read it here.
 *
 * Runs in the CLI with the caller's rights and umask. May fail as open(2), read(2) and write(2).
 */
#include "id_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#define MAX_SIZE 4096		/* of what is read: an id, and nothing else */

int ct_id_file_open(struct ct_id_file *file, const char *path, bool exclusive, struct ct_err *err)
{
	int flags = O_WRONLY | O_CREAT | O_NOCTTY | O_CLOEXEC;
	int fd = openat(AT_FDCWD, path, flags | O_EXCL, 0644);

	file->made = fd >= 0;
	if (fd < 0 && errno == EEXIST && !exclusive)
		fd = openat(AT_FDCWD, path, flags, 0644);
	if (fd < 0)
		return ct_fail_errno(err, errno, "%s", path);
	file->path = path;
	file->fd = fd;
	return 0;
}

int ct_id_file_write(struct ct_id_file *file, const char *text, struct ct_err *err)
{
	int r;

	/* Only a regular file has a length; a FIFO or a device just takes the text. */
	if (ftruncate(file->fd, 0) < 0 && errno != EINVAL)
		return ct_fail_errno(err, errno, "%s", file->path);
	r = ct_write_all(file->fd, text, strlen(text));
	return r < 0 ? ct_fail_errno(err, -r, "%s", file->path) : 0;
}

void ct_id_file_keep(struct ct_id_file *file)
{
	file->made = false;
}

void ct_id_file_close(struct ct_id_file *file)
{
	if (file->fd >= 0 && file->made)
		unlink(file->path);
	file->made = false;
	ct_drop_fd(&file->fd);
}

int ct_id_file_read(struct ct_arena *arena, const char *path, const char **ret_id,
		    struct ct_err *err)
{
	const char *text;
	size_t size;

	if (ct_read_file_at(arena, AT_FDCWD, path, MAX_SIZE, &text, &size, err) < 0)
		return -err->code;
	size = strcspn(text, " \t\r\n");
	if (!size) {
		ct_fail(err, EINVAL, "%s: there is no id in it", path);
		return ct_hint(err, "cattach run --cidfile writes one");
	}
	*ret_id = ct_arena_strndup(arena, text, size);
	return *ret_id ? 0 : ct_fail_nomem(err);
}
