/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The search for a place in a tree that is given: what ct_cgroup_find_place() does once it knows
 * where version 2 is mounted. Tests have it search in plain directories.
 */
#ifndef CATTACH_CGROUPS_PLACE_H
#define CATTACH_CGROUPS_PLACE_H

#include <cattach/cgroup.h>

/* place->root and place->layout are set; self is the text of /proc/self/cgroup. */
int ct_cgroup_search(const struct ct_cgroup_where *where, const char *self,
		     struct ct_cgroup_place *place, struct ct_err *err);

/* Does the caller's systemd say of a cgroup's unit that it is delegated? False where nobody answers. */
bool ct_cgroup_scope_is_delegated(const char *path);

#endif
