/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Namespaces: start a process by a plan. clone(2), user_namespaces(7), pivot_root(2).
 */
#ifndef CATTACH_NS_H
#define CATTACH_NS_H

#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>
#include <cattach/plan.h>

/* A container from inside: its namespaces, and its root directory (O_PATH). */
enum ct_ns_place {
	CT_PLACE_USER,
	CT_PLACE_MOUNT,
	CT_PLACE_PID,
	CT_PLACE_NETWORK,
	CT_PLACE_IPC,
	CT_PLACE_UTS,
	CT_PLACE_CGROUP,
	CT_PLACE_ROOT,
	CT_PLACE_TIME,			/* another uts namespace where the kernel has none */
};

#define CT_PLACES 9

/* Descriptors of all of these, or -1 each; owned by who has the struct. */
struct ct_ns_places {
	int fd[CT_PLACES];
};

#define CT_NS_PLACES_INIT { .fd = { -1, -1, -1, -1, -1, -1, -1, -1, -1 } }

void ct_ns_places_close(struct ct_ns_places *places);

static inline void ct_autoplaces_cleanup(struct ct_ns_places *places)
{
	ct_ns_places_close(places);
}

#define ct_autoplaces __attribute__((cleanup(ct_autoplaces_cleanup)))

/**
 * ct_ns_places_open - the namespaces and the root of a process, through the host's /proc
 * @pid: as this process sees it; whose it is must be checked by a pidfd afterwards
 * @ret_places: all of them, close with ct_ns_places_close()
 * @err: EACCES, EPERM: we may not look into it (ptrace(2), "PTRACE_MODE_READ"); ENOENT: no such
 *       process, or no /proc
 */
int ct_ns_places_open(pid_t pid, struct ct_ns_places *ret_places, struct ct_err *err);

/* Are they those that the process was made with? One that has made itself a user namespace since has
 * still its old pid namespace, and others of which the new one has no rights; one that has changed
 * its root has another than the container. */
bool ct_ns_places_agree(const struct ct_ns_places *places);

/**
 * ct_ns_places_join - make a plan join the namespaces that are not the caller's own
 * @places: stay the caller's, and open until ct_ns_start() has returned
 * @plan: joins, join_count and mounts_joined are set; one with a chroot may be in any mount namespace
 * @place: what the errors call them
 * @err: EINVAL: the mount namespace is the caller's own, so this is no container
 */
int ct_ns_places_join(const struct ct_ns_places *places, const char *place, struct ct_plan *plan,
		      struct ct_err *err);

/* The stdio of the new process, and what comes back. */
struct ct_ns_stdio {
	int fd[3];			/* stdin, stdout, stderr; ignored with process.tty */
	bool borrowed;			/* they are somebody else's: their owner stays as it is */
	unsigned short rows, columns;	/* of the pty, 0: leave it */
	uint64_t limit;			/* when it must be the program, by CLOCK_MONOTONIC in ns; 0: any
					 * time. Who is in a container that is joined can stop it. */
	int interrupt;			/* a descriptor: input there before it is the program ends the wait
					 * with EINTR; 0: none */
	/* Called once when the process is there, and has not got further than its preparations; or
	 * before that, where it would not wait. NULL: nothing. Its failure is that of the start. */
	int (*meanwhile)(void *arg, struct ct_err *err);
	void *arg;
};

struct ct_ns_started {
	pid_t pid;			/* as the caller sees it */
	int pidfd;			/* owned by the receiver */
	int terminal;			/* master of the pty, or -1; owned by the receiver */
	int tie;			/* with plan->hold: it ends when this is closed, up to ct_ns_keep(); or
					 * -1; owned by the receiver */
	struct ct_ns_places places;	/* with plan->report_places; owned by the receiver */
};

/**
 * ct_ns_start - clone, map ids, set up and exec, by the plan
 * @plan:  complete
 * @stdio: the process's ends
 * @ret_started: set once the program has been exec'ed; with plan->hold once all before that is done
 * @err: the exact error of the process that failed, with its exit code (125, 126, 127); the
 *       process is gone then, and with its namespaces everything that it mounted
 *
 * Who has plan->network then says ct_netdev_settle() or ct_netdev_give_back().
 * The new process is a child of the caller, to be reaped through the pidfd.
 */
