/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside src/container: which directory a throw-away overlay was made over.
 */
#ifndef CATTACH_CONTAINER_LOWER_H
#define CATTACH_CONTAINER_LOWER_H

#include <cattach/container.h>
#include <cattach/err.h>
#include <cattach/plan.h>

/* For a start: write down the identity of what the overlay is going to be made over. */
int ct_lower_save(const struct ct_container *container, const struct ct_plan_root *root,
		  struct ct_err *err);

/**
 * ct_lower_open - the directory that the overlay of the present run was made over
 * @err: ESTALE when the path leads to another one by now
 *
 * Return: an O_PATH descriptor that the caller owns.
 */
int ct_lower_open(const struct ct_container *container, struct ct_err *err);

#endif
