/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ct_run_prepare(): from the options of run to a complete spec and the record of the container.
 *
 * Runs in the command with the caller's rights. Nothing is created, on disk or in the kernel: all
 * that can be wrong with a request shows here, where there is nothing to clean up. The parts are
 * in the other run_*.c files, their order is the order in which they need each other: the user
 * decides on the id maps of a single id, the maps on the groups, the user's home is part of the
 * environment, the namespaces decide on mounts, and the capabilities on the system call profile.
 *
 * May fail with whatever a part says; where names the option or the place in config.json.
 */
#include "run_parts.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/encode.h>
#include <cattach/fd.h>
#include <cattach/num.h>

/* "cattach exec ls web" lists: no container can be called like what exec does to sessions. */
static int check_name(const char *name, struct ct_err *err)
{
	static const char *const taken[] = { "ls", "kill", "wait", "rm", "attach", "logs" };

	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
		if (strcmp(name, taken[i]) != 0)
			continue;
		ct_fail(err, EINVAL,
			"\"%s\" cannot be the name of a container: \"cattach exec %s\" "
			"is a command",
			name, name);
		return ct_hint(err, "choose another name");
	}
	return ct_check_name(name, err);
}

/* Files of ours must not take the place of others; checked again when they are written. */
static int check_files(const struct ct_run *run, struct ct_err *err)
{
	const char *cidfile = run->options->cidfile;
	struct stat st;

	if (cidfile && lstat(cidfile, &st) == 0) {
		ct_fail(err, EEXIST, "%s exists already", cidfile);
		ct_hint(err, "remove it, or choose another file");
		return ct_wrap(err, "--cidfile");
	}
	if (run->options->name && check_name(run->options->name, err) < 0)
		return ct_wrap(err, "--name");
	return 0;
}

/* How it was made: for those who make one like it ("generate systemd --new"). What JSON cannot say
 * is left out, and with it everything. */
static int note_command(struct ct_run *run, struct ct_err *err)
{
	const struct ct_strings *words = &run->options->create_command;
	char path[PATH_MAX];

	for (size_t i = 0; i < words->count; i++)
		if (!ct_is_utf8(words->items[i], strlen(words->items[i])))
			return 0;
	run->meta->create_command = *words;
	if (!getcwd(path, sizeof(path)) || *path != '/' || !ct_is_utf8(path, strlen(path)))
		return 0;
	run->meta->create_directory = ct_arena_strdup(run->arena, path);
	return run->meta->create_directory ? 0 : ct_fail_nomem(err);
}

/* The part of the record that is the options themselves. */
static int fill_meta(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	struct ct_meta *meta = run->meta;

	meta->name = options->name;
	meta->tty = run->spec->process->terminal;
	meta->remove = options->remove;
	meta->detach = options->detach;
	meta->init = options->init;
	meta->pidfile = options->pidfile;
	meta->cidfile = options->cidfile;
	if (ct_sdnotify_parse(options->sdnotify, &meta->sdnotify, err) < 0)
		return -err->code;
	meta->default_seccomp = run->spec->default_seccomp;
	meta->keep_groups = run->spec->process->keep_groups;
	if (note_command(run, err) < 0)
		return -err->code;
	if (ct_run_add_pairs(run->arena, &options->label, true, &meta->labels, err) < 0)
		return ct_wrap(err, "--label");
	if (ct_run_add_pairs(run->arena, &options->annotation, false, &run->spec->annotations,
			     err) < 0)
		return ct_wrap(err, "--annotation");
	return 0;
}

/* caller is NULL for root. Tests hand in a caller of their own. */
int ct_run_prepare_for(const struct ct_run_options *options, const struct ct_id_caller *caller,
		       struct ct_arena *arena, struct ct_spec **ret_spec, struct ct_meta *ret_meta,
		       struct ct_err *err)
{
	static int (*const parts[])(struct ct_run *run, struct ct_err *err) = {
		ct_run_source, ct_run_namespaces, ct_run_user, ct_run_idmap, ct_run_process,
		ct_run_mounts, ct_run_resources, ct_run_caps, ct_run_security, ct_run_session,
		ct_run_health, fill_meta,
	};
	struct ct_meta meta = { 0 };
	struct ct_run run = {
		.options = options, .rootless = caller, .caller = caller, .arena = arena,
		.meta = &meta, .rootfs = -1,
	};
	int ret = check_files(&run, err);

	for (size_t i = 0; ret == 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		ret = parts[i](&run, err);
	ct_fd_close(run.rootfs);
	if (ret == 0)
		ret = ct_spec_check(run.spec, run.rootless, err);
	if (ret < 0)
		return ret;
	*ret_spec = run.spec;
	*ret_meta = meta;
	return 0;
}

int ct_run_prepare(const struct ct_run_options *options, bool rootless, struct ct_arena *arena,
		   struct ct_spec **ret_spec, struct ct_meta *ret_meta, struct ct_err *err)
{
	struct ct_id_caller caller;

	/* Root may map what it likes and needs none of it. */
	if (!rootless)
		return ct_run_prepare_for(options, NULL, arena, ret_spec, ret_meta, err);
	if (ct_id_caller_load(arena, NULL, &caller, err) < 0)
		return -err->code;
	return ct_run_prepare_for(options, &caller, arena, ret_spec, ret_meta, err);
}
