/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside a cursor: which segment it is in, and how it gets from one to the next. Shared by
 * cursor.c (bytes), cursor_next.c (entries), cursor_seek.c and cursor_lines.c (places), all on top
 * of cursor_segment.c.
 */
#ifndef CATTACH_CONMON_CURSOR_H
#define CATTACH_CONMON_CURSOR_H

#include "segment.h"

/* Go to segment number or the next there is: 0; -ENOENT none (err not filled); negative. Damage is
 * told once: the next one is wanted then. The place in the segment is for the caller to set. */
int ct_cursor_enter(struct ct_cursor *c, uint32_t number, struct ct_err *err);

/* The same, without asking for a segment again in which we are. */
int ct_cursor_go(struct ct_cursor *c, uint32_t number, struct ct_err *err);

/* The same, passing over segments that are damaged. */
int ct_cursor_probe(struct ct_cursor *c, uint32_t number, struct ct_err *err);

/* Stand at the beginning of the segment, or before entry n of it: 0, or as below. */
void ct_cursor_place_first(struct ct_cursor *c);
int ct_cursor_place(struct ct_cursor *c, uint64_t n, struct ct_err *err);

/* Up to where the segment can be read, and how many of its entries: 0 or negative; -ESTALE (err not
 * filled) when it was taken away, for ct_cursor_recover(). */
int ct_cursor_reach(struct ct_cursor *c, uint64_t *ret_end, struct ct_err *err);
int ct_cursor_entries(struct ct_cursor *c, uint64_t *ret_count, struct ct_err *err);

/* Has what was just read been taken away meanwhile? */
bool ct_cursor_stale(const struct ct_cursor *c);

/* Entry n of the segment: 0, -ENOENT when it cannot be read (any more). */
int ct_cursor_entry(const struct ct_cursor *c, uint64_t n, struct ct_index_entry *ret_entry);

/* The first of count entries at or behind an offset, or at or after a time; count: none. */
uint64_t ct_cursor_find(const struct ct_cursor *c, uint64_t count, uint64_t offset);
uint64_t ct_cursor_find_time(const struct ct_cursor *c, uint64_t count, uint64_t time);

/* To the next segment: 1; 0 there is none (yet); negative. */
int ct_cursor_advance(struct ct_cursor *c, struct ct_err *err);

/* What should stand at the cursor does not. It may be elsewhere by now, or gone: then 1 and the
 * cursor stands where it can be read on, or 0, nothing is left. Else it is damaged: -EBADMSG, and
 * the cursor stands behind the damage. */
int ct_cursor_recover(struct ct_cursor *c, struct ct_err *err);

/* The same where an entry of the index is damaged, the cursor's next. */
int ct_cursor_damaged_entry(struct ct_cursor *c, struct ct_err *err);

/* Number of the first segment there may be. */
uint32_t ct_cursor_first(const struct ct_cursor *c);

/* cursor_seek.c: to the end as it is now; into the segment before another one: -ENOENT none. */
int ct_cursor_seek_end(struct ct_cursor *c, struct ct_err *err);
int ct_cursor_enter_before(struct ct_cursor *c, uint32_t number, struct ct_err *err);
/* To the oldest byte that is there; a log that has not begun is no failure. */
int ct_cursor_seek_oldest(struct ct_cursor *c, struct ct_err *err);

#endif
