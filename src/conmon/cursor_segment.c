/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cursor's way through the segments: entering one, knowing where it ends, going to the next, and
 * what to do when something is not where it should be: the segment was dropped because we were slow
 * (what we missed is counted to the byte), it lies elsewhere by now (memory that has become a
 * file), or it is damaged (told once, with its offset; then on behind it).
 *
 * Runs in readers. The writer never waits for a cursor, so everything may be taken away at any
 * moment: the page says so after each read. Nothing in the files is trusted.
 *
 *   the page says             and means
 *   first, last               numbers of the segments that can be opened by name
 *   oldest                    offsets below this are gone: what was read there is not used
 *   memory[2]                 which segments (number + 1) the two memory pairs hold just now
 *   committed, entries        up to where, and to which entry, the last segment can be read
 *
 * A read is good only when the page, looked at behind it, still says that what was read is there
 * (ct_cursor_stale()): the writer publishes first and takes away then. -ESTALE is its answer for
 * "not any more"; ct_cursor_recover() finds out where to go on.
 */
#include <errno.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cursor.h"

/* ---- entering ---- */

/* wanted is where the next attempt goes: one damaged segment does not end the log. */
static int fail_segment(struct ct_cursor *c, uint32_t number, struct ct_err *err)
{
	ct_segment_close(&c->segment);
	c->wanted = number + 1;
	c->rest = 0;
	return ct_fail(err, EBADMSG, "damaged index of segment %u of the log", number);
}

/* The writer empties what it drops: was this dropped after we had been given it? The fence keeps
 * the look at the page behind the read of the file; see ct_cursor_stale(). */
static bool is_dropped(const struct ct_cursor *c, const struct ct_segment *s)
{
	atomic_thread_fence(memory_order_seq_cst);
	return c->source.page && s->base < atomic_load(&c->source.page->oldest);
}

/* number may be given another one's descriptors: a source without that number opens the next there
 * is, so s.number is what counts. Eight tries, since each needs the writer to have gone a whole
 * segment further in between. */
int ct_cursor_enter(struct ct_cursor *c, uint32_t number, struct ct_err *err)
{
	uint32_t last = number;

	/* Before we have read its header a file may be dropped, memory taken for another
	 * segment. */
	for (int tries = 0; tries < 8; tries++) {
		struct ct_segment s = CT_SEGMENT_INIT;
		struct ct_index_header h;
		int r = c->source.open_segment(c->source.arg, number, &s, err);
		bool gone;

		if (r < 0)
			return r;
		r = ct_segment_header(s.index, &h);
		if (r == 0 && h.segment == s.number) {
			ct_segment_close(&c->segment);
			c->segment = s;
			c->header = h;
			c->limit = 0;
			c->entry = CT_ENTRY_UNKNOWN;
			return 0;
		}
		last = s.number;
		gone = r == 0 ? h.flags & CT_SEGMENT_MEMORY : is_dropped(c, &s);
		ct_segment_close(&s);
		if (!gone)
			break;
	}
	return fail_segment(c, last, err);
}

/* Are we in it, and is it what the writer still has under that number? Then its header, anew. */
static bool stay(struct ct_cursor *c, uint32_t number)
{
	struct ct_index_header h;

	if (c->segment.data < 0 || c->segment.number != number || !c->source.page ||
	    ct_segment_header(c->segment.index, &h) < 0 || h.segment != number ||
	    ct_cursor_stale(c))
		return false;
	c->header = h;
	c->limit = 0;
	c->entry = CT_ENTRY_UNKNOWN;
	return true;
}

int ct_cursor_go(struct ct_cursor *c, uint32_t number, struct ct_err *err)
{
	return stay(c, number) ? 0 : ct_cursor_enter(c, number, err);
}

