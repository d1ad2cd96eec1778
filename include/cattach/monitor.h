/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor: the small process that owns one session. Parent of its first process, holder of its
 * stdio, writer of its stream log, keeper of its exit status. It outlives the CLI that made it.
 */
#ifndef CATTACH_MONITOR_H
#define CATTACH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>
#include <cattach/proc.h>

/* The status file: one JSON object padded to this size, rewritten in place by one pwrite(2), so
 * that the exit can be recorded on a full disk; "generation" stands at both ends. */
#define CT_STATUS_SIZE 512

enum ct_status_state { CT_STATUS_NONE, CT_STATUS_STARTING, CT_STATUS_RUNNING, CT_STATUS_EXITED };

/* What the monitor records, in the file "status" of the container's directory. */
struct ct_status {
	enum ct_status_state state;
	uint64_t generation;
	pid_t monitor_pid, pid;		/* of the monitor and of the payload, as the host sees them */
	uint64_t monitor_starttime, starttime;	/* clock ticks since boot */
	char boot_id[37];
	uint64_t started, finished;	/* ns since the epoch, 0: not yet */
	struct ct_exit exit;		/* when CT_STATUS_EXITED */
	bool oom_killed;
};

/* Write or read the status file; the format is in src/conmon/status.c. The caller raises
 * status->generation before every write, so that readers can tell one from the next. */
int ct_status_write(int fd, const struct ct_status *status, struct ct_err *err);
/* EBADMSG "status is damaged (empty file)" and the like. Follows a writer's change by retrying. */
int ct_status_read(int fd, struct ct_status *ret_status, struct ct_err *err);

/**
 * ct_monitor_alive - does a monitor hold the lock of the container in dir?
 * @dir: the container's directory
 * @ret_pid: its pid, or 0 when nobody holds the lock (may be NULL)
 *
 * F_GETLK on the file "lock", see fcntl(2). Never for the monitor itself: closing the descriptor
 * would drop its lock. A holder that our pid namespace does not show has pid 0.
 *
 * Return: 1 alive, 0 not, -errno.
 */
int ct_monitor_alive(int dir, pid_t *ret_pid);

/* The descriptors with which a session is followed from outside. */
struct ct_session {
	pid_t monitor_pid;
	int page;		/* commit page, see streamlog.h */
	int wake;		/* eventfd: readable edges when something was committed */
	int log;		/* the stream log, for reading: --rm may unlink it at any moment */
	int channel;		/* our end of the connection to the monitor, or -1 */
};

#define CT_SESSION_INIT { .page = -1, .wake = -1, .log = -1, .channel = -1 }

void ct_session_close(struct ct_session *session);

/* The ends of a session's stdio that its first process gets. */
struct ct_child_stdio {
	bool tty;		/* no pipes: make a pty and hand the master back */
	int fd[3];		/* stdin, stdout, stderr */
	uint16_t rows, columns;	/* initial size of the pty, 0: leave it */
};

/* What a spawn gives back to the monitor. */
struct ct_spawned {
	pid_t pid;
	int pidfd;
	int terminal;		/* master of the pty, or -1 */
};

/**
 * struct ct_monitor_config - what a monitor is started with
 *
 * spawn() starts the payload (in the monitor process), release() gives back everything that only
 * the start needed. finish() runs after the exit is recorded (--rm), or when a start has failed and
 * nobody is there to hear of it (started is false). arg is passed to all three.
 */
struct ct_monitor_config {
	int dir;		/* the container's directory */
	bool tty, stdin_open, stdin_once;
	uint16_t rows, columns;
	int client;		/* the monitor's end of the first client's connection, or -1 */
	int (*spawn)(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		     struct ct_err *err);
	void (*release)(void *arg);
	void (*finish)(void *arg, bool started);
	int keep[2];		/* descriptors that finish() needs, -1: none; all others are closed */
	void *arg;
};

/**
 * ct_monitor_launch - double-fork a monitor and wait until its payload runs
 * @config: borrowed; config->dir and config->client stay the caller's
 * @ret_session: set on success, channel is -1
 * @err: the exact error of the innermost process
 *
 * Returns once the payload has really been exec'ed. In the monitor this function never returns.
 */
int ct_monitor_launch(const struct ct_monitor_config *config, struct ct_session *ret_session,
		      struct ct_err *err);

#endif
