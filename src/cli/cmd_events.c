/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach events: what has happened to containers, and with -f what happens to them.
 *
 * Runs in the command's own process and only reads: the record in the user's store, which whoever
 * does a thing has written. Following sleeps in poll(2) on inotify, for ever or until --until.
 * Signals keep their default meaning. Fails on filters that cannot match, on templates, on a record
 * that cannot be read; ends quietly when nobody reads the output any more.
 *
 *    record  events, events.1      one JSON object a line, written by whoever does a thing
 *       |  ct_event_next()         the next whole line, across the rotation
 *    event -> is_wanted() -> line, JSON or template -> one write(2)
 *       |  nothing more: without -f the end, with -f poll() on inotify and the reader of our output
 */
#include "cli.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/timespec.h>

#include "events.h"
#include "format.h"

struct events_options {
	bool follow;
	const char *since, *until, *format;
	struct ct_strings filter;
};

#define OPTION(member) offsetof(struct events_options, member)

static const struct ct_option events_table[] = {
	{ "follow", 'f', CT_OPTION_BOOL, NULL, OPTION(follow),
	  "Print what happens from now on, as it happens; with --since what has happened, too" },
	{ "stream", 0, CT_OPTION_BOOL, NULL, OPTION(follow), NULL },
	{ "since", 0, CT_OPTION_STRING, "TIME", OPTION(since),
	  "Only what has happened since then: a time, or a span before now (10m)" },
	{ "until", 0, CT_OPTION_STRING, "TIME", OPTION(until),
	  "Only what has happened until then; with -f end then (-10s is in ten seconds)" },
	{ "filter", 0, CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "Only those that match: container, event, image, label, type" },
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format), "\"json\", or a Go template" },
	{ 0 },
};

/* What was asked for, parsed. */
struct listing {
	const struct events_options *options;
	struct ct_event_reader reader;
	struct ct_event_filters filters;
	uint64_t since, until;
	bool formatted;
	struct ct_format format;
};

/* ---- printing ---- */

static int render(const struct listing *l, struct ct_arena *arena, const struct ct_event *event,
		  struct ct_buf *buf, struct ct_err *err)
{
	struct ct_values values = { .arena = arena };
	int r = 0;

	if (l->formatted)
		r = ct_format_row(&l->format, &values, ct_event_row(event, &values), buf, err);
	else
		ct_event_line(event, &values, buf);
	return values.failed ? ct_fail_nomem(err) : r;
}

static bool is_wanted(const struct listing *l, const struct ct_event *event)
{
	return event->time >= l->since && event->time <= l->until &&
	       ct_event_filters_match(&l->filters, event);
}

/* Whatever there is now; each event in an arena of its own. 1: go on. An arena a piece: following
 * may last for months, and an arena gives nothing back but by being closed. One write for each, so
 * that a script sees an event when it happens, and no half of one. */
static int print_next(struct listing *l, struct ct_err *err)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_event event;
	int r = ct_arena_open(&arena, err);

	if (r == 0)
		r = ct_event_next(&l->reader, &arena, &event, err);
	if (r <= 0 || !is_wanted(l, &event))
		return r;
	r = render(l, &arena, &event, &buf, err);
	if (r == 0)
		r = ct_print(&buf, err);
	return r < 0 ? r : 1;
}

static int print_all(struct listing *l, struct ct_err *err)
{
	int r;

	do
		r = print_next(l, err);
	while (r > 0);
	return r;
}

/* ---- following ---- */

/* Milliseconds until it is over, at most an hour at a time: the clock may be set. Rounded up: a
 * wait that ends too early would turn once more for nothing. */
static int time_left(uint64_t until)
{
	uint64_t now = ct_now_real(), left;

	if (until == UINT64_MAX)
		return -1;
	left = now < until ? (until - now) / 1000000 + 1 : 0;
	return left < 3600000 ? (int)left : 3600000;
}

/* The watch of the record and, beside it, our own output: without that a pipe whose reader has gone
 * would keep us here until the next event. No event is asked for there, since errors and hang-ups
 * are reported in any case, poll(2). */
