/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going into a container that runs: may we, by which way, and starting a process there.
 *
 * Runs in the command that execs, or in the monitor of a session (ct_exec_spawn() only), with the
 * caller's rights. The way in is looked for twice: through /proc, which costs a few system calls
 * and needs the right to trace the payload, and then, or where the payload has gone into a user
 * namespace of its own making, at the container's monitor, which has kept descriptors from the
 * start. Whose they are is beyond doubt either way: a pidfd that was checked against the record
 * still names a living process after they were opened.
 *
 * What may fail: a container in any other state, one that ends while we are at it (which is said
 * instead of whatever the kernel made of it), a monitor that does not answer.
 */
#include <cattach/exec.h>

#include <errno.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#include "clos.h"
#include "leaf.h"
#include "plan.h"
#include "record.h"
#include "runtime_parts.h"

#define END_TIME	(CT_SECOND / 2)		/* for an end that is under way to show */

/* ---- states ---- */

static int refuse(const struct ct_container *c, struct ct_err *err)
{
	if (ct_state_is_live(c->state))
		return ct_fail(err, ESRCH, "container %s has just ended", ct_container_label(c));
	return ct_state_refuse(c, CT_ACT_EXEC, err);
}

/* It was running when we looked first. */
static int fail_ended(const struct ct_container *container, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_probe probe;
	struct ct_err ignored;

	if (c.status_fd >= 0 && ct_container_probe(&c, &probe, &ignored) == 0 &&
	    probe.status.state == CT_STATUS_EXITED) {
		c.status = probe.status;
		c.state = ct_probe_state(&probe, &c.damage);
	}
	*err = (struct ct_err){ 0 };
	return refuse(&c, err);
}

/* ---- the way in ---- */

/* Through the monitor, which has it from the start. */
static int ask_monitor(struct ct_store *store, const struct ct_container *container,
		       struct ct_ns_places *places, struct ct_err *err)
{
	struct ct_client client = CT_CLIENT_INIT;
	int r = ct_container_attach(store, container, CT_HELLO_QUIET, 0, 0, &client, err);

	_Static_assert(CT_PLACES == CT_ATTACH_PLACES, "the same places");
	if (r < 0)
		return r;
	r = ct_client_namespaces(&client, places->fd, err);
	ct_client_close(&client);
	return r;
}

/* Made by the runtime face, and not started: its process hands out the way in itself. */
static bool is_held(const struct ct_container *c)
{
	return c->state == CT_STATE_CREATED && ct_container_is_live(c);
}

static int ask_process(const struct ct_container *c, struct ct_ns_places *places, struct ct_err *err)
{
	int ct_autofd connection = ct_runtime_connect(c->dir);

	if (connection < 0)
		return ct_fail_errno(err, -connection, "container %s is just being started",
				     ct_container_label(c));
	return ct_ns_way_in(connection, places, err);
}

static int find_places(struct ct_exec *exec, struct ct_store *store, struct ct_err *err)
{
	const struct ct_container *c = exec->container;
	int r;

	if (is_held(c))
		return ask_process(c, &exec->places, err);
	r = ct_ns_places_open(c->status.pid, &exec->places, err);
	if (r == 0 && ct_pidfd_await(exec->payload, 0) == 0 && ct_ns_places_agree(&exec->places))
		return 0;
	if (r == 0)
		ct_fail(err, EXDEV, "the payload has made itself a user namespace, or changed its root");
	ct_ns_places_close(&exec->places);
	/* A moment ago it lived: now that would be somebody else with its pid. */
	if (ct_pidfd_await(exec->payload, 0) != 0)
		return fail_ended(c, err);
	/* An engine's monitor is none that could be asked. */
	if (c->engine_root)
		return ct_wrap(err, "container %s cannot be entered", ct_container_label(c));
	ct_log(CT_LOG_DEBUG, CT_TOPIC_NS, "asking the monitor for the way in: %s", err->what);
	*err = (struct ct_err){ 0 };
	r = ask_monitor(store, c, &exec->places, err);
	if (r < 0 && ct_pidfd_await(exec->payload, END_TIME) != 0)
		return fail_ended(c, err);
	return r;
}

