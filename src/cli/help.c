/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Help as plain text, from the table of verbs and their tables of options: what "cattach help",
 * "cattach help VERB" and "--help" print.
 *
 * Eighty columns whatever the terminal, so that the text is the same everywhere and tests can
 * compare it. Only appends to a buffer; cannot fail but for memory, which the buffer remembers.
 *
 *    -x, --option VALUE   what it does, wrapped at 80 columns, in a column of its own
 *    headings (CT_OPTION_HEADING) part the long tables; rows without help are not shown
 */
#include "cli.h"

#include <string.h>

#define WIDTH	     80
#define HELP_COLUMN  30		/* where the explanations start */
#define VERB_COLUMN  15

/* Append words, broken at WIDTH, with every line but the first indented. column is where we are. */
static void wrap_text(struct ct_buf *buf, const char *text, size_t column, size_t indent)
{
	bool first = true;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (!first && column + 1 + length > WIDTH) {
			ct_buf_printf(buf, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			ct_buf_putc(buf, ' ');
			column++;
		}
		ct_buf_add(buf, text, length);
		column += length;
		text += length;
		text += strspn(text, " ");
		first = false;
	}
	ct_buf_putc(buf, '\n');
}

/* A term at the left, its explanation in a column at the right. A term that is too long for its
 * column stands on a line of its own. */
static void add_entry(struct ct_buf *buf, const char *term, const char *help, size_t help_column)
{
	size_t length = strlen(term);

	ct_buf_puts(buf, term);
	if (length + 2 > help_column) {
		ct_buf_putc(buf, '\n');
		length = 0;
	}
	ct_buf_printf(buf, "%*s", (int)(help_column - length), "");
	wrap_text(buf, help, help_column, help_column);
}

/* "  -e, --env NAME[=VALUE]" */
static void option_term(struct ct_buf *buf, const struct ct_option *option)
{
	if (option->letter)
		ct_buf_printf(buf, "  -%c, --%s", option->letter, option->name);
	else
		ct_buf_printf(buf, "      --%s", option->name);
	if (!option->metavar)
		return;
	if (ct_option_is_bool(option))
		ct_buf_printf(buf, "[=%s]", option->metavar);
	else
		ct_buf_printf(buf, " %s", option->metavar);
}

/* Where the table begins with a heading, what has none comes under "Other". */
static void add_options(struct ct_buf *buf, const struct ct_option *table)
{
	struct ct_buf ct_autobuf term = {0};
	bool grouped = table->kind == CT_OPTION_HEADING;

	for (; table->kind != CT_OPTION_END; table++) {
		if (table->kind == CT_OPTION_HEADING) {
			ct_buf_printf(buf, "\n%s:\n", table->help);
			continue;
		}
		if (!table->help)
			continue;
		ct_buf_clear(&term);
		option_term(&term, table);
		add_entry(buf, ct_buf_text(&term), table->help, HELP_COLUMN);
	}
	if (grouped)
		ct_buf_puts(buf, "\nOther:\n");
	add_entry(buf, "      --help", "Show this help and exit", HELP_COLUMN);
}

void ct_help_options(struct ct_buf *buf, const struct ct_option *table)
{
	add_options(buf, table);
}

/* A blank line in a description parts paragraphs; its other line ends do not matter. */
static void add_paragraphs(struct ct_buf *buf, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);
		struct ct_buf ct_autobuf paragraph = {0};

		ct_buf_putc(buf, '\n');
		ct_buf_add(&paragraph, text, length);
		wrap_text(buf, ct_buf_text(&paragraph), 0, 0);
		text += length + (end ? 2 : 0);
	}
}

/* Each line of the examples is a command, a tab and what it does. */
static void add_examples(struct ct_buf *buf, const char *text)
{
	ct_buf_puts(buf, "\nExamples:\n");
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t command = strcspn(text, "\t");

		ct_buf_printf(buf, "  %.*s\n", (int)command, text);
		ct_buf_printf(buf, "      %.*s\n", (int)(length - command - 1),
			      text + command + 1);
		text += length;
		text += *text == '\n';
	}
}

/* A table that begins with a heading needs no "Options:" above that. */
void ct_help_verb(struct ct_buf *buf, const struct ct_verb *verb)
{
	ct_buf_printf(buf, "Usage: cattach %s%s%s\n\n%s.\n", verb->name, *verb->synopsis ? " " : "",
		      verb->synopsis, verb->summary);
	add_paragraphs(buf, verb->description);
	if (verb->options->kind != CT_OPTION_HEADING)
		ct_buf_puts(buf, "\nOptions:\n");
	add_options(buf, verb->options);
	if (verb->examples)
		add_examples(buf, verb->examples);
}

void ct_help_main(struct ct_buf *buf)
{
	ct_buf_puts(buf, "Usage: cattach [OPTIONS] COMMAND [ARG...]\n\n"
			 "Run, watch and manage containers without a daemon and without root.\n\n"
			 "Commands:\n");
	for (size_t i = 0; ct_verbs[i]; i++) {
		ct_buf_printf(buf, "  %-*s", VERB_COLUMN - 2, ct_verbs[i]->name);
		wrap_text(buf, ct_verbs[i]->summary, VERB_COLUMN, VERB_COLUMN);
	}
	ct_buf_puts(buf, "\nOptions:\n");
	add_options(buf, ct_global_options);
	ct_buf_puts(buf, "\nCATTACH_DEBUG=TOPIC,... logs what happens; \"all\" names every topic.\n"
			 "Defaults of options: ~/.config/cattach/config.json and CATTACH_*, see cattach(1).\n"
			 "\"cattach help COMMAND\" says more about a command.\n");
}
