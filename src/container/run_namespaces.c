/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which namespaces are new: --network, --pid, --ipc, --uts, --cgroupns, and the mode of --userns.
 *
 * Runs in the command, before anything is created; no privileges, no system calls. A plain root
 * file system gets new namespaces of every type; a bundle has what its config.json lists, and an
 * option overrides it. "host" takes a namespace off the list. The user namespace is only chosen
 * here, src/container/run_idmap.c acts on it, once the user of the payload is known.
 *
 * May fail for modes that are not known (containers, pods and networks to join do not exist in
 * this version), and for a host name where the host's would be changed.
 *
 *    option       a root file system         a bundle, nothing said     "host"
 *    --network    none: a new one, lo is up  as in config.json          not in the list
 *    --pid, --ipc, --uts, --cgroupns         as in config.json          not in the list
 *                 private: a new one
 *    mount        always a new one           as in config.json
 */
#include "run_parts.h"

#include <errno.h>
#include <string.h>

#include <cattach/num.h>

#include "plan.h"

/* The mode of a namespace as inspect shows it. */
static const char *mode_of(const struct ct_run *run, enum ct_spec_ns ns, const char *own)
{
	const struct ct_spec_namespace *namespace = &run->spec->linux_.namespaces[ns];

	if (!namespace->present)
		return "host";
	return namespace->path ? ct_arena_printf(run->arena, "ns:%s", namespace->path) : own;
}

/* One option: "host", or the word that stands for a namespace of the container's own. A path in a
 * bundle is a namespace to join, which an option overrides in either direction. */
static int choose(struct ct_run *run, enum ct_spec_ns ns, const char *option, const char *value,
		  const char *own, const char **ret_mode, struct ct_err *err)
{
	struct ct_spec_namespace *namespace = &run->spec->linux_.namespaces[ns];

	if (!value && run->plain)
		value = own;
	if (value && strcmp(value, own) && strcmp(value, "host")) {
		ct_fail(err, EINVAL, "\"%s\" is not available in this version", value);
		ct_hint(err, "%s or host", own);
		return ct_wrap(err, "--%s", option);
	}
	if (value) {
		namespace->present = !strcmp(value, own);
		namespace->path = NULL;
	}
	*ret_mode = mode_of(run, ns, own);
	return *ret_mode ? 0 : ct_fail_nomem(err);
}

/* "uid=1,gid=2" behind "keep-id:". */
static int parse_keep_id(struct ct_run *run, const char *text, struct ct_err *err)
{
	struct ct_strings parts;

	if (ct_run_split(run->arena, text, ',', &parts) < 0)
		return ct_fail_nomem(err);
	for (size_t i = 0; i < parts.count; i++) {
		const char *part = parts.items[i];
		int ret;

		if (!strncmp(part, "uid=", 4))
			ret = ct_parse_id(part + 4, &run->userns.keep[CT_ID_USER], err);
		else if (!strncmp(part, "gid=", 4))
			ret = ct_parse_id(part + 4, &run->userns.keep[CT_ID_GROUP], err);
		else
			ret = ct_fail(err, EINVAL, "keep-id has uid= and gid=, not \"%s\"", part);
		if (ret < 0)
			return ret;
	}
	return 0;
}

/* The word behind --userns, and whether it has a meaning for this caller. */
static int parse_userns(struct ct_run *run, const char *text, struct ct_err *err)
{
	if (!strcmp(text, "host")) {
		run->userns.mode = CT_USERNS_HOST;
		return 0;
	}
	if (!strcmp(text, "auto") || !strncmp(text, "auto:", 5)) {
		ct_fail(err, EINVAL, "auto is not available in this version");
		return ct_hint(err, "--uidmap and --gidmap map a range of your own");
	}
	if (!strcmp(text, "nomap"))
		run->userns.mode = CT_USERNS_NOMAP;
	else if (!strcmp(text, "keep-id") || !strncmp(text, "keep-id:", 8))
		run->userns.mode = CT_USERNS_KEEP_ID;
	else
		return ct_fail(err, EINVAL,
			       "must be host, keep-id[:uid=N,gid=N] or nomap, not \"%s\"", text);
	if (!run->rootless) {
		ct_fail(err, EINVAL, "%s is about an unprivileged caller's own id", text);
		return ct_hint(err, "as root, --uidmap and --gidmap make a user namespace");
	}
	if (run->userns.mode == CT_USERNS_NOMAP)
		return 0;
	run->userns.keep[CT_ID_USER] = run->caller->id[CT_ID_USER];
	run->userns.keep[CT_ID_GROUP] = run->caller->id[CT_ID_GROUP];
	return text[7] ? parse_keep_id(run, text + 8, err) : 0;
}

