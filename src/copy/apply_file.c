/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that appear when they are complete: written under a name that nobody has, given their
 * owner, mode and time, and only then the name that they are to have.
 *
 * Runs in the half of a copy that writes. What was there stays whole until then; what was half
 * written is taken away again, unless we are killed, when it stays as ".cattach-cp-*". A file that
 * is a mount of its own cannot be replaced and is written to in place.
 *
 *   open     .cattach-cp-NUMBER, O_EXCL, 0600           nobody else can open it, or put it there
 *   data     pwrite(2) at its offset                     what is not written is a hole
 *   close    size, owner, mode, time, then rename(2)     a reader sees the old file or the new one
 *   drop     unlink
 */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>
#include <cattach/io.h>

#define TRIES 16

void ct_copy_temporary(char ret_name[40])
{
	uint64_t number = 0;

	/* Only to be unlikely to exist: O_EXCL and its kind see to the rest. */
	if (getrandom(&number, sizeof(number), 0) < 0)
		number = (uint64_t)getpid();
	snprintf(ret_name, 40, ".cattach-cp-%016llx", (unsigned long long)number);
}

/* For what rename(2) says when a directory is in the way. */
int ct_copy_fail_over(int code, struct ct_err *err)
{
	if (code == EISDIR || code == ENOTEMPTY || code == EEXIST)
		return ct_fail(err, EISDIR, "is a directory, whose place a file cannot take");
	return ct_fail_errno(err, code, "cannot be made");
}

/* ---- owners ---- */

/* False: the file stays whose it is made. An id that the map does not have cannot be given; that is
 * told once for the whole copy. */
bool ct_copy_owner_ids(const struct ct_copy_owner *owner, const struct ct_copy_message *m,
		       uint32_t *ret_uid, uint32_t *ret_gid)
{
	if (!owner->keep)
		return false;
	*ret_uid = owner->maps ? ct_copy_map_out(&owner->maps[0], m->uid) : m->uid;
	*ret_gid = owner->maps ? ct_copy_map_out(&owner->maps[1], m->gid) : m->gid;
	if (*ret_uid != CT_COPY_NO_ID && *ret_gid != CT_COPY_NO_ID)
		return true;
	*owner->warnings |= CT_COPY_NO_OWNERS;
	return false;
}

/* A program that ran with the rights of its owner there is not one that runs with those of whoever
 * copied it: set-id bits stay only with their owner. chown(2) clears them, so the mode is set after
 * it. The sticky bit (01000) is no right of anybody's. */
void ct_copy_set_meta(int fd, const struct ct_copy_message *m, const struct ct_copy_owner *owner)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = m->mtime, .tv_nsec = m->mtime_ns },
	};
	mode_t mode = m->mode & 01777;
	uint32_t uid, gid;

	if (ct_copy_owner_ids(owner, m, &uid, &gid)) {
		if (fchown(fd, uid, gid) == 0)
			mode = m->mode;
		else
			*owner->warnings |= CT_COPY_NO_OWNERS;
	}
	/* File systems without modes and times exist, and the content is what was asked for. */
	if (fchmod(fd, mode) < 0 || futimens(fd, times) < 0)
		return;
}

/* ---- files ---- */

/* 0600 until the end: what is half written is nobody else's to read. */
int ct_copy_file_open(struct ct_copy_file *file, int directory, const struct ct_copy_message *m,
		      struct ct_err *err)
{
	file->meta = *m;
	for (unsigned i = 0; i < TRIES; i++) {
		ct_copy_temporary(file->temporary);
		file->fd = openat(directory, file->temporary,
				  O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (file->fd >= 0)
			return 0;
		if (errno != EEXIST)
			break;
	}
	return ct_fail_errno(err, errno, "cannot be made");
}

int ct_copy_file_data(struct ct_copy_file *file, const struct ct_copy_message *m,
		      struct ct_err *err)
{
	const char *data = m->data;
	size_t done = 0;

	while (done < m->data_size) {
		ssize_t n = pwrite(file->fd, data + done, m->data_size - done,
				   (off_t)(m->offset + done));

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return ct_fail_errno(err, n ? errno : EIO, "cannot be written");
	}
	return 0;
}

void ct_copy_file_drop(struct ct_copy_file *file, int directory)
{
	if (file->fd < 0)
		return;
	ct_drop_fd(&file->fd);
	unlinkat(directory, file->temporary, 0);
}

/* What was in the file is lost once it has been cut: a failure here cannot be undone, and says
 * so. */
static int copy_bytes(int from, int to, struct ct_err *err)
{
	uint8_t ct_autofree *buffer = malloc(CT_COPY_DATA_MAX);
	off_t at = 0;
	ssize_t n;

	if (!buffer)
		return ct_fail_nomem(err);
	while ((n = pread(from, buffer, CT_COPY_DATA_MAX, at)) > 0) {
		int r = ct_write_all(to, buffer, (size_t)n);

		if (r < 0) {
			ct_fail_errno(err, -r, "cannot be written");
			return ct_hint(err, "it is not what it was any more");
		}
		at += n;
	}
	return n < 0 ? ct_fail_errno(err, errno, "cannot be read back") : 0;
}

/* A mount of its own, such as the container's /etc/hosts may be. rename(2) over a mount point is
 * EBUSY. O_NONBLOCK: it may be a FIFO that somebody mounted there. */
static int write_in_place(struct ct_copy_file *file, int directory, struct ct_err *err)
{
	int ct_autofd fd = openat(directory, file->meta.name,
				  O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot be opened");
	if (!S_ISREG(st.st_mode))
		return ct_fail(err, EBUSY, "is a mount of something that is no file");
	if (ftruncate(fd, 0) < 0)
		return ct_fail_errno(err, errno, "cannot be written");
	return copy_bytes(file->fd, fd, err);
}

/* renameat(2) says EBUSY where the name is a mount point (a bound /etc/hosts). */
int ct_copy_file_close(struct ct_copy_file *file, int directory, const struct ct_copy_owner *owner,
		       struct ct_err *err)
{
	int r = 0;

	/* Data beyond the end is not possible, a hole there is. */
	if (ftruncate(file->fd, (off_t)file->size) < 0)
		return ct_fail_errno(err, errno, "cannot be written");
	ct_copy_set_meta(file->fd, &file->meta, owner);
	if (renameat(directory, file->temporary, directory, file->meta.name) == 0) {
		ct_drop_fd(&file->fd);
		return 0;
	}
	r = errno == EBUSY ? write_in_place(file, directory, err) : ct_copy_fail_over(errno, err);
	ct_copy_file_drop(file, directory);
	return r;
}
