/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What run, attach and start -a have in common before they follow a session: from options and the
 * container's record to a struct ct_foreground and the first message of the connection.
 */
#ifndef CATTACH_CLI_FOLLOW_OPTIONS_H
#define CATTACH_CLI_FOLLOW_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/container.h>
#include <cattach/run.h>

#include "foreground.h"

struct ct_follow_options {
	struct ct_streams streams;	/* stdin is used only where the container has it open */
	const char *detach_keys;	/* NULL: the container's, else default_keys */
	const char *default_keys;	/* the user's own; NULL: what is built in */
	const char *stdin_eof;		/* NULL: the container's, else as the session likes it */
	const char *lag;		/* NULL: block if lag_blocks */
	bool lag_blocks;
	bool any_stdin;		/* it need not be a terminal, though the session has one: a bundle's */
	bool sig_proxy, read_only;
	const char *no_terminal;	/* the way out when stdin is no terminal, but has to be one */
};

/* All that a connection needs. */
struct ct_follow_plan {
	struct ct_foreground how;
	uint32_t hello;			/* CT_HELLO_* */
	uint16_t rows, columns;		/* of our terminal when it is the one that counts, or 0 */
};

/**
 * ct_follow_prepare - check the options, before anything is started or connected
 * @err: where is the option; ENOTTY "the input device is not a TTY"
 */
int ct_follow_prepare(const struct ct_meta *meta, const struct ct_follow_options *options,
		      struct ct_follow_plan *ret_plan, struct ct_err *err);

/* ct_follow_prepare() as far as it needs no container: a bad option is an error whoever is
 * meant. */
int ct_follow_check(const struct ct_follow_options *options, struct ct_err *err);

/* Follow from a place that is known already; closes client and cursor. As ct_foreground_run(), with
 * the container's name in errors. */
int ct_follow_session(struct ct_client *client, struct ct_cursor *cursor,
		      const struct ct_follow_plan *plan, struct ct_err *err);

/* The same from the beginning of the run. */
int ct_follow_run(struct ct_client *client, const struct ct_follow_plan *plan, struct ct_err *err);

/* And over the socket of a monitor that was just started. */
int ct_follow_started(int sock, const struct ct_follow_plan *plan, struct ct_err *err);

/* The same of one that is just starting one, which may take as long as it likes: EINTR when
 * interrupt becomes readable before it has. */
int ct_follow_starting(int sock, int interrupt, const struct ct_follow_plan *plan, struct ct_err *err);

#endif
