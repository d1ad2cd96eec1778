/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a container as tables: their names, the steps between them, and what every verb
 * answers to each. Code that takes such a step asks here whether there is one; a verb that refuses
 * says what stands here, by state_text.c.
 *
 * Runs wherever containers are looked at; touches nothing. May fail: a step that is not in the table,
 * which is a fault of ours and is told as one. tests/check_states.py reads these tables as text: a
 * row begins with its sets, in the macros below.
 */
#include <errno.h>
#include <string.h>

#include "record.h"
#include "state_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define ACT(name)	(1u << CT_ACT_##name)
#define IN(name)	CT_STATE_BIT(CT_STATE_##name)
#define NOTHING_YET	0u
#define ANY		CT_STATES_ALL
#define MADE		(ANY & ~IN(CREATING))

/* ---- names ---- */

static const struct ct_state_words words[] = {
	[CT_STATE_CREATING] = { "creating", "a new", "being created" },
	[CT_STATE_CREATED] = { "created", "a new", "created" },
	[CT_STATE_RUNNING] = { "running", "a running", "up {age}" },
	[CT_STATE_PAUSED] = { "paused", "a paused", "up {age}" },
	[CT_STATE_RESTARTING] = { "restarting", "a restarting", "restarting, ended {ended} ago" },
	[CT_STATE_STOPPED] = { "exited", "an exited", "exited, nobody knows how: {why}" },
	[CT_STATE_DAMAGED] = { "damaged", "a damaged", "damaged: {why}" },
	[CT_STATE_FOREIGN] = { "foreign", "another machine's", "made on {host}" },
};

const struct ct_state_words *ct_state_words(enum ct_state state)
{
	static const struct ct_state_words unknown = { "unknown", "an unknown", "unknown" };

	return (size_t)state < COUNT(words) ? &words[state] : &unknown;
}

const char *ct_state_name(enum ct_state state)
{
	return ct_state_words(state)->name;
}

/* ---- from one to the next ---- */

const struct ct_transition ct_transitions[] = {
	{ NOTHING_YET, CT_STATE_CREATING, CT_STEP_CREATE, "run, create" },
	{ IN(CREATING), CT_STATE_CREATED, CT_STEP_COMPLETE, "create" },
	{ IN(CREATED) | IN(STOPPED), CT_STATE_CREATING, CT_STEP_START, "start, restart" },
	{ IN(RESTARTING), CT_STATE_CREATING, CT_STEP_START, "its policy" },
	{ IN(CREATING), CT_STATE_RUNNING, CT_STEP_RUN, "its program runs" },

	{ IN(CREATING), CT_STATE_NONE, CT_STEP_FAIL, "run fails" },
	{ IN(CREATING), CT_STATE_CREATED, CT_STEP_FAIL, "start fails, it has never run" },
	{ IN(CREATING), CT_STATE_STOPPED, CT_STEP_FAIL, "start fails" },
	{ IN(CREATING), CT_STATE_RESTARTING, CT_STEP_FAIL, "start fails, its policy goes on" },

	{ IN(RUNNING), CT_STATE_PAUSED, CT_STEP_PAUSE, "pause" },
	{ IN(PAUSED), CT_STATE_RUNNING, CT_STEP_UNPAUSE, "unpause, stop, a signal" },

	{ IN(RUNNING) | IN(PAUSED), CT_STATE_STOPPED, CT_STEP_END, "it ends, kill, stop" },
	{ IN(RUNNING) | IN(PAUSED), CT_STATE_NONE, CT_STEP_END, "it ends, with --rm" },
	{ IN(RUNNING) | IN(PAUSED), CT_STATE_RESTARTING, CT_STEP_RETRY,
	  "it ends, its policy starts it again" },
	{ IN(RESTARTING), CT_STATE_STOPPED, CT_STEP_GIVE_UP, "stop, kill, its policy gives up" },

	{ IN(CREATING), CT_STATE_DAMAGED, CT_STEP_CRASH, "who makes it is killed" },
	{ IN(CREATING), CT_STATE_CREATED, CT_STEP_CRASH, "who starts it is killed" },
	{ IN(RUNNING) | IN(PAUSED) | IN(RESTARTING), CT_STATE_STOPPED, CT_STEP_CRASH,
	  "its monitor or keeper is killed" },
	{ IN(RUNNING) | IN(PAUSED), CT_STATE_DAMAGED, CT_STEP_CRASH,
	  "its monitor is killed, its payload is not" },
	{ IN(DAMAGED), CT_STATE_STOPPED, CT_STEP_END, "that payload ends" },

	{ IN(CREATING), CT_STATE_DAMAGED, CT_STEP_REBOOT, "the host restarts" },
	{ IN(CREATING), CT_STATE_CREATED, CT_STEP_REBOOT, "the host restarts in a start" },
	{ IN(RUNNING) | IN(PAUSED) | IN(RESTARTING) | IN(DAMAGED), CT_STATE_STOPPED, CT_STEP_REBOOT,
	  "the host restarts" },

	{ IN(CREATED) | IN(STOPPED) | IN(DAMAGED), CT_STATE_NONE, CT_STEP_REMOVE, "rm, prune" },
	{ IN(CREATING) | IN(RUNNING) | IN(PAUSED) | IN(RESTARTING), CT_STATE_NONE, CT_STEP_REMOVE,
	  "rm -f" },
	{ ANY, CT_STATE_DAMAGED, CT_STEP_SPOIL, "its record is spoilt" },
	{ MADE, CT_STATE_FOREIGN, CT_STEP_MOVE, "seen from another machine" },
};

