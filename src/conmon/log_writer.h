/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writer's one struct, shared by the files that make it up: log_create.c (make, free),
 * log_found.c (what was there before), log_writer.c (append, publish, wake), log_file.c (segments
 * on disk), log_memory.c (segments in memory and the way back to disk), log_serve.c (segments for
 * readers), log_driver.c and log_driver_file.c (files for other tools, log_driver.h). One
 * mapping, and one for each of those files, made before the payload runs.
 */
#ifndef CATTACH_CONMON_LOG_WRITER_H
#define CATTACH_CONMON_LOG_WRITER_H

#include "segment.h"

#define LOG_MEMORY_SIZE		(4u << 20)	/* bytes of frames in a memory segment */
#define LOG_MEMORY_INDEX	(1u << 20)	/* bytes of its index */
#define LOG_MEMORY_MIN		(256u << 10)	/* of either, where a limit leaves no more */
#define LOG_LISTED_MAX		CT_LOG_MAX_FILES
#define LOG_KEPT_MAX		32

/* A complete segment on disk. Small ones (of short runs, of a disk that was full for a while) count
 * as what they have; one that was full counts as max_size, so that max_files of those are kept. */
struct log_listed {
	uint32_t number;
	uint64_t base, cost;
};

/* A complete segment that has lost its name, kept for readers who are still at it. */
struct log_kept {
	struct log_listed info;
	int data, index;		/* for writing too: to be truncated one day */
};

/* A pair of memfds. Written through the mappings: they are sealed against everything else. */
struct log_memory {
	int data, index;
	uint8_t *bytes;
	struct ct_index_header *header;	/* the index's mapping; the entries stand behind it */
	uint64_t end, payload;		/* as the writer's, when it was left */
	bool used;			/* holds a segment that no file has */
};

struct ct_log_writer {
	struct ct_page *page;
	int page_fd, wake_fd, dir;
	uint64_t max_size, index_size;	/* of a file segment's two files */
	uint32_t max_files;
	uint64_t bound;			/* max_size * max_files */
	uint32_t memory_size, memory_entries;	/* what a memory segment has room for */
	bool memory_only;
	bool alone;			/* memory is this process' alone: no memfds */
	bool serving;			/* readers may be at any segment: keep what is unlinked */
	bool held;			/* ct_log_hold() was called: drop nothing any more */

	/* Where the log has got to. */
	uint64_t end, payload, time, run;
	uint32_t next;			/* number of the next segment */

	/* The segment that is written. */
	struct ct_index_header head;	/* as at its beginning */
	uint32_t entries, notes;
	int slot;			/* which memory pair, or -1: a file */
	int data, index;		/* of the file */

	struct log_memory memory[2];
	struct log_driver *driver;	/* the files for other tools, a list, or NULL */
	ct_log_dropping *dropping;	/* told before a segment in memory is used again, or NULL */
	void *dropping_arg;
	uint64_t disk_payload;		/* payload bytes up to the end of the last segment on disk */
	uint64_t lost;			/* those that are lost to everybody */
	uint64_t owed;			/* those that earlier runs have lost at their end, untold */
	unsigned warnings;		/* CT_WARN_DISK, CT_WARN_DELETED */
	bool over;			/* ct_log_end_run() was called */

	/* Monotonic ns. */
	uint64_t look_at;		/* when to look again whether the file is still there */
	uint64_t tried_at;		/* when the disk last took no more... */
	uint64_t retry_wait;		/* ...and how long it is left alone */
	uint64_t wake_at;		/* no wake-up before */
	bool wake_held;			/* one is due then */

	/* Last, so that what is never used is never there: the mapping is of zero pages. */
	size_t listed_count, kept_count;
	uint64_t listed_cost, kept_cost;
	struct log_listed listed[LOG_LISTED_MAX];	/* by number */
	/* The first goes first; LOG_KEPT_MAX and one in passing, then all at once at the very
	 * end. */
	struct log_kept kept[LOG_KEPT_MAX + 1 + LOG_LISTED_MAX];
};