/* Past damaged ones: for searches, which do not tell of them. */
int ct_cursor_probe(struct ct_cursor *c, uint32_t number, struct ct_err *err)
{
	int r = ct_cursor_go(c, number, err);

	while (r == -EBADMSG) {
		*err = (struct ct_err){ 0 };
		r = ct_cursor_enter(c, c->wanted, err);
	}
	return r;
}

void ct_cursor_place_first(struct ct_cursor *c)
{
	c->offset = c->header.base;
	c->payload = c->header.payload;
	c->entry = 0;
	c->rest = 0;
	c->placed = true;
	c->followed = false;
}

/* Stand before entry n, whose offset is known. */
static void place_at(struct ct_cursor *c, uint64_t n, uint64_t offset)
{
	c->offset = offset;
	c->entry = n;
	c->rest = 0;
	c->placed = true;
	/* Where it cannot be read, what is missed later is counted a little wrong. */
	if (ct_segment_payload(&c->segment, &c->header, n, &c->payload) < 0)
		c->payload = c->header.payload;
}

/* Behind the last entry stands what it spans: a frame has its size, a note none. */
int ct_cursor_place(struct ct_cursor *c, uint64_t n, struct ct_err *err)
{
	struct ct_index_entry e = { 0 };
	uint64_t count, end;
	int r = ct_cursor_entries(c, &count, err);

	/* After the entries: the end is never less than what they tell of. */
	if (r == 0)
		r = ct_cursor_reach(c, &end, err);
	if (r < 0)
		return r;
	ct_cursor_place_first(c);
	if (n == 0 || count == 0)
		return 0;
	n = n < count ? n : count;
	if (ct_cursor_entry(c, n < count ? n : count - 1, &e) < 0)
		return -ESTALE;
	if (n == count)
		e.offset += ct_entry_span(&e);
	place_at(c, n, e.offset >= c->header.base && e.offset <= end ? e.offset : end);
	return 0;
}

/* Without a page (a log that nobody writes) the directory is asked from 0 on. */
uint32_t ct_cursor_first(const struct ct_cursor *c)
{
	const struct ct_page *page = c->source.page;

	return page ? atomic_load_explicit(&page->first, memory_order_acquire) : 0;
}

/* ---- what is there ---- */

/* seq_cst on both sides: the writer stores memory[] and then overwrites bytes, we read bytes and
 * then memory[]. With anything less the processor might show us new bytes under the old number. */
bool ct_cursor_stale(const struct ct_cursor *c)
{
	const struct ct_page *page = c->source.page;

	if (!page)
		return false;
	/* What was read came before this look. */
	atomic_thread_fence(memory_order_seq_cst);
	if (!(c->header.flags & CT_SEGMENT_MEMORY))
		return c->header.base < atomic_load(&page->oldest);
	return atomic_load(&page->memory[0]) != c->segment.number + 1 &&
	       atomic_load(&page->memory[1]) != c->segment.number + 1;
}

/* Is this the segment that is still written? */
static bool is_last(const struct ct_cursor *c)
{
	const struct ct_page *page = c->source.page;

	return page &&
	       c->segment.number >= atomic_load_explicit(&page->last, memory_order_acquire);
}

/* Find out where a segment ends that is not written any more. The header has been written once more
 * when the segment was finished; if the monitor was killed before, ct_segment_tail() finds the end
 * by the entries. torn: the last of them was not whole. */
static int complete(struct ct_cursor *c, struct ct_err *err)
{
	struct ct_segment_tail tail;
	struct ct_index_header h;
	int r;

	if (c->limit)
		return 0;
	if (ct_segment_header(c->segment.index, &h) == 0 && h.segment == c->segment.number)
		c->header = h;
	r = ct_segment_tail(&c->segment, &c->header, &tail);
	if ((r < 0 || (c->header.flags & CT_SEGMENT_MEMORY)) && ct_cursor_stale(c))
		return -ESTALE;
	if (r == -EBADMSG)
		return fail_segment(c, c->segment.number, err);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot read the log");
	c->limit = c->header.end = tail.end;
	c->header.entries = (uint32_t)tail.entries;
	c->torn = c->torn || tail.torn;
	return 0;
}

