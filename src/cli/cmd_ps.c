/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach ps: the containers of the caller, as a table, as JSON or through a template; with --watch
 * again and again, until a signal ends it.
 *
 * Runs in the command's own process and only reads. A container whose record is damaged is a row
 * like the others; only an unreadable store is an error.
 *
 *   options -> ct_filters_parse, parse_format            refused before anything is read
 *   ct_container_list    every record, newest first
 *   leave_newest         -a, --filter, --last: in that order, so --last 2 is of those that match
 *   ct_ps_sort           only now: --sort must not change which ones are "the newest"
 *   add_rows             a row each, and below it its sessions
 *   ct_format_print      columns are as wide as the widest cell, so nothing is printed before
 */
#include "cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#include "format.h"
#include "ps.h"

struct ps_options {
	bool all, quiet, latest, no_trunc, noheading, sessions, namespaces, size, ignored;
	const char *last, *format, *sort, *watch;
	struct ct_strings filter;
};

#define OPTION(member) offsetof(struct ps_options, member)

static const struct ct_option ps_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, OPTION(all), "Also those that do not run" },
	{ "filter", 'f', CT_OPTION_LIST, "KEY=VALUE", OPTION(filter),
	  "Only those that match: id, name, label, label!, status, exited, ancestor, before, since, "
	  "until, command, network, volume, publish, expose, pod, health, restart-policy, "
	  "should-start-on-boot" },
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format),
	  "\"json\", a Go template, or \"table TEMPLATE\"" },
	{ "last", 'n', CT_OPTION_STRING, "N", OPTION(last), "The N newest, running or not" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest), "The newest one, running or not" },
	{ "no-trunc", 0, CT_OPTION_BOOL, NULL, OPTION(no_trunc), "Do not shorten ids and commands" },
	{ "noheading", 0, CT_OPTION_BOOL, NULL, OPTION(noheading), "Leave the line of titles out" },
	{ "ns", 0, CT_OPTION_BOOL, NULL, OPTION(namespaces),
	  "The first process of each, and the numbers of its namespaces" },
	/* Our records are what is: nothing to be synchronised, and no containers of others. */
	{ "external", 0, CT_OPTION_BOOL, NULL, OPTION(ignored), NULL },
	{ "sync", 0, CT_OPTION_BOOL, NULL, OPTION(ignored), NULL },
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, OPTION(quiet), "Only print the ids" },
	{ "sessions", 0, CT_OPTION_BOOL, NULL, OPTION(sessions),
	  "Below each container the sessions that exec has made in it" },
	{ "size", 's', CT_OPTION_BOOL, NULL, OPTION(size),
	  "What each has written, and with it the size of its root file system" },
	{ "sort", 0, CT_OPTION_STRING, "KEY", OPTION(sort),
	  "Order by command, created, id, image, names, runningfor or status" },
	{ "watch", 'w', CT_OPTION_STRING, "TIME", OPTION(watch),
	  "Anew every TIME (2s, 500ms, or seconds), until it is interrupted" },
	{ 0 },
};

/* The columns that docker ps and docker ps -s show, and podman ps --ns; scripts cut them by
 * position. */
static const char default_format[] =
	"table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}";

static const char size_format[] =
	"table {{.ID}}\t{{.Image}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.Ports}}\t{{.Names}}"
	"\t{{.Size}}";

static const char namespace_format[] =
	"table {{.ID}}\t{{.Names}}\t{{.Pid}}\t{{.CGROUPNS}}\t{{.IPC}}\t{{.MNT}}\t{{.NET}}\t{{.PIDNS}}"
	"\t{{.USERNS}}\t{{.UTS}}";

/* 100 looks a second at most: more would only keep the disk busy. */
#define LEAST_INTERVAL	(UINT64_C(10) * 1000 * 1000)	/* ns */

/* What was asked for, parsed. */
struct selection {
	const struct ps_options *options;
	struct ct_filters filters;
	int64_t last;			/* -1: no limit */
	uint64_t interval;		/* ns, 0: once */
	struct ct_format format;
};

/* Only what runs, unless asked otherwise: -a, --last and --latest, and filters that are about
 * others (status=exited) want all. */
static bool is_selected(const struct selection *selection, const struct ct_container *container)
{
	/* docker's: one that is about to run again counts. */
	bool runs = ct_state_is_live(container->state) ||
		    container->state == CT_STATE_RESTARTING;
	bool all = selection->options->all || selection->last >= 0 ||
		   ct_filters_want_all(&selection->filters);

	return (runs || all) && ct_filters_match(&selection->filters, container);
}

/* process.args of a bundle's config.json: what runs when nothing was given to "run". Only for the
 * column COMMAND, hence without errors: what cannot be read leaves the cell empty. A damaged record
 * without an id leads to openat(2) of "", which fails with ENOENT. */
