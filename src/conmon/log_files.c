/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of the log drivers k8s-file and json-file as segments of a stream log: whatever reads logs
 * reads them by a cursor, as any other.
 *
 * A file becomes a segment, in a pair of memfds, when the cursor comes to it; so there is never more
 * of them in memory than the cursor holds. All files are opened first, the newest before the older
 * ones: a rotation meanwhile shows the same one twice, which is noticed, and none not at all. They
 * know nothing of runs, so all of it is one; segments have offsets far enough from each other for
 * any file, and no payload is missing between them.
 *
 * Runs in commands, with the caller's rights. What is no record is passed over, and counted. What may
 * fail: opening, reading, memory. What is written later is log_files_follow.c's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/io.h>

#include "log_files.h"
#include "log_parse.h"
#include "segment.h"

#define CHUNK		(256u << 10)	/* bytes read, and written, at once */

/* ---- opening ---- */

char *ct_log_files_name(const char *path, uint32_t number)
{
	char *name = NULL;

	return asprintf(&name, number ? "%s.%u" : "%s", path, number) < 0 ? NULL : name;
}

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

static bool is_same(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* One that was met before has been overtaken by rotations: its place is the later one. */
static void add_part(struct ct_log_files *f, struct log_part part)
{
	for (size_t i = 0; i < f->count; i++) {
		if (!is_same(f->parts[i].fd, part.fd))
			continue;
		close(f->parts[i].fd);
		memmove(f->parts + i, f->parts + i + 1, (f->count - i - 1) * sizeof(part));
		f->count--;
		break;
	}
	f->parts[f->count++] = part;
}

static void turn_round(struct ct_log_files *f)
{
	for (size_t i = 0; i < f->count / 2; i++) {
		struct log_part part = f->parts[i];

		f->parts[i] = f->parts[f->count - 1 - i];
		f->parts[f->count - 1 - i] = part;
	}
}

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
	struct ct_index_header head;
	int data, index;
	uint64_t end, time;
	struct ct_buf frames, entries;	/* not written yet */
	int failed;			/* -errno */
};

static void write_out(struct making *m, int fd, struct ct_buf *buf, size_t least)
{
	if (m->failed || buf->length < least)
		return;
	m->failed = buf->failed ? -ENOMEM : ct_write_all(fd, buf->data, buf->length);
	ct_buf_clear(buf);
}

static void put_frame(struct making *m, const struct log_record *record, const uint8_t *text,
		      size_t size)
{
	struct ct_index_entry entry = {
		.time = m->time, .offset = m->end, .value = size, .kind = (uint32_t)record->stream,
	};
	uint8_t header[CT_FRAME_HEADER];

	ct_frame_encode(header, record->stream, (uint32_t)size);
	ct_buf_add(&m->frames, header, sizeof(header));
	ct_buf_add(&m->frames, text, size);
	ct_buf_add(&m->entries, &entry, sizeof(entry));
	m->end += CT_FRAME_HEADER + size;
	m->head.entries++;
	write_out(m, m->data, &m->frames, CHUNK);
	write_out(m, m->index, &m->entries, CHUNK);
}

/* Clocks are set back, and others write such files: times that are told never go back. */
static void put_line(struct making *m, const uint8_t *line, size_t size)
{
	struct log_record record;

	if (size > LOG_FILES_LINE ||
	    ct_record_parse(m->files->kind, line, size, m->files->text, &record) < 0) {
		m->part->strange++;
		return;
	}
	m->time = record.time > m->time ? record.time : m->time;
	if (!m->head.entries)
		m->head.time = m->time;
	for (size_t at = 0, n; at < record.size; at += n) {
		n = record.size - at < CT_FRAME_MAX ? record.size - at : CT_FRAME_MAX;
		put_frame(m, &record, record.text + at, n);
	}
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

static int read_part(struct making *m)
{
	const struct log_part *part = m->part;
	struct ct_buf ct_autobuf buf = { 0 };
	ct_autofree uint8_t *chunk = malloc(CHUNK);
	uint64_t at = part->from;
	ssize_t n = chunk ? 1 : -ENOMEM;

	while (at < part->size && n > 0 && !m->failed) {
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
	return n < 0 ? (int)n : m->failed;
}

static int fill(struct making *m)
{
	int r = pwrite(m->index, &m->head, sizeof(m->head), 0) == (ssize_t)sizeof(m->head) ? 0 : -EIO;

	if (r == 0 && lseek(m->index, sizeof(m->head), SEEK_SET) < 0)
		r = -errno;
	if (r == 0)
		r = read_part(m);
	write_out(m, m->data, &m->frames, 1);
	write_out(m, m->index, &m->entries, 1);
	m->head.end = m->end;
	if (r == 0 && !m->failed &&
	    pwrite(m->index, &m->head, sizeof(m->head), 0) != (ssize_t)sizeof(m->head))
		r = -EIO;
	ct_buf_done(&m->frames);
	ct_buf_done(&m->entries);
	return r < 0 ? r : m->failed;
}

static int make_segment(struct ct_log_files *f, struct making *m, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct ct_segment s = { .number = m->head.segment, .base = m->head.base };
	int r;

	s.data = m->data = memfd_create("cattach-frames", MFD_CLOEXEC);
	s.index = m->index = memfd_create("cattach-entries", MFD_CLOEXEC);
	m->files = f;
	m->end = m->head.base;
	r = s.data < 0 || s.index < 0 ? -errno : fill(m);
	if (r < 0) {
		ct_segment_close(&s);
		return ct_fail_errno(err, -r, "cannot read a log file");
	}
	*ret_segment = s;
	return 0;
}

/* The next of what is written while we read: as much as there is by now. */
static int open_next(struct ct_log_files *f, struct ct_segment *ret_segment, struct ct_err *err)
{
	struct log_tail *tail = &f->tail;
	struct making m = {
		.part = &tail->part, .time = tail->time,
		.head = { .magic = CT_INDEX_MAGIC, .version = 1, .segment = tail->next,
			  .base = tail->end, .run = 1 },
	};
	int r;

	if (!ct_log_files_more(f))
		return -ENOENT;
	/* Nobody comes back to those, and some of them may have no name any more. */
	for (size_t i = 0; i < f->count; i++)
		ct_drop_fd(&f->parts[i].fd);
	r = make_segment(f, &m, ret_segment, err);
	if (r < 0)
		return r;
	tail->part.from = tail->part.size;
	tail->end = m.end;
	tail->time = m.time;
	tail->next++;
	return 0;
}

static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	struct ct_log_files *f = arg;
	struct making m = {
		/* Above zero, which says that a segment has no end. */
		.head = { .magic = CT_INDEX_MAGIC, .version = 1, .segment = number,
			  .base = ((uint64_t)number + 1) << LOG_FILES_SPAN, .run = 1 },
	};
	int r;

	if (f->tail.follow && number == f->tail.next)
		return open_next(f, ret_segment, err);
	if (number >= f->count || f->parts[number].fd < 0)
		return -ENOENT;
	m.part = &f->parts[number];
	m.part->strange = 0;
	r = make_segment(f, &m, ret_segment, err);
	if (r == 0 && m.time > f->tail.time)
		f->tail.time = m.time;
	return r;
}

struct ct_log_source ct_log_files_source(struct ct_log_files *files)
{
	return (struct ct_log_source){ .open_segment = open_segment, .arg = files };
}
