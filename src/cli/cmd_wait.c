/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach wait: wait until containers have ended, and print their exit codes.
 *
 * Runs in the command's own process and sleeps on the monitors' pidfds. All containers are looked
 * up before the first is waited for: one that removes itself meanwhile (--rm) still has its record
 * open here. Fails for containers that do not exist, after the others have been waited for; with
 * --timeout ends with 124 when that has passed. --for-output is in wait_output.c, --condition in
 * wait_condition.c.
 *
 *   (nothing)                       wait_for_end     one after the other, codes in their order
 *   --condition --ignore --exit-first-match          wait_condition.c: all at the same time
 *   --for-output                    wait_output.c    reads their logs
 *
 * To wait one after the other takes no longer than the slowest, and an end that happens meanwhile
 * is recorded: it is found when its turn comes.
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cattach/num.h>
#include <cattach/proc.h>

#include "latest.h"
#include "wait_condition.h"
#include "wait_output.h"

struct wait_options {
	const char *for_output, *timeout, *stream, *interval;
	struct ct_strings condition;
	bool ignore, first, latest;
};

#define OPTION(member) offsetof(struct wait_options, member)

static const struct ct_option wait_table[] = {
	{ "condition", 0, CT_OPTION_LIST, "STATE", OPTION(condition),
	  "Wait for a state instead of the end: created, running, paused, exited, stopped, "
	  "not-running, next-exit, removed, healthy, unhealthy; for any one when given several times" },
	{ "exit-first-match", 0, CT_OPTION_BOOL, NULL, OPTION(first),
	  "End when one of the containers has come to it" },
	{ "for-output", 0, CT_OPTION_STRING, "REGEX", OPTION(for_output),
	  "Wait until a line of output matches, instead of for the end" },
	{ "ignore", 0, CT_OPTION_BOOL, NULL, OPTION(ignore),
	  "A missing container is no error: its code is -1" },
	{ "interval", 'i', CT_OPTION_STRING, "TIME", OPTION(interval),
	  "Accepted for scripts: what is waited for is heard of, not asked for again and again" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest),
	  "Wait for the container that was made last" },
	{ "stream", 0, CT_OPTION_STRING, "STREAM", OPTION(stream),
	  "With --for-output: only \"stdout\" or \"stderr\"" },
	{ "timeout", 0, CT_OPTION_STRING, "TIME", OPTION(timeout),
	  "Give up after TIME (10s, 1m30s, or seconds) with exit code 124" },
	{ 0 },
};

/* One operand: the container that was found, or the error of looking for it. The container is open
 * from the look-up on, so that its record can be read even after --rm has removed it, and a name
 * that was given to a new container meanwhile does not lead there. */
struct waiting {
	struct ct_container container;
	bool found;
};

/* 124 is what timeout(1) ends with. ct_container_end_known() fails with 255 for an end that nobody
 * recorded, after the code was printed. */
static int wait_one(struct waiting *waiting, uint64_t limit, struct ct_err *err)
{
	char line[16];
	int code, r;

	r = ct_container_wait_until(&waiting->container, limit, &code, err);
	if (r == -ETIMEDOUT) {
		ct_wrap(err, "--timeout");
		return ct_exit_with(err, CT_EXIT_TIMED_OUT);
	}
	if (r < 0)
		return r;
	snprintf(line, sizeof(line), "%d", code);
	r = ct_print_line(line, err);
	return r < 0 ? r : ct_container_end_known(&waiting->container, err);
}

/* limit is one moment for all of them, not a time for each. */
static int wait_for_all(struct waiting *list, size_t count, uint64_t limit)
{
	int code = 0;

	for (size_t i = 0; i < count; i++) {
		struct ct_err failure = {0};

		if (list[i].found && wait_one(&list[i], limit, &failure) < 0) {
			ct_report(&failure);
			code = failure.exit;
		}
		if (list[i].found)
			ct_container_close(&list[i].container);
	}
	return code;
}

/* A timeout counts from the start of the command for all of them together. */
static int wait_for_end(const struct ct_call *call, uint64_t limit, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	size_t count = call->operands.count;
	struct waiting *list = ct_arena_calloc(call->arena, count, sizeof(*list));
	int code = 0, waited;

	if (!list)
		return ct_fail_nomem(err);
	if (ct_store_open(&store, err) < 0)
		return -err->code;
	for (size_t i = 0; i < count; i++) {
		struct ct_err failure = {0};

		list[i].container = (struct ct_container)CT_CONTAINER_INIT;
		list[i].found = ct_container_find(&store, call->arena, call->operands.items[i],
						  &list[i].container, &failure) == 0;
		if (!list[i].found) {
			ct_report(&failure);
			code = failure.exit;
		}
	}
	waited = wait_for_all(list, count, limit);
	return waited ? waited : code;
}

/* The time at which it is over, UINT64_MAX: never. The clock is CLOCK_MONOTONIC, so that nobody
 * waits longer because the time was set. A span that does not fit is "never". */
