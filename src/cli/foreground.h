/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a session in the foreground: what it writes to our stdout and stderr, our stdin and
 * signals to it, until it has ended and everything is drained.
 */
#ifndef CATTACH_CLI_FOREGROUND_H
#define CATTACH_CLI_FOREGROUND_H

#include <stdbool.h>

#include <cattach/err.h>
#include <cattach/monitor.h>

struct ct_foreground {
	bool tty;		/* the session has a terminal: its size follows ours */
	bool stdin_open;	/* read our stdin and send it */
	bool sig_proxy;		/* signals go to the payload */
};

/**
 * ct_foreground_block - block the signals that are going to be proxied
 *
 * Called before the payload starts, so that none is lost in between.
 */
void ct_foreground_block(bool sig_proxy);

/**
 * ct_foreground_run - follow a session to its end
 * @session: page, wake, log and channel are open
 *
 * Return: the exit code of the payload; 128 + SIGPIPE when nobody reads our output any more;
 * negative with err filled, whose exit is 255 when the monitor went away without recording how the
 * payload ended.
 */
int ct_foreground_run(const struct ct_session *session, const struct ct_foreground *how,
		      struct ct_err *err);

#endif
