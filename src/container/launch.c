/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a container's or a session's directory and a plan to a monitor: its runtime directory, what
 * it may do once it is confined, and what it is called back for: to spawn the process, to give back
 * what the start needed, to tidy up after the end.
 *
 * ct_launch() runs in the CLI; the callbacks run in the monitor, which knows nothing of namespaces
 * or directories itself. When the start fails nothing of it stays but the directory it was for.
 */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/ns.h>
#include <cattach/proc.h>
#include <cattach/seccomp.h>

#include "record.h"
#include "store.h"
#include "waiter.h"

/* To become its program: who is in the container can stop a process that goes in. */
#define SESSION_TIME	(20 * CT_SECOND)

#define KEEP_LEAF	3	/* where its descriptors stand among those to be kept... */
#define ALLOW_LEAF	6	/* ...and its directories among those that may be used */
#define KEEP_EVENTS	8	/* the same of what tells of events */
#define ALLOW_EVENTS	8
#define KEEP_CLOS	10	/* and of its class of service */
#define ALLOW_CLOS	10

static int spawn(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		 struct ct_err *err)
{
	const struct launching *s = arg;
	struct ct_ns_stdio ends = {
		.fd = { stdio->fd[0], stdio->fd[1], stdio->fd[2] },
		.borrowed = stdio->borrowed,
		.rows = stdio->rows,
		.columns = stdio->columns,
		.limit = s->exec ? ct_now_monotonic() + SESSION_TIME : 0,
		.meanwhile = stdio->meanwhile,
		.arg = stdio->arg,
	};
	struct ct_ns_started started;
	int r = s->exec && stdio->meanwhile ? stdio->meanwhile(stdio->arg, err) : 0;

	if (r < 0)
		return r;
	r = s->exec ? ct_exec_spawn(s->exec, &ends, &started, err) :
		      ct_ns_start(s->plan, &ends, &started, err);

	/* The kernel ends it without a word, and not every limit is one of 6m at least. */
	if (r == -ECHILD && !s->exec && ct_leaf_is_oom(&s->leaf))
		return ct_hint(err, "its memory ran out: give it more, by --memory");
	if (r < 0)
		return r;
	/* It runs: nothing of its start can fail any more. */
	if (s->plan)
		ct_netdev_settle(s->plan);
	*ret_spawned = (struct ct_spawned){
		.pid = started.pid,
		.pidfd = started.pidfd,
		.terminal = started.terminal,
	};
	_Static_assert(sizeof(ret_spawned->places) == sizeof(started.places.fd), "the same places");
	memcpy(ret_spawned->places, started.places.fd, sizeof(ret_spawned->places));
	return 0;
}

/* What it takes to remove the leaf is kept. */
static void use_leaf(struct launching *s)
{
	struct ct_monitor_config *config = s->config;
	struct ct_confinement *c = &config->confinement;
	const struct ct_cgroup *made = &s->leaf.cgroup;

	if (made->dir < 0)
		return;
	s->plan->cgroup = made->container;
	config->keep[KEEP_LEAF] = made->parent;
	config->keep[KEEP_LEAF + 1] = made->dir;
	config->keep[KEEP_LEAF + 2] = made->container;
	config->keep[KEEP_LEAF + 3] = made->origin;
	config->keep[KEEP_LEAF + 4] = s->leaf.place;
	c->allow[ALLOW_LEAF].dir = s->leaf.place;
	c->allow[ALLOW_LEAF].access = CT_ALLOW_CGROUP;
	c->allow[ALLOW_LEAF + 1].dir = made->origin;
	c->allow[ALLOW_LEAF + 1].access = CT_ALLOW_CGROUP;
	if (s->leaf.given)
		c->keep_caps |= UINT64_C(1) << CAP_DAC_OVERRIDE;
}

/* Groups are removed by the directory that they are in. */
static void use_clos(struct launching *s)
{
	struct ct_confinement *c = &s->config->confinement;
	/* Its root also says that there is anything to remove. */
	const int dirs[] = { s->clos.made || s->clos.monitor[0] ? s->clos.root : -1, s->clos.monitors };

	for (size_t i = 0; i < 2; i++) {
		s->config->keep[KEEP_CLOS + i] = dirs[i];
		c->allow[ALLOW_CLOS + i].dir = dirs[i];
		c->allow[ALLOW_CLOS + i].access = i == 0 && !s->clos.made ? 0 : CT_ALLOW_RMDIR;
	}
}

/* systemd makes a scope for a process that is there. */
static int prepare(void *arg, struct ct_err *warning, struct ct_err *err)
{
	struct launching *s = arg;
	int r = ct_leaf_make_in_scope(&s->request, &s->leaf, warning, err);

	if (r == 0)
		use_leaf(s);
	return r;
}

