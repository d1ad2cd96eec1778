/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The title of a process that outlives the command line it was started with: what ps(1) shows in
 * args. The words of the command line are overwritten where the kernel reads them, all of them,
 * since they may hold what nobody should read for as long as a container runs ("-e TOKEN=...").
 *
 * Runs in the monitor, with no privileges: the place is told by /proc/self/stat (proc(5), fields
 * arg_start and arg_end). What may fail: /proc is not mounted; then the command line stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#define FIELD_ARG_START 48	/* counted from 1, as the manual does */

/* Field number n (4 or later) of a stat line, whose comm may hold anything up to its last ')'. */
static const char *find_field(const char *line, unsigned n)
{
	const char *at = strrchr(line, ')');

	/* Behind ")" comes field 3. */
	for (unsigned i = 2; at && i < n; i++) {
		at = strchr(at, ' ');
		if (at)
			at++;
	}
	return at;
}

int ct_process_title(const char *title)
{
	int ct_autofd fd = openat(AT_FDCWD, "/proc/self/stat", O_RDONLY | O_CLOEXEC);
	const char *field;
	char line[2048], *end;
	uintptr_t first, last;
	size_t room, length = strlen(title);
	ssize_t n = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);

	if (n <= 0)
		return -(errno ? errno : EIO);
	line[n] = '\0';
	field = find_field(line, FIELD_ARG_START);
	if (!field)
		return -EBADMSG;
	first = strtoull(field, &end, 10);
	last = strtoull(end, NULL, 10);
	if (!first || last <= first)
		return -EBADMSG;
	room = last - first;
	length = length < room - 1 ? length : room - 1;
	/* The kernel takes what stands there up to the end, NULs included, as the words. */
	memset((void *)first, 0, room);
	memcpy((void *)first, title, length);
	return 0;
}
