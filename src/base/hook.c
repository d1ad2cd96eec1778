/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running hooks: a process each, the state on its stdin, its words kept for the error, its time limited.
 *
 * Runs in whoever is at that moment of the container's life: the monitor, or the command that creates,
 * with the caller's rights; the container's own process between clone and exec, with its rights; the
 * keeper's child. So nothing is allocated here and everything waits on descriptors. The state is a
 * memory file, so that a hook that does not read it holds nobody up. A hook that leaves processes behind
 * which have its output open does not either: it is over when it has ended itself.
 *
 * May fail: a program that is not there, one that ends with another status than 0 or takes too long.
 */
#include <cattach/hook.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/log.h>
#include <cattach/proc.h>

#define WORDS	200		/* of what it says, the end, is shown */

static const char *const names[CT_HOOK_KINDS] = {
	[CT_HOOK_PRESTART] = "prestart",
	[CT_HOOK_CREATE_RUNTIME] = "createRuntime",
	[CT_HOOK_CREATE_CONTAINER] = "createContainer",
	[CT_HOOK_START_CONTAINER] = "startContainer",
	[CT_HOOK_POSTSTART] = "poststart",
	[CT_HOOK_POSTSTOP] = "poststop",
};

const char *ct_hook_name(enum ct_hook_kind kind)
{
	return (size_t)kind < CT_HOOK_KINDS ? names[kind] : NULL;
}

/* A hook that is running. */
struct running {
	pid_t pid;
	int pidfd;
	int words;			/* read end of its stdout and stderr */
	int report;			/* ends without a word when its program runs, or has the error */
	char said[WORDS];
	size_t length;
};

/* ---- the hook's process ---- */

