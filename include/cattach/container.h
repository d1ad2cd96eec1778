/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container is: its id and name, its directory, its record, its life. Used by both faces of
 * the command. The states as tables are in states.h, docs in ARCHITECTURE.md ("States").
 *
 *   $XDG_DATA_HOME/cattach/containers/<id>/  config.json meta.json status lock main/
 *   $XDG_DATA_HOME/cattach/names/<name>      symbolic link whose text is the id
 *   $XDG_DATA_HOME/cattach/cache/            compiled seccomp programs
 *   $XDG_RUNTIME_DIR/cattach/<id>/           sockets (made when there is something to put there)
 *
 * What exec starts under a monitor of its own is a session: a container in all that matters here,
 * kept in a store inside the container's directory (exec/<id>/, exec-names/<name>), and called
 * CONTAINER/SESSION.
 */
#ifndef CATTACH_CONTAINER_H
#define CATTACH_CONTAINER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/cgroup.h>
#include <cattach/client.h>
#include <cattach/err.h>
#include <cattach/id_file.h>
#include <cattach/keeper.h>
#include <cattach/monitor.h>
#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/spec.h>

#define CT_CONTAINER_ID_LENGTH 64	/* lower-case hexadecimal digits */
#define CT_SHORT_ID_LENGTH 12
#define CT_RUNTIME_ID_MAX 200		/* bytes of an id that an engine has chosen (runtime.h) */
#define CT_LABEL_MAX (CT_RUNTIME_ID_MAX + 1 + CT_NAME_MAX)	/* of CONTAINER/SESSION */

/* The opened places on disk; every directory is 0700 and ours, or opening fails. */
struct ct_store {
	int data;		/* $XDG_DATA_HOME/cattach */
	int containers;		/* its containers/ */
	int names;		/* its names/ */
	int cache;		/* its cache/, or -1 */
	int runtime;		/* $XDG_RUNTIME_DIR/cattach, once ct_store_runtime() has opened it */
	char *path;		/* of data, for messages */
	bool engine;		/* of what an engine watches: of its containers, or of sessions in one */
	/* A store of sessions: the id and the name of their container; both empty otherwise. */
	char session_of[CT_RUNTIME_ID_MAX + 1], owner[CT_RUNTIME_ID_MAX + 1];
};

#define CT_STORE_INIT { .data = -1, .containers = -1, .names = -1, .cache = -1, .runtime = -1 }

/**
 * ct_store_open - open the store, making the directories that are missing
 * @ret_store: set on success, close with ct_store_close()
 * @err: EPERM with the path when a directory belongs to somebody else or others may write it,
 *       ELOOP when it is a symbolic link, ENOENT when neither XDG_DATA_HOME nor HOME nor the
 *       password database names a home
 *
 * Root uses /var/lib/cattach.
 */
int ct_store_open(struct ct_store *ret_store, struct ct_err *err);
void ct_store_close(struct ct_store *store);

/* Are we in a user namespace below the first one, inside a container, say? Then root is a user. */
bool ct_store_is_nested(void);

struct ct_container;

/**
 * ct_store_sessions - open the store of a container's sessions
 * @store: the one that the container is in; of one that an engine has made any, for its cache
 * @container: or one of its sessions
 * @make: make it when it is missing
 * @ret_sessions: for every function that takes a store; close with ct_store_close()
 * @err: ENOENT when there is none, or the container is gone; else as in ct_store_open()
 */
int ct_store_sessions(const struct ct_store *store, const struct ct_container *container, bool make,
		      struct ct_store *ret_sessions, struct ct_err *err);

/**
 * ct_store_runtime - open the runtime directory of a container: where its sockets are
 * @id:   64 hexadecimal digits
 * @make: make it when it is missing
 * @err:  ENOENT; EPERM, ELOOP, ENOTDIR as in ct_store_open(), with the path and the way out
 *
 * It is $XDG_RUNTIME_DIR/cattach/<id>; without that variable below /run/user/<uid> when that is
 * ours, else in /tmp/cattach-<uid>; for root in /run/cattach. Every directory from "cattach" on is
 * 0700 and ours, or this fails.
 *
 * Return: a descriptor that the caller owns.
 */
int ct_store_runtime(struct ct_store *store, const char *id, bool make, struct ct_err *err);

