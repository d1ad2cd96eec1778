/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: what the files of containers that somebody else watches have in common.
 */
#ifndef CATTACH_CONTAINER_RUNTIME_PARTS_H
#define CATTACH_CONTAINER_RUNTIME_PARTS_H

#include <cattach/container.h>
#include <cattach/plan.h>

#define CT_RUNTIME_SOCKET "start"	/* in the container's directory */

/* A connection to the process that is held, or -errno: nobody is there any more. */
int ct_runtime_connect(int dir);

/* The process once more beside the status: what is spoilt can be ended, too. */
int ct_runtime_note_process(int dir, const struct ct_status *status, struct ct_err *err);

/* The state now, by the record that has been read. */
enum ct_state ct_runtime_look(const struct ct_container *container);

/* Its meta.json, anew where somebody else may have changed it since. */
int ct_runtime_read_meta(struct ct_arena *arena, struct ct_container *c, struct ct_err *err);

/* Take its mounts off, if it has any in our namespace, and remove its directory; not that of another one
 * which has got the same id meanwhile. 1 for one of those who do it at the same time, whose poststop hooks
 * are then the only ones. */
int ct_runtime_forget(const struct ct_store *store, const struct ct_container *container,
		      struct ct_err *err);

/* inherited.c: the place for the mounts of a container that has no mount namespace; and its end, which
 * is none where it has one, or where it is over */
int ct_inherited_make(int dir, const char *path, struct ct_plan *plan, struct ct_err *err);
int ct_inherited_detach(int dir, struct ct_err *err);
/* Likewise where somebody has bound a directory above it, with all that is below. */
void ct_inherited_detach_copies(int dir);
/* Has it such a place? In the caller's mount namespace, or in one that it has joined. */
bool ct_is_attached(const struct ct_container *c, const struct ct_spec *spec);
/* Its root as it is seen there, O_PATH, and the number of that mount: -1 and 0 where it is not seen.
 * space: the mount namespace that it has joined; the caller's is looked at only if it is ours. */
int ct_inherited_open_root(const struct ct_container *c, const struct ct_spec *spec, int space);
uint64_t ct_inherited_mount_id(const struct ct_container *c, const struct ct_spec *spec, int space);

#endif
