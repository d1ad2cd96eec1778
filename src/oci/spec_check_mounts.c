/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that would give away the container: over /proc, over the root, with maps of their own.
 *
 * A part of ct_spec_check(); see spec_check.c for where it runs. Programs that set up security
 * write to files below /proc; where somebody else's file lies over one of them, the write goes
 * astray and the setting is never made. So nothing but a proc file system goes on /proc, and
 * below it only single files that report something. Destinations are judged by their text here;
 * links in the root file system that lead to /proc are found by src/ns.
 */
#include "schema.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cattach/fd.h>

/* What file systems that fake the size of a machine put there. */
static const char *const reports[] = {
	"/proc/cpuinfo", "/proc/diskstats", "/proc/loadavg", "/proc/meminfo", "/proc/net/dev",
	"/proc/slabinfo", "/proc/stat", "/proc/swaps", "/proc/uptime", NULL,
};

/* A type says nothing where the mount is a bind. */
static bool is_proc(const struct ct_spec_mount *mount)
{
	for (size_t i = 0; i < mount->options.count; i++) {
		if (strcmp(mount->options.items[i], "bind") == 0 ||
		    strcmp(mount->options.items[i], "rbind") == 0)
			return false;
	}
	return mount->type && strcmp(mount->type, "proc") == 0;
}

static int check_destination(const struct ct_spec *spec, size_t index, const char *clean,
			     struct ct_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "mounts[%zu].destination", index);
	if (strcmp(clean, "/") == 0)
		return ct_spec_fail(spec, err, EINVAL, path,
				    "is the root file system itself, which root.path says");
	if (strcmp(clean, "/proc") == 0 && !is_proc(&spec->mounts.items[index]))
		return ct_spec_fail(spec, err, EINVAL, path,
				    "refusing to mount anything but type proc on /proc");
	if (strncmp(clean, "/proc/", 6) == 0 && !ct_read_known(reports, clean)) {
		ct_spec_fail(spec, err, EINVAL, path, "refusing to mount over %s", clean);
		return ct_hint(err, "below /proc only files that report something may be covered, "
			       "such as /proc/cpuinfo");
	}
	return 0;
}

static bool has_option(const struct ct_spec_mount *mount, const char *name)
{
	for (size_t i = 0; i < mount->options.count; i++)
		if (strcmp(mount->options.items[i], name) == 0)
			return true;
	return false;
}

/* The kernel lets nobody give other ids to the files of a file system that is not theirs. */
static int check_idmap(const struct ct_spec *spec, size_t index, bool rootless, struct ct_err *err)
{
	const struct ct_spec_mount *mount = &spec->mounts.items[index];
	bool maps = mount->uid_mappings.count;
	char path[64];

	if (!maps && !has_option(mount, "idmap") && !has_option(mount, "ridmap"))
		return 0;
	snprintf(path, sizeof(path), "mounts[%zu].%s", index, maps ? "uidMappings" : "options");
	if (!maps && !spec->linux_.namespaces[CT_NS_USER].present)
		return ct_spec_fail(spec, err, EINVAL, path,
				    "idmap needs uidMappings and gidMappings, or "
				    "a user namespace");
	if (!rootless)
		return 0;
	ct_spec_fail(spec, err, ENOTSUP, path,
		     "idmapped mounts need privileges over the file system, which "
		     "only root has");
	return ct_hint(err, "without root a user namespace with other id maps is the way");
}

/* ct_clean_path(): "/proc/../proc//" is /proc. */
static int check_mount(const struct ct_spec *spec, size_t index, bool rootless, struct ct_err *err)
{
	const struct ct_spec_mount *mount = &spec->mounts.items[index];
	char ct_autofree *clean = malloc(strlen(mount->destination) + 2);

	if (!clean)
		return ct_fail_nomem(err);
	ct_clean_path(mount->destination, clean);
	if (check_destination(spec, index, clean, err) < 0)
		return -err->code;
	return check_idmap(spec, index, rootless, err);
}

int ct_check_mounts(const struct ct_spec *spec, bool rootless, struct ct_err *err)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		if (check_mount(spec, i, rootless, err) < 0)
			return -err->code;
	}
	return 0;
}
