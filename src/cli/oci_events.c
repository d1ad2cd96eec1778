/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci events: what a container uses, as a line of JSON now and at every interval, and a line
 * whenever somebody in it was killed because memory ran out, in the form that callers of runc read.
 *
 * Runs in the command with the caller's rights, until the container's process has ended; only reads. May
 * fail: a container that does not run, or has no cgroup to be read. Numbers that the kernel does not have
 * are left out.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <cattach/cgroup.h>
#include <cattach/fd.h>
#include <cattach/json.h>
#include <cattach/num.h>
#include <cattach/proc.h>
#include <cattach/states.h>
#include <cattach/stats.h>

#include "cli.h"
#include "oci.h"

#define DEFAULT_INTERVAL	(UINT64_C(5) * 1000000000)
#define NS_PER_US		1000

struct events_options {
	bool stats;
	const char *interval;
};

static const struct ct_option events_table[] = {
	{ "stats", 0, CT_OPTION_BOOL, NULL, offsetof(struct events_options, stats),
	  "One reading, and no more" },
	{ "interval", 0, CT_OPTION_STRING, "DURATION", offsetof(struct events_options, interval),
	  "From one reading to the next (default 5s)" },
	{ 0 },
};

struct watching {
	const struct ct_container *container;
	struct ct_cgroup cgroup;
	int payload, memory;		/* pidfd; what tells of memory running out, or -1 */
	uint64_t interval, next;	/* ns */
	uint64_t oom_kills;
};

/* ---- one reading ---- */

static void begin(struct ct_json_writer *w, const char *key)
{
	ct_json_key(w, key);
	ct_json_begin_object(w);
}

static void put_cpu(struct ct_json_writer *w, const struct ct_cgroup_stats *s)
{
	begin(w, "cpu");
	begin(w, "usage");
	if (s->has_cpu) {
		ct_json_put_u64(w, "total", s->cpu_usage * NS_PER_US);
		ct_json_put_u64(w, "kernel", s->cpu_system * NS_PER_US);
		ct_json_put_u64(w, "user", s->cpu_user * NS_PER_US);
	}
	ct_json_end_object(w);
	begin(w, "throttling");
	ct_json_put_u64(w, "periods", s->periods);
	ct_json_put_u64(w, "throttledPeriods", s->throttled_periods);
	ct_json_put_u64(w, "throttledTime", s->throttled * NS_PER_US);
	ct_json_end_object(w);
	ct_json_end_object(w);
}

/* Swap together with memory, as version 1 has counted it. */
static void put_swap(struct ct_json_writer *w, const struct ct_cgroup_stats *s)
{
	bool limited = s->swap_limit != CT_CGROUP_MAX && s->memory_limit != CT_CGROUP_MAX;

	begin(w, "swap");
	ct_json_put_u64(w, "limit", limited ? s->swap_limit + s->memory_limit : CT_CGROUP_MAX);
	ct_json_put_u64(w, "usage", s->swap + s->memory);
	ct_json_put_u64(w, "failcnt", 0);
	ct_json_end_object(w);
}

static void put_memory_stat(void *arg, const char *key, uint64_t value)
{
	ct_json_put_u64(arg, key, value);
}

static void put_memory(struct ct_json_writer *w, const struct ct_cgroup_stats *s, int dir)
{
	begin(w, "memory");
	if (s->has_memory) {
		begin(w, "usage");
		ct_json_put_u64(w, "limit", s->memory_limit);
		ct_json_put_u64(w, "usage", s->memory);
		ct_json_put_u64(w, "max", s->memory_peak);
		ct_json_put_u64(w, "failcnt", s->events.memory_max);
		ct_json_end_object(w);
		ct_json_put_u64(w, "cache", s->file);
		if (s->has_swap)
			put_swap(w, s);
		begin(w, "raw");
		ct_cgroup_each_memory_stat(dir, put_memory_stat, w);
		ct_json_end_object(w);
	}
	ct_json_end_object(w);
}

