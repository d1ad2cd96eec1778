/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: which layout the host has, which part of it is ours, and one directory a
 * container in that part: PLACE/cattach-ID/{container,monitor}. cgroups(7), version 2 alone.
 *
 * The order of a start: ct_cgroup_find_place(), a scope from systemd where the answer is that
 * (ct_cgroup_scope_start(), then look again), ct_cgroup_convert(), ct_cgroup_make(), and the
 * payload is cloned into ->container. Afterwards any command finds the directory by
 * ct_cgroup_open() and the recorded path.
 */
#ifndef CATTACH_CGROUP_H
#define CATTACH_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/err.h>
#include <cattach/fd.h>
#include <cattach/resources.h>

#define CT_CGROUP_PATH	4096	/* bytes of a cgroup's path with its NUL */
#define CT_CGROUP_MAX	UINT64_MAX	/* what the kernel's files call "max" */

enum ct_cgroup_layout {
	CT_CGROUP_NONE,		/* nothing mounted at /sys/fs/cgroup */
	CT_CGROUP_V1,		/* version 1 only */
	CT_CGROUP_HYBRID,	/* version 1, with version 2 beside it for systemd */
	CT_CGROUP_UNIFIED,	/* version 2: the one in which limits can be delegated to users */
};

/* "v2 (unified)", "hybrid", ... for people. */
const char *ct_cgroup_layout_name(enum ct_cgroup_layout layout);

/* ---- where ---- */

struct ct_cgroup_where {
	const char *parent;	/* --cgroup-parent: below the delegated subtree; NULL: its top */
	const char *self;	/* the text of /proc/self/cgroup, or NULL to read it */
	bool systemd;		/* ct_cgroup_scope_possible(): what systemd manages is not ours */
	const char *scope;	/* the path from ct_cgroup_scope_start(): that and nothing else */
};

enum ct_cgroup_verdict {
	CT_CGROUP_NOWHERE,	/* no limits, no pause; why and fix say more */
	CT_CGROUP_HERE,		/* dir is the place */
	CT_CGROUP_NEEDS_SCOPE,	/* systemd has to make one first */
};

struct ct_cgroup_place {
	enum ct_cgroup_verdict verdict;
	enum ct_cgroup_layout layout;
	int root;			/* the top of version 2, -1 when there is none */
	int dir;			/* CT_CGROUP_HERE: the delegated cgroup, else -1 */
	char path[CT_CGROUP_PATH];	/* of dir below root, "/" for the top */
	char parent[CT_CGROUP_PATH];	/* what comes between dir and the container's; "" as a rule */
	char controllers[256];		/* that can be enabled below dir, separated by blanks */
	bool crowded;			/* dir has processes, which may be moved aside */
	char why[256], fix[256];	/* for people, where verdict is not CT_CGROUP_HERE */
};

#define CT_CGROUP_PLACE_INIT { .root = -1, .dir = -1 }

/**
 * ct_cgroup_find_place - where this user may make a container's cgroup
 * @where: what is asked for
 * @ret_place: set on success; release with ct_cgroup_place_done()
 * @err: EPERM "outside the delegated cgroup" for a parent with "..", a link, or an absolute path
 *       that is not below the delegated subtree; EPERM for any parent where nothing is delegated
 *
 * Only reads. The nearest of our own cgroup and its ancestors that is delegated and has no
 * processes of its own, else the nearest whose processes may be moved into a child.
 */
int ct_cgroup_find_place(const struct ct_cgroup_where *where, struct ct_cgroup_place *ret_place,
			 struct ct_err *err);
void ct_cgroup_place_done(struct ct_cgroup_place *place);

/* ---- a scope from systemd ---- */

/* Is a systemd there that the caller may ask (root: the system's, users: their own)? */
bool ct_cgroup_scope_possible(void);

struct ct_cgroup_scope {
	const char *name;	/* "cattach-ID.scope" */
	const char *description;
	const char *slice;	/* NULL: systemd's choice */
	pid_t pid;		/* the process it starts with; it is moved */
	unsigned timeout;	/* milliseconds, for all of it */
};

