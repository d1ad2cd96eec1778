/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups of resctrl, in a directory that stands in for it: made with their schemata in order, found, compared,
 * and removed when they are ours. The text of schemata is compared as the kernel writes it.
 */
#include <cattach/resctrl.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"
#include "resctrl_fixture.h"

Suite *suite_resctrl(void);

static struct ct_resctrl r;
static struct ct_err err;

static void setup(void)
{
	resctrl_setup();
	r = (struct ct_resctrl)CT_RESCTRL_INIT;
}

static void teardown(void)
{
	ct_resctrl_close(&r);
	resctrl_teardown();
}

static int make(const struct ct_resctrl_settings *settings)
{
	return ct_resctrl_make(fixture_dir(), settings, "c1", &r, &err);
}

/* Nothing but the default group and these. */
static void assert_untouched(void)
{
	char text[64];

	ck_assert(!resctrl_has("c1"));
	ck_assert(!resctrl_has("mon_groups/c1"));
	fixture_read("schemata", text, sizeof(text));
	ck_assert_int_eq(strncmp(text, "    L3:0=fff;1=fff\n", 19), 0);
	ck_assert_int_eq(r.root, -1);
}

static bool same_file(int fd, const char *name)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstatat(fixture_dir(), name, &b, 0) == 0 && a.st_ino == b.st_ino &&
	       a.st_dev == b.st_dev;
}

/* ---- values ---- */

START_TEST(values_agree_as_numbers_and_as_far_as_they_are_named)
{
	static const char file[] = "    L3:0=00ff;1=0f00\nL3CODE:0=1\n    MB:0= 20;1=100\n  SMBA:0=2048\n";
	static const struct {
		const char *wanted;
		bool agrees;
	} rows[] = {
		{ "L3:0=ff;1=f00", true },     { "L3:1=F00", true },	   { "L3:0=00ff", true },
		{ " L3: 0=ff ; 1=f00 ", true }, { "MB:0=20;1=100", true }, { "MB:1=100;0=20", true },
		{ "L3:0=ff\nL3CODE:0=1\n", true }, { "", true },	   { "\n", true },
		{ "L3:0=fe", false },	       { "L3:0=ff;1=f0", false },  { "L3:2=ff", false },
		{ "L2:0=ff", false },	       { "L3CODE:0=ff", false },   { "L", false },
		{ "L3", false },	       { "L3:", false },	   { "L3:0", false },
		{ "L3:0=", false },	       { "L3:=ff", false },	   { "L3:0=ff\nL3CODE:0=2", false },
		{ "MB:0=0", false },	       { "BA:0=2048", false },	   { "MB:00=20", true },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(ct_resctrl_agrees(file, rows[i].wanted) == rows[i].agrees, "%s",
			      rows[i].wanted);
	ck_assert(!ct_resctrl_agrees("", "L3:0=f"));
	ck_assert(!ct_resctrl_agrees("L3", "L3:0=f"));
	ck_assert(!ct_resctrl_agrees("L3:0", "L3:0=f"));
}
END_TEST

/* ---- making ---- */

START_TEST(a_group_is_called_as_the_container_gets_its_schemata_in_order_and_goes_with_it)
{
	const char *lines[] = { "L2:0=3", "L3:1=f" };
	const struct ct_resctrl_settings settings = {
		.cache = "L3CODE:0=f0\nL3DATA:0=f\n", .bandwidth = "MB:0=20", .schemata = { lines, 2 },
	};

	ck_assert_int_eq(make(&settings), 0);
	ck_assert_str_eq(resctrl_written(), "L3CODE:0=f0\nL3DATA:0=f\nMB:0=20\nL2:0=3\nL3:1=f\n");
	ck_assert(r.made && same_file(r.tasks[0], "c1/tasks"));
	ck_assert_int_eq(r.tasks[1], -1);
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
	ck_assert(!resctrl_has("c1"));
	/* What is gone is as good. */
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
}
END_TEST

START_TEST(a_group_with_a_name_is_made_for_its_values_and_stays)
{
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .cache = "L3:0=f0" }), 0);
	ck_assert_str_eq(resctrl_written(), "L3:0=f0\n");
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
	ck_assert(resctrl_has("gold/tasks"));
}
END_TEST

