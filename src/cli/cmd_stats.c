/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach stats: what containers use, once or again and again.
 *
 * Runs in the command's own process with the caller's rights and only reads. Each round has an
 * arena of its own, of which the one before lives until its readings have been compared: so it may
 * run for weeks. On a terminal each round takes the place of the last and never more than one
 * screen; elsewhere rounds follow each other. A container that cannot be read is a row of "--", and
 * one line says why; the command fails only for names that do not exist when it begins.
 *
 *   round 0   read, not shown      a share of the processor needs two readings
 *   sleep
 *   round 1   read, compared with 0, shown
 *   round 2   read into round 0's arena, compared with 1, shown ...
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/states.h>

#include "format.h"
#include "stats.h"
#include "terminal.h"

#define SECOND		UINT64_C(1000000000)
#define LEAST_INTERVAL	(SECOND / 100)

struct stats_options {
	bool all, no_stream, no_reset, no_trunc;
	const char *format, *interval;
};

#define OPTION(member) offsetof(struct stats_options, member)

static const struct ct_option stats_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, OPTION(all), "Also containers that do not run" },
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format),
	  "\"table\", \"json\", a Go template, or \"table TEMPLATE\"" },
	{ "interval", 'i', CT_OPTION_STRING, "SECONDS", OPTION(interval),
	  "Time from one reading to the next (default 1)" },
	{ "no-reset", 0, CT_OPTION_BOOL, NULL, OPTION(no_reset),
	  "Do not clear the screen before each round" },
	{ "no-stream", 0, CT_OPTION_BOOL, NULL, OPTION(no_stream), "One round, after one interval" },
	{ "no-trunc", 0, CT_OPTION_BOOL, NULL, OPTION(no_trunc), "Do not shorten ids" },
	{ 0 },
};

static const char default_format[] =
	"table {{.ID}}\t{{.Name}}\t{{.CPUPerc}}\t{{.MemUsage}}\t{{.MemPerc}}\t{{.NetIO}}\t"
	"{{.BlockIO}}\t{{.PIDs}}";

/* What one round has found out, in its own arena. */
struct round {
	struct ct_arena arena;
	struct ct_stats_entry *entries;
	const char **why;		/* beside them: what there is to be said, or NULL */
	size_t count;
};

struct watching {
	const struct ct_call *call;
	const struct stats_options *options;
	struct ct_store *store;
	struct ct_format format;
	struct ct_stats_style style;
	uint64_t interval;
	bool redraw;
	struct round rounds[2];		/* this one and the last, in turns */
	unsigned long number;		/* of this one, from 0 */
};

/* Two rounds take turns: the one before the last is what is overwritten. */
static struct round *this_round(struct watching *w)
{
	return &w->rounds[w->number % 2];
}

static const struct round *last_round(const struct watching *w)
{
	return w->number ? &w->rounds[(w->number - 1) % 2] : NULL;
}

/* ---- reading ---- */

/* By id: a name can go over to another container from one round to the next, whose counters begin
 * anew. */
static const struct ct_stats_entry *find_entry(const struct round *round, const char *id,
					       size_t *ret_index)
{
	for (size_t i = 0; round && i < round->count; i++) {
		if (!strcmp(round->entries[i].id, id)) {
			*ret_index = i;
			return &round->entries[i];
		}
	}
	return NULL;
}

/* Why it cannot be read; that it does not run is to be seen and not said. */
static int explain(struct watching *w, const char *name, const struct ct_err *failure,
		   const char **ret_why, struct ct_err *err)
{
	char text[sizeof(failure->where) + sizeof(failure->what) + sizeof(failure->hint) + 8];

	if (failure->code == ESRCH)
		return 0;
	ct_err_format(failure, text, sizeof(text));
	*ret_why = ct_arena_printf(&this_round(w)->arena, "%s: %s", name, text);
	return *ret_why ? 0 : ct_fail_nomem(err);
}

/* Counters that were not read the last time have nothing to be compared with: CPU % is "--" for one
 * round then. */
static int add_entry(struct watching *w, const struct ct_container *c, const char *as_given,
		     struct ct_err *err)
{
	struct round *round = this_round(w);
	struct ct_stats_entry *entry = &round->entries[round->count];
	const struct ct_stats_entry *before;
	struct ct_err failure = { 0 };
	size_t index;

	*entry = (struct ct_stats_entry){
		.id = c->meta.id, .name = c->meta.name, .as_given = as_given,
	};
	entry->known = ct_container_usage(c, &entry->now, &failure) == 0;
	round->why[round->count] = NULL;
	if (!entry->known &&
	    explain(w, c->meta.name, &failure, &round->why[round->count], err) < 0)
		return -err->code;
	round->count++;
	before = find_entry(last_round(w), entry->id, &index);
	entry->has_before = entry->known && before && before->known;
	if (entry->has_before)
		entry->before = before->now;
	return 0;
}

