/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the record of events: open, one write in append mode, close, so that lines of any number
 * of writers never mix and nobody needs a lock. Only who sets a full file aside takes one, on that
 * file, so that it is set aside once; nobody ever waits for it.
 *
 * Runs in commands, as the user; ct_events_append() in monitors, too, confined and without a heap.
 * Whatever fails, the event is lost and that is all. A line that the disk had room for in part only
 * is ended by the next writer, and passed over by readers.
 *
 * On a network file system without append of its own, two writers of different machines can
 * overwrite each other's lines.
 *
 *   {"time":ns,"action":"died","id":"...","name":"web","details":{"exitCode":"0"},"image":"...",
 *    "labels":{...}}\n
 *
 *   log     what is written now; set aside as log.1 when it has CT_EVENT_LOG_MAX bytes
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/json.h>
#include <cattach/proc.h>

#include "events.h"
#include "record.h"

#define FLAGS	(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* ---- files ---- */

static int open_dir(int base, const char *path)
{
	int fd = openat(base, path, FLAGS);

	if (fd >= 0 || errno != ENOENT)
		return fd < 0 ? -errno : fd;
	if (mkdirat(base, path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(base, path, FLAGS);
	return fd < 0 ? -errno : fd;
}

int ct_events_open(const struct ct_store *store)
{
	mode_t ct_autoumask saved = umask(077);

	/* An engine tells of its containers itself. */
	if (store->engine)
		return -ENOENT;
	/* That of sessions is containers/<id>/exec. */
	return open_dir(store->containers, store->session_of[0] ? "../../../events" : "../events");
}

/* Under a lock on the file itself, which only who sets it aside takes: of two only the first finds
 * it in its place. The next writer makes a new one. */
static void set_aside(int dir, int fd, const struct stat *file)
{
	struct stat named;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	if (fstatat(dir, "log", &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_ino == file->st_ino &&
	    named.st_dev == file->st_dev && renameat(dir, "log", dir, "log.1") < 0)
		return;
}

static int open_log(int dir, struct stat *st)
{
	int fd = openat(dir, "log", O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || fstat(fd, st) == 0)
		return fd;
	ct_fd_close(fd);
	return -1;
}

/* A writer that was killed, or a full disk, has left a part of a line: ours begins with a newline
 * then. */
static bool ends_within_line(int fd, off_t size)
{
	char last = '\n';

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

/* One write(2) with O_APPEND: the kernel places it at the end of the file under the inode's
 * lock. */
void ct_events_append(int dir, struct event_line *line, size_t length)
{
	struct stat st;
	int fd = open_log(dir, &st);
	size_t from;

	if (fd >= 0 && st.st_size >= CT_EVENT_LOG_MAX) {
		set_aside(dir, fd, &st);
		ct_fd_close(fd);
		fd = open_log(dir, &st);
	}
	if (fd < 0)
		return;
	line->text[0] = '\n';
	from = ends_within_line(fd, st.st_size) ? 0 : 1;
	/* A full disk: then it is lost. */
	if (write(fd, line->text + from, 1 + length - from) < 0)
		errno = 0;
	ct_fd_close(fd);
}

/* ---- lines ---- */

/* Whose event it is, and where its record is from there. */
struct subject {
	const char *id, *session;
	char name[CT_NAME_MAX + 1];
	const struct ct_container *container;	/* NULL: of none */
};

/* docker tells of an exec under its container, with execID among the details. */
static struct subject subject_of(const struct ct_container *c)
{
	struct subject s = { .id = "", .container = c };
	const char *label = c ? ct_container_label(c) : "";

	snprintf(s.name, sizeof(s.name), "%.*s", (int)strcspn(label, "/"), label);
	if (c)
		s.id = c->session_of ? c->session_of : c->meta.id;
	if (c && c->session_of)
		s.session = c->meta.id;
	return s;
}

/* Pairs of texts, closed by CT_EVENT_END. */
static void put_details(struct ct_json_writer *w, const struct subject *s, va_list details)
{
	const char *key;

	ct_json_key(w, "details");
	ct_json_begin_object(w);
	while ((key = va_arg(details, const char *)))
		ct_json_put_string(w, key, va_arg(details, const char *));
	if (s->session)
		ct_json_put_string(w, "execID", s->session);
	ct_json_end_object(w);
}

static void put_rest(struct ct_json_writer *w, const struct ct_meta *meta, bool labels)
{
	ct_json_put_string(w, "image", meta && meta->source ? meta->source : "");
	ct_json_key(w, "labels");
	ct_json_begin_object(w);
	for (size_t i = 0; labels && meta && i < meta->labels.count; i++)
		ct_json_put_string(w, meta->labels.items[i].key, meta->labels.items[i].value);
	ct_json_end_object(w);
}

static int write_line(const struct subject *s, const char *action, bool labels, va_list details,
		      struct ct_buf *buf)
{
	struct ct_json_writer w;
	struct ct_err ignored;

	ct_buf_clear(buf);
	if (ct_json_writer_open(&w, buf, false, &ignored) < 0)
		return -ENOMEM;
	ct_json_begin_object(&w);
	ct_json_put_u64(&w, "time", ct_now_real());
	ct_json_put_string(&w, "action", action);
	ct_json_put_string(&w, "id", s->id);
	ct_json_put_string(&w, "name", s->name);
	put_details(&w, s, details);
	put_rest(&w, s->container ? &s->container->meta : NULL, labels);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	return buf->failed || buf->length >= CT_EVENT_MAX ? -E2BIG : 0;
}

/* Labels may be as long as somebody likes: a line that is too long for one write goes without
 * them. */
static void record(int dir, const struct ct_container *c, const char *action, va_list details)
{
	struct ct_buf ct_autobuf text = { 0 };
	struct subject s = subject_of(c);
	struct event_line line;
	va_list again;
	int r;

	va_copy(again, details);
	r = write_line(&s, action, true, details, &text);
	if (r < 0)
		r = write_line(&s, action, false, again, &text);
	va_end(again);
	if (r < 0)
		return;
	memcpy(line.text + 1, text.data, text.length);
	line.text[1 + text.length] = '\n';
	ct_events_append(dir, &line, text.length + 1);
}

/* A container's directory is containers/<id>, a session's containers/<id>/exec/<id>. */
void ct_event_record(const struct ct_container *container, const char *action, ...)
{
	mode_t ct_autoumask saved = umask(077);
	int ct_autofd dir = -1;
	va_list details;

	/* Those of the runtime face are told of by who watches them; what is above them is not
	 * ours. */
	if (!container->meta.unmonitored && !container->engine_root)
		dir = open_dir(container->dir, container->session_of ? "../../../../events" :
								       "../../events");
	if (dir < 0)
		return;
	va_start(details, action);
	record(dir, container, action, details);
	va_end(details);
}

/* For what has no directory of its own any more, or no container (prune). */
void ct_event_record_in(const struct ct_store *store, const struct ct_container *container,
			const char *action, ...)
{
	mode_t ct_autoumask saved = umask(077);
	int ct_autofd dir = ct_events_open(store);
	va_list details;

	if (dir < 0)
		return;
	va_start(details, action);
	record(dir, container, action, details);
	va_end(details);
}

void ct_event_exec_id(char id[CT_EVENT_ID_SIZE])
{
	struct ct_err ignored;

	if (ct_random_id(id, &ignored) < 0)
		id[0] = '\0';
}
