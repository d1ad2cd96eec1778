/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding where the last lines of a log begin: frames are read backwards, by way of the index,
 * until so many lines have ended. Stdout and stderr have lines of their own, whose frames may stand
 * between each other; the lines that end last are those that are meant, and each is given whole:
 * for each stream there is a place before which its bytes are left out (ct_cursor.skip).
 *
 * Runs in readers; allocates a frame's room while it looks. A line that began very long ago, with
 * very much of the other stream since, is cut there rather than looked for through the whole log.
 *
 *    look_back()   the index from its end, entry by entry; each frame is scanned from its end
 *    left          lines that are still to be counted, of both streams together
 *    open          a counted line of a stream that begins in an earlier frame
 *    place()       the cursor, and what it leaves out of each stream
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "cursor.h"

#define PATIENCE	262144	/* entries of the other stream, once all lines have been counted */

/* One stream's lines, seen from the end. */
struct lines {
	uint64_t from;		/* offset of the first byte that belongs to a counted line */
	bool open;		/* the beginning of the line at "from" has not been seen yet */
};

struct search {
	struct ct_cursor *c;
	const bool *streams;	/* whose lines count */
	uint64_t left;		/* lines that may still be counted */
	struct lines lines[2];
	uint8_t *frame;
	uint32_t patience;
};

static bool is_done(const struct search *s)
{
	return !s->left && ((!s->lines[0].open && !s->lines[1].open) || !s->patience);
}

/* Count the line that ends at this place, if it still counts. */
static void count_line(struct search *s, struct lines *l)
{
	if (!s->left)
		return;
	s->left--;
	l->open = true;
}

/* A frame's bytes, the last one first. */
static void look_at(struct search *s, struct lines *l, uint64_t offset, size_t size)
{
	const uint8_t *bytes = s->frame;

	while (size && (s->left || l->open)) {
		/* An open line goes back to behind the newline before it, or out of the frame. */
		const uint8_t *newline = memrchr(bytes, '\n', size);
		size_t start = newline ? (size_t)(newline - bytes) + 1 : 0;

		if (start == size) {
			/* The last byte is a newline: what is open begins behind it. */
			l->open = false;
			count_line(s, l);
			if (!l->open)
				return;
			l->from = offset + --size;
			continue;
		}
		if (!l->open)
			count_line(s, l);
		if (!l->open)
			return;
		l->from = offset + start;
		size = start;
	}
}

/* Lines do not go on over the beginning of a run, nor over what is missing. */
static void break_lines(struct search *s)
{
	s->lines[0].open = s->lines[1].open = false;
}

static int look_at_entry(struct search *s, const struct ct_index_entry *e)
{
	struct lines *l = &s->lines[e->kind == CT_STREAM_STDERR];
	uint64_t body = e->offset + CT_FRAME_HEADER;
	ssize_t n;

	if (e->kind == CT_NOTE_RUN || (e->kind == CT_NOTE_GAP && e->value))
		break_lines(s);
	if (!ct_entry_is_frame(e) || e->value > CT_FRAME_MAX ||
	    !s->streams[e->kind == CT_STREAM_STDERR])
		return 0;
	if (!s->left && !l->open) {
		s->patience -= s->patience > 0;
		return 0;
	}
	n = ct_pread_all(s->c->segment.data, s->frame, (size_t)e->value,
			 (off_t)(body - s->c->header.base));
	/* Damaged: told of when reading comes here; there are no lines in it. */
	if (n != (ssize_t)e->value)
		return ct_cursor_stale(s->c) ? -ESTALE : 0;
	look_at(s, l, body, (size_t)e->value);
	return 0;
}

