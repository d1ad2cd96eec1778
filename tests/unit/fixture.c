/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fixture of the unit tests. Check runs it in the same forked process as its test, before and
 * after: setup makes a directory below TMPDIR and notes which descriptors are open, teardown fails
 * the test if others are open now, and takes the directory away with all that is in it. A test
 * that fails leaves its directory behind to be looked at.
 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>

static char path[4096];
static char open_before[1024];
static int dir = -1;

/* The numbers of the open descriptors as text; that of the listing itself is left out. */
static unsigned list_fds(char *buf, size_t size)
{
	DIR *fds = opendir("/proc/self/fd");
	unsigned count = 0;
	size_t at = 0;

	ck_assert_ptr_nonnull(fds);
	buf[0] = '\0';
	for (struct dirent *entry = readdir(fds); entry; entry = readdir(fds)) {
		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(fds))
			continue;
		count++;
		if (at < size)
			at += (size_t)snprintf(buf + at, size - at, "%s ", entry->d_name);
	}
	closedir(fds);
	return count;
}

unsigned fixture_count_fds(void)
{
	char ignored[1024];

	return list_fds(ignored, sizeof(ignored));
}

void fixture_setup(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(path, sizeof(path), "%s/cattach-unit.XXXXXX", tmp ? tmp : "/tmp");
	ck_assert_ptr_nonnull(mkdtemp(path));
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(dir, 0);
	list_fds(open_before, sizeof(open_before));
}

/* By descriptors, for what tests make may be deeper than PATH_MAX. */
static void remove_tree(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *tree = fd >= 0 ? fdopendir(fd) : NULL;

	if (!tree) {
		/* Not a directory, or one that may not be read. */
		ck_assert(unlinkat(parent, name, 0) == 0 ||
			  unlinkat(parent, name, AT_REMOVEDIR) == 0);
		return;
	}
	for (struct dirent *e = readdir(tree); e; e = readdir(tree))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			remove_tree(fd, e->d_name);
	closedir(tree);
	ck_assert_int_eq(unlinkat(parent, name, AT_REMOVEDIR), 0);
}

void fixture_teardown(void)
{
	char open_now[1024];

	list_fds(open_now, sizeof(open_now));
	ck_assert_str_eq(open_now, open_before);
	close(dir);
	remove_tree(AT_FDCWD, path);
}

const char *fixture_path(void)
{
	return path;
}

int fixture_dir(void)
{
	return dir;
}

void fixture_file(const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

size_t fixture_read(const char *name, void *buf, size_t max)
{
	int ct_autofd fd = openat(fixture_dir(), name, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, buf, max);

	ck_assert_int_ge(n, 0);
	return (size_t)n;
}
