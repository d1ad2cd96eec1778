/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about device nodes as programs: what a program answers is found out by executing it here,
 * instruction by instruction, so any user can. That the kernel takes them is test_cgroup_root's.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <unistd.h>

#include <check.h>

#include "fixture.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- a machine for the instructions that there are ---- */

static bool jumps(const struct bpf_insn *insn, uint32_t left)
{
	uint32_t right = (uint32_t)insn->imm;

	switch (BPF_OP(insn->code)) {
	case BPF_JEQ:
		return left == right;
	case BPF_JNE:
		return left != right;
	default:
		ck_abort_msg("unknown jump 0x%02x", insn->code);
	}
}

static uint32_t calculates(const struct bpf_insn *insn, uint32_t left, uint32_t source)
{
	uint32_t right = BPF_SRC(insn->code) == BPF_X ? source : (uint32_t)insn->imm;

	switch (BPF_OP(insn->code)) {
	case BPF_AND:
		return left & right;
	case BPF_RSH:
		return left >> right;
	case BPF_MOV:
		return right;
	default:
		ck_abort_msg("unknown calculation 0x%02x", insn->code);
	}
}

/* The program's answer. Registers that were never set must not be read, as the kernel has it. */
static uint32_t execute(const struct bpf_insn *insns, size_t count,
			const struct bpf_cgroup_dev_ctx *context)
{
	uint32_t registers[11] = { 0 };
	unsigned set = 1U << BPF_REG_1;

	for (size_t at = 0; at < count; at++) {
		const struct bpf_insn *insn = &insns[at];
		uint32_t *target = &registers[insn->dst_reg];

		switch (BPF_CLASS(insn->code)) {
		case BPF_LDX:
			ck_assert_uint_eq(insn->src_reg, BPF_REG_1);
			ck_assert_uint_le((size_t)insn->off, sizeof(*context) - sizeof(*target));
			memcpy(target, (const char *)context + insn->off, sizeof(*target));
			set |= 1U << insn->dst_reg;
			break;
		case BPF_ALU:
		case BPF_ALU64:
			*target = calculates(insn, *target, registers[insn->src_reg]);
			set |= 1U << insn->dst_reg;
			break;
		case BPF_JMP32:
			ck_assert(set & 1U << insn->dst_reg);
			at += jumps(insn, *target) ? (size_t)insn->off : 0;
			break;
		case BPF_JMP:
			ck_assert_uint_eq(BPF_OP(insn->code), BPF_EXIT);
			return registers[BPF_REG_0];
		default:
			ck_abort_msg("unknown instruction 0x%02x", insn->code);
		}
	}
	ck_abort_msg("the program has no end");
}

/* ---- cases ---- */

struct request {
	char type;
	unsigned major, minor;
	const char *access;
	bool allowed;
};

static unsigned access_bits(const char *access)
{
	return (strchr(access, 'r') ? (unsigned)BPF_DEVCG_ACC_READ : 0) |
	       (strchr(access, 'w') ? (unsigned)BPF_DEVCG_ACC_WRITE : 0) |
	       (strchr(access, 'm') ? (unsigned)BPF_DEVCG_ACC_MKNOD : 0);
}

static void ask(const struct ct_cgroup_device_rule *rules, size_t rule_count,
		const struct request *requests, size_t request_count)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct bpf_insn *insns = NULL;
	size_t count = 0;
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, rules, rule_count, &insns, &count, &err),
			 0);
	for (size_t i = 0; i < request_count; i++) {
		const struct request *q = &requests[i];
		struct bpf_cgroup_dev_ctx context = {
			.access_type = access_bits(q->access) << 16 |
				       (q->type == 'b' ? (unsigned)BPF_DEVCG_DEV_BLOCK :
							 (unsigned)BPF_DEVCG_DEV_CHAR),
			.major = q->major, .minor = q->minor,
		};

		ck_assert_msg(execute(insns, count, &context) == q->allowed, "%c %u:%u %s: not %s",
			      q->type, q->major, q->minor, q->access,
			      q->allowed ? "allowed" : "denied");
	}
}

#define ASK(rules, requests) ask(rules, COUNT(rules), requests, COUNT(requests))

/* What engines send: first everything denied, then what there shall be. */
START_TEST(a_list_as_engines_send_it_allows_what_is_in_it)
{
	static const struct ct_cgroup_device_rule rules[] = {
		{ false, 'a', -1, -1, "rwm" },
		{ true, 'c', 10, 229, "rwm" },
		{ true, 'b', 8, -1, "r" },
	};
	static const struct request requests[] = {
		{ 'c', 10, 229, "rw", true }, { 'c', 10, 229, "r", true },
		{ 'c', 10, 229, "rwm", true }, { 'c', 10, 228, "r", false },
		{ 'b', 10, 229, "r", false }, { 'b', 8, 0, "r", true },
		{ 'b', 8, 16, "r", true }, { 'b', 8, 0, "w", false },
		{ 'b', 8, 0, "rw", false }, { 'b', 8, 0, "rm", true },
		{ 'c', 8, 0, "r", false }, { 'b', 9, 0, "r", false },
	};

	ASK(rules, requests);
}
END_TEST

