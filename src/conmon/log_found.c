/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What earlier runs have left in the log's directory: which segments there are, and where the last
 * one ends, so that offsets, times and the numbers of segments and runs go on behind it.
 *
 * Runs in the monitor, before its payload runs. Nothing fails here: what cannot be read is passed
 * over, and the log begins behind what could be. A torn end is left as it is for readers to tell
 * of.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <cattach/fd.h>

#include "log_writer.h"

/* The greatest numbers that were seen, ascending. */
struct numbers {
	uint32_t at[LOG_LISTED_MAX];
	size_t count;
};

static void forget(const struct ct_log_writer *w, uint32_t number)
{
	char name[CT_SEGMENT_NAME_SIZE];

	for (int i = 0; i < 2; i++) {
		ct_segment_name(name, i ? "index" : "log", number);
		if (unlinkat(w->dir, name, 0) < 0)
			continue;
	}
}

/* More than we have room for is more than a log may have: the least goes. */
static void add(struct ct_log_writer *w, struct numbers *n, uint32_t number)
{
	size_t i = n->count;

	if (n->count == LOG_LISTED_MAX) {
		forget(w, number < n->at[0] ? number : n->at[0]);
		if (number < n->at[0])
			return;
		memmove(n->at, n->at + 1, --n->count * sizeof(n->at[0]));
		i = n->count;
	}
	while (i > 0 && n->at[i - 1] > number)
		i--;
	memmove(n->at + i + 1, n->at + i, (n->count - i) * sizeof(n->at[0]));
	n->at[i] = number;
	n->count++;
}

/* Numbers go up for ever, also over those of files that somebody has put there: none is used
 * twice. */
static void find(struct ct_log_writer *w, struct numbers *n)
{
	int ct_autofd fd = openat(w->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR ct_autodir *stream = fd < 0 ? NULL : fdopendir(fd);

	if (!stream)
		return;
	ct_take_fd(&fd);
	for (struct dirent *entry = readdir(stream); entry; entry = readdir(stream)) {
		uint32_t number;
		bool index = ct_segment_number(entry->d_name, "index", &number);

		if (!index && !ct_segment_number(entry->d_name, "log", &number))
			continue;
		if (number >= w->next)
			w->next = number + 1;
		if (index)
			add(w, n, number);
	}
}

/* A segment of an earlier run into the list; where it ends is looked at only for the last good one.
 * Where only a header can be read, the file's size says how many bytes of frames there were. */
static void take(struct ct_log_writer *w, uint32_t number, bool last)
{
	struct ct_segment s = CT_SEGMENT_INIT;
	struct ct_index_header header;
	struct ct_segment_tail tail;
	struct stat st;

	if (ct_segment_open_at(w->dir, number, O_RDONLY, &s) < 0)
		return;
	if (fstat(s.data, &st) < 0)
		st.st_size = 0;
	if (ct_segment_header(s.index, &header) < 0) {
		/* Damaged: what it may have told of is passed over, never told of again. */
		header = (struct ct_index_header){ .base = w->end, .run = w->run };
		w->end += (uint64_t)st.st_size;
	} else if (!last) {
		w->end = header.base + (uint64_t)st.st_size;
	} else if (ct_segment_tail(&s, &header, &tail) == 0) {
		w->end = tail.end;
		w->payload = tail.payload;
		w->time = tail.time;
	}
	w->run = header.run > w->run ? header.run : w->run;
	ct_segment_close(&s);
	ct_log_list(w, number, header.base,
		    (uint64_t)st.st_size >= w->max_size / 2 ? w->max_size : (uint64_t)st.st_size);
}

/* Which of them is the last that tells how much was written? A kill or a crash may have left some
 * behind it that tell nothing. */
static size_t last_of(const struct ct_log_writer *w, const struct numbers *n)
{
	for (size_t i = n->count; i > 0; i--) {
		struct ct_segment s = CT_SEGMENT_INIT;
		struct ct_index_header header;
		bool good = ct_segment_open_at(w->dir, n->at[i - 1], O_RDONLY, &s) == 0 &&
			    ct_segment_header(s.index, &header) == 0;

		ct_segment_close(&s);
		if (good)
			return i - 1;
	}
	return n->count;
}

void ct_log_take_over(struct ct_log_writer *w)
{
	struct numbers n = { .count = 0 };
	size_t last;

	find(w, &n);
	last = last_of(w, &n);
	for (size_t i = 0; i < n.count; i++)
		take(w, n.at[i], i == last);
	w->disk_payload = w->payload;
	ct_log_file_room(w, 0);
}