static inline void ct_autostore_cleanup(struct ct_store *store)
{
	ct_store_close(store);
}

#define ct_autostore __attribute__((cleanup(ct_autostore_cleanup)))

enum ct_state {
	CT_STATE_CREATING,	/* its directory exists, its monitor has not reported yet */
	CT_STATE_CREATED,	/* complete, and never started */
	CT_STATE_RUNNING,
	CT_STATE_PAUSED,
	CT_STATE_RESTARTING,	/* has ended, and its keeper is going to start it again */
	CT_STATE_STOPPED,	/* "exited" in this face, "stopped" in the runtime face */
	CT_STATE_DAMAGED,	/* its record cannot be read; damage says why */
	CT_STATE_FOREIGN,	/* made on another machine that shares this home */
};

/* "running", "exited", ... as docker's .State.Status spells them. */
const char *ct_state_name(enum ct_state state);

/* As docker's .State.Health.Status says it; include/cattach/health.h. */
enum ct_health_status {
	CT_HEALTH_NONE,		/* nothing checks it */
	CT_HEALTH_STARTING,	/* no check has said anything that counts, or it does not run */
	CT_HEALTH_HEALTHY,
	CT_HEALTH_UNHEALTHY,
};

/* How the health of a container is checked. All but test is 0 or NULL where there is no check. */
struct ct_health_config {
	struct ct_strings test;		/* "CMD", ARG...; "CMD-SHELL", TEXT; "NONE"; or empty */
	uint64_t interval, timeout;	/* ns, never 0 */
	uint64_t start_period, start_interval;	/* ns, the period may be 0 */
	int retries;			/* failures in a row that make it unhealthy, at least 1 */
	const char *on_failure;		/* "none", "kill", "restart" or "stop" */
	uint64_t changed;		/* when test was, by an update: ns since the epoch; 0: never */
};

/* What is fixed when a container is made: meta.json. Strings are NULL when not given. */
struct ct_meta {
	const char *id, *name;
	uint64_t created;		/* ns since the epoch */
	const char *source;		/* BUNDLE or ROOTFS as the user wrote it: the IMAGE column */
	const char *bundle;		/* absolute path of the bundle, or NULL for a plain ROOTFS */
	const char *rootfs;		/* absolute path */
	bool overlay;			/* ROOTFS:O */
	struct ct_strings entrypoint, command;	/* as given; process.args is both */
	struct ct_strings create_command;	/* "run" or "create" and all that stood behind it... */
	const char *create_directory;	/* ...and where we were then; NULL: unknown */
	bool tty, stdin_open, stdin_once, remove, detach, init, privileged;
	bool stdin_passed;		/* log driver passthrough: it has its starter's stdin itself */
	int stop_signal;		/* number, default SIGTERM */
	int stop_timeout;		/* seconds, default 10, -1: for ever */
	const char *restart;		/* --restart: "always", "on-failure:3"; NULL: no */
	struct ct_spec_pairs labels;
	const char *user;		/* -u as given */
	const char *network, *pid_mode, *ipc_mode, *uts_mode, *cgroupns_mode, *userns_mode;
	bool cgroup_parent;		/* linux.cgroupsPath is an option's, not a bundle's own */
	const char *cgroups;		/* --cgroups: "enabled", "disabled", "no-monitor",
					 * "best-effort"; NULL: where it can be had */
	const char *pidfile, *cidfile;
	const char *detach_keys;
	const char *stdin_eof;		/* --stdin-eof as given, checked by who follows it */
	const char *size_policy;	/* "latest", "smallest", "largest", "none"; NULL: latest */
	const char *log_driver;		/* "native", "k8s-file", "json-file", "journald", "none"...;
					 * NULL: native */
	const char *log_path;		/* of the driver's file, absolute; NULL: with the log */
	const char *log_tag;		/* as given, with what is to be filled in */
	uint64_t log_max_size;		/* bytes, 0: as the log likes it */
	int log_max_files;		/* 0: likewise */
	const char *sdnotify;		/* "monitor" or "container"; NULL: nobody is notified */
	bool tie;			/* the payload dies with the client that it was started for */
	bool keep_groups;		/* --group-add keep-groups, of which config.json does not know */
	bool swap_by_default;		/* as in struct ct_cgroup_resources, and likewise */
	bool default_seccomp;		/* as in struct ct_spec, of which config.json does not know */
	struct ct_strings cap_add, cap_drop, security_opt, binds;
	struct ct_health_config health;
	bool unmonitored;		/* of the runtime face: see runtime.h */
	bool no_process;		/* likewise: there is nothing that it could be started as */
	const char *hostname;
	const char *host;		/* identity of the machine that made it: host name + machine id */
	uint32_t version;		/* of this format: 1 */
};

