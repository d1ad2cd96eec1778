/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The segments of a log in a directory, for readers of a log that nobody writes: log.N and index.N,
 * whatever N there are. A name that is no regular file is passed over, never followed.
 *
 * Runs in readers (logs, attach to what has ended). What may fail: a directory that cannot be read.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cattach/fd.h>

#include "segment.h"

/* The least number that is at least min and has an index: 0, -ENOENT, -errno. */
static int find_next(int dir, uint32_t min, uint32_t *ret_number)
{
	int ct_autofd fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t best = UINT32_MAX;
	DIR ct_autodir *stream = NULL;

	if (fd < 0)
		return -errno;
	stream = fdopendir(fd);
	if (!stream)
		return -errno;
	ct_take_fd(&fd);
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		uint32_t number;

		if (ct_segment_number(entry->d_name, "index", &number) && number >= min &&
		    number < best)
			best = number;
	}
	if (best == UINT32_MAX)
		return -ENOENT;
	*ret_number = best;
	return 0;
}

/* Made by a writer that has not come to write to it, yet or any more: nothing, and no damage. */
static bool is_blank(const struct ct_segment *s)
{
	struct stat data, index;

	return fstat(s->data, &data) == 0 && fstat(s->index, &index) == 0 && !data.st_size &&
	       !index.st_size;
}

/* This one, if there is something in it: 0, -ENOENT, -errno. */
static int try_segment(int dir, uint32_t number, struct ct_segment *ret_segment)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	int r = ct_segment_open_at(dir, number, O_RDONLY, &s);

	if (r == 0 && is_blank(&s)) {
		ct_segment_close(&s);
		return -ENOENT;
	}
	if (r == 0)
		*ret_segment = s;
	return r;
}

/* The directory's descriptor is the caller's, and travels as the pointer's value. */
static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	int dir = (int)(intptr_t)arg;
	int r = try_segment(dir, number, ret_segment);

	/* Mostly the number is there; else look which one is the next. */
	while (r == -ENOENT) {
		r = find_next(dir, number, &number);
		if (r == -ENOENT)
			return r;
		if (r < 0)
			return ct_fail_errno(err, -r, "cannot list the log's directory");
		r = try_segment(dir, number, ret_segment);
		number += r == -ENOENT;
	}
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot open log.%u", number);
	return 0;
}

struct ct_log_source ct_log_source_of_dir(int dir)
{
	return (struct ct_log_source){ .open_segment = open_segment, .arg = (void *)(intptr_t)dir };
}
