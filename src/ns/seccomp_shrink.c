/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A compiled program made smaller. libseccomp asks for each call by its number, about two
 * instructions each; but most calls get the answer of their neighbours, so here it is asked for ranges
 * of numbers, by halving. The default policy has half as many instructions then, and the kernel needs
 * half the time to check and compile it, which each start waits for.
 *
 * Nothing is known here of policies: the program itself is asked, for each architecture that it
 * compares with, what becomes of every number, as far as it looks at the number alone. Where it goes on
 * to look at arguments, that part of it is copied as it is. What the result answers is compared with what
 * the program answers at both ends of every range; a program that does anything unexpected, or whose
 * ranges are too many, is left as it is.
 *
 * Runs before the clone with the caller's privileges, when a policy is compiled, not when its program
 * comes from the cache. Nothing here can fail a start.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "seccomp_shrink.h"

#define ARCHS_MAX	8
#define RANGES_MAX	250	/* jumps reach 255 instructions, and one section has one for each range */

/* What the accumulator holds before an instruction. */
enum kind { NOTHING, ARCH, NUMBER, ARGUMENT, MIXED };

/* What becomes of a range of numbers: a verdict, or the rest of the program from an instruction on. */
struct fate {
	bool goes_on;
	uint32_t value;
};

struct range {
	uint32_t first;
	struct fate fate;
};

/* The numbers of one architecture. */
struct section {
	struct range ranges[RANGES_MAX];
	size_t count;
	struct fate leaves[RANGES_MAX];	/* each fate once */
	size_t leaf_count;
};

struct shrinking {
	const struct ct_seccomp_program *in;
	uint8_t *kinds;			/* of each instruction */
	bool *kept;			/* is it in a part that is copied? */
	size_t *places;			/* where such an instruction goes... */
	size_t end;			/* ...from the end of the sections on */
	uint32_t archs[ARCHS_MAX], other;	/* those that it knows, and one that it does not know */
	size_t arch_count;
	uint32_t *edges;		/* numbers at which its answers may change */
	size_t edge_count;
	struct section *sections;
	uint32_t stranger;		/* the answer to other architectures */
	struct sock_filter *out;
	size_t length, room;
};

/* ---- reading the program ---- */

static bool is_load(const struct sock_filter *in)
{
	return in->code == (BPF_LD | BPF_W | BPF_ABS);
}

static bool is_jump_if(const struct sock_filter *in)
{
	return in->code == (BPF_JMP | BPF_JEQ | BPF_K) || in->code == (BPF_JMP | BPF_JGT | BPF_K) ||
	       in->code == (BPF_JMP | BPF_JGE | BPF_K) || in->code == (BPF_JMP | BPF_JSET | BPF_K);
}

static enum kind loaded_kind(const struct sock_filter *in)
{
	if (in->k == offsetof(struct seccomp_data, arch))
		return ARCH;
	return in->k == offsetof(struct seccomp_data, nr) ? NUMBER : ARGUMENT;
}

/* From one instruction to another the accumulator goes as it is. */
static bool pass_kind(struct shrinking *s, size_t to, enum kind kind)
{
	if (to >= s->in->length)
		return false;
	if (s->kinds[to] == NOTHING)
		s->kinds[to] = (uint8_t)kind;
	else if (s->kinds[to] != kind)
		s->kinds[to] = MIXED;
	return true;
}

static bool add_arch(struct shrinking *s, uint32_t arch)
{
	for (size_t i = 0; i < s->arch_count; i++)
		if (s->archs[i] == arch)
			return true;
	if (s->arch_count == ARCHS_MAX)
		return false;
	s->archs[s->arch_count++] = arch;
	return true;
}

