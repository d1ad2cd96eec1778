/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container's class of service: its record, which is believed only as far as it can be ours, its end, and
 * the process that is put into it before it goes on. The file system is a directory that stands in for it.
 */
#include "container/clos.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include <cattach/ns.h>
#include <cattach/proc.h>

#include "fixture.h"
#include "resctrl_fixture.h"

Suite *suite_clos(void);

static struct ct_err err;
static struct ct_resctrl clos;
static int dir;

/* The container's directory is beside the groups. */
static void setup(void)
{
	resctrl_setup();
	ck_assert_int_eq(mkdirat(fixture_dir(), "container", 0700), 0);
	dir = openat(fixture_dir(), "container", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	clos = (struct ct_resctrl)CT_RESCTRL_INIT;
}

static void teardown(void)
{
	ct_resctrl_close(&clos);
	close(dir);
	resctrl_teardown();
}

static int make(struct ct_resctrl_settings *settings, struct ct_plan *plan)
{
	struct ct_spec spec = { .linux_ = { .intel_rdt = settings } };
	const struct clos_request request = { .spec = &spec, .path = fixture_path(), .root = fixture_dir() };

	return ct_clos_make(&request, dir, "c1", &clos, plan, &err);
}

static void assert_record(const char *text)
{
	char got[5000], wanted[5000];

	got[fixture_read("container/resctrl", got, sizeof(got) - 1)] = '\0';
	snprintf(wanted, sizeof(wanted), "%s\n%s", fixture_path(), text);
	ck_assert_str_eq(got, wanted);
}

START_TEST(groups_are_recorded_and_go_with_their_record)
{
	struct ct_plan plan = { 0 };

	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .monitoring = true }, &plan), 0);
	assert_record("made c1\nmonitor c1\n");
	ck_assert_uint_eq(plan.tasks_count, 2);
	ck_assert(plan.tasks[0] == clos.tasks[0] && plan.tasks[1] == clos.tasks[1]);
	ct_clos_end(&clos, dir);
	ck_assert(!resctrl_has("c1") && !resctrl_has("container/resctrl"));
	/* At the end of a container that has none, too. */
	ct_clos_end(&clos, dir);
}
END_TEST

START_TEST(a_group_that_was_found_is_recorded_and_stays)
{
	struct ct_plan plan = { 0 };

	resctrl_group("gold", "L3:0=f\n");
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold" }, &plan), 0);
	assert_record("found gold\n\n");
	ck_assert_uint_eq(plan.tasks_count, 1);
	ct_clos_end(&clos, dir);
	ck_assert(resctrl_has("gold") && !resctrl_has("container/resctrl"));
	memset(&plan, 0, sizeof(plan));
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "/" }, &plan), 0);
	assert_record("found \n\n");
}
END_TEST

START_TEST(an_error_has_its_property_and_leaves_no_record)
{
	struct ct_plan plan = { 0 };

	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .class = "gold" }, &plan), -ENOENT);
	ck_assert_str_eq(err.where, "linux.intelRdt.closID");
	ck_assert(!resctrl_has("container/resctrl"));
	ck_assert_uint_eq(plan.tasks_count, 0);
}
END_TEST

START_TEST(a_record_that_cannot_be_ours_leads_nowhere)
{
	static const char *const records[] = {
		"", "x", "/\n", "/\nmade c1\n", "/\nmade c1\nmonitor c1", "/\nmade c1\nmonitor c1\nx",
		"x\nmade c1\n\n", "/\nmade c2\n\n", "/\nmade ..\n\n", "/\nfound ../c1\n\n", "/\nfound .\n\n",
		"/\nother c1\n\n", "/\nfound c2\nmonitor c2\n", "/\nfound c2\nmon c1\n", "/\nfound mon_groups\n\n",
	};

	for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		fixture_file("container/resctrl", records[i]);
		ck_assert_msg(ct_clos_open(dir, "c1", &clos, &err) == -EBADMSG, "%s", records[i]);
		ck_assert_int_eq(ct_clos_clean(dir, "c1", &err), 0);
		ck_assert(!resctrl_has("container/resctrl"));
	}
	ck_assert_int_eq(symlinkat("../tasks", dir, "resctrl"), 0);
	ck_assert_int_lt(ct_clos_open(dir, "c1", &clos, &err), 0);
	ck_assert_int_eq(ct_clos_clean(dir, "c1", &err), 0);
	ck_assert(resctrl_has("tasks"));
	ck_assert_int_eq(ct_clos_open(dir, "c1", &clos, &err), 0);
	ck_assert_int_eq(clos.root, -1);
}
END_TEST

START_TEST(what_is_no_resctrl_any_more_is_not_touched)
{
	struct ct_plan plan = { 0 };

	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ 0 }, &plan), 0);
	ct_resctrl_close(&clos);
	ck_assert_int_eq(ct_clos_open(dir, "c1", &clos, &err), -ENODEV);
	ck_assert_int_eq(ct_clos_clean(dir, "c1", &err), 0);
	ck_assert(resctrl_has("c1") && !resctrl_has("container/resctrl"));
}
END_TEST

/* Who has none asks for nothing, not even for the file system. */
START_TEST(nothing_is_asked_for)
{
	const struct ct_spec spec = { 0 };
	struct clos_request request;
	struct ct_plan plan = { 0 };

	ck_assert_int_eq(ct_clos_look(NULL, &spec, &request, &err), 0);
	ck_assert_ptr_null(request.path);
	ck_assert_int_eq(ct_clos_make(&request, dir, "c1", &clos, &plan, &err), 0);
	ck_assert_int_eq(clos.root, -1);
}
END_TEST

/* It cannot become anything, with such a plan; but by then it has been put there. */
START_TEST(a_process_is_in_its_groups_before_it_goes_on)
{
	const struct ct_ns_stdio stdio = { .fd = { 0, 1, 2 }, .borrowed = true };
	struct ct_plan plan = { .mounts_joined = true, .root = { .source = { .path = "/nowhere" } } };
	struct ct_ns_started started;
	char group[32], monitor[32];
	int slot = -1;

	plan.slots = &slot;
	ck_assert_int_eq(make(&(struct ct_resctrl_settings){ .monitoring = true }, &plan), 0);
	plan.process.cwd = "/nowhere";
	plan.process.cwd_is_there = true;
	ck_assert_int_lt(ct_ns_start(&plan, &stdio, &started, &err), 0);
	group[fixture_read("c1/tasks", group, sizeof(group) - 1)] = '\0';
	monitor[fixture_read("c1/mon_groups/c1/tasks", monitor, sizeof(monitor) - 1)] = '\0';
	ck_assert_int_gt(strtol(group, NULL, 10), 1);
	ck_assert_str_eq(group, monitor);
	ct_clos_end(&clos, dir);
}
END_TEST

Suite *suite_clos(void)
{
	Suite *s = suite_create("clos");
	TCase *tc = tcase_create("clos");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, groups_are_recorded_and_go_with_their_record);
	tcase_add_test(tc, a_group_that_was_found_is_recorded_and_stays);
	tcase_add_test(tc, an_error_has_its_property_and_leaves_no_record);
	tcase_add_test(tc, a_record_that_cannot_be_ours_leads_nowhere);
	tcase_add_test(tc, what_is_no_resctrl_any_more_is_not_touched);
	tcase_add_test(tc, nothing_is_asked_for);
	tcase_add_test(tc, a_process_is_in_its_groups_before_it_goes_on);
	suite_add_tcase(s, tc);
	return s;
}
