/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What other people's tools read (log drivers k8s-file, json-file and journald): a reader of the
 * two segments in memory, which every frame goes to first, that turns frames into records and
 * appends them to a file, or sends them to journald.
 *
 * Runs in the monitor, after each frame (made at the start, which a path that cannot be used
 * refuses). The payload never waits for it: when the file takes no more, records wait in out and
 * frames in memory, and both are written once there is room again. What memory could not hold so
 * long is counted as lost; a line ends where bytes are missing. What no file has taken when the
 * run ends is told by the container's record. There may be several, each with its own place in
 * memory: one that fails holds up no other. Readers of the page follow the first. Allocates
 * nothing.
 *
 *   frames (memory segments) --encode--> out[] --write--> file, or journald
 *           d->segment, entry, at        used             taken: payload bytes in out or beyond
 *
 *   ok        failing = false; each frame is written at once
 *   ENOSPC... failing = true; out[] and memory fill up; tried again after retry_wait, which doubles
 *   lost      memory has used a segment again that was not encoded: told in the file, counted
 *
 * With these drivers the log proper is in memory only (memory_only): the file is the log on disk.
 */
#include "log_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#define NS_PER_SECOND	UINT64_C(1000000000)
#define JOURNALD_RETRY	2000000ull	/* ns: its queue is full for a moment only */
#define JOURNALD_END	5000000000ull	/* ns that the last records may take: nobody waits but the end */

/* ---- made, given back ---- */

/* The monitor of root gives up root's privileges: what it opened with them it could write on, but
 * never rotate. Rotation is rename(2) in that directory. privileged: the monitor keeps its
 * capabilities. */
static int check_dir(const struct log_driver *d, const char *path, bool privileged,
		     struct ct_err *err)
{
	struct stat st;

	if (privileged || geteuid() != 0 || fstat(d->dir, &st) < 0 || st.st_uid == 0 ||
	    (st.st_mode & S_IWOTH) || (st.st_gid == getegid() && (st.st_mode & S_IWGRP)))
		return 0;
	ct_fail(err, EPERM,
		"log file %s: its directory is another user's, where root's monitor may "
		"not rotate",
		path);
	return ct_hint(err, "give it a directory of root's");
}

/* The directory is what is kept: a file that was renamed or deleted is opened again by its name in
 * it. */
static int open_dir(struct log_driver *d, const struct ct_log_options *o, int dir,
		    struct ct_err *err)
{
	const char *slash = o->path ? strrchr(o->path, '/') : NULL;
	const char *name = slash ? slash + 1 : CT_LOG_FILE_NAME;
	size_t size = strlen(name),
	       length = slash && slash > o->path ? (size_t)(slash - o->path) : 1;
	char path[PATH_MAX] = "/";

	if (o->path && !slash)
		return ct_fail(err, EINVAL, "log file %s: must be an absolute path", o->path);
	/* Rotated ones have a number behind it. */
	if (!size || size > sizeof(d->name) - 16 || length >= sizeof(path)) {
		ct_fail(err, size ? ENAMETOOLONG : EISDIR, "log file %s: %s", o->path,
			size ? "its name is too long" : "is a directory");
		return -err->code;
	}
	memcpy(d->name, name, size + 1);
	if (!o->path) {
		d->dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
		if (d->dir < 0)
			return ct_fail_errno(err, errno, "cannot keep the log's directory");
		return 0;
	}
	memcpy(path, o->path, length);
	path[length] = '\0';
	d->outside = true;
	d->dir = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (d->dir < 0)
		return ct_fail_errno(err, errno, "log file %s: cannot open its directory", o->path);
	return check_dir(d, o->path, o->privileged, err);
}

/* A full disk does not keep a container from starting: neither would it end one.
 * ct_driver_file_finish() completes a rotation that was cut off, _mend() a last line without its
 * end. */
static int open_file(struct log_driver *d, const struct ct_log_options *o, struct ct_err *err)
{
	const char *path = o->path ? o->path : d->name;
	int r;

	ct_driver_file_finish(d);
	r = ct_driver_file_open(d);
	if (r == -ENOSPC || r == -EDQUOT) {
		d->failing = true;
		d->warnings |= CT_WARN_DISK;
		return 0;
	}
	if (r == -ELOOP || r == -EMLINK)
		return ct_fail(err, -r,
			       "log file %s: is a symbolic link, which rotation would lose", path);
	if (r == -EINVAL)
		return ct_fail(err, -r, "log file %s: is not a regular file", path);
	if (r < 0)
		return ct_fail_errno(err, -r, "log file %s: cannot be written", path);
	ct_driver_file_mend(d);
	return 0;
}

