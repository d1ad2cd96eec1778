/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment of a stream log: the bytes of a frame's header, the header of an index, the names of
 * the two files, and where a segment ends that a killed writer has left.
 *
 * Runs in the monitor (making the log, handing out segments) and in readers. Nothing that stands in
 * the files is trusted: they may be torn, damaged or somebody else's. What may fail: reading, and
 * files that are no segment (EBADMSG).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "segment.h"

#define BATCH	64	/* index entries that are read at once */

void ct_frame_encode(uint8_t header[CT_FRAME_HEADER], int stream, uint32_t size)
{
	memset(header, 0, CT_FRAME_HEADER);
	header[0] = (uint8_t)stream;
	header[4] = (uint8_t)(size >> 24);
	header[5] = (uint8_t)(size >> 16);
	header[6] = (uint8_t)(size >> 8);
	header[7] = (uint8_t)size;
}

int ct_frame_decode(const uint8_t header[CT_FRAME_HEADER], int *ret_stream, uint32_t *ret_size)
{
	uint32_t size = (uint32_t)header[4] << 24 | (uint32_t)header[5] << 16 |
			(uint32_t)header[6] << 8 | header[7];

	if ((header[0] != CT_STREAM_STDOUT && header[0] != CT_STREAM_STDERR) || header[1] ||
	    header[2] || header[3] || size == 0 || size > CT_FRAME_MAX)
		return -EBADMSG;
	*ret_stream = header[0];
	*ret_size = size;
	return 0;
}

