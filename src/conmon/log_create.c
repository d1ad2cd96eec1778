/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a writer of the stream log: the commit page, the eventfd, the memory segments, and the
 * first segment of the run, behind what earlier runs have left.
 *
 * Runs in the monitor before its payload runs (prepare.c, adopt.c); nothing is allocated later.
 * The page is sealed after it was mapped for writing: from then on nobody, the monitor included,
 * can map it for writing again (memfd_create(2), F_SEAL_*). What may fail: memory and descriptors.
 * A directory that takes nothing is no failure, for the log then begins in memory.
 *
 *   mapping of struct ct_log_writer          all that the writer knows, zero pages until used
 *   page (memfd, one page), wake (eventfd)   given to every client
 *   two pairs of memfds                      log_memory.c
 *   the directory                            kept open: its name does not matter any more
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>
#include <cattach/proc.h>

#include "log_writer.h"

#define MAX_SIZE	(64u << 20)
#define MAX_FILES	4

/* F_SEAL_FUTURE_WRITE (Linux 5.1): our own mapping stays writable, all later ones are read-only,
 * also those of clients that get the descriptor. GROW and SHRINK: nobody can have a reader die of
 * SIGBUS. */
static int make_page(struct ct_log_writer *w, bool tty, struct ct_err *err)
{
	int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	void *map;

	w->page_fd = memfd_create("cattach-page", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (w->page_fd < 0 || ftruncate(w->page_fd, CT_PAGE_SIZE) < 0)
		return ct_fail_errno(err, errno, "cannot make the commit page");
	map = mmap(NULL, CT_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, w->page_fd, 0);
	if (map == MAP_FAILED)
		return ct_fail_errno(err, errno, "cannot map the commit page");
	w->page = map;
	w->page->magic = CT_PAGE_MAGIC;
	w->page->version = 1;
	w->page->tty = tty;
	if (fcntl(w->page_fd, F_ADD_SEALS, seals) < 0)
		return ct_fail_errno(err, errno, "cannot seal the commit page");
	return 0;
}

/* Descriptors from 3 on: 0 to 2 are going to be /dev/null or the payload's. */
static int make_parts(struct ct_log_writer *w, int dir, bool tty, struct ct_err *err)
{
	/* First of all: it looks at the limit that the page is subject to as well. */
	int r = ct_log_memory_open(w, err);

	if (r == 0)
		r = make_page(w, tty, err);
	if (r < 0)
		return r;
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->wake_fd < 0)
		return ct_fail_errno(err, errno, "cannot make an eventfd");
	w->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (w->dir < 0)
		return ct_fail_errno(err, errno, "cannot keep the log's directory");
	return 0;
}

static int check(const struct ct_log_options *o, struct ct_err *err)
{
	if (o->max_files <= CT_LOG_MAX_FILES)
		return 0;
	ct_fail(err, EINVAL, "max-file=%u: a log has at most %d files", o->max_files,
		CT_LOG_MAX_FILES);
	return ct_hint(err, "a greater max-size keeps as much in fewer files");
}

