/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The order of it all: what conmon does, in the order in which callers rely on it.
 *
 * In the caller's child: options and everything that can be said about them, the caller's word, the
 * fork after which the caller is free. In the monitor: a session of its own, parent of orphans, stdio on
 * /dev/null, the loop of src/conmon with the runtime in its middle, the records, the exit command.
 * Runs with the caller's rights all along. What keeps the session from being made is told on the sync
 * pipe, in the caller's child on stderr too.
 */
#include "dropin.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

/* ---- called by the monitor ---- */

/* The socket listens. The caller of an exec attaches now, and says so. */
static int prepare(void *arg, struct ct_err *warning, struct ct_err *err)
{
	struct dropin *d = arg;

	(void)warning;
	if (!d->o->exec_attach)
		return 0;
	ct_pipes_listening(d);
	return ct_pipes_await(d, err);
}

static int spawn(void *arg, const struct ct_child_stdio *stdio, struct ct_spawned *ret_spawned,
		 struct ct_err *err)
{
	struct dropin *d = arg;
	int r = ct_runtime_launch(d, stdio, ret_spawned, err);

	d->payload = r == 0 ? ret_spawned->pid : 0;
	ct_console_close(d);
	return r;
}

static void on_oom(void *arg)
{
	struct dropin *d = arg;

	if (ct_oom_changed(&d->oom))
		ct_records_oom(d);
}

static void started(void *arg)
{
	struct dropin *d = arg;

	if (!d->o->exec && d->oom.fd < 0)
		ct_oom_watch(&d->oom, d->payload);
	if (d->oom.changes >= 0) {
		d->config.watched[1].fd = d->oom.changes;
		d->config.watched[1].ready = on_oom;
	}
	ct_pipes_started(d, d->payload);
}

static void ended(void *arg, struct ct_status *status)
{
	struct dropin *d = arg;

	status->oom_killed = ct_oom_happened(&d->oom);
}

/* Nothing that the caller has left open is to be kept from others any longer: ports, for one. */
static void drop_inherited(const struct dropin *d)
{
	for (size_t i = 0; i < d->inherited_count; i++)
		ct_fd_close(d->inherited[i]);
}

static void recorded(void *arg, const struct ct_status *status)
{
	struct dropin *d = arg;
	bool timed_out = !status->exit.signaled && status->exit.value < 0;
	int code = ct_exit_code(&status->exit);

	/* Of which nobody has been told yet, or could not be. */
	if (status->oom_killed)
		ct_records_oom(d);
	drop_inherited(d);
	ct_records_exit(d, code);
	ct_pipes_ended(d, code, timed_out ? "command timed out" : NULL);
}

static void nothing(void *arg)
{
	(void)arg;
}

static void finish(void *arg, bool was_started)
{
	(void)arg;
	(void)was_started;
}

static void on_notify(void *arg)
{
	ct_notify_pass(arg);
}

static void set_up(struct dropin *d)
{
	struct ct_monitor_config *c = &d->config;

	c->tagged = true;
	c->owner = c->client = -1;
	c->prepare = prepare;
	c->spawn = spawn;
	c->started = started;
	c->release = nothing;
	c->ended = ended;
	c->recorded = recorded;
	c->finish = finish;
	c->arg = d;
	c->size_policy = CT_SIZE_NONE;
	c->sync = !d->o->no_sync_log;
	if (d->notify >= 0) {
		c->watched[0].fd = d->notify;
		c->watched[0].ready = on_notify;
	}
}

/* ---- the process ---- */

/* What the caller has left open stays so, but not in what we execute. */
static int note_inherited(struct dropin *d, struct ct_err *err)
{
	struct rlimit limit = { 0 };
	int *fds = ct_arena_calloc(d->arena, DROPIN_INHERITED_MAX, sizeof(*fds));

	if (!fds)
		return ct_fail_nomem(err);
	getrlimit(RLIMIT_NOFILE, &limit);
	for (int fd = 3; fd < DROPIN_INHERITED_MAX && (rlim_t)fd < limit.rlim_cur; fd++) {
		if (fd == d->sync || fd == d->start || fd == d->attach)
			continue;
		if (fcntl(fd, F_GETFD) >= 0)
			fds[d->inherited_count++] = fd;
	}
	d->inherited = fds;
	ct_cloexec_from(3);
	return 0;
}