/**
 * ct_cgroup_scope_start - have systemd make a scope with Delegate=yes and move a process into it
 * @scope: what to ask for
 * @path: the scope's cgroup, CT_CGROUP_PATH bytes; then look for a place again, with this as scope
 * @err: ENOSYS without libsystemd, ETIMEDOUT, or what systemd answered
 *
 * The scope ends when its last process does.
 */
int ct_cgroup_scope_start(const struct ct_cgroup_scope *scope, char *path, struct ct_err *err);

/**
 * ct_cgroup_scope_attach - have systemd move a process into a cgroup of a unit of the caller's
 * @unit: "cattach-ID.scope"; delegated
 * @below: the cgroup below the unit's own, "/cattach-ID/container"
 * @timeout: milliseconds
 * @err: what systemd answered; ENOSYS without libsystemd
 */
int ct_cgroup_scope_attach(const char *unit, const char *below, pid_t pid, unsigned timeout,
			   struct ct_err *err);

/* ---- what is set ---- */

/* One write. The controller is the file's name up to the first dot; "cgroup" needs none. */
struct ct_cgroup_setting {
	const char *file, *value;
	const char *where;		/* "linux.resources.memory.limit", for errors */
	const char *instead;		/* the file to take where the first is not there, or NULL */
	const char *instead_value;
	bool best_effort;		/* nobody asked for it: no error when it cannot be had */
	bool above_usage;		/* refuse a value below memory.current */
};

struct ct_cgroup_settings {
	struct ct_cgroup_setting *items;
	size_t count, capacity;
};

/**
 * ct_cgroup_convert - what resources mean as files of version 2
 * @arena: owns what is made
 * @r: resources
 * @ret_settings: appended to, in the order in which they must be written
 * @err: what version 2 has no equivalent for, or what contradicts itself; where names the property
 */
int ct_cgroup_convert(struct ct_arena *arena, const struct ct_cgroup_resources *r,
		      struct ct_cgroup_settings *ret_settings, struct ct_err *err);

/* Append one setting; -ENOMEM as an error. */
int ct_cgroup_setting_add(struct ct_arena *arena, struct ct_cgroup_settings *settings,
			  const struct ct_cgroup_setting *setting, struct ct_err *err);

/* "KEY=VALUE" of --cgroup-conf, or a pair of linux.resources.unified; a value of several lines is
 * several writes. EPERM for files that move processes or end them. */
int ct_cgroup_setting_unified(struct ct_arena *arena, struct ct_cgroup_settings *settings,
			      const char *key, const char *value, const char *where,
			      struct ct_err *err);

/* cpu.shares → cpu.weight as runc and crun do since 2025, 0 → 0. */
unsigned ct_cgroup_weight_of_shares(uint64_t shares);
/* blkio.weight 10...1000 → io.weight, 0 → 0. */
unsigned ct_cgroup_io_weight(unsigned weight);

/**
 * ct_cgroup_apply - write settings into a container's cgroup
 * @container: its descriptor
 * @err: where is the setting's; what names the controller or the file, hint the way out
 *
 * What is best effort and fails is logged (topic cgroup) and left. A failure leaves the earlier
 * ones.
 */
int ct_cgroup_apply(int container, const struct ct_cgroup_settings *settings, struct ct_err *err);

/* ---- which device nodes ---- */

#define CT_CGROUP_DEVICE_RULES 1024	/* at most */

struct bpf_insn;

/**
 * ct_cgroup_devices_compile - what rules about device nodes mean as a program of the kernel's
 * @arena: owns the program
 * @rules: in their order; each of r, w and m is decided by the last rule that speaks of it. A pure
 *	   function of them
 * @ret_insns, @ret_count: for BPF_PROG_TYPE_CGROUP_DEVICE
 * @err: EINVAL, ERANGE, E2BIG; where names the rule
 *
 * What no rule speaks of is denied. Overruled by none: making nodes (but not opening them), and null,
 * zero, full, random, urandom, tty, console, ptmx and pts.
 */
int ct_cgroup_devices_compile(struct ct_arena *arena, const struct ct_cgroup_device_rule *rules,
			      size_t count, struct bpf_insn **ret_insns, size_t *ret_count,
			      struct ct_err *err);

