/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: the store's directories and the names in it.
 */
#ifndef CATTACH_CONTAINER_STORE_H
#define CATTACH_CONTAINER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <cattach/container.h>
#include <cattach/err.h>

/* Where the store of a user is: /var/lib/cattach, $XDG_DATA_HOME/cattach, ... */
int ct_store_path(uid_t euid, char *buf, size_t size, struct ct_err *err);

/* Open the store whose data directory is this absolute path. */
int ct_store_open_at(const char *path, struct ct_store *ret_store, struct ct_err *err);

/**
 * ct_open_private - open a directory and verify that it is ours and closed to everybody else
 * @path: the whole path, for messages
 * @variable: environment variable that names another place, for messages
 * @make: make it when it is missing
 * @err: ENOENT (only without make), ELOOP, ENOTDIR, EPERM, or of opening
 *
 * What was verified is what is then opened for reading: nobody can exchange it in between.
 *
 * Return: a descriptor that the caller owns.
 */
int ct_open_private(int parent, const char *name, const char *path, const char *variable, bool make,
		    struct ct_err *err);

/* Take away what is left in the places of runtime directories: of containers that are not in this
 * store (any more), with a socket on which nobody listens. A monitor whose directory vanished makes
 * it again, but cannot remove it there (start.c); others are killed. */
void ct_runtime_sweep(const struct ct_store *store);

/* The directory above $XDG_RUNTIME_DIR/cattach, of the place that ct_store_runtime() would use to
 * make one: an O_PATH descriptor, or -errno. */
int ct_runtime_base(void);

/* Is this the name of a container's directory: 64 lower-case hexadecimal digits? */
bool ct_is_id(const char *text);

/* What the two directories are called in their parent, and what is in them, for messages. */
static inline const char *ct_store_part(const struct ct_store *store)
{
	return store->session_of[0] ? "exec" : "containers";
}

static inline const char *ct_store_names_part(const struct ct_store *store)
{
	return store->session_of[0] ? "exec-names" : "names";
}

static inline const char *ct_store_noun(const struct ct_store *store)
{
	return store->session_of[0] ? "session" : "container";
}

/* Names: symbolic links in names/ whose text is an id. */

/* The id that a name stands for: 0, -ENOENT, -EINVAL when the link's text is no id. */
int ct_name_lookup(const struct ct_store *store, const char *name,
		   char ret_id[CT_CONTAINER_ID_LENGTH + 1]);

/* Does it stand for a container that is there? */
bool ct_name_is_used(const struct ct_store *store, const char *name);

/* Make the name stand for this id. -EEXIST when another container's directory has it; a link
 * whose directory is gone is taken over. */
int ct_name_claim(const struct ct_store *store, const char *name, const char *id);

/* Say who has a name that cannot be claimed, and what to do about it. */
int ct_name_taken(const struct ct_store *store, struct ct_arena *arena, const char *name,
		  struct ct_err *err);

/* Take the name away from this id, and from no other: 0 or -errno; not being there is success. */
int ct_name_release(const struct ct_store *store, const char *name, const char *id);

/* A name of this id, searched in names/: 0 or -ENOENT. */
int ct_name_of_id(const struct ct_store *store, const char *id, char *buf, size_t size);

/* ct_store_forget() that says whether there was something to forget: 1, for one of those who do it
 * at the same time; 0: it was gone already. */
int ct_store_take_away(const struct ct_store *store, const char *id, const char *name);

/* Call visit for each entry of an open directory but "." and ".."; stops at a result that is not
 * 0 and returns it. Entries that visit removes are no trouble. No heap. -errno of reading. */
int ct_each_entry(int dir, int (*visit)(int dir, const char *name, unsigned char type, void *arg),
		  void *arg);

#endif
