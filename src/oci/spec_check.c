/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only shows when the parts of a configuration are seen together, and what a spec made by
 * hand (from command line options) has to obey as well.
 *
 * Runs in the command, with the caller's rights, on the final spec, after options were applied and
 * before anything is created. Nothing is changed. Fails with EINVAL for a contradiction and with
 * ENOTSUP for what this version does not do; where names the property, with its line and column
 * when there is a document.
 */
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Those of a namespace that is joined are set, and those of the host's are everybody's. */
static int check_clocks(const struct ct_spec *spec, struct ct_err *err)
{
	const struct ct_spec_namespace *ns = &spec->linux_.namespaces[CT_NS_TIME];

	if (!spec->linux_.time_offsets.count || (ns->present && !ns->path))
		return 0;
	ct_spec_fail(spec, err, EINVAL, "linux.timeOffsets", "needs a new time namespace");
	return ct_hint(err, "add { \"type\": \"time\" } to linux.namespaces");
}

/* One that is not listed is the caller's: its mounts belong to the host's root, and to nobody who is root in
 * a user namespace. */
static int check_host_mounts(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	if (!rootless && !spec->linux_.namespaces[CT_NS_USER].present)
		return 0;
	ct_spec_fail(spec, err, EINVAL, "linux.namespaces",
		     rootless ? "a mount namespace is needed: without one the host's mounts would change, "
				"which only root may" :
			        "a mount namespace is needed: the root of a user namespace may not change "
				"the host's mounts");
	return ct_hint(err, "add { \"type\": \"mount\" }");
}

static int check_namespaces(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	const struct ct_spec_namespace *namespaces = spec->linux_.namespaces;

	if (check_clocks(spec, err) < 0)
		return -err->code;
	if (rootless && !namespaces[CT_NS_USER].present) {
		ct_spec_fail(spec, err, EINVAL, "linux.namespaces",
			     "without privileges a user namespace is needed");
		return ct_hint(err, "add { \"type\": \"user\" }");
	}
	return namespaces[CT_NS_MOUNT].present ? 0 : check_host_mounts(spec, rootless, err);
}

/* The first place that hands calls to somebody outside, in path; false when there is none. */
static bool find_notify(const struct ct_spec_seccomp *seccomp, char *path, size_t size)
{
	snprintf(path, size, "linux.seccomp.defaultAction");
	if (strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0)
		return true;
	for (size_t i = 0; i < seccomp->rule_count; i++) {
		if (strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") != 0)
			continue;
		snprintf(path, size, "linux.seccomp.syscalls[%zu].action", i);
		return true;
	}
	return false;
}

static int check_seccomp(const struct ct_spec *spec, struct ct_err *err)
{
	const struct ct_spec_seccomp *seccomp = spec->linux_.seccomp;
	char path[64];

	if (!seccomp)
		return 0;
	if (!find_notify(seccomp, path, sizeof(path)))
		return 0;
	if (!seccomp->listener_path) {
		ct_spec_fail(spec, err, EINVAL, path, "needs somebody who answers");
		return ct_hint(err, "linux.seccomp.listenerPath: the socket of an agent");
	}
	if (spec->hooks.lists[CT_HOOK_START_CONTAINER].count)
		return ct_spec_fail(spec, err, ENOTSUP, path, "a listener together with startContainer hooks, "
				    "which would each need one");
	return 0;
}

int ct_spec_check(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	if (!spec->has_root || !spec->root_path)
		return ct_spec_fail(spec, err, EINVAL, "root", "missing");
	if (!spec->process || !spec->process->args.count)
		return ct_spec_fail(spec, err, EINVAL,
				    spec->process ? "process.args" : "process", "missing");
	if (check_namespaces(spec, rootless, err) < 0 || ct_check_ids(spec, rootless, err) < 0 ||
	    ct_check_names(spec, err) < 0 || ct_check_sysctls(spec, err) < 0 ||
	    ct_check_mounts(spec, rootless, err) < 0 || ct_check_net_devices(spec, rootless, err) < 0 ||
	    ct_check_intel_rdt(spec, rootless, err) < 0)
		return -err->code;
	return check_seccomp(spec, err);
}
