/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci state, list, kill, delete, ps, pause and resume: what becomes of a container that was
 * made.
 *
 * Runs in the command with the caller's rights. What is printed is what the specification and the
 * callers of runc expect, key by key; so are the words of the errors.
 */
#include <errno.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/json.h>
#include <cattach/num.h>
#include <cattach/spec.h>
#include <cattach/top.h>

#include "cli.h"
#include "oci.h"
#include "times.h"
#include "top_table.h"

#define SPEC_VERSION "1.3.0"

/* ---- state and list ---- */

static bool has_process(const struct ct_container *c)
{
	return c->state == CT_STATE_CREATED || c->state == CT_STATE_RUNNING || c->state == CT_STATE_PAUSED;
}

static void put_annotations(struct ct_json_writer *w, const struct ct_container *c,
			    struct ct_arena *arena)
{
	struct ct_spec *spec;
	struct ct_err ignored;

	if (c->dir < 0 || ct_container_spec(c, arena, &spec, &ignored) < 0)
		return;
	ct_json_key(w, "annotations");
	ct_json_begin_object(w);
	for (size_t i = 0; i < spec->annotations.count; i++)
		ct_json_put_string(w, spec->annotations.items[i].key, spec->annotations.items[i].value);
	ct_json_end_object(w);
}

static void put_state(struct ct_json_writer *w, const struct ct_container *c, struct ct_arena *arena)
{
	char created[CT_TIME_SIZE];

	ct_json_begin_object(w);
	ct_json_put_string(w, "ociVersion", SPEC_VERSION);
	ct_json_put_string(w, "id", c->meta.id);
	ct_json_put_i64(w, "pid", has_process(c) ? c->status.pid : 0);
	ct_json_put_string(w, "status", ct_runtime_state_name(c->state));
	ct_json_put_string(w, "bundle", c->meta.bundle ? c->meta.bundle : "");
	ct_json_put_string(w, "rootfs", c->meta.rootfs ? c->meta.rootfs : "");
	ct_json_put_string(w, "created", ct_time_rfc3339(c->meta.created, created));
	put_annotations(w, c, arena);
	ct_json_put_string(w, "owner", "");
	ct_json_end_object(w);
}

static int state_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;
	int r = oci_find(call, &store, &c, err);

	if (r == 0)
		r = ct_json_writer_open(&w, &buf, true, err);
	if (r < 0)
		return r;
	put_state(&w, &c, call->arena);
	ct_json_writer_close(&w);
	return ct_print(&buf, err);
}

struct list_options {
	bool quiet;
	const char *format;
};

static const struct ct_option list_table[] = {
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, offsetof(struct list_options, quiet), "Only the ids" },
	{ "format", 'f', CT_OPTION_STRING, "FORMAT", offsetof(struct list_options, format),
	  "table or json" },
	{ 0 },
};

static int check_format(const char *format, struct ct_err *err)
{
	if (!format || !strcmp(format, "table") || !strcmp(format, "json"))
		return 0;
	ct_fail(err, EINVAL, "invalid format option \"%s\"", format);
	return ct_hint(err, "table or json");
}

static void add_rows(struct ct_buf *buf, const struct ct_container_list *list, bool quiet)
{
	char created[CT_TIME_SIZE];

	if (!quiet)
		ct_buf_printf(buf, "%-12s%-12s%-12s%-24s%-24s%s\n", "ID", "PID", "STATUS", "BUNDLE",
			      "CREATED", "OWNER");
	for (size_t i = 0; i < list->count; i++) {
		const struct ct_container *c = &list->items[i];

		if (quiet)
			ct_buf_printf(buf, "%s\n", c->meta.id);
		else
			ct_buf_printf(buf, "%-12s%-12d%-12s%-24s%-24s\n", c->meta.id,
				      has_process(c) ? (int)c->status.pid : 0,
				      ct_runtime_state_name(c->state),
				      c->meta.bundle ? c->meta.bundle : "",
				      ct_time_rfc3339(c->meta.created, created));
	}
}

