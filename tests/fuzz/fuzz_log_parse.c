/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzz target: bytes as the file of a log driver.
 *
 * The first byte says which format; each line of the rest goes through the decoder of records. Beyond
 * memory errors it looks for broken promises: text is never longer than the line and its newline,
 * the stream is one of two, a line that is refused leaves the record alone, and what was decoded,
 * encoded again and decoded once more, is the same, time and stream included. Then all of it is read
 * as a file by a cursor, which must count what it passes over and give the rest in order.
 * Linked with libFuzzer or with the driver that replays the corpus.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/streamlog.h>

#include "../../src/conmon/log_parse.h"
#include "../../src/conmon/log_record.h"

#define LINE_MAX	(LOG_RECORD_LINE * 4)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(int holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "broken promise: %s\n", what);
	abort();
}

/* A copy of its own size, so that a byte too far is found. */
static uint8_t *copy_of(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	return copy;
}

static int parse(enum ct_log_file kind, const uint8_t *line, size_t size, uint8_t **ret_text,
		 struct log_record *ret)
{
	uint8_t *exact = copy_of(line, size), *text = malloc(size + 1);
	struct log_record record = { .time = 1, .stream = -1, .size = 7 };
	int r;

	if (!text)
		abort();
	r = ct_record_parse(kind, exact, size, text, &record);
	free(exact);
	if (r < 0) {
		demand(record.stream == -1 && record.size == 7, "a record that was refused");
		free(text);
		return r;
	}
	demand(record.text == text && record.size <= size + 1, "the size of the text");
	demand(record.stream == CT_STREAM_STDOUT || record.stream == CT_STREAM_STDERR, "the stream");
	*ret_text = text;
	*ret = record;
	return 0;
}

/* One record, as we write it: what comes out of it is what went in, as far as the format has it. */
static void check_again(enum ct_log_file kind, const struct log_record *record)
{
	static struct log_encoder e;
	static uint8_t out[LOG_RECORD_MAX];
	struct log_record again;
	uint8_t *text;
	size_t size = 0, n;

	if (!record->size || record->size > LOG_RECORD_LINE - 1)
		return;
	memset(&e, 0, sizeof(e));
	ct_record_init(&e, kind, NULL);
	n = ct_record_encode(&e, record->stream, record->time, record->text, record->size, out, &size);
	demand(n > 0 && n <= record->size, "bytes that were taken");
	if (!size)
		size = ct_record_end(&e, record->stream, record->time, out);
	demand(size > 0 && size <= LOG_RECORD_MAX && out[size - 1] == '\n', "the record");
	demand(!memchr(out, '\n', size - 1), "one line");
	demand(parse(kind, out, size - 1, &text, &again) == 0, "our own records");
	demand(again.stream == record->stream, "the same stream");
	/* Years of more than four digits are none that are written. */
	if (record->time / 1000000000u < 253402300800u)
		demand(again.time == record->time, "the same time");
	if (kind == CT_LOG_FILE_K8S)
		demand(again.size == n && memcmp(again.text, record->text, n) == 0, "the same bytes");
	free(text);
}

static uint64_t check_lines(enum ct_log_file kind, const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *stop;
	uint64_t bytes = 0;

	for (; data < end; data = stop + 1) {
		struct log_record record;
		uint8_t *text;

		stop = memchr(data, '\n', (size_t)(end - data));
		if (!stop)
			break;
		if (stop == data || parse(kind, data, (size_t)(stop - data), &text, &record) < 0)
			continue;
		bytes += record.size;
		check_again(kind, &record);
		free(text);
	}
	return bytes;
}

/* One for all inputs of a process; removed at its end. */
static const char *file_name(void)
{
	static char name[64];

	if (!name[0])
		snprintf(name, sizeof(name), "/dev/shm/cattach-fuzz.%d", (int)getpid());
	return name;
}

static void remove_file(void)
{
	unlink(file_name());
}

static void write_file(const uint8_t *data, size_t size)
{
	static bool registered;
	int ct_autofd fd = open(file_name(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || (size && write(fd, data, size) != (ssize_t)size))
		abort();
	if (!registered && atexit(remove_file) == 0)
		registered = true;
}

static void check_file(enum ct_log_file kind, const uint8_t *data, size_t size, uint64_t expected)
{
	static uint8_t frame[CT_FRAME_MAX];
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_log_source source;
	struct ct_log_files *files;
	struct ct_index_entry e;
	struct ct_err err = { 0 };
	uint64_t bytes = 0, time = 0, offset = 0;

	write_file(data, size);
	if (ct_log_files_open(AT_FDCWD, file_name(), kind, false, &files, &err) < 0)
		abort();
	source = ct_log_files_source(files);
	demand(ct_cursor_open(&source, CT_FROM_OLDEST, &cursor, &err) == 0, "a file can be read");
	while (ct_cursor_next(&cursor, &e, frame, &err) > 0) {
		demand(e.time >= time && e.offset >= offset, "in order");
		time = e.time;
		offset = e.offset;
		bytes += e.value;
	}
	demand(err.code == 0 && bytes == expected, "all of it is read");
	ct_cursor_close(&cursor);
	ct_log_files_close(files);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum ct_log_file kind = size && data[0] & 1 ? CT_LOG_FILE_JSON : CT_LOG_FILE_K8S;

	if (!size || size > LINE_MAX)
		return 0;
	check_file(kind, data + 1, size - 1, check_lines(kind, data + 1, size - 1));
	return 0;
}
