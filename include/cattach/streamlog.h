/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream log: the append-only record of what a container's sessions wrote, and the page that
 * says how far it reaches. One writer (the monitor), any number of cursors, none of which the
 * writer waits for. PROTOCOL.md has the formats.
 *
 * A frame is the Docker Engine API's 8-byte header {stream, 0, 0, 0, length big-endian} and the
 * bytes. Frames stand in segments: log.N beside its index.N, or a pair of memfds when the disk
 * takes no more (or the log driver is "none"). Offsets are logical: they grow over segments, runs
 * and gaps and are never used twice. The index has one entry a frame, and notes between them.
 */
#ifndef CATTACH_STREAMLOG_H
#define CATTACH_STREAMLOG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>
#include <cattach/proc.h>

#define CT_FRAME_HEADER	8
#define CT_FRAME_MAX	65536		/* bytes of payload in one frame */

/* What an index entry is about; the first two are the stream numbers of frames. */
enum ct_entry_kind {
	CT_STREAM_STDOUT = 1,		/* also a terminal's */
	CT_STREAM_STDERR = 2,
	CT_NOTE_RUN = 16,		/* a run begins; value: its number, from 1; flags: CT_RUN_TTY */
	CT_NOTE_END = 17,		/* it has ended; value: exit code, 128 + signal */
	CT_NOTE_RESIZE = 18,		/* value: rows << 16 | columns */
	CT_NOTE_GAP = 19,		/* value: payload bytes that are lost here */
};

#define CT_RUN_TTY	1u
#define CT_GAP_MISSED	1u	/* flags of a gap: the bytes were there, but not for this reader */

/* One entry of an index file, 32 bytes, in the machine's order. Sorted by offset and by time. */
struct ct_index_entry {
	uint64_t time;			/* ns since the epoch; never less than the one before */
	uint64_t offset;		/* logical, of the frame's header */
	uint64_t value;			/* a frame's bytes without header, or as in enum ct_entry_kind */
	uint32_t kind;
	uint32_t flags;			/* a frame: how many notes stand before it in this segment */
};

/* The first 64 bytes of an index file. Two segments whose base and end do not meet have a gap
 * between them; how many payload bytes it swallowed is the difference of what "payload" says. */
struct ct_index_header {
	uint64_t magic;			/* CT_INDEX_MAGIC */
	uint32_t version;		/* 1 */
	uint32_t segment;		/* number, as in the file's name */
	uint64_t base;			/* logical offset of the first byte of its log file */
	uint64_t run;			/* number of the run that was on when it was begun */
	uint64_t payload;		/* payload bytes of all frames before base */
	uint64_t time;			/* when it was begun: no entry is older, none before younger */
	uint64_t end;			/* logical offset of its end once it is complete, else 0 */
	uint32_t entries;		/* how many, once it is complete */
	uint32_t flags;			/* CT_SEGMENT_MEMORY */
};

#define CT_INDEX_MAGIC		0x3178646e69746331ull	/* "1ctindx1" */
#define CT_SEGMENT_MEMORY	1u	/* of fixed size, used again later: see ct_page.memory */

enum ct_page_state {
	CT_PAGE_STARTING,
	CT_PAGE_RUNNING,
	CT_PAGE_EXITED,			/* exit_* are valid, committed will not grow */
};

/* The commit page: a sealed memfd that only the writer can write. */
struct ct_page {
	uint32_t magic, version;
	_Atomic uint64_t committed;	/* logical offset of the end of the last whole frame */
	_Atomic uint64_t oldest;	/* logical offset below which nothing can be read any more */
	_Atomic uint64_t lost;		/* payload bytes in gaps since the start */
	_Atomic uint64_t payload;	/* payload bytes of all frames before committed */
	_Atomic uint64_t entries;	/* last << 32 | how many entries of its index are written */
	_Atomic uint32_t first, last;	/* numbers of the segments that exist */
	_Atomic uint32_t memory[2];	/* which segments the memory pairs hold: number + 1, or 0 */
	_Atomic uint32_t state;		/* enum ct_page_state */
	_Atomic uint32_t exit_signaled, exit_value;
	uint32_t tty;
	/* Of a log driver with a file: payload bytes that are in the file, and have been taken for it but
	 * are the last "held" ones of a line without end (stdout, stderr); does the file take no more? */
	_Atomic uint64_t filed;
	_Atomic uint32_t held[2];
	_Atomic uint32_t file_failing;
	_Atomic uint32_t files;		/* how many it has begun or gone on with, in this run */
	_Atomic uint64_t begun;		/* payload when this run began */
};

