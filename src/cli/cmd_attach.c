/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach attach: follow a container that runs, or is going to.
 *
 * Runs in the command's own process with the caller's rights. The record and what is written from
 * now on are one log, so a replay runs into the live stream at one exact point. A container that
 * was created and not started yet is waited for (attach_wait.c). Fails, with what to do, for one
 * that has ended; a monitor that refuses us says why.
 */
#include "attach_wait.h"

#include <stdatomic.h>

#include <cattach/event.h>
#include <cattach/proc.h>
#include <cattach/timespec.h>

#include "cli.h"
#include "follow_options.h"
#include "latest.h"
#include "tail.h"

struct attach_options {
	const char *detach_keys, *default_keys, *stdin_eof, *lag, *tail, *since;
	bool no_stdin, sig_proxy, latest, read_only, replay, redraw;
	struct ct_strings attach;
};

#define OPTION(member) offsetof(struct attach_options, member)

static const struct ct_option attach_table[] = {
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest),
	  "Attach to the container that was made last" },
	{ "attach", 'a', CT_OPTION_LIST, "STREAM", OPTION(attach),
	  "Attach only to stdin, stdout or stderr" },
	{ "no-stdin", 0, CT_OPTION_BOOL, NULL, OPTION(no_stdin),
	  "Leave standard input alone: only watch" },
	{ "read-only", 0, CT_OPTION_BOOL, NULL, OPTION(read_only),
	  "Only watch, and let the monitor see to that: no input, no signals, no size" },
	{ "sig-proxy", 0, CT_OPTION_BOOL, "BOOL", OPTION(sig_proxy),
	  "Pass signals on to the command (default true); otherwise ctrl-c detaches" },
	{ "detach-keys", 0, CT_OPTION_STRING, "KEYS", OPTION(detach_keys),
	  "Keys that detach from the terminal (default ctrl-p,ctrl-q; none switches them off)" },
	{ "detach-keys", 0, CT_OPTION_DEFAULT, NULL, OPTION(default_keys), NULL },
	{ "stdin-eof", 0, CT_OPTION_STRING, "close|keep|detach", OPTION(stdin_eof),
	  "What the end of our input does: close that of the command, nothing, or let go of it" },
	{ "lag", 0, CT_OPTION_STRING, "block|skip", OPTION(lag),
	  "When our output is taken slower than the command writes: make it wait in the end, or leave "
	  "bytes out (default skip)" },

	{ .kind = CT_OPTION_HEADING, .help = "What has been written before" },
	{ "tail", 'n', CT_OPTION_STRING, "N", OPTION(tail), "Begin with the last N lines; or all" },
	{ "since", 0, CT_OPTION_STRING, "TIME", OPTION(since),
	  "Begin with what was written since TIME: 10s, 1m30s, 2026-01-31T12:00" },
	{ "replay", 0, CT_OPTION_BOOL, NULL, OPTION(replay), "Begin with all that the log has" },
	{ "logs", 0, CT_OPTION_BOOL, NULL, OPTION(replay), NULL },
	{ "redraw", 0, CT_OPTION_BOOL, NULL, OPTION(redraw),
	  "Make the command draw its screen anew also after a replay" },
	{ 0 },
};

static const struct attach_options attach_defaults = { .sig_proxy = true };

/* Where to begin, parsed. */
struct beginning {
	bool replay, has_lines, has_time;
	uint64_t lines, time;
	uint64_t began;			/* ns since the epoch: the command itself */
};

static int parse_beginning(const struct attach_options *o, struct beginning *ret,
			   struct ct_err *err)
{
	struct beginning b = { .replay = o->replay, .began = ct_now_real() };

	if (ct_parse_tail(o->tail, &b.has_lines, &b.lines, err) < 0)
		return -err->code;
	if (o->tail && !b.has_lines)
		b.replay = true;
	if (o->since && ct_parse_time(o->since, b.began, &b.time, err) < 0)
		return ct_wrap(err, "--since");
	b.has_time = o->since != NULL;
	*ret = b;
	return 0;
}

