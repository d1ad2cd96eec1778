/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci exec: another process in a container, for a caller who watches it.
 *
 * Runs in the command with the caller's rights; the process has the caller's descriptors 0, 1 and 2, or a
 * terminal whose master goes to --console-socket. In the foreground it is followed (oci_follow.c) and
 * the exit code is the process's; with --detach it is left to whoever is our subreaper. May fail: a
 * container that does not run; 255 when the command could not be started.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/exec.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/json.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#include "cli.h"
#include "oci.h"
#include "oci_follow.h"
#include "preserve_fds.h"

struct exec_options {
	const char *process, *pid_file, *console_socket, *pidfd_socket, *preserve_fds;
	const char *user, *cwd, *apparmor, *label, *cgroup;
	struct ct_strings env, cap, gids;
	bool detach, tty, no_new_privs, ignore_paused;
};

#define OPTION(member) offsetof(struct exec_options, member)

static const struct ct_option exec_table[] = {
	{ "process", 'p', CT_OPTION_STRING, "FILE", OPTION(process), "What to run, as JSON" },
	{ "detach", 'd', CT_OPTION_BOOL, NULL, OPTION(detach), "Do not wait for its end" },
	{ "tty", 't', CT_OPTION_BOOL, NULL, OPTION(tty), "Give it a terminal" },
	{ "pid-file", 0, CT_OPTION_STRING, "FILE", OPTION(pid_file), "Gets its pid" },
	{ "console-socket", 0, CT_OPTION_STRING, "PATH", OPTION(console_socket),
	  "Where the master of the terminal is sent to" },
	{ "pidfd-socket", 0, CT_OPTION_STRING, "PATH", OPTION(pidfd_socket),
	  "Where a pidfd of it is sent to" },
	{ "preserve-fds", 0, CT_OPTION_STRING, "N", OPTION(preserve_fds), "Descriptors 3... that it keeps" },
	{ "user", 'u', CT_OPTION_STRING, "UID[:GID]", OPTION(user), "Who it is" },
	{ "cwd", 0, CT_OPTION_STRING, "DIR", OPTION(cwd), "Its working directory" },
	{ "env", 'e', CT_OPTION_LIST, "NAME=VALUE", OPTION(env), "A variable of its environment" },
	{ "cap", 'c', CT_OPTION_LIST, "CAP", OPTION(cap), "A capability more" },
	{ "additional-gids", 'g', CT_OPTION_LIST, "GID", OPTION(gids), "A group more" },
	{ "cgroup", 0, CT_OPTION_STRING, "PATH", OPTION(cgroup), "A cgroup below the container's" },
	{ "apparmor", 0, CT_OPTION_STRING, "PROFILE", OPTION(apparmor), "Its AppArmor profile" },
	{ "process-label", 0, CT_OPTION_STRING, "LABEL", OPTION(label), "Its SELinux label" },
	{ "no-new-privs", 0, CT_OPTION_BOOL, NULL, OPTION(no_new_privs), "It gets no privileges by executing" },
	{ "ignore-paused", 0, CT_OPTION_BOOL, NULL, OPTION(ignore_paused), NULL },
	{ 0 },
};

static int read_process(struct ct_arena *arena, const char *path, struct ct_spec_process **ret,
			struct ct_err *err)
{
	int ct_autofd fd = openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	const char *text;
	size_t size;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	/* <(command) of a shell is a pipe. */
	if (ct_read_stream(arena, fd, CT_JSON_MAX_SIZE, &text, &size, err) < 0)
		return ct_wrap(err, "%s", path);
	return ct_spec_parse_process(arena, path, text, size, ret, err);
}

/* Some callers say --tty as well, others leave it to the file. */
static int take_process(const struct oci_call *call, struct ct_exec *exec, struct ct_err *err)
{
	const struct exec_options *o = call->options;
	struct ct_spec_process *process = NULL;
	int r = read_process(call->arena, o->process, &process, err);

	if (r < 0 || !process)
		return r;
	process->terminal = process->terminal || o->tty;
	return ct_exec_take_process(exec, call->arena, process, err);
}

static int add_groups(const struct ct_strings *list, struct ct_arena *arena,
		      struct ct_spec_process *process, struct ct_err *err)
{
	size_t count = process->additional_gid_count;
	uint32_t *all = ct_arena_calloc(arena, count + list->count + 1, sizeof(*all));

