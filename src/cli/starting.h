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

/* Root of a container that lacks what makes namespaces and brings up their loopback devices can do
 * no more than any user: it needs a user namespace of its own to be root in. */
bool ct_is_rootless(void);

/* Write an id or a pid to a file of the user's; flags as of open(2), O_EXCL or O_TRUNC. */
int ct_write_id_file(const char *path, const char *text, int flags, struct ct_err *err);

/* The pid of a container that has just been started into the file that was asked for; none: 0. */
int ct_write_pidfile(const struct ct_container *container, const char *path, struct ct_err *err);

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
