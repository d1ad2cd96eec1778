/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attach before the start.
 */
#ifndef CATTACH_CLI_ATTACH_WAIT_H
#define CATTACH_CLI_ATTACH_WAIT_H

#include <cattach/container.h>

#include "follow_options.h"

/* Wait until a container that is CREATED, or being started, runs, then follow it from its first
 * byte on; since: a time before it was found in that state, 0 for CREATED. Returns as
 * ct_foreground_run(), or 128 + signal when a signal ended the waiting. */
int ct_attach_created(struct ct_store *store, struct ct_arena *arena,
		      struct ct_container *container, uint64_t since,
		      const struct ct_follow_plan *plan, struct ct_err *err);

#endif
