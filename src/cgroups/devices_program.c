/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules about device nodes as a program for the kernel (BPF_PROG_TYPE_CGROUP_DEVICE), which it asks
 * for every open and mknod of a node by a process of the cgroup.
 *
 * Each of read, write and mknod is decided by the last rule that speaks of it, so the program goes
 * from the last rule to the first and keeps what is still undecided: a rule that allows takes its
 * part away, and nothing left means yes; a rule that denies any of the rest means no. What no rule
 * speaks of is denied. Behind all rules come those for what every container may have: the devices
 * that the specification promises, and making nodes, which is harmless without opening them.
 *
 * A pure function: runs in commands and in tests. Fails for a rule that makes no sense, and when
 * the arena is exhausted.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <linux/bpf.h>
#include <stddef.h>
#include <string.h>

#define ACCESS_ALL	(BPF_DEVCG_ACC_MKNOD | BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE)
#define START_LENGTH	6	/* instructions */
#define RULE_LENGTH	8
#define END_LENGTH	2

/* Where the program keeps what it was asked for. */
enum {
	RESULT = BPF_REG_0,
	CONTEXT = BPF_REG_1,
	ACCESS = BPF_REG_2,	/* what is still undecided */
	TYPE = BPF_REG_3,
	MAJOR = BPF_REG_4,
	MINOR = BPF_REG_5,
};

struct program {
	struct bpf_insn *insns;
	size_t count;
};

/* A rule in the kernel's words. */
struct rule {
	bool allow;
	unsigned type;			/* 0: any */
	unsigned access;
	int64_t major, minor;		/* -1: any */
};

/* runc and crun have the same list. A container's terminal is in pts and bound to console. */
static const struct ct_cgroup_device_rule always[] = {
	{ true, 'c', -1, -1, "m" },
	{ true, 'b', -1, -1, "m" },
	{ true, 'c', 1, 3, NULL },	/* null */
	{ true, 'c', 1, 5, NULL },	/* zero */
	{ true, 'c', 1, 7, NULL },	/* full */
	{ true, 'c', 1, 8, NULL },	/* random */
	{ true, 'c', 1, 9, NULL },	/* urandom */
	{ true, 'c', 5, 0, NULL },	/* tty */
	{ true, 'c', 5, 1, NULL },	/* console */
	{ true, 'c', 5, 2, NULL },	/* ptmx */
	{ true, 'c', 136, -1, NULL },	/* pts */
};

#define ALWAYS_COUNT (sizeof(always) / sizeof(always[0]))

/* ---- instructions ---- */

static void emit(struct program *p, struct bpf_insn insn)
{
	p->insns[p->count++] = insn;
}

/* The words of the context are those of struct bpf_cgroup_dev_ctx. */
static void load(struct program *p, unsigned target, size_t offset)
{
	emit(p, (struct bpf_insn){ .code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = target & 15,
				   .src_reg = CONTEXT, .off = (int16_t)offset });
}

static void calculate(struct program *p, unsigned operation, unsigned target, unsigned value)
{
	emit(p, (struct bpf_insn){ .code = (uint8_t)(BPF_ALU | operation | BPF_K),
				   .dst_reg = target & 15, .imm = (int32_t)value });
}

static void copy(struct program *p, unsigned target, unsigned source)
{
	emit(p, (struct bpf_insn){ .code = BPF_ALU | BPF_MOV | BPF_X, .dst_reg = target & 15,
				   .src_reg = source & 15 });
}

/* To the next rule, whose place is known once this one ends: join() fills it in. Numbers of devices
 * have 32 bits and no sign, so the comparison must not extend one. */
static void skip_if(struct program *p, unsigned comparison, unsigned left, unsigned right)
{
	emit(p, (struct bpf_insn){ .code = (uint8_t)(BPF_JMP32 | comparison | BPF_K),
				   .dst_reg = left & 15, .imm = (int32_t)right });
}

static void answer(struct program *p, bool allowed)
{
	emit(p, (struct bpf_insn){ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = RESULT,
				   .imm = allowed });
	emit(p, (struct bpf_insn){ .code = BPF_JMP | BPF_EXIT });
}

/* All jumps since start go behind what there is now; were there any? */
static bool join(struct program *p, size_t start)
{
	bool any = false;

	for (size_t i = start; i < p->count; i++) {
		if (BPF_CLASS(p->insns[i].code) != BPF_JMP32)
			continue;
		p->insns[i].off = (int16_t)(p->count - i - 1);
		any = true;
	}
	return any;
}

/* ---- rules ---- */

