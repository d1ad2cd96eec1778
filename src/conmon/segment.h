/* SPDX-License-Identifier: Apache-2.0 */
/* One segment of a stream log as it lies on disk or in a memfd; shared by writer and cursor. */
#ifndef CATTACH_CONMON_SEGMENT_H
#define CATTACH_CONMON_SEGMENT_H

#include <cattach/streamlog.h>

#define CT_ENTRY_SIZE	sizeof(struct ct_index_entry)

/* Where entry n of an index file stands. */
static inline off_t ct_entry_place(uint64_t n)
{
	return (off_t)(sizeof(struct ct_index_header) + n * CT_ENTRY_SIZE);
}

static inline bool ct_entry_is_frame(const struct ct_index_entry *e)
{
	return e->kind == CT_STREAM_STDOUT || e->kind == CT_STREAM_STDERR;
}

/* What an entry covers of the log: a frame its header and bytes, a note nothing. */
static inline uint64_t ct_entry_span(const struct ct_index_entry *e)
{
	return ct_entry_is_frame(e) ? CT_FRAME_HEADER + e->value : 0;
}

/* Fill the 8 bytes before a frame's payload. */
void ct_frame_encode(uint8_t header[CT_FRAME_HEADER], int stream, uint32_t size);
/* 0 and the two values, or -EBADMSG when this is no header of a frame. */
int ct_frame_decode(const uint8_t header[CT_FRAME_HEADER], int *ret_stream, uint32_t *ret_size);

/* pread(2) through EINTR and short reads: bytes, fewer only at the end of the file, or -errno. */
ssize_t ct_pread_all(int fd, void *buf, size_t size, off_t at);

#define CT_SEGMENT_NAME_SIZE 24
/* "log.7", "index.7" */
void ct_segment_name(char name[CT_SEGMENT_NAME_SIZE], const char *what, uint32_t number);

/* The header of an index file, checked: 0, -EBADMSG, -errno. */
int ct_segment_header(int index, struct ct_index_header *ret_header);

/* Entry n of an index: 0, -ENOENT behind the end of the file, -errno. */
int ct_segment_entry(const struct ct_segment *segment, uint64_t n,
		     struct ct_index_entry *ret_entry);

/* Where a segment ends. */
struct ct_segment_tail {
	uint64_t entries, end;
	uint64_t payload;	/* payload bytes of all frames before end, since the log began */
	uint64_t time;		/* of the last entry, or when it was begun */
	bool torn;		/* there is more, but not a whole frame with its entry */
};

/**
 * ct_segment_tail - find the end of a segment that nobody writes any more
 * @segment, @header: its files, and what its index begins with
 *
 * A complete one says it in its header. Where a writer was killed the end is that of the last entry
 * whose frame is there; what stands behind was never committed.
 *
 * Return: 0 or -errno.
 */
int ct_segment_tail(const struct ct_segment *segment, const struct ct_index_header *header,
		    struct ct_segment_tail *ret_tail);

/* Payload bytes before entry n of a segment, since the log began: 0 or -errno. */
int ct_segment_payload(const struct ct_segment *segment, const struct ct_index_header *header,
		       uint64_t n, uint64_t *ret_payload);

/* Open log.N and index.N for reading; both must be regular files: 0, -ENOENT, -errno. */
int ct_segment_open_at(int dir, uint32_t number, int flags, struct ct_segment *ret_segment);

/* The number that a file's name has behind "log." or "index.": true, or it has none. */
bool ct_segment_number(const char *name, const char *what, uint32_t *ret_number);

#endif
