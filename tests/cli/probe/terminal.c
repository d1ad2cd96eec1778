/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries to type into the terminal behind it, and to take it over: TIOCSTI, TIOCLINUX, TIOCSCTTY
 * and tcsetpgrp(3) on descriptors 0 to 2 and on /dev/tty. Prints what each answers, one line
 * "NAME: ERRNO" or "NAME: ok", and "none" where there is no /dev/tty.
 *
 * Runs in a container. What is typed is an 'X', which nobody may ever see outside.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static void say(const char *what, const char *where, int rc)
{
	printf("%s %s: %s\n", where, what, rc < 0 ? strerrorname_np(errno) : "ok");
	fflush(stdout);
}

static void attack(int fd, const char *where)
{
	char paste[2] = { 3, 0 };

	say("TIOCSTI", where, ioctl(fd, TIOCSTI, "X"));
	say("TIOCSTI|1<<32", where, ioctl(fd, TIOCSTI | 1UL << 32, "X"));
	say("TIOCLINUX", where, ioctl(fd, TIOCLINUX, paste));
	say("TIOCSCTTY", where, ioctl(fd, TIOCSCTTY, 1));
	say("tcsetpgrp", where, tcsetpgrp(fd, getpgrp()));
}

int main(void)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);

	attack(0, "stdin");
	attack(1, "stdout");
	attack(2, "stderr");
	if (tty < 0)
		printf("tty: none\n");
	else
		attack(tty, "tty");
	return 0;
}