/* The kernel is not to choose us when memory is short; that takes a privilege. */
static void ask_to_be_spared(struct dropin *d)
{
	int ct_autofd fd = openat(AT_FDCWD, "/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char text[16];

	if (fd < 0 || ct_read_text(fd, text, sizeof(text)) < 0)
		return;
	text[strcspn(text, "\n")] = '\0';
	if (lseek(fd, 0, SEEK_SET) == 0 && write(fd, "-1000", 5) == 5)
		d->oom_score = ct_arena_printf(d->arena, "%s", text);
}

/* Passed through, they are the container's; nobody else is to have an end of them here. */
static int take_stdio(struct dropin *d, struct ct_err *err)
{
	int ct_autofd null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0)
		return ct_fail_errno(err, errno, "cannot open /dev/null");
	for (int i = 0; i < 3; i++) {
		if (d->passthrough)
			d->config.pass[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
		if (dup2(null, i) < 0)
			return ct_fail_errno(err, errno, "cannot let go of the caller's stdio");
	}
	return 0;
}

static int make_everything(struct dropin *d, struct ct_err *err)
{
	int r = take_stdio(d, err);

	if (r == 0)
		r = ct_notify_open(d, err);
	if (r == 0)
		r = ct_console_open(d, err);
	if (r == 0)
		r = ct_runtime_argv(d, err);
	return r < 0 ? r : ct_records_link(d, err);
}

/* Ends the process by itself: what would run at a return from main() has been given back. */
static _Noreturn void monitor(struct dropin *d, struct ct_err *err)
{
	int r;

	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	ask_to_be_spared(d);
	r = make_everything(d, err);
	if (r == 0) {
		set_up(d);
		r = ct_adopt(&d->config, err);
	}
	if (r < 0) {
		ct_console_close(d);
		ct_pipes_failed(d, err);
		if (d->link && unlink(d->link) < 0)
			errno = 0;
	}
	ct_exit_command(d);
	_exit(r < 0);
}

static int record_pid(const struct dropin *d, pid_t pid, struct ct_err *err)
{
	return ct_records_pid(d->conmon_pidfile, pid, err) < 0 ? ct_wrap(err, "--conmon-pidfile") : 0;
}

static bool await_record(int pipe_end)
{
	char byte;
	ssize_t n;

	do
		n = read(pipe_end, &byte, 1);
	while (n < 0 && errno == EINTR);
	return n == 1;
}

/* In the caller's child: the pid that it may wait for, and back to it. The monitor begins once that is
 * on record: of what was told to have failed nothing is to be made. */
static int detach(struct dropin *d, struct ct_err *err)
{
	int ct_autofd wait = -1, go = -1;
	int fds[2], r;
	pid_t pid;

	if (d->o->sync)
		return record_pid(d, getpid(), err) < 0 ? -err->code : 1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	wait = fds[0];
	go = fds[1];
	pid = fork();
	if (pid < 0)
		return ct_fail_errno(err, errno, "cannot fork");
	if (pid == 0) {
		ct_drop_fd(&go);
		if (!await_record(wait))
			_exit(1);
		return 1;
	}
	r = record_pid(d, pid, err);
	if (r == 0 && write(go, "", 1) != 1)
		return ct_fail_errno(err, errno, "the monitor has ended before it began");
	return r;
}

static int begin(struct dropin *d, struct ct_err *err)
{
	int r = note_inherited(d, err);

	if (r == 0)
		r = ct_exit_command_prepare(d, err);
	if (r == 0)
		r = ct_dropin_settle(d, err);
	if (r == 0)
		r = ct_records_open(d, err);
	return r < 0 ? r : ct_pipes_await(d, err);
}

int ct_dropin(const struct ct_dropin_options *options, struct ct_arena *arena, struct ct_err *err)
{
	struct dropin *d = ct_arena_calloc(arena, 1, sizeof(*d));
	int r;

	if (!d)
		return ct_fail_nomem(err);
	*d = (struct dropin){ .o = options, .arena = arena, .sync = -1, .start = -1, .attach = -1,
			      .bundle = -1, .exit_dir = -1, .persist_dir = -1, .console = -1,
			      .notify = -1, .oom = { .fd = -1, .changes = -1 } };
	r = ct_pipes_open(d, err);
	if (r == 0)
		r = begin(d, err);
	if (r == 0)
		r = detach(d, err);
	if (r < 0)
		ct_pipes_failed(d, err);
	if (r <= 0)
		return r;
	monitor(d, err);
}