#define CT_PAGE_SIZE	4096
#define CT_PAGE_MAGIC	0x63743032u	/* "ct02" */

/* ---- writer (log_writer.c, log_segment.c) ---- */

/* A file that other people's tools read, beside the log, which is in memory then; or journald. */
enum ct_log_file {
	CT_LOG_FILE_NONE,
	CT_LOG_FILE_K8S,		/* the CRI format: --log-driver k8s-file */
	CT_LOG_FILE_JSON,		/* Docker's: --log-driver json-file */
	CT_LOG_FILE_JOURNALD,		/* no file: a datagram for each line, --log-driver journald */
};

#define CT_LOG_FILE_NAME	"container.log"	/* in the session's directory, unless told otherwise */
#define CT_LOG_JOURNALD_SOCKET	"/run/systemd/journal/socket"

struct ct_log_options {
	uint64_t max_size;		/* bytes of one segment's log file; 0: 64 MiB */
	uint32_t max_files;		/* full segments on disk, at most CT_LOG_MAX_FILES; 0: 4 */
	bool memory;			/* --log-driver none: memory segments only */
	enum ct_log_file file;		/* write such a file; the log is in memory then */
	/* Of the file, absolute; NULL: CT_LOG_FILE_NAME in the directory. Of journald's socket; NULL:
	 * CT_LOG_JOURNALD_SOCKET. */
	const char *path;
	const char *tag;		/* said in each record of CT_LOG_FILE_JSON; or NULL */
	const char *fields;		/* "NAME=VALUE\n"... of each record of CT_LOG_FILE_JOURNALD */
	/* Payload bytes that the last run's end has lost (ct_log_state.unsaved), or NULL: a disk that
	 * takes them gets a note of them, and then this is 0. */
	uint64_t *owed;
	bool tty;
	/* Of CT_LOG_FILE_K8S, for who expects conmon's: times are the time zone's of the writer, and a
	 * record has at most CT_LOG_ZONED_LINE bytes. */
	bool zoned;
	uint64_t max_total;		/* bytes of such a file's records that are ever written; 0: any */
	bool alone;			/* nobody reads but the writer's process: memory can be given back */
	bool privileged;		/* whoever writes keeps the rights that this is made with */
	const struct ct_log_options *also;	/* another such file: .file, .path, .fields, .zoned, .max_total */
};

#define CT_LOG_ZONED_LINE	8192u

#define CT_LOG_MAX_FILES	128
/* A container's log has at least this max_size: room for four frames, or a reader that the payload
 * waits for could not keep up however fast it is. */
#define CT_LOG_SIZE_MIN		(256u << 10)

struct ct_log_writer;			/* one mapping of its own; nothing is allocated later */

/**
 * ct_log_create - begin a run: a new log, or a new segment behind what is there already
 * @dir: the session's directory ("main"), duplicated by the writer (O_PATH will do)
 * @ret_writer: free with ct_log_free(); may be inherited by fork, then used by the child only
 *
 * Writes CT_NOTE_RUN. A directory that takes nothing (full, read-only) is no failure. A confined
 * writer needs to make, read, write, truncate and unlink regular files in the directory.
 */
int ct_log_create(int dir, const struct ct_log_options *options, struct ct_log_writer **ret_writer,
		  struct ct_err *err);
void ct_log_free(struct ct_log_writer *writer);

/*
 * For a reader in the writer's own process, of a log in memory (options.memory, .file): how many bytes,
 * frames' headers included, follow each other in memory from this offset on, 0: it is not there (any
 * more). And who is told, with what it holds, before a segment is used again.
 */