#define LOG_RETRY_MIN	200000000ull	/* ns between tries of a disk that takes no more... */
#define LOG_RETRY_MAX	1600000000ull	/* ...while something is written... */
#define LOG_RETRY_IDLE	25600000000ull	/* ...and while nothing is */

#define LOG_LOOK_EVERY	1000000000ull	/* ns between looks whether the file is still there */

/* log_writer.c */
/* The time of the next entry: now, but never before the last one. */
uint64_t ct_log_time(const struct ct_log_writer *w);
/* The head of a segment that begins now; and, once it can be read, say that it is there. */
void ct_log_begin(struct ct_log_writer *w, uint32_t number, uint32_t flags);
void ct_log_begun(struct ct_log_writer *w);
/* Count an entry, and the frame that it is about: both are written. */
void ct_log_count(struct ct_log_writer *w, const struct ct_index_entry *entry);
/* Publish which segments there are and the least offset that any of them has. */
void ct_log_publish_reach(struct ct_log_writer *w);

/* log_file.c: 0 or -errno */
int ct_log_file_begin(struct ct_log_writer *w);
/* The segment that is written ends: into the list, or, when its name is gone, it is kept. */
void ct_log_file_end(struct ct_log_writer *w, bool full);
/* Write the end of the segment into its header. */
void ct_log_file_seal(struct ct_log_writer *w);
/* Append a frame (size 0: none) and its entry; what cannot be whole is cut back. */
int ct_log_file_append(struct ct_log_writer *w, const void *frame, size_t size,
		       const struct ct_index_entry *entry);
/* Do the names still lead to the files that we write, and have those all that we wrote? */
bool ct_log_file_there(const struct ct_log_writer *w);
/* Make the files of a segment that is complete in memory. */
int ct_log_file_copy(struct ct_log_writer *w, const struct log_memory *memory,
		     const struct ct_index_header *header);
/* Unlink old segments until so many more bytes are within the bound. */
void ct_log_file_room(struct ct_log_writer *w, uint64_t more);
/* A complete segment is on disk. */
void ct_log_list(struct ct_log_writer *w, uint32_t number, uint64_t base, uint64_t cost);

/* log_memory.c */
int ct_log_memory_open(struct ct_log_writer *w, struct ct_err *err);
void ct_log_memory_close(struct ct_log_writer *w);
/* Begin a segment in memory, in the place of the oldest if need be. */
void ct_log_memory_begin(struct ct_log_writer *w);
bool ct_log_memory_fits(const struct ct_log_writer *w, size_t size);
void ct_log_memory_append(struct ct_log_writer *w, const void *frame, size_t size,
			  const struct ct_index_entry *entry);
/* Put what is in memory only on disk: 0, or -errno (and some of it may be there). */
int ct_log_memory_save(struct ct_log_writer *w);
/* Payload bytes that are in memory only. */
uint64_t ct_log_memory_unsaved(const struct ct_log_writer *w);
/* Count payload bytes as lost. */
void ct_log_lose(struct ct_log_writer *w, uint64_t bytes);

/* log_driver.c: the files for other tools */
/* Make their writers, for options->file and those behind it: path is opened, in dir when it is
 * NULL. */
int ct_log_driver_open(struct ct_log_writer *w, const struct ct_log_options *options, int dir,
		       struct ct_err *err);
void ct_log_driver_close(struct ct_log_writer *w);
/* Write what has come, as far as it can be; after the end of the run, all that is left. */
void ct_log_driver_pump(struct ct_log_writer *w, uint64_t now);
void ct_log_driver_end(struct ct_log_writer *w, uint64_t now);
/* When it wants to try again, monotonic ns, or UINT64_MAX. */
uint64_t ct_log_driver_due(const struct ct_log_writer *w);
/* Has it all that there is, and written? */
bool ct_log_driver_is_done(const struct ct_log_writer *w);
void ct_log_driver_state(const struct ct_log_writer *w, struct ct_log_state *state);
size_t ct_log_driver_descriptors(const struct ct_log_writer *w, int *fds, size_t max);

/* log_found.c: take over what earlier runs have left in the directory */
void ct_log_take_over(struct ct_log_writer *w);

#endif
