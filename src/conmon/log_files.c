/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the log drivers k8s-file and json-file as segments of a stream log: whatever reads logs
 * reads them by a cursor, as any other.
 *
 * A file becomes a segment, in a pair of memfds, when the cursor comes to it; so there is never
 * more of them in memory than the cursor holds. All files are opened first, the newest before the
 * older ones: a rotation meanwhile shows the same one twice, which is noticed, and none not at all.
 * They know nothing of runs, so all of it is one; segments have offsets far enough from each other
 * for any file, and no payload is missing between them.
 *
 * Runs in commands, with the caller's rights. What is no record is passed over, and counted. What
 * may fail: opening, reading, memory. What is written later is log_files_follow.c's.
 *
 *    parts[]    oldest ... FILE.2  FILE.1  FILE      as they were when they were opened
 *    tail       what FILE gets from then on, and the files after it (log_files_follow.c)
 *    segment n  parts[n]; behind the last: a piece of the tail each
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/io.h>

#include "log_files.h"
#include "log_parse.h"
#include "segment_maker.h"

#define CHUNK	(256u << 10)	/* bytes read at once */

/* ---- opening ---- */

char *ct_log_files_name(const char *path, uint32_t number)
{
	char *name = NULL;

	return asprintf(&name, number ? "%s.%u" : "%s", path, number) < 0 ? NULL : name;
}

/* O_NONBLOCK and the look at its type: a FIFO by that name would hang whoever reads the log. */
int ct_log_files_open_part(int dir, const char *path, uint32_t number, struct log_part *ret_part)
{
	char *name = ct_log_files_name(path, number);
	struct stat st;
	int fd;

	if (!name)
		return -ENOMEM;
	fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	free(name);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return -EINVAL;
	}
	*ret_part = (struct log_part){ .fd = fd, .size = (uint64_t)st.st_size };
	return 0;
}

bool ct_log_files_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* One that was met before has been overtaken by rotations: its place is the later one. */
static void add_part(struct ct_log_files *f, struct log_part part)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!ct_log_files_same(f->parts[i].fd, part.fd))
			continue;
		close(f->parts[i].fd);
		memmove(f->parts + i, f->parts + i + 1, (f->count - i - 1) * sizeof(part));
		f->count--;
		break;
	}
	f->parts[f->count++] = part;
}

/* Opened from the newest to the oldest, read from the oldest to the newest. */
static void turn_round(struct ct_log_files *f)
{
	for (size_t i = 0; i < f->count / 2; i++) {
		struct log_part part = f->parts[i];

		f->parts[i] = f->parts[f->count - 1 - i];
		f->parts[f->count - 1 - i] = part;
	}
}

/* FILE, FILE.1, FILE.2 ... all that there may be: one that is missing in between is on its way from
 * one name to the next, and FILE itself is for a moment between two. */
int ct_log_files_open(int dir, const char *path, enum ct_log_file kind, bool live,
		      struct ct_log_files **ret_files, struct ct_err *err)
{
	struct ct_log_files *f = calloc(1, sizeof(*f));
	int r = f ? 0 : -ENOMEM;

	if (f)
		ct_log_files_prepare(f);
	for (uint32_t i = 0; i < CT_LOG_MAX_FILES && (r == 0 || r == -ENOENT); i++) {
		struct log_part part = { .fd = -1 };

		r = ct_log_files_open_part(dir, path, i, &part);
		if (r == 0)
			add_part(f, part);
	}
	if (r == -ENOENT && f->count)
		r = 0;
	if (r < 0) {
		ct_log_files_close(f);
		return ct_fail_errno(err, -r, "cannot read the log file %s", path);
	}
	turn_round(f);
	f->kind = kind;
	f->live = live;
	*ret_files = f;
	return 0;
}

void ct_log_files_close(struct ct_log_files *files)
{
	if (!files)
		return;
	for (size_t i = 0; i < files->count; i++)
		ct_fd_close(files->parts[i].fd);
	ct_log_files_leave(files);
	free(files);
}

/* Parts that the cursor has not come to count nothing yet: it is what was passed over so far. */
uint64_t ct_log_files_strange(const struct ct_log_files *files)
{
	uint64_t strange = files->tail.part.strange;

	for (size_t i = 0; i < files->count; i++)
		strange += files->parts[i].strange;
	return strange;
}

