/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that run and create share, as pieces of their tables. OPTION(member) is the offset of
 * a member of struct ct_run_options, which is what both fill.
 *
 * The rows of a table are what the command line, --help, the manual pages, shell completion,
 * defaults (defaults.c) and "generate systemd --new" (recreate.c) all go by: an option is added
 * here and in the struct, and nowhere else.
 *
 * A NULL in place of the help makes another name for the same member, or one that is understood and
 * not shown. Names, letters and the forms of values are docker's and podman's wherever they have
 * the option.
 */
#ifndef CATTACH_CLI_RUN_TABLE_H
#define CATTACH_CLI_RUN_TABLE_H

#include "cli.h"
#include "health_options.h"
#include "resource_options.h"

#define OPTION(member) offsetof(struct ct_run_options, member)

/* What it is made of and called An image is a bundle or a root file system on disk: --pull and its
 * like have nothing to do here, and only -q is taken, which scripts give to be safe. */
#define CT_RUN_SOURCE \
	{ .kind = CT_OPTION_HEADING, .help = "What to run" }, \
	{ "bundle", 'b', CT_OPTION_STRING, "DIR", OPTION(bundle), \
	  "Run the bundle in DIR; the first operand is then the command" }, \
	{ "rootfs", 0, CT_OPTION_STRING, "DIR[:O]", OPTION(rootfs), \
	  "Run in the root file system DIR; :O puts a throwaway overlay on it. The first operand " \
	  "is then the command" }, \
	{ "name", 0, CT_OPTION_STRING, "NAME", OPTION(name), \
	  "Name of the container; two random words if not given" }, \
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, OPTION(quiet), \
	  "Say nothing of pulling an image: cattach never does, and knows none" }

/* What is kept of it Written when the container is made and kept in its record: a later "start"
 * goes by them, too. */
#define CT_RUN_RECORD \
	{ "rm", 0, CT_OPTION_BOOL, NULL, OPTION(remove), "Remove the container when it ends" }, \
	{ "restart", 0, CT_OPTION_STRING, "POLICY", OPTION(restart), \
	  "When the command ends, start it again: no (default), on-failure[:N], always, " \
	  "unless-stopped" }, \
	{ "cidfile", 0, CT_OPTION_STRING, "FILE", OPTION(cidfile), \
	  "Write the id of the container to FILE, which must not exist" }, \
	{ "pidfile", 0, CT_OPTION_STRING, "FILE", OPTION(pidfile), \
	  "Write the pid of the command, as the host sees it, to FILE" }, \
	{ "label", 'l', CT_OPTION_LIST, "KEY[=VALUE]", OPTION(label), \
	  "Attach a label to the container" }, \
	{ "annotation", 0, CT_OPTION_LIST, "KEY=VALUE", OPTION(annotation), \
	  "Add an annotation to the configuration" }

/* Its session, whoever follows it Of these -a, --detach-keys and the like are for who starts it,
 * the others for every session that follows. */
#define CT_RUN_SESSION \
	{ .kind = CT_OPTION_HEADING, .help = "Terminal and signals" }, \
	{ "interactive", 'i', CT_OPTION_BOOL, NULL, OPTION(interactive), \
	  "Give standard input to the command" }, \
	{ "tty", 't', CT_OPTION_BOOL, NULL, OPTION(tty), "Give the command a terminal" }, \
	{ "attach", 'a', CT_OPTION_LIST, "STREAM", OPTION(attach), \
	  "Attach only to stdin, stdout or stderr (default: all that are open)" }, \
	{ "stdin-eof", 0, CT_OPTION_STRING, "close|keep|detach", OPTION(stdin_eof), \
	  "What the end of our input does: close that of the command, nothing, or let go of it" }, \
	{ "size-policy", 0, CT_OPTION_STRING, "POLICY", OPTION(size_policy), \
	  "Whose size the terminal gets when several are attached: latest (default), smallest, " \
	  "largest or none" }, \
	{ "tie", 0, CT_OPTION_BOOL, NULL, OPTION(tie), \
	  "Kill the command when the client that started it dies without detaching" }, \
	{ "stop-signal", 0, CT_OPTION_STRING, "SIGNAL", OPTION(stop_signal), \
	  "Signal that \"cattach stop\" sends (default TERM)" }, \
	{ "stop-timeout", 0, CT_OPTION_STRING, "SECONDS", OPTION(stop_timeout), \
	  "Seconds from that signal to KILL (default 10, -1 for ever)" }

