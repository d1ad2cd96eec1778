/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts about the host for "cattach info": what it can and cannot do for the caller.
 */
#ifndef CATTACH_CLI_INFO_H
#define CATTACH_CLI_INFO_H

#include <stdbool.h>
#include <stddef.h>

#include <cattach/arena.h>
#include <cattach/cgroup.h>
#include <cattach/err.h>

enum ct_fact_level { CT_FACT_OK, CT_FACT_WARN, CT_FACT_NO };

struct ct_fact {
	enum ct_fact_level level;
	const char *name;		/* for templates and json: "UserNamespaces" */
	const char *what;		/* one line for people */
	const char *fix;		/* the way out, or NULL */
};

struct ct_facts {
	struct ct_arena *arena;
	struct ct_fact *items;
	size_t count;
	bool failed;			/* the arena is exhausted */
};

/* Add a fact; the text is formatted into the arena, fix is borrowed. */
void ct_fact_add(struct ct_facts *facts, enum ct_fact_level level, const char *name,
		 const char *fix, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* One line of a small file without its newline, in the arena; NULL when it is not there. */
const char *ct_fact_file(struct ct_facts *facts, const char *path);

/* Everything there is to say, in this order. */
int ct_facts_namespaces(struct ct_facts *facts, struct ct_err *err);
int ct_facts_ids(struct ct_facts *facts, struct ct_err *err);
int ct_facts_cgroups(struct ct_facts *facts, struct ct_err *err);

/* What there is to say of a verdict; for ct_facts_cgroups() and tests. */
struct ct_place_facts {
	const struct ct_cgroup_place *place;
	const char *managed;		/* what systemd has for scopes, or NULL: not known */
	bool systemd;			/* it manages this host */
	int clone3;			/* 0, or why nothing can be born in a cgroup */
};

void ct_facts_place(struct ct_facts *facts, const struct ct_place_facts *f);

void ct_facts_kernel(struct ct_facts *facts);
void ct_facts_session(struct ct_facts *facts);

/* Where defaults of options come from, and each that is in effect, by its own name. */
int ct_facts_defaults(struct ct_facts *facts, struct ct_err *err);

#endif
