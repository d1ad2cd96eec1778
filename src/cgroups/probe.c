/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which control groups the host has, and whether this process's own one was delegated to the
 * caller: owner of the directory and of the files in it, as systemd's Delegate= leaves them.
 *
 * Runs in commands with the caller's privileges and only reads. Fails when /proc/self/cgroup
 * cannot be read; whatever else is missing makes a result that says so.
 */
#include <cattach/cgroup.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/path.h>

static bool is_cgroup2(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static enum ct_cgroup_layout find_layout(int root)
{
	int ct_autofd unified = -1, memory = -1;

	if (is_cgroup2(root))
		return CT_CGROUP_UNIFIED;
	unified = openat(root, "unified", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unified >= 0 && is_cgroup2(unified))
		return CT_CGROUP_HYBRID;
	/* any of version 1's controllers; every kernel that has version 1 has one of these */
	memory = openat(root, "memory", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (memory < 0)
		memory = openat(root, "cpu", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return memory >= 0 ? CT_CGROUP_V1 : CT_CGROUP_NONE;
}

/* The line of version 2 in /proc/PID/cgroup is "0::PATH". */
static void find_path(const char *self, char *path, size_t size)
{
	for (const char *line = self; *line;) {
		size_t length = strcspn(line, "\n");

		if (!strncmp(line, "0::", 3)) {
			snprintf(path, size, "%.*s", (int)(length - 3), line + 3);
			return;
		}
		line += length + (line[length] == '\n');
	}
	snprintf(path, size, "/");
}

/*
 * Delegated is what the kernel asks for, cgroups(7) "Delegating a hierarchy": the directory, its
 * cgroup.procs and its cgroup.subtree_control can be written.
 */
static bool is_delegated(int dir)
{
	return faccessat(dir, ".", W_OK, AT_EACCESS) == 0 &&
	       faccessat(dir, "cgroup.procs", W_OK, AT_EACCESS) == 0 &&
	       faccessat(dir, "cgroup.subtree_control", W_OK, AT_EACCESS) == 0;
}

static void read_controllers(int dir, char *buf, size_t size)
{
	int ct_autofd fd = openat(dir, "cgroup.controllers", O_RDONLY | O_CLOEXEC);

	buf[0] = '\0';
	if (fd < 0 || ct_read_text(fd, buf, size) < 0)
		return;
	buf[strcspn(buf, "\n")] = '\0';
}

static int read_self(char *buf, size_t size, struct ct_err *err)
{
	int ct_autofd fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open /proc/self/cgroup");
	n = ct_read_text(fd, buf, size);
	return n < 0 ? ct_fail_errno(err, (int)-n, "cannot read /proc/self/cgroup") : 0;
}

int ct_cgroup_probe(int root, const char *self, struct ct_cgroup_probe *ret_probe,
		    struct ct_err *err)
{
	struct ct_cgroup_probe probe = { .layout = CT_CGROUP_NONE };
	int ct_autofd own = -1, dir = -1;
	char text[8192];

	if (!self && read_self(text, sizeof(text), err) < 0)
		return -err->code;
	if (root < 0) {
		own = open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC);
		root = own;
	}
	if (root >= 0)
		probe.layout = find_layout(root);
	if (probe.layout == CT_CGROUP_UNIFIED) {
		find_path(self ? self : text, probe.path, sizeof(probe.path));
		dir = ct_path_try(root, probe.path, O_RDONLY | O_DIRECTORY, 0);
		if (dir >= 0) {
			probe.delegated = is_delegated(dir);
			read_controllers(dir, probe.controllers, sizeof(probe.controllers));
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
