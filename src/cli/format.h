/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What --format means, for every verb that has it: "json", a template, or "table TEMPLATE".
 */
#ifndef CATTACH_CLI_FORMAT_H
#define CATTACH_CLI_FORMAT_H

#include <stdbool.h>

#include "template.h"

struct ct_format {
	bool json, table;
	const struct ct_template *template;	/* NULL with json */
};

/**
 * ct_format_parse - understand the value of --format
 * @text: as given
 * @rows: the verb prints rows: "table" and \t, \n are understood
 * @err:  of ct_template_parse(), with "--format" before the place
 */
int ct_format_parse(struct ct_arena *arena, const char *text, bool rows, struct ct_format *ret,
		    struct ct_err *err);

/* Append one row or object, and a newline. */
int ct_format_row(const struct ct_format *format, struct ct_values *values,
		  const struct ct_json *row, struct ct_buf *buf, struct ct_err *err);

/* Print the rows: lined up when the format is a table. */
int ct_format_print(const struct ct_format *format, const struct ct_buf *rows, struct ct_err *err);

#endif