/* Modes and maps by hand exclude each other: a mode is a way to choose maps. */
static int choose_userns(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	bool maps = options->uidmap.count || options->gidmap.count;

	run->meta->userns_mode = options->userns;
	if (options->userns && maps) {
		ct_fail(err, EINVAL, "excludes --uidmap and --gidmap");
		return ct_wrap(err, "--userns");
	}
	if (maps)
		run->userns.mode = CT_USERNS_MAPS;
	else if (options->userns && parse_userns(run, options->userns, err) < 0)
		return ct_wrap(err, "--userns");
	return 0;
}

/* What sethostname(2) takes, and what no terminal or file of hosts chokes on. */
static int check_hostname(const char *name, struct ct_err *err)
{
	size_t length = strlen(name);

	if (length < 1 || length > 64)
		return ct_fail(err, EINVAL, "must have 1...64 bytes, not %zu", length);
	for (const unsigned char *s = (const unsigned char *)name; *s; s++)
		if (*s <= ' ' || *s >= 0x7f)
			return ct_fail(err, EINVAL, "\"%s\" has blanks or unprintable bytes", name);
	return 0;
}

/* A name only makes sense in a UTS namespace of the container's own. */
static int choose_hostname(struct ct_run *run, struct ct_err *err)
{
	const char *name = run->options->hostname;
	bool own = run->spec->linux_.namespaces[CT_NS_UTS].present;

	if (name && !own) {
		ct_fail(err, EINVAL, "the container shares the host's name");
		ct_hint(err, "leave out --hostname, or --uts host");
		return ct_wrap(err, "--hostname");
	}
	if (name && check_hostname(name, err) < 0)
		return ct_wrap(err, "--hostname");
	/* --uts host on a bundle that has names: the option decides. */
	if (!own && run->options->uts) {
		run->spec->hostname = NULL;
		run->spec->domainname = NULL;
	}
	if (run->plain)
		run->spec->hostname = NULL;
	if (name)
		run->spec->hostname = name;
	run->meta->hostname = run->spec->hostname;
	return 0;
}

/* A mount namespace is never an option: without one the container would mount on the host. */
int ct_run_namespaces(struct ct_run *run, struct ct_err *err)
{
	const struct ct_run_options *options = run->options;
	struct ct_meta *meta = run->meta;
	const struct {
		enum ct_spec_ns ns;
		const char *option, *value, *own;
		const char **mode;
	} table[] = {
		{ CT_NS_NETWORK, "network", options->network, "none", &meta->network },
		{ CT_NS_PID, "pid", options->pid, "private", &meta->pid_mode },
		{ CT_NS_IPC, "ipc", options->ipc, "private", &meta->ipc_mode },
		{ CT_NS_UTS, "uts", options->uts, "private", &meta->uts_mode },
		{ CT_NS_CGROUP, "cgroupns", options->cgroupns, "private", &meta->cgroupns_mode },
	};
	int ret = 0;

	if (run->plain)
		run->spec->linux_.namespaces[CT_NS_MOUNT].present = true;
	else if (!run->rootless && !options->inherited_mounts && ct_inherits_mounts(run->spec))
		return ct_refuse_inherited(run->spec, err);
	for (size_t i = 0; ret == 0 && i < sizeof(table) / sizeof(table[0]); i++)
		ret = choose(run, table[i].ns, table[i].option, table[i].value, table[i].own,
			     table[i].mode, err);
	if (ret == 0)
		ret = choose_hostname(run, err);
	return ret == 0 ? choose_userns(run, err) : ret;
}