/**
 * ct_cgroup_devices_apply - put rules about device nodes in force, in place of earlier ones
 * @container: descriptor of the cgroup
 * @err: EPERM for all but root in the first user namespace, which is the only meaning of that here;
 *	 EINVAL or ENOSYS where the kernel has no such programs; what the compiler says
 */
int ct_cgroup_devices_apply(int container, const struct ct_cgroup_device_rule *rules, size_t count,
			    struct ct_err *err);

/* ---- a container's own ---- */

/* What becomes of its directory with the container. */
enum ct_cgroup_kind {
	CT_CGROUP_OURS,		/* we have made it, or a container before: it goes */
	CT_CGROUP_FOUND,	/* it was there, with nothing in it: it stays, but what is in it by then goes */
	CT_CGROUP_SHARED,	/* it was there, with others in it: all of it stays */
};

struct ct_cgroup {
	int parent;		/* the directory that holds it */
	int dir;		/* PLACE/cattach-ID */
	int container;		/* CLONE_INTO_CGROUP goes here; the limits are here */
	int monitor;		/* -1 where the container has a name of its own */
	int origin;		/* where the monitor came from, or -1 */
	enum ct_cgroup_kind kind;
	char path[CT_CGROUP_PATH];	/* of dir below the top, to be recorded */
};

#define CT_CGROUP_INIT \
	{ .parent = -1, .dir = -1, .container = -1, .monitor = -1, .origin = -1 }

struct ct_cgroup_plan {
	const char *id;			/* checked by ct_check_name() */
	const char *name;		/* of a directory that is the container's by itself, with no place
					 * for a monitor; NULL: "cattach-ID", and both in it */
	const char *mark;		/* with a name: how it is known again as this container's; NULL: id */
	pid_t pid;			/* goes into the monitor's cgroup; 0: our child is born there */
	const struct ct_cgroup_settings *settings;
	const char *also;		/* controllers that are wanted for statistics: "cpu memory" */
	/* Where it is going to be, before it is there, or that it was there; NULL: nobody wants to know. 0, or
	 * an error. */
	int (*record)(const void *arg, const char *path, bool found, struct ct_err *err);
	const void *arg;
};

/**
 * ct_cgroup_make - make a container's cgroup, enable the controllers, set the limits
 * @place: CT_CGROUP_HERE
 * @plan: what is to be made
 * @ret_cgroup: set on success; release with ct_cgroup_close()
 * @err: where is the setting's that cannot be had; EEXIST for an id or a name in use
 *
 * One by a name that is there already, without processes, is taken as it is, and stays afterwards.
 *
 * Processes of a crowded place are moved into its child "cattach-callers", but only for a limit
 * that was asked for. Failed, nothing is left but controllers that are enabled, and the process is
 * where ct_cgroup_leave() puts it.
 */
int ct_cgroup_make(const struct ct_cgroup_place *place, const struct ct_cgroup_plan *plan,
		   struct ct_cgroup *ret_cgroup, struct ct_err *err);

/**
 * ct_cgroup_open - the cgroup that an earlier command made
 * @path: as recorded
 * @err: ENOENT when it is gone
 */
int ct_cgroup_open(const char *path, struct ct_cgroup *ret_cgroup, struct ct_err *err);
void ct_cgroup_close(struct ct_cgroup *cgroup);

static inline void ct_autocgroup_cleanup(struct ct_cgroup *cgroup)
{
	ct_cgroup_close(cgroup);
}

/* Is it this container's? By its name, or by the mark on one with a name of its own. */
bool ct_cgroup_is_of(const struct ct_cgroup *cgroup, const char *id, const char *mark);

/* struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;  closed at the end of the scope */
#define ct_autocgroup __attribute__((cleanup(ct_autocgroup_cleanup)))

/* Give the container's cgroup to another owner (a map whose root is not the caller): the directory
 * and the files that /sys/kernel/cgroup/delegate names. chown(2) must be allowed. */
int ct_cgroup_give(int container, uid_t uid, gid_t gid, struct ct_err *err);

