/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is executed: command, entrypoint, working directory, terminal, umask, limits, and how it is
 * stopped.
 *
 * Runs in the command with the caller's rights, before anything is created. For a bundle the
 * options override its process section; for a plain root file system they complete the defaults:
 * without a command a shell, bash where the root file system has one. Whether a file is executable
 * is asked of its mode only; nothing of the root file system runs here.
 *
 * May fail for values that are malformed or beyond what the caller can have; where is the option.
 *
 *    --entrypoint A, COMMAND B     process.args = A B        the entrypoint before the words
 *    neither, a bundle             what config.json has
 *    neither, a root file system   its /bin/bash, else /bin/sh
 *    -w, --umask, --oom-score-adj, --ulimit, --stop-signal, --stop-timeout, --preserve-fds
 */
#include "run_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cattach/fd.h>
#include <cattach/num.h>
#include <cattach/path.h>

#define DEFAULT_STOP_TIMEOUT 10		/* seconds, as docker and podman */

/* Is there an executable regular file at this path of the root file system? Links are followed
 * inside the root file system: /bin/bash may be one. */
static bool has_program(int rootfs, const char *path)
{
	struct ct_err ignored;
	ct_autofd int fd = ct_path_open(rootfs, path, O_PATH, &ignored);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

/*
 * args of the process: the entrypoint, then the command, each from the options or as it was.
 *   --entrypoint  command    what runs
 *   yes           any        entrypoint command...
 *   no            yes        command...
 *   no            no         the bundle's process.args, or a shell
 */
static int choose_args(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	struct ct_spec_process *process = run->spec->process;
	const char *entrypoint = options->entrypoint && *options->entrypoint ?
				 options->entrypoint : NULL;
	struct ct_strings args = { 0 }, command = { 0 };
	const char *shell = NULL;
	int ret = 0;

	if (options->command.count) {
		if (!entrypoint && !*options->command.items[0])
			return ct_fail(err, EINVAL, "the name of the command is empty");
		ret = ct_run_copy(run->arena, &options->command, &command);
	} else if (!entrypoint && !run->plain) {
		ret = ct_run_copy(run->arena, &process->args, &command);
	} else if (!entrypoint) {
		shell = has_program(run->rootfs, "/bin/bash") ? "/bin/bash" : "/bin/sh";
		ret = ct_strings_add(run->arena, &command, shell);
	}
	if (ret == 0 && entrypoint) {
		ret = ct_strings_add(run->arena, &run->meta->entrypoint, entrypoint);
		if (ret == 0)
			ret = ct_strings_add(run->arena, &args, entrypoint);
	}
	for (size_t i = 0; ret == 0 && i < command.count; i++)
		ret = ct_strings_add(run->arena, &args, command.items[i]);
	if (ret < 0)
		return ct_fail_nomem(err);
	run->meta->command = command;
	process->args = args;
	return 0;
}

/* cwd; a directory that is missing is made by the start, inside the root file system. */
static int choose_workdir(struct ct_run *run, struct ct_err *err)
{
	const char *workdir = run->options->workdir;

	if (run->plain)
		run->spec->process->cwd = "/";
	if (!workdir)
		return 0;
	if (*workdir != '/') {
		ct_fail(err, EINVAL, "must be an absolute path, not \"%s\"", workdir);
		return ct_wrap(err, "--workdir");
	}
	run->spec->process->cwd = workdir;
	return 0;
}

/* Only the nine permission bits can be masked. */
static int choose_umask(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_process *process = run->spec->process;
	uint32_t mask;

	if (!run->options->umask)
		return 0;
	if (ct_parse_mode(run->options->umask, &mask, err) < 0)
		return ct_wrap(err, "--umask");
	if (mask > 0777) {
		ct_fail(err, ERANGE, "must be 0...777, not \"%s\"", run->options->umask);
		return ct_wrap(err, "--umask");
	}
	process->has_umask = true;
	process->umask = mask;
	return 0;
}

/* Whether the caller may lower its own score is the kernel's to say, at the start. */
static int choose_oom_score(struct ct_run *run, struct ct_err *err)
{
	int64_t value;

	if (!run->options->oom_score_adj)
		return 0;
	if (ct_parse_i64(run->options->oom_score_adj, -1000, 1000, &value, err) < 0)
		return ct_wrap(err, "--oom-score-adj");
	run->spec->process->has_oom_score_adj = true;
	run->spec->process->oom_score_adj = (int32_t)value;
	return 0;
}

/* docker's names, and what config.json and setrlimit(2) call them. */
static const struct {
	const char *name, *type;
	int resource;
} limits[] = {
	{ "as", "RLIMIT_AS", RLIMIT_AS },
	{ "core", "RLIMIT_CORE", RLIMIT_CORE },
	{ "cpu", "RLIMIT_CPU", RLIMIT_CPU },
	{ "data", "RLIMIT_DATA", RLIMIT_DATA },
	{ "fsize", "RLIMIT_FSIZE", RLIMIT_FSIZE },
	{ "locks", "RLIMIT_LOCKS", RLIMIT_LOCKS },
	{ "memlock", "RLIMIT_MEMLOCK", RLIMIT_MEMLOCK },
	{ "msgqueue", "RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE },
	{ "nice", "RLIMIT_NICE", RLIMIT_NICE },
	{ "nofile", "RLIMIT_NOFILE", RLIMIT_NOFILE },
	{ "nproc", "RLIMIT_NPROC", RLIMIT_NPROC },
	{ "rss", "RLIMIT_RSS", RLIMIT_RSS },
	{ "rtprio", "RLIMIT_RTPRIO", RLIMIT_RTPRIO },
	{ "rttime", "RLIMIT_RTTIME", RLIMIT_RTTIME },
	{ "sigpending", "RLIMIT_SIGPENDING", RLIMIT_SIGPENDING },
	{ "stack", "RLIMIT_STACK", RLIMIT_STACK },
};

#define LIMIT_COUNT (sizeof(limits) / sizeof(limits[0]))

/* -1 is unlimited. */
static int parse_limit_value(const char *text, uint64_t *ret_value, struct ct_err *err)
{
	if (!strcmp(text, "-1")) {
		*ret_value = RLIM_INFINITY;
		return 0;
	}
	/* RLIM_INFINITY itself is what -1 is for. */
	return ct_parse_u64(text, 0, RLIM_INFINITY - 1, ret_value, err);
}

/* Only CAP_SYS_RESOURCE of the host raises a hard limit: the payload could not be started. */
static int check_limit(const struct ct_run *run, int resource, const struct ct_spec_rlimit *limit,
		       struct ct_err *err)
{
	struct rlimit ours;

	if (limit->soft > limit->hard)
		return ct_fail(err, EINVAL, "the soft limit is above the hard limit");
	if (!run->rootless || getrlimit((__rlimit_resource_t)resource, &ours) < 0 ||
	    limit->hard <= ours.rlim_max)
		return 0;
	ct_fail(err, EPERM, "the hard limit of this user is %llu",
		(unsigned long long)ours.rlim_max);
	return ct_hint(err, "only root can raise it, in limits.conf(5) for instance");
}

/* "nofile=1024" or "nofile=1024:2048" */
static int parse_limit(struct ct_run *run, const char *text, struct ct_spec_rlimit *ret_limit,
		       struct ct_err *err)
{
	const char *equals = strchr(text, '=');
	struct ct_strings values;
	size_t i = 0, length = equals ? (size_t)(equals - text) : 0;
	int ret;

	if (!equals)
		return ct_fail(err, EINVAL, "must be TYPE=SOFT[:HARD], not \"%s\"", text);
	while (i < LIMIT_COUNT &&
	       (strlen(limits[i].name) != length || strncmp(limits[i].name, text, length)))
		i++;
	if (i == LIMIT_COUNT) {
		ct_fail(err, EINVAL, "unknown limit in \"%s\"", text);
		return ct_hint(err,
			       "as core cpu data fsize locks memlock msgqueue nice nofile nproc "
			       "rss rtprio rttime sigpending stack");
	}
	if (ct_run_split(run->arena, equals + 1, ':', &values) < 0)
		return ct_fail_nomem(err);
	if (values.count > 2)
		return ct_fail(err, EINVAL, "must be TYPE=SOFT[:HARD], not \"%s\"", text);
	ret_limit->type = limits[i].type;
	ret = parse_limit_value(values.items[0], &ret_limit->soft, err);
	ret_limit->hard = ret_limit->soft;
	if (ret == 0 && values.count == 2)
		ret = parse_limit_value(values.items[1], &ret_limit->hard, err);
	if (ret == 0)
		ret = check_limit(run, limits[i].resource, ret_limit, err);
	return ret < 0 ? ct_wrap(err, "%s", limits[i].name) : 0;
}

/* The limits of the bundle, with those of the options put over them. One of the same type is
 * replaced in its place; config.json must not have a type twice. */
static int choose_limits(struct ct_run *run, struct ct_err *err)
{
	struct ct_spec_process *process = run->spec->process;
	const struct ct_strings *list = &run->options->ulimit;
	size_t count = run->plain ? 0 : process->rlimit_count;
	struct ct_spec_rlimit *all, limit;

	all = ct_arena_calloc(run->arena, count + list->count + 1, sizeof(*all));
	if (!all)
		return ct_fail_nomem(err);
	if (count)
		memcpy(all, process->rlimits, count * sizeof(*all));
	for (size_t i = 0; i < list->count; i++) {
		size_t k = 0;

		if (parse_limit(run, list->items[i], &limit, err) < 0)
			return ct_wrap(err, "--ulimit");
		while (k < count && strcmp(all[k].type, limit.type) != 0)
			k++;
		all[k] = limit;
		count += k == count;
	}
	process->rlimits = all;
	process->rlimit_count = count;
	return 0;
}

/* What "cattach stop" will send and how long it waits. */
static int choose_stop(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	int64_t seconds = DEFAULT_STOP_TIMEOUT;

	run->meta->stop_signal = SIGTERM;
	if (options->stop_signal &&
	    ct_parse_signal(options->stop_signal, &run->meta->stop_signal, err) < 0)
		return ct_wrap(err, "--stop-signal");
	if (options->stop_timeout &&
	    ct_parse_i64(options->stop_timeout, -1, INT_MAX, &seconds, err) < 0)
		return ct_wrap(err, "--stop-timeout");
	run->meta->stop_timeout = (int)seconds;
	return 0;
}

/* The number goes to the start as an option; here it only has to be one. */
static int check_preserve_fds(struct ct_run *run, struct ct_err *err)
{
	uint64_t count;

	/* 0, 1 and 2 are not counted; INT_MAX is the last descriptor there can be. */
	if (run->options->preserve_fds &&
	    ct_parse_u64(run->options->preserve_fds, 0, INT_MAX - 3, &count, err) < 0)
		return ct_wrap(err, "--preserve-fds");
	return 0;
}

/* podman starts plain root file systems without no_new_privileges, so that sudo works in them; what
 * a bundle says stays. */
int ct_run_process(struct ct_run *run, struct ct_err *err)
{
	static int (*const steps[])(struct ct_run *run, struct ct_err *err) = {
		choose_args, choose_workdir, choose_umask, choose_oom_score, choose_limits,
		choose_stop, check_preserve_fds, ct_run_environ,
	};
	int ret = 0;

	/* Without -t a bundle has the terminal that its configuration asks for. */
	if (run->options->tty)
		run->spec->process->terminal = true;
	else if (run->plain)
		run->spec->process->terminal = false;
	if (run->plain)
		run->spec->process->no_new_privileges = false;
	for (size_t i = 0; ret == 0 && i < sizeof(steps) / sizeof(steps[0]); i++)
		ret = steps[i](run, err);
	return ret;
}
