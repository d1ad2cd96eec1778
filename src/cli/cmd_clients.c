/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach clients: who is attached to a container.
 *
 * Runs in the command's own process; the monitor tells, after it has asked each client how far it
 * has read. Fails when the container does not run, for then nobody is attached.
 *
 * The numbers come from two places: what a client has acknowledged from the monitor (the CLIENTS
 * answer, docs in PROTOCOL.md), and how far the log goes from the commit page, which is mapped.
 * BEHIND is the difference, in bytes of the log with its frames, and 0 when a client has read what
 * came after our look.
 */
#include "cli.h"

#include <pwd.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <cattach/age.h>
#include <cattach/proc.h>

#include "asking.h"
#include "format.h"
#include "times.h"

struct clients_options {
	const char *format;
	bool noheading, quiet;
};

#define OPTION(member) offsetof(struct clients_options, member)

static const struct ct_option clients_table[] = {
	{ "format", 0, CT_OPTION_STRING, "FORMAT", OPTION(format),
	  "\"json\", a Go template, or \"table TEMPLATE\"" },
	{ "noheading", 0, CT_OPTION_BOOL, NULL, OPTION(noheading), "Leave the line of titles out" },
	{ "quiet", 'q', CT_OPTION_BOOL, NULL, OPTION(quiet), "Only print the ids" },
	{ 0 },
};

static const char default_format[] =
	"table {{.ID}}\t{{.PID}}\t{{.User}}\t{{.Mode}}\t{{.Since}}\t{{.Behind}}";

/* The monitor knows a client by SO_PEERCRED, which is a number; names are looked up here, for a
 * monitor opens no files of the host. */
static struct ct_json *user_name(struct ct_values *values, uint32_t uid)
{
	const struct passwd *user = getpwuid(uid);
	char number[16];

	if (user && user->pw_name)
		return ct_value_string(values, user->pw_name);
	snprintf(number, sizeof(number), "%u", uid);
	return ct_value_string(values, number);
}

/* "rw" or "ro"; "block" when the payload waits for it in the end. */
static const char *mode_name(uint32_t flags)
{
	bool read_only = flags & CT_HELLO_READ_ONLY;

	if (flags & CT_HELLO_BLOCK)
		return read_only ? "ro,block" : "rw,block";
	return read_only ? "ro" : "rw";
}

/* For people; .AttachedAt is the same as a time. */
static struct ct_json *since(struct ct_values *values, uint64_t then)
{
	char age[CT_AGE_SIZE], text[CT_AGE_SIZE + 8];

	ct_human_age(ct_age_since(then, ct_now_real()), age, sizeof(age));
	snprintf(text, sizeof(text), "%s ago", age);
	return ct_value_string(values, text);
}

/* The pid is as our own pid namespace sees it, 0 when it cannot (SO_PEERCRED translates it). */
static struct ct_json *client_row(struct ct_values *values, const struct ct_message *client,
				  uint64_t committed)
{
	struct ct_json *row = ct_value_object(values);
	uint64_t behind = committed > client->offset ? committed - client->offset : 0;
	char time[CT_TIME_SIZE];

	ct_value_set(values, row, "ID", ct_value_i64(values, client->number));
	ct_value_set(values, row, "PID", ct_value_i64(values, client->pid));
	ct_value_set(values, row, "UID", ct_value_i64(values, client->uid));
	ct_value_set(values, row, "User", user_name(values, client->uid));
	ct_value_set(values, row, "Mode", ct_value_string(values, mode_name(client->flags)));
	ct_value_set(values, row, "Since", since(values, client->time));
	ct_value_set(values, row, "AttachedAt",
		     ct_value_string(values, ct_time_rfc3339(client->time, time)));
	ct_value_set(values, row, "Behind", ct_value_i64(values, (int64_t)behind));
	return row;
}

static struct ct_json *header_row(struct ct_values *values)
{
	static const char *const titles[][2] = {
		{ "ID", "ID" }, { "PID", "PID" }, { "UID", "UID" }, { "User", "USER" },
		{ "Mode", "MODE" }, { "Since", "SINCE" }, { "AttachedAt", "ATTACHED AT" },
		{ "Behind", "BEHIND" },
	};
	struct ct_json *row = ct_value_object(values);

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		ct_value_set(values, row, titles[i][0], ct_value_string(values, titles[i][1]));
	return row;
}

static int add_rows(const struct ct_call *call, const struct ct_format *format,
		    const struct ct_attached *attached, uint64_t committed, struct ct_buf *rows,
		    struct ct_err *err)
{
	const struct clients_options *options = call->options;
	struct ct_values values = { .arena = call->arena };
	bool header = format->table && !options->noheading;

	if (header && ct_format_row(format, &values, header_row(&values), rows, err) < 0)
		return -err->code;
	for (size_t i = 0; i < attached->count; i++) {
		const struct ct_json *row = client_row(&values, &attached->items[i], committed);

		if (ct_format_row(format, &values, row, rows, err) < 0)
			return -err->code;
	}
	return values.failed ? ct_fail_nomem(err) : 0;
}

static const char *format_text(const struct clients_options *options)
{
	if (options->quiet)
		return "{{.ID}}";
	if (!options->format || !*options->format || !strcmp(options->format, "table"))
		return default_format;
	return options->format;
}

/* We come as one who only reads: to ask must not take the place of one who types, and must work for
 * whoever may attach at all. We are a client ourselves, but the monitor leaves out who asks. */
static int clients_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_asking ct_autoasking asking = CT_ASKING_INIT;
	struct ct_buf ct_autobuf rows = {0};
	struct ct_attached attached;
	struct ct_format format;

	if (ct_format_parse(call->arena, format_text(call->options), true, &format, err) < 0 ||
	    ct_ask_open(&asking, call, call->operands.items[0], CT_HELLO_READ_ONLY, err) < 0 ||
	    ct_ask_clients(&asking, call->arena, &attached, err) < 0 ||
	    add_rows(call, &format, &attached,
		     atomic_load_explicit(&asking.client.page->committed, memory_order_acquire),
		     &rows, err) < 0)
		return -err->code;
	return ct_format_print(&format, &rows, err);
}

const struct ct_verb ct_verb_clients = {
	.name = "clients",
	.summary = "List who is attached to a container",
	.synopsis = "[OPTIONS] CONTAINER",
	.description =
		"MODE is rw, or ro for one that can only watch, with \"block\" when the container waits "
		"for it rather than let it miss something. BEHIND is how many bytes of the log it has "
		"still to read.\n\n"
		"A template may use .ID .PID .UID .User .Mode .Since .AttachedAt .Behind.",
	.examples = "cattach clients web\tWho is attached to web\n"
		    "cattach clients --format '{{.PID}}' web\tTheir process ids",
	.options = clients_table,
	.options_size = sizeof(struct clients_options),
	.operand = "CONTAINER",
	.min_operands = 1,
	.max_operands = 1,
	.handler = clients_handler,
};