/* A container as found on disk, with its state worked out now. All in the caller's arena. */
struct ct_container {
	struct ct_meta meta;
	int dir;			/* descriptor of its directory */
	int status_fd;			/* its status file, readable after the directory is gone; or -1 */
	enum ct_state state;
	const char *damage;		/* CT_STATE_DAMAGED: why; also why a CT_STATE_STOPPED one's exit
					 * is not known (status.state is not CT_STATUS_EXITED) */
	struct ct_status status;	/* include/cattach/monitor.h */
	enum ct_health_status health;
	const char *session_of;		/* id of the container that it is a session of; or NULL */
	const char *label;		/* of a session: CONTAINER/SESSION; or NULL */
	const char *engine_root;	/* of one that an engine has made, and of its sessions: the
					 * directory of the engine's records (runtime.h); or NULL */
	bool stop_asked;		/* it has a restart policy, and somebody has stopped it */
	struct ct_cgroup *leaf;		/* of a run that this process follows, for ct_container_sweep() */
	int poststop;			/* pidfd of who runs the hooks after the run that was started, or -1 */
};

/* Its name for people: that of a session has its container's before it; never NULL. */
const char *ct_container_label(const struct ct_container *container);
/* "container" or "session", for the word before it. */
const char *ct_container_kind(const struct ct_container *container);

void ct_container_close(struct ct_container *container);

/* Its run is over: then wait for the hooks that run after it, if it has any. */
void ct_container_await_hooks(const struct ct_container *container);

static inline void ct_autocontainer_cleanup(struct ct_container *container)
{
	ct_container_close(container);
}

/* struct ct_container ct_autocontainer c = CT_CONTAINER_INIT; */
#define ct_autocontainer __attribute__((cleanup(ct_autocontainer_cleanup)))
#define CT_CONTAINER_INIT { .dir = -1, .status_fd = -1, .poststop = -1 }

/**
 * ct_container_find - a container by name, id, or unambiguous beginning of an id
 * @name: a leading "/" is stripped, as docker does; CONTAINER/SESSION is a session, likewise by
 *        name, id or beginning of an id
 * @err:  ENOENT "no such container: x" (hint lists up to five names), EEXIST "matches 3 containers"
 *
 * Damaged and foreign containers are found too; the caller looks at ->state. meta.id and meta.name
 * are always set; a container that has lost its name goes by its short id. Of a container that an engine
 * has made only sessions are found: itself see ct_exec_find().
 */
int ct_container_find(struct ct_store *store, struct ct_arena *arena, const char *name,
		      struct ct_container *ret_container, struct ct_err *err);

struct ct_container_list {
	struct ct_container *items;	/* newest first; ->dir and ->status_fd are -1 */
	size_t count;
};

/* All containers. A damaged one is in the list as such; only an unreadable store is an error. */
int ct_container_list(struct ct_store *store, struct ct_arena *arena,
		      struct ct_container_list *ret_list, struct ct_err *err);

/* The sessions of a container; none where there is no store of them. */
int ct_session_list(const struct ct_store *store, struct ct_arena *arena,
		    const struct ct_container *container, struct ct_container_list *ret_list,
		    struct ct_err *err);

/**
 * ct_container_create - reserve id and name, write config.json and meta.json
 * @meta: id and name may be NULL: they are generated (and set); created and host are set
 * @spec: written as config.json; NULL: none, of a session
 * @ret_container: state CREATING, dir open
 * @err:  EEXIST "name "x" is in use by container ID (running); ..." with the way out
 *
 * On failure nothing stays on disk. Killed anywhere, what stays can be listed and removed. Others
 * see it as CREATING while ret_container->dir is open, here or in a process that inherited it, and
 * no monitor has taken over; closing the last copy before that makes it an interrupted start.
 */
