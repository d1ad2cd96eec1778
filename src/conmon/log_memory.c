/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of the stream log in memory: two pairs of memfds, made at the start and backed as they
 * are filled. They stand in when the disk takes no more, and are all there is with log driver
 * "none". When both are full the older one is used again: what it held is lost, and is counted.
 * When the disk takes something again, what they hold is put there first, so that a disk that was
 * full for a moment has cost nothing.
 *
 * Runs in the monitor (made before its payload runs). Written through mappings, which cannot fail;
 * the memfds are sealed, so that readers can hold but not change them. What may fail: the start,
 * under a limit on file sizes that leaves no room for a frame.
 *
 *   slot 0: segment 7     slot 1: segment 8     8 is full: 9 goes to slot 0, and 7 is lost
 *   the disk takes again: 7 and 8 become files log.7 and log.8, in this order, and 9 begins on disk
 *
 * Entry 0 of a segment in memory is kept for a gap before it: when the segment before it is lost,
 * its value is set, and the file that it becomes tells of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "log_writer.h"

/* ---- made, given back ---- */

/* F_SEAL_FUTURE_WRITE leaves our own mapping writable, and no other ever made: it has to be there
 * before the seal, memfd_create(2), fcntl(2). */
static void *make_memfd(const char *name, size_t size, int *ret_fd)
{
	int seals = F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int ct_autofd fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *map;

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return NULL;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return NULL;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0) {
		munmap(map, size);
		return NULL;
	}
	*ret_fd = ct_take_fd(&fd);
	return map;
}

/* Where nobody else is to read it: memory as any other, which can be given back. */
static void *make_part(const struct ct_log_writer *w, const char *name, size_t size, int *ret_fd)
{
	void *map;

	if (!w->alone)
		return make_memfd(name, size, ret_fd);
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		   -1, 0);
	if (map == MAP_FAILED)
		return NULL;
	/* No more of it at once than is written to. */
	if (madvise(map, size, MADV_NOHUGEPAGE) < 0)
		errno = 0;
	return map;
}

static size_t index_bytes(const struct ct_log_writer *w)
{
	return (size_t)ct_entry_place(w->memory_entries);
}

/* A limit on file sizes holds for memfds too. RLIMIT_FSIZE would be a SIGXFSZ, or EFBIG, in the
 * middle of the payload's output. */
static int fit_limit(struct ct_log_writer *w, struct ct_err *err)
{
	struct rlimit limit = { RLIM_INFINITY, RLIM_INFINITY };
	uint64_t most = LOG_MEMORY_SIZE;

	if (!w->alone && getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < most)
		most = limit.rlim_cur & ~(uint64_t)(CT_PAGE_SIZE - 1);
	if (most < LOG_MEMORY_MIN) {
		ct_fail(err, EFBIG,
			"the limit on file sizes leaves no room for the log: %llu bytes",
			(unsigned long long)limit.rlim_cur);
		return ct_hint(err, "ulimit -f %u, or more", LOG_MEMORY_MIN / 1024);
	}
	w->memory_size = (uint32_t)most;
	w->memory_entries = ((most < LOG_MEMORY_INDEX ? (uint32_t)most : LOG_MEMORY_INDEX) -
			     (uint32_t)sizeof(struct ct_index_header)) / (uint32_t)CT_ENTRY_SIZE;
	if (limit.rlim_cur != RLIM_INFINITY && w->max_size > limit.rlim_cur)
		w->max_size = limit.rlim_cur;
	w->index_size = w->max_size + CT_PAGE_SIZE;
	/* Entries are counted in 32 bits, and so are the next few, beforehand. */
	if (w->index_size > (uint64_t)ct_entry_place(UINT32_MAX - 8))
		w->index_size = (uint64_t)ct_entry_place(UINT32_MAX - 8);
	if (limit.rlim_cur != RLIM_INFINITY && w->index_size > limit.rlim_cur)
		w->index_size = limit.rlim_cur;
	return 0;
}

