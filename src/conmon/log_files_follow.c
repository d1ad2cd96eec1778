/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the files of a log driver: what is appended to the last one, whole records at a time,
 * and then the files that come after it, whoever rotates.
 *
 * A file is left when the next one has something in it and it has been read to its end after that
 * was seen: then nobody writes to it any more. Which one is next is found by what is not known yet,
 * the one with the greatest number first, so that names and numbers may be anybody's choice; the
 * known ones are held open while they have a name, or a new file could pass for one of them. A file
 * that begins otherwise than it did was cut (logrotate's copytruncate), and is read from its
 * beginning; one that is merely shorter has lost half a write of a full disk, which comes again.
 *
 * Runs in commands, with the caller's rights. What cannot be opened is as if it were not there yet.
 */
#include "log_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "segment.h"

#define MOST	(4u << 20)	/* bytes of a file that become a segment at once */
#define TRIES	8

void ct_log_files_prepare(struct ct_log_files *files)
{
	files->tail.dir = files->tail.part.fd = -1;
}

void ct_log_files_leave(struct ct_log_files *files)
{
	struct log_tail *t = &files->tail;

	for (size_t i = 0; i < t->known_count; i++)
		ct_drop_fd(&t->known[i]);
	ct_drop_fd(&t->dir);
	free(t->path);
	t->path = NULL;
}

/* ---- which files are known ---- */

static bool is_known(const struct log_tail *t, const struct stat *st)
{
	struct stat known;

	for (size_t i = 0; i < t->known_count; i++)
		if (fstat(t->known[i], &known) == 0 && known.st_dev == st->st_dev &&
		    known.st_ino == st->st_ino)
			return true;
	return false;
}

/* Those without a name will not be met again; where there are too many the oldest is the least
 * likely to be. */
static void forget(struct log_tail *t)
{
	size_t kept = 0;

	for (size_t i = 0; i < t->known_count; i++) {
		struct stat st;

		if (fstat(t->known[i], &st) == 0 && st.st_nlink > 0 &&
		    (i > 0 || t->known_count < LOG_FILES_KNOWN))
			t->known[kept++] = t->known[i];
		else
			close(t->known[i]);
	}
	t->known_count = kept;
}

static void note_head(struct log_tail *t)
{
	ssize_t n = ct_pread_all(t->part.fd, t->head, sizeof(t->head), 0);

	t->head_size = n > 0 ? (size_t)n : 0;
}

/* From now on this is the last file; its descriptor is ours. */
static void take(struct log_tail *t, int fd, uint64_t from)
{
	t->known[t->known_count++] = fd;
	t->part.fd = fd;
	t->part.from = t->part.size = from;
	note_head(t);
}

/* ---- the last file ---- */

/* Behind the last newline of what stands between two places, or the first of them. */
static uint64_t whole_records(int fd, uint64_t from, uint64_t to)
{
	uint8_t block[16384];

	while (to > from) {
		size_t want = to - from < sizeof(block) ? (size_t)(to - from) : sizeof(block);
		ssize_t n = ct_pread_all(fd, block, want, (off_t)(to - want));
		const uint8_t *newline = n == (ssize_t)want ? memrchr(block, '\n', want) : NULL;

		if (newline)
			return to - want + (uint64_t)(newline - block) + 1;
		to -= want;
	}
	return from;
}

static bool begins_otherwise(struct log_tail *t)
{
	uint8_t head[LOG_FILES_HEAD];
	ssize_t n = ct_pread_all(t->part.fd, head, t->head_size, 0);

	return n != (ssize_t)t->head_size || memcmp(head, t->head, t->head_size) != 0;
}

/* Is there more in the last file? Then part.size is up to where. */
static bool has_grown(struct log_tail *t)
{
	struct stat st;
	uint64_t end;

	if (fstat(t->part.fd, &st) < 0)
		return false;
	if ((uint64_t)st.st_size < t->part.from && begins_otherwise(t)) {
		t->part.from = t->part.size = 0;
		t->head_size = 0;
	}
	if ((uint64_t)st.st_size <= t->part.from)
		return false;
	if (t->head_size < LOG_FILES_HEAD)
		note_head(t);
	end = (uint64_t)st.st_size - t->part.from < MOST ? (uint64_t)st.st_size :
							    t->part.from + MOST;
	t->part.size = whole_records(t->part.fd, t->part.from, end);
	/* A line that no end of is to be seen is no record: away with it. */
	if (t->part.size == t->part.from && end - t->part.from > LOG_FILES_LINE)
		t->part.size = end;
	return t->part.size > t->part.from;
}

/* ---- the next one ---- */

/* Does the name still lead to the last file? */
static bool is_named(const struct log_tail *t)
{
	struct stat ours, named;

	return fstat(t->part.fd, &ours) == 0 &&
	       fstatat(t->dir, t->path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* The oldest file that is not known: its number, or -ENOENT. */
static int find_unknown(const struct log_tail *t, struct stat *ret_st)
{
	for (int i = CT_LOG_MAX_FILES - 1; i >= 0; i--) {
		char *name = ct_log_files_name(t->path, (uint32_t)i);
		int r = name ? fstatat(t->dir, name, ret_st, AT_SYMLINK_NOFOLLOW) : -1;

		free(name);
		if (r == 0 && S_ISREG(ret_st->st_mode) && !is_known(t, ret_st))
			return i;
	}
	return -ENOENT;
}

/* While it is looked for it may get the next number, and pass us by: so twice. */
static int open_unknown(const struct log_tail *t)
{
	for (int i = 0; i < TRIES; i++) {
		struct log_part part;
		struct stat first, second, st;
		int number;

		if (find_unknown(t, &first) < 0)
			return -ENOENT;
		number = find_unknown(t, &second);
		if (number < 0 || first.st_ino != second.st_ino || first.st_dev != second.st_dev ||
		    ct_log_files_open_part(t->dir, t->path, (uint32_t)number, &part) < 0)
			continue;
		if (fstat(part.fd, &st) == 0 && st.st_ino == second.st_ino &&
		    st.st_dev == second.st_dev && st.st_size > 0)
			return part.fd;
		close(part.fd);
	}
	return -ENOENT;
}

bool ct_log_files_more(struct ct_log_files *files)
{
	struct log_tail *t = &files->tail;

	while (t->follow && !has_grown(t)) {
		int fd = is_named(t) ? -ENOENT : open_unknown(t);
		struct stat st;

		if (fd < 0)
			return false;
		/* The next one is written: so this one is complete, now that that was seen. */
		if (has_grown(t)) {
			close(fd);
			return true;
		}
		/* Half a record, whose writer was killed. */
		if (fstat(t->part.fd, &st) == 0 && (uint64_t)st.st_size > t->part.from)
			t->part.strange++;
		forget(t);
		take(t, fd, 0);
	}
	return t->follow;
}

int ct_log_files_follow(struct ct_log_files *files, int dir, const char *path, struct ct_err *err)
{
	struct log_tail *t = &files->tail;
	struct log_part *last = &files->parts[files->count - 1];

	t->path = strdup(path);
	t->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (!t->path || t->dir < 0)
		return ct_fail_nomem(err);
	/* Half a record at the end is read when the rest of it is there. */
	last->size = whole_records(last->fd, 0, last->size);
	for (size_t i = 0; i < files->count; i++) {
		int fd = fcntl(files->parts[i].fd, F_DUPFD_CLOEXEC, 3);

		if (fd < 0)
			return ct_fail_errno(err, errno, "cannot follow the log file %s", path);
		take(t, fd, files->parts[i].size);
	}
	t->next = (uint32_t)files->count;
	t->end = ((uint64_t)files->count + 1) << LOG_FILES_SPAN;
	t->follow = true;
	return 0;
}
