/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manual pages, in man(7) macros, from the same tables as the help texts. The pages under man/ are
 * the output of "cattach help --man [COMMAND]", so they cannot differ from what the command does.
 *
 * Only appends to a buffer; cannot fail but for memory, which the buffer remembers.
 *
 * In troff a line that begins with . or ' is a request, \ begins an escape, and a bare - may become
 * a hyphen that nobody can paste into a shell. Texts go through add_text() for that; what is
 * written here as troff does not.
 *
 *    .TH title   .SH NAME  SYNOPSIS  DESCRIPTION  OPTIONS  EXIT STATUS  EXAMPLES  SEE ALSO
 *    cattach(1)  one line a command, global options, defaults, environment, files
 */
#include "cli.h"

#include <stdio.h>
#include <string.h>

#include <cattach/version.h>

/* Text for troff: no escapes by accident, no request at the start of a line, hyphens that copy. */
static void add_text(struct ct_buf *buf, const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		bool start = i == 0 || text[i - 1] == '\n';

		if (start && (text[i] == '.' || text[i] == '\''))
			ct_buf_puts(buf, "\\&");
		if (text[i] == '\\')
			ct_buf_puts(buf, "\\e");
		else if (text[i] == '-')
			ct_buf_puts(buf, "\\-");
		else
			ct_buf_putc(buf, text[i]);
	}
}

static void add_string(struct ct_buf *buf, const char *text)
{
	add_text(buf, text, strlen(text));
}

/* No date: the page must be the same bytes whoever builds it, and tests compare it with man/. */
static void add_title(struct ct_buf *buf, const char *page)
{
	ct_buf_puts(buf, ".\\\" SPDX-License-Identifier: Apache-2.0\n");
	ct_buf_printf(buf, ".TH %s 1 \"\" \"cattach %s\" \"User Commands\"\n.SH NAME\n", page,
		      CT_VERSION);
}

/* -n, --name NAME; what may take "=BOOL" is shown with brackets, and without where help hides
 * it. */
static void add_option(struct ct_buf *buf, const struct ct_option *option)
{
	ct_buf_puts(buf, ".TP\n");
	if (option->letter)
		ct_buf_printf(buf, "\\fB\\-%c\\fR, ", option->letter);
	ct_buf_puts(buf, "\\fB\\-\\-");
	add_string(buf, option->name);
	ct_buf_puts(buf, "\\fR");
	if (option->metavar) {
		ct_buf_puts(buf, ct_option_is_bool(option) ? "[=" : " ");
		ct_buf_puts(buf, "\\fI");
		add_string(buf, option->metavar);
		ct_buf_puts(buf, ct_option_is_bool(option) ? "\\fR]" : "\\fR");
	}
	ct_buf_putc(buf, '\n');
	add_string(buf, option->help);
	ct_buf_puts(buf, ".\n");
}

/* --help is in no table: every verb has it, see ct_options_parse(). */
static void add_options(struct ct_buf *buf, const struct ct_option *table)
{
	static const struct ct_option help = { .name = "help",
					       .kind = CT_OPTION_FLAG,
					       .help = "Show a summary of the usage and exit" };

	ct_buf_puts(buf, ".SH OPTIONS\n");
	for (; table->kind != CT_OPTION_END; table++) {
		if (table->kind == CT_OPTION_HEADING) {
			ct_buf_puts(buf, ".SS ");
			add_string(buf, table->help);
			ct_buf_putc(buf, '\n');
		} else if (table->help) {
			add_option(buf, table);
		}
	}
	add_option(buf, &help);
}

/* Descriptions separate paragraphs by an empty line, which troff would print as a gap of its own
 * size. */
static void add_paragraphs(struct ct_buf *buf, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);

		ct_buf_puts(buf, ".PP\n");
		add_text(buf, text, length);
		ct_buf_putc(buf, '\n');
		text += length + (end ? 2 : 0);
	}
}

/* Each line is "COMMAND\tWHAT IT DOES"; a table of verbs without the tab would be a slip that the
 * golden files show. */
