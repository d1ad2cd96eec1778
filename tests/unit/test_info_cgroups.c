/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What "cattach info" says of control groups: for every verdict that there is, on every kind of host,
 * the two facts under names that scripts can rely on. Verdicts are made up here; what they are made
 * from is test_cgroup_place's. Any user.
 */
#include "cli/info.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <check.h>

#include "fixture.h"

static const struct {
	enum ct_cgroup_verdict verdict;
	enum ct_cgroup_layout layout;
	const char *path, *controllers, *managed;
	bool crowded, systemd;
	int clone3;
	enum ct_fact_level levels[2];
	const char *layout_text, *text, *fix;	/* fix NULL: there is none */
} cases[] = {
	{ CT_CGROUP_HERE, CT_CGROUP_UNIFIED, "/alice", "cpu memory pids", NULL, false, false, 0,
	  { CT_FACT_OK, CT_FACT_OK }, "cgroups: v2 (unified)",
	  "containers get cgroups below /alice, with cpu memory pids", NULL },
	{ CT_CGROUP_HERE, CT_CGROUP_UNIFIED, "/alice", "memory pids", NULL, true, true, 0,
	  { CT_FACT_OK, CT_FACT_OK }, "cgroups: v2 (unified)",
	  "containers get cgroups below /alice, with memory pids; its processes are moved into "
	  "cattach-callers for a limit", NULL },
	{ CT_CGROUP_HERE, CT_CGROUP_UNIFIED, "/alice", "memory.x pids", NULL, false, false, 0,
	  { CT_FACT_OK, CT_FACT_WARN }, "cgroups: v2 (unified)",
	  "containers get cgroups below /alice, but only with memory.x pids",
	  "have root write +cpu +memory +pids into cgroup.subtree_control of every group above: "
	  "docs/cgroups.md" },
	{ CT_CGROUP_HERE, CT_CGROUP_UNIFIED, "/", "", NULL, false, true, 0,
	  { CT_FACT_OK, CT_FACT_WARN }, "cgroups: v2 (unified)",
	  "containers get cgroups below /, but only with no controllers",
	  "systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids; then log in "
	  "again" },
	{ CT_CGROUP_HERE, CT_CGROUP_HYBRID, "/alice", "hugetlb", NULL, false, true, 0,
	  { CT_FACT_WARN, CT_FACT_WARN },
	  "cgroups: hybrid (v1 and v2); containers have only what v1 leaves to v2",
	  "containers get cgroups below /alice, but only with hugetlb",
	  "boot with systemd.unified_cgroup_hierarchy=1: v1 has the others" },
	{ CT_CGROUP_NEEDS_SCOPE, CT_CGROUP_UNIFIED, "/x", "", "cpu memory pids", false, true, 0,
	  { CT_FACT_OK, CT_FACT_OK }, "cgroups: v2 (unified)",
	  "systemd makes a scope for each container, with cpu memory pids", NULL },
	{ CT_CGROUP_NEEDS_SCOPE, CT_CGROUP_UNIFIED, "/x", "", "pids", false, true, 0,
	  { CT_FACT_OK, CT_FACT_WARN }, "cgroups: v2 (unified)",
	  "systemd makes a scope for each container, but only with pids",
	  "systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids; then log in "
	  "again" },
	{ CT_CGROUP_NEEDS_SCOPE, CT_CGROUP_UNIFIED, "/x", "", NULL, false, true, 0,
	  { CT_FACT_OK, CT_FACT_OK }, "cgroups: v2 (unified)",
	  "systemd makes a scope for each container", NULL },
	{ CT_CGROUP_HERE, CT_CGROUP_UNIFIED, "/alice", "memory pids", NULL, false, false, ENOSYS,
	  { CT_FACT_OK, CT_FACT_WARN }, "cgroups: v2 (unified)",
	  "containers run without limits and cannot be paused: clone3 is not there: Function not "
	  "implemented", "Linux 5.7 or newer, and no filter that hides clone3" },
	{ CT_CGROUP_NOWHERE, CT_CGROUP_UNIFIED, "/x", "", NULL, false, false, ENOSYS,
	  { CT_FACT_OK, CT_FACT_WARN }, "cgroups: v2 (unified)",
	  "containers run without limits and cannot be paused: the reason", "the way out" },
	{ CT_CGROUP_NOWHERE, CT_CGROUP_V1, "", "", NULL, false, true, 0,
	  { CT_FACT_WARN, CT_FACT_WARN }, "cgroups: v1; containers run without limits",
	  "containers run without limits and cannot be paused: the reason", "the way out" },
	{ CT_CGROUP_NOWHERE, CT_CGROUP_NONE, "", "", NULL, false, false, 0,
	  { CT_FACT_WARN, CT_FACT_WARN }, "cgroups: none; containers run without limits",
	  "containers run without limits and cannot be paused: the reason", "the way out" },
};

#define CASES ((int)(sizeof(cases) / sizeof(cases[0])))

START_TEST(a_verdict_is_two_facts_with_the_way_out)
{
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_facts facts = { .arena = &arena };
	struct ct_place_facts f = { .place = &place };
	struct ct_err err;

	place.verdict = cases[_i].verdict;
	place.layout = cases[_i].layout;
	place.crowded = cases[_i].crowded;
	snprintf(place.path, sizeof(place.path), "%s", cases[_i].path);
	snprintf(place.controllers, sizeof(place.controllers), "%s", cases[_i].controllers);
	snprintf(place.why, sizeof(place.why), "the reason");
	snprintf(place.fix, sizeof(place.fix), "the way out");
	f.managed = cases[_i].managed;
	f.systemd = cases[_i].systemd;
	f.clone3 = cases[_i].clone3;
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ct_facts_place(&facts, &f);
	/* what was borrowed of the verdict must not be needed any more */
	memset(&place, 'x', sizeof(place));
	ck_assert(!facts.failed);
	ck_assert_uint_eq(facts.count, 2);
	ck_assert_str_eq(facts.items[0].name, "Cgroups");
	ck_assert_str_eq(facts.items[1].name, "CgroupDelegation");
	ck_assert_int_eq(facts.items[0].level, cases[_i].levels[0]);
	ck_assert_int_eq(facts.items[1].level, cases[_i].levels[1]);
	ck_assert_str_eq(facts.items[0].what, cases[_i].layout_text);
	ck_assert_str_eq(facts.items[1].what, cases[_i].text);
	ck_assert_int_eq(facts.items[0].fix == NULL, facts.items[0].level == CT_FACT_OK);
	ck_assert_pstr_eq(facts.items[1].fix, cases[_i].fix);
}
END_TEST

/* Whatever this host is like. */
START_TEST(both_facts_are_there_on_every_host)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_facts facts = { .arena = &arena };
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_facts_cgroups(&facts, &err), 0);
	ck_assert_uint_eq(facts.count, 2);
	ck_assert_str_eq(facts.items[0].name, "Cgroups");
	ck_assert_str_eq(facts.items[1].name, "CgroupDelegation");
}
END_TEST

Suite *suite_info_cgroups(void);
Suite *suite_info_cgroups(void)
{
	Suite *s = suite_create("info_cgroups");
	TCase *tc = tcase_create("facts");

	tcase_add_checked_fixture(tc, fixture_setup, fixture_teardown);
	tcase_add_loop_test(tc, a_verdict_is_two_facts_with_the_way_out, 0, CASES);
	tcase_add_test(tc, both_facts_are_there_on_every_host);
	suite_add_tcase(s, tc);
	return s;
}
