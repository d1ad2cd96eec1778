/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container as a row of "cattach ps": docker's members, docker's texts.
 *
 * Builds values only, in the caller's arena. What comes from the container's maker (command, names,
 * source, labels) is escaped for a table, where a tab or newline would break the columns; with a
 * template or json the bytes stay what they are.
 *
 *    created                 Created
 *    running, paused         Up 3 hours (healthy), Up 3 hours (Paused)
 *    between two runs        Restarting (1) 2 seconds ago
 *    ended                   Exited (0) 2 days ago;  (unknown): nobody saw it
 *    damaged                 Damaged
 */
#include "ps.h"

#include <stdio.h>
#include <string.h>

#include <cattach/age.h>
#include <cattach/proc.h>

#include "template_ast.h"
#include "times.h"

/* characters that are shown without --no-trunc */
#define COMMAND_WIDTH 20
#define MOUNT_WIDTH 15

/* With a newline or an escape sequence in a label, one row could be made to look like two. */
struct ct_json *ct_ps_text(struct ct_values *values, const char *text, bool escape)
{
	struct ct_buf ct_autobuf safe = {0};

	if (!text || !escape)
		return ct_value_string(values, text);
	ct_buf_escaped(&safe, text, strlen(text));
	values->failed = values->failed || safe.failed;
	return ct_value_string_n(values, ct_buf_text(&safe), safe.length);
}

/* At most so many characters, the last one "…" when there were more. width characters with the "…"
 * among them. In UTF-8 all bytes but the first of a character have the bits 10 on top; columns of a
 * terminal are not counted, as docker does not either. */
static void ellipsis(struct ct_buf *buf, size_t width)
{
	size_t characters = 0, cut = 0;

	for (size_t i = 0; i < buf->length; i++) {
		if ((buf->data[i] & 0xc0) == 0x80)
			continue;
		characters++;
		if (characters == width)
			cut = i;	/* where the last character that fits begins */
	}
	if (characters <= width)
		return;
	buf->length = cut;
	buf->data[cut] = '\0';
	ct_buf_puts(buf, "…");
}

/* Cut before it is quoted, so that the quotes are always closed: "sleep 10…" is docker's, too. */
static struct ct_json *command(struct ct_values *values, const struct ct_strings *args,
			       bool no_trunc)
{
	struct ct_buf ct_autobuf text = {0}, quoted = {0};

	for (size_t i = 0; i < args->count; i++) {
		if (i)
			ct_buf_putc(&text, ' ');
		ct_buf_puts(&text, args->items[i]);
	}
	if (!no_trunc)
		ellipsis(&text, COMMAND_WIDTH);
	ct_template_quote(&quoted, ct_buf_text(&text), text.length);
	values->failed = values->failed || text.failed || quoted.failed;
	return ct_value_string_n(values, ct_buf_text(&quoted), quoted.length);
}

/* docker's words, in units that get coarser: "5 seconds ago", "3 weeks ago". */
static const char *ago(struct ct_values *values, uint64_t then, uint64_t now)
{
	char age[CT_AGE_SIZE];
	const char *text;

	ct_human_age(ct_age_since(then, now), age, sizeof(age));
	text = ct_arena_printf(values->arena, "%s ago", age);
	values->failed = values->failed || !text;
	return text ? text : "";
}

/* Between two runs of a container with a restart policy: how the last one ended, and when. */
static const char *restarting(struct ct_values *values, const struct ct_status *status,
			      uint64_t now)
{
	/* A monitor that was killed has recorded neither. */
	if (status->state != CT_STATUS_EXITED)
		return "Restarting (unknown)";
	return ct_arena_printf(values->arena, "Restarting (%d) %s", ct_exit_code(&status->exit),
			       ago(values, status->finished, now));
}

