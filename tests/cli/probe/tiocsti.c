/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A probe for the inside of a container with a terminal: tries to push a character into its own
 * terminal's input, as TIOCSTI and TIOCLINUX would let a payload type into the shell that it was
 * started from, and prints what each attempt answers. Without a terminal it tries its descriptors
 * 0, 1 and 2.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void try_one(int terminal, const char *name, unsigned long request)
{
	char byte = ' ';
	long r = syscall(SYS_ioctl, terminal, request, &byte);

	printf("%s: %s\n", name, r < 0 ? strerrorname_np(errno) : "ok");
}

static void try_all(int terminal)
{
	try_one(terminal, "TIOCSTI", TIOCSTI);
	try_one(terminal, "TIOCSTI|1<<32", TIOCSTI | 1UL << 32);
	try_one(terminal, "TIOCLINUX", TIOCLINUX);
}

int main(void)
{
	int terminal = open("/dev/tty", O_RDWR);

	if (terminal >= 0) {
		try_all(terminal);
		return 0;
	}
	printf("/dev/tty: %s\n", strerrorname_np(errno));
	for (int fd = 0; fd < 3; fd++)
		try_all(fd);
	return 0;
}
