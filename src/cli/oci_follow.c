/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run and exec of the runtime command line in the foreground: a process that is our own child, until
 * it has ended. Signals are passed on. Where the process has a terminal of its own and nobody else
 * asked for its master, we are the one who carries what is typed and what is shown, with our own
 * terminal raw meanwhile and the size of the process's following ours. Without one it has our
 * descriptors as they are, but for terminals (exec_relay.c).
 *
 * Runs in the command with the caller's rights. What may fail: making pipes, a terminal that cannot be
 * made raw.
 */
#include "oci_follow.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "foreground.h"
#include "oci.h"

void oci_follow_init(struct oci_follow *f)
{
	f->terminal = f->signals = -1;
	f->own = (struct ct_terminal)CT_TERMINAL_INIT;
	f->unread = false;
	ct_relays_init(&f->relays);
}

int oci_follow_open(struct oci_follow *f, struct ct_ns_stdio *ret_stdio, struct ct_err *err)
{
	sigset_t set;

	if (ct_relays_open(&f->relays, true, ret_stdio, err) < 0)
		return -err->code;
	ct_terminal_caller_size(&ret_stdio->rows, &ret_stdio->columns);
	ct_foreground_signals(&set);
	f->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signals < 0)
		return ct_fail_errno(err, errno, "cannot watch signals");
	ct_foreground_block(true);
	return 0;
}

int oci_follow_start(struct oci_follow *f, int terminal, struct ct_err *err)
{
	ct_relays_started(&f->relays);
	if (terminal < 0)
		return 0;
	ct_relays_close(&f->relays);
	f->terminal = terminal;
	if (ct_relays_open_terminal(&f->relays, terminal, err) < 0)
		return -err->code;
	return isatty(STDIN_FILENO) ? ct_terminal_raw(STDIN_FILENO, &f->own, err) : 0;
}

static void resize(const struct oci_follow *f)
{
	struct winsize size = { 0 };

	if (f->terminal >= 0 && ct_terminal_caller_size(&size.ws_row, &size.ws_col) &&
	    ioctl(f->terminal, TIOCSWINSZ, &size) < 0)
		return;
}

static void take_signals(const struct oci_follow *f, int pidfd)
{
	struct signalfd_siginfo info;

	while (read(f->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		int number = (int)info.ssi_signo;

		if (number == SIGCONT)
			ct_terminal_raw_again(&f->own);
		/* The kernel tells whoever is at that terminal. */
		if (number == SIGWINCH && f->terminal >= 0)
			resize(f);
		else
			ct_pidfd_signal(pidfd, number);
	}
}

/* Nobody reads our output any more: to the process its terminal hangs up, or its pipe has no reader. */
static void give_up(struct oci_follow *f)
{
	f->unread = true;
	if (f->terminal >= 0)
		ct_relays_close(&f->relays);
	ct_drop_fd(&f->terminal);
}

/* True when the process has ended. */
static bool turn(struct oci_follow *f, int pidfd)
{
	enum { PROCESS, SIGNALS, RELAYS, COUNT = RELAYS + 3 };
	struct pollfd fds[COUNT] = {
		[PROCESS] = { .fd = pidfd, .events = POLLIN },
		[SIGNALS] = { .fd = f->signals, .events = POLLIN },
	};

	ct_relays_poll(&f->relays, fds + RELAYS);
	if (poll(fds, COUNT, -1) < 0)
		return errno != EINTR;
	if (fds[SIGNALS].revents)
		take_signals(f, pidfd);
	if (!ct_relays_pump(&f->relays))
		give_up(f);
	return fds[PROCESS].revents != 0;
}

/* What it wrote before its end is there by now. */
static void drain(struct oci_follow *f)
{
	ct_relays_last(&f->relays);
	while (!f->unread && ct_relays_pending(&f->relays)) {
		struct pollfd fds[3];

		f->unread = !ct_relays_pump(&f->relays);
		ct_relays_poll(&f->relays, fds);
		if (ct_relays_pending(&f->relays) && poll(fds, 3, -1) < 0 && errno != EINTR)
			return;
	}
}

int oci_follow_wait(struct oci_follow *f, int pidfd)
{
	struct ct_exit status = { .value = OCI_EXIT_NOT_STARTED };

	while (!turn(f, pidfd))
		continue;
	ct_pidfd_wait(pidfd, &status);
	/* From here on a signal is for us: it ends us where our output is stuck. */
	ct_foreground_unblock(true);
	drain(f);
	return ct_exit_code(&status);
}

void oci_follow_close(struct oci_follow *f)
{
	ct_terminal_restore(&f->own);
	ct_relays_close(&f->relays);
	ct_drop_fd(&f->terminal);
	ct_drop_fd(&f->signals);
}
