/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who runs a container's poststop hooks: a process that sleeps until the monitor of a run has gone, runs
 * them and ends. docs/adr/0015 says why it is neither the monitor, nor the keeper, nor a command.
 *
 * poststop_main() and what is above it run in that process, with the user's rights: the child of nobody,
 * in a session of its own, on /dev/null, with a lock on the file "poststop.lock" and the hooks in its
 * memory, so that it needs nothing of a container that --rm has taken away meanwhile. The rest runs in
 * the commands that start, stop, remove and follow, which wait for that lock where the order counts.
 * What a hook says when it fails goes nowhere but into the log of debugging: nobody is there to read it.
 */
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "record.h"

#define LOCK	"poststop.lock"
#define GONE	(10 * CT_SECOND)	/* for a payload whose monitor was killed to end, too */

/* ---- the process ---- */

static int open_holder(int dir, const char *name)
{
	pid_t pid = 0, again = 0;
	int ct_autofd fd = -1;

	if (ct_lock_holder(dir, name, &pid) <= 0 || pid <= 0)
		return -ESRCH;
	fd = ct_pidfd_open(pid);
	if (fd < 0 || ct_lock_holder(dir, name, &again) <= 0 || again != pid)
		return -ESRCH;
	return ct_take_fd(&fd);
}

/* The two that matter become 3 and 4; the caller's directory carries the lock of those who start. */
static int keep_descriptors(int *dir, int *control)
{
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	int own = openat(*dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int far[2] = { fcntl(own, F_DUPFD_CLOEXEC, 10), fcntl(*control, F_DUPFD_CLOEXEC, 10) };

	for (int i = 0; i < 3; i++)
		if (dup2(null, i) < 0)
			return -errno;
	if (far[0] < 0 || far[1] < 0 || dup3(far[0], 3, O_CLOEXEC) < 0 ||
	    dup3(far[1], 4, O_CLOEXEC) < 0)
		return -errno;
	*dir = 3;
	*control = 4;
	return ct_close_from(5);
}

/* Held until the process ends, which is what it says. */
static int take_lock(int dir)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = openat(dir, LOCK, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 || fcntl(fd, F_SETLK, &lock) < 0 ? -errno : 0;
}

static void ignore_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGXFSZ, SIGXCPU };
	sigset_t none;

	ct_signals_reset();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Who has been starting it has gone, or let go; so has the monitor of a start, once it is one. */
static void await_start(int control)
{
	char word;

	while (read(control, &word, 1) < 0 && errno == EINTR)
		continue;
}

/* A monitor that was killed leaves its payload to the kernel. */
static void await_payload(int dir)
{
	int ct_autofd status = openat(dir, "status", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct ct_probe probe = { 0 };
	int ct_autofd payload = -1;
	struct ct_err ignored;

	if (status < 0 || ct_status_read(status, &probe.status, &ignored) < 0 ||
	    probe.status.state != CT_STATUS_RUNNING)
		return;
	payload = ct_probe_open_payload(&probe);
	if (payload >= 0)
		ct_pidfd_await(payload, GONE);
}

static void await_end(int dir)
{
	int ct_autofd monitor = open_holder(dir, "lock");

	if (monitor >= 0)
		ct_pidfd_await(monitor, CT_FOREVER);
	await_payload(dir);
}

static _Noreturn void poststop_main(const struct ct_container *c, const struct ct_spec *spec, int control)
{
	struct ct_arena ct_autoarena arena = { 0 };
	char title[2 * CT_NAME_MAX + 64];
	int dir = c->dir, r = keep_descriptors(&dir, &control);
	struct ct_err err;

	ignore_signals();
	prctl(PR_SET_NAME, "cattach-hooks");
	snprintf(title, sizeof(title), "cattach: poststop hooks of %s", ct_container_label(c));
	ct_process_title(title);
	if (r == 0)
		r = take_lock(dir);
	if (r == 0 && chdir("/") < 0)
		r = -errno;
	/* Nobody there to hear of it: then there is no start, either. */
	if (ct_send(control, &r, sizeof(r), -1) < 0 || r < 0)
		_exit(1);
	ct_process_give_back();
	await_start(control);
	await_end(dir);
	if (ct_arena_open(&arena, &err) == 0)
		ct_hooks_run_poststop(&arena, spec, &c->meta, NULL);
	_exit(0);
}

/* ---- who starts the container ---- */

static int fork_waiter(const struct ct_container *c, const struct ct_spec *spec, const int ends[2])
{
	int r = ct_fork_away();

	if (r == 0) {
		close(ends[0]);
		poststop_main(c, spec, ends[1]);
	}
	return r < 0 ? r : 0;
}

int ct_poststop_launch(const struct ct_container *container, const struct ct_spec *spec,
		       struct ct_poststop *ret_poststop, struct ct_err *err)
{
	int ends[2], answer = -ECHILD, fd, r;

	ct_poststop_await(container, CT_FOREVER);
	if (!spec->hooks.lists[CT_HOOK_POSTSTOP].count)
		return 0;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	r = fork_waiter(container, spec, ends);
	close(ends[1]);
	if (r == 0 && ct_recv(ends[0], &answer, sizeof(answer), &fd) != (ssize_t)sizeof(answer))
		answer = -ECHILD;
	if (r == 0)
		r = answer;
	if (r == 0) {
		ret_poststop->control = ends[0];
		ret_poststop->pidfd = open_holder(container->dir, LOCK);
		return 0;
	}
	close(ends[0]);
	ct_fail_errno(err, -r, "cannot make a process for them");
	return ct_wrap(err, "hooks.poststop");
}

void ct_poststop_release(struct ct_poststop *poststop, bool started)
{
	ct_drop_fd(&poststop->control);
	if (!started && poststop->pidfd >= 0)
		ct_pidfd_await(poststop->pidfd, CT_FOREVER);
}

/* ---- who waits for it ---- */

void ct_poststop_note(struct ct_container *container)
{
	if (container->poststop < 0 && container->dir >= 0)
		container->poststop = open_holder(container->dir, LOCK);
}

int ct_poststop_await(const struct ct_container *container, uint64_t timeout)
{
	int ct_autofd fd = container->dir < 0 ? -1 : open_holder(container->dir, LOCK);

	if (fd < 0 && container->poststop < 0)
		return 1;
	return ct_pidfd_await(fd < 0 ? container->poststop : fd, timeout) != 0;
}

void ct_container_await_hooks(const struct ct_container *container)
{
	struct ct_status status;
	struct ct_err ignored;

	/* Where one detaches, or somebody has started it again, there is nothing to wait for. */
	if (container->status_fd < 0 || ct_status_read(container->status_fd, &status, &ignored) < 0 ||
	    status.state != CT_STATUS_EXITED)
		return;
	ct_poststop_await(container, CT_FOREVER);
}
