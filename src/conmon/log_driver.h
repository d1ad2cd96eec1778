/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer of what other tools read, shared by log_driver.c (from the segments in memory to
 * records), log_driver_file.c (the file: written, rotated, opened again) and log_driver_journald.c
 * (the datagrams). One mapping each, made before the payload runs.
 */
#ifndef CATTACH_CONMON_LOG_DRIVER_H
#define CATTACH_CONMON_LOG_DRIVER_H

#include <limits.h>
#include <sys/un.h>

#include "log_record.h"
#include "log_writer.h"

/* Room for what a frame of lines becomes, as a rule, and one record more. */
#define LOG_DRIVER_OUT	((160u << 10) + LOG_RECORD_MAX)

struct log_driver {
	struct log_driver *next;	/* of the same writer, or NULL */
	bool journald;			/* fd is a socket, and each record a datagram */
	struct sockaddr_un address;	/* of journald */
	uint64_t patient_until;		/* sends wait until then; monotonic ns */
	uint64_t retry_min;		/* ns; journald empties its queue sooner than anybody a disk */

	struct ct_page *page;		/* where readers see how far the file goes; NULL: nobody follows it */
	int dir, fd;			/* fd is -1 while there is no room for a file */
	char name[NAME_MAX + 1];
	bool outside;			/* dir is not the session's own */
	uint64_t max_size;
	uint32_t max_files;
	uint64_t size;			/* of the file, as we know it */
	uint64_t total, max_total;	/* of all records so far; 0: there may be any number of bytes */
	unsigned mode;			/* permissions of the next one */

	/* A reader of the segments in memory: where it is. */
	uint32_t segment, entry, at;	/* bytes of this entry's frame that are taken */
	uint64_t taken;			/* payload bytes of this run that are behind it */
	uint64_t waiting;		/* those of them that are in out, or held */
	uint32_t held[2];		/* those of each stream that no record has yet */
	uint64_t lost;			/* those that were gone before there was room */
	uint64_t time;			/* of the last one */
	bool over;			/* no more will come, and the last try was made */

	/* When the file takes no more; monotonic ns. */
	bool failing;
	unsigned warnings;
	uint64_t tried_at, retry_wait;
	uint64_t look_at;		/* when to look again whether the file is still there */
	uint64_t rotate_at;		/* no try to rotate before */

	struct log_encoder encoder;
	size_t used;
	uint8_t out[LOG_DRIVER_OUT];	/* whole records that are to be written; one for journald */
};

/* log_driver_file.c: 0 or -errno */
int ct_driver_file_open(struct log_driver *d);		/* or make it; by its name, for appending */
int ct_driver_file_write(struct log_driver *d, uint64_t now);	/* all that is in out, or none */
/* Before another record of so many bytes, out being empty: into the next file if this one is
 * full. */
void ct_driver_file_rotate(struct log_driver *d, size_t more, uint64_t now);
/* Before the first one is opened: a rotation that a kill has cut short. */
void ct_driver_file_finish(const struct log_driver *d);
/* A record that was cut by a crash must not be the beginning of ours. */
void ct_driver_file_mend(struct log_driver *d);

/* log_driver_journald.c */
int ct_driver_journald_open(struct log_driver *d, const char *path, struct ct_err *err);
int ct_driver_journald_send(struct log_driver *d);	/* the record in out: 0 or -errno */

#endif
