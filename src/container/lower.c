/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which directory a throw-away overlay was made over: a path alone does not say, for what is there
 * may have been moved away and replaced while the container runs.
 *
 * Runs in the command, as the user. Every start with an overlay writes device and inode into
 * "lower" in the container's directory: numbers of devices hold until the host restarts, and so
 * does the run. May fail: a path that leads to another directory or to none by now, a record that
 * is not there.
 */
#include "lower.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#define NAME "lower"
#define SIZE 64

static int write_identity(uint64_t device, uint64_t inode, char text[SIZE])
{
	return snprintf(text, SIZE, "%llu %llu\n", (unsigned long long)device,
			(unsigned long long)inode);
}

int ct_lower_save(const struct ct_container *container, const struct ct_plan_root *root,
		  struct ct_err *err)
{
	char text[SIZE];
	int length;

	if (root->kind != CT_ROOT_OVERLAY)
		return 0;
	length = write_identity(root->source.device, root->source.inode, text);
	return ct_write_file_at(container->dir, NAME, text, (size_t)length, 0600, err);
}

static int read_identity(const struct ct_container *c, char text[SIZE], struct ct_err *err)
{
	int ct_autofd fd = openat(c->dir, NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -errno : ct_read_text(fd, text, SIZE);

	if (n >= 0)
		return 0;
	ct_fail_errno(err, (int)-n, "container %s: no record of the directory below its overlay",
		      ct_container_label(c));
	return ct_hint(err, "cattach restart %s writes it", ct_container_label(c));
}

/* Compared as texts: both come from the same function. */
int ct_lower_open(const struct ct_container *container, struct ct_err *err)
{
	const char *path = container->meta.rootfs;
	char recorded[SIZE], found[SIZE];
	int ct_autofd fd = -1;
	struct stat st;

	if (read_identity(container, recorded, err) < 0)
		return -err->code;
	fd = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot open %s, over which container %s runs",
				     path, ct_container_label(container));
	write_identity(st.st_dev, st.st_ino, found);
	if (strcmp(recorded, found) != 0) {
		ct_fail(err, ESTALE,
			"%s is not the directory any more over which container %s runs", path,
			ct_container_label(container));
		return ct_hint(err, "move that one back, or cattach restart %s",
			       ct_container_label(container));
	}
	return ct_take_fd(&fd);
}