/* With both, what satisfies both: the later of the two places. */
static int seek(struct ct_cursor *cursor, const struct beginning *b, struct ct_err *err)
{
	uint64_t since = 0;

	if (b->has_time && ct_cursor_seek_time(cursor, b->time, err) < 0)
		return -err->code;
	if (!b->has_lines)
		return 0;
	since = b->has_time ? cursor->offset : 0;
	if (ct_cursor_seek_lines(cursor, b->lines, err) < 0)
		return -err->code;
	if (cursor->offset < since)
		return ct_cursor_seek_time(cursor, b->time, err);
	return 0;
}

static bool is_wanted(const struct beginning *b)
{
	return b->replay || b->has_lines || b->has_time;
}

/*
 * Is there a log driver whose files may have more of what is wanted than memory, where the cursor
 * stands by now? It does not if that is behind the oldest byte of it: all that is wanted is there.
 */
static bool reaches_files(struct ct_client *client, const struct ct_container *c,
			  const struct beginning *b, const struct ct_cursor *cursor)
{
	enum ct_log_file kind = ct_log_file_of(&c->meta);

	if ((kind != CT_LOG_FILE_K8S && kind != CT_LOG_FILE_JSON) || !is_wanted(b) ||
	    (b->has_lines && !b->lines))
		return false;
	return cursor->offset <= atomic_load(&client->page->oldest);
}

/* The place in them; the last lines are those of memory first. */
static int seek_files(struct ct_cursor *files, const struct ct_cursor *memory,
		      const struct beginning *b, struct ct_err *err)
{
	struct beginning rest = *b;
	uint64_t behind = 0;

	if (b->has_lines && ct_earlier_lines_behind(memory, &behind, err) < 0)
		return -err->code;
	rest.lines = b->lines > behind ? b->lines - behind : 0;
	return seek(files, &rest, err);
}

/* Where to begin, in memory or in files before it. */
static int place(struct ct_client *client, const struct ct_container *c, const struct beginning *b,
		 struct ct_earlier *earlier, struct ct_cursor *cursor, struct ct_err *err)
{
	struct ct_log_source source = ct_client_source(client);
	int r = ct_cursor_open(&source, b->replay ? CT_FROM_OLDEST : CT_FROM_NOW, cursor, err);

	if (r == 0)
		r = seek(cursor, b, err);
	if (r < 0 || !reaches_files(client, c, b, cursor))
		return r;
	r = ct_earlier_open(client, c, earlier, cursor, err);
	return r > 0 ? seek_files(&earlier->cursor, cursor, b, err) : r;
}

static int follow(struct ct_client *client, const struct beginning *b,
		  struct ct_follow_plan *plan, struct ct_err *err)
{
	struct ct_earlier earlier = CT_EARLIER_INIT;
	struct ct_cursor cursor = CT_CURSOR_INIT;
	int r = place(client, plan->how.container, b, &earlier, &cursor, err);

	plan->how.earlier = &earlier;
	if (r == 0) {
		r = ct_follow_session(client, &cursor, plan, err);
	} else {
		ct_cursor_close(&cursor);
		ct_client_close(client);
		ct_wrap(err, "%s", plan->how.name);
	}
	plan->how.earlier = NULL;
	ct_earlier_close(&earlier);
	return r;
}

static int plan_following(const struct attach_options *o, const struct ct_meta *meta,
			  struct ct_follow_plan *plan, struct ct_err *err)
{
	struct ct_follow_options options = {
		.detach_keys = o->detach_keys,
		.default_keys = o->default_keys,
		.stdin_eof = o->stdin_eof,
		.lag = o->lag,
		.sig_proxy = o->sig_proxy,
		.read_only = o->read_only,
		.no_terminal = "--no-stdin to watch it",
	};

	if (ct_parse_streams(&o->attach, &options.streams, err) < 0)
		return -err->code;
	options.streams.in = options.streams.in && !o->no_stdin;
	/* without a container: as far as they can be wrong by themselves */
	return meta ? ct_follow_prepare(meta, &options, plan, err) : ct_follow_check(&options, err);
}

