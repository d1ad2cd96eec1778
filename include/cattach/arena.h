/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped arena: everything that is parsed for a start lives in one, and goes away in one munmap.
 *
 * Address space is reserved at once and touched as it is used, so nothing moves and pointers stay
 * valid. A monitor unmaps the arena once the payload runs: that is how it stays small.
 */
#ifndef CATTACH_ARENA_H
#define CATTACH_ARENA_H

#include <stddef.h>

#include <cattach/err.h>

struct ct_arena {
	char *base;		/* mapping, NULL when the arena is closed */
	size_t used, size;	/* bytes */
};

/* A list of strings; items[count] is NULL, so that it can serve as argv or environ. */
struct ct_strings {
	const char **items;
	size_t count;
};

/**
 * ct_arena_open - reserve an arena of 64 MiB of address space (mmap(2), MAP_NORESERVE)
 * @ret_arena: set on success; release with ct_arena_close()
 * @err:       ENOMEM
 */
int ct_arena_open(struct ct_arena *ret_arena, struct ct_err *err);

/* Unmap everything that was allocated; a closed or zeroed arena may be closed again. */
void ct_arena_close(struct ct_arena *arena);

/**
 * ct_arena_alloc - zeroed memory, aligned for any object
 * @arena: an open arena
 * @size:  bytes
 *
 * Return: memory that lives as long as the arena, or NULL when it is exhausted (errno ENOMEM).
 */
void *ct_arena_alloc(struct ct_arena *arena, size_t size) __attribute__((malloc, alloc_size(2)));

/* An array of count zeroed objects of size bytes, NULL also when the product overflows. */
void *ct_arena_calloc(struct ct_arena *arena, size_t count, size_t size);

/* Copies of a string; NULL when the arena is exhausted. */
char *ct_arena_strdup(struct ct_arena *arena, const char *s);
char *ct_arena_strndup(struct ct_arena *arena, const char *s, size_t length);
char *ct_arena_printf(struct ct_arena *arena, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * ct_strings_add - append a string to a list (amortised; the string itself is not copied)
 *
 * Return: 0, or -ENOMEM when the arena is exhausted.
 */
int ct_strings_add(struct ct_arena *arena, struct ct_strings *list, const char *s);

/* The error for an exhausted arena, in the one form that all callers use. */
int ct_fail_nomem(struct ct_err *err) __attribute__((cold));

static inline void ct_autoarena_cleanup(struct ct_arena *arena)
{
	ct_arena_close(arena);
}

/* struct ct_arena ct_autoarena arena = {0};  closed at the end of the scope */
#define ct_autoarena __attribute__((cleanup(ct_autoarena_cleanup)))

#endif
