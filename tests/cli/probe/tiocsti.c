/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe for the inside of a container with a terminal: tries to push a character into its own
 * terminal's input, as TIOCSTI and TIOCLINUX would let a payload type into the shell that it was
 * started from, and prints what each attempt answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try(int terminal, const char *name, unsigned long request)
{
	char byte = ' ';
	long r = syscall(SYS_ioctl, terminal, request, &byte);

	printf("%s: %s\n", name, r < 0 ? strerrorname_np(errno) : "ok");
}

int main(void)
{
	int terminal = open("/dev/tty", O_RDWR);

	if (terminal < 0) {
		perror("/dev/tty");
		return 1;
	}
	try(terminal, "TIOCSTI", TIOCSTI);
	try(terminal, "TIOCSTI|1<<32", TIOCSTI | 1UL << 32);
	try(terminal, "TIOCLINUX", TIOCLINUX);
	return 0;
}
