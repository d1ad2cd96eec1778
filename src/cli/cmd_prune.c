/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach prune: remove what nobody needs any more: cgroups that crashes have left, and with
 * --containers all containers that do not run.
 *
 * Runs in the command's own process, on cgroups and directories of the caller. At a terminal it
 * asks before it removes containers. One that cannot be removed is reported and the others go on.
 * Fails when the store or the cgroups cannot be listed, and when the answer is no.
 *
 *    each container   remove it if it is not needed and that was asked for, else its left cgroup
 *    the store        cgroups of ours that belong to no container any more
 *    nobody's cgroup or container is touched that runs, or that a command holds
 */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/io.h>
#include <cattach/states.h>

struct prune_options {
	bool containers, force;
};

static const struct ct_option prune_table[] = {
	{ "containers", 0, CT_OPTION_BOOL, NULL, offsetof(struct prune_options, containers),
	  "Also remove all containers that do not run" },
	{ "force", 'f', CT_OPTION_BOOL, NULL, offsetof(struct prune_options, force),
	  "Do not ask" },
	{ 0 },
};

struct pruning {
	const struct prune_options *options;
	struct ct_store *store;
	struct ct_arena *arena;
	unsigned containers, cgroups;
	int code;			/* of what has been reported */
};

/* ---- asking ---- */

/* A line of the terminal, bounded; what follows the first word is no answer. */
static bool is_yes(void)
{
	char line[64];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);
	size_t length;

	if (n <= 0)
		return false;
	line[n] = '\0';
	length = strcspn(line, "\n");
	line[length] = '\0';
	return !strcasecmp(line, "y") || !strcasecmp(line, "yes");
}

/* Not asked without a terminal: a script has decided by writing the command. */
static int ask(const struct prune_options *options, struct ct_err *err)
{
	static const char question[] = "This removes all containers that do not run, with what they "
				       "have written. Go on? [y/N] ";

	if (!options->containers || options->force || !isatty(STDIN_FILENO))
		return 0;
	if (!isatty(STDERR_FILENO)) {
		ct_fail(err, ECANCELED, "nothing was removed: stderr is no terminal, to ask there");
		return ct_hint(err, "-f does not ask");
	}
	if (ct_write_all(STDERR_FILENO, question, sizeof(question) - 1) == 0 && is_yes())
		return 0;
	return ct_fail(err, ECANCELED, "nothing was removed");
}

/* ---- removing ---- */

/* The last failure makes the exit code, as for every verb with several operands. */
static void report(struct pruning *p, const struct ct_err *failure)
{
	ct_report(failure);
	p->code = failure->exit;
}

/* By the table of states: those that were created and those that have ended; what is damaged may be
 * all that is left of something, and what is being made is somebody's. */
static bool is_unneeded(const struct pruning *p, const struct ct_container *c)
{
	return p->options->containers && ct_state_answer(CT_ACT_PRUNE, c->state) == CT_ANSWER_YES;
}

/* What somebody else has removed meanwhile is not ours to count. */
static int remove_container(struct pruning *p, struct ct_container *c, struct ct_err *err)
{
	if (ct_container_remove(p->store, c, false, err) < 0)
		return -err->code;
	p->containers++;
	return ct_print_line(ct_container_label(c), err);
}

/* By id, from the list: found anew, as it may have been started or removed meanwhile. */
static void prune_one(struct pruning *p, const char *id)
{
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_err failure = { 0 };
	int r = ct_container_find(p->store, p->arena, id, &c, &failure);

	if (r == -ENOENT)
		return;
	if (r == 0)
		r = ct_container_prune_cgroup(&c, &failure);
	if (r > 0)
		p->cgroups++;
	if (r >= 0 && is_unneeded(p, &c))
		r = remove_container(p, &c, &failure);
	if (r < 0)
		report(p, &failure);
}

/* An event of no container, as docker has it for each kind of thing that it prunes. */
static void tell_sum(const struct pruning *p)
{
	char containers[16], cgroups[16];

	snprintf(containers, sizeof(containers), "%u", p->containers);
	snprintf(cgroups, sizeof(cgroups), "%u", p->cgroups);
	ct_event_record_in(p->store, NULL, "prune", "containers", containers, "cgroups", cgroups,
			   CT_EVENT_END);
}

static int print_sum(const struct pruning *p, struct ct_err *err)
{
	struct ct_buf ct_autobuf line = {0};

	if (p->options->containers)
		ct_buf_printf(&line, "%u container%s and ", p->containers,
			      p->containers == 1 ? "" : "s");
	ct_buf_printf(&line, "%u cgroup%s removed\n", p->cgroups, p->cgroups == 1 ? "" : "s");
	return ct_print(&line, err);
}

static int prune_all(struct pruning *p, struct ct_err *err)
{
	struct ct_container_list list = {0};
	unsigned swept = 0;

	if (ct_container_list(p->store, p->arena, &list, err) < 0)
		return -err->code;
	for (size_t i = 0; i < list.count; i++)
		prune_one(p, list.items[i].meta.id);
	/* Last: what could not be removed above is known, and stays for another try. */
	if (ct_store_prune_cgroups(p->store, &swept, err) < 0)
		return -err->code;
	p->cgroups += swept;
	tell_sum(p);
	return print_sum(p, err);
}

/* Asked first: nothing is listed, or locked, while somebody thinks about the answer. */
static int prune_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct pruning p = { .options = call->options, .store = &store, .arena = call->arena };
	int r = ask(p.options, err);

	if (r == 0)
		r = ct_store_open(&store, err);
	if (r == 0)
		r = prune_all(&p, err);
	return r < 0 ? r : p.code;
}

const struct ct_verb ct_verb_prune = {
	.name = "prune",
	.summary = "Remove what nobody needs any more",
	.synopsis = "[OPTIONS]",
	.description =
		"The control groups that are left where a monitor was killed or the host went down: those "
		"of containers that do not run any more, with whatever still is in them, and empty ones "
		"that belong to no container. Nothing else is touched, and it can be done at any time.\n\n"
		"With --containers all containers that do not run go too, those that were created and "
		"never started among them, with their logs. Their names are printed; at a terminal it asks "
		"before.",
	.examples = "cattach prune\tAfter a crash\n"
		    "cattach prune --containers -f\tOnly what runs is left",
	.options = prune_table,
	.options_size = sizeof(struct prune_options),
	.operand = "operand",
	.max_operands = 0,
	.handler = prune_handler,
};
