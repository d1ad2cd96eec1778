/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for who starts a container: as long as it takes, but not in silence. As a rule the lock
 * is held for some milliseconds; one that hangs, or was stopped from its terminal, may hold it for
 * ever. After a moment one warning names the holder, so that the user can decide about it.
 *
 * Runs in commands, as the user. The holder is looked up in /proc/locks by device and inode; where
 * it is not there (another pid namespace, a file system whose numbers differ) it stays unnamed. May
 * fail: flock(2) where the file system has none.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#include "record.h"

#define SILENCE		(2 * CT_SECOND)
#define PAUSE		(CT_SECOND / 500)
#define LOCKS_MAX	(1024 * 1024)	/* bytes of /proc/locks */
#define COMMAND_MAX	80		/* bytes of a command line that are shown */

static const char *read_proc(struct ct_arena *arena, const char *path, size_t *ret_size)
{
	int ct_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
	struct ct_err ignored = { 0 };
	const char *text;

	if (fd < 0 || ct_read_file(arena, fd, LOCKS_MAX, &text, ret_size, &ignored) < 0)
		return NULL;
	return text;
}

/* "7: FLOCK  ADVISORY  WRITE 4711 fe:00:10969586 0 EOF": the number before the place, 0: none. */
static pid_t holder_in(const char *locks, const struct stat *st)
{
	char place[64];
	const char *at = locks, *digits;
	uint64_t pid = 0;
	struct ct_err ignored = { 0 };
	char text[16];

	snprintf(place, sizeof(place), " %02x:%02x:%" PRIuMAX " ", major(st->st_dev),
		 minor(st->st_dev), (uintmax_t)st->st_ino);
	while ((at = strstr(at, place)) != NULL) {
		for (digits = at; digits > locks && digits[-1] >= '0' && digits[-1] <= '9';
		     digits--)
			;
		snprintf(text, sizeof(text), "%.*s", (int)(at - digits), digits);
		/* those who wait as we do stand behind an arrow, after the one that holds it */
		if (ct_parse_u64(text, 1, INT32_MAX, &pid, &ignored) == 0)
			return (pid_t)pid;
		at++;
	}
	return 0;
}

/* What somebody runs, as one line: arguments end with a NUL each. */
static const char *command_of(struct ct_arena *arena, pid_t pid)
{
	char path[32], *line;
	const char *text;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	text = read_proc(arena, path, &size);
	if (!text || size == 0)
		return "which is gone";
	line = ct_arena_alloc(arena, size + 1);
	for (size_t i = 0; line && i < size; i++)
		line[i] = text[i] || i + 1 == size ? text[i] : ' ';
	return line ? line : "?";
}

static void warn_of_holder(int dir, const char *label)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_err ignored = { 0 };
	const char *locks;
	struct stat st;
	pid_t pid = 0;
	size_t size;

	if (fstat(dir, &st) == 0 && ct_arena_open(&arena, &ignored) == 0) {
		locks = read_proc(&arena, "/proc/locks", &size);
		pid = locks ? holder_in(locks, &st) : 0;
	}
	if (pid)
		ct_warn("waiting for the lock of container %s, held by pid %d (%.*s)", label,
			(int)pid, COMMAND_MAX, command_of(&arena, pid));
	else
		ct_warn("waiting for the lock of container %s, held by another command", label);
}

/* Tried every two milliseconds at first, without a sound; then, told once, in flock(2) for good. */
int ct_container_await_creator(int dir, const char *label)
{
	uint64_t limit = ct_now_monotonic() + SILENCE;

	while (flock(dir, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		if (ct_now_monotonic() >= limit) {
			warn_of_holder(dir, label);
			return ct_container_mark_creator(dir);
		}
		ct_nap(PAUSE);
	}
	return 0;
}
