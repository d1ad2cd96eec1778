/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the tests of the stream log: a writer with a source and a page beside it, and a model of what
 * was written that is as simple as can be.
 */
#ifndef CATTACH_TESTS_LOG_FIXTURE_H
#define CATTACH_TESTS_LOG_FIXTURE_H

#include <check.h>

#include <cattach/streamlog.h>

#include "fixture.h"

#define log_check(condition) ck_quick(condition)

struct log_fixture {
	struct ct_log_writer *writer;
	const struct ct_page *page;
	struct ct_log_source source;	/* the writer's own segments, as a monitor hands them out */
	uint8_t *frame;			/* CT_FRAME_HEADER + CT_FRAME_MAX bytes */
	unsigned asked;			/* how often the source was asked for a segment */
};

/* Begin a run in a directory; options may be NULL. Fails the test when that fails. */
void log_open(struct log_fixture *f, int dir, const struct ct_log_options *options);
/* As when the monitor has ended: the writer is gone, page and source's directory stay. */
void log_close(struct log_fixture *f);
/* Publish an exit with this code. */
void log_exit(struct log_fixture *f, int code);

void log_bytes(struct log_fixture *f, int stream, const void *data, size_t size);
void log_text(struct log_fixture *f, int stream, const char *text);

/* Bytes number at... of an endless sequence in which a lost, doubled or moved byte shows: a byte is
 * a function of its place. */
void sequence_fill(void *buf, uint64_t at, size_t size);
/* The first of these bytes that is not as it should be, or size. */
size_t sequence_check(const void *buf, uint64_t at, size_t size);

/* Everything there is now, of both streams, into buf (NUL-terminated); its size. */
size_t log_read_all(struct ct_cursor *cursor, char *buf, size_t max);

/* A cursor on the fixture's log (live), or on a directory. */
void log_cursor(struct log_fixture *f, enum ct_cursor_start start, struct ct_cursor *ret_cursor);
void log_dir_cursor(int dir, enum ct_cursor_start start, struct ct_cursor *ret_cursor);

/* "log.3" and the like in the fresh directory: its size, or -1 when there is none. */
int64_t log_file_size(const char *what, uint32_t number);
unsigned log_count_files(const char *what);

/* In a child with a user and mount namespace of its own, and with a tmpfs of this size (bytes, or
 * 0: read-only after "fill" was called) in the fresh directory's "disk": run a function, fail when
 * it fails. */
void in_small_disk(const char *options, void (*run)(int dir));

#endif
