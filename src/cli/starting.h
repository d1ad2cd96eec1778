/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that exists: for start and restart.
 */
#ifndef CATTACH_CLI_STARTING_H
#define CATTACH_CLI_STARTING_H

#include <stdint.h>

#include <cattach/container.h>
#include <cattach/err.h>

/**
 * ct_start_existing - start a container that was created or has ended
 * @container: found by the caller
 * @rows, @columns: of its terminal, 0: unknown
 * @ret_sock: our end of a connection to its monitor, for ct_follow_started(); NULL: nobody follows
 * @err: EALREADY when it is running; nothing has changed when it could not be started
 */
int ct_start_existing(struct ct_store *store, struct ct_container *container, uint16_t rows,
		      uint16_t columns, int *ret_sock, struct ct_err *err);

#endif