static int open_one(const struct ct_log_writer *w, struct log_driver *d,
		    const struct ct_log_options *options, int dir, struct ct_err *err)
{
	int r;

	d->journald = options->file == CT_LOG_FILE_JOURNALD;
	d->dir = d->fd = -1;
	d->max_size = w->max_size;
	d->max_files = w->max_files;
	d->max_total = options->max_total;
	d->mode = 0600;
	d->retry_wait = d->retry_min = d->journald ? JOURNALD_RETRY : LOG_RETRY_MIN;
	d->segment = w->next;
	ct_record_init(&d->encoder, options->file, d->journald ? options->fields : options->tag);
	if (options->zoned)
		ct_record_zone(&d->encoder, ct_now_real() / NS_PER_SECOND);
	if (d->journald)
		return ct_driver_journald_open(d, options->path, err);
	r = open_dir(d, options, dir, err);
	return r < 0 ? r : open_file(d, options, err);
}

int ct_log_driver_open(struct ct_log_writer *w, const struct ct_log_options *options, int dir,
		       struct ct_err *err)
{
	struct log_driver **last = &w->driver;
	int r = 0;

	for (const struct ct_log_options *o = options; o && r == 0; o = o->also) {
		struct log_driver *d = mmap(NULL, sizeof(*d), PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (d == MAP_FAILED)
			return ct_fail_nomem(err);
		*last = d;
		last = &d->next;
		d->page = o == options ? w->page : NULL;
		r = open_one(w, d, o, dir, err);
	}
	return r;
}

void ct_log_driver_close(struct ct_log_writer *w)
{
	while (w->driver) {
		struct log_driver *d = w->driver;

		w->driver = d->next;
		ct_fd_close(d->dir);
		ct_fd_close(d->fd);
		munmap(d, sizeof(*d));
	}
}

/* For the confinement (Landlock, the descriptors that stay open): what the driver goes on to
 * use. */
size_t ct_log_driver_descriptors(const struct ct_log_writer *w, int *fds, size_t max)
{
	size_t n = 0;

	for (const struct log_driver *d = w->driver; d; d = d->next) {
		if (d->dir >= 0 && n < max)
			fds[n++] = d->dir;
		if (d->fd >= 0 && n < max)
			fds[n++] = d->fd;
	}
	return n;
}

/* The directory of a path= of the user's, -1 when the file is in the container's own. */
int ct_log_outside(const struct ct_log_writer *writer)
{
	return writer->driver && writer->driver->outside ? writer->driver->dir : -1;
}

/* A container that is quiet should not hold memory for records that are not there. */
void ct_log_give_back(struct ct_log_writer *writer)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	for (struct log_driver *d = writer->driver; d; d = d->next) {
		uintptr_t at = ((uintptr_t)d->out + page - 1) / page * page;
		uintptr_t end = (uintptr_t)(d->out + LOG_DRIVER_OUT) / page * page;

		if (!d->used && madvise((void *)at, end - at, MADV_DONTNEED) < 0)
			return;
	}
}

/* ---- writing ---- */

/* How far the file goes: all that was taken is in it, but for lines that have no end yet. While it
 * fails that stays as it was. "cattach logs" uses this to go from the file to memory without a line
 * twice (log_files_follow.c). */
static void publish(const struct log_driver *d)
{
	struct ct_page *page = d->page;

	if (!page)
		return;
	atomic_store_explicit(&page->file_failing, d->failing, memory_order_release);
	if (d->failing)
		return;
	atomic_store_explicit(&page->held[0], d->held[0], memory_order_relaxed);
	atomic_store_explicit(&page->held[1], d->held[1], memory_order_relaxed);
	atomic_store_explicit(&page->filed, d->taken, memory_order_release);
}

static int write_out(struct log_driver *d, uint64_t now)
{
	if (!d->used)
		return 0;
	return d->journald ? ct_driver_journald_send(d) : ct_driver_file_write(d, now);
}

/* What is in out, into the file: 0, or -errno and it stays. retry_wait begins anew with each
 * success, so a short failure costs little. */
static int flush(struct log_driver *d, uint64_t now)
{
	int r = write_out(d, now);

	if (r == 0) {
		d->used = 0;
		d->waiting = d->held[0] + d->held[1];
		d->failing = false;
		d->retry_wait = d->retry_min;
		publish(d);
		return 0;
	}
	if (d->failing && d->retry_wait * 2 < LOG_RETRY_IDLE)
		d->retry_wait *= 2;
	d->failing = true;
	publish(d);
	d->tried_at = now;
	if (!d->journald)
		d->warnings |= CT_WARN_DISK;
	else if (r != -EAGAIN)
		d->warnings |= CT_WARN_JOURNALD;
	return r;
}

/* A record stands behind what is in out: it is to be written, in the next file if this one is full.
 * What was before it goes into the old file, it itself into the next: a record is never in two
 * files. */
