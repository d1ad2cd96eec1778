/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exec runs: the process of the container's configuration, changed by options.
 *
 * Runs in the command, as the user, before anything is made. Capabilities, limits, labels and
 * no_new_privs stay those of the container, so that exec is no way around them; scheduling and
 * what belongs to the payload alone do not. Users and groups are looked up in the container's own
 * files, as they are now, through its root: read as data, bounded, never followed out of it.
 *
 * What may fail: names that are not there, texts that name no variable or no capability.
 */
#include <cattach/exec.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "environ.h"
#include "run_parts.h"

/* ---- who ---- */

static int choose_user(const struct ct_exec *exec, struct ct_arena *arena,
		       const struct ct_exec_options *options, const char **ret_home,
		       struct ct_err *err)
{
	struct ct_spec_process *process = exec->spec->process;
	struct ct_user user = { 0 };

	*ret_home = NULL;
	if (!options->user)
		return 0;
	if (ct_user_lookup(arena, exec->places.fd[CT_PLACE_ROOT], options->user, &user, err) < 0)
		return ct_wrap(err, "--user");
	process->keep_groups = false;
	process->uid = user.uid;
	process->gid = user.gid;
	process->additional_gids = user.groups;
	process->additional_gid_count = user.group_count;
	*ret_home = user.home;
	return 0;
}

/* ---- environment ---- */

static int set_home(struct ct_environ *environment, const char *home)
{
	const char *text = ct_arena_printf(environment->arena, "HOME=%s", home);

	return text ? ct_environ_set(environment, text) : -ENOMEM;
}

/* The container's, with what the user and the terminal are. */
static int start_environ(const struct ct_exec *exec, const struct ct_exec_options *options,
			 const char *home, struct ct_environ *environment)
{
	const struct ct_strings *config = &exec->spec->process->env;
	int r = 0;

	for (size_t i = 0; r == 0 && i < config->count; i++)
		if (*config->items[i] != '=' && strchr(config->items[i], '='))
			r = ct_environ_set(environment, config->items[i]);
	if (r == 0 && home)
		r = set_home(environment, home);
	if (r == 0 && options->tty && !ct_environ_get(environment, "TERM"))
		r = ct_environ_set(environment, "TERM=xterm");
	return r;
}

/* Where nobody has said what HOME is, or that it is nothing: what the container's /etc/passwd says. */
static int finish_environ(struct ct_exec *exec, struct ct_environ *environment, struct ct_err *err)
{
	const char *home = ct_environ_get(environment, "HOME");
	const struct ct_spec_process *process = exec->spec->process;
	struct ct_user user = { .home = "/" };
	struct ct_err ignored;
	char text[32];

	if (!home || !*home) {
		snprintf(text, sizeof(text), "%u:%u", process->uid, process->gid);
		if (ct_user_lookup(environment->arena, exec->places.fd[CT_PLACE_ROOT], text, &user,
				   &ignored) < 0)
			user.home = "/";
		if (set_home(environment, user.home) < 0)
			return ct_fail_nomem(err);
	}
	exec->spec->process->env.items = environment->items;
	exec->spec->process->env.count = environment->count;
	return 0;
}

static int choose_environ(struct ct_exec *exec, struct ct_arena *arena,
			  const struct ct_exec_options *options, const char *home,
			  struct ct_err *err)
{
	struct ct_environ environment = { .arena = arena };

	if (start_environ(exec, options, home, &environment) < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < options->env_file.count; i++)
		if (ct_environ_file(&environment, options->env_file.items[i], err) < 0)
			return ct_wrap(err, "--env-file");
	for (size_t i = 0; i < options->env.count; i++)
		if (ct_environ_option(&environment, options->env.items[i], err) < 0)
			return ct_wrap(err, "--env");
	return finish_environ(exec, &environment, err);
}

/* ---- the rest ---- */

static int choose_workdir(struct ct_exec *exec, const struct ct_exec_options *options,
			  struct ct_err *err)
{
	if (!options->workdir)
		return 0;
	if (*options->workdir != '/') {
		ct_fail(err, EINVAL, "must be an absolute path, not \"%s\"", options->workdir);
		return ct_wrap(err, "--workdir");
	}
	exec->spec->process->cwd = options->workdir;
	return 0;
}

static int choose_caps(struct ct_exec *exec, struct ct_arena *arena,
		       const struct ct_exec_options *options, struct ct_err *err)
{
	const struct ct_run_options changes = {
		.privileged = options->privileged,
		.cap_add = options->cap_add,
		.cap_drop = options->cap_drop,
	};
	struct ct_meta ignored = { 0 };
	struct ct_run run = {
		.options = &changes, .arena = arena, .spec = exec->spec, .meta = &ignored, .rootfs = -1,
	};

	return ct_run_caps(&run, err);
}

/* What the configuration says about the payload, and about nobody else. */
static void forget_payload(struct ct_spec_process *process)
{
	process->console_height = process->console_width = 0;
	process->has_scheduler = false;
	process->io_class = NULL;
}

int ct_exec_process(struct ct_exec *exec, struct ct_arena *arena,
		    const struct ct_exec_options *options, struct ct_err *err)
{
	struct ct_spec_process *process = exec->spec->process;
	const char *home;
	int r;

	forget_payload(process);
	process->args = options->command;
	process->terminal = options->tty;
	r = choose_user(exec, arena, options, &home, err);
	if (r == 0)
		r = choose_environ(exec, arena, options, home, err);
	if (r == 0)
		r = choose_workdir(exec, options, err);
	return r < 0 ? r : choose_caps(exec, arena, options, err);
}

int ct_exec_take_process(struct ct_exec *exec, struct ct_arena *arena, struct ct_spec_process *process,
			 struct ct_err *err)
{
	const struct ct_spec_process *own = exec->spec->process;
	struct ct_environ environment = { .arena = arena };

	/* Nothing, where the container has no process. */
	static const struct ct_spec_process none;

	if (!own)
		own = &none;
	if (!process->has_capabilities) {
		process->has_capabilities = own->has_capabilities;
		process->capabilities = own->capabilities;
	}
	if (!process->rlimit_count) {
		process->rlimits = own->rlimits;
		process->rlimit_count = own->rlimit_count;
	}
	if (!process->has_umask) {
		process->has_umask = own->has_umask;
		process->umask = own->umask;
	}
	if (!process->has_oom_score_adj) {
		process->has_oom_score_adj = own->has_oom_score_adj;
		process->oom_score_adj = own->oom_score_adj;
	}
	if (!process->apparmor_profile)
		process->apparmor_profile = own->apparmor_profile;
	if (!process->selinux_label)
		process->selinux_label = own->selinux_label;
	exec->spec->process = process;
	for (size_t i = 0; i < process->env.count; i++)
		if (ct_environ_set(&environment, process->env.items[i]) < 0)
			return ct_fail_nomem(err);
	return finish_environ(exec, &environment, err);
}
