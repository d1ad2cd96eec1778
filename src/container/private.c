/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories that are ours alone. Who can write the directories of the store or of its sockets can
 * make cattach signal, show or delete the wrong things: so each of them is opened as it is, without
 * following a link, and refused unless it is a directory of ours that is closed to everybody else.
 *
 * Runs in commands, and in a monitor that makes its socket again, as the user. May fail on what is
 * not private, with the way out; nothing is changed then.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "store.h"

#define MAKE_TRIES 10

/* variable is the one that says where the directory is, for the hint. */
static int check_private(const struct stat *st, const char *path, const char *variable,
			 struct ct_err *err)
{
	uid_t euid = geteuid();

	if (S_ISLNK(st->st_mode)) {
		ct_fail(err, ELOOP, "%s is a symbolic link; a directory is needed", path);
		return ct_hint(err, "remove the link, or set %s to where it leads", variable);
	}
	if (!S_ISDIR(st->st_mode)) {
		ct_fail(err, ENOTDIR, "%s is not a directory", path);
		return ct_hint(err, "move it away");
	}
	if (st->st_uid != euid) {
		ct_fail(err, EPERM, "%s belongs to uid %u, not to you (uid %u)", path,
			(unsigned)st->st_uid, (unsigned)euid);
		return ct_hint(err, "chown -R %u %s, or set %s to a place of yours", (unsigned)euid,
			       path, variable);
	}
	if (st->st_mode & 077) {
		ct_fail(err, EPERM, "%s is open to other users (mode %04o)", path,
			(unsigned)st->st_mode & 07777);
		return ct_hint(err, "chmod 700 %s", path);
	}
	return 0;
}

/* A handle on what is there, whatever it is; made as a directory when nothing is. */
static int find_place(int parent, const char *name, bool make)
{
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	if (mkdirat(parent, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

/* O_PATH first, to look at it without opening it; then "." of that very thing. */
static int open_once(int parent, const char *name, const char *path, const char *variable,
		     bool make, struct ct_err *err)
{
	int ct_autofd place = find_place(parent, name, make);
	struct stat st;
	int fd, r;

	if (place < 0)
		return ct_fail_errno(err, errno, "cannot open %sdirectory %s",
				     make ? "or make " : "", path);
	if (fstat(place, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at %s", path);
	r = check_private(&st, path, variable, err);
	if (r < 0)
		return r;
	fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	return fd;
}

int ct_open_private(int parent, const char *name, const char *path, const char *variable, bool make,
		    struct ct_err *err)
{
	int r = -ENOENT;

	/* Others take away what is empty, perhaps between our making and opening it. */
	for (int i = 0; r == -ENOENT && i < (make ? MAKE_TRIES : 1); i++)
		r = open_once(parent, name, path, variable, make, err);
	return r;
}