static int add(struct log_driver *d, size_t size, uint64_t now)
{
	uint8_t *record = d->out + d->used;
	int r = 0;

	/* What is past it is taken as anything else, and not written. */
	d->total += size;
	if (d->max_total && d->total > d->max_total)
		return 0;
	if (!d->journald && size && d->size + d->used + size > d->max_size && now >= d->rotate_at) {
		r = flush(d, now);
		if (r == 0) {
			ct_driver_file_rotate(d, size, now);
			memmove(d->out, record, size);
		}
	}
	d->used += size;
	return r;
}

/* Room for another record; journald gets each by itself. */
static int make_room(struct log_driver *d, uint64_t now)
{
	size_t most = d->journald ? 0 : sizeof(d->out) - LOG_RECORD_MAX;

	return d->used > most ? flush(d, now) : 0;
}

/* After whole records: what waits for the end of its line. */
static void note_held(struct log_driver *d)
{
	for (int i = 0; i < 2; i++)
		d->held[i] = d->encoder.line[i].size;
}

/* One frame may make many records, and out[] may fill up in between; d->at is how far in the frame
 * we are, so that the next try goes on from there. */
static int encode_frame(struct log_driver *d, const uint8_t *data, const struct ct_index_entry *e,
			uint64_t now)
{
	d->time = e->time;
	while (d->at < e->value) {
		size_t size, n;
		int r = make_room(d, now);

		if (r < 0)
			return r;
		n = ct_record_encode(&d->encoder, (int)e->kind, e->time, data + d->at,
				     e->value - d->at, d->out + d->used, &size);
		d->at += (uint32_t)n;
		/* What was there before may be written now; this is taken only then. */
		r = add(d, size, now);
		d->taken += n;
		d->waiting += n;
		note_held(d);
		if (r < 0)
			return r;
	}
	d->at = 0;
	d->entry++;
	return 0;
}

/* What is left of both streams, by one of the two ways in which a line can end early. */
static int end_lines(struct log_driver *d, uint64_t now,
		     size_t (*put)(struct log_encoder *, int, uint64_t, uint8_t *))
{
	int r = 0;

	for (int stream = CT_STREAM_STDOUT; stream <= CT_STREAM_STDERR && r == 0; stream++) {
		r = make_room(d, now);
		if (r == 0)
			r = add(d, put(&d->encoder, stream, d->time, d->out + d->used), now);
		note_held(d);
	}
	return r;
}

/* ---- reading the segments in memory ---- */

/* NULL: it has been overwritten meanwhile, and what was not encoded of it is lost. */
static const struct log_memory *holding(const struct ct_log_writer *w, uint32_t number)
{
	for (int i = 0; i < 2; i++)
		if (w->memory[i].used && w->memory[i].header->segment == number)
			return &w->memory[i];
	return NULL;
}

/* So many bytes were gone before they could be written. */
static int tell_lost(struct log_driver *d, uint64_t lost, uint64_t now)
{
	int r = end_lines(d, now, ct_record_break);

	if (r == 0)
		r = make_room(d, now);
	if (r == 0)
		r = add(d, ct_record_gap(&d->encoder, d->time, lost, d->out + d->used), now);
	if (r == 0 && d->journald)
		d->warnings |= CT_WARN_JOURNALD;
	return r;
}

/* Where it was has been used again: on with the oldest that is there. */
static int skip_lost(const struct ct_log_writer *w, struct log_driver *d, uint64_t now)
{
	const struct log_memory *next = NULL;
	int r;

	for (int i = 0; i < 2; i++)
		if (w->memory[i].used && w->memory[i].header->segment > d->segment &&
		    (!next || w->memory[i].header->segment < next->header->segment))
			next = &w->memory[i];
	if (!next)
		return -ENOENT;
	r = tell_lost(d, next->header->payload - d->taken, now);
	if (r < 0)
		return r;
	d->lost += next->header->payload - d->taken;
	d->taken = next->header->payload;
	d->segment = next->header->segment;
	d->entry = d->at = 0;
	return 0;
}

/* The segment that is written has its count in the writer, a complete one in its header. */
static int pump_segment(const struct ct_log_writer *w, struct log_driver *d,
			const struct log_memory *m, uint64_t now)
{
	const struct ct_index_entry *entries = (const struct ct_index_entry *)(m->header + 1);
	uint32_t count = m == &w->memory[w->slot] ? w->entries : m->header->entries;
	int r = 0;

	while (d->entry < count && r == 0) {
		const struct ct_index_entry *e = &entries[d->entry];

		if (ct_entry_is_frame(e))
			r = encode_frame(d,
					 m->bytes + (e->offset - m->header->base) + CT_FRAME_HEADER,
					 e, now);
		else
			d->entry++;
	}
	return r;
}

