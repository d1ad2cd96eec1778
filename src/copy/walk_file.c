/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a file, and what is attached to it, sent: data where there is some, holes as holes,
 * extended attributes of the user. lseek(2) "SEEK_DATA", xattr(7).
 *
 * Runs in the half of a copy that reads. A file may change, shrink or fail under our hands, and one
 * in a container may be a file system's trick: so every read is bounded by what the file said of
 * itself when it was opened.
 *
 *   find_extents   where there is data, without reading it
 *   EXTENT...      only for files with holes, and before the data: a tar header has them in it
 *   DATA...        of each of them
 *   CLOSE          how long it turned out to be, and whether it broke off
 */
#include "parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#define EXTENTS_MAX	4096u
#define UNSIZED_MAX	(UINT64_C(1) << 30)	/* of a file that says it has none, as those of procfs */
#define NAMES_MAX	65536u			/* XATTR_LIST_MAX */
#define VALUE_MAX	65536u			/* XATTR_SIZE_MAX */

struct extents {
	struct { uint64_t start, end; } items[EXTENTS_MAX];
	size_t count;
	uint64_t size;			/* of the file */
};

/* Where the data is. What is beyond the table's end counts as data. st_blocks counts units of 512
 * bytes, whatever the file system's block is: a file without fewer of them than its size needs has
 * no holes worth looking for. File systems without SEEK_DATA answer EINVAL or the whole file, and
 * the whole file it is. */
static void find_extents(int fd, const struct stat *st, struct extents *e)
{
	off_t start = 0, end;

	e->size = (uint64_t)st->st_size;
	e->count = 0;
	if ((uint64_t)st->st_blocks * 512 < e->size) {
		while (e->count < EXTENTS_MAX && start < st->st_size &&
		       (start = lseek(fd, start, SEEK_DATA)) >= 0) {
			end = e->count + 1 < EXTENTS_MAX ? lseek(fd, start, SEEK_HOLE) :
							   st->st_size;
			if (end < 0 || end > st->st_size)
				end = st->st_size;
			if (start >= end)
				break;
			e->items[e->count].start = (uint64_t)start;
			e->items[e->count++].end = (uint64_t)end;
			start = end;
		}
		/* Nothing but a hole, or all of its data found. */
		if (start >= 0 || errno == ENXIO)
			return;
	}
	e->count = e->size ? 1 : 0;
	e->items[0].start = 0;
	e->items[0].end = e->size;
}

/* One file on its way. */
struct content {
	struct ct_copy_channel *channel;
	int fd;
	uint8_t *buffer;
	uint64_t end;			/* of what was read */
	struct ct_err broken;		/* why it could not be read to its end */
};

/* 1: the file ends, or fails, before the extent does. */
static int send_range(struct content *c, uint64_t start, uint64_t end, struct ct_err *err)
{
	while (start < end) {
		uint64_t rest = end - start;
		struct ct_copy_message m = {
			.type = CT_COPY_DATA, .offset = start, .data = c->buffer
		};
		ssize_t n = pread(c->fd, c->buffer,
				  rest < CT_COPY_DATA_MAX ? rest : CT_COPY_DATA_MAX, (off_t)start);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ct_fail_errno(&c->broken, errno, "cannot be read");
		if (n <= 0)
			return 1;
		m.data_size = (size_t)n;
		if (ct_copy_send(c->channel, &m, err) < 0)
			return -err->code;
		ct_copy_count(c->channel, (size_t)n);
		start += (uint64_t)n;
		c->end = start;
	}
	return 0;
}

/* Every range that has data, then the end. A file without holes needs none of it. */
static int send_extents(struct ct_copy_channel *channel, const struct extents *e,
			struct ct_err *err)
{
	struct ct_copy_message m = { .type = CT_COPY_EXTENT };

	if (!e->size || (e->count == 1 && e->items[0].start == 0 && e->items[0].end == e->size))
		return 0;
	for (size_t i = 0; i < e->count; i++) {
		m.offset = e->items[i].start;
		m.size = e->items[i].end - e->items[i].start;
		if (ct_copy_send(channel, &m, err) < 0)
			return -err->code;
	}
	m.offset = e->size;
	m.size = 0;
	return ct_copy_send(channel, &m, err);
}

/* A file whose size is 0 may have content all the same, in procfs and sysfs: read until it ends. */
static int send_data(struct content *c, const struct extents *e, struct ct_err *err)
{
	int r = 0;

	if (!e->size)
		return send_range(c, 0, UNSIZED_MAX, err);
	for (size_t i = 0; r == 0 && i < e->count; i++)
		r = send_range(c, e->items[i].start, e->items[i].end, err);
	if (r == 0)
		c->end = e->size;
	return r;
}

int ct_copy_send_content(struct ct_copy_channel *channel, int fd, const struct stat *st,
			 uint8_t *buffer, const char *shown, bool *ret_broken, struct ct_err *err)
{
	struct extents ct_autofree *e = malloc(sizeof(*e));
	struct content c = { .channel = channel, .fd = fd, .buffer = buffer };
	struct ct_copy_message close = { .type = CT_COPY_CLOSE };

	if (!e)
		return ct_fail_nomem(err);
	find_extents(fd, st, e);
	if (send_extents(channel, e, err) < 0 || send_data(&c, e, err) < 0)
		return -err->code;
	*ret_broken = c.broken.code != 0;
	if (*ret_broken) {
		ct_wrap(&c.broken, "%s", shown);
		close.flags = CT_COPY_BROKEN;
		if (ct_copy_report(channel, &c.broken, false, err) < 0)
			return -err->code;
	}
	close.size = c.end;
	return ct_copy_send(channel, &close, err);
}

/* Larger than VALUE_MAX it cannot be; ERANGE is another one than was listed, and left out like one
 * that has gone. */
static int send_xattr(struct ct_copy_channel *channel, int fd, const char *name, char *value,
		      struct ct_err *err)
{
	struct ct_copy_message m = { .type = CT_COPY_XATTR, .data = value };
	ssize_t n;

	if (strncmp(name, "user.", 5) != 0 || !name[5] || strlen(name) > CT_COPY_NAME_MAX)
		return 0;
	n = fgetxattr(fd, name, value, VALUE_MAX);
	if (n < 0)
		return 0;	/* gone meanwhile */
	strcpy(m.name, name);
	m.data_size = (size_t)n;
	return ct_copy_send(channel, &m, err);
}

int ct_copy_send_xattrs(struct ct_copy_channel *channel, int fd, struct ct_err *err)
{
	char ct_autofree *names = NULL;
	char *value;
	ssize_t size = flistxattr(fd, NULL, 0);
	int r = 0;

	/* The usual answer, for one system call a file. */
	if (size <= 0)
		return 0;
	names = malloc(NAMES_MAX + VALUE_MAX);
	if (!names)
		return ct_fail_nomem(err);
	value = names + NAMES_MAX;
	size = flistxattr(fd, names, NAMES_MAX - 1);
	if (size <= 0)
		return 0;
	names[size] = '\0';
	for (const char *name = names; r == 0 && name < names + size; name += strlen(name) + 1)
		r = send_xattr(channel, fd, name, value, err);
	return r;
}