/* Where the segment that we are in ends for now. */
int ct_cursor_reach(struct ct_cursor *c, uint64_t *ret_end, struct ct_err *err)
{
	const struct ct_page *page = c->source.page;
	int r;

	if (!c->limit && page) {
		/* In this order: when the segment is the last one, all of this is in it. */
		uint64_t end = atomic_load_explicit(&page->committed, memory_order_acquire);

		if (is_last(c)) {
			*ret_end = end;
			return 0;
		}
	}
	r = complete(c, err);
	if (r == 0)
		*ret_end = c->limit;
	return r;
}

/* One word has the number of the segment and of its entries, so that both are of one moment. */
int ct_cursor_entries(struct ct_cursor *c, uint64_t *ret_count, struct ct_err *err)
{
	const struct ct_page *page = c->source.page;
	int r;

	if (!c->limit && is_last(c)) {
		uint64_t word = atomic_load_explicit(&page->entries, memory_order_acquire);

		if (word >> 32 == c->segment.number) {
			*ret_count = (uint32_t)word;
			return 0;
		}
	}
	r = complete(c, err);
	if (r == 0)
		*ret_count = c->header.entries;
	return r;
}

/* -ENOENT also for one that was read while its memory was used again: what was read is then
 * anything. */
int ct_cursor_entry(const struct ct_cursor *c, uint64_t n, struct ct_index_entry *ret_entry)
{
	struct ct_index_entry e = { 0 };

	if (ct_segment_entry(&c->segment, n, &e) < 0 || ct_cursor_stale(c))
		return -ENOENT;
	*ret_entry = e;
	return 0;
}