static int wait_for_more(struct listing *l, struct ct_err *err)
{
	struct pollfd fds[] = {
		{ .fd = l->reader.watch, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	if (poll(fds, 2, time_left(l->until)) < 0 && errno != EINTR)
		return ct_fail_errno(err, errno, "cannot wait for events");
	/* A pipe without a reader is an error, a socket one that has hung up. */
	if (fds[1].revents & (POLLERR | POLLHUP)) {
		ct_fail(err, EPIPE, "nobody reads standard output");
		return ct_exit_with(err, CT_EXIT_SIGNAL_BASE + SIGPIPE);
	}
	ct_event_reader_drain(&l->reader);
	return 0;
}

/* What was written before --until has passed is there when it has: one last look. */
static int follow(struct listing *l, struct ct_err *err)
{
	for (;;) {
		bool last = ct_now_real() >= l->until;
		int r = print_all(l, err);

		if (r < 0 || last)
			return r;
		r = wait_for_more(l, err);
		if (r < 0)
			return r;
	}
}

/* ---- all of it ---- */

/* Before the store is opened: a wrong option is an error also for who has no containers. "now" is
 * taken once, so that --since 1h --until 1h names the same moment. */
static int parse_options(struct listing *l, struct ct_arena *arena, struct ct_err *err)
{
	const struct events_options *o = l->options;
	uint64_t now = ct_now_real();

	l->until = UINT64_MAX;
	if (o->since && ct_parse_time(o->since, now, &l->since, err) < 0)
		return ct_wrap(err, "--since");
	if (o->until && ct_parse_time(o->until, now, &l->until, err) < 0)
		return ct_wrap(err, "--until");
	if (ct_event_filters_parse(arena, &o->filter, &l->filters, err) < 0)
		return -err->code;
	l->formatted = o->format && *o->format;
	return l->formatted ? ct_format_parse(arena, o->format, false, &l->format, err) : 0;
}

static int events_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct listing l = { .options = call->options, .reader = CT_EVENT_READER_INIT };
	bool follows = l.options->follow;
	int r;

	/* docker takes none either; who writes one means a container, so the hint says how that is
	 * said. */
	if (call->operands.count) {
		ct_fail(err, EINVAL, "events takes no operands");
		return ct_hint(err, "-f follows; --filter KEY=VALUE says which ones");
	}
	r = parse_options(&l, call->arena, err);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		/* With -f alone only what comes from now on, as docker has it without --since. */
		r = ct_event_reader_open(&store, follows, follows && !l.options->since, &l.reader,
					 err);
	if (r == 0)
		r = follows ? follow(&l, err) : print_all(&l, err);
	ct_event_reader_close(&l.reader);
	return r;
}

const struct ct_verb ct_verb_events = {
	.name = "events",
	.summary = "Show what happens to containers",
	.synopsis = "[OPTIONS]",
	.description =
		"Prints what has happened, one line an event, oldest first; with -f what happens from now "
		"on, until --until or for ever. There are create, start, died (with exitCode and "
		"oomKilled), oom, kill, stop, restart, pause, unpause, attach, detach, exec_create, "
		"exec_start, exec_died (with exitCode), rename, update, remove and prune. die, exec_die and "
		"destroy are understood in filters, and so is what only docker or podman tells of (top, "
		"resize, export, ...), which never comes.\n\n"
		"Whoever does a thing puts it down: there is no daemon that has to run for it. A container "
		"has died when its record says so: \"cattach wait\" and \"inspect\" know the exit code "
		"when the event is there. Nobody tells of a container whose monitor was killed, nor of "
		"what \"cattach exec\" without a session has run when that command was killed; on a full "
		"disk events are lost. The record is in $XDG_DATA_HOME/cattach/events and has the last one "
		"to two megabytes.\n\n"
		"--format json prints an object a line, with docker's members (status, id, from, Type, "
		"Action, Actor.Attributes, time, timeNano) and podman's (Name, Image, Attributes, "
		"ContainerExitCode). A template may use them, and .ID .Status .From .Time .TimeNano. Filters "
		"with the same key are alternatives, those with different keys and all labels must match.",
	.examples = "cattach events --since 1h\tWhat has happened in the last hour\n"
		    "cattach events -f --filter event=died --format '{{.Name}} {{.ContainerExitCode}}'\t"
		    "Each container that ends, and how\n"
		    "cattach events -f --format json --until -30s\tFor a script, for thirty seconds",
	.options = events_table,
	.options_size = sizeof(struct events_options),
	.operand = "operand",
	.max_operands = CT_OPERANDS_ANY,	/* to say more about those that are meant as filters */
	.handler = events_handler,
};
