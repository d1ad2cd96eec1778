/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's process: start the payload, loop, record the exit.
 *
 * A child of the CLI's short-lived child, so nobody waits for it: parent 1, session of its own,
 * stdio on /dev/null. It is the payload's parent, so the status comes from waitid(2) and cannot be
 * lost. It holds the record lock that says that it is alive; the payload dies with it.
 *
 * Exit path: reap, drain until end of file or a bounded grace for descendants that hold the pipes,
 * write the status file, let finish() clean up (--rm), publish the exit on the commit page, tell
 * the client, leave. What may fail at the start is sent to the launcher; afterwards nothing is
 * allocated, and nothing that fails ends the loop.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/arena.h>
#include <cattach/io.h>

#include "monitor.h"

void ct_monitor_watch(struct monitor *m, int fd, enum source source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = source };

	if (epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return;
}

void ct_monitor_unwatch(struct monitor *m, int fd)
{
	if (epoll_ctl(m->epoll, EPOLL_CTL_DEL, fd, NULL) < 0)
		return;
}

void ct_monitor_tick(struct monitor *m, bool on)
{
	struct itimerspec every = {
		.it_value.tv_nsec = on ? TICK_MS * 1000000L : 0,
		.it_interval.tv_nsec = on ? TICK_MS * 1000000L : 0,
	};

	if (timerfd_settime(m->timer, 0, &every, NULL) < 0)
		return;
}

/* ---- start ---- */

