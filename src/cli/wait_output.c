/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wait --for-output: the log of the current run, from its first byte, line by line through a
 * regular expression, until each container has written a line that matches. A prompt has no
 * newline: what is there of a line is tried as soon as nothing more comes for the moment.
 *
 * A line is matched as a whole, however many parts it comes in, up to CT_LINE_MAX bytes; the \r
 * that a terminal puts before the newline is not part of it, so that "$" finds its end.
 *
 * Runs in the CLI and only reads. What may fail: the expression; containers that cannot be read,
 * which are reported while the others are waited for.
 *
 *    container   stream   line so far     tried
 *    a           stdout   "list"          a part: when it pauses there (a prompt), or gets too long
 *                stderr   ""              a whole line: once, where it stands, without a copy
 *    b  matched: not read on
 *    exit code 0 when none is missing, CT_EXIT_NOT_SEEN when one has ended without it
 */
#include "wait_output.h"

#include <errno.h>
#include <regex.h>
#include <string.h>

#include <cattach/fd.h>

#include "logs.h"

/* The line of one stream of one container, as far as it is known. */
struct matching {
	struct ct_buf line[2];
	bool seen;
};

struct waiting {
	struct ct_log_set set;
	struct ct_log_query query;
	regex_t regex;
	struct matching *items;		/* one a container */
	size_t missing;			/* containers that have not written it */
	int code;
};

/* REG_STARTEND is of the BSDs and in glibc and musl, regexec(3): it is the only way to give a
 * length. */
static bool matches(const struct waiting *w, const char *text, size_t size)
{
	regmatch_t range = { .rm_so = 0 };

	if (size && text[size - 1] == '\r')
		size--;
	range.rm_eo = (regoff_t)size;
	/* By its range and not by a NUL: lines may hold one. */
	return regexec(&w->regex, text, 1, &range, REG_STARTEND) == 0;
}

/* A part of a line behind the parts before it: does it match now? A line that comes in parts is
 * tried after each: the expression may match before its end, and a prompt never has one. So "^a$"
 * can match "a" of "ab" when the payload pauses in the middle of its line. */
static bool match_part(const struct waiting *w, struct matching *m, const struct ct_log_line *line)
{
	struct ct_buf *held = &m->line[line->stream == CT_STREAM_STDERR];
	bool result;

	if (line->begins)
		ct_buf_clear(held);
	if (line->begins && line->ends)
		return matches(w, line->text, line->size);
	/* What is longer is cut here and not read to its end: a payload without newlines must not
	 * use up our memory. */
	if (held->length + line->size <= 2 * CT_LINE_MAX)
		ct_buf_add(held, line->text, line->size);
	result = matches(w, ct_buf_text(held), held->length);
	if (line->ends)
		ct_buf_clear(held);
	return result;
}

/* The callback of ct_log_follow(), for each line and each notice (something was lost, something
 * cannot be read). */
static int take_unit(void *arg, struct ct_log_stream *stream, const struct ct_log_unit *unit,
		     struct ct_err *err)
{
	struct waiting *w = arg;
	struct matching *m = &w->items[stream - w->set.items];

	(void)err;
	if (unit->kind == CT_UNIT_NOTICE) {
		ct_report(&unit->notice);
		if (stream->failed)
			w->code = CT_EXIT_FAILED;
		return 0;
	}
	if (m->seen || !match_part(w, m, &unit->line))
		return 0;
	m->seen = true;
	w->missing--;
	/* It is not read on, whatever more it has to say. */
	stream->stop = stream->ended = true;
	return w->missing ? 0 : CT_STOP;
}

static int compile(struct waiting *w, const char *text, struct ct_err *err)
{
	int r = regcomp(&w->regex, text, REG_EXTENDED);
	char why[160];

	if (r == 0)
		return 0;
	regerror(r, &w->regex, why, sizeof(why));
	ct_fail(err, EINVAL, "\"%.64s\" is no regular expression: %s", text, why);
	return ct_wrap(err, "--for-output");
}

/* Several streams that cannot be opened are each told; the others are waited for. */
static void open_all(struct waiting *w)
{
	for (size_t i = 0; i < w->set.count; i++) {
		struct ct_log_stream *s = &w->set.items[i];
		struct ct_err failure = {0};

		if (ct_log_stream_open(s, w->set.store, w->set.arena, &failure) == 0)
			continue;
		ct_report(&failure);
		s->state = CT_STREAM_DONE;
		w->code = failure.exit;
	}
}

/* A failure of one goes before "not seen" of another: what could not be read may have had it. */
static int result_of(const struct waiting *w, int r, struct ct_err *err)
{
	if (r < 0)
		return r;
	if (r == CT_TIMED_OUT) {
		ct_fail(err, ETIMEDOUT, "it was not written in this time");
		ct_wrap(err, "--for-output");
		return ct_exit_with(err, CT_EXIT_TIMED_OUT);
	}
	if (w->code)
		return w->code;
	return w->missing ? CT_EXIT_NOT_SEEN : 0;
}

static int allocate(struct waiting *w, const struct ct_call *call, struct ct_err *err)
{
	size_t count = call->operands.count;

	w->set.items = ct_arena_calloc(call->arena, count, sizeof(*w->set.items));
	w->items = ct_arena_calloc(call->arena, count, sizeof(*w->items));
	if (!w->set.items || !w->items)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < count; i++) {
		w->set.items[i] = (struct ct_log_stream)CT_LOG_STREAM_INIT;
		w->set.items[i].name = call->operands.items[i];
		w->set.items[i].query = &w->query;
	}
	w->set.count = w->missing = count;
	return 0;
}

static void release(struct waiting *w)
{
	for (size_t i = 0; i < w->set.count; i++) {
		ct_log_stream_close(&w->set.items[i]);
		ct_buf_done(&w->items[i].line[0]);
		ct_buf_done(&w->items[i].line[1]);
	}
	regfree(&w->regex);
}

int ct_wait_output(const struct ct_call *call, const struct ct_wait_output *wait,
		   struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct waiting w = {
		.query = { .until = UINT64_MAX, .stream = { wait->stream[0], wait->stream[1] },
			   .run = -1, .follow = true, .await_start = true, .by_lines = true },
		.set = { .store = &store, .arena = call->arena, .take = take_unit,
			 .deadline = wait->deadline, .output = -1 },
	};
	int r = compile(&w, wait->regex, err);

	if (r < 0)
		return r;
	w.set.query = &w.query;
	w.set.arg = &w;
	r = ct_store_open(&store, err);
	if (r == 0)
		r = allocate(&w, call, err);
	if (r == 0) {
		open_all(&w);
		r = result_of(&w, ct_log_follow(&w.set, err), err);
	}
	release(&w);
	return r;
}
