/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach logs: what containers wrote, from the beginning, from some line or from some time on, and
 * on as it comes.
 *
 * Runs in the command's own process and only reads, through cursors for which no container ever
 * waits. Fails for values that are none, before anything is read; a container that cannot be read
 * is reported, and the others go on.
 *
 *   parse      options -> query (what is read) and style (how it looks)
 *   streams    one for each operand: a container, its files or its memory (logs_source.c)
 *   follow     ct_log_follow() merges them by time and calls back here ...
 *   sink       ... with lines, bytes or notices, which logs_sink.c writes to stdout and stderr
 *
 * With one container, as text and without prefixes, bytes pass through unchanged and without a look
 * at lines, which is what makes `logs > file` fast. Everything else needs lines (by_lines).
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/timespec.h>

#include "logs.h"
#include "tail.h"

#define PATIENCE	UINT64_C(100000000)	/* ns until a prompt is shown as half a line */

struct logs_options {
	bool follow, follow_name, timestamps, names, color, raw, reopen;
	const char *tail, *since, *until, *stream, *run, *format;
};

#define OPTION(member) offsetof(struct logs_options, member)

static const struct ct_option logs_table[] = {
	{ "follow", 'f', CT_OPTION_BOOL, NULL, OPTION(follow), "Go on until the container has ended" },
	{ "follow-name", 'F', CT_OPTION_BOOL, NULL, OPTION(follow_name),
	  "Go on for ever: with the next run, and with containers that do not exist yet" },
	{ "tail", 'n', CT_OPTION_STRING, "N", OPTION(tail), "Only the last N lines, or \"all\"" },
	{ "since", 0, CT_OPTION_STRING, "TIME", OPTION(since), "Only what came at TIME or later" },
	{ "until", 0, CT_OPTION_STRING, "TIME", OPTION(until), "Only what came at TIME or before" },
	{ "stream", 0, CT_OPTION_STRING, "STREAM", OPTION(stream), "Only \"stdout\" or \"stderr\"" },
	{ "run", 0, CT_OPTION_STRING, "N", OPTION(run),
	  "Only run N, from 1; -1 is the last one, \"all\" the default" },
	{ "timestamps", 't', CT_OPTION_BOOL, NULL, OPTION(timestamps),
	  "Show when each line began, in UTC" },
	{ "names", 0, CT_OPTION_BOOL, NULL, OPTION(names), "Show the container's name before each line" },
	{ "color", 0, CT_OPTION_BOOL, NULL, OPTION(color), "A colour for each container" },
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format),
	  "\"text\", \"json\" (one object a line) or \"raw\" (the bytes alone)" },
	{ "raw", 0, CT_OPTION_BOOL, NULL, OPTION(raw), "Send control sequences to a terminal as they are" },
	{ "reopen", 0, CT_OPTION_BOOL, NULL, OPTION(reopen),
	  "Show nothing: the log driver's file was renamed, write to a new one" },
	{ 0 },
};

static const struct logs_options logs_defaults = { .format = "text" };

/* Everything that a call works with. */
struct logs {
	const struct logs_options *options;
	struct ct_log_query query;
	struct ct_log_style style;
	struct ct_log_sink sink;
	int code;
};

/* ---- options ---- */

static int parse_time(const char *option, const char *text, uint64_t *ret_ns, struct ct_err *err)
{
	if (text && ct_parse_time(text, ct_now_real(), ret_ns, err) < 0)
		return ct_wrap(err, "%s", option);
	return 0;
}

/* 0 would be neither the first nor the last, so it is none. */
static int parse_run(const char *text, struct ct_log_query *query, struct ct_err *err)
{
	struct ct_err ignored;

	if (!text || !strcmp(text, "all"))
		return 0;
	if (ct_parse_i64(text, -INT32_MAX, INT32_MAX, &query->run, &ignored) == 0 && query->run)
		return 0;
	ct_fail(err, EINVAL, "must be \"all\", a number from 1, or one from -1 down, not \"%.64s\"",
		text);
	return ct_wrap(err, "--run");
}

/* docker has no such option; both is what it shows. */
static int parse_stream(const char *text, struct ct_log_query *query, struct ct_err *err)
{
	bool out = !text || !strcmp(text, "stdout"), error = !text || !strcmp(text, "stderr");

	if (!out && !error) {
		ct_fail(err, EINVAL, "must be stdout or stderr, not \"%.64s\"", text);
		return ct_wrap(err, "--stream");
	}
	query->stream[0] = out;
	query->stream[1] = error;
	return 0;
}

