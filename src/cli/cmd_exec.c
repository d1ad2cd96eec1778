/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach exec: its options, and what can be checked on them before anything happens.
 *
 * Runs in the command's own process with the caller's rights. Fails for containers that do not run,
 * each state with its way out, and on options that contradict each other.
 */
#include "exec.h"

#include <errno.h>
#include <string.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#include "cidfile.h"
#include "foreground.h"
#include "latest.h"
#include "preserve_fds.h"

#define OPTION(member) offsetof(struct ct_exec_cli, member)

static const struct ct_option exec_table[] = {
	{ .kind = CT_OPTION_HEADING, .help = "The command" },
	{ "interactive", 'i', CT_OPTION_BOOL, NULL, OPTION(interactive),
	  "Give the command our standard input, not /dev/null" },
	{ "tty", 't', CT_OPTION_BOOL, NULL, OPTION(tty),
	  "Give the command a terminal of its own; makes a session" },
	{ "detach", 'd', CT_OPTION_BOOL, NULL, OPTION(detach),
	  "Run in the background and print the id of the session" },
	{ "user", 'u', CT_OPTION_STRING, "USER[:GROUP]", OPTION(user),
	  "Names of the container's own files, or numbers" },
	{ "workdir", 'w', CT_OPTION_STRING, "DIR", OPTION(workdir),
	  "Directory to start in (default: the container's)" },
	{ "env", 'e', CT_OPTION_LIST, "NAME[=VALUE]", OPTION(env),
	  "Set a variable, or pass ours on" },
	{ "env-file", 0, CT_OPTION_LIST, "FILE", OPTION(env_file), "Variables from a file" },
	{ "privileged", 0, CT_OPTION_BOOL, NULL, OPTION(privileged),
	  "All capabilities that the container's user namespace has" },
	{ "cap-add", 0, CT_OPTION_LIST, "CAP", OPTION(cap_add), "Add a capability, or ALL" },
	{ "cap-drop", 0, CT_OPTION_LIST, "CAP", OPTION(cap_drop), "Drop a capability, or ALL" },
	{ "preserve-fds", 0, CT_OPTION_STRING, "N", OPTION(preserve_fds),
	  "Give N more descriptors, from 3 on, to the command" },
	{ "latest", 'l', CT_OPTION_BOOL, NULL, OPTION(latest),
	  "The container that was made last, in place of CONTAINER" },
	{ "cidfile", 0, CT_OPTION_STRING, "FILE", OPTION(cidfile),
	  "Read the container's id from FILE, in place of CONTAINER" },
	{ .kind = CT_OPTION_HEADING, .help = "Sessions and signals" },
	{ "session", 0, CT_OPTION_STRING, "NAME", OPTION(session),
	  "Make a session of this name: CONTAINER/NAME" },
	{ "rm", 0, CT_OPTION_CHOICE, "BOOL", OPTION(remove),
	  "Remove the session when it ends (default true, false with -d)" },
	{ "detach-keys", 0, CT_OPTION_STRING, "KEYS", OPTION(detach_keys),
	  "Keys that detach from the terminal (default ctrl-p,ctrl-q; none switches them off)" },
	{ "detach-keys", 0, CT_OPTION_DEFAULT, NULL, OPTION(default_keys), NULL },
	{ "lag", 0, CT_OPTION_STRING, "block|skip", OPTION(lag),
	  "When the output of a session is taken slower than it is written: make it wait in the end, "
	  "or leave bytes out (default block, skip with -t)" },
	{ "sig-proxy", 0, CT_OPTION_BOOL, "BOOL", OPTION(sig_proxy),
	  "Pass signals on to the command (default true)" },
	{ "timeout", 0, CT_OPTION_STRING, "TIME", OPTION(timeout),
	  "End it after TIME: SIGTERM, SIGKILL 10 seconds later, exit code 124" },
	{ "on-client-exit", 0, CT_OPTION_STRING, "keep|kill", OPTION(on_client_exit),
	  "What our own end is to the command (default kill, keep for a session)" },
	{ 0 },
};

