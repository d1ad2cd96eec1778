/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a container that somebody else watches, after it was made: it is started, it gets
 * signals, it is deleted.
 *
 * Runs in commands, with the caller's rights. Processes are signalled through pidfds that were checked
 * against the record. The words of the errors are those that engines look for. Sessions that cattach exec
 * has made end with it, in a bounded time, and fail nothing. May fail: a state that does not allow it; a
 * process that the kernel does not let go.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>
#include <cattach/top.h>

#include "clos.h"
#include "hooks.h"
#include "leaf.h"
#include "record.h"
#include "runtime_parts.h"

#define KILLED	(5 * CT_SECOND)		/* for the kernel to end what has got SIGKILL */

static int open_process(const struct ct_container *c)
{
	const struct ct_probe probe = { .status = c->status };
	char boot_id[37];

	if (c->status.state != CT_STATUS_RUNNING || ct_boot_id(boot_id) < 0 ||
	    strcmp(boot_id, c->status.boot_id) != 0)
		return -ESRCH;
	return ct_probe_open_payload(&probe);
}

/* ---- start ---- */

static int refuse_start(const struct ct_container *c, struct ct_err *err)
{
	if (c->state == CT_STATE_RUNNING)
		return ct_fail(err, EALREADY, "cannot start an already running container");
	if (c->state == CT_STATE_PAUSED)
		return ct_fail(err, EBUSY, "cannot start a container that is paused");
	if (c->state == CT_STATE_CREATING)
		return ct_fail(err, EBUSY, "cannot start a container that is being created");
	if (c->state == CT_STATE_DAMAGED)
		return ct_fail(err, EIO, "cannot start a container that is damaged: %s", c->damage);
	return ct_fail(err, ESRCH, "cannot start a container that has stopped");
}

/* Its process goes on, and is the program. */
static int go(struct ct_container *container, struct ct_err *err)
{
	int ct_autofd connection = -1;
	int r;

	if (container->state != CT_STATE_CREATED)
		return refuse_start(container, err);
	if (container->meta.no_process) {
		ct_fail(err, EINVAL, "cannot start a container whose config.json has no process");
		return ct_hint(err, "delete it, and create it anew with one");
	}
	connection = ct_runtime_connect(container->dir);
	if (connection < 0)
		return ct_fail_errno(err, -connection, "the process does not wait any more");
	r = ct_ns_go(connection, container->status.pid, err);
	/* Nobody listens there from now on, in either case. */
	unlinkat(container->dir, CT_RUNTIME_SOCKET, 0);
	if (r == 0)
		container->state = CT_STATE_RUNNING;
	return r;
}

/* Does it wait, and for us? Of several who come at once one starts it, with a lock that ends with that
 * command; to the others it runs, and their failure is none of the container's. */
