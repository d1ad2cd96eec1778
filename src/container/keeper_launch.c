/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making a keeper: forked before the container is started, so that there is no moment in which the
 * container runs and nobody waits for its end, and a first start costs no more than the fork.
 *
 * ct_keeper_launch() and the functions that go with it run in the process that starts the
 * container, under the lock of those who start it; what is below keep() in the keeper. That one is
 * the child of nobody (forked twice), in a session of its own, on /dev/null, at /, with no
 * descriptor but its own. It says when it has its lock, and hears one byte when the container runs.
 * A monitor that is being started has that connection open, too, so the end of file comes when a
 * start is over, even if who made it was killed.
 *
 *   starter                                  keeper
 *   ct_keeper_launch   fork, fork  ------->  keep(): descriptors, signals, lock, record
 *   (makes its plan meanwhile)               |
 *   ct_keeper_await    <-------------------  struct ct_err: code 0, or why it cannot begin
 *   (starts the container)
 *   ct_keeper_release  -- one byte -------->  a run has begun; ct_keeper_begin()
 *                      -- end of file ---->   none has
 */
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "record.h"

#define SETTLE	(2 * CT_SECOND)		/* for one that is about to go */

/* ---- in the keeper ---- */

/* Blocked ones are read in the loop; a terminal's or a session's end is not ours. */
static int open_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGXFSZ, SIGXCPU };
	sigset_t ours;

	ct_signals_reset();
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&ours);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGUSR1);
	sigprocmask(SIG_SETMASK, &ours, NULL);
	return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The two descriptors that matter become 3 and 4, everything else is closed. First far up, then
 * down to 3 and 4: either of the two may be 3 or 4 already, and dup3(2) of one over the other would
 * lose it. */
static int keep_descriptors(int *dir, int *control)
{
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
	int far[2];

	for (int i = 0; null >= 0 && i < 3; i++)
		if (dup2(null, i) < 0)
			return -errno;
	/* Opened anew: the caller's own carries the lock of those who start. */
	far[0] = openat(*dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	far[0] = far[0] < 0 ? far[0] : fcntl(far[0], F_DUPFD_CLOEXEC, 10);
	far[1] = fcntl(*control, F_DUPFD_CLOEXEC, 10);
	if (far[0] < 0 || far[1] < 0 || dup3(far[0], 3, O_CLOEXEC) < 0 ||
	    dup3(far[1], 4, O_CLOEXEC) < 0)
		return -errno;
	*dir = 3;
	*control = 4;
	return ct_close_from(5);
}

/* F_SETLK and not flock(2): it names its holder to F_GETLK, and children do not inherit it. */
static int take_lock(struct ct_keeper *k)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC;

	k->lock = openat(k->dir, CT_KEEPER_LOCK, flags, 0600);
	if (k->lock < 0 || fcntl(k->lock, F_SETLK, &lock) < 0)
		return -errno;
	k->record_fd = openat(k->dir, CT_KEEPER_FILE, flags | O_TRUNC, 0600);
	return k->record_fd < 0 ? -errno : 0;
}

/* The run that the status is about now is over: the keeper waits for one that has begun later. */
static uint64_t last_start(int dir)
{
	int ct_autofd fd = openat(dir, "status", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct ct_status status = { 0 };
	struct ct_err ignored;

	if (fd < 0 || ct_status_read(fd, &status, &ignored) < 0)
		return 0;
	return status.started;
}

/* The lock before the record: a keeper is one that has the lock. */
static int set_up(struct ct_keeper *k, struct ct_err *err)
{
	int r = keep_descriptors(&k->dir, &k->control);

	if (r == 0 && chdir("/") < 0)
		r = -errno;
	k->signals = r < 0 ? -1 : open_signals();
	if (r == 0 && k->signals < 0)
		r = -errno;
	if (r == 0)
		r = take_lock(k);
	if (r < 0)
		return ct_fail_errno(err, -r, "the container's keeper cannot begin");
	return ct_keeper_record_write(k->record_fd, &k->record, err);
}

/* For ps(1) and top(1): a machine may have a hundred of them. */
static void name_process(const char *label)
{
	char title[2 * CT_NAME_MAX + 64];

	prctl(PR_SET_NAME, "cattach-keeper");
	snprintf(title, sizeof(title), "cattach: keeper of %s", label);
	ct_process_title(title);
}

/* @running: the container runs already, and what is recorded as its last run is this one. The umask
 * is for the files that it makes; what it starts later has that of the caller, as the container's
 * first start had. */
static _Noreturn void keep(const struct ct_container *c, int control, bool running)
{
	struct ct_keeper k = {
		.dir = c->dir, .control = control, .lock = -1, .record_fd = -1, .signals = -1,
		.monitor = -1, .child = -1, .report = -1, .next = CT_NEVER,
		.seen = running ? 0 : last_start(c->dir),
		.record = { .generation = 1 },
	};
	mode_t umask_of_caller = umask(077);
	struct ct_err err = { 0 };
	int r;

	k.record.seen = k.seen;
	snprintf(k.id, sizeof(k.id), "%s", c->meta.id);
	name_process(ct_container_label(c));
	r = ct_restart_parse(c->meta.restart, &k.policy, &err);
	if (r == 0)
		r = set_up(&k, &err);
	if (r == 0)
		err.code = 0;
	umask(umask_of_caller);
	/* Nobody there to hear of it: then there is nobody who starts anything, either. */
	if (ct_send(k.control, &err, sizeof(err), -1) < 0 || r < 0)
		_exit(1);
	ct_keeper_plan_jobs(&k, &c->meta);
	ct_keeper_loop(&k);
	_exit(0);
}

/* ---- in who starts the container ---- */

static int fork_keeper(const struct ct_container *c, const int ends[2], bool running)
{
	int r = ct_fork_away();

	if (r == 0) {
		close(ends[0]);
		keep(c, ends[1], running);
	}
	return r < 0 ? r : 0;
}

static int launch(const struct ct_container *container, bool running,
		  struct ct_keeper_launch *ret_launch, struct ct_err *err)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	r = fork_keeper(container, ends, running);
	close(ends[1]);
	if (r < 0) {
		close(ends[0]);
		return ct_fail_errno(err, -r, "cannot make the container's keeper");
	}
	ret_launch->control = ends[0];
	return 0;
}

