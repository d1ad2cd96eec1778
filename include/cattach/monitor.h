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

#include <cattach/attach.h>
#include <cattach/err.h>
#include <cattach/proc.h>
#include <cattach/streamlog.h>

struct sock_filter;

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
	uint64_t log_lost;		/* payload bytes of this run that the log has lost for ever... */
	uint64_t log_unsaved;		/* ...of these, those at its end: no file tells of them */
	unsigned warnings;		/* CT_WARN_*: what the monitor has met with */
};

/* What else a monitor complains of, beside the log: it has no terminal to say it on. */
#define CT_WARN_STRANGER 16u	/* another user has tried to attach */
#define CT_WARN_SOCKET	32u	/* its runtime directory has vanished and could not be made again */
#define CT_WARN_MAX	255u

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

/* The same of another file of that directory, and whoever holds a lock on it. */
int ct_lock_holder(int dir, const char *name, pid_t *ret_pid);

/* Give back what a process that was forked by a command does not need while it only waits: free pages
 * of the heap, the stack below, code that is in the page cache. What it needs again comes again. */
void ct_process_give_back(void);

/* What a launch gives back: the rest comes with the client's welcome, see client.h. */
struct ct_session {
	pid_t monitor_pid;
	char warning[700];	/* what the start has gone without, "" for nothing: for people */
	int channel;		/* our end of the connection to the monitor, or -1 */
};

#define CT_SESSION_INIT { .channel = -1 }

void ct_session_close(struct ct_session *session);

/* The ends of a session's stdio that its first process gets. */
struct ct_child_stdio {
	bool tty;		/* no pipes: make a pty and hand the master back */
	int fd[3];		/* stdin, stdout, stderr */
	bool borrowed;		/* of the caller's: they stay whose they are */
	uint16_t rows, columns;	/* initial size of the pty, 0: leave it */
	/* For a spawn() that waits for others to make the payload: what it reads of what they have written
	 * on these meanwhile, at most CT_FRAME_MAX bytes, goes into the log by this. NULL: a pty. */
	void (*wrote)(void *arg, int stream, const void *data, size_t size);
	void *wrote_arg;
	/* What else the monitor has to make: to be called when the payload is under way and cannot get
	 * as far as its program yet. Whoever has no such moment leaves it to the monitor. */
	int (*meanwhile)(void *arg, struct ct_err *err);
	void *arg;
};

/* What a spawn gives back to the monitor. */
struct ct_spawned {
	pid_t pid;
	int pidfd;
	int terminal;		/* master of the pty, or -1 */
	/* The container's namespaces and root, for clients that ask (CT_MSG_NAMESPACES); -1: none. */
	int places[CT_ATTACH_PLACES];
};

/* Whose size a terminal gets when several clients have sent one. */
enum ct_size_policy {
	CT_SIZE_LATEST,		/* who has attached or resized last */
	CT_SIZE_SMALLEST,	/* the least rows and the least columns: everybody sees everything */
	CT_SIZE_LARGEST,
	CT_SIZE_NONE,		/* nobody's: as it was made */
};

/* What a confined monitor may still do below a directory: bits. */
#define CT_ALLOW_FILES	1u	/* read, write, make and remove files */
#define CT_ALLOW_REMOVE	2u	/* list it, remove files and directories */
#define CT_ALLOW_SOCKET	4u	/* list it, make sockets and directories */
#define CT_ALLOW_UNLINK	8u	/* list it, remove files */
#define CT_ALLOW_RMDIR	16u	/* list it, remove directories */
#define CT_ALLOW_CGROUP	32u	/* list it, write files, make and remove directories */
#define CT_ALLOW_APPEND	64u	/* make, write, rename and remove files, not read them */
#define CT_ALLOW_LIST	128u	/* list it */

/* Confinement beyond what the monitor does by itself: see src/conmon/confine.c. */
struct ct_confinement {
	struct {
		int dir;		/* -1: none */
		unsigned access;	/* CT_ALLOW_* */
	} allow[12];			/* the container's directory need not be named */
	uint64_t keep_caps;		/* of those that the process has: bits */
	const struct sock_filter *filter;	/* the last thing to be loaded; NULL: none */
	unsigned short filter_length;	/* instructions, at most 4,096 */
};

#define CT_MONITOR_KEEP 12
#define CT_MONITOR_WATCHED 2

/**
 * struct ct_monitor_config - what a monitor is started with
 *
 * In the monitor process: prepare() makes what the payload is to be in; it may still change keep and
 * confinement here, and fill in a warning. undo() takes that back when the start fails after it.
 * spawn() starts the payload, started() runs once that is on record, release() gives back everything
 * that only the start needed. ended() runs as soon as the payload has been reaped, and may change the
 * status; recorded() once that is in the record. leave() runs once the exit is recorded: attended
 * says that the client which came with the start is the only one left, so that our own end is all
 * that is waited for. finish() runs after the exit is recorded (--rm; the runtime directory), or when a
 * start has failed and nobody is there to hear of it (started is false). remake() makes a runtime
 * directory that has vanished again and returns its descriptor or -errno. arg is passed to all.
 */
struct ct_monitor_config {
	int dir;		/* the container's directory */
	int runtime;		/* its runtime directory, for the socket "attach"; -1: no socket */
	struct ct_log_options log;
	bool tty, stdin_open, stdin_once;
	/* --log-driver passthrough: its stdio is this, above 2, and nothing comes by us; stdin -1: none. */
	bool passthrough;
	int pass[3];
	uint16_t rows, columns;
	enum ct_size_policy size_policy;
	uint64_t time_limit;	/* ns: SIGTERM then, SIGKILL 10 s later, exit code 124; 0: none */
	int owner;		/* pidfd of a process with which this session ends by SIGKILL, or -1 */
	int cgroup;		/* descriptor of one that the monitor is born in; 0: where we are */
	int client;		/* the monitor's end of the first client's connection, or -1 */
	bool tie;		/* its end without CT_MSG_DETACH is the payload's, too: SIGKILL */
	/* Clients that have been waiting for the start: served as any other that has connected, but
	 * from the first byte on. Borrowed. */
	const int *waiting;
	size_t waiting_count;
	int (*prepare)(void *arg, struct ct_err *warning, struct ct_err *err);	/* or NULL */
	void (*undo)(void *arg);
	int (*spawn)(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		     struct ct_err *err);
	void (*started)(void *arg);	/* or NULL */
	void (*release)(void *arg);
	void (*ended)(void *arg, struct ct_status *status);
	void (*recorded)(void *arg, const struct ct_status *status);
	void (*leave)(void *arg, bool attended);	/* these three, too, or NULL */
	void (*finish)(void *arg, bool started);
	int (*remake)(void *arg);
	/* Clients speak conmon's frames, see <cattach/adopt.h>; orphans are ours to reap. */
	bool tagged;
	bool sync;			/* the log file is on disk before the end is recorded */
	bool created;			/* the payload waits for its start when spawn() returns */
	/* What else the loop looks at, with tagged; NULL: nothing. started() may still change it. */
	struct {
		int fd;
		void (*ready)(void *arg);
	} watched[CT_MONITOR_WATCHED];
	int keep[CT_MONITOR_KEEP];	/* descriptors that these need, -1: none; others are closed */
	struct ct_confinement confinement;
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
