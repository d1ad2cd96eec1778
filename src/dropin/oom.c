/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Was somebody in the container killed for lack of memory? The kernel counts that in the container's
 * cgroup: "oom_kill" in memory.events of version 2, in memory.oom_control of version 1.
 *
 * The file is found and opened when the payload is there, and read again when the kernel says that it
 * has changed (version 2), and at the end, when its cgroup may be without a process but is still there.
 * (With version 1 the end is all: its eventfd may say nothing where the counter says one.) Where there is
 * no such file nothing is known, and nothing is said.
 */
#include "dropin.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#define TOP "/sys/fs/cgroup"

static bool count(int fd, uint64_t *ret_count)
{
	char text[1024], *at;
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return false;
	text[n] = '\0';
	at = strstr(text, "oom_kill ");
	if (!at)
		return false;
	*ret_count = strtoull(at + strlen("oom_kill "), NULL, 10);
	return true;
}

/* The path behind a mark like "0::" or ":memory:" in /proc/PID/cgroup. */
static const char *find(const char *text, const char *mark, char path[PATH_MAX])
{
	const char *at = strstr(text, mark);
	size_t length;

	if (!at)
		return NULL;
	at += strlen(mark);
	length = strcspn(at, "\n");
	if (length >= PATH_MAX)
		return NULL;
	memcpy(path, at, length);
	path[length] = '\0';
	return path;
}

static int open_at(const char *top, const char *path, const char *name)
{
	char full[PATH_MAX + 64];

	if (!path)
		return -1;
	snprintf(full, sizeof(full), "%s%s/%s", top, path, name);
	return openat(AT_FDCWD, full, O_RDONLY | O_CLOEXEC);
}

void ct_oom_begin(struct oom *oom, int fd, bool tells)
{
	char name[32];

	*oom = (struct oom){ .fd = fd, .changes = -1 };
	if (!count(oom->fd, &oom->before)) {
		ct_drop_fd(&oom->fd);
		return;
	}
	if (!tells)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	oom->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (oom->changes >= 0 && inotify_add_watch(oom->changes, name, IN_MODIFY) < 0)
		ct_drop_fd(&oom->changes);
}

void ct_oom_watch(struct oom *oom, pid_t pid)
{
	char name[32], text[4096], path[PATH_MAX];
	int ct_autofd fd = -1;
	int counter;

	snprintf(name, sizeof(name), "/proc/%d/cgroup", (int)pid);
	fd = openat(AT_FDCWD, name, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) < 0)
		return;
	counter = open_at(TOP "/memory", find(text, ":memory:", path), "memory.oom_control");
	if (counter >= 0) {
		ct_oom_begin(oom, counter, false);
		return;
	}
	counter = open_at(TOP, find(text, "0::", path), "memory.events");
	if (counter < 0)
		counter = open_at(TOP "/unified", find(text, "0::", path), "memory.events");
	ct_oom_begin(oom, counter, true);
}

bool ct_oom_happened(struct oom *oom)
{
	uint64_t now;

	/* Once is enough: its cgroup may be gone by the time that somebody asks again. */
	if (!oom->happened)
		oom->happened = count(oom->fd, &now) && now > oom->before;
	return oom->happened;
}

bool ct_oom_changed(struct oom *oom)
{
	char events[4096];
	bool before = oom->happened;

	while (read(oom->changes, events, sizeof(events)) > 0)
		continue;
	return !before && ct_oom_happened(oom);
}
