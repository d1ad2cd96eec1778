/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What logs and wait --for-output share: from a container's stream log to lines, and from lines of
 * several containers to one output.
 *
 *   cursor ─ frames ─► source ─ units ─► merge ─ by time ─► render ─► sink
 */
#ifndef CATTACH_CLI_LOGS_H
#define CATTACH_CLI_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/client.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/num.h>
#include <cattach/streamlog.h>

/* ---- lines (logs_lines.c): pure ---- */

/* A line that gets longer is handed on in parts, so that memory stays bounded. */
#define CT_LINE_MAX	(1024 * 1024)

/* A line, or a part of one. */
struct ct_log_line {
	uint64_t time;			/* of the line's first byte, ns since the epoch */
	uint64_t run;
	int stream;			/* CT_STREAM_* */
	const char *text;		/* without the newline; valid until the next call */
	size_t size;
	bool begins, ends;		/* first part; last part, a newline followed */
};

/* Cuts the frames of one container into lines, each stream for itself. */
struct ct_line_cutter {
	struct ct_line_open {
		struct ct_buf text;	/* what waits for its newline */
		size_t given;		/* bytes of it that the last call handed out */
		uint64_t time;		/* of the first byte */
		bool begun;		/* time is valid: some of the line is known */
		bool shown;		/* a part was handed out */
	} open[2];
	const char *data;		/* what is left of the frame; borrowed */
	size_t left;
	uint64_t time, run;		/* of the frame */
	int stream;
};

void ct_lines_free(struct ct_line_cutter *cutter);

/* Give it a frame, which stays the caller's; the one before must be used up. */
void ct_lines_feed(struct ct_line_cutter *cutter, int stream, uint64_t time, const void *data,
		   size_t size);

/* The next line that is complete, or too long to wait for: false when more frames are needed. */
bool ct_lines_next(struct ct_line_cutter *cutter, struct ct_log_line *ret_line);

/**
 * ct_lines_flush - hand out what has no newline yet
 * @final: it will get none: the lines end here, an unfinished character is handed out too
 *
 * Return: false when there is nothing (more). Final: call until then.
 */
bool ct_lines_flush(struct ct_line_cutter *cutter, bool final, struct ct_log_line *ret_line);

/* Is there anything that ct_lines_flush() would hand out? */
bool ct_lines_pending(const struct ct_line_cutter *cutter);

/* ---- rendering (logs_render.c): pure ---- */

enum ct_log_format { CT_LOGS_TEXT, CT_LOGS_JSON, CT_LOGS_RAW };

struct ct_log_style {
	enum ct_log_format format;
	bool timestamps;
	bool color;
	bool escape[2];			/* stdout, stderr: control sequences are shown, not sent */
};

/* Which container a line is of. */
struct ct_log_label {
	const char *text;		/* before each line, or NULL */
	unsigned color;			/* 0...: which of the colours */
	bool tty;			/* what it writes is meant for a terminal: never escaped */
};

/**
 * ct_log_render - a line as it is shown
 * @fresh: it stands at the beginning of a line: what comes before the text is due
 */
void ct_log_render(const struct ct_log_style *style, const struct ct_log_label *label,
		   const struct ct_log_line *line, bool fresh, struct ct_buf *buf);

/* Does anything stand before the text of a line? */
bool ct_log_has_prefix(const struct ct_log_style *style, const struct ct_log_label *label);

/* Append text so that it is safe on a terminal; tabs and SGR sequences (colours) pass. */
void ct_log_escape(const char *text, size_t size, struct ct_buf *buf);

/* ---- output (logs_sink.c) ---- */

/* Stdout and stderr, buffered together so that their order stays. */
struct ct_log_sink {
	const struct ct_log_style *style;
	struct ct_buf buf;		/* for fd */
	int fd;
	bool same;			/* stdout and stderr are the same file */
	struct {
		const void *source;	/* whose line stands open there, or NULL */
		int stream;
	} open[2];
};

void ct_sink_open(struct ct_log_sink *ret_sink, const struct ct_log_style *style);
/* Whatever was not flushed is dropped. */
void ct_sink_free(struct ct_log_sink *sink);
/* The error that ends a command of which nobody reads the output: exit code 141, not reported. */
int ct_fail_unread(struct ct_err *err);
/* A line or a part of one; bytes as they are; everything out. EPIPE: exit code 141, quiet. */
int ct_sink_line(struct ct_log_sink *sink, const void *source, const struct ct_log_label *label,
		 const struct ct_log_line *line, struct ct_err *err);
int ct_sink_bytes(struct ct_log_sink *sink, int stream, const void *data, size_t size,
		  struct ct_err *err);
int ct_sink_flush(struct ct_log_sink *sink, struct ct_err *err);
/* Something is missing here: everything out, then one line on stderr. */
int ct_sink_notice(struct ct_log_sink *sink, const struct ct_err *notice, struct ct_err *err);

/* ---- sources (logs_source.c, logs_stream.c, logs_seek.c, logs_files.c) ---- */

