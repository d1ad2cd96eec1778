/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of cattach-conmon: this program, called by that name.
 *
 * Runs with the caller's rights, and prints what is asked for and what keeps it from doing what it
 * is to do; everything else is src/dropin. Callers tell their monitor by the first words of
 * --version, so these are conmon's, with the version whose options and files ours are those of.
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include <cattach/dropin.h>
#include <cattach/version.h>

#include "conmon_front.h"

#define NAME		"cattach-conmon"
#define CONMON_VERSION	"2.1.12"	/* of which we have the options */

#define AT(member) offsetof(struct ct_dropin_options, member)
#define FLAG CT_OPTION_FLAG
#define TEXT CT_OPTION_STRING
#define LIST CT_OPTION_LIST

static const struct ct_option table[] = {
	{ NULL, 0, CT_OPTION_HEADING, NULL, 0, "The session" },
	{ "cid", 'c', TEXT, "ID", AT(cid), "The container's id, and the name of its exit file" },
	{ "cuuid", 'u', TEXT, "ID", AT(cuuid), "The session's id, and the name of the link to its socket" },
	{ "name", 'n', TEXT, "NAME", AT(name), "The container's name, for journald" },
	{ "bundle", 'b', TEXT, "DIR", AT(bundle), "Where attach, ctl and winsz are" },
	{ "api-version", 0, FLAG, NULL, AT(api_version), "Use \"data\" in messages; a number may follow" },
	{ "exec", 'e', FLAG, NULL, AT(exec), "Execute a process in a container that there is" },
	{ "exec-attach", 0, FLAG, NULL, AT(exec_attach), "Wait for a client before it is executed" },
	{ "exec-process-spec", 0, TEXT, "FILE", AT(process_spec), "The process, as JSON" },
	{ "restore", 0, TEXT, "DIR", AT(restore), "Restore the container from there instead of creating it" },
	{ "terminal", 't', FLAG, NULL, AT(terminal), "It has a terminal" },
	{ "stdin", 'i', FLAG, NULL, AT(stdin_open), "Its stdin is open" },
	{ "leave-stdin-open", 0, FLAG, NULL, AT(leave_stdin_open),
	  "Keep it so when a client hangs up" },
	{ "timeout", 'T', TEXT, "SECONDS", AT(timeout), "Kill it after so long" },
	{ "sync", 0, FLAG, NULL, AT(sync), "Stay the caller's child" },
	{ NULL, 0, CT_OPTION_HEADING, NULL, 0, "The runtime" },
	{ "runtime", 'r', TEXT, "PATH", AT(runtime), "The OCI runtime" },
	{ "runtime-arg", 0, LIST, "ARG", AT(runtime_args), "An argument before its command" },
	{ "runtime-opt", 0, LIST, "ARG", AT(runtime_opts), "An argument behind its command" },
	{ "restore-arg", 0, LIST, "ARG", AT(runtime_opts), NULL },
	{ "systemd-cgroup", 's', FLAG, NULL, AT(systemd_cgroup), "Pass --systemd-cgroup" },
	{ "no-pivot", 0, FLAG, NULL, AT(no_pivot), "Pass --no-pivot" },
	{ "no-new-keyring", 0, FLAG, NULL, AT(no_new_keyring), "Pass --no-new-keyring" },
	{ "replace-listen-pid", 0, FLAG, NULL, AT(replace_listen_pid), "Set LISTEN_PID to its pid" },
	{ NULL, 0, CT_OPTION_HEADING, NULL, 0, "Files" },
	{ "container-pidfile", 'p', TEXT, "FILE", AT(pidfile), "Where the runtime writes the pid" },
	{ "pidfile", 0, TEXT, "FILE", AT(pidfile), NULL },
	{ "conmon-pidfile", 'P', TEXT, "FILE", AT(conmon_pidfile), "Where the monitor's pid is written" },
	{ "exit-dir", 0, TEXT, "DIR", AT(exit_dir), "Where the exit code is written, by the id" },
	{ "persist-dir", '0', TEXT, "DIR", AT(persist_dir), "Where it is written as \"exit\"" },
	{ "socket-dir-path", 0, TEXT, "DIR", AT(socket_dir), "Where a link to the bundle is made" },
	{ "full-attach", 0, FLAG, NULL, AT(full_attach), "Make no such link" },
	{ "exit-command", 0, TEXT, "PATH", AT(exit_command), "What is executed at the end" },
	{ "exit-command-arg", 0, LIST, "ARG", AT(exit_args), "An argument of it" },
	{ "exit-delay", 0, TEXT, "SECONDS", AT(exit_delay), "How long to wait before" },
	{ "sdnotify-socket", 0, TEXT, "PATH", AT(notify_socket), "Pass on there what the container notifies" },
	{ NULL, 0, CT_OPTION_HEADING, NULL, 0, "The log" },
	{ "log-path", 'l', LIST, "[DRIVER:]PATH", AT(log_paths),
	  "k8s-file:PATH, journald, passthrough, none" },
	{ "log-size-max", 0, TEXT, "BYTES", AT(log_size_max), "Size at which the file is begun anew" },
	{ "log-rotate", 0, FLAG, NULL, AT(log_rotate), "Rename the full file instead" },
	{ "log-max-files", 0, TEXT, "COUNT", AT(log_max_files), "How many of those are kept" },
	{ "log-global-size-max", 0, TEXT, "BYTES", AT(log_global_size_max), "Write no more than that, ever" },
	{ "log-tag", 0, TEXT, "TEXT", AT(log_tag), "A tag for journald" },
	{ "log-label", 0, LIST, "NAME=VALUE", AT(log_labels), "A field for journald" },
	{ "no-sync-log", 0, FLAG, NULL, AT(no_sync_log), "Do not wait for the disk at the end" },
	{ "log-level", 0, TEXT, "LEVEL", AT(log_level), "Taken, and without effect" },
	{ "syslog", 0, FLAG, NULL, AT(syslog), "Taken, and without effect" },
	{ "log-allowlist-dir", 0, TEXT, "DIR", AT(log_allowlist), "Taken, and without effect" },
	{ "no-container-partial-message", 0, FLAG, NULL, AT(no_partial_message),
	  "Taken, and without effect" },
	{ "seccomp-notify-socket", 0, TEXT, "PATH", AT(seccomp_socket), NULL },
	{ "seccomp-notify-plugins", 0, TEXT, "NAMES", AT(seccomp_plugins), NULL },
	{ NULL, 0, CT_OPTION_HEADING, NULL, 0, "This program" },
	{ "version", 0, FLAG, NULL, AT(version), "Show the version and exit" },
	{ 0 },
};

