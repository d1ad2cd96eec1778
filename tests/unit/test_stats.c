/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the kernel's files to a row of stats: every number of a row is worked out here by hand from
 * files as the kernel writes them, in a plain directory. Any user.
 */
#include "cli/stats.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/fd.h>
#include <cattach/stats.h>

#include "fixture.h"

#define GIB	(UINT64_C(1) << 30)
#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static struct ct_err err;

/* 24 MiB in use, of which 4 MiB would be given back, of 80 MiB; 3 processes of 100. */
static void make_files(void)
{
	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	fixture_file("memory.current", "25165824\n");
	fixture_file("memory.max", "83886080\n");
	fixture_file("memory.peak", "30000000\n");
	fixture_file("memory.swap.current", "4096\n");
	fixture_file("memory.swap.max", "max\n");
	fixture_file("memory.stat", "anon 16777216\nfile 8388608\nkernel 65536\ninactive_anon 1\n"
				    "inactive_file 4194304\nactive_file 4194304\n");
	fixture_file("memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n");
	fixture_file("cpu.stat", "usage_usec 5000000\nuser_usec 4000000\nsystem_usec 1000000\n"
				 "nr_periods 50\nnr_throttled 5\nthrottled_usec 123\n");
	fixture_file("pids.current", "3\n");
	fixture_file("pids.max", "100\n");
	fixture_file("io.stat", "8:0 rbytes=1000000 wbytes=2048 rios=10 wios=2 dbytes=0 dios=0\n"
				"8:16 rbytes=500000 wbytes=0 rios=5 wios=0 dbytes=0 dios=0\n");
	fixture_file("memory.pressure", "some avg10=1.05 avg60=0.50 avg300=0.00 total=1234\n"
					"full avg10=0.00 avg60=0.00 avg300=12.34 total=99\n");
	fixture_file("dev",
		     "Inter-|   Receive                                                |  Transmit\n"
		     " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets\n"
		     "    lo: 777777 10 0 0 0 0 0 0 777777 10 0 0 0 0 0 0\n"
		     "  eth0: 1200 16 0 0 0 0 0 0 816 10 0 0 0 0 0 0\n"
		     "eth1:30 1 0 0 0 0 0 0 999999 1 0 0 0 0 0 0\n");
}

static void read_usage(struct ct_usage *usage, bool network)
{
	int ct_autofd dev = network ? openat(fixture_dir(), "dev", O_RDONLY | O_CLOEXEC) : -1;

	ck_assert_int_eq(ct_usage_read(fixture_dir(), dev, usage, &err), 0);
}

/* ---- readings ---- */

START_TEST(a_reading_has_what_the_files_say)
{
	struct ct_usage u;

	make_files();
	read_usage(&u, true);
	ck_assert_uint_eq(ct_usage_memory(&u), 20 << 20);
	ck_assert_uint_eq(ct_usage_memory_limit(&u, GIB), 80 << 20);
	ck_assert_uint_eq(u.cgroup.cpu_usage, 5000000);
	ck_assert_uint_eq(u.cgroup.read_bytes, 1500000);
	ck_assert(u.has_network);
	ck_assert_uint_eq(u.received, 1230);
	ck_assert_uint_eq(u.sent, 1000815);
	ck_assert_uint_gt(u.taken, 0);
}
END_TEST

static char told[512];

