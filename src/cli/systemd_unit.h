/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Units of systemd as text, and command lines in them. Pure.
 */
#ifndef CATTACH_CLI_SYSTEMD_UNIT_H
#define CATTACH_CLI_SYSTEMD_UNIT_H

#include <cattach/arena.h>
#include <cattach/buf.h>
#include <cattach/container.h>
#include <cattach/err.h>

struct systemd_unit {
	const char *name;		/* of the unit: "cattach-web.service" */
	const char *label;		/* of the container, for people... */
	const char *container;		/* ...and as commands call it */
	const char *program;		/* absolute path of ours */
	struct ct_strings start;	/* the words behind it that start the container */
	bool fresh;			/* each start makes it anew, each end removes it */
	const char *directory;		/* of the start, or NULL */
	struct ct_strings environment;	/* "NAME=VALUE" */
	const char *restart;		/* Restart=: one of systemd's words */
	int stop_timeout;		/* seconds until KILL, -1 for ever */
	int stop_code;			/* exit code of a container that was stopped */
};

/* Append one word of a command line of ours, so that systemd.service(5) reads it back as it is:
 * quoted where it must be, with nothing that it would fill in. */
void ct_unit_word(struct ct_buf *buf, const char *word);

/* Append the unit's text. EINVAL for a directory that a unit cannot name. */
int ct_unit_text(const struct systemd_unit *unit, struct ct_buf *buf, struct ct_err *err);

/**
 * ct_recreate - the command line that makes and starts a container like this one, for a service
 * @ret_words: "run", "--detach", ...: without files, descriptors and terminals of whoever made it
 * @err: ENODATA when the record does not say how it was made
 */
int ct_recreate(struct ct_arena *arena, const struct ct_meta *meta, struct ct_strings *ret_words,
		struct ct_err *err);

#endif
