/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs made smaller answer as before: compared by interpreting both, call by call, for programs
 * as libseccomp writes them, with random rules. What is not understood is left alone.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <check.h>

#include <linux/audit.h>

#include "fixture.h"
#include "ns/seccomp_shrink.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))
#define NUMBERS		300
#define PROGRAMS	10

#define LOAD(field)	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_LOW	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0]))
#define RETURN(k)	BPF_STMT(BPF_RET | BPF_K, (k))
#define IF(op, k, t, f)	BPF_JUMP(BPF_JMP | (op) | BPF_K, (k), (t), (f))

static struct ct_arena arena;
static struct sock_filter code[BPF_MAXINSNS];
static unsigned short length;

static void setup(void)
{
	struct ct_err err;

	fixture_setup();
	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	length = 0;
}

static void teardown(void)
{
	ct_arena_close(&arena);
	fixture_teardown();
}

static void put(struct sock_filter in)
{
	code[length++] = in;
}

static uint32_t some_verdict(unsigned *seed)
{
	static const uint32_t verdicts[] = {
		SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO | 1,
		SECCOMP_RET_ERRNO | 38, SECCOMP_RET_KILL_PROCESS,
	};

	return verdicts[(unsigned)rand_r(seed) % COUNT(verdicts)];
}

/* One call: a verdict, or one for some of its arguments and another for the others. */
static void put_call(uint32_t number, unsigned *seed)
{
	if (rand_r(seed) % 8) {
		put((struct sock_filter)IF(BPF_JEQ, number, 0, 1));
		put((struct sock_filter)RETURN(some_verdict(seed)));
		return;
	}
	put((struct sock_filter)IF(BPF_JEQ, number, 0, 5));
	put((struct sock_filter)LOAD_LOW);
	put((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff));
	put((struct sock_filter)IF(BPF_JEQ, (uint32_t)rand_r(seed) % 3, 0, 1));
	put((struct sock_filter)RETURN(some_verdict(seed)));
	put((struct sock_filter)RETURN(some_verdict(seed)));
}

/* Rules in stretches, as they are in policies, and numbers that nobody names. */
static void put_architecture(uint32_t arch, unsigned *seed)
{
	struct sock_filter *skip;
	unsigned short begin;

	put((struct sock_filter)LOAD(arch));
	put((struct sock_filter)IF(BPF_JEQ, arch, 1, 0));
	skip = &code[length];
	put((struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA, 0));
	begin = length;
	put((struct sock_filter)LOAD(nr));
	if (rand_r(seed) % 2) {
		put((struct sock_filter)IF(BPF_JGE, 0x40000000, 0, 1));
		put((struct sock_filter)RETURN(some_verdict(seed)));
	}
	for (uint32_t number = 0; number < NUMBERS; number++) {
		if (rand_r(seed) % 4 == 0) {
			put_call(number, seed);
		} else if (rand_r(seed) % 16 == 0) {
			put((struct sock_filter)IF(BPF_JGT, number, 1, 0));
			put((struct sock_filter)RETURN(some_verdict(seed)));
		}
	}
	put((struct sock_filter)RETURN(SECCOMP_RET_ERRNO | 38));
	skip->k = (uint32_t)(length - begin);
}

static uint32_t ask(const struct ct_seccomp_program *program, uint32_t arch, uint32_t number,
		    uint64_t value)
{
	struct seccomp_data call = { .nr = (int)number, .arch = arch, .args = { value } };
	uint32_t verdict;

	ck_assert_int_eq(ct_seccomp_verdict(program, &call, &verdict), 0);
	return verdict;
}

static void compare(const struct ct_seccomp_program *a, const struct ct_seccomp_program *b)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64, 0 };
	static const uint32_t far[] = { 0x3fffffff, 0x40000000, 0x40000001, 0xffffffff };

	for (size_t i = 0; i < COUNT(archs); i++) {
		for (uint32_t n = 0; n < NUMBERS + 10 + COUNT(far); n++) {
			uint32_t number = n < COUNT(far) ? far[n] : n - (uint32_t)COUNT(far);

			for (uint64_t value = 0; value < 4; value++)
				ck_quick(ask(a, archs[i], number, value | UINT64_C(0xf00000000)) ==
					 ask(b, archs[i], number, value | UINT64_C(0xf00000000)));
		}
	}
}

