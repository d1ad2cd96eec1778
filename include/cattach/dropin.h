/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A drop-in for conmon: the command line, descriptors, files and frames that podman and CRI-O know,
 * in front of our monitor.
 */
#ifndef CATTACH_DROPIN_H
#define CATTACH_DROPIN_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* The command line as it is written; numbers and paths are looked at by ct_dropin(). */
struct ct_dropin_options {
	const char *bundle, *cid, *cuuid, *name;
	const char *pidfile, *conmon_pidfile;
	const char *runtime, *process_spec, *restore;
	const char *log_size_max, *log_global_size_max, *log_max_files, *log_tag, *log_level, *log_allowlist;
	const char *exit_dir, *persist_dir, *exit_command, *exit_delay, *timeout;
	const char *socket_dir, *notify_socket, *seccomp_socket, *seccomp_plugins;
	struct ct_strings runtime_args, runtime_opts, log_paths, log_labels, exit_args;
	bool api_version, systemd_cgroup, no_pivot, no_new_keyring, exec, exec_attach;
	bool terminal, stdin_open, leave_stdin_open, full_attach, sync;
	bool log_rotate, no_partial_message, no_sync_log, syslog, replace_listen_pid;
	bool version;
};

/**
 * ct_dropin - do what conmon does with this command line
 * @options, @arena: they live as long as the monitor
 * @err: what keeps the session from being made; whoever listens on the sync pipe has been told
 *
 * Forks, unless options->sync: returns in the caller as soon as the child is on its own. The monitor
 * does not return: it ends when the session has ended and the exit command has run.
 *
 * Return: 0, or -errno.
 */
int ct_dropin(const struct ct_dropin_options *options, struct ct_arena *arena, struct ct_err *err);

#endif
