/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that tells a caller of the runtime command line which process it has got: of a container that
 * was made, or of another process in it.
 *
 * Runs in the command, with the caller's rights, and in its working directory when the path is relative.
 * The file comes by its name in one step, from a temporary one beside it: who waits for it finds all of
 * it, and who has the one of before open keeps that as it was. May fail: a directory that is not there or
 * may not be written.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <cattach/fd.h>
#include <cattach/io.h>

static int write_file(const char *path, const char *text, size_t size, struct ct_err *err)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	char parent[PATH_MAX] = ".";
	int ct_autofd dir = -1;

	if (strlen(path) >= sizeof(parent))
		return ct_fail(err, ENAMETOOLONG, "the path is too long");
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	dir = openat(AT_FDCWD, parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return ct_fail_errno(err, errno, "cannot open %s", parent);
	return ct_write_file_at(dir, name, text, size, 0644, err);
}

int ct_runtime_write_pid(const char *path, pid_t pid, struct ct_err *err)
{
	char text[16];
	int n = snprintf(text, sizeof(text), "%d", (int)pid);

	if (write_file(path, text, (size_t)n, err) == 0)
		return 0;
	return ct_wrap(err, "--pid-file");
}
