/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One health check: the command is run in the container exactly as "cattach exec" would run it,
 * with /dev/null for its input; the beginning of its output is kept, the rest read and thrown away,
 * so that it never waits for us.
 *
 * Runs in "cattach healthcheck" or in a process that a keeper has forked for this one check, with
 * the user's rights; never in the keeper, which must not hang on what is in a container. The
 * command is our child and dies with us; it ends with the container, and by SIGKILL when its time
 * is up, with all that it has started and that has not left its session's first process group.
 *
 * What may fail: the container is in another state, or ends meanwhile. That the command cannot be
 * started is no failure of ours but a check that has failed.
 *
 *    go_in()    into the container, as exec does; the command starts
 *    follow()   poll: its end, its output, the end of the container, the time limit
 *    finish()   reap it, keep the beginning of what it has said
 *    judge()    it could not be started: a failed check; the container is gone: no check
 */
#include <cattach/health.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/exec.h>
#include <cattach/fd.h>
#include <cattach/ns.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#include "record.h"

#define MILLISECOND	UINT64_C(1000000)
#define CHUNK		16384
#define END_TIME	(CT_SECOND / 2)		/* for an end that is under way to show */
#define LAST_CHUNKS	64	/* read after its end, while others still write to its pipe */

struct checking {
	const struct ct_exec *exec;
	struct ct_ns_started process;
	int output;			/* reading end of its pipe; -1: everybody has closed theirs */
	uint64_t limit;			/* CLOCK_MONOTONIC in ns */
	bool timed_out;
	char kept[CT_HEALTH_OUTPUT_MAX];
	size_t size;
};

/* ---- output ---- */

/* True: there may be more. */
static bool read_output(struct checking *c)
{
	char chunk[CHUNK];
	ssize_t n = read(c->output, chunk, sizeof(chunk));
	size_t room = sizeof(c->kept) - c->size;

	if (n < 0)
		return errno == EINTR;
	if (n == 0) {
		ct_drop_fd(&c->output);
		return false;
	}
	if ((size_t)n < room)
		room = (size_t)n;
	memcpy(c->kept + c->size, chunk, room);
	c->size += room;
	return true;
}

/* What it wrote before its end is there; who else has its pipe is not waited for. */
static void read_rest(struct checking *c)
{
	for (int i = 0; i < LAST_CHUNKS && c->output >= 0 && read_output(c); i++)
		continue;
}

/* ---- the process ---- */

/* A minute at most at a time, as poll(2) has milliseconds in an int. */
static int time_left(const struct checking *c)
{
	uint64_t now = ct_now_monotonic();

	if (now >= c->limit)
		return 0;
	return (c->limit - now) / MILLISECOND < 60000 ? (int)((c->limit - now) / MILLISECOND) + 1 :
							60000;
}

/* It leads a process group, whose number nobody else can get before it has been reaped. */
static void kill_all(const struct checking *c)
{
	ct_pidfd_signal(c->process.pidfd, SIGKILL);
	kill(-c->process.pid, SIGKILL);
}

/* 0: it has ended, by itself or because its time is up; -ESRCH: with the container. The output is
 * read all the while: a command that fills the pipe would wait for us for ever. */
static int follow(struct checking *c)
{
	enum { PROCESS, OUTPUT, PAYLOAD, COUNT };

	for (;;) {
		struct pollfd fds[COUNT] = {
			[PROCESS] = { .fd = c->process.pidfd, .events = POLLIN },
			[OUTPUT] = { .fd = c->output, .events = POLLIN },
			[PAYLOAD] = { .fd = c->exec->payload, .events = POLLIN },
		};

		if (poll(fds, COUNT, time_left(c)) < 0 && errno != EINTR)
			return -errno;
		if (fds[PAYLOAD].revents)
			return -ESRCH;
		if (fds[PROCESS].revents)
			return 0;
		if (fds[OUTPUT].revents)
			read_output(c);
		if (ct_now_monotonic() >= c->limit) {
			c->timed_out = true;
			return 0;
		}
	}
}

