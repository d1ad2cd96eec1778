/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that stands in for the resctrl file system, which few machines have: the fresh directory. A
 * group that is made in it has files at once, as the kernel makes them, and can be removed with these.
 */
#ifndef CATTACH_TESTS_RESCTRL_FIXTURE_H
#define CATTACH_TESTS_RESCTRL_FIXTURE_H

#include <stdbool.h>

/* Checked fixture: the fresh directory, with the default group in it. */
void resctrl_setup(void);
void resctrl_teardown(void);

/* Groups that are made from now on take no schemata. */
void resctrl_refuse(void);

/* A group that somebody has prepared, with these schemata. */
void resctrl_group(const char *name, const char *schemata);

/* Is that there, below the fresh directory? */
bool resctrl_has(const char *name);

/* All that was written to the schemata of the group that was made last. */
const char *resctrl_written(void);

#endif
