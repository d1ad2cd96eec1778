/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts for "cattach info" about user namespaces: does one work, with mounts in it, and who forbids
 * it if not. The kernel says only EPERM or ENOSPC; the settings beside it say why.
 *
 * Runs in the command's own process; the tries are made by src/ns/probe.c in a child.
 *
 * In the order in which a start needs them: the namespace, its id map, a mount, an overlay, /proc.
 * After the first that fails the others are not told, as they would fail for the same reason.
 */
#include "info.h"

#include <errno.h>
#include <string.h>

#include <cattach/idmap.h>
#include <cattach/probe.h>

static bool file_is(struct ct_facts *facts, const char *path, const char *value)
{
	const char *text = ct_fact_file(facts, path);

	return text && !strcmp(text, value);
}

/* Debian's, Ubuntu's and the kernel's own switch, and the filters of other containers. ENOSPC is
 * the kernel's for a limit that was reached, of user.max_user_namespaces or of nesting; EPERM is
 * everybody else's, so the switches are looked at one by one. */
static const char *why_no_user_namespace(struct ct_facts *facts, int code)
{
	if (code == ENOSPC || file_is(facts, "/proc/sys/user/max_user_namespaces", "0"))
		return "sysctl -w user.max_user_namespaces=15000";
	if (file_is(facts, "/proc/sys/kernel/unprivileged_userns_clone", "0"))
		return "sysctl -w kernel.unprivileged_userns_clone=1";
	if (code == ENOSYS || code == EINVAL)
		return "the kernel needs CONFIG_USER_NS";
	return "a system call filter forbids it: inside a container, run that with --privileged or "
	       "seccomp=unconfined and unmask=ALL";
}

/* Ubuntu's, since 23.10: the namespace is made, and without a profile has no capabilities in it. */
static bool is_apparmor_restricted(struct ct_facts *facts)
{
	return file_is(facts, "/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1");
}

/* A namespace that can be made and in which nothing is allowed is how AppArmor restricts them, on
 * Ubuntu by default since 24.04. */
static const char *why_no_mount(struct ct_facts *facts)
{
	if (is_apparmor_restricted(facts))
		return "AppArmor restricts user namespaces: give cattach a profile with \"userns,\" or "
		       "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0";
	return "a security module or a system call filter forbids mounts in user namespaces";
}

/* ROOTFS:O alone needs overlayfs, so that is a warning. A new /proc is refused by the kernel where
 * the one around us has something mounted over a part of it (mount_too_revealing()). */
static void add_mounts(struct ct_facts *facts, const struct ct_ns_probe *probe)
{
	if (probe->mount) {
		ct_fact_add(facts, CT_FACT_NO, "Mounts", why_no_mount(facts),
			    "mounts in a user namespace fail: %s", strerror(probe->mount));
		return;
	}
	ct_fact_add(facts, CT_FACT_OK, "Mounts", NULL, "mounts in a user namespace work");
	if (probe->overlay)
		ct_fact_add(facts, CT_FACT_WARN, "Overlay",
			    "ROOTFS:O needs Linux 5.11 or newer with "
			    "overlayfs: modprobe overlay",
			    "overlayfs in a user namespace fails: %s", strerror(probe->overlay));
	else
		ct_fact_add(facts, CT_FACT_OK, "Overlay", NULL,
			    "overlayfs works in a user namespace");
	if (probe->proc)
		ct_fact_add(facts, CT_FACT_NO, "Proc",
			    "the container that this is in hides parts of "
			    "/proc: run it with --privileged or unmask=ALL",
			    "a new /proc cannot be mounted: %s", strerror(probe->proc));
	else
		ct_fact_add(facts, CT_FACT_OK, "Proc", NULL, "a new /proc can be mounted");
}

/* A fact of level NO here means that no container can be run at all. */
int ct_facts_namespaces(struct ct_facts *facts, struct ct_err *err)
{
	const char *max = ct_fact_file(facts, "/proc/sys/user/max_user_namespaces");
	struct ct_ns_probe probe;

	if (ct_ns_probe(&probe, err) < 0)
		return -err->code;
	if (probe.user_ns) {
		ct_fact_add(facts, CT_FACT_NO, "UserNamespaces",
			    why_no_user_namespace(facts, probe.user_ns),
			    "user namespaces cannot be made: %s", strerror(probe.user_ns));
		return 0;
	}
	if (probe.id_map) {
		ct_fact_add(facts, CT_FACT_NO, "UserNamespaces", why_no_mount(facts),
			    "ids cannot be mapped in a user namespace: %s",
			    strerror(probe.id_map));
		return 0;
	}
	ct_fact_add(facts, CT_FACT_OK, "UserNamespaces", NULL,
		    "user namespaces work (user.max_user_namespaces is %s)", max ? max : "unknown");
	add_mounts(facts, &probe);
	return 0;
}

/* 65536 ids are what images expect: "nobody" is 65534. */
static void add_ranges(struct ct_facts *facts, const struct ct_id_caller *caller,
		       enum ct_id_kind kind)
{
	static const char *const files[] = { "/etc/subuid", "/etc/subgid" };
	static const char *const fixes[] = { "usermod --add-subuids 100000-165535 YOU",
					     "usermod --add-subgids 100000-165535 YOU" };
	const struct ct_id_ranges *ranges = &caller->ranges[kind];
	const char *name = kind == CT_ID_USER ? "SubordinateUids" : "SubordinateGids";
	unsigned long long total = 0;

	for (size_t i = 0; i < ranges->count; i++)
		total += ranges->items[i].size;
	if (!ranges->count)
		ct_fact_add(facts, CT_FACT_WARN, name, fixes[kind],
			    "no range for you in %s: only one id is mapped", files[kind]);
	else
		ct_fact_add(facts, total < 65536 ? CT_FACT_WARN : CT_FACT_OK, name,
			    total < 65536 ? fixes[kind] : NULL, "%llu ids in %s, from %u on", total,
			    files[kind], ranges->items[0].first);
}

/* Both are set-user-id programs of shadow: the kernel lets a user map only an id of their own,
 * user_namespaces(7). */
static void add_helper(struct ct_facts *facts, const struct ct_id_caller *caller,
		       enum ct_id_kind kind)
{
	const char *name = kind == CT_ID_USER ? "newuidmap" : "newgidmap";

	if (caller->helper[kind])
		ct_fact_add(facts, CT_FACT_OK, kind == CT_ID_USER ? "Newuidmap" : "Newgidmap", NULL,
			    "%s is at %s", name, caller->helper[kind]);
	else
		ct_fact_add(facts, CT_FACT_WARN, kind == CT_ID_USER ? "Newuidmap" : "Newgidmap",
			    "apt install uidmap (dnf: shadow-utils)",
			    "%s is not installed: only one id is mapped", name);
}

int ct_facts_ids(struct ct_facts *facts, struct ct_err *err)
{
	struct ct_id_caller caller;

	if (ct_id_caller_load(facts->arena, NULL, &caller, err) < 0)
		return -err->code;
	ct_fact_add(facts, CT_FACT_OK, "Caller", NULL, "you are %s, uid %u, gid %u",
		    caller.name ? caller.name : "without a name", caller.id[CT_ID_USER],
		    caller.id[CT_ID_GROUP]);
	/* a privileged caller maps what it likes */
	if (caller.id[CT_ID_USER] == 0)
		return 0;
	for (int kind = CT_ID_USER; kind <= CT_ID_GROUP; kind++) {
		add_ranges(facts, &caller, (enum ct_id_kind)kind);
		add_helper(facts, &caller, (enum ct_id_kind)kind);
	}
	return 0;
}