/* What a comparison tells of architectures and numbers; of arguments it may be any. */
static bool note_comparison(struct shrinking *s, const struct sock_filter *in, enum kind kind)
{
	unsigned op = BPF_OP(in->code);

	if (kind == ARCH)
		return op == BPF_JEQ && add_arch(s, in->k);
	if (kind == ARGUMENT)
		return true;
	if (kind != NUMBER || op == BPF_JSET)
		return false;
	if (op != BPF_JGT)
		s->edges[s->edge_count++] = in->k;
	if (op != BPF_JGE && in->k != UINT32_MAX)
		s->edges[s->edge_count++] = in->k + 1;
	return true;
}

/* Jumps go forward only, so once is enough. False: there is something that is not expected here. */
static bool read_program(struct shrinking *s)
{
	s->edges[s->edge_count++] = 0;
	for (size_t pc = 0; pc < s->in->length; pc++) {
		const struct sock_filter *in = &s->in->filter[pc];
		enum kind kind = (enum kind)s->kinds[pc];

		if (in->code == (BPF_RET | BPF_K))
			continue;
		if (is_load(in)) {
			if (!pass_kind(s, pc + 1, loaded_kind(in)))
				return false;
		} else if (in->code == (BPF_ALU | BPF_AND | BPF_K)) {
			if (kind != ARGUMENT || !pass_kind(s, pc + 1, kind))
				return false;
		} else if (in->code == (BPF_JMP | BPF_JA)) {
			if (!pass_kind(s, pc + 1 + in->k, kind))
				return false;
		} else if (!is_jump_if(in) || !note_comparison(s, in, kind) ||
			   !pass_kind(s, pc + 1 + in->jt, kind) ||
			   !pass_kind(s, pc + 1 + in->jf, kind)) {
			return false;
		}
	}
	return true;
}

/* Follow a program as far as architecture and number decide; false: they do not. */
static bool follow(const struct ct_seccomp_program *program, uint32_t arch, uint32_t number,
		   struct fate *ret_fate)
{
	uint32_t a = 0;

	for (size_t pc = 0; pc < program->length; pc++) {
		const struct sock_filter *in = &program->filter[pc];
		bool holds;

		if (in->code == (BPF_RET | BPF_K) || (is_load(in) && loaded_kind(in) == ARGUMENT)) {
			ret_fate->goes_on = is_load(in);
			ret_fate->value = is_load(in) ? (uint32_t)pc : in->k;
			return true;
		}
		if (is_load(in)) {
			a = loaded_kind(in) == ARCH ? arch : number;
			continue;
		}
		if (in->code == (BPF_JMP | BPF_JA)) {
			pc += in->k;
			continue;
		}
		if (!is_jump_if(in) || BPF_OP(in->code) == BPF_JSET)
			return false;
		if (BPF_OP(in->code) == BPF_JEQ)
			holds = a == in->k;
		else
			holds = BPF_OP(in->code) == BPF_JGT ? a > in->k : a >= in->k;
		pc += holds ? in->jt : in->jf;
	}
	return false;
}

/* ---- ranges ---- */

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool same_fate(const struct fate *a, const struct fate *b)
{
	return a->goes_on == b->goes_on && a->value == b->value;
}

static size_t leaf_of(const struct section *section, const struct fate *fate)
{
	size_t i = 0;

	while (i < section->leaf_count && !same_fate(&section->leaves[i], fate))
		i++;
	return i;
}

static bool find_ranges(struct shrinking *s, uint32_t arch, struct section *section)
{
	for (size_t i = 0; i < s->edge_count; i++) {
		struct range r = { .first = s->edges[i] };

		if (!follow(s->in, arch, r.first, &r.fate))
			return false;
		if (section->count && same_fate(&section->ranges[section->count - 1].fate, &r.fate))
			continue;
		if (section->count == RANGES_MAX)
			return false;
		section->ranges[section->count++] = r;
		if (leaf_of(section, &r.fate) == section->leaf_count)
			section->leaves[section->leaf_count++] = r.fate;
		if (r.fate.goes_on)
			s->kept[r.fate.value] = true;
	}
	/* The last leaf must be within reach of the first jump. */
	return section->count + section->leaf_count <= RANGES_MAX;
}

