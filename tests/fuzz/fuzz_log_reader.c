/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as the segments of a stream log.
 *
 * The input is cut into segments: 8 bytes say how long log and index of one are (be16 each), whether
 * the index gets a header that is right, and what its base is; then come the bytes. Read by bytes
 * and by entries, and places looked for in it. Beyond memory errors it looks for broken promises: a
 * reader goes forward whatever it meets, an error says something, no frame is larger than it may be,
 * the offset never goes back. Linked with libFuzzer or with the driver that replays the corpus.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/streamlog.h>

#define SEGMENTS	4
#define HEADER		8
#define CALLS_MAX	100000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct log {
	int data[SEGMENTS], index[SEGMENTS];
	uint32_t count;
};

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

static int make_file(const void *first, size_t first_size, const uint8_t *data, size_t size)
{
	int fd = memfd_create("segment", MFD_CLOEXEC);

	if (fd < 0 || (first_size && write(fd, first, first_size) != (ssize_t)first_size) ||
	    (size && write(fd, data, size) != (ssize_t)size))
		abort();
	return fd;
}

static int open_segment(void *arg, uint32_t number, struct ct_segment *ret_segment,
			struct ct_err *err)
{
	const struct log *log = arg;

	(void)err;
	if (number >= log->count)
		return -ENOENT;
	*ret_segment = (struct ct_segment){ .number = number, .data = dup(log->data[number]),
					    .index = dup(log->index[number]) };
	if (ret_segment->data < 0 || ret_segment->index < 0)
		abort();
	return 0;
}

/* The next segment of the input; bytes used, 0 when there are none left. */
static size_t take_segment(struct log *log, const uint8_t *data, size_t size)
{
	struct ct_index_header h = { .magic = CT_INDEX_MAGIC, .version = 1,
				     .segment = log->count, .run = log->count / 2 + 1 };
	size_t data_size, index_size;

	if (size < HEADER || log->count == SEGMENTS)
		return 0;
	data_size = (size_t)(data[0] << 8 | data[1]);
	index_size = (size_t)(data[2] << 8 | data[3]);
	h.base = (uint64_t)(data[5] << 8 | data[6]);
	h.time = data[7];
	if (data_size > size - HEADER)
		data_size = size - HEADER;
	if (index_size > size - HEADER - data_size)
		index_size = size - HEADER - data_size;
	log->data[log->count] = make_file(NULL, 0, data + HEADER, data_size);
	log->index[log->count] = make_file(&h, data[4] & 1 ? sizeof(h) : 0,
					   data + HEADER + data_size, index_size);
	log->count++;
	return HEADER + data_size + index_size;
}

static void check_error(int r, const struct ct_err *err)
{
	demand(err->code > 0 && r == -err->code && err->what[0], "an error that says nothing");
}

static void open_cursor(struct log *log, enum ct_cursor_start start, struct ct_cursor *c)
{
	struct ct_log_source source = { .open_segment = open_segment, .arg = log };
	struct ct_err err = { 0 };

	if (ct_cursor_open(&source, start, c, &err) < 0) {
		check_error(-err.code, &err);
		*c = (struct ct_cursor)CT_CURSOR_INIT;
	}
}

static void read_bytes(struct log *log, size_t chunk)
{
	static uint8_t buf[4096];
	struct ct_cursor c;
	uint64_t before;
	ssize_t n;

	open_cursor(log, CT_FROM_OLDEST, &c);
	if (!c.source.open_segment)
		return;
	for (int calls = 0;; calls++) {
		struct ct_err err = { 0 };
		int stream = 0;

		before = c.offset;
		n = ct_cursor_read(&c, buf, chunk, &stream, &err);
		demand(calls < CALLS_MAX, "a reader goes in circles");
		if (n < 0)
			check_error((int)n, &err);
		if (n > 0)
			demand((stream == 1 || stream == 2) && (size_t)n <= chunk &&
			       c.offset > before, "bytes from nowhere");
		if (n == 0 || (n < 0 && n != -EBADMSG))
			break;
	}
	ct_cursor_close(&c);
}

static void read_entries(struct ct_cursor *c)
{
	static uint8_t frame[CT_FRAME_MAX];
	int r;

	for (int calls = 0;; calls++) {
		struct ct_index_entry e = { 0 };
		struct ct_err err = { 0 };

		r = ct_cursor_next(c, &e, frame, &err);
		demand(calls < CALLS_MAX, "a reader of entries goes in circles");
		if (r < 0)
			check_error(r, &err);
		if (r == 1 && e.kind < CT_NOTE_RUN)
			demand(e.kind > 0 && e.value > 0 && e.value <= CT_FRAME_MAX,
			       "a frame that is none");
		if (r == 0 || (r < 0 && r != -EBADMSG))
			return;
	}
}

static void find_places(struct log *log, const uint8_t *data, size_t size)
{
	uint64_t key = size >= 8 ? data[7] : 1;
	struct ct_cursor c;

	open_cursor(log, CT_FROM_NOW, &c);
	if (!c.source.open_segment)
		return;
	for (int i = 0; i < 6; i++) {
		struct ct_err err = { 0 };
		int r = i == 0 ? ct_cursor_seek_time(&c, key, &err) :
			i == 1 ? ct_cursor_seek_time(&c, UINT64_MAX / 2, &err) :
			i == 2 ? ct_cursor_seek_lines(&c, 3, &err) :
			i == 3 ? ct_cursor_seek_lines(&c, 1000, &err) :
			i == 4 ? ct_cursor_seek_run(&c, 2, &err) :
				 ct_cursor_seek_run(&c, -1, &err);

		if (r < 0)
			check_error(r, &err);
		else
			demand(err.code == 0, "success that says an error");
		read_entries(&c);
	}
	ct_cursor_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct log log = { .count = 0 };
	size_t at = 0, used;

	while ((used = take_segment(&log, data + at, size - at)) > 0)
		at += used;
	read_bytes(&log, 4096);
	read_bytes(&log, 7);
	find_places(&log, data, size);
	for (uint32_t i = 0; i < log.count; i++) {
		close(log.data[i]);
		close(log.index[i]);
	}
	return 0;
}