/* F_SETLK, not flock or OFD locks: children do not inherit it, and F_GETLK names the holder. */
static int take_lock(struct monitor *m, struct ct_err *err)
{
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	m->lock_fd = openat(m->config->dir, "lock", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (m->lock_fd < 0)
		return ct_fail_errno(err, errno, "cannot open the lock");
	if (fcntl(m->lock_fd, F_SETLK, &lock) < 0)
		return ct_fail_errno(err, errno, "the container has a monitor already");
	return 0;
}

static int record(struct monitor *m, enum ct_status_state state, struct ct_err *err)
{
	m->status.state = state;
	m->status.generation++;
	return ct_status_write(m->status_fd, &m->status, err);
}

static int open_record(struct monitor *m, struct ct_err *err)
{
	m->status_fd = openat(m->config->dir, "status", O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (m->status_fd < 0)
		return ct_fail_errno(err, errno, "cannot open the status");
	m->status.monitor_pid = getpid();
	ct_proc_starttime(getpid(), &m->status.monitor_starttime);
	ct_boot_id(m->status.boot_id);
	return record(m, CT_STATUS_STARTING, err);
}

static int open_loop(struct monitor *m, struct ct_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->epoll < 0 || m->signals < 0 || m->timer < 0)
		return ct_fail_errno(err, errno, "cannot set up the monitor's loop");
	return 0;
}

static int make_pipe(int *ours, int *theirs, bool we_read, struct ct_err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	*ours = fds[we_read ? 0 : 1];
	*theirs = fds[we_read ? 1 : 0];
	/* Only our end: the payload gets a pipe that blocks, as any program expects. */
	if (fcntl(*ours, F_SETFL, O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up a pipe");
	return 0;
}

static int make_stdio(struct monitor *m, struct ct_child_stdio *stdio, struct ct_err *err)
{
	int r = 0;

	stdio->tty = m->config->tty;
	stdio->rows = m->config->rows;
	stdio->columns = m->config->columns;
	if (stdio->tty)
		return 0;
	for (int i = 0; i < 2 && r == 0; i++)
		r = make_pipe(&m->out[i].fd, &stdio->fd[1 + i], true, err);
	if (r < 0)
		return r;
	if (m->config->stdin_open)
		return make_pipe(&m->in, &stdio->fd[0], false, err);
	stdio->fd[0] = openat(AT_FDCWD, "/dev/null", O_RDONLY | O_CLOEXEC);
	if (stdio->fd[0] < 0)
		return ct_fail_errno(err, errno, "cannot open /dev/null");
	return 0;
}

static void close_child_ends(const struct ct_child_stdio *stdio)
{
	for (int i = 0; i < 3; i++)
		ct_fd_close(stdio->fd[i]);
}

static int take_terminal(struct monitor *m, struct ct_err *err)
{
	if (!m->config->tty)
		return 0;
	if (fcntl(m->payload.terminal, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return ct_fail_errno(err, errno, "cannot set up the terminal");
	m->out[0].fd = m->payload.terminal;
	/* Held open, or a payload that lets go of its terminal and opens /dev/console again later
	 * would have ended it in between: the master says EIO once the last slave is closed. */
	m->peer = ioctl(m->payload.terminal, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (m->peer < 0)
		return ct_fail_errno(err, errno, "cannot hold the terminal");
	if (!m->config->stdin_open)
		return 0;
	/* A descriptor of its own, so that stdin can be watched for room separately. */
	m->in = fcntl(m->payload.terminal, F_DUPFD_CLOEXEC, 3);
	return m->in < 0 ? ct_fail_errno(err, errno, "cannot set up the terminal") : 0;
}

/* Our own end would be its, too, unless it has undone that: a failed start must leave nothing. */
static void end_payload(struct monitor *m)
{
	struct ct_exit ignored;

	if (m->payload.pidfd < 0)
		return;
	ct_pidfd_signal(m->payload.pidfd, SIGKILL);
	ct_pidfd_wait(m->payload.pidfd, &ignored);
}

static int start_payload(struct monitor *m, struct ct_err *err)
{
	struct ct_child_stdio stdio = { .fd = { -1, -1, -1 } };
	int r = make_stdio(m, &stdio, err);

	if (r == 0)
		r = m->config->spawn(m->config->arg, &stdio, &m->payload, err);
	close_child_ends(&stdio);
	if (r < 0)
		return r;
	m->status.pid = m->payload.pid;
	ct_proc_starttime(m->payload.pid, &m->status.starttime);
	m->status.started = ct_now_real();
	r = take_terminal(m, err);
	if (r == 0)
		r = record(m, CT_STATUS_RUNNING, err);
	if (r < 0)
		end_payload(m);
	return r;
}

static int start(struct monitor *m, struct ct_err *err)
{
	int r = take_lock(m, err);

	if (r == 0)
		r = open_record(m, err);
	if (r == 0)
		r = open_loop(m, err);
	return r == 0 ? start_payload(m, err) : r;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Close everything that is not the monitor's own: what the caller had open, what starting needed. */
static void keep_own_descriptors(const struct monitor *m)
{
	int keep[] = { m->log.page_fd, m->log.wake,   m->log.file, m->status_fd,
		       m->lock_fd,     m->epoll,      m->signals,  m->timer,
		       m->out[0].fd,   m->out[1].fd,  m->in,	   m->client,
		       m->peer,	       m->config->dir, m->payload.pidfd,
		       m->config->keep[0], m->config->keep[1] };
	size_t n = sizeof(keep) / sizeof(keep[0]);
	unsigned next = 3;

	qsort(keep, n, sizeof(keep[0]), by_number);
	for (size_t i = 0; i < n; i++) {
		if (keep[i] < (int)next)
			continue;
		if ((unsigned)keep[i] > next)
			close_range(next, (unsigned)keep[i] - 1, 0);
		next = (unsigned)keep[i] + 1;
	}
	close_range(next, ~0U, 0);
}

static void watch_all(struct monitor *m)
{
	ct_monitor_watch(m, m->signals, SRC_SIGNALS, EPOLLIN);
	ct_monitor_watch(m, m->payload.pidfd, SRC_PAYLOAD, EPOLLIN);
	ct_monitor_watch(m, m->timer, SRC_TIMER, EPOLLIN);
	for (int i = 0; i < 2; i++)
		if (m->out[i].fd >= 0)
			ct_monitor_watch(m, m->out[i].fd, m->out[i].source, EPOLLIN);
	if (m->client >= 0)
		ct_monitor_watch(m, m->client, SRC_CLIENT, EPOLLIN);
}

/* ---- loop ---- */

/* SIGTERM to the monitor is meant for the payload, and monitoring goes on. */
static void on_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		if (info.ssi_signo == SIGTERM && !m->exited)
			ct_pidfd_signal(m->payload.pidfd, SIGTERM);
}

static void on_payload(struct monitor *m)
{
	if (m->exited || ct_pidfd_wait(m->payload.pidfd, &m->status.exit) < 0)
		return;
	m->exited = true;
	m->status.finished = ct_now_real();
	ct_monitor_unwatch(m, m->payload.pidfd);
	ct_drop_fd(&m->peer);
	ct_monitor_tick(m, true);
}

/*
 * Some time after the payload's end those who still hold its pipes are waited for no longer. But what
 * is in the pipes waits with the frame that has no room, for as long as it takes, and meanwhile the
 * end itself is on record.
 */
static void end_grace(struct monitor *m)
{
	struct ct_err err = { 0 };

	if (!m->held)
		ct_output_close(m);
	else if (m->status.state != CT_STATUS_EXITED)
		record(m, CT_STATUS_EXITED, &err);
	m->grace = 0;
}

static void on_timer(struct monitor *m)
{
	uint64_t ticks;

	if (read(m->timer, &ticks, sizeof(ticks)) < 0)
		return;
	ct_output_retry(m);
	if (m->exited && ++m->grace > GRACE_TICKS)
		end_grace(m);
	if (!m->exited && !m->held)
		ct_monitor_tick(m, false);
}

static void dispatch(struct monitor *m, const struct epoll_event *event)
{
	switch ((enum source)event->data.u32) {
	case SRC_SIGNALS:
		on_signals(m);
		return;
	case SRC_PAYLOAD:
		on_payload(m);
		return;
	case SRC_STDOUT:
		ct_output_ready(m, &m->out[0]);
		return;
	case SRC_STDERR:
		ct_output_ready(m, &m->out[1]);
		return;
	case SRC_STDIN:
		ct_input_writable(m);
		return;
	case SRC_CLIENT:
		ct_input_client(m, event->events);
		return;
	case SRC_TIMER:
		on_timer(m);
		return;
	}
}

/* A payload that ends soon, or has much to say, is not kept waiting for the tidying up. */
static void loop(struct monitor *m)
{
	struct epoll_event events[8];
	bool tidy = false;

	while (!m->exited || !ct_output_done(m)) {
		int n = epoll_wait(m->epoll, events, 8, tidy ? -1 : TICK_MS);

		for (int i = 0; i < n; i++)
			dispatch(m, &events[i]);
		if (n == 0 && !tidy) {
			ct_monitor_give_back();
			tidy = true;
		}
	}
}

static void finish(struct monitor *m)
{
	struct ct_err err = { 0 };

	record(m, CT_STATUS_EXITED, &err);
	m->config->finish(m->config->arg, true);
	ct_log_publish(&m->log, CT_PAGE_EXITED, &m->status.exit);
	ct_input_say(m, CT_MSG_EXIT);
}

static struct monitor *new_monitor(const struct ct_monitor_config *config)
{
	size_t frame = CT_FRAME_HEADER + CT_FRAME_MAX;
	size_t size = sizeof(struct monitor) + frame + CT_ATTACH_RECORD_MAX + CT_ATTACH_DATA_MAX;
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct monitor *m = memory;

	if (memory == MAP_FAILED)
		return NULL;
	m->config = config;
	m->status_fd = m->lock_fd = m->epoll = m->signals = m->timer = -1;
	m->payload.pidfd = m->payload.terminal = -1;
	m->out[0] = (struct output){ -1, CT_STREAM_STDOUT, SRC_STDOUT };
	m->out[1] = (struct output){ -1, CT_STREAM_STDERR, SRC_STDERR };
	m->in = m->peer = -1;
	m->client = config->client;
	m->frame = (uint8_t *)(m + 1);
	m->record = m->frame + frame;
	m->pending = m->record + CT_ATTACH_RECORD_MAX;
	return m;
}

/* Limits that the caller meant for the payload, which has them by now: not for its log, nor for who
 * serves it. What is hard stays. */
static void raise_limits(void)
{
	static const __rlimit_resource_t resources[] = { RLIMIT_FSIZE, RLIMIT_CPU };

	for (size_t i = 0; i < sizeof(resources) / sizeof(resources[0]); i++) {
		struct rlimit limit;

		if (getrlimit(resources[i], &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(resources[i], &limit);
	}
}

_Noreturn void ct_monitor_main(const struct ct_monitor_config *config, struct ct_log_writer *log,
			       int report)
{
	struct start_report answer = { .monitor_pid = getpid() };
	struct monitor *m = new_monitor(config);
	int r = m ? 0 : ct_fail_nomem(&answer.err);

	if (m)
		m->log = *log;
	if (r == 0)
		r = start(m, &answer.err);
	answer.started = r == 0;
	if (r == 0)
		ct_log_publish(&m->log, CT_PAGE_RUNNING, NULL);
	/* Nobody there to hear of a failure: then what was made is forgotten from here. */
	if (ct_send(report, &answer, sizeof(answer), -1) < 0 && r < 0)
		config->finish(config->arg, false);
	if (r < 0)
		_exit(1);
	config->release(config->arg);
	raise_limits();
	keep_own_descriptors(m);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	watch_all(m);
	loop(m);
	finish(m);
	_exit(0);
}
