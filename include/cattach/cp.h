/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying files into a container and out of it: cattach/copy.h between this process and one within
 * the container's user and mount namespaces.
 */
#ifndef CATTACH_CP_H
#define CATTACH_CP_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/copy.h>
#include <cattach/err.h>

struct ct_cp {
	bool out;			/* of the container; otherwise into it */
	const char *path;		/* in the container, from its root */
	const char *host;		/* of the host; NULL: a tar stream on... */
	int tar;			/* ...this descriptor */
	bool archive;			/* keep owners */
	bool follow;			/* a link that the source's path itself is */
	int stop;			/* readable: give up with ECANCELED; or -1 */
	const struct ct_copy_watch *watch;
};

/**
 * ct_cp - copy
 * @ret_errors: how many things could not be read, each of which was reported
 * @err: what ended it; the container's state, where that is against it
 *
 * A container that does not run is reached through its root directory, by a process in a user
 * namespace with its id maps. Its mounts are not there then, nor is what an overlay held.
 */
int ct_cp(struct ct_store *store, struct ct_arena *arena, const struct ct_container *container,
	  const struct ct_cp *cp, uint64_t *ret_errors, struct ct_err *err);

#endif
