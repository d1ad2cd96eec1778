/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container uses: one reading of its cgroup, and of the counters of its network devices.
 *
 * Runs in commands, as the user, and only reads; nothing is taken from a process of the container.
 * The devices are found through the payload's /proc directory, whose owner is checked to have been
 * the payload after the file was opened. A container on somebody else's network, the host's say,
 * has no numbers of its own there. Fails for containers that do not run or have no cgroup, and when
 * the cgroup goes away.
 *
 *    of the cgroup       processor, memory, processes, block devices (bytes, by device)
 *    of /proc/PID/net    bytes of all devices but lo, where the network is the container's own
 */
#include <cattach/stats.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/proc.h>

#include "record.h"

/* ---- network ---- */

/* "  eth0: 1296 16 0 0 0 0 0 0 816 10 0 0 0 0 0 0": bytes in come first, bytes out ninth. */
static void add_device(const char *line, struct ct_usage *usage)
{
	const char *colon = strrchr(line, ':');
	uint64_t numbers[9];

	line += strspn(line, " ");
	if (!colon || !strncmp(line, "lo:", 3))
		return;
	line = colon + 1;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		char *end;

		numbers[i] = strtoull(line, &end, 10);
		if (end == line)
			return;
		line = end;
	}
	usage->received += numbers[0];
	usage->sent += numbers[8];
}

static void read_network(int fd, struct ct_usage *usage)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	FILE *file = copy < 0 ? NULL : fdopen(copy, "r");
	char line[512];

	if (!file) {
		ct_fd_close(copy);
		return;
	}
	usage->has_network = true;
	while (fgets(line, sizeof(line), file))
		add_device(line, usage);
	fclose(file);
}

/* Has the process the network that we have? Who does not let us look has its own, as a rule. */
static bool is_own_network(pid_t pid)
{
	struct stat own, other;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
	if (stat("/proc/self/ns/net", &own) < 0 || stat(path, &other) < 0)
		return true;
	return own.st_dev != other.st_dev || own.st_ino != other.st_ino;
}

/* The payload's list of devices, or -1. */
static int open_network(const struct ct_container *c)
{
	const struct ct_status *status = &c->status;
	int ct_autofd payload = ct_proc_open(status->pid, status->starttime);
	int ct_autofd fd = -1;
	char path[48];

	if (payload < 0 || !is_own_network(status->pid))
		return -1;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)status->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	/* Ended meanwhile, the number may have been somebody else's. */
	return ct_pidfd_await(payload, 0) == 0 ? ct_take_fd(&fd) : -1;
}

/* ---- a reading ---- */

int ct_usage_read(int cgroup, int network, struct ct_usage *ret_usage, struct ct_err *err)
{
	struct ct_usage usage = { .taken = ct_now_monotonic() };

	if (ct_cgroup_stats(cgroup, &usage.cgroup, err) < 0)
		return -err->code;
	if (network >= 0)
		read_network(network, &usage);
	*ret_usage = usage;
	return 0;
}

static int fail_not_running(const struct ct_container *c, struct ct_err *err)
{
	if (ct_container_is_live(c))
		return ct_fail(err, ESRCH, "%s %s is not running: it is just ending",
			       ct_container_kind(c), ct_container_label(c));
	return ct_state_refuse(c, CT_ACT_STATS, err);
}

int ct_container_usage(const struct ct_container *container, struct ct_usage *ret_usage,
		       struct ct_err *err)
{
	struct ct_cgroup ct_autocgroup cgroup = CT_CGROUP_INIT;
	int ct_autofd network = -1;
	int r;

	if (!ct_container_is_live(container))
		return fail_not_running(container, err);
	r = ct_container_cgroup(container, &cgroup, err);
	if (r == 0) {
		network = open_network(container);
		r = ct_usage_read(cgroup.container, network, ret_usage, err);
	}
	/* On its way out, the cgroup goes first. */
	return r == -ENOENT || r == -ENODEV ? fail_not_running(container, err) : r;
}

/* ---- what it means ---- */

/* cpu_usage is in microseconds, time in nanoseconds: millionths of a processor. */
uint64_t ct_usage_cpu_rate(const struct ct_usage *before, const struct ct_usage *now)
{
	uint64_t time = now->taken > before->taken ? now->taken - before->taken : 0;
	uint64_t used = now->cgroup.cpu_usage;

	/* Less than before: started again meanwhile, in a new cgroup. */
	if (!time || used < before->cgroup.cpu_usage)
		return 0;
	used -= before->cgroup.cpu_usage;
	return (uint64_t)((double)used * 1e9 / (double)time);
}

/* docker's: without what the kernel would give back first. */
uint64_t ct_usage_memory(const struct ct_usage *usage)
{
	const struct ct_cgroup_stats *stats = &usage->cgroup;

	return stats->memory > stats->inactive_file ? stats->memory - stats->inactive_file : 0;
}

uint64_t ct_usage_memory_limit(const struct ct_usage *usage, uint64_t host)
{
	return usage->cgroup.memory_limit < host ? usage->cgroup.memory_limit : host;
}
