/* SPDX-License-Identifier: Apache-2.0 */
/* A compiled program with the same answers and fewer instructions. */
#ifndef CATTACH_NS_SECCOMP_SHRINK_H
#define CATTACH_NS_SECCOMP_SHRINK_H

#include <cattach/seccomp.h>

/* Where it cannot be made smaller the program stays as it is. */
void ct_seccomp_shrink(struct ct_arena *arena, struct ct_seccomp_program *program);

#endif
