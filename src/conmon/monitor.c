/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's process: start the payload, loop, record the exit.
 *
 * A child of the CLI's short-lived child, so nobody waits for it: parent 1, session of its own,
 * stdio on /dev/null. It is the payload's parent, so the status comes from waitid(2) and cannot be
 * lost. It holds the record lock that says that it is alive; the payload dies with it.
 *
 * Exit path: reap, drain until end of file or a bounded grace for descendants that hold the pipes,
 * write the status file, take the socket away, let finish() clean up (--rm), release the lock,
 * publish the exit on the commit page, tell the clients, serve those that still read, leave with the
 * payload's exit code, for a service manager that takes us for the main process. What may fail at the
 * start is sent to the launcher; afterwards nothing is allocated, and nothing that fails ends the loop.
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
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/arena.h>
#include <cattach/io.h>

#include "monitor.h"

#define NS_PER_SECOND	INT64_C(1000000000)
#define EXIT_UNKNOWN	255
#define NEWS_EVERY	UINT64_C(1000000000)	/* ns between records of what is lost */

/* Where the parts of a monitor's memory are, each on pages of its own. A frame's header is an
 * exception: what the payload writes begins a page, where the kernel copies it to three times as
 * fast as to any other place (measured: 0.15 and 0.46 s for a GiB out of a pipe). */
#define PAGE_SIZE	4096u
#define PAGES(size)	(((size) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE)
#define FRAME_AT	(PAGES(sizeof(struct monitor) + CT_FRAME_HEADER) - CT_FRAME_HEADER)
#define RECORD_AT	(FRAME_AT + CT_FRAME_HEADER + PAGES(CT_FRAME_MAX))
#define CLIENTS_AT	(RECORD_AT + PAGES(CT_ATTACH_RECORD_MAX))
#define STDIN_AREA_AT	(CLIENTS_AT + PAGES(CT_ATTACH_MAX_CLIENTS * sizeof(struct client)))
#define MONITOR_SIZE	(STDIN_AREA_AT + (size_t)CT_ATTACH_MAX_CLIENTS * CT_ATTACH_DATA_MAX)

