/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run and create: prepare the spec, create the container; create prints its id, run starts it
 * through its monitor and follows it in the foreground, or prints its id.
 *
 * Runs in the CLI. Until ct_container_create() nothing exists on disk; when the start of a run
 * fails what was created is forgotten, so that a container that never ran leaves nothing behind.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/id_file.h>

#include "cli.h"
#include "follow_options.h"
#include "preserve_fds.h"
#include "starting.h"
#include "terminal.h"

/* Everything that one run holds while it starts. */
struct run {
	const struct ct_run_options *options;
	struct ct_arena *arena;
	struct ct_spec *spec;
	struct ct_meta meta;
	struct ct_store store;
	struct ct_container container;
	struct ct_session session;
	struct ct_id_file cidfile, pidfile;
	unsigned preserve_fds;
	struct ct_strings warnings;
	struct ct_follow_plan plan;	/* unless it goes into the background */
};

static int check_terminal(const struct ct_run_options *o, struct ct_err *err)
{
	if (!o->tty || !o->interactive || o->detach || o->attach.count || isatty(STDIN_FILENO))
		return 0;
	ct_fail(err, ENOTTY, "the input device is not a TTY");
	ct_wrap(err, "--tty");
	return ct_hint(err, "leave out -t, or -i, or run in the background with -d");
}

/* How it is going to be followed: whatever is wrong with that shows before anything is made. */
static int plan_following(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_follow_options options = {
		.detach_keys = o->detach_keys,
		.default_keys = o->default_keys,
		.stdin_eof = o->stdin_eof,
		.lag = o->lag,
		/* what a pipe gets must be all there is; a terminal is only looked at */
		.lag_blocks = !run->meta.tty,
		.sig_proxy = o->sig_proxy,
		/* who asks for a terminal is held to it; a bundle that does may be fed by a pipe */
		.any_stdin = !o->tty,
	};

	if (o->detach)
		return ct_follow_check(&options, err);
	if (ct_parse_streams(&o->attach, &options.streams, err) < 0)
		return -err->code;
	return ct_follow_prepare(&run->meta, &options, &run->plan, err);
}

/* Before anything exists, so that a place that cannot be written is refused in time. */
static int open_cidfile(struct run *run, struct ct_err *err)
{
	const char *path = run->options->cidfile;

	if (path && ct_id_file_open(&run->cidfile, path, true, err) < 0)
		return ct_wrap(err, "--cidfile");
	return 0;
}

static int open_files(struct run *run, struct ct_err *err)
{
	const char *path = run->options->pidfile;
	int r = open_cidfile(run, err);

	if (r == 0 && path && ct_id_file_open(&run->pidfile, path, false, err) < 0)
		return ct_wrap(err, "--pidfile");
	return r;
}

static int write_cidfile(struct run *run, struct ct_err *err)
{
	if (!run->options->cidfile)
		return 0;
	if (ct_id_file_write(&run->cidfile, run->container.meta.id, err) < 0)
		return ct_wrap(err, "--cidfile");
	return 0;
}

