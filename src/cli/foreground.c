/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The foreground of run, attach and start -a: one epoll loop over the session's wake-ups, its
 * connection, our stdin and our signals. Output comes from the stream log by a cursor
 * (foreground_output.c), input goes over the connection (foreground_input.c). A container that is
 * started again is followed on (foreground_again.c).
 *
 * Runs in the CLI with the caller's rights. The terminal is raw only in here, and restored on every
 * way out, before anything is said: signals arrive through a signalfd. What may fail: output that
 * nobody takes any more (EPIPE: quiet, as any filter ends), a monitor that was killed.
 *
 *    loop()        one run after the other, as long as a keeper starts the container again
 *     follow_run()  turn by turn, until f->result is an exit code or f->gone
 *      turn()
 *       take_events()       stdin to the monitor, then sleep, then what has happened
 *       ct_follow_expect()  the run is over: be there for the next before we are done with this one
 *       ct_follow_pump()    log to stdout and stderr; says > 0 when it has stopped for others' sake
 *
 * f->result is -1 while we go on, and else what we exit with: everything that may end us sets it,
 * and every loop looks at it.
 */
#include "foreground.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/event.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "follow.h"

#define EXIT_UNKNOWN	255	/* nobody recorded how the payload ended */

/* ---- signals ---- */

/* What a payload may care about; stop and job control signals stay the shell's business, and what a
 * fault raises (SIGSEGV and its like) is about us. */
static void proxied_signals(sigset_t *set)
{
	static const int left_alone[] = {
		SIGCHLD, SIGPIPE, SIGURG, SIGTSTP, SIGTTIN, SIGTTOU, SIGKILL, SIGSTOP,
		SIGSEGV, SIGBUS,  SIGILL, SIGFPE,  SIGTRAP, SIGABRT, SIGSYS,
	};

	sigfillset(set);
	for (size_t i = 0; i < sizeof(left_alone) / sizeof(left_alone[0]); i++)
		sigdelset(set, left_alone[i]);
}

void ct_foreground_signals(sigset_t *set)
{
	proxied_signals(set);
}

/* Without a proxy ctrl-c lets go of the payload; the terminal is looked after all the same. */
static void detaching_signals(sigset_t *set)
{
	static const int ours[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT };

	sigemptyset(set);
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		sigaddset(set, ours[i]);
}

static void handled_signals(bool sig_proxy, sigset_t *set)
{
	if (sig_proxy)
		proxied_signals(set);
	else
		detaching_signals(set);
}

/* Before a payload can be running: a signal that comes between its start and the signalfd then
 * waits in the queue of the process and is read from there, signalfd(2). The mask does not reach
 * the payload, whose own is made anew by its setup. */