/* Who is told that it has started: for services of systemd */
#define CT_RUN_NOTIFY \
	{ "sdnotify", 0, CT_OPTION_STRING, "MODE", OPTION(sdnotify), \
	  "Who tells systemd (NOTIFY_SOCKET) that it is ready: monitor (each start does), container (its " \
	  "command does) or ignore (nobody, the default)" }

/* What becomes of its output What log drivers take is checked in run_log.c, all of it before
 * anything is made. */
#define CT_RUN_LOG \
	{ .kind = CT_OPTION_HEADING, .help = "Log" }, \
	{ "log-driver", 0, CT_OPTION_STRING, "DRIVER", OPTION(log_driver), \
	  "What is kept of what the command writes: native (default) on disk, k8s-file or json-file in " \
	  "a file as other tools read it, journald in the system's journal, passthrough nothing (it writes to our own stdout and stderr), none " \
	  "only its end in memory" }, \
	{ "log-opt", 0, CT_OPTION_LIST, "KEY=VALUE", OPTION(log_opt), \
	  "max-size=SIZE of one log file (default 64m, 256k at least), max-file=N of them (default 4), " \
	  "path=FILE for k8s-file and json-file, tag=TEXT for json-file and journald" }

/* What surrounds its process Each changes the configuration that the bundle (or the built-in
 * default) has: src/container/run_*.c by subject. */
