/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups: which layout the host has, and which part of it is ours. cgroups(7).
 */
#ifndef CATTACH_CGROUP_H
#define CATTACH_CGROUP_H

#include <stdbool.h>

#include <cattach/err.h>

enum ct_cgroup_layout {
	CT_CGROUP_NONE,		/* nothing mounted at /sys/fs/cgroup */
	CT_CGROUP_V1,		/* version 1 only */
	CT_CGROUP_HYBRID,	/* version 1, with version 2 beside it for systemd */
	CT_CGROUP_UNIFIED,	/* version 2: the one in which limits can be delegated to users */
};

struct ct_cgroup_probe {
	enum ct_cgroup_layout layout;
	/* CT_CGROUP_UNIFIED only: */
	char path[4096];	/* this process's cgroup, below /sys/fs/cgroup; "/" for the top */
	bool delegated;		/* the caller may make cgroups here and move processes into them */
	char controllers[256];	/* that it can hand on, separated by blanks; may be empty */
};

/**
 * ct_cgroup_probe - look at the control groups of the host and of this process
 * @root: descriptor of the directory that counts as /sys/fs/cgroup, or -1 for that one
 * @self: the text of /proc/self/cgroup, or NULL to read it
 * @ret_probe: set on success
 * @err: /proc/self/cgroup cannot be read
 *
 * Only reads. That nothing is mounted or delegated is a result and not an error.
 */
int ct_cgroup_probe(int root, const char *self, struct ct_cgroup_probe *ret_probe,
		    struct ct_err *err);

/* "v2 (unified)", "hybrid", ... for people. */
const char *ct_cgroup_layout_name(enum ct_cgroup_layout layout);

#endif
