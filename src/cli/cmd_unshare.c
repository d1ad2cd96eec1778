/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach unshare: a program of the host as root of a user namespace with the id maps that "run"
 * has by default, for files that belong to subordinate ids.
 *
 * Runs in the command's own process, which becomes the program: so the terminal, the signals and
 * the exit code are the program's own. It gets the capabilities of its namespace, none of the
 * host's. Fails as root, where user namespaces are refused, and like a shell when the program is
 * missing (127) or cannot be executed (126).
 *
 *    we                     a helper that is forked
 *    unshare(CLONE_NEWUSER)
 *                     ----> newuidmap, newgidmap: subordinate ids, /etc/subuid
 *    unshare(CLONE_NEWNS)
 *    execvp(COMMAND)        same pid, same terminal, same parent
 *
 * What "podman unshare" is for: files that a container has made belong to ids that the user cannot
 * name outside, and cannot remove.
 */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/idmap.h>
#include <cattach/log.h>
#include <cattach/ns.h>
#include <cattach/proc.h>

struct unshare_options {
	bool rootless_netns;
};

static const struct ct_option unshare_table[] = {
	{ "rootless-netns", 0, CT_OPTION_BOOL, "no", offsetof(struct unshare_options, rootless_netns),
	  "Containers share no network namespace that one could join: only \"no\"" },
	{ 0 },
};

/* One map, in the form that it is written in. ct_ns_unshare() takes it as a start would have it in
 * its plan. */
static int choose_map(struct ct_arena *arena, const struct ct_id_caller *caller,
		      enum ct_id_kind kind, struct ct_plan_ids *ids, struct ct_err *err)
{
	struct ct_id_map map = { 0 };

	if (ct_id_map_default(arena, caller, kind, 0, &map, err) < 0)
		return -err->code;
	ids->items = ct_arena_calloc(arena, map.count, sizeof(*ids->items));
	if (!ids->items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < map.count; i++)
		ids->items[i] = (struct ct_plan_id){
			.inside = map.lines[i].container_id,
			.outside = map.lines[i].host_id,
			.count = map.lines[i].size,
		};
	ids->count = map.count;
	return 0;
}

static int go(struct ct_arena *arena, struct ct_err *err)
{
	struct ct_plan_ids uids = { 0 }, gids = { 0 };
	struct ct_id_caller caller;

	if (ct_id_caller_load(arena, NULL, &caller, err) < 0 ||
	    choose_map(arena, &caller, CT_ID_USER, &uids, err) < 0 ||
	    choose_map(arena, &caller, CT_ID_GROUP, &gids, err) < 0)
		return -err->code;
	/* It goes on: files of one's own are there, and nothing more is needed for many uses. */
	if (!ct_id_caller_has_ranges(&caller))
		ct_warn("only one user id is mapped: %s (see cattach info)",
			ct_id_caller_lacks(&caller, arena));
	/* A mount namespace, too, so that what the program mounts as root goes with it. */
	return ct_ns_unshare(&uids, &gids, CLONE_NEWNS, err);
}

/* Is a program of this name anywhere in PATH? A directory there that we may not search makes
 * execvp(3) say "permission denied" of a program that nobody has. */
static bool is_in_path(const char *name)
{
	const char *path = getenv("PATH");

	if (strchr(name, '/'))
		return true;
	while (path && *path) {
		size_t length = strcspn(path, ":");
		char file[4096];

		if ((size_t)snprintf(file, sizeof(file), "%.*s/%s", (int)length, path, name) <
			    sizeof(file) && access(file, F_OK) == 0)
			return true;
		path += length + (path[length] == ':');
	}
	return false;
}

/* Without a command the user's shell, as podman has it. 126 and 127 are what a shell would say, 125
 * everything before. */
static int execute(const struct ct_strings *words, struct ct_err *err)
{
	const char *shell = getenv("SHELL");
	const char *fallback[] = { shell && *shell ? shell : "/bin/sh", NULL };
	const char *const *argv = words->count ? words->items : fallback;

	/* What we ignore is ours to ignore; what our caller does (nohup) is the command's, too. */
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], (char *const *)argv);
	ct_fail_errno(err, is_in_path(argv[0]) ? errno : ENOENT, "cannot execute %s", argv[0]);
	return ct_exit_with(err, err->code == ENOENT ? CT_EXIT_NOT_FOUND : CT_EXIT_NOT_EXECUTABLE);
}

static int unshare_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct unshare_options *options = call->options;

	if (options->rootless_netns) {
		ct_fail(err, EINVAL, "there is no network namespace that containers share");
		ct_hint(err, "cattach exec runs a command in that of one container");
		return ct_wrap(err, "--rootless-netns");
	}
	/* Root of the host has the rights already, and a namespace with all ids mapped would only
	 * take some away. */
	if (geteuid() == 0) {
		ct_fail(err, EPERM, "unshare is for users who are not root");
		return ct_hint(err,
			       "root may do to files of any owner what is to be done, without it");
	}
	if (go(call->arena, err) < 0)
		return -err->code;
	return execute(&call->operands, err);
}

const struct ct_verb ct_verb_unshare = {
	.name = "unshare",
	.summary = "Run a command as root of this user's subordinate ids",
	.synopsis = "[OPTIONS] [COMMAND [ARG...]]",
	.description =
		"COMMAND (default: $SHELL) is a program of this host. It runs in a user namespace with "
		"the id maps that \"cattach run\" has by default, and a mount namespace of its own: as "
		"root of the caller's files and of those that containers made with subordinate ids, "
		"and of nothing else. Its exit code is that of cattach; 125, 126 and 127 as with run.",
	.examples = "cattach unshare rm -rf old-rootfs\tRemove what containers own\n"
		    "cattach unshare cat /proc/self/uid_map\tLook at the id map",
	.options = unshare_table,
	.options_size = sizeof(struct unshare_options),
	.operand = "COMMAND",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.handler = unshare_handler,
};
