/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of the stream log on disk: made, appended to, completed, unlinked when the bound is
 * reached, and kept by descriptor for a while for readers that are still at them.
 *
 * Runs in the monitor (the first one is made before its payload runs). Names are only ever made
 * anew and never followed, so whoever deletes, truncates or replaces a log gets the deletion, and
 * the next segment is a new file. What may fail: everything that a disk can refuse; the caller
 * then goes on in memory. What may fail in completing and unlinking is passed over: it costs room,
 * not bytes.
 *
 *    log.7 index.7   full: sealed   log.8 index.8   full: sealed   log.9 index.9   written
 *    beyond max-size x max-file the oldest is retired: unlinked, its descriptors kept for a while
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "log_writer.h"

#define NAME_TRIES	16

/* ---- files ---- */

/* O_EXCL and O_NOFOLLOW: the directory is the user's, and another of his programs may have put
 * anything under that name. 0600, whatever the umask. */
static int make_file(const struct ct_log_writer *w, const char *what, uint32_t number)
{
	char name[CT_SEGMENT_NAME_SIZE];
	int fd;

	ct_segment_name(name, what, number);
	fd = openat(w->dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return fd < 0 ? -errno : fd;
}

static void remove_file(const struct ct_log_writer *w, const char *what, uint32_t number)
{
	char name[CT_SEGMENT_NAME_SIZE];

	ct_segment_name(name, what, number);
	/* It may be gone already, by somebody else's hand. */
	if (unlinkat(w->dir, name, 0) < 0)
		return;
}

static void remove_files(const struct ct_log_writer *w, uint32_t number)
{
	remove_file(w, "log", number);
	remove_file(w, "index", number);
}

/* Both or none: a reader takes a segment without an index for a damaged one. */
static int make_files(const struct ct_log_writer *w, uint32_t number, struct ct_segment *ret)
{
	int data = make_file(w, "log", number), index;

	if (data < 0)
		return data;
	index = make_file(w, "index", number);
	if (index < 0) {
		close(data);
		remove_file(w, "log", number);
		return index;
	}
	*ret = (struct ct_segment){ .number = number, .data = data, .index = index };
	return 0;
}

/* At its place, not at the end: what a failure left there is written over by the next try. n == 0
 * cannot be for a file, but would be an endless loop. */
static int write_at(int fd, const void *data, size_t size, off_t at)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, (const char *)data + done, size - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		done += (size_t)n;
	}
	return 0;
}

/* Half a frame at the end, after an error of writing. */
static void cut_back(int fd, off_t size)
{
	/* If not even this works, the segment's header or its index says where it ends. */
	if (ftruncate(fd, size) < 0)
		return;
}

/* ---- the segment that is written ---- */

int ct_log_file_begin(struct ct_log_writer *w)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	int r = -EEXIST;

	/* A name that is taken was put there by somebody: leave it alone. */
	for (uint32_t i = 0; i < NAME_TRIES && r == -EEXIST; i++)
		r = make_files(w, w->next + i, &s);
	if (r < 0)
		return r;
	ct_log_begin(w, s.number, 0);
	r = write_at(s.index, &w->head, sizeof(w->head), 0);
	if (r < 0) {
		ct_segment_close(&s);
		remove_files(w, s.number);
		return r;
	}
	w->slot = -1;
	w->data = s.data;
	w->index = s.index;
	w->look_at = ct_now_monotonic() + LOG_LOOK_EVERY;
	ct_log_begun(w);
	return 0;
}

/* Data first: an entry must never tell of bytes that are not there. */
int ct_log_file_append(struct ct_log_writer *w, const void *frame, size_t size,
		       const struct ct_index_entry *entry)
{
	off_t at = (off_t)(w->end - w->head.base);
	int r = write_at(w->data, frame, size, at);

	if (r < 0) {
		cut_back(w->data, at);
		return r;
	}
	r = write_at(w->index, entry, sizeof(*entry), ct_entry_place(w->entries));
	if (r < 0) {
		cut_back(w->data, at);
		cut_back(w->index, ct_entry_place(w->entries));
		return r;
	}
	ct_log_count(w, entry);
	return 0;
}

