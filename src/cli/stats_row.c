/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container as a row of "cattach stats": docker's members, docker's texts.
 *
 * Builds values only, from readings that were taken before. What is not known, because the
 * container does not run, has no cgroup, or its cgroup not that controller, is "--". For programs
 * the same numbers are there as the kernel has them, in .Usage, and the pressure of each resource
 * in .Pressure: the percentage of the last 10, 60 and 300 seconds, and microseconds in total.
 *
 *   CPUPerc   of one processor: 200% is two of them      MemUsage   KiB, 1024, four digits
 *   MemPerc   of the limit, or of the host's memory      BlockIO, NetIO   kB, 1000, three digits
 *
 * Units and digits are docker's; scripts cut them apart.
 */
#include "stats.h"

#include <stdio.h>
#include <string.h>

/* ---- amounts ---- */

/* So many significant digits; what would round up to four digits before the point is the next
 * unit's. 999.5 kB would be printed as "1e+03kB" by %.3g; with base 1024 there are four digits to
 * be had. */
static const char *amount(double value, double base, int digits, const char *const *units,
			  char buf[CT_AMOUNT_SIZE])
{
	double limit = base == 1000 ? 999.5 : base;

	while (value >= limit && units[1]) {
		value /= base;
		units++;
	}
	snprintf(buf, CT_AMOUNT_SIZE, "%.*g%s", digits, value, *units);
	return buf;
}

const char *ct_amount_binary(uint64_t bytes, char buf[CT_AMOUNT_SIZE])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", NULL };

	return amount((double)bytes, 1024, 4, units, buf);
}

const char *ct_amount_decimal(uint64_t bytes, char buf[CT_AMOUNT_SIZE])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB", NULL };

	return amount((double)bytes, 1000, 3, units, buf);
}

/* ---- docker's members ---- */

static void set_text(struct ct_values *values, struct ct_json *row, const char *key,
		     const char *text)
{
	ct_value_set(values, row, key, ct_value_string(values, text));
}

static void set_percent(struct ct_values *values, struct ct_json *row, const char *key, bool known,
			double percent)
{
	char text[CT_AMOUNT_SIZE];

	snprintf(text, sizeof(text), "%.2f%%", percent);
	set_text(values, row, key, known ? text : "--");
}

/* "1kB / 2kB" */
static void set_pair(struct ct_values *values, struct ct_json *row, const char *key, bool known,
		     const char *first, const char *second)
{
	char text[2 * CT_AMOUNT_SIZE + 8];

	snprintf(text, sizeof(text), "%s / %s", first, second);
	set_text(values, row, key, known ? text : "-- / --");
}

static void set_amounts(struct ct_values *values, struct ct_json *row, const char *key, bool known,
			uint64_t first, uint64_t second)
{
	char a[CT_AMOUNT_SIZE], b[CT_AMOUNT_SIZE];

	set_pair(values, row, key, known, ct_amount_decimal(first, a),
		 ct_amount_decimal(second, b));
}

/* Without a limit of its own, or with one above the host's memory, the host's memory is the
 * limit. */
static void set_memory(struct ct_values *values, struct ct_json *row,
		       const struct ct_stats_entry *entry, uint64_t host)
{
	bool known = entry->known && entry->now.cgroup.has_memory;
	uint64_t used = known ? ct_usage_memory(&entry->now) : 0;
	uint64_t limit = known ? ct_usage_memory_limit(&entry->now, host) : 0;
	char a[CT_AMOUNT_SIZE], b[CT_AMOUNT_SIZE];

	set_percent(values, row, "MemPerc", known,
		    limit ? (double)used * 100 / (double)limit : 0.0);
	set_pair(values, row, "MemUsage", known, ct_amount_binary(used, a),
		 ct_amount_binary(limit, b));
}

static void set_pids(struct ct_values *values, struct ct_json *row,
		     const struct ct_stats_entry *entry)
{
	bool known = entry->known && entry->now.cgroup.has_pids;
	char text[CT_AMOUNT_SIZE];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)entry->now.cgroup.pids);
	set_text(values, row, "PIDs", known ? text : "--");
}

/* .Container is what was typed, .ID the id: with all containers they are the same but for its
 * length. */
static void set_identity(struct ct_values *values, struct ct_json *row,
			 const struct ct_stats_entry *entry, bool no_trunc)
{
	size_t length = strlen(entry->id);

	if (!no_trunc && length > CT_SHORT_ID_LENGTH)
		length = CT_SHORT_ID_LENGTH;
	set_text(values, row, "Container", entry->as_given ? entry->as_given : entry->id);
	ct_value_set(values, row, "ID", ct_value_string_n(values, entry->id, length));
}

/* ---- plain numbers ---- */

/* What the kernel calls "max" is no number: null. */
static void set_number(struct ct_values *values, struct ct_json *object, const char *key,
		       bool known, uint64_t number)
{
	known = known && number <= INT64_MAX;
	ct_value_set(values, object, key, known ? ct_value_i64(values, (int64_t)number) :
						  ct_value_null(values));
}

/* Names of ours; the units are the kernel's: microseconds, bytes, counts (cgroup-v2.rst). Present
 * but null where the controller is not, so that a template does not fail on one host and work on
 * another. */
