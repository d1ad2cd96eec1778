/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records for other people's tools: what the payload writes, as lines in the CRI format (k8s-file),
 * in Docker's JSON (json-file), or as journald's datagrams. Pure: bytes to bytes, in memory that is
 * there.
 */
#ifndef CATTACH_CONMON_LOG_RECORD_H
#define CATTACH_CONMON_LOG_RECORD_H

#include <cattach/streamlog.h>

/* A longer line is cut into records of so many bytes, as docker and containerd cut it. */
#define LOG_RECORD_LINE		16384u
#define LOG_RECORD_TAG		256u	/* bytes of a tag */
#define LOG_RECORD_FIELDS	1536u	/* of what each of journald's records says of its container */
/* Of a whole record: six for a byte that is not text, and what stands around the line. */
#define LOG_RECORD_MAX		(6u * LOG_RECORD_LINE + 6u * LOG_RECORD_TAG + 256u)

/* A line that has no end yet. */
struct log_line {
	uint64_t first;			/* json-file, journald: when the line began, the time of all its records */
	uint32_t size;			/* json-file, journald: bytes that no record has */
	bool partial;			/* the last record was not the end of a line */
	uint8_t text[LOG_RECORD_LINE];
};

/* From a second since 1970 on, clocks show so many minutes more than UTC. */
struct log_zone {
	uint64_t from;
	int minutes;
};

#define LOG_ZONES	48u	/* changes that are known beforehand */

struct log_encoder {
	enum ct_log_file kind;
	bool zoned;			/* see ct_record_zone() */
	uint32_t record_max;		/* k8s-file: bytes of a line in one record */
	char zone[7];			/* "+00:00", of that second */
	uint64_t second;		/* whose text this is */
	char date[20];			/* "2006-01-02T15:04:05" */
	size_t attrs_size;
	/* json-file: what stands before the time; journald: what every record ends with. */
	char attrs[6 * LOG_RECORD_TAG + 32];
	struct log_line line[2];	/* stdout, stderr */
	struct log_zone zones[LOG_ZONES];	/* the first one from the beginning; 0 ends them */
};

_Static_assert(LOG_RECORD_FIELDS <= 6 * LOG_RECORD_TAG + 32, "room for journald's fields");

/* Set up an encoder, which is zeros; text is the tag of json-file, the fields of journald, or
 * NULL. */
void ct_record_init(struct log_encoder *encoder, enum ct_log_file kind, const char *text);

/* k8s-file as conmon writes it: the time that clocks show here, from now (seconds since 1970) on
 * for ten years, with what it differs from UTC, and shorter records. Before the monitor's loop: it
 * reads the time zone's file. */
void ct_record_zone(struct log_encoder *encoder, uint64_t now);

/**
 * ct_record_encode - at most one record, from the beginning of some bytes of a stream
 * @out:      room for LOG_RECORD_MAX bytes
 * @ret_size: of the record; 0: there is none yet, all of the bytes wait for more
 *
 * Return: how many bytes it took, at least one.
 */
size_t ct_record_encode(struct log_encoder *encoder, int stream, uint64_t time,
			const uint8_t *data, size_t size, uint8_t *out, size_t *ret_size);

/* What still waits of a stream, which has ended: the size of its record, 0: nothing waits. */
size_t ct_record_end(struct log_encoder *encoder, int stream, uint64_t time, uint8_t *out);

/* Bytes are missing here: a line that is open ends, and what comes begins another. The size of the
 * record that says so, 0: no line is open. */
size_t ct_record_break(struct log_encoder *encoder, int stream, uint64_t time, uint8_t *out);

/* Only journald has a record for that: so many bytes are missing. Its size, 0: no record. */
size_t ct_record_gap(struct log_encoder *encoder, uint64_t time, uint64_t lost, uint8_t *out);

#endif