/* One by its name or id, with its directory open for as long as the reading takes. */
static int read_one(struct watching *w, const char *name, const char *as_given, struct ct_err *err)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r = ct_container_find(w->store, &this_round(w)->arena, name, &c, err);

	/* Removed since we began: the others go on. */
	if (r == -ENOENT && w->number)
		return 0;
	if (r == 0)
		r = ct_container_refuse_session(&c, "measured by itself", err);
	return r < 0 ? r : add_entry(w, &c, as_given, err);
}

/* One more than needed, as an empty list needs memory that is not NULL. */
static int make_room(struct round *round, size_t count, struct ct_err *err)
{
	round->count = 0;
	round->entries = ct_arena_calloc(&round->arena, count + 1, sizeof(*round->entries));
	round->why = ct_arena_calloc(&round->arena, count + 1, sizeof(*round->why));
	return round->entries && round->why ? 0 : ct_fail_nomem(err);
}

/* A name that is gone in a later round has a row of "--"; in the first one it is an error. */
static int read_named(struct watching *w, struct ct_err *err)
{
	const struct ct_strings *names = &w->call->operands;
	int r = make_room(this_round(w), names->count, err);

	for (size_t i = 0; r == 0 && i < names->count; i++)
		r = read_one(w, names->items[i], names->items[i], err);
	return r;
}

/* Looked for anew in each round: containers come and go while this runs. */
static int read_all(struct watching *w, struct ct_err *err)
{
	struct ct_container_list list = {0};
	int r = ct_container_list(w->store, &this_round(w)->arena, &list, err);

	if (r == 0)
		r = make_room(this_round(w), list.count, err);
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		bool runs = ct_state_is_live(list.items[i].state);

		if (runs || w->options->all)
			r = read_one(w, list.items[i].meta.id, NULL, err);
		/* Gone between the list and the look. */
		if (r == -ENOENT)
			r = 0;
	}
	return r;
}

/* The arena that is closed is that of the round before the last: nothing refers to it any more. */
static int take_round(struct watching *w, struct ct_err *err)
{
	struct round *round = this_round(w);

	ct_arena_close(&round->arena);
	*round = (struct round){ .count = 0 };
	if (ct_arena_open(&round->arena, err) < 0)
		return -err->code;
	return w->call->operands.count ? read_named(w, err) : read_all(w, err);
}

/* ---- showing ---- */

static int add_row(struct watching *w, const struct ct_json *row, struct ct_values *values,
		   struct ct_buf *rows, struct ct_err *err)
{
	if (values->failed)
		return ct_fail_nomem(err);
	return ct_format_row(&w->format, values, row, rows, err);
}

/* How many containers fit on the screen below the titles and above a line that says what does not.
 * Three lines are not rows: the titles, the note, and the one on which the cursor ends up, where a
 * newline would scroll the titles away. */
static size_t count_fitting(struct watching *w)
{
	size_t count = this_round(w)->count;
	uint16_t rows, columns;

	if (!w->redraw || !ct_terminal_size(STDOUT_FILENO, &rows, &columns) || rows < 4)
		return count;
	return count + 2 > rows ? (size_t)rows - 3 : count;
}

/* What cannot be read: said once on stderr, where nothing wipes it away; else below the table. */
static void say_why(struct watching *w)
{
	const struct round *round = this_round(w);

	for (size_t i = 0; i < round->count; i++) {
		size_t index;
		bool said = find_entry(last_round(w), round->entries[i].id, &index) &&
			    last_round(w)->why[index];

		if (round->why[i] && !said)
			ct_warn("%s", round->why[i]);
	}
}

/* Below the table, where a redraw of the screen leaves room for one line. */
static void add_notes(struct watching *w, size_t fitting, struct ct_buf *notes)
{
	const struct round *round = this_round(w);
	size_t first = 0;

	while (first < round->count && !round->why[first])
		first++;
	/* There is one line, and no more. */
	if (fitting < round->count)
		ct_buf_printf(notes, "... and %zu more\n", round->count - fitting);
	else if (first < round->count)
		ct_buf_printf(notes, "%s\n", round->why[first]);
}

/* The screen is wiped as late as possible, when all of the new one is there, so that it does not
 * flicker. */