/* Not by malloc(3): the monitor unmaps what it does not need of the heap it was forked with. */
static struct ct_log_writer *new_writer(const struct ct_log_options *o)
{
	void *memory = mmap(NULL, sizeof(struct ct_log_writer), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct ct_log_writer *w = memory;

	if (memory == MAP_FAILED)
		return NULL;
	w->page_fd = w->wake_fd = w->dir = w->slot = w->data = w->index = -1;
	for (int i = 0; i < 2; i++)
		w->memory[i].data = w->memory[i].index = -1;
	w->max_size = o->max_size ? o->max_size : MAX_SIZE;
	/* Beyond a petabyte numbers only overflow. */
	if (w->max_size > 1ull << 50)
		w->max_size = 1ull << 50;
	w->max_files = o->max_files ? o->max_files : MAX_FILES;
	w->memory_only = o->memory || o->file != CT_LOG_FILE_NONE;
	w->alone = o->alone;
	w->retry_wait = LOG_RETRY_MIN;
	return w;
}

/*
 * The last run has ended on a full disk: what memory held then is gone, and so is its note of the
 * end. The gap is noted now, in a segment of that run. Where the disk still takes nothing it stays
 * owed.
 */
static void note_owed(struct ct_log_writer *w, uint64_t *owed)
{
	struct ct_index_entry gap = { .kind = CT_NOTE_GAP, .value = owed ? *owed : 0 };
	int r;

	if (!gap.value)
		return;
	/* Not one of its own segments is left: it was the first. */
	w->run = w->run ? w->run : 1;
	w->end += gap.value;
	w->payload += gap.value;
	r = ct_log_file_begin(w);
	if (r == 0) {
		gap.offset = w->end;
		gap.time = ct_log_time(w);
		r = ct_log_file_append(w, NULL, 0, &gap);
		ct_log_file_end(w, false);
	}
	if (r == 0) {
		*owed = 0;
		return;
	}
	w->owed = gap.value;
	w->end -= gap.value;
	w->payload = w->disk_payload = w->payload - gap.value;
}

/* The note of the run comes first, so that a reader knows where one ends and the next begins. */
static void begin_run(struct ct_log_writer *w, const struct ct_log_options *o)
{
	w->bound = w->max_size * w->max_files;
	/* No file tells where the last run has ended: greater offsets than it had, all the same. */
	if (w->memory_only)
		w->end = ct_now_real();
	if (!w->memory_only) {
		ct_log_take_over(w);
		note_owed(w, o->owed);
	}
	w->run++;
	atomic_store(&w->page->committed, w->end);
	atomic_store(&w->page->payload, w->payload);
	atomic_store(&w->page->begun, w->payload);
	if (w->memory_only || ct_log_file_begin(w) < 0) {
		w->tried_at = ct_now_monotonic();
		w->warnings |= w->memory_only ? 0 : CT_WARN_DISK;
		ct_log_memory_begin(w);
	}
	ct_log_note(w, CT_NOTE_RUN, w->run, o->tty ? CT_RUN_TTY : 0);
	w->serving = true;
}

int ct_log_create(int dir, const struct ct_log_options *options, struct ct_log_writer **ret_writer,
		  struct ct_err *err)
{
	int r = check(options, err);
	struct ct_log_writer *w = r < 0 ? NULL : new_writer(options);

	if (r == 0)
		r = w ? make_parts(w, dir, options->tty, err) : ct_fail_nomem(err);
	if (r == 0 && options->file != CT_LOG_FILE_NONE)
		r = ct_log_driver_open(w, options, dir, err);
	if (r < 0) {
		ct_log_free(w);
		return r;
	}
	begin_run(w, options);
	*ret_writer = w;
	return 0;
}

/* Also of one that was made in part: a mapping that was never made is NULL, a descriptor -1. */
void ct_log_free(struct ct_log_writer *writer)
{
	if (!writer)
		return;
	if (writer->page)
		munmap(writer->page, CT_PAGE_SIZE);
	ct_log_memory_close(writer);
	ct_log_driver_close(writer);
	for (size_t i = 0; i < writer->kept_count; i++) {
		close(writer->kept[i].data);
		close(writer->kept[i].index);
	}
	ct_fd_close(writer->page_fd);
	ct_fd_close(writer->wake_fd);
	ct_fd_close(writer->dir);
	ct_fd_close(writer->data);
	ct_fd_close(writer->index);
	munmap(writer, sizeof(*writer));
}

/* The monitor closes all others (ct_close_from()): one that is forgotten here is gone. */
size_t ct_log_descriptors(const struct ct_log_writer *writer, int *fds, size_t max)
{
	const int all[] = {
		writer->page_fd, writer->wake_fd, writer->dir, writer->data, writer->index,
		writer->memory[0].data, writer->memory[0].index,
		writer->memory[1].data, writer->memory[1].index,
	};
	size_t n = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]) && n < max; i++)
		if (all[i] >= 0)
			fds[n++] = all[i];
	for (size_t i = 0; i < writer->kept_count && n + 1 < max; i++) {
		fds[n++] = writer->kept[i].data;
		fds[n++] = writer->kept[i].index;
	}
	return n + ct_log_driver_descriptors(writer, fds + n, max - n);
}

int ct_log_page(const struct ct_log_writer *writer)
{
	return writer->page_fd;
}

int ct_log_wake_fd(const struct ct_log_writer *writer)
{
	return writer->wake_fd;
}
