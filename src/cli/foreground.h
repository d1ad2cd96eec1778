/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a session in the foreground: what it writes to our stdout and stderr, our stdin and
 * signals to it, until it has ended and everything is drained, or somebody lets go of it. What run,
 * attach and start -a are, once they are connected.
 */
#ifndef CATTACH_CLI_FOREGROUND_H
#define CATTACH_CLI_FOREGROUND_H

#include <signal.h>
#include <stdbool.h>

#include <cattach/client.h>
#include <cattach/container.h>
#include <cattach/err.h>

#include "attach_files.h"
#include "detach_keys.h"

/* What the end of our stdin is. */
enum ct_stdin_eof {
	CT_STDIN_EOF_AUTO,	/* close, as the container allows; detach from a terminal session */
	CT_STDIN_EOF_CLOSE,	/* whoever opened it: the connection was made with CT_HELLO_CLOSE */
	CT_STDIN_EOF_KEEP,	/* nothing: the session is followed on */
	CT_STDIN_EOF_DETACH,
};

/* What the end of our terminal is. */
enum ct_hang_up {
	CT_HANG_UP_SIGNAL,	/* a SIGHUP, for the payload like others */
	CT_HANG_UP_DETACHES,	/* none of the payload's business */
	CT_HANG_UP_ENDS,	/* ours: whoever is tied to us sees it */
};

struct ct_foreground {
	const char *name;	/* of the container, for messages */
	const struct ct_container *container;	/* for the record of events; or NULL */
	bool session;		/* of exec: say how to come back to it */
	bool tty;		/* the session has a terminal */
	bool stdin_open;	/* read our stdin and send it */
	bool out[2];		/* show stdout, stderr */
	bool sig_proxy;		/* signals go to the payload */
	bool resize;		/* the size of its terminal follows ours */
	bool redraw;		/* make it draw its screen anew */
	/* Where the container is, to go on with its next run when its keeper starts it again, and
	 * what to say to the next monitor; store NULL: one run is all. */
	struct ct_store *store;
	uint32_t hello;
	enum ct_hang_up hang_up;
	enum ct_stdin_eof eof;
	struct ct_earlier *earlier;	/* shown before anything else; or NULL */
	struct ct_detach_keys keys;	/* in force only where the session and we have a terminal */
};

/**
 * ct_foreground_block - block the signals that are going to be proxied
 *
 * Called before the payload starts, so that none is lost in between.
 */
void ct_foreground_block(bool sig_proxy);

/* Those that are proxied, for who proxies by itself. */
void ct_foreground_signals(sigset_t *set);

/* The opposite, for who does not follow after all. */
void ct_foreground_unblock(bool sig_proxy);

/**
 * ct_foreground_run - follow a session to its end
 * @client: connected; the connection is used up
 * @cursor: where to begin; its source is the client's
 *
 * A container that its keeper starts again is followed on, client and cursor becoming those of its
 * next run, until nothing is started again.
 *
 * Detaching is told in one line on stderr, once the terminal is as before.
 *
 * Return: the exit code of the payload; 0 when detached; 128 + SIGPIPE when nobody reads our output
 * any more; negative with err filled, whose exit is 255 when the monitor went away without
 * recording how the payload ended.
 */
int ct_foreground_run(struct ct_client *client, struct ct_cursor *cursor,
		      const struct ct_foreground *how, struct ct_err *err);

/**
 * ct_foreground_show - show what a session that is over has left
 *
 * Return: 0, 128 + SIGPIPE, or negative.
 */
int ct_foreground_show(struct ct_cursor *cursor, const struct ct_foreground *how,
		       struct ct_err *err);

#endif