/* The sizes are looked at, too: somebody may have truncated them ("> log.1"). */
static bool is_named(const struct ct_log_writer *w, int fd, const char *what, off_t size)
{
	char name[CT_SEGMENT_NAME_SIZE];
	struct stat ours, named;

	ct_segment_name(name, what, w->head.segment);
	if (fstat(fd, &ours) < 0 || fstatat(w->dir, name, &named, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	return ours.st_dev == named.st_dev && ours.st_ino == named.st_ino && ours.st_size >= size;
}

bool ct_log_file_there(const struct ct_log_writer *w)
{
	return is_named(w, w->data, "log", (off_t)(w->end - w->head.base)) &&
	       is_named(w, w->index, "index", ct_entry_place(w->entries));
}

void ct_log_file_seal(struct ct_log_writer *w)
{
	struct ct_index_header head = w->head;

	head.end = w->end;
	head.entries = w->entries;
	/* Room is there already; where it fails, readers find the end by the last entry. */
	if (write_at(w->index, &head, sizeof(head), 0) < 0)
		return;
}

/* ---- complete segments ---- */

/* So that readers who still have it open do not keep its room. What has a name was linked or moved
 * elsewhere by somebody who wants to keep it. */
static void empty(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_nlink == 0)
		cut_back(fd, 0);
}

/* Readers see first that it is gone, then it goes. */
static void evict(struct ct_log_writer *w)
{
	struct log_kept gone = w->kept[0];

	w->kept_count--;
	w->kept_cost -= gone.info.cost;
	memmove(w->kept, w->kept + 1, w->kept_count * sizeof(w->kept[0]));
	ct_log_publish_reach(w);
	empty(gone.data);
	empty(gone.index);
	close(gone.data);
	close(gone.index);
}

/* Bounded in number, for each has two descriptors, and in size, as a kept segment takes room on the
 * disk; at the very end (held) everything is kept, since nobody comes after. */
static void keep(struct ct_log_writer *w, const struct log_listed *info, int data, int index)
{
	w->kept[w->kept_count++] = (struct log_kept){ *info, data, index };
	w->kept_cost += info->cost;
	while (!w->held && (w->kept_count > LOG_KEPT_MAX ||
			    (w->kept_cost > w->bound && w->kept_count > 1)))
		evict(w);
	ct_log_publish_reach(w);
}

void ct_log_list(struct ct_log_writer *w, uint32_t number, uint64_t base, uint64_t cost)
{
	w->listed[w->listed_count++] = (struct log_listed){ number, base, cost };
	w->listed_cost += cost;
}

/* Take the name of the oldest segment away. Opened before its name goes, for readers that ask for
 * it by number (log_serve.c). Nobody has asked before the first client (serving), and then it is
 * not worth the descriptors. */
static void retire(struct ct_log_writer *w)
{
	struct log_listed info = w->listed[0];
	struct ct_segment s = CT_SEGMENT_INIT;
	struct ct_index_header header;
	int r = w->serving ? ct_segment_open_at(w->dir, info.number, O_RDWR, &s) : -ENOENT;

	w->listed_count--;
	w->listed_cost -= info.cost;
	memmove(w->listed, w->listed + 1, w->listed_count * sizeof(w->listed[0]));
	if (r == 0 && (ct_segment_header(s.index, &header) < 0 || header.base != info.base)) {
		/* Somebody has put something else there. */
		ct_segment_close(&s);
		r = -EBADMSG;
	}
	if (r == 0)
		keep(w, &info, s.data, s.index);
	else
		ct_log_publish_reach(w);
	remove_files(w, info.number);
}

void ct_log_file_room(struct ct_log_writer *w, uint64_t more)
{
	while (w->listed_count && w->listed_cost + more > w->bound)
		retire(w);
	while (w->listed_count >= LOG_LISTED_MAX)
		retire(w);
}

/* A segment without entries has nothing to be kept for. One whose name is gone was deleted by
 * somebody: it goes with its last reader. */
void ct_log_file_end(struct ct_log_writer *w, bool full)
{
	struct log_listed info = { w->head.segment, w->head.base, w->end - w->head.base };
	bool there = ct_log_file_there(w);

	ct_log_file_seal(w);
	if (full && info.cost < w->max_size)
		info.cost = w->max_size;
	w->disk_payload = w->payload;
	if (there && w->entries) {
		ct_log_file_room(w, info.cost);
		ct_log_list(w, info.number, info.base, info.cost);
	} else if (there) {
		remove_files(w, info.number);
	} else {
		keep(w, &info, ct_take_fd(&w->data), ct_take_fd(&w->index));
	}
	ct_drop_fd(&w->data);
	ct_drop_fd(&w->index);
}

/* The header last: a reader that comes before it finds a file that is no segment yet, and looks
 * again. */
int ct_log_file_copy(struct ct_log_writer *w, const struct log_memory *memory,
		     const struct ct_index_header *header)
{
	uint64_t size = header->end - header->base;
	struct ct_segment s = CT_SEGMENT_INIT;
	int r;

	ct_log_file_room(w, size);
	r = make_files(w, header->segment, &s);
	if (r == -EEXIST) {
		/* The number is given: what has taken its name must go. */
		remove_files(w, header->segment);
		r = make_files(w, header->segment, &s);
	}
	if (r < 0)
		return r;
	r = write_at(s.data, memory->bytes, size, 0);
	if (r == 0)
		r = write_at(s.index, memory->header + 1, header->entries * CT_ENTRY_SIZE,
			     sizeof(*header));
	if (r == 0)
		r = write_at(s.index, header, sizeof(*header), 0);
	ct_segment_close(&s);
	if (r < 0)
		remove_files(w, header->segment);
	else
		ct_log_list(w, header->segment, header->base, size);
	return r;
}
