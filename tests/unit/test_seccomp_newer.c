/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy answers to calls that came after it, on each of its architectures. Unprivileged: programs
 * are interpreted, not loaded.
 */
#include <cattach/seccomp.h>

#include <errno.h>
#include <sys/syscall.h>

#include <check.h>

#include "fixture.h"

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define ERRNO(n)	(SECCOMP_RET_ERRNO | (n))
#define I386	0x40000003u
#define X86_64	0xc000003eu
#define ARM	0x40000028u
#define X32	0x40000000

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

START_TEST(calls_newer_than_the_policy_have_an_answer_of_their_own)
{
	static const char *name = "execve", *last = "mseal_or_so";
	struct ct_seccomp_rule rules[] = {
		{ .names = { &name, 1 }, .action = "SCMP_ACT_ALLOW" },
		{ .names = { &last, 1 }, .action = "SCMP_ACT_ALLOW" },
	};
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ERRNO", .default_errno = EPERM, .newer_errno = ENOSYS,
		.rules = rules, .rule_count = 2,
	};
	static const struct {
		int nr;
		uint32_t verdict;
	} calls[] = {
		{ SYS_execve, SECCOMP_RET_ALLOW }, { SYS_execve - 1, ERRNO(EPERM) },
		{ SYS_execve + 1, ERRNO(ENOSYS) }, { 100000, ERRNO(ENOSYS) },
	};
	struct ct_seccomp_program program;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	for (int i = 0; i < COUNT(calls); i++) {
		struct seccomp_data call = { .nr = calls[i].nr, .arch = program.filter[1].k };
		uint32_t verdict = 0;

		ck_assert_int_eq(ct_seccomp_verdict(&program, &call, &verdict), 0);
		ck_assert_uint_eq(verdict, calls[i].verdict);
	}
}
END_TEST

/* execve and statx are allowed, by their own numbers on each; listed: all of them, else those that a
 * policy has which lists none. */
static const struct {
	bool listed;
	uint32_t arch;
	int nr;
	uint32_t verdict;
} newer[] = {
	{ true, X86_64, 332, SECCOMP_RET_ALLOW },     { true, X86_64, 331, ERRNO(EPERM) },
	{ true, X86_64, 333, ERRNO(ENOSYS) },	      { true, X86_64, 100000, ERRNO(ENOSYS) },
	{ true, I386, 383, SECCOMP_RET_ALLOW },	      { true, I386, 382, ERRNO(EPERM) },
	{ true, I386, 384, ERRNO(ENOSYS) },	      { true, I386, X32, ERRNO(ENOSYS) },
	{ true, X86_64, X32 | 520, SECCOMP_RET_ALLOW }, { true, X86_64, X32 | 519, ERRNO(EPERM) },
	{ true, X86_64, X32 | 521, ERRNO(ENOSYS) },   { true, ARM, 397, SECCOMP_RET_ALLOW },
	{ true, ARM, 396, ERRNO(EPERM) },	      { true, ARM, 398, ERRNO(ENOSYS) },
	{ false, X86_64, 333, ERRNO(ENOSYS) },	      { false, I386, 383, SECCOMP_RET_ALLOW },
	{ false, I386, 382, ERRNO(EPERM) },	      { false, I386, 384, ERRNO(ENOSYS) },
	{ false, X86_64, X32 | 521, ERRNO(EPERM) },   { false, ARM, 398, SECCOMP_RET_KILL_PROCESS },
};

START_TEST(each_architecture_counts_for_itself_what_is_newer)
{
	const char *archs[] = { "SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32", "SCMP_ARCH_ARM" };
	const char *names[] = { "execve", "statx" };
	struct ct_seccomp_rule r = {
		.names = { names, 2 }, .action = "SCMP_ACT_ALLOW",
	};
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ERRNO", .default_errno = EPERM, .newer_errno = ENOSYS,
		.architectures = { archs, newer[_i].listed ? 4 : 0 }, .rules = &r, .rule_count = 1,
	};
	struct seccomp_data call = { .nr = newer[_i].nr, .arch = newer[_i].arch };
	struct ct_seccomp_program program;
	struct ct_err err = { 0 };
	uint32_t verdict = 0;

	ck_assert_msg(ct_seccomp_compile(&arena, &policy, -1, &program, &err) == 0, "%s", err.what);
	/* Without a list the answer depends on the machine. */
	if (!newer[_i].listed && program.filter[1].k != X86_64)
		return;
	ck_assert_int_eq(ct_seccomp_verdict(&program, &call, &verdict), 0);
	ck_assert_uint_eq(verdict, newer[_i].verdict);
}
END_TEST

Suite *suite_seccomp_newer(void);
Suite *suite_seccomp_newer(void)
{
	Suite *s = suite_create("seccomp_newer");
	TCase *tc = tcase_create("newer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, calls_newer_than_the_policy_have_an_answer_of_their_own);
	tcase_add_loop_test(tc, each_architecture_counts_for_itself_what_is_newer, 0, COUNT(newer));
	suite_add_tcase(s, tc);
	return s;
}