size_t ct_log_at(const struct ct_log_writer *writer, uint64_t offset, const uint8_t **ret_bytes);
typedef void ct_log_dropping(void *arg, uint64_t offset, const uint8_t *bytes, size_t size);
void ct_log_on_drop(struct ct_log_writer *writer, ct_log_dropping *dropping, void *arg);
/* Whoever reads in this process has all that there is: its memory can go, until there is more. */
void ct_log_forget(struct ct_log_writer *writer);
/* Bytes that one segment in memory has room for. */
size_t ct_log_memory(const struct ct_log_writer *writer);

/* fsync(2) of the files for other tools, if there are any. */
void ct_log_sync(const struct ct_log_writer *writer);
/* A duplicate of the descriptor of the first one's directory, or -1. */
int ct_log_file_dir(const struct ct_log_writer *writer);

/* Borrowed descriptors of the commit page and of the eventfd that wakes readers. */
int ct_log_page(const struct ct_log_writer *writer);
int ct_log_wake_fd(const struct ct_log_writer *writer);

/* All descriptors of the writer into fds (at most max; CT_LOG_DESCRIPTORS are enough right after
 * ct_log_create), for a process that closes all others. Returns how many. */
#define CT_LOG_DESCRIPTORS	16
size_t ct_log_descriptors(const struct ct_log_writer *writer, int *fds, size_t max);

/**
 * ct_log_append - append one frame and publish it; cannot fail
 * @frame: CT_FRAME_HEADER bytes of room, filled here, then the payload's bytes
 * @size:  of the payload, 1...CT_FRAME_MAX
 *
 * When the disk takes no more the frame goes to a memory segment; when those are full the oldest is
 * used again, and what it held is a gap: counted, noted, told to readers.
 */
void ct_log_append(struct ct_log_writer *writer, int stream, uint8_t *frame, size_t size);

/* A note in the index. */
void ct_log_note(struct ct_log_writer *writer, enum ct_entry_kind kind, uint64_t value,
		 uint32_t flags);

/* Publish a change of state; EXITED carries the exit status and ends the run before. Wakes. */
void ct_log_publish(struct ct_log_writer *writer, enum ct_page_state state,
		    const struct ct_exit *status);

/* What became of a log that the disk did not take. */
struct ct_log_state {
	uint64_t lost;			/* payload bytes of this run that nobody can read any more... */
	uint64_t unsaved;		/* ...of these, and of runs before, those of which no file tells */
	unsigned warnings;		/* CT_WARN_DISK, _DELETED, _MEMORY, _JOURNALD */
};

#define CT_WARN_DISK	1u	/* the disk took no more, for a while at least */
#define CT_WARN_DELETED	2u	/* somebody has deleted or replaced the log while it was written */
#define CT_WARN_MEMORY	4u	/* some of it is in the writer's memory alone: now, or at its end */
#define CT_WARN_JOURNALD 8u	/* journald was not there for a while, or too slow */

void ct_log_state(const struct ct_log_writer *writer, struct ct_log_state *ret_state);

/* The last byte is written: CT_NOTE_END, and everything on disk that can be. Once; as a part of
 * ct_log_publish(), or before it, for those who have to record what ct_log_state() says then. */
void ct_log_end_run(struct ct_log_writer *writer, const struct ct_exit *status);

/* The last byte is written, and the directory may go away while readers are still at it (--rm): hold
 * all segments open that are in it. Only ct_log_publish(), ct_log_segment() and ct_log_free() make
 * sense after that. */
void ct_log_hold(struct ct_log_writer *writer);

/**
 * ct_log_reopen - somebody has renamed the file for other tools: go on in a new one of its name
 *
 * What was written before is in the old one. Return: 0, -ENOTSUP there is no such file, or -errno:
 * the old one is written on.
 */
int ct_log_reopen(struct ct_log_writer *writer);

/* The directory of that file where it is another than the session's, or -1. A confined writer needs
 * to make, write, truncate, rename and unlink regular files there. */
int ct_log_outside(const struct ct_log_writer *writer);

/* Pages that only much output needs are given back to the kernel. */
void ct_log_give_back(struct ct_log_writer *writer);

