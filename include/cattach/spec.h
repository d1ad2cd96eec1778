/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.json as a struct: the OCI runtime specification 1.3 for Linux, parsed, validated, with
 * defaults, and written again. Everything lives in one arena. Names of kernel things
 * (capabilities, mount options, system calls) stay strings here; src/ns gives them meaning.
 *
 * An absent property is NULL, an empty list, or has its has_ flag unset.
 */
#ifndef CATTACH_SPEC_H
#define CATTACH_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/err.h>
#include <cattach/hook.h>
#include <cattach/json.h>
#include <cattach/resources.h>

struct ct_spec_pair {
	const char *key, *value;
};

struct ct_spec_pairs {
	struct ct_spec_pair *items;
	size_t count;
};

struct ct_spec_idmap {
	uint32_t container_id, host_id, size;
};

struct ct_spec_idmaps {
	struct ct_spec_idmap *items;
	size_t count;
};

struct ct_spec_mount {
	const char *destination;	/* never NULL */
	const char *source;
	const char *type;
	struct ct_strings options;
	struct ct_spec_idmaps uid_mappings, gid_mappings;
};

struct ct_spec_mounts {
	struct ct_spec_mount *items;
	size_t count;
};

struct ct_spec_rlimit {
	const char *type;		/* "RLIMIT_NOFILE"; known, not twice */
	uint64_t soft, hard;		/* RLIM_INFINITY for -1 */
};

struct ct_spec_capabilities {
	struct ct_strings bounding, effective, inheritable, permitted, ambient;
};

struct ct_spec_scheduler {
	const char *policy;		/* "SCHED_OTHER", ... */
	int32_t nice, priority;
	struct ct_strings flags;
	uint64_t runtime, deadline, period;	/* ns */
};

struct ct_spec_process {
	bool terminal;
	uint16_t console_height, console_width;	/* 0: not given */
	struct ct_strings args, env;
	const char *cwd;
	uint32_t uid, gid;
	bool has_umask;
	uint32_t umask;
	uint32_t *additional_gids;
	size_t additional_gid_count;
	bool has_capabilities;
	struct ct_spec_capabilities capabilities;
	struct ct_spec_rlimit *rlimits;
	size_t rlimit_count;
	bool no_new_privileges;
	bool has_oom_score_adj;
	int32_t oom_score_adj;
	const char *apparmor_profile, *selinux_label;
	bool has_scheduler;
	struct ct_spec_scheduler scheduler;
	const char *io_class;		/* "IOPRIO_CLASS_BE", ... or NULL */
	int32_t io_priority;		/* 0...7 */
	const char *affinity_initial, *affinity_final;	/* execCPUAffinity */
	bool keep_groups;		/* keep the caller's supplementary groups (no setgroups call):
					 * --group-add keep-groups; not part of config.json */
};

/* Order of enum ct_spec_ns is the order of ct_spec_ns_name(). */
enum ct_spec_ns {
	CT_NS_USER,
	CT_NS_MOUNT,
	CT_NS_PID,
	CT_NS_NETWORK,
	CT_NS_IPC,
	CT_NS_UTS,
	CT_NS_CGROUP,
	CT_NS_TIME,
	CT_NS_COUNT,
};

struct ct_spec_namespace {
	bool present;			/* listed in linux.namespaces */
	const char *path;		/* join this one; NULL: make a new one */
};

struct ct_spec_device {
	const char *path;
	char type;			/* 'c', 'b', 'u' or 'p' */
	int64_t major, minor;
	bool has_mode, has_uid, has_gid;
	uint32_t mode, uid, gid;
};

struct ct_spec_net_device {
	const char *name;		/* on the host */
	const char *inside;		/* in the container: a name, or a template such as "eth%d" */
	const char *place;		/* "linux.netDevices.eth0", for errors */
};

struct ct_spec_net_devices {
	struct ct_spec_net_device *items;
	size_t count;
};

struct ct_spec_seccomp_arg {
	uint32_t index;			/* 0...5 */
	uint64_t value, value_two;
	const char *op;			/* "SCMP_CMP_EQ", ... */
};

struct ct_spec_seccomp_rule {
	struct ct_strings names;
	const char *action;		/* "SCMP_ACT_ALLOW", ... */
	bool has_errno;
	uint32_t errno_ret;
	struct ct_spec_seccomp_arg *args;
	size_t arg_count;
};

struct ct_spec_seccomp {
	const char *default_action;
	bool has_default_errno;
	uint32_t default_errno;
	struct ct_strings architectures, flags;
	const char *listener_path, *listener_metadata;
	struct ct_spec_seccomp_rule *rules;
	size_t rule_count;
};

