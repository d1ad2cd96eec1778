/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cidfile and --pidfile: opened before the container is made, so that a place that cannot be
 * written is refused while nothing runs yet, written when the number is known, and removed again
 * when the start fails, unless somebody else's file was there before.
 *
 * Runs in commands, and in keepers, with the caller's rights and umask. May fail as open(2) and
 * write(2).
 */
#include <cattach/id_file.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

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