/* All that memory holds into out, and from there into the file. */
static int pump(const struct ct_log_writer *w, struct log_driver *d, uint64_t now)
{
	/* What did not fit last time goes first. */
	int r = d->failing ? flush(d, now) : 0;

	while (r == 0) {
		const struct log_memory *m = holding(w, d->segment);

		r = m ? pump_segment(w, d, m, now) : skip_lost(w, d, now);
		if (r < 0 || (m && d->segment == w->head.segment))
			break;
		if (m) {
			d->segment++;
			d->entry = d->at = 0;
		}
	}
	return r;
}

/* While there is something to write. Without, it grows on to LOG_RETRY_IDLE (ct_log_driver_due()):
 * a monitor that sleeps is not woken for a disk that nobody needs. */
static uint64_t retry_wait(const struct log_driver *d)
{
	return d->retry_wait < LOG_RETRY_MAX ? d->retry_wait : LOG_RETRY_MAX;
}

static void pump_one(const struct ct_log_writer *w, struct log_driver *d, uint64_t now)
{
	if (d->over || (d->failing && now - d->tried_at < retry_wait(d)))
		return;
	if (pump(w, d, now) == 0)
		flush(d, now);
}

void ct_log_driver_pump(struct ct_log_writer *w, uint64_t now)
{
	for (struct log_driver *d = w->driver; d; d = d->next)
		pump_one(w, d, now);
}

static void end_one(const struct ct_log_writer *w, struct log_driver *d, uint64_t now)
{
	int r;

	/* The payload has ended: nobody else is held up by a journald that takes its time. */
	d->patient_until = now + JOURNALD_END;
	r = pump(w, d, now);
	if (r == 0)
		r = end_lines(d, now, ct_record_end);
	if (r == 0)
		flush(d, now);
	/* The next run has the file from now on. */
	d->over = true;
}

void ct_log_driver_end(struct ct_log_writer *w, uint64_t now)
{
	for (struct log_driver *d = w->driver; d; d = d->next)
		end_one(w, d, now);
}

uint64_t ct_log_driver_due(const struct ct_log_writer *w)
{
	uint64_t due = UINT64_MAX;

	for (const struct log_driver *d = w->driver; d; d = d->next)
		if (d->failing && !d->over && d->tried_at + d->retry_wait < due)
			due = d->tried_at + d->retry_wait;
	return due;
}

bool ct_log_driver_is_done(const struct ct_log_writer *w)
{
	for (const struct log_driver *d = w->driver; d; d = d->next)
		if (d->failing || d->taken != w->payload)
			return false;
	return true;
}

static void add_state(const struct ct_log_writer *w, const struct log_driver *d,
		      struct ct_log_state *state)
{
	/* That journald's queue is full for a moment is nothing to be told. */
	state->warnings |= d->warnings;
	if (d->failing && (!d->journald || d->over || d->warnings))
		state->warnings |= CT_WARN_MEMORY;
	state->lost += d->lost;
	if (d->failing && d->over) {
		state->unsaved = w->payload - d->taken + d->waiting;
		state->lost += state->unsaved;
	}
}

void ct_log_driver_state(const struct ct_log_writer *w, struct ct_log_state *state)
{
	for (const struct log_driver *d = w->driver; d; d = d->next)
		add_state(w, d, state);
}

static int reopen_one(const struct ct_log_writer *w, struct log_driver *d)
{
	/* The next run opens it by its name. */
	if (d->over)
		return 0;
	/* Into the old file what is of before, if it takes it by now. */
	d->tried_at = 0;
	d->retry_wait = d->retry_min;
	pump_one(w, d, ct_now_monotonic());
	return ct_driver_file_open(d);
}

int ct_log_reopen(struct ct_log_writer *writer)
{
	int r = -ENOTSUP;

	for (struct log_driver *d = writer->driver; d; d = d->next) {
		int one = d->journald ? -ENOTSUP : reopen_one(writer, d);

		/* Of those that are files, the first that could not be. */
		if (one != -ENOTSUP && (r == -ENOTSUP || r == 0))
			r = one;
	}
	return r;
}

void ct_log_sync(const struct ct_log_writer *writer)
{
	for (const struct log_driver *d = writer->driver; d; d = d->next)
		if (!d->journald && d->fd >= 0 && fsync(d->fd) < 0)
			errno = 0;
}

/* From 3 on: 0 to 2 are for the payload's stdio. */
int ct_log_file_dir(const struct ct_log_writer *writer)
{
	const struct log_driver *d = writer->driver;

	while (d && d->dir < 0)
		d = d->next;
	return d ? fcntl(d->dir, F_DUPFD_CLOEXEC, 3) : -1;
}