/* docker's text up to the time; what is behind it is ours. */
static const char *exited(struct ct_values *values, const struct ct_status *status, uint64_t now)
{
	/* nobody was there to record how it ended: the monitor was killed or the host restarted */
	if (status->state != CT_STATUS_EXITED)
		return "Exited (unknown)";
	/* A signal says nothing of who sent it. */
	return ct_arena_printf(values->arena, "Exited (%d) %s%s", ct_exit_code(&status->exit),
			       ago(values, status->finished, now),
			       status->oom_killed ? " (out of memory)" : "");
}

/* docker's words, behind "Up 2 minutes". */
static const char *health(enum ct_health_status status)
{
	switch (status) {
	case CT_HEALTH_STARTING:
		return " (health: starting)";
	case CT_HEALTH_HEALTHY:
		return " (healthy)";
	case CT_HEALTH_UNHEALTHY:
		return " (unhealthy)";
	case CT_HEALTH_NONE:
		break;
	}
	return "";
}

/* docker's sentences, which scripts search with grep: "Up", "Exited (0)", "Created". Damaged and
 * Foreign are ours; no container of docker's has those. */
const char *ct_ps_status(struct ct_values *values, const struct ct_container *container,
			 uint64_t now)
{
	const struct ct_status *status = &container->status;
	char age[CT_AGE_SIZE];
	const char *text = NULL;

	ct_human_age(ct_age_since(status->started, now), age, sizeof(age));
	switch (container->state) {
	case CT_STATE_CREATING:
		return "Creating";
	case CT_STATE_CREATED:
		return "Created";
	case CT_STATE_RUNNING:
		text = ct_arena_printf(values->arena, "Up %s%s", age, health(container->health));
		break;
	case CT_STATE_PAUSED:
		text = ct_arena_printf(values->arena, "Up %s (Paused)", age);
		break;
	case CT_STATE_RESTARTING:
		text = restarting(values, status, now);
		break;
	case CT_STATE_STOPPED:
		text = exited(values, status, now);
		break;
	case CT_STATE_DAMAGED:
		return "Damaged";
	case CT_STATE_FOREIGN:
		return "Foreign";
	}
	values->failed = values->failed || !text;
	return text ? text : "";
}

/* "KEY=VALUE,KEY=VALUE" */
static struct ct_json *labels_text(struct ct_values *values, const struct ct_spec_pairs *labels,
				   bool escape)
{
	struct ct_buf ct_autobuf text = {0};

	for (size_t i = 0; i < labels->count; i++)
		ct_buf_printf(&text, "%s%s=%s", i ? "," : "", labels->items[i].key,
			      labels->items[i].value);
	values->failed = values->failed || text.failed;
	return ct_ps_text(values, ct_buf_text(&text), escape);
}

/* The sources of --volume, each cut as docker cuts it: "/a,/long/path/to/…" */
static struct ct_json *mounts_text(struct ct_values *values, const struct ct_strings *binds,
				   const struct ct_ps_style *style)
{
	struct ct_buf ct_autobuf text = {0};

	for (size_t i = 0; i < binds->count; i++) {
		struct ct_buf ct_autobuf source = {0};

		ct_buf_add(&source, binds->items[i], strcspn(binds->items[i], ":"));
		if (!style->no_trunc)
			ellipsis(&source, MOUNT_WIDTH);
		ct_buf_printf(&text, "%s%s", i ? "," : "", ct_buf_text(&source));
		text.failed = text.failed || source.failed;
	}
	values->failed = values->failed || text.failed;
	return ct_ps_text(values, ct_buf_text(&text), style->escape);
}

/* 12 characters, docker's short id; a damaged record has none. */
static struct ct_json *id(struct ct_values *values, const char *text, bool no_trunc)
{
	size_t length = text ? strlen(text) : 0;

	if (!no_trunc && length > CT_SHORT_ID_LENGTH)
		length = CT_SHORT_ID_LENGTH;
	return ct_value_string_n(values, text ? text : "", length);
}

/* The object around a row, which has its labels one by one. row->parent is set by that, which is
 * how call_label() of template_eval.c finds them. The key is taken off again, for the row's own
 * members are what json prints. */
