/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of a container: what leads from one to the next, and what every verb answers to each.
 * Both are tables, in src/container/states.c; ARCHITECTURE.md ("States") shows them, and
 * tests/check_states.py fails when it shows something else.
 */
#ifndef CATTACH_STATES_H
#define CATTACH_STATES_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/container.h>
#include <cattach/err.h>

#define CT_STATE_COUNT (CT_STATE_FOREIGN + 1)
#define CT_STATE_NONE CT_STATE_COUNT	/* before it is made, and after it was removed */

/* Sets of states. */
#define CT_STATE_BIT(state)	(1u << (state))
#define CT_STATES_ALL		(CT_STATE_BIT(CT_STATE_COUNT) - 1)
#define CT_STATES_LIVE		(CT_STATE_BIT(CT_STATE_RUNNING) | CT_STATE_BIT(CT_STATE_PAUSED))

/* Has it a payload? */
static inline bool ct_state_is_live(enum ct_state state)
{
	return (CT_STATE_BIT(state) & CT_STATES_LIVE) != 0;
}

/* The same of a container; or is it one of the runtime face whose process waits for its start? */
static inline bool ct_container_is_live(const struct ct_container *c)
{
	return ct_state_is_live(c->state) ||
	       (c->meta.unmonitored && c->state == CT_STATE_CREATED);
}

/* ---- from one to the next ---- */

enum ct_step {
	CT_STEP_CREATE,		/* its directory is made */
	CT_STEP_COMPLETE,	/* it is to stay as it is, to be started later */
	CT_STEP_START,		/* somebody begins to start it */
	CT_STEP_RUN,		/* the payload has become its program */
	CT_STEP_FAIL,		/* it could not be started */
	CT_STEP_PAUSE,
	CT_STEP_UNPAUSE,
	CT_STEP_END,		/* the payload has ended */
	CT_STEP_RETRY,		/* the same, and it is to be started again */
	CT_STEP_GIVE_UP,	/* and now it is not */
	CT_STEP_CRASH,		/* one of our processes was killed */
	CT_STEP_REBOOT,		/* all of them were, with the host */
	CT_STEP_REMOVE,
	CT_STEP_SPOIL,		/* its record can be read no more */
	CT_STEP_MOVE,		/* it is looked at from another machine */
};

struct ct_transition {
	unsigned from;		/* a set; 0: it did not exist */
	unsigned to;		/* enum ct_state, or CT_STATE_NONE */
	enum ct_step by;
	const char *how;	/* in words, with the verbs that do it */
};

extern const struct ct_transition ct_transitions[];
extern const size_t ct_transition_count;

/* May this step lead from one state to the other? Both may be CT_STATE_NONE. */
bool ct_state_may(unsigned from, enum ct_step by, unsigned to);

/**
 * ct_state_step - a container has become another
 * @to: its state from now on; CT_STATE_NONE, when it was removed, leaves what ->state says
 * @err: ENOTRECOVERABLE when there is no such transition: a fault of ours, and nothing is changed
 */
int ct_state_step(struct ct_container *container, enum ct_step by, unsigned to,
		  struct ct_err *err);

/* ---- what verbs answer ---- */

/* The verbs behind each; what takes no container is not here: help, info, spec, unshare, version. */
enum ct_act {
	CT_ACT_LOOK,		/* ps, inspect, port, events, generate */
	CT_ACT_NAME,		/* run, create: under the name of one that is there */
	CT_ACT_START,		/* start */
	CT_ACT_RESTART,		/* restart */
	CT_ACT_STOP,		/* stop */
	CT_ACT_KILL,		/* kill */
	CT_ACT_PAUSE,		/* pause */
	CT_ACT_UNPAUSE,		/* unpause */
	CT_ACT_ATTACH,		/* attach */
	CT_ACT_ATTACH_SESSION,	/* attach: to CONTAINER/SESSION */
	CT_ACT_ASK,		/* send, clients, detach */
	CT_ACT_EXEC,		/* exec */
	CT_ACT_HEALTH,		/* healthcheck */
	CT_ACT_TOP,		/* top */
	CT_ACT_STATS,		/* stats */
	CT_ACT_CP,		/* cp */
	CT_ACT_DIFF,		/* diff: with an overlay (ROOTFS:O) */
	CT_ACT_LOGS,		/* logs */
	CT_ACT_WAIT,		/* wait */
	CT_ACT_UPDATE,		/* update */
	CT_ACT_RENAME,		/* rename */
	CT_ACT_REMOVE,		/* rm */
	CT_ACT_FORCE,		/* rm: with -f */
	CT_ACT_PRUNE,		/* prune: with --containers */
	CT_ACT_COUNT,
};

enum ct_answer {
	CT_ANSWER_YES,
	CT_ANSWER_NOTHING,	/* it is so already: success */
	CT_ANSWER_IF,		/* as far as it can be done; the text is for when it cannot */
	CT_ANSWER_NO,
};

enum ct_answer ct_state_answer(enum ct_act act, enum ct_state state);

/* How many rows of the table answer this: one, as a test sees to. */
unsigned ct_state_rows(enum ct_act act, enum ct_state state);

/* The states in which a verb has something to do: what its --all means. */
unsigned ct_states_for(enum ct_act act);

/* Say no in the words of the table, with its code; whatever the answer is, if there are words. */
int ct_state_refuse(const struct ct_container *container, enum ct_act act, struct ct_err *err);

/* 0 for yes and perhaps, 1 when there is nothing to do, else as ct_state_refuse(). */
int ct_state_check(const struct ct_container *container, enum ct_act act, struct ct_err *err);

/* "up 3 minutes", "exited (5) 3 minutes ago", "damaged: why"; returns buf. */
const char *ct_container_describe(const struct ct_container *container, char *buf, size_t size);

#endif
