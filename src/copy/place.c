/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths as a user named them, turned into descriptors: on the host with the user's own rights and
 * links, in a container by openat2(2) so that nothing leads out of its root.
 *
 * A path to write to becomes the directory that it is in and a name there, links at its end
 * followed one by one: so a file can be made beside what is there and then take its place. Whoever
 * changes the tree meanwhile gets it written elsewhere in the same root, never outside of it.
 */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#define LINKS_MAX 40	/* as the kernel has it */

/* ct_path_try() resolves as if root->fd were "/" (RESOLVE_IN_ROOT): ".." and absolute links stay
 * inside. On the host the user's own paths mean what they always mean. */
int ct_copy_open_at(const struct ct_copy_root *root, const char *path, int flags)
{
	int fd;

	if (root->confined)
		return ct_path_try(root->fd, path, flags | O_CLOEXEC, 0);
	fd = openat(root->fd, *path ? path : ".", flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* Split at the last name; false: the path ends in no name, so it is a directory or nothing. */
static bool split(char *path, char *parent, char *name)
{
	size_t end = strlen(path), start;

	while (end > 1 && path[end - 1] == '/')
		path[--end] = '\0';
	start = end;
	while (start && path[start - 1] != '/')
		start--;
	if (!ct_copy_is_name(path + start, end - start))
		return false;
	snprintf(name, CT_COPY_NAME_MAX + 1, "%s", path + start);
	/* "a" is in ".", "/a" in "/" */
	snprintf(parent, PATH_MAX, "%.*s", (int)start, path);
	if (!start)
		strcpy(parent, ".");
	return true;
}

/* The text of a link takes the place of its name: 1, or an error. A relative link counts from the
 * directory that it is in. */
static int follow(struct ct_copy_place *place, char *path, const char *parent, struct ct_err *err)
{
	char target[PATH_MAX];
	ssize_t n = readlinkat(place->directory, place->name, target, sizeof(target) - 1);
	int length;

	if (n < 0)
		return ct_fail_errno(err, errno, "cannot follow it");
	target[n] = '\0';
	length = snprintf(path, PATH_MAX, "%s%s%s", target[0] == '/' ? "" : parent,
			  target[0] == '/' ? "" : "/", target);
	return length < PATH_MAX ? 1 : ct_fail_errno(err, ENAMETOOLONG, "cannot follow it");
}

static int fail_parent(int code, const char *parent, struct ct_err *err)
{
	if (code != ENOENT)
		return ct_fail_errno(err, code, "cannot open %s", parent);
	ct_fail(err, ENOENT, "there is no directory %s", parent);
	return ct_hint(err, "cp makes no directories above what it copies");
}

/* One look at the path: 0 found, 1 it was a link, look again. A directory first: "x" that is a link
 * to one is that directory. ENOENT and ENOTDIR are what is left for a file, for a name that is
 * free, and for a link to either. */
static int look(const struct ct_copy_root *root, char *path, struct ct_copy_place *place,
		struct ct_err *err)
{
	char parent[PATH_MAX];
	struct stat st;
	int fd = ct_copy_open_at(root, path, O_PATH | O_DIRECTORY);

	if (fd >= 0) {
		place->directory = fd;
		return 0;
	}
	if (fd != -ENOENT && fd != -ENOTDIR)
		return ct_fail_errno(err, -fd, "cannot open it");
	if (!split(path, parent, place->name))
		return ct_fail_errno(err, -fd, "cannot open it");
	place->directory = ct_copy_open_at(root, parent, O_PATH | O_DIRECTORY);
	if (place->directory < 0)
		return fail_parent(-place->directory, parent, err);
	if (fstatat(place->directory, place->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : ct_fail_errno(err, errno, "cannot look at it");
	place->there = !S_ISLNK(st.st_mode);
	place->special = place->there && !S_ISREG(st.st_mode);
	return place->there ? 0 : follow(place, path, parent, err);
}

/* *path is "" when the user wrote "A:": the container's root, or where the command runs. */
int ct_copy_find_place(const struct ct_copy_root *root, const char *path,
		       struct ct_copy_place *ret_place, struct ct_err *err)
{
	char text[PATH_MAX];
	int r = 1;

	if ((size_t)snprintf(text, sizeof(text), "%s", *path ? path : ".") >= sizeof(text))
		return ct_fail_errno(err, ENAMETOOLONG, "cannot open it");
	for (unsigned links = 0; r == 1 && links < LINKS_MAX; links++) {
		struct ct_copy_place place = { .directory = -1 };

		r = look(root, text, &place, err);
		if (r == 0)
			*ret_place = place;
		else
			ct_fd_close(place.directory);
	}
	return r == 1 ? ct_fail_errno(err, ELOOP, "cannot open it") : r;
}