/**
 * ct_cgroup_change - change settings of a cgroup that is in use: all of them, or none
 * @arena: owns what is made
 * @ret_before: set on success: what ct_cgroup_restore() takes it back with
 * @err: as of ct_cgroup_apply()
 *
 * Controllers that the container's cgroup has been without are enabled where they can be.
 */
int ct_cgroup_change(struct ct_arena *arena, const struct ct_cgroup *cgroup,
		     const struct ct_cgroup_settings *settings,
		     struct ct_cgroup_settings *ret_before, struct ct_err *err);

/* What cannot be set back is warned of. */
void ct_cgroup_restore(int container, const struct ct_cgroup_settings *before);

/* Move a process into a cgroup; EACCES tells where it may come from. */
int ct_cgroup_move(int dir, pid_t pid, struct ct_err *err);

/* Move a process out of what ct_cgroup_make() made: back where it came from, else (it came from a
 * cgroup that is not ours, or that hands controllers on by now) into "cattach-callers" of the place. So
 * the monitor leaves before it removes its cgroup. */
int ct_cgroup_leave(const struct ct_cgroup *cgroup, pid_t pid, struct ct_err *err);

/* ---- going in from outside ---- */

struct ct_cgroup_entry {
	int fd;				/* where processes go; owned by who has the struct */
	bool direct;			/* CLONE_INTO_CGROUP will do; else ct_cgroup_entry_move() */
	char path[CT_CGROUP_PATH];
};

/**
 * ct_cgroup_entry_open - where in a container's cgroup another process belongs
 * @payload: the container's; where it is counts when the container hands controllers on
 * @err: the cgroup has gone
 */
int ct_cgroup_entry_open(const struct ct_cgroup *cgroup, pid_t payload,
			 struct ct_cgroup_entry *ret_entry, struct ct_err *err);

/* The same, below the container's own: a path without "..", "/" for that itself. */
int ct_cgroup_entry_open_below(const struct ct_cgroup *cgroup, const char *below,
			       struct ct_cgroup_entry *ret_entry, struct ct_err *err);

/* Move a process there, with systemd's help where the kernel does not let us: EACCES when neither
 * does. */
int ct_cgroup_entry_move(const struct ct_cgroup_entry *entry, pid_t pid, struct ct_err *err);

/**
 * ct_cgroup_freeze - stop or resume everything in a cgroup, waiting until it is so
 * @dir: the container's
 * @timeout: milliseconds
 * @err: ETIMEDOUT; ENODEV when all have ended; ECANCELED when somebody else resumes them. A freeze
 *	 that fails is taken back
 */
int ct_cgroup_freeze(int dir, bool frozen, unsigned timeout, struct ct_err *err);

/* Has somebody asked for it to be frozen, come to that or not? */
bool ct_cgroup_is_freezing(int dir);

/* Is that so of it, or of one above? Who is born there does nothing, not even end. */
bool ct_cgroup_stops(int dir);

/* SIGKILL everything in a cgroup and below by cgroup.kill (Linux 5.14): 0 or -errno. */
int ct_cgroup_kill_at_once(int dir);

/* The same on older kernels, too, by signals; frozen or not. Does not wait. */
int ct_cgroup_kill(int dir, struct ct_err *err);

/* The same for a container's: one by a name of the caller's may get another container, so it is done by
 * signals. */
int ct_cgroup_end(const struct ct_cgroup *cgroup, struct ct_err *err);

/**
 * ct_cgroup_signal - send a signal to everything in a container's cgroup and below
 * @signal: 0: only whether there is anybody
 * @err: ESRCH when there is not, or all have ended meanwhile; EPERM for somebody who may not be signalled
 */
int ct_cgroup_signal(const struct ct_cgroup *cgroup, int signal, struct ct_err *err);

/* Wait until no process is left in a cgroup and below: 0, or an error with ETIMEDOUT. */
int ct_cgroup_wait_empty(int dir, unsigned timeout, struct ct_err *err);

/**
 * ct_cgroup_remove - remove a container's cgroup with everything below it
 * @cgroup: stays open
 * @timeout: milliseconds to wait for processes that are just ending
 * @err: EBUSY "still has processes"
 *
 * Parents that ct_cgroup_make() made go too when they are empty. Kills nobody; what is gone already
 * is no error.
 */
