/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Launching a monitor: a child is forked that forks the monitor and leaves, so that the monitor has no
 * parent that could wait for it or be waited for, and its first report is awaited: started, or the exact
 * error.
 *
 * Runs in the CLI, and for a moment in the child between. After the report the CLI can be killed
 * without the monitor or the payload noticing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "monitor.h"

#define LOOK_MS		100	/* between looks for a signal */
#define GIVE_UP_MS	1000	/* from then on until a start that hangs is given up */

void ct_session_close(struct ct_session *session)
{
	ct_drop_fd(&session->channel);
}

/* Detached from the caller's terminal, directory, umask, signals and stdio. */
static void become_daemon(void)
{
	int null = openat(AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);

	ct_signals_reset();
	/* A pipe without a reader and a limit on file sizes are answers to write(2), not our end; nor
	 * is the time that a payload may have. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGXCPU, SIG_IGN);
	umask(077);
	prctl(PR_SET_NAME, "cattach-monitor");
	for (int i = 0; null >= 0 && i < 3; i++)
		if (dup2(null, i) < 0)
			break;
	if (null > 2)
		close(null);
	if (chdir("/") < 0)
		return;
}

/* In a cgroup from the beginning, for being moved takes longer than all the rest. Its pidfd is closed
 * with us. */
static pid_t make_monitor(int cgroup)
{
	int ignored;
	pid_t pid;

	if (cgroup > 0)
		return ct_clone(0, cgroup, SIGCHLD, &ignored);
	pid = fork();
	return pid < 0 ? -errno : pid;
}

static _Noreturn void fork_monitor(const struct ct_monitor_config *config, int log_dir,
				   const int report[2])
{
	pid_t pid;

	close(report[0]);
	setsid();
	pid = make_monitor(config->cgroup);
	if (pid == 0) {
		become_daemon();
		ct_monitor_main(config, log_dir, report[1]);
	}
	/* The launcher sees the end of file when there is no monitor to report. */
	_exit(pid < 0 ? -pid : 0);
}

/* A signal that asks us to end and that our caller has blocked, to pass it on later; or 0. */
static int pending_signal(void)
{
	static const int asking[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	sigset_t pending;

	if (sigpending(&pending) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(asking) / sizeof(asking[0]); i++)
		if (sigismember(&pending, asking[i]) == 1)
			return asking[i];
	return 0;
}

/* Who holds the lock is the monitor: the launcher knows no other way to it before its report. */
static void kill_monitor(int dir)
{
	int ct_autofd monitor = -1;
	pid_t pid = 0, again = 0;

	if (ct_monitor_alive(dir, &pid) <= 0 || pid <= 0)
		return;
	monitor = ct_pidfd_open(pid);
	if (monitor >= 0 && ct_monitor_alive(dir, &again) > 0 && again == pid)
		ct_pidfd_signal(monitor, SIGKILL);
}

/*
 * A start takes milliseconds, and a signal that comes meanwhile is passed on to the payload. One that
 * hangs (a helper that maps ids, a file system that has gone away) must not take the way out from
 * who has started it: some time after such a signal the start is given up. The signal, or 0.
 */
static int await_readable(int report, int dir)
{
	struct pollfd one = { .fd = report, .events = POLLIN };
	int given_up = 0;

	for (int waited = 0;; waited += LOOK_MS) {
		int n = poll(&one, 1, LOOK_MS);

		if (n > 0 || (n < 0 && errno != EINTR))
			return given_up;
		if (!pending_signal())
			waited = 0;
		if (waited < GIVE_UP_MS)
			continue;
		given_up = pending_signal();
		kill_monitor(dir);
	}
}

static int fail_given_up(int number, struct ct_err *err)
{
	ct_fail(err, EINTR, "the start was given up: SIG%s, and it had not come to an end",
		sigabbrev_np(number));
	return ct_exit_with(err, CT_EXIT_SIGNAL_BASE + number);
}

static int await_report(int report, const struct ct_monitor_config *config,
			struct ct_session *session, struct ct_err *err)
{
	int given_up = await_readable(report, config->dir), fd;
	struct start_report answer;
	ssize_t n;

	do
		n = ct_recv(report, &answer, sizeof(answer), &fd);
	while (n == -EINTR);
	if (n != (ssize_t)sizeof(answer) && given_up)
		return fail_given_up(given_up, err);
	if (n != (ssize_t)sizeof(answer))
		return ct_fail(err, ECHILD, "the monitor ended while the container was started");
	/* What its log has told of is told, also when nothing comes of the start. */
	if (config->log.owed)
		*config->log.owed = answer.owed;
	if (!answer.started) {
		*err = answer.err;
		return -(err->code ? err->code : EIO);
	}
	session->monitor_pid = answer.monitor_pid;
	if (answer.err.what[0])
		ct_err_format(&answer.err, session->warning, sizeof(session->warning));
	return 0;
}

static int launch(const struct ct_monitor_config *config, int log_dir, struct ct_session *session,
		  struct ct_err *err)
{
	int report[2], status = 0, r;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, report) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	/* vfork: the child in between only forks on, so a copy of our memory would be made twice.
	 * POSIX forbids the child to call anything; Linux suspends us until it has ended, no more. */
	pid = vfork();	/* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	if (pid == 0)
		fork_monitor(config, log_dir, report);	/* NOLINT(clang-analyzer-unix.Vfork) */
	close(report[1]);
	if (pid < 0) {
		r = ct_fail_errno(err, errno, "cannot make a process");
		ct_hint(err, "is the limit of processes reached? ulimit -u");
	} else {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			continue;
		if (WIFEXITED(status) && WEXITSTATUS(status) != 0)
			r = ct_fail_errno(err, WEXITSTATUS(status), "cannot fork the monitor");
		else
			r = await_report(report[0], config, session, err);
	}
	close(report[0]);
	return r;
}

/* Somebody may have removed it with all that was written: then the log begins anew. */
static int open_main(int dir)
{
	if (mkdirat(dir, "main", 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(dir, "main", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int ct_monitor_launch(const struct ct_monitor_config *config, struct ct_session *ret_session,
		      struct ct_err *err)
{
	int ct_autofd main = open_main(config->dir);
	struct ct_session session = CT_SESSION_INIT;
	int r;

	if (main < 0)
		return ct_fail_errno(err, errno, "cannot open the session's directory");
	r = launch(config, main, &session, err);
	if (r < 0)
		return r;
	*ret_session = session;
	return 0;
}
