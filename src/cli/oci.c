/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runtime command line, as engines and their monitors call it: "cattach oci" or cattach-oci.
 *
 * Runs in the command's own process with the caller's rights. Options before the command are those
 * that callers of runc and crun give; those that say nothing to us are taken and left. Words are as
 * they come from Go programs, too: "-no-subreaper" is "--no-subreaper". Exit codes are not those of
 * the other face: 1 for an error of ours.
 */
#include "oci.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/log.h>
#include <cattach/version.h>

#include "cli.h"

#define OPTION(member) offsetof(struct oci_globals, member)

static const struct ct_option global_table[] = {
	{ "root", 0, CT_OPTION_STRING, "DIR", OPTION(root), "Directory of the containers' records" },
	{ "log", 0, CT_OPTION_STRING, "FILE", OPTION(log), "Errors go there, too" },
	{ "log-format", 0, CT_OPTION_STRING, "FORMAT", OPTION(log_format), "How: text or json" },
	{ "log-level", 0, CT_OPTION_STRING, "LEVEL", OPTION(log_level), NULL },
	{ "debug", 0, CT_OPTION_BOOL, NULL, OPTION(debug), "Say more on standard error" },
	{ "systemd-cgroup", 0, CT_OPTION_BOOL, NULL, OPTION(systemd_cgroup),
	  "Cgroups are made by systemd where it can" },
	{ "cgroup-manager", 0, CT_OPTION_STRING, "MANAGER", OPTION(cgroup_manager),
	  "Who makes cgroups: cgroupfs, systemd or disabled" },
	{ "rootless", 0, CT_OPTION_STRING, "BOOL", OPTION(rootless), NULL },
	{ "version", 'v', CT_OPTION_FLAG, NULL, OPTION(version), "Print the version and exit" },
	{ 0 },
};

static const struct ct_option no_options[] = { { 0 } };

static const struct oci_command *const commands[] = {
	&oci_create, &oci_run,	 &oci_start, &oci_state,    &oci_kill,	&oci_delete,
	&oci_list,   &oci_ps,	 &oci_exec,  &oci_spec,	    &oci_features,
	&oci_pause,  &oci_resume, &oci_update, &oci_events,
};

/* ---- words ---- */

static bool has_option(const struct ct_option *table, const char *name)
{
	size_t length = strcspn(name, "=");

	for (; table->kind != CT_OPTION_END; table++)
		if (table->name && strlen(table->name) == length &&
		    strncmp(table->name, name, length) == 0)
			return true;
	return false;
}

/* "-no-subreaper": one dash before a long name, where the table has that. */
static int take_words(struct ct_arena *arena, const struct ct_option *table, int argc,
		      char *const *argv, bool stop_at_operand, char ***ret_words, struct ct_err *err)
{
	char **words = ct_arena_calloc(arena, (size_t)argc + 1, sizeof(*words));
	bool done = false;

	if (!words)
		return ct_fail_nomem(err);
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];

		words[i] = argv[i];
		done = done || !strcmp(word, "--") || (stop_at_operand && word[0] != '-');
		if (done || word[0] != '-' || word[1] == '-' || !word[1] || !word[2] ||
		    !has_option(table, word + 1))
			continue;
		words[i] = (char *)ct_arena_printf(arena, "-%s", word);
		if (!words[i])
			return ct_fail_nomem(err);
	}
	*ret_words = words;
	return 0;
}

static int parse(struct ct_arena *arena, const struct ct_option_context *context, int argc,
		 char *const *argv, void *target, struct ct_strings *ret_operands, struct ct_err *err)
{
	char **words;
	int r = take_words(arena, context->table, argc, argv, context->stop_at_operand, &words, err);

	return r < 0 ? r : ct_options_parse(context, arena, argc, words, target, ret_operands, err);
}

/* ---- what is asked for ---- */

int oci_open(const struct oci_call *call, bool make, struct ct_store *ret_store, struct ct_err *err)
{
	int r = make ? 0 : oci_become_owner(call->globals->root, err);

	return r < 0 ? r : ct_runtime_open(call->globals->root, make, ret_store, err);
}

int oci_find(const struct oci_call *call, struct ct_store *store, struct ct_container *ret_container,
	     struct ct_err *err)
{
	int r = ct_runtime_check_id(call->operands.items[0], err);

	if (r == 0)
		r = oci_open(call, false, store, err);
	return r < 0 ? r : ct_runtime_find(store, call->arena, call->operands.items[0], ret_container,
					   err);
}

int oci_fail_state(const struct ct_container *container, struct ct_err *err)
{
	const char *id = container->meta.id;

	ct_fail(err, ESRCH, "container not running: %s is %s", id, ct_runtime_state_name(container->state));
	return container->state == CT_STATE_CREATED ? ct_hint(err, "cattach oci start %s", id) : -ESRCH;
}

/* The first line is for those who look for runc, the one with + for those who look for crun. */
static int print_version(struct ct_err *err)
{
	return ct_print_line("runc version 1.1.5 (cattach-oci " CT_VERSION_FULL ")\n"
			     "commit: " CT_COMMIT "\n"
			     "spec: 1.3.0\n"
			     "+SYSTEMD +CAP +SECCOMP +EBPF +YAJL", err);
}

/* As the other face prints it. */
static int print_help(struct ct_arena *arena, const struct oci_command *command, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_verb verb = ct_verb_oci;

	if (command) {
		verb = (struct ct_verb){
			.name = ct_arena_printf(arena, "oci %s", command->name),
			.synopsis = command->synopsis, .summary = command->summary,
			.description = "", .options = command->options ? command->options : no_options,
		};
		if (!verb.name)
			return ct_fail_nomem(err);
	}
	ct_help_verb(&buf, &verb);
	return ct_print(&buf, err);
}

