/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: the words for states, and texts with something of a container filled in.
 */
#ifndef CATTACH_CONTAINER_STATE_TEXT_H
#define CATTACH_CONTAINER_STATE_TEXT_H

#include <cattach/states.h>

#define CT_STATE_TEXT 512	/* bytes of a text: as many as an error has */

struct ct_state_words {
	const char *name;	/* "running", as docker spells it */
	const char *a;		/* "a running", before "container" */
	const char *how;	/* "up {age}": after its name */
};

const struct ct_state_words *ct_state_words(enum ct_state state);

/* Fill in {kind} {label} {name} {id} {a} {state} {how} {why} {host} {age} {ended}; returns buf. */
const char *ct_state_text(const struct ct_container *container, const char *text,
			  char buf[CT_STATE_TEXT]);

#endif
