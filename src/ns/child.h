/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between clone and exec: what the files of src/ns that run in the new process share.
 *
 * Every function here runs in the child, single-threaded, with the caller's memory image; it makes
 * system calls only, allocates nothing, and on failure fills the error that start.c sends back.
 */
#ifndef CATTACH_NS_CHILD_H
#define CATTACH_NS_CHILD_H

#include <sys/stat.h>

#include <cattach/io.h>
#include <cattach/ns.h>
#include <cattach/plan.h>

/* What to do where the kernel refuses a container inside a container. */
#define CT_HINT_NESTED                                                                        \
	"run the container that this runs in with --privileged, or with --security-opt "      \
	"seccomp=unconfined --security-opt unmask=ALL; on a host see cattach info"

/* Descriptors that live while the child sets itself up. */
struct child {
	const struct ct_plan *plan;
	const struct ct_ns_stdio *stdio;
	int sync;		/* socket to the process that started us */
	int root;		/* the new root's mount, O_PATH */
	bool slaves;		/* mounts of the host are slaves here, not private */
	int under;		/* the host's directory that the root is a copy of, O_PATH */
	int host_root;		/* "/" of the host, for device nodes: closed before exec */
	int proc;		/* /proc of the host, a procfs for sure; -1 when it is not mounted */
	bool self_writable;	/* by the container's root, so the payload must not be... */
	struct statx self;	/* ...our own program */
	int dev;		/* the tmpfs on /dev, or -1 when that is something else */
	int pts;		/* devpts instance of the container, or -1 */
	int null;		/* /dev/null of the host, O_PATH, checked */
	int *sources;		/* per plan->mounts[] what it binds, then the clone; -1 where it is no bind */
	int *devices;		/* one cloned mount per plan->devices[] */
	int *layers;		/* one descriptor per plan->root.layers[], -1 where none is needed */
	int terminal;		/* slave of the pty, or -1 */
	int init;		/* our init's program, once descriptors are sorted, or -1 */
	int agent;		/* connection to who answers system calls, or -1 */
	int hold;		/* where the word to go on is heard, likewise, or -1 */
	struct ct_ns_places places;	/* of our own, for who comes in while we are held */
};

/* root.c: clone the mounts of the host that the plan names, while our ids are still the caller's */
int ct_child_open_root(struct child *c, struct ct_err *err);
int ct_child_attach_root(struct child *c, struct ct_err *err);
int ct_child_pivot(struct child *c, struct ct_err *err);
int ct_child_enter_root(struct child *c, struct ct_err *err);

/* inherit.c: the same as the pivot where the mount namespace is to be the caller's */
int ct_child_inherit(struct child *c, struct ct_err *err);
int ct_child_change_root(int root, struct ct_err *err);

/* source.c */
int ct_child_open_source(const struct ct_plan_source *source, struct ct_err *err);
int ct_child_clone_mount(int fd, const char *path, bool recursive, struct ct_err *err);
/* Before our mounts are cut off from the host's, those that are to stay its peers; then the others. */
int ct_child_open_peers(struct child *c, struct ct_err *err);
int ct_child_open_sources(struct child *c, struct ct_err *err);
bool ct_child_clones_late(const struct ct_plan *plan, const struct ct_plan_mount *m);
int ct_child_clone_source(struct child *c, size_t i, struct ct_err *err);

/* overlay.c */
int ct_child_open_layers(struct child *c, struct ct_err *err);
int ct_child_compose_overlay(struct child *c, struct ct_err *err);

/* mounts.c */
int ct_child_mounts(struct child *c, struct ct_err *err);
/* Once more what mounts asked for, after the propagation of the whole tree was set. */
int ct_child_propagation(struct child *c, struct ct_err *err);
int ct_child_place(struct child *c, int mount, const char *path, bool directory,
		   struct ct_err *err);
int ct_child_new_mount(const char *type, const char *source, const struct ct_mount_options *options,
		       struct ct_err *err);
int ct_child_set_attributes(int mount, const struct ct_mount_options *options, struct ct_err *err);

/* copyup.c: fill a fresh tmpfs with what the directory holds that it will hide */
int ct_child_copy_up(int from, int to, struct ct_err *err);

/* devices.c */
int ct_child_open_devices(struct child *c, struct ct_err *err);
int ct_child_devices(struct child *c, struct ct_err *err);
int ct_child_clone_node(struct child *c, int fd, const char *host, struct ct_err *err);

/* terminal.c */
int ct_child_terminal(struct child *c, struct ct_err *err);

/* masks.c */
int ct_child_masks(struct child *c, struct ct_err *err);

/* settings.c: host name, sysctls, loopback, oom_score_adj, labels */
int ct_child_names(struct child *c, struct ct_err *err);
int ct_child_sysctls(struct child *c, struct ct_err *err);
int ct_child_loopback(struct ct_err *err);
int ct_child_oom_score(struct child *c, struct ct_err *err);
int ct_child_labels(struct child *c, struct ct_err *err);

/* stdio.c */
int ct_child_descriptors(struct child *c, struct ct_err *err);

/* process.c: ids, limits, capabilities, filters; exec.c: the last step */
int ct_child_become_root(struct child *c, struct ct_err *err);
int ct_child_process(struct child *c, struct ct_err *err);
/* RLIMIT_NOFILE, which may leave us too few descriptors: the last thing before the filter. */
int ct_child_limit_files(const struct ct_plan_process *p, struct ct_err *err);
int ct_child_exec(struct child *c, struct ct_err *err);
/* The processors that it may use, a mask or NULL; where it was asked for: "initial", "final". */
int ct_child_affinity(const unsigned long *mask, const char *place, struct ct_err *err);
/* Is the program there? What changes until ct_child_exec() is found then. */
int ct_child_look(const struct child *c, struct ct_err *err);