/* All entries before the nth of this segment, from the end. */
static int look_at_segment(struct search *s, uint64_t n)
{
	struct ct_index_entry batch[64];

	while (n > 0 && !is_done(s)) {
		uint64_t start = n > 64 ? n - 64 : 0;
		size_t want = (size_t)(n - start) * CT_ENTRY_SIZE;

		if (ct_pread_all(s->c->segment.index, batch, want, ct_entry_place(start)) !=
		    (ssize_t)want || ct_cursor_stale(s->c))
			return -ESTALE;
		for (; n > start && !is_done(s); n--) {
			int r = look_at_entry(s, &batch[n - 1 - start]);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

/* Back through the segments: 0, -ENOENT and -ESTALE when the log goes back no further. */
static int look_back(struct search *s, struct ct_err *err)
{
	struct ct_cursor *c = s->c;
	uint64_t n = c->entry;
	int r;

	for (;;) {
		uint64_t base = c->header.base, end;

		r = look_at_segment(s, n);
		if (r < 0 || is_done(s))
			return r;
		r = ct_cursor_enter_before(c, c->segment.number, err);
		if (r == 0)
			r = ct_cursor_entries(c, &n, err);
		if (r == 0)
			r = ct_cursor_reach(c, &end, err);
		if (r < 0)
			return r;
		if (end != base)
			break_lines(s);
	}
}

/* Stand at the frame in which the first of all lines begins. */
static int place(struct search *s, struct ct_err *err)
{
	struct ct_cursor *c = s->c;
	uint64_t from = s->lines[0].from < s->lines[1].from ? s->lines[0].from : s->lines[1].from;
	uint64_t end, count, n;
	int r;

	/* Looking back has gone to the segment that it is in, or farther. */
	while ((r = ct_cursor_reach(c, &end, err)) == 0 && end <= from) {
		r = ct_cursor_probe(c, c->segment.number + 1, err);
		if (r < 0)
			return r;
	}
	if (r == 0)
		r = ct_cursor_entries(c, &count, err);
	if (r < 0)
		return r;
	n = ct_cursor_find(c, count, from);
	/* That is the first frame behind it, or notes in front of that. */
	r = ct_cursor_place(c, n > 0 ? n - 1 : 0, err);
	c->skip[0] = s->lines[0].from;
	c->skip[1] = s->lines[1].from;
	return r;
}

static int seek(struct ct_cursor *c, uint64_t lines, const bool streams[2], struct ct_err *err)
{
	uint64_t end = c->offset;
	uint8_t ct_autofree *frame = malloc(CT_FRAME_MAX);
	struct search s = {
		.c = c, .streams = streams, .left = lines, .frame = frame, .patience = PATIENCE,
		.lines = { { end, false }, { end, false } },
	};
	int r;

	if (!frame)
		return ct_fail_nomem(err);
	r = look_back(&s, err);
	/* The beginning of the log, and all lines were counted: a line that is cut in front. Or
	 * only one stream counts, which has fewer lines: what is before its first one need not be
	 * read again. */
	if ((r == -ENOENT || r == -ESTALE) && (!s.left || !streams[0] || !streams[1]))
		r = ct_cursor_probe(c, ct_cursor_first(c), err);
	if (r == 0)
		r = place(&s, err);
	if (r != -ENOENT && r != -ESTALE)
		return r;
	/* Fewer lines than that: all of them. */
	r = ct_cursor_seek_oldest(c, err);
	for (int i = 0; i < 2; i++)
		c->skip[i] = streams[i] ? 0 : end;
	return r;
}

int ct_cursor_back_lines(struct ct_cursor *cursor, uint64_t lines, const bool streams[2],
			 struct ct_err *err)
{
	if (!lines || cursor->segment.data < 0)
		return 0;
	return seek(cursor, lines, streams, err);
}

int ct_cursor_seek_lines(struct ct_cursor *cursor, uint64_t lines, struct ct_err *err)
{
	int r = ct_cursor_seek_end(cursor, err);

	return r < 0 ? r : ct_cursor_back_lines(cursor, lines, (const bool[2]){ true, true }, err);
}