/* What earlier starts, and stops, have left. Before a new one is made, as two would both start the
 * container. Without the lock's file there has never been a keeper, and nothing else to forget. */
static int forget(const struct ct_container *c, struct ct_err *err)
{
	static const char *const files[] = { CT_STOP_ASKED, CT_KEEPER_FILE };
	int r;

	if (faccessat(c->dir, CT_KEEPER_LOCK, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	r = ct_keeper_retire(c->dir, ct_container_label(c), err);
	for (size_t i = 0; r == 0 && i < sizeof(files) / sizeof(files[0]); i++)
		if (unlinkat(c->dir, files[i], 0) < 0 && errno != ENOENT)
			r = ct_fail_errno(err, errno, "cannot remove the file %s of container %s",
					  files[i], ct_container_label(c));
	return r;
}

/* What the last keeper has left (a wish to stay stopped, its record) is forgotten first, also where
 * none is wanted any more. */
int ct_keeper_launch(const struct ct_container *container, struct ct_keeper_launch *ret_launch,
		     struct ct_err *err)
{
	int r = forget(container, err);

	if (r < 0 || !ct_keeper_is_wanted(&container->meta))
		return r;
	return launch(container, false, ret_launch, err);
}

int ct_keeper_await(struct ct_keeper_launch *launch, struct ct_err *err)
{
	struct ct_err answer;
	ssize_t n;
	int fd;

	if (launch->control < 0)
		return 0;
	do
		n = ct_recv(launch->control, &answer, sizeof(answer), &fd);
	while (n == -EINTR);
	if (n != (ssize_t)sizeof(answer))
		return ct_fail(err, ECHILD, "the container's keeper ended before it began");
	if (answer.code)
		*err = answer;
	return -answer.code;
}

void ct_keeper_release(struct ct_keeper_launch *launch, bool started)
{
	char word = 's';

	if (launch->control < 0)
		return;
	if (started && send(launch->control, &word, 1, MSG_NOSIGNAL) < 0)
		errno = 0;	/* killed: as if there were none */
	/* The directory may be removed next, in which it makes files. */
	if (!started && shutdown(launch->control, SHUT_WR) == 0)
		while (read(launch->control, &(struct ct_err){ 0 }, sizeof(struct ct_err)) > 0)
			continue;
	ct_drop_fd(&launch->control);
}

/* 1: it is there, and stays or reads what has changed before it goes; 0: there is none, or none any
 * more. */
static int find_keeper(const struct ct_container *c, struct ct_err *err)
{
	uint64_t limit = ct_now_monotonic() + SETTLE;
	int ct_autofd watch = -1;

	while (ct_lock_holder(c->dir, CT_KEEPER_LOCK, NULL) > 0) {
		uint64_t now = ct_now_monotonic();

		if (!ct_keeper_is_leaving(c->dir)) {
			ct_keeper_tell(c->dir);
			return 1;
		}
		if (now >= limit)
			return ct_keeper_retire(c->dir, ct_container_label(c), err);
		/* What happened before the watch was there shows at one more look. */
		if (watch >= 0 || (watch = ct_keeper_watch(c->dir)) < 0)
			ct_keeper_sleep(watch, limit - now);
	}
	return 0;
}

/* From "update": a policy has come or changed while the container runs. */
int ct_keeper_adopt(const struct ct_container *container, struct ct_err *err)
{
	struct ct_keeper_launch made = CT_KEEPER_LAUNCH_INIT;
	int r = find_keeper(container, err);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!ct_keeper_is_wanted(&container->meta) ||
	    ct_monitor_alive(container->dir, NULL) <= 0)
		return 0;
	r = launch(container, true, &made, err);
	if (r == 0)
		r = ct_keeper_await(&made, err);
	ct_keeper_release(&made, r == 0);
	return r;
}