/* raw has no place for anything that is not the payload's. */
static int parse_format(const struct logs_options *o, struct ct_log_style *style,
			struct ct_err *err)
{
	static const char *const names[] = {
		[CT_LOGS_TEXT] = "text", [CT_LOGS_JSON] = "json", [CT_LOGS_RAW] = "raw",
	};

	for (int i = 0; i < 3; i++) {
		if (strcmp(o->format, names[i]) != 0)
			continue;
		style->format = (enum ct_log_format)i;
		if (i != CT_LOGS_RAW || !(o->timestamps || o->names || o->color))
			return 0;
		ct_fail(err, EINVAL,
			"raw is the bytes alone: it excludes --timestamps, --names and "
			"--color");
		return ct_wrap(err, "--format");
	}
	ct_fail(err, EINVAL, "must be text, json or raw, not \"%.64s\"", o->format);
	return ct_wrap(err, "--format");
}

/* A terminal is protected from what a container wrote, stdout and stderr each by itself, since
 * either may be a pipe. That of a container with a terminal of its own passes: there it is meant
 * for one (by_lines_unless_tty). */
static void set_style(struct logs *l, size_t containers)
{
	const struct logs_options *o = l->options;
	bool escape = l->style.format == CT_LOGS_TEXT && !o->raw;
	bool prefix = o->timestamps || o->names || containers > 1;

	l->style.timestamps = o->timestamps;
	l->style.color = o->color;
	l->style.escape[0] = escape && isatty(STDOUT_FILENO);
	l->style.escape[1] = escape && isatty(STDERR_FILENO);
	l->query.by_lines = l->style.format == CT_LOGS_JSON ||
			    (l->style.format == CT_LOGS_TEXT && (prefix || o->color));
	l->query.by_lines_unless_tty = l->style.escape[0] || l->style.escape[1];
	l->query.retry = o->follow_name;
	l->query.follow = o->follow || o->follow_name;
}

/* Errors in the order in which the options stand in the help, and all of them before a log is
 * opened. */
static int parse(struct logs *l, struct ct_err *err)
{
	const struct logs_options *o = l->options;

	l->query.until = UINT64_MAX;
	if (ct_parse_tail(o->tail, &l->query.tail, &l->query.lines, err) < 0 ||
	    parse_time("--since", o->since, &l->query.since, err) < 0 ||
	    parse_time("--until", o->until, &l->query.until, err) < 0 ||
	    parse_run(o->run, &l->query, err) < 0 ||
	    parse_stream(o->stream, &l->query, err) < 0)
		return -err->code;
	return parse_format(o, &l->style, err);
}

/* ---- output ---- */

/* A notice is what is missing or ended; one about a stream that failed makes the exit code 125 in
 * the end, and the other containers go on. */
static int take_unit(void *arg, struct ct_log_stream *stream, const struct ct_log_unit *unit,
		     struct ct_err *err)
{
	struct logs *l = arg;

	switch (unit->kind) {
	case CT_UNIT_LINE:
		return ct_sink_line(&l->sink, stream, &stream->label, &unit->line, err);
	case CT_UNIT_BYTES:
		return ct_sink_bytes(&l->sink, unit->line.stream, unit->line.text,
				     unit->line.size, err);
	case CT_UNIT_NOTICE:
		if (stream->failed)
			l->code = CT_EXIT_FAILED;
		return ct_sink_notice(&l->sink, &unit->notice, err);
	}
	return 0;
}

/* Called before the loop sleeps: what is buffered is seen before we wait for more. */
static int flush(void *arg, struct ct_err *err)
{
	struct logs *l = arg;

	return ct_sink_flush(&l->sink, err);
}

/* ---- the verb ---- */

/* With one container nothing stands before the lines, unless it was asked for (--names). */
static void set_label(struct ct_log_stream *s, const struct logs_options *o, size_t count, size_t i)
{
	s->label.color = (unsigned)i;
	if (o->names)
		s->label.text = s->real_name;
	else if (count > 1)
		s->label.text = s->short_id;
	/* A container that does not exist yet goes by what was asked for. */
	snprintf(s->real_name, sizeof(s->real_name), "%s", s->name);
	snprintf(s->short_id, sizeof(s->short_id), "%s", s->name);
}

/* Labels are for several: the count of raw is 1, since its bytes have none. */
static struct ct_log_stream *make_streams(const struct ct_call *call, const struct logs *l)
{
	size_t count = call->operands.count;
	struct ct_log_stream *items = ct_arena_calloc(call->arena, count, sizeof(*items));

