/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has changed: its throw-away overlay (ROOTFS:O) against the directory below it.
 */
#ifndef CATTACH_DIFF_H
#define CATTACH_DIFF_H

#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>

enum ct_change {
	CT_CHANGE_MODIFIED,	/* itself, or something in the directory that it is */
	CT_CHANGE_ADDED,
	CT_CHANGE_DELETED,	/* with everything in it */
};

/* Who hears of changes, and of what could not be looked at. */
struct ct_diff {
	/* path: from the container's root, any bytes; negative with err filled ends it. */
	int (*change)(enum ct_change change, const char *path, void *arg, struct ct_err *err);
	void (*report)(const struct ct_err *what, void *arg);
	void *arg;
};

/**
 * ct_container_diff - find out what a container has changed
 * @ret_errors: how many things could not be looked at, each of which was reported
 * @err: what ended it; states in which there is nothing to compare, roots without an overlay
 *
 * A directory comes before what is in it, names in the order of their bytes. Mounts of the container
 * are left out. A container that writes meanwhile is told of as far as it was seen.
 */
int ct_container_diff(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, const struct ct_diff *diff,
		      uint64_t *ret_errors, struct ct_err *err);

#endif
