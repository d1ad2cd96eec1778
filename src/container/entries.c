/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking the entries of a directory that is open already, with getdents64(2) into the stack.
 *
 * readdir(3) would need a DIR on the heap; this also runs in a monitor that tidies up after itself
 * (--rm), which allocates nothing. Each walk opens the directory anew: a descriptor's position is
 * shared with the process it was inherited from, and that one may be walking too. What is added
 * or removed during a walk may be seen or not; callers that need to see all of it walk again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>

#include <cattach/fd.h>

#include "store.h"

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int ct_each_entry(int dir, int (*visit)(int dir, const char *name, unsigned char type, void *arg),
		  void *arg)
{
	char buf[4096] __attribute__((aligned(__alignof__(struct dirent64))));
	int ct_autofd walk = -1;

	walk = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (walk < 0)
		return -errno;
	for (;;) {
		ssize_t filled = getdents64(walk, buf, sizeof(buf));

		if (filled <= 0)
			return filled < 0 ? -errno : 0;
		for (ssize_t at = 0; at < filled;) {
			const struct dirent64 *entry = (const void *)(buf + at);
			int r = is_dot(entry->d_name) ?
					0 : visit(dir, entry->d_name, entry->d_type, arg);

			if (r != 0)
				return r;
			at += entry->d_reclen;
		}
	}
}
