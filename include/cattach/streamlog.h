/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream log: the append-only record of what a session wrote, and the page that says how far
 * it reaches. One writer (the monitor), any number of cursors, none of which the writer waits for.
 *
 * A frame is the Docker Engine API's 8-byte header {stream, 0, 0, 0, length big-endian} and the
 * bytes. The commit page is a memfd that only the writer can write: it mapped it before sealing.
 */
#ifndef CATTACH_STREAMLOG_H
#define CATTACH_STREAMLOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>
#include <cattach/proc.h>

#define CT_FRAME_HEADER	8
#define CT_FRAME_MAX	65536		/* bytes of payload in one frame */
#define CT_STREAM_STDOUT 1
#define CT_STREAM_STDERR 2

enum ct_page_state {
	CT_PAGE_STARTING,
	CT_PAGE_RUNNING,
	CT_PAGE_EXITED,			/* exit_* are valid, committed will not grow */
};

/* What the commit page holds. Fields are published in the order: log, committed, exit, state. */
struct ct_page {
	uint32_t magic, version;
	_Atomic uint64_t committed;	/* bytes of the log that are whole frames */
	_Atomic uint32_t state;		/* enum ct_page_state */
	_Atomic uint32_t exit_signaled;
	_Atomic uint32_t exit_value;
};

#define CT_PAGE_SIZE	4096
#define CT_PAGE_MAGIC	0x63743031u	/* "ct01" */

/* ---- writer ---- */

struct ct_log_writer {
	struct ct_page *page;		/* mapped for writing */
	int page_fd, wake, file;
	uint64_t offset;		/* end of the last whole frame */
};

/**
 * ct_log_create - a new stream log in a session's directory
 * @dir: the session's directory ("main"); gets the file log.0
 * @ret_writer: close with ct_log_writer_close()
 */
int ct_log_create(int dir, struct ct_log_writer *ret_writer, struct ct_err *err);
void ct_log_writer_close(struct ct_log_writer *writer);

/**
 * ct_log_append - append one frame and publish it
 * @frame: CT_FRAME_HEADER bytes of room, filled here, then the payload's bytes
 * @size:  of the payload, 1...CT_FRAME_MAX
 *
 * Return: 0; -errno when the file takes no more (ENOSPC, EDQUOT, EIO): then nothing of the frame is
 * in the log and the caller still has the bytes.
 */
int ct_log_append(struct ct_log_writer *writer, int stream, uint8_t *frame, size_t size);

/* Publish a change of state; EXITED carries the exit status. Always wakes the readers. */
void ct_log_publish(struct ct_log_writer *writer, enum ct_page_state state,
		    const struct ct_exit *status);

/* ---- reader ---- */

struct ct_cursor {
	const struct ct_page *page;	/* mapped read-only */
	int file;
	uint64_t offset;		/* of the next frame, or inside one that was read in part */
	uint32_t rest;			/* bytes of the current frame that are still to come */
	int stream;			/* of the current frame */
};

#define CT_CURSOR_INIT { .file = -1 }

/**
 * ct_cursor_open - a cursor at the beginning of a log
 * @page: descriptor of the commit page
 * @log:  descriptor of the log, open for reading; both stay the caller's and may be closed after
 */
int ct_cursor_open(int page, int log, struct ct_cursor *ret_cursor, struct ct_err *err);
void ct_cursor_close(struct ct_cursor *cursor);

/**
 * ct_cursor_read - the next bytes of one stream
 * @buf, @size: filled with bytes of one stream, of one or several frames in a row
 * @ret_stream: CT_STREAM_STDOUT or CT_STREAM_STDERR
 * @err: EBADMSG "damaged record at offset N"
 *
 * Return: bytes, 0 when there is nothing more for now, negative error.
 */
ssize_t ct_cursor_read(struct ct_cursor *cursor, void *buf, size_t size, int *ret_stream,
		       struct ct_err *err);

/* Has the session ended and has this cursor read everything? Then *ret_status is its exit. */
bool ct_cursor_ended(const struct ct_cursor *cursor, struct ct_exit *ret_status);

#endif
