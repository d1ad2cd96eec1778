/* SPDX-License-Identifier: Apache-2.0 */
/*
 * This program under the name of cattach-conmon.
 */
#ifndef CATTACH_CLI_CONMON_FRONT_H
#define CATTACH_CLI_CONMON_FRONT_H

#include <stdbool.h>

/* Is that what it is called by? */
bool ct_conmon_is_called(const char *program);

/* All of it, without the program's own name; returns the exit code. */
int ct_conmon_main(int argc, char *const *argv);

#endif