static int list_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct list_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_container_list list = { 0 };
	struct ct_json_writer w;
	int r = check_format(o->format, err);

	if (r == 0)
		r = oci_open(call, false, &store, err);
	if (r == 0)
		r = ct_runtime_list(&store, call->arena, &list, err);
	/* No store, no containers. */
	if (r < 0 && r != -ENOENT)
		return r;
	if (o->quiet || !o->format || strcmp(o->format, "json") != 0) {
		add_rows(&buf, &list, o->quiet);
		return ct_print(&buf, err);
	}
	r = ct_json_writer_open(&w, &buf, false, err);
	if (r < 0)
		return r;
	ct_json_begin_array(&w);
	for (size_t i = 0; i < list.count; i++)
		put_state(&w, &list.items[i], call->arena);
	ct_json_end_array(&w);
	ct_json_writer_close(&w);
	return ct_print(&buf, err);
}

/* ---- kill and delete ---- */

struct kill_options {
	bool all;
};

static const struct ct_option kill_table[] = {
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct kill_options, all),
	  "All processes of the container" },
	{ 0 },
};

static int kill_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct kill_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int signal = SIGTERM;
	const char *word = call->operands.count > 1 ? call->operands.items[1] : "TERM";
	int r = 0;

	/* 0 asks whether it is there. */
	if (!strcmp(word, "0"))
		signal = 0;
	else
		r = ct_parse_signal(word, &signal, err);

	if (r == 0)
		r = oci_find(call, &store, &c, err);
	return r < 0 ? r : ct_runtime_signal(&store, call->arena, &c, signal, o->all, err);
}

struct delete_options {
	bool force, regex, all;
};

static const struct ct_option delete_table[] = {
	{ "force", 'f', CT_OPTION_BOOL, NULL, offsetof(struct delete_options, force),
	  "Also one that runs; one that is not there is no error" },
	{ "regex", 0, CT_OPTION_BOOL, NULL, offsetof(struct delete_options, regex),
	  "ID is an extended regular expression: all that it fits" },
	{ "all", 'a', CT_OPTION_BOOL, NULL, offsetof(struct delete_options, all), NULL },
	{ 0 },
};

static int delete_one(const struct oci_call *call, struct ct_store *store, const char *id,
		      struct ct_err *err)
{
	const struct delete_options *o = call->options;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r = ct_runtime_find(store, call->arena, id, &c, err);

	if (r == -ENOENT && o->force)
		return 0;
	return r < 0 ? r : ct_runtime_delete(store, &c, o->force, err);
}

/* One that cannot be deleted does not keep the others; the first error is told. */
static int delete_all(const struct oci_call *call, struct ct_store *store, const regex_t *regex,
		      struct ct_err *err)
{
	struct ct_container_list list;
	struct ct_err later;
	int first = 0, r = ct_runtime_list(store, call->arena, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++) {
		const char *id = list.items[i].meta.id;

		if (regexec(regex, id, 0, NULL, 0) != 0)
			continue;
		r = delete_one(call, store, id, first < 0 ? &later : err);
		first = first < 0 ? first : r;
	}
	return first;
}

static int delete_by_regex(const struct oci_call *call, struct ct_store *store, struct ct_err *err)
{
	regex_t regex;
	char why[128];
	int r = regcomp(&regex, call->operands.items[0], REG_EXTENDED | REG_NOSUB);

	if (r != 0) {
		regerror(r, &regex, why, sizeof(why));
		return ct_fail(err, EINVAL, "invalid regular expression \"%s\": %s",
			       call->operands.items[0], why);
	}
	r = delete_all(call, store, &regex, err);
	regfree(&regex);
	return r;
}

static int delete_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct delete_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	int r = o->regex ? 0 : ct_runtime_check_id(call->operands.items[0], err);

	if (r == 0)
		r = oci_open(call, false, &store, err);
	if (r < 0)
		return r == -ENOENT && (o->force || o->regex) ? 0 : r;
	return o->regex ? delete_by_regex(call, &store, err) :
			  delete_one(call, &store, call->operands.items[0], err);
}

/* ---- ps ---- */

static const struct ct_option ps_table[] = {
	{ "format", 'f', CT_OPTION_STRING, "FORMAT", offsetof(struct list_options, format),
	  "table or json" },
	{ 0 },
};

/* What a process calls itself must not pass for another line. */
static void print_row(struct ct_buf *buf, const struct ct_top_process *p)
{
	ct_buf_printf(buf, "%-8u %7d %7d ", p->uid, (int)p->pid, (int)p->parent);
	ct_buf_escaped(buf, p->args, strlen(p->args));
	ct_buf_putc(buf, '\n');
}

