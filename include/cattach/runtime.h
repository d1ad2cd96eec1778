/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Containers that somebody else watches: the caller (podman's or CRI-O's monitor, containerd's shim)
 * owns their stdio and reaps them; we make them, let them run, signal them and take them away. The
 * engine behind the runtime command line, "cattach oci" (OCI runtime-spec, runtime.md).
 *
 *   ROOT/<id>/  meta.json config.json status process cgroup start
 *
 * ROOT is --root, $CATTACH_OCI_ROOT, $XDG_RUNTIME_DIR/cattach-oci, or /run/cattach-oci. A process that was
 * created and not started listens on the socket "start". There is no monitor and no log; but those of
 * sessions that cattach exec makes in one (container.h) are in ROOT/<id>/exec/.
 */
#ifndef CATTACH_RUNTIME_H
#define CATTACH_RUNTIME_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/ns.h>

#define CT_RUNTIME_ROOT "CATTACH_OCI_ROOT"	/* the variable */

/**
 * ct_runtime_check_id - may a container be called this?
 * @err: EINVAL "invalid id format: ..."; letters, digits and "_+.-", but not "." and ".."
 */
int ct_runtime_check_id(const char *id, struct ct_err *err);

/**
 * ct_runtime_open - open the store of this face
 * @root: directory; NULL for the default
 * @make: make it when it is missing, with the parts of its path that are
 * @ret_store: close with ct_store_close()
 * @err: as of ct_store_open(): the directory must be ours alone; ENOENT when it is missing and not made
 */
int ct_runtime_open(const char *root, bool make, struct ct_store *ret_store, struct ct_err *err);

/**
 * ct_runtime_find - load a container
 * @err: ENOENT "container does not exist", EINVAL for what is no id
 *
 * The process of one whose status is damaged is known from the file "process" all the same.
 *
 * State: CREATED while its process waits or is not its program yet, RUNNING, PAUSED, STOPPED when its process is gone, is a
 * zombie or was another boot's; DAMAGED with the reason.
 */
int ct_runtime_find(struct ct_store *store, struct ct_arena *arena, const char *id,
		    struct ct_container *ret_container, struct ct_err *err);

/* The same in the default store, which is not made for that: for who looks for one by its name alone. Of an
 * id of 64 hexadecimal digits the beginning will do; EEXIST when several have it. */
int ct_runtime_find_default(struct ct_arena *arena, const char *id, struct ct_container *ret_container,
			    struct ct_err *err);

/* All of them, in the order of their names; damaged ones, too. */
int ct_runtime_list(struct ct_store *store, struct ct_arena *arena,
		    struct ct_container_list *ret_list, struct ct_err *err);

/* "creating", "created", "running", "paused", "stopped": as the specification spells them. */
const char *ct_runtime_state_name(enum ct_state state);

struct ct_runtime_create {
	const char *id, *bundle;
	const char *config;		/* instead of the bundle's config.json; or NULL */
	const char *console_socket;	/* gets the terminal's master; NULL: none */
	const char *pid_file, *pidfd_socket;	/* or NULL */
	unsigned preserve_fds;		/* descriptors 3... that the process keeps */
	unsigned listen_fds;		/* the first of them, which it is told of (sd_listen_fds(3)) */
	bool rootless;
	const char *cgroups;		/* as of struct ct_meta */
	bool systemd;			/* cgroups are scopes of systemd's: cgroupsPath is SLICE:PREFIX:NAME */
	const struct ct_ns_stdio *stdio;	/* of a caller who stays and can look after a terminal; or
						 * NULL: 0, 1 and 2, and a terminal needs console_socket */
	struct ct_err *no_cgroup;	/* gets why there is none where cgroupsPath asks for one; or NULL */
};

/**
 * ct_runtime_make - make a container whose process waits to be started
 * @options: pid_file has the process's pid when this returns, with nothing behind it
 * @ret_started: its descriptors are the caller's to close. Without a console socket ->terminal is the
 *               master of the process's terminal, if it has one
 * @err: with where in config.json. Nothing is left of a container that cannot be made
 *
 * The process is the caller's child.
 */
int ct_runtime_make(struct ct_store *store, struct ct_arena *arena,
		    const struct ct_runtime_create *options, struct ct_container *ret_container,
		    struct ct_ns_started *ret_started, struct ct_err *err);

/**
 * ct_runtime_start - let the process of a container that was created go on
 * @err: EALREADY "cannot start an already running container", EINVAL without a process, ESRCH "... stopped ..."; or the exact
 *       error of the process, which has ended then
 */
int ct_runtime_start(struct ct_store *store, struct ct_container *container, struct ct_err *err);

/**
 * ct_runtime_signal - send a signal to the process, or to all processes, of a container
 * @all: whoever is in its cgroup, also when its first process has ended; without one those in its
 *       namespaces, while that lives
 * @err: ESRCH "container not running", with what cannot be known behind it
 */
int ct_runtime_signal(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, int signal, bool all, struct ct_err *err);

/**
 * ct_runtime_delete - take a container away
 * @force: also while it runs: its processes are killed
 * @err: EBUSY "cannot delete container ID that is not stopped: running"
 *
 * One that was created and not started is killed in any case.
 */
int ct_runtime_delete(struct ct_store *store, struct ct_container *container, bool force,
		      struct ct_err *err);

/* What the command line of update says; NULL, and "0": not given. */
struct ct_runtime_limits {
	const char *memory, *reservation, *swap;	/* bytes, or with a unit; -1: no limit */
	const char *shares, *quota, *period, *burst, *idle, *rt_period, *rt_runtime, *cpus, *mems;
	const char *pids, *blkio_weight;
};

/* Into resources, with the options' names for errors. */
int ct_runtime_limits_parse(struct ct_arena *arena, const struct ct_runtime_limits *limits,
			    struct ct_cgroup_resources *ret_resources, struct ct_err *err);

/**
 * ct_runtime_update - change limits
 * @wish: what is given changes: all but 0, NULL and empty lists
 * @err: ESRCH "container not running"; ENOTSUP without a cgroup; what cannot be had. Nothing has
 *       changed then
 */
int ct_runtime_update(struct ct_container *container, struct ct_arena *arena,
		      const struct ct_cgroup_resources *wish, struct ct_err *err);

/* Write a process's pid to a file, in one step, with nothing behind it; errors name --pid-file. */
int ct_runtime_write_pid(const char *path, pid_t pid, struct ct_err *err);

/* Hand the master of a terminal, or a pidfd, to whoever listens at socket_path: 0 or negative. */
int ct_runtime_hand_over(const char *socket_path, int fd, const char *text, struct ct_err *err);

#endif