/* In order, each once. */
static void sort_edges(struct shrinking *s)
{
	size_t count = 1;

	qsort(s->edges, s->edge_count, sizeof(*s->edges), compare);
	for (size_t i = 1; i < s->edge_count; i++)
		if (s->edges[i] != s->edges[count - 1])
			s->edges[count++] = s->edges[i];
	s->edge_count = count;
}

static uint32_t unknown_arch(const struct shrinking *s)
{
	uint32_t arch = 0;

	for (size_t i = 0; i < s->arch_count; i++) {
		if (s->archs[i] != arch)
			continue;
		arch++;
		i = (size_t)-1;	/* from the first again */
	}
	return arch;
}

/* An architecture that the program does not know gets one answer, whatever the number. */
static bool find_sections(struct shrinking *s, struct section *stranger)
{
	for (size_t i = 0; i < s->arch_count; i++)
		if (!find_ranges(s, s->archs[i], &s->sections[i]))
			return false;
	if (!find_ranges(s, s->other, stranger) || stranger->count != 1 ||
	    stranger->ranges[0].fate.goes_on)
		return false;
	s->stranger = stranger->ranges[0].fate.value;
	return true;
}

/* ---- writing ---- */

static void put(struct shrinking *s, struct sock_filter in)
{
	/* What would not fit shows in the length, and is thrown away. */
	if (s->length < s->room)
		s->out[s->length] = in;
	s->length++;
}

/* What can be reached from where a section goes on is kept, too. Places are counted from the first. */
static void place_kept(struct shrinking *s)
{
	size_t count = 0;

	for (size_t pc = 0; pc < s->in->length; pc++) {
		const struct sock_filter *in = &s->in->filter[pc];

		if (!s->kept[pc])
			continue;
		s->places[pc] = count++;
		if (BPF_CLASS(in->code) == BPF_RET)
			continue;
		if (in->code == (BPF_JMP | BPF_JA)) {
			s->kept[pc + 1 + in->k] = true;
		} else if (BPF_CLASS(in->code) == BPF_JMP) {
			s->kept[pc + 1 + in->jt] = true;
			s->kept[pc + 1 + in->jf] = true;
		} else {
			s->kept[pc + 1] = true;
		}
	}
}

/* In the order in which they were; what is between them may have gone, so no jump is longer. */
static void put_kept(struct shrinking *s)
{
	for (size_t pc = 0; pc < s->in->length; pc++) {
		struct sock_filter in = s->in->filter[pc];
		size_t next = s->places[pc] + 1;

		if (!s->kept[pc])
			continue;
		if (in.code == (BPF_JMP | BPF_JA)) {
			in.k = (uint32_t)(s->places[pc + 1 + in.k] - next);
		} else if (BPF_CLASS(in.code) == BPF_JMP) {
			in.jt = (uint8_t)(s->places[pc + 1 + in.jt] - next);
			in.jf = (uint8_t)(s->places[pc + 1 + in.jf] - next);
		}
		put(s, in);
	}
}

/* How far a comparison jumps for ranges low...high - 1: to the next one, or to a leaf, behind them all. */
static uint8_t distance(const struct section *section, size_t low, size_t high, size_t at, size_t begin,
			size_t next)
{
	if (high - low > 1)
		return (uint8_t)(next - at - 1);
	return (uint8_t)(begin + section->count - 1 +
			 leaf_of(section, &section->ranges[low].fate) - at - 1);
}

/* Ranges low...high - 1, by halving: one comparison less than there are ranges. */
static void put_tree(struct shrinking *s, const struct section *section, size_t low, size_t high,
		     size_t begin)
{
	size_t middle = low + (high - low) / 2, at = s->length;

	if (high - low < 2)
		return;
	put(s, (struct sock_filter)BPF_JUMP(
		BPF_JMP | BPF_JGE | BPF_K, section->ranges[middle].first,
		distance(section, middle, high, at, begin, at + 1 + (middle - low - 1)),
		distance(section, low, middle, at, begin, at + 1)));
	put_tree(s, section, low, middle, begin);
	put_tree(s, section, middle, high, begin);
}