	if (!all)
		return ct_fail_nomem(err);
	if (count)
		memcpy(all, process->additional_gids, count * sizeof(*all));
	for (size_t i = 0; i < list->count; i++) {
		uint64_t gid = 0;

		if (ct_parse_u64(list->items[i], 0, UINT32_MAX - 1, &gid, err) < 0)
			return ct_wrap(err, "--additional-gids");
		all[count++] = (uint32_t)gid;
	}
	process->additional_gids = all;
	process->additional_gid_count = count;
	return 0;
}

/* Of a user who is not root only what is inheritable and ambient, too, outlives the execve. */
static int add_caps(const struct ct_strings *list, struct ct_arena *arena, struct ct_spec_process *process,
		    struct ct_err *err)
{
	struct ct_spec_capabilities *sets = &process->capabilities;

	for (size_t i = 0; process->uid != 0 && i < list->count; i++)
		if (ct_strings_add(arena, &sets->inheritable, list->items[i]) < 0 ||
		    ct_strings_add(arena, &sets->ambient, list->items[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

/* The errors of the other face's exec, in the words of this one's options. */
static int rename_option(struct ct_err *err)
{
	static const char *const names[][2] = { { "--cap-add", "--cap" }, { "--workdir", "--cwd" } };

	for (size_t i = 0; i < 2; i++)
		if (!strcmp(err->where, names[i][0]))
			snprintf(err->where, sizeof(err->where), "%s", names[i][1]);
	return -err->code;
}

/* What the other face's exec has no option for. */
static int change_process(const struct exec_options *o, struct ct_arena *arena,
			  struct ct_spec_process *process, struct ct_err *err)
{
	if (o->no_new_privs)
		process->no_new_privileges = true;
	if (o->apparmor)
		process->apparmor_profile = o->apparmor;
	if (o->label)
		process->selinux_label = o->label;
	if (o->gids.count && add_groups(&o->gids, arena, process, err) < 0)
		return -err->code;
	return add_caps(&o->cap, arena, process, err);
}

static int choose_process(const struct oci_call *call, struct ct_exec *exec, struct ct_err *err)
{
	const struct exec_options *o = call->options;
	const struct ct_exec_options options = {
		.command = { .items = call->operands.items + 1, .count = call->operands.count - 1 },
		.tty = o->tty, .user = o->user, .workdir = o->cwd, .env = o->env, .cap_add = o->cap,
	};
	int r;

	if (o->process)
		return take_process(call, exec, err);
	if (!options.command.count)
		return ct_fail(err, EINVAL, "exec: neither --process nor a command is given");
	r = ct_exec_process(exec, call->arena, &options, err);
	return r < 0 ? rename_option(err) : change_process(o, call->arena, exec->spec->process, err);
}

/* Whoever watches it gets what it needs for that. */
static int hand_over(const struct exec_options *o, struct ct_ns_started *started, struct ct_err *err)
{
	if (started->terminal >= 0 && o->console_socket &&
	    ct_runtime_hand_over(o->console_socket, started->terminal, "/dev/ptmx", err) < 0)
		return ct_wrap(err, "--console-socket");
	if (o->console_socket)
		ct_drop_fd(&started->terminal);
	if (o->pidfd_socket && ct_runtime_hand_over(o->pidfd_socket, started->pidfd, "pidfd", err) < 0)
		return ct_wrap(err, "--pidfd-socket");
	return o->pid_file ? ct_runtime_write_pid(o->pid_file, started->pid, err) : 0;
}

static int check(const struct exec_options *o, const struct ct_exec *exec, struct ct_err *err)
{
	if (!exec->spec->process->terminal || o->console_socket || !o->detach)
		return 0;
	ct_fail(err, EINVAL, "a terminal that nobody here is going to look at needs --console-socket");
	return ct_hint(err, "or leave out --detach, or --tty and \"terminal\"");
}

static int plan(const struct oci_call *call, struct ct_store *store, struct ct_exec *exec,
		unsigned preserve_fds, struct ct_err *err)
{
	const struct exec_options *o = call->options;
	int r = choose_process(call, exec, err);

	if (r == 0)
		r = check(o, exec, err);
	if (r == 0 && o->cgroup && ct_exec_choose_cgroup(exec, o->cgroup, err) < 0)
		return ct_wrap(err, "--cgroup");
	return r < 0 ? r : ct_exec_plan(exec, store, call->arena, preserve_fds, o->detach, err);
}

static int fail_started(struct ct_ns_started *started, struct ct_err *err)
{
	struct ct_exit status;

	ct_pidfd_signal(started->pidfd, SIGKILL);
	ct_pidfd_wait(started->pidfd, &status);
	ct_drop_fd(&started->terminal);
	ct_drop_fd(&started->pidfd);
	return -err->code;
}

static void choose_size(const struct ct_spec_process *process, struct ct_ns_stdio *stdio)
{
	if (!process->console_height || !process->console_width)
		return;
	stdio->rows = process->console_height;
	stdio->columns = process->console_width;
}

static int spawn_detached(const struct exec_options *o, struct ct_exec *exec, struct ct_err *err)
{
	struct ct_ns_stdio stdio = { .fd = { 0, 1, 2 } };
	struct ct_ns_started started;

	choose_size(exec->spec->process, &stdio);
	if (ct_exec_spawn(exec, &stdio, &started, err) < 0)
		return -err->code;
	if (hand_over(o, &started, err) < 0)
		return fail_started(&started, err);
	ct_fd_close(started.pidfd);
	return 0;
}

static int spawn_attended(const struct exec_options *o, struct ct_exec *exec, struct oci_follow *f,
			  struct ct_err *err)
{
	struct ct_ns_started started;
	struct ct_ns_stdio stdio;
	int terminal, code;

	if (oci_follow_open(f, &stdio, err) < 0)
		return -err->code;
	choose_size(exec->spec->process, &stdio);
	if (ct_exec_spawn(exec, &stdio, &started, err) < 0)
		return -err->code;
	if (hand_over(o, &started, err) < 0)
		return fail_started(&started, err);
	terminal = ct_take_fd(&started.terminal);
	if (oci_follow_start(f, terminal, err) < 0) {
		if (o->pid_file)
			unlink(o->pid_file);
		return fail_started(&started, err);
	}
	code = oci_follow_wait(f, started.pidfd);
	ct_fd_close(started.pidfd);
	return code;
}

static int spawn(const struct oci_call *call, struct ct_exec *exec, struct ct_err *err)
{
	const struct exec_options *o = call->options;
	struct oci_follow oci_autofollow follow;

	oci_follow_init(&follow);
	return o->detach ? spawn_detached(o, exec, err) : spawn_attended(o, exec, &follow, err);
}

/* Or one of the other face: by name or id, where no root says that it must be of this one. */
static int find(const struct oci_call *call, struct ct_store *store, struct ct_container *c,
		struct ct_err *err)
{
	struct ct_store ct_autostore own = CT_STORE_INIT;
	struct ct_err other = { 0 };
	int r = oci_find(call, store, c, err);

	if (r != -ENOENT || call->globals->root || ct_store_open(&own, &other) < 0 ||
	    ct_container_find(&own, call->arena, call->operands.items[0], c, &other) < 0)
		return r;
	ct_store_close(store);
	*store = own;
	own = (struct ct_store)CT_STORE_INIT;
	return 0;
}

static int exec_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_exec ct_autoexec exec = CT_EXEC_INIT;
	const struct exec_options *o = call->options;
	unsigned preserve_fds;

	/* Before anything of ours is open: who is in the container must not get that. */
	if (ct_preserve_fds(o->preserve_fds, &preserve_fds, err) < 0 || find(call, &store, &c, err) < 0)
		return -err->code;
	if (c.state == CT_STATE_STOPPED)
		return ct_fail(err, ESRCH, "container not running: cannot execute in %s, which is stopped",
			       call->operands.items[0]);
	if (ct_exec_open(&store, call->arena, &c, &exec, err) < 0 ||
	    plan(call, &store, &exec, preserve_fds, err) < 0)
		return -err->code;
	return spawn(call, &exec, err);
}

const struct oci_command oci_exec = {
	.name = "exec", .synopsis = "[OPTIONS] ID [COMMAND [ARG...]]",
	.summary = "Run another process in a container",
	.options = exec_table, .options_size = sizeof(struct exec_options),
	.min_operands = 1, .max_operands = CT_OPERANDS_ANY, .stop_at_operand = true,
	.failed = OCI_EXIT_NOT_STARTED, .handler = exec_handler,
};
