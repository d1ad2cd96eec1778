/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of the default policy: seccomp_table.c holds them, seccomp_default.c makes rules of
 * them for a set of capabilities.
 */
#ifndef CATTACH_NS_SECCOMP_TABLE_H
#define CATTACH_NS_SECCOMP_TABLE_H

#include <stddef.h>
#include <stdint.h>

#define CAP_BIT(n)	(1ULL << (n))

enum seccomp_answer {
	SECCOMP_ENOSYS,		/* the default: no rule at all */
	SECCOMP_EPERM,
	SECCOMP_ALLOW,
};

/* Calls that are answered without a look at their arguments. */
struct seccomp_group {
	uint64_t caps;		/* allowed with any of these; 0: no capability matters */
	enum seccomp_answer answer;	/* without them */
	const char *names;	/* separated by blanks */
};

#define SECCOMP_VALUES_MAX	5

/*
 * Calls where one argument decides: the bits that mask selects are compared with the values, and
 * every other value gets the opposite answer. Argument bits outside the mask never matter.
 */
struct seccomp_choice {
	uint64_t caps;		/* allowed whatever the argument with any of these */
	const char *name;
	uint32_t index;		/* of the argument */
	uint64_t mask;
	enum seccomp_answer answer;	/* to the values: ALLOW or EPERM; the others get the opposite */
	unsigned value_count;
	uint64_t values[SECCOMP_VALUES_MAX];
};

extern const struct seccomp_group ct_seccomp_groups[];
extern const size_t ct_seccomp_group_count;
extern const struct seccomp_choice ct_seccomp_choices[];
extern const size_t ct_seccomp_choice_count;

#endif
