/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of exec share: cmd_exec.c (options), exec_run.c (the process is our own child),
 * exec_relay.c (where a terminal is not handed over), exec_session.c (under a monitor of its own),
 * exec_verbs.c and exec_list.c (what can be done to sessions).
 */
#ifndef CATTACH_CLI_EXEC_H
#define CATTACH_CLI_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <cattach/exec.h>

#include "cli.h"

/* The options as given. */
struct ct_exec_cli {
	bool detach, interactive, tty, privileged, latest, sig_proxy;
	enum ct_choice remove;		/* not given: in the foreground */
	const char *user, *workdir, *detach_keys, *preserve_fds, *cidfile, *session, *timeout;
	const char *on_client_exit, *lag, *default_keys;
	struct ct_strings env, env_file, cap_add, cap_drop;
};

/* One use of exec, found and planned. */
struct ct_exec_call {
	const struct ct_exec_cli *options;
	struct ct_arena *arena;
	struct ct_store store;
	struct ct_container container;
	struct ct_exec exec;
	struct ct_strings command;
	unsigned preserve_fds;
	uint64_t timeout;		/* ns, 0: none */
	bool keep;			/* it outlives us */
	bool tie;			/* a session, which would: it does not */
};

/* Start it as our own child with our own descriptors, and wait: its exit code, or negative. */
int ct_exec_run(struct ct_exec_call *call, struct ct_err *err);

/* Does it get a monitor of its own? */
bool ct_exec_is_session(const struct ct_exec_cli *options);
/* The options of sessions, before anything is looked at. */
int ct_exec_session_check(const struct ct_exec_call *call, struct ct_err *err);
/* Start it as a session: its exit code when it is followed, else its id is printed. */
int ct_exec_session(struct ct_exec_call *call, struct ct_err *err);

/* "ls", "kill", ...: words that are no container but say what to do to sessions. */
bool ct_exec_is_subverb(const char *word);
int ct_exec_subverb(const struct ct_call *call, struct ct_err *err);

extern const struct ct_verb ct_verb_exec_ls;

#endif
