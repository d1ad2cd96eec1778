/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a start: everything that the process between clone and exec has to do, worked out
 * and checked before anything is created. All strings and lists are ready in memory, so that the
 * child only makes system calls. src/container/plan*.c makes it from a spec, src/ns carries it out.
 */
#ifndef CATTACH_PLAN_H
#define CATTACH_PLAN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/caps.h>
#include <cattach/err.h>
#include <cattach/hook.h>
#include <cattach/mount.h>
#include <cattach/seccomp.h>

/* One line of uid_map or gid_map, see user_namespaces(7). */
struct ct_plan_id {
	uint32_t inside, outside, count;
};

struct ct_plan_ids {
	struct ct_plan_id *items;
	size_t count;
};

/* A namespace to be joined: an open descriptor of it. */
struct ct_plan_join {
	int fd;
	int flag;			/* CLONE_NEW* of its type */
	const char *place;		/* "linux.namespaces[2].path", for errors */
};

#define CT_PLAN_MAX_JOINS 8		/* types of namespaces */

/* A file or directory of the host, named by path and pinned by identity: the child opens the path
 * again in its own mount namespace and compares (design: only the child can clone mounts). */
struct ct_plan_source {
	const char *path;		/* absolute */
	dev_t device;
	ino_t inode;
	bool directory;
};

struct ct_plan_mount {
	const char *place;		/* "mounts[3]", for errors */
	const char *destination;	/* absolute, in the container */
	const char *type;		/* file system type for fsopen(2); NULL: a bind */
	struct ct_plan_source source;	/* of a bind */
	struct ct_mount_options options;
	struct ct_plan_ids uid_map, gid_map;	/* of its own, with options.idmap; none: the container's */
};

struct ct_plan_device {
	const char *place;
	const char *path;		/* in the container: "/dev/null" */
	const char *host;		/* on the host */
	mode_t type;			/* S_IFCHR, S_IFBLK or S_IFIFO */
	dev_t number;			/* st_rdev that it must have */
	bool made;			/* a node of its own, not the host's: */
	mode_t mode;
	uid_t uid;
	gid_t gid;
};

/* A network device of the host that is moved into the container, and what is known while it is there. */
struct ct_plan_net_device {
	const char *place;		/* "linux.netDevices.eth0", for errors */
	const char *name;		/* on the host... */
	int index;			/* ...where it was found by that name */
	const char *inside;		/* in the container, or a template: "eth%d" */
	int moved;			/* its index there; 0: it is not there */
	bool up;			/* it was, on the host */
	struct ct_buf addresses;	/* those that it keeps, as the kernel tells of them */
};

struct ct_plan_network {
	struct ct_plan_net_device *devices;
	size_t count;
	int inside;			/* rtnetlink(7) of the container's namespace, while it may have to
					 * give them back; else -1 */
};

/* A link in /dev: "fd" → "/proc/self/fd". */
struct ct_plan_pair {
	const char *key, *value;
};

enum ct_root_kind {
	CT_ROOT_BIND,			/* the directory itself */
	CT_ROOT_OVERLAY,		/* a throw-away overlay on it */
};

struct ct_plan_root {
	enum ct_root_kind kind;
	struct ct_plan_source source;
	bool read_only;
	uint64_t propagation;		/* MS_*, 0: private */
	bool tree_propagation;
	/* CT_ROOT_OVERLAY: top-level names and how each is composed */
	struct ct_plan_layer *layers;
	size_t layer_count;
	bool whole;			/* one overlay over the directory itself, no layers */
};

/* One top-level entry of a composed overlay root. */
struct ct_plan_layer {
	const char *name;		/* "etc" */
	enum {
		CT_LAYER_OVERLAY,	/* directory without mounts below: an overlay of its own */
		CT_LAYER_BIND,		/* has mounts below: bound read-only, recursively */
		CT_LAYER_LINK,		/* symbolic link: made again */
		CT_LAYER_EMPTY,		/* made empty: proc, sys, dev, tmp, run */
		CT_LAYER_FILE,		/* regular file: bound read-only */
	} kind;
	const char *link;		/* CT_LAYER_LINK */
	mode_t mode;
};

struct ct_plan_rlimit {
	int resource;			/* RLIMIT_* */
	struct rlimit limit;
};

struct ct_plan_scheduler {
	bool present;
	uint32_t policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};

/* Who answers system calls instead of the kernel, and what it gets with the descriptor for that. */
struct ct_plan_listener {
	const char *path;		/* of its socket */
	const char *head;		/* {"ociVersion":"1.3.0","fds":["seccompFd"],...,"state": */
	struct ct_hook_state state;
	const char *container_pid;	/* of a process that goes into a container; NULL: it is this one */
	bool killable;			/* its answers are waited for in a way that only SIGKILL ends */
	char *text;			/* room for all of it, pids included */
	size_t size;
	int fd;				/* the connection, while there is one; else -1 */
};

