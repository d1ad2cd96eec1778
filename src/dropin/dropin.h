/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One session behind the front of conmon, shared by the files that make up that front: settle.c
 * (options), pipes.c (the caller's descriptors), runtime.c (its command line), launch.c (running it),
 * words.c (what it says), console.c (the terminal it sends), records.c (files), oom.c, notify.c, exit_command.c, dropin.c
 * (the order of it all).
 */
#ifndef CATTACH_DROPIN_DROPIN_H
#define CATTACH_DROPIN_DROPIN_H

#include <stdint.h>
#include <sys/types.h>

#include <cattach/adopt.h>
#include <cattach/dropin.h>

#define DROPIN_INHERITED_MAX	1024	/* descriptors of the caller's that are looked at */

/* What is counted at the start, to tell later whether somebody was killed for lack of memory. */
struct oom {
	int fd;			/* memory.events or memory.oom_control, or -1 */
	int changes;		/* inotify(7) of the former, or -1 */
	uint64_t before;
	bool happened;
};

/* The two ends of a text of any length: room for all that callers take. */
#define WORDS_PART	4088u
#define WORDS_TEXT	(2 * WORDS_PART + 8)

struct words {
	char first[WORDS_PART];
	char last[WORDS_PART];	/* a ring: what is behind the first goes there */
	size_t size;		/* of the whole */
};

/* What the runtime and its hooks write while it runs; 0 is stdout. */
struct said {
	struct said_pipe {
		int end;	/* theirs */
		int fd;		/* to read what is in it, or -1 */
		bool drained;	/* it was full once, and is read since */
	} pipe[2];
	struct words words;
};

struct dropin {
	const struct ct_dropin_options *o;
	struct ct_arena *arena;
	struct ct_monitor_config config;

	/* From the options. */
	const char *pidfile, *conmon_pidfile, *console_path;
	unsigned exit_delay;	/* s */
	unsigned preserve;	/* descriptors behind the first three that the runtime gets */
	bool passthrough;

	/* The caller's, or -1. */
	int sync, start, attach;
	int bundle, exit_dir, persist_dir;	/* directories */
	int *inherited;		/* left open by the caller, and kept so until the end: ports, for one */
	size_t inherited_count;
	const char *oom_score;	/* as it was; NULL: it is as it was */

	int console;		/* listens for the terminal */
	const char *console_dir;	/* a directory made for it */
	char *const *argv;	/* of the runtime */
	char *const *exit_argv;	/* of the exit command, or NULL */
	int notify;		/* socket for the container's sd_notify, or -1 */
	struct oom oom;
	const char *link;	/* a symbolic link to the bundle that is ours to remove, or NULL */
	const char *message;	/* what the runtime has said when it failed, or NULL */
	bool told;		/* the caller knows whether the session was made */
	pid_t payload;
};

/* settle.c: options into what is above, with everything that can be said before there is a fork */
int ct_dropin_settle(struct dropin *d, struct ct_err *err);
/* The log's options. */
int ct_dropin_settle_log(struct dropin *d, struct ct_err *err);

/* pipes.c */
int ct_pipes_open(struct dropin *d, struct ct_err *err);
/* Wait for the caller's word; no word is needed where there is no pipe. */
int ct_pipes_await(const struct dropin *d, struct ct_err *err);
/* The attach socket listens. */
void ct_pipes_listening(const struct dropin *d);
void ct_pipes_started(struct dropin *d, pid_t pid);
void ct_pipes_failed(struct dropin *d, const struct ct_err *err);
/* message: plain text without quotes, or NULL */
void ct_pipes_ended(struct dropin *d, int code, const char *message);

/* runtime.c: d->argv */
int ct_runtime_argv(struct dropin *d, struct ct_err *err);

/* launch.c: run it, and find what it has made; for ct_monitor_config.spawn */
int ct_runtime_launch(struct dropin *d, const struct ct_child_stdio *stdio,
		      struct ct_spawned *ret_spawned, struct ct_err *err);

/* words.c */
void ct_words_add(struct words *words, const char *text, size_t size);
/* Its size. */
size_t ct_words_text(const struct words *words, char text[WORDS_TEXT]);
void ct_said_open(struct said *said, const int stdio[3]);
void ct_said_close(struct said *said);
/* Often enough while it runs: keep the pipes from being full. */
void ct_said_look(struct said *said, const struct ct_child_stdio *stdio);
/* It has failed: its words on stderr, or NULL. */
const char *ct_said_message(struct said *said, struct ct_arena *arena);

/* console.c */
int ct_console_open(struct dropin *d, struct ct_err *err);
/* Somebody has connected: 1 with the terminal, 0 when it was not there, or negative. */
int ct_console_take(const struct dropin *d, int *ret_terminal, struct ct_err *err);
void ct_console_close(struct dropin *d);

/* records.c */
int ct_records_open(struct dropin *d, struct ct_err *err);
int ct_records_pid(const char *path, pid_t pid, struct ct_err *err);
int ct_records_link(struct dropin *d, struct ct_err *err);	/* SOCKDIR/CUUID */
void ct_records_exit(struct dropin *d, int code);
void ct_records_oom(const struct dropin *d);

/* oom.c */
void ct_oom_watch(struct oom *oom, pid_t pid);
/* Count in this file, which may tell when it changes; takes the descriptor. */
void ct_oom_begin(struct oom *oom, int fd, bool tells);
bool ct_oom_happened(struct oom *oom);
/* There is something to be read from oom->changes: did it happen now, for the first time? */
bool ct_oom_changed(struct oom *oom);

/* notify.c */
int ct_notify_open(struct dropin *d, struct ct_err *err);
void ct_notify_pass(const struct dropin *d);
/* Of a datagram, what may be passed on, in place: its size. */
size_t ct_notify_filter(char *text, size_t size);

/* exit_command.c: make its words; run it and wait for it */
int ct_exit_command_prepare(struct dropin *d, struct ct_err *err);
void ct_exit_command(const struct dropin *d);
/* In a child, before it executes anything. */
void ct_dropin_restore(const struct dropin *d);

#endif
