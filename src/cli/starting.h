/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that exists: for start and restart.
 */
#ifndef CATTACH_CLI_STARTING_H
#define CATTACH_CLI_STARTING_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/container.h>
#include <cattach/err.h>

#include "id_file.h"

/* Root of a container that lacks what makes namespaces and brings up their loopback devices can do
 * no more than any user, nor can one with a single id: it needs a user namespace of its own. */
bool ct_is_rootless(void);

/* The pid of a container that has just been started into the file that was asked for. */
int ct_write_pidfile(const struct ct_container *container, struct ct_id_file *file,
		     struct ct_err *err);

/* --sdnotify, after a start. It has worked, whoever could not be told: that is a warning. */
void ct_tell_started(const struct ct_meta *meta, const struct ct_session *session);

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