/* In the host's mount namespace, or another one that is not its own, a payload may have its root
 * wherever it likes, the host's included. */
static void take_own_root(struct ct_exec *exec)
{
	int root = ct_inherited_open_root(exec->container, exec->spec,
					  exec->places.fd[CT_PLACE_MOUNT]);

	if (root < 0)
		return;
	ct_drop_fd(&exec->places.fd[CT_PLACE_ROOT]);
	exec->places.fd[CT_PLACE_ROOT] = root;
}

static int open_way(struct ct_exec *exec, struct ct_store *store, struct ct_err *err)
{
	const struct ct_status *status = &exec->container->status;

	exec->payload = ct_proc_open(status->pid, status->starttime);
	if (exec->payload == -ESRCH)
		return fail_ended(exec->container, err);
	if (exec->payload < 0)
		return ct_fail_errno(err, -exec->payload, "cannot find the payload of container %s",
				     ct_container_label(exec->container));
	if (find_places(exec, store, err) < 0)
		return -err->code;
	if (ct_is_attached(exec->container, exec->spec))
		take_own_root(exec);
	return 0;
}

/* A container without a leaf has none in any way; its leaf that cannot be entered is an error, or the
 * process would be outside of the limits. */
static int open_leaf(struct ct_exec *exec, struct ct_err *err)
{
	const struct ct_container *c = exec->container;
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	char path[CT_CGROUP_PATH];
	int r = ct_leaf_read(c->dir, path);

	if (r == -ENOENT)
		return 0;
	r = ct_container_cgroup(c, &cgroup, err);
	if (r == 0)
		r = ct_cgroup_entry_open(&cgroup, c->status.pid, &exec->leaf, err);
	if (r < 0 && ct_pidfd_await(exec->payload, END_TIME) != 0)
		return fail_ended(c, err);
	return r;
}

/* Likewise with its class of service. */
static int open_clos(struct ct_exec *exec, struct ct_err *err)
{
	const struct ct_container *c = exec->container;

	if (!exec->spec->linux_.intel_rdt || ct_clos_open(c->dir, c->meta.id, &exec->clos, err) == 0)
		return 0;
	if (ct_pidfd_await(exec->payload, END_TIME) != 0)
		return fail_ended(c, err);
	return ct_wrap(err, "container %s", ct_container_label(c));
}

int ct_exec_choose_cgroup(struct ct_exec *exec, const char *path, struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	struct ct_cgroup_entry entry;

	if (ct_container_cgroup(exec->container, &cgroup, err) < 0 ||
	    ct_cgroup_entry_open_below(&cgroup, path, &entry, err) < 0)
		return -err->code;
	ct_drop_fd(&exec->leaf.fd);
	exec->leaf = entry;
	return 0;
}

/* Its record goes after its payload. */
static bool has_gone(const struct ct_container *c)
{
	int ct_autofd payload = ct_proc_open(c->status.pid, c->status.starttime);

	return payload == -ESRCH;
}

int ct_exec_open_live(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, struct ct_exec *ret_exec,
		      struct ct_err *err)
{
	struct ct_exec ct_autoexec exec = CT_EXEC_INIT;
	int r;

	if (container->session_of)
		return ct_container_refuse_session(container, "entered", err);
	exec.container = container;
	r = ct_container_spec(container, arena, &exec.spec, err);
	if (r == -ENOENT && has_gone(container))
		return fail_ended(container, err);
	if (r == 0 && !exec.spec->process)
		r = ct_spec_fail(exec.spec, err, EINVAL, "process", "missing");
	if (r == 0)
		r = ct_container_set_hostname(&container->meta, arena, exec.spec, err);
	if (r == 0)
		r = open_way(&exec, store, err);
	if (r == 0)
		r = open_leaf(&exec, err);
	if (r == 0)
		r = open_clos(&exec, err);
	if (r < 0)
		return r;
	*ret_exec = exec;
	exec = (struct ct_exec)CT_EXEC_INIT;
	return 0;
}

