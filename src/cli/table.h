/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text in columns.
 */
#ifndef CATTACH_CLI_TABLE_H
#define CATTACH_CLI_TABLE_H

#include <cattach/buf.h>
#include <cattach/err.h>

/**
 * ct_table_render - line up lines whose cells are separated by tabs
 * @lines: any number of lines, each ended by a newline
 * @buf:   receives the same lines, with every cell but the last of its line filled up to the width
 *         of its column: the widest cell and three blanks, at least ten
 * @err:   ENOMEM
 *
 * Widths are counted in characters, not bytes; wide (CJK) characters and combining marks count as
 * a terminal shows them.
 */
int ct_table_render(const char *lines, struct ct_buf *buf, struct ct_err *err);

/* Columns that a text takes on a terminal. */
size_t ct_text_width(const char *text, size_t length);

#endif
