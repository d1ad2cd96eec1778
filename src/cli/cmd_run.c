/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach run: its options, which are docker's as far as they exist yet, and what can be checked
 * on them alone. What they mean is src/container's business (struct ct_run_options); following
 * the container in the foreground is run_execute.c's.
 *
 * Runs in the command's own process, before anything is created.
 */
#include "cli.h"

#include <errno.h>

#define OPTION(member) offsetof(struct ct_run_options, member)

static const struct ct_option run_table[] = {
	{ .kind = CT_OPTION_HEADING, .help = "What to run" },
	{ "bundle", 'b', CT_OPTION_STRING, "DIR", OPTION(bundle),
	  "Run the bundle in DIR; the first operand is then the command" },
	{ "rootfs", 0, CT_OPTION_STRING, "DIR[:O]", OPTION(rootfs),
	  "Run in the root file system DIR; :O puts a throwaway overlay on it. The first operand "
	  "is then the command" },
	{ "name", 0, CT_OPTION_STRING, "NAME", OPTION(name),
	  "Name of the container; two random words if not given" },
	{ "detach", 'd', CT_OPTION_BOOL, NULL, OPTION(detach),
	  "Run in the background and print the id of the container" },
	{ "rm", 0, CT_OPTION_BOOL, NULL, OPTION(remove), "Remove the container when it ends" },
	{ "cidfile", 0, CT_OPTION_STRING, "FILE", OPTION(cidfile),
	  "Write the id of the container to FILE, which must not exist" },
	{ "pidfile", 0, CT_OPTION_STRING, "FILE", OPTION(pidfile),
	  "Write the pid of the command, as the host sees it, to FILE" },
	{ "label", 'l', CT_OPTION_LIST, "KEY[=VALUE]", OPTION(label),
	  "Attach a label to the container" },
	{ "annotation", 0, CT_OPTION_LIST, "KEY=VALUE", OPTION(annotation),
	  "Add an annotation to the configuration" },

	{ .kind = CT_OPTION_HEADING, .help = "Terminal and signals" },
	{ "interactive", 'i', CT_OPTION_BOOL, NULL, OPTION(interactive),
	  "Give standard input to the command" },
	{ "tty", 't', CT_OPTION_BOOL, NULL, OPTION(tty), "Give the command a terminal" },
	{ "sig-proxy", 0, CT_OPTION_BOOL, "BOOL", OPTION(sig_proxy),
	  "Pass signals on to the command (default true)" },
	{ "detach-keys", 0, CT_OPTION_STRING, "KEYS", OPTION(detach_keys),
	  "Keys that detach from the terminal (default ctrl-p,ctrl-q; empty for none)" },
	{ "stop-signal", 0, CT_OPTION_STRING, "SIGNAL", OPTION(stop_signal),
	  "Signal that \"cattach stop\" sends (default TERM)" },
	{ "stop-timeout", 0, CT_OPTION_STRING, "SECONDS", OPTION(stop_timeout),
	  "Seconds from that signal to KILL (default 10, -1 for ever)" },
	{ "preserve-fds", 0, CT_OPTION_STRING, "N", OPTION(preserve_fds),
	  "Give N more descriptors, from 3 on, to the command" },

	{ .kind = CT_OPTION_HEADING, .help = "Process" },
	{ "env", 'e', CT_OPTION_LIST, "NAME[=VALUE]", OPTION(env),
	  "Set an environment variable; without a value take ours" },
	{ "env-file", 0, CT_OPTION_LIST, "FILE", OPTION(env_file),
	  "Set environment variables from the lines of FILE" },
	{ "workdir", 'w', CT_OPTION_STRING, "DIR", OPTION(workdir), "Start in DIR" },
	{ "user", 'u', CT_OPTION_STRING, "USER[:GROUP]", OPTION(user),
	  "Run as a user of the container, by name or number" },
	{ "group-add", 0, CT_OPTION_LIST, "GROUP", OPTION(group_add), "Add a supplementary group" },
	{ "entrypoint", 0, CT_OPTION_STRING, "COMMAND", OPTION(entrypoint),
	  "Put COMMAND before the arguments; empty clears what the bundle has" },
	{ "init", 0, CT_OPTION_BOOL, NULL, OPTION(init),
	  "Run a small init as pid 1, which forwards signals and reaps" },
	{ "hostname", 'h', CT_OPTION_STRING, "NAME", OPTION(hostname),
	  "Host name in the container (default the short id)" },
	{ "ulimit", 0, CT_OPTION_LIST, "TYPE=SOFT[:HARD]", OPTION(ulimit), "Set a resource limit" },
	{ "umask", 0, CT_OPTION_STRING, "MODE", OPTION(umask), "File mode creation mask, in octal" },
	{ "oom-score-adj", 0, CT_OPTION_STRING, "N", OPTION(oom_score_adj),
	  "How likely the command is killed when memory runs out, -1000 to 1000" },

	{ .kind = CT_OPTION_HEADING, .help = "File systems" },
	{ "volume", 'v', CT_OPTION_LIST, "SOURCE:DEST[:OPTIONS]", OPTION(volume),
	  "Bind a file or directory of the host" },
	{ "mount", 0, CT_OPTION_LIST, "KEY=VALUE,...", OPTION(mount),
	  "Mount a bind or tmpfs: type=bind,source=/a,target=/b,readonly" },
	{ "tmpfs", 0, CT_OPTION_LIST, "DEST[:OPTIONS]", OPTION(tmpfs), "Mount a tmpfs" },
	{ "read-only", 0, CT_OPTION_BOOL, NULL, OPTION(read_only),
	  "Make the root file system read-only" },
	{ "shm-size", 0, CT_OPTION_STRING, "SIZE", OPTION(shm_size), "Size of /dev/shm" },
	{ "device", 0, CT_OPTION_LIST, "HOST[:DEST[:MODE]]", OPTION(device),
	  "Give a device of the host to the container" },

	{ .kind = CT_OPTION_HEADING, .help = "Namespaces" },
	{ "network", 0, CT_OPTION_STRING, "none|host", OPTION(network),
	  "Network of the container (default none: only lo, which is up)" },
	{ "net", 0, CT_OPTION_STRING, "none|host", OPTION(network), NULL },
	{ "pid", 0, CT_OPTION_STRING, "private|host", OPTION(pid), "PID namespace" },
	{ "ipc", 0, CT_OPTION_STRING, "private|host", OPTION(ipc), "IPC namespace" },
	{ "uts", 0, CT_OPTION_STRING, "private|host", OPTION(uts), "UTS namespace (host name)" },
	{ "cgroupns", 0, CT_OPTION_STRING, "private|host", OPTION(cgroupns), "Cgroup namespace" },
	{ "userns", 0, CT_OPTION_STRING, "MODE", OPTION(userns),
	  "How ids are mapped: host (you are root inside), keep-id (you stay yourself) or nomap "
	  "(you are not mapped)" },
	{ "uidmap", 0, CT_OPTION_LIST, "INSIDE:HOST:SIZE", OPTION(uidmap), "Map user ids" },
	{ "gidmap", 0, CT_OPTION_LIST, "INSIDE:HOST:SIZE", OPTION(gidmap), "Map group ids" },

	{ .kind = CT_OPTION_HEADING, .help = "Security" },
	{ "cap-add", 0, CT_OPTION_LIST, "CAP", OPTION(cap_add), "Add a capability, or ALL" },
	{ "cap-drop", 0, CT_OPTION_LIST, "CAP", OPTION(cap_drop), "Drop a capability, or ALL" },
	{ "privileged", 0, CT_OPTION_BOOL, NULL, OPTION(privileged),
	  "All capabilities, no masked paths, no system call filter; still your own rights only" },
	{ "security-opt", 0, CT_OPTION_LIST, "OPTION", OPTION(security_opt),
	  "no-new-privileges, seccomp=FILE, seccomp=unconfined, mask=PATH:..., unmask=PATH:... or "
	  "unmask=ALL" },
	{ "sysctl", 0, CT_OPTION_LIST, "NAME=VALUE", OPTION(sysctl),
	  "Set a kernel parameter of the container's own namespaces" },
	{ 0 },
};

