/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of ct_run_prepare() share: one struct that goes through them in the order in
 * which they stand below. Each part reads the options that are its own and completes the spec;
 * where names the option ("--user") or the place in config.json.
 */
#ifndef CATTACH_CONTAINER_RUN_PARTS_H
#define CATTACH_CONTAINER_RUN_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/err.h>
#include <cattach/idmap.h>
#include <cattach/run.h>
#include <cattach/spec.h>

/* How ids are mapped, after all options have been seen. */
enum ct_userns_mode {
	CT_USERNS_UNSET,		/* no option: the bundle decides, or the default map */
	CT_USERNS_HOST,			/* as root no user namespace, else the default map */
	CT_USERNS_KEEP_ID,
	CT_USERNS_NOMAP,
	CT_USERNS_MAPS,			/* --uidmap, --gidmap */
};

struct ct_userns {
	enum ct_userns_mode mode;
	uint32_t keep[2];		/* keep-id: the container's uid and gid for the caller */
};

struct ct_run {
	const struct ct_run_options *options;
	bool rootless;
	struct ct_arena *arena;
	struct ct_spec *spec;
	struct ct_meta *meta;
	const struct ct_id_caller *caller;	/* NULL: root */
	bool plain;			/* a ROOTFS; false: a bundle */
	int rootfs;			/* O_PATH descriptor of the root directory, or -1 */
	struct ct_userns userns;
	const char *home;		/* of the user */
	bool own_groups;		/* additional groups come from us, not from config.json */
	uint32_t *file_groups;		/* from /etc/group: dropped where they are not mapped */
	size_t file_group_count;
	uint32_t *asked_groups;		/* --group-add: an error where they are not mapped */
	size_t asked_group_count;
};

/* ct_run_prepare() for a caller that is known already, who may be made up; NULL: root. */
int ct_run_prepare_for(const struct ct_run_options *options, const struct ct_id_caller *caller,
		       struct ct_arena *arena, struct ct_spec **ret_spec, struct ct_meta *ret_meta,
		       struct ct_err *err);

/* run_source.c: bundle or rootfs; sets spec, plain, rootfs and the paths in meta. */
int ct_run_source(struct ct_run *run, struct ct_err *err);

/* run_namespaces.c: --network --pid --ipc --uts --cgroupns, --userns as far as it is a word. */
int ct_run_namespaces(struct ct_run *run, struct ct_err *err);

/* run_user.c: uid, gid, groups, home. */
int ct_run_user(struct ct_run *run, struct ct_err *err);

/* run_idmap.c: the maps, and what they mean for groups and devpts. */
int ct_run_idmap(struct ct_run *run, struct ct_err *err);

/* run_session.c: who is attached, to what; run_log.c: --log-driver --log-opt, what is kept of
 * it. */
int ct_run_session(struct ct_run *run, struct ct_err *err);
int ct_run_log(struct ct_run *run, struct ct_err *err);
/* --restart, also of update: into the record, unless that says --rm or --tie. */
int ct_run_restart(struct ct_arena *arena, const char *text, struct ct_meta *meta,
		   struct ct_err *err);

/* run_health.c: --health-cmd and all that goes with it, over what the container has until now;
 * @inout is unchanged when that fails. And the same for one that is new. */
int ct_health_from_options(struct ct_arena *arena, const struct ct_health_options *o,
			   struct ct_meta *inout, struct ct_err *err);
int ct_run_health(struct ct_run *run, struct ct_err *err);

/* run_process.c: what is executed, where, with which limits; run_environ.c: its environment. */
int ct_run_process(struct ct_run *run, struct ct_err *err);
int ct_run_environ(struct ct_run *run, struct ct_err *err);

/* run_mounts.c: -v --tmpfs --device; run_mount_defaults.c: --shm-size, and what namespaces and
 * --privileged mean for the mounts that are there anyway; run_mount_csv.c: one --mount. */
int ct_run_mounts(struct ct_run *run, struct ct_err *err);
int ct_run_default_mounts(struct ct_run *run, struct ct_err *err);
int ct_run_mount_csv(struct ct_run *run, const char *text, struct ct_spec_mount *mount,
		     struct ct_err *err);

/* run_caps.c: --cap-add --cap-drop --privileged; run_security.c: --security-opt --sysctl. */
int ct_run_caps(struct ct_run *run, struct ct_err *err);
int ct_run_security(struct ct_run *run, struct ct_err *err);

/* run_cgroups.c: --cgroups --cgroup-parent --device-cgroup-rule; with run_resources.c and
 * run_resources_io.c: --memory and all other limits. */
int ct_run_resources(struct ct_run *run, struct ct_err *err);

/**
 * ct_resources_settle - the settings of a new cgroup for a spec: plan_resources.c
 * @meta: --cgroups, and whose defaults count; NULL: nothing was said
 * @ret_settings: each with the place that an error of the start names
 * @warnings: appended to: what cannot be had and is gone without
 */
int ct_resources_settle(struct ct_arena *arena, const struct ct_spec *spec,
			const struct ct_meta *meta, struct ct_cgroup_settings *ret_settings,
			struct ct_strings *warnings, struct ct_err *err);

/* Helpers of run_mounts.c for run_mount_csv.c: options gather in mount->options. */
int ct_run_mount_source(struct ct_run *run, struct ct_spec_mount *mount, const char *source,
			struct ct_err *err);
int ct_run_mount_target(struct ct_run *run, struct ct_spec_mount *mount, const char *target,
			struct ct_err *err);

/* run_text.c: pieces of text and files of the host. */

/* The parts of text between separators; empty parts stay. 0 or -ENOMEM. */
int ct_run_split(struct ct_arena *arena, const char *text, char separator,
		 struct ct_strings *ret_parts);
/* A list of our own that starts with the items of another. 0 or -ENOMEM. */
int ct_run_copy(struct ct_arena *arena, const struct ct_strings *from, struct ct_strings *ret_list);
/* Put "KEY=VALUE" texts into pairs, the last one with a key wins; bare: "KEY" alone is allowed. */
int ct_run_add_pairs(struct ct_arena *arena, const struct ct_strings *list, bool bare,
		     struct ct_spec_pairs *pairs, struct ct_err *err);
/* A path made absolute with the current directory; nothing else about it changes. */
const char *ct_run_absolute(struct ct_arena *arena, const char *path, struct ct_err *err);
/* An absolute path without "//", "." and ".."; NULL when the arena is exhausted. */
const char *ct_run_clean_path(struct ct_arena *arena, const char *path);
/* A file that the user named: links are followed, nothing blocks, regular files only. */
int ct_run_read_host(struct ct_arena *arena, const char *path, size_t max, const char **ret_text,
		     size_t *ret_size, struct ct_err *err);

#endif
