/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the stream log: append a frame to the segment, then its entry to the index, then publish
 * the new end on the commit page, then wake whoever reads.
 *
 * Runs in the monitor. Nothing is allocated and nothing fails: what the disk does not take goes to
 * memory, and back to disk as soon as that takes it. The monitor never reads the page back.
 *
 * Waking costs more the more readers sleep, so it is paced: the first commit after a quiet time
 * wakes at once, after that nothing is woken sooner than 50 times what the last one has cost, and
 * what was held back is due then (ct_log_wake_due).
 *
 *   data      frame, frame, frame ...          log.N     the bytes, each frame with a header
 *   index     head, entry, entry ...           index.N   where each frame is, when it came; notes
 *   page      committed, entries, first, last, oldest    shared memory, written here, read by all
 *
 * The order is data, index, page, wake-up. A reader that sees committed may read everything below
 * it; one that is killed, or a writer that is, leaves at most a frame without an entry, which is
 * cut back.
 */
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include <cattach/proc.h>

#include "log_writer.h"

#define WAKE_PACE	50
#define WAKE_MAX	50000000ull	/* ns: nobody waits longer for a wake-up */

/* ---- waking ---- */

/* Processor time, not wall time: whoever is woken may run at once, in our place. */
static uint64_t spent(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* An eventfd that is watched edge-triggered: each write is an edge for every reader, whatever its
 * value. */
static void wake(struct ct_log_writer *w)
{
	uint64_t one = 1, before = spent(), hold;

	w->wake_held = false;
	/* The counter is never read: edges are what counts, and full means that it is readable. */
	if (write(w->wake_fd, &one, sizeof(one)) < 0)
		return;
	hold = WAKE_PACE * (spent() - before);
	w->wake_at = ct_now_monotonic() + (hold < WAKE_MAX ? hold : WAKE_MAX);
}

/* What is held back is due at wake_at: ct_log_wake_due() has the loop come back for it. */
static void wake_paced(struct ct_log_writer *w, uint64_t now)
{
	if (now < w->wake_at)
		w->wake_held = true;
	else
		wake(w);
}

/* ---- publishing ---- */

/* Searching by time needs times that never go back, and the clock may be set. */
uint64_t ct_log_time(const struct ct_log_writer *w)
{
	uint64_t now = ct_now_real();

	return now > w->time ? now : w->time;
}

/* For a segment in memory and one on disk alike; whoever calls puts the header where it belongs. */
void ct_log_begin(struct ct_log_writer *w, uint32_t number, uint32_t flags)
{
	w->time = ct_log_time(w);
	w->head = (struct ct_index_header){
		.magic = CT_INDEX_MAGIC, .version = 1, .segment = number, .base = w->end,
		.run = w->run, .payload = w->payload, .time = w->time, .flags = flags,
	};
	w->entries = w->notes = 0;
	w->next = number + 1;
}

/* Number and count in one word, so that a reader never has the count of another segment. */
static uint64_t entries_word(const struct ct_log_writer *w)
{
	return (uint64_t)w->head.segment << 32 | w->entries;
}

/* last goes last: from then on readers look into the segment. */
void ct_log_begun(struct ct_log_writer *w)
{
	ct_log_publish_reach(w);
	atomic_store_explicit(&w->page->entries, entries_word(w), memory_order_release);
	atomic_store_explicit(&w->page->last, w->head.segment, memory_order_release);
}

/* payload relaxed, committed release: whoever has read committed has at least that payload. */
void ct_log_count(struct ct_log_writer *w, const struct ct_index_entry *entry)
{
	w->time = entry->time;
	w->entries++;
	if (ct_entry_is_frame(entry)) {
		w->end += CT_FRAME_HEADER + entry->value;
		w->payload += entry->value;
		atomic_store_explicit(&w->page->payload, w->payload, memory_order_relaxed);
		atomic_store_explicit(&w->page->committed, w->end, memory_order_release);
	} else {
		w->notes++;
	}
	atomic_store_explicit(&w->page->entries, entries_word(w), memory_order_release);
}

static bool is_written(const struct ct_log_writer *w)
{
	return w->slot >= 0 || w->data >= 0;
}

/* oldest is the least offset of all that can be read, by name, in memory or by a descriptor that
 * was handed out; first the least number that can be opened. */
void ct_log_publish_reach(struct ct_log_writer *w)
{
	uint32_t first = is_written(w) ? w->head.segment : UINT32_MAX;
	uint64_t oldest = w->end;

	for (int i = 0; i < 2; i++) {
		const struct ct_index_header *h = w->memory[i].header;

		if (w->memory[i].used && h->segment < first)
			first = h->segment;
		if (w->memory[i].used && h->base < oldest)
			oldest = h->base;
	}
	if (w->listed_count && w->listed[0].number < first)
		first = w->listed[0].number;
	if (w->listed_count && w->listed[0].base < oldest)
		oldest = w->listed[0].base;
	if (is_written(w) && w->head.base < oldest)
		oldest = w->head.base;
	for (size_t i = 0; i < w->kept_count; i++)
		if (w->kept[i].info.base < oldest)
			oldest = w->kept[i].info.base;
	/* What was called gone once stays so. */
	if (oldest > atomic_load_explicit(&w->page->oldest, memory_order_relaxed))
		atomic_store_explicit(&w->page->oldest, oldest, memory_order_release);
	if (first != UINT32_MAX)
		atomic_store_explicit(&w->page->first, first, memory_order_release);
}

/* ---- choosing the segment ---- */

static void begin_memory(struct ct_log_writer *w, uint64_t now)
{
	w->tried_at = now;
	w->warnings |= CT_WARN_DISK;
	ct_log_memory_begin(w);
}

/* The next segment: a file, or memory where none can be made. */
static void begin_next(struct ct_log_writer *w, uint64_t now)
{
	if (ct_log_file_begin(w) < 0)
		begin_memory(w, now);
}

/* Try to be on disk again. The wait doubles, so that a disk that stays full is not asked at each
 * frame. */
static void try_disk(struct ct_log_writer *w, uint64_t now)
{
	w->tried_at = now;
	w->retry_wait = w->retry_wait * 2 < LOG_RETRY_IDLE ? w->retry_wait * 2 : LOG_RETRY_IDLE;
	if (ct_log_memory_save(w) == 0)
		begin_next(w, now);
}

/* A look at the names once a second: a log that was deleted is gone to its readers, and what is
 * written to it would be, too. Full is when the next frame does not fit, so no frame is in two
 * segments. */
static void settle_file(struct ct_log_writer *w, size_t size, uint64_t now)
{
	uint64_t used = w->end - w->head.base;

	if (now >= w->look_at) {
		w->look_at = now + LOG_LOOK_EVERY;
		w->retry_wait = LOG_RETRY_MIN;
		if (!ct_log_file_there(w)) {
			w->warnings |= CT_WARN_DELETED;
			ct_log_file_end(w, false);
			begin_next(w, now);
			return;
		}
	}
	if ((used && used + size > w->max_size) ||
	    (uint64_t)ct_entry_place(w->entries + 1) > w->index_size) {
		ct_log_file_end(w, true);
		begin_next(w, now);
	}
}

/* While something is written; the wait of an idle monitor grows on (LOG_RETRY_IDLE). */
static uint64_t retry_wait(const struct ct_log_writer *w)
{
	return w->retry_wait < LOG_RETRY_MAX ? w->retry_wait : LOG_RETRY_MAX;
}

/* Before an entry and a frame of so many bytes: where are they to go? */
static void settle(struct ct_log_writer *w, size_t size, uint64_t now)
{
	if (w->slot < 0)
		settle_file(w, size, now);
	else if (!w->memory_only && now - w->tried_at >= retry_wait(w))
		try_disk(w, now);
	if (w->slot < 0)
		ct_log_file_room(w, w->end - w->head.base + size);
	else if (!ct_log_memory_fits(w, size))
		ct_log_memory_begin(w);
}

/* A frame that the disk has refused goes into memory, in a segment of its own: settle() is not
 * asked again, because it would try the disk. */
static void put(struct ct_log_writer *w, const void *frame, size_t size,
		struct ct_index_entry *entry, uint64_t now)
{
	settle(w, size, now);
	entry->offset = w->end;
	entry->time = ct_log_time(w);
	if (ct_entry_is_frame(entry))
		entry->flags = w->notes;
	if (w->slot < 0 && ct_log_file_append(w, frame, size, entry) == 0)
		return;
	if (w->slot < 0) {
		ct_log_file_end(w, false);
		begin_memory(w, now);
		if (ct_entry_is_frame(entry))
			entry->flags = w->notes;
		entry->time = ct_log_time(w);
	}
	ct_log_memory_append(w, frame, size, entry);
}

/* frame has room for its header before the data, so that both go in one write. */
void ct_log_append(struct ct_log_writer *writer, int stream, uint8_t *frame, size_t size)
{
	struct ct_index_entry entry = { .value = size, .kind = (uint32_t)stream };
	uint64_t now = ct_now_monotonic();

	ct_frame_encode(frame, stream, (uint32_t)size);
	put(writer, frame, CT_FRAME_HEADER + size, &entry, now);
	/* Before those are woken who read the file. */
	if (writer->driver)
		ct_log_driver_pump(writer, now);
	wake_paced(writer, now);
}

/* An entry without a frame: the beginning and end of a run, a gap. */
void ct_log_note(struct ct_log_writer *writer, enum ct_entry_kind kind, uint64_t value,
		 uint32_t flags)
{
	struct ct_index_entry entry = { .value = value, .kind = kind, .flags = flags };
	uint64_t now = ct_now_monotonic();

	put(writer, NULL, 0, &entry, now);
	wake_paced(writer, now);
}

/* What memory holds is put on disk now or is lost: nobody has it when the monitor is gone. */
void ct_log_end_run(struct ct_log_writer *writer, const struct ct_exit *status)
{
	struct ct_log_writer *w = writer;

	if (w->over)
		return;
	w->over = true;
	ct_log_note(w, CT_NOTE_END, (uint64_t)ct_exit_code(status), 0);
	if (w->slot < 0)
		ct_log_file_seal(w);
	else if (!w->memory_only && ct_log_memory_save(w) < 0)
		ct_log_lose(w, ct_log_memory_unsaved(w));
	if (w->driver)
		ct_log_driver_end(w, ct_now_monotonic());
}

/* state last, with release: a reader that sees EXITED sees the code and all of the log. */
void ct_log_publish(struct ct_log_writer *writer, enum ct_page_state state,
		    const struct ct_exit *status)
{
	struct ct_page *page = writer->page;

	if (state == CT_PAGE_EXITED)
		ct_log_end_run(writer, status);
	if (status) {
		atomic_store_explicit(&page->exit_signaled, status->signaled,
				      memory_order_relaxed);
		atomic_store_explicit(&page->exit_value, (uint32_t)status->value,
				      memory_order_relaxed);
	}
	atomic_store_explicit(&page->state, state, memory_order_release);
	wake(writer);
}

/* ---- what is due later ---- */

static bool waits_for_disk(const struct ct_log_writer *w)
{
	return w->slot >= 0 && !w->memory_only;
}

/* For the status, which the monitor rewrites when this changes. */
void ct_log_state(const struct ct_log_writer *writer, struct ct_log_state *ret_state)
{
	const struct ct_log_writer *w = writer;
	struct ct_log_state state = { .lost = w->lost, .warnings = w->warnings };

	if (waits_for_disk(w)) {
		state.unsaved = w->owed + (w->over ? w->payload - w->disk_payload : 0);
		state.warnings |= CT_WARN_MEMORY;
	}
	if (w->driver)
		ct_log_driver_state(w, &state);
	*ret_state = state;
}

/* Once the run is over the record says what no file has, and the next run has the directory, while
 * this writer may still serve readers: what it put there would be doubled, or take the next one's
 * names. */
static bool tries_disk(const struct ct_log_writer *w)
{
	return waits_for_disk(w) && !w->over;
}

/* For the monitor's one timer: nanoseconds, -1 nothing. */
int64_t ct_log_wake_due(const struct ct_log_writer *writer)
{
	uint64_t now, due = UINT64_MAX;

	if (writer->wake_held)
		due = writer->wake_at;
	if (tries_disk(writer) && writer->tried_at + writer->retry_wait < due)
		due = writer->tried_at + writer->retry_wait;
	if (ct_log_driver_due(writer) < due)
		due = ct_log_driver_due(writer);
	if (due == UINT64_MAX)
		return -1;
	now = ct_now_monotonic();
	return due > now ? (int64_t)(due - now) : 0;
}

void ct_log_wake_now(struct ct_log_writer *writer)
{
	uint64_t now;

	if (!writer->wake_held && !tries_disk(writer) && ct_log_driver_due(writer) == UINT64_MAX)
		return;
	now = ct_now_monotonic();
	if (now >= ct_log_driver_due(writer))
		ct_log_driver_pump(writer, now);
	if (writer->wake_held && now >= writer->wake_at)
		wake(writer);
	if (tries_disk(writer) && now - writer->tried_at >= writer->retry_wait)
		try_disk(writer, now);
}
