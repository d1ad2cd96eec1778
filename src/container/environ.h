/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An environment in the making: "NAME=VALUE" texts, each name once, in the order in which the
 * names first appeared. The last value wins. Used for the payload and for exec.
 */
#ifndef CATTACH_CONTAINER_ENVIRON_H
#define CATTACH_CONTAINER_ENVIRON_H

#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>

struct ct_environ {
	struct ct_arena *arena;
	const char **items;		/* items[count] is NULL */
	size_t count, room;
	uint32_t *slots; /* hash table of indexes + 1; slot_count is a power of two */
	size_t slot_count;
};

/* Set a variable from "NAME=VALUE"; the text is not copied. 0 or -ENOMEM. */
int ct_environ_set(struct ct_environ *environment, const char *assignment);

/* The value of a variable, or NULL. */
const char *ct_environ_get(const struct ct_environ *environment, const char *name);

/**
 * ct_environ_option - one -e: "NAME=VALUE", or "NAME" for our own value if we have one
 * @err: EINVAL for the empty text and for "=VALUE"
 */
int ct_environ_option(struct ct_environ *environment, const char *text, struct ct_err *err);

/**
 * ct_environ_file - one --env-file: a line is a comment, "NAME=VALUE" or "NAME"
 * @err: where is "FILE:LINE"; names with blanks, lines without a name, NUL bytes, over 1 MiB
 */
int ct_environ_file(struct ct_environ *environment, const char *path, struct ct_err *err);

#endif