/* The first of count entries for which offset or time is at least a key. */
static uint64_t search(const struct ct_cursor *c, uint64_t count, bool by_time, uint64_t key)
{
	uint64_t low = 0, high = count;

	while (low < high) {
		uint64_t middle = low + (high - low) / 2;
		struct ct_index_entry e = { 0 };

		if (ct_segment_entry(&c->segment, middle, &e) < 0)
			return count;
		if ((by_time ? e.time : e.offset) < key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

uint64_t ct_cursor_find(const struct ct_cursor *c, uint64_t count, uint64_t offset)
{
	return search(c, count, false, offset);
}

uint64_t ct_cursor_find_time(const struct ct_cursor *c, uint64_t count, uint64_t time)
{
	return search(c, count, true, time);
}

/* ---- to the next one ---- */

/* The writer is gone and has taken the rest with it, or somebody has deleted it. What is missing up
 * to the end is counted, and the cursor stands at the end as if it had read it. */
static int lose_rest(struct ct_cursor *c)
{
	const struct ct_page *page = c->source.page;
	uint64_t end = atomic_load_explicit(&page->committed, memory_order_acquire);
	uint64_t payload = atomic_load_explicit(&page->payload, memory_order_relaxed);

	if (end <= c->offset)
		return 0;
	if (c->placed && payload > c->payload)
		c->missed += payload - c->payload;
	c->offset = end;
	c->payload = payload;
	c->rest = 0;
	c->placed = true;
	return 0;
}

static int fail_damaged(const struct ct_cursor *c, struct ct_err *err)
{
	return ct_fail(err, EBADMSG, "damaged record at offset %llu of the log",
		       (unsigned long long)c->offset);
}

/* Does the frame stand in the log that an entry tells of? Header and entry say the same, stream and
 * size: only then is what lies between believed. */
static bool is_frame_there(const struct ct_cursor *c, const struct ct_index_entry *e)
{
	uint8_t h[CT_FRAME_HEADER];
	uint32_t size;
	int stream;

	if (!ct_entry_is_frame(e) || e->offset < c->header.base)
		return false;
	if (ct_pread_all(c->segment.data, h, sizeof(h), (off_t)(e->offset - c->header.base)) !=
	    (ssize_t)sizeof(h))
		return false;
	return ct_frame_decode(h, &stream, &size) == 0 && (uint32_t)stream == e->kind &&
	       size == e->value;
}

/* Tell of damage and go to the first good frame from entry n on, at or behind an offset. One error
 * for each damaged place: reading goes on behind it at the next call. */
static int damaged(struct ct_cursor *c, uint64_t n, uint64_t offset, struct ct_err *err)
{
	uint64_t count = 0, end = 0;
	struct ct_err ignored = { 0 };
	int r = fail_damaged(c, err);

	if (ct_cursor_entries(c, &count, &ignored) < 0 || ct_cursor_reach(c, &end, &ignored) < 0)
		count = 0;
	for (; n < count; n++) {
		struct ct_index_entry e = { 0 };

		if (ct_segment_entry(&c->segment, n, &e) < 0)
			break;
		if (e.offset < offset || e.offset >= end || !is_frame_there(c, &e))
			continue;
		place_at(c, n, e.offset);
		return r;
	}
	place_at(c, count, end > offset ? end : offset);
	return r;
}

int ct_cursor_damaged_entry(struct ct_cursor *c, struct ct_err *err)
{
	return damaged(c, c->entry + 1, c->offset, err);
}

/* In a segment that was reached by reading on. A base behind our offset is a gap, counted in bytes
 * of payload; one before it is damage. */
static int land(struct ct_cursor *c, struct ct_err *err)
{
	const struct ct_index_header *h = &c->header;

	if (c->placed && h->base < c->offset) {
		/* It tells of offsets that were there before: not doubled, but passed over. */
		uint64_t count = 0;
		int r = ct_cursor_entries(c, &count, err);

		c->rest = 0;
		if (r == -ESTALE)
			return 1;
		return r < 0 ? r : damaged(c, ct_cursor_find(c, count, c->offset), c->offset, err);
	}
	if (c->placed && h->base > c->offset && h->payload > c->payload)
		c->missed += h->payload - c->payload;
	c->followed = c->placed;
	c->offset = h->base;
	c->payload = h->payload;
	c->entry = 0;
	c->rest = 0;
	c->placed = true;
	return 1;
}

/* The last segment has no next one: 0, and the cursor waits. */
int ct_cursor_advance(struct ct_cursor *c, struct ct_err *err)
{
	bool first = c->segment.data < 0;
	int r;

	if (!first && is_last(c))
		return 0;
	r = ct_cursor_enter(c, first ? c->wanted : c->segment.number + 1, err);
	if (r == -ENOENT)
		return c->source.page ? lose_rest(c) : 0;
	return r < 0 ? r : land(c, err);
}

/* ---- when something is not there ---- */

static bool same_file(const struct stat *a, int fd)
{
	struct stat b;

	return fstat(fd, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

/*
 *   gone                         lose_rest(), or the next that is there: land()
 *   the same number, other file  read again from there
 *   the same file                damaged
 */
int ct_cursor_recover(struct ct_cursor *c, struct ct_err *err)
{
	uint32_t number = c->segment.number;
	uint64_t base = c->header.base, count = 0;
	struct stat was;
	int r;

	if (fstat(c->segment.data, &was) < 0)
		return ct_fail_errno(err, errno, "cannot read the log");
	r = ct_cursor_enter(c, number, err);
	if (r == -ENOENT && c->source.page)
		return lose_rest(c);
	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0 && (c->segment.number != number || c->header.base != base))
		return land(c, err);
	/* The same segment elsewhere: it was in memory and is a file now. */
	if (r == 0 && !same_file(&was, c->segment.data))
		return 1;
	r = ct_cursor_entries(c, &count, err);
	if (r < 0)
		return r == -ESTALE ? 1 : r;
	return damaged(c, ct_cursor_find(c, count, c->offset + 1), c->offset + 1, err);
}