static struct ct_json *usage_object(struct ct_values *values, const struct ct_usage *u)
{
	const struct ct_cgroup_stats *s = &u->cgroup;
	struct ct_json *object = ct_value_object(values);

	set_number(values, object, "CPUUsec", s->has_cpu, s->cpu_usage);
	set_number(values, object, "CPUUserUsec", s->has_cpu, s->cpu_user);
	set_number(values, object, "CPUSystemUsec", s->has_cpu, s->cpu_system);
	set_number(values, object, "ThrottledUsec", s->has_cpu, s->throttled);
	set_number(values, object, "ThrottledPeriods", s->has_cpu, s->throttled_periods);
	set_number(values, object, "Memory", s->has_memory, s->memory);
	set_number(values, object, "MemoryInactiveFile", s->has_memory, s->inactive_file);
	set_number(values, object, "MemoryLimit", s->has_memory, s->memory_limit);
	set_number(values, object, "MemoryPeak", s->has_memory && s->memory_peak, s->memory_peak);
	set_number(values, object, "Swap", s->has_swap, s->swap);
	set_number(values, object, "SwapLimit", s->has_swap, s->swap_limit);
	set_number(values, object, "PIDs", s->has_pids, s->pids);
	set_number(values, object, "PIDsLimit", s->has_pids, s->pids_limit);
	set_number(values, object, "ReadBytes", s->has_io, s->read_bytes);
	set_number(values, object, "WriteBytes", s->has_io, s->write_bytes);
	set_number(values, object, "Reads", s->has_io, s->reads);
	set_number(values, object, "Writes", s->has_io, s->writes);
	set_number(values, object, "NetReceivedBytes", u->has_network, u->received);
	set_number(values, object, "NetSentBytes", u->has_network, u->sent);
	set_number(values, object, "OOM", s->has_memory, s->events.oom);
	set_number(values, object, "OOMKill", s->has_memory, s->events.oom_kill);
	return object;
}

static void set_stall(struct ct_values *values, struct ct_json *object, const char *key,
		      const struct ct_cgroup_stall *stall)
{
	struct ct_json *o = ct_value_object(values);

	ct_value_set(values, o, "avg10", ct_value_hundredths(values, stall->avg10));
	ct_value_set(values, o, "avg60", ct_value_hundredths(values, stall->avg60));
	ct_value_set(values, o, "avg300", ct_value_hundredths(values, stall->avg300));
	set_number(values, o, "total", true, stall->total);
	ct_value_set(values, object, key, o);
}

/* "full" of the processor exists since Linux 5.13 only, and is 0 before. */
static void set_pressure(struct ct_values *values, struct ct_json *object, const char *key,
			 const struct ct_cgroup_pressure *pressure)
{
	struct ct_json *o = ct_value_object(values);

	if (!pressure->present) {
		ct_value_set(values, object, key, ct_value_null(values));
		return;
	}
	set_stall(values, o, "some", &pressure->some);
	set_stall(values, o, "full", &pressure->full);
	ct_value_set(values, object, key, o);
}

static struct ct_json *pressure_object(struct ct_values *values, const struct ct_cgroup_stats *s)
{
	struct ct_json *object = ct_value_object(values);

	set_pressure(values, object, "CPU", &s->cpu_pressure);
	set_pressure(values, object, "IO", &s->io_pressure);
	set_pressure(values, object, "Memory", &s->memory_pressure);
	return object;
}

/* ---- rows ---- */

/* ct_usage_cpu_rate() is millionths of a processor; a ten thousandth of that is percent. */
const struct ct_json *ct_stats_row(struct ct_values *values, const struct ct_stats_entry *entry,
				   const struct ct_stats_style *style)
{
	const struct ct_cgroup_stats *s = &entry->now.cgroup;
	struct ct_json *row = ct_value_object(values);

	set_amounts(values, row, "BlockIO", entry->known && s->has_io, s->read_bytes,
		    s->write_bytes);
	set_percent(values, row, "CPUPerc", entry->known && entry->has_before && s->has_cpu,
		    (double)ct_usage_cpu_rate(&entry->before, &entry->now) / 10000);
	set_identity(values, row, entry, style->no_trunc);
	set_memory(values, row, entry, style->host_memory);
	set_text(values, row, "Name", entry->name);
	set_amounts(values, row, "NetIO", entry->known && entry->now.has_network,
		    entry->now.received, entry->now.sent);
	set_pids(values, row, entry);
	ct_value_set(values, row, "Pressure", entry->known ? pressure_object(values, s) :
							     ct_value_null(values));
	ct_value_set(values, row, "Usage", entry->known ? usage_object(values, &entry->now) :
							  ct_value_null(values));
	return row;
}

const struct ct_json *ct_stats_header(struct ct_values *values)
{
	static const char *const titles[][2] = {
		{ "BlockIO", "BLOCK I/O" }, { "CPUPerc", "CPU %" },
		{ "Container", "CONTAINER" }, { "ID", "CONTAINER ID" },
		{ "MemPerc", "MEM %" }, { "MemUsage", "MEM USAGE / LIMIT" },
		{ "Name", "NAME" }, { "NetIO", "NET I/O" }, { "PIDs", "PIDS" },
	};
	struct ct_json *row = ct_value_object(values);

	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++)
		set_text(values, row, titles[i][0], titles[i][1]);
	return row;
}
