/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of following a session, for run, attach and start -a alike: detach keys from the
 * first place that names them, what the end of stdin means, who is waited for, whose terminal
 * counts.
 *
 * Runs in the CLI with the caller's rights. What is wrong with an option shows before anything is
 * started or connected.
 *
 *                   the command line > the record > the user's default > built in
 *    --detach-keys  all four; "none" at any place switches them off
 *    --stdin-eof    line, record, "auto" (by what stdin is)
 *    --lag          line, else the verb: a pipe blocks the payload, a terminal skips
 */
#include "follow_options.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "terminal.h"

/* Option, record, the user's default, ours: the nearest to what the user wants now. */
static int choose_keys(const struct ct_follow_options *o, const struct ct_meta *meta,
		       struct ct_detach_keys *ret_keys, struct ct_err *err)
{
	const char *own = o->detach_keys ? o->detach_keys : o->default_keys;

	if (!o->detach_keys && meta && meta->detach_keys)
		return ct_detach_keys_parse(meta->detach_keys, ret_keys, err);
	if (own && ct_detach_keys_parse(own, ret_keys, err) < 0)
		return ct_wrap(err, "--detach-keys");
	return own ? 0 : ct_detach_keys_parse(CT_DETACH_KEYS_DEFAULT, ret_keys, err);
}

/* "auto" cannot be typed: it is what a missing word means, and depends on what stdin turns out to
 * be. */
static int choose_eof(const char *word, enum ct_stdin_eof *ret_eof, struct ct_err *err)
{
	if (!word) {
		*ret_eof = CT_STDIN_EOF_AUTO;
	} else if (!strcmp(word, "close")) {
		*ret_eof = CT_STDIN_EOF_CLOSE;
	} else if (!strcmp(word, "keep")) {
		*ret_eof = CT_STDIN_EOF_KEEP;
	} else if (!strcmp(word, "detach")) {
		*ret_eof = CT_STDIN_EOF_DETACH;
	} else {
		ct_fail(err, EINVAL, "must be close, keep or detach, not \"%s\"", word);
		return ct_wrap(err, "--stdin-eof");
	}
	return 0;
}

/* block: the payload waits when we are too slow, nothing is lost; skip: we lose what has been
 * overwritten, and are told how much. */
static int choose_lag(const struct ct_follow_options *o, bool *ret_block, struct ct_err *err)
{
	if (!o->lag) {
		*ret_block = o->lag_blocks;
	} else if (!strcmp(o->lag, "block") || !strcmp(o->lag, "skip")) {
		*ret_block = o->lag[0] == 'b';
	} else {
		ct_fail(err, EINVAL, "must be block or skip, not \"%s\"", o->lag);
		return ct_wrap(err, "--lag");
	}
	return 0;
}

int ct_follow_check(const struct ct_follow_options *options, struct ct_err *err)
{
	struct ct_detach_keys keys;
	enum ct_stdin_eof eof;
	bool block;
	int r = choose_keys(options, NULL, &keys, err);

	if (r == 0)
		r = choose_eof(options->stdin_eof, &eof, err);
	return r < 0 ? r : choose_lag(options, &block, err);
}

/* What the monitor has to know before it starts to serve us: whether we write, and whether it may
 * ever wait for us. CT_HELLO_CLOSE is the right to end the payload's stdin, which only who was
 * given it has. */
static uint32_t hello_flags(const struct ct_follow_options *o, const struct ct_foreground *how,
			    bool block)
{
	return (o->read_only ? CT_HELLO_READ_ONLY : 0) | (block ? CT_HELLO_BLOCK : 0) |
	       (how->stdin_open ? CT_HELLO_STDIN : 0) |
	       (how->stdin_open && how->eof == CT_STDIN_EOF_CLOSE ? CT_HELLO_CLOSE : 0);
}

/* docker's own words, which scripts and people look for. */
static int fail_no_terminal(const struct ct_follow_options *o, struct ct_err *err)
{
	ct_fail(err, ENOTTY, "the input device is not a TTY");
	return ct_hint(err, "the container has a terminal: %s, or cattach send", o->no_terminal);
}

int ct_follow_prepare(const struct ct_meta *meta, const struct ct_follow_options *options,
		      struct ct_follow_plan *ret_plan, struct ct_err *err)
{
	const struct ct_follow_options *o = options;
	const char *eof = o->stdin_eof ? o->stdin_eof : meta->stdin_eof;
	struct ct_follow_plan plan = {
		.how = {
			.name = meta->name,
			.tty = meta->tty,
			.stdin_open = o->streams.in && meta->stdin_open && !o->read_only,
			.out = { o->streams.out, o->streams.err },
			/* a monitor does not take signals from who only reads: ours are for us */
			.sig_proxy = o->sig_proxy && !o->read_only,
			.resize = meta->tty && !o->read_only,
		},
	};
	bool block;
	int r = choose_keys(o, meta, &plan.how.keys, err);

	/* What a terminal session writes, to stdout or stderr, is one stream. */
	if (meta->tty)
		plan.how.out[0] = o->streams.out || o->streams.err;
	if (r == 0)
		r = choose_eof(eof, &plan.how.eof, err);
	if (r == 0)
		r = choose_lag(o, &block, err);
	if (r < 0)
		return r;
	if (plan.how.tty && plan.how.stdin_open && !o->any_stdin && !isatty(STDIN_FILENO))
		return fail_no_terminal(o, err);
	/* 0 by 0 is "no size": the payload's terminal keeps the one that it has. */
	if (plan.how.resize && !ct_terminal_caller_size(&plan.rows, &plan.columns))
		plan.rows = plan.columns = 0;
	plan.hello = plan.how.hello = hello_flags(o, &plan.how, block);
	*ret_plan = plan;
	return 0;
}

/* Closes both, whatever has happened: they are used up. */
int ct_follow_session(struct ct_client *client, struct ct_cursor *cursor,
		      const struct ct_follow_plan *plan, struct ct_err *err)
{
	int r = ct_foreground_run(client, cursor, &plan->how, err);

	ct_cursor_close(cursor);
	ct_client_close(client);
	return r < 0 ? ct_wrap(err, "%s", plan->how.name) : r;
}

int ct_follow_run(struct ct_client *client, const struct ct_follow_plan *plan, struct ct_err *err)
{
	struct ct_cursor cursor = CT_CURSOR_INIT;
	struct ct_log_source source;

	/* What it was to connect with: from now on it is a monitor like any other. */
	client->patience = 0;
	client->interrupt = -1;
	source = ct_client_source(client);
	if (ct_cursor_open(&source, CT_FROM_RUN, &cursor, err) < 0) {
		ct_client_close(client);
		return ct_wrap(err, "%s", plan->how.name);
	}
	return ct_follow_session(client, &cursor, plan, err);
}

static int greet(int sock, struct ct_client *client, const struct ct_follow_plan *plan, struct ct_err *err)
{
	if (ct_client_hello(sock, plan->hello, plan->rows, plan->columns, client, err) < 0)
		return ct_wrap(err, "%s", plan->how.name);
	return ct_follow_run(client, plan, err);
}

int ct_follow_started(int sock, const struct ct_follow_plan *plan, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;

	return greet(sock, &client, plan, err);
}

int ct_follow_starting(int sock, int interrupt, const struct ct_follow_plan *plan, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;

	client.patience = UINT64_MAX;
	client.interrupt = interrupt;
	return greet(sock, &client, plan, err);
}
