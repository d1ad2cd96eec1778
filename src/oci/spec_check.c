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

/* The place of a namespace in the list as written: "linux.namespaces[3]". */
static const char *namespace_path(const struct ct_spec *spec, enum ct_spec_ns ns, char *buf,
				  size_t size)
{
	const struct ct_json *list = ct_json_find(spec->source.root, "linux.namespaces");
	const struct ct_json *v = list ? list->child : NULL;
	size_t i = 0;

	for (; v; v = v->next, i++) {
		const struct ct_json *type = ct_json_get(v, "type");

		if (type && type->type == CT_JSON_STRING &&
		    strcmp(type->text, ct_spec_ns_name(ns)) == 0)
			break;
	}
	if (v)
		snprintf(buf, size, "linux.namespaces[%zu]", i);
	else
		snprintf(buf, size, "linux.namespaces");
	return buf;
}

static int check_namespaces(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	const struct ct_spec_namespace *namespaces = spec->linux_.namespaces;
	char path[64];

	if (namespaces[CT_NS_TIME].present)
		return ct_spec_fail(spec, err, ENOTSUP,
				    namespace_path(spec, CT_NS_TIME, path, sizeof(path)),
				    "time namespaces are not made by this version of cattach");
	if (spec->linux_.time_offsets.count)
		return ct_spec_fail(spec, err, ENOTSUP, "linux.timeOffsets",
				    "clock offsets are not set by this version of cattach");
	if (rootless && !namespaces[CT_NS_USER].present) {
		ct_spec_fail(spec, err, EINVAL, "linux.namespaces",
			     "without privileges a user namespace is needed");
		return ct_hint(err, "add { \"type\": \"user\" }");
	}
	if (!namespaces[CT_NS_MOUNT].present) {
		ct_spec_fail(spec, err, EINVAL, "linux.namespaces",
			     "a mount namespace is needed: without one the host's mounts would "
			     "change");
		return ct_hint(err, "add { \"type\": \"mount\" }");
	}
	return 0;
}

static int refuse_notify(const struct ct_spec *spec, const char *path, struct ct_err *err)
{
	return ct_spec_fail(spec, err, ENOTSUP, path,
			    "system calls are not handed to a listener by this version of cattach");
}

static int check_seccomp(const struct ct_spec *spec, struct ct_err *err)
{
	const struct ct_spec_seccomp *seccomp = spec->linux_.seccomp;
	char path[64];

	if (!seccomp)
		return 0;
	if (seccomp->listener_path)
		return refuse_notify(spec, "linux.seccomp.listenerPath", err);
	if (strcmp(seccomp->default_action, "SCMP_ACT_NOTIFY") == 0)
		return refuse_notify(spec, "linux.seccomp.defaultAction", err);
	for (size_t i = 0; i < seccomp->rule_count; i++) {
		if (strcmp(seccomp->rules[i].action, "SCMP_ACT_NOTIFY") != 0)
			continue;
		snprintf(path, sizeof(path), "linux.seccomp.syscalls[%zu].action", i);
		return refuse_notify(spec, path, err);
	}
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
	    ct_check_mounts(spec, err) < 0)
		return -err->code;
	return check_seccomp(spec, err);
}
