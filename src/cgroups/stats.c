/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel has counted in a cgroup: events and statistics.
 *
 * Runs in commands, and in the monitor at the payload's end, with the caller's privileges; only
 * reads, with fixed memory, for a payload decides how many devices and how many lines there are. A
 * file that is not there belongs to a controller that is not enabled: its numbers are absent or 0.
 * Fails when the cgroup itself is gone.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"

#define TEXT	8192	/* memory.stat is the longest, 2 to 3 KiB */

/* Read a file of "KEY VALUE" lines; "" when there is none. */
static void read_keys(int dir, const char *file, char *text, size_t size)
{
	if (ct_cgroup_read(dir, file, text, size) < 0)
		text[0] = '\0';
}

static int fail_gone(struct ct_err *err, int code)
{
	if (code == ENODEV || code == ENOENT)
		return ct_fail(err, ENODEV, "the cgroup is gone");
	return ct_fail_errno(err, code, "cannot read cgroup.events");
}

int ct_cgroup_events(int dir, struct ct_cgroup_events *ret_events, struct ct_err *err)
{
	struct ct_cgroup_events events = {0};
	uint64_t flag = 0;
	char text[1024];
	ssize_t n = ct_cgroup_read(dir, "cgroup.events", text, sizeof(text));

	if (n < 0)
		return fail_gone(err, (int)-n);
	if (ct_cgroup_find_key(text, "populated", &flag))
		events.populated = flag != 0;
	if (ct_cgroup_find_key(text, "frozen", &flag))
		events.frozen = flag != 0;
	read_keys(dir, "memory.events", text, sizeof(text));
	ct_cgroup_find_key(text, "oom", &events.oom);
	ct_cgroup_find_key(text, "oom_kill", &events.oom_kill);
	ct_cgroup_find_key(text, "max", &events.memory_max);
	read_keys(dir, "pids.events", text, sizeof(text));
	ct_cgroup_find_key(text, "max", &events.pids_max);
	*ret_events = events;
	return 0;
}

static void read_memory(int dir, struct ct_cgroup_stats *stats)
{
	char text[TEXT];

	stats->has_memory = ct_cgroup_read_number(dir, "memory.current", &stats->memory) == 0;
	stats->memory_limit = CT_CGROUP_MAX;
	stats->swap_limit = CT_CGROUP_MAX;
	if (!stats->has_memory)
		return;
	ct_cgroup_read_number(dir, "memory.max", &stats->memory_limit);
	ct_cgroup_read_number(dir, "memory.peak", &stats->memory_peak);
	stats->has_swap = ct_cgroup_read_number(dir, "memory.swap.current", &stats->swap) == 0;
	ct_cgroup_read_number(dir, "memory.swap.max", &stats->swap_limit);
	read_keys(dir, "memory.stat", text, sizeof(text));
	ct_cgroup_find_key(text, "inactive_file", &stats->inactive_file);
	ct_cgroup_find_key(text, "anon", &stats->anon);
	ct_cgroup_find_key(text, "file", &stats->file);
	ct_cgroup_find_key(text, "kernel", &stats->kernel);
}

/* cpu.stat is there without the controller, too: usage is counted everywhere. */
static void read_cpu(int dir, struct ct_cgroup_stats *stats)
{
	char text[TEXT];

	read_keys(dir, "cpu.stat", text, sizeof(text));
	stats->has_cpu = ct_cgroup_find_key(text, "usage_usec", &stats->cpu_usage);
	ct_cgroup_find_key(text, "user_usec", &stats->cpu_user);
	ct_cgroup_find_key(text, "system_usec", &stats->cpu_system);
	ct_cgroup_find_key(text, "nr_periods", &stats->periods);
	ct_cgroup_find_key(text, "nr_throttled", &stats->throttled_periods);
	ct_cgroup_find_key(text, "throttled_usec", &stats->throttled);
}

static void add_io(void *arg, const struct ct_cgroup_io *io)
{
	struct ct_cgroup_stats *stats = arg;

	stats->read_bytes += io->read_bytes;
	stats->write_bytes += io->write_bytes;
	stats->reads += io->reads;
	stats->writes += io->writes;
}

static void read_io(int dir, struct ct_cgroup_stats *stats)
{
	stats->has_io = faccessat(dir, "io.stat", F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	ct_cgroup_each_io(dir, add_io, stats);
}

/* ---- pressure ---- */

/* "0.37" → 37. */
static unsigned parse_hundredths(const char *text)
{
	char *point;
	unsigned long whole = strtoul(text, &point, 10), fraction = 0;

	if (*point == '.' && point[1] >= '0' && point[1] <= '9' && point[2] >= '0' && point[2] <= '9')
		fraction = (unsigned long)(point[1] - '0') * 10 + (unsigned long)(point[2] - '0');
	return whole > 100 ? 10000 : (unsigned)(whole * 100 + fraction);
}

static const char *find_value(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? at + strlen(key) : "0";
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=0" */
static bool parse_stall(const char *line, const char *kind, struct ct_cgroup_stall *ret_stall)
{
	size_t n = strlen(kind);

	if (strncmp(line, kind, n) != 0 || line[n] != ' ')
		return false;
	*ret_stall = (struct ct_cgroup_stall){
		.avg10 = parse_hundredths(find_value(line, "avg10=")),
		.avg60 = parse_hundredths(find_value(line, "avg60=")),
		.avg300 = parse_hundredths(find_value(line, "avg300=")),
		.total = strtoull(find_value(line, "total="), NULL, 10),
	};
	return true;
}

/* Reading fails with EOPNOTSUPP where pressure is switched off. */
static void read_pressure(int dir, const char *file, struct ct_cgroup_pressure *ret_pressure)
{
	char text[512];
	char *rest = text;

	read_keys(dir, file, text, sizeof(text));
	for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
		if (parse_stall(line, "some", &ret_pressure->some))
			ret_pressure->present = true;
		else
			parse_stall(line, "full", &ret_pressure->full);
	}
}

int ct_cgroup_stats(int dir, struct ct_cgroup_stats *ret_stats, struct ct_err *err)
{
	struct ct_cgroup_stats stats = {0};

	if (ct_cgroup_events(dir, &stats.events, err) < 0)
		return -err->code;
	read_memory(dir, &stats);
	read_cpu(dir, &stats);
	stats.has_pids = ct_cgroup_read_number(dir, "pids.current", &stats.pids) == 0;
	stats.pids_limit = CT_CGROUP_MAX;
	ct_cgroup_read_number(dir, "pids.max", &stats.pids_limit);
	read_io(dir, &stats);
	read_pressure(dir, "cpu.pressure", &stats.cpu_pressure);
	read_pressure(dir, "memory.pressure", &stats.memory_pressure);
	read_pressure(dir, "io.pressure", &stats.io_pressure);
	*ret_stats = stats;
	return 0;
}