const size_t ct_transition_count = COUNT(ct_transitions);

bool ct_state_may(unsigned from, enum ct_step by, unsigned to)
{
	unsigned set = from == CT_STATE_NONE ? NOTHING_YET : CT_STATE_BIT(from);

	for (size_t i = 0; i < ct_transition_count; i++) {
		const struct ct_transition *t = &ct_transitions[i];

		if (t->by == by && t->to == to && (set ? (t->from & set) != 0 : !t->from))
			return true;
	}
	return false;
}

int ct_state_step(struct ct_container *container, enum ct_step by, unsigned to, struct ct_err *err)
{
	/* What has no id yet is not there. */
	unsigned from = container->dir < 0 && !container->meta.id ? CT_STATE_NONE : container->state;

	if (!ct_state_may(from, by, to)) {
		ct_fail(err, ENOTRECOVERABLE, "%s %s: nothing leads from %s to %s by step %d",
			ct_container_kind(container),
			from == CT_STATE_NONE ? "(none)" : ct_container_label(container),
			from == CT_STATE_NONE ? "nothing" : ct_state_name(from),
			to == CT_STATE_NONE ? "nothing" : ct_state_name(to), (int)by);
		return ct_hint(err, "a fault of cattach: see \"States\" in ARCHITECTURE.md");
	}
	if (to != CT_STATE_NONE)
		container->state = to;
	return 0;
}

/* ---- what verbs answer ---- */

#define START_IT	"cattach start {label}"
#define UNPAUSE_IT	"cattach unpause {label}"
#define REMOVE_IT	"cattach rm -f {label}"
#define AGAIN		"try again in a moment"
#define AWAIT_IT	"cattach wait --condition running {label}"

#define LIVE		(IN(RUNNING) | IN(PAUSED))
#define ENDED		(IN(CREATED) | IN(STOPPED))

struct answer {
	unsigned acts, states;
	enum ct_answer answer;
	int code;
	const char *text, *hint;
};

