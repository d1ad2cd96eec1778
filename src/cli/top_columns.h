/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The columns of top: their names, their titles, what stands in them.
 */
#ifndef CATTACH_CLI_TOP_COLUMNS_H
#define CATTACH_CLI_TOP_COLUMNS_H

#include <stdint.h>

#include <cattach/buf.h>
#include <cattach/top.h>

/* The moment that all of a table is about. */
struct ct_top_now {
	uint64_t ticks;			/* since boot, ticks_per_second to a second */
	long ticks_per_second;
	int64_t seconds;		/* of the wall clock */
	int64_t zone;			/* seconds that local time is ahead of UTC now */
};

void ct_top_now(struct ct_top_now *ret_now);

struct ct_top_column {
	const char *name, *title;
	void (*write)(struct ct_buf *buf, const struct ct_top_process *p,
		      const struct ct_top_now *now);
};

/* docker's, closed by a NULL name; and those that have names of their own. */
extern const struct ct_top_column ct_top_default[];
extern const struct ct_top_column ct_top_columns[];

/* NULL: there is no such column. */
const struct ct_top_column *ct_top_column(const char *name, size_t length);

/* "3-02:01:00", "01:02:03"; "02:03" where short is true and there are no hours. */
void ct_top_duration(struct ct_buf *buf, uint64_t seconds, bool is_short);

#endif
