/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: two directory trees compared, for diff.
 */
#ifndef CATTACH_CONTAINER_DIFF_TREE_H
#define CATTACH_CONTAINER_DIFF_TREE_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/diff.h>
#include <cattach/err.h>

#define CT_DIFF_DEPTH		1000u	/* directories in directories; a text says so */
#define CT_DIFF_PATH_MAX	((CT_DIFF_DEPTH + 2) * 256)
#define CT_DIFF_HELD_MAX	((size_t)128 << 20)

struct ct_diff_trees {
	int lower, root;		/* as it was, and as it is; O_PATH will do, the caller's */
	bool composed;			/* root has an overlay of its own for each of lower's
					 * directories, as src/ns/overlay.c makes it */
	struct ct_strings mounts;	/* composed: names in root that are mounts all the same */
	size_t held_max;		/* bytes of names, of all directories that we are in at once */
	int (*change)(enum ct_change change, const char *path, size_t length, void *arg,
		      struct ct_err *err);
	/* what: where is the path; the rest is compared all the same */
	int (*report)(const struct ct_err *what, void *arg, struct ct_err *err);
	void *arg;
};

/* Compare: 0, or negative with err of a callback, or of memory. */
int ct_diff_trees(const struct ct_diff_trees *trees, struct ct_err *err);

#endif
