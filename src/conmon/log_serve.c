/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of the stream log for readers: descriptors on request, and how far behind one may be
 * that is waited for.
 *
 * Runs in the monitor. Readers only ever get new descriptors, and use pread(2) only, so none of
 * them can disturb another or the writer. What may fail: there are no descriptors left.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "log_writer.h"

/* Where the segment with the least number that is at least "number" can be had. */
struct found {
	uint32_t number;
	uint64_t base;
	int data, index;		/* borrowed; -1: by name */
};

/* The lowest number that is not below the wanted one. */
static void consider(struct found *best, uint32_t number, const struct found *candidate)
{
	if (candidate->number >= number && candidate->number < best->number)
		*best = *candidate;
}

/* In every place where a segment may be: by name, kept without one, in memory, or just being
 * written. */
static struct found find(const struct ct_log_writer *w, uint32_t number)
{
	struct found best = { .number = UINT32_MAX, .data = -1, .index = -1 };

	for (size_t i = 0; i < w->listed_count; i++)
		consider(&best, number, &(struct found){ w->listed[i].number, w->listed[i].base,
							 -1, -1 });
	for (size_t i = 0; i < w->kept_count; i++)
		consider(&best, number, &(struct found){ w->kept[i].info.number,
							 w->kept[i].info.base, w->kept[i].data,
							 w->kept[i].index });
	for (int i = 0; i < 2; i++) {
		const struct log_memory *m = &w->memory[i];

		if (m->used)
			consider(&best, number, &(struct found){ m->header->segment,
								 m->header->base, m->data,
								 m->index });
	}
	if (w->data >= 0)
		consider(&best, number, &(struct found){ w->head.segment, w->head.base, w->data,
							 w->index });
	return best;
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* By name where it has one, which is for reading only; else a duplicate of ours. A descriptor that
 * was opened anew is for reading only, ours is not; and its file offset is its own, though readers
 * do not use it. */
static int open_found(const struct ct_log_writer *w, const struct found *f,
		      struct ct_segment *ret_segment)
{
	struct ct_index_header header;
	int r = ct_segment_open_at(w->dir, f->number, O_RDONLY, ret_segment);

	if (r == 0 && f->data < 0) {
		if (ct_segment_header(ret_segment->index, &header) == 0 && header.base == f->base)
			return 0;
		ct_segment_close(ret_segment);
		return -ENOENT;
	}
	if (f->data < 0)
		return r == -EMFILE || r == -ENFILE || r == -ENOMEM ? r : -ENOENT;
	if (r == 0) {
		if (same_file(ret_segment->data, f->data) &&
		    same_file(ret_segment->index, f->index))
			return 0;
		ct_segment_close(ret_segment);
	}
	ret_segment->data = fcntl(f->data, F_DUPFD_CLOEXEC, 3);
	ret_segment->index = fcntl(f->index, F_DUPFD_CLOEXEC, 3);
	if (ret_segment->data >= 0 && ret_segment->index >= 0)
		return 0;
	r = -errno;
	ct_segment_close(ret_segment);
	return r;
}

/* -ENOENT: there is none any more, and the reader waits for the next. */
int ct_log_segment(const struct ct_log_writer *writer, uint32_t number,
		   struct ct_segment *ret_segment)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	int r;

	for (;;) {
		struct found f = find(writer, number);

		if (f.number == UINT32_MAX)
			return -ENOENT;
		r = open_found(writer, &f, &s);
		s.number = f.number;
		s.base = f.base;
		if (r != -ENOENT)
			break;
		/* Somebody has deleted it: what is behind it is the next that exists. */
		number = f.number + 1;
	}
	if (r == 0)
		*ret_segment = s;
	return r;
}

/* The run is over and the next one may begin in the same directory, and drop segments by name: what
 * readers have not asked for yet is opened now. */
void ct_log_hold(struct ct_log_writer *writer)
{
	for (size_t i = 0; i < writer->listed_count; i++) {
		const struct log_listed *info = &writer->listed[i];
		struct found f = { info->number, info->base, -1, -1 };
		struct ct_segment s = CT_SEGMENT_INIT;

		if (open_found(writer, &f, &s) < 0)
			continue;
		writer->kept[writer->kept_count++] = (struct log_kept){ *info, s.data, s.index };
	}
	writer->listed_count = 0;
	writer->listed_cost = 0;
	writer->held = true;
}

uint64_t ct_log_end(const struct ct_log_writer *writer)
{
	return writer->end;
}

#define FRAMES_AHEAD	(4 * (CT_FRAME_HEADER + CT_FRAME_MAX))

/* The oldest segments, in the order in which they go: kept, listed, then the one that is
 * written. */
static struct log_listed nth_oldest(const struct ct_log_writer *w, size_t n)
{
	struct log_listed current = { w->head.segment, w->head.base, w->end - w->head.base };

	if (n < w->kept_count)
		return w->kept[n].info;
	n -= w->kept_count;
	if (n < w->listed_count)
		return w->listed[n];
	current.cost = current.cost < w->max_size ? w->max_size : current.cost;
	return current;
}

/* Which will be the oldest when four more frames have been appended? Those frames may complete the
 * segment that is written and begin another; then some of those that have names lose them, and some
 * of those that have lost them are dropped. The numbers are those of nth_oldest(). Worked out and
 * not tried, as it is asked for each time that a slow client is to be judged. */
static size_t oldest_then(const struct ct_log_writer *w)
{
	uint64_t used = w->end - w->head.base, named = w->listed_cost, unnamed = w->kept_cost;
	bool near = used + FRAMES_AHEAD > w->max_size ||
		    (uint64_t)ct_entry_place(w->entries + 8) > w->index_size;
	size_t n = w->kept_count, last = n + w->listed_count, first = 0;

	if (near)
		named += nth_oldest(w, last).cost;
	last += near;
	used = near ? FRAMES_AHEAD : used + FRAMES_AHEAD;
	for (; n < last && named + used > w->bound; n++) {
		named -= nth_oldest(w, n).cost;
		unnamed += nth_oldest(w, n).cost;
	}
	for (; n - first > LOG_KEPT_MAX || (unnamed > w->bound && n - first > 1); first++)
		unnamed -= nth_oldest(w, first).cost;
	return first;
}

/* How far behind a reader may be that will lose nothing by the next four frames. */
static uint64_t safe_distance(const struct ct_log_writer *w)
{
	size_t oldest;

	if (w->slot < 0) {
		oldest = oldest_then(w);
		return oldest ? w->end - nth_oldest(w, oldest).base : UINT64_MAX;
	}
	/* A memory segment is dropped when the other one is full. */
	if (w->memory[!w->slot].used && (!ct_log_memory_fits(w, FRAMES_AHEAD) ||
					 w->entries + 8 > w->memory_entries))
		return w->end - w->head.base;
	return UINT64_MAX;
}

/* How far a client that blocks the payload may be behind, in bytes of the log: beyond it segments
 * would be lost to it. */
uint64_t ct_log_bound(const struct ct_log_writer *writer)
{
	uint64_t most = writer->memory_only ? writer->memory_size :
			writer->max_size * (writer->max_files > 1 ? writer->max_files - 1 : 1);
	uint64_t safe = safe_distance(writer);

	/* Never so little that a reader who is at the end would be called slow. */
	if (safe < FRAMES_AHEAD)
		safe = FRAMES_AHEAD;
	return safe < most ? safe : most;
}