static bool claim(struct ct_container *container)
{
	int ct_autofd connection = -1;

	if (container->state != CT_STATE_CREATED)
		return false;
	if (flock(container->status_fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		container->state = CT_STATE_RUNNING;
	else
		container->state = ct_runtime_look(container);
	if (container->state != CT_STATE_CREATED)
		return false;
	/* Somebody has told it to go on, and was killed. */
	connection = ct_runtime_connect(container->dir);
	if (connection < 0)
		container->state = CT_STATE_RUNNING;
	return connection >= 0;
}

/* Not a program that is not there, nor a process that was killed meanwhile. */
static bool is_hooks_fault(const struct ct_err *err)
{
	char place[32];

	snprintf(place, sizeof(place), "hooks.%s[", ct_hook_name(CT_HOOK_START_CONTAINER));
	return !strncmp(err->where, place, strlen(place));
}

/* A hook that fails takes the container with it. What is refused changes nothing. */
int ct_runtime_start(struct ct_store *store, struct ct_container *container, struct ct_err *err)
{
	bool waited = claim(container);
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_spec *spec = NULL;
	struct ct_err ignored;
	int r = ct_arena_open(&arena, err);

	if (r == 0 && waited)
		r = ct_container_spec(container, &arena, &spec, err);
	if (r == 0)
		r = go(container, err);
	if (r < 0 && !is_hooks_fault(err))
		return r;
	if (r == 0)
		r = ct_hooks_run_poststart(&arena, spec, &container->meta, container->status.pid, err);
	if (r < 0)
		ct_runtime_delete(store, container, true, &ignored);
	return r;
}

/* ---- signals ---- */

/* In its pid namespace whoever is left dies with the first one; without one all have to be found. */
static int signal_all(struct ct_store *store, struct ct_arena *arena, const struct ct_container *c,
		      int pidfd, int signal)
{
	struct ct_err ignored;
	struct ct_top top;

	if (c->state != CT_STATE_RUNNING || ct_top(store, arena, c, &top, &ignored) < 0)
		return ct_pidfd_signal(pidfd, signal);
	for (size_t i = 0; i < top.count; i++) {
		int ct_autofd fd = ct_proc_open(top.items[i].pid, top.items[i].started);

		if (fd >= 0)
			ct_pidfd_signal(fd, signal);
	}
	return 0;
}

/* The first process has ended; with a pid namespace of its own, it was the last one. */
static int fail_ended(const struct ct_container *c, struct ct_arena *arena, bool all, struct ct_err *err)
{
	const struct ct_spec_namespace *pids;
	struct ct_spec *spec;
	struct ct_err ignored;

	if (!all || ct_container_spec(c, arena, &spec, &ignored) < 0)
		return ct_fail(err, ESRCH, "container not running");
	pids = &spec->linux_.namespaces[CT_NS_PID];
	if (pids->present && !pids->path)
		return ct_fail(err, ESRCH, "container not running");
	ct_fail(err, ESRCH, "container not running: its first process has ended, and what that may have left "
		"cannot be found without a cgroup or a pid namespace of the container's own");
	return ct_hint(err, "give it one by linux.cgroupsPath");
}

/* Whoever is in its cgroup is the container's, whether its first process lives or not. 1: it has none. */
static int signal_cgroup(const struct ct_container *c, int signal, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	int r = ct_container_cgroup(c, &cgroup, err);
	char path[CT_CGROUP_PATH];

	/* One that has gone had nobody in it. */
	if (r == -ENOTSUP && ct_leaf_read(c->dir, path) == 0)
		return ct_fail(err, ESRCH, "the cgroup has gone");
	if (r < 0)
		return r == -ENOTSUP || r == -EINVAL ? 1 : r;
	return ct_cgroup_signal(&cgroup, signal, err);
}

int ct_runtime_signal(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, int signal, bool all, struct ct_err *err)
{
	int ct_autofd fd = open_process(container);
	bool alive = fd >= 0 && ct_pidfd_await(fd, 0) == 0;
	int r = all ? signal_cgroup(container, signal, err) : 1;

	if (r == -ESRCH && !alive)
		return ct_fail(err, ESRCH, "container not running");
	if (r == 0 || (r < 0 && !alive))
		return r;
	/* Its cgroup cannot tell; then its namespaces must. */
	if (!alive)
		return fail_ended(container, arena, all, err);
	r = all ? signal_all(store, arena, container, fd, signal) : ct_pidfd_signal(fd, signal);
	if (r == -ESRCH)
		return fail_ended(container, arena, false, err);
	return r < 0 ? ct_fail_errno(err, -r, "cannot signal container %s", container->meta.id) : 0;
}

/* ---- delete ---- */

static int kill_process(const struct ct_container *c, struct ct_err *err)
{
	int ct_autofd fd = open_process(c);

	if (fd < 0 || ct_pidfd_signal(fd, SIGKILL) < 0 || ct_pidfd_await(fd, KILLED) != 0)
		return 0;
	ct_fail(err, ETIMEDOUT, "process %d does not end, even by SIGKILL", (int)c->status.pid);
	return ct_hint(err, "the kernel holds it; see /proc/%d/wchan", (int)c->status.pid);
}

/* What it and its sessions have started among the host's processes, or a pod's, where no end of a pid
 * namespace ends it, and perhaps no cgroup either. */
static void kill_rest(struct ct_store *store, struct ct_arena *arena, const struct ct_spec *spec,
		      const struct ct_container *c)
{
	const struct ct_spec_namespace *spaces = spec->linux_.namespaces;
	bool ends_alone = spaces[CT_NS_PID].present && !spaces[CT_NS_PID].path;
	struct ct_err ignored;

	if (!ends_alone && spaces[CT_NS_MOUNT].present && !spaces[CT_NS_MOUNT].path)
		ct_runtime_signal(store, arena, c, SIGKILL, true, &ignored);
}

static bool is_alive(const struct ct_container *c)
{
	int ct_autofd fd = open_process(c);

	return fd >= 0 && ct_pidfd_await(fd, 0) == 0;
}

/* Sessions before it: a pid namespace ends only when all that is in it has been reaped; and after it those
 * that somebody has made meanwhile. */
static int end_all(struct ct_store *store, const struct ct_container *c, struct ct_err *err)
{
	int r;

	ct_sessions_end(store, c);
	r = kill_process(c, err);
	if (r < 0)
		return r;
	ct_sessions_end(store, c);
	r = ct_leaf_clean(c->dir, c->meta.id, err);
	return r < 0 ? r : ct_clos_clean(c->dir, c->meta.id, err);
}

int ct_runtime_delete(struct ct_store *store, struct ct_container *container, bool force,
		      struct ct_err *err)
{
	struct ct_arena ct_autoarena arena = { 0 };
	enum ct_state state = container->state;
	struct ct_spec *spec = NULL;
	struct ct_err ignored;
	int r;

	if (!force && (state == CT_STATE_RUNNING || state == CT_STATE_PAUSED ||
		       state == CT_STATE_CREATING))
		return ct_fail(err, EBUSY, "cannot delete container %s that is not stopped: %s",
			       container->meta.id, ct_runtime_state_name(state));
	if (!force && state == CT_STATE_DAMAGED && is_alive(container)) {
		ct_fail(err, EBUSY, "cannot delete container %s, whose process %d still runs: %s",
			container->meta.id, (int)container->status.pid, container->damage);
		return ct_hint(err, "delete --force %s ends it", container->meta.id);
	}
	/* What cannot be read any more has no hooks that could be run. */
	if (ct_arena_open(&arena, &ignored) < 0 ||
	    ct_container_spec(container, &arena, &spec, &ignored) < 0)
		spec = NULL;
	if (spec)
		kill_rest(store, &arena, spec, container);
	r = end_all(store, container, err);
	if (r < 0)
		return r;
	r = ct_runtime_forget(store, container, err);
	if (r < 0)
		return r;
	if (spec && r > 0)
		ct_hooks_run_poststop(&arena, spec, &container->meta, ct_hooks_warn);
	return 0;
}
