/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --preserve-fds N of run and exec, and of the runtime command line.
 */
#ifndef CATTACH_CLI_PRESERVE_FDS_H
#define CATTACH_CLI_PRESERVE_FDS_H

#include <cattach/err.h>

/* Are so many descriptors open, from 3 on? EBADF "descriptor 4 is not open". */
int ct_check_fds(unsigned count, struct ct_err *err);

/**
 * ct_preserve_fds - how many descriptors from 3 on does the command get?
 * @text: the option's value, or NULL
 * @err: EBADF "descriptor 4 is not open"
 *
 * To be asked before anything of ours is opened: the numbers from 3 on must be the caller's.
 */
int ct_preserve_fds(const char *text, unsigned *ret_count, struct ct_err *err);

#endif
