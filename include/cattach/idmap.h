/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps of a user namespace: which host ids the caller may use (its own, and the subordinate
 * ranges that /etc/subuid and /etc/subgid give it), the maps that --userns stands for, and a check
 * of maps that somebody wrote by hand. Nothing is written here. user_namespaces(7), subuid(5),
 * newuidmap(1).
 */
#ifndef CATTACH_IDMAP_H
#define CATTACH_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* Lines of one map: the kernel takes 340, and no more than a page of text. */
#define CT_ID_MAP_LINES 100

/* Arrays below are indexed by this. */
enum ct_id_kind { CT_ID_USER, CT_ID_GROUP };

/* Host ids first...first + size - 1. */
struct ct_id_range {
	uint32_t first, size;
};

struct ct_id_ranges {
	struct ct_id_range *items;
	size_t count;
};

/* One line of a map, in the order of /proc/PID/uid_map. */
struct ct_id_line {
	uint32_t container_id, host_id, size;
};

struct ct_id_map {
	struct ct_id_line *lines;
	size_t count;
};

/* Who asks for a map, and what it may use. */
struct ct_id_caller {
	uint32_t id[2];			/* effective uid and gid */
	const char *name;		/* login name, or NULL when the uid has none */
	struct ct_id_ranges ranges[2];	/* disjoint, and without the own id */
	const char *helper[2];		/* paths of newuidmap and newgidmap, or NULL */
};

/* Where ct_id_caller_load() looks; a NULL member means the place in the comment. */
struct ct_id_places {
	const char *subuid;		/* "/etc/subuid" */
	const char *subgid;		/* "/etc/subgid" */
	const char *search_path;	/* $PATH; /usr/bin is looked at after it */
};

/**
 * ct_subid_read - the ranges that one file gives to one user
 * @path: a file in the format of subuid(5)
 * @name, @uid: the user; lines that begin with either count, a NULL name matches none
 * @own:  an id that is left out of the ranges, because maps give it a line of its own
 * @ret_ranges: in the order of the file, without overlaps, at most CT_ID_MAP_LINES
 * @err:  the file is there, but is not a regular file, too big (4 MiB) or unreadable
 *
 * A missing file has no ranges. Lines that make no sense are skipped.
 */
int ct_subid_read(struct ct_arena *arena, const char *path, const char *name, uint32_t uid,
		  uint32_t own, struct ct_id_ranges *ret_ranges, struct ct_err *err);

/* A program in the absolute directories of search_path, then in /usr/bin; NULL: not installed. */
const char *ct_id_helper_find(struct ct_arena *arena, const char *program,
			      const char *search_path);

/**
 * ct_id_caller_load - this process as a caller
 * @places: NULL for the host's own files
 * @err:    ENOMEM only: files that cannot be read count as empty, with a line in the log
 */
int ct_id_caller_load(struct ct_arena *arena, const struct ct_id_places *places,
		      struct ct_id_caller *ret_caller, struct ct_err *err);

/* Can the caller map more than its own ids: both helpers, and a range of either kind? */
bool ct_id_caller_has_ranges(const struct ct_id_caller *caller);

/* Why not, in a few words, such as "no subordinate ids for alice in /etc/subuid". */
const char *ct_id_caller_lacks(const struct ct_id_caller *caller, struct ct_arena *arena);

/**
 * ct_id_map_default - container 0 is the caller, 1... are its ranges
 * @single: without ranges, the one container id that the caller becomes (0 as a rule)
 */
int ct_id_map_default(struct ct_arena *arena, const struct ct_id_caller *caller,
		      enum ct_id_kind kind, uint32_t single, struct ct_id_map *ret_map,
		      struct ct_err *err);

/* keep-id: the caller is container id keep, the ranges fill 0...keep - 1 and then keep + 1... */
int ct_id_map_keep(struct ct_arena *arena, const struct ct_id_caller *caller,
		   enum ct_id_kind kind, uint32_t keep, struct ct_id_map *ret_map,
		   struct ct_err *err);

/* nomap: the ranges from container id 0 on, the caller nowhere; EINVAL without ranges. */
int ct_id_map_nomap(struct ct_arena *arena, const struct ct_id_caller *caller,
		    enum ct_id_kind kind, struct ct_id_map *ret_map, struct ct_err *err);

/**
 * ct_id_map_same - every id that this process sees, as itself
 * @err: of reading /proc/self/uid_map or gid_map
 *
 * For a privileged caller: nothing is taken away and nothing added.
 */
int ct_id_map_same(struct ct_arena *arena, enum ct_id_kind kind, struct ct_id_map *ret_map,
		   struct ct_err *err);

/**
 * ct_id_map_check - would the kernel and newuidmap take this map?
 * @caller: NULL for a privileged caller, who may map any id
 * @map: as somebody wrote it
 * @ret_line: the line at fault, from 0; set on failure only
 * @err: EINVAL for empty lines, overflow and overlaps; EPERM "host id 0 is not in your subuid
 *       range 100000-165535"; ENOENT "newuidmap is not installed"; E2BIG
 */
int ct_id_map_check(const struct ct_id_caller *caller, enum ct_id_kind kind,
		    const struct ct_id_map *map, size_t *ret_line, struct ct_err *err);

/* Is this id of the container mapped? */
bool ct_id_map_contains(const struct ct_id_map *map, uint32_t container_id);

#endif