int ct_cgroup_remove(const struct ct_cgroup *cgroup, unsigned timeout, struct ct_err *err);

/* The same, as its kind says: what was there before the container stays, without its mark. */
int ct_cgroup_give_back(const struct ct_cgroup *cgroup, unsigned timeout, struct ct_err *err);

/* Remove what ct_cgroup_make() was killed in before it was marked, a directory with nothing in it: 0 or
 * -errno. For who knows by its record that it was not there before. */
int ct_cgroup_remove_unmarked(const char *path);

/* The same, but of the container's part alone; the rest is in use, or systemd's. */
int ct_cgroup_remove_container(const struct ct_cgroup *cgroup, unsigned timeout,
			       struct ct_err *err);

/**
 * ct_cgroup_sweep - remove containers' cgroups that nobody uses: after crashes
 * @place: CT_CGROUP_HERE
 * @is_known: is "ID" or "ID+1" of "cattach-ID", "cattach-ID+1" in use? Those are left alone.
 * @ret_removed: how many went
 *
 * Only directories with a name of ours, and without a process, and parents that ct_cgroup_make() made;
 * in these, too.
 */
int ct_cgroup_sweep(const struct ct_cgroup_place *place,
		    bool (*is_known)(const char *name, void *arg), void *arg, unsigned *ret_removed,
		    struct ct_err *err);

/* ---- what the kernel counted ---- */

struct ct_cgroup_events {
	bool populated, frozen;
	uint64_t oom;			/* allocations that hit the limit and could not go on */
	uint64_t oom_kill;		/* processes that were killed for that, here and below */
	uint64_t memory_max;		/* how often the limit was hit */
	uint64_t pids_max;		/* forks that were refused */
};

/* What is not there counts as 0: without a controller nothing of its kind happens. */
int ct_cgroup_events(int dir, struct ct_cgroup_events *ret_events, struct ct_err *err);

/* Pressure: hundredths of a percent of the time, and microseconds in total. */
struct ct_cgroup_stall {
	unsigned avg10, avg60, avg300;
	uint64_t total;
};

struct ct_cgroup_pressure {
	bool present;
	struct ct_cgroup_stall some, full;
};

struct ct_cgroup_stats {
	bool has_memory;
	uint64_t memory, memory_limit, memory_peak;	/* bytes; peak 0: kernel before 5.19 */
	uint64_t inactive_file;		/* page cache that is given back first */
	uint64_t anon, file, kernel;
	bool has_swap;
	uint64_t swap, swap_limit;
	bool has_cpu;
	uint64_t cpu_usage, cpu_user, cpu_system;	/* microseconds */
	uint64_t periods, throttled_periods, throttled;	/* throttled: microseconds */
	bool has_pids;
	uint64_t pids, pids_limit;
	bool has_io;
	uint64_t read_bytes, write_bytes, reads, writes;	/* over all devices */
	struct ct_cgroup_pressure cpu_pressure, memory_pressure, io_pressure;
	struct ct_cgroup_events events;
};

/* One block device. */
struct ct_cgroup_io {
	unsigned major, minor;
	uint64_t read_bytes, write_bytes, reads, writes;
};

/* Pages of one size. */
struct ct_cgroup_huge_usage {
	const char *size;		/* "2MB" */
	uint64_t usage, failed;		/* bytes; allocations that hit the limit */
};

/* What has no fixed number, one by one; nothing where there is no such file. */
void ct_cgroup_each_memory_stat(int dir, void (*tell)(void *arg, const char *key, uint64_t value),
				void *arg);
void ct_cgroup_each_io(int dir, void (*tell)(void *arg, const struct ct_cgroup_io *io), void *arg);
void ct_cgroup_each_huge(int dir, void (*tell)(void *arg, const struct ct_cgroup_huge_usage *huge),
			 void *arg);

/* A descriptor that poll(2) has POLLPRI for whenever memory ran out or hit a limit (and at the first
 * look); -errno without the controller. */
int ct_cgroup_watch_memory(int dir);

/* ENODEV when the cgroup is gone. */
int ct_cgroup_stats(int dir, struct ct_cgroup_stats *ret_stats, struct ct_err *err);

#endif
