/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way to a container's files, for cp.
 */
#ifndef CATTACH_CONTAINER_CP_OPEN_H
#define CATTACH_CONTAINER_CP_OPEN_H

#include <cattach/exec.h>
#include <cattach/plan.h>

struct ct_cp_way {
	struct ct_exec exec;		/* of one that runs */
	bool running;
	int root;			/* its root directory; owned */
	struct ct_plan_ids uid_map, gid_map;	/* of one that does not */
};

#define CT_CP_WAY_INIT { .exec = CT_EXEC_INIT, .root = -1 }

/**
 * ct_cp_open - find the way to a container's files
 * @path: what is going to be looked at there
 * @err: states that have no files, overlays that are gone, paths in mounts that are not there
 */
int ct_cp_open(struct ct_store *store, struct ct_arena *arena,
	       const struct ct_container *container, const char *path, struct ct_cp_way *ret_way,
	       struct ct_err *err);

/* For who walks a tree: directories in directories are a descriptor each, or two. */
void ct_cp_allow_descriptors(void);

void ct_cp_close(struct ct_cp_way *way);

static inline void ct_autoway_cleanup(struct ct_cp_way *way)
{
	ct_cp_close(way);
}

#define ct_autoway __attribute__((cleanup(ct_autoway_cleanup)))

#endif
