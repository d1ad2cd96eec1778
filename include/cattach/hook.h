/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hooks: programs of the one who configured a container, run at fixed moments of its life with the
 * container's state on their standard input. config.json's "hooks" is read into this (src/oci), the
 * moments are known to src/ns and src/container.
 */
#ifndef CATTACH_HOOK_H
#define CATTACH_HOOK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/arena.h>
#include <cattach/err.h>

/* In the order in which they run. */
enum ct_hook_kind {
	CT_HOOK_PRESTART,		/* the caller's namespaces, before the root is entered */
	CT_HOOK_CREATE_RUNTIME,		/* the same, after these */
	CT_HOOK_CREATE_CONTAINER,	/* the container's namespaces, the caller's paths */
	CT_HOOK_START_CONTAINER,	/* the container's, just before its program */
	CT_HOOK_POSTSTART,		/* the caller's, once the program runs */
	CT_HOOK_POSTSTOP,		/* the caller's, once it is over */
	CT_HOOK_KINDS,
};

struct ct_hook {
	const char *path;		/* absolute */
	struct ct_strings args;		/* argv, its first one included; none: the path alone */
	struct ct_strings env;		/* all of its environment */
	int32_t timeout;		/* seconds; 0: none */
};

struct ct_hook_list {
	struct ct_hook *items;
	size_t count;
};

struct ct_hooks {
	struct ct_hook_list lists[CT_HOOK_KINDS];
};

/* What a hook reads, in two parts: between them are the status and the pid, which change. */
struct ct_hook_state {
	const char *head;		/* {"ociVersion":"1.3.0","id":"web", */
	const char *tail;		/* ,"bundle":"/b","annotations":{}} */
	const char *bundle;		/* where hooks begin, but for those of startContainer */
};

/* "prestart", "createRuntime", ... as config.json spells them. */
const char *ct_hook_name(enum ct_hook_kind kind);

/* Who runs a list of hooks, and how. */
struct ct_hook_run {
	enum ct_hook_kind kind;
	const struct ct_hook_list *list;
	const struct ct_hook_state *state;
	const char *status;		/* "creating", "created", "running", "stopped" */
	pid_t pid;			/* of the container's process as the hook sees it; 0: none */
	/* In the hook's process, last thing before its program: NULL, or 0 to go on. */
	int (*prepare)(void *arg, struct ct_err *err);
	void *arg;
	/* NULL: the first hook that fails ends the list. Otherwise each failure is told, and the next
	 * one runs all the same. */
	void (*failed)(const struct ct_err *err);
};

/**
 * ct_hooks_run - run hooks, one after the other
 * @err: where is "hooks.prestart[0]", what its path, how it ended and the last line that it wrote;
 *       ETIMEDOUT when its time was up, then it and its process group are killed
 *
 * Allocates nothing and opens nothing by path: fit for a process between clone and exec. A hook has the
 * state on its stdin, its stdout and stderr are read by us, and it has no other descriptor, no
 * terminal, and no variable that is not configured.
 */
int ct_hooks_run(const struct ct_hook_run *run, struct ct_err *err);

#endif
