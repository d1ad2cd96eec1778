/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a container that somebody else watches: directory and record, cgroup, and a process that is
 * all set up and waits.
 *
 * Runs in the command that creates, with the caller's rights and the caller's descriptors 0, 1 and
 * 2, which become the process's. The process is this command's child and, once that has ended, the
 * child of whoever is its subreaper. The order makes every failure harmless: the directory first
 * (its name is the lock), the record last, and what was made goes when something fails. May fail:
 * whatever config.json asks for that cannot be had.
 */
#include <cattach/runtime.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/run.h>

#include "clos.h"
#include "hooks.h"
#include "leaf.h"
#include "plan.h"
#include "record.h"
#include "runtime_parts.h"

/* What has been made so far. */
struct making {
	struct ct_store *store;
	struct ct_arena *arena;
	const struct ct_runtime_create *options;
	struct ct_spec *spec;
	struct ct_plan *plan;
	struct ct_container c;
	struct ct_ns_started started;
	struct leaf leaf;
	struct ct_resctrl clos;
	int listener;
	bool attempted;			/* hooks may have run */
	bool pid_file;
};

/* ---- directory and record ---- */

static int make_directory(struct making *m, struct ct_err *err)
{
	const char *id = m->options->id;
	bool made = mkdirat(m->store->containers, id, 0700) == 0;

	if (!made && errno == EEXIST) {
		ct_fail(err, EEXIST, "container with given ID already exists");
		return ct_wrap(err, "%s", id);
	}
	if (made)
		m->c.dir = openat(m->store->containers, id,
				  O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (m->c.dir < 0) {
		ct_fail_errno(err, errno, "cannot make %s/%s", m->store->path, id);
		if (made)
			unlinkat(m->store->containers, id, AT_REMOVEDIR);
		return -err->code;
	}
	ct_container_mark_creator(m->c.dir);
	return 0;
}

/* A copy of our own: what becomes of the bundle's does not matter any more. */
static int write_config(struct making *m, struct ct_err *err)
{
	struct ct_buf ct_autobuf text = { 0 };
	int r = ct_spec_write(m->spec, &text, err);

	return r < 0 ? r : ct_write_file_at(m->c.dir, "config.json", text.data, text.length, 0600, err);
}

static int write_record(struct making *m, struct ct_err *err)
{
	struct ct_status *s = &m->c.status;
	int ct_autofd fd = openat(m->c.dir, "status", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make status");
	s->state = CT_STATUS_RUNNING;
	s->generation++;
	s->pid = m->started.pid;
	s->started = ct_now_real();
	if (ct_proc_starttime(s->pid, &s->starttime) < 0 || ct_boot_id(s->boot_id) < 0)
		return ct_fail(err, ENOTSUP, "the host's /proc does not show the process");
	m->c.status_fd = ct_take_fd(&fd);
	if (ct_runtime_note_process(m->c.dir, s, err) < 0)
		return -err->code;
	return ct_status_write(m->c.status_fd, s, err);
}

static int make_record(struct making *m, struct ct_err *err)
{
	int r = write_config(m, err);

	if (r == 0)
		r = ct_meta_save(m->c.dir, &m->c.meta, err);
	return r;
}

static int make_listener(struct making *m, struct ct_err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/" CT_RUNTIME_SOCKET,
		 m->c.dir);
	m->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (m->listener < 0 || bind(m->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(m->listener, 16) < 0)
		return ct_fail_errno(err, errno, "cannot make the socket of container %s",
				     m->options->id);
	return 0;
}

/* ---- limits ---- */

/* Engines ask for these whether or not somebody wants them. */
static void relax(struct ct_cgroup_settings *settings)
{
	for (size_t i = 0; settings && i < settings->count; i++)
		if (strcmp(settings->items[i].file, "pids.max") == 0)
			settings->items[i].best_effort = true;
}

static int make_leaf(struct making *m, const struct ct_cgroup_settings *settings, struct ct_err *err)
{
	const struct leaf_request request = {
		.id = m->options->id,
		.dir = m->c.dir,
		.cgroups = m->options->cgroups,
		.parent = m->spec->linux_.cgroups_path,
		.parent_is_hint = true,
		.exact = true,
		.systemd = m->options->systemd,
		.settings = settings,
		.devices = m->spec->linux_.resources.devices,
		.device_count = m->spec->linux_.resources.device_count,
	};
	struct ct_err warning = { 0 };
	int r = ct_leaf_make(&request, &m->leaf, &warning, err);

	/* The scope begins with us, who are gone when the container runs. */
	if (r == 0 && m->leaf.needs_scope)
		r = ct_leaf_make_in_scope(&request, &m->leaf, &warning, err);
	if (r == 0 && m->leaf.cgroup.dir >= 0)
		m->plan->cgroup = m->leaf.cgroup.container;
	if (r == 0 && m->options->no_cgroup)
		*m->options->no_cgroup = warning;
	return r;
}

/* ---- the process ---- */

/* It is the first process of its pid namespace, or nobody knows its pid yet. */
static int tell_sockets(struct making *m, struct ct_err *err)
{
	struct ct_strings *env = &m->spec->process->env;
	const char *count = ct_arena_printf(m->arena, "LISTEN_FDS=%u", m->options->listen_fds);

	if (!m->options->listen_fds)
		return 0;
	if (!count || ct_strings_add(m->arena, env, count) < 0 ||
	    ct_strings_add(m->arena, env, "LISTEN_PID=1") < 0)
		return ct_fail_nomem(err);
	return 0;
}

static int prepare(struct making *m, struct ct_err *err)
{
	const struct ct_run_options run = {
		.bundle = m->options->bundle, .config = m->options->config, .sig_proxy = true,
		.without_process = true, .inherited_mounts = true,
	};
	struct ct_meta *meta = &m->c.meta;
	int r = ct_run_prepare(&run, m->options->rootless, m->arena, &m->spec, meta, err);

	meta->id = meta->name = m->options->id;
	meta->unmonitored = true;
	meta->cgroups = m->options->cgroups;
	meta->created = ct_now_real();
	meta->host = ct_host_identity(m->arena);
	meta->stop_signal = SIGTERM;
	meta->version = CT_META_VERSION;
	return r < 0 ? r : tell_sockets(m, err);
}

static int check_terminal(const struct making *m, struct ct_err *err)
{
	if (!m->spec->process->terminal || m->options->console_socket || m->options->stdio)
		return 0;
	ct_spec_fail(m->spec, err, EINVAL, "process.terminal",
		     "a terminal that nobody here is going to look at needs --console-socket");
	return ct_hint(err, "or set it to false");
}

static int make_place(struct making *m, struct ct_err *err)
{
	const char *path = ct_arena_printf(m->arena, "%s/%s/" CT_INHERITED_PLACE, m->store->path,
					   m->options->id);

	return path ? ct_inherited_make(m->c.dir, path, m->plan, err) : ct_fail_nomem(err);
}

static int plan(struct making *m, struct ct_err *err)
{
	struct planning resources = { .arena = m->arena, .spec = m->spec, .meta = &m->c.meta };
	struct clos_request clos;
	int r = ct_spec_check(m->spec, m->options->rootless, err);

	if (r == 0)
		r = check_terminal(m, err);
	if (r == 0)
		r = ct_plan_make(m->arena, m->spec, &m->c.meta, m->store->cache,
				 m->options->preserve_fds, &m->plan, err);
	if (r == 0)
		r = make_place(m, err);
	if (r == 0)
		r = ct_plan_resources(&resources, err);
	if (r == 0)
		r = ct_clos_look(m->arena, m->spec, &clos, err);
	if (r < 0)
		return r;
	relax(resources.settings);
	m->plan->hold = m->listener;
	m->plan->process.untied = true;
	m->plan->report_places = false;
	m->plan->no_program = m->c.meta.no_process;
	if (make_leaf(m, resources.settings, err) < 0)
		return -err->code;
	return ct_clos_make(&clos, m->c.dir, m->options->id, &m->clos, m->plan, err);
}

static int start(struct making *m, struct ct_err *err)
{
	const struct ct_spec_process *process = m->spec->process;
	const struct ct_ns_stdio *given = m->options->stdio;
	struct ct_ns_stdio stdio = { .fd = { 0, 1, 2 } };

	m->attempted = true;
	if (given)
		stdio = *given;
	if (process->console_height && process->console_width) {
		stdio.rows = process->console_height;
		stdio.columns = process->console_width;
	}
	return ct_ns_start(m->plan, &stdio, &m->started, err);
}

/* ---- who watches it ---- */

static int write_pid_file(struct making *m, struct ct_err *err)
{
	const char *path = m->options->pid_file;

	if (path && ct_runtime_write_pid(path, m->started.pid, err) < 0)
		return -err->code;
	m->pid_file = path != NULL;
	return 0;
}

static int hand_over(struct making *m, struct ct_err *err)
{
	const struct ct_runtime_create *o = m->options;

	if (o->pidfd_socket &&
	    ct_runtime_hand_over(o->pidfd_socket, m->started.pidfd, "pidfd", err) < 0)
		return ct_wrap(err, "--pidfd-socket");
	if (!o->console_socket || m->started.terminal < 0)
		return 0;
	if (ct_runtime_hand_over(o->console_socket, m->started.terminal, "/dev/ptmx", err) < 0)
		return ct_wrap(err, "--console-socket");
	ct_drop_fd(&m->started.terminal);
	return 0;
}

/* ---- all of it ---- */

/* Whoever kills us before ends the process, too; what is left of the container can be deleted. */
static int keep(struct making *m, struct ct_err *err)
{
	int r = ct_ns_keep(m->started.tie, err);

	ct_drop_fd(&m->started.tie);
	return r;
}

static void undo(struct making *m)
{
	struct ct_exit status;
	struct ct_err ignored;
	int removed = 0;

	if (m->started.pidfd >= 0) {
		ct_pidfd_signal(m->started.pidfd, SIGKILL);
		ct_pidfd_wait(m->started.pidfd, &status);
	}
	if (m->plan)
		ct_netdev_give_back(m->plan);
	ct_drop_fd(&m->started.pidfd);
	ct_drop_fd(&m->started.terminal);
	ct_drop_fd(&m->started.tie);
	if (m->pid_file)
		unlink(m->options->pid_file);
	if (m->c.dir >= 0) {
		if (m->leaf.in_scope)
			ct_cgroup_leave(&m->leaf.cgroup, getpid(), &ignored);
		ct_clos_end(&m->clos, m->c.dir);
		ct_leaf_undo(&m->leaf, m->c.dir);
		removed = ct_runtime_forget(m->store, &m->c, &ignored);
	}
	ct_container_close(&m->c);
	/* Who has deleted it meanwhile has run them. */
	if (m->attempted && removed)
		ct_hooks_run_poststop(m->arena, m->spec, &m->c.meta, ct_hooks_warn);
}

static int make(struct making *m, struct ct_err *err)
{
	static int (*const steps[])(struct making *m, struct ct_err *err) = {
		prepare, make_directory, make_record, make_listener, plan, start, write_record,
		hand_over, write_pid_file, keep,
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = steps[i](m, err);

		if (r < 0)
			return r;
	}
	return 0;
}

int ct_runtime_make(struct ct_store *store, struct ct_arena *arena,
		    const struct ct_runtime_create *options, struct ct_container *ret_container,
		    struct ct_ns_started *ret_started, struct ct_err *err)
{
	mode_t ct_autoumask saved = umask(077);
	struct making m = {
		.store = store, .arena = arena, .options = options, .c = CT_CONTAINER_INIT,
		.started = { .pidfd = -1, .terminal = -1, .tie = -1, .places = CT_NS_PLACES_INIT },
		.leaf = LEAF_INIT, .clos = CT_RESCTRL_INIT, .listener = -1,
	};
	int r = ct_runtime_check_id(options->id, err);

	if (r == 0)
		r = make(&m, err);
	ct_fd_close(m.listener);
	if (r < 0) {
		undo(&m);
		return r;
	}
	ct_netdev_settle(m.plan);
	ct_leaf_close(&m.leaf);
	ct_resctrl_close(&m.clos);
	m.c.state = CT_STATE_CREATED;
	*ret_container = m.c;
	*ret_started = m.started;
	return 0;
}
