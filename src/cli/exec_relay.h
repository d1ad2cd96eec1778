/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stdio of a process that is our own child: our descriptors as they are, and pipes with a relay
 * in place of those that are terminals.
 */
#ifndef CATTACH_CLI_EXEC_RELAY_H
#define CATTACH_CLI_EXEC_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include <cattach/err.h>
#include <cattach/ns.h>

#include "outlet.h"

#define CT_RELAY_SIZE	16384

/* One direction of one stream. */
struct ct_relay {
	int from;			/* -1: there is none, or it has ended */
	struct ct_outlet to;
	int pipe;			/* our end of the pipe: from, or what to writes to; -1 */
	bool ended;			/* from has: to is closed when everything is written */
	bool terminal;			/* from is the master of one */
	bool last;			/* of from, only so much is still taken: */
	size_t left;
	size_t start, end;		/* of what is not written yet */
	char data[CT_RELAY_SIZE];
};

struct ct_relays {
	struct ct_relay stream[3];
	int theirs[3];			/* the child's ends that are ours to close, or -1 */
};

/**
 * ct_relays_open - what the process gets as stdin, stdout and stderr
 * @interactive: our stdin, or /dev/null
 * @ret_stdio: borrowed descriptors, valid until ct_relays_started()
 * @err: EISDIR "standard input is a directory"
 */
int ct_relays_open(struct ct_relays *relays, bool interactive, struct ct_ns_stdio *ret_stdio,
		   struct ct_err *err);

/**
 * ct_relays_open_terminal - between our stdin and stdout and the terminal of a process
 * @master: of that; stays the caller's, and is made non-blocking
 */
int ct_relays_open_terminal(struct ct_relays *relays, int master, struct ct_err *err);

/* None at all, for who closes them in any case. */
void ct_relays_init(struct ct_relays *relays);

/* The process has its ends, or is not going to: close ours of them. */
void ct_relays_started(struct ct_relays *relays);

/* What to wait for: fills up to three entries, fd -1 where there is nothing. */
void ct_relays_poll(const struct ct_relays *relays, struct pollfd fds[3]);

/* Move what can be moved now. False: somebody who reads our output has gone. */
bool ct_relays_pump(struct ct_relays *relays);

/* The process has ended. What is in its pipes now was written before; what others who hold them go
 * on to write is not shown, and stdin is nobody's any more. */
void ct_relays_last(struct ct_relays *relays);

/* Is output left that only waits for us, or for who reads from us? */
bool ct_relays_pending(const struct ct_relays *relays);

void ct_relays_close(struct ct_relays *relays);

#endif