/* Logical offset of the end, and the bound: what may lie between a reader that is waited for and
 * the end before the payload must wait (max_size * max_files, less one segment; less when memory
 * segments are in use). It changes with every frame: ask again each time. A reader that is not
 * farther behind when asked loses nothing by the next four frames. */
uint64_t ct_log_end(const struct ct_log_writer *writer);
uint64_t ct_log_bound(const struct ct_log_writer *writer);

/* ns until ct_log_wake_now() has something to do (a wake-up that was held back, another try of a
 * disk that took no more), -1: nothing is due. For the timeout of the monitor's loop. */
int64_t ct_log_wake_due(const struct ct_log_writer *writer);
/* Do what is due by now; cheap when nothing is. */
void ct_log_wake_now(struct ct_log_writer *writer);

/* ---- segments for readers ---- */

struct ct_segment {
	uint32_t number;
	uint64_t base;			/* logical offset of its first byte */
	int data, index;		/* for reading; owned by whoever holds the struct */
};

#define CT_SEGMENT_INIT { .data = -1, .index = -1 }
void ct_segment_close(struct ct_segment *segment);

/* New descriptors of a segment that the writer still has: number, or the next that exists.
 * -ENOENT behind the last, and only then: -EMFILE and the like must not be told to a reader as
 * "there is none", for it would take the rest for lost. Allocates nothing. */
int ct_log_segment(const struct ct_log_writer *writer, uint32_t number,
		   struct ct_segment *ret_segment);

/* ---- reader (cursor.c, log_dir.c) ---- */

/* Where segments come from: a directory, or a connection to the monitor. */
struct ct_log_source {
	/* Segment number, or the next one that exists; -ENOENT behind the last (err not filled). */
	int (*open_segment)(void *arg, uint32_t number, struct ct_segment *ret_segment,
			    struct ct_err *err);
	void *arg;
	const struct ct_page *page;	/* NULL: nobody writes any more */
};

/* The segments of a directory, for a log that nobody writes; arg is the descriptor (O_PATH will do)
 * in an intptr_t and must outlive the cursor. */
struct ct_log_source ct_log_source_of_dir(int dir);

/* The files of a log driver, for a log that nobody writes. */
struct ct_log_files;

/**
 * ct_log_files_open - open such a file, and those before it that were rotated
 * @dir, @path: as for openat(2)
 * @live: somebody writes it: half a record at its end is no fault
 */
int ct_log_files_open(int dir, const char *path, enum ct_log_file kind, bool live,
		      struct ct_log_files **ret_files, struct ct_err *err);
void ct_log_files_close(struct ct_log_files *files);	/* NULL is fine; after the cursor */
/**
 * ct_log_files_follow - let the source go on with what will be written, rotated or not
 * @dir, @path: as they were opened with
 *
 * From then on a cursor may only go forward once it is behind what was there.
 */
int ct_log_files_follow(struct ct_log_files *files, int dir, const char *path, struct ct_err *err);
/* Is there anything by now that no cursor was given yet? */
bool ct_log_files_more(struct ct_log_files *files);
/* How many files have come since they are followed. */
uint64_t ct_log_files_met(const struct ct_log_files *files);
struct ct_log_source ct_log_files_source(struct ct_log_files *files);
/* How many lines were no records, of what was read since the beginning. */
uint64_t ct_log_files_strange(const struct ct_log_files *files);

/* What journald has kept of a container, for a log that nobody writes. */
struct ct_log_journal;

/**
 * ct_log_journal_open - find the entries of this id (64 hexadecimal digits) in the journal
 * @err: ENOSYS without libsystemd, with the command that shows them; EACCES no journal may be read
 */
int ct_log_journal_open(const char *id, struct ct_log_journal **ret_journal, struct ct_err *err);
void ct_log_journal_close(struct ct_log_journal *journal);	/* NULL is fine; after the cursor */
struct ct_log_source ct_log_journal_source(struct ct_log_journal *journal);

/* A page mapped read-only and checked; unmap with ct_page_unmap(). */
int ct_page_map(int fd, const struct ct_page **ret_page, struct ct_err *err);
void ct_page_unmap(const struct ct_page *page);