static void undo(void *arg)
{
	struct launching *s = arg;

	ct_leaf_end(&s->leaf, s->dir, false);
}

static void tell_start(void *arg)
{
	const struct launching *s = arg;

	ct_event_tell_start(&s->teller);
}

static void tell_end(void *arg, const struct ct_status *status)
{
	const struct launching *s = arg;

	ct_event_tell_end(&s->teller, status);
}

static void ended(void *arg, struct ct_status *status)
{
	const struct launching *s = arg;

	status->oom_killed = ct_leaf_is_oom(&s->leaf);
}

static void leave(void *arg, bool attended)
{
	struct launching *s = arg;

	if (!s->exec)
		ct_clos_end(&s->clos, s->dir);
	/* Of that we have no descriptor any more. */
	s->leaf.cgroup.monitor = -1;
	ct_leaf_end(&s->leaf, s->dir, attended && s->followed);
}

/* Of its class of service what it takes to remove it. The other numbers are going to be others'. */
static void keep_clos(struct launching *s)
{
	for (size_t i = 0; i < 2; i++)
		ct_drop_fd(&s->clos.tasks[i]);
	if (!s->clos.made && !s->clos.monitor[0])
		ct_drop_fd(&s->clos.root);
}

/* The monitor keeps nothing of what was parsed: memory is what a monitor costs. Its record lock
 * says from now on that the container lives, so the creator's mark on the directory can go. */
static void release(void *arg)
{
	struct launching *s = arg;
	char title[sizeof(s->label) + 32];

	flock(s->dir, LOCK_UN);
	snprintf(title, sizeof(title), "cattach: monitor of %s", s->label);
	ct_process_title(title);
	if (s->exec)
		ct_ns_places_close(&s->exec->places);
	else
		keep_clos(s);
	ct_arena_close(s->arena);
}

/* The monitor has written that it was starting. If this fails, too, that is what it looks like:
 * a start cut short, of a container that is complete. */
