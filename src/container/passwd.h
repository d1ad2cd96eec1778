/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user database of a root file system: /etc/passwd and /etc/group, read as data.
 */
#ifndef CATTACH_CONTAINER_PASSWD_H
#define CATTACH_CONTAINER_PASSWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* A whole file, or nothing: size 0. */
struct ct_user_file {
	const char *data;
	size_t size;
};

struct ct_passwd_entry {
	const char *name;
	uint32_t uid, gid;
	const char *home;		/* as written, may be empty */
};

/**
 * ct_user_file_read - /etc/passwd or /etc/group of a root file system
 * @needed: false: a file that is not there or not readable counts as empty
 * @err:    not a regular file, larger than 1 MiB, and with needed what open(2) says;
 *          a file that does not exist is empty even then
 */
int ct_user_file_read(struct ct_arena *arena, int rootfs, const char *path, bool needed,
		      struct ct_user_file *ret_file, struct ct_err *err);

/* The first well-formed entry with this name or, when name is NULL, this uid. 1, 0 or -ENOMEM. */
int ct_passwd_find(struct ct_arena *arena, const struct ct_user_file *file, const char *name,
		   uint32_t uid, struct ct_passwd_entry *ret_entry);

/* The gid of a group by name: 1 or 0. */
int ct_group_find(const struct ct_user_file *file, const char *name, uint32_t *ret_gid);

/* The groups that list a user as a member, without gid "except": an array in the arena. */
int ct_group_list(struct ct_arena *arena, const struct ct_user_file *file, const char *user,
		  uint32_t except, uint32_t **ret_gids, size_t *ret_count, struct ct_err *err);

/**
 * ct_group_lookup - NAME or GID inside a root file system
 * @text: digits are a gid and never a name; a name is looked up in /etc/group
 * @err:  "unable to find group x: no matching entries in group file"
 */
int ct_group_lookup(struct ct_arena *arena, int rootfs, const char *text, uint32_t *ret_gid,
		    struct ct_err *err);

/* Digits only, one at least: then a text is a number and nothing else. */
bool ct_is_number(const char *text);

#endif
