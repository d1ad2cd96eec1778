/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of log drivers as segments, shared by log_files.c (what is there) and log_files_follow.c
 * (what comes).
 */
#ifndef CATTACH_CONMON_LOG_FILES_H
#define CATTACH_CONMON_LOG_FILES_H

#include <sys/types.h>

#include <cattach/streamlog.h>

#define LOG_FILES_LINE	(1u << 20)	/* what is longer is no record of anybody's */
#define LOG_FILES_KNOWN	256
#define LOG_FILES_HEAD	64		/* bytes: enough for the time of a record at either of its ends */

struct log_part {
	int fd;
	uint64_t from, size;		/* what of it is read: up to its size, as it was */
	uint64_t strange;		/* lines that were no records, when it was read last */
};

/*
 * How a file begins: its first bytes, and the last ones of its first record. k8s-file has the time
 * in those, json-file in these; the rest of a first line may be the same in each file that a
 * program writes.
 */
struct log_head {
	uint8_t first[LOG_FILES_HEAD], last[LOG_FILES_HEAD];
	size_t size;			/* of what is known of first */
	uint64_t end;			/* of that record; 0 while it has none */
};

/* Behind the files that were there: what is written to the last one, and to those that follow. */
struct log_tail {
	bool follow;
	int dir;
	char *path;
	struct log_part part;		/* of the file that is read, known[current] */
	struct log_head head;
	struct log_known {
		int fd;
		dev_t dev;
		ino_t ino;
	} known[LOG_FILES_KNOWN];	/* the oldest first: read, while they have names, and to be read */
	size_t known_count, current;
	uint64_t met;			/* files that came since the beginning */
	uint32_t next;			/* number of the next segment... */
	uint64_t end, time;		/* ...and where it begins, and when */
};

struct ct_log_files {
	enum ct_log_file kind;
	bool live;
	size_t count;
	struct log_part parts[CT_LOG_MAX_FILES];	/* the oldest first, once all are open */
	struct log_tail tail;
	uint8_t text[LOG_FILES_LINE + 2];	/* of a record */
};

/* log_files.c */
char *ct_log_files_name(const char *path, uint32_t number);	/* free it; NULL: no memory */
int ct_log_files_open_part(int dir, const char *path, uint32_t number, struct log_part *ret_part);
bool ct_log_files_same(int a, int b);	/* descriptors of one file */

/* log_files_follow.c */
void ct_log_files_prepare(struct ct_log_files *files);
void ct_log_files_leave(struct ct_log_files *files);

#endif
