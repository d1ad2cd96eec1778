/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session that a container is going to have: which streams its client is attached to, what the
 * end of that client means, whose size its terminal gets, and whether it is started again.
 *
 * Pure functions from the options of run and create to the record; runs in the command before
 * anything is created. May fail for words and numbers that are none, and for options that
 * contradict each other, in docker's words where scripts know those.
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

/* ---- streams ---- */

/* None given means all of them. */
int ct_parse_streams(const struct ct_strings *list, struct ct_streams *ret_streams,
		     struct ct_err *err)
{
	struct ct_streams streams = { 0 };

	for (size_t i = 0; i < list->count; i++) {
		const char *name = list->items[i];

		if (!strcasecmp(name, "stdin"))
			streams.in = true;
		else if (!strcasecmp(name, "stdout"))
			streams.out = true;
		else if (!strcasecmp(name, "stderr"))
			streams.err = true;
		else
			return ct_fail(err, EINVAL,
				       "invalid argument \"%s\" for \"-a, --attach\" flag: "
				       "valid streams are STDIN, STDOUT and STDERR",
				       name);
	}
	if (!list->count)
		streams = (struct ct_streams){ true, true, true };
	*ret_streams = streams;
	return 0;
}

static int set_streams(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_streams streams;

	if (ct_parse_streams(&o->attach, &streams, err) < 0)
		return -err->code;
	if (o->detach && o->attach.count) {
		ct_fail(err, EINVAL,
			"conflicting options: cannot specify both --attach and --detach");
		return ct_hint(err, "cattach attach -a STREAM follows it later");
	}
	if (o->detach && o->tie) {
		ct_fail(err, EINVAL, "conflicting options: cannot specify both --tie and --detach");
		return ct_hint(err, "nobody would be there to be tied to");
	}
	run->meta->stdin_open = o->interactive;
	/* The end of the creator's input ends the container's, unless nobody was to stay. */
	run->meta->stdin_once = o->interactive && !o->detach && streams.in;
	run->meta->tie = o->tie;
	run->meta->detach_keys = o->detach_keys;
	return 0;
}

/* ---- words ---- */

/* One of a closed list, or NULL, which is the default. */
static int check_word(const char *option, const char *word, const char *const *words,
		      const char *all, struct ct_err *err)
{
	if (!word)
		return 0;
	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], word))
			return 0;
	ct_fail(err, EINVAL, "must be %s, not \"%s\"", all, word);
	return ct_wrap(err, "%s", option);
}

static int set_words(struct ct_run *run, struct ct_err *err)
{
	static const char *const policies[] = { "latest", "smallest", "largest", "none", NULL };
	static const char *const ends[] = { "close", "keep", "detach", NULL };
	const struct ct_run_options *o = run->options;

	if (check_word("--size-policy", o->size_policy, policies,
		       "latest, smallest, largest or none", err) < 0 ||
	    check_word("--stdin-eof", o->stdin_eof, ends, "close, keep or detach", err) < 0)
		return -err->code;
	run->meta->size_policy = o->size_policy;
	run->meta->stdin_eof = o->stdin_eof;
	return 0;
}

/* ---- the restart policy ---- */

/* docker refuses --restart with --rm, in these words; the other two are ours to refuse. */
int ct_run_restart(struct ct_arena *arena, const char *text, struct ct_meta *meta,
		   struct ct_err *err)
{
	struct ct_restart_policy policy;

	if (ct_restart_parse(text, &policy, err) < 0)
		return ct_wrap(err, "--restart");
	if (policy.kind == CT_RESTART_NO) {
		meta->restart = NULL;
		return 0;
	}
	if (meta->remove)
		return ct_fail(err, EINVAL,
			       "conflicting options: cannot specify both --restart and --rm");
	if (meta->tie) {
		ct_fail(err, EINVAL,
			"conflicting options: cannot specify both --restart and --tie");
		return ct_hint(err, "what ends with its client is not started again");
	}
	/* Of "update"; "run" finds it when it comes to the driver. */
	if (ct_log_passes(meta))
		return ct_fail(err, EINVAL,
			       "conflicting options: cannot specify both --restart and "
			       "--log-driver passthrough");
	meta->restart = ct_restart_name(policy.kind);
	if (policy.max)
		meta->restart = ct_arena_printf(arena, "%s:%u", meta->restart, policy.max);
	return meta->restart ? 0 : ct_fail_nomem(err);
}

static int set_restart(struct ct_run *run, struct ct_err *err)
{
	run->meta->remove = run->options->remove;
	return ct_run_restart(run->arena, run->options->restart, run->meta, err);
}

int ct_run_session(struct ct_run *run, struct ct_err *err)
{
	int r = set_streams(run, err);

	if (r == 0)
		r = set_restart(run, err);
	if (r == 0)
		r = set_words(run, err);
	return r < 0 ? r : ct_run_log(run, err);
}