static const struct ct_exec_cli exec_defaults = { .sig_proxy = true };

/* ---- options ---- */

static int parse_on_client_exit(struct ct_exec_call *call, struct ct_err *err)
{
	const char *text = call->options->on_client_exit;

	if (text && strcmp(text, "keep") != 0 && strcmp(text, "kill") != 0) {
		ct_fail(err, EINVAL, "must be keep or kill, not \"%.64s\"", text);
		return ct_wrap(err, "--on-client-exit");
	}
	call->keep = text && !strcmp(text, "keep");
	call->tie = text && !strcmp(text, "kill");
	return 0;
}

static int parse_timeout(struct ct_exec_call *call, struct ct_err *err)
{
	const char *text = call->options->timeout;

	if (text && ct_parse_duration(text, &call->timeout, err) < 0)
		return ct_wrap(err, "--timeout");
	if (!text || call->timeout)
		return 0;
	ct_fail(err, EINVAL, "must be more than 0");
	return ct_wrap(err, "--timeout");
}

static int parse_options(struct ct_exec_call *call, struct ct_err *err)
{
	int r = ct_preserve_fds(call->options->preserve_fds, &call->preserve_fds, err);

	if (r == 0)
		r = parse_on_client_exit(call, err);
	if (r == 0)
		r = parse_timeout(call, err);
	return r < 0 ? r : ct_exec_session_check(call, err);
}

/* ---- operands ---- */

/* Which words are the container, and which the command? */
static int take_operands(const struct ct_call *call, struct ct_exec_call *exec,
			 const char **ret_name, struct ct_err *err)
{
	const struct ct_exec_cli *o = exec->options;
	size_t named = o->latest || o->cidfile ? 0 : 1;

	if (o->latest && o->cidfile)
		return ct_fail(err, EINVAL, "--latest and --cidfile exclude each other");
	if (call->operands.count <= named) {
		ct_fail(err, EINVAL, call->operands.count < named ? "exec needs a CONTAINER" :
								    "exec needs a COMMAND");
		return ct_hint(err, "usage: cattach exec %s", call->verb->synopsis);
	}
	exec->command.items = call->operands.items + named;
	exec->command.count = call->operands.count - named;
	if (o->cidfile)
		return ct_cidfile_read(call->arena, o->cidfile, ret_name, err);
	*ret_name = named ? call->operands.items[0] : NULL;
	return 0;
}

static int find_container(const struct ct_call *call, struct ct_exec_call *exec, const char *name,
			  struct ct_err *err)
{
	int r = ct_store_open(&exec->store, err);

	if (r == 0 && !name)
		r = ct_operand_or_latest(call, true, &exec->store, &name, err);
	if (r < 0)
		return r;
	return ct_exec_find(&exec->store, call->arena, name, &exec->container, err);
}

/* ---- all of it ---- */

static int prepare(struct ct_exec_call *call, struct ct_err *err)
{
	const struct ct_exec_cli *o = call->options;
	const struct ct_exec_options process = {
		.command = call->command, .tty = o->tty, .privileged = o->privileged,
		.user = o->user, .workdir = o->workdir, .env = o->env, .env_file = o->env_file,
		.cap_add = o->cap_add, .cap_drop = o->cap_drop,
	};
	int r = ct_exec_open(&call->store, call->arena, &call->container, &call->exec, err);

	if (r == 0)
		r = ct_exec_process(&call->exec, call->arena, &process, err);
	if (r < 0)
		return r;
	/* A session dies with its monitor; what that dies with is its own business. */
	return ct_exec_plan(&call->exec, &call->store, call->arena, call->preserve_fds,
			    call->keep && !ct_exec_is_session(o), err);
}