/* ---- a file as a segment ---- */

struct making {
	struct ct_log_files *files;
	struct log_part *part;
	struct segment_maker maker;
};

/* A line that is too long for the writer's own limit was not written by it. */
static void put_line(struct making *m, const uint8_t *line, size_t size)
{
	struct log_record record;

	if (size > LOG_FILES_LINE ||
	    ct_record_parse(m->files->kind, line, size, m->files->text, &record) < 0)
		m->part->strange++;
	else
		ct_segment_maker_bytes(&m->maker, record.stream, record.time, record.text,
				       record.size);
}

/* Lines out of what was read; what has no end yet stays. */
static void cut_lines(struct making *m, struct ct_buf *buf)
{
	const uint8_t *from = (const uint8_t *)buf->data, *end = from + buf->length, *stop;

	while ((stop = memchr(from, '\n', (size_t)(end - from)))) {
		if (stop > from)
			put_line(m, from, (size_t)(stop - from));
		from = stop + 1;
	}
	buf->length = (size_t)(end - from);
	memmove(buf->data, from, buf->length);
}

/* Up to the size that the file had when it was opened: what comes later is the tail's. */
static int read_part(struct making *m)
{
	const struct log_part *part = m->part;
	struct ct_buf ct_autobuf buf = { 0 };
	ct_autofree uint8_t *chunk = malloc(CHUNK);
	uint64_t at = part->from;
	ssize_t n = chunk ? 1 : -ENOMEM;

	while (at < part->size && n > 0 && !m->maker.failed) {
		size_t want = part->size - at < CHUNK ? (size_t)(part->size - at) : CHUNK;

		n = ct_pread_all(part->fd, chunk, want, (off_t)at);
		if (n <= 0)
			break;
		at += (uint64_t)n;
		ct_buf_add(&buf, chunk, (size_t)n);
		if (buf.failed)
			return -ENOMEM;
		cut_lines(m, &buf);
	}
	/* A record that was being written when its writer was killed. */
	m->part->strange += buf.length > 0 && !m->files->live;
	return n < 0 ? (int)n : 0;
}

/* r: whether it could be begun. */
static int make_segment(struct making *m, int r, struct ct_segment *ret_segment, struct ct_err *err)
{
	if (r == 0)
		r = read_part(m);
	r = ct_segment_maker_end(&m->maker, r, ret_segment);
	return r < 0 ? ct_fail_errno(err, -r, "cannot read a log file") : 0;
}

/* The next of what is written while we read: as much as there is by now. */
static int open_next(struct ct_log_files *f, struct ct_segment *ret_segment, struct ct_err *err)
{
	struct log_tail *tail = &f->tail;
	struct making m = { .files = f, .part = &tail->part };
	int r;

	if (!ct_log_files_more(f))
		return -ENOENT;
	/* Nobody comes back to those, and some of them may have no name any more. */
	for (size_t i = 0; i < f->count; i++)
		ct_drop_fd(&f->parts[i].fd);
	r = ct_segment_maker_go_on(&m.maker, tail->next, tail->end, tail->time);
	r = make_segment(&m, r, ret_segment, err);
	if (r < 0)
		return r;
	tail->part.from = tail->part.size;
	tail->end = m.maker.end;
	tail->time = m.maker.time;
	tail->next++;
	return 0;
}

/* Segments are numbered like the parts, from the oldest, and behind them those of the tail. */
static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct ct_log_files *f = arg;
	struct making m = { .files = f };
	int r;

	if (f->tail.follow && number == f->tail.next)
		return open_next(f, ret_segment, err);
	if (number >= f->count || f->parts[number].fd < 0)
		return -ENOENT;
	m.part = &f->parts[number];
	m.part->strange = 0;
	r = make_segment(&m, ct_segment_maker_begin(&m.maker, number), ret_segment, err);
	if (r == 0 && m.maker.time > f->tail.time)
		f->tail.time = m.maker.time;
	return r;
}

struct ct_log_source ct_log_files_source(struct ct_log_files *files)
{
	return (struct ct_log_source){ .open_segment = open_segment, .arg = files };
}