	for (size_t i = 0; items && i < count; i++) {
		items[i] = (struct ct_log_stream)CT_LOG_STREAM_INIT;
		items[i].name = call->operands.items[i];
		items[i].query = &l->query;
		set_label(&items[i], l->options, l->style.format == CT_LOGS_RAW ? 1 : count, i);
	}
	return items;
}

/* With -F a container that does not exist yet is no failure (query.retry), it is waited for. */
static void open_streams(struct ct_log_set *set, struct logs *l)
{
	for (size_t i = 0; i < set->count; i++) {
		struct ct_err failure = {0};

		if (ct_log_stream_open(&set->items[i], set->store, set->arena, &failure) == 0)
			continue;
		ct_report(&failure);
		set->items[i].state = CT_STREAM_DONE;
		l->code = failure.exit;
	}
}

/* Of each one, whatever becomes of the others. */
static int reopen(const struct ct_call *call)
{
	int code = 0;

	for (size_t i = 0; i < call->operands.count; i++) {
		struct ct_err failure = {0};

		if (ct_logs_reopen(call, call->operands.items[i], &failure) == 0)
			continue;
		ct_report(&failure);
		code = failure.exit;
	}
	return code;
}

static int logs_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct logs l = { .options = call->options };
	struct ct_log_set set = {
		.count = call->operands.count, .store = &store, .arena = call->arena,
		.query = &l.query, .take = take_unit, .pause = flush, .arg = &l,
		.patience = PATIENCE, .output = STDOUT_FILENO,
	};
	int r = parse(&l, err);

	if (r == 0 && l.options->reopen)
		return reopen(call);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r < 0)
		return r;
	set_style(&l, set.count);
	set.items = make_streams(call, &l);
	if (!set.items)
		return ct_fail_nomem(err);
	ct_sink_open(&l.sink, &l.style);
	open_streams(&set, &l);
	r = ct_log_follow(&set, err);
	for (size_t i = 0; i < set.count; i++)
		ct_log_stream_close(&set.items[i]);
	ct_sink_free(&l.sink);
	return r < 0 ? r : l.code;
}

const struct ct_verb ct_verb_logs = {
	.name = "logs",
	.summary = "Show what containers have written",
	.synopsis = "[OPTIONS] CONTAINER...",
	.description =
		"What a container wrote to its stdout comes out on stdout, what it wrote to its stderr "
		"on stderr; of a container with a terminal all is stdout. Every run of the container is "
		"shown, from the oldest byte that its log still has; what is missing in between is told "
		"on stderr. Reading never slows the container.\n\n"
		"TIME is a duration before now (10s, 1m30s, or seconds: 90), a date (2006-01-02), a date "
		"with a time (2006-01-02T15:04:05.5), either with a zone behind it (Z, +07:00) or else in "
		"local time, or seconds since the epoch (1700000000.5).\n\n"
		"Several containers are merged by time, each line with the beginning of its container's "
		"id before it, or its name (--names). A line has the time of its first byte.\n\n"
		"On a terminal, control sequences that a container without a terminal wrote are shown and "
		"not sent, but for colours; --raw sends them.\n\n"
		"A JSON object has \"time\", \"stream\", \"run\", \"line\" (or \"data_base64\" when it is "
		"not UTF-8) and \"partial\": true when no newline followed; with several containers or "
		"--names also \"container\".\n\n"
		"The log drivers k8s-file and json-file write a file for other tools (\"cattach inspect -f "
		"'{{.LogPath}}' CONTAINER\"). It is read here, too, with those that "
		"it was rotated to, and followed over rotations; no run but the last (--run -1) is told apart in "
		"it. With the driver none there is what memory has of this run, its last megabytes, while it "
		"runs; -F goes on with the next. With journald it is memory while the container runs, and the "
		"system's journal when it has ended; with passthrough there is nothing to be read.",
	.examples = "cattach logs web\tEverything that web wrote\n"
		    "cattach logs -f -n 20 web\tIts last 20 lines, and what comes\n"
		    "cattach logs -t --since 10m web db\tThe last ten minutes of two containers, by time\n"
		    "cattach logs --run -1 --stream stderr web\tThe errors of its last run\n"
		    "cattach logs -F web\tWhatever is called web, now or later\n"
		    "mv web.log web.old && cattach logs --reopen web\tRotate the file of a log driver",
	.options = logs_table,
	.defaults = &logs_defaults,
	.options_size = sizeof(struct logs_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = CT_OPERANDS_ANY,
	.handler = logs_handler,
};
