/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a stream log that are made while they are read, out of what somebody else keeps:
 * files of log drivers (log_files.c), the journal (log_journal.c).
 */
#ifndef CATTACH_CONMON_SEGMENT_MAKER_H
#define CATTACH_CONMON_SEGMENT_MAKER_H

#include <cattach/buf.h>

#include "segment.h"

#define SEGMENT_MAKER_SPAN	40	/* bits of offsets that a segment has for itself */

/* Between begin and end; zeros before. */
struct segment_maker {
	struct ct_segment segment;
	struct ct_index_header head;
	uint64_t end, time;
	uint32_t notes;
	struct ct_index_entry last;	/* a frame that may become longer; value 0: none */
	size_t last_at;			/* where its header is in frames */
	struct ct_buf frames, entries;	/* not written yet */
	int failed;			/* 0 or -errno: nothing is added any more */
};

/* Where a segment begins that nothing stands right before. */
static inline uint64_t ct_segment_maker_base(uint32_t number)
{
	/* Above zero, which says that a segment has no end. */
	return ((uint64_t)number + 1) << SEGMENT_MAKER_SPAN;
}

/* Segment number: 0 or -errno. End it in any case. */
int ct_segment_maker_begin(struct segment_maker *m, uint32_t number);
/* The same behind one that has ended there, with this time. */
int ct_segment_maker_go_on(struct segment_maker *m, uint32_t number, uint64_t base, uint64_t time);

/*
 * Bytes of a stream, as many frames as it takes; what has one time is one frame, as it was when the
 * payload wrote it. Clocks are set back: times never go back here.
 */
void ct_segment_maker_bytes(struct segment_maker *m, int stream, uint64_t time, const uint8_t *data,
			    size_t size);
/* So many bytes are missing here. */
void ct_segment_maker_gap(struct segment_maker *m, uint64_t time, uint64_t lost);

/* All is in it, unless it failed with r: 0, or -errno and there is no segment. */
int ct_segment_maker_end(struct segment_maker *m, int r, struct ct_segment *ret_segment);

#endif
