/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the stream log entry by entry: frames with their times, and the notes between them. What
 * this cursor lost on its way comes as a note about a gap, at its place.
 *
 * Runs in readers. What may fail: as in cursor.c.
 *
 *   take_entry   what stands at the cursor: a frame, a note, the rest of a frame, or nothing yet
 *   AGAIN        the cursor has moved (next segment, recovered, an empty note): look again
 *   1, 0, < 0    an entry; the end for now; an error, behind which reading can go on
 */
#include <errno.h>
#include <string.h>
#include <sys/uio.h>

#include "cursor.h"

/* Another look is needed: the cursor has moved. */
#define AGAIN	2

static int moved(int r)
{
	return r == 1 ? AGAIN : r;
}

/* The frame of an entry, with its header checked: 1, or 0 when it is not there; -errno. Header and
 * data in one preadv(2), straight into the caller's buffer: a frame is not copied twice. */
static int fetch_frame(const struct ct_cursor *c, const struct ct_index_entry *e, void *buf)
{
	uint8_t header[CT_FRAME_HEADER];
	struct iovec parts[2] = { { header, sizeof(header) }, { buf, (size_t)e->value } };
	uint32_t size;
	int stream;
	ssize_t n;

	do
		n = preadv(c->segment.data, parts, 2, (off_t)(e->offset - c->header.base));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n == (ssize_t)(sizeof(header) + e->value) && !ct_cursor_stale(c) &&
	       ct_frame_decode(header, &stream, &size) == 0 && (uint32_t)stream == e->kind &&
	       size == e->value;
}

/* A frame, or what of it was asked for. skip has an offset for each stream, up to which it was
 * delivered before: a client that comes back takes up either of them where it was. */
static int take_frame(struct ct_cursor *c, struct ct_index_entry *e, void *buf, struct ct_err *err)
{
	uint64_t from = c->skip[e->kind == CT_STREAM_STDERR], body = e->offset + CT_FRAME_HEADER;
	size_t left_out = from <= body ? 0 : from - body < e->value ? (size_t)(from - body) :
								     (size_t)e->value;
	int r;

	r = fetch_frame(c, e, buf);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read the log");
	if (r == 0)
		return moved(ct_cursor_recover(c, err));
	c->offset = body + e->value;
	c->payload += e->value;
	c->entry++;
	e->value -= left_out;
	if (left_out)
		memmove(buf, (uint8_t *)buf + left_out, (size_t)e->value);
	return e->value ? 1 : AGAIN;
}

static int take_note(struct ct_cursor *c, const struct ct_index_entry *e, struct ct_err *err)
{
	if (e->kind < CT_NOTE_RUN || e->kind > CT_NOTE_GAP || e->offset != c->offset)
		return ct_cursor_damaged_entry(c, err);
	c->entry++;
	/* Room for a note that was not needed; or it tells what this cursor knows already. */
	if (e->kind == CT_NOTE_GAP &&
	    (!e->value || (c->followed && e->offset == c->header.base)))
		return AGAIN;
	return 1;
}

/* What is left of a frame that ct_cursor_read() has begun. Its time is in its entry, which is
 * looked up by the offset in the middle of the frame. */
static int take_rest(struct ct_cursor *c, struct ct_index_entry *e, void *buf, struct ct_err *err)
{
	uint64_t count;
	ssize_t n;
	int r = ct_cursor_entries(c, &count, err);

	if (r < 0)
		return r == -ESTALE ? moved(ct_cursor_recover(c, err)) : r;
	c->entry = ct_cursor_find(c, count, c->offset);
	*e = (struct ct_index_entry){ .time = c->header.time };
	if (c->entry > 0 && ct_cursor_entry(c, c->entry - 1, e) < 0)
		return moved(ct_cursor_recover(c, err));
	n = ct_pread_all(c->segment.data, buf, c->rest, (off_t)(c->offset - c->header.base));
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot read the log");
	if (n != (ssize_t)c->rest || ct_cursor_stale(c))
		return moved(ct_cursor_recover(c, err));
	e->offset = c->offset;
	e->kind = (uint32_t)c->stream;
	e->value = c->rest;
	c->offset += c->rest;
	c->payload += c->rest;
	c->rest = 0;
	return 1;
}

static int take_entry(struct ct_cursor *c, struct ct_index_entry *e, void *buf, struct ct_err *err)
{
	uint64_t count = 0;
	int r;

	if (c->segment.data < 0)
		return moved(ct_cursor_advance(c, err));
	if (c->rest)
		return take_rest(c, e, buf, err);
	r = ct_cursor_entries(c, &count, err);
	if (r < 0)
		return r == -ESTALE ? moved(ct_cursor_recover(c, err)) : r;
	if (c->entry == CT_ENTRY_UNKNOWN)
		c->entry = ct_cursor_find(c, count, c->offset);
	if (c->entry >= count)
		return moved(ct_cursor_advance(c, err));
	if (ct_cursor_entry(c, c->entry, e) < 0)
		return moved(ct_cursor_recover(c, err));
	if (!ct_entry_is_frame(e))
		return take_note(c, e, err);
	if (e->offset != c->offset || !e->value || e->value > CT_FRAME_MAX)
		return ct_cursor_damaged_entry(c, err);
	return take_frame(c, e, buf, err);
}

/* Why something is missing: the log of this segment tells when the disk was full; else it was us
 * who came too late. */
static uint32_t gap_flags(const struct ct_cursor *c)
{
	struct ct_index_entry e = { 0 };

	if (c->segment.data >= 0 && c->offset == c->header.base && ct_cursor_entry(c, 0, &e) == 0 &&
	    e.kind == CT_NOTE_GAP && e.value)
		return 0;
	return CT_GAP_MISSED;
}

/* A gap is told before the entry that comes behind it: the entry stays where it is, and is taken at
 * the next call. */
int ct_cursor_next(struct ct_cursor *cursor, struct ct_index_entry *ret_entry, void *buf,
		   struct ct_err *err)
{
	struct ct_index_entry e = { 0 };
	uint64_t missed = cursor->missed;
	int r;

	do
		r = take_entry(cursor, &e, buf, err);
	while (r == AGAIN && cursor->missed == missed);
	if (r < 0)
		return r;
	if (cursor->missed != missed) {
		e = (struct ct_index_entry){
			.time = cursor->header.time, .offset = cursor->offset,
			.value = cursor->missed - missed, .kind = CT_NOTE_GAP,
			.flags = gap_flags(cursor),
		};
		cursor->missed = missed;
		r = 1;
	}
	if (r == 1)
		*ret_entry = e;
	return r;
}
