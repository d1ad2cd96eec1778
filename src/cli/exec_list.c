/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach exec ls: the sessions of a container, as a table, as JSON or through a template.
 *
 * Runs in the command's own process and only reads. A session whose record is damaged is a row like
 * the others. Fails for a container that does not exist, and for bad templates.
 *
 * Members are named as in "cattach ps", so that a template for containers does for sessions.
 */
#include "exec.h"

#include <string.h>

#include <cattach/proc.h>

#include "format.h"
#include "ps.h"

struct ls_options {
	const char *format;
	bool noheading, quiet, no_trunc;
};

#define OPTION(member) offsetof(struct ls_options, member)

static const struct ct_option ls_table[] = {
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format),
	  "\"json\", a Go template, or \"table TEMPLATE\"" },
	{ "no-trunc", 0, CT_OPTION_BOOL, NULL, OPTION(no_trunc), "Do not shorten ids and commands" },
	{ "noheading", 0, CT_OPTION_BOOL, NULL, OPTION(noheading), "Leave the line of titles out" },
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, OPTION(quiet), "Only print the ids" },
	{ 0 },
};

static const char default_format[] =
	"table {{.Session}}\t{{.ID}}\t{{.Command}}\t{{.RunningFor}}\t{{.Status}}\t{{.User}}";

/* As a row of values like any other: the template prints it, with its own choice and order of
 * columns. */
static struct ct_json *titles(struct ct_values *values)
{
	static const char *const list[][2] = {
		{ "Session", "SESSION" }, { "Container", "CONTAINER" }, { "ID", "ID" },
		{ "Command", "COMMAND" }, { "CreatedAt", "CREATED AT" }, { "RunningFor", "CREATED" },
		{ "State", "STATE" },	  { "Status", "STATUS" },	 { "User", "USER" },
		{ "TTY", "TTY" },
	};
	struct ct_json *row = ct_value_object(values);

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++)
		ct_value_set(values, row, list[i][0], ct_value_string(values, list[i][1]));
	return row;
}

/* What a row of ps says about it, under the names that fit a session. A row of ps is built and six
 * of its members copied: a value has one parent. A session's COMMAND is what exec was given; it has
 * no entrypoint. */
static struct ct_json *session_row(struct ct_values *values, const struct ct_container *container,
				   const struct ct_container *session,
				   const struct ct_ps_style *style)
{
	static const char *const shared[] = { "ID", "Command", "CreatedAt", "RunningFor", "State",
					      "Status" };
	const struct ct_json *wide = ct_ps_row(values, session, &session->meta.command, style);
	struct ct_json *row = ct_value_object(values);

	ct_value_set(values, row, "Session", ct_value_string(values, session->meta.name));
	ct_value_set(values, row, "Container",
		     ct_value_string(values, ct_container_label(container)));
	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++)
		ct_value_set(values, row, shared[i],
			     ct_value_copy(values, ct_json_get(wide, shared[i])));
	ct_value_set(values, row, "User",
		     ct_ps_text(values, session->meta.user, style->escape));
	ct_value_set(values, row, "TTY", ct_value_bool(values, session->meta.tty));
	return row;
}

/* "table" alone is docker's way to ask for the default. */
static const char *format_text(const struct ls_options *options)
{
	if (options->quiet)
		return "{{.ID}}";
	if (!options->format || !*options->format || !strcmp(options->format, "table"))
		return default_format;
	return options->format;
}

/* One arena for all rows: a container has few sessions, and the command ends here. */
static int add_rows(const struct ct_call *call, const struct ct_format *format,
		    const struct ct_container *container, const struct ct_container_list *list,
		    struct ct_buf *rows, struct ct_err *err)
{
	const struct ls_options *options = call->options;
	struct ct_values values = { .arena = call->arena };
	const struct ct_ps_style style = {
		.no_trunc = options->no_trunc, .escape = format->table, .now = ct_now_real(),
	};

	if (format->table && !options->noheading &&
	    ct_format_row(format, &values, titles(&values), rows, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list->count; i++) {
		const struct ct_json *row = session_row(&values, container, &list->items[i],
							&style);

		if (ct_format_row(format, &values, row, rows, err) < 0)
			return -err->code;
	}
	return values.failed ? ct_fail_nomem(err) : 0;
}

/* Called by "exec ls", see exec_verbs.c. CONTAINER/SESSION is refused: a session has none of its
 * own. */
static int ls_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_buf ct_autobuf rows = { 0 };
	struct ct_container_list list;
	struct ct_format format;

	if (ct_format_parse(call->arena, format_text(call->options), true, &format, err) < 0 ||
	    ct_store_open(&store, err) < 0 ||
	    ct_exec_find(&store, call->arena, call->operands.items[0], &container, err) < 0 ||
	    ct_container_refuse_session(&container, "listed", err) < 0 ||
	    ct_session_list(&store, call->arena, &container, &list, err) < 0 ||
	    add_rows(call, &format, &container, &list, &rows, err) < 0)
		return -err->code;
	return ct_format_print(&format, &rows, err);
}

const struct ct_verb ct_verb_exec_ls = {
	.name = "exec ls",
	.summary = "List the sessions of a container",
	.synopsis = "[OPTIONS] CONTAINER",
	.description = "Those that run and those whose record is kept, newest first. A template may "
		       "use .Session .Container .ID .Command .CreatedAt .RunningFor .State .Status "
		       ".User .TTY.",
	.examples = "cattach exec ls web\tThe sessions of web\n"
		    "cattach exec ls -q web\tTheir ids",
	.options = ls_table,
	.options_size = sizeof(struct ls_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 1,
	.handler = ls_handler,
};
