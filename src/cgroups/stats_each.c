/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel has counted in a cgroup for each of several things: kinds of memory, block devices,
 * sizes of huge pages; and word of memory running out.
 *
 * Runs in commands with the caller's privileges, and only reads: line by line, with fixed memory, for a
 * payload decides how many devices there are. A file that is not there belongs to a controller that is
 * not enabled, and so there is nothing to tell.
 */
#include <cattach/cgroup.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "files.h"

/* A stream on a file, or NULL. */
static FILE *open_file(int dir, const char *name)
{
	int fd = ct_cgroup_open_at(dir, name, O_RDONLY);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (!file)
		ct_fd_close(fd);
	return file;
}

void ct_cgroup_each_memory_stat(int dir, void (*tell)(void *arg, const char *key, uint64_t value),
				void *arg)
{
	FILE *file = open_file(dir, "memory.stat");
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		char *blank = strchr(line, ' ');

		if (!blank)
			continue;
		*blank = '\0';
		tell(arg, line, strtoull(blank + 1, NULL, 10));
	}
	if (file)
		fclose(file);
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=0 dios=0" */
static bool parse_io(char *line, struct ct_cgroup_io *ret_io)
{
	static const char *const keys[] = { "rbytes=", "wbytes=", "rios=", "wios=" };
	struct ct_cgroup_io io = { 0 };
	uint64_t *const values[] = { &io.read_bytes, &io.write_bytes, &io.reads, &io.writes };
	char *rest = line, *end;

	io.major = (unsigned)strtoul(line, &end, 10);
	if (end == line || *end != ':')
		return false;
	io.minor = (unsigned)strtoul(end + 1, NULL, 10);
	for (char *word = strsep(&rest, " "); word; word = strsep(&rest, " ")) {
		for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
			size_t n = strlen(keys[i]);

			if (!strncmp(word, keys[i], n))
				*values[i] = strtoull(word + n, NULL, 10);
		}
	}
	*ret_io = io;
	return true;
}

void ct_cgroup_each_io(int dir, void (*tell)(void *arg, const struct ct_cgroup_io *io), void *arg)
{
	FILE *file = open_file(dir, "io.stat");
	struct ct_cgroup_io io;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (parse_io(line, &io))
			tell(arg, &io);
	}
	if (file)
		fclose(file);
}

/* "hugetlb.2MB.current": the size, or false. */
static bool parse_huge(const char *name, char *size, size_t room)
{
	static const char prefix[] = "hugetlb.";
	const char *from = name + sizeof(prefix) - 1, *dot;

	if (strncmp(name, prefix, sizeof(prefix) - 1) != 0)
		return false;
	dot = strchr(from, '.');
	if (!dot || strcmp(dot, ".current") != 0 || (size_t)(dot - from) >= room)
		return false;
	snprintf(size, room, "%.*s", (int)(dot - from), from);
	return true;
}

static void tell_huge(int dir, const char *name,
		      void (*tell)(void *arg, const struct ct_cgroup_huge_usage *huge), void *arg)
{
	struct ct_cgroup_huge_usage huge = { 0 };
	char size[32], events[64], text[128];

	if (!parse_huge(name, size, sizeof(size)) || ct_cgroup_read_number(dir, name, &huge.usage) < 0)
		return;
	snprintf(events, sizeof(events), "hugetlb.%s.events", size);
	if (ct_cgroup_read(dir, events, text, sizeof(text)) > 0)
		ct_cgroup_find_key(text, "max", &huge.failed);
	huge.size = size;
	tell(arg, &huge);
}

void ct_cgroup_each_huge(int dir, void (*tell)(void *arg, const struct ct_cgroup_huge_usage *huge),
			 void *arg)
{
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd < 0 ? NULL : fdopendir(fd);

	if (!list) {
		ct_fd_close(fd);
		return;
	}
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list))
		tell_huge(dir, entry->d_name, tell, arg);
	closedir(list);
}

int ct_cgroup_watch_memory(int dir)
{
	return ct_cgroup_open_at(dir, "memory.events", O_RDONLY);
}