/* What is asked for. */
struct ct_log_query {
	uint64_t since, until;		/* ns; 0, UINT64_MAX: all */
	bool tail;			/* only the last lines... */
	uint64_t lines;			/* ...so many */
	bool stream[2];			/* stdout, stderr */
	int64_t run;			/* 0: all, n > 0: by number, n < 0: from the end */
	bool follow;			/* until the container has ended */
	bool retry;			/* and on with its next run, and the next of its name */
	bool await_start;		/* what has not been started yet is waited for */
	bool by_lines;			/* cut into lines */
	bool by_lines_unless_tty;	/* cut into lines unless it has a terminal */
};

enum ct_unit_kind { CT_UNIT_LINE, CT_UNIT_BYTES, CT_UNIT_NOTICE };

/* What a source hands on at a time. */
struct ct_log_unit {
	enum ct_unit_kind kind;
	uint64_t time;			/* by which sources are merged; never less than before */
	struct ct_log_line line;	/* LINE; BYTES: its stream, text, size */
	struct ct_err notice;		/* NOTICE: something is missing here */
};

enum ct_log_stream_state {
	CT_STREAM_WAITING,		/* for the container to be made or started */
	CT_STREAM_LIVE,			/* units may come */
	CT_STREAM_DONE,
};

/* The log of one container. */
struct ct_log_stream {
	const char *name;		/* as it was asked for */
	const struct ct_log_query *query;
	struct ct_log_label label;	/* text is the caller's to choose, when opened */
	enum ct_log_stream_state state;
	struct ct_container container;
	struct ct_client client;
	bool connected;			/* client is: somebody writes */
	bool hung_up;			/* its monitor has left */
	bool stop;			/* what is there is all that is wanted: --until has passed */
	int main;			/* the session's directory, or -1 */
	struct ct_log_files *files;	/* of a log driver that has its own; or NULL */
	struct ct_log_journal *journal;	/* what the log driver journald has sent; or NULL */
	const char *format;		/* of these files */
	bool kept;			/* they and the cursor are: for the next run of the same container */
	uint64_t files_before;		/* how many the monitor had begun before the first that we met */
	uint32_t seen[2];		/* bytes of a line that no file has yet and that are shown... */
	uint64_t skip[2];		/* ...and how many the file will have for them */
	uint64_t latest;		/* what is later is not ours any more */
	struct ct_cursor cursor;
	bool open;			/* cursor is */
	bool late;			/* it came while we waited: all of it is news */
	bool by_lines;
	uint64_t limit;			/* logical offset where to stop */
	uint64_t only, run;		/* number of the only run that is wanted, of this one; 0: all, none */
	uint64_t time, damaged;		/* of the last entry; offset after the last damage */
	uint64_t resume;		/* retry: logical offset from which to go on; what is before is passed */
	bool run_ended;			/* the end of this run was read */
	bool ended;			/* no more entries: what is pending goes out */
	bool cut;			/* the log's end was lost, as the record says: to be told there */
	bool cut_told;			/* and was: the next start notes it in the log, too */
	bool flush, final;		/* hand out what has no newline */
	bool notice_due;		/* and then unit.notice */
	struct ct_line_cutter cutter;
	uint8_t *frame;			/* CT_FRAME_MAX bytes */
	struct ct_log_unit unit;	/* the next one, when ready */
	bool ready, idle;
	bool failed;			/* it could not be read on */
	bool fed;			/* since the loop has looked */
	bool soon;			/* waiting for a monitor that does not answer yet */
	uint64_t quiet_since;		/* CLOCK_MONOTONIC, when it was fed last */
	bool watched;			/* client's descriptors are in the loop's epoll */
	int watch;			/* inotify: time to look for it again; or -1 */
	struct ct_waiter waiter;	/* while it has not been started: by which the start finds us */
	struct ct_container starting;	/* the container of that */
	char id[CT_CONTAINER_ID_LENGTH + 1];	/* of the container that was read last */
	char short_id[CT_SHORT_ID_LENGTH + 1];	/* of the one that is read */
	char real_name[CT_LABEL_MAX + 1];	/* likewise, else what was asked for */
};

#define CT_LOG_STREAM_INIT \
	{ .container = CT_CONTAINER_INIT, .client = CT_CLIENT_INIT, .main = -1, \
	  .cursor = CT_CURSOR_INIT, .watch = -1, .waiter = CT_WAITER_INIT, \
	  .starting = CT_CONTAINER_INIT, .latest = UINT64_MAX }

/**
 * ct_log_stream_open - find a container and the place in its log
 * @stream: CT_LOG_STREAM_INIT, name and query set; or one that is CT_STREAM_WAITING, which goes on
 *          where it had ended
 * @err: ENOENT no such container; EINVAL the driver is "none", there is no such run
 *
 * With query->retry, what does not exist yet is no error: the state is CT_STREAM_WAITING.
 */