static int read_access(const char *text, unsigned *ret_access, struct ct_err *err)
{
	static const char letters[] = "mrw";
	static const unsigned bits[] = { BPF_DEVCG_ACC_MKNOD, BPF_DEVCG_ACC_READ,
					 BPF_DEVCG_ACC_WRITE };

	*ret_access = text ? 0 : ACCESS_ALL;
	for (; text && *text; text++) {
		const char *letter = strchr(letters, *text);

		if (!letter)
			return ct_fail(err, EINVAL,
				       "access must be made of r, w and m, not \"%.20s\"", text);
		*ret_access |= bits[letter - letters];
	}
	return 0;
}

static int check_number(const char *name, int64_t value, struct ct_err *err)
{
	if (value >= -1 && value <= UINT32_MAX)
		return 0;
	return ct_fail(err, ERANGE, "%s must be -1 or a number of a device, not %lld", name,
		       (long long)value);
}

static int read_rule(const struct ct_cgroup_device_rule *from, struct rule *to, struct ct_err *err)
{
	static const char types[] = "abc";
	static const unsigned kinds[] = { 0, BPF_DEVCG_DEV_BLOCK, BPF_DEVCG_DEV_CHAR };
	const char *type = from->type ? strchr(types, from->type) : NULL;

	if (!type)
		return ct_fail(err, EINVAL, "the type of a device must be a, b or c");
	*to = (struct rule){ .allow = from->allow, .type = kinds[type - types],
			     .major = from->major, .minor = from->minor };
	if (check_number("major", from->major, err) < 0 ||
	    check_number("minor", from->minor, err) < 0)
		return -err->code;
	return read_access(from->access, &to->access, err);
}

/* Is there anything left for rules before this one to say? */
static bool add_rule(struct program *p, const struct rule *rule)
{
	size_t start = p->count;

	if (rule->type)
		skip_if(p, BPF_JNE, TYPE, rule->type);
	if (rule->major >= 0)
		skip_if(p, BPF_JNE, MAJOR, (unsigned)rule->major);
	if (rule->minor >= 0)
		skip_if(p, BPF_JNE, MINOR, (unsigned)rule->minor);
	if (rule->access != ACCESS_ALL && rule->allow) {
		calculate(p, BPF_AND, ACCESS, ~rule->access);
		skip_if(p, BPF_JNE, ACCESS, 0);
	} else if (rule->access != ACCESS_ALL) {
		copy(p, RESULT, ACCESS);
		calculate(p, BPF_AND, RESULT, rule->access);
		skip_if(p, BPF_JEQ, RESULT, 0);
	}
	answer(p, rule->allow);
	return join(p, start);
}

/* Rules from the last to the first, until one decides everything: the kernel takes no program with
 * instructions that are never reached. */
static int add_rules(struct program *p, const struct ct_cgroup_device_rule *rules, size_t count,
		     bool *more, struct ct_err *err)
{
	for (size_t i = count; i-- > 0;) {
		struct rule rule = { .major = -1, .minor = -1 };

		if (read_rule(&rules[i], &rule, err) < 0)
			return ct_wrap(err, "linux.resources.devices[%zu]", i);
		if (*more && rule.access)
			*more = add_rule(p, &rule);
	}
	return 0;
}

static void start(struct program *p)
{
	load(p, ACCESS, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	copy(p, TYPE, ACCESS);
	calculate(p, BPF_AND, TYPE, 0xffff);
	calculate(p, BPF_RSH, ACCESS, 16);
	load(p, MAJOR, offsetof(struct bpf_cgroup_dev_ctx, major));
	load(p, MINOR, offsetof(struct bpf_cgroup_dev_ctx, minor));
}

int ct_cgroup_devices_compile(struct ct_arena *arena, const struct ct_cgroup_device_rule *rules,
			      size_t count, struct bpf_insn **ret_insns, size_t *ret_count,
			      struct ct_err *err)
{
	struct program p = { 0 };
	bool more = true;

	if (count > CT_CGROUP_DEVICE_RULES)
		return ct_fail(err, E2BIG, "linux.resources.devices has %zu rules, the limit is %d",
			       count, CT_CGROUP_DEVICE_RULES);
	p.insns = ct_arena_calloc(arena, START_LENGTH + END_LENGTH +
				  RULE_LENGTH * (ALWAYS_COUNT + count), sizeof(*p.insns));
	if (!p.insns)
		return ct_fail_nomem(err);
	start(&p);
	if (add_rules(&p, always, ALWAYS_COUNT, &more, err) < 0 ||
	    add_rules(&p, rules, count, &more, err) < 0)
		return -err->code;
	if (more)
		answer(&p, false);
	*ret_insns = p.insns;
	*ret_count = p.count;
	return 0;
}
