/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: what start.c and session.c have in common, the launch of a monitor.
 */
#ifndef CATTACH_CONTAINER_LAUNCH_H
#define CATTACH_CONTAINER_LAUNCH_H

#include <stdbool.h>

#include <cattach/arena.h>
#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/exec.h>
#include <cattach/plan.h>

#include "clos.h"
#include "events.h"
#include "leaf.h"

/* What the callbacks work with; a copy of it lives in the monitor. The caller sets the first ones,
 * up to exec. */
struct launching {
	struct ct_arena *arena;		/* with everything that only the start needs */
	struct ct_plan *plan;		/* of a container... */
	struct leaf_request request;	/* ...and what its leaf is to be; the directory is filled in... */
	struct clos_request clos_request;	/* ...and its class of service */
	struct ct_exec *exec;		/* of a session, in place of these */
	bool followed;			/* by who starts it, and no further than to the end of this run */
	struct leaf leaf;		/* once there is one */
	struct ct_resctrl clos;		/* likewise */
	struct event_teller teller;
	struct ct_monitor_config *config;
	struct ct_store store;		/* only containers, names and runtime stay open */
	int dir;			/* the container's */
	char id[CT_CONTAINER_ID_LENGTH + 1];
	char name[CT_NAME_MAX + 1];
	char label[CT_LABEL_MAX + 1];
	bool remove;
	bool keep;			/* a failed start leaves it as it was: */
	struct ct_status before;
};

/**
 * ct_launch - fork a monitor for a container or session, and wait until its process runs
 * @store: the one that it is in
 * @container: RUNNING from then on; after a failure what it was
 * @options: rootless and preserve_fds are in the plan already
 * @err: the exact error of the innermost process
 */
int ct_launch(struct ct_store *store, struct ct_container *container,
	      const struct ct_start_options *options, struct launching *launching,
	      struct ct_session *ret_session, struct ct_err *err);

#endif