int ct_log_stream_open(struct ct_log_stream *stream, struct ct_store *store,
		       struct ct_arena *arena, struct ct_err *err);
void ct_log_stream_close(struct ct_log_stream *stream);

/**
 * ct_log_stream_await - be found by whoever starts a container, which may live for a moment only
 * @stream: CT_STREAM_WAITING, or about to be
 * @container: what the name stands for now: taken when it may yet be started (dir is -1: nothing)
 *
 * Return: 1 there is a new listener to poll (waiter.listener), 0 none or the same, negative.
 */
int ct_log_stream_await(struct ct_log_stream *stream, struct ct_store *store,
			struct ct_container *container, struct ct_err *err);
void ct_log_stream_await_no_more(struct ct_log_stream *stream);

/* Is somebody starting it? 1: it is CT_STREAM_LIVE, from the first byte of the run on; 0: not (any
 * more); negative. */
int ct_log_stream_join(struct ct_log_stream *stream, struct ct_err *err);

/* Let go of the container; what is remembered for the next run stays. */
void ct_log_stream_drop(struct ct_log_stream *stream);

/* Make the next unit ready: 1 ready, 0 nothing for now (state tells whether ever), negative. */
int ct_log_stream_pull(struct ct_log_stream *stream, struct ct_err *err);

/* Let the next pulls hand out lines that have no newline yet. */
void ct_log_stream_flush(struct ct_log_stream *stream);

/* ---- between the files of a stream ---- */

/* So many bytes before the next ones are lost. */
void ct_log_stream_notice_lost(struct ct_log_stream *stream, uint64_t bytes);
/* So many files were rotated away before they were read. */
void ct_log_stream_notice_unseen(struct ct_log_stream *stream, uint32_t files);

/* What an entry is to a query. */
enum ct_entry_use { CT_ENTRY_END, CT_ENTRY_PASS, CT_ENTRY_BREAK, CT_ENTRY_GAP, CT_ENTRY_FRAME };
enum ct_entry_use ct_log_stream_use(const struct ct_log_stream *stream,
				    const struct ct_index_entry *entry);

/* Place the cursor, which is at the oldest byte, as the query says; sets only, run, limit. */
int ct_log_stream_seek(struct ct_log_stream *stream, struct ct_err *err);

/* Place it where reading had ended; -ENOENT: nothing has come since. */
int ct_log_stream_resume(struct ct_log_stream *stream, struct ct_err *err);

/* ---- the files of a log driver, followed (logs_files.c) ---- */

/* Open them, where the log is read from them; s->files is NULL where it is not. With a connection
 * what cannot be opened is no failure: memory is read then. */
int ct_log_stream_open_files(struct ct_log_stream *stream, struct ct_err *err);
void ct_log_stream_close_files(struct ct_log_stream *stream);	/* and the cursor */
/* When the cursor is in its place: on with what comes, if it is wanted. */
int ct_log_stream_follow_files(struct ct_log_stream *stream, struct ct_err *err);

/* With a new connection: from here on count those that were rotated away before we have seen
 * them. */
void ct_log_stream_note_files(struct ct_log_stream *stream);

/* They have been read to their end: is there something in memory that they do not have? 1 look
 * again, 0 no, negative. */
int ct_log_stream_peek(struct ct_log_stream *stream, struct ct_err *err);

/* Bytes at the beginning of a frame of a file that were shown already. */
size_t ct_log_stream_skip(struct ct_log_stream *stream, const struct ct_index_entry *entry);

/* ---- the file of a log driver (logs_reopen.c) ---- */

struct ct_call;

/* Somebody has renamed it: have the monitor of this container make a new one. */
int ct_logs_reopen(const struct ct_call *call, const char *name, struct ct_err *err);

/* ---- all of them (logs_merge.c, logs_follow.c) ---- */

struct ct_log_set {
	struct ct_log_stream *items;
	size_t count;
	struct ct_store *store;
	struct ct_arena *arena;
	const struct ct_log_query *query;
	/* Takes a unit: 0, CT_STOP to end everything, negative. */
	int (*take)(void *arg, struct ct_log_stream *stream, const struct ct_log_unit *unit,
		    struct ct_err *err);
	/* Nothing more for now; may be NULL. */
	int (*pause)(void *arg, struct ct_err *err);
	void *arg;
	uint64_t patience;		/* ns until a line without newline is handed out */
	uint64_t deadline;		/* ct_now_monotonic(), 0: none; what is there by then is still
					 * handed out, then CT_TIMED_OUT */
	int output;			/* ends everything, quietly, when nobody reads it; -1: none */
};

#define CT_STOP		1
#define CT_TIMED_OUT	2

/* Hand out, by time, what is there, or much of it: then some stream is not idle. 0, CT_STOP,
 * negative. */
int ct_log_merge(struct ct_log_set *set, struct ct_err *err);

/* The same until all are done: 0, CT_STOP, CT_TIMED_OUT, negative. */
int ct_log_follow(struct ct_log_set *set, struct ct_err *err);

#endif
