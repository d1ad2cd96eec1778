/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreground of run: one epoll loop over the session's wake-ups, its connection, our stdin and
 * our signals. Output comes from the stream log by a cursor, so a stuck terminal here costs the
 * payload nothing, and nothing is lost between its last byte and its exit status.
 *
 * Runs in the CLI with the caller's rights. The terminal is raw only in here, and restored on every
 * way out: signals arrive through a signalfd. What may fail: output that nobody takes any more
 * (EPIPE: quiet, as any filter ends), a damaged log, a monitor that was killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/attach.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/streamlog.h>

#include "foreground.h"
#include "outlet.h"
#include "terminal.h"

#define BUFFER_SIZE	65536
#define PUMP_MAX	(16 * BUFFER_SIZE)	/* of output, before signals and stdin get a turn */
#define EXIT_UNKNOWN	255	/* nobody recorded how the payload ended */

enum event_source { EV_WAKE, EV_CHANNEL, EV_STDIN, EV_SIGNALS, EV_OUTLET };

struct foreground {
	const struct ct_session *session;
	const struct ct_foreground *how;
	struct ct_cursor cursor;
	int epoll, signals, channel;
	bool stdin_open;		/* our stdin is still read... */
	bool stdin_pollable;		/* ...and can be waited for: regular files cannot */
	bool stdin_watched;
	bool room;			/* the monitor has taken the last CT_MSG_STDIN */
	bool gone;			/* the monitor has ended without saying how the payload did */
	struct ct_outlet outlet[2];	/* stdout, stderr */
	uint8_t *out;			/* BUFFER_SIZE bytes of one stream... */
	size_t out_start, out_end;
	int out_stream;			/* ...of this one */
	uint8_t *record;		/* CT_ATTACH_RECORD_MAX bytes */
	int result;			/* exit code once done, else -1 */
};

/* What a payload may care about; stop and job control signals stay the shell's business. */
static void proxied_signals(sigset_t *set)
{
	static const int left_alone[] = {
		SIGCHLD, SIGPIPE, SIGURG, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGKILL, SIGSTOP,
		SIGSEGV, SIGBUS,  SIGILL, SIGFPE,  SIGTRAP, SIGABRT, SIGSYS,
	};

	sigfillset(set);
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
		sigdelset(set, left_alone[i]);
}

/* Without a proxy ctrl-c lets go of the payload; the terminal's size is followed all the same. */
static void detaching_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGQUIT);
	sigaddset(set, SIGWINCH);
}

static void handled_signals(bool sig_proxy, sigset_t *set)
{
	if (sig_proxy)
		proxied_signals(set);
	else
		detaching_signals(set);
}