static void put_pids(struct ct_json_writer *w, const struct ct_cgroup_stats *s)
{
	begin(w, "pids");
	if (s->has_pids) {
		ct_json_put_u64(w, "current", s->pids);
		/* 0 is how callers have "no limit". */
		ct_json_put_u64(w, "limit", s->pids_limit == CT_CGROUP_MAX ? 0 : s->pids_limit);
	}
	ct_json_end_object(w);
}

static void put_entry(struct ct_json_writer *w, const struct ct_cgroup_io *io, const char *op,
		      uint64_t value)
{
	ct_json_begin_object(w);
	ct_json_put_u64(w, "major", io->major);
	ct_json_put_u64(w, "minor", io->minor);
	ct_json_put_string(w, "op", op);
	ct_json_put_u64(w, "value", value);
	ct_json_end_object(w);
}

static void put_bytes(void *arg, const struct ct_cgroup_io *io)
{
	put_entry(arg, io, "Read", io->read_bytes);
	put_entry(arg, io, "Write", io->write_bytes);
}

static void put_operations(void *arg, const struct ct_cgroup_io *io)
{
	put_entry(arg, io, "Read", io->reads);
	put_entry(arg, io, "Write", io->writes);
}

static void put_blkio(struct ct_json_writer *w, int dir)
{
	begin(w, "blkio");
	ct_json_key(w, "ioServiceBytesRecursive");
	ct_json_begin_array(w);
	ct_cgroup_each_io(dir, put_bytes, w);
	ct_json_end_array(w);
	ct_json_key(w, "ioServicedRecursive");
	ct_json_begin_array(w);
	ct_cgroup_each_io(dir, put_operations, w);
	ct_json_end_array(w);
	ct_json_end_object(w);
}

static void put_huge(void *arg, const struct ct_cgroup_huge_usage *huge)
{
	struct ct_json_writer *w = arg;

	begin(w, huge->size);
	ct_json_put_u64(w, "usage", huge->usage);
	ct_json_put_u64(w, "failcnt", huge->failed);
	ct_json_end_object(w);
}

static void put_data(struct ct_json_writer *w, const struct ct_usage *usage, int dir)
{
	begin(w, "data");
	put_cpu(w, &usage->cgroup);
	put_memory(w, &usage->cgroup, dir);
	put_pids(w, &usage->cgroup);
	put_blkio(w, dir);
	begin(w, "hugetlb");
	ct_cgroup_each_huge(dir, put_huge, w);
	ct_json_end_object(w);
	ct_json_key(w, "network_interfaces");
	ct_json_null(w);
	ct_json_end_object(w);
}

/* A line: of a reading, or without one. */
static int print_event(const struct watching *w, const char *type, const struct ct_usage *usage,
		       struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer writer;

	if (ct_json_writer_open(&writer, &buf, false, err) < 0)
		return -err->code;
	ct_json_begin_object(&writer);
	ct_json_put_string(&writer, "type", type);
	ct_json_put_string(&writer, "id", w->container->meta.id);
	if (usage)
		put_data(&writer, usage, w->cgroup.container);
	ct_json_end_object(&writer);
	ct_json_writer_close(&writer);
	if (buf.length && buf.data[buf.length - 1] != '\n')
		ct_buf_putc(&buf, '\n');
	return ct_print(&buf, err);
}

static int print_reading(struct watching *w, struct ct_err *err)
{
	struct ct_usage usage;
	int r = ct_usage_read(w->cgroup.container, -1, &usage, err);

	if (r < 0)
		return r;
	w->oom_kills = usage.cgroup.events.oom_kill;
	return print_event(w, "stats", &usage, err);
}

/* ---- as they come ---- */