void ct_foreground_block(bool sig_proxy)
{
	sigset_t set;

	handled_signals(sig_proxy, &set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void ct_foreground_unblock(bool sig_proxy)
{
	sigset_t set;

	handled_signals(sig_proxy, &set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}

/* Those by which a terminal, a shell or systemd asks a program to go. Others end us by being sent
 * to the payload and ending that. */
static bool asks_to_end(int number)
{
	return number == SIGINT || number == SIGTERM || number == SIGHUP || number == SIGQUIT;
}

/* Rows and columns of our terminal; the monitor decides by its policy (--size-policy) whose size
 * counts when several are attached. */
static void send_size(struct ct_follow *f)
{
	struct ct_message message = { .type = CT_MSG_RESIZE };

	if (f->how->resize && ct_terminal_caller_size(&message.rows, &message.columns))
		ct_follow_send(f, &message);
}

/* A change of size makes programs draw their screens anew: one row more, and back. The same size
 * twice would not do: the kernel raises SIGWINCH only when TIOCSWINSZ changes something,
 * ioctl_tty(2). */
static void force_redraw(struct ct_follow *f)
{
	struct ct_message message = { .type = CT_MSG_RESIZE };

	if (!f->how->redraw || !f->how->resize ||
	    !ct_terminal_caller_size(&message.rows, &message.columns))
		return;
	message.rows++;
	ct_follow_send(f, &message);
	message.rows--;
	ct_follow_send(f, &message);
}

/* Of our stdio, a terminal that is no more: there is nothing else among devices that hangs up.
 * Asked when a SIGHUP comes, to tell "the window was closed" from a signal that somebody has sent
 * by hand. */
static bool terminal_hung_up(void)
{
	struct pollfd stdio[3] = { { .fd = 0 }, { .fd = 1 }, { .fd = 2 } };

	if (poll(stdio, 3, 0) <= 0)
		return false;
	for (int i = 0; i < 3; i++) {
		struct stat st;

		if ((stdio[i].revents & (POLLHUP | POLLERR)) && fstat(i, &st) == 0 &&
		    S_ISCHR(st.st_mode))
			return true;
	}
	return false;
}

/* Not for the payload: without a proxy ctrl-c lets go, what else asks us to end ends us. */
static void take_signal(struct ct_follow *f, int number)
{
	if (!asks_to_end(number))
		return;
	ct_follow_detach(f);
	if (number != SIGINT) {
		f->detached = false;
		f->result = CT_EXIT_SIGNAL_BASE + number;
	}
}

/* The monitor may stay on for those who read what the payload has left. */
static bool is_over(const struct ct_follow *f)
{
	return !f->connected || atomic_load(&f->client->page->state) == CT_PAGE_EXITED;
}

/* Between two runs, or the session is over and our output stuck: the first that ends the
 * container's policy is for that, of all others nobody but us is left to be meant. */
static void end_without_run(struct ct_follow *f, int number)
{
	if (f->waiting && !f->stopped && ct_container_forbid_restart(f->how->container, number))
		f->stopped = true;
	else
		f->result = CT_EXIT_SIGNAL_BASE + number;
}

/* From what is about the terminal, which is ours in any case, to what is for the payload. Signals
 * that only ask to end are ours again once there is no payload to hear them. */
static void handle_signal(struct ct_follow *f, int number)
{
	struct ct_message message = { .type = CT_MSG_SIGNAL, .signal = number };

	if (number == SIGCONT) {
		/* whoever stopped us may have set the terminal to their own liking */
		ct_terminal_raw_again(&f->terminal);
		send_size(f);
	} else if (number == SIGWINCH && f->how->tty) {
		send_size(f);
	} else if (number == SIGHUP && f->how->hang_up != CT_HANG_UP_SIGNAL && terminal_hung_up()) {
		if (f->how->hang_up == CT_HANG_UP_DETACHES)
			ct_follow_detach(f);
		else
			f->result = CT_EXIT_SIGNAL_BASE + number;
	} else if (!f->how->sig_proxy) {
		take_signal(f, number);
	} else if (!is_over(f)) {
		/* As "kill" has it: what somebody ends is not started again. */
		if (f->how->container)
			ct_container_forbid_restart(f->how->container, number);
		ct_follow_send(f, &message);
	} else if (asks_to_end(number)) {
		end_without_run(f, number);
	}
}

/* Several of one number that came between two reads are one, as for any process: signals below
 * SIGRTMIN do not queue, signal(7). */
static void read_signals(struct ct_follow *f)
{
	struct signalfd_siginfo info;

	while (f->result < 0 && read(f->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		handle_signal(f, (int)info.ssi_signo);
}

/* ---- the connection ---- */

void ct_follow_send(struct ct_follow *f, const struct ct_message *message)
{
	/* A monitor that is gone shows as such when the connection is read. */
	if (f->connected && ct_client_send(f->client, message) < 0)
		return;
}

/* The monitor is told, so that a container that is tied to its client (--tie) is not killed by our
 * going. It answers nothing that we wait for. */
void ct_follow_detach(struct ct_follow *f)
{
	struct ct_message message = { .type = CT_MSG_DETACH };

	ct_follow_send(f, &message);
	f->detached = true;
	f->result = 0;
}

/* What has come, here or while a segment was asked for. A segment of the log is asked for over the
 * same connection, and what comes before its answer (room for stdin, a DETACHED from the monitor)
 * is noted in the client instead of being lost. */
static void look_at_client(struct ct_follow *f)
{
	struct ct_client *client = f->client;

	if (!client)
		return;
	f->in.room = f->in.room || client->room;
	client->room = false;
	if (client->detached && f->result < 0) {
		f->detached = true;
		f->result = 0;
	}
}

/* The connection ends with the monitor: everything it had to say is on the page by then. */
static void disconnect(struct ct_follow *f)
{
	epoll_ctl(f->epoll, EPOLL_CTL_DEL, f->client->sock, NULL);
	f->connected = false;
	f->in.open = false;
	f->in.size = 0;
}

/* Until there is nothing more: the socket is non-blocking. 0 is "nothing now", -EPIPE the end of
 * the monitor, and anything else a monitor that does not speak the protocol. */
static int read_channel(struct ct_follow *f, struct ct_err *err)
{
	struct ct_message message;
	int r;

	do
		r = ct_client_receive(f->client, &message, err);
	while (r > 0);
	if (r == -EPIPE)
		disconnect(f);
	return r < 0 && r != -EPIPE ? r : 0;
}

/* ---- the loop ---- */

/* What becomes of an event is decided by its kind alone (dispatch()); f has everything else. */
int ct_follow_watch(struct ct_follow *f, int fd, enum ct_follow_event event, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.u32 = event };

	return epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

/* Runs for each event of a batch, although one before it may have ended the connection or the
 * input: so each looks again whether it is still meant. */
static int dispatch(struct ct_follow *f, const struct epoll_event *event, struct ct_err *err)
{
	switch ((enum ct_follow_event)event->data.u32) {
	case CT_FOLLOW_CHANNEL:
		return f->connected ? read_channel(f, err) : 0;
	case CT_FOLLOW_STDIN:
		/* A terminal that hung up: who it belongs to may have sent a signal first. */
		if (event->events & EPOLLHUP)
			read_signals(f);
		ct_follow_read(f);
		return 0;
	case CT_FOLLOW_SIGNALS:
		read_signals(f);
		return 0;
	case CT_FOLLOW_WAKE:
	case CT_FOLLOW_OUTLET:
	case CT_FOLLOW_NEXT:
		return 0;	/* pumping comes after every wake-up */
	}
	return 0;
}

/* Milliseconds until something is due, rounded up; -1: nothing is. */
static int next_due(const struct ct_follow *f)
{
	uint64_t due = f->in.deadline, now;

	if (!due)
		return -1;
	now = ct_now_monotonic();
	return due <= now ? 0 : (int)((due - now + 999999) / 1000000);
}

/* more: somebody has work left, so this is a look and no sleep. Time is looked at after the events,
 * so that a key that has come in time counts as typed in time. */
static int take_events(struct ct_follow *f, bool more, struct ct_err *err)
{
	struct epoll_event events[8];
	int r = 0, n;

	more = ct_follow_feed(f) || more;
	if (f->result >= 0)
		return 0;
	n = epoll_wait(f->epoll, events, 8, more ? 0 : next_due(f));
	for (int i = 0; i < n && r >= 0 && f->result < 0; i++)
		r = dispatch(f, &events[i], err);
	look_at_client(f);
	if (r >= 0 && f->result < 0 && f->in.deadline)
		ct_follow_tick(f, ct_now_monotonic());
	return r;
}

/* For the wait between two runs (foreground_again.c): stdin, signals and the terminal live on in
 * it, output does not. */
int ct_follow_turn(struct ct_follow *f, struct ct_err *err)
{
	return take_events(f, false, err);
}

static int turn(struct ct_follow *f, bool more, struct ct_err *err)
{
	int r = take_events(f, more, err);

	if (r >= 0 && f->result < 0 && is_over(f))
		r = ct_follow_expect(f, err);
	if (r >= 0 && f->result < 0)
		r = ct_follow_pump(f, err);
	look_at_client(f);
	return r;
}

/* The kernel kills the payload with its monitor (PR_SET_PDEATHSIG, or the end of the pid
 * namespace), so it is known that it has ended, but nobody was there to reap it. */
static int fail_gone(struct ct_err *err)
{
	ct_fail(err, ECHILD,
		"the container's monitor was killed: how the container ended is unknown");
	return ct_exit_with(err, EXIT_UNKNOWN);
}

/* Pumped before the first sleep: what was written before we came has raised no event for us. */
static int follow_run(struct ct_follow *f, struct ct_err *err)
{
	int r = ct_follow_pump(f, err);

	while (r >= 0 && f->result < 0 && !f->gone)
		r = turn(f, r > 0, err);
	return r < 0 ? r : 0;
}

/* One run, and those that follow it. */
static int loop(struct ct_follow *f, struct ct_err *err)
{
	int r;

	do {
		r = follow_run(f, err);
		if (r == 0 && f->over && !f->detached)
			r = ct_follow_again(f, err);
	} while (r > 0);
	/* That was what runs have left which had ended before we came to them. */
	if (r == 0 && f->rest >= 0 && f->result == 0 && !f->detached)
		f->result = f->code;
	ct_follow_expect_no_more(f);
	if (r < 0)
		return r;
	return f->result < 0 ? fail_gone(err) : f->result;
}

/* The eventfd by its edges: it stays readable, for nobody ever reads its counter, which all clients
 * share. Each write to it is a new edge, epoll(7). */
int ct_follow_watch_client(struct ct_follow *f)
{
	int r = ct_follow_watch(f, f->client->wake, CT_FOLLOW_WAKE, EPOLLIN | EPOLLET);

	return r < 0 ? r : ct_follow_watch(f, f->client->sock, CT_FOLLOW_CHANNEL, EPOLLIN);
}

static int open_loop(struct ct_follow *f, struct ct_err *err)
{
	sigset_t set;
	int r = 0;

	handled_signals(f->how->sig_proxy, &set);
	f->epoll = epoll_create1(EPOLL_CLOEXEC);
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->epoll < 0 || f->signals < 0)
		return ct_fail_errno(err, errno, "cannot set up the foreground's loop");
	if (f->client)
		r = ct_follow_watch_client(f);
	if (r == 0)
		r = ct_follow_watch(f, f->signals, CT_FOLLOW_SIGNALS, EPOLLIN);
	return r < 0 ? ct_fail_errno(err, -r, "cannot set up the foreground's loop") : 0;
}

/* Raw mode only when there is input to take from it: an output that is looked at while the shell
 * goes on in the terminal must leave that as it is. */
static int run_loop(struct ct_follow *f, struct ct_err *err)
{
	int r = open_loop(f, err);

	if (r == 0 && f->how->tty && f->in.open && isatty(STDIN_FILENO))
		r = ct_terminal_raw(STDIN_FILENO, &f->terminal, err);
	if (r == 0) {
		force_redraw(f);
		r = loop(f, err);
	}
	return r;
}

/* The payload's last line may be unfinished, and is not ours to finish but on a terminal. */
static void say_detached(const struct ct_foreground *how)
{
	char line[512];
	const char *start = how->tty && isatty(STDERR_FILENO) ? "\n" : "";
	int n;

	if (how->session)
		n = snprintf(line, sizeof(line),
			     "%sdetached from %s, cattach attach %s comes back\n", start, how->name,
			     how->name);
	else
		n = snprintf(line, sizeof(line), "%sdetached from %s\n", start, how->name);

	if (ct_write_all(STDERR_FILENO, line, (size_t)n) < 0)
		return;
}

static int follow(struct ct_follow *f, struct ct_err *err)
{
	uint8_t ct_autofree *memory = malloc(CT_FOLLOW_BUFFER + CT_FOLLOW_PENDING);
	int r;

	if (!memory)
		return ct_fail_nomem(err);
	ct_follow_open_output(f, memory);
	ct_follow_open_input(f, memory + CT_FOLLOW_BUFFER);
	r = run_loop(f, err);
	ct_terminal_restore(&f->terminal);
	ct_follow_close_output(f);
	ct_fd_close(f->epoll);
	ct_fd_close(f->signals);
	if (r >= 0 && f->detached && f->how->container)
		ct_event_record(f->how->container, "detach", CT_EVENT_END);
	if (r >= 0 && f->detached)
		say_detached(f->how);
	return r;
}

int ct_foreground_run(struct ct_client *client, struct ct_cursor *cursor,
		      const struct ct_foreground *how, struct ct_err *err)
{
	struct ct_follow f = {
		.client = client, .cursor = cursor, .how = how, .epoll = -1, .signals = -1,
		.connected = true, .terminal = CT_TERMINAL_INIT, .result = -1,
		.waiter = CT_WAITER_INIT, .rest = -1,
	};

	/* The credit of the welcome is the one that our input begins with, not a second one. */
	client->room = false;
	return follow(&f, err);
}

int ct_foreground_show(struct ct_cursor *cursor, const struct ct_foreground *how,
		       struct ct_err *err)
{
	struct ct_foreground only_out = *how;
	struct ct_follow f = {
		.cursor = cursor, .how = &only_out, .epoll = -1, .signals = -1,
		.terminal = CT_TERMINAL_INIT, .result = -1,
		.waiter = CT_WAITER_INIT, .rest = -1,
	};

	only_out.stdin_open = only_out.redraw = only_out.resize = false;
	return follow(&f, err);
}
