/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime's command line:
 *
 *   RUNTIME [ARG...] [--systemd-cgroup] create --bundle B --pid-file P [OPT...] ID
 *   RUNTIME [ARG...] [--systemd-cgroup] restore --detach --bundle B --pid-file P ... [OPT...] ID
 *   RUNTIME [ARG...] exec --pid-file P --process F --detach [OPT...] ID
 *
 * Pure, but for the arena. May fail for want of memory.
 */
#include "dropin.h"

#include <cattach/arena.h>

static int add(const struct dropin *d, struct ct_strings *words, const char *word)
{
	return ct_strings_add(d->arena, words, word);
}

static int add_all(const struct dropin *d, struct ct_strings *words, const struct ct_strings *more)
{
	int r = 0;

	for (size_t i = 0; i < more->count && r == 0; i++)
		r = add(d, words, more->items[i]);
	return r;
}

static int add_pair(const struct dropin *d, struct ct_strings *words, const char *option,
		    const char *value)
{
	int r = add(d, words, option);

	return r < 0 ? r : add(d, words, value);
}

static const char *bundle_of(const struct dropin *d)
{
	return d->o->bundle ? d->o->bundle : ".";
}

static int add_create(const struct dropin *d, struct ct_strings *words)
{
	const struct ct_dropin_options *o = d->o;
	int r = add(d, words, o->restore ? "restore" : "create");

	if (r == 0 && o->restore)
		r = add(d, words, "--detach");
	if (r == 0)
		r = add_pair(d, words, "--bundle", bundle_of(d));
	if (r == 0)
		r = add_pair(d, words, "--pid-file", d->pidfile);
	if (r == 0 && o->restore)
		r = add_pair(d, words, "--image-path", o->restore);
	if (r == 0 && o->restore)
		r = add_pair(d, words, "--work-path", bundle_of(d));
	if (r == 0 && o->no_pivot)
		r = add(d, words, "--no-pivot");
	if (r == 0 && o->no_new_keyring)
		r = add(d, words, "--no-new-keyring");
	return r;
}

static int add_exec(const struct dropin *d, struct ct_strings *words)
{
	int r = add(d, words, "exec");

	if (r == 0)
		r = add_pair(d, words, "--pid-file", d->pidfile);
	if (r == 0)
		r = add_pair(d, words, "--process", d->o->process_spec);
	if (r == 0)
		r = add(d, words, "--detach");
	/* Old runtimes do not look into the process for it. */
	if (r == 0 && d->o->terminal)
		r = add(d, words, "--tty");
	return r;
}

int ct_runtime_argv(struct dropin *d, struct ct_err *err)
{
	struct ct_strings words = { 0 };
	int r = add(d, &words, d->o->runtime);

	if (r == 0)
		r = add_all(d, &words, &d->o->runtime_args);
	if (r == 0 && d->o->systemd_cgroup && !d->o->exec)
		r = add(d, &words, "--systemd-cgroup");
	if (r == 0)
		r = d->o->exec ? add_exec(d, &words) : add_create(d, &words);
	if (r == 0 && d->console_path)
		r = add_pair(d, &words, "--console-socket", d->console_path);
	if (r == 0)
		r = add_all(d, &words, &d->o->runtime_opts);
	if (r == 0)
		r = add(d, &words, d->o->cid);
	/* One more, and that is NULL. */
	if (r == 0)
		r = add(d, &words, NULL);
	d->argv = (char *const *)words.items;
	return r < 0 ? ct_fail_nomem(err) : 0;
}
