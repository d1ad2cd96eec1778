/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding a place in the stream log: by time, by run, the end, the oldest byte. First the segment,
 * by what the headers of the segments say, then the entry, both by halving: no more is read of a
 * log of many gigabytes than of a small one.
 *
 * Runs in readers. Segments may be dropped while one searches; then the search ends at the oldest
 * that is left, as it would have had it begun a moment later. Damaged segments are passed over here
 * and told of when reading comes to them.
 *
 * Headers have the time of the segment's beginning and its run, both growing with the number, so
 * enter_below() halves between the first and the last. Numbers may be missing (dropped, damaged):
 * ct_cursor_probe() then comes to the next one, and what counts is the number that it came to.
 */
#include <errno.h>
#include <stdatomic.h>

#include "cursor.h"

/* A new place: what was true of the old one is not any more. */
static void leave(struct ct_cursor *c)
{
	c->skip[0] = c->skip[1] = 0;
	c->missed = 0;
	c->rest = 0;
	c->torn = false;
}

int ct_cursor_seek_oldest(struct ct_cursor *c, struct ct_err *err)
{
	uint32_t first = ct_cursor_first(c);
	int r;

	leave(c);
	r = ct_cursor_enter(c, first, err);
	if (r == 0) {
		ct_cursor_place_first(c);
		return 0;
	}
	if (r != -ENOENT && r != -EBADMSG)
		return r;
	/* None yet, or a damaged one: reading will find out. */
	*err = (struct ct_err){ 0 };
	ct_segment_close(&c->segment);
	c->wanted = first;
	c->offset = c->payload = 0;
	c->placed = c->followed = false;
	return 0;
}

/*
 * Without the page there is no saying which is the last one: steps that double, then halve.
 *   grow     first, +1, +2, +4 ...   until there is none
 *   shrink   half the step, from the last one that was there
 */
static int enter_last(struct ct_cursor *c, struct ct_err *err)
{
	const struct ct_page *page = c->source.page;
	uint32_t step = 1;
	bool grow = true;
	int r;

	if (page) {
		r = ct_cursor_go(c, atomic_load_explicit(&page->last, memory_order_acquire), err);
		if (r != -ENOENT && r != -EBADMSG)
			return r;
		*err = (struct ct_err){ 0 };
	}
	r = ct_cursor_probe(c, ct_cursor_first(c), err);
	while (r == 0) {
		uint32_t number = c->segment.number;

		if (step < UINT32_MAX - 1 - number)
			r = ct_cursor_probe(c, number + step, err);
		else
			r = -ENOENT;
		if (r == 0 && grow) {
			step = step < UINT32_MAX / 2 ? step * 2 : step;
		} else if (r == -ENOENT) {
			grow = false;
			/* A probe that found damaged ones only has left the segment. */
			r = ct_cursor_probe(c, number, err);
			if (step == 1)
				return r;
			step /= 2;
		}
	}
	return r;
}

/* The greatest segment below number, by halving: numbers may be missing anywhere. */
int ct_cursor_enter_before(struct ct_cursor *c, uint32_t number, struct ct_err *err)
{
	uint32_t low, high = number - 1;
	int r;

	/* What has lost its name is there for who is at it already, not to be found. */
	if (number <= ct_cursor_first(c))
		return -ENOENT;
	r = ct_cursor_probe(c, high, err);
	if (r < 0 || c->segment.number < number)
		return r;
	/* That one does not exist: the greatest that does, between the first and it. */
	r = ct_cursor_probe(c, ct_cursor_first(c), err);
	if (r < 0 || c->segment.number >= number)
		return r < 0 ? r : -ENOENT;
	low = c->segment.number;
	while (low < high) {
		uint32_t middle = low + (high - low + 1) / 2;

		r = ct_cursor_probe(c, middle, err);
		if (r < 0)
			return r;
		if (c->segment.number < number)
			low = c->segment.number;
		else
			high = middle - 1;
	}
	return ct_cursor_probe(c, low, err);
}

/* ---- by what the headers say ---- */

enum key { KEY_TIME, KEY_RUN };

static bool is_below(const struct ct_cursor *c, enum key key, uint64_t value)
{
	return (key == KEY_TIME ? c->header.time : c->header.run) < value;
}