static void surround(struct ct_values *values, struct ct_json *row,
		     const struct ct_spec_pairs *pairs, bool escape)
{
	struct ct_json *around = ct_value_object(values), *labels = ct_value_object(values);

	for (size_t i = 0; i < pairs->count; i++)
		ct_value_set(values, labels, pairs->items[i].key,
			     ct_ps_text(values, pairs->items[i].value, escape));
	ct_value_set(values, around, "Labels", labels);
	ct_value_set(values, around, "Row", row);
	row->key = NULL;
}

/* In the order of docker's --format json, which is that of the alphabet. Networks and volumes of an
 * engine do not exist here: LocalVolumes is 0 and Ports is empty, always, so that templates
 * work. */
const struct ct_json *ct_ps_row(struct ct_values *values, const struct ct_container *container,
				const struct ct_strings *args, const struct ct_ps_style *style)
{
	const struct ct_meta *meta = &container->meta;
	struct ct_json *row = ct_value_object(values);
	char created[CT_TIME_SIZE];

	ct_value_set(values, row, "Command", command(values, args, style->no_trunc));
	ct_value_set(values, row, "CreatedAt",
		     ct_value_string(values, ct_time_local(meta->created, created)));
	ct_value_set(values, row, "ID", id(values, meta->id, style->no_trunc));
	ct_value_set(values, row, "Image", ct_ps_text(values, meta->source, style->escape));
	ct_value_set(values, row, "Labels", labels_text(values, &meta->labels, style->escape));
	ct_value_set(values, row, "LocalVolumes", ct_value_string(values, "0"));
	ct_value_set(values, row, "Mounts", mounts_text(values, &meta->binds, style));
	ct_value_set(values, row, "Names",
		     ct_ps_text(values, container->label ? container->label : meta->name,
				style->escape));
	ct_value_set(values, row, "Networks",
		     ct_ps_text(values, meta->network ? meta->network : "none", style->escape));
	ct_value_set(values, row, "Ports", ct_value_string(values, ""));
	ct_value_set(values, row, "RunningFor",
		     ct_value_string(values,
				     meta->created ? ago(values, meta->created, style->now) : ""));
	ct_value_set(values, row, "Size",
		     ct_value_string(values, style->size ? ct_ps_size(values, container) : "0B"));
	ct_value_set(values, row, "State",
		     ct_value_string(values, ct_state_name(container->state)));
	ct_value_set(values, row, "Status",
		     ct_value_string(values, ct_ps_status(values, container, style->now)));
	ct_ps_podman(values, row, container,
		     meta->created ? ago(values, meta->created, style->now) : "");
	if (style->namespaces)
		ct_ps_namespaces(values, row, container);
	surround(values, row, &meta->labels, style->escape);
	return row;
}

/* Labels being true and no object tells {{.Label "k"}} that a title is wanted. */
const struct ct_json *ct_ps_header(struct ct_values *values)
{
	static const char *const titles[][2] = {
		{ "Command", "COMMAND" },	{ "CreatedAt", "CREATED AT" },
		{ "ID", "CONTAINER ID" },	{ "Image", "IMAGE" },
		{ "Labels", "LABELS" },		{ "LocalVolumes", "LOCAL VOLUMES" },
		{ "Mounts", "MOUNTS" },		{ "Names", "NAMES" },
		{ "Networks", "NETWORKS" },	{ "Ports", "PORTS" },
		{ "RunningFor", "CREATED" },	{ "Size", "SIZE" },
		{ "State", "STATE" },		{ "Status", "STATUS" },
	};
	struct ct_json *around = ct_value_object(values), *row = ct_value_object(values);

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		ct_value_set(values, row, titles[i][0], ct_value_string(values, titles[i][1]));
	ct_ps_podman_titles(values, row);
	ct_ps_namespace_titles(values, row);
	ct_value_set(values, around, "Labels", ct_value_bool(values, true));
	ct_value_set(values, around, "Row", row);
	row->key = NULL;
	return row;
}