void ct_monitor_watch(struct monitor *m, int fd, enum source source, uint32_t events)
{
	union event_ref ref = { .source = (uint16_t)source };
	struct epoll_event event = { .events = events, .data.u64 = ref.u64 };

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
	/* Another program's front has records of its own. */
	if (m->status_fd < 0)
		return 0;
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

int ct_monitor_open_loop(struct monitor *m, struct ct_err *err)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	if (m->config->tagged) {
		sigaddset(&set, SIGQUIT);
		sigaddset(&set, SIGCHLD);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	m->epoll = epoll_create1(EPOLL_CLOEXEC);
	m->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	m->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (m->epoll < 0 || m->signals < 0 || m->timer < 0)
		return ct_fail_errno(err, errno, "cannot set up the monitor's loop");
	return 0;
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

static int spawn_payload(struct monitor *m, struct ct_err *err)
{
	int r = ct_payload_start(m, err);

	if (r == 0) {
		m->status.pid = m->payload.pid;
		ct_proc_starttime(m->payload.pid, &m->status.starttime);
		m->status.started = ct_now_real();
		r = record(m, CT_STATUS_RUNNING, err);
	}
	if (r < 0)
		end_payload(m);
	return r;
}

static int start_payload(struct monitor *m, struct ct_err *warning, struct ct_err *err)
{
	const struct ct_monitor_config *config = m->config;
	int r = config->prepare ? config->prepare(config->arg, warning, err) : 0;

	if (r < 0)
		return r;
	r = spawn_payload(m, err);
	if (r < 0 && config->undo)
		config->undo(config->arg);
	return r;
}

/* The rest is made while the payload is on its way, see prepare.c. */
static int start(struct monitor *m, struct ct_err *warning, struct ct_err *err)
{
	int r = take_lock(m, err);

	if (r == 0)
		r = open_record(m, err);
	if (r == 0)
		r = start_payload(m, warning, err);
	if (r < 0)
		ct_listen_close(m);
	return r;
}

/* The client that came with the start: without a look at its uid, and waited for. */
static void add_first_client(struct monitor *m)
{
	int fd = m->config->client;
	struct client *first;

	if (fd < 0 || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return;
	first = ct_client_add(m, fd);
	if (!first)
		return;
	first->first = true;
	m->first_id = first->id;
	if (m->config->tie)
		m->tied_id = first->id;
	ct_lag_count(m);
}

/* Those who have been waiting for the start: what they have said by now counts from the beginning. */
static void add_waiting_clients(struct monitor *m)
{
	for (size_t i = 0; i < m->config->waiting_count; i++) {
		struct client *c = ct_client_add(m, m->config->waiting[i]);

		if (c)
			ct_client_ready(m, ct_client_slot(m, c), c->generation, EPOLLIN);
	}
}

void ct_monitor_watch_all(struct monitor *m)
{
	ct_monitor_watch(m, m->signals, SRC_SIGNALS, EPOLLIN);
	ct_monitor_watch(m, m->payload.pidfd, SRC_PAYLOAD, EPOLLIN);
	ct_monitor_watch(m, m->timer, SRC_TIMER, EPOLLIN);
	if (m->config->owner >= 0)
		ct_monitor_watch(m, m->config->owner, SRC_OWNER, EPOLLIN);
	if (m->config->tagged)
		ct_adopt_watch(m);
	ct_limit_begin(m);
	ct_listen_resume(m);
	/* Whoever must get everything counts before the first byte is read. */
	add_first_client(m);
	add_waiting_clients(m);
	for (int i = 0; i < 2; i++)
		if (m->out[i].fd >= 0)
			ct_output_open(m, &m->out[i]);
}

/* ---- loop ---- */

/* SIGTERM to the monitor is meant for the payload, and monitoring goes on. */
static void on_signals(struct monitor *m)
{
	struct signalfd_siginfo info;

	while (read(m->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGUSR1)
			ct_listen_again(m);
		if (info.ssi_signo == SIGCHLD)
			ct_adopt_reap(m);
		if (info.ssi_signo != SIGTERM && !ct_adopt_passes_on(m, info.ssi_signo))
			continue;
		if (m->exited)
			m->leave = true;
		else
			ct_pidfd_signal(m->payload.pidfd, (int)info.ssi_signo);
	}
}

/* Nobody goes in any more, and nothing of the container is kept from going. */
static void drop_places(struct monitor *m)
{
	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		ct_drop_fd(&m->payload.places[i]);
}

/* The kernel ends it only where it shares the pid namespace of the one that has ended. */
static void on_owner(struct monitor *m)
{
	ct_monitor_unwatch(m, m->config->owner);
	if (!m->exited)
		ct_pidfd_signal(m->payload.pidfd, SIGKILL);
}

void ct_monitor_reap_payload(struct monitor *m)
{
	int r = m->exited ? 0 : ct_pidfd_wait(m->payload.pidfd, &m->status.exit);

	/* Somebody else's child, of a runtime that has not left it to us: all that is known is its end. */
	if (r == -ECHILD)
		m->status.exit = (struct ct_exit){ .value = EXIT_UNKNOWN };
	else if (r < 0 || m->exited)
		return;
	m->exited = true;
	ct_limit_judge(m);
	if (m->config->ended)
		m->config->ended(m->config->arg, &m->status);
	m->status.finished = ct_now_real();
	ct_monitor_unwatch(m, m->payload.pidfd);
	ct_drop_fd(&m->peer);
	drop_places(m);
	ct_monitor_tick(m, true);
}

/* Once: later records are of what the log has lost. */
static void record_end(struct monitor *m)
{
	bool known = m->status.state == CT_STATUS_EXITED;
	struct ct_err err = { 0 };

	record(m, CT_STATUS_EXITED, &err);
	if (!known && m->config->recorded)
		m->config->recorded(m->config->arg, &m->status);
}

/*
 * Some time after the payload's end those who still hold its pipes are waited for no longer. What
 * waits in the pipes for a client that must get everything may wait for ever: so the end itself is
 * on record meanwhile.
 */
static void await_rest(struct monitor *m)
{
	uint64_t end = ct_log_end(m->log);
	/* conmon waits for nobody; who has not written for a moment is not going to. */
	bool silent = m->config->tagged && m->drained == end;

	m->drained = end;
	if (!(m->hold & HOLD_LAG)) {
		if (++m->grace > GRACE_TICKS || silent)
			ct_output_close(m);
	} else if (m->status.state != CT_STATUS_EXITED) {
		record_end(m);
	}
}

static void on_timer(struct monitor *m)
{
	bool idle = !m->exited || ct_output_done(m);
	uint64_t ticks;

	if (read(m->timer, &ticks, sizeof(ticks)) < 0)
		return;
	if (m->exited && !ct_output_done(m))
		await_rest(m);
	idle = ct_listen_resume(m) && idle;
	idle = ct_clients_retry(m) && idle;
	/* Whether a terminal's clients still read is a matter of time. */
	idle = idle && !(m->config->tagged && m->hold);
	if (idle)
		ct_monitor_tick(m, false);
}

static void dispatch(struct monitor *m, const struct epoll_event *event)
{
	union event_ref ref = { .u64 = event->data.u64 };

	switch ((enum source)ref.source) {
	case SRC_SIGNALS:
		on_signals(m);
		return;
	case SRC_PAYLOAD:
		ct_monitor_reap_payload(m);
		return;
	case SRC_OWNER:
		on_owner(m);
		return;
	case SRC_LIMIT:
		ct_limit_ready(m);
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
	case SRC_LISTEN:
		ct_listen_ready(m);
		return;
	case SRC_CLIENT:
		ct_client_ready(m, ref.slot, ref.generation, event->events);
		return;
	case SRC_TIMER:
		on_timer(m);
		return;
	case SRC_CONTROL:
		ct_control_ready(m, ref.slot);
		return;
	case SRC_WATCHED:
		m->config->watched[ref.slot].ready(m->config->arg);
		return;
	}
}

static bool is_listen(const struct epoll_event *event)
{
	return ((union event_ref){ .u64 = event->data.u64 }).source == SRC_LISTEN;
}

/* epoll_wait(2) with a time in ns, -1: for ever. */
static int wait_for_events(const struct monitor *m, struct epoll_event *events, int max, int64_t ns)
{
	struct timespec limit = { .tv_sec = ns / NS_PER_SECOND, .tv_nsec = ns % NS_PER_SECOND };
	int n = epoll_pwait2(m->epoll, events, max, ns < 0 ? NULL : &limit, NULL);

	if (n >= 0 || errno != ENOSYS)
		return n;
	/* Before Linux 5.11: whole milliseconds. */
	return epoll_wait(m->epoll, events, max, ns < 0 ? -1 : (int)((ns + 999999) / 1000000));
}

int ct_monitor_turn(struct monitor *m, int timeout)
{
	int64_t due = ct_output_timeout(m), ns = timeout < 0 ? -1 : timeout * INT64_C(1000000);
	bool busy = due >= 0 && (ns < 0 || due < ns);
	struct epoll_event events[8];
	int n = wait_for_events(m, events, 8, busy ? due : ns);

	/* Who has connected before the payload wrote gets what it wrote: so those first. */
	for (int i = 0; i < n; i++)
		if (is_listen(&events[i]))
			dispatch(m, &events[i]);
	for (int i = 0; i < n; i++) {
		if (is_listen(&events[i]))
			continue;
		dispatch(m, &events[i]);
		ct_lag_look(m);
	}
	ct_output_due(m);
	ct_lag_look(m);
	return n ? n : busy;
}

/* What the log complains of, and what clients were refused for, is on record: nobody reads our
 * stderr. Each once, and a count that grows no more often than once a second. */
static bool has_news(struct monitor *m)
{
	struct ct_log_state log;
	struct ct_status *s = &m->status;
	unsigned before = s->warnings;
	uint64_t lost = s->log_lost, now;

	ct_log_state(m->log, &log);
	s->warnings = log.warnings | m->warnings;
	s->log_unsaved = log.unsaved;
	if (s->warnings == before && log.lost == lost)
		return false;
	now = ct_now_monotonic();
	if (s->warnings == before && now < m->news_at)
		return false;
	s->log_lost = log.lost;
	m->news_at = now + NEWS_EVERY;
	return true;
}

static void tell_news(struct monitor *m)
{
	struct ct_err err = { 0 };

	if (has_news(m))
		record(m, m->status.state, &err);
}

/* Is who came with the start the only one that is left? */
static bool is_attended(const struct monitor *m)
{
	for (unsigned i = 0; m->client_count == 1 && m->first_id && i < m->client_top; i++)
		if (ct_client_connected(&m->clients[i]))
			return m->clients[i].id == m->first_id;
	return false;
}

/* The record first, then what others may do only now (remove it, start it again), then the word. */
static void finish(struct monitor *m)
{
	ct_log_end_run(m->log, &m->status.exit);
	if (m->config->sync)
		ct_log_sync(m->log);
	m->news_at = 0;
	has_news(m);
	record_end(m);
	ct_input_close(m);
	ct_listen_close(m);
	ct_control_close(m);
	/* Nobody keeps the directory for those who still read: --rm, or somebody's rm from now on. */
	if (m->client_count)
		ct_log_hold(m->log);
	if (m->config->leave)
		m->config->leave(m->config->arg, is_attended(m));
	m->config->finish(m->config->arg, true);
	ct_drop_fd(&m->lock_fd);
	ct_log_publish(m->log, CT_PAGE_EXITED, &m->status.exit);
	m->ended = true;
	ct_clients_say_exit(m);
}

static void set_up(struct monitor *m, const struct ct_monitor_config *config,
		   struct ct_log_writer *log)
{
	m->config = config;
	m->log = log;
	m->status_fd = m->lock_fd = m->epoll = m->signals = m->timer = -1;
	m->limit = m->payload.pidfd = m->payload.terminal = -1;
	for (size_t i = 0; i < CT_ATTACH_PLACES; i++)
		m->payload.places[i] = -1;
	m->out[0] = (struct output){ .fd = -1, .stream = CT_STREAM_STDOUT, .source = SRC_STDOUT };
	m->out[1] = (struct output){ .fd = -1, .stream = CT_STREAM_STDERR, .source = SRC_STDERR };
	m->backlog.fd = -1;
	for (size_t i = 0; i < CONTROLS; i++)
		m->control[i].fd = -1;
	m->in = m->peer = m->listener = m->reserve = m->runtime = -1;
	m->queue_head = m->queue_tail = NO_SLOT;
	m->run_start = log ? ct_log_end(log) : 0;
	m->rows = config->rows;
	m->columns = config->columns;
}

/* One mapping: the struct, the buffers, the clients' slots, their stdin. All but the first pages
 * stay untouched until there are clients; no huge page must make them present at once. */
struct monitor *ct_monitor_new(const struct ct_monitor_config *config, struct ct_log_writer *log)
{
	void *memory = mmap(NULL, MONITOR_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct monitor *m = memory;
	uint8_t *bytes = memory;

	if (memory == MAP_FAILED)
		return NULL;
	if (madvise(memory, MONITOR_SIZE, MADV_NOHUGEPAGE) < 0)
		errno = 0;	/* a kernel without huge pages */
	m->stdin_area = bytes + STDIN_AREA_AT;
	m->clients = (void *)(bytes + CLIENTS_AT);
	m->record = bytes + RECORD_AT;
	m->frame = bytes + FRAME_AT;
	set_up(m, config, log);
	return m;
}

void ct_monitor_free(struct monitor *m)
{
	munmap(m, MONITOR_SIZE);
}

void ct_monitor_serve(struct monitor *m)
{
	void (*tidy)(struct monitor *m) = ct_monitor_give_back;

	ct_monitor_watch_all(m);
	m->untidy = true;
	while (!m->exited || !ct_output_done(m)) {
		int n = ct_monitor_turn(m, m->untidy ? TICK_MS : -1);

		tell_news(m);
		/* A payload that ends soon, or has much to say, is not kept waiting for the tidying up. */
		if (n || !m->untidy)
			continue;
		m->untidy = false;
		tidy(m);
		tidy = ct_monitor_give_back_buffers;
	}
	finish(m);
}

/* In the monitor, once its payload runs. */
static _Noreturn void monitor_payload(struct monitor *m)
{
	struct rlimit ignored[MONITOR_LIMITS];

	ct_confine_prepare(m);
	m->config->release(m->config->arg);
	ct_monitor_raise_limits(ignored);
	ct_confine(m);
	ct_monitor_keep_descriptors(m);
	ct_monitor_serve(m);
	ct_linger(m);
	_exit(ct_exit_code(&m->status.exit));
}

_Noreturn void ct_monitor_main(const struct ct_monitor_config *config, int log_dir, int report)
{
	struct start_report answer = { .monitor_pid = getpid() };
	struct monitor *m = ct_monitor_new(config, NULL);
	struct ct_err warning = { 0 };
	int r;

	if (m)
		m->log_dir = log_dir;
	r = m ? start(m, &warning, &answer.err) : ct_fail_nomem(&answer.err);

	answer.started = r == 0;
	answer.owed = config->log.owed ? *config->log.owed : 0;
	if (r == 0) {
		answer.err = warning;
		if (config->started)
			config->started(config->arg);
		ct_log_publish(m->log, CT_PAGE_RUNNING, NULL);
	}
	/* Nobody there to hear of a failure: then what was made is forgotten from here. */
	if (ct_send(report, &answer, sizeof(answer), -1) < 0 && r < 0)
		config->finish(config->arg, false);
	if (r < 0)
		_exit(1);
	monitor_payload(m);
}
