/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the stream log: append a frame to the file, then publish the new length on the commit
 * page, then wake whoever reads.
 *
 * Made in the CLI before the monitor is forked (the mapping is inherited), used in the monitor
 * only. Appending allocates nothing. The page is sealed after it was mapped for writing: from then
 * on nobody, the monitor included, can map it for writing again (memfd_create(2), F_SEAL_*).
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/streamlog.h>

static int make_page(struct ct_log_writer *w, struct ct_err *err)
{
	int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

	w->page_fd = memfd_create("cattach-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (w->page_fd < 0 || ftruncate(w->page_fd, CT_PAGE_SIZE) < 0)
		return ct_fail_errno(err, errno, "cannot make the commit page");
	w->page = mmap(NULL, CT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->page_fd, 0);
	if (w->page == MAP_FAILED) {
		w->page = NULL;
		return ct_fail_errno(err, errno, "cannot map the commit page");
	}
	w->page->magic = CT_PAGE_MAGIC;
	w->page->version = 1;
	if (fcntl(w->page_fd, F_ADD_SEALS, seals) < 0)
		return ct_fail_errno(err, errno, "cannot seal the commit page");
	return 0;
}

int ct_log_create(int dir, struct ct_log_writer *ret_writer, struct ct_err *err)
{
	struct ct_log_writer w = { .page_fd = -1, .wake = -1, .file = -1 };
	int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
	int r = make_page(&w, err);

	if (r == 0) {
		w.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (w.wake < 0)
			r = ct_fail_errno(err, errno, "cannot make an eventfd");
	}
	if (r == 0) {
		w.file = openat(dir, "log.0", flags, 0600);
		if (w.file < 0)
			r = ct_fail_errno(err, errno, "cannot make the log");
	}
	if (r < 0) {
		ct_log_writer_close(&w);
		return r;
	}
	*ret_writer = w;
	return 0;
}

void ct_log_writer_close(struct ct_log_writer *writer)
{
	if (writer->page)
		munmap(writer->page, CT_PAGE_SIZE);
	writer->page = NULL;
	ct_drop_fd(&writer->page_fd);
	ct_drop_fd(&writer->wake);
	ct_drop_fd(&writer->file);
}

static void wake(const struct ct_log_writer *w)
{
	uint64_t one = 1;

	/* The counter is never read: edges are what counts, and full means that it is readable. */
	if (write(w->wake, &one, sizeof(one)) < 0)
		return;
}

/* A torn frame gives its room back; readers never saw it, and need not find it after a crash. */
static void cut_back(const struct ct_log_writer *writer)
{
	if (ftruncate(writer->file, (off_t)writer->offset) < 0)
		return;
}

int ct_log_append(struct ct_log_writer *writer, int stream, uint8_t *frame, size_t size)
{
	size_t whole = CT_FRAME_HEADER + size, done = 0;

	memset(frame, 0, CT_FRAME_HEADER);
	frame[0] = (uint8_t)stream;
	frame[4] = (uint8_t)(size >> 24);
	frame[5] = (uint8_t)(size >> 16);
	frame[6] = (uint8_t)(size >> 8);
	frame[7] = (uint8_t)size;
	/* At the place, not at the end: what a failure left there is written over by the next try. */
	while (done < whole) {
		ssize_t n = pwrite(writer->file, frame + done, whole - done,
				   (off_t)(writer->offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int code = n < 0 ? errno : ENOSPC;

			if (done)
				cut_back(writer);
			return -code;
		}
		done += (size_t)n;
	}
	writer->offset += whole;
	atomic_store_explicit(&writer->page->committed, writer->offset, memory_order_release);
	wake(writer);
	return 0;
}

void ct_log_publish(struct ct_log_writer *writer, enum ct_page_state state,
		    const struct ct_exit *status)
{
	struct ct_page *page = writer->page;

	if (status) {
		atomic_store_explicit(&page->exit_signaled, status->signaled,
				      memory_order_relaxed);
		atomic_store_explicit(&page->exit_value, (uint32_t)status->value,
				      memory_order_relaxed);
	}
	atomic_store_explicit(&page->state, state, memory_order_release);
	wake(writer);
}
