/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the stream log: a position that follows what the monitor has committed. A cursor never
 * makes the writer wait, reads with pread(2) from the page cache, never maps the log, and never
 * goes beyond what the commit page says.
 *
 * Runs in readers, with the user's rights. What may fail: a damaged log, which is named with its
 * offset and passed over; reading.
 *
 *   ct_cursor_read   bytes of one stream, frames joined: for copying out
 *   ct_cursor_next   entries one by one, with times and notes: cursor_next.c
 *
 *   offset  in the log, frame headers included      payload  bytes of the streams alone
 *   rest    what is left of the frame that we are in; 0: a header stands at offset
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/uio.h>

#include "cursor.h"

/* Of the run that is read from its beginning the first segments may be gone by now. Where none has
 * been found that is seen when reading comes to one. */
static void count_from_run(struct ct_cursor *c)
{
	uint64_t begun;

	if (!c->source.page)
		return;
	begun = atomic_load_explicit(&c->source.page->begun, memory_order_relaxed);
	if (!c->placed)
		c->payload = begun;
	else if (c->payload > begun)
		c->missed = c->payload - begun;
	c->placed = true;
}

/* From now, from the beginning of the last run, or from the oldest byte. A log without anything in
 * it is no failure: reading begins when there is something. */
int ct_cursor_open(const struct ct_log_source *source, enum ct_cursor_start start,
		   struct ct_cursor *ret_cursor, struct ct_err *err)
{
	struct ct_cursor c = CT_CURSOR_INIT;
	int r;

	c.source = *source;
	if (start == CT_FROM_NOW)
		r = ct_cursor_seek_end(&c, err);
	else if (start == CT_FROM_RUN)
		r = ct_cursor_seek_run(&c, -1, err);
	else
		r = ct_cursor_seek_oldest(&c, err);
	if (r == -ENOENT) {
		*err = (struct ct_err){ 0 };
		r = ct_cursor_seek_oldest(&c, err);
	}
	if (r == 0 && start == CT_FROM_RUN)
		count_from_run(&c);
	if (r < 0) {
		ct_cursor_close(&c);
		return r;
	}
	*ret_cursor = c;
	return 0;
}

void ct_cursor_close(struct ct_cursor *cursor)
{
	ct_segment_close(&cursor->segment);
	cursor->limit = 0;
}

/* Asked and forgotten in one, so that each gap is told once. */
uint64_t ct_cursor_missed(struct ct_cursor *cursor)
{
	uint64_t missed = cursor->missed;

	cursor->missed = 0;
	return missed;
}

/* Is there something to read, up to *ret_end? 1, 0 nothing for now, negative. */
static int ready(struct ct_cursor *c, uint64_t *ret_end, struct ct_err *err)
{
	int r;

	do {
		r = 0;
		if (c->segment.data >= 0)
			r = ct_cursor_reach(c, ret_end, err);
		if (r == 0 && c->segment.data >= 0 && c->offset < *ret_end)
			return 1;
		if (r == -ESTALE)
			r = ct_cursor_recover(c, err);
		else if (r == 0)
			r = ct_cursor_advance(c, err);
	} while (r > 0);
	return r;
}

/* What stands at the cursor, with its header in front unless we are inside a frame: bytes behind
 * the header; 0 when it is not there (any more); -errno. One preadv(2) for header and data; the
 * look at the page comes behind it (ct_cursor_stale()). */
static ssize_t fetch(struct ct_cursor *c, uint8_t *header, void *buf, size_t size, uint64_t end)
{
	size_t ahead = c->rest ? 0 : CT_FRAME_HEADER;
	uint64_t there = end - c->offset;
	struct iovec parts[2] = { { header, ahead }, { buf, size } };
	ssize_t n;

	if (there <= ahead)
		return 0;
	if (size > there - ahead)
		parts[1].iov_len = (size_t)(there - ahead);
	do
		n = preadv(c->segment.data, parts, 2, (off_t)(c->offset - c->header.base));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n <= (ssize_t)ahead || ct_cursor_stale(c))
		return 0;
	return n - (ssize_t)ahead;
}

/* Go on to the frame whose header this is, if it is one, with so many bytes to its end at most. */
static bool begin_frame(struct ct_cursor *c, const uint8_t *header, uint64_t most)
{
	uint32_t size;
	int stream;

	if (ct_frame_decode(header, &stream, &size) < 0 || size > most)
		return false;
	c->stream = stream;
	c->rest = size;
	c->offset += CT_FRAME_HEADER;
	return true;
}