static void read_args(const struct ct_store *store, struct ct_arena *arena, const char *id,
		      struct ct_strings *args)
{
	int ct_autofd dir = openat(store->containers, id ? id : "",
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	const struct ct_json *root, *list;
	const char *text;
	size_t size;
	struct ct_err ignored;

	if (dir < 0 || ct_read_file_at(arena, dir, "config.json", CT_JSON_MAX_SIZE, &text, &size,
				       &ignored) < 0)
		return;
	if (ct_json_parse(arena, "config.json", text, size, &root, &ignored) < 0)
		return;
	list = ct_json_find(root, "process.args");
	if (!list || list->type != CT_JSON_ARRAY)
		return;
	for (const struct ct_json *item = list->child; item; item = item->next)
		if (item->type == CT_JSON_STRING && ct_strings_add(arena, args, item->text) < 0)
			return;
}

/* What was typed comes first, even if config.json has it, too: it needs no look at another file. */
static int command_of(const struct ct_store *store, struct ct_arena *arena,
		      const struct ct_meta *meta, struct ct_strings *args, struct ct_err *err)
{
	const struct ct_strings *parts[] = { &meta->entrypoint, &meta->command };

	for (size_t i = 0; i < 2; i++)
		for (size_t j = 0; j < parts[i]->count; j++)
			if (ct_strings_add(arena, args, parts[i]->items[j]) < 0)
				return ct_fail_nomem(err);
	if (!args->count)
		read_args(store, arena, meta->id, args);
	return 0;
}

static int add_row(const struct selection *selection, const struct ct_store *store,
		   struct ct_arena *arena, const struct ct_container *container,
		   struct ct_buf *rows, struct ct_err *err)
{
	struct ct_values values = { .arena = arena };
	struct ct_strings args = {0};
	const struct ct_ps_style style = {
		.no_trunc = selection->options->no_trunc,
		.size = selection->options->size,
		.namespaces = selection->options->namespaces,
		.escape = selection->format.table,
		.now = ct_now_real(),
	};
	const struct ct_json *row;

	if (command_of(store, arena, &container->meta, &args, err) < 0)
		return -err->code;
	row = ct_ps_row(&values, container, &args, &style);
	if (values.failed)
		return ct_fail_nomem(err);
	return ct_format_row(&selection->format, &values, row, rows, err);
}

/* The titles are a row like the others, through the same template, as docker does it: {{.ID}}
 * becomes "CONTAINER ID" there. */
static int add_header(const struct selection *selection, struct ct_arena *arena,
		      struct ct_buf *rows, struct ct_err *err)
{
	struct ct_values values = { .arena = arena };
	const struct ct_json *header;

	if (!selection->format.table || selection->options->noheading || selection->options->quiet)
		return 0;
	header = ct_ps_header(&values);
	if (values.failed)
		return ct_fail_nomem(err);
	return ct_format_row(&selection->format, &values, header, rows, err);
}

/* Those that run, or with -a all; filters are for containers. */
static int add_sessions(const struct selection *selection, const struct ct_store *store,
			struct ct_arena *arena, const struct ct_container *container,
			struct ct_buf *rows, struct ct_err *err)
{
	struct ct_container_list list = {0};

	if (!selection->options->sessions)
		return 0;
	if (ct_session_list(store, arena, container, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].state != CT_STATE_RUNNING && !selection->options->all)
			continue;
		if (add_row(selection, store, arena, &list.items[i], rows, err) < 0)
			return -err->code;
	}
	return 0;
}

/* Those that are shown: which are newest is a matter of the store's order, not of the rows'. */
static void leave_newest(const struct selection *selection, struct ct_container_list *list)
{
	int64_t left = selection->last < 0 ? INT64_MAX : selection->last;
	size_t kept = 0;

	for (size_t i = 0; i < list->count && left > 0; i++) {
		if (!is_selected(selection, &list->items[i]))
			continue;
		list->items[kept++] = list->items[i];
		left--;
	}
	list->count = kept;
}

/* Each row in an arena of its own, so that ten thousand containers need no more than one. */
static int add_rows(const struct selection *selection, const struct ct_store *store,
		    const struct ct_container_list *list, struct ct_buf *rows, struct ct_err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct ct_arena ct_autoarena arena = {0};

		if (ct_arena_open(&arena, err) < 0 ||
		    add_row(selection, store, &arena, &list->items[i], rows, err) < 0 ||
		    add_sessions(selection, store, &arena, &list->items[i], rows, err) < 0)
			return -err->code;
	}
	return 0;
}

/* --quiet is a template, too. A format of "table" alone means the default columns, as in docker. */
static int parse_format(const struct ps_options *options, struct ct_arena *arena,
			struct ct_format *ret_format, struct ct_err *err)
{
	const char *format = options->format;

	if (options->size && options->namespaces && !format) {
		ct_fail(err, EINVAL, "--size and --ns exclude each other");
		return ct_hint(err, "--format can name the columns of both");
	}
	if (format && options->quiet) {
		ct_warn("--format is ignored, because --quiet prints ids only");
		format = NULL;
	}
	if (options->quiet)
		format = "{{.ID}}";
	else if (!format || !*format || !strcmp(format, "table"))
		format = options->namespaces ? namespace_format :
			 options->size	     ? size_format : default_format;
	return ct_format_parse(arena, format, true, ret_format, err);
}

