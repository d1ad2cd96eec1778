/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tmpcopyup: fill a fresh tmpfs with what the directory holds that it is going to hide.
 *
 * Runs in the child as the container's root, on two descriptors; nothing is resolved by a path of
 * more than one component and no link is followed. Depth and number of entries are bounded, since
 * the source is hostile. What cannot be read by the container's root is an error: a copy that is
 * silently incomplete would be worse.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "child.h"

#define MAX_DEPTH	64
#define MAX_ENTRIES	1000000

struct copy {
	unsigned depth;
	unsigned long entries;
};

static int copy_directory(struct copy *copy, int from, int to, struct ct_err *err);

/* Before the mode: a change of owner takes set-user-id and set-group-id away. */
static int copy_owner(int to, const char *name, const struct stat *st, struct ct_err *err)
{
	/* Ids that are not mapped show as the overflow id and cannot be given: keep ours. */
	if (fchownat(to, name, st->st_uid, st->st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
	    errno != EINVAL && errno != EPERM)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot give %s its owner", name);
	return 0;
}

/* Holes stay holes: a sparse file may claim to have more bytes than there is memory. */
static int copy_data(int in, int out, off_t size)
{
	off_t data = 0;

	while (data < size && (data = lseek(in, data, SEEK_DATA)) >= 0) {
		off_t end = lseek(in, data, SEEK_HOLE);

		if (end < 0 || lseek(out, data, SEEK_SET) < 0)
			return -errno;
		while (data < end) {
			ssize_t n = sendfile(out, in, &data, (size_t)(end - data));

			if (n < 0)
				return -errno;
			if (n == 0)	/* it is being cut off meanwhile */
				return ftruncate(out, data) < 0 ? -errno : 0;
		}
	}
	if (data < 0 && errno != ENXIO)
		return -errno;
	return ftruncate(out, size) < 0 ? -errno : 0;
}

static int copy_file(int from, int to, const char *name, const struct stat *st, struct ct_err *err)
{
	int ct_autofd in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int ct_autofd out = -1;
	int r;

	if (in < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot read %s", name);
	out = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot make %s", name);
	r = copy_data(in, out, st->st_size);
	if (r < 0)
		return ct_fail_errno(err, -r, "tmpcopyup: cannot copy %s", name);
	if (copy_owner(to, name, st, err) < 0)
		return -err->code;
	if (fchmod(out, st->st_mode & 07777) < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot set the mode of %s", name);
	return 0;
}

static int copy_link(int from, int to, const char *name, const struct stat *st, struct ct_err *err)
{
	char target[4096];
	ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

	if (n < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot read the link %s", name);
	target[n] = '\0';
	if (symlinkat(target, to, name) < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot make the link %s", name);
	return copy_owner(to, name, st, err);
}

static int copy_subdirectory(struct copy *copy, int from, int to, const char *name,
			     const struct stat *st, struct ct_err *err)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int ct_autofd in = openat(from, name, flags);
	int ct_autofd out = -1;
	int r;

	if (in < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot open %s", name);
	if (mkdirat(to, name, 0700) < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot make %s", name);
	out = openat(to, name, flags);
	if (out < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot open the new %s", name);
	r = copy_directory(copy, in, out, err);
	if (r == 0)
		r = copy_owner(to, name, st, err);
	if (r == 0 && fchmod(out, st->st_mode & 07777) < 0)
		r = ct_fail_errno(err, errno, "tmpcopyup: cannot set the mode of %s", name);
	return r;
}

static int copy_entry(struct copy *copy, int from, int to, const char *name, struct ct_err *err)
{
	struct stat st;

	if (++copy->entries > MAX_ENTRIES)
		return ct_fail(err, E2BIG, "tmpcopyup: more than %d files", MAX_ENTRIES);
	if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return ct_fail_errno(err, errno, "tmpcopyup: cannot examine %s", name);
	if (S_ISREG(st.st_mode))
		return copy_file(from, to, name, &st, err);
	if (S_ISLNK(st.st_mode))
		return copy_link(from, to, name, &st, err);
	if (S_ISDIR(st.st_mode))
		return copy_subdirectory(copy, from, to, name, &st, err);
	/* Sockets, FIFOs and device nodes have no content to bring along. */
	return 0;
}

static int copy_directory(struct copy *copy, int from, int to, struct ct_err *err)
{
	int fd = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR ct_autodir *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!dir) {
		ct_fd_close(fd);
		return ct_fail_errno(err, errno, "tmpcopyup: cannot read a directory");
	}
	if (++copy->depth > MAX_DEPTH)
		return ct_fail(err, ELOOP, "tmpcopyup: deeper than %d directories", MAX_DEPTH);
	while ((entry = readdir(dir))) {
		int r;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		r = copy_entry(copy, dirfd(dir), to, entry->d_name, err);
		if (r < 0)
			return r;
	}
	copy->depth--;
	return 0;
}

int ct_child_copy_up(int from, int to, struct ct_err *err)
{
	struct copy copy = { 0 };

	return copy_directory(&copy, from, to, err);
}
