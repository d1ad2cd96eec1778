/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default policy as rules, for a set of capabilities: each row of seccomp_table.c becomes a
 * rule that allows or refuses, depending on whether the container holds a capability that opens it.
 *
 * "Every other value" needs care. libseccomp has no such rule, two inequalities on one argument
 * would be OR-ed and hold always, and its comparisons other than MASKED_EQ look at 64 bits where
 * the kernel looks at 32, so that 0x100005412 would pass where 0x5412 is refused. So it is said
 * with two masked rules on one bit of the mask, one for 0 and one for 1, which together match
 * everything; libseccomp puts wider masks first, and ct_seccomp_compile() proves that it did.
 *
 * Runs in the process that prepares a start, before the clone, with the caller's privileges; on every
 * start the policy's key is made, the rules only where the cache has no program. Fails only when the
 * arena is full.
 */
#include <errno.h>
#include <string.h>

#include <cattach/seccomp.h>

#include "fnv.h"
#include "seccomp_table.h"

/* Bumped when the rows come to mean something else without changing themselves. */
#define TABLE_VERSION	1

/* Split "a b c" into a list; one copy of the text, blanks turned into ends. */
static int split_names(struct ct_arena *arena, const char *text, struct ct_strings *ret_names)
{
	size_t count = 1;
	char *copy, *end;

	for (const char *p = text; *p; p++)
		count += *p == ' ';
	copy = ct_arena_strdup(arena, text);
	ret_names->items = ct_arena_calloc(arena, count + 1, sizeof(*ret_names->items));
	if (!copy || !ret_names->items)
		return -1;
	for (size_t i = 0; i < count; i++) {
		ret_names->items[i] = copy;
		end = strchrnul(copy, ' ');
		copy = end + 1;
		*end = '\0';
	}
	ret_names->count = count;
	return 0;
}

/* Add an unconditional rule; ENOSYS is the default and needs none. */
static int add_group(struct ct_arena *arena, struct ct_seccomp_policy *policy, const char *names,
		     enum seccomp_answer answer)
{
	struct ct_seccomp_rule *rule = &policy->rules[policy->rule_count];

	if (answer == SECCOMP_ENOSYS)
		return 0;
	if (split_names(arena, names, &rule->names) < 0)
		return -1;
	rule->action = answer == SECCOMP_ALLOW ? "SCMP_ACT_ALLOW" : "SCMP_ACT_ERRNO";
	rule->errno_ret = answer == SECCOMP_ALLOW ? 0 : EPERM;
	policy->rule_count++;
	return 0;
}

/* Add a rule for the calls whose argument has this value under this mask. */
static int add_masked(struct ct_arena *arena, struct ct_seccomp_policy *policy,
		      const struct seccomp_choice *choice, enum seccomp_answer answer,
		      uint64_t mask, uint64_t value)
{
	struct ct_seccomp_rule *rule = &policy->rules[policy->rule_count];

	if (add_group(arena, policy, choice->name, answer) < 0)
		return -1;
	rule->args = ct_arena_calloc(arena, 1, sizeof(*rule->args));
	if (!rule->args)
		return -1;
	rule->args[0] = (struct ct_seccomp_arg){
		.index = choice->index,
		.op = "SCMP_CMP_MASKED_EQ",
		.a = mask,
		.b = value,
	};
	rule->arg_count = 1;
	return 0;
}

/* The values of a choice, then everything else. */
static int add_choice(struct ct_arena *arena, struct ct_seccomp_policy *policy,
		      const struct seccomp_choice *choice, uint64_t caps)
{
	enum seccomp_answer opposite =
		choice->answer == SECCOMP_ALLOW ? SECCOMP_EPERM : SECCOMP_ALLOW;
	uint64_t bit = choice->mask & -choice->mask;
	int failed = 0;

	if (choice->caps & caps)
		return add_group(arena, policy, choice->name, SECCOMP_ALLOW);
	for (unsigned i = 0; i < choice->value_count; i++)
		failed |= add_masked(arena, policy, choice, choice->answer, choice->mask,
				     choice->values[i]);
	failed |= add_masked(arena, policy, choice, opposite, bit, 0);
	failed |= add_masked(arena, policy, choice, opposite, bit, bit);
	return failed;
}

/*
 * What stands for the policy in the cache: a hash of all rows, so that no edit of the table can be
 * forgotten, and of the capabilities only those that some row asks for.
 */
static const char *make_key(struct ct_arena *arena, uint64_t caps)
{
	uint64_t hash = FNV_START, asked = 0;

	for (size_t i = 0; i < ct_seccomp_group_count; i++) {
		const struct seccomp_group *group = &ct_seccomp_groups[i];
		uint64_t fields[] = { group->caps, group->answer };

		asked |= group->caps;
		hash = fnv_add(hash, fields, sizeof(fields));
		hash = fnv_add(hash, group->names, strlen(group->names) + 1);
	}
	for (size_t i = 0; i < ct_seccomp_choice_count; i++) {
		const struct seccomp_choice *choice = &ct_seccomp_choices[i];
		uint64_t fields[] = { choice->caps, choice->index, choice->mask, choice->answer,
				      choice->value_count };

		asked |= choice->caps;
		hash = fnv_add(hash, fields, sizeof(fields));
		hash = fnv_add(hash, choice->values, sizeof(choice->values));
		hash = fnv_add(hash, choice->name, strlen(choice->name) + 1);
	}
	return ct_arena_printf(arena, "default %d table %016llx caps %016llx", TABLE_VERSION,
			       (unsigned long long)hash, (unsigned long long)(caps & asked));
}

static int fill(struct ct_arena *arena, struct ct_seccomp_policy *policy, struct ct_err *err)
{
	int failed = 0;

	policy->rules = ct_arena_calloc(arena,
					ct_seccomp_group_count +
						ct_seccomp_choice_count * (SECCOMP_VALUES_MAX + 2),
					sizeof(*policy->rules));
	if (!policy->rules)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < ct_seccomp_group_count; i++) {
		const struct seccomp_group *group = &ct_seccomp_groups[i];

		failed |= add_group(arena, policy, group->names,
				    group->caps & policy->caps ? SECCOMP_ALLOW : group->answer);
	}
	for (size_t i = 0; i < ct_seccomp_choice_count; i++)
		failed |= add_choice(arena, policy, &ct_seccomp_choices[i], policy->caps);
	return failed ? ct_fail_nomem(err) : 0;
}

int ct_seccomp_default(struct ct_arena *arena, uint64_t caps, struct ct_seccomp_policy *ret_policy,
		       struct ct_err *err)
{
	struct ct_seccomp_policy policy = {
		.default_action = "SCMP_ACT_ERRNO",
		.default_errno = ENOSYS,
		.key = make_key(arena, caps),
		.fill = fill,
		.caps = caps,
	};

	if (!policy.key)
		return ct_fail_nomem(err);
	*ret_policy = policy;
	return 0;
}