void ct_foreground_block(bool sig_proxy)
{
	sigset_t set;

	handled_signals(sig_proxy, &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

static int watch(struct foreground *f, int fd, enum event_source source, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.u32 = source };

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

/* ---- to the payload ---- */

static void send_message(struct foreground *f, const struct ct_message *message)
{
	ssize_t n = ct_message_encode(message, f->record);

	if (n > 0 && f->channel >= 0)
		ct_send(f->channel, f->record, (size_t)n, -1);
}

static void send_size(struct foreground *f)
{
	struct ct_message message = { .type = CT_MSG_RESIZE };

	if (f->how->tty && ct_terminal_caller_size(&message.rows, &message.columns))
		send_message(f, &message);
}

/* Our stdin is read only when the monitor has taken what was sent: what the payload does not read
 * stays where it is, and control never waits behind it. */
static void watch_stdin(struct foreground *f)
{
	bool want = f->stdin_open && f->room && f->stdin_pollable;

	if (want == f->stdin_watched)
		return;
	f->stdin_watched = want;
	if (!want)
		epoll_ctl(f->epoll, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
	else if (watch(f, STDIN_FILENO, EV_STDIN, EPOLLIN) < 0)
		f->stdin_pollable = f->stdin_watched = false;
}

static void read_stdin(struct foreground *f)
{
	struct ct_message message = { .type = CT_MSG_STDIN };
	uint8_t *data = f->record + CT_ATTACH_HEADER;
	ssize_t n = read(STDIN_FILENO, data, CT_ATTACH_DATA_MAX);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		message.type = CT_MSG_EOF;
		f->stdin_open = false;
	} else {
		message.data = data;
		message.size = (size_t)n;
		f->room = false;
	}
	send_message(f, &message);
}

/* What cannot be waited for (a regular file) is always readable. */
static void feed(struct foreground *f)
{
	watch_stdin(f);
	if (f->stdin_open && f->room && !f->stdin_pollable)
		read_stdin(f);
}

static bool asks_to_end(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

static void forward_signal(struct foreground *f, int number)
{
	struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = number };

	if (number == SIGWINCH)
		send_size(f);
	else if (!f->how->sig_proxy)
		f->result = number == SIGINT ? 0 : CT_EXIT_SIGNAL_BASE + number;
	else if (f->channel >= 0)
		send_message(f, &message);
	/* The session is over and our output stuck: nobody but us is left to be meant. */
	else if (asks_to_end(number))
		f->result = CT_EXIT_SIGNAL_BASE + number;
}

static void read_signals(struct foreground *f)
{
	struct signalfd_siginfo info;

	while (read(f->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		forward_signal(f, (int)info.ssi_signo);
}

/* ---- from the payload ---- */

static int wait_for_outlet(struct foreground *f, const struct ct_outlet *outlet, struct ct_err *err)
{
	struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT, .data.u32 = EV_OUTLET };

	if (epoll_ctl(f->epoll, EPOLL_CTL_MOD, outlet->fd, &event) == 0 ||
	    epoll_ctl(f->epoll, EPOLL_CTL_ADD, outlet->fd, &event) == 0)
		return 0;
	return ct_fail_errno(err, errno, "cannot wait for the output to take more");
}

/* 1 written, 0 it takes nothing now. Nobody reading any more ends us as SIGPIPE would. */
static int write_out(struct foreground *f, struct ct_err *err)
{
	struct ct_outlet *outlet = &f->outlet[f->out_stream == CT_STREAM_STDERR];
	ssize_t n = ct_outlet_write(outlet, f->out + f->out_start, f->out_end - f->out_start);

	if (n == 0)
		return wait_for_outlet(f, outlet, err);
	if (n == -EPIPE) {
		f->result = CT_EXIT_SIGNAL_BASE + SIGPIPE;
		return 0;
	}
	if (n < 0)
		return ct_fail_errno(err, (int)-n, "cannot write to %s",
				     outlet->fd == STDERR_FILENO ? "stderr" : "stdout");
	f->out_start += (size_t)n;
	return 1;
}

/* Everything is written that will ever come: that is the end, whoever knows how it ended. */
static void look_for_end(struct foreground *f)
{
	struct ct_exit status;

	if (ct_cursor_ended(&f->cursor, &status))
		f->result = ct_exit_code(&status);
	else if (f->gone)
		f->result = EXIT_UNKNOWN;
}

/* What is there and can be written: 0, or 1 when there may be more but it is others' turn. */
static int pump(struct foreground *f, struct ct_err *err)
{
	size_t taken = 0;

	while (taken < PUMP_MAX) {
		ssize_t n;

		if (f->out_start < f->out_end) {
			int r = write_out(f, err);

			if (r <= 0)
				return r;
			continue;
		}
		n = ct_cursor_read(&f->cursor, f->out, BUFFER_SIZE, &f->out_stream, err);
		if (n < 0)
			return (int)n;
		f->out_start = 0;
		f->out_end = (size_t)n;
		if (n == 0) {
			look_for_end(f);
			return 0;
		}
		taken += (size_t)n;
	}
	return 1;
}

/* The connection ends with the monitor: everything it had to say is on the page by then. */
static int read_channel(struct foreground *f, struct ct_err *err)
{
	struct ct_message message;
	uint8_t record[CT_ATTACH_HEADER];
	ssize_t n = recv(f->channel, record, sizeof(record), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0) {
		if (ct_message_decode(record, (size_t)n, &message, err) < 0)
			return -err->code;
		f->room = f->room || message.type == CT_MSG_ROOM;
		return 0;
	}
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, f->channel, NULL);
	f->channel = -1;
	f->stdin_open = false;
	f->gone = atomic_load(&f->cursor.page->state) != CT_PAGE_EXITED;
	return 0;
}

/* ---- the loop ---- */

static int dispatch(struct foreground *f, const struct epoll_event *event, struct ct_err *err)
{
	switch ((enum event_source)event->data.u32) {
	case EV_CHANNEL:
		return read_channel(f, err);
	case EV_STDIN:
		read_stdin(f);
		return 0;
	case EV_SIGNALS:
		read_signals(f);
		return 0;
	case EV_WAKE:
	case EV_OUTLET:
		return 0;	/* pump() comes after every wake-up */
	}
	return 0;
}

static int fail_gone(struct ct_err *err)
{
	ct_fail(err, ECHILD, "the container's monitor was killed: how the container ended is unknown");
	return ct_exit_with(err, EXIT_UNKNOWN);
}

static int loop(struct foreground *f, struct ct_err *err)
{
	struct epoll_event events[8];
	int r = pump(f, err);

	while (r >= 0 && f->result < 0) {
		bool more = r > 0;
		int n;

		feed(f);
		/* A regular file on stdin is always readable, without an event that says so. */
		more = more || (f->stdin_open && f->room && !f->stdin_pollable);
		n = epoll_wait(f->epoll, events, 8, more ? 0 : -1);
		r = 0;
		for (int i = 0; i < n && r >= 0; i++)
			r = dispatch(f, &events[i], err);
		if (r >= 0 && f->result < 0)
			r = pump(f, err);
	}
	if (r >= 0 && f->result == EXIT_UNKNOWN && f->gone)
		return fail_gone(err);
	return r < 0 ? r : f->result;
}

static int open_loop(struct foreground *f, struct ct_err *err)
{
	sigset_t set;
	int r;

	handled_signals(f->how->sig_proxy, &set);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->epoll < 0 || f->signals < 0)
		return ct_fail_errno(err, errno, "cannot set up the foreground's loop");
	r = watch(f, f->session->wake, EV_WAKE, EPOLLIN | EPOLLET);
	if (r == 0)
		r = watch(f, f->channel, EV_CHANNEL, EPOLLIN);
	if (r == 0)
		r = watch(f, f->signals, EV_SIGNALS, EPOLLIN);
	return r < 0 ? ct_fail_errno(err, -r, "cannot set up the foreground's loop") : 0;
}

static int run_loop(struct foreground *f, struct ct_err *err)
{
	struct ct_terminal ct_autoterminal terminal = CT_TERMINAL_INIT;
	int r = open_loop(f, err);

	if (r == 0 && f->how->tty && f->stdin_open && isatty(STDIN_FILENO))
		r = ct_terminal_raw(STDIN_FILENO, &terminal, err);
	return r < 0 ? r : loop(f, err);
}

int ct_foreground_run(const struct ct_session *session, const struct ct_foreground *how,
		      struct ct_err *err)
{
	uint8_t ct_autofree *memory = malloc(BUFFER_SIZE + CT_ATTACH_RECORD_MAX);
	struct foreground f = {
		.session = session, .how = how, .cursor = CT_CURSOR_INIT,
		.epoll = -1, .signals = -1, .channel = session->channel,
		.stdin_open = how->stdin_open, .stdin_pollable = true, .room = true,
		.result = -1,
	};
	int r;

	if (!memory)
		return ct_fail_nomem(err);
	f.out = memory;
	f.record = memory + BUFFER_SIZE;
	ct_outlet_open(STDOUT_FILENO, &f.outlet[0]);
	ct_outlet_open(STDERR_FILENO, &f.outlet[1]);
	r = ct_cursor_open(session->page, session->log, &f.cursor, err);
	if (r == 0)
		r = run_loop(&f, err);
	ct_cursor_close(&f.cursor);
	ct_outlet_close(&f.outlet[0]);
	ct_outlet_close(&f.outlet[1]);
	ct_fd_close(f.epoll);
	ct_fd_close(f.signals);
	return r;
}
