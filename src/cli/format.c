/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --format, see format.h. Runs in the command's own process; fails on templates that do not parse
 * or that name fields which do not exist.
 *
 *    json              each row as one JSON object
 *    TEMPLATE          each row through the template, as docker and podman have it
 *    table TEMPLATE    the same, with titles before and columns as wide as they have to be
 */
#include "format.h"

#include <string.h>

#include "cli.h"
#include "table.h"

int ct_format_parse(struct ct_arena *arena, const char *text, bool rows, struct ct_format *ret,
		    struct ct_err *err)
{
	struct ct_format format = { .json = !strcmp(text, "json") };
	size_t start = 0;

	/* "tables" is a template of six letters; "table{{.ID}}" is one of a table, docker takes it
	 * without the blank. Only where there are rows: inspect prints "table" as the text that it
	 * is. */
	if (rows && !strncmp(text, "table", 5) && (!text[5] || text[5] == ' ' || text[5] == '\t' ||
						   !strncmp(text + 5, "{{", 2))) {
		format.table = true;
		start = 5 + strspn(text + 5, " ");
	}
	if (!format.json && ct_template_parse(arena, text, start, rows, &format.template, err) < 0)
		return ct_wrap(err, "--format");
	*ret = format;
	return 0;
}

/* A newline behind each row, also behind an empty one: scripts count lines. */
int ct_format_row(const struct ct_format *format, struct ct_values *values,
		  const struct ct_json *row, struct ct_buf *buf, struct ct_err *err)
{
	int r;

	if (format->json)
		r = ct_value_write(row, false, buf, err);
	else
		r = ct_template_run(format->template, values, row, buf, err);
	if (r < 0)
		return format->json ? r : ct_wrap(err, "--format");
	ct_buf_putc(buf, '\n');
	return 0;
}

/* A table can be printed only when its last row is known, so all rows are collected, whatever the
 * form. */
int ct_format_print(const struct ct_format *format, const struct ct_buf *rows, struct ct_err *err)
{
	struct ct_buf ct_autobuf table = {0};

	if (!format->table)
		return ct_print(rows, err);
	if (rows->failed)
		return ct_fail_nomem(err);
	if (ct_table_render(ct_buf_text(rows), &table, err) < 0)
		return -err->code;
	return ct_print(&table, err);
}