static int execute(const struct ct_call *call, struct ct_exec_call *exec, struct ct_err *err)
{
	const char *name;
	int r = parse_options(exec, err);

	if (r == 0)
		r = take_operands(call, exec, &name, err);
	if (r == 0)
		r = find_container(call, exec, name, err);
	if (r == 0)
		r = prepare(exec, err);
	if (r < 0)
		return r;
	return ct_exec_is_session(exec->options) ? ct_exec_session(exec, err) :
						   ct_exec_run(exec, err);
}

/* Is the first word not a container? Behind an option that names it, it is the command. */
static int is_subverb(const struct ct_call *call, struct ct_err *err)
{
	const struct ct_exec_cli *o = call->options;

	if (!call->operands.count || o->latest || o->cidfile ||
	    !ct_exec_is_subverb(call->operands.items[0]))
		return 0;
	if (call->operands.items[0] == call->first_word)
		return 1;
	ct_fail(err, EINVAL, "exec %s takes no option before it", call->operands.items[0]);
	return ct_hint(err, "cattach exec %s --help", call->operands.items[0]);
}

static int exec_handler(const struct ct_call *call, struct ct_err *err)
{
	struct ct_exec_call exec = {
		.options = call->options, .arena = call->arena, .store = CT_STORE_INIT,
		.container = CT_CONTAINER_INIT, .exec = CT_EXEC_INIT,
	};
	int r = is_subverb(call, err);

	if (r != 0)
		return r < 0 ? r : ct_exec_subverb(call, err);
	r = execute(call, &exec, err);
	ct_exec_close(&exec.exec);
	ct_container_close(&exec.container);
	ct_store_close(&exec.store);
	return r;
}

const struct ct_verb ct_verb_exec = {
	.name = "exec",
	.summary = "Run another command in a running container",
	.synopsis = "[OPTIONS] CONTAINER COMMAND [ARG...]",
	.description =
		"COMMAND runs beside the container's own, in its namespaces and as confined as that is, "
		"with our own standard input, output and error: nothing stands in between. A terminal is "
		"never handed into a container; where one of them is a terminal, a pipe is.\n\n"
		"The exit code is that of COMMAND; 125 when it could not be started, 126 when it cannot "
		"be executed, 127 when it was not found, 128 + N when signal N ended it. What follows "
		"CONTAINER is never taken for an option.\n\n"
		"With -t, -d or --session the command is a session: it has a monitor, a log and a name of "
		"its own, CONTAINER/NAME, which attach, logs, send, clients, detach, inspect, stop, kill, "
		"wait and rm take. It outlives us: ctrl-p ctrl-q lets go of it, and so does a terminal "
		"that is closed; \"cattach attach CONTAINER/NAME\" comes back. It ends with its container, "
		"and its record goes when it ends, with -d when the container goes or \"cattach rm\" "
		"removes it.\n\n"
		"\"cattach exec ls CONTAINER\" lists the sessions. \"cattach exec kill|wait|rm "
		"CONTAINER[/SESSION]\" and \"cattach exec attach|logs CONTAINER/SESSION\" do what the "
		"commands of these names do, to one session or to all of a container.\n\n"
		"CONTAINER may also be one that an engine has made with cattach-oci for its runtime, by its "
		"id there; the variable CATTACH_OCI_ROOT names the engine's --root where it has one of its own.",
	.examples =
		"cattach exec -it web sh\tA shell to come back to\n"
		"cattach exec -d --session job web make\tIn the background, as web/job\n"
		"cattach exec web ps aux\tWhat runs in there\n"
		"cattach exec -u nobody -w /tmp web id\tAs somebody else, somewhere else\n"
		"tar c . | cattach exec -i web tar x -C /srv\tInto a container through a pipe",
	.options = exec_table,
	.defaults = &exec_defaults,
	.options_size = sizeof(struct ct_exec_cli),
	.operand = "CONTAINER",
	.max_operands = CT_OPERANDS_ANY,
	.stop_at_operand = true,
	.handler = exec_handler,
};
