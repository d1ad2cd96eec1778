/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ps --ns: the numbers of the namespaces that the payload is in, with podman's names for them.
 *
 * Runs in the command's own process with the caller's rights, and only reads links in /proc. The
 * process is beyond doubt: its pidfd, opened by pid and start time, still names a living one after
 * they were read. Does not fail: what does not run, or does not let itself be looked at, has empty
 * members.
 */
#include "ps.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#define NUMBER_SIZE 24

static const struct {
	const char *member, *link;
} namespaces[] = {
	{ "CGROUPNS", "cgroup" }, { "IPC", "ipc" },   { "MNT", "mnt" }, { "NET", "net" },
	{ "PIDNS", "pid" },	  { "USERNS", "user" }, { "UTS", "uts" },
};

#define COUNT (sizeof(namespaces) / sizeof(namespaces[0]))

/* "pid:[4026531836]" is 4026531836. */
static void read_number(int proc, const char *link, char number[NUMBER_SIZE])
{
	char path[16], text[64];
	const char *digits;
	ssize_t length;

	/* Of a process of another user (a setuid payload) the links are not for us, proc_pid_ns(5):
	 * empty. */
	number[0] = '\0';
	snprintf(path, sizeof(path), "ns/%s", link);
	length = readlinkat(proc, path, text, sizeof(text) - 1);
	if (length <= 0)
		return;
	text[length] = '\0';
	digits = strchr(text, '[');
	if (digits)
		snprintf(number, NUMBER_SIZE, "%.*s", (int)strcspn(digits + 1, "]"), digits + 1);
}

/* The pidfd first, the links between, and then once more whether it still lives: in between the pid
 * cannot have become another process's, for a pid is free only when its process has ended. */
static bool read_numbers(const struct ct_status *status, char numbers[COUNT][NUMBER_SIZE])
{
	int ct_autofd pidfd = ct_proc_open(status->pid, status->starttime);
	struct pollfd ended = { .fd = pidfd, .events = POLLIN };
	int ct_autofd proc = -1;
	char path[24];

	snprintf(path, sizeof(path), "/proc/%d", (int)status->pid);
	proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (pidfd < 0 || proc < 0)
		return false;
	for (size_t i = 0; i < COUNT; i++)
		read_number(proc, namespaces[i].link, numbers[i]);
	return poll(&ended, 1, 0) == 0;
}

/* All or none: numbers of a process that has ended meanwhile may be somebody else's. */
void ct_ps_namespaces(struct ct_values *values, struct ct_json *row,
		      const struct ct_container *container)
{
	char numbers[COUNT][NUMBER_SIZE] = { { 0 } };
	bool known = ct_state_is_live(container->state) &&
		     read_numbers(&container->status, numbers);

	for (size_t i = 0; i < COUNT; i++)
		ct_value_set(values, row, namespaces[i].member,
			     ct_value_string(values, known ? numbers[i] : ""));
}

void ct_ps_namespace_titles(struct ct_values *values, struct ct_json *row)
{
	for (size_t i = 0; i < COUNT; i++)
		ct_value_set(values, row, namespaces[i].member,
			     ct_value_string(values, namespaces[i].member));
}