START_TEST(a_group_with_a_name_and_without_values_has_to_be_there)
{
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold" }), -ENOENT);
	ck_err(&err, ENOENT, "linux.intelRdt.closID: cannot open resctrl group gold: No such file or directory "
	       "(mkdir makes it, or give it schemata)");
	assert_untouched();
	resctrl_group("gold", "L3:0=0f\n");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold" }), 0);
	ck_assert(!r.made && same_file(r.tasks[0], "gold/tasks"));
}
END_TEST

START_TEST(one_that_is_there_must_have_the_values)
{
	resctrl_group("gold", "    L3:0=00f;1=0ff\n    MB:0= 20\n");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .cache = "L3:0=1f" }), -EEXIST);
	ck_err(&err, EEXIST, "linux.intelRdt.l3CacheSchema: resctrl group gold is there and has other values than "
	       "\"L3:0=1f\" (its file schemata has them; take these, or another closID)");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .cache = "L3:0=f",
							    .bandwidth = "MB:0=30" }), -EEXIST);
	ck_assert_str_eq(err.where, "linux.intelRdt.memBwSchema");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .cache = "L3:0=f",
							    .bandwidth = "MB:0=20" }), 0);
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
	ck_assert(resctrl_has("gold"));
}
END_TEST

START_TEST(one_of_the_containers_name_that_was_there_is_not_removed)
{
	resctrl_group("c1", "L3:0=0f\n");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .cache = "L3:0=f" }), 0);
	ck_assert(!r.made);
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
	ck_assert(resctrl_has("c1"));
}
END_TEST

START_TEST(the_default_group_is_the_root_itself)
{
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "/", .monitoring = true }), 0);
	ck_assert_str_eq(r.group, "");
	ck_assert(same_file(r.tasks[0], "tasks") && same_file(r.tasks[1], "mon_groups/c1/tasks"));
	ck_assert_int_eq(ct_resctrl_remove(&r), 0);
	ck_assert(!resctrl_has("mon_groups/c1"));
	ck_assert(resctrl_has("tasks") && resctrl_has("mon_groups"));
}
END_TEST

START_TEST(a_monitoring_group_is_the_containers_own)
{
	resctrl_group("gold", "L3:0=0f\n");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .monitoring = true }), 0);
	ck_assert(same_file(r.tasks[1], "gold/mon_groups/c1/tasks"));
	ct_resctrl_close(&r);
	r.root = -1;
	/* One that is there is somebody's. */
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .monitoring = true }), -EEXIST);
	ck_err(&err, EEXIST, "linux.intelRdt.enableMonitoring: cannot make resctrl monitoring group c1: File exists");
	ck_assert(resctrl_has("gold/mon_groups/c1"));
}
END_TEST

START_TEST(what_fails_leaves_nothing_and_has_the_kernels_words)
{
	resctrl_refuse();
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .cache = "L3:0=f0f" }), -EISDIR);
	ck_err(&err, EISDIR, "linux.intelRdt.l3CacheSchema: \"L3:0=f0f\" is refused: Is a directory: mask f0f has "
	       "non-consecutive 1-bits");
	assert_untouched();
	/* Made for this, and for nothing. */
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .bandwidth = "MB:0=1" }), -EISDIR);
	ck_assert(!resctrl_has("gold"));
}
END_TEST

START_TEST(a_group_without_monitoring_is_not_kept_without_it)
{
	resctrl_group("gold", "L3:0=0f\n");
	ck_assert_int_eq(unlinkat(fixture_dir(), "gold/mon_groups", AT_REMOVEDIR), 0);
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold", .monitoring = true }), -ENOENT);
	ck_err(&err, ENOENT, "linux.intelRdt.enableMonitoring: cannot make a monitoring group: No such file or directory "
	       "(has this processor monitoring? the kernel's info/L3_MON says so)");
	assert_untouched();
}
END_TEST

START_TEST(a_container_that_is_called_as_something_of_the_kernels_needs_another_name)
{
	const struct ct_resctrl_settings own = { .cache = "L3:0=f" }, named = { .class = "/" };

	ck_assert_int_eq(ct_resctrl_make(fixture_dir(), &own, "info", &r, &err), -EINVAL);
	ck_err(&err, EINVAL, "linux.intelRdt: no resctrl group can be called info, as the container (another id; "
	       "or without monitoring a closID)");
	ck_assert_int_eq(ct_resctrl_make(fixture_dir(), &named, "info", &r, &err), 0);
}
END_TEST