/* The bytes of the current frame and of those behind it that are whole or begun in the buffer and
 * of the same stream, with the headers between them taken out: how many. In place: the headers are
 * squeezed out, so that one read of many small frames is one write. */
static size_t unframe(struct ct_cursor *c, uint8_t *buf, size_t size, uint64_t end)
{
	size_t in = 0, out = 0;

	for (;;) {
		size_t take = c->rest < size - in ? c->rest : size - in;
		uint8_t *next = buf + in + take;

		if (out != in)
			memmove(buf + out, buf + in, take);
		in += take;
		out += take;
		c->offset += take;
		c->payload += take;
		c->rest -= (uint32_t)take;
		if (c->rest || size - in < CT_FRAME_HEADER || next[0] != c->stream ||
		    !begin_frame(c, next, end - c->offset - CT_FRAME_HEADER))
			return out;
		in += CT_FRAME_HEADER;
	}
}

/*
 * After ct_cursor_seek_lines(): some bytes of a stream may be none of those that were asked for.
 * 1 a frame was passed over; 0 there is something to read, up to *end; negative.
 */
static int pass_over(struct ct_cursor *c, uint64_t *end)
{
	uint8_t header[CT_FRAME_HEADER];
	uint64_t from, body = c->offset + CT_FRAME_HEADER;
	uint32_t size;
	int stream;

	if (c->rest) {
		*end = c->rest < *end - c->offset ? c->offset + c->rest : *end;
		return 0;
	}
	/* What is wrong here will be found out by reading it. */
	if (ct_pread_all(c->segment.data, header, sizeof(header),
			 (off_t)(c->offset - c->header.base)) != (ssize_t)sizeof(header) ||
	    ct_frame_decode(header, &stream, &size) < 0 || *end < body || size > *end - body)
		return 0;
	from = c->skip[stream == CT_STREAM_STDERR];
	*end = body + size;
	if (from <= body)
		return 0;
	c->stream = stream;
	c->rest = from < *end ? (uint32_t)(*end - from) : 0;
	c->offset = *end - c->rest;
	c->payload += size - c->rest;
	return c->rest == 0;
}

static bool is_passing_over(const struct ct_cursor *c)
{
	return c->offset < c->skip[0] || c->offset < c->skip[1];
}

/* Bytes; 0 when what should be there is not; -errno. */
static ssize_t read_some(struct ct_cursor *c, void *buf, size_t size, uint64_t end)
{
	uint8_t header[CT_FRAME_HEADER];
	ssize_t n = fetch(c, header, buf, size, end);

	if (n <= 0)
		return n;
	if (!c->rest && !begin_frame(c, header, end - c->offset - CT_FRAME_HEADER))
		return 0;
	c->entry = CT_ENTRY_UNKNOWN;
	return (ssize_t)unframe(c, buf, (size_t)n, end);
}

/* 0: nothing for now, or the end, which ct_cursor_ended() tells apart. */
ssize_t ct_cursor_read(struct ct_cursor *cursor, void *buf, size_t size, int *ret_stream,
		       struct ct_err *err)
{
	for (;;) {
		uint64_t end = 0;
		int r = size ? ready(cursor, &end, err) : 0;
		ssize_t n;

		if (r <= 0)
			return r;
		if (is_passing_over(cursor)) {
			cursor->entry = CT_ENTRY_UNKNOWN;
			if (pass_over(cursor, &end))
				continue;
		}
		n = read_some(cursor, buf, size, end);
		if (n < 0)
			return ct_fail_errno(err, (int)-n, "cannot read the log");
		if (n > 0) {
			*ret_stream = cursor->stream;
			return n;
		}
		r = ct_cursor_recover(cursor, err);
		if (r <= 0)
			return r;
	}
}

/* Exited, and all of it read: state is looked at first, as nothing is committed behind it. */
bool ct_cursor_ended(const struct ct_cursor *cursor, struct ct_exit *ret_status)
{
	const struct ct_page *page = cursor->source.page;

	if (!page || atomic_load_explicit(&page->state, memory_order_acquire) != CT_PAGE_EXITED)
		return false;
	if (atomic_load_explicit(&page->committed, memory_order_acquire) != cursor->offset)
		return false;
	ret_status->signaled = atomic_load_explicit(&page->exit_signaled, memory_order_relaxed);
	ret_status->core = false;
	ret_status->value = (int)atomic_load_explicit(&page->exit_value, memory_order_relaxed);
	return true;
}