/* stdio.limit is the check's time, since the start of the process counts, too. */
static int spawn(struct checking *c, struct ct_err *err)
{
	int ct_autofd null = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	int ct_autofd theirs = -1;
	struct ct_ns_stdio stdio = { .limit = c->limit };
	int ends[2], r;

	if (null < 0)
		return ct_fail_errno(err, errno, "cannot open /dev/null");
	if (pipe2(ends, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	c->output = ends[0];
	theirs = ends[1];
	if (fcntl(c->output, F_SETFL, O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up a pipe");
	stdio.fd[0] = null;
	stdio.fd[1] = stdio.fd[2] = theirs;
	r = ct_exec_spawn(c->exec, &stdio, &c->process, err);
	if (r == -ETIMEDOUT)
		c->timed_out = true;
	return r;
}

/* ---- what came of it ---- */

/* No answer of the check's: it says nothing about the health of a container that is gone. */
static int fail_ended(const struct ct_container *container, struct ct_err *err)
{
	return ct_fail(err, ESRCH, "container %s has just ended", ct_container_label(container));
}

/* docker's words, and what it had written by then. */
static void tell_time(const struct checking *c, uint64_t timeout, struct ct_health_check *check)
{
	struct ct_buf ct_autobuf text = { 0 };
	bool whole = timeout % CT_SECOND == 0;

	ct_buf_printf(&text, "Health check exceeded timeout (%llu%s)%s",
		      (unsigned long long)(timeout / (whole ? CT_SECOND : MILLISECOND)),
		      whole ? "s" : "ms", c->size ? ": " : "");
	ct_buf_add(&text, c->kept, c->size);
	check->code = CT_HEALTH_TIMED_OUT;
	ct_health_output(check, ct_buf_text(&text), text.length);
}

/* It never was the program: as failed as one that says so. */
static void tell_failure(const struct ct_err *failure, struct ct_health_check *check)
{
	char text[sizeof(failure->where) + sizeof(failure->what) + sizeof(failure->hint)];

	ct_err_format(failure, text, sizeof(text));
	check->code = failure->exit;
	ct_health_output(check, text, strlen(text));
}

/* A pid namespace that goes down kills whoever is in it, and its init shows as ended only when all
 * of them have been reaped. */
static bool ended_with_payload(const struct checking *c, const struct ct_exit *status)
{
	return !c->timed_out && status->signaled && status->value == SIGKILL &&
	       ct_pidfd_await(c->exec->payload, END_TIME) != 0;
}

/* kill_all() before the wait: what the command has started must not go on behind its back. */
static int finish(struct checking *c, struct ct_health_check *check, struct ct_err *err)
{
	struct ct_exit status = { 0 };
	int r = follow(c), waited;

	if (r < 0 || c->timed_out)
		kill_all(c);
	waited = ct_pidfd_wait(c->process.pidfd, &status);
	if (r < 0 || (waited == 0 && ended_with_payload(c, &status)))
		return fail_ended(c->exec->container, err);
	if (waited < 0)
		return ct_fail_errno(err, -waited, "cannot wait for the health check");
	read_rest(c);
	check->code = ct_exit_code(&status);
	ct_health_output(check, c->kept, c->size);
	return 0;
}

static int run(struct checking *c, struct ct_health_check *check, struct ct_err *err)
{
	uint64_t timeout = c->exec->container->meta.health.timeout;
	int r;

	c->limit = ct_now_monotonic() + timeout;
	r = spawn(c, err);
	if (r == 0)
		r = finish(c, check, err);
	if (!c->timed_out || r == -ESRCH)
		return r;
	tell_time(c, timeout, check);
	return 0;
}

/* ---- going in ---- */

/* docker's forms: ["CMD", WORD...] is run as it is, ["CMD-SHELL", TEXT] by the container's
 * shell. */
static int choose_words(const struct ct_strings *test, struct ct_arena *arena,
			struct ct_strings *command)
{
	int r = 0;

	if (!strcmp(test->items[0], "CMD-SHELL")) {
		r = ct_strings_add(arena, command, "/bin/sh");
		if (r == 0)
			r = ct_strings_add(arena, command, "-c");
	}
	for (size_t i = 1; i < test->count && r == 0; i++)
		r = ct_strings_add(arena, command, test->items[i]);
	return r;
}

static int go_in(struct checking *c, struct ct_exec *exec, struct ct_store *store,
		 struct ct_arena *arena, struct ct_health_check *check, struct ct_err *err)
{
	const struct ct_container *container = exec->container;
	struct ct_exec_options options = { 0 };
	int r;

	if (choose_words(&container->meta.health.test, arena, &options.command) < 0)
		return ct_fail_nomem(err);
	r = ct_exec_open(store, arena, container, exec, err);
	if (r == 0)
		r = ct_exec_process(exec, arena, &options, err);
	if (r == 0)
		r = ct_exec_plan(exec, store, arena, 0, false, err);
	return r < 0 ? r : run(c, check, err);
}

/* A container that has been paused or has ended under a check could not answer. */
static int look_again(const struct ct_container *container, struct ct_err *err)
{
	struct ct_container c = *container;	/* borrows the descriptors, is never closed */
	struct ct_probe probe = { 0 };
	int r = ct_container_refresh(&c, &probe, err);

	if (r < 0 || c.state == CT_STATE_RUNNING)
		return r;
	if (c.state != CT_STATE_PAUSED)
		return fail_ended(&c, err);
	ct_fail(err, EBUSY, "container %s was paused during the check", ct_container_label(&c));
	return ct_hint(err, "cattach unpause %s", ct_container_label(&c));
}

/* Why there is no answer: is it the container's state, or has the check failed? */
static int judge(const struct ct_container *container, const struct ct_err *failure,
		 struct ct_health_check *check, struct ct_err *err)
{
	if (failure->code == ESRCH || container->state != CT_STATE_RUNNING) {
		*err = *failure;
		return -err->code;
	}
	tell_failure(failure, check);
	return 0;
}

int ct_health_check(struct ct_store *store, struct ct_arena *arena,
		    const struct ct_container *container, struct ct_health_check *ret_check,
		    struct ct_err *err)
{
	struct ct_exec ct_autoexec exec = CT_EXEC_INIT;
	struct checking c = { .exec = &exec, .output = -1, .process.pidfd = -1 };
	struct ct_health_check check = { .start = ct_now_real() };
	struct ct_err failure = { 0 };
	int r = ct_container_refuse_session(container, "checked", err);

	if (r == 0)
		r = ct_state_check(container, CT_ACT_HEALTH, err);
	if (r < 0)
		return r;
	if (!ct_health_is_checked(&container->meta)) {
		ct_fail(err, EINVAL, "container %s has no health check",
			ct_container_label(container));
		return ct_hint(err, "cattach update --health-cmd COMMAND %s",
			       ct_container_label(container));
	}
	exec.container = container;
	if (go_in(&c, &exec, store, arena, &check, &failure) < 0)
		r = judge(container, &failure, &check, err);
	ct_drop_fd(&c.process.pidfd);
	ct_drop_fd(&c.output);
	if (r == 0 && check.code != 0)
		r = look_again(container, err);
	if (r < 0)
		return r;
	check.end = ct_now_real();
	*ret_check = check;
	return 0;
}