/* ---- a command ---- */

static const struct oci_command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

static int call(const struct oci_command *command, struct oci_globals *globals, struct oci_call *c,
		int argc, char *const *argv, struct ct_err *err)
{
	const struct ct_option_context context = {
		.verb = ct_arena_printf(c->arena, "oci %s", command->name),
		.table = command->options ? command->options : no_options,
		.stop_at_operand = command->stop_at_operand,
	};
	void *options = ct_arena_calloc(c->arena, 1, command->options_size + 1);
	int r;

	if (!options || !context.verb)
		return ct_fail_nomem(err);
	c->options = options;
	r = parse(c->arena, &context, argc, argv, options, &c->operands, err);
	if (r == CT_OPTIONS_HELP)
		return print_help(c->arena, command, err);
	if (r == 0 && (c->operands.count < command->min_operands ||
		       c->operands.count > command->max_operands)) {
		ct_fail(err, EINVAL, "%s: %s arguments", command->name,
			c->operands.count < command->min_operands ? "too few" : "too many");
		return ct_hint(err, "usage: cattach oci %s %s", command->name, command->synopsis);
	}
	if (r < 0)
		return r;
	if (command->failed)
		globals->failed = command->failed;
	return command->handler(c, err);
}

/* Callers ask by looking at the exit code or for a word, also with --help. */
static bool is_refused(const char *name)
{
	return !strcmp(name, "checkpoint") || !strcmp(name, "restore") || !strcmp(name, "mounts");
}

/* Not with the words "requires an argument": they are how callers find out that restore can do something. */
static int refuse(const char *name, struct ct_err *err)
{
	ct_fail(err, ENOTSUP, "%s is not supported", name);
	if (!strcmp(name, "mounts"))
		return ct_hint(err, "what a container is to see goes into mounts of its config.json");
	return ct_hint(err, "processes cannot be frozen to disk here; pause stops them in memory");
}

static int fail_unknown(const char *name, struct ct_err *err)
{
	ct_fail(err, EINVAL, "unknown command \"%.64s\"", name);
	return ct_hint(err, "cattach oci --help lists the commands");
}

/* "help", and "help COMMAND". */
static int help(struct ct_arena *arena, const struct ct_strings *words, struct ct_err *err)
{
	const struct oci_command *command = words->count > 1 ? find(words->items[1]) : NULL;

	if (words->count > 1 && !command)
		return fail_unknown(words->items[1], err);
	return print_help(arena, command, err);
}

static int run(struct ct_arena *arena, struct oci_globals *globals, int argc, char *const *argv,
	       struct ct_err *err)
{
	static const struct ct_option_context context = { .verb = "oci", .table = global_table,
							  .stop_at_operand = true };
	struct oci_call c = { .globals = globals, .arena = arena };
	const struct oci_command *command;
	struct ct_strings words;
	int r = parse(arena, &context, argc, argv, globals, &words, err);

	if (r < 0)
		return r;
	if (r == CT_OPTIONS_HELP)
		return print_help(arena, NULL, err);
	oci_take_warnings(globals);
	if (globals->debug && ct_log_setup("debug", NULL, err) < 0)
		return -err->code;
	if (globals->version)
		return print_version(err);
	if (!words.count || !strcmp(words.items[0], "help"))
		return help(arena, &words, err);
	if (is_refused(words.items[0]))
		return refuse(words.items[0], err);
	command = find(words.items[0]);
	if (!command)
		return fail_unknown(words.items[0], err);
	return call(command, globals, &c, (int)words.count - 1, (char *const *)words.items + 1, err);
}

static int oci_handler(const struct ct_call *call, struct ct_err *err)
{
	(void)err;
	return oci_main((int)call->operands.count, (char *const *)call->operands.items);
}

const struct ct_verb ct_verb_oci = {
	.name = "oci",
	.summary = "Be the runtime that an engine calls",
	.synopsis = "[OPTIONS] COMMAND [ARG...]",
	.description = "The command line of OCI runtimes, for podman, containerd and CRI-O: create, start, "
		       "state, kill, delete, run, exec, ps, list, pause, resume, update, events, features, spec. "
		       "\"cattach oci COMMAND --help\" lists what a command takes. The same program by the name "
		       "cattach-oci is this command line alone.\n\n"
		       "Whoever calls it watches the containers: it owns their standard streams and reaps "
		       "their processes. There is no monitor and no log, and the containers are not among "
		       "those of cattach ps; but \"cattach exec\" goes into them, with sessions that end with "
		       "them. Without --root records are in $CATTACH_OCI_ROOT, or the default of cattach(1).\n\n"
		       "Exit codes are those of other runtimes: 1 for an error, 255 when run or exec could "
		       "not start the command; else run and exec end with the command's.",
	.examples = "cattach oci create -b mybundle c1\tMake a container whose process waits\n"
		    "cattach oci start c1\tLet it run\n"
		    "cattach oci delete -f c1\tEnd it and take it away",
	.options = global_table,
	.options_size = sizeof(struct oci_globals),
	.operand = "COMMAND",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.without_defaults = true,
	.raw = true,
	.handler = oci_handler,
};

int oci_main(int argc, char *const *argv)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_buf ct_autobuf warnings = { 0 };
	struct oci_globals globals = { .failed = OCI_EXIT_FAILED, .warnings = &warnings };
	struct ct_err err = { 0 };
	int r = ct_arena_open(&arena, &err);

	if (r == 0)
		r = run(&arena, &globals, argc, argv, &err);
	ct_log_take_warnings(NULL, NULL);
	if (r >= 0) {
		oci_write_warnings(&globals);
		return r;
	}
	oci_report(&globals, &err);
	return globals.failed;
}
