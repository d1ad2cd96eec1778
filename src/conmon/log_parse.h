/* SPDX-License-Identifier: Apache-2.0 */
/* Records of k8s-file and json-file, decoded. Pure. */
#ifndef CATTACH_CONMON_LOG_PARSE_H
#define CATTACH_CONMON_LOG_PARSE_H

#include <cattach/streamlog.h>

struct log_record {
	uint64_t time;			/* ns since the epoch */
	int stream;
	uint8_t *text;			/* bytes that were written, with the newline if there was one */
	size_t size;
};

/* A line of such a file, without its newline: 0 or -EBADMSG. text has room for size + 1 bytes. */
int ct_record_parse(enum ct_log_file kind, const uint8_t *data, size_t size, uint8_t *text,
		    struct log_record *ret_record);

/* A time as records have it, RFC 3339, in ns since the epoch: 0 or -EBADMSG. */
int ct_record_parse_time(const uint8_t *data, size_t size, uint64_t *ret_time);

#endif
