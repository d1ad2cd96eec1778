/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the words of the command line to what is done: numbers read, paths made absolute, what must be
 * there looked for, and what cannot be had refused by its name.
 *
 * Runs in the caller's child, before anything is made. Allocates in the arena. May fail for each
 * option that is missing, is none of ours, or contradicts another.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/num.h>

#define NS_PER_SECOND UINT64_C(1000000000)

/* A number, or that there is none: also what a negative one says. */
static int number(const char *option, const char *text, uint64_t max, uint64_t *ret_value,
		  struct ct_err *err)
{
	if (!text || *text == '-') {
		*ret_value = 0;
		return 0;
	}
	return ct_parse_u64(text, 0, max, ret_value, err) < 0 ? ct_wrap(err, "--%s", option) : 0;
}

static int need(const char *option, const char *text, struct ct_err *err)
{
	if (text && *text)
		return 0;
	ct_fail(err, EINVAL, "is needed");
	return ct_wrap(err, "--%s", option);
}

static int make_absolute(const struct dropin *d, const char **path, struct ct_err *err)
{
	char here[PATH_MAX];

	if (!*path || **path == '/')
		return 0;
	if (!getcwd(here, sizeof(here)))
		return ct_fail_errno(err, errno, "cannot tell the working directory");
	*path = ct_arena_printf(d->arena, "%s/%s", here, *path);
	return *path ? 0 : ct_fail_nomem(err);
}

/* ---- what is there ---- */

static int check_ids(const struct dropin *d, struct ct_err *err)
{
	const struct ct_dropin_options *o = d->o;
	int r = need("cid", o->cid, err);

	if (r == 0 && !(o->exec && !o->api_version))
		r = need("cuuid", o->cuuid, err);
	if (r == 0 && (strchr(o->cid, '/') || (o->cuuid && strchr(o->cuuid, '/'))))
		r = ct_fail(err, EINVAL, "an id has no \"/\" in it");
	return r;
}

static int check_runtime(const struct dropin *d, struct ct_err *err)
{
	int r = need("runtime", d->o->runtime, err);

	if (r == 0 && access(d->o->runtime, X_OK) < 0) {
		ct_fail_errno(err, errno, "cannot execute %s", d->o->runtime);
		r = ct_wrap(err, "--runtime");
	}
	return r;
}

static int check_mode(const struct dropin *d, struct ct_err *err)
{
	const struct ct_dropin_options *o = d->o;

	if (o->exec && o->restore)
		return ct_fail(err, EINVAL, "--exec and --restore exclude each other");
	if (o->exec && need("exec-process-spec", o->process_spec, err) < 0)
		return -err->code;
	if (o->exec_attach && !(o->api_version && d->attach >= 0))
		return ct_fail(err, EINVAL, "--exec-attach needs --api-version 1 and _OCI_ATTACHPIPE");
	if (o->seccomp_socket || o->seccomp_plugins) {
		ct_fail(err, ENOTSUP, "plugins for seccomp are not supported");
		return ct_wrap(err, "--seccomp-notify-socket");
	}
	return 0;
}

/* The bundle, which is where a create has no other word for it. */
static int open_bundle(struct dropin *d, struct ct_err *err)
{
	const char *path = d->o->bundle ? d->o->bundle : ".";

	d->bundle = openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (d->bundle < 0) {
		ct_fail_errno(err, errno, "cannot open %s", path);
		return ct_wrap(err, "--bundle");
	}
	d->config.dir = d->bundle;
	/* An exec of old callers has no place of its own, and nobody attaches to it. */
	d->config.runtime = d->passthrough || !d->o->bundle ? -1 : d->bundle;
	if (!d->o->exec && !d->passthrough)
		d->config.runtime = d->bundle;
	return 0;
}

static int settle_paths(struct dropin *d, struct ct_err *err)
{
	int r;

	d->conmon_pidfile = d->o->conmon_pidfile;
	d->pidfile = d->o->pidfile ? d->o->pidfile :
				     ct_arena_printf(d->arena, "pidfile-%s", d->o->cid);
	if (!d->pidfile)
		return ct_fail_nomem(err);
	r = make_absolute(d, &d->pidfile, err);
	return r < 0 ? r : make_absolute(d, &d->conmon_pidfile, err);
}

static int settle_times(struct dropin *d, struct ct_err *err)
{
	uint64_t timeout, delay;
	int r = number("timeout", d->o->timeout, UINT64_MAX / NS_PER_SECOND / 2, &timeout, err);

	if (r == 0)
		r = number("exit-delay", d->o->exit_delay, UINT_MAX / 2, &delay, err);
	if (r < 0)
		return r;
	d->config.time_limit = timeout * NS_PER_SECOND;
	d->exit_delay = (unsigned)delay;
	return 0;
}

/* How many descriptors it says are for the container, in the words of all runtimes. */
static int settle_preserved(struct dropin *d, struct ct_err *err)
{
	static const char option[] = "--preserve-fds";
	const struct ct_strings *opts = &d->o->runtime_opts;
	const char *text = getenv("LISTEN_FDS");
	uint64_t count = 0;

	for (size_t i = 0; i < opts->count; i++) {
		const char *word = opts->items[i];

		if (strncmp(word, option, strlen(option)) != 0)
			continue;
		word += strlen(option);
		if (*word == '=')
			text = word + 1;
		else if (!*word && i + 1 < opts->count)
			text = opts->items[i + 1];
	}
	if (text && *text && ct_parse_u64(text, 0, DROPIN_INHERITED_MAX, &count, err) < 0)
		return ct_wrap(err, "%s", option);
	d->preserve = (unsigned)count;
	return 0;
}

int ct_dropin_settle(struct dropin *d, struct ct_err *err)
{
	static int (*const steps[])(struct dropin *, struct ct_err *) = {
		ct_dropin_settle_log, settle_paths, settle_times, settle_preserved, open_bundle,
	};
	int r = check_ids(d, err);

	if (r == 0)
		r = check_runtime(d, err);
	if (r == 0)
		r = check_mode(d, err);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && r == 0; i++)
		r = steps[i](d, err);
	if (r < 0)
		return r;
	d->config.tty = d->o->terminal;
	/* A terminal takes what is typed, whether or not the caller says so. */
	d->config.stdin_open = d->o->stdin_open || d->o->terminal;
	d->config.stdin_once = !d->o->leave_stdin_open;
	d->config.created = !d->o->exec;
	return 0;
}