START_TEST(every_container_has_its_devices_whatever_is_denied)
{
	static const struct ct_cgroup_device_rule rules[] = {
		{ true, 'a', -1, -1, NULL },
		{ false, 'c', 1, 3, NULL },
		{ false, 'a', -1, -1, NULL },
	};
	static const struct request requests[] = {
		{ 'c', 1, 3, "rwm", true }, { 'c', 1, 5, "rw", true }, { 'c', 1, 7, "rw", true },
		{ 'c', 1, 8, "rw", true }, { 'c', 1, 9, "rw", true }, { 'c', 5, 0, "rw", true },
		{ 'c', 5, 1, "rw", true }, { 'c', 5, 2, "rw", true }, { 'c', 136, 0, "rw", true },
		{ 'c', 136, 1048575, "rw", true },
		/* nodes can be made, and looked for (no access at all), but not opened */
		{ 'c', 1, 1, "m", true }, { 'b', 8, 0, "m", true }, { 'b', 8, 0, "", true },
		{ 'c', 1, 1, "r", false }, { 'c', 1, 1, "rm", false }, { 'c', 1, 1, "wm", false },
		{ 'b', 8, 0, "r", false },
		/* mem, kmem, port, kmsg, a console of the host's, tun */
		{ 'c', 1, 2, "r", false }, { 'c', 1, 4, "r", false }, { 'c', 1, 11, "r", false },
		{ 'c', 4, 1, "r", false }, { 'c', 10, 200, "rw", false }, { 'b', 1, 3, "r", false },
	};

	ASK(rules, requests);
	ask(NULL, 0, requests, COUNT(requests));
}
END_TEST

START_TEST(a_later_rule_overrules_an_earlier_one_for_each_access_by_itself)
{
	static const struct ct_cgroup_device_rule rules[] = {
		{ true, 'c', 10, 1, "rwm" },
		{ false, 'c', 10, 1, "w" },
		{ false, 'c', 10, 2, "rwm" },
		{ true, 'c', 10, 2, "r" },
		{ true, 'c', 10, -1, "w" },
		{ false, 'c', 10, 3, "w" },
		{ true, 'c', 11, 1, "r" },
		{ true, 'c', 11, 1, "w" },
		{ true, 'c', 12, 1, "" },
		{ true, 'c', 13, 1, "r" },
		{ false, 'c', 13, 1, "" },
	};
	static const struct request requests[] = {
		/* denied in the second, allowed again in the fifth */
		{ 'c', 10, 1, "rw", true }, { 'c', 10, 2, "r", true }, { 'c', 10, 2, "rw", true },
		{ 'c', 10, 3, "w", false }, { 'c', 10, 3, "r", false }, { 'c', 10, 4, "w", true },
		{ 'c', 10, 4, "rw", false },
		/* allowed by two rules together */
		{ 'c', 11, 1, "rw", true }, { 'c', 11, 1, "rwm", true },
		/* rules about no access say nothing */
		{ 'c', 12, 1, "r", false }, { 'c', 13, 1, "r", true },
	};

	ASK(rules, requests);
}
END_TEST

/* A part that was denied is denied also to who asks for more than that part. */
START_TEST(asking_for_more_does_not_get_around_a_denial)
{
	static const struct ct_cgroup_device_rule rules[] = {
		{ true, 'a', -1, -1, NULL },
		{ false, 'b', 8, 0, "w" },
	};
	static const struct request requests[] = {
		{ 'b', 8, 0, "w", false }, { 'b', 8, 0, "rw", false }, { 'b', 8, 0, "rwm", false },
		{ 'b', 8, 0, "r", true }, { 'b', 8, 1, "rw", true }, { 'c', 8, 0, "rw", true },
	};

	ASK(rules, requests);
}
END_TEST

START_TEST(all_means_both_kinds_with_the_numbers_that_are_given)
{
	static const struct ct_cgroup_device_rule rules[] = {
		{ true, 'a', 20, -1, "r" },
		{ true, 'a', -1, 30, NULL },
		{ true, 'c', 4294967295, 4294967295, "r" },
		{ true, 'c', 2147483648, 0, "r" },
	};
	static const struct request requests[] = {
		{ 'b', 20, 5, "r", true }, { 'c', 20, 6, "r", true }, { 'c', 20, 6, "w", false },
		{ 'b', 21, 5, "r", false }, { 'b', 21, 30, "rw", true }, { 'c', 22, 30, "w", true },
		{ 'c', 4294967295, 4294967295, "r", true }, { 'c', 4294967295, 0, "r", false },
		{ 'c', 2147483648, 0, "r", true }, { 'c', 2147483648, 1, "r", false },
	};

	ASK(rules, requests);
}
END_TEST

