/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of this machine, as it stands in meta.json: host name, "/", machine id.
 *
 * Homes are shared between machines, and a pid in a record only means something on the machine
 * that wrote it. Images are cloned with their machine id and hosts share names, hence both. A
 * machine without the file (or a container) has the host name alone.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <cattach/container.h>
#include <cattach/fd.h>

#define MACHINE_ID_LENGTH 32	/* machine-id(5) */

static void read_machine_id(char buf[MACHINE_ID_LENGTH + 1])
{
	int ct_autofd fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t size = fd < 0 ? -1 : read(fd, buf, MACHINE_ID_LENGTH);

	buf[size < 0 ? 0 : size] = '\0';
	/* "uninitialized" during the first boot is no identity, nor is half of one. */
	if (strspn(buf, "0123456789abcdef") != MACHINE_ID_LENGTH)
		buf[0] = '\0';
}

const char *ct_host_identity(struct ct_arena *arena)
{
	char host[256] = "", machine[MACHINE_ID_LENGTH + 1];
	const char *text;

	if (gethostname(host, sizeof(host) - 1) < 0)
		host[0] = '\0';
	read_machine_id(machine);
	text = ct_arena_printf(arena, "%s/%s", host, machine);
	return text ? text : "/";
}
