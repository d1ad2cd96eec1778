/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following the files of a log driver: what is appended to the last one, whole records at a time,
 * and then the files that come after it, whoever rotates.
 *
 * New files are opened as soon as they are seen, so that who is slow loses nothing when they are
 * rotated away; they are told by not being known yet, and come in the order of their numbers, the
 * greatest first. The known ones are held open while they have a name, or a new file could pass for
 * one of them. A file is left when the next one has something in it, and it has been read to its
 * end after that was seen: nobody writes to it any more. One that begins otherwise than it did was
 * cut (logrotate's copytruncate), and is read from its beginning; one that is merely shorter has
 * lost half a write of a full disk, which comes again.
 *
 * Runs in commands, with the caller's rights. What cannot be opened is as if it were not there yet.
 *
 *    follow: FILE has grown            a piece of it, up to its last newline
 *            FILE is another file      the old one to its end, then those between, then FILE
 *            FILE begins otherwise     it was cut: from its beginning again
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

#include "segment_maker.h"

#define MOST	(4u << 20)	/* bytes of a file that become a segment at once */

void ct_log_files_prepare(struct ct_log_files *files)
{
	files->tail.dir = files->tail.part.fd = -1;
}

void ct_log_files_leave(struct ct_log_files *files)
{
	struct log_tail *t = &files->tail;

	for (size_t i = 0; i < t->known_count; i++)
		ct_drop_fd(&t->known[i].fd);
	ct_drop_fd(&t->dir);
	free(t->path);
	t->path = NULL;
}

/* ---- which files are known ---- */

static bool is_known(const struct log_tail *t, const struct stat *st)
{
	for (size_t i = 0; i < t->known_count; i++)
		if (t->known[i].dev == st->st_dev && t->known[i].ino == st->st_ino)
			return true;
	return false;
}

/* Of those that are read: the ones without a name will not be met again; where there are too many,
 * the oldest is the least likely to be. */
static void forget(struct log_tail *t)
{
	size_t kept = 0, current = t->current;

	for (size_t i = 0; i < t->known_count; i++) {
		struct stat st;

		if (i >= current || (fstat(t->known[i].fd, &st) == 0 && st.st_nlink > 0 &&
				     (i > 0 || t->known_count < LOG_FILES_KNOWN)))
			t->known[kept++] = t->known[i];
		else
			close(t->known[i].fd);
		if (i == current)
			t->current = kept - 1;
	}
	t->known_count = kept;
}

/* Where the first record ends; 0: it does not yet. */
static uint64_t first_end(int fd)
{
	uint8_t block[4096];

	for (uint64_t at = 0; at < LOG_FILES_LINE; at += sizeof(block)) {
		ssize_t n = ct_pread_all(fd, block, sizeof(block), (off_t)at);
		const uint8_t *newline = n > 0 ? memchr(block, '\n', (size_t)n) : NULL;

		if (newline)
			return at + (uint64_t)(newline - block) + 1;
		if (n < (ssize_t)sizeof(block))
			break;
	}
	return 0;
}

/* The bytes before the end of its first record, as many as there are: how many, or negative. */
static ssize_t read_last(int fd, uint64_t end, uint8_t last[LOG_FILES_HEAD])
{
	size_t size = end < LOG_FILES_HEAD ? (size_t)end : LOG_FILES_HEAD;

	return ct_pread_all(fd, last, size, (off_t)(end - size));
}

/* What tells this file from one that was cut and has grown again: its first bytes, and those before
 * the end of its first record, in which there is a time. */
static void note_head(struct log_tail *t)
{
	struct log_head *head = &t->head;
	ssize_t n = ct_pread_all(t->part.fd, head->first, sizeof(head->first), 0);

	head->size = n > 0 ? (size_t)n : 0;
	head->end = first_end(t->part.fd);
	if (head->end && read_last(t->part.fd, head->end, head->last) < 0)
		head->end = 0;
}

/* From now on this one is read. */
static void turn_to(struct log_tail *t, size_t index, uint64_t from)
{
	t->current = index;
	t->part.fd = t->known[index].fd;
	t->part.from = t->part.size = from;
	note_head(t);
}

/* A file of which we know now: its descriptor is ours. */
static void add(struct log_tail *t, int fd)
{
	struct stat st = { 0 };

	if (fstat(fd, &st) < 0)
		errno = 0;
	t->known[t->known_count++] = (struct log_known){ fd, st.st_dev, st.st_ino };
}

/* ---- the file that is read ---- */

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

static bool begins_otherwise(const struct log_tail *t)
{
	const struct log_head *head = &t->head;
	size_t size = head->end < LOG_FILES_HEAD ? (size_t)head->end : LOG_FILES_HEAD;
	uint8_t now[LOG_FILES_HEAD];

	if (ct_pread_all(t->part.fd, now, head->size, 0) != (ssize_t)head->size ||
	    memcmp(now, head->first, head->size) != 0)
		return true;
	return head->end && (read_last(t->part.fd, head->end, now) != (ssize_t)size ||
			     memcmp(now, head->last, size) != 0);
}

/* Is there more in it? Then part.size is up to where. */
static bool has_grown(struct log_tail *t)
{
	struct stat st;
	uint64_t end;

	if (fstat(t->part.fd, &st) < 0)
		return false;
	/* It may have become as long again by now, or longer. */
	if (begins_otherwise(t)) {
		t->part.from = t->part.size = 0;
		t->head.size = t->head.end = 0;
	}
	if ((uint64_t)st.st_size <= t->part.from)
		return false;
	if (t->head.size < LOG_FILES_HEAD || !t->head.end)
		note_head(t);
	end = (uint64_t)st.st_size - t->part.from < MOST ? (uint64_t)st.st_size :
							    t->part.from + MOST;
	t->part.size = whole_records(t->part.fd, t->part.from, end);
	/* A line that no end of is to be seen is no record: away with it. */
	if (t->part.size == t->part.from && end - t->part.from > LOG_FILES_LINE)
		t->part.size = end;
	return t->part.size > t->part.from;
}

/* ---- those that come ---- */

/* Does the name still lead to the newest that is known? */
static bool is_named(const struct log_tail *t)
{
	const struct log_known *newest = &t->known[t->known_count - 1];
	struct stat named;

	return fstatat(t->dir, t->path, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       newest->dev == named.st_dev && newest->ino == named.st_ino;
}

/* A file that is not known under this number: its descriptor, or -1. */
static int open_unknown(const struct log_tail *t, uint32_t number)
{
	char *name = ct_log_files_name(t->path, number);
	struct stat st;
	struct log_part part;
	int r = name ? fstatat(t->dir, name, &st, AT_SYMLINK_NOFOLLOW) : -1;

	free(name);
	if (r < 0 || !S_ISREG(st.st_mode) || is_known(t, &st) ||
	    ct_log_files_open_part(t->dir, t->path, number, &part) < 0)
		return -1;
	/* It may have got the next number meanwhile, where it will be met. */
	if (fstat(part.fd, &st) == 0 && !is_known(t, &st))
		return part.fd;
	close(part.fd);
	return -1;
}

/* Was it met before, under a smaller number? Then rotations have overtaken us, and what comes now
 * is in the order that they have now. */
static size_t drop_earlier(int *fds, size_t count, int fd)
{
	for (size_t i = 0; i < count; i++) {
		if (!ct_log_files_same(fds[i], fd))
			continue;
		close(fds[i]);
		memmove(fds + i, fds + i + 1, (count - i - 1) * sizeof(*fds));
		return count - 1;
	}
	return count;
}

/*
 * Whatever has come, the oldest first. Looked for upwards, as a rotation moves them: one that gets
 * a greater number meanwhile may be met twice, but is not passed by.
 */
static void look(struct log_tail *t)
{
	int fds[CT_LOG_MAX_FILES];
	size_t count = 0;

	if (is_named(t))
		return;
	for (uint32_t i = 0; i < CT_LOG_MAX_FILES; i++) {
		int fd = open_unknown(t, i);

		if (fd < 0)
			continue;
		count = drop_earlier(fds, count, fd);
		fds[count++] = fd;
	}
	/* Those that there is no room for are found again later. */
	for (; count > 0; count--) {
		if (t->known_count == LOG_FILES_KNOWN) {
			close(fds[count - 1]);
			continue;
		}
		add(t, fds[count - 1]);
		t->met++;
	}
}

/* Is somebody writing to the one that comes after the one that is read? */
static bool is_left(const struct log_tail *t)
{
	struct stat next;

	if (t->current + 1 == t->known_count)
		return false;
	return t->current + 2 < t->known_count ||
	       (fstat(t->known[t->current + 1].fd, &next) == 0 && next.st_size > 0);
}

bool ct_log_files_more(struct ct_log_files *files)
{
	struct log_tail *t = &files->tail;
	struct stat st;

	if (!t->follow)
		return false;
	look(t);
	while (!has_grown(t)) {
		if (!is_left(t))
			return false;
		/* So this one is complete, now that that was seen. */
		if (has_grown(t))
			return true;
		/* Half a record, whose writer was killed. */
		if (fstat(t->part.fd, &st) == 0 && (uint64_t)st.st_size > t->part.from)
			t->part.strange++;
		turn_to(t, t->current + 1, 0);
		forget(t);
	}
	return true;
}

uint64_t ct_log_files_met(const struct ct_log_files *files)
{
	return files->tail.met;
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
		add(t, fd);
	}
	turn_to(t, t->known_count - 1, last->size);
	t->next = (uint32_t)files->count;
	t->end = ct_segment_maker_base(t->next);
	t->follow = true;
	return 0;
}
