/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What clients have still to get when the log's memory is used again: appended to a file without a
 * name, as long as somebody is that far behind, and forgotten when nobody is.
 *
 * Runs in the monitor, with no other cost than a look at the clients each time that a segment in
 * memory is used again. The file is made when it is needed, on the disk of the log file or of the
 * runtime directory; where both are in memory there is none, and a client can be behind by what the
 * log's own memory holds. When the disk has no room those that would need it lose what it would have
 * held, and are told. Nothing here can hold up the payload.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "monitor.h"

#define BACKLOG_MAX	(256ull << 20)
#define BLOCK		UINT64_C(4096)

/* ---- the file ---- */

static void empty(struct monitor *m)
{
	struct backlog *b = &m->backlog;

	if (b->base != b->end && ftruncate(b->fd, 0) < 0)
		b->refused = true;
	b->base = b->end = b->freed = 0;
}

/* On a disk: memory would be the user's, or the host's. */
static int make_file(int dir)
{
	struct statfs fs;

	if (dir < 0 || fstatfs(dir, &fs) < 0 || fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC)
		return -1;
	return openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
}

static bool have_file(struct monitor *m)
{
	struct backlog *b = &m->backlog;
	int ct_autofd log = -1;

	if (b->fd >= 0 || b->refused)
		return b->fd >= 0 && !b->refused;
	log = ct_log_file_dir(m->log);
	b->fd = make_file(log);
	if (b->fd < 0)
		b->fd = make_file(m->runtime);
	b->refused = b->fd < 0;
	return !b->refused;
}

/* Blocks that nobody needs any more. */
static void free_blocks(struct backlog *b, uint64_t slowest)
{
	uint64_t from = (b->freed - b->base) / BLOCK * BLOCK, to = (slowest - b->base) / BLOCK * BLOCK;

	if (slowest <= b->freed || to <= from)
		return;
	/* Where the file system knows no holes it just stays as large as it is. */
	if (fallocate(b->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
		      (off_t)(to - from)) < 0)
		errno = 0;
	b->freed = slowest;
}

static int append(struct backlog *b, const uint8_t *bytes, size_t size)
{
	while (size) {
		ssize_t n = pwrite(b->fd, bytes, size, (off_t)(b->end - b->base));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		b->end += (uint64_t)n;
		bytes += n;
		size -= (size_t)n;
	}
	return 0;
}

/* ---- who needs it ---- */

static bool hears(const struct client *c)
{
	return ct_client_connected(c) && !c->deaf;
}

static uint64_t slowest_of(const struct monitor *m)
{
	uint64_t slowest = UINT64_MAX;

	for (unsigned i = 0; i < m->client_top; i++)
		if (hears(&m->clients[i]) && m->clients[i].position < slowest)
			slowest = m->clients[i].position;
	return slowest;
}

/* Those who are before a place in the log go on at another one. */
static void skip_all(struct monitor *m, uint64_t place, uint64_t to)
{
	for (unsigned i = 0; i < m->client_top; i++)
		if (hears(&m->clients[i]) && m->clients[i].position < place)
			ct_tagged_skip(&m->clients[i], to);
}

/* The segment in memory at this offset is going to be used again. */
void ct_backlog_take(void *arg, uint64_t offset, const uint8_t *bytes, size_t size)
{
	struct monitor *m = arg;
	struct backlog *b = &m->backlog;
	uint64_t end = offset + size;

	if (end > BACKLOG_MAX)
		skip_all(m, end - BACKLOG_MAX, end);
	if (slowest_of(m) >= end) {
		empty(m);
		return;
	}
	/* What it holds, if anything, ends where this begins. */
	if (b->base == b->end)
		b->base = b->end = b->freed = offset;
	if (!have_file(m) || append(b, bytes, size) < 0) {
		empty(m);
		skip_all(m, end, end);
		return;
	}
	free_blocks(b, slowest_of(m));
}

/* ---- for others ---- */

void ct_backlog_open(struct monitor *m)
{
	ct_log_on_drop(m->log, ct_backlog_take, m);
}

void ct_backlog_close(struct monitor *m)
{
	ct_log_on_drop(m->log, NULL, NULL);
	ct_drop_fd(&m->backlog.fd);
}

uint64_t ct_backlog_bound(const struct monitor *m)
{
	size_t memory = ct_log_memory(m->log);

	return m->backlog.refused ? memory / 2 : BACKLOG_MAX - 2 * memory;
}

size_t ct_backlog_read(const struct monitor *m, uint64_t offset, void *buf, size_t max)
{
	const struct backlog *b = &m->backlog;
	ssize_t n;

	if (offset < b->base || offset >= b->end)
		return 0;
	if (max > b->end - offset)
		max = (size_t)(b->end - offset);
	n = pread(b->fd, buf, max, (off_t)(offset - b->base));
	return n < 0 ? 0 : (size_t)n;
}