int ct_exec_open(struct ct_store *store, struct ct_arena *arena,
		 const struct ct_container *container, struct ct_exec *ret_exec,
		 struct ct_err *err)
{
	if (!container->session_of && !is_held(container) &&
	    ct_state_check(container, CT_ACT_EXEC, err) < 0)
		return -err->code;
	return ct_exec_open_live(store, arena, container, ret_exec, err);
}

void ct_exec_close(struct ct_exec *exec)
{
	ct_drop_fd(&exec->payload);
	ct_drop_fd(&exec->leaf.fd);
	ct_resctrl_close(&exec->clos);
	ct_ns_places_close(&exec->places);
}

/* ---- the process ---- */

static int move_to_leaf(void *arg, pid_t pid, struct ct_err *err)
{
	const struct ct_exec *exec = arg;

	if (ct_cgroup_entry_move(&exec->leaf, pid, err) < 0)
		return ct_wrap(err, "container %s", ct_container_label(exec->container));
	return 0;
}

/* Born there where the kernel lets us; else moved before it goes on. */
static void plan_leaf(struct ct_exec *exec, struct ct_plan *plan)
{
	if (exec->leaf.fd < 0)
		return;
	if (exec->leaf.direct) {
		plan->cgroup = exec->leaf.fd;
		return;
	}
	plan->move = move_to_leaf;
	plan->move_arg = exec;
}

int ct_exec_plan(struct ct_exec *exec, struct ct_store *store, struct ct_arena *arena,
		 unsigned preserve_fds, bool untied, struct ct_err *err)
{
	const char *label = ct_arena_printf(arena, "container %s", ct_container_label(exec->container));
	struct planning p = {
		.arena = arena, .spec = exec->spec, .meta = &exec->container->meta,
		.cache = store->cache, .preserve_fds = preserve_fds,
	};
	int r;

	p.plan = ct_arena_alloc(arena, sizeof(*p.plan));
	if (!p.plan || !label)
		return ct_fail_nomem(err);
	if (ct_is_attached(exec->container, exec->spec))
		p.plan->chroot = exec->places.fd[CT_PLACE_ROOT];
	r = ct_ns_places_join(&exec->places, label, p.plan, err);
	if (r == 0)
		r = ct_plan_process(&p, err);
	if (r == 0)
		r = ct_plan_scheduling(&p, err);
	if (r == 0)
		r = ct_plan_affinity(&p, err);
	if (r == 0)
		r = ct_plan_seccomp(&p, err);
	if (r < 0)
		return r;
	if (p.plan->process.listener)
		p.plan->process.listener->container_pid =
			ct_arena_printf(arena, "%d", (int)exec->container->status.pid);
	plan_leaf(exec, p.plan);
	ct_clos_plan(&exec->clos, p.plan);
	p.plan->process.untied = untied;
	p.plan->process.cwd_is_there = true;
	exec->plan = p.plan;
	return 0;
}

/* Only what the program itself is to blame for has nothing to do with an end. */
static bool may_be_the_end(const struct ct_err *err)
{
	return err->exit == CT_EXIT_FAILED || err->code == ECHILD;
}

/* What a pid namespace does when its init ends: it kills whoever is in it, and takes nobody in. The
 * init itself shows as ended only when all of them have been reaped. pid_namespaces(7). */
static bool is_told_of_the_end(const struct ct_err *err)
{
	return err->code == ECHILD || err->code == ENOMEM;
}

int ct_exec_blame(const struct ct_exec *exec, struct ct_err *err)
{
	if (may_be_the_end(err) &&
	    ct_pidfd_await(exec->payload, is_told_of_the_end(err) ? END_TIME : 0) != 0)
		return fail_ended(exec->container, err);
	return -err->code;
}

int ct_exec_spawn(const struct ct_exec *exec, const struct ct_ns_stdio *stdio,
		  struct ct_ns_started *ret_started, struct ct_err *err)
{
	int r = ct_ns_start(exec->plan, stdio, ret_started, err);

	return r < 0 ? ct_exec_blame(exec, err) : r;
}