static void put_back(const struct launching *s)
{
	int ct_autofd fd = openat(s->dir, "status", O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct ct_status now, before = s->before;
	struct ct_err ignored;

	if (fd < 0 || ct_status_read(fd, &now, &ignored) < 0)
		return;
	before.generation = now.generation + 1;
	if (ct_status_write(fd, &before, &ignored) < 0)
		return;
}

/* The socket is gone; a client that waits for the next start has its own there, and keeps it. */
static void remove_runtime(const struct launching *s)
{
	if (s->store.runtime >= 0 && unlinkat(s->store.runtime, s->id, AT_REMOVEDIR) < 0)
		return;
}

static void forget(struct launching *s)
{
	ct_event_teller_look(&s->teller);
	if (ct_store_take_away(&s->store, s->id, s->name) > 0)
		ct_event_tell_removal(&s->teller);
}

static void finish(void *arg, bool started)
{
	struct launching *s = arg;

	/* Who has made it is not there any more. */
	if (!started && !s->exec)
		ct_clos_end(&s->clos, s->dir);
	if (!started)
		ct_leaf_end(&s->leaf, s->dir, false);
	remove_runtime(s);
	if (!started && s->keep)
		put_back(s);
	else if (s->remove || !started)
		forget(s);
	/* Who waited for a start there while the container still was has gone without it. */
	if (s->remove)
		remove_runtime(s);
}

/* The runtime directory was there and is not any more: a logout, somebody's rm -r. */
static int remake(void *arg)
{
	struct launching *s = arg;
	struct ct_err ignored;
	int fd = ct_store_runtime(&s->store, s->id, true, &ignored);

	return fd < 0 ? -ignored.code : fd;
}

/*
 * What the monitor may still do: its own files by itself; make sockets where it may have to make
 * them again (but remove nothing there, where others' files are: one that was made again and whose
 * container goes by --rm stays until somebody lists
 * containers); take away its runtime directory; and with --rm the
 * container and its name. Root keeps what it takes to signal and to remove what belongs to other ids.
 */
static int confine(struct ct_monitor_config *config, const struct launching *s, int base,
		   struct ct_err *err)
{
	struct ct_confinement *c = &config->confinement;
	struct ct_seccomp_policy policy;
	struct ct_seccomp_program program;
	size_t n = 0;
	int r = ct_seccomp_monitor(s->arena, &policy, err);

	if (r == 0)
		r = ct_seccomp_compile(s->arena, &policy, s->store.cache, &program, err);
	if (r < 0)
		return ct_wrap(err, "the monitor's filter");
	c->filter = program.filter;
	c->filter_length = program.length;
	c->allow[n].dir = base;
	c->allow[n++].access = CT_ALLOW_SOCKET;
	c->allow[n].dir = config->runtime;
	c->allow[n++].access = CT_ALLOW_SOCKET | CT_ALLOW_REMOVE;
	c->allow[n].dir = s->store.runtime;
	c->allow[n++].access = CT_ALLOW_RMDIR;
	c->keep_caps = UINT64_C(1) << CAP_KILL;
	if (!s->remove)
		return 0;
	c->allow[n].dir = s->dir;
	c->allow[n++].access = CT_ALLOW_REMOVE;
	c->allow[n].dir = s->store.containers;
	c->allow[n++].access = CT_ALLOW_RMDIR;
	c->allow[n].dir = s->store.names;
	c->allow[n++].access = CT_ALLOW_UNLINK;
	c->keep_caps |= UINT64_C(1) << CAP_DAC_OVERRIDE | UINT64_C(1) << CAP_FOWNER;
	return 0;
}

/* The record of events, and the names, which say what to call the container in it. */
static void use_teller(struct launching *s)
{
	struct ct_monitor_config *config = s->config;
	struct ct_confinement *c = &config->confinement;

	config->keep[KEEP_EVENTS] = s->teller.dir;
	config->keep[KEEP_EVENTS + 1] = s->teller.names;
	c->allow[ALLOW_EVENTS].dir = s->teller.dir;
	c->allow[ALLOW_EVENTS].access = CT_ALLOW_FILES;
	c->allow[ALLOW_EVENTS + 1].dir = s->teller.names;
	c->allow[ALLOW_EVENTS + 1].access = CT_ALLOW_LIST;
}

/* Our own stdio for a payload that writes there itself; never a terminal, by which it could type. */
static int take_stdio(const struct ct_meta *meta, int fds[3], struct ct_err *err)
{
	static const char *const names[] = { "input", "output", "error" };

	for (int i = meta->stdin_passed ? 0 : 1; i < 3; i++) {
		if (isatty(i)) {
			ct_fail(err, ENOTTY, "standard %s is a terminal, which is never handed over", names[i]);
			ct_hint(err, "redirect it, or choose another log driver");
			return ct_wrap(err, "--log-driver passthrough");
		}
		fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (fds[i] < 0)
			return ct_fail_errno(err, errno, "cannot pass descriptor %d", i);
	}
	return 0;
}

/* With a runtime directory and whoever waits there for this start. */
static int launch(struct ct_monitor_config *config, struct launching *s, const struct ct_meta *meta,
		  struct ct_session *session, struct ct_err *err)
{
	int ct_autofd base = ct_runtime_base();
	int waiting[CT_WAITERS_MAX];
	int r = confine(config, s, base, err);

	if (r == 0 && config->passthrough)
		r = take_stdio(meta, config->pass, err);
	if (r < 0)
		return r;
	use_leaf(s);
	use_teller(s);
	use_clos(s);
	config->waiting = waiting;
	config->waiting_count = ct_waiters_connect(config->runtime, waiting);
	r = ct_monitor_launch(config, session, err);
	for (size_t i = 0; i < config->waiting_count; i++)
		ct_fd_close(waiting[i]);
	return r;
}

static bool sits_in_leaf(const struct launching *s)
{
	return s->leaf.cgroup.monitor >= 0 && !s->request.monitor_outside;
}

static struct ct_monitor_config make_config(const struct ct_container *container,
					    const struct ct_start_options *options,
					    struct launching *s, int runtime)
{
	const struct ct_meta *meta = &container->meta;

	return (struct ct_monitor_config){
		.dir = container->dir,
		.runtime = runtime,
		.log = options->log,
		.size_policy = options->size_policy,
		.tty = meta->tty,
		.stdin_open = meta->stdin_open,
		.stdin_once = meta->stdin_once,
		.passthrough = ct_log_passes(meta),
		.pass = { -1, -1, -1 },
		.rows = options->rows,
		.columns = options->columns,
		/* A session ends with its container. */
		.time_limit = options->time_limit,
		.owner = s->exec ? s->exec->payload : -1,
		.client = options->client,
		.tie = meta->tie && options->client >= 0,
		.spawn = spawn,
		.release = release,
		.finish = finish,
		.remake = remake,
		.keep = { s->store.containers, s->store.names, s->store.runtime, -1, -1, -1, -1, -1, -1, -1,
			  -1, -1 },
		.prepare = s->leaf.needs_scope ? prepare : NULL,
		.undo = s->leaf.needs_scope ? undo : NULL,
		.started = tell_start,
		.recorded = tell_end,
		.ended = ended,
		.leave = leave,
		.cgroup = sits_in_leaf(s) ? s->leaf.cgroup.monitor : 0,
		.arg = s,
	};
}

/* A session goes into its container's. */
static int make_leaf(struct launching *s, struct ct_err *warning, struct ct_err *err)
{
	s->request.dir = s->dir;
	s->leaf = (struct leaf)LEAF_INIT;
	s->clos = (struct ct_resctrl)CT_RESCTRL_INIT;
	if (s->exec)
		return 0;
	if (ct_leaf_make(&s->request, &s->leaf, warning, err) < 0)
		return -err->code;
	return ct_clos_make(&s->clos_request, s->dir, s->id, &s->clos, s->plan, err);
}

/* The monitor has its own descriptors. */
static void close_clos(struct launching *s, bool started)
{
	if (!started)
		ct_clos_end(&s->clos, s->dir);
	ct_resctrl_close(&s->clos);
}

/* A session's events are its container's. */
static void open_teller(struct launching *s, const struct ct_store *store,
			const struct ct_container *container)
{
	if (s->exec)
		ct_event_teller_open(&s->teller, store, s->exec->container, container->meta.id);
	else
		ct_event_teller_open(&s->teller, store, container, NULL);
}

/* The monitor may have had one, too: there is one of them. */
static void take_warning(struct ct_session *session, const struct ct_err *warning)
{
	if (warning->what[0])
		ct_err_format(warning, session->warning, sizeof(session->warning));
}

static int launch_all(struct ct_store *store, const struct ct_container *container,
		      const struct ct_start_options *options, struct launching *launching,
		      struct ct_session *ret_session, struct ct_err *err)
{
	/* For the log: the caller's may be anything, and hide our own files from us. */
	mode_t ct_autoumask saved = umask(077);
	const struct ct_meta *meta = &container->meta;
	struct launching *s = launching;
	struct ct_monitor_config config;
	struct ct_err warning = { 0 };
	int ct_autofd runtime = -1;
	const char *tag, *fields;
	int r;

	ct_log(CT_LOG_DEBUG, CT_TOPIC_STATE, "%s %s, named %s, in %s/%s", ct_store_noun(store),
	       meta->id, meta->name, store->path, ct_store_part(store));
	runtime = ct_store_runtime(store, meta->id, true, err);
	if (runtime < 0)
		return runtime;
	s->store = *store;
	s->dir = container->dir;
	s->remove = meta->remove;
	s->keep = options->keep;
	s->before = container->status;
	snprintf(s->id, sizeof(s->id), "%s", meta->id);
	snprintf(s->name, sizeof(s->name), "%s", meta->name);
	snprintf(s->label, sizeof(s->label), "%s", ct_container_label(container));
	if (ct_log_tag(s->arena, meta, &tag, err) < 0 ||
	    ct_log_fields(s->arena, container, tag, &fields, err) < 0) {
		remove_runtime(s);
		return ct_wrap(err, "--log-opt tag");
	}
	open_teller(s, store, container);
	r = make_leaf(s, &warning, err);
	if (r == 0) {
		s->config = &config;
		config = make_config(container, options, s, runtime);
		config.log.owed = &s->before.log_unsaved;
		config.log.tag = tag;
		config.log.fields = fields;
		r = launch(&config, s, meta, ret_session, err);
		for (int i = 0; i < 3; i++)
			ct_fd_close(config.pass[i]);
	}
	ct_event_teller_close(&s->teller);
	close_clos(s, r == 0);
	if (r == 0) {
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "pid %d", ret_session->monitor_pid);
		take_warning(ret_session, &warning);
		return 0;
	}
	ct_leaf_undo(&s->leaf, s->dir);
	/* A monitor that was killed during the start has left its socket. */
	unlinkat(runtime, "attach", 0);
	remove_runtime(s);
	if (options->keep)
		put_back(s);
	return r;
}

int ct_launch(struct ct_store *store, struct ct_container *container,
	      const struct ct_start_options *options, struct launching *launching,
	      struct ct_session *ret_session, struct ct_err *err)
{
	unsigned before = container->state;
	struct ct_err ignored;
	int r = 0;

	/* What is made to be run is on its way already. */
	if (before != CT_STATE_CREATING)
		r = ct_state_step(container, CT_STEP_START, CT_STATE_CREATING, err);
	if (r < 0)
		return r;
	r = launch_all(store, container, options, launching, ret_session, err);
	if (r == 0)
		return ct_state_step(container, CT_STEP_RUN, CT_STATE_RUNNING, err);
	/* Its caller says what became of it, not this. */
	ct_state_step(container, CT_STEP_FAIL,
		      before == CT_STATE_CREATING ? CT_STATE_NONE : before, &ignored);
	return r;
}