static int attach(struct ct_store *store, struct ct_arena *arena,
		  struct ct_container *container, const struct attach_options *o,
		  const struct beginning *b, struct ct_err *err)
{
	bool running = container->state == CT_STATE_RUNNING;
	bool waits = container->state == CT_STATE_CREATED || ct_container_is_starting(container);
	struct ct_client client = CT_CLIENT_INIT;
	struct ct_follow_plan plan = { 0 };
	int r = 0;

	if (ct_log_passes(&container->meta)) {
		ct_fail(err, EINVAL, "this container is using the 'passthrough' log driver, cannot attach");
		ct_hint(err, "its output is where it was started; cattach wait waits for its end");
		return ct_wrap(err, "%s", ct_container_label(container));
	}
	/* What is wrong with the container is said before what is wrong with our terminal. */
	if (running || waits)
		r = plan_following(o, &container->meta, &plan, err);
	if (r < 0)
		return r;
	plan.how.name = ct_container_label(container);
	plan.how.container = container;
	plan.how.store = store;
	plan.how.session = container->session_of != NULL;
	plan.how.hang_up = CT_HANG_UP_DETACHES;
	if (waits)
		ct_event_record(container, "attach", CT_EVENT_END);
	if (waits)
		return ct_attach_created(store, arena, container,
					 container->state == CT_STATE_CREATED ? 0 : b->began, &plan,
					 err);
	plan.how.redraw = o->redraw || !is_wanted(b);
	if (running)
		ct_foreground_block(plan.how.sig_proxy);
	r = ct_container_attach(store, container, plan.hello, plan.rows, plan.columns, &client, err);
	if (r < 0)
		return r;
	ct_event_record(container, "attach", CT_EVENT_END);
	return follow(&client, b, &plan, err);
}

static int attach_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct attach_options *o = call->options;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct beginning beginning = { 0 };
	const char *name;
	int r = ct_check_latest(call, o->latest, err);

	if (r == 0)
		r = plan_following(o, NULL, NULL, err);
	if (r == 0)
		r = parse_beginning(o, &beginning, err);
	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		r = ct_operand_or_latest(call, o->latest, &store, &name, err);
	if (r == 0)
		r = ct_container_find(&store, call->arena, name, &container, err);
	return r < 0 ? r : attach(&store, call->arena, &container, o, &beginning, err);
}

const struct ct_verb ct_verb_attach = {
	.name = "attach",
	.summary = "Follow a running container: its output, input and signals",
	.synopsis = "[OPTIONS] CONTAINER",
	.description =
		"What the container writes comes out here, what is typed goes to it if it was made with "
		"-i, signals go to it, and the exit code is its own. Any number may be attached at the "
		"same time; none of them slows it, or another, down. A container that was created but "
		"not started is waited for, however long its start takes, and then followed from its first "
		"byte on. One with a restart policy is followed from run to run. CONTAINER/SESSION is a "
		"session of exec, also in a container of an engine (cattach-exec(1)).\n\n"
		"At the terminal of a container with -it, ctrl-p ctrl-q detaches: exit code 0, the "
		"container runs on. Each key by itself reaches it after half a second, or at once "
		"with the next key; the first one typed twice is sent once. What is pasted never "
		"detaches. Other keys: --detach-keys, or the variable CATTACH_DETACH_KEYS; a comma list "
		"of single characters, ctrl-a to ctrl-z, ctrl-@ [ \\ ] ^ _ and DEL.",
	.examples = "cattach attach web\tSee and type what the container does\n"
		    "cattach attach --no-stdin --tail 20 web\tWatch, beginning with the last lines\n"
		    "cattach attach --detach-keys ctrl-x,ctrl-x web\tOther keys to leave with",
	.options = attach_table,
	.defaults = &attach_defaults,
	.options_size = sizeof(struct attach_options),
	.operand = "CONTAINER",
	.max_operands = 1,
	.handler = attach_handler,
};
