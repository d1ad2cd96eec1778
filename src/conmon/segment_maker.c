/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making segments for readers: a pair of memfds as the writer of a stream log would have left them.
 * They have offsets far enough from each other for any file, all is one run, and no payload is
 * missing between them.
 *
 * Runs in commands that read a log. What may fail: memory, descriptors.
 */
#include "segment_maker.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/io.h>

#define CHUNK	(256u << 10)	/* bytes written at once */

int ct_segment_maker_begin(struct segment_maker *m, uint32_t number)
{
	return ct_segment_maker_go_on(m, number, ct_segment_maker_base(number), 0);
}

int ct_segment_maker_go_on(struct segment_maker *m, uint32_t number, uint64_t base, uint64_t time)
{
	*m = (struct segment_maker){
		.segment = {
			.number = number, .base = base,
			.data = memfd_create("cattach-frames", MFD_CLOEXEC),
			.index = memfd_create("cattach-entries", MFD_CLOEXEC),
		},
		.head = { .magic = CT_INDEX_MAGIC, .version = 1, .segment = number, .base = base, .run = 1 },
		.end = base,
		.time = time,
	};
	if (m->segment.data < 0 || m->segment.index < 0)
		return -errno;
	return lseek(m->segment.index, sizeof(m->head), SEEK_SET) < 0 ? -errno : 0;
}

static void write_out(struct segment_maker *m, int fd, struct ct_buf *buf, size_t least)
{
	if (m->failed || buf->length < least)
		return;
	m->failed = buf->failed ? -ENOMEM : ct_write_all(fd, buf->data, buf->length);
	ct_buf_clear(buf);
}

static void put_entry(struct segment_maker *m, const struct ct_index_entry *entry)
{
	if (!m->head.entries)
		m->head.time = entry->time;
	ct_buf_add(&m->entries, entry, sizeof(*entry));
	m->end += ct_entry_span(entry);
	m->head.entries++;
	write_out(m, m->segment.index, &m->entries, CHUNK);
}

/* The last frame becomes no longer. */
static void end_frame(struct segment_maker *m)
{
	if (!m->last.value)
		return;
	if (!m->frames.failed)
		ct_frame_encode((uint8_t *)m->frames.data + m->last_at, (int)m->last.kind,
				(uint32_t)m->last.value);
	write_out(m, m->segment.data, &m->frames, CHUNK);
	put_entry(m, &m->last);
	m->last.value = 0;
}

static void begin_frame(struct segment_maker *m, int stream)
{
	static const uint8_t header[CT_FRAME_HEADER];

	end_frame(m);
	m->last = (struct ct_index_entry){
		.time = m->time, .offset = m->end, .kind = (uint32_t)stream, .flags = m->notes,
	};
	m->last_at = m->frames.length;
	ct_buf_add(&m->frames, header, sizeof(header));
}

static bool goes_on(const struct segment_maker *m, int stream)
{
	return m->last.value && m->last.value < CT_FRAME_MAX && m->last.time == m->time &&
	       m->last.kind == (uint32_t)stream;
}

static void note_time(struct segment_maker *m, uint64_t time)
{
	m->time = time > m->time ? time : m->time;
}

void ct_segment_maker_bytes(struct segment_maker *m, int stream, uint64_t time, const uint8_t *data,
			    size_t size)
{
	note_time(m, time);
	for (size_t at = 0, n; at < size && !m->failed; at += n) {
		if (!goes_on(m, stream))
			begin_frame(m, stream);
		n = CT_FRAME_MAX - m->last.value;
		n = size - at < n ? size - at : n;
		ct_buf_add(&m->frames, data + at, n);
		m->last.value += n;
	}
}

void ct_segment_maker_gap(struct segment_maker *m, uint64_t time, uint64_t lost)
{
	struct ct_index_entry entry = { .kind = CT_NOTE_GAP, .value = lost };

	end_frame(m);
	note_time(m, time);
	entry.time = m->time;
	entry.offset = m->end;
	m->notes++;
	put_entry(m, &entry);
}

int ct_segment_maker_end(struct segment_maker *m, int r, struct ct_segment *ret_segment)
{
	const ssize_t size = sizeof(m->head);

	if (r == 0) {
		end_frame(m);
		write_out(m, m->segment.data, &m->frames, 1);
		write_out(m, m->segment.index, &m->entries, 1);
		m->head.end = m->end;
		r = m->failed;
	}
	if (r == 0 && pwrite(m->segment.index, &m->head, sizeof(m->head), 0) != size)
		r = -EIO;
	ct_buf_done(&m->frames);
	ct_buf_done(&m->entries);
	if (r < 0)
		ct_segment_close(&m->segment);
	else
		*ret_segment = m->segment;
	return r;
}
