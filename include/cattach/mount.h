/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount options as the OCI runtime specification spells them, turned into what the kernel's mount
 * API takes: attributes of the mount, flags and parameters of the file system, propagation.
 * mount_setattr(2), fsconfig(2), mount(8).
 */
#ifndef CATTACH_MOUNT_H
#define CATTACH_MOUNT_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>

struct ct_mount_options {
	uint64_t set, clear;		/* MOUNT_ATTR_* of this mount */
	uint64_t tree_set, tree_clear;	/* the same for it and all mounts below (rro, rnosuid, ...) */
	uint64_t propagation;		/* MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE; 0: as it comes */
	bool tree_propagation;		/* rprivate, ... */
	bool bind, recursive;		/* bind, rbind */
	bool copy_up;			/* tmpcopyup: fill the tmpfs with what it hides */
	bool idmap, idmap_tree;		/* idmap or ridmap, and the latter */
	bool read_only;			/* "ro" was asked for: the file system's flag too */
	struct ct_strings flags;	/* fsconfig flags: "sync", "dirsync", "lazytime", ... */
	struct ct_strings data;		/* "key=value" or "key" for fsconfig, in order */
};

/**
 * ct_mount_options_parse - a list of options into what the kernel takes
 * @arena:   owns the lists
 * @options: config.json's mounts[].options; what is not known goes to data for the file system
 * @ret_options: set on success; later options override earlier ones
 * @err:     EINVAL; where is "options[2]"
 */
int ct_mount_options_parse(struct ct_arena *arena, const struct ct_strings *options,
			   struct ct_mount_options *ret_options, struct ct_err *err);

/* "private", "rslave", ... into MS_* and whether the tree is meant: true when it is one of them. */
bool ct_propagation_parse(const char *name, uint64_t *ret_propagation, bool *ret_tree);

/* A mounted file system of this mount namespace, from libmount's table. */
struct ct_mounted {
	const char *target;
	const char *fstype;
};

struct ct_mounted_list {
	struct ct_mounted *items;
	size_t count;
};

/**
 * ct_mounted_read - the mount table of this process
 * @arena: owns the list
 * @err:   ENOENT when libmount.so.1 cannot be loaded (hint: apt install libmount1)
 *
 * libmount is loaded here, when it is needed, and nowhere else: it costs 0.4 ms.
 */
int ct_mounted_read(struct ct_arena *arena, struct ct_mounted_list *ret_list, struct ct_err *err);

#endif