ssize_t ct_pread_all(int fd, void *buf, size_t size, off_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* ---- names ---- */

void ct_segment_name(char name[CT_SEGMENT_NAME_SIZE], const char *what, uint32_t number)
{
	snprintf(name, CT_SEGMENT_NAME_SIZE, "%s.%u", what, number);
}

bool ct_segment_number(const char *name, const char *what, uint32_t *ret_number)
{
	size_t n = strlen(what);
	uint64_t number = 0;

	if (strncmp(name, what, n) != 0 || name[n] != '.' || !name[n + 1])
		return false;
	/* As we write it: no sign, no leading zero. */
	if (name[n + 1] == '0' && name[n + 2])
		return false;
	for (const char *p = name + n + 1; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		number = number * 10 + (uint64_t)(*p - '0');
		if (number >= UINT32_MAX)
			return false;
	}
	*ret_number = (uint32_t)number;
	return true;
}

void ct_segment_close(struct ct_segment *segment)
{
	ct_drop_fd(&segment->data);
	ct_drop_fd(&segment->index);
}

/* A FIFO in the place of the file must not make us wait, nor a link lead us away. */
static int open_regular(int dir, const char *what, uint32_t number, int flags)
{
	char name[CT_SEGMENT_NAME_SIZE];
	struct stat st;
	int fd;

	ct_segment_name(name, what, number);
	fd = openat(dir, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return -ENOENT;
}

int ct_segment_open_at(int dir, uint32_t number, int flags, struct ct_segment *ret_segment)
{
	struct ct_segment s = { .number = number, .data = -1, .index = -1 };
	struct ct_index_header header;
	int r;

	s.index = open_regular(dir, "index", number, flags);
	if (s.index < 0)
		return s.index == -ELOOP ? -ENOENT : s.index;
	s.data = open_regular(dir, "log", number, flags);
	if (s.data < 0) {
		r = s.data;
		ct_segment_close(&s);
		return r == -ELOOP ? -ENOENT : r;
	}
	/* A damaged header is for the reader to complain about: it knows where it is. */
	if (ct_segment_header(s.index, &header) == 0)
		s.base = header.base;
	*ret_segment = s;
	return 0;
}

/* ---- the index ---- */

int ct_segment_header(int index, struct ct_index_header *ret_header)
{
	struct ct_index_header h;
	ssize_t n = ct_pread_all(index, &h, sizeof(h), 0);

	if (n < 0)
		return (int)n;
	if (n != (ssize_t)sizeof(h) || h.magic != CT_INDEX_MAGIC || h.version != 1 ||
	    h.base > INT64_MAX / 2)
		return -EBADMSG;
	*ret_header = h;
	return 0;
}

int ct_segment_entry(const struct ct_segment *segment, uint64_t n,
		     struct ct_index_entry *ret_entry)
{
	struct ct_index_entry e;
	ssize_t got = ct_pread_all(segment->index, &e, sizeof(e), ct_entry_place(n));

	if (got != (ssize_t)sizeof(e))
		return got < 0 ? (int)got : -ENOENT;
	*ret_entry = e;
	return 0;
}

/* Is this entry one of a segment whose log has so many bytes, and is what it tells of there? */
static bool is_there(const struct ct_index_entry *e, uint64_t base, uint64_t size)
{
	uint64_t span = ct_entry_span(e);

	if (e->offset < base || e->offset - base > size || span > size - (e->offset - base))
		return false;
	if (ct_entry_is_frame(e))
		return e->value > 0 && e->value <= CT_FRAME_MAX;
	return e->kind >= CT_NOTE_RUN && e->kind <= CT_NOTE_GAP;
}

/* The last of n entries that is there: its number and itself; n when there is none, or -errno. */
static int64_t last_entry(const struct ct_segment *s, uint64_t base, uint64_t size, uint64_t n,
			  struct ct_index_entry *ret_entry)
{
	struct ct_index_entry batch[BATCH];

	for (uint64_t end = n; end > 0;) {
		uint64_t start = end > BATCH ? end - BATCH : 0;
		size_t want = (size_t)(end - start) * CT_ENTRY_SIZE;
		ssize_t got = ct_pread_all(s->index, batch, want, ct_entry_place(start));

		if (got < 0)
			return got;
		for (uint64_t i = (uint64_t)got / CT_ENTRY_SIZE; i > 0; i--) {
			if (!is_there(&batch[i - 1], base, size))
				continue;
			*ret_entry = batch[i - 1];
			return (int64_t)(start + i - 1);
		}
		end = start;
	}
	return (int64_t)n;
}

int ct_segment_payload(const struct ct_segment *segment, const struct ct_index_header *header,
		       uint64_t n, uint64_t *ret_payload)
{
	/* Notes do not say how many were before them, so go back to a frame, which does. */
	for (uint64_t i = n; i > 0; i--) {
		struct ct_index_entry e = { 0 };
		int r = ct_segment_entry(segment, i - 1, &e);

		if (r < 0)
			return r == -ENOENT ? -EBADMSG : r;
		if (!ct_entry_is_frame(&e))
			continue;
		*ret_payload = header->payload + (e.offset - header->base) + e.value -
			       CT_FRAME_HEADER * (i - 1 - e.flags);
		return 0;
	}
	*ret_payload = header->payload;
	return 0;
}

/* The end that a complete segment's header tells, if the files bear it out. */
static bool complete_tail(const struct ct_index_header *h, uint64_t size, uint64_t room,
			  struct ct_segment_tail *tail)
{
	if (!h->end || h->end < h->base || h->end - h->base > size || h->entries > room)
		return false;
	tail->entries = h->entries;
	tail->end = h->end;
	return true;
}

int ct_segment_tail(const struct ct_segment *segment, const struct ct_index_header *header,
		    struct ct_segment_tail *ret_tail)
{
	struct ct_segment_tail t = { .end = header->base, .time = header->time };
	struct ct_index_entry last = { 0 };
	struct stat data, index;
	uint64_t room, size;
	bool complete;
	int64_t i;

	if (fstat(segment->data, &data) < 0 || fstat(segment->index, &index) < 0)
		return -errno;
	size = (uint64_t)data.st_size;
	room = (uint64_t)index.st_size < sizeof(*header) ? 0 :
	       ((uint64_t)index.st_size - sizeof(*header)) / CT_ENTRY_SIZE;
	complete = complete_tail(header, size, room, &t);
	i = last_entry(segment, header->base, size, complete ? t.entries : room, &last);
	if (i < 0)
		return (int)i;
	if (last.kind)
		t.time = last.time;
	if (!complete && last.kind) {
		t.entries = (uint64_t)i + 1;
		t.end = last.offset + ct_entry_span(&last);
	}
	/* Memory segments have room behind their end; there nothing can be torn. */
	t.torn = !complete && !(header->flags & CT_SEGMENT_MEMORY) &&
		 (header->base + size > t.end || (uint64_t)index.st_size >
		  (uint64_t)ct_entry_place(t.entries));
	*ret_tail = t;
	return ct_segment_payload(segment, header, t.entries, &ret_tail->payload);
}
