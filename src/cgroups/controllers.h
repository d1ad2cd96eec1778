/* SPDX-License-Identifier: Apache-2.0 */
/* Enabling controllers from a place down to a container's cgroup. */
#ifndef CATTACH_CGROUPS_CONTROLLERS_H
#define CATTACH_CGROUPS_CONTROLLERS_H

#include <cattach/cgroup.h>

/* The length of the controller's name in a file's; 0 for the files of no controller. */
size_t ct_cgroup_controller_length(const char *file);

/**
 * ct_cgroup_enable - make a controller work in the children of a directory
 * @dir: whose cgroup.subtree_control is to have it
 * @name, @length: the controller
 * @place: @dir is the place itself, whose processes may be moved aside for it; else NULL
 *
 * Return: 0; -ENOENT when it is not to be had here, -EBUSY when processes stand in the way, -errno.
 */
int ct_cgroup_enable(int dir, const char *name, size_t length,
		     const struct ct_cgroup_place *place);

/* Is the calling process the only one in it? */
bool ct_cgroup_is_alone(int dir);

/* The child of a place for processes that must not be in it, made if need be: or -errno. */
int ct_cgroup_open_callers(int place);

/* The error for that code; path is what the user knows dir by. */
int ct_cgroup_fail_controller(struct ct_err *err, int code, int dir, const char *name,
			      size_t length, const char *path);

#endif
