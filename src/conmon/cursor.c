/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the stream log: a position that follows what the monitor has committed. A cursor never
 * makes the writer wait, reads with pread(2) from the page cache, and never goes beyond what the
 * commit page says.
 *
 * Runs in the CLI. What may fail: a damaged log, which is named with its offset.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/streamlog.h>

int ct_cursor_open(int page, int log, struct ct_cursor *ret_cursor, struct ct_err *err)
{
	struct ct_cursor c = CT_CURSOR_INIT;
	void *map = mmap(NULL, CT_PAGE_SIZE, PROT_READ, MAP_SHARED, page, 0);

	if (map == MAP_FAILED)
		return ct_fail_errno(err, errno, "cannot map the commit page");
	c.page = map;
	if (c.page->magic != CT_PAGE_MAGIC || c.page->version != 1) {
		ct_cursor_close(&c);
		return ct_fail(err, EBADMSG, "this is no commit page of a version known here");
	}
	/* All reads are at an offset of our own, so sharing the description does no harm. */
	c.file = fcntl(log, F_DUPFD_CLOEXEC, 3);
	if (c.file < 0) {
		int code = errno;

		ct_cursor_close(&c);
		return ct_fail_errno(err, code, "cannot take the log");
	}
	*ret_cursor = c;
	return 0;
}

void ct_cursor_close(struct ct_cursor *cursor)
{
	if (cursor->page)
		munmap((void *)cursor->page, CT_PAGE_SIZE);
	cursor->page = NULL;
	ct_drop_fd(&cursor->file);
}

static int fail_damaged(const struct ct_cursor *c, struct ct_err *err)
{
	return ct_fail(err, EBADMSG, "damaged record in the log at offset %llu",
		       (unsigned long long)c->offset);
}

static ssize_t read_at(const struct ct_cursor *c, void *buf, size_t size)
{
	ssize_t n;

	do
		n = pread(c->file, buf, size, (off_t)c->offset);
	while (n < 0 && errno == EINTR);
	return n;
}

/* Go on to the next frame: 1, or 0 when there is none yet. */
static int next_frame(struct ct_cursor *c, uint64_t committed, struct ct_err *err)
{
	uint8_t h[CT_FRAME_HEADER];
	uint32_t length;

	if (committed - c->offset < CT_FRAME_HEADER)
		return committed == c->offset ? 0 : fail_damaged(c, err);
	if (read_at(c, h, sizeof(h)) != (ssize_t)sizeof(h))
		return fail_damaged(c, err);
	length = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 | (uint32_t)h[6] << 8 | h[7];
	if ((h[0] != CT_STREAM_STDOUT && h[0] != CT_STREAM_STDERR) || length == 0 ||
	    length > CT_FRAME_MAX || length > committed - c->offset - CT_FRAME_HEADER)
		return fail_damaged(c, err);
	c->offset += CT_FRAME_HEADER;
	c->stream = h[0];
	c->rest = length;
	return 1;
}

/* What stands before the damage is given first; the next call meets the damage again. */
static ssize_t give_first(size_t done, int r, struct ct_err *err)
{
	if (!done)
		return r;
	*err = (struct ct_err){ 0 };
	return (ssize_t)done;
}

ssize_t ct_cursor_read(struct ct_cursor *cursor, void *buf, size_t size, int *ret_stream,
		       struct ct_err *err)
{
	uint64_t committed = atomic_load_explicit(&cursor->page->committed, memory_order_acquire);
	size_t done = 0;

	while (done < size) {
		size_t want = size - done;
		ssize_t n;

		if (cursor->rest == 0) {
			int stream = cursor->stream;
			int r = next_frame(cursor, committed, err);

			if (r < 0)
				return give_first(done, r, err);
			if (r == 0)
				break;
			/* One stream at a time: the other one's bytes wait for the next call. */
			if (done && cursor->stream != stream)
				break;
		}
		want = want < cursor->rest ? want : cursor->rest;
		*ret_stream = cursor->stream;
		n = read_at(cursor, (char *)buf + done, want);
		if (n <= 0)
			return give_first(done, fail_damaged(cursor, err), err);
		cursor->offset += (uint64_t)n;
		cursor->rest -= (uint32_t)n;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

bool ct_cursor_ended(const struct ct_cursor *cursor, struct ct_exit *ret_status)
{
	const struct ct_page *page = cursor->page;

	if (atomic_load_explicit(&page->state, memory_order_acquire) != CT_PAGE_EXITED)
		return false;
	if (atomic_load_explicit(&page->committed, memory_order_acquire) != cursor->offset)
		return false;
	ret_status->signaled = atomic_load_explicit(&page->exit_signaled, memory_order_relaxed);
	ret_status->core = false;
	ret_status->value = (int)atomic_load_explicit(&page->exit_value, memory_order_relaxed);
	return true;
}
