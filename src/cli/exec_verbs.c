/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec kill, wait, rm, attach, logs: the commands of these names, for the sessions of containers.
 * Where they can be done to several, a container stands for all of its sessions; to be attached to,
 * or read, one has to be named.
 *
 * Runs in the command's own process with the caller's rights. Options and results are those of the
 * commands themselves. May fail: a container that does not exist, or what they fail on.
 *
 *    exec kill web        kill web/a web/b      (those that run)
 *    exec wait web/a      wait web/a
 *    exec logs web        refused: which one?
 */
#include "exec.h"

#include <errno.h>
#include <string.h>

/* What a verb does to a container that is named alone. */
enum alone { ALONE_ALL, ALONE_RUNNING, ALONE_REFUSED };

struct subverb {
	const char *name;
	const struct ct_verb *verb;
	enum alone alone;
};

/* "exec kill ..." could also mean a container called "kill"; cmd_exec.c decides that, and a
 * container of such a name can be written by its id. */
static const struct subverb subverbs[] = {
	{ "ls", &ct_verb_exec_ls, ALONE_ALL },
	{ "kill", &ct_verb_kill, ALONE_RUNNING },
	{ "wait", &ct_verb_wait, ALONE_ALL },
	{ "rm", &ct_verb_rm, ALONE_ALL },
	{ "attach", &ct_verb_attach, ALONE_REFUSED },
	{ "logs", &ct_verb_logs, ALONE_REFUSED },
};

static const struct subverb *find(const char *name)
{
	for (size_t i = 0; i < sizeof(subverbs) / sizeof(subverbs[0]); i++)
		if (!strcmp(subverbs[i].name, name))
			return &subverbs[i];
	return NULL;
}

/* ---- operands ---- */

static int add_sessions(const struct ct_call *call, struct ct_store *store, const char *name,
			enum alone alone, struct ct_strings *operands, struct ct_err *err)
{
	struct ct_container ct_autocontainer container = CT_CONTAINER_INIT;
	struct ct_container_list list;

	if (ct_exec_find(store, call->arena, name, &container, err) < 0 ||
	    ct_session_list(store, call->arena, &container, &list, err) < 0)
		return -err->code;
	/* The oldest first: in the order in which they were started. */
	for (size_t i = list.count; i-- > 0;) {
		const struct ct_container *session = &list.items[i];

		if (alone == ALONE_RUNNING && session->state != CT_STATE_RUNNING)
			continue;
		if (ct_strings_add(call->arena, operands, session->label) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

static int refuse_alone(const struct ct_call *call, const char *name, struct ct_err *err)
{
	ct_fail(err, EINVAL, "exec %s needs a CONTAINER/SESSION, not \"%s\"", call->verb->name,
		name);
	return ct_hint(err, "cattach exec ls %s lists the sessions", name);
}

static int change_one(const struct ct_call *call, struct ct_store *store, const char *name,
		      enum alone alone, struct ct_strings *operands, struct ct_err *err)
{
	/* "/c1" is c1, as everywhere */
	if (name[0] && strchr(name + 1, '/'))
		return ct_strings_add(call->arena, operands, name) < 0 ? ct_fail_nomem(err) : 0;
	if (alone == ALONE_REFUSED)
		return refuse_alone(call, name, err);
	return add_sessions(call, store, name, alone, operands, err);
}

/* Containers become their sessions: 1 when they have none. Called between the parsing of the
 * options and the verb (ct_verb_call_with()), so that these are checked first. 1 ends the command
 * with 0: all sessions of a container without any are dealt with. */
static int change_operands(struct ct_call *call, struct ct_err *err)
{
	const struct subverb *subverb = find(call->verb->name);
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_strings operands = { 0 };
	int r = ct_store_open(&store, err);

	if (r == 0 && !call->operands.count) {
		ct_fail(err, EINVAL, "exec %s needs a CONTAINER%s", call->verb->name,
			subverb->alone == ALONE_REFUSED ? "/SESSION" : "[/SESSION]");
		r = ct_hint(err, "cattach exec ls CONTAINER lists the sessions");
	}
	for (size_t i = 0; r == 0 && i < call->operands.count; i++)
		r = change_one(call, &store, call->operands.items[i], subverb->alone, &operands,
			       err);
	if (r < 0)
		return r;
	call->operands = operands;
	return operands.count ? 0 : 1;
}

/* ---- calling ---- */

bool ct_exec_is_subverb(const char *word)
{
	return find(word) != NULL;
}

int ct_exec_subverb(const struct ct_call *call, struct ct_err *err)
{
	const struct subverb *subverb = find(call->operands.items[0]);
	char *const *argv = (char *const *)call->operands.items + 1;
	int argc = (int)call->operands.count - 1;

	if (subverb->verb == &ct_verb_exec_ls)
		return ct_verb_call(subverb->verb, call->arena, argc, argv, err);
	return ct_verb_call_with(subverb->verb, call->arena, argc, argv, change_operands, err);
}
