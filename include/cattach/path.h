/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Safe paths: a path that a container or its files can influence is only ever resolved through
 * these functions, inside a root descriptor, by openat2(2) with RESOLVE_IN_ROOT and
 * RESOLVE_NO_MAGICLINKS. The result is a descriptor, and callers go on with the descriptor.
 * There is no userspace fallback: kernels before 5.6 are refused with a clear text.
 */
#ifndef CATTACH_PATH_H
#define CATTACH_PATH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/err.h>

/**
 * ct_path_open - open a path inside a root
 * @root:  descriptor of the directory that counts as "/"
 * @path:  absolute or relative, both from @root; ".." and absolute links stay inside
 * @flags: open(2) flags; O_CLOEXEC is added
 * @err:   the errno of openat2(2); what names the path
 *
 * Return: a descriptor that the caller owns.
 */
int ct_path_open(int root, const char *path, int flags, struct ct_err *err);

/* The same without an error object: returns a descriptor or -errno (EAGAIN is retried). */
int ct_path_try(int root, const char *path, int flags, uint64_t resolve);

/**
 * ct_path_make_dir - open a directory inside a root, making what is missing on the way
 * @root, @path: as in ct_path_open(); a dangling link has its target made inside @root
 * @mode: of each directory that is made (mkdirat(2), subject to the umask)
 * @err:  errno of the failing step; EROFS and EACCES get a hint that the rootfs lacks the path
 *
 * Return: an O_PATH descriptor of the directory.
 */
int ct_path_make_dir(int root, const char *path, mode_t mode, struct ct_err *err);

/* As ct_path_make_dir(), but the last component is an empty regular file if nothing is there. */
int ct_path_make_file(int root, const char *path, mode_t mode, struct ct_err *err);

/* Is any component of path a symbolic link in root? 1 yes, 0 no (or not there), negative error. */
int ct_path_has_link(int root, const char *path, struct ct_err *err);

/* Is any component of path ".."? Nothing is opened. */
bool ct_path_climbs(const char *path);

/* Does a text end with another one? */
bool ct_ends_with(const char *text, const char *end);

#endif
