/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: a container's leaf, which is its directory in the tree of control groups,
 * from the start to the end of a run, and what others do with it meanwhile and afterwards.
 */
#ifndef CATTACH_CONTAINER_LEAF_H
#define CATTACH_CONTAINER_LEAF_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/cgroup.h>
#include <cattach/container.h>
#include <cattach/err.h>

/* What is asked of a start. */
struct leaf_request {
	const char *id;			/* the container's */
	int dir;			/* its directory, where the path is recorded */
	const char *cgroups;		/* the option --cgroups, or NULL */
	const char *parent;		/* linux.cgroupsPath, or NULL */
	bool parent_is_hint;		/* from a bundle, which may come from another host */
	bool exact;			/* it is the container's cgroup itself, not what holds that; without
					 * limits a container is made where it cannot be had, too */
	bool systemd;			/* exact: who asks leaves cgroups to systemd, where there is one */
	bool monitor_outside;		/* it stays where its maker is */
	const struct ct_cgroup_settings *settings;	/* NULL: none */
	const struct ct_cgroup_device_rule *devices;	/* enforced for root alone; count 0: all */
	size_t device_count;
	bool give;			/* the leaf is to be the container's root's: */
	uid_t owner;
	gid_t group;
};

/* A leaf, as its maker has it. All -1: there is none (yet). */
struct leaf {
	struct ct_cgroup cgroup;
	int place;			/* the delegated directory around it */
	bool needs_scope;		/* systemd is to make a scope first, with the monitor in it... */
	bool in_scope;			/* ...and has; it goes with the last process in it */
	bool given;			/* it belongs to the container's root, who is not us */
};

#define LEAF_INIT { .cgroup = CT_CGROUP_INIT, .place = -1 }

/**
 * ct_leaf_make - make the leaf and record where it is
 * @q: borrowed
 * @ret_leaf: all -1 where there is nowhere to make one and nobody insists, or with needs_scope
 * @warning: filled in for what is gone without by --cgroups=best-effort
 * @err: what was asked for and cannot be had, by the name of who asked, with the way out
 *
 * For the process that launches the monitor, which is then born in ->cgroup.monitor: moving a
 * process waits for all processors, some milliseconds. Nothing is left of one that fails.
 */
int ct_leaf_make(const struct leaf_request *q, struct leaf *ret_leaf, struct ct_err *warning,
		 struct ct_err *err);

/* The same where systemd has to make a scope first: for the monitor itself, which is moved. */
int ct_leaf_make_in_scope(const struct leaf_request *q, struct leaf *leaf,
			  struct ct_err *warning, struct ct_err *err);

/* Was somebody killed in it because memory ran out? */
bool ct_leaf_is_oom(const struct leaf *leaf);

/**
 * ct_leaf_end - end what is left in it and remove it: for the monitor, which is in it
 * @dir: the container's directory
 * @attended: who has launched us waits for our end, and removes what we are in ourselves then;
 *            otherwise we move out first
 *
 * What resists stays recorded.
 */
void ct_leaf_end(struct leaf *leaf, int dir, bool attended);

/* A start that has failed: take back what was made. */
void ct_leaf_undo(struct leaf *leaf, int dir);

/* By who has launched a monitor that has ended, or is just ending: remove what is there still. */
void ct_leaf_sweep(const struct ct_cgroup *cgroup);

void ct_leaf_close(struct leaf *leaf);

/* ---- by others ---- */

/* Is the container stopped by its leaf's freezer? dir is its directory. */
bool ct_leaf_is_frozen(int dir, const char *id);

/* After a crash, nobody's monitor any more: end what is left in the recorded leaf and remove it. 0,
 * also when there is none; else an error, with processes still in the leaf. One without a process
 * that cannot be removed is warned of. */
int ct_leaf_clean(int dir, const char *id, struct ct_err *err);

/* What is written on one with a name that the caller has chosen. Containers of two stores may have
 * the same id, but not the same directory. */
#define LEAF_MARK 256
const char *ct_leaf_mark(int dir, const char *id, char buf[LEAF_MARK]);

/* In the record, behind the path: the cgroup was there before. */
#define LEAF_FOUND "found"
#define LEAF_WORDS 16		/* bytes behind the path in the record, at most */

/* The recorded path, or -ENOENT and the like. */
int ct_leaf_read(int dir, char path[CT_CGROUP_PATH]);

#endif
