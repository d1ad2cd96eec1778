/* SPDX-License-Identifier: Apache-2.0 */
/* Attaching to a container whose log is in files: they come first, then what memory has besides. */
#ifndef CATTACH_CLI_ATTACH_FILES_H
#define CATTACH_CLI_ATTACH_FILES_H

#include <cattach/client.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/streamlog.h>

/* What is shown before the stream log is. */
struct ct_earlier {
	struct ct_log_files *files;	/* NULL: nothing */
	struct ct_cursor cursor;
};

#define CT_EARLIER_INIT { .cursor = CT_CURSOR_INIT }

/**
 * ct_earlier_open - the files of a log driver, from the oldest record on
 * @cursor: gets its place in memory, behind the last byte of the files; closed before
 *
 * Return: 1; 0 there are no such files, or they cannot be read, and the cursor is as it was; or
 * negative.
 */
int ct_earlier_open(struct ct_client *client, const struct ct_container *container,
		    struct ct_earlier *ret_earlier, struct ct_cursor *cursor, struct ct_err *err);

/* Bytes as by ct_cursor_read(); 0: that was all, for ever. */
ssize_t ct_earlier_read(struct ct_earlier *earlier, void *buf, size_t size, int *ret_stream,
			struct ct_err *err);

/* How many lines begin behind the files, in memory, at this place; an unfinished one counts. */
int ct_earlier_lines_behind(const struct ct_cursor *cursor, uint64_t *ret_lines,
			    struct ct_err *err);

void ct_earlier_close(struct ct_earlier *earlier);

#endif
