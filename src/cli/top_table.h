/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of processes: which columns, and printing it.
 */
#ifndef CATTACH_CLI_TOP_TABLE_H
#define CATTACH_CLI_TOP_TABLE_H

#include <stddef.h>

#include <cattach/err.h>
#include <cattach/top.h>

#define CT_TOP_COLUMNS_MAX 64

struct ct_top_column;

/* Zeroed: none yet. */
struct ct_top_table {
	const struct ct_top_column *items[CT_TOP_COLUMNS_MAX];
	size_t count;
};

/* "pid,args": EINVAL with all names for one that there is not, E2BIG. */
int ct_top_table_add(struct ct_top_table *columns, const char *list, struct ct_err *err);

/* Those of "ps -ef". */
void ct_top_table_default(struct ct_top_table *columns);

int ct_top_table_print(const struct ct_top_table *columns, const struct ct_top *top,
		       struct ct_err *err);

#endif