int ct_container_create(struct ct_store *store, struct ct_arena *arena, struct ct_meta *meta,
			const struct ct_spec *spec, struct ct_container *ret_container,
			struct ct_err *err);

/* Refuse what can be done to containers only: "c1/s1 is a session ..., and cannot be WHAT". */
int ct_container_refuse_session(const struct ct_container *container, const char *what,
				struct ct_err *err);

/**
 * ct_container_complete - what was created is to stay, to be started later: CREATED from now on
 * Without it a container that its creator leaves before it runs is damaged: a start cut short.
 */
int ct_container_complete(struct ct_container *container, struct ct_err *err);

/* The spec of a container that was created, from its config.json. */
int ct_container_spec(const struct ct_container *container, struct ct_arena *arena,
		      struct ct_spec **ret_spec, struct ct_err *err);

/* What is left to be said when the id is known: the host name, and HOSTNAME for a plain ROOTFS. */
int ct_container_set_hostname(const struct ct_meta *meta, struct ct_arena *arena,
			      struct ct_spec *spec, struct ct_err *err);

/**
 * ct_container_remove - delete a container's directory and its name
 * @force: a running one is killed first (payload, then a monitor that does not leave)
 * Its sessions go with it, whatever they do. @store is the user's, for a session, too.
 * @err: EBUSY "is running; stop it first or use -f", EPERM for a foreign one
 */
int ct_container_remove(struct ct_store *store, struct ct_container *container, bool force,
			struct ct_err *err);

/* Delete the directory of this id and its name, with no questions: what failed starts and --rm use.
 * Everything in the directory goes, but links are not followed and mounts not crossed (-EXDEV); no
 * heap. Being gone already is success. 0 or -errno. */
int ct_store_forget(const struct ct_store *store, const char *id, const char *name);

/* The same of one that was created here and could not be started. */
void ct_container_forget(const struct ct_store *store, const struct ct_container *container);

/**
 * ct_container_rename - give a container another name, also while it runs
 * @container: as found; has the new name then
 * @err: EINVAL for what is no name, or its own; EEXIST as in ct_container_create()
 */
int ct_container_rename(struct ct_store *store, struct ct_arena *arena,
			struct ct_container *container, const char *name, struct ct_err *err);

/* Send a signal to the payload, through a pidfd verified against the record.
 * ESRCH "container x is not running" when it is not. A paused one goes on after any signal but
 * SIGKILL, which ends it where it is. */
int ct_container_signal(const struct ct_container *container, int signal, struct ct_err *err);

/**
 * ct_container_stop - signal, wait, SIGKILL
 * @signal: 0 for the container's own stop signal
 * @timeout: seconds until SIGKILL, -1 for ever, -2 for the container's own
 * A container that is not running is no error. It is not started again by its keeper.
 */
int ct_container_stop(struct ct_container *container, int signal, int timeout, struct ct_err *err);

/* What state is it in now? container->state and ->status follow. */
int ct_container_look(struct ct_container *container, struct ct_err *err);

/**
 * ct_container_cgroup - the leaf of a container that runs
 * @ret_cgroup: set on success; its limits are in ->container; close with ct_cgroup_close()
 * @err: ENOTSUP "container x has no cgroup of its own", with the way out
 */
int ct_container_cgroup(const struct ct_container *container, struct ct_cgroup *ret_cgroup,
			struct ct_err *err);

/* The path of that below the top of version 2, as recorded; 0 or -errno: it has none. */
int ct_container_cgroup_path(const struct ct_container *container, char path[CT_CGROUP_PATH]);

/**
 * ct_container_wait - wait until a container has ended
 * @ret_code: exit code as a shell shows it; 255 when nobody recorded it (the monitor was killed)
 * Event based: waits on the monitor's pidfd. Works for --rm containers, whose directory vanishes.
 */
int ct_container_wait(struct ct_container *container, int *ret_code, struct ct_err *err);

/* The same until a time of CLOCK_MONOTONIC in ns (UINT64_MAX: for ever); then ETIMEDOUT. */
int ct_container_wait_until(struct ct_container *container, uint64_t limit, int *ret_code,
			    struct ct_err *err);