static int make_state(const struct ct_hook_run *run, struct ct_err *err)
{
	int ct_autofd fd = memfd_create("state", MFD_CLOEXEC);
	char middle[96];
	int r;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make the state");
	snprintf(middle, sizeof(middle), "\"status\":\"%s\",\"pid\":%d", run->status, (int)run->pid);
	r = ct_write_all(fd, run->state->head, strlen(run->state->head));
	if (r == 0)
		r = ct_write_all(fd, middle, strlen(middle));
	if (r == 0)
		r = ct_write_all(fd, run->state->tail, strlen(run->state->tail));
	if (r == 0 && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	return r < 0 ? ct_fail_errno(err, -r, "cannot write the state") : ct_take_fd(&fd);
}

/* 0, 1 and 2 are the hook's, 3 is the report; nothing else is open any more. */
static int sort_descriptors(int state, int words, int *report)
{
	int far[3] = { state, words, *report };

	for (int i = 0; i < 3; i++) {
		far[i] = fcntl(far[i], F_DUPFD_CLOEXEC, 4);
		if (far[i] < 0)
			return -errno;
	}
	if (dup2(far[0], 0) < 0 || dup2(far[1], 1) < 0 || dup2(far[1], 2) < 0 ||
	    dup3(far[2], 3, O_CLOEXEC) < 0)
		return -errno;
	*report = 3;
	return ct_close_from(4);
}

/* A monitor is at "/", with an umask of its own. A bundle that has gone is no reason to fail. */
static void go_to(const char *bundle)
{
	umask(022);
	if (chdir(bundle) < 0 && chdir("/") < 0)
		return;
}

static _Noreturn void become_hook(const struct ct_hook_run *run, const struct ct_hook *hook, int state,
				  int words, int report)
{
	static const char *const nothing[] = { NULL };
	const char *path_alone[] = { hook->path, NULL };
	const char *const *argv = hook->args.count ? hook->args.items : path_alone;
	const char *const *env = hook->env.count ? hook->env.items : nothing;
	struct ct_err err = { 0 };
	int r = sort_descriptors(state, words, &report);

	ct_signals_reset();
	setsid();
	if (run->kind != CT_HOOK_START_CONTAINER)
		go_to(run->state->bundle);
	if (r < 0)
		r = ct_fail_errno(&err, -r, "cannot set up its descriptors");
	else if (run->prepare)
		r = run->prepare(run->arg, &err);
	if (r == 0) {
		execve(hook->path, (char *const *)argv, (char *const *)env);
		ct_fail_errno(&err, errno, "cannot be executed");
	}
	/* Without a reader there is nobody left who could be told. */
	_exit(ct_write_all(report, &err, sizeof(err)) < 0 ? 2 : 1);
}

static int start(const struct ct_hook_run *run, const struct ct_hook *hook, struct running *ret_hook,
		 struct ct_err *err)
{
	int ct_autofd state = make_state(run, err);
	int words[2] = { -1, -1 }, report[2] = { -1, -1 };
	int r = 0;

	if (state < 0)
		return state;
	if (pipe2(words, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	if (pipe2(report, O_CLOEXEC) < 0)
		r = ct_fail_errno(err, errno, "cannot make a pipe");
	if (r == 0)
		ret_hook->pid = ct_clone(0, -1, SIGCHLD, &ret_hook->pidfd);
	if (r == 0 && ret_hook->pid == 0)
		become_hook(run, hook, state, words[1], report[1]);
	if (r == 0 && ret_hook->pid < 0)
		r = ct_fail_errno(err, -ret_hook->pid, "cannot make a process");
	ct_fd_close(words[1]);
	ct_fd_close(report[1]);
	ret_hook->words = words[0];
	ret_hook->report = report[0];
	return r;
}

/* ---- waiting for it ---- */

/* What is there now, of which the end stays. False at the end of file. */
static bool listen_to(struct running *h)
{
	char text[WORDS];
	ssize_t n = read(h->words, text, sizeof(text));
	size_t drop;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	if (n <= 0)
		return false;
	drop = h->length + (size_t)n > sizeof(h->said) ? h->length + (size_t)n - sizeof(h->said) : 0;
	memmove(h->said, h->said + drop, h->length - drop);
	memcpy(h->said + h->length - drop, text, (size_t)n);
	h->length += (size_t)n - drop;
	return true;
}

static int milliseconds_until(uint64_t limit)
{
	uint64_t now = ct_now_monotonic(), left;

	if (!limit)
		return -1;
	left = now < limit ? (limit - now) / 1000000 + 1 : 0;
	return left < 60000 ? (int)left : 60000;
}

/* Until it has ended (0), or its time is up. */
static int await(struct running *h, int32_t timeout)
{
	uint64_t limit = timeout ? ct_now_monotonic() + (uint64_t)timeout * 1000000000u : 0;
	struct pollfd fds[] = {
		{ .fd = h->pidfd, .events = POLLIN },
		{ .fd = h->words, .events = POLLIN },
	};

	for (;;) {
		int left = milliseconds_until(limit);
		int n = poll(fds, 2, left);

		if (n > 0 && fds[1].revents && !listen_to(h))
			fds[1].fd = -1;
		if (n > 0 && fds[0].revents)
			return 0;
		/* Who never stops talking has no more time than others. */
		if (left == 0)
			return -ETIMEDOUT;
	}
}

/* What it said before it ended: it does not come to an end where somebody else has that open. */
static void listen_to_rest(struct running *h)
{
	struct pollfd one = { .fd = h->words, .events = POLLIN };

	for (int i = 0; i < 1024 && poll(&one, 1, 0) > 0; i++)
		if (!listen_to(h))
			break;
}

/* The last line, with nothing in it that a terminal would act on. */
static const char *last_words(struct running *h, char buf[WORDS + 8])
{
	size_t end = h->length, begin;

	while (end > 0 && (unsigned char)h->said[end - 1] <= ' ')
		end--;
	for (begin = end; begin > 0 && h->said[begin - 1] != '\n'; begin--)
		continue;
	if (begin == end)
		return "";
	for (size_t i = begin; i < end; i++)
		if ((unsigned char)h->said[i] < ' ' || h->said[i] == 0x7f)
			h->said[i] = '?';
	snprintf(buf, WORDS + 8, ": %.*s", (int)(end - begin), h->said + begin);
	return buf;
}

static int judge(struct running *h, const struct ct_hook *hook, const struct ct_exit *status,
		 struct ct_err *err)
{
	char buf[WORDS + 8];
	struct ct_err sent;

	if (read(h->report, &sent, sizeof(sent)) == (ssize_t)sizeof(sent)) {
		*err = sent;
		return ct_wrap(err, "%s", hook->path);
	}
	if (status->signaled)
		return ct_fail(err, ECHILD, "%s: killed by SIG%s%s", hook->path,
			       sigabbrev_np(status->value), last_words(h, buf));
	if (status->value)
		return ct_fail(err, ECHILD, "%s: exit status %d%s", hook->path, status->value,
			       last_words(h, buf));
	if (h->length)
		ct_log(CT_LOG_DEBUG, CT_TOPIC_STATE, "hook %s%s", hook->path, last_words(h, buf));
	return 0;
}

static int finish(struct running *h, const struct ct_hook *hook, struct ct_err *err)
{
	int r = await(h, hook->timeout);
	struct ct_exit status = { 0 };
	char buf[WORDS + 8];

	/* It is the leader of its process group, and not reaped: no other group can have its number. */
	if (r < 0 && kill(-h->pid, SIGKILL) < 0)
		ct_pidfd_signal(h->pidfd, SIGKILL);
	ct_pidfd_wait(h->pidfd, &status);
	listen_to_rest(h);
	if (r < 0)
		return ct_fail(err, ETIMEDOUT, "%s: took more than its %d s and was killed%s",
			       hook->path, hook->timeout, last_words(h, buf));
	return judge(h, hook, &status, err);
}

static int run_one(const struct ct_hook_run *run, size_t i, struct ct_err *err)
{
	const struct ct_hook *hook = &run->list->items[i];
	struct running running = { .pidfd = -1, .words = -1, .report = -1 };
	int r = start(run, hook, &running, err);

	if (r == 0)
		r = finish(&running, hook, err);
	ct_fd_close(running.pidfd);
	ct_fd_close(running.words);
	ct_fd_close(running.report);
	return r < 0 ? ct_wrap(err, "hooks.%s[%zu]", ct_hook_name(run->kind), i) : 0;
}

int ct_hooks_run(const struct ct_hook_run *run, struct ct_err *err)
{
	for (size_t i = 0; i < run->list->count; i++) {
		int r = run_one(run, i, err);

		if (r < 0 && !run->failed)
			return r;
		if (r < 0)
			run->failed(err);
	}
	return 0;
}