#define CT_RUN_SURROUNDINGS \
	{ .kind = CT_OPTION_HEADING, .help = "Process" }, \
	{ "env", 'e', CT_OPTION_LIST, "NAME[=VALUE]", OPTION(env), \
	  "Set an environment variable; without a value take ours" }, \
	{ "env-file", 0, CT_OPTION_LIST, "FILE", OPTION(env_file), \
	  "Set environment variables from the lines of FILE" }, \
	{ "workdir", 'w', CT_OPTION_STRING, "DIR", OPTION(workdir), "Start in DIR" }, \
	{ "user", 'u', CT_OPTION_STRING, "USER[:GROUP]", OPTION(user), \
	  "Run as a user of the container, by name or number" }, \
	{ "group-add", 0, CT_OPTION_LIST, "GROUP", OPTION(group_add), "Add a supplementary group" }, \
	{ "entrypoint", 0, CT_OPTION_STRING, "COMMAND", OPTION(entrypoint), \
	  "Put COMMAND before the arguments; empty clears what the bundle has" }, \
	{ "init", 0, CT_OPTION_BOOL, NULL, OPTION(init), \
	  "Run a small init as pid 1, which forwards signals and reaps" }, \
	{ "hostname", 'h', CT_OPTION_STRING, "NAME", OPTION(hostname), \
	  "Host name in the container (default the short id)" }, \
	{ "ulimit", 0, CT_OPTION_LIST, "TYPE=SOFT[:HARD]", OPTION(ulimit), "Set a resource limit" }, \
	{ "umask", 0, CT_OPTION_STRING, "MODE", OPTION(umask), "File mode creation mask, in octal" }, \
	{ "oom-score-adj", 0, CT_OPTION_STRING, "N", OPTION(oom_score_adj), \
	  "How likely the command is killed when memory runs out, -1000 to 1000" }, \
	{ .kind = CT_OPTION_HEADING, .help = "File systems" }, \
	{ "volume", 'v', CT_OPTION_LIST, "SOURCE:DEST[:OPTIONS]", OPTION(volume), \
	  "Bind a file or directory of the host" }, \
	{ "mount", 0, CT_OPTION_LIST, "KEY=VALUE,...", OPTION(mount), \
	  "Mount a bind or tmpfs: type=bind,source=/a,target=/b,readonly" }, \
	{ "tmpfs", 0, CT_OPTION_LIST, "DEST[:OPTIONS]", OPTION(tmpfs), "Mount a tmpfs" }, \
	{ "read-only", 0, CT_OPTION_BOOL, NULL, OPTION(read_only), \
	  "Make the root file system read-only" }, \
	{ "shm-size", 0, CT_OPTION_STRING, "SIZE", OPTION(shm_size), "Size of /dev/shm" }, \
	{ "device", 0, CT_OPTION_LIST, "HOST[:DEST[:MODE]]", OPTION(device), \
	  "Give a device of the host to the container" }, \
	{ .kind = CT_OPTION_HEADING, .help = "Namespaces" }, \
	{ "network", 0, CT_OPTION_STRING, "none|host", OPTION(network), \
	  "Network of the container (default none: only lo, which is up)" }, \
	{ "net", 0, CT_OPTION_STRING, "none|host", OPTION(network), NULL }, \
	{ "pid", 0, CT_OPTION_STRING, "private|host", OPTION(pid), "PID namespace" }, \
	{ "ipc", 0, CT_OPTION_STRING, "private|host", OPTION(ipc), "IPC namespace" }, \
	{ "uts", 0, CT_OPTION_STRING, "private|host", OPTION(uts), "UTS namespace (host name)" }, \
	{ "cgroupns", 0, CT_OPTION_STRING, "private|host", OPTION(cgroupns), "Cgroup namespace" }, \
	{ "userns", 0, CT_OPTION_STRING, "MODE", OPTION(userns), \
	  "How ids are mapped: host (you are root inside), keep-id (you stay yourself) or nomap " \
	  "(you are not mapped)" }, \
	{ "uidmap", 0, CT_OPTION_LIST, "INSIDE:HOST:SIZE", OPTION(uidmap), "Map user ids" }, \
	{ "gidmap", 0, CT_OPTION_LIST, "INSIDE:HOST:SIZE", OPTION(gidmap), "Map group ids" }, \
	{ .kind = CT_OPTION_HEADING, .help = "Security" }, \
	{ "cap-add", 0, CT_OPTION_LIST, "CAP", OPTION(cap_add), "Add a capability, or ALL" }, \
	{ "cap-drop", 0, CT_OPTION_LIST, "CAP", OPTION(cap_drop), "Drop a capability, or ALL" }, \
	{ "privileged", 0, CT_OPTION_BOOL, NULL, OPTION(privileged), \
	  "All capabilities, no masked paths, no system call filter; still your own rights only" }, \
	{ "security-opt", 0, CT_OPTION_LIST, "OPTION", OPTION(security_opt), \
	  "no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATH:..., unmask=PATH:... or " \
	  "unmask=ALL" }, \
	{ "sysctl", 0, CT_OPTION_LIST, "NAME=VALUE", OPTION(sysctl), \
	  "Set a kernel parameter of the container's own namespaces" }

/* What it may use up, and where that is counted "update" has the first row, too, which is why the
 * resources are a table of their own. */
#define CT_RUN_LIMITS \
	CT_RESOURCE_OPTIONS(OPTION(resources)), \
	{ "cgroups", 0, CT_OPTION_STRING, "MODE", OPTION(cgroups), \
	  "Mode: enabled (a cgroup or an error), disabled, no-monitor (the monitor stays where we are) or " \
	  "best-effort (limits that cannot be had are left out); default: a cgroup where there can " \
	  "be one, and an error for limits that cannot be had" }, \
	{ "cgroup-parent", 0, CT_OPTION_STRING, "PATH", OPTION(cgroup_parent), \
	  "Make the container's cgroup in PATH, below what is delegated to you" }, \
	{ "device-cgroup-rule", 0, CT_OPTION_LIST, "RULE", OPTION(device_cgroup_rule), \
	  "Allow the use of devices: \"c 1:3 rwm\" (root only)" }

#endif