/* After waiting: was that code recorded? Else ENODATA "exit code unknown: ...", exit code 255. */
int ct_container_end_known(const struct ct_container *container, struct ct_err *err);

/**
 * ct_container_pause - stop all processes of a container where they are, or have them go on
 * @err: ESRCH "container x is not running: ...", EALREADY "is already paused", EINVAL "is not
 *       paused"; ENOTSUP when it has no cgroup, with the way to one
 *
 * Returns when it is so.
 */
int ct_container_pause(const struct ct_container *container, bool paused, struct ct_err *err);

/**
 * ct_container_prune_cgroup - remove the cgroup that a crash has left to a container
 * Return: 1 when there was one, 0 when there is nothing to be done, that is also while it runs, or is
 * being started or removed; negative when it cannot be removed.
 */
int ct_container_prune_cgroup(const struct ct_container *container, struct ct_err *err);

/* The same for cgroups of ours that belong to no container of this store, where they are empty. */
int ct_store_prune_cgroups(struct ct_store *store, unsigned *ret_removed, struct ct_err *err);

/**
 * ct_container_watch - a descriptor that becomes readable when it is time to look again
 * @container: with its directory open: when its status or its files change; or NULL
 * @ret_watch: inotify, non-blocking; readable, too, when any name is taken or given up, and when one
 *             of the container's sessions is
 * @err: EMFILE and the like
 *
 * Look once after this has returned: what happened before it is not told.
 */
int ct_container_watch(const struct ct_store *store, const struct ct_container *container,
		       int *ret_watch, struct ct_err *err);

/* The identity of this machine for meta.host, in the arena; never NULL. */
const char *ct_host_identity(struct ct_arena *arena);

/* A name of two words, adjective_noun; tries are numbered from 0, later ones add digits. */
const char *ct_generate_name(struct ct_arena *arena, unsigned try);

/**
 * struct ct_start_options - how a created container is started
 */
struct ct_start_options {
	bool rootless;
	uint16_t rows, columns;		/* of the terminal, 0: unknown */
	unsigned preserve_fds;		/* descriptors 3... that the payload keeps */
	int client;			/* the monitor's end of a client connection, or -1 */
	struct ct_log_options log;	/* tty is taken from the container */
	enum ct_size_policy size_policy;
	bool keep;			/* a failed start leaves the container as it was */
	uint64_t time_limit;		/* of a session, ns; 0: none */
	struct ct_strings *warnings;	/* what is gone without, a line for people each, is appended
					 * to it in the arena; or NULL */
	bool kept;			/* by the container's keeper: it needs no other */
};

/* Which file for other tools its log driver writes, if any; and what is to be said in each of its
 * records: the tag, filled in, in the arena, or NULL. */
bool ct_log_passes(const struct ct_meta *meta);	/* does it write past us, to its starter's stdio? */
enum ct_log_file ct_log_file_of(const struct ct_meta *meta);
int ct_log_tag(struct ct_arena *arena, const struct ct_meta *meta, const char **ret_tag,
	       struct ct_err *err);

/* What journald is told of it with each line, in the arena; NULL with other log drivers. */
int ct_log_fields(struct ct_arena *arena, const struct ct_container *container, const char *tag,
		  const char **ret_fields, struct ct_err *err);

/* --sdnotify: container, monitor or conmon, ignore (NULL), as it stands in the record. */
int ct_sdnotify_parse(const char *text, const char **ret_mode, struct ct_err *err);
/* Is there somebody who wants to know of its start, and is the start to tell? */
bool ct_sdnotify_wanted(const struct ct_meta *meta);
/* Before a start: with "container", give it the socket in NOTIFY_SOCKET. */
int ct_sdnotify_prepare(const struct ct_meta *meta, struct ct_arena *arena, struct ct_spec *spec,
			struct ct_err *err);
/* After it: who the main process is; that it is ready, unless the container will say so itself. */
int ct_sdnotify_tell(const struct ct_meta *meta, pid_t monitor, struct ct_err *err);
/* The same where the start has worked, whoever could not be told: that is a warning. */
void ct_sdnotify_started(const struct ct_meta *meta, pid_t monitor);

/* The options of a start that are the container's own: its log, whose size its terminal gets. */
void ct_container_start_options(const struct ct_meta *meta, struct ct_start_options *options);

