/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: a container's class of service (CLOS) in the resctrl file system, from the
 * start to the end of a run, and what others do with it meanwhile and afterwards. As leaf.h, for
 * linux.intelRdt.
 */
#ifndef CATTACH_CONTAINER_CLOS_H
#define CATTACH_CONTAINER_CLOS_H

#include <cattach/arena.h>
#include <cattach/plan.h>
#include <cattach/resctrl.h>
#include <cattach/spec.h>

/* What is asked of a start. */
struct clos_request {
	const struct ct_spec *spec;
	const char *path;		/* where the file system is mounted; NULL: nothing is asked for */
	int root;			/* its root, open as long as this process is */
};

/* Look whether what the spec asks for can be had at all, before anything is made. */
int ct_clos_look(struct ct_arena *arena, const struct ct_spec *spec, struct clos_request *ret_request,
		 struct ct_err *err);

/**
 * ct_clos_make - make or find the groups, and record them
 * @dir: the container's directory
 * @ret: all -1 when nothing is asked for
 * @plan: told where the process is to be written to; the descriptors stay those of @ret
 * @err: with the place in config.json; nothing is left of what was made
 */
int ct_clos_make(const struct clos_request *request, int dir, const char *id, struct ct_resctrl *ret,
		 struct ct_plan *plan, struct ct_err *err);

/* Take back what was made, or at the end of a run: in the monitor, too. What resists stays
 * recorded. */
void ct_clos_end(struct ct_resctrl *clos, int dir);

/* ---- by others ---- */

/* The recorded groups of a container that runs, for another process of it; all -1: it has none. */
int ct_clos_open(int dir, const char *id, struct ct_resctrl *ret, struct ct_err *err);

/* The process of the plan is in there, too. */
void ct_clos_plan(const struct ct_resctrl *clos, struct ct_plan *plan);

/* Remove what is recorded still. 0, also where there is nothing. */
int ct_clos_clean(int dir, const char *id, struct ct_err *err);

#endif
