/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of processes, with columns of the caller's choice: what "cattach top" prints, and
 * "cattach oci ps" where it is asked for columns.
 *
 * Runs in the command's own process with the caller's rights; starts nothing and opens nothing.
 * Fails for columns that there are not, and when there is no memory.
 */
#include "top_table.h"

#include <errno.h>
#include <string.h>

#include "cli.h"
#include "table.h"
#include "top_columns.h"

/* All of them, since nobody remembers podman's list. */
static int fail_column(const char *name, size_t length, struct ct_err *err)
{
	struct ct_buf ct_autobuf names = { 0 };

	ct_fail(err, EINVAL, "unknown column \"%.*s\"", (int)(length < 64 ? length : 64), name);
	for (const struct ct_top_column *c = ct_top_columns; c->name; c++)
		ct_buf_printf(&names, "%s%s", c == ct_top_columns ? "" : " ", c->name);
	return ct_hint(err, "there are: %s", ct_buf_text(&names));
}

/* A comma list; "pid,,user" has an empty column, which is unknown. Nothing is printed when one is
 * wrong. */
int ct_top_table_add(struct ct_top_table *columns, const char *list, struct ct_err *err)
{
	for (;;) {
		size_t length = strcspn(list, ",");
		const struct ct_top_column *column = ct_top_column(list, length);

		if (!column)
			return fail_column(list, length, err);
		if (columns->count == CT_TOP_COLUMNS_MAX)
			return ct_fail(err, E2BIG, "more than %d columns", CT_TOP_COLUMNS_MAX);
		columns->items[columns->count++] = column;
		if (!list[length])
			return 0;
		list += length + 1;
	}
}

/* Those of "ps -ef", which docker top shows. */
void ct_top_table_default(struct ct_top_table *columns)
{
	columns->count = 0;
	for (const struct ct_top_column *c = ct_top_default; c->name; c++)
		columns->items[columns->count++] = c;
}

int ct_top_table_print(const struct ct_top_table *columns, const struct ct_top *top,
		       struct ct_err *err)
{
	struct ct_buf ct_autobuf lines = { 0 }, table = { 0 };
	struct ct_top_now now;

	/* Once: ages and shares of the processor in all rows are of one moment. */
	ct_top_now(&now);
	for (size_t i = 0; i < columns->count; i++)
		ct_buf_printf(&lines, "%s%s", i ? "\t" : "", columns->items[i]->title);
	for (size_t row = 0; row < top->count; row++)
		for (size_t i = 0; i < columns->count; i++) {
			ct_buf_putc(&lines, i ? '\t' : '\n');
			columns->items[i]->write(&lines, &top->items[row], &now);
		}
	ct_buf_putc(&lines, '\n');
	if (lines.failed)
		return ct_fail_nomem(err);
	if (ct_table_render(ct_buf_text(&lines), &table, err) < 0)
		return -err->code;
	return ct_print(&table, err);
}
