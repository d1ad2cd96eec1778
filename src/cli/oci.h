/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime command line ("cattach oci", cattach-oci): what its files share. A command is one
 * constant, oci_NAME, in the table of oci.c; its options are parsed before its handler is called.
 */
#ifndef CATTACH_CLI_OCI_H
#define CATTACH_CLI_OCI_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/runtime.h>

#include "options.h"

/* What stands before the command. */
struct oci_globals {
	const char *root, *log, *log_format, *log_level, *cgroup_manager, *rootless;
	bool systemd_cgroup, debug, version;
	int failed;			/* the exit code of errors from now on */
	struct ct_buf *warnings;	/* records of the log that wait for an end without error */
};

struct oci_call {
	const struct oci_globals *globals;
	struct ct_arena *arena;
	const void *options;
	struct ct_strings operands;
};

struct oci_command {
	const char *name, *synopsis, *summary;
	const struct ct_option *options;
	size_t options_size;
	size_t min_operands, max_operands;
	bool stop_at_operand;
	int failed;			/* the exit code of its errors; 0: OCI_EXIT_FAILED */
	/* The exit code, or negative with err filled. */
	int (*handler)(const struct oci_call *call, struct ct_err *err);
};

extern const struct oci_command oci_create, oci_run, oci_start, oci_state, oci_kill, oci_delete,
	oci_list, oci_ps, oci_exec, oci_spec, oci_features, oci_pause, oci_resume,
	oci_update, oci_events;

#define OCI_EXIT_FAILED		1	/* an error of ours */
#define OCI_EXIT_NOT_STARTED	255	/* run and exec: the command could not be started */

/**
 * oci_main - follow a runtime command line
 * @argc, @argv: the words behind "cattach oci", or behind "cattach-oci"
 *
 * Errors are reported here, to --log and to standard error. Return: the exit code.
 */
int oci_main(int argc, char *const *argv);

/* Report an error: as one line of the log, and on standard error. */
void oci_report(const struct oci_globals *globals, const struct ct_err *err);

/* What its user may want to know though nothing failed: a line of the log, if there is one. */
void oci_note(const struct oci_globals *globals, const struct ct_err *err);

/* From now on warnings are lines of the log, where there is one: standard error may be the container's. */
void oci_take_warnings(struct oci_globals *globals);

/* Write those that wait: nothing has failed. */
void oci_write_warnings(const struct oci_globals *globals);

/* The store, made if it is to be, else -ENOENT where there is none; and the container that the first operand
 * names; close both. What is not to be made is opened as its owner, see oci_owner.c. */
int oci_open(const struct oci_call *call, bool make, struct ct_store *ret_store, struct ct_err *err);
int oci_find(const struct oci_call *call, struct ct_store *store, struct ct_container *ret_container,
	     struct ct_err *err);

/* If we are root, and the directory is a user's, be that user from now on. */
int oci_become_owner(const char *root, struct ct_err *err);

#endif
