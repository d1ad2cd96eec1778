/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach info: what this host can and cannot do for the caller, one fact a line, each with the way
 * out.
 *
 * Runs in the command's own process; tries of namespaces are made in a child that leaves nothing
 * behind. The exit code is 0 even where something is missing: that is an answer. It fails when
 * nothing can be found out.
 */
#include "cli.h"

#include <string.h>

#include "format.h"
#include "info.h"

struct info_options {
	const char *format;
};

static const struct ct_option info_table[] = {
	{ "format", 'f', CT_OPTION_STRING, "FORMAT", offsetof(struct info_options, format),
	  "\"json\" or a Go template" },
	{ 0 },
};

/* Words that scripts may look for in --format json. */
static const char *level_name(enum ct_fact_level level)
{
	static const char *const names[] = {
		[CT_FACT_OK] = "ok",
		[CT_FACT_WARN] = "warn",
		[CT_FACT_NO] = "no",
	};

	return names[level];
}

/* In the order in which a reader wants to know: the kernel, namespaces, ids, limits, and comfort
 * last. */
static int collect(struct ct_facts *facts, struct ct_err *err)
{
	ct_facts_kernel(facts);
	if (ct_facts_namespaces(facts, err) < 0 || ct_facts_ids(facts, err) < 0 ||
	    ct_facts_cgroups(facts, err) < 0)
		return -err->code;
	ct_facts_session(facts);
	if (ct_facts_defaults(facts, err) < 0)
		return -err->code;
	return facts->failed ? ct_fail_nomem(err) : 0;
}

/* "ok    ", "warn  ", "no    ": to be found by grep '^no'. */
static int print_lines(const struct ct_facts *facts, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = {0};

	for (size_t i = 0; i < facts->count; i++) {
		const struct ct_fact *fact = &facts->items[i];

		ct_buf_printf(&buf, "%-4s  ", level_name(fact->level));
		ct_buf_escaped(&buf, fact->what, strlen(fact->what));
		if (fact->fix)
			ct_buf_printf(&buf, "  -> %s", fact->fix);
		ct_buf_putc(&buf, '\n');
	}
	return ct_print(&buf, err);
}

/* {"Kernel": {"Level": "ok", "What": "...", "Fix": ""}, ...} */
static struct ct_json *tree(struct ct_values *values, const struct ct_facts *facts)
{
	struct ct_json *root = ct_value_object(values);

	for (size_t i = 0; i < facts->count; i++) {
		const struct ct_fact *fact = &facts->items[i];
		struct ct_json *object = ct_value_object(values);

		ct_value_set(values, object, "Level",
			     ct_value_string(values, level_name(fact->level)));
		ct_value_set(values, object, "What", ct_value_string(values, fact->what));
		ct_value_set(values, object, "Fix", ct_value_string(values, fact->fix));
		ct_value_set(values, root, fact->name, object);
	}
	return root;
}

static int info_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct info_options *options = call->options;
	struct ct_facts facts = { .arena = call->arena };
	struct ct_values values = { .arena = call->arena };
	struct ct_buf ct_autobuf buf = {0};
	struct ct_format format;

	/* a template that does not parse is told before anything is tried */
	if (options->format &&
	    ct_format_parse(call->arena, options->format, true, &format, err) < 0)
		return -err->code;
	if (collect(&facts, err) < 0)
		return -err->code;
	if (!options->format)
		return print_lines(&facts, err);
	if (ct_format_row(&format, &values, tree(&values, &facts), &buf, err) < 0)
		return -err->code;
	return ct_format_print(&format, &buf, err);
}

const struct ct_verb ct_verb_info = {
	.name = "info",
	.summary = "Show what this host can do for you, and how to fix what it cannot",
	.synopsis = "[OPTIONS]",
	.description = "Each line begins with ok, warn (something is missing that containers can do "
		       "without) or no (containers cannot run). Behind the arrow is the way out. A "
		       "template may use .NAME.Level, .NAME.What and .NAME.Fix; \"--format json\" "
		       "shows the names. Defaults of options that are in effect are told, too, by "
		       "the names that they have in your config.json or environment.",
	.examples = "cattach info\tEverything\n"
		    "cattach info --format '{{.CgroupDelegation.What}}'\tWhere containers have their "
		    "cgroups, or why they have none\n"
		    "cattach info --format '{{.UserNamespaces.Level}}'\tOne answer, for scripts",
	.options = info_table,
	.options_size = sizeof(struct info_options),
	.operand = "operand",
	.without_defaults = true,
	.handler = info_handler,
};