static int print_pids(const struct ct_top *top, bool json, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };

	ct_buf_printf(&buf, json ? "[" : "UID          PID    PPID CMD\n");
	for (size_t i = 0; i < top->count; i++) {
		const struct ct_top_process *p = &top->items[i];

		if (json)
			ct_buf_printf(&buf, "%s%d", i ? "," : "", (int)p->pid);
		else
			print_row(&buf, p);
	}
	ct_buf_printf(&buf, json ? "]\n" : "");
	return ct_print(&buf, err);
}

/* Words that are for ps elsewhere: there is none here, but its columns are. */
static int choose_columns(const struct ct_strings *words, struct ct_top_table *table, struct ct_err *err)
{
	int r = 0;

	for (size_t i = 1; r == 0 && i < words->count; i++) {
		const char *word = words->items[i];

		if (!strcmp(word, "-ef")) {
			ct_top_table_default(table);
		} else if ((!strcmp(word, "-o") || !strcmp(word, "-eo")) && i + 1 < words->count) {
			r = ct_top_table_add(table, words->items[++i], err);
		} else if (*word != '-') {
			r = ct_top_table_add(table, word, err);
		} else {
			ct_fail(err, EINVAL, "ps: \"%.64s\" is not supported", word);
			return ct_hint(err, "-ef, or -o with the columns of cattach top");
		}
	}
	return r;
}

static int ps_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct list_options *o = call->options;
	bool json = o->format && !strcmp(o->format, "json");
	struct ct_top_table table = { .count = 0 };
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_top top = { 0 };
	int r = check_format(o->format, err);

	if (r == 0 && !json)
		r = choose_columns(&call->operands, &table, err);
	if (r == 0)
		r = oci_find(call, &store, &c, err);
	if (r == 0)
		r = ct_top(&store, call->arena, &c, &top, err);
	if (r == 0 && table.count)
		return ct_top_table_print(&table, &top, err);
	return r < 0 ? r : print_pids(&top, json, err);
}

/* ---- pause and resume ---- */

static int set_paused(const struct oci_call *call, bool paused, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r = oci_find(call, &store, &c, err);

	return r < 0 ? r : ct_container_pause(&c, paused, err);
}

static int pause_handler(const struct oci_call *call, struct ct_err *err)
{
	return set_paused(call, true, err);
}

static int resume_handler(const struct oci_call *call, struct ct_err *err)
{
	return set_paused(call, false, err);
}

const struct oci_command oci_state = {
	.name = "state", .synopsis = "ID", .summary = "Print the state of a container",
	.min_operands = 1, .max_operands = 1, .handler = state_handler,
};

const struct oci_command oci_list = {
	.name = "list", .synopsis = "[OPTIONS]", .summary = "List containers",
	.options = list_table, .options_size = sizeof(struct list_options), .handler = list_handler,
};

const struct oci_command oci_kill = {
	.name = "kill", .synopsis = "[OPTIONS] ID [SIGNAL]", .summary = "Send a signal to a container",
	.options = kill_table, .options_size = sizeof(struct kill_options),
	.min_operands = 1, .max_operands = 2, .handler = kill_handler,
};

const struct oci_command oci_delete = {
	.name = "delete", .synopsis = "[OPTIONS] ID", .summary = "Remove a container",
	.options = delete_table, .options_size = sizeof(struct delete_options),
	.min_operands = 1, .max_operands = 1, .handler = delete_handler,
};

const struct oci_command oci_ps = {
	.name = "ps", .synopsis = "[OPTIONS] ID [-ef | -o COLUMN,...]", .summary = "List the processes of a container",
	.options = ps_table, .options_size = sizeof(struct list_options),
	.min_operands = 1, .max_operands = CT_OPERANDS_ANY, .stop_at_operand = true, .handler = ps_handler,
};

const struct oci_command oci_pause = {
	.name = "pause", .synopsis = "ID", .summary = "Stop all processes of a container",
	.min_operands = 1, .max_operands = 1, .handler = pause_handler,
};

const struct oci_command oci_resume = {
	.name = "resume", .synopsis = "ID", .summary = "Let a paused container go on",
	.min_operands = 1, .max_operands = 1, .handler = resume_handler,
};