static int parse_timeout(const char *text, uint64_t *ret_limit, struct ct_err *err)
{
	uint64_t span;

	*ret_limit = UINT64_MAX;
	if (!text)
		return 0;
	if (ct_parse_duration(text, &span, err) < 0)
		return ct_wrap(err, "--timeout");
	if (__builtin_add_overflow(ct_now_monotonic(), span, ret_limit))
		*ret_limit = UINT64_MAX;
	return 0;
}

/* A duration, or podman's number of milliseconds. */
static int check_interval(const char *text, struct ct_err *err)
{
	uint64_t ignored;

	return text && ct_parse_duration(text, &ignored, err) < 0 ? ct_wrap(err, "--interval") : 0;
}

/* An empty stream[] would wait for ever, hence the check before anything is looked up. */
static int parse_stream(const struct wait_options *o, struct ct_wait_output *wait,
			struct ct_err *err)
{
	wait->stream[0] = !o->stream || !strcmp(o->stream, "stdout");
	wait->stream[1] = !o->stream || !strcmp(o->stream, "stderr");
	if (!wait->stream[0] && !wait->stream[1])
		ct_fail(err, EINVAL, "must be stdout or stderr, not \"%.64s\"", o->stream);
	else if (o->stream && !o->for_output)
		ct_fail(err, EINVAL, "says which output counts, so it needs --for-output");
	else
		return 0;
	return ct_wrap(err, "--stream");
}

static bool uses_states(const struct wait_options *o)
{
	return o->condition.count || o->ignore || o->first;
}

static int wait_for_states(const struct ct_call *call, uint64_t limit, struct ct_err *err)
{
	const struct wait_options *o = call->options;
	const struct ct_wait_condition how = {
		.conditions = o->condition, .ignore = o->ignore, .first = o->first, .limit = limit,
	};

	return ct_wait_condition(call, &how, err);
}

/* Those that were named, or the newest. */
static int name_operands(const struct ct_call *call, struct ct_call *ret_call, struct ct_err *err)
{
	const struct wait_options *options = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	const char *name;

	*ret_call = *call;
	if (ct_check_latest(call, options->latest, err) < 0)
		return -err->code;
	if (!options->latest)
		return 0;
	if (ct_store_open(&store, err) < 0 ||
	    ct_operand_or_latest(call, true, &store, &name, err) < 0)
		return -err->code;
	return ct_strings_add(call->arena, &ret_call->operands, name) < 0 ? ct_fail_nomem(err) : 0;
}

/* Without operands only --latest makes sense; ct_check_latest() says so, and min_operands does not,
 * because it knows nothing of options. */
static int wait_handler(const struct ct_call *typed, struct ct_err *err)
{
	const struct wait_options *options = typed->options;
	struct ct_call named, *call = &named;
	struct ct_wait_output output = { .regex = options->for_output };
	uint64_t limit;

	if (check_interval(options->interval, err) < 0 ||
	    parse_timeout(options->timeout, &limit, err) < 0 ||
	    parse_stream(options, &output, err) < 0 || name_operands(typed, &named, err) < 0)
		return -err->code;
	if (options->for_output && uses_states(options)) {
		ct_fail(err, EINVAL, "says what to wait for, and so do --condition and its like");
		return ct_wrap(err, "--for-output");
	}
	if (uses_states(options))
		return wait_for_states(call, limit, err);
	if (!options->for_output)
		return wait_for_end(call, limit, err);
	output.deadline = limit == UINT64_MAX ? 0 : limit;
	return ct_wait_output(call, &output, err);
}

const struct ct_verb ct_verb_wait = {
	.name = "wait",
	.summary = "Wait until containers have ended or have written something",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description =
		"Prints one code a line, in the order of the operands: that of the first process, "
		"128 + N when signal N ended it, 255 when nobody could record it; then standard error "
		"says why, and the exit code is 255, too. A container that has ended already is answered "
		"at once; one that is going to be started again has not ended.\n\n"
		"With --condition all containers are waited for at the same time, until each is in one of "
		"these states, and the codes are printed then: -1 for one that has not ended. not-running "
		"is true of what was never started; next-exit is an end that has not happened yet; removed "
		"is told with the last code; stopping and removing are told as stopped and removed. What "
		"has started and ended in one moment has been running. When nothing but healthy or unhealthy "
		"is waited for, and a container has ended that nobody is going to start again, the exit code "
		"is 1.\n\n"
		"With --for-output nothing is printed; the exit code is 0 when every container has "
		"written a line that matches the extended regular expression (see regex(7)), 1 when one "
		"has ended without, 124 when the time was over. All of the current run counts, what was "
		"written before the command began, too, and so does a line without its newline, such as "
		"a prompt. A container that was not started yet is waited for.",
	.examples = "cattach wait --condition running --condition exited web\tUntil it has started\n"
		    "code=$(cattach wait web)\tIts exit code, once it has one\n"
		    "cattach wait --for-output 'listening on .*80' --timeout 30s web\tUntil it is ready",
	.options = wait_table,
	.options_size = sizeof(struct wait_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = wait_handler,
};
