/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The user's terminal, in the CLI process: raw mode and size. termios(3), ioctl_tty(2).
 *
 * Signals that end the CLI are taken through a signalfd while the terminal is raw (foreground.c),
 * so that every way out but SIGKILL passes through ct_terminal_restore().
 *
 * TCSADRAIN everywhere: output that the payload has written is shown in the mode that it was
 * written for, and no input is thrown away (TCSAFLUSH would).
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"

/* cfmakeraw(3): no echo, no signals from keys, bytes as they are: all of that is done by the
 * payload's own terminal. */
int ct_terminal_raw(int fd, struct ct_terminal *ret_terminal, struct ct_err *err)
{
	struct termios raw;

	if (tcgetattr(fd, &raw) < 0)
		return ct_fail_errno(err, errno, "cannot read the terminal's settings");
	ret_terminal->saved = raw;
	cfmakeraw(&raw);
	if (tcsetattr(fd, TCSADRAIN, &raw) < 0)
		return ct_fail_errno(err, errno, "cannot make the terminal raw");
	ret_terminal->fd = fd;
	return 0;
}

/* After a SIGCONT: a shell that has taken us back into the foreground may have set its own modes
 * meanwhile. */
void ct_terminal_raw_again(const struct ct_terminal *terminal)
{
	struct termios raw = terminal->saved;

	if (terminal->fd < 0)
		return;
	cfmakeraw(&raw);
	/* In the background it stays the shell's: SIGTTOU would stop us again at once. */
	if (tcgetpgrp(terminal->fd) == getpgrp() && tcsetattr(terminal->fd, TCSADRAIN, &raw) < 0)
		return;
}

void ct_terminal_restore(struct ct_terminal *terminal)
{
	int saved = errno;

	/* What the payload left in the output queue is shown first; a hung-up terminal is no
	 * news. */
	if (terminal->fd >= 0 && tcsetattr(terminal->fd, TCSADRAIN, &terminal->saved) < 0)
		errno = saved;
	terminal->fd = -1;
	errno = saved;
}

/* A size of 0 by 0 is what a serial line or a new pty has: none. */
bool ct_terminal_size(int fd, uint16_t *ret_rows, uint16_t *ret_columns)
{
	struct winsize size;

	if (ioctl(fd, TIOCGWINSZ, &size) < 0 || !size.ws_row || !size.ws_col)
		return false;
	*ret_rows = size.ws_row;
	*ret_columns = size.ws_col;
	return true;
}

/* stdout first: it is what shows the payload's screen. */
bool ct_terminal_caller_size(uint16_t *ret_rows, uint16_t *ret_columns)
{
	return ct_terminal_size(STDOUT_FILENO, ret_rows, ret_columns) ||
	       ct_terminal_size(STDIN_FILENO, ret_rows, ret_columns);
}