static void add_examples(struct ct_buf *buf, const char *text)
{
	ct_buf_puts(buf, ".SH EXAMPLES\n");
	while (*text) {
		size_t length = strcspn(text, "\n");
		size_t command = strcspn(text, "\t");

		ct_buf_puts(buf, ".TP\n\\fB");
		add_text(buf, text, command);
		ct_buf_puts(buf, "\\fR\n");
		add_text(buf, text + command + 1, length - command - 1);
		ct_buf_puts(buf, ".\n");
		text += length;
		text += *text == '\n';
	}
}

/* The same words on each page: an exit code means one thing for all commands. */
static void add_exit_status(struct ct_buf *buf)
{
	ct_buf_puts(buf, ".SH EXIT STATUS\n"
			 "0 when everything was done, 125 when cattach could not do it or refused.\n"
			 "\\fBcattach run\\fR ends with the exit code of its command; 126 when that\n"
			 "cannot be executed, 127 when it was not found, 128 + \\fIN\\fR when\n"
			 "signal \\fIN\\fR ended it.\n");
}

/* "cattach-run(1), cattach-ps(1), ...", without the page itself. */
static void add_see_also(struct ct_buf *buf, const struct ct_verb *self)
{
	ct_buf_puts(buf, ".SH SEE ALSO\n");
	if (self)
		ct_buf_puts(buf, ".BR cattach (1),\n");
	for (size_t i = 0; ct_verbs[i]; i++) {
		bool last = !ct_verbs[i + 1] || (ct_verbs[i + 1] == self && !ct_verbs[i + 2]);

		if (ct_verbs[i] != self)
			ct_buf_printf(buf, ".BR cattach\\-%s (1)%s\n", ct_verbs[i]->name,
				      last ? "" : ",");
	}
}

/* man-pages(7) has the order of the sections. */
static void verb_page(struct ct_buf *buf, const struct ct_verb *verb)
{
	char page[64];

	snprintf(page, sizeof(page), "cattach-%s", verb->name);
	add_title(buf, page);
	ct_buf_printf(buf, "cattach\\-%s \\- ", verb->name);
	add_string(buf, verb->summary);
	ct_buf_printf(buf, "\n.SH SYNOPSIS\n\\fBcattach %s\\fR ", verb->name);
	add_string(buf, verb->synopsis);
	ct_buf_puts(buf, "\n.SH DESCRIPTION\n");
	add_paragraphs(buf, verb->description);
	add_options(buf, verb->options);
	/* Words of its own, codes of its own: its description has them. */
	if (!verb->raw)
		add_exit_status(buf);
	if (verb->examples)
		add_examples(buf, verb->examples);
	add_see_also(buf, verb);
}