static int start(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_start_options options = {
		.rootless = ct_is_rootless(),
		.preserve_fds = run->preserve_fds,
		.warnings = &run->warnings,
		.client = -1,
	};
	int pair[2] = { -1, -1 }, r;

	if (!o->detach && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	options.client = pair[1];
	ct_container_start_options(&run->meta, &options);
	/* Ours, or what a bundle says where we have none. */
	if (run->meta.tty && !ct_terminal_caller_size(&options.rows, &options.columns)) {
		options.rows = run->spec->process->console_height;
		options.columns = run->spec->process->console_width;
	}
	if (!o->detach)
		ct_event_record(&run->container, "attach", CT_EVENT_END);
	r = ct_container_start(&run->store, run->arena, &run->container, run->spec, &options,
			       &run->session, err);
	ct_fd_close(pair[1]);
	if (r < 0) {
		ct_fd_close(pair[0]);
		return r;
	}
	ct_report_warnings(&run->warnings);
	ct_sdnotify_started(&run->meta, run->session.monitor_pid);
	run->session.channel = pair[0];
	return 0;
}

static int create_and_start(struct run *run, struct ct_err *err)
{
	int r = ct_container_create(&run->store, run->arena, &run->meta, run->spec,
				    &run->container, err);

	if (r < 0)
		return r;
	r = ct_container_set_hostname(&run->meta, run->arena, run->spec, err);
	if (r == 0)
		r = ct_sdnotify_prepare(&run->meta, run->arena, run->spec, err);
	if (r == 0)
		r = write_cidfile(run, err);
	if (r == 0)
		r = start(run, err);
	if (r < 0)
		ct_container_forget(&run->store, &run->container);
	return r;
}

static int follow(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	int r;

	if (o->pidfile && ct_container_write_pid(&run->container, &run->pidfile, err) < 0)
		return -err->code;
	if (o->detach)
		return ct_print_line(run->container.meta.id, err);
	run->plan.how.name = run->container.meta.name;
	run->plan.how.container = &run->container;
	run->plan.how.store = &run->store;
	r = ct_follow_started(ct_take_fd(&run->session.channel), &run->plan, err);
	ct_container_sweep(&run->container);
	ct_container_await_hooks(&run->container);
	return r;
}

static int prepare(struct run *run, struct ct_err *err)
{
	int r = ct_run_prepare(run->options, ct_is_rootless(), run->arena, &run->spec, &run->meta,
			       err);

	return r < 0 ? r : ct_store_open(&run->store, err);
}

static int execute_run(struct run *run, struct ct_err *err)
{
	int r = ct_preserve_fds(run->options->preserve_fds, &run->preserve_fds, err);

	if (r == 0)
		r = check_terminal(run->options, err);
	if (r == 0)
		r = prepare(run, err);
	if (r == 0)
		r = plan_following(run, err);
	if (r == 0)
		r = open_files(run, err);
	if (r < 0)
		return r;
	/* From here on a signal is meant for the payload, which may start at any moment. */
	if (!run->options->detach)
		ct_foreground_block(run->options->sig_proxy);
	r = create_and_start(run, err);
	if (r < 0)
		return r;
	ct_id_file_keep(&run->cidfile);
	ct_id_file_keep(&run->pidfile);
	return follow(run, err);
}

static int execute_create(struct run *run, struct ct_err *err)
{
	int r = prepare(run, err);

	if (r == 0)
		r = open_cidfile(run, err);
	if (r == 0)
		r = ct_container_create(&run->store, run->arena, &run->meta, run->spec,
					&run->container, err);
	if (r < 0)
		return r;
	r = write_cidfile(run, err);
	if (r == 0)
		r = ct_container_complete(&run->container, err);
	if (r < 0) {
		ct_container_forget(&run->store, &run->container);
		return r;
	}
	ct_id_file_keep(&run->cidfile);
	return ct_print_line(run->container.meta.id, err);
}

static int execute(const struct ct_run_options *options, struct ct_arena *arena,
		   int (*how)(struct run *run, struct ct_err *err), struct ct_err *err)
{
	struct run run = {
		.options = options, .arena = arena, .store = CT_STORE_INIT,
		.container = CT_CONTAINER_INIT, .session = CT_SESSION_INIT,
		.cidfile = CT_ID_FILE_INIT, .pidfile = CT_ID_FILE_INIT,
	};
	int r = how(&run, err);

	ct_id_file_close(&run.cidfile);
	ct_id_file_close(&run.pidfile);
	ct_session_close(&run.session);
	ct_container_close(&run.container);
	ct_store_close(&run.store);
	return r;
}

int cmd_run_execute(const struct ct_run_options *options, struct ct_arena *arena,
		    struct ct_err *err)
{
	return execute(options, arena, execute_run, err);
}

int cmd_create_execute(const struct ct_run_options *options, struct ct_arena *arena,
		       struct ct_err *err)
{
	return execute(options, arena, execute_create, err);
}
