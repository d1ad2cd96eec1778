/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities: names against libcap's, what the kernel knows against its own file, and the sets of
 * a process. What changes a process runs in a child that is root of a new user namespace, so that
 * it needs no privileges.
 */
#include <cattach/caps.h>

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define CAP(n)		(1ULL << (n))

static const struct {
	const char *text;
	unsigned number;
} good_names[] = {
	{ "CAP_NET_RAW", 13 }, { "NET_RAW", 13 }, { "net_raw", 13 }, { "cap_net_raw", 13 },
	{ "Cap_Net_Raw", 13 }, { "CAP_CHOWN", 0 }, { "chown", 0 },
	{ "CAP_CHECKPOINT_RESTORE", 40 }, { "sys_admin", 21 },
};

START_TEST(a_name_is_taken_with_and_without_prefix_in_any_case)
{
	unsigned number = 99;
	struct ct_err err;

	ck_assert_int_eq(ct_cap_parse(good_names[_i].text, &number, &err), 0);
	ck_assert_uint_eq(number, good_names[_i].number);
}
END_TEST

static const struct {
	const char *text, *shown;
} bad_names[] = {
	{ "CAP_BOGUS", "CAP_BOGUS: unknown capability" },
	{ "", "\"\": unknown capability" },
	{ "CAP_", "CAP_: unknown capability" },
	{ "CAP_CAP_CHOWN", "CAP_CAP_CHOWN: unknown capability" },
	{ "0", "0: unknown capability" },
	{ "CAP_13", "CAP_13: unknown capability" },
	{ "ALL", "ALL: unknown capability" },
	{ " CAP_CHOWN", " CAP_CHOWN: unknown capability" },
	{ "CAP_CHOWN ", "CAP_CHOWN : unknown capability" },
	{ "cap_chown,cap_kill", "cap_chown,cap_kill: unknown capability" },
	{ "cap_chown=ep", "cap_chown=ep: unknown capability" },
	{ "CAP_CHOWN\n", "CAP_CHOWN\\n: unknown capability" },
	{ "CAP_A_NAME_LONGER_THAN_ANY_OTHER_EVER", "CAP_A_NAME_LONGER_THAN_ANY_OTHER_EVER: "
						   "unknown capability" },
};

START_TEST(what_names_no_capability_is_refused)
{
	unsigned number = 99;
	struct ct_err err;

	ck_assert_int_eq(ct_cap_parse(bad_names[_i].text, &number, &err), -EINVAL);
	ck_err(&err, EINVAL, bad_names[_i].shown);
	ck_assert_uint_eq(number, 99);
}
END_TEST

START_TEST(names_are_those_of_libcap_in_capitals)
{
	unsigned parsed;
	struct ct_err err;

	for (unsigned number = 0; number <= CAP_LAST_CAP; number++) {
		const char *name = ct_cap_name(number);
		char *theirs = cap_to_name((cap_value_t)number);

		ck_assert_ptr_nonnull(name);
		ck_assert_int_eq(strcasecmp(name, theirs), 0);
		for (const char *p = name; *p; p++)
			ck_assert(isupper((unsigned char)*p) || *p == '_');
		cap_free(theirs);
		ck_assert_int_eq(ct_cap_parse(name, &parsed, &err), 0);
		ck_assert_uint_eq(parsed, number);
	}
	ck_assert_ptr_null(ct_cap_name(CAP_LAST_CAP + 1));
	ck_assert_ptr_null(ct_cap_name(63));
	ck_assert_ptr_null(ct_cap_name(4294967295u));
}
END_TEST

START_TEST(the_known_set_is_what_the_kernel_says)
{
	FILE *f = fopen("/proc/sys/kernel/cap_last_cap", "re");
	unsigned last = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%u", &last), 1);
	fclose(f);
	ck_assert_uint_eq(ct_caps_known(), (CAP(last) << 1) - 1);
}
END_TEST