static void tell(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void tell(const char *format, ...)
{
	size_t used = strlen(told);
	va_list list;

	va_start(list, format);
	vsnprintf(told + used, sizeof(told) - used, format, list);
	va_end(list);
}

static void tell_key(void *arg, const char *key, uint64_t value)
{
	(void)arg;
	tell("%s=%llu ", key, (unsigned long long)value);
}

static void tell_io(void *arg, const struct ct_cgroup_io *io)
{
	(void)arg;
	tell("%u:%u %llu/%llu %llu/%llu; ", io->major, io->minor, (unsigned long long)io->read_bytes,
	     (unsigned long long)io->write_bytes, (unsigned long long)io->reads,
	     (unsigned long long)io->writes);
}

static void tell_huge(void *arg, const struct ct_cgroup_huge_usage *huge)
{
	(void)arg;
	tell("%s %llu %llu", huge->size, (unsigned long long)huge->usage,
	     (unsigned long long)huge->failed);
}

START_TEST(each_device_and_size_is_told_by_itself)
{
	make_files();
	fixture_file("memory.stat", "anon 5\nfile 7\n");
	fixture_file("hugetlb.2MB.current", "4194304\n");
	fixture_file("hugetlb.2MB.rsvd.current", "1\n");
	fixture_file("hugetlb.2MB.events", "max 3\n");
	told[0] = '\0';
	ct_cgroup_each_memory_stat(fixture_dir(), tell_key, NULL);
	ck_assert_str_eq(told, "anon=5 file=7 ");
	told[0] = '\0';
	ct_cgroup_each_io(fixture_dir(), tell_io, NULL);
	ck_assert_str_eq(told, "8:0 1000000/2048 10/2; 8:16 500000/0 5/0; ");
	told[0] = '\0';
	ct_cgroup_each_huge(fixture_dir(), tell_huge, NULL);
	ck_assert_str_eq(told, "2MB 4194304 3");
}
END_TEST

START_TEST(no_limit_or_one_above_the_host_is_the_host)
{
	struct ct_usage u;

	make_files();
	read_usage(&u, false);
	ck_assert(!u.has_network);
	ck_assert_uint_eq(ct_usage_memory_limit(&u, 64 << 20), 64 << 20);
	fixture_file("memory.max", "max\n");
	read_usage(&u, false);
	ck_assert_uint_eq(ct_usage_memory_limit(&u, GIB), GIB);
}
END_TEST

START_TEST(more_inactive_pages_than_memory_is_none_in_use)
{
	struct ct_usage u = { .cgroup = { .memory = 10, .inactive_file = 11 } };

	ck_assert_uint_eq(ct_usage_memory(&u), 0);
}
END_TEST

START_TEST(the_rate_is_the_difference_of_two_readings)
{
	struct ct_usage before = { .taken = 1000, .cgroup = { .cpu_usage = 1000000 } };
	struct ct_usage now = { .taken = 1000 + UINT64_C(2000000000),
				.cgroup = { .cpu_usage = 1500000 } };

	/* half a second in two */
	ck_assert_uint_eq(ct_usage_cpu_rate(&before, &now), 250000);
	/* more than one processor */
	now.cgroup.cpu_usage = 9000000;
	ck_assert_uint_eq(ct_usage_cpu_rate(&before, &now), 4000000);
	/* in a new cgroup, and at the same moment */
	now.cgroup.cpu_usage = 999999;
	ck_assert_uint_eq(ct_usage_cpu_rate(&before, &now), 0);
	ck_assert_uint_eq(ct_usage_cpu_rate(&now, &now), 0);
}
END_TEST

START_TEST(lines_of_no_device_are_passed_over)
{
	struct ct_usage u;

	make_files();
	fixture_file("dev", "garbage\n:\nx: 1 2\n  lo:5 0 0 0 0 0 0 0 5\nveth0:7 1 0 0 0 0 0 0 8 1\n");
	read_usage(&u, true);
	ck_assert_uint_eq(u.received, 7);
	ck_assert_uint_eq(u.sent, 8);
}
END_TEST

/* ---- amounts ---- */

static const struct {
	uint64_t bytes;
	const char *binary, *decimal;
} amounts[] = {
	{ 0, "0B", "0B" },
	{ 999, "999B", "999B" },
	{ 1000, "1000B", "1kB" },
	{ 1024, "1KiB", "1.02kB" },
	{ 1048575, "1024KiB", "1.05MB" },
	{ 1106247, "1.055MiB", "1.11MB" },
	{ 999499, "976.1KiB", "999kB" },
	{ 999500, "976.1KiB", "1MB" },
	{ UINT64_C(16751276032), "15.6GiB", "16.8GB" },
	{ UINT64_MAX, "16EiB", "18.4EB" },
};

START_TEST(amounts_are_written_as_docker_writes_them)
{
	char buf[CT_AMOUNT_SIZE];

	ck_assert_str_eq(ct_amount_binary(amounts[_i].bytes, buf), amounts[_i].binary);
	ck_assert_str_eq(ct_amount_decimal(amounts[_i].bytes, buf), amounts[_i].decimal);
}
END_TEST

/* ---- rows ---- */

static const char *row_text(const struct ct_stats_entry *entry, const struct ct_stats_style *style,
			    const char *key)
{
	static struct ct_arena arena;
	struct ct_values values = { .arena = &arena };
	const struct ct_json *value;
	struct ct_buf ct_autobuf buf = {0};
	static char text[2048];

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	value = ct_json_find(ct_stats_row(&values, entry, style), key);
	ck_assert(!values.failed);
	ck_assert_msg(value != NULL, "no %s", key);
	ck_assert_int_eq(ct_value_write(value, false, &buf, &err), 0);
	ck_assert_uint_lt(buf.length, sizeof(text));
	strcpy(text, ct_buf_text(&buf));
	ct_arena_close(&arena);
	return text;
}

#define ROW(key, text) ck_assert_str_eq(row_text(&entry, &style, (key)), (text))

static struct ct_stats_entry have_entry(void)
{
	struct ct_stats_entry entry = {
		.id = ID, .name = "web", .known = true, .has_before = true,
	};

	make_files();
	read_usage(&entry.now, true);
	entry.before = entry.now;
	entry.now.taken = entry.before.taken + 500000000;
	entry.now.cgroup.cpu_usage += 617250;
	return entry;
}

START_TEST(a_row_has_dockers_members)
{
	const struct ct_stats_style style = { .host_memory = GIB };
	struct ct_stats_entry entry = have_entry();

	ROW("ID", "\"0123456789ab\"");
	ROW("Name", "\"web\"");
	ROW("Container", "\"" ID "\"");
	ROW("CPUPerc", "\"123.45%\"");
	ROW("MemUsage", "\"20MiB / 80MiB\"");
	ROW("MemPerc", "\"25.00%\"");
	ROW("NetIO", "\"1.23kB / 1MB\"");
	ROW("BlockIO", "\"1.5MB / 2.05kB\"");
	ROW("PIDs", "\"3\"");
}
END_TEST

START_TEST(a_row_has_the_plain_numbers_for_programs)
{
	const struct ct_stats_style style = { .host_memory = GIB };
	struct ct_stats_entry entry = have_entry();

	ROW("Usage.Memory", "25165824");
	ROW("Usage.MemoryInactiveFile", "4194304");
	ROW("Usage.MemoryLimit", "83886080");
	ROW("Usage.MemoryPeak", "30000000");
	ROW("Usage.Swap", "4096");
	ROW("Usage.SwapLimit", "null");
	ROW("Usage.CPUUsec", "5617250");
	ROW("Usage.ThrottledPeriods", "5");
	ROW("Usage.PIDsLimit", "100");
	ROW("Usage.OOMKill", "1");
	ROW("Usage.NetSentBytes", "1000815");
	ROW("Pressure.Memory", "{\"some\":{\"avg10\":1.05,\"avg60\":0.50,\"avg300\":0.00,\"total\":1234},"
			       "\"full\":{\"avg10\":0.00,\"avg60\":0.00,\"avg300\":12.34,\"total\":99}}");
	ROW("Pressure.IO", "null");
}
END_TEST

START_TEST(without_controllers_there_are_no_numbers)
{
	const struct ct_stats_style style = { .host_memory = GIB, .no_trunc = true };
	struct ct_stats_entry entry = { .id = ID, .name = "web", .known = true, .as_given = "w" };

	fixture_file("cgroup.events", "populated 1\nfrozen 0\n");
	fixture_file("cpu.stat", "usage_usec 1\nuser_usec 1\nsystem_usec 0\n");
	read_usage(&entry.now, false);
	ROW("ID", "\"" ID "\"");
	ROW("Container", "\"w\"");
	ROW("CPUPerc", "\"--\"");
	ROW("MemUsage", "\"-- / --\"");
	ROW("MemPerc", "\"--\"");
	ROW("NetIO", "\"-- / --\"");
	ROW("BlockIO", "\"-- / --\"");
	ROW("PIDs", "\"--\"");
	ROW("Usage.CPUUsec", "1");
	ROW("Usage.Memory", "null");
}
END_TEST

START_TEST(one_that_cannot_be_read_is_a_row_without_numbers)
{
	const struct ct_stats_style style = { .host_memory = GIB };
	struct ct_stats_entry entry = { .id = ID, .name = "web" };

	ROW("CPUPerc", "\"--\"");
	ROW("MemUsage", "\"-- / --\"");
	ROW("PIDs", "\"--\"");
	ROW("Usage", "null");
	ROW("Pressure", "null");
}
END_TEST

Suite *suite_stats(void)
{
	Suite *suite = suite_create("stats");
	TCase *tc = tcase_create("stats");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_test(tc, a_reading_has_what_the_files_say);
	tcase_add_test(tc, each_device_and_size_is_told_by_itself);
	tcase_add_test(tc, no_limit_or_one_above_the_host_is_the_host);
	tcase_add_test(tc, more_inactive_pages_than_memory_is_none_in_use);
	tcase_add_test(tc, the_rate_is_the_difference_of_two_readings);
	tcase_add_test(tc, lines_of_no_device_are_passed_over);
	tcase_add_loop_test(tc, amounts_are_written_as_docker_writes_them, 0,
			    (int)(sizeof(amounts) / sizeof(amounts[0])));
	tcase_add_test(tc, a_row_has_dockers_members);
	tcase_add_test(tc, a_row_has_the_plain_numbers_for_programs);
	tcase_add_test(tc, without_controllers_there_are_no_numbers);
	tcase_add_test(tc, one_that_cannot_be_read_is_a_row_without_numbers);
	suite_add_tcase(suite, tc);
	return suite;
}