/* Into the last segment that is below a value: 1; or, where none is, into the first: 0. */
static int enter_below(struct ct_cursor *c, enum key key, uint64_t value, struct ct_err *err)
{
	uint32_t low, high;
	int r = enter_last(c, err);

	if (r < 0 || is_below(c, key, value))
		return r < 0 ? r : 1;
	high = c->segment.number;
	r = ct_cursor_probe(c, ct_cursor_first(c), err);
	if (r < 0 || !is_below(c, key, value))
		return r;
	low = c->segment.number;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		r = ct_cursor_probe(c, middle, err);
		if (r < 0)
			return r;
		if (c->segment.number < high && is_below(c, key, value))
			low = c->segment.number;
		else
			high = middle;
	}
	r = ct_cursor_probe(c, low, err);
	return r < 0 ? r : 1;
}

static int seek_end(struct ct_cursor *c, struct ct_err *err)
{
	int r = enter_last(c, err);

	return r < 0 ? r : ct_cursor_place(c, UINT64_MAX, err);
}

/* To the first entry at or after the time: entries of one segment are sorted by it, too. */
static int seek_time(struct ct_cursor *c, uint64_t time, struct ct_err *err)
{
	uint64_t count, n;
	uint32_t number;
	int r = enter_below(c, KEY_TIME, time, err);

	if (r < 0)
		return r;
	if (r == 0)
		return ct_cursor_place(c, 0, err);
	r = ct_cursor_entries(c, &count, err);
	if (r < 0)
		return r;
	n = ct_cursor_find_time(c, count, time);
	if (n < count)
		return ct_cursor_place(c, n, err);
	/* All of it is older: the next one begins at or after that time, if there is one. */
	number = c->segment.number;
	r = ct_cursor_probe(c, number + 1, err);
	if (r == 0)
		return ct_cursor_place(c, 0, err);
	r = r == -ENOENT ? ct_cursor_probe(c, number, err) : r;
	return r < 0 ? r : ct_cursor_place(c, UINT64_MAX, err);
}

/* From the last segment below the run, the next one is the first of it: each run begins a
 * segment. */
static int seek_run(struct ct_cursor *c, int64_t run, struct ct_err *err)
{
	uint64_t wanted = (uint64_t)run;
	int r;

	if (run < 0) {
		r = enter_last(c, err);
		if (r < 0)
			return r;
		/* -1 is the last one. */
		if ((uint64_t)-(run + 1) >= c->header.run)
			return -ENOENT;
		wanted = c->header.run - (uint64_t)-(run + 1);
	}
	r = enter_below(c, KEY_RUN, wanted, err);
	if (r == 1)
		r = ct_cursor_probe(c, c->segment.number + 1, err);
	if (r == 0 && c->header.run != wanted)
		r = -ENOENT;
	return r < 0 ? r : ct_cursor_place(c, 0, err);
}

/* ---- the interface ---- */

/* Somebody dropped what we were searching in: what is left begins at the oldest. */
static int or_oldest(struct ct_cursor *c, int r, struct ct_err *err)
{
	return r == -ENOENT || r == -ESTALE ? ct_cursor_seek_oldest(c, err) : r;
}

int ct_cursor_seek_end(struct ct_cursor *c, struct ct_err *err)
{
	leave(c);
	return or_oldest(c, seek_end(c, err), err);
}

int ct_cursor_seek_time(struct ct_cursor *cursor, uint64_t time, struct ct_err *err)
{
	leave(cursor);
	return or_oldest(cursor, seek_time(cursor, time, err), err);
}

/* Positive from the first run on, negative from the last (-1). -ESTALE: somebody has dropped it
 * while we searched. */
int ct_cursor_seek_run(struct ct_cursor *cursor, int64_t run, struct ct_err *err)
{
	int r;

	leave(cursor);
	r = run ? seek_run(cursor, run, err) : -ENOENT;
	if (r == -ESTALE)
		return ct_cursor_seek_oldest(cursor, err);
	if (r == -ENOENT)
		return ct_fail(err, ENOENT, "there is no run %lld in the log", (long long)run);
	return r;
}
