/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach top: the processes of a container, as a table.
 *
 * Runs in the command's own process with the caller's rights, and starts nothing: there is no ps,
 * neither the host's nor the container's. Fails for containers that do not run, and for columns
 * that there are not.
 *
 * The operands behind the name are columns, as for podman. docker takes options for ps there; they
 * are refused as unknown columns, with the list of those that there are.
 */
#include "cli.h"

#include <errno.h>
#include <string.h>

#include "latest.h"
#include "stats.h"
#include "top_columns.h"
#include "top_table.h"

struct top_options {
	struct ct_strings columns;
	bool latest, totals;
};

static const struct ct_option top_table[] = {
	{ "columns", 'o', CT_OPTION_LIST, "COLUMN,...", offsetof(struct top_options, columns),
	  "Which columns, instead of operands" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, offsetof(struct top_options, latest),
	  "The container that was made last, in place of CONTAINER" },
	{ "totals", 0, CT_OPTION_BOOL, NULL, offsetof(struct top_options, totals),
	  "One more line: processes, processor time and memory of all together" },
	{ 0 },
};

/* With --latest there is no name, so the first operand is a column already. */
static int choose_columns(const struct ct_call *call, struct ct_top_table *columns,
			  struct ct_err *err)
{
	const struct top_options *options = call->options;
	int r = 0;

	for (size_t i = 0; r == 0 && i < options->columns.count; i++)
		r = ct_top_table_add(columns, options->columns.items[i], err);
	for (size_t i = options->latest ? 0 : 1; r == 0 && i < call->operands.count; i++)
		r = ct_top_table_add(columns, call->operands.items[i], err);
	if (r == 0 && !options->columns.count && call->operands.count <= (options->latest ? 0 : 1))
		ct_top_table_default(columns);
	return r;
}

/* What the kernel has counted for all of them: those that have ended in between, too. */
static int print_totals(const struct ct_container *c, size_t processes, struct ct_err *err)
{
	struct ct_buf ct_autobuf line = { 0 };
	struct ct_usage usage;
	char amount[CT_AMOUNT_SIZE];

	if (ct_container_usage(c, &usage, err) < 0)
		return ct_wrap(err, "--totals");
	ct_buf_printf(&line, "Total: %zu process%s", processes, processes == 1 ? "" : "es");
	if (usage.cgroup.has_cpu) {
		ct_buf_puts(&line, ", processor time ");
		ct_top_duration(&line, usage.cgroup.cpu_usage / 1000000, false);
	}
	if (usage.cgroup.has_memory)
		ct_buf_printf(&line, ", memory %s",
			      ct_amount_binary(ct_usage_memory(&usage), amount));
	ct_buf_putc(&line, '\n');
	return ct_print(&line, err);
}

static int top_handler(const struct ct_call *call, struct ct_err *err)
{
	const struct top_options *options = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_top_table columns = { .count = 0 };
	const char *name = NULL;
	struct ct_top top;

	/* What it says is the usage error of the verb, since the columns make any number of
	 * operands right for the parser. */
	if (!options->latest && !call->operands.count)
		return ct_check_latest(call, false, err);
	/* Columns first: a misspelt one is an error for a container that is not there, too. */
	if (choose_columns(call, &columns, err) < 0 || ct_store_open(&store, err) < 0 ||
	    ct_operand_or_latest(call, options->latest, &store, &name, err) < 0 ||
	    ct_container_find(&store, call->arena, name, &container, err) < 0 ||
	    ct_top(&store, call->arena, &container, &top, err) < 0)
		return -err->code;
	if (ct_top_table_print(&columns, &top, err) < 0)
		return -err->code;
	return options->totals ? print_totals(&container, top.count, err) : 0;
}

const struct ct_verb ct_verb_top = {
	.name = "top",
	.summary = "Show the processes of a container",
	.synopsis = "[OPTIONS] CONTAINER [COLUMN...]",
	.description =
		"As the host sees them, without starting anything: by default UID, PID, PPID, C, STIME, "
		"TTY, TIME and CMD, all of them the host's."
		"\n\n"
		"Columns by name are args, capbnd, capeff, capinh, capprm, comm, etime, group, hgroup, "
		"hpgid, hpid, hppid, huser, label, nice, pcpu, pid, ppid, rgroup, rss, ruser, seccomp, "
		"state, stime, time, tty, user and vsz. pid, ppid, user and group are those of the "
		"container; \"h\" before them means the host's.\n\n"
		"--totals adds what the container's control group has counted, which has the processor "
		"time of processes that have ended, too. Without one it is an error.",
	.examples = "cattach top web\tWhat runs in it\n"
		    "cattach top web pid,hpid,user,args\tNumbers inside and outside\n"
		    "cattach top --totals web\tWith what all of it has used",
	.options = top_table,
	.options_size = sizeof(struct top_options),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.handler = top_handler,
};