/* Before the monitor confines itself: it can make none later. */
int ct_log_memory_open(struct ct_log_writer *w, struct ct_err *err)
{
	int r = fit_limit(w, err);

	for (int i = 0; i < 2 && r == 0; i++) {
		struct log_memory *m = &w->memory[i];

		m->bytes = make_part(w, "cattach-log", w->memory_size, &m->data);
		m->header = NULL;
		if (m->bytes)
			m->header = make_part(w, "cattach-index", index_bytes(w), &m->index);
		if (!m->header)
			r = ct_fail_errno(err, errno, "cannot make the log's memory");
	}
	return r;
}

void ct_log_memory_close(struct ct_log_writer *w)
{
	for (int i = 0; i < 2; i++) {
		struct log_memory *m = &w->memory[i];

		if (m->bytes)
			munmap(m->bytes, w->memory_size);
		if (m->header)
			munmap(m->header, index_bytes(w));
		ct_drop_fd(&m->data);
		ct_drop_fd(&m->index);
	}
}

/* ---- written ---- */

/* Behind the header in the same memfd, as in an index file. */
static struct ct_index_entry *entries_of(const struct log_memory *m)
{
	return (struct ct_index_entry *)(m->header + 1);
}

/* Both have a bound: bytes, and frames, of which a payload may write many small ones. */
bool ct_log_memory_fits(const struct ct_log_writer *w, size_t size)
{
	return w->end - w->head.base + size <= w->memory_size && w->entries < w->memory_entries;
}

/* What is written becomes visible by the page's "committed", which the caller sets afterwards with
 * release order. */
void ct_log_memory_append(struct ct_log_writer *w, const void *frame, size_t size,
			  const struct ct_index_entry *entry)
{
	struct log_memory *m = &w->memory[w->slot];

	if (size)
		memcpy(m->bytes + (w->end - w->head.base), frame, size);
	entries_of(m)[w->entries] = *entry;
	ct_log_count(w, entry);
}

/* The segment that is written is complete. */
static void leave(struct ct_log_writer *w)
{
	struct log_memory *m = &w->memory[w->slot];

	m->end = m->header->end = w->end;
	m->header->entries = w->entries;
	m->payload = w->payload;
}

void ct_log_lose(struct ct_log_writer *w, uint64_t bytes)
{
	w->lost += bytes;
	atomic_store_explicit(&w->page->lost, w->lost, memory_order_relaxed);
}

/*
 * What this pair holds is lost, unless it has become a file since. The segment behind it, if there
 * is one, has kept room for a note about the gap before it; with log driver "none" it is no gap: to
 * forget what is old is what was asked for.
 */
static void lose(struct ct_log_writer *w, int slot)
{
	struct log_memory *m = &w->memory[slot], *other = &w->memory[!slot];

	if (!m->used)
		return;
	if (w->dropping)
		w->dropping(w->dropping_arg, m->header->base, m->bytes,
			    (size_t)(m->end - m->header->base));
	m->used = false;
	if (w->memory_only)
		return;
	ct_log_lose(w, m->payload - m->header->payload);
	if (other->used)
		entries_of(other)[0].value = other->header->payload - w->disk_payload;
}

static int choose(const struct ct_log_writer *w)
{
	const struct log_memory *m = w->memory;

	if (w->slot >= 0)
		return !w->slot;
	if (m[0].used != m[1].used)
		return m[0].used;
	/* Both free: the older one, so that readers have the most time with the younger. */
	return m[0].header->segment > m[1].header->segment;
}

/* The order is what readers rely on: the page first, then the fence, then the bytes. */
void ct_log_memory_begin(struct ct_log_writer *w)
{
	int slot = choose(w);
	struct log_memory *m = &w->memory[slot];
	struct ct_index_entry gap = { .kind = CT_NOTE_GAP };

	if (w->slot >= 0)
		leave(w);
	lose(w, slot);
	ct_log_begin(w, w->next, CT_SEGMENT_MEMORY);
	w->slot = slot;
	/* Readers must find out before anything is overwritten: they look here after each read. */
	ct_log_publish_reach(w);
	atomic_store(&w->page->memory[slot], w->head.segment + 1);
	atomic_thread_fence(memory_order_seq_cst);
	/* Nobody is to see old entries, where anybody sees them. */
	if (!w->alone)
		memset(m->header + 1, 0, m->header->entries * CT_ENTRY_SIZE);
	*m->header = w->head;
	m->used = true;
	if (!w->memory_only) {
		gap.time = w->time;
		gap.offset = w->end;
		ct_log_memory_append(w, NULL, 0, &gap);
	}
	ct_log_begun(w);
}

