/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session: what exec starts under a monitor of its own, with a record, a log and a socket, so that
 * one can let go of it and come back.
 *
 * ct_session_start() runs in the CLI: the session's directory is made in its container's store, then
 * the monitor is launched as for a container; it spawns the process into the container, and kills it
 * when the container ends. When that fails nothing of it stays. May fail: a name that is taken, and
 * all that exec can fail with; whatever fails because the container has just ended says that.
 */
#include <cattach/exec.h>

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <cattach/event.h>

#include "launch.h"
#include "record.h"
#include "store.h"

/* Who removes a container begins with its sessions, while it still runs. */
static int fail_removed(const struct ct_exec *exec, struct ct_err *err)
{
	return ct_fail(err, ENOENT, "container %s is being removed",
		       ct_container_label(exec->container));
}

static int create_and_launch(struct ct_store *sessions, struct ct_exec *exec,
			     struct ct_arena *arena, struct ct_meta *meta,
			     const struct ct_start_options *options, struct ct_container *session,
			     struct ct_session *ret_session, struct ct_err *err)
{
	struct launching launching = { .arena = arena, .exec = exec };
	int r = ct_container_create(sessions, arena, meta, NULL, session, err);

	if (r < 0)
		return r == -ENOENT ? fail_removed(exec, err) : r;
	ct_event_record(exec->container, "exec_create", "execID", session->meta.id, CT_EVENT_END);
	r = ct_launch(sessions, session, options, &launching, ret_session, err);
	if (r == 0)
		return 0;
	if (faccessat(session->dir, "lock", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		r = fail_removed(exec, err);
	ct_container_forget(sessions, session);
	return r;
}

int ct_session_start(struct ct_exec *exec, struct ct_store *store, struct ct_arena *arena,
		     struct ct_meta *meta, const struct ct_start_options *options,
		     struct ct_container *ret_container, struct ct_session *ret_session,
		     struct ct_err *err)
{
	struct ct_container ct_autocontainer session = CT_CONTAINER_INIT;
	struct ct_store ct_autostore sessions = CT_STORE_INIT;
	int r = ct_store_sessions(store, exec->container, true, &sessions, err);

	if (r == 0)
		r = create_and_launch(&sessions, exec, arena, meta, options, &session, ret_session,
				      err);
	if (r < 0)
		return ct_exec_blame(exec, err);
	*ret_container = session;
	session = (struct ct_container)CT_CONTAINER_INIT;
	return 0;
}
