/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a checked spec to a plan: what each file of plan_*.c works out. Runs in the CLI; reads the
 * host, creates nothing.
 */
#ifndef CATTACH_CONTAINER_PLAN_H
#define CATTACH_CONTAINER_PLAN_H

#include <cattach/cgroup.h>
#include <cattach/container.h>
#include <cattach/plan.h>
#include <cattach/spec.h>

/* What planning starts from; the arena owns all that it makes. */
struct planning {
	struct ct_arena *arena;
	const struct ct_spec *spec;
	const struct ct_meta *meta;
	int cache;			/* directory of compiled filters, or -1 */
	unsigned preserve_fds;
	struct ct_plan *plan;
	struct ct_cgroup_settings *settings;	/* of its cgroup; ct_plan_resources() */
	struct ct_strings warnings;		/* what is gone without, a line each */
};

/**
 * ct_plan_make - the whole plan
 * @ret_plan: lives in the arena; descriptors in it are CLOEXEC and stay open
 * @err: where is the property of config.json, with line and column where there is a file
 */
int ct_plan_make(struct ct_arena *arena, const struct ct_spec *spec, const struct ct_meta *meta,
		 int cache, unsigned preserve_fds, struct ct_plan **ret_plan, struct ct_err *err);

/* Say what it holds, where a log was asked for: plan_log.c */
void ct_plan_log(const struct ct_plan *plan);

/* Pin a file of the host by identity. */
int ct_plan_source(const char *path, struct ct_plan_source *ret_source, struct ct_err *err);

int ct_plan_root(struct planning *p, struct ct_err *err);
int ct_plan_namespaces(struct planning *p, struct ct_err *err);
/* plan_network.c: network devices that are moved, once the namespaces are planned */
int ct_plan_network(struct planning *p, struct ct_err *err);
int ct_plan_ids(struct planning *p, const struct ct_spec_idmaps *maps, struct ct_plan_ids *ids,
		struct ct_err *err);
int ct_plan_mounts(struct planning *p, struct ct_err *err);
/* After all mounts: for one whose mount namespace is the caller's. inherited.c */
int ct_plan_inherited(struct planning *p, struct ct_err *err);
/* Before: for one that has its mounts in the namespace that it joins. Keeps the descriptor. */
int ct_plan_attached(struct planning *p, int space, const char *place, struct ct_err *err);
bool ct_inherits_mounts(const struct ct_spec *spec);
/* In our own face nobody could take the host's mounts off for sure. */
int ct_refuse_inherited(const struct ct_spec *spec, struct ct_err *err);
int ct_plan_devices(struct planning *p, struct ct_err *err);
int ct_plan_masks(struct planning *p, struct ct_err *err);
int ct_plan_process(struct planning *p, struct ct_err *err);
int ct_plan_hooks(struct planning *p, struct ct_err *err);
int ct_plan_scheduling(struct planning *p, struct ct_err *err);
/* Of a process that goes into a container. */
int ct_plan_affinity(struct planning *p, struct ct_err *err);
int ct_plan_seccomp(struct planning *p, struct ct_err *err);

/**
 * ct_plan_resources - the settings of the container's cgroup, into p->settings
 * @err: where is the option that asked for it, or the place in config.json
 *
 * With --cgroups=best-effort what version 2 cannot do is left out, and told in p->warnings.
 */
int ct_plan_resources(struct planning *p, struct ct_err *err);

/* A sealed copy of our in-container init in a memfd: the container can never reach the file. */
int ct_plan_init(struct planning *p, struct ct_err *err);

/* Is this descriptor the namespace at that path, which is one that we are in? */
bool ct_plan_is_own(int fd, const char *own);

/* Will this namespace be a new one? */
bool ct_plan_is_new(const struct planning *p, enum ct_spec_ns ns);

/* The error place of item i of a list: "mounts[3]" in the arena ("mounts[?]" without memory). */
const char *ct_plan_place(struct planning *p, const char *list, size_t i);

#endif