START_TEST(links_are_not_followed)
{
	ck_assert_int_eq(mkdirat(fixture_dir(), "elsewhere", 0755), 0);
	ck_assert_int_eq(symlinkat("elsewhere", fixture_dir(), "gold"), 0);
	ck_assert_int_lt(make(&(struct ct_resctrl_settings){ .class = "gold" }), 0);
	ck_assert_int_lt(ct_resctrl_open(fixture_dir(), "gold", "", &r, &err), 0);
}
END_TEST

START_TEST(groups_that_are_there_are_opened_again)
{
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .monitoring = true }), 0);
	ct_resctrl_close(&r);
	ck_assert_int_eq(ct_resctrl_open(fixture_dir(), "c1", "c1", &r, &err), 0);
	ck_assert(same_file(r.tasks[0], "c1/tasks") && same_file(r.tasks[1], "c1/mon_groups/c1/tasks"));
	ck_assert(!r.made);
	ct_resctrl_close(&r);
	ck_assert_int_eq(ct_resctrl_open(fixture_dir(), "c1", "none", &r, &err), -ENOENT);
	ck_assert_int_eq(ct_resctrl_open(fixture_dir(), "none", "", &r, &err), -ENOENT);
}
END_TEST

START_TEST(what_is_half_gone_can_be_removed)
{
	struct ct_resctrl again;

	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .monitoring = true }), 0);
	ck_assert_int_eq(unlinkat(fixture_dir(), "c1/mon_groups/c1", AT_REMOVEDIR), 0);
	ct_resctrl_reach(fcntl(fixture_dir(), F_DUPFD_CLOEXEC, 3), "c1", "c1", true, &again);
	ck_assert_int_eq(ct_resctrl_remove(&again), 0);
	ck_assert(!resctrl_has("c1"));
	ct_resctrl_close(&again);
	ct_resctrl_reach(fcntl(fixture_dir(), F_DUPFD_CLOEXEC, 3), "c1", "c1", true, &again);
	ck_assert_int_eq(ct_resctrl_remove(&again), 0);
	ct_resctrl_close(&again);
	ck_assert(resctrl_has("tasks"));
}
END_TEST

START_TEST(a_directory_that_is_no_resctrl_is_no_root)
{
	ck_assert_int_eq(ct_resctrl_root(fixture_path()), -ENODEV);
	ck_assert_int_eq(ct_resctrl_root("/there/is/none"), -ENOENT);
}
END_TEST

Suite *suite_resctrl(void)
{
	Suite *s = suite_create("resctrl");
	TCase *values = tcase_create("values"), *tc = tcase_create("groups");

	tcase_add_test(values, values_agree_as_numbers_and_as_far_as_they_are_named);
	suite_add_tcase(s, values);
	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_group_is_called_as_the_container_gets_its_schemata_in_order_and_goes_with_it);
	tcase_add_test(tc, a_group_with_a_name_is_made_for_its_values_and_stays);
	tcase_add_test(tc, a_group_with_a_name_and_without_values_has_to_be_there);
	tcase_add_test(tc, one_that_is_there_must_have_the_values);
	tcase_add_test(tc, one_of_the_containers_name_that_was_there_is_not_removed);
	tcase_add_test(tc, the_default_group_is_the_root_itself);
	tcase_add_test(tc, a_monitoring_group_is_the_containers_own);
	tcase_add_test(tc, what_fails_leaves_nothing_and_has_the_kernels_words);
	tcase_add_test(tc, a_group_without_monitoring_is_not_kept_without_it);
	tcase_add_test(tc, a_container_that_is_called_as_something_of_the_kernels_needs_another_name);
	tcase_add_test(tc, links_are_not_followed);
	tcase_add_test(tc, groups_that_are_there_are_opened_again);
	tcase_add_test(tc, what_is_half_gone_can_be_removed);
	tcase_add_test(tc, a_directory_that_is_no_resctrl_is_no_root);
	suite_add_tcase(s, tc);
	return s;
}