#define CT_PLAN_MASK_BITS 1024

/*
 * A mount namespace that is neither made nor joined is the caller's; and root may have its container
 * in one that others made. What was built in one of its own is moved there in one piece, below one
 * place that is the container's: docs/adr/0016.
 */
struct ct_plan_inherited {
	bool mounts;			/* it is so; CLONE_NEWNS is of the one where it is built */
	int space;			/* descriptor of the namespace that it is moved to */
	const char *joined;		/* where config.json names it; NULL: the caller's */
	const char *path;		/* of the place, as others have to see it, too */
	int directory;			/* of the container, with these in it, empty: */
};

#define CT_INHERITED_PLACE	"mounts"	/* is bound on itself, and has in it... */
#define CT_INHERITED_ROOT	"root"		/* ...where the container's root is mounted */

struct ct_plan_process {
	struct ct_strings args, env;
	const char *path;		/* value of PATH in env, or the default */
	const char *cwd;
	bool cwd_is_there;		/* or else an error; otherwise it is made */
	bool tty;
	uid_t uid;
	gid_t gid;
	gid_t *groups;
	size_t group_count;
	bool keep_groups;		/* leave the caller's supplementary groups */
	bool has_umask;
	mode_t umask;
	struct ct_plan_rlimit *rlimits;
	size_t rlimit_count;
	bool has_caps;
	struct ct_caps caps;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int oom_score_adj;
	const char *apparmor, *selinux;
	bool has_io_priority;
	int io_priority;		/* as for ioprio_set(2) */
	struct ct_plan_scheduler scheduler;
	/* Masks of CT_PLAN_MASK_BITS bits, or NULL: processors before and after it is in its cgroup. */
	unsigned long *affinity_initial, *affinity_final;
	bool has_memory_policy;
	int memory_mode;		/* with its flags, as for set_mempolicy(2) */
	unsigned long *memory_nodes;	/* a mask, or NULL */
	bool has_personality;
	unsigned long personality;
	struct ct_seccomp_program seccomp;
	const char *seccomp_place;	/* where the policy came from, for errors */
	struct ct_plan_listener *listener;	/* where the filter has SCMP_ACT_NOTIFY, or NULL */
	bool seccomp_given;		/* it is the user's, who may have forgotten a call */
	unsigned preserve_fds;
	bool untied;			/* outlives who started it; else SIGKILL when that ends */
	int init;			/* sealed memfd of our init (--init), or -1 */
	struct ct_strings init_args;	/* its argv: "cattach-init", two places the child fills
					 * (socket, program), then args */
};

struct ct_plan {
	uint64_t new_namespaces;	/* CLONE_NEW* */
	struct ct_plan_join joins[CT_PLAN_MAX_JOINS];
	size_t join_count;
	bool mounts_joined;		/* among them: then root, mounts, devices and masks are none */
	struct ct_plan_inherited inherited;
	int chroot;			/* with mounts_joined: what becomes its root; 0: the namespace's */
	/*
	 * The cgroup that it is to be in. cgroup: descriptor of one that it is born in, 0: where its
	 * maker is. Or move() puts it there before it goes on, from the maker's process; NULL: no.
	 * Only then does it enter its cgroup namespace, whose root is where it is at that time.
	 */
	int cgroup;
	int (*move)(void *arg, pid_t pid, struct ct_err *err);
	void *move_arg;
	int tasks[2];			/* open files that take the pid of who is to be in a group: resctrl's */
	size_t tasks_count;
	int hold;			/* a listening SOCK_SEQPACKET socket: when all is set up the
					 * process waits there for ct_ns_go(); 0: it does not wait */
	bool no_program;		/* it waits for ever: there is nothing that it could become */
	bool report_places;		/* the starter wants descriptors of the namespaces and the root */
	struct ct_plan_ids uid_map, gid_map;	/* when CLONE_NEWUSER is made; empty otherwise */
	struct ct_plan_root root;
	struct ct_plan_mount *mounts;
	size_t mount_count;
	bool own_dev;			/* nodes and links are made in /dev */
	struct ct_plan_device *devices;
	size_t device_count;
	const struct ct_plan_pair *links;
	size_t link_count;
	struct ct_strings masked, read_only;
	const char *hostname, *domainname;
	struct ct_plan_pair *time_offsets;	/* "monotonic" → "-60 0", of a new time namespace */
	size_t time_offset_count;
	struct ct_plan_pair *sysctls;
	size_t sysctl_count;
	struct ct_hooks hooks;		/* but for poststart and poststop, which are its maker's */
	struct ct_hook_state hook_state;
	bool loopback;			/* bring lo up: the network namespace is new */
	struct ct_plan_network *network;	/* what is moved there, or NULL */
	struct ct_plan_process process;
	int *slots;			/* room for the child's descriptors, all -1: one for each of
					 * mounts, devices and root.layers */
};

#endif
