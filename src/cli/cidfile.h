/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --cidfile of commands that are given such a file instead of a container.
 */
#ifndef CATTACH_CLI_CIDFILE_H
#define CATTACH_CLI_CIDFILE_H

#include <cattach/arena.h>
#include <cattach/err.h>

/* The id that "cattach run --cidfile" has written there. ENOENT when there is no such file; EINVAL
 * when nothing is in it. */
int ct_cidfile_read(struct ct_arena *arena, const char *path, const char **ret_id,
		    struct ct_err *err);

#endif
