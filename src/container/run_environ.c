/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The payload's environment: in this order, and the last one wins,
 *   1. PATH and TERM as docker sets them (a plain root file system), or the bundle's own,
 *   2. each --env-file, 3. each -e,
 *   4. TERM with a terminal and HOME, where nobody has set them.
 * HOSTNAME needs the container's id and is the caller's to add.
 *
 * Runs in the command, before anything is created. Nothing of our own environment gets in but
 * variables that were named with -e NAME or in a file. May fail on texts that name no variable
 * and on files that cannot be read.
 */
#include "run_parts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "environ.h"

static const char default_path[] =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/* What the options are put on. */
static int start_environ(struct ct_run *run, struct ct_environ *environment, struct ct_err *err)
{
	const struct ct_strings *config = &run->spec->process->env;
	int ret = 0;

	if (run->plain)
		ret = ct_environ_set(environment, default_path);
	for (size_t i = 0; ret == 0 && !run->plain && i < config->count; i++) {
		char path[48];

		if (*config->items[i] == '=' || !strchr(config->items[i], '=')) {
			snprintf(path, sizeof(path), "process.env[%zu]", i);
			return ct_spec_fail(run->spec, err, EINVAL, path, "must be NAME=VALUE");
		}
		ret = ct_environ_set(environment, config->items[i]);
	}
	return ret < 0 ? ct_fail_nomem(err) : 0;
}

/* What every program expects, where nobody has said otherwise. */
static int finish_environ(struct ct_run *run, struct ct_environ *environment, struct ct_err *err)
{
	const char *home = ct_environ_get(environment, "HOME");
	int ret = 0;

	if (run->spec->process->terminal && !ct_environ_get(environment, "TERM"))
		ret = ct_environ_set(environment, "TERM=xterm");
	if (ret == 0 && (!home || !*home)) {
		home = ct_arena_printf(run->arena, "HOME=%s", run->home);
		ret = home ? ct_environ_set(environment, home) : -ENOMEM;
	}
	return ret < 0 ? ct_fail_nomem(err) : 0;
}

int ct_run_environ(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	struct ct_environ environment = { .arena = run->arena };

	if (start_environ(run, &environment, err) < 0)
		return -err->code;
	for (size_t i = 0; i < options->env_file.count; i++)
		if (ct_environ_file(&environment, options->env_file.items[i], err) < 0)
			return ct_wrap(err, "--env-file");
	for (size_t i = 0; i < options->env.count; i++)
		if (ct_environ_option(&environment, options->env.items[i], err) < 0)
			return ct_wrap(err, "--env");
	if (finish_environ(run, &environment, err) < 0)
		return -err->code;
	run->spec->process->env.items = environment.items;
	run->spec->process->env.count = environment.count;
	return 0;
}
