/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines whose content says where they belong and when they were written: for the acceptance tests
 * (nothing lost, nothing twice) and for the benchmark (how fast, how late).
 *
 *   lines write BYTES [CHUNK [CODE]]   numbered lines of 64 bytes, CHUNK bytes a write, exit CODE
 *   lines stamps COUNT PAUSE           COUNT lines with the time, PAUSE microseconds between them
 *   lines delays SKIP                  read such lines: how old they were, the first SKIP left out
 *   lines echo COUNT PAUSE             write such lines and wait for each to come back on stdin
 *
 * BYTES and CHUNK are multiples of 64, so that the same BYTES are the same bytes whatever CHUNK is.
 * Delays are printed on stderr: median, 99th percentile and greatest, in microseconds. The clock is
 * CLOCK_MONOTONIC, which is the host's in a container, too. A write that fails ends it with 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 64
#define NUMBER 16 /* digits */
#define CHUNK_MAX (1 << 20)
#define DELAYS_MAX 65536

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

static int put(const char *data, size_t length)
{
	while (length > 0) {
		ssize_t n = write(STDOUT_FILENO, data, length);

		if (n < 0)
			return -1;
		data += n;
		length -= (size_t)n;
	}
	return 0;
}

/* A decimal number as long as a line's first part; adding one to it is cheaper than printing it. */
static void count_up(char *line)
{
	for (int i = NUMBER - 1; i >= 0 && ++line[i] > '9'; i--)
		line[i] = '0';
}

/* The lines from *line on, which is left at the next one. */
static void fill(char *line, char *chunk, size_t length)
{
	for (size_t at = 0; at < length; at += LINE) {
		memcpy(chunk + at, line, LINE);
		count_up(line);
	}
}

static int write_lines(uint64_t bytes, size_t chunk)
{
	static const char text[LINE - NUMBER] = " a line of sixty-four bytes, one of a whole lot\n";
	char line[LINE], *data = malloc(chunk);

	if (!data)
		return 1;
	memset(line, '0', LINE);
	memcpy(line + NUMBER, text, sizeof(text));
	for (uint64_t done = 0; done < bytes; done += chunk) {
		size_t length = bytes - done < chunk ? (size_t)(bytes - done) : chunk;

		fill(line, data, length);
		if (put(data, length) < 0)
			return 1;
	}
	free(data);
	return 0;
}

static int put_stamp(void)
{
	char line[32];
	int length = snprintf(line, sizeof(line), "%" PRIu64 "\n", now());

	return put(line, (size_t)length);
}

static int write_stamps(unsigned count, unsigned pause)
{
	for (unsigned i = 0; i < count; i++) {
		if (i > 0)
			usleep(pause);
		if (put_stamp() < 0)
			return 1;
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static int report(uint64_t *delays, size_t count)
{
	if (count == 0)
		return 1;
	qsort(delays, count, sizeof(*delays), compare);
	fprintf(stderr, "%.1f %.1f %.1f\n", (double)delays[count / 2] / 1e3,
		(double)delays[count * 99 / 100] / 1e3, (double)delays[count - 1] / 1e3);
	return 0;
}

/* The age of the stamp that comes in, or -1 at the end of the input; what is no stamp has none. */
static int64_t read_age(void)
{
	char line[128];
	size_t length = 0;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, line + length, sizeof(line) - 1 - length);
		uint64_t arrived = now();

		if (n <= 0)
			return -1;
		length += (size_t)n;
		line[length] = '\0';
		if (line[length - 1] == '\n')
			return (int64_t)(arrived - strtoull(line, NULL, 10));
		if (length == sizeof(line) - 1)
			length = 0;
	}
}

static int read_delays(unsigned skip)
{
	static uint64_t delays[DELAYS_MAX];
	size_t count = 0;
	int64_t age;

	while (count < DELAYS_MAX && (age = read_age()) >= 0) {
		if (skip > 0)
			skip--;
		else
			delays[count++] = (uint64_t)age;
	}
	return report(delays, count);
}

static int echo(unsigned count, unsigned pause)
{
	static uint64_t delays[DELAYS_MAX];

	for (unsigned i = 0; i < count && i < DELAYS_MAX; i++) {
		int64_t age;

		usleep(pause);
		if (put_stamp() < 0)
			return 1;
		age = read_age();
		if (age < 0)
			return 1;
		delays[i] = (uint64_t)age;
	}
	return report(delays, count);
}

int main(int argc, char **argv)
{
	unsigned long long first = argc > 2 ? strtoull(argv[2], NULL, 10) : 0;
	unsigned second = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;

	if (argc > 2 && strcmp(argv[1], "write") == 0) {
		size_t chunk = second ? second : LINE;

		if (chunk % LINE || chunk > CHUNK_MAX || first % LINE)
			return 2;
		return write_lines(first, chunk) ? 1 : argc > 4 ? atoi(argv[4]) : 0;
	}
	if (argc == 4 && strcmp(argv[1], "stamps") == 0)
		return write_stamps((unsigned)first, second);
	if (argc == 3 && strcmp(argv[1], "delays") == 0)
		return read_delays((unsigned)first);
	if (argc == 4 && strcmp(argv[1], "echo") == 0)
		return echo((unsigned)first, second);
	fprintf(stderr, "usage: lines write|stamps|delays|echo ARG...\n");
	return 2;
}
