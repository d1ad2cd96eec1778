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

static void consider(struct found *best, uint32_t number, const struct found *candidate)
{
	if (candidate->number >= number && candidate->number < best->number)
		*best = *candidate;
}

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

/* By name where it has one, which is for reading only; else a duplicate of ours. */
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
		if (r == 0 || r != -ENOENT)
			break;
		/* Somebody has deleted it: what is behind it is the next that exists. */
		number = f.number + 1;
	}
	if (r == 0)
		*ret_segment = s;
	return r;
}

uint64_t ct_log_end(const struct ct_log_writer *writer)
{
	return writer->end;
}

#define FRAMES_AHEAD	(4 * (CT_FRAME_HEADER + CT_FRAME_MAX))

/*
 * The least offset that will be there when four more frames have been appended; 0 when nothing is
 * about to be dropped. A memory segment is dropped when the other one is full; a file is kept for a
 * while when it has lost its name, so only when there are such ones may those with names follow.
 */
static uint64_t safe_from(const struct ct_log_writer *w)
{
	if (w->slot >= 0 && w->memory[!w->slot].used) {
		bool near = !ct_log_memory_fits(w, FRAMES_AHEAD) ||
			    w->entries + 8 > w->memory_entries;

		return near ? w->head.base : 0;
	}
	if (w->slot >= 0 || !w->kept_count)
		return 0;
	return w->listed_count ? w->listed[0].base : w->kept[w->kept_count - 1].info.base;
}

uint64_t ct_log_bound(const struct ct_log_writer *writer)
{
	uint64_t most = writer->memory_only ? writer->memory_size :
			writer->max_size * (writer->max_files > 1 ? writer->max_files - 1 : 1);
	uint64_t safe = writer->end - safe_from(writer);
	uint64_t bound = safe < most ? safe : most;

	/* Never so little that a reader who is at the end would be called slow. */
	return bound > FRAMES_AHEAD ? bound : FRAMES_AHEAD;
}