struct ct_cursor {
	struct ct_log_source source;
	struct ct_segment segment;	/* data < 0: none yet */
	struct ct_index_header header;	/* of the segment */
	uint64_t offset;		/* logical, of the next byte */
	uint64_t limit;			/* of the segment's end; 0: not known to be complete */
	uint64_t entry;			/* number of the next index entry, CT_ENTRY_UNKNOWN: to find */
	uint64_t payload;		/* payload bytes before offset, since the log began */
	uint32_t wanted;		/* number of the segment to open next when there is none */
	uint32_t rest;			/* bytes of the current frame that are still to come */
	int stream;			/* of the current frame */
	bool placed;			/* else offset is where the wanted segment begins */
	bool followed;			/* came here by reading: what was lost before is told already */
	uint64_t skip[2];		/* bytes of stdout, stderr before these offsets are left out */
	uint64_t missed;		/* see ct_cursor_missed() */
	bool torn;			/* an unfinished last frame was found and left out */
};

#define CT_ENTRY_UNKNOWN UINT64_MAX
#define CT_CURSOR_INIT { .segment = CT_SEGMENT_INIT }

/* What ct_cursor_open() can start from. */
enum ct_cursor_start { CT_FROM_OLDEST, CT_FROM_NOW, CT_FROM_RUN };

/**
 * ct_cursor_open - a cursor on a log
 * @start: the oldest byte that is there, the end as it is now, or the beginning of the last run
 *
 * A log that has not begun yet (no segment at all) is no failure: reading gives 0 until it has.
 */
int ct_cursor_open(const struct ct_log_source *source, enum ct_cursor_start start,
		   struct ct_cursor *ret_cursor, struct ct_err *err);
void ct_cursor_close(struct ct_cursor *cursor);

/* Go to the first entry at or after a time (the end if there is none yet); or to where the last n
 * lines begin: n logical lines over both streams, those that end last, each whole. An unterminated
 * one counts, and a new run begins a new line. Costs do not grow with the log. */
int ct_cursor_seek_time(struct ct_cursor *cursor, uint64_t time, struct ct_err *err);
int ct_cursor_seek_lines(struct ct_cursor *cursor, uint64_t lines, struct ct_err *err);
/* The same from where it stands, after seeking: to where the last n lines before that begin, of
 * stdout, stderr or both. Of a stream that does not count, nothing before that place is given. */
int ct_cursor_back_lines(struct ct_cursor *cursor, uint64_t lines, const bool streams[2],
			 struct ct_err *err);
/* To the beginning of run n: n > 0 by number, n < 0 from the end (-1 the last). -ENOENT: no such. */
int ct_cursor_seek_run(struct ct_cursor *cursor, int64_t run, struct ct_err *err);

/**
 * ct_cursor_read - the next bytes of one stream, of one or several frames
 *
 * Return: bytes, 0 when there is nothing more for now, negative error (EBADMSG "damaged record at
 * offset N", after which the cursor stands behind it: read on). Looks at no index: this is the fast
 * path.
 */
ssize_t ct_cursor_read(struct ct_cursor *cursor, void *buf, size_t size, int *ret_stream,
		       struct ct_err *err);

/**
 * ct_cursor_next - the next entry: a whole frame with its time, or a note
 * @buf: at least CT_FRAME_MAX bytes; gets a frame's bytes (entry->value of them)
 *
 * What this cursor lost comes as a CT_NOTE_GAP at its place, and is not counted as missed. May be
 * mixed with ct_cursor_read(): after a part of a frame it gives the rest of it.
 *
 * Return: 1 an entry, 0 nothing more for now, negative error (EBADMSG as above).
 */
int ct_cursor_next(struct ct_cursor *cursor, struct ct_index_entry *ret_entry, void *buf,
		   struct ct_err *err);

/* How many payload bytes were gone before ct_cursor_read() came to them, since last asked. The
 * bytes it gives next are those behind the loss, so ask before showing them. */
uint64_t ct_cursor_missed(struct ct_cursor *cursor);

/* Has the session ended and has this cursor read everything? Then *ret_status is its exit. False
 * for a source without a page: there the status file knows. */
bool ct_cursor_ended(const struct ct_cursor *cursor, struct ct_exit *ret_status);

#endif
