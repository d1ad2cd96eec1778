/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the file of a log driver into memory: which byte of each stream is the first that the file
 * does not have. The monitor says how many bytes of the payload it has, and how many of these it
 * holds back, of each stream, because their line has no end yet; the frames in memory say of which
 * stream each byte is.
 *
 * Runs in commands, with the caller's rights. What may fail: reading; that memory is used again in
 * the middle of it is told, for another look.
 *
 *    payload   0 .............. filed ........ now
 *    stdout    aaaa  aa   aaaa|aa               "|": the first byte that the file lacks,
 *    stderr       bb    bbb |bb                 of each stream its own: held bytes come off it
 *    first     the frame with the earlier of the two; what is before it nobody needs
 */
#include "logs_reach.h"

#include <stdatomic.h>
#include <string.h>

/* Three words, read one after the other: whether they belong together is_still() tells. */
struct ct_log_reach ct_log_reach_of(const struct ct_page *page)
{
	return (struct ct_log_reach){
		.filed = atomic_load_explicit(&page->filed, memory_order_acquire),
		.held = { atomic_load_explicit(&page->held[0], memory_order_acquire),
			  atomic_load_explicit(&page->held[1], memory_order_acquire) },
		.failing = atomic_load_explicit(&page->file_failing, memory_order_acquire),
	};
}

/* While the file takes everything, filed and payload agree whenever the monitor is between two
 * writes. When the disk is full they never do again, and filed stands still. */
bool ct_log_reach_is_still(const struct ct_page *page, const struct ct_log_reach *reach)
{
	return (reach->failing ||
		atomic_load_explicit(&page->payload, memory_order_acquire) == reach->filed) &&
	       atomic_load_explicit(&page->filed, memory_order_acquire) == reach->filed;
}

/* Where in memory the bytes of each stream are that the file does not have. */
struct place {
	uint64_t count[2];		/* bytes of each stream from the oldest one up to the reach */
	uint64_t start;			/* the payload's bytes before the oldest one */
	uint64_t first;			/* offset of the first frame with any of those bytes */
};

static size_t stream_of(const struct ct_index_entry *e)
{
	return e->kind == CT_STREAM_STDERR;
}

/* Walk the frames from the oldest up to the reach: count the bytes of each stream, or, once they
 * are counted, place the cursor's skips; ct_cursor_next() gives what it likes to frame. Twice over
 * the same frames: in the first pass the streams' bytes are counted up to the reach, in the second
 * their places are found. */
static int walk(struct ct_client *client, struct ct_cursor *c, const struct ct_log_reach *reach,
		struct place *place, bool place_it, void *frame, struct ct_err *err)
{
	struct ct_log_source source = ct_client_source(client);
	uint64_t sum[2] = { 0 }, skip[2] = { 0 }, at[2] = { 0 };
	struct ct_index_entry e;
	int r = ct_cursor_open(&source, CT_FROM_OLDEST, c, err);

	place->start = c->payload;
	while (r == 0 && c->payload < reach->filed) {
		uint64_t before = c->payload, part;
		size_t i;

		r = ct_cursor_next(c, &e, frame, err);
		if (r <= 0)
			break;
		r = 0;
		if (e.kind != CT_STREAM_STDOUT && e.kind != CT_STREAM_STDERR)
			continue;
		i = stream_of(&e);
		part = c->payload > reach->filed ? reach->filed - before : e.value;
		/* Bytes of this stream that the file has end inside this frame. */
		if (place_it && !skip[i] && sum[i] + e.value > place->count[i]) {
			skip[i] = e.offset + CT_FRAME_HEADER + (place->count[i] - sum[i]);
			at[i] = e.offset;
		}
		sum[i] += part;
	}
	for (size_t i = 0; i < 2 && place_it; i++) {
		c->skip[i] = skip[i] ? skip[i] : c->offset;
		at[i] = skip[i] ? at[i] : c->offset;
	}
	place->first = at[0] < at[1] ? at[0] : at[1];
	if (!place_it)
		memcpy(place->count, sum, sizeof(sum));
	return r < 0 ? r : 0;
}

/* Before what is shown last: where memory has what the file does not. seen: of the held ones so
 * many were shown from memory, and count as had. */
static int find_place(struct ct_client *client, const struct ct_log_reach *reach,
		      const uint32_t seen[2], void *frame, struct place *place, uint64_t skip[2],
		      struct ct_err *err)
{
	struct ct_cursor cursor = CT_CURSOR_INIT;
	int r = walk(client, &cursor, reach, place, false, frame, err);

	ct_cursor_close(&cursor);
	for (size_t i = 0; i < 2; i++) {
		uint64_t missing = reach->held[i] - seen[i];

		place->count[i] -= missing < place->count[i] ? missing : place->count[i];
	}
	if (r == 0)
		r = walk(client, &cursor, reach, place, true, frame, err);
	ct_cursor_close(&cursor);
	memcpy(skip, cursor.skip, sizeof(cursor.skip));
	return r;
}

int ct_log_reach_open(struct ct_client *client, const struct ct_log_reach *reach,
		      const uint32_t seen[2], void *frame, struct ct_cursor *ret_cursor,
		      uint64_t *ret_first, uint64_t *ret_lost, struct ct_err *err)
{
	struct ct_log_source source = ct_client_source(client);
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct place place = { 0 };
	uint64_t skip[2] = { 0 };
	int r = find_place(client, reach, seen, frame, &place, skip, err);

	if (r == 0)
		r = ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, err);
	if (r < 0)
		return r;
	/* The oldest frames were overwritten between the passes and this: 1, look again. When the
	 * oldest is beyond the reach, what is missing is lost, and told. */
	if (cursor.payload != place.start && cursor.payload <= reach->filed) {
		ct_cursor_close(&cursor);
		return 1;
	}
	*ret_first = *ret_lost = 0;
	if (cursor.payload > reach->filed) {
		*ret_lost = cursor.payload - reach->filed;
	} else {
		memcpy(cursor.skip, skip, sizeof(skip));
		*ret_first = place.first;
	}
	*ret_cursor = cursor;
	return 0;
}