struct ct_spec_linux {
	struct ct_spec_namespace namespaces[CT_NS_COUNT];
	struct ct_spec_idmaps uid_mappings, gid_mappings;
	struct ct_spec_device *devices;
	size_t device_count;
	struct ct_spec_net_devices net_devices;
	const char *cgroups_path;
	struct ct_cgroup_resources resources;
	struct ct_resctrl_settings *intel_rdt;	/* NULL: not asked for */
	struct ct_spec_pairs sysctl;
	struct ct_spec_seccomp *seccomp;	/* NULL: unconfined */
	const char *rootfs_propagation;		/* "private", "rslave", ... or NULL */
	bool has_masked_paths, has_readonly_paths;
	struct ct_strings masked_paths, readonly_paths;
	const char *mount_label;
	const char *personality;		/* "LINUX", "LINUX32" or NULL */
	const char *memory_mode;		/* "MPOL_BIND", ... or NULL: no policy */
	const char *memory_nodes;		/* "0-3,7" or NULL */
	struct ct_strings memory_flags;		/* "MPOL_F_STATIC_NODES", ... */
	struct ct_spec_pairs time_offsets;	/* "monotonic" → "secs nanosecs" */
};

/* Where a spec came from, so that errors found later still name a line and a column. */
struct ct_spec_source {
	const char *name;		/* "config.json", or NULL: no file */
	const struct ct_json *root;	/* may be NULL */
};

struct ct_spec {
	const char *oci_version;
	bool has_root;
	const char *root_path;		/* as written: relative paths start at the bundle */
	bool root_readonly;
	struct ct_spec_mounts mounts;
	struct ct_spec_process *process;	/* NULL when absent, which is valid at create */
	const char *hostname, *domainname;
	struct ct_spec_pairs annotations;
	struct ct_spec_linux linux_;
	struct ct_hooks hooks;
	/* Apply the default policy of src/ns, because linux_.seccomp is NULL and nobody asked for
	 * "unconfined"; not part of config.json. "run" sets it for a plain ROOTFS and for a bundle
	 * without linux.seccomp, unless --privileged or --security-opt seccomp=... says otherwise. */
	bool default_seccomp;
	struct ct_spec_source source;
};

/**
 * ct_spec_parse - config.json into a spec, checked for well-formedness
 * @arena:    owns the spec
 * @name:     the file's name as the user knows it, for error positions
 * @text, @size: the document
 * @ret_spec: set on success
 * @err:      where is "NAME:LINE:COLUMN: path.of.property"
 *
 * Types, ranges, enumerations, duplicates and required properties are checked here; unknown
 * properties are ignored, as the spec demands. What is valid but not done yet is refused by name
 * with ENOTSUP: idmapped mounts without privileges by ct_spec_check(), resources that version 2 of control groups has no equivalent
 * for by ct_cgroup_convert().
 */
int ct_spec_parse(struct ct_arena *arena, const char *name, const char *text, size_t size,
		  struct ct_spec **ret_spec, struct ct_err *err);

/* The same of a document that is a process object alone ("exec --process"). */
int ct_spec_parse_process(struct ct_arena *arena, const char *name, const char *text, size_t size,
			  struct ct_spec_process **ret_process, struct ct_err *err);

/* The same of one that is a resources object alone ("update --resources"). What it does not speak of is
 * as not given. */
int ct_spec_parse_resources(struct ct_arena *arena, const char *name, const char *text, size_t size,
			    struct ct_cgroup_resources *ret_resources, struct ct_err *err);

/**
 * ct_spec_check - what only shows when properties are seen together
 * @spec: parsed or made by hand
 * @rootless: the caller has no privileges on the host
 * @err: where names the property, with line and column when the spec has a source
 *
 * Process present, namespaces and mappings that need each other, ids that are mapped,
 * hostname without a UTS namespace, sysctls whose namespace is not new, and so on.
 */
int ct_spec_check(const struct ct_spec *spec, bool rootless, struct ct_err *err);

/* Fill an error that is about the property at path ("mounts[3].source"), with its position. */
int ct_spec_fail(const struct ct_spec *spec, struct ct_err *err, int code, const char *path,
		 const char *fmt, ...) __attribute__((format(printf, 5, 6), cold));

/* Put the place of a property before an error that a callee filled. */
int ct_spec_wrap(const struct ct_spec *spec, struct ct_err *err, const char *path)
	__attribute__((cold));

/**
 * ct_spec_default - the spec of a container with podman's defaults
 * @arena: owns the spec
 * @rootless: leave out what needs a privileged caller (gid=5 of devpts, ...)
 * @ret_spec: namespaces, mounts, masked and read-only paths, capabilities, environment; the
 *            process runs "sh" in "/", root.path is "rootfs", no seccomp policy and no id maps
 */
int ct_spec_default(struct ct_arena *arena, bool rootless, struct ct_spec **ret_spec,
		    struct ct_err *err);

/* Write a spec as config.json, indented; what ct_spec_parse() reads back equal. */
int ct_spec_write(const struct ct_spec *spec, struct ct_buf *buf, struct ct_err *err);

/**
 * ct_spec_parse_seccomp - a seccomp profile file: docker's format or the spec's linux.seccomp
 * @caps: names of the capabilities that the container gets, for docker's includes and excludes
 * Architectures come from archMap (the native one and its sub-architectures) where there is one.
 */
int ct_spec_parse_seccomp(struct ct_arena *arena, const char *name, const char *text, size_t size,
			  const struct ct_strings *caps, struct ct_spec_seccomp **ret_seccomp,
			  struct ct_err *err);

/* "user", "mount", "pid", "network", ... as config.json spells them. */
const char *ct_spec_ns_name(enum ct_spec_ns ns);

#endif
