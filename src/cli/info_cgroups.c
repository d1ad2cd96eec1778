/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for "cattach info" about control groups: which layout the host has, and whether containers
 * of the caller get some, where, and for which limits. It is the verdict that a start goes by, with
 * the same reason and way out.
 *
 * Runs in the command's own process and only reads. That there is no place is a fact and no error.
 *
 *   verdict of ct_cgroup_find_place()      what is said
 *   CT_CGROUP_HERE                         below which group, with which controllers
 *   CT_CGROUP_NEEDS_SCOPE                  systemd makes a scope for each
 *   CT_CGROUP_NOWHERE                      why not, and how to change that
 *
 * docs/cgroups.md has the whole story.
 */
#include "info.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cattach/probe.h>

#define NAME "CgroupDelegation"

/* Lists of controllers are separated by blanks (cgroup.controllers); "cpu" is not "cpuset". */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (list += strspn(list, " "); *list; list += strspn(list, " ")) {
		size_t n = strcspn(list, " ");

		if (n == length && !strncmp(list, word, n))
			return true;
		list += n;
	}
	return false;
}

/* Limits need these above all; with memory and pids nothing can take the host down. */
static bool is_enough(const char *controllers)
{
	return has_word(controllers, "memory") && has_word(controllers, "pids");
}

/* Hybrid is systemd's: v2 is mounted, without controllers, since those are v1's. */
static void add_layout(struct ct_facts *facts, const struct ct_cgroup_place *place)
{
	const char *name = ct_cgroup_layout_name(place->layout);

	switch (place->layout) {
	case CT_CGROUP_UNIFIED:
		ct_fact_add(facts, CT_FACT_OK, "Cgroups", NULL, "cgroups: %s", name);
		break;
	case CT_CGROUP_HYBRID:
		ct_fact_add(facts, CT_FACT_WARN, "Cgroups",
			    "boot with systemd.unified_cgroup_hierarchy=1 (limits need cgroup v2)",
			    "cgroups: %s; containers have only what v1 leaves to v2", name);
		break;
	case CT_CGROUP_V1:
		ct_fact_add(facts, CT_FACT_WARN, "Cgroups",
			    "boot with systemd.unified_cgroup_hierarchy=1 (limits need cgroup v2)",
			    "cgroups: %s; containers run without limits", name);
		break;
	case CT_CGROUP_NONE:
		ct_fact_add(facts, CT_FACT_WARN, "Cgroups", "mount -t cgroup2 none /sys/fs/cgroup",
			    "cgroups: %s; containers run without limits", name);
		break;
	}
}

/* How to get the controllers that are missing. */
static const char *more_controllers(const struct ct_place_facts *f)
{
	if (f->place->layout != CT_CGROUP_UNIFIED)
		return "boot with systemd.unified_cgroup_hierarchy=1: v1 has the others";
	if (f->systemd)
		return "systemctl edit user@.service: [Service] Delegate=cpu cpuset io memory pids; "
		       "then log in again";
	return "have root write +cpu +memory +pids into cgroup.subtree_control of every group above: "
	       "docs/cgroups.md";
}

/* "crowded": cgroup v2 has no group with both processes and limits for children ("no internal
 * processes"), so those that are in ours are moved down before one is set. */
static void add_here(struct ct_facts *facts, const struct ct_place_facts *f)
{
	const struct ct_cgroup_place *place = f->place;
	const char *aside = place->crowded ?
			    "; its processes are moved into cattach-callers for a limit" : "";

	if (is_enough(place->controllers))
		ct_fact_add(facts, CT_FACT_OK, NAME, NULL,
			    "containers get cgroups below %.400s, with %s%s", place->path,
			    place->controllers, aside);
	else
		ct_fact_add(facts, CT_FACT_WARN, NAME, more_controllers(f),
			    "containers get cgroups below %.400s, but only with %s%s", place->path,
			    *place->controllers ? place->controllers : "no controllers", aside);
}

/* managed is NULL when that file cannot be read, and nothing is claimed then. */
static void add_scope(struct ct_facts *facts, const struct ct_place_facts *f)
{
	if (!f->managed)
		ct_fact_add(facts, CT_FACT_OK, NAME, NULL,
			    "systemd makes a scope for each container");
	else if (is_enough(f->managed))
		ct_fact_add(facts, CT_FACT_OK, NAME, NULL,
			    "systemd makes a scope for each container, with %s", f->managed);
	else
		ct_fact_add(facts, CT_FACT_WARN, NAME, more_controllers(f),
			    "systemd makes a scope for each container, but only with %s",
			    *f->managed ? f->managed : "no controllers");
}

static void add_nowhere(struct ct_facts *facts, const struct ct_cgroup_place *place)
{
	const char *fix = ct_arena_strdup(facts->arena, place->fix);

	facts->failed = facts->failed || !fix;
	ct_fact_add(facts, CT_FACT_WARN, NAME, fix,
		    "containers run without limits and cannot be paused: %s", place->why);
}

/* Separate from the looking, so that tests can show every verdict without such a host. */
void ct_facts_place(struct ct_facts *facts, const struct ct_place_facts *f)
{
	add_layout(facts, f->place);
	if (f->place->verdict == CT_CGROUP_NOWHERE)
		add_nowhere(facts, f->place);
	else if (f->clone3)
		ct_fact_add(facts, CT_FACT_WARN, NAME,
			    "Linux 5.7 or newer, and no filter that hides clone3",
			    "containers run without limits and cannot be paused: clone3 is not "
			    "there: %s", strerror(f->clone3));
	else if (f->place->verdict == CT_CGROUP_NEEDS_SCOPE)
		add_scope(facts, f);
	else
		add_here(facts, f);
}

/* What a scope can have is what the systemd that makes it has. For root that is the system's
 * systemd, at the top; for others that of user@UID.service. */
static const char *managed_controllers(struct ct_facts *facts)
{
	char path[160] = "/sys/fs/cgroup/cgroup.controllers";
	unsigned uid = geteuid();

	if (uid != 0)
		snprintf(path, sizeof(path),
			 "/sys/fs/cgroup/user.slice/user-%u.slice/user@%u.service/cgroup.controllers",
			 uid, uid);
	return ct_fact_file(facts, path);
}

int ct_facts_cgroups(struct ct_facts *facts, struct ct_err *err)
{
	const struct ct_cgroup_where where = { .systemd = ct_cgroup_scope_possible() };
	struct ct_cgroup_place place = CT_CGROUP_PLACE_INIT;
	struct ct_place_facts f = { .place = &place };
	struct ct_kernel_probe kernel;

	if (ct_cgroup_find_place(&where, &place, err) < 0)
		return -err->code;
	ct_kernel_probe(&kernel);
	f.clone3 = kernel.clone3;
	f.systemd = access("/run/systemd/system", F_OK) == 0;
	f.managed = managed_controllers(facts);
	ct_facts_place(facts, &f);
	ct_cgroup_place_done(&place);
	return 0;
}