/* ---- put on disk ---- */

/* The active one is saved as far as it is filled, and left: what comes next begins a segment on
 * disk. */
static int save(struct ct_log_writer *w, int slot)
{
	struct log_memory *m = &w->memory[slot];
	struct ct_index_header header = *m->header;
	int r;

	if (slot == w->slot) {
		header.end = w->end;
		header.entries = w->entries;
		m->payload = w->payload;
	}
	header.flags = 0;
	/* Nothing but the room for a note about a gap: not worth a file. */
	r = header.entries > 1 ? ct_log_file_copy(w, m, &header) : 0;
	if (r < 0)
		return r;
	if (slot == w->slot) {
		leave(w);
		w->slot = -1;
	}
	m->used = false;
	w->disk_payload = m->payload;
	ct_log_publish_reach(w);
	return 0;
}

/* The older one first: files must appear in the order of their numbers, for readers take the next
 * one that is there to be the next one. */
int ct_log_memory_save(struct ct_log_writer *w)
{
	const struct log_memory *m = w->memory;
	bool second_first = !m[0].used ||
			    (m[1].used && m[1].header->segment < m[0].header->segment);

	for (int i = 0; i < 2; i++) {
		int slot = i ? !second_first : second_first;
		int r = m[slot].used ? save(w, slot) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

/* For the record at the end of a run: what a full disk has cost. */
uint64_t ct_log_memory_unsaved(const struct ct_log_writer *w)
{
	uint64_t bytes = 0;

	for (int i = 0; i < 2; i++) {
		const struct log_memory *m = &w->memory[i];
		uint64_t end = i == w->slot ? w->payload : m->payload;

		if (m->used)
			bytes += end - m->header->payload;
	}
	return bytes;
}

/* ---- read, in this process ---- */

/* For the front of another program's monitor, which has no reader but itself. */
size_t ct_log_at(const struct ct_log_writer *writer, uint64_t offset, const uint8_t **ret_bytes)
{
	for (int i = 0; i < 2; i++) {
		const struct log_memory *m = &writer->memory[i];
		uint64_t end = i == writer->slot ? writer->end : m->end;

		if (!m->used || offset < m->header->base || offset >= end)
			continue;
		*ret_bytes = m->bytes + (offset - m->header->base);
		return (size_t)(end - offset);
	}
	return 0;
}

void ct_log_on_drop(struct ct_log_writer *writer, ct_log_dropping *dropping, void *arg)
{
	writer->dropping = dropping;
	writer->dropping_arg = arg;
}

size_t ct_log_memory(const struct ct_log_writer *writer)
{
	return writer->memory_size;
}

/* All of a mapping but its first page, if that is to stay, and the one in which what is used ends:
 * also what the segment before has left behind that. */
static void forget(void *map, bool first, size_t used, size_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), from = first ? page : 0;
	size_t end = used / page * page, rest = end + page;
	uint8_t *bytes = map;

	if (end > from && madvise(bytes + from, end - from, MADV_DONTNEED) < 0)
		errno = 0;
	if (size > rest && madvise(bytes + rest, size - rest, MADV_DONTNEED) < 0)
		errno = 0;
}

/* Pages are given back to the kernel when nobody reads and all is in the file: an idle monitor is
 * to be small. */
void ct_log_forget(struct ct_log_writer *writer)
{
	const struct ct_log_writer *w = writer;

	if (!w->alone || !ct_log_driver_is_done(w))
		return;
	for (int i = 0; i < 2; i++) {
		const struct log_memory *m = &w->memory[i];
		uint64_t end = i == w->slot ? w->end : m->end;
		uint32_t entries = i == w->slot ? w->entries : m->header->entries;

		if (!m->used)
			continue;
		forget(m->bytes, false, (size_t)(end - m->header->base), w->memory_size);
		forget(m->header, true, (size_t)ct_entry_place(entries), index_bytes(w));
	}
}