/* hooks.c: when the root is complete and not entered; and just before the program, after prepare() in
 * the hook's own process. In the starter: what SYNC_HOOKS asks for, and the answer. */
int ct_child_create_hooks(struct child *c, struct ct_err *err);
int ct_child_start_hooks(struct child *c, int (*prepare)(void *arg, struct ct_err *err),
			 struct ct_err *err);
int ct_sync_hooks(const struct ct_plan *plan, int sync, pid_t pid, struct ct_err *err);

/* listener.c: in the starter, a connection to the agent; in the child, the state that it gets, and the
 * filter with its listener, 0 or -errno */
int ct_listener_connect(const struct ct_plan *plan, struct ct_err *err);
void ct_listener_close(const struct ct_plan *plan);
int ct_child_listener(struct child *c, struct ct_err *err);
int ct_child_load_listened(struct child *c);

/* exec_explain.c: fill the error for an execve(2) that failed with code; negative */
int ct_exec_explain(const char *path, int code, struct ct_err *err);
bool ct_exec_has_caps(const char *path);
/* Would executing path execute, or load as its interpreter, this file of this mount? */
#define CT_EXEC_STATX (STATX_TYPE | STATX_MODE | STATX_INO | STATX_MNT_ID)
bool ct_exec_leads_to(const char *path, const struct statx *file);

/* child.c: fill the struct for a process that is going to be made */
void ct_child_init(struct child *c, const struct ct_plan *plan, const struct ct_ns_stdio *stdio,
		   int sync);
/* In the helper that joins: what cannot be done, or not be trusted, once it has */
int ct_child_before_join(struct child *c, struct ct_err *err);
/* The whole sequence, from the first instruction after clone to execve; never returns */
_Noreturn void ct_child_main(struct child *c);

/* start.c: until the process is the program, or an error is there; what is held ends it, too */
int ct_sync_follow(const struct ct_plan *plan, int sync, const struct ct_ns_stdio *stdio,
		   struct ct_ns_started *started, struct ct_err *err);

/* start.c: the error for a process, or namespaces, that cannot be made */
int ct_fail_clone(int code, uint64_t flags, struct ct_err *err);

/* maps.c: write the id maps of a process in a new user namespace */
int ct_maps_write(pid_t pid, const struct ct_plan *plan, struct ct_err *err);

/* idmapped.c: in the starter, before the process is made: the mounts whose files have other ids, into
 * plan->slots */
int ct_idmapped_open(const struct ct_plan *plan, struct ct_err *err);
void ct_idmapped_close(const struct ct_plan *plan);

/* netdev.c: in the starter, when the process has its network namespace and waits: the devices that it gets */
int ct_netdev_move(const struct ct_plan *plan, int pidfd, struct ct_err *err);

/* Must the process wait before it makes files and goes on: for its ids, or until its starter knows it and
 * has done its part? */
static inline bool ct_child_is_awaited(const struct ct_plan *plan)
{
	return plan->uid_map.count || plan->join_count || plan->move || plan->network ||
	       plan->tasks_count;
}

/* join.c: enter the namespaces that the plan joins, in an order that works */
int ct_join_all(const struct ct_plan *plan, struct ct_err *err);
bool ct_joins_user(const struct ct_plan *plan);
/* In the child, in its cgroup: the cgroup namespace that it is to have. */
int ct_child_cgroup_namespace(struct child *c, struct ct_err *err);
/* clock.c: likewise; it cannot be made by the clone */
int ct_child_time_namespace(struct child *c, struct ct_err *err);

/* places.c: descriptors of the namespaces and the root, for the starter */
int ct_child_report_places(struct child *c, struct ct_err *err);
int ct_child_open_places(struct child *c, struct ct_err *err);

/* hold.c: everything is set up; wait until somebody says that it is to run */
int ct_child_hold(struct child *c, struct ct_err *err);

/* sync.c: messages between the child and its starter */
enum sync_type {
	SYNC_MAPPED = 1,	/* to the child: your ids are mapped and you are known, go on */
	SYNC_TERMINAL,		/* to the starter, with the pty's master */
	SYNC_PLACES,		/* to the starter, with CT_PLACES descriptors */
	SYNC_EXEC,		/* to the starter: everything is set up, what follows is execve */
	SYNC_HELD,		/* to the starter: everything is set up, and waits... */
	SYNC_KEPT,		/* ...for its starter to say that others know of it, too, and then for... */
	SYNC_GO,		/* ...this, from whoever connects; who gets what follows SYNC_HELD */
	SYNC_WAY_IN,		/* from who connects instead: SYNC_PLACES, please */
	SYNC_HOOKS,		/* to the starter: run those that are before the pivot, and say... */
	SYNC_HOOKED,		/* ...this when they have succeeded */
	SYNC_ERROR,		/* to the starter: struct ct_err */
};

struct sync_message {
	enum sync_type type;
	struct ct_err err;
};

int ct_sync_send(int sync, enum sync_type type, const struct ct_err *err, int fd);
int ct_sync_send_fds(int sync, enum sync_type type, const int *fds, size_t count);
/* The descriptors that are not there are -1; the receiver owns the others. */
int ct_sync_receive(int sync, struct sync_message *message, int fds[CT_FDS_MAX]);

#endif