static int show_round(struct watching *w, struct ct_err *err)
{
	static const char wipe[] = "\033[H\033[J";
	const struct round *round = this_round(w);
	struct ct_values values = { .arena = &this_round(w)->arena };
	struct ct_buf ct_autobuf rows = {0}, notes = {0};
	size_t fitting = count_fitting(w);
	int r = 0;

	if (w->format.table)
		r = add_row(w, ct_stats_header(&values), &values, &rows, err);
	for (size_t i = 0; r == 0 && i < fitting; i++)
		r = add_row(w, ct_stats_row(&values, &round->entries[i], &w->style), &values, &rows,
			    err);
	if (r == 0 && w->redraw && ct_write_all(STDOUT_FILENO, wipe, sizeof(wipe) - 1) < 0)
		return ct_fail_errno(err, errno, "cannot write to standard output");
	if (r == 0)
		r = ct_format_print(&w->format, &rows, err);
	if (r < 0 || !w->redraw)
		return r;
	add_notes(w, fitting, &notes);
	return ct_print(&notes, err);
}

/* ---- again and again ---- */

/* The rest of the time after a signal that has not ended us. */
static void sleep_for(uint64_t ns)
{
	struct timespec left = { .tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND) };

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		;
}

/* The first reading is shown by nobody: a share of the processor is the difference of two. A first
 * wait of more than a second would show nothing for as long, so with a long --interval the first
 * round comes after a second; --no-stream waits as long as asked, for its rate is over that
 * time. */
static int watch(struct watching *w, struct ct_err *err)
{
	bool once = w->options->no_stream;
	uint64_t first = once || w->interval < SECOND ? w->interval : SECOND;
	int r = take_round(w, err);

	while (r == 0 && (this_round(w)->count || !w->call->operands.count)) {
		if (!w->redraw)
			say_why(w);
		sleep_for(w->number ? w->interval : first);
		w->number++;
		r = take_round(w, err);
		if (r == 0)
			r = show_round(w, err);
		if (once)
			break;
	}
	return r;
}

static int parse_options(struct watching *w, struct ct_err *err)
{
	const struct stats_options *options = w->options;
	const char *format = options->format;

	w->interval = SECOND;
	if (options->interval && ct_parse_duration(options->interval, &w->interval, err) < 0)
		return ct_wrap(err, "--interval");
	if (w->interval < LEAST_INTERVAL) {
		ct_fail(err, ERANGE, "must be 0.01 seconds at least, not \"%s\"",
			options->interval);
		return ct_wrap(err, "--interval");
	}
	if (!format || !*format || !strcmp(format, "table"))
		format = default_format;
	return ct_format_parse(w->call->arena, format, true, &w->format, err);
}

/* What a container without a limit may use, as docker shows it. */
static uint64_t host_memory(void)
{
	struct sysinfo info;

	return sysinfo(&info) < 0 ? UINT64_MAX : (uint64_t)info.totalram * info.mem_unit;
}

/* Only a table on a terminal is drawn anew in its place: a template, a pipe and --no-reset get
 * plain rows. */
static int stats_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct watching w = { .call = call, .options = call->options, .store = &store };
	int r = parse_options(&w, err);

	if (r == 0)
		r = ct_store_open(&store, err);
	if (r < 0)
		return r;
	w.style.no_trunc = w.options->no_trunc;
	w.style.host_memory = host_memory();
	w.redraw = w.format.table && !w.options->no_stream && !w.options->no_reset &&
		   isatty(STDOUT_FILENO);
	r = watch(&w, err);
	for (size_t i = 0; i < 2; i++)
		ct_arena_close(&w.rounds[i].arena);
	return r;
}

const struct ct_verb ct_verb_stats = {
	.name = "stats",
	.summary = "Show what containers use",
	.synopsis = "[OPTIONS] [CONTAINER...]",
	.description =
		"All containers that run, or those that are named, every second until it is interrupted: "
		"on a terminal in place, else one table after the other.\n\n"
		"CPU % is of one processor, from one reading to the next. Memory is without the part of "
		"the page cache that would be given back first, and its limit the container's or all that "
		"the host has. NET I/O is what was received and sent over devices of its own, BLOCK I/O "
		"what was read and written.\n\n"
		"The numbers are those of the container's control group. \"--\" stands for what is not "
		"known: of containers that do not run or have no control group, and where the controller "
		"is not delegated (\"cattach info\").\n\n"
		"A template may use .ID .Name .Container .CPUPerc .MemUsage .MemPerc .NetIO .BlockIO and "
		".PIDs. json has besides them .Usage, the plain numbers, and .Pressure: the part of the "
		"last 10, 60 and 300 seconds, in percent, in which processes waited for a resource.",
	.examples = "cattach stats\tWatch all that run\n"
		    "cattach stats --no-stream web db\tOne look at two of them\n"
		    "cattach stats --no-stream --format '{{.Name}} {{.MemUsage}}'\tFor a script",
	.options = stats_table,
	.options_size = sizeof(struct stats_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = stats_handler,
};