/* A set of this process as /proc/self/status shows it. */
static uint64_t status_set(const char *which)
{
	FILE *f = fopen("/proc/self/status", "re");
	unsigned long long set = 0, found = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, which, strlen(which)))
			found = (unsigned)sscanf(line + strlen(which), ":%llx", &set);
	}
	if (f)
		fclose(f);
	return found == 1 ? set : UINT64_MAX;
}

START_TEST(the_bounding_set_is_that_of_this_process)
{
	ck_assert_uint_eq(ct_caps_bounding(), status_set("CapBnd"));
	ck_assert_uint_eq(ct_caps_bounding() & ~ct_caps_known(), 0);
}
END_TEST

START_TEST(what_is_effective_is_held)
{
	uint64_t effective = status_set("CapEff");

	for (unsigned number = 0; number < 64; number++)
		ck_assert_int_eq(ct_caps_have(number), (effective & CAP(number)) != 0);
	ck_assert(!ct_caps_have(64));
	ck_assert(!ct_caps_have(4294967295u));
}
END_TEST

/* Run in a child that is root of its own user namespace; it returns what to exit with. */
static int in_namespace(int (*run)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0)
			_exit(99);
		_exit(run());
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define KEEP	(CAP(CAP_CHOWN) | CAP(CAP_KILL) | CAP(CAP_CHECKPOINT_RESTORE))

/* Give the number of the first expectation that failed. */
#define EXPECT(number, what)            \
	do {                            \
		if (!(what))            \
			return number;  \
	} while (0)

static int limit(void)
{
	struct ct_err err;

	EXPECT(1, ct_caps_limit(KEEP | CAP(CAP_SETPCAP), &err) == 0);
	EXPECT(2, status_set("CapBnd") == (KEEP | CAP(CAP_SETPCAP)));
	EXPECT(3, ct_caps_limit(KEEP, &err) == 0);
	EXPECT(4, status_set("CapBnd") == KEEP);
	EXPECT(5, ct_caps_bounding() == KEEP);
	return 0;
}

START_TEST(the_bounding_set_keeps_what_it_is_told)
{
	ck_assert_int_eq(in_namespace(limit), 0);
}
END_TEST

static int limit_without_right(void)
{
	const struct ct_caps none = { 0 };
	char text[1024];
	struct ct_err err;

	EXPECT(1, ct_caps_limit(~CAP(CAP_KILL), &err) == 0);
	EXPECT(2, ct_caps_apply(&none, &err) == 0);
	/* What is gone already needs no right to go. */
	EXPECT(3, ct_caps_limit(~CAP(CAP_KILL), &err) == 0);
	EXPECT(4, ct_caps_limit(~(CAP(CAP_KILL) | CAP(CAP_NET_RAW)), &err) == -EPERM);
	ct_err_format(&err, text, sizeof(text));
	EXPECT(5, !strcmp(text, "cannot drop CAP_NET_RAW from the bounding set: Operation not "
				"permitted (this needs CAP_SETPCAP in the user namespace)"));
	return 0;
}

START_TEST(without_setpcap_only_what_is_gone_can_be_dropped)
{
	ck_assert_int_eq(in_namespace(limit_without_right), 0);
}
END_TEST

static int apply(void)
{
	const struct ct_caps caps = {
		.permitted = KEEP,
		.effective = CAP(CAP_CHOWN),
		.inheritable = CAP(CAP_KILL) | CAP(CAP_CHECKPOINT_RESTORE),
		.ambient = CAP(CAP_CHECKPOINT_RESTORE),
	};
	const struct ct_caps none = { 0 };
	struct ct_err err;

	EXPECT(1, ct_caps_apply(&caps, &err) == 0);
	EXPECT(2, status_set("CapPrm") == caps.permitted);
	EXPECT(3, status_set("CapEff") == caps.effective);
	EXPECT(4, status_set("CapInh") == caps.inheritable);
	EXPECT(5, status_set("CapAmb") == caps.ambient);
	EXPECT(6, ct_caps_apply(&none, &err) == 0);
	EXPECT(7, status_set("CapPrm") == 0);
	EXPECT(8, status_set("CapEff") == 0);
	EXPECT(9, status_set("CapInh") == 0);
	EXPECT(10, status_set("CapAmb") == 0);
	return 0;
}