START_TEST(what_everything_is_decided_by_ends_the_program)
{
	static const struct ct_cgroup_device_rule all[] = { { true, 'a', -1, -1, NULL } };
	static const struct ct_cgroup_device_rule overruled[] = {
		{ true, 'c', 20, 1, NULL },
		{ false, 'b', 20, 1, "r" },
		{ true, 'a', -1, -1, "rwm" },
	};
	struct ct_arena ct_autoarena arena = { 0 };
	struct bpf_insn *one, *other;
	size_t one_count, other_count;
	struct ct_err err;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, all, 1, &one, &one_count, &err), 0);
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, overruled, 3, &other, &other_count,
						   &err),
			 0);
	ck_assert_uint_eq(one_count, other_count);
	ck_assert_mem_eq(one, other, one_count * sizeof(*one));
	ck_assert_uint_eq(one[one_count - 1].code, BPF_JMP | BPF_EXIT);
	ck_assert_int_eq(one[one_count - 2].imm, 1);
}
END_TEST

/* ---- refusals ---- */

static const struct {
	struct ct_cgroup_device_rule rule;
	int code;
	const char *text;
} refused[] = {
	{ { true, 'x', 1, 1, "r" }, EINVAL, "the type of a device must be a, b or c" },
	{ { true, 0, 1, 1, "r" }, EINVAL, "the type of a device must be a, b or c" },
	{ { true, 'c', -2, 1, "r" }, ERANGE, "major must be -1 or a number of a device, not -2" },
	{ { true, 'c', 1, 4294967296, "r" }, ERANGE,
	  "minor must be -1 or a number of a device, not 4294967296" },
	{ { true, 'c', 1, 1, "rx" }, EINVAL, "access must be made of r, w and m, not \"x\"" },
};

START_TEST(a_rule_that_makes_no_sense_is_refused_with_its_place)
{
	struct ct_cgroup_device_rule rules[] = { refused[_i].rule, { true, 'a', -1, -1, NULL } };
	struct ct_arena ct_autoarena arena = { 0 };
	struct bpf_insn *insns;
	struct ct_err err;
	size_t count;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, rules, 2, &insns, &count, &err),
			 -refused[_i].code);
	ck_assert_str_eq(err.what, refused[_i].text);
	ck_assert_str_eq(err.where, "linux.resources.devices[0]");
}
END_TEST

START_TEST(too_many_rules_are_refused)
{
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_cgroup_device_rule *rules;
	struct bpf_insn *insns;
	struct ct_err err;
	size_t count;

	ck_assert_int_eq(ct_arena_open(&arena, &err), 0);
	rules = ct_arena_calloc(&arena, CT_CGROUP_DEVICE_RULES + 1, sizeof(*rules));
	ck_assert_ptr_nonnull(rules);
	for (size_t i = 0; i <= CT_CGROUP_DEVICE_RULES; i++)
		rules[i] = (struct ct_cgroup_device_rule){ true, 'c', 300, (int64_t)i, "r" };
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, rules, CT_CGROUP_DEVICE_RULES, &insns,
						   &count, &err), 0);
	ck_assert_int_eq(ct_cgroup_devices_compile(&arena, rules, CT_CGROUP_DEVICE_RULES + 1,
						   &insns, &count, &err),
			 -E2BIG);
}
END_TEST

/* Who is not root hears so, before anything of the cgroup is looked at. */
START_TEST(users_hear_that_it_takes_root)
{
	uid_t caller = geteuid();
	struct ct_err err;
	int ret;

	if (caller == 0)
		ck_assert_int_eq(seteuid(65534), 0);
	ret = ct_cgroup_devices_apply(fixture_dir(), NULL, 0, &err);
	ck_assert_int_eq(seteuid(caller), 0);
	ck_assert_int_eq(ret, -EPERM);
	ck_assert_str_eq(err.what, "rules for devices can only be set by root of the host");
}
END_TEST

Suite *suite_cgroup_devices(void);
Suite *suite_cgroup_devices(void)
{
	Suite *s = suite_create("cgroup_devices");
	TCase *answers = tcase_create("answers"), *refusals = tcase_create("refusals");

	tcase_add_test(answers, a_list_as_engines_send_it_allows_what_is_in_it);
	tcase_add_test(answers, every_container_has_its_devices_whatever_is_denied);
	tcase_add_test(answers, a_later_rule_overrules_an_earlier_one_for_each_access_by_itself);
	tcase_add_test(answers, asking_for_more_does_not_get_around_a_denial);
	tcase_add_test(answers, all_means_both_kinds_with_the_numbers_that_are_given);
	tcase_add_test(answers, what_everything_is_decided_by_ends_the_program);
	suite_add_tcase(s, answers);
	tcase_add_checked_fixture(refusals, fixture_setup, fixture_teardown);
	tcase_add_loop_test(refusals, a_rule_that_makes_no_sense_is_refused_with_its_place, 0,
			    (int)COUNT(refused));
	tcase_add_test(refusals, too_many_rules_are_refused);
	tcase_add_test(refusals, users_hear_that_it_takes_root);
	suite_add_tcase(s, refusals);
	return s;
}
