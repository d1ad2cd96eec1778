/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for the caller: pids, how it ended, that memory was short, and the link by which it finds the
 * attach socket.
 *
 * Runs before the loop and at its end. Each file is there whole or not at all: written under another
 * name and renamed. May fail at the start; at the end nobody is left to be told, but whoever looks
 * for the file.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#define MODE 0644

static int open_dir(const char *option, const char *path, int *ret_dir, struct ct_err *err)
{
	*ret_dir = -1;
	if (!path)
		return 0;
	*ret_dir = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_dir >= 0)
		return 0;
	ct_fail_errno(err, errno, "cannot open %s", path);
	return ct_wrap(err, "--%s", option);
}

int ct_records_open(struct dropin *d, struct ct_err *err)
{
	int r = open_dir("exit-dir", d->o->exit_dir, &d->exit_dir, err);

	return r < 0 ? r : open_dir("persist-dir", d->o->persist_dir, &d->persist_dir, err);
}

int ct_records_pid(const char *path, pid_t pid, struct ct_err *err)
{
	char text[16], *slash = path ? strrchr(path, '/') : NULL;
	char *dir_path = NULL;
	int ct_autofd dir = -1;
	int n = snprintf(text, sizeof(text), "%d", (int)pid);

	if (!path)
		return 0;
	/* The path was made absolute. */
	dir_path = strndupa(path, slash > path ? (size_t)(slash - path) : 1);
	dir = openat(AT_FDCWD, dir_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return ct_fail_errno(err, errno, "cannot open the directory of %s", path);
	return ct_write_file_at(dir, slash + 1, text, (size_t)n, MODE, err);
}

/* ---- the link ---- */

int ct_records_link(struct dropin *d, struct ct_err *err)
{
	const char *dir = d->o->socket_dir ? d->o->socket_dir : "/var/run/crio";
	char target[PATH_MAX];
	ssize_t n;

	if (d->config.runtime < 0 || d->o->full_attach || !d->o->cuuid)
		return 0;
	n = readlink(ct_arena_printf(d->arena, "/proc/self/fd/%d", d->bundle), target, sizeof(target) - 1);
	d->link = ct_arena_printf(d->arena, "%s/%s", dir, d->o->cuuid);
	if (n < 0 || !d->link)
		return ct_fail(err, EIO, "cannot tell the bundle's path");
	target[n] = '\0';
	/* Of a run before this one. */
	if (unlink(d->link) < 0 && errno != ENOENT && errno != EISDIR)
		return ct_fail_errno(err, errno, "cannot replace %s", d->link);
	if (symlink(target, d->link) < 0) {
		ct_fail_errno(err, errno, "cannot make the link %s", d->link);
		d->link = NULL;
		return ct_wrap(err, "--socket-dir-path");
	}
	return 0;
}

/* ---- the end ---- */

static void put(int dir, const char *name, const char *text)
{
	struct ct_err err = { 0 };

	if (dir >= 0 && ct_write_file_at(dir, name, text, strlen(text), MODE, &err) < 0)
		return;
}

void ct_records_exit(struct dropin *d, int code)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", code);
	put(d->persist_dir, "exit", text);
	put(d->exit_dir, d->o->cid, text);
	if (d->link && unlink(d->link) < 0)
		errno = 0;
	d->link = NULL;
}

void ct_records_oom(const struct dropin *d)
{
	put(d->bundle, "oom", "");
	put(d->persist_dir, "oom", "");
}