static int look_at_memory(struct watching *w, struct ct_err *err)
{
	struct ct_cgroup_events events;
	struct ct_err ignored;
	uint64_t before = w->oom_kills;
	char drop[512];

	/* Read, or it would be told again at once; and so would a cgroup that has gone. */
	if (lseek(w->memory, 0, SEEK_SET) < 0 || read(w->memory, drop, sizeof(drop)) < 0 ||
	    ct_cgroup_events(w->cgroup.container, &events, &ignored) < 0) {
		ct_drop_fd(&w->memory);
		return 0;
	}
	w->oom_kills = events.oom_kill;
	return events.oom_kill > before ? print_event(w, "oom", NULL, err) : 0;
}

/* Who was held up, by a reader or a machine that slept, does not make up for what it has missed. */
static uint64_t after(uint64_t moment, uint64_t interval)
{
	uint64_t now = ct_now_monotonic(), next = 0;

	if (__builtin_add_overflow(moment, interval, &next))
		return UINT64_MAX;
	return next > now ? next : now;
}

static int time_left(const struct watching *w)
{
	uint64_t now = ct_now_monotonic();

	if (now >= w->next)
		return 0;
	return (w->next - now) / 1000000 < 60000 ? (int)((w->next - now) / 1000000) + 1 : 60000;
}

/* 1 when its process has ended. */
static int turn(struct watching *w, struct ct_err *err)
{
	struct pollfd fds[] = {
		{ .fd = w->payload, .events = POLLIN },
		{ .fd = w->memory, .events = POLLPRI },
	};
	int r = 0;

	if (poll(fds, 2, time_left(w)) < 0)
		return errno == EINTR ? 0 : ct_fail_errno(err, errno, "cannot wait");
	if (fds[1].revents || (fds[0].revents && w->memory >= 0))
		r = look_at_memory(w, err);
	if (fds[0].revents)
		return r < 0 ? r : 1;
	if (r == 0 && !time_left(w)) {
		w->next = after(w->next, w->interval);
		r = print_reading(w, err);
	}
	return r;
}

static int watch(struct watching *w, struct ct_err *err)
{
	int r;

	w->memory = ct_cgroup_watch_memory(w->cgroup.container);
	w->next = after(ct_now_monotonic(), w->interval);
	do
		r = turn(w, err);
	while (r == 0);
	/* On its way out, the cgroup goes first. */
	return r < 0 && err->code != ENODEV ? r : 0;
}

static int open_container(struct watching *w, struct ct_err *err)
{
	const struct ct_container *c = w->container;

	if (ct_container_is_live(c))
		w->payload = ct_proc_open(c->status.pid, c->status.starttime);
	if (w->payload < 0)
		return ct_fail(err, ESRCH, "container not running");
	return ct_container_cgroup(c, &w->cgroup, err);
}

static int parse_interval(const char *text, uint64_t *ret_interval, struct ct_err *err)
{
	if (!text)
		return 0;
	if (ct_parse_duration(text, ret_interval, err) < 0)
		return ct_wrap(err, "--interval");
	if (*ret_interval)
		return 0;
	ct_fail(err, EINVAL, "must be more than 0");
	return ct_wrap(err, "--interval");
}

static int events_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct events_options *o = call->options;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct watching w = {
		.container = &c, .cgroup = CT_CGROUP_INIT, .payload = -1, .memory = -1,
		.interval = DEFAULT_INTERVAL,
	};
	int r = parse_interval(o->interval, &w.interval, err);

	if (r == 0)
		r = oci_find(call, &store, &c, err);
	if (r == 0)
		r = open_container(&w, err);
	if (r == 0)
		r = print_reading(&w, err);
	if (r == 0 && !o->stats)
		r = watch(&w, err);
	ct_cgroup_close(&w.cgroup);
	ct_drop_fd(&w.payload);
	ct_drop_fd(&w.memory);
	return r;
}

const struct oci_command oci_events = {
	.name = "events", .synopsis = "[OPTIONS] ID", .summary = "Print what a container uses",
	.options = events_table, .options_size = sizeof(struct events_options),
	.min_operands = 1, .max_operands = 1, .handler = events_handler,
};
