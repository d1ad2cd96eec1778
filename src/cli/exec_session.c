/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exec under a monitor of its own: with -t, -d or --session. In the foreground it is followed as
 * run follows a container, in the background its id is printed.
 *
 * Runs in the command with the caller's rights; the process is not our child, and our end is not
 * its own unless that was asked for (--on-client-exit=kill). Fails, before anything is started, on
 * options that contradict each other, and for a terminal that is none.
 *
 *    without -t, -d, --session   exec_run.c: our child, no monitor, nothing kept
 *    -t                          here, followed; the record goes with its end
 *    --session NAME              here, followed; one can detach and come back
 *    -d                          here, not followed; the record stays for "exec logs", "wait"
 */
#include "exec.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/num.h>

#include "follow_options.h"
#include "terminal.h"

/* ---- options ---- */

/* Each of the three needs somebody who outlives this command, or holds a terminal for it. */
bool ct_exec_is_session(const struct ct_exec_cli *options)
{
	return options->tty || options->detach || options->session;
}

static int check_client_exit(const struct ct_exec_call *call, struct ct_err *err)
{
	if (!call->tie || !call->options->detach)
		return 0;
	ct_fail(err, EINVAL, "kill and --detach exclude each other");
	ct_hint(err, "nobody would be there whose end could be waited for");
	return ct_wrap(err, "--on-client-exit");
}

static int check_terminal(const struct ct_exec_cli *o, struct ct_err *err)
{
	if (!o->tty || !o->interactive || o->detach || isatty(STDIN_FILENO))
		return 0;
	ct_fail(err, ENOTTY, "the input device is not a TTY");
	ct_wrap(err, "--tty");
	return ct_hint(err, "leave out -t, or -i, or run in the background with -d");
}

/* The keys, words and names are checked for an exec without a session, too, so that a script's
 * mistake does not depend on its terminal. */
int ct_exec_session_check(const struct ct_exec_call *call, struct ct_err *err)
{
	const struct ct_exec_cli *o = call->options;
	const struct ct_follow_options follow = { .detach_keys = o->detach_keys,
						  .default_keys = o->default_keys,
						  .lag = o->lag };
	int r = ct_follow_check(&follow, err);

	if (r < 0 || !ct_exec_is_session(o))
		return r;
	if (o->session && ct_check_name(o->session, err) < 0)
		return ct_wrap(err, "--session");
	r = check_client_exit(call, err);
	return r < 0 ? r : check_terminal(o, err);
}

/* ---- the record ---- */

/* In the foreground it goes when it has ended, as nobody has asked for it to be kept. */
static bool is_removed(const struct ct_exec_cli *o)
{
	return o->remove == CT_NOT_GIVEN ? !o->detach : o->remove == CT_YES;
}

/* Where an engine keeps its records memory is what takes the room, of which its monitor knows
 * nothing. */
#define ENGINE_LOG_SIZE	(UINT64_C(4) * 1024 * 1024)

/* Its log is kept as that of its container. */
static struct ct_meta make_meta(const struct ct_exec_call *call)
{
	const struct ct_exec_cli *o = call->options;
	const struct ct_meta *of = &call->container.meta;

	return (struct ct_meta){
		.name = o->session,
		.source = of->source,
		.rootfs = of->rootfs,
		.command = call->command,
		.tty = o->tty,
		.stdin_open = o->interactive,
		.stdin_once = o->interactive && !o->detach,
		.remove = is_removed(o),
		.detach = o->detach,
		.privileged = o->privileged,
		.user = o->user,
		.detach_keys = o->detach_keys,
		.stop_timeout = of->stop_timeout,
		.size_policy = of->size_policy,
		.log_driver = ct_log_passes(of) ? NULL : of->log_driver,
		.log_tag = of->log_tag,
		.log_max_size = call->container.engine_root ? ENGINE_LOG_SIZE : of->log_max_size,
		.log_max_files = of->log_max_files,
		.tie = call->tie,
	};
}

/* ---- starting ---- */

struct session {
	struct ct_exec_call *call;
	struct ct_meta meta;
	struct ct_container container;
	struct ct_session session;
	struct ct_follow_plan plan;	/* unless it goes into the background */
};

/* How it is going to be followed: whatever is wrong with that shows before anything is made. */
static int plan_following(struct session *s, struct ct_err *err)
{
	const struct ct_exec_cli *o = s->call->options;
	const struct ct_follow_options options = {
		.streams = { .in = true, .out = true, .err = true },
		.detach_keys = o->detach_keys,
		.default_keys = o->default_keys,
		.lag = o->lag,
		/* what a pipe gets must be all there is; a terminal is only looked at */
		.lag_blocks = !o->tty,
		.sig_proxy = o->sig_proxy,
	};
	int r = ct_follow_prepare(&s->meta, &options, &s->plan, err);

	s->plan.how.session = true;
	s->plan.how.hang_up = s->call->tie ? CT_HANG_UP_ENDS : CT_HANG_UP_DETACHES;
	return r;
}

/* The socketpair is the first client's connection, made before there is a monitor: its first byte
 * of output finds us there. With -d nobody holds the other end. */
static int start(struct session *s, struct ct_err *err)
{
	struct ct_exec_call *call = s->call;
	bool detach = call->options->detach;
	struct ct_start_options options = { .client = -1, .time_limit = call->timeout };
	int pair[2] = { -1, -1 }, r;

	if (!detach && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	options.client = pair[1];
	ct_container_start_options(&s->meta, &options);
	/* Looked at now: what has changed since the command began is seen by its first look. */
	if (s->meta.tty && !ct_terminal_caller_size(&options.rows, &options.columns))
		options.rows = options.columns = 0;
	r = ct_session_start(&call->exec, &call->store, call->arena, &s->meta, &options,
			     &s->container, &s->session, err);
	ct_fd_close(pair[1]);
	if (r < 0)
		ct_fd_close(pair[0]);
	else
		s->session.channel = pair[0];
	return r;
}

/* ---- following ---- */

/* A monitor that was killed has left its session behind; who was promised that it goes is us. */
static void tidy_up(struct session *s)
{
	struct ct_err ignored;

	if (s->meta.remove &&
	    ct_container_remove(&s->call->store, &s->container, true, &ignored) < 0)
		return;
}

static int follow(struct session *s, struct ct_err *err)
{
	int r;

	s->plan.how.name = ct_container_label(&s->container);
	s->plan.how.container = &s->container;
	r = ct_follow_started(ct_take_fd(&s->session.channel), &s->plan, err);
	if (r < 0 && err->code == ECHILD)
		tidy_up(s);
	return r;
}

static int run(struct session *s, struct ct_err *err)
{
	bool detach = s->call->options->detach;
	int r = detach ? 0 : plan_following(s, err);

	if (r < 0)
		return r;
	/* From here on a signal is meant for the process, which may start at any moment. */
	if (!detach)
		ct_foreground_block(s->call->options->sig_proxy);
	r = start(s, err);
	if (r < 0)
		return r;
	return detach ? ct_print_line(s->container.meta.id, err) : follow(s, err);
}

int ct_exec_session(struct ct_exec_call *call, struct ct_err *err)
{
	struct session s = {
		.call = call, .meta = make_meta(call), .container = CT_CONTAINER_INIT,
		.session = CT_SESSION_INIT,
	};
	int r = run(&s, err);

	ct_session_close(&s.session);
	ct_container_close(&s.container);
	return r;
}