/**
 * ct_container_start - fork the monitor and start the payload
 * @spec: what to run; checked with ct_spec_check() and turned into a plan before anything forks
 * @ret_session: descriptors to follow the session with; close with ct_session_close()
 * @err: the exact error of the innermost process; nothing is left running
 */
int ct_container_start(struct ct_store *store, struct ct_arena *arena,
		       struct ct_container *container, const struct ct_spec *spec,
		       const struct ct_start_options *options, struct ct_session *ret_session,
		       struct ct_err *err);

/* Root of a container that lacks what makes namespaces and brings up their loopback devices can do
 * no more than any user, nor can one with a single id: it needs a user namespace of its own. */
bool ct_is_rootless(void);

/* How a container is started that was created, or has ended. */
struct ct_start_again {
	uint16_t rows, columns;		/* of its terminal, 0: unknown */
	bool kept;			/* by its keeper, unless somebody has asked it to stay stopped */
	/* What the start goes without, for people; or NULL. */
	void (*warn)(const struct ct_strings *warnings);
};

/**
 * ct_container_start_again - start a container by what is on record of it
 * @container: found by the caller
 * @ret_sock: our end of a connection to its monitor; NULL: nobody follows
 * @err: EALREADY when it is running, or about to; ECANCELED when it is to stay stopped; nothing has
 *       changed when it could not be started
 *
 * Its pid file is written, too.
 */
int ct_container_start_again(struct ct_store *store, struct ct_container *container,
			     const struct ct_start_again *how, int *ret_sock, struct ct_err *err);

/* The pid of a container that has just been started into a file that was asked for. */
int ct_container_write_pid(const struct ct_container *container, struct ct_id_file *file,
			   struct ct_err *err);

/* To be called by who has started it and followed it to its end: the cgroup that its monitor was in
 * goes with the monitor, which cannot remove it itself without being moved out of it first. */
void ct_container_sweep(struct ct_container *container);

/* Has it ended, and its monitor not, because somebody who must get everything has not? */
bool ct_container_is_served(const struct ct_container *container);

/**
 * ct_container_attach - connect to the monitor of a running container
 * @hello: CT_HELLO_*; @rows, @columns: size of our terminal or 0
 * @ret_client: CT_CLIENT_INIT, or with a patience of its own; connected, with the container's log as its
 *              fallback; close with ct_client_close()
 * @err: ESRCH "You cannot attach to a stopped container, start it first: NAME exited (5) 3 minutes
 *       ago", for one that is just ending, too; likewise for every other state than running. With
 *       CT_HELLO_QUIET one that is served still can be asked, too.
 */
int ct_container_attach(struct ct_store *store, const struct ct_container *container,
			uint32_t hello, uint16_t rows, uint16_t columns,
			struct ct_client *ret_client, struct ct_err *err);

/* Is it CREATING because it is started, not made? Then it can be waited for as one that is CREATED. */
bool ct_container_is_starting(const struct ct_container *container);

/*
 * Waiting for the start of a container that is CREATED: a socket beside the one of the monitor to
 * come, which ct_container_start() connects to before anything runs. So a waiting client is there
 * from the first byte on, however short the run and whatever becomes of its log.
 */
struct ct_waiter {
	int dir;			/* runtime directory of the container */
	int listener;			/* poll it: readable when a start is under way */
	int watch;			/* and this: readable when the container has changed */
	char name[32];			/* of the socket */
	int above, container;		/* what dir is in, and what it is for, to see whether that is gone */
	char id[CT_CONTAINER_ID_LENGTH + 1];
};

#define CT_WAITER_INIT { .dir = -1, .listener = -1, .watch = -1, .above = -1, .container = -1 }

/* ESTALE: the container has been removed meanwhile. */
int ct_waiter_open(struct ct_store *store, const struct ct_container *container,
		   struct ct_waiter *ret_waiter, struct ct_err *err);

/* The connection to the monitor that is being started: a socket for ct_client_hello(), or -EAGAIN
 * when there is none (now). There is only one: if that start fails, open another waiter. */
int ct_waiter_accept(struct ct_waiter *waiter);

/* Forget what made the watch readable. */
void ct_waiter_drain(struct ct_waiter *waiter);

void ct_waiter_close(struct ct_waiter *waiter);

#endif
