/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attaching to a container whose log driver writes files, for those who want what was written
 * before: that is in the files, of all runs that are left there, and the stream log in memory has
 * the last megabytes alone. So the files are read first, as they are at one moment at which the
 * monitor says how many bytes of the payload they have, and then memory from the very byte on that
 * they lack.
 *
 * That moment is one in which the monitor has written all that it has read: there are many of them,
 * also when much is written, but not always one right now; it is looked for some thousand times,
 * and memory is enough for who does not find one. The files and what they hold open are let go of
 * as soon as they are read.
 *
 * Runs in the CLI with the caller's rights. What may fail: memory, reading. Files that cannot be
 * opened are as if there were none.
 *
 *    file     [ run 1 ... run 2 ........ X ]        X: what the page says that the files have
 *    memory              [ ... frames .. X ....... ]
 *    shown    all of the file up to X, then memory from X on: no byte twice, none missing
 */
#include "attach_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "logs_reach.h"

#define TRIES	3000
#define NAP	20000		/* ns, every so often: the monitor may want the processor that we are on */

static uint32_t files_begun(const struct ct_client *client)
{
	return atomic_load_explicit(&client->page->files, memory_order_acquire);
}

/* 1: the files are what they were when the monitor told of them, and it has told of all. A seqlock
 * without a writer's part: read the page, open the files, read the page again. begun counts files
 * since the monitor started, so a rotation in between shows, too. */
static int open_files(struct ct_client *client, const struct ct_container *c, int dir,
		      struct ct_log_files **ret_files, struct ct_log_reach *ret_reach)
{
	const char *path = c->meta.log_path ? c->meta.log_path : CT_LOG_FILE_NAME;
	enum ct_log_file kind = ct_log_file_of(&c->meta);
	struct ct_err ignored;

	for (int i = 0; i < TRIES; i++) {
		uint32_t begun = files_begun(client);
		struct ct_log_files *files;

		*ret_reach = ct_log_reach_of(client->page);
		if (ct_log_files_open(dir, path, kind, true, &files, &ignored) < 0)
			return 0;
		if (ct_log_reach_is_still(client->page, ret_reach) &&
		    files_begun(client) == begun) {
			*ret_files = files;
			return 1;
		}
		ct_log_files_close(files);
		if (i % 8 == 7)
			nanosleep(&(struct timespec){ .tv_nsec = NAP }, NULL);
	}
	return 0;
}

/* Up to the first frame with a byte that the files lack: what is before it nobody waits for us to
 * read. The skips are set aside while the cursor moves: they say which bytes of a frame are known
 * already, and moving over frames must not use them up. */
static int advance(struct ct_cursor *cursor, uint64_t first, void *frame, struct ct_err *err)
{
	uint64_t skip[2] = { cursor->skip[0], cursor->skip[1] };
	struct ct_index_entry entry;
	int r = 1;

	cursor->skip[0] = cursor->skip[1] = 0;
	while (r > 0 && cursor->offset < first)
		r = ct_cursor_next(cursor, &entry, frame, err);
	cursor->skip[0] = skip[0];
	cursor->skip[1] = skip[1];
	return r < 0 ? r : 0;
}

/* Both halves: 1, 0 there are none, negative. Goes round when memory was overwritten while it was
 * looked through: 1 from the reach. */
static int open_both(struct ct_client *client, const struct ct_container *c, int dir, void *frame,
		     struct ct_log_files **ret_files, struct ct_cursor *ret_cursor,
		     struct ct_err *err)
{
	static const uint32_t none[2];
	struct ct_log_reach reach;
	uint64_t first, lost;
	int r;

	do {
		r = open_files(client, c, dir, ret_files, &reach);
		if (r <= 0)
			return r;
		r = ct_log_reach_open(client, &reach, none, frame, ret_cursor, &first, &lost, err);
		if (r == 0)
			r = advance(ret_cursor, first, frame, err);
		if (r != 0)
			ct_log_files_close(*ret_files);
	} while (r > 0);
	/* Of what memory has lost only this is nowhere. */
	if (r == 0)
		ret_cursor->missed = lost;
	return r < 0 ? r : 1;
}

/* cursor is replaced only when everything is open: who gets 0 goes on in memory alone, as without
 * us. */
int ct_earlier_open(struct ct_client *client, const struct ct_container *container,
		    struct ct_earlier *ret_earlier, struct ct_cursor *cursor, struct ct_err *err)
{
	int ct_autofd dir = openat(container->dir, "main",
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	ct_autofree void *frame = malloc(CT_FRAME_MAX);
	struct ct_earlier earlier = CT_EARLIER_INIT;
	struct ct_cursor memory = CT_CURSOR_INIT;
	struct ct_log_source source;
	int r;

	if (!frame)
		return ct_fail_nomem(err);
	r = dir < 0 ? 0 : open_both(client, container, dir, frame, &earlier.files, &memory, err);
	if (r <= 0)
		return r;
	source = ct_log_files_source(earlier.files);
	r = ct_cursor_open(&source, CT_FROM_OLDEST, &earlier.cursor, err);
	if (r < 0) {
		ct_cursor_close(&memory);
		ct_earlier_close(&earlier);
		return r;
	}
	ct_cursor_close(cursor);
	*cursor = memory;
	*ret_earlier = earlier;
	return 1;
}

ssize_t ct_earlier_read(struct ct_earlier *earlier, void *buf, size_t size, int *ret_stream,
			struct ct_err *err)
{
	ssize_t n;

	if (!earlier->files)
		return 0;
	n = ct_cursor_read(&earlier->cursor, buf, size, ret_stream, err);
	/* What it holds, a file that is rotated away among it, is for nobody any more. */
	if (n == 0)
		ct_earlier_close(earlier);
	return n;
}

/* For --tail: how many of the last lines are in memory, so that the rest is taken from the files.
 * Reads all of memory, some megabytes, once. */
int ct_earlier_lines_behind(const struct ct_cursor *cursor, uint64_t *ret_lines, struct ct_err *err)
{
	struct ct_cursor copy = CT_CURSOR_INIT;
	ct_autofree char *buf = malloc(CT_FRAME_MAX);
	bool open[2] = { false, false };
	uint64_t lines = 0;
	int stream;
	ssize_t n;

	if (!buf)
		return ct_fail_nomem(err);
	if (ct_cursor_open(&cursor->source, CT_FROM_OLDEST, &copy, err) < 0)
		return -err->code;
	copy.skip[0] = cursor->skip[0];
	copy.skip[1] = cursor->skip[1];
	while ((n = ct_cursor_read(&copy, buf, CT_FRAME_MAX, &stream, err)) > 0)
		for (ssize_t i = 0; i < n; i++) {
			bool *is_open = &open[stream == CT_STREAM_STDERR];

			lines += !*is_open;
			*is_open = buf[i] != '\n';
		}
	ct_cursor_close(&copy);
	*ret_lines = lines;
	return n < 0 ? -err->code : 0;
}

void ct_earlier_close(struct ct_earlier *earlier)
{
	ct_cursor_close(&earlier->cursor);
	ct_log_files_close(earlier->files);
	earlier->files = NULL;
}