START_TEST(a_smaller_program_answers_as_before)
{
	unsigned seed = (unsigned)_i + 1, smaller = 0;

	for (int i = 0; i < PROGRAMS; i++) {
		struct ct_seccomp_program before = { .filter = code }, now;

		length = 0;
		put_architecture(AUDIT_ARCH_X86_64, &seed);
		if (i % 3)
			put_architecture(AUDIT_ARCH_I386, &seed);
		put((struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
		now = before;
		now.length = before.length = length;
		ct_seccomp_shrink(&arena, &now);
		compare(&before, &now);
		smaller += now.length < before.length;
	}
	/* Or nothing was tested. */
	ck_assert_uint_eq(smaller, PROGRAMS);
}
END_TEST

START_TEST(neighbours_with_the_same_answer_become_a_range)
{
	struct ct_seccomp_program program = { .filter = code };

	put((struct sock_filter)LOAD(arch));
	put((struct sock_filter)IF(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0));
	put((struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	put((struct sock_filter)LOAD(nr));
	for (uint32_t n = 10; n < 30; n++) {
		put((struct sock_filter)IF(BPF_JEQ, n, 0, 1));
		put((struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	}
	put((struct sock_filter)RETURN(SECCOMP_RET_ERRNO | 38));
	program.length = length;
	ct_seccomp_shrink(&arena, &program);
	/* Architecture: 4. Number, two comparisons, two answers. */
	ck_assert_uint_eq(program.length, 9);
	ck_assert_uint_eq(ask(&program, AUDIT_ARCH_X86_64, 9, 0), SECCOMP_RET_ERRNO | 38);
	ck_assert_uint_eq(ask(&program, AUDIT_ARCH_X86_64, 10, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(ask(&program, AUDIT_ARCH_X86_64, 29, 0), SECCOMP_RET_ALLOW);
	ck_assert_uint_eq(ask(&program, AUDIT_ARCH_X86_64, 30, 0), SECCOMP_RET_ERRNO | 38);
	ck_assert_uint_eq(ask(&program, AUDIT_ARCH_I386, 10, 0), SECCOMP_RET_KILL_PROCESS);
}
END_TEST

/* Each in the middle of a program that could be made smaller otherwise. */
static const struct sock_filter odd[][2] = {
	{ LOAD(nr), IF(BPF_JSET, 1, 0, 0) },
	{ LOAD(nr), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff) },
	{ LOAD(nr), BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, 1) },
	{ LOAD(nr), BPF_STMT(BPF_ST, 0) },
	{ LOAD(nr), BPF_STMT(BPF_MISC | BPF_TAX, 0) },
	{ LOAD(arch), IF(BPF_JGE, 5, 0, 0) },
	{ LOAD_LOW, BPF_STMT(BPF_ALU | BPF_OR | BPF_K, 1) },
	{ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), IF(BPF_JEQ, 5, 0, 0) },
	{ BPF_STMT(BPF_LDX | BPF_W | BPF_IMM, 0), BPF_STMT(BPF_RET | BPF_A, 0) },
	{ LOAD(nr), IF(BPF_JEQ, 5, 200, 0) },
};

START_TEST(what_is_not_understood_is_left_alone)
{
	struct ct_seccomp_program program = { .filter = code };

	put((struct sock_filter)LOAD(arch));
	put((struct sock_filter)IF(BPF_JEQ, AUDIT_ARCH_X86_64, 1, 0));
	put((struct sock_filter)RETURN(SECCOMP_RET_KILL_PROCESS));
	put(odd[_i][0]);
	put(odd[_i][1]);
	put((struct sock_filter)LOAD(nr));
	for (uint32_t n = 10; n < 30; n++) {
		put((struct sock_filter)IF(BPF_JEQ, n, 0, 1));
		put((struct sock_filter)RETURN(SECCOMP_RET_ALLOW));
	}
	put((struct sock_filter)RETURN(SECCOMP_RET_ERRNO | 38));
	program.length = length;
	ct_seccomp_shrink(&arena, &program);
	ck_assert_uint_eq(program.length, length);
	ck_assert_ptr_eq(program.filter, code);
}
END_TEST

START_TEST(the_default_policy_has_some_hundred_instructions)
{
	struct ct_seccomp_program program;
	struct ct_seccomp_policy policy;
	struct ct_err err = { 0 };

	ck_assert_int_eq(ct_seccomp_default(&arena, 0, &policy, &err), 0);
	ck_assert_int_eq(ct_seccomp_compile(&arena, &policy, -1, &program, &err), 0);
	/* What libseccomp makes of it has about 1,060. */
	ck_assert_uint_lt(program.length, 500);
}
END_TEST

Suite *suite_seccomp_shrink(void);
Suite *suite_seccomp_shrink(void)
{
	Suite *s = suite_create("seccomp_shrink");
	TCase *tc = tcase_create("seccomp_shrink");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_smaller_program_answers_as_before, 0, 3);
	tcase_add_test(tc, neighbours_with_the_same_answer_become_a_range);
	tcase_add_loop_test(tc, what_is_not_understood_is_left_alone, 0, (int)COUNT(odd));
	tcase_add_test(tc, the_default_policy_has_some_hundred_instructions);
	suite_add_tcase(s, tc);
	return s;
}
