/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Texts of /proc as numbers and columns, those of hostile processes too. Runs unprivileged.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/buf.h>

#include "cli/top_columns.h"
#include "container/top_read.h"
#include "fixture.h"

#define COUNT(a) ((int)(sizeof(a) / sizeof((a)[0])))

static struct ct_arena arena;

static void setup(void)
{
	struct ct_err err;

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

#define STAT_REST \
	" S 7 9 9 34817 9 4194560 1 2 3 4 150 50 0 0 20 5 1 0 1000 4096 2 18446744073709551615 1 1 0"

static const struct {
	const char *text, *comm;
} stats[] = {
	{ "42 (sleep)" STAT_REST, "sleep" },
	{ "42 (a) R 1 2 (b)" STAT_REST, "a) R 1 2 (b" },
	{ "42 ()" STAT_REST, "" },
	{ "42 (a\n(b))" STAT_REST, "a\n(b)" },
};

START_TEST(a_name_may_hold_what_it_likes)
{
	struct ct_top_process p = { 0 };

	ck_assert_int_eq(ct_top_parse_stat(&arena, stats[_i].text, &p), 0);
	ck_assert_str_eq(p.comm, stats[_i].comm);
	ck_assert_int_eq(p.pid, 42);
	ck_assert_int_eq(p.parent, 7);
	ck_assert_int_eq(p.group, 9);
	ck_assert_int_eq(p.state, 'S');
	ck_assert_int_eq(p.tty, 34817);
	ck_assert_int_eq(p.nice, 5);
	ck_assert_uint_eq(p.ticks, 200);
	ck_assert_uint_eq(p.started, 1000);
	ck_assert_uint_eq(p.size, 4096);
	ck_assert_uint_eq(p.resident, 2 * (uint64_t)sysconf(_SC_PAGESIZE));
}
END_TEST

static const char *const broken[] = { "", "42", "42 (a", "42 a) S 1", ") (", "42 (a) S", "x (a)" STAT_REST };

START_TEST(what_is_no_stat_is_refused)
{
	struct ct_top_process p = { 0 };

	ck_assert_int_eq(ct_top_parse_stat(&arena, broken[_i], &p), -EPROTO);
}
END_TEST

START_TEST(a_status_has_ids_rights_and_the_innermost_pid)
{
	struct ct_top_process p = { 0 };

	ct_top_parse_status("Name:\tUid:\\n 9\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
			    "NSpid:\t100\t20\t3\nCapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\n"
			    "CapEff:\t0000000000000001\nCapBnd:\t0000000000000003\nSeccomp:\t2\n", &p);
	ck_assert_uint_eq(p.ruid, 1);
	ck_assert_uint_eq(p.uid, 2);
	ck_assert_uint_eq(p.rgid, 5);
	ck_assert_uint_eq(p.gid, 6);
	ck_assert_int_eq(p.inside, 3);
	ck_assert_uint_eq(p.caps[CT_TOP_PERMITTED], 0x1ffffffffff);
	ck_assert_uint_eq(p.caps[CT_TOP_EFFECTIVE], 1);
	ck_assert_uint_eq(p.caps[CT_TOP_BOUNDING], 3);
	ck_assert_int_eq(p.seccomp, 2);
	ct_top_parse_status("", &p);
	ck_assert_int_eq(p.inside, 0);
	ck_assert_uint_eq(p.uid, UINT32_MAX);
}
END_TEST

START_TEST(words_of_a_command_line_are_joined_and_nothing_is_its_name)
{
	ck_assert_str_eq(ct_top_parse_args(&arena, "a\0b c\0", 6, "x"), "a b c");
	ck_assert_str_eq(ct_top_parse_args(&arena, "a\0\0b\0\0", 6, "x"), "a  b");
	ck_assert_str_eq(ct_top_parse_args(&arena, "", 0, "x"), "[x]");
	ck_assert_str_eq(ct_top_parse_args(&arena, "\0\0", 2, "x"), "[x]");
	ck_assert_str_eq(ct_top_parse_args(&arena, "title", 5, "x"), "title");
}
END_TEST

START_TEST(a_process_of_ours_is_read_and_one_that_is_gone_is_not)
{
	struct ct_top_process p;
	int self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(ct_top_read(&arena, self, &p), 0);
	ck_assert_int_eq(p.pid, getpid());
	ck_assert_uint_eq(p.uid, geteuid());
	ck_assert_int_ne(p.args[0], '\0');
	close(self);
	ck_assert_int_eq(ct_top_read(&arena, fixture_dir(), &p), -ESRCH);
}
END_TEST

static const struct {
	uint64_t seconds;
	const char *whole, *brief;
} durations[] = {
	{ 0, "00:00:00", "00:00" }, { 59, "00:00:59", "00:59" }, { 3599, "00:59:59", "59:59" },
	{ 3600, "01:00:00", "01:00:00" }, { 86399, "23:59:59", "23:59:59" },
	{ 86400, "1-00:00:00", "1-00:00:00" }, { 1000000, "11-13:46:40", "11-13:46:40" },
};

START_TEST(durations_are_those_of_ps)
{
	struct ct_buf buf = { 0 };

	ct_top_duration(&buf, durations[_i].seconds, false);
	ck_assert_str_eq(ct_buf_text(&buf), durations[_i].whole);
	ct_buf_clear(&buf);
	ct_top_duration(&buf, durations[_i].seconds, true);
	ck_assert_str_eq(ct_buf_text(&buf), durations[_i].brief);
	ct_buf_done(&buf);
}
END_TEST

static const struct {
	const char *column, *text;
} cells[] = {
	{ "pid", "3" }, { "hpid", "42" }, { "ppid", "1" }, { "hppid", "7" }, { "user", "33" },
	{ "group", "?" }, { "ruser", "root" }, { "tty", "pts/257" }, { "etime", "01:40" },
	{ "time", "00:00:50" }, { "pcpu", "50.0" }, { "%cpu", "50.0" }, { "stime", "00:06" },
	{ "args", "a\\x1b[2J" }, { "comm", "b\\t\\n" }, { "capeff", "CHOWN,NET_RAW" },
	{ "capinh", "none" }, { "seccomp", "strict" }, { "rss", "8" }, { "vsz", "4" }, { "nice", "-5" },
	{ "state", "R" }, { "hpgid", "9" }, { "label", "?" },
};

START_TEST(a_cell_says_what_its_column_is_about)
{
	/* 1970-01-01 00:08:20 UTC, 500 seconds after boot, the process 100 of them old */
	const struct ct_top_now now = { .ticks = 50000, .ticks_per_second = 100, .seconds = 500 };
	const struct ct_top_process p = {
		.pid = 42, .parent = 7, .group = 9, .inside = 3, .inside_parent = 1, .state = 'R',
		.inside_uid = 33, .inside_gid = UINT32_MAX, .tty = 137 << 8 | 1, .nice = -5,
		.ticks = 5000, .started = 40000, .size = 4096, .resident = 8192,
		.caps = { [CT_TOP_EFFECTIVE] = 1 | 1 << 13 }, .seccomp = 1,
		.comm = "b\t\n", .args = "a\033[2J", .label = "?",
	};
	const struct ct_top_column *column = ct_top_column(cells[_i].column, strlen(cells[_i].column));
	struct ct_buf buf = { 0 };

	ck_assert_ptr_nonnull(column);
	column->write(&buf, &p, &now);
	ck_assert_str_eq(ct_buf_text(&buf), cells[_i].text);
	ct_buf_done(&buf);
}
END_TEST

START_TEST(a_column_that_there_is_not_is_none)
{
	ck_assert_ptr_null(ct_top_column("pi", 2));
	ck_assert_ptr_null(ct_top_column("pidx", 4));
	ck_assert_ptr_null(ct_top_column("", 0));
	ck_assert_ptr_nonnull(ct_top_column("pid,args", 3));
}
END_TEST

Suite *suite_top_read(void);

Suite *suite_top_read(void)
{
	Suite *s = suite_create("top_read");
	TCase *t = tcase_create("proc");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_name_may_hold_what_it_likes, 0, COUNT(stats));
	tcase_add_loop_test(t, what_is_no_stat_is_refused, 0, COUNT(broken));
	tcase_add_test(t, a_status_has_ids_rights_and_the_innermost_pid);
	tcase_add_test(t, words_of_a_command_line_are_joined_and_nothing_is_its_name);
	tcase_add_test(t, a_process_of_ours_is_read_and_one_that_is_gone_is_not);
	suite_add_tcase(s, t);
	t = tcase_create("columns");
	tcase_add_loop_test(t, durations_are_those_of_ps, 0, COUNT(durations));
	tcase_add_loop_test(t, a_cell_says_what_its_column_is_about, 0, COUNT(cells));
	tcase_add_test(t, a_column_that_there_is_not_is_none);
	suite_add_tcase(s, t);
	return s;
}