static const struct answer answers[] = {
	{ ACT(LOOK), ANY, CT_ANSWER_YES, 0, NULL, NULL },

	{ ACT(NAME), IN(STOPPED), CT_ANSWER_NO, EEXIST,
	  "name \"{name}\" is in use by {a} {kind} ({id}, {how})", "cattach rm {label}" },
	{ ACT(NAME), IN(FOREIGN), CT_ANSWER_NO, EEXIST,
	  "name \"{name}\" is in use by {a} {kind} ({id}, {how})", "choose another name" },
	{ ACT(NAME), ANY & ~IN(STOPPED) & ~IN(FOREIGN), CT_ANSWER_NO, EEXIST,
	  "name \"{name}\" is in use by {a} {kind} ({id}, {how})", REMOVE_IT },

	/* One in the making is waited for, and is damaged when that comes to nothing. */
	{ ACT(START), ENDED | IN(CREATING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(START), IN(RUNNING), CT_ANSWER_NOTHING, EALREADY, "container {label} is running", NULL },
	{ ACT(START), IN(RESTARTING), CT_ANSWER_NOTHING, EALREADY, "container {label} is restarting",
	  NULL },
	{ ACT(START), IN(PAUSED), CT_ANSWER_NO, EBUSY,
	  "cannot start a paused container, try unpause instead: {label}", UNPAUSE_IT },
	{ ACT(START), IN(DAMAGED), CT_ANSWER_NO, EIO, "container {label} cannot be started ({how})",
	  REMOVE_IT },
	{ ACT(START), IN(FOREIGN), CT_ANSWER_NO, EIO, "container {label} cannot be started ({how})",
	  "start it there" },

	{ ACT(RESTART), LIVE | ENDED | IN(RESTARTING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(STOP), LIVE | IN(RESTARTING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(STOP), ENDED, CT_ANSWER_NOTHING, 0, NULL, NULL },
	{ ACT(STOP) | ACT(RESTART), IN(CREATING), CT_ANSWER_NO, EAGAIN,
	  "{kind} {label} cannot be stopped ({how})", AGAIN },
	{ ACT(STOP) | ACT(RESTART), IN(DAMAGED), CT_ANSWER_NO, EIO,
	  "{kind} {label} cannot be stopped ({how})", REMOVE_IT },
	{ ACT(STOP) | ACT(RESTART), IN(FOREIGN), CT_ANSWER_NO, EIO,
	  "{kind} {label} cannot be stopped ({how})", "stop it there" },

	{ ACT(KILL), LIVE | IN(RESTARTING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(KILL), ENDED, CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({how})", START_IT },
	{ ACT(KILL), IN(CREATING), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({how})", AGAIN },
	{ ACT(KILL), IN(DAMAGED), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({how})",
	  REMOVE_IT },
	{ ACT(KILL), IN(FOREIGN), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({how})",
	  "do it on {host}" },

	{ ACT(PAUSE), IN(RUNNING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(PAUSE), IN(PAUSED), CT_ANSWER_NO, EALREADY, "container {label} is already paused",
	  UNPAUSE_IT },
	{ ACT(UNPAUSE), IN(PAUSED), CT_ANSWER_YES, 0, NULL, NULL },
	/* One whose pause was cut short goes on. */
	{ ACT(UNPAUSE), IN(RUNNING), CT_ANSWER_IF, EINVAL, "container {label} is not paused", NULL },
	{ ACT(PAUSE) | ACT(UNPAUSE), ENDED, CT_ANSWER_NO, ESRCH,
	  "container {label} is not running: {how}", START_IT },
	{ ACT(PAUSE) | ACT(UNPAUSE), IN(CREATING), CT_ANSWER_NO, ESRCH,
	  "container {label} is not running: {how}", AGAIN },
	{ ACT(PAUSE) | ACT(UNPAUSE), IN(RESTARTING), CT_ANSWER_NO, EBUSY,
	  "container {label} is restarting, wait until the container is running", AWAIT_IT },
	{ ACT(PAUSE) | ACT(UNPAUSE), IN(DAMAGED), CT_ANSWER_NO, ESRCH,
	  "container {label} is not running: {how}", REMOVE_IT },
	{ ACT(PAUSE) | ACT(UNPAUSE), IN(FOREIGN), CT_ANSWER_NO, EXDEV,
	  "container {label} belongs to another machine", "do it on {host}" },

	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(RUNNING), CT_ANSWER_YES, 0, NULL, NULL },
	/* The command waits for the start of what was created; this is for who cannot. */
	{ ACT(ATTACH), IN(CREATED), CT_ANSWER_IF, ESRCH,
	  "You cannot attach to a stopped container, start it first: {label} {how}", START_IT },
	{ ACT(ATTACH), IN(STOPPED), CT_ANSWER_NO, ESRCH,
	  "You cannot attach to a stopped container, start it first: {label} {how}", START_IT },
	{ ACT(ATTACH_SESSION), ENDED, CT_ANSWER_NO, ESRCH,
	  "You cannot attach to a session that has ended: {label} {how}", "cattach logs {label}" },
	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(PAUSED), CT_ANSWER_NO, EBUSY,
	  "You cannot attach to a paused container, unpause it first: {label}", UNPAUSE_IT },
	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(RESTARTING), CT_ANSWER_NO, EBUSY,
	  "You cannot attach to a restarting container, wait until it is running: {label}", AWAIT_IT },
	/* Its socket may be there already. */
	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(CREATING), CT_ANSWER_IF, EAGAIN,
	  "You cannot attach to a container that is being created: {label}", AGAIN },
	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(DAMAGED), CT_ANSWER_NO, EIO,
	  "You cannot attach to a damaged container: {label} ({how})", REMOVE_IT },
	{ ACT(ATTACH) | ACT(ATTACH_SESSION), IN(FOREIGN), CT_ANSWER_NO, EXDEV,
	  "You cannot attach to a container of another machine: {label}", "attach to it on {host}" },

	{ ACT(ASK), LIVE, CT_ANSWER_YES, 0, NULL, NULL },
	/* While somebody must get everything its monitor can be asked. */
	{ ACT(ASK), IN(STOPPED), CT_ANSWER_IF, ESRCH, "{kind} {label} is not running ({state})",
	  START_IT },
	{ ACT(ASK), IN(CREATED), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({state})",
	  START_IT },
	{ ACT(ASK), IN(CREATING), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({state})",
	  AGAIN },
	{ ACT(ASK), IN(RESTARTING), CT_ANSWER_IF, ESRCH, "{kind} {label} is not running ({state})",
	  AWAIT_IT },
	{ ACT(ASK), IN(DAMAGED), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({state})",
	  REMOVE_IT },
	{ ACT(ASK), IN(FOREIGN), CT_ANSWER_NO, ESRCH, "{kind} {label} is not running ({state})",
	  "do it on {host}" },

	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(RUNNING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(TOP), IN(PAUSED), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(EXEC), IN(PAUSED), CT_ANSWER_NO, EBUSY,
	  "container {label} is paused, unpause it before exec", UNPAUSE_IT },
	{ ACT(HEALTH), IN(PAUSED), CT_ANSWER_NO, EBUSY,
	  "container {label} is paused, unpause it before its health is checked", UNPAUSE_IT },
	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(CREATED), CT_ANSWER_NO, ESRCH,
	  "container {label} is not running: it was created and never started", START_IT },
	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(STOPPED), CT_ANSWER_NO, ESRCH,
	  "container {label} is not running: {how}", START_IT },
	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(RESTARTING), CT_ANSWER_NO, EBUSY,
	  "container {label} is restarting, wait until the container is running", AWAIT_IT },
	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(CREATING), CT_ANSWER_NO, EAGAIN,
	  "container {label} is being created", AGAIN },
	{ ACT(EXEC) | ACT(HEALTH) | ACT(TOP), IN(DAMAGED), CT_ANSWER_NO, EIO,
	  "container {label} is not running ({how})", REMOVE_IT },
	{ ACT(EXEC), IN(FOREIGN), CT_ANSWER_NO, EXDEV,
	  "container {label} runs on another machine, if it does", "exec into it on {host}" },
	{ ACT(HEALTH) | ACT(TOP), IN(FOREIGN), CT_ANSWER_NO, EXDEV,
	  "container {label} runs on another machine, if it does", "do it on {host}" },

	{ ACT(STATS), LIVE, CT_ANSWER_YES, 0, NULL, NULL },
	/* A row without numbers. */
	{ ACT(STATS), ANY & ~LIVE, CT_ANSWER_IF, ESRCH, "{kind} {label} is not running: {how}", NULL },

	{ ACT(CP), LIVE | ENDED | IN(RESTARTING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(DIFF), LIVE, CT_ANSWER_YES, 0, NULL, NULL },
	/* First of all it is said when there is no overlay. */
	{ ACT(DIFF), IN(CREATED), CT_ANSWER_IF, ESRCH,
	  "container {label} has changed nothing: it was created and never started", START_IT },
	{ ACT(DIFF), IN(STOPPED), CT_ANSWER_IF, ESRCH,
	  "container {label} does not run ({how}), and what it had changed went with its run", START_IT },
	{ ACT(DIFF), IN(RESTARTING), CT_ANSWER_IF, EBUSY,
	  "container {label} does not run ({how}), and what it had changed went with its run", AWAIT_IT },
	{ ACT(CP) | ACT(DIFF), IN(CREATING), CT_ANSWER_NO, EAGAIN,
	  "container {label} is being created", AGAIN },
	{ ACT(CP) | ACT(DIFF), IN(DAMAGED), CT_ANSWER_NO, EIO,
	  "container {label} has no files to be sure of ({how})", REMOVE_IT },
	{ ACT(CP), IN(FOREIGN), CT_ANSWER_NO, EXDEV, "container {label} belongs to another machine",
	  "copy on {host}" },
	{ ACT(DIFF), IN(FOREIGN), CT_ANSWER_NO, EXDEV, "container {label} belongs to another machine",
	  "compare on {host}" },

	{ ACT(LOGS), ANY & ~IN(DAMAGED) & ~IN(FOREIGN), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(LOGS), IN(DAMAGED), CT_ANSWER_IF, ENOENT,
	  "{kind} {label} has no log that can be read: {why}", REMOVE_IT },
	/* What is there is shown; what comes cannot be seen from here. */
	{ ACT(LOGS), IN(FOREIGN), CT_ANSWER_IF, EXDEV, "cannot wait for container {label} ({how})",
	  "wait for it on {host}" },

	{ ACT(WAIT), LIVE | IN(CREATING) | IN(RESTARTING), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(WAIT), ENDED, CT_ANSWER_NOTHING, 0, NULL, NULL },
	/* Of one that only lost its monitor the end is waited for. */
	{ ACT(WAIT), IN(DAMAGED), CT_ANSWER_IF, EIO, "cannot wait for {kind} {label} ({how})",
	  REMOVE_IT },
	{ ACT(WAIT), IN(FOREIGN), CT_ANSWER_NO, EIO, "cannot wait for {kind} {label} ({how})",
	  "wait for it on {host}" },

	/* In the making: as for start. */
	{ ACT(UPDATE) | ACT(RENAME), LIVE | ENDED | IN(CREATING) | IN(RESTARTING), CT_ANSWER_YES, 0,
	  NULL, NULL },
	{ ACT(UPDATE), IN(DAMAGED), CT_ANSWER_NO, EIO, "container {label} cannot be updated ({how})",
	  REMOVE_IT },
	{ ACT(UPDATE), IN(FOREIGN), CT_ANSWER_NO, EIO, "container {label} cannot be updated ({how})",
	  "update it there" },
	{ ACT(RENAME), IN(DAMAGED), CT_ANSWER_NO, EIO, "container {label} cannot be renamed ({how})",
	  REMOVE_IT },
	{ ACT(RENAME), IN(FOREIGN), CT_ANSWER_NO, EIO, "container {label} cannot be renamed ({how})",
	  "rename it there" },

	{ ACT(REMOVE), ENDED, CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(REMOVE), IN(DAMAGED), CT_ANSWER_IF, EBUSY,
	  "{kind} {label} has lost its monitor, but its payload runs; stop it first or use -f", NULL },
	{ ACT(REMOVE), IN(CREATING), CT_ANSWER_NO, EBUSY,
	  "{kind} {label} is being created; stop it first or use -f", NULL },
	{ ACT(REMOVE), IN(RUNNING), CT_ANSWER_NO, EBUSY,
	  "{kind} {label} is running; stop it first or use -f", NULL },
	{ ACT(REMOVE), IN(PAUSED), CT_ANSWER_NO, EBUSY,
	  "{kind} {label} is paused; stop it first or use -f", NULL },
	{ ACT(REMOVE), IN(RESTARTING), CT_ANSWER_NO, EBUSY,
	  "{kind} {label} is restarting; stop it first or use -f", NULL },
	{ ACT(FORCE), ANY & ~IN(CREATING) & ~IN(FOREIGN), CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(FORCE), IN(CREATING), CT_ANSWER_IF, EBUSY,
	  "{kind} {label} is being created by another command", "end that command, then try again" },
	/* The way out is a path, which the caller knows. */
	{ ACT(REMOVE) | ACT(FORCE), IN(FOREIGN), CT_ANSWER_NO, EPERM,
	  "{kind} {label} belongs to another machine ({host})", "remove it there" },

	{ ACT(PRUNE), ENDED, CT_ANSWER_YES, 0, NULL, NULL },
	{ ACT(PRUNE), ANY & ~ENDED, CT_ANSWER_NOTHING, 0, NULL, NULL },
};

