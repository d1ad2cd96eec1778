/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Classes of service: groups of the resctrl file system, Documentation/filesystems/resctrl.rst of the
 * kernel. Who is in a group gets its share of caches and memory bandwidth, and all that it starts, too.
 *
 * All work is done below a descriptor of the file system's root, which the caller has found.
 */
#ifndef CATTACH_RESCTRL_H
#define CATTACH_RESCTRL_H

#include <stdbool.h>

#include <cattach/err.h>
#include <cattach/fd.h>
#include <cattach/resources.h>

struct ct_resctrl {
	int root;			/* of the file system; -1: there is nothing of all this */
	int monitors;			/* where the monitoring group is, or -1: there is none */
	int tasks[2];			/* what a pid is written to so that it is in there: the group's, and
					 * the monitoring group's; -1 where there is none */
	char group[CT_RESCTRL_NAME];	/* "" the root's own */
	char monitor[CT_RESCTRL_NAME];	/* "" none */
	bool made;			/* the group was made for the container, and goes with it */
};

#define CT_RESCTRL_INIT { .root = -1, .monitors = -1, .tasks = { -1, -1 } }

/* The mounted file system at a path, or -errno: ENODEV when it is another one. */
int ct_resctrl_root(const char *path);

/**
 * ct_resctrl_make - the group that is asked for, and a monitoring group
 * @root: stays the caller's
 * @id: the container's, after which groups are called that have no other name
 * @ret: release with ct_resctrl_close(); what is ours goes by ct_resctrl_remove() before
 * @err: where is the property behind "linux.intelRdt"; with the kernel's own words where it has any.
 *       ENOENT for a group that has to be there; EEXIST for one that is there and has other values.
 *       Nothing is left of what was made
 */
int ct_resctrl_make(int root, const struct ct_resctrl_settings *settings, const char *id,
		    struct ct_resctrl *ret, struct ct_err *err);

/**
 * ct_resctrl_open - groups that are there
 * @group: "" for the root's own
 * @monitor: "" for none
 */
int ct_resctrl_open(int root, const char *group, const char *monitor, struct ct_resctrl *ret,
		    struct ct_err *err);

/* Likewise for somebody who is only going to remove them, some of which may be gone: fails with nothing,
 * and takes the descriptor over. */
void ct_resctrl_reach(int root, const char *group, const char *monitor, bool made, struct ct_resctrl *ret);

/* Remove the monitoring group, and the group if it was made: 0 or -errno. What is gone is as good. For
 * the confined monitor, too; a process that is in there still goes on in the default group. */
int ct_resctrl_remove(const struct ct_resctrl *resctrl);

void ct_resctrl_close(struct ct_resctrl *resctrl);

static inline void ct_autoresctrl_cleanup(struct ct_resctrl *resctrl)
{
	ct_resctrl_close(resctrl);
}

/* struct ct_resctrl ct_autoresctrl r = CT_RESCTRL_INIT;  closed at the end of the scope */
#define ct_autoresctrl __attribute__((cleanup(ct_autoresctrl_cleanup)))

/**
 * ct_resctrl_agrees - is this what a group has?
 * @schemata: the text of its file, a line a resource: "    L3:0=0ff;1=0ff"
 * @wanted: lines that must be in it, each with its domains as far as it names them; numbers count, not
 *          how they are written
 */
bool ct_resctrl_agrees(const char *schemata, const char *wanted);

#endif
