/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file for other tools itself: opened, appended to, rotated by renaming, opened again when
 * somebody has renamed or deleted it.
 *
 * Runs in the monitor (opened before its payload runs). Only whole records are in the file: a
 * write that was short is cut back, and done again later. Rotation makes the new file first and
 * renames then, so nothing that fails in between loses anything: the old file is written on. Names
 * are never followed where they are links. What may fail: everything that a disk can refuse, or
 * whoever owns the directory.
 */
#include "log_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

/* O_APPEND: others may write to it, too (logrotate's copytruncate cuts it), and ours still goes to
 * its end. */
static int open_name(const struct log_driver *d, const char *name, int flags)
{
	/* Not waiting: it could be a pipe without a reader. */
	int fd = openat(d->dir, name, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK |
			O_CLOEXEC | flags, 0600);

	return fd < 0 ? -errno : fd;
}

/* Readers must know of every one, to know whether they have seen all. */
static void count_file(const struct log_driver *d)
{
	if (d->page)
		atomic_fetch_add_explicit(&d->page->files, 1, memory_order_release);
}

/* From now on this is the file; one that we have made may be read by whoever may read the last
 * one. */
static void take(struct log_driver *d, int fd, const struct stat *st, bool made)
{
	struct stat old;

	if (d->fd >= 0 && fstat(d->fd, &old) == 0) {
		d->mode = old.st_mode & 0777;
		if (old.st_dev != st->st_dev || old.st_ino != st->st_ino)
			count_file(d);
	}
	if (!made)
		d->mode = st->st_mode & 0777;
	else if (d->fd >= 0 && fchmod(fd, d->mode) < 0)
		errno = 0;
	ct_drop_fd(&d->fd);
	d->fd = fd;
	d->size = (uint64_t)st->st_size;
}

int ct_driver_file_open(struct log_driver *d)
{
	int ct_autofd fd = open_name(d, d->name, O_EXCL);
	bool made = fd >= 0;
	struct stat st;

	/* Whoever rotates may have made it already, with permissions of its own. */
	if (fd == -EEXIST)
		fd = open_name(d, d->name, 0);
	/* Of a pipe that nobody reads, and of a socket. */
	if (fd == -ENXIO || fd == -ENODEV)
		return -EINVAL;
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	take(d, ct_take_fd(&fd), &st, made);
	return 0;
}