/* In troff already: there is a file to be shown in it. */
static void add_defaults(struct ct_buf *buf)
{
	ct_buf_puts(buf,
		    ".SH DEFAULTS\n"
		    "Options can have defaults of your own: what the command line says counts before a\n"
		    "variable, that before the file, and that before what is built in. A list counts as\n"
		    "a whole: one on the command line replaces that of a default.\n"
		    ".PP\n"
		    "In the file, an option of run and create is called by its name: \\fBlogDriver\\fR,\n"
		    "\\fBlogOpts\\fR, \\fBcapAdd\\fR, \\fBsizePolicy\\fR, \\fBmemory\\fR; such a default\n"
		    "is for these two. An option of one command has that before its name:\n"
		    "\\fBpsFormat\\fR, \\fBstatsNoTrunc\\fR, \\fBexecUser\\fR, \\fBrunRm\\fR.\n"
		    "\\fBdetachKeys\\fR is for attach, exec, run and start; keys that a container was\n"
		    "given count before it. Values are strings, numbers, true and false, lists of\n"
		    "strings, and objects for lists of KEY=VALUE.\n"
		    ".PP\n.nf\n"
		    "{\n"
		    "        \"detachKeys\": \"ctrl\\-x,x\",\n"
		    "        \"logDriver\": \"k8s\\-file\", \"logOpts\": {\"max\\-size\": \"10m\"},\n"
		    "        \"capDrop\": [\"ALL\"],\n"
		    "        \"psFormat\": \"table {{.Names}}\\et{{.Status}}\"\n"
		    "}\n.fi\n"
		    ".PP\n"
		    "Variables are the same names in capitals: CATTACH_LOG_DRIVER, CATTACH_CAP_ADD,\n"
		    "CATTACH_PS_FORMAT. Words separated by blanks make a list; an empty variable is none.\n"
		    ".PP\n"
		    "What names one thing (\\-\\-name, \\-\\-cidfile, \\-\\-all, ...) has no default, and\n"
		    "\\fBupdate\\fR, \\fBinfo\\fR, \\fBversion\\fR and \\fBhelp\\fR have none. A default of\n"
		    "\\-\\-log\\-opt gives way when a log driver is named, one of \\-\\-cap\\-add when\n"
		    "capabilities are dropped, one of \\-\\-format to \\-q, one of \\-\\-rm to \\-\\-restart and the\n"
		    "other way round, as do those of \\-\\-health\\-cmd and \\-\\-no\\-healthcheck. Defaults of\n"
		    "\\-\\-health\\-interval and of the others that say how a check is made count where there\n"
		    "is a \\-\\-health\\-cmd, one of \\-\\-memory\\-swap where there is a \\-\\-memory. A file that\n"
		    "is wrong, or that others can write, is an error; \\fBcattach info\\fR shows what is in\n"
		    "effect.\n");
}

/* What concerns all commands, and is on none of their own pages. */
static void main_page(struct ct_buf *buf)
{
	add_title(buf, "cattach");
	ct_buf_puts(buf, "cattach \\- run, watch and manage containers without a daemon\n"
			 ".SH SYNOPSIS\n\\fBcattach\\fR [OPTIONS] COMMAND [ARG...]\n"
			 ".SH DESCRIPTION\n"
			 "Runs containers as an unprivileged user. Each container has a small monitor "
			 "process of its own, which outlives the command that started it.\n"
			 ".SH COMMANDS\n");
	for (size_t i = 0; ct_verbs[i]; i++) {
		ct_buf_printf(buf, ".TP\n\\fB%s\\fR\n", ct_verbs[i]->name);
		add_string(buf, ct_verbs[i]->summary);
		ct_buf_puts(buf, ".\n");
	}
	add_options(buf, ct_global_options);
	add_exit_status(buf);
	add_defaults(buf);
	ct_buf_puts(buf, ".SH ENVIRONMENT\n.TP\n\\fBCATTACH_DEBUG\\fR\n"
			 "Comma separated topics to log to standard error; \"all\" for every one.\n"
			 ".TP\n\\fBXDG_DATA_HOME\\fR, \\fBXDG_RUNTIME_DIR\\fR\n"
			 "Where containers and their sockets are kept, in a directory cattach.\n"
			 ".TP\n\\fBXDG_CONFIG_HOME\\fR\n"
			 "Where the file with defaults is, in a directory cattach; ~/.config without it.\n"
			 ".TP\n\\fBCATTACH_OCI_ROOT\\fR\n"
			 "Where containers of engines are recorded, for \\fBoci\\fR without \\-\\-root and for "
			 "\\fBexec\\fR\ninto these; else $XDG_RUNTIME_DIR/cattach\\-oci, for root "
			 "/run/cattach\\-oci.\n"
			 ".TP\n\\fBCATTACH_\\fINAME\\fR\n"
			 "The default of an option, see DEFAULTS.\n"
			 ".SH FILES\n.TP\n\\fI~/.local/share/cattach\\fR\n"
			 "Containers of this user; \\fI/var/lib/cattach\\fR for root.\n"
			 ".TP\n\\fI~/.config/cattach/config.json\\fR\n"
			 "Defaults of options; \\fI/etc/cattach/config.json\\fR for root.\n");
	add_see_also(buf, NULL);
}

void ct_man_page(struct ct_buf *buf, const struct ct_verb *verb)
{
	if (verb)
		verb_page(buf, verb);
	else
		main_page(buf);
}
