/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container as the tree that "cattach inspect" prints: docker's members.
 */
#ifndef CATTACH_CLI_INSPECT_H
#define CATTACH_CLI_INSPECT_H

#include <cattach/container.h>

#include "value.h"

/**
 * ct_inspect_tree - everything that is known about a container
 * @store: where it is kept
 * @config: its config.json, or NULL when that cannot be read
 */
struct ct_json *ct_inspect_tree(struct ct_values *values, const struct ct_store *store,
				const struct ct_container *container,
				const struct ct_json *config);

#endif