/* A last line without its end is of a writer that was killed: ours would be joined to it. */
void ct_driver_file_mend(struct log_driver *d)
{
	int ct_autofd fd = openat(d->dir, d->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char last = '\n';

	if (fd < 0 || !d->size || pread(fd, &last, 1, (off_t)d->size - 1) != 1 || last == '\n')
		return;
	if (write(d->fd, "\n", 1) == 1)
		d->size++;
}

/* ---- is it still there? ---- */

/* Somebody may have rotated it by renaming: then ours is an old file, and a new one is made. */
static bool is_named(const struct log_driver *d, struct stat *ret_ours)
{
	struct stat named;

	return fstat(d->fd, ret_ours) == 0 &&
	       fstatat(d->dir, d->name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ret_ours->st_dev == named.st_dev && ret_ours->st_ino == named.st_ino;
}

/* Renamed or deleted: a new one. Cut by somebody (logrotate's copytruncate): so it is shorter. */
static void look(struct log_driver *d, uint64_t now)
{
	struct stat ours = { 0 };

	if (now < d->look_at)
		return;
	d->look_at = now + LOG_LOOK_EVERY;
	if (is_named(d, &ours)) {
		d->size = (uint64_t)ours.st_size;
		d->mode = ours.st_mode & 0777;
		return;
	}
	if (ours.st_nlink == 0)
		d->warnings |= CT_WARN_DELETED;
	/* When that fails: better into a file without a name than nowhere. */
	if (ct_driver_file_open(d) < 0)
		return;
}

/* ---- writing ---- */

/* So much of out is in the file, but not all: away with it, or on from there. A record that is cut
 * in half would be damage to every reader of the format. */
static void undo(struct log_driver *d, size_t done)
{
	off_t end = done ? lseek(d->fd, 0, SEEK_CUR) : 0;

	if (!done || (end >= (off_t)done && ftruncate(d->fd, end - (off_t)done) == 0))
		return;
	d->size += done;
	d->used -= done;
	memmove(d->out, d->out + done, d->used);
}

/* All of out[], or, as far as the disk lets it be cut back, nothing of it (undo()): a reader should
 * never see half a record. */
int ct_driver_file_write(struct log_driver *d, uint64_t now)
{
	size_t done = 0;
	int r = d->fd < 0 ? ct_driver_file_open(d) : 0;

	if (r < 0)
		return r;
	look(d, now);
	while (done < d->used) {
		ssize_t n = write(d->fd, d->out + done, d->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			r = n < 0 ? -errno : -ENOSPC;
			undo(d, done);
			return r;
		}
		done += (size_t)n;
	}
	d->size += done;
	return 0;
}

/* ---- rotation ---- */

#define ROTATED_SIZE	(NAME_MAX + 1 + 16)

static const char *rotated(const struct log_driver *d, uint32_t number, char name[ROTATED_SIZE])
{
	if (number)
		snprintf(name, ROTATED_SIZE, "%s.%u", d->name, number);
	else
		snprintf(name, ROTATED_SIZE, "%s", d->name);
	return name;
}

/* The least number that no file has, or the last one: whoever has that goes. */
static uint32_t find_room(const struct log_driver *d)
{
	char name[ROTATED_SIZE];
	uint32_t number = 1;
	struct stat st;

	while (number + 1 < d->max_files &&
	       (fstatat(d->dir, rotated(d, number, name), &st, AT_SYMLINK_NOFOLLOW) == 0 ||
		errno != ENOENT))
		number++;
	return number;
}

/* Every one below that gets the next number. */
static int shift(const struct log_driver *d)
{
	char from[ROTATED_SIZE], to[ROTATED_SIZE];

	if (d->max_files == 1)
		return 0;
	for (uint32_t i = find_room(d); i > 0; i--)
		if (renameat(d->dir, rotated(d, i - 1, from), d->dir, rotated(d, i, to)) < 0 &&
		    errno != ENOENT)
			return -errno;
	return 0;
}

/* The next file, under a name of its own until it is the one. */
static int make_next(const struct log_driver *d, const char *name)
{
	int fd = open_name(d, name, O_EXCL);

	if (fd != -EEXIST)
		return fd;
	/* Left by a rotation that was cut short; nothing was ever written to it. */
	if (unlinkat(d->dir, name, 0) < 0)
		return -errno;
	return open_name(d, name, O_EXCL);
}

/* FILE.next is made, FILE.2 -> FILE.3, FILE.1 -> FILE.2, FILE -> FILE.1, FILE.next -> FILE. */
static int rotate(struct log_driver *d)
{
	char next[ROTATED_SIZE];
	int ct_autofd fd = -1;
	int r;

	snprintf(next, sizeof(next), "%s.next", d->name);
	fd = make_next(d, next);
	if (fd < 0)
		return fd;
	if (fchmod(fd, d->mode) < 0)
		errno = 0;
	r = shift(d);
	if (r == 0 && renameat(d->dir, next, d->dir, d->name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(d->dir, next, 0);
		return r;
	}
	ct_drop_fd(&d->fd);
	d->fd = ct_take_fd(&fd);
	d->size = 0;
	count_file(d);
	return 0;
}

/* Before the records that would make it too large, so a file is never larger than max-size but by a
 * record that is so alone. */
void ct_driver_file_rotate(struct log_driver *d, size_t more, uint64_t now)
{
	struct stat ours;
	int r;

	if (d->fd < 0)
		return;
	/* Somebody else may have rotated it, or cut it. */
	r = is_named(d, &ours) ? 0 : ct_driver_file_open(d);
	if (r == 0 && fstat(d->fd, &ours) == 0)
		d->size = (uint64_t)ours.st_size;
	if (r == 0 && (!d->size || d->size + more <= d->max_size))
		return;
	d->mode = r == 0 ? ours.st_mode & 0777 : d->mode;
	r = r < 0 ? r : rotate(d);
	if (r == 0)
		return;
	/* It grows past its size then, until it can be. */
	d->warnings |= CT_WARN_DISK;
	d->rotate_at = now + LOG_RETRY_MAX;
}

/*
 * Between the last two names there was no file of the name, but the next one, which has its
 * permissions already. Whatever else a rotation has left, a gap in the numbers or a next one that
 * is not needed yet, the one after it makes good.
 */
void ct_driver_file_finish(const struct log_driver *d)
{
	char next[ROTATED_SIZE];
	struct stat st;

	snprintf(next, sizeof(next), "%s.next", d->name);
	if (fstatat(d->dir, d->name, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	    fstatat(d->dir, next, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode) ||
	    st.st_size || st.st_uid != geteuid())
		return;
	/* Somebody may make one meanwhile; without any, one is made in any case. */
	if (renameat2(d->dir, next, d->dir, d->name, RENAME_NOREPLACE) < 0)
		return;
}
