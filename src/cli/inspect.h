/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A container, or a session, as the tree that "cattach inspect" prints: docker's members.
 */
#ifndef CATTACH_CLI_INSPECT_H
#define CATTACH_CLI_INSPECT_H

#include <cattach/container.h>

#include "value.h"

/**
 * ct_inspect_tree - everything that is known about a container
 * @store: where it is kept
 * @config: its config.json, or NULL when that cannot be read
 * @sessions: what exec has made in it; NULL: nothing
 */
struct ct_json *ct_inspect_tree(struct ct_values *values, const struct ct_store *store,
				const struct ct_container *container,
				const struct ct_json *config,
				const struct ct_container_list *sessions);

/* The same for a session: what docker says about an exec, and .State as of a container. */
struct ct_json *ct_inspect_session(struct ct_values *values, const struct ct_container *session);

/* The limits that are asked for, into .HostConfig. */
void ct_inspect_limits(struct ct_values *values, struct ct_json *object, const struct ct_meta *meta,
		       const struct ct_json *config);

/* .State.Health, or null; .Healthcheck and what belongs to it, into .Config. */
struct ct_json *ct_inspect_health(struct ct_values *values, const struct ct_container *container);
void ct_inspect_healthcheck(struct ct_values *values, struct ct_json *object,
			    const struct ct_meta *meta);

/* What else docker has there, into .HostConfig. */
void ct_inspect_host(struct ct_values *values, struct ct_json *object,
		     const struct ct_json *config);

/* .NetworkSettings: of a container that has no network of docker's. */
struct ct_json *ct_inspect_network(struct ct_values *values);

/* .State of either. */
struct ct_json *ct_inspect_state(struct ct_values *values, const struct ct_container *container);

#endif