bool ct_conmon_is_called(const char *program)
{
	const char *slash = strrchr(program, '/');

	return !strcmp(slash ? slash + 1 : program, NAME);
}

static int print_version(struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };

	ct_buf_printf(&buf, "conmon version " CONMON_VERSION "\ncommit: %s\n" NAME " %s\n",
		      *CT_COMMIT ? CT_COMMIT : "unknown", CT_VERSION_FULL);
	return ct_print(&buf, err);
}

static int print_help(struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };

	ct_buf_puts(&buf, "Usage: " NAME " [OPTIONS]\n\n"
			  "Monitor a container for podman or CRI-O, in conmon's place.\n");
	ct_help_options(&buf, table);
	return ct_print(&buf, err);
}

static int run(int argc, char *const *argv, struct ct_err *err)
{
	static const struct ct_option_context context = { .table = table };
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_dropin_options options = { 0 };
	struct ct_strings operands = { 0 };
	int r = ct_arena_open(&arena, err);

	/* Words that are no options are passed over: there is one behind --api-version. */
	if (r == 0)
		r = ct_options_parse(&context, &arena, argc, argv, &options, &operands, err);
	if (r == CT_OPTIONS_HELP)
		return print_help(err);
	if (r == 0 && options.version)
		return print_version(err);
	return r < 0 ? r : ct_dropin(&options, &arena, err);
}

int ct_conmon_main(int argc, char *const *argv)
{
	struct ct_err err = { 0 };
	int code = run(argc, argv, &err);
	char text[sizeof(err)];

	if (code >= 0)
		return code;
	ct_err_format(&err, text, sizeof(text));
	fprintf(stderr, NAME ": %s\n", text);
	return 1;
}