static const struct answer *find(enum ct_act act, enum ct_state state)
{
	for (size_t i = 0; i < COUNT(answers); i++)
		if (answers[i].acts & (1u << act) && answers[i].states & CT_STATE_BIT(state))
			return &answers[i];
	return NULL;
}

unsigned ct_state_rows(enum ct_act act, enum ct_state state)
{
	unsigned rows = 0;

	for (size_t i = 0; i < COUNT(answers); i++)
		rows += answers[i].acts & (1u << act) && answers[i].states & CT_STATE_BIT(state);
	return rows;
}

enum ct_answer ct_state_answer(enum ct_act act, enum ct_state state)
{
	const struct answer *row = find(act, state);

	return row ? row->answer : CT_ANSWER_NO;
}

unsigned ct_states_for(enum ct_act act)
{
	unsigned states = 0;

	for (size_t i = 0; i < COUNT(answers); i++)
		if (answers[i].acts & (1u << act) && answers[i].answer == CT_ANSWER_YES)
			states |= answers[i].states;
	return states;
}

int ct_state_refuse(const struct ct_container *container, enum ct_act act, struct ct_err *err)
{
	const struct answer *row = find(act, container->state);
	char text[CT_STATE_TEXT];

	/* A moment later nobody would have found it. */
	if (ct_container_is_going(container))
		return ct_fail(err, ENOENT, "%s %s is being removed", ct_container_kind(container),
			       ct_container_label(container));
	/* By somebody who has written nothing yet, or does not any more: there is nothing to act on. */
	if (container->state == CT_STATE_CREATING && container->status_fd < 0 && (!row || !row->text)) {
		ct_fail(err, EAGAIN, "%s %s is being created", ct_container_kind(container),
			ct_container_label(container));
		return ct_hint(err, AGAIN);
	}
	if (!row || !row->text)
		return ct_fail(err, ENOTRECOVERABLE, "%s %s is %s, which was not to be refused",
			       ct_container_kind(container), ct_container_label(container),
			       ct_state_name(container->state));
	ct_fail(err, row->code, "%s", ct_state_text(container, row->text, text));
	/* What has ended of a session's kind is not started again. */
	if (!row->hint || (container->session_of && !strcmp(row->hint, START_IT)))
		return -err->code;
	return ct_hint(err, "%s", ct_state_text(container, row->hint, text));
}

int ct_state_check(const struct ct_container *container, enum ct_act act, struct ct_err *err)
{
	switch (ct_state_answer(act, container->state)) {
	case CT_ANSWER_YES:
	case CT_ANSWER_IF:
		return 0;
	case CT_ANSWER_NOTHING:
		return 1;
	case CT_ANSWER_NO:
		break;
	}
	return ct_state_refuse(container, act, err);
}