int ct_ns_start(const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
		struct ct_ns_started *ret_started, struct ct_err *err);

/**
 * ct_ns_keep - from now on a process that is held stays without its starter
 * @tie: of what started it; stays the caller's
 * @err: ESRCH: it has ended
 *
 * When others can find it. Who is killed before leaves no process that nobody knows of.
 */
int ct_ns_keep(int tie, struct ct_err *err);

/**
 * ct_netdev_look - a network device that is to be moved into a container
 * @ret_index: by which it is told from another one that has got its name meanwhile
 * @err: ENODEV there is none; EINVAL it is one that cannot be moved
 */
int ct_netdev_look(const char *name, int *ret_index, struct ct_err *err);

/* After ct_ns_start(), by its caller: the network devices that it has moved stay where they are... */
void ct_netdev_settle(const struct ct_plan *plan);

/* ...or, when something else has failed and the process was ended, come back: with their names and
 * addresses, and up if they were. After a start that failed that has been done. */
void ct_netdev_give_back(const struct ct_plan *plan);

/**
 * ct_ns_go - let a process that is held become its program
 * @socket: a connection to what plan->hold listens on; stays the caller's
 * @pid: of the process, for a look at what it is now
 * @err: the exact error of the process when it failed after all, with its exit code; ESRCH when it
 *       is not there any more. Its parent reaps it.
 *
 * To be called by anybody who may connect. Return: 0 once the program has been exec'ed.
 */
int ct_ns_go(int socket, pid_t pid, struct ct_err *err);

/**
 * ct_ns_way_in - the namespaces and the root of a process that is held, from itself
 * @socket: a connection of its own, to be closed by the caller
 * @ret_places: as from ct_ns_places_open(), which may not look into a process like that
 * @err: ENOTSUP where there is no /proc, ESRCH when it is not there any more
 */
int ct_ns_way_in(int socket, struct ct_ns_places *ret_places, struct ct_err *err);

/**
 * ct_ns_join_check - is this descriptor a namespace of that type?
 * @fd:   open descriptor
 * @flag: CLONE_NEW* that is expected
 * @err:  EINVAL "/proc/1/ns/uts is a uts namespace, not ipc" (ioctl_ns(2), NS_GET_NSTYPE)
 */
int ct_ns_join_check(int fd, int flag, const char *path, struct ct_err *err);

/**
 * ct_ns_unshare - put this process into a user namespace of its own
 * @uid_map, @gid_map: of it; where they map id 0 the process is its root then
 * @flags: CLONE_NEW* of other namespaces, which belong to it
 * @err: what the host refuses, and the way out; the process may be in the namespace then, and is
 *       good for nothing but to end
 */
int ct_ns_unshare(const struct ct_plan_ids *uid_map, const struct ct_plan_ids *gid_map,
		  uint64_t flags, struct ct_err *err);

/* A process of our own code in a container. */
struct ct_ns_visit {
	const struct ct_ns_places *places;	/* of a container that runs, or NULL: */
	const struct ct_plan_ids *uid_map, *gid_map;	/* of one that does not; empty: none */
	const char *place;		/* what errors call the container */
	int root, socket;		/* what it gets, besides /dev/null; stay the caller's */
	/* What it does, as the container's root as far as files are concerned. */
	int (*run)(int root, int socket, void *arg);
	void *arg;
};

/**
 * ct_ns_visit - send a process into a container's user and mount namespaces
 * @ret_pid, @ret_pidfd: our child, in there already; it dies with us
 */
int ct_ns_visit(const struct ct_ns_visit *visit, pid_t *ret_pid, int *ret_pidfd,
		struct ct_err *err);

/* "user", "mount", ... for a CLONE_NEW* flag. */
const char *ct_ns_flag_name(int flag);

#endif
