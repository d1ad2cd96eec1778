/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what a user asks of "run" to a spec: a bundle's config.json or the defaults for a plain
 * root file system, changed by options in docker's vocabulary.
 */
#ifndef CATTACH_RUN_H
#define CATTACH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/resources.h>
#include <cattach/spec.h>

/* The options of run, create and update that limit what a container may have, as given. */
struct ct_resource_options {
	const char *memory, *memory_reservation, *memory_swap, *memory_swappiness;
	bool oom_kill_disable;
	const char *cpus, *cpu_shares, *cpu_period, *cpu_quota, *cpuset_cpus, *cpuset_mems;
	const char *pids_limit, *blkio_weight;
	struct ct_strings blkio_weight_device;			/* PATH:WEIGHT */
	struct ct_strings device_read_bps, device_write_bps;	/* PATH:RATE */
	struct ct_strings device_read_iops, device_write_iops;
	struct ct_strings cgroup_conf;				/* KEY=VALUE */
};

/**
 * ct_resources_from_options - put options over the resources that are there
 * @arena: owns what is made
 * @options: as parsed; what is not given leaves @inout as it is
 * @inout: what the container has until now; unchanged when this fails
 * @err: where is the option ("--memory")
 *
 * Checks values and what contradicts itself. What version 2 has no equivalent for is found by
 * ct_cgroup_convert(); ct_resources_option() then says which option it was. Devices are looked up,
 * nothing else of the host is asked.
 */
int ct_resources_from_options(struct ct_arena *arena, const struct ct_resource_options *options,
			      struct ct_cgroup_resources *inout, struct ct_err *err);

/* The option that a property ("linux.resources.memory.limit") comes from: "--memory"; NULL where it
 * was none, as in everything that has been read back. */
const char *ct_resources_option(const struct ct_cgroup_resources *resources, const char *where);

/* The options of run, create and update about how its health is checked, as given. */
struct ct_health_options {
	const char *cmd, *interval, *timeout, *retries, *start_period, *start_interval, *on_failure;
	bool no_check;
};

/* The options of update. */
struct ct_update_options {
	struct ct_resource_options resources;
	struct ct_health_options health;
	const char *restart;		/* POLICY[:N]; NULL: as it is */
};

/**
 * ct_container_update - change what a container may have: now, if it runs, and at its next starts
 * @container: its directory is open; looks at the state anew
 * @err: where is the option; ENOTSUP when it runs without a cgroup. Nothing has changed then
 */
int ct_container_update(struct ct_container *container, struct ct_arena *arena,
			const struct ct_update_options *options, struct ct_err *err);

/* The options of run (and later create) as given; lists in the order of the command line. */
struct ct_run_options {
	struct ct_strings create_command;	/* the verb and the words behind it: for the record */
	const char *bundle, *rootfs;	/* --bundle, --rootfs, or the first operand once it is known */
	const char *operand;		/* BUNDLE|ROOTFS operand, NULL when an option named it */
	const char *config;		/* instead of the bundle's config.json; or NULL */
	bool without_process;		/* a bundle may have none: it is made, and cannot be started */
	bool inherited_mounts;		/* it may have no mount namespace, and be in the host's */
	struct ct_strings command;	/* COMMAND [ARG...] */
	bool interactive, tty, detach, remove, init, read_only, privileged;
	bool quiet;			/* there is nothing that it could silence */
	const char *name, *cidfile, *pidfile, *workdir, *user, *entrypoint, *hostname;
	const char *stop_signal, *stop_timeout, *umask, *oom_score_adj, *shm_size;
	const char *network, *pid, *ipc, *uts, *cgroupns, *userns;
	const char *preserve_fds, *detach_keys;
	const char *default_keys;	/* where neither we nor the container say which; not recorded */
	bool sig_proxy;			/* default true */
	struct ct_strings attach;	/* -a STREAM */
	const char *lag, *size_policy, *stdin_eof, *log_driver, *sdnotify;
	const char *restart;		/* POLICY[:N] */
	struct ct_strings log_opt;
	bool tie;			/* the command dies with its client */
	struct ct_strings env, env_file, ulimit, group_add, label, annotation;
	struct ct_strings volume, mount, tmpfs, device;
	struct ct_strings uidmap, gidmap, cap_add, cap_drop, security_opt, sysctl;
	struct ct_resource_options resources;
	const char *cgroups, *cgroup_parent;
	struct ct_strings device_cgroup_rule;
	struct ct_health_options health;
};

/**
 * ct_run_prepare - what to run: bundle or rootfs, defaults, options, id maps, user and environment
 * @options: as parsed; strings stay the caller's
 * @rootless: the caller is not root
 * @ret_spec: complete; its root.path is absolute
 * @ret_meta: complete but for id and what ct_container_create() sets
 * @err: where is the option ("--user") or config.json with line and column
 *
 * Nothing is created. Reads config.json, the rootfs's passwd and group files, env files, profiles.
 */
int ct_run_prepare(const struct ct_run_options *options, bool rootless, struct ct_arena *arena,
		   struct ct_spec **ret_spec, struct ct_meta *ret_meta, struct ct_err *err);

/* Which of our stdin, stdout and stderr are attached. */
struct ct_streams {
	bool in, out, err;
};

/* "stdin", "STDOUT", ...: those in the list, all three when it is empty.
 * EINVAL "valid streams are STDIN, STDOUT and STDERR". */
int ct_parse_streams(const struct ct_strings *list, struct ct_streams *ret_streams,
		     struct ct_err *err);

/* A user of the container, looked up in its /etc/passwd and /etc/group. */
struct ct_user {
	uint32_t uid, gid;
	const char *name, *home;	/* home is "/" where nobody knows better */
	uint32_t *groups;		/* supplementary, from /etc/group */
	size_t group_count;
};

/**
 * ct_user_lookup - USER[:GROUP] inside a root file system
 * @rootfs: descriptor of the root; files are read through it, bounded, never blocking
 * @text: numbers are numbers, names are names, nothing else is tried (security.md D9 in docs)
 * @err: "unable to find user nobody2: no matching entries in passwd file"
 */
int ct_user_lookup(struct ct_arena *arena, int rootfs, const char *text, struct ct_user *ret_user,
		   struct ct_err *err);

#endif
