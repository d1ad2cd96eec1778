/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that was created: check, plan, launch the monitor with what it needs.
 *
 * ct_container_start() runs in the CLI; the callbacks run in the monitor, which knows nothing of
 * namespaces or directories itself. Until the monitor runs nothing but the container's directory
 * exists, and when the start fails the caller forgets that, too.
 */
#include <stdio.h>
#include <sys/stat.h>
#include <sys/file.h>
#include <sys/resource.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/ns.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#include "plan.h"
#include "store.h"

/* What the callbacks work with; a copy of it lives in the monitor. */
struct starting {
	struct ct_arena *arena;		/* with everything below but for the strings */
	const struct ct_plan *plan;
	struct ct_store store;		/* only containers and names stay open */
	int dir;			/* the container's */
	char id[CT_CONTAINER_ID_LENGTH + 1];
	char name[CT_NAME_MAX + 1];
	bool remove;
};

static int spawn(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		 struct ct_err *err)
{
	const struct starting *s = arg;
	struct ct_ns_stdio ends = {
		.fd = { stdio->fd[0], stdio->fd[1], stdio->fd[2] },
		.rows = stdio->rows,
		.columns = stdio->columns,
	};
	struct ct_ns_started started;
	int r = ct_ns_start(s->plan, &ends, &started, err);

	if (r < 0)
		return r;
	*ret_spawned = (struct ct_spawned){
		.pid = started.pid,
		.pidfd = started.pidfd,
		.terminal = started.terminal,
	};
	return 0;
}

/* The monitor keeps nothing of what was parsed: memory is what a monitor costs. Its record lock
 * says from now on that the container lives, so the creator's mark on the directory can go. */
static void release(void *arg)
{
	struct starting *s = arg;
	char title[CT_NAME_MAX + 32];

	flock(s->dir, LOCK_UN);
	snprintf(title, sizeof(title), "cattach: monitor of %s", s->name);
	ct_process_title(title);
	ct_arena_close(s->arena);
}

static void finish(void *arg, bool started)
{
	struct starting *s = arg;

	if (s->remove || !started)
		ct_store_forget(&s->store, s->id, s->name);
}

/* A monitor raises what it may, but not a hard limit; and the limit of a file's size is no disk that
 * somebody could make room on. */
static void warn_of_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY)
		ct_warn("files are limited to %llu bytes (ulimit -H -f): a container whose log is "
			"that long waits for ever", (unsigned long long)limit.rlim_max);
}

int ct_container_start(struct ct_store *store, struct ct_arena *arena,
		       struct ct_container *container, const struct ct_spec *spec,
		       const struct ct_start_options *options, struct ct_session *ret_session,
		       struct ct_err *err)
{
	/* For the log: the caller's may be anything, and hide our own files from us. */
	mode_t ct_autoumask saved = umask(077);
	const struct ct_meta *meta = &container->meta;
	struct starting s = { .arena = arena, .store = *store, .dir = container->dir,
			      .remove = meta->remove };
	struct ct_monitor_config config = {
		.dir = container->dir,
		.tty = meta->tty,
		.stdin_open = meta->stdin_open,
		.stdin_once = meta->stdin_once,
		.rows = options->rows,
		.columns = options->columns,
		.client = options->client,
		.spawn = spawn,
		.release = release,
		.finish = finish,
		.keep = { store->containers, store->names },
		.arg = &s,
	};
	struct ct_plan *plan;
	int r = ct_spec_check(spec, options->rootless, err);

	if (r == 0)
		r = ct_plan_make(arena, spec, meta, store->cache, options->preserve_fds, &plan, err);
	if (r < 0)
		return r;
	warn_of_limits();
	s.plan = plan;
	ct_log(CT_LOG_DEBUG, CT_TOPIC_STATE, "container %s, named %s, in %s/containers", meta->id,
	       meta->name, store->path);
	ct_plan_log(plan);
	snprintf(s.id, sizeof(s.id), "%s", meta->id);
	snprintf(s.name, sizeof(s.name), "%s", meta->name);
	r = ct_monitor_launch(&config, ret_session, err);
	if (r == 0)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_MONITOR, "pid %d", ret_session->monitor_pid);
	return r;
}
