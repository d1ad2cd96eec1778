/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci features and spec: what this runtime can do, as the specification's features.md has it,
 * and a config.json to start from.
 *
 * Only prints. What is listed is what was built in, not what this host allows.
 */
#include <string.h>

#include <cattach/caps.h>
#include <cattach/json.h>

#include "cli.h"
#include "oci.h"

static const char *const mount_options[] = {
	"async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "iversion",
	"lazytime", "loud", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime",
	"norelatime", "nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev",
	"rdiratime", "relatime", "remount", "rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec",
	"rnorelatime", "rnostrictatime", "rnosuid", "rnosymfollow", "ro", "rprivate", "rrelatime",
	"rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid", "rsymfollow", "runbindable", "rw",
	"shared", "silent", "slave", "strictatime", "suid", "symfollow", "sync", "tmpcopyup",
	"unbindable", NULL,
};

static const char *const hooks[] = {
	"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop", NULL,
};

static const char *const namespaces[] = {
	"cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts", NULL,
};

static const char *const actions[] = {
	"SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO", "SCMP_ACT_KILL", "SCMP_ACT_KILL_PROCESS",
	"SCMP_ACT_KILL_THREAD", "SCMP_ACT_LOG", "SCMP_ACT_NOTIFY", "SCMP_ACT_TRACE", "SCMP_ACT_TRAP", NULL,
};

static const char *const operators[] = {
	"SCMP_CMP_EQ", "SCMP_CMP_GE", "SCMP_CMP_GT", "SCMP_CMP_LE", "SCMP_CMP_LT",
	"SCMP_CMP_MASKED_EQ", "SCMP_CMP_NE", NULL,
};

static const char *const memory_modes[] = {
	"MPOL_BIND", "MPOL_DEFAULT", "MPOL_INTERLEAVE", "MPOL_LOCAL", "MPOL_PREFERRED",
	"MPOL_PREFERRED_MANY", "MPOL_WEIGHTED_INTERLEAVE", NULL,
};

static const char *const memory_flags[] = {
	"MPOL_F_NUMA_BALANCING", "MPOL_F_RELATIVE_NODES", "MPOL_F_STATIC_NODES", NULL,
};

static void put_list(struct ct_json_writer *w, const char *key, const char *const *list)
{
	ct_json_key(w, key);
	ct_json_begin_array(w);
	for (; *list; list++)
		ct_json_string(w, *list);
	ct_json_end_array(w);
}

static void put_capabilities(struct ct_json_writer *w)
{
	uint64_t known = ct_caps_known();

	ct_json_key(w, "capabilities");
	ct_json_begin_array(w);
	for (unsigned i = 0; i < 64; i++)
		if (known >> i & 1)
			ct_json_string(w, ct_cap_name(i));
	ct_json_end_array(w);
}

static void put_switch(struct ct_json_writer *w, const char *key, bool enabled)
{
	ct_json_key(w, key);
	ct_json_begin_object(w);
	ct_json_put_bool(w, "enabled", enabled);
	ct_json_end_object(w);
}

static void put_linux(struct ct_json_writer *w)
{
	ct_json_key(w, "linux");
	ct_json_begin_object(w);
	put_list(w, "namespaces", namespaces);
	put_capabilities(w);
	ct_json_key(w, "cgroup");
	ct_json_begin_object(w);
	ct_json_put_bool(w, "v1", false);
	ct_json_put_bool(w, "v2", true);
	/* Scopes, of the system's and of the user's, where libsystemd can be loaded. */
	ct_json_put_bool(w, "systemd", true);
	ct_json_put_bool(w, "systemdUser", true);
	ct_json_put_bool(w, "rdma", true);
	ct_json_end_object(w);
	ct_json_key(w, "seccomp");
	ct_json_begin_object(w);
	ct_json_put_bool(w, "enabled", true);
	put_list(w, "actions", actions);
	put_list(w, "operators", operators);
	ct_json_end_object(w);
	put_switch(w, "apparmor", true);
	put_switch(w, "selinux", true);
	ct_json_key(w, "memoryPolicy");
	ct_json_begin_object(w);
	put_list(w, "modes", memory_modes);
	put_list(w, "flags", memory_flags);
	ct_json_end_object(w);
	ct_json_key(w, "intelRdt");
	ct_json_begin_object(w);
	ct_json_put_bool(w, "enabled", true);
	ct_json_put_bool(w, "schemata", true);
	ct_json_put_bool(w, "monitoring", true);
	ct_json_end_object(w);
	ct_json_key(w, "mountExtensions");
	ct_json_begin_object(w);
	put_switch(w, "idmap", true);
	ct_json_end_object(w);
	put_switch(w, "netDevices", true);
	ct_json_end_object(w);
}

static int features_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_buf ct_autobuf buf = { 0 };
	struct ct_json_writer w;

	(void)call;
	if (ct_json_writer_open(&w, &buf, true, err) < 0)
		return -err->code;
	ct_json_begin_object(&w);
	ct_json_put_string(&w, "ociVersionMin", "1.0.0");
	ct_json_put_string(&w, "ociVersionMax", "1.3.0");
	put_list(&w, "hooks", hooks);
	put_list(&w, "mountOptions", mount_options);
	put_linux(&w);
	ct_json_end_object(&w);
	ct_json_writer_close(&w);
	return ct_print(&buf, err);
}

static const struct ct_option spec_table[] = {
	{ "bundle", 'b', CT_OPTION_STRING, "DIR", 0, "Write DIR/config.json" },
	{ "rootless", 0, CT_OPTION_BOOL, NULL, sizeof(char *), "For a caller without privileges" },
	{ 0 },
};

/* The other face's verb makes it. */
static int spec_handler(const struct oci_call *call, struct ct_err *err)
{
	const char *bundle = *(const char *const *)call->options;
	char *const words[] = { "--bundle", (char *)(bundle ? bundle : "."), NULL };

	return ct_verb_call(&ct_verb_spec, call->arena, 2, words, err);
}

const struct oci_command oci_features = {
	.name = "features", .synopsis = "", .summary = "Print what this runtime can do",
	.handler = features_handler,
};

const struct oci_command oci_spec = {
	.name = "spec", .synopsis = "[OPTIONS]", .summary = "Write a config.json to start from",
	.options = spec_table, .options_size = sizeof(char *) + sizeof(bool), .handler = spec_handler,
};
