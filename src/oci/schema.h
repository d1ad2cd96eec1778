/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of src/oci share: the tables of config.json's parts and rules used twice. */
#ifndef CATTACH_OCI_SCHEMA_H
#define CATTACH_OCI_SCHEMA_H

#include <stdbool.h>

#include "read.h"

#define CT_SPEC_MAX_IDMAPS	340	/* lines that the kernel takes in uid_map */

/* spec_process.c: struct ct_spec_process */
extern const struct ct_read_object ct_read_process;
/* spec_mounts.c: struct ct_spec_mount */
extern const struct ct_read_object ct_read_mount;
/* spec_linux.c: struct ct_spec_linux */
extern const struct ct_read_object ct_read_linux;
/* spec_idmaps.c: struct ct_spec_idmap */
extern const struct ct_read_object ct_read_idmap;
/* spec_seccomp.c: struct ct_spec_seccomp; its parts serve the profile files too */
extern const struct ct_read_object ct_read_seccomp;
extern const struct ct_read_object ct_read_seccomp_arg;
extern const char *const ct_seccomp_actions[], *const ct_seccomp_archs[];
extern const char *const ct_seccomp_flags[];
/* spec_resources.c: struct ct_cgroup_resources */
extern const struct ct_read_object ct_read_resources;
/* spec_hooks.c: struct ct_hooks */
extern const struct ct_read_object ct_read_hooks;
/* spec_intel_rdt.c: struct ct_resctrl_settings */
extern const struct ct_read_object ct_read_intel_rdt;

/* spec_idmaps.c: at most 340 lines, none overlapping another; list is the JSON or NULL. */
int ct_check_idmaps(const struct ct_reader *r, const struct ct_json *list,
		    const struct ct_spec_idmaps *maps);

/* spec_seccomp.c: errnoRet only where the action returns a number. */
int ct_check_seccomp_errno(const struct ct_reader *r, const struct ct_json *object,
			   const char *key, const char *action);

/* spec_net_devices.c: for READ_CUSTOM, into a struct ct_spec_net_devices */
int ct_read_net_devices(const struct ct_reader *r, const struct ct_json *value, void *place);

/* Parts of ct_spec_check(): spec_check_ids.c, spec_check_names.c, spec_check_mounts.c,
 * spec_net_devices.c, spec_intel_rdt.c. */
int ct_check_ids(const struct ct_spec *spec, bool rootless, struct ct_err *err);
int ct_check_names(const struct ct_spec *spec, struct ct_err *err);
int ct_check_sysctls(const struct ct_spec *spec, struct ct_err *err);
int ct_check_mounts(const struct ct_spec *spec, bool rootless, struct ct_err *err);
int ct_check_net_devices(const struct ct_spec *spec, bool rootless, struct ct_err *err);
int ct_check_intel_rdt(const struct ct_spec *spec, bool rootless, struct ct_err *err);

/**
 * ct_clean_path - a path as an absolute one without ".", ".." and doubled slashes
 * @path: any path; relative ones start at "/"
 * @clean: receives strlen(path) + 2 bytes at most; ".." at the top stays at the top
 *
 * By text alone: for places that are looked up inside the root file system later.
 * Return: whether there was a ".." in it.
 */
bool ct_clean_path(const char *path, char *clean);

#endif