static const struct ct_run_options run_defaults = { .sig_proxy = true };

/* The operands after the first skip ones are the command. */
static void take_command(struct ct_run_options *options, const struct ct_strings *operands,
			 size_t skip)
{
	if (operands->count <= skip)
		return;
	options->command.items = operands->items + skip;
	options->command.count = operands->count - skip;
}

static int run_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_run_options options = *(const struct ct_run_options *)call->options;
	const struct ct_strings *operands = &call->operands;
	bool named = options.bundle || options.rootfs;

	if (options.bundle && options.rootfs) {
		ct_fail(err, EINVAL, "--bundle and --rootfs exclude each other");
		return ct_hint(err, "a bundle names its own root file system");
	}
	if (!named && !operands->count) {
		ct_fail(err, EINVAL, "run needs a BUNDLE or ROOTFS");
		return ct_hint(err, "usage: cattach run %s", call->verb->synopsis);
	}
	if (!named)
		options.operand = operands->items[0];
	/* --entrypoint "" is a wish, too: to clear what the bundle has */
	options.has_entrypoint = options.entrypoint != NULL;
	take_command(&options, operands, named ? 0 : 1);
	return cmd_run_execute(&options, call->arena, err);
}

const struct ct_verb ct_verb_run = {
	.name = "run",
	.summary = "Run a command in a new container",
	.synopsis = "[OPTIONS] BUNDLE|ROOTFS [COMMAND [ARG...]]",
	.description =
		"BUNDLE is a directory with a config.json, ROOTFS another directory, which becomes the "
		"root of the container; ROOTFS:O puts a throwaway overlay on it. In a ROOTFS without "
		"COMMAND a shell is started.\n\n"
		"The exit code is that of COMMAND; 125 when the container could not be started, 126 "
		"when COMMAND cannot be executed, 127 when it was not found, 128 + N when signal N "
		"ended it. What follows BUNDLE or ROOTFS is never taken for an option.",
	.examples =
		"cattach run --rm -it --rootfs /:O sh\tA shell in a disposable copy of this machine\n"
		"cattach run -d --name web ./bundle\tThe bundle's own command, in the background\n"
		"cattach run --rm -v ~/src:/src ./rootfs make -C /src\tA build in another system",
	.options = run_table,
	.defaults = &run_defaults,
	.options_size = sizeof(struct ct_run_options),
	.operand = "BUNDLE or ROOTFS",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.handler = run_handler,
};