static size_t section_length(const struct section *section)
{
	return 1 + section->count - 1 + section->leaf_count;
}

static void put_section(struct shrinking *s, const struct section *section)
{
	put(s, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, nr)));
	put_tree(s, section, 0, section->count, s->length);
	for (size_t i = 0; i < section->leaf_count; i++) {
		const struct fate *leaf = &section->leaves[i];

		if (leaf->goes_on)
			put(s, (struct sock_filter)BPF_STMT(
				BPF_JMP | BPF_JA,
				(uint32_t)(s->end + s->places[leaf->value] - s->length - 1)));
		else
			put(s, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, leaf->value));
	}
}

static void put_all(struct shrinking *s)
{
	size_t at = 2 + 2 * s->arch_count;

	s->end = at;
	for (size_t i = 0; i < s->arch_count; i++)
		s->end += section_length(&s->sections[i]);
	put(s, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
					    offsetof(struct seccomp_data, arch)));
	for (size_t i = 0; i < s->arch_count; i++) {
		put(s, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, s->archs[i], 0, 1));
		put(s, (struct sock_filter)BPF_STMT(BPF_JMP | BPF_JA,
						    (uint32_t)(at - s->length - 1)));
		at += section_length(&s->sections[i]);
	}
	put(s, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, s->stranger));
	for (size_t i = 0; i < s->arch_count; i++)
		put_section(s, &s->sections[i]);
	put_kept(s);
}

/* ---- proof ---- */

/* The same verdict, or on to the copy of the same instruction. */
static bool same_answer(const struct shrinking *s, const struct ct_seccomp_program *out, uint32_t arch,
			uint32_t number)
{
	struct fate before, now;

	if (!follow(s->in, arch, number, &before) || !follow(out, arch, number, &now))
		return false;
	if (before.goes_on)
		before.value = (uint32_t)(s->end + s->places[before.value]);
	return same_fate(&before, &now);
}

/* Between two edges no comparison of either program changes. */
static bool prove(const struct shrinking *s, const struct ct_seccomp_program *out)
{
	for (size_t i = 0; i <= s->arch_count; i++) {
		uint32_t arch = i < s->arch_count ? s->archs[i] : s->other;

		for (size_t j = 0; j < s->edge_count; j++)
			if (!same_answer(s, out, arch, s->edges[j]) ||
			    !same_answer(s, out, arch, s->edges[j] - 1))
				return false;
	}
	return true;
}

/* The smaller program: false where there is none. */
static bool shrink(struct shrinking *s, struct ct_seccomp_program *out)
{
	if (!read_program(s))
		return false;
	sort_edges(s);
	s->other = unknown_arch(s);
	if (!find_sections(s, &s->sections[ARCHS_MAX]))
		return false;
	place_kept(s);
	put_all(s);
	if (s->length >= s->room)
		return false;
	out->filter = s->out;
	out->length = (unsigned short)s->length;
	return prove(s, out);
}

void ct_seccomp_shrink(struct ct_arena *arena, struct ct_seccomp_program *program)
{
	size_t length = program->length;
	struct shrinking s = {
		.in = program,
		.kinds = ct_arena_calloc(arena, length, sizeof(*s.kinds)),
		.kept = ct_arena_calloc(arena, length, sizeof(*s.kept)),
		.places = ct_arena_calloc(arena, length, sizeof(*s.places)),
		.edges = ct_arena_calloc(arena, 2 * length + 1, sizeof(*s.edges)),
		.sections = ct_arena_calloc(arena, ARCHS_MAX + 1, sizeof(*s.sections)),
		.out = ct_arena_calloc(arena, length, sizeof(*s.out)),
		.room = length,
	};
	struct ct_seccomp_program out = *program;

	if (!s.kinds || !s.kept || !s.places || !s.edges || !s.sections || !s.out)
		return;
	if (shrink(&s, &out))
		*program = out;
}
