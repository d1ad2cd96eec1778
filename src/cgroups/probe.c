/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which control groups the host has, and whether this process's own one was delegated to the
 * caller: owner of the directory and of the files in it, as systemd's Delegate= leaves them.
 *
 * Runs in commands with the caller's privileges and only reads. Fails when /proc/self/cgroup
 * cannot be read; whatever else is missing makes a result that says so.
 */
#include <cattach/cgroup.h>

#include <fcntl.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "files.h"

int ct_cgroup_probe(int root, const char *self, struct ct_cgroup_probe *ret_probe,
		    struct ct_err *err)
{
	struct ct_cgroup_probe probe = { .layout = CT_CGROUP_NONE };
	int ct_autofd own = -1, dir = -1;
	char text[CT_CGROUP_SELF];

	if (!self && ct_cgroup_read_self(0, text, sizeof(text), err) < 0)
		return -err->code;
	if (root < 0) {
		own = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
		root = own;
	}
	if (root >= 0)
		probe.layout = ct_cgroup_layout_of(root);
	if (probe.layout == CT_CGROUP_UNIFIED) {
		ct_cgroup_path_of(self ? self : text, probe.path, sizeof(probe.path));
		dir = ct_path_try(root, probe.path, O_RDONLY | O_DIRECTORY, 0);
		if (dir >= 0) {
			probe.delegated = ct_cgroup_check_delegated(dir) == 0;
			if (ct_cgroup_read(dir, "cgroup.controllers", probe.controllers,
					   sizeof(probe.controllers)) < 0)
				probe.controllers[0] = '\0';
		}
	}
	*ret_probe = probe;
	return 0;
}

const char *ct_cgroup_layout_name(enum ct_cgroup_layout layout)
{
	static const char *const names[] = {
		[CT_CGROUP_NONE] = "none",
		[CT_CGROUP_V1] = "v1",
		[CT_CGROUP_HYBRID] = "hybrid (v1 and v2)",
		[CT_CGROUP_UNIFIED] = "v2 (unified)",
	};

	return names[layout];
}