/* -1 is docker's word for "all of them". */
static int parse_last(const struct ps_options *options, int64_t *ret_last, struct ct_err *err)
{
	*ret_last = options->latest ? 1 : -1;
	if (!options->last)
		return 0;
	if (ct_parse_i64(options->last, -1, INT32_MAX, ret_last, err) < 0)
		return ct_wrap(err, "--last");
	return 0;
}

/* Less than that would only heat the processor. */
static int parse_watch(const struct ps_options *options, uint64_t *ret_interval,
		       struct ct_err *err)
{
	if (!options->watch)
		return 0;
	if (ct_parse_duration(options->watch, ret_interval, err) < 0)
		return ct_wrap(err, "--watch");
	if (*ret_interval >= LEAST_INTERVAL)
		return 0;
	ct_fail(err, ERANGE, "must be 0.01 seconds at least, not \"%s\"", options->watch);
	return ct_wrap(err, "--watch");
}

/* The arena is closed at the end of each: --watch may go on for days. */
static int show(const struct selection *selection, struct ct_store *store, struct ct_err *err)
{
	struct ct_buf ct_autobuf rows = {0};
	struct ct_arena ct_autoarena arena = {0};
	struct ct_container_list list = {0};

	if (ct_arena_open(&arena, err) < 0 || ct_container_list(store, &arena, &list, err) < 0 ||
	    add_header(selection, &arena, &rows, err) < 0)
		return -err->code;
	leave_newest(selection, &list);
	ct_ps_sort(&list, selection->options->sort);
	if (add_rows(selection, store, &list, &rows, err) < 0)
		return -err->code;
	return ct_format_print(&selection->format, &rows, err);
}

/* On a terminal each in the place of the one before; else one after the other. A signal ends it by
 * its default meaning: nothing is held that would have to be given back. Time spent on reading is
 * not taken off the interval, so a slow disk is not asked faster than it answers. */
static int show_again(const struct selection *selection, struct ct_store *store,
		      struct ct_err *err)
{
	static const char wipe[] = "\033[H\033[J";
	bool redraw = isatty(STDOUT_FILENO);
	int r;

	do {
		struct timespec left = {
			.tv_sec = (time_t)(selection->interval / 1000000000),
			.tv_nsec = (long)(selection->interval % 1000000000),
		};

		if (redraw && ct_write_all(STDOUT_FILENO, wipe, sizeof(wipe) - 1) < 0)
			return ct_fail_errno(err, errno, "cannot write to standard output");
		r = show(selection, store, err);
		while (r == 0 && clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
			;
	} while (r == 0);
	return r;
}

/* Whatever is wrong with an option is said before the store is opened, but for filters that name a
 * container. */
static int ps_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct selection selection = { .options = call->options };

	if (ct_ps_check_sort(selection.options->sort, err) < 0 ||
	    parse_last(selection.options, &selection.last, err) < 0 ||
	    parse_watch(selection.options, &selection.interval, err) < 0 ||
	    parse_format(selection.options, call->arena, &selection.format, err) < 0 ||
	    ct_store_open(&store, err) < 0 ||
	    ct_filters_parse(&store, call->arena, &selection.options->filter, &selection.filters,
			     err) < 0)
		return -err->code;
	return selection.interval ? show_again(&selection, &store, err) :
				    show(&selection, &store, err);
}

const struct ct_verb ct_verb_ps = {
	.name = "ps",
	.summary = "List containers",
	.synopsis = "[OPTIONS]",
	.description =
		"Without -a only running containers are listed, newest first. A template may use .ID "
		".Image .Command .CreatedAt .RunningFor .Ports .State .Status .Size .Names .Labels "
		".Mounts .Networks and .Label \"KEY\"; and podman's .Pid .ExitCode .Exited .StartedAt .ExitedAt "
		".Created .CIDFile; with --ns also .CGROUPNS .IPC .MNT .NET .PIDNS .USERNS and .UTS, which are "
		"empty for what does not run. Sizes are looked for with -s only: of a ROOTFS:O that runs what "
		"it has written, and in parentheses that and all other files; what is written anywhere else "
		"cannot be told from what was there.\n\n"
		"Filters with the same key are alternatives, those with different keys and all labels "
		"must match. IMAGE is the BUNDLE or ROOTFS that was run; ancestor is that, or its absolute "
		"path. name is a regular expression, id the beginning of one. Ports cannot be published "
		"and there are no pods: these filters match nothing, and so do states that only docker "
		"or podman has (removing, dead, initialized, stopping). stopped is exited. podman's --sync "
		"and --external are understood, and change nothing.",
	.examples = "cattach ps -a\tAll containers\n"
		    "cattach ps -q -f status=exited\tIds of those that have ended\n"
		    "cattach ps --format 'table {{.Names}}\\t{{.Status}}'\tTwo columns of your choice",
	.options = ps_table,
	.options_size = sizeof(struct ps_options),
	.operand = "operand",
	.max_operands = 0,
	.handler = ps_handler,
};
