/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the record of events, and following it while it is written and set aside.
 *
 * Two files are open, the one that was set aside last and the one that is written. A writer that
 * opened the first before it was set aside may still add to it, so it is looked at again whenever
 * there is news, before the other: that way nothing is missed, and no writer waits for a reader.
 * Only who does not look while two files are filled misses what was in the first.
 *
 * Runs in commands, as the user. A line that is no event is passed over. May fail: descriptors,
 * memory, the limits of inotify.
 *
 *   log.1   previous   set aside by rename(2) when log was full; read to its end first
 *   log     current    what is written; a name that leads elsewhere now has been set aside
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#include "events.h"

#define CHUNK	(2 * CT_EVENT_MAX)	/* a line, and what a torn one before it may have left */

/* ---- the files ---- */

/* Not being there is no error. */
static int open_file(int dir, const char *name, struct ct_event_file *file)
{
	ct_fd_close(file->fd);
	file->offset = 0;
	file->fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return file->fd < 0 && errno != ENOENT ? -errno : 0;
}

/* Is this file called so? */
static bool is_file(int dir, const char *name, int fd)
{
	struct stat named, open;

	return fd >= 0 && fstat(fd, &open) == 0 &&
	       fstatat(dir, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	       open.st_ino == named.st_ino && open.st_dev == named.st_dev;
}

/* The newer first: one that is set aside in between is found once more, as the older. */
static int open_both(struct ct_event_reader *reader)
{
	int r;

	do {
		r = open_file(reader->dir, "log", &reader->current);
		if (r == 0)
			r = open_file(reader->dir, "log.1", &reader->previous);
	} while (r == 0 && reader->current.fd >= 0 &&
		 !is_file(reader->dir, "log", reader->current.fd));
	return r;
}

/* The one that is written has been set aside: go on with its successor, when it is there. What lies
 * between the two, when there have been two, is read before. 1: there is something new. */
static int turn_over(struct ct_event_reader *reader)
{
	struct ct_event_file next = { .fd = -1 };
	int r;

	if (is_file(reader->dir, "log", reader->current.fd))
		return 0;
	r = open_file(reader->dir, "log", &next);
	if (r < 0 || next.fd < 0)
		return r;
	if (reader->current.fd >= 0) {
		ct_fd_close(reader->previous.fd);
		reader->previous = reader->current;
	}
	reader->current = next;
	if (reader->previous.fd >= 0 && !is_file(reader->dir, "log.1", reader->previous.fd))
		r = open_file(reader->dir, "log.1", &reader->previous);
	return r < 0 ? r : 1;
}

/* ---- lines ---- */

static const char *text_of(const struct ct_json *root, const char *key)
{
	const struct ct_json *value = ct_json_get(root, key);

	return value && value->type == CT_JSON_STRING ? value->text : NULL;
}

static const struct ct_json *object_of(const struct ct_json *root, const char *key)
{
	const struct ct_json *value = ct_json_get(root, key);

	return value && value->type == CT_JSON_OBJECT ? value : NULL;
}

/* A line may be another version's: everything that a reader relies on is looked at here, once. */
static bool parse(struct ct_arena *arena, const char *line, size_t length, struct ct_event *ret)
{
	const struct ct_json *root, *time;
	struct ct_event event = { 0 };
	struct ct_err ignored;

	if (ct_json_parse(arena, "event", line, length, &root, &ignored) < 0)
		return false;
	time = ct_json_get(root, "time");
	if (!time || time->type != CT_JSON_NUMBER ||
	    ct_parse_u64(time->text, 0, UINT64_MAX, &event.time, &ignored) < 0)
		return false;
	event.action = text_of(root, "action");
	event.id = text_of(root, "id");
	event.name = text_of(root, "name");
	event.image = text_of(root, "image");
	event.details = object_of(root, "details");
	event.labels = object_of(root, "labels");
	*ret = event;
	return event.action && event.id && event.name && event.image && event.details &&
	       event.labels;
}

/* The next line that is an event: 1, 0 at the end. One that has no newline yet is not complete.
 * pread(2) with an offset of our own: no state is in the descriptor, and a line is read in one
 * piece. */
static int next_in(struct ct_event_file *file, struct ct_arena *arena, struct ct_event *ret)
{
	char chunk[CHUNK];

	while (file->fd >= 0) {
		ssize_t n = pread(file->fd, chunk, sizeof(chunk), (off_t)file->offset);
		const char *end;

		if (n < 0)
			return -errno;
		end = memchr(chunk, '\n', (size_t)n);
		/* Longer than any of ours: somebody else's. */
		if (!end && n == (ssize_t)sizeof(chunk)) {
			file->offset += sizeof(chunk);
			continue;
		}
		if (!end)
			return 0;
		file->offset += (uint64_t)(end - chunk) + 1;
		if (parse(arena, chunk, (size_t)(end - chunk), ret))
			return 1;
	}
	return 0;
}

/* 1 an event, 0 none for now. turn_over() says 1 when the file was set aside: there may be more in
 * the next. */
int ct_event_next(struct ct_event_reader *reader, struct ct_arena *arena,
		  struct ct_event *ret_event, struct ct_err *err)
{
	int r;

	do {
		r = next_in(&reader->previous, arena, ret_event);
		if (r == 0)
			r = next_in(&reader->current, arena, ret_event);
		if (r > 0)
			return 1;
		if (r == 0)
			r = turn_over(reader);
	} while (r > 0);
	return r < 0 ? ct_fail_errno(err, -r, "cannot read the record of events") : 0;
}

/* ---- opening ---- */

/* /proc/self/fd leads to the directory that we have open, whatever its name is by now. */
static int open_watch(int dir, int *ret_watch, struct ct_err *err)
{
	int ct_autofd watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", dir);
	if (watch >= 0 &&
	    inotify_add_watch(watch, path, IN_MODIFY | IN_CREATE | IN_MOVED_TO) >= 0) {
		*ret_watch = ct_take_fd(&watch);
		return 0;
	}
	if (errno == EMFILE || errno == ENOSPC) {
		ct_fail_errno(err, errno, "cannot watch for events");
		return ct_hint(err, "raise fs.inotify.max_user_instances or max_user_watches");
	}
	return ct_fail_errno(err, errno, "cannot watch for events");
}

static void skip_to_end(struct ct_event_file *file)
{
	struct stat st;

	if (file->fd >= 0 && fstat(file->fd, &st) == 0)
		file->offset = (uint64_t)st.st_size;
}

/* The watch before the files: what is written in between wakes the first sleep. */
int ct_event_reader_open(const struct ct_store *store, bool follow, bool from_now,
			 struct ct_event_reader *ret_reader, struct ct_err *err)
{
	struct ct_event_reader reader = CT_EVENT_READER_INIT;
	int r;

	reader.dir = ct_events_open(store);
	if (reader.dir < 0)
		return ct_fail_errno(err, -reader.dir, "cannot open %s/events", store->path);
	r = follow ? open_watch(reader.dir, &reader.watch, err) : 0;
	if (r == 0) {
		r = open_both(&reader);
		if (r < 0)
			ct_fail_errno(err, -r, "cannot open %s/events/log", store->path);
	}
	if (r == 0 && from_now) {
		skip_to_end(&reader.previous);
		skip_to_end(&reader.current);
	}
	if (r < 0)
		ct_event_reader_close(&reader);
	else
		*ret_reader = reader;
	return r;
}

void ct_event_reader_close(struct ct_event_reader *reader)
{
	ct_drop_fd(&reader->dir);
	ct_drop_fd(&reader->watch);
	ct_drop_fd(&reader->previous.fd);
	ct_drop_fd(&reader->current.fd);
}

/* Which event it was does not matter: the files are looked at in any case. */
void ct_event_reader_drain(struct ct_event_reader *reader)
{
	char events[4096] __attribute__((aligned(8)));

	while (read(reader->watch, events, sizeof(events)) > 0)
		continue;
}
