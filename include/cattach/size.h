/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How much room a container's files take.
 */
#ifndef CATTACH_SIZE_H
#define CATTACH_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/container.h>
#include <cattach/err.h>

struct ct_size {
	uint64_t writable;	/* bytes in the throw-away layer of one that runs; else 0 */
	uint64_t total;		/* bytes of all files in the root file system, with that layer */
	bool unread;		/* the caller may not look into some directories, which count for 0 */
};

/**
 * ct_container_size - look at every file of a container's root file system
 * @err: the root file system is not there any more, or cannot be read
 *
 * Mounts are left out, and a file with several names counts once. As slow as find(1).
 */
int ct_container_size(const struct ct_container *container, struct ct_size *ret_size,
		      struct ct_err *err);

#endif