START_TEST(the_sets_become_what_was_asked_for)
{
	ck_assert_int_eq(in_namespace(apply), 0);
}
END_TEST

/* In a process that has CAP_CHOWN and CAP_KILL, and CAP_CHOWN alone in its bounding set. */
static const struct {
	struct ct_caps caps;
	const char *text;
} impossible[] = {
	{ { .permitted = CAP(CAP_CHOWN) | CAP(CAP_NET_RAW) },
	  "CAP_NET_RAW cannot be had in the permitted set" },
	{ { .permitted = CAP(63) }, "capability 63 cannot be had in the permitted set" },
	{ { .permitted = CAP(CAP_CHOWN), .effective = CAP(CAP_KILL) },
	  "CAP_KILL cannot be had in the effective set" },
	{ { .permitted = CAP(CAP_KILL), .inheritable = CAP(CAP_KILL) },
	  "CAP_KILL cannot be had in the inheritable set" },
	{ { .inheritable = CAP(62) }, "capability 62 cannot be had in the inheritable set" },
	{ { .permitted = CAP(CAP_CHOWN), .ambient = CAP(CAP_CHOWN) },
	  "CAP_CHOWN cannot be had in the ambient set" },
	{ { .inheritable = CAP(CAP_CHOWN), .ambient = CAP(CAP_CHOWN) },
	  "CAP_CHOWN cannot be had in the ambient set" },
};

static int apply_impossible(void)
{
	const uint64_t have = CAP(CAP_CHOWN) | CAP(CAP_KILL);
	const struct ct_caps start = { .permitted = have, .effective = have };
	char text[1024];
	struct ct_err err;

	EXPECT(1, ct_caps_limit(CAP(CAP_CHOWN), &err) == 0);
	EXPECT(2, ct_caps_apply(&start, &err) == 0);
	for (int i = 0; i < COUNT(impossible); i++) {
		EXPECT(10 + i, ct_caps_apply(&impossible[i].caps, &err) == -EPERM);
		ct_err_format(&err, text, sizeof(text));
		EXPECT(20 + i, !strcmp(text, impossible[i].text));
		EXPECT(30 + i, status_set("CapPrm") == have);
		EXPECT(40 + i, status_set("CapEff") == have);
	}
	return 0;
}

START_TEST(what_cannot_be_had_is_an_error_and_changes_nothing)
{
	ck_assert_int_eq(in_namespace(apply_impossible), 0);
}
END_TEST

Suite *suite_caps(void);
Suite *suite_caps(void)
{
	Suite *s = suite_create("caps");
	TCase *names = tcase_create("names"), *sets = tcase_create("sets");

	tcase_add_checked_fixture(names, fixture_setup, fixture_teardown);
	tcase_add_loop_test(names, a_name_is_taken_with_and_without_prefix_in_any_case, 0,
			    COUNT(good_names));
	tcase_add_loop_test(names, what_names_no_capability_is_refused, 0, COUNT(bad_names));
	tcase_add_test(names, names_are_those_of_libcap_in_capitals);
	suite_add_tcase(s, names);
	tcase_add_checked_fixture(sets, fixture_setup, fixture_teardown);
	tcase_add_test(sets, the_known_set_is_what_the_kernel_says);
	tcase_add_test(sets, the_bounding_set_is_that_of_this_process);
	tcase_add_test(sets, what_is_effective_is_held);
	tcase_add_test(sets, the_bounding_set_keeps_what_it_is_told);
	tcase_add_test(sets, without_setpcap_only_what_is_gone_can_be_dropped);
	tcase_add_test(sets, the_sets_become_what_was_asked_for);
	tcase_add_test(sets, what_cannot_be_had_is_an_error_and_changes_nothing);
	suite_add_tcase(s, sets);
	return s;
}
