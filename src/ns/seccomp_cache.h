/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compiled programs on disk, by content.
 */
#ifndef CATTACH_NS_SECCOMP_CACHE_H
#define CATTACH_NS_SECCOMP_CACHE_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/seccomp.h>

/**
 * ct_seccomp_key - everything that a compiled program depends on, as bytes
 * @key:     appended to; look at ->failed afterwards
 * @policy:  by its ->key, else by its whole content
 * @library: name and version of what compiles
 * @arch:    AUDIT_ARCH_* of this machine
 */
void ct_seccomp_key(struct ct_buf *key, const struct ct_seccomp_policy *policy,
		    const char *library, uint32_t arch);

/* Size of the buffer for an entry's name. */
#define CT_SECCOMP_NAME_MAX	32

/* The name of the file for a key: "seccomp-0123456789abcdef". */
void ct_seccomp_cache_name(const struct ct_buf *key, char name[static CT_SECCOMP_NAME_MAX]);

/**
 * ct_seccomp_cache_get - look a program up
 * @arena:    owns the program
 * @cache_fd: the directory, or -1
 * @key:      of ct_seccomp_key()
 * @ret_program: filter and length are set on success
 *
 * Return: false when there is no such entry, or one that is damaged or not safe to take.
 */
bool ct_seccomp_cache_get(struct ct_arena *arena, int cache_fd, const struct ct_buf *key,
			  struct ct_seccomp_program *ret_program);

/* Keep a program; a cache that cannot be written is no error. */
void ct_seccomp_cache_put(int cache_fd, const struct ct_buf *key,
			  const struct ct_seccomp_program *program);

#endif
