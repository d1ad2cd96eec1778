/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a compiled program answers, without loading it: an interpreter for the classic BPF that
 * seccomp(2) takes. It refuses what the kernel would refuse: loads beside the words of struct
 * seccomp_data, jumps past the end, a program that does not end in a return.
 *
 * Used to check programs before they are loaded and by the tests. Pure, needs no privileges; jumps
 * only go forward, so it ends after at most as many steps as there are instructions.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <cattach/seccomp.h>

struct machine {
	uint32_t a, x, memory[BPF_MEMWORDS];
};

/* BPF_LD: into the accumulator. */
static int load(struct machine *m, const struct sock_filter *in, const struct seccomp_data *call)
{
	switch (in->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (in->k % 4 || in->k > sizeof(*call) - 4)
			return -EINVAL;
		memcpy(&m->a, (const char *)call + in->k, 4);
		return 0;
	case BPF_LD | BPF_W | BPF_LEN:
		m->a = sizeof(*call);
		return 0;
	case BPF_LD | BPF_IMM:
		m->a = in->k;
		return 0;
	case BPF_LD | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		m->a = m->memory[in->k];
		return 0;
	default:
		return -EINVAL;
	}
}

/* BPF_LDX: into the index register. */
static int load_index(struct machine *m, const struct sock_filter *in)
{
	switch (in->code) {
	case BPF_LDX | BPF_W | BPF_LEN:
		m->x = sizeof(struct seccomp_data);
		return 0;
	case BPF_LDX | BPF_IMM:
		m->x = in->k;
		return 0;
	case BPF_LDX | BPF_MEM:
		if (in->k >= BPF_MEMWORDS)
			return -EINVAL;
		m->x = m->memory[in->k];
		return 0;
	default:
		return -EINVAL;
	}
}

/* BPF_ST and BPF_STX. */
static int store(struct machine *m, const struct sock_filter *in, uint32_t value)
{
	if (in->k >= BPF_MEMWORDS)
		return -EINVAL;
	m->memory[in->k] = value;
	return 0;
}

/* BPF_ALU on the accumulator. */
static int compute(struct machine *m, const struct sock_filter *in)
{
	uint32_t operand = BPF_SRC(in->code) == BPF_X ? m->x : in->k;

	switch (BPF_OP(in->code)) {
	case BPF_ADD:
		m->a += operand;
		return 0;
	case BPF_SUB:
		m->a -= operand;
		return 0;
	case BPF_MUL:
		m->a *= operand;
		return 0;
	case BPF_DIV:
		if (!operand)
			return -EINVAL;
		m->a /= operand;
		return 0;
	case BPF_AND:
		m->a &= operand;
		return 0;
	case BPF_OR:
		m->a |= operand;
		return 0;
	case BPF_XOR:
		m->a ^= operand;
		return 0;
	case BPF_LSH:
		m->a = operand < 32 ? m->a << operand : 0;
		return 0;
	case BPF_RSH:
		m->a = operand < 32 ? m->a >> operand : 0;
		return 0;
	case BPF_NEG:
		m->a = -m->a;
		return 0;
	default:
		return -EINVAL;
	}
}

/* BPF_JMP: how many instructions to skip. */
static int jump(const struct machine *m, const struct sock_filter *in, uint32_t *ret_skip)
{
	uint32_t operand = BPF_SRC(in->code) == BPF_X ? m->x : in->k;
	bool holds;

	switch (BPF_OP(in->code)) {
	case BPF_JA:
		*ret_skip = in->k;
		return 0;
	case BPF_JEQ:
		holds = m->a == operand;
		break;
	case BPF_JGT:
		holds = m->a > operand;
		break;
	case BPF_JGE:
		holds = m->a >= operand;
		break;
	case BPF_JSET:
		holds = (m->a & operand) != 0;
		break;
	default:
		return -EINVAL;
	}
	*ret_skip = holds ? in->jt : in->jf;
	return 0;
}

/* BPF_MISC: between the registers. */
static int transfer(struct machine *m, const struct sock_filter *in)
{
	switch (BPF_MISCOP(in->code)) {
	case BPF_TAX:
		m->x = m->a;
		return 0;
	case BPF_TXA:
		m->a = m->x;
		return 0;
	default:
		return -EINVAL;
	}
}

/* One instruction that is not a return. */
static int step(struct machine *m, const struct sock_filter *in, const struct seccomp_data *call,
		uint32_t *ret_skip)
{
	*ret_skip = 0;
	switch (BPF_CLASS(in->code)) {
	case BPF_LD:
		return load(m, in, call);
	case BPF_LDX:
		return load_index(m, in);
	case BPF_ST:
		return store(m, in, m->a);
	case BPF_STX:
		return store(m, in, m->x);
	case BPF_ALU:
		return compute(m, in);
	case BPF_JMP:
		return jump(m, in, ret_skip);
	case BPF_MISC:
		return transfer(m, in);
	default:
		return -EINVAL;
	}
}

int ct_seccomp_verdict(const struct ct_seccomp_program *program, const struct seccomp_data *call,
		       uint32_t *ret_verdict)
{
	struct machine m = { 0 };
	uint32_t skip;

	for (size_t pc = 0; pc < program->length; pc += 1 + (size_t)skip) {
		const struct sock_filter *in = &program->filter[pc];

		if (BPF_CLASS(in->code) == BPF_RET) {
			*ret_verdict = BPF_RVAL(in->code) == BPF_A ? m.a : in->k;
			return 0;
		}
		if (step(&m, in, call, &skip) < 0)
			return -EINVAL;
	}
	return -EINVAL;
}
