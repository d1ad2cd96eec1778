/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading and writing the small files that cgroups are driven by, and finding the cgroup tree.
 *
 * Runs in commands and in the monitor with the caller's privileges. A file's name may come from
 * config.json ("unified"), and a payload may make cgroups below its own: so a name is one
 * component, links are not followed, and a path is resolved by openat2(2) below a descriptor.
 * A payload whose root is the caller, and that may write to its cgroup, can take away the modes of
 * what is there: as owners we take them back. Fails with what the kernel says (ENODEV: the cgroup is
 * gone, EBUSY, EACCES, ...).
 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/num.h>
#include <cattach/path.h>

static bool is_file_name(const char *file)
{
	return *file && *file != '.' && !strchr(file, '/');
}

/* Have what is ours these bits, now? Did it lack them before? */
static bool regain(int dir, const char *name, mode_t bits)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && (st.st_mode & bits) != bits &&
	       !S_ISLNK(st.st_mode) && fchmodat(dir, name, (st.st_mode & 07777) | bits, 0) == 0;
}

int ct_cgroup_open_at(int dir, const char *name, int flags)
{
	mode_t bits = flags & O_DIRECTORY ? S_IRWXU : S_IRUSR | S_IWUSR;
	int fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	bool again;

	if (fd >= 0 || errno != EACCES)
		return fd < 0 ? -errno : fd;
	again = fstat(dir, &st) == 0 && (st.st_mode & S_IRWXU) != S_IRWXU &&
		fchmod(dir, (st.st_mode & 07777) | S_IRWXU) == 0;
	if (!regain(dir, name, bits) && !again)
		return -EACCES;
	fd = openat(dir, name, flags | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

ssize_t ct_cgroup_read(int dir, const char *file, char *buf, size_t size)
{
	int ct_autofd fd = -1;
	ssize_t length;

	if (!is_file_name(file))
		return -EINVAL;
	fd = ct_cgroup_open_at(dir, file, O_RDONLY);
	if (fd < 0)
		return fd;
	length = ct_read_text(fd, buf, size);
	if (length > 0 && buf[length - 1] == '\n')
		buf[--length] = '\0';
	return length;
}

int ct_cgroup_write(int dir, const char *file, const char *value)
{
	size_t length = strlen(value);
	int ct_autofd fd = -1;
	ssize_t n;

	if (!is_file_name(file))
		return -EINVAL;
	fd = ct_cgroup_open_at(dir, file, O_WRONLY);
	if (fd < 0)
		return fd;
	/* The kernel takes each write for a value of its own, so there is nothing to go on with. */
	do {
		n = write(fd, value, length);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == length ? 0 : -EIO;
}

/* "max" or digits up to a blank or the end. */
static bool parse_number(const char *text, uint64_t *ret_value)
{
	size_t digits = strspn(text, "0123456789");
	char number[24];
	struct ct_err ignored;

	if (!strncmp(text, "max", 3) && strchr(" \n", text[3])) {
		*ret_value = CT_CGROUP_MAX;
		return true;
	}
	if (!digits || digits >= sizeof(number) || !strchr(" \n", text[digits]))
		return false;
	memcpy(number, text, digits);
	number[digits] = '\0';
	return ct_parse_u64(number, 0, UINT64_MAX, ret_value, &ignored) == 0;
}

int ct_cgroup_read_number(int dir, const char *file, uint64_t *ret_value)
{
	char text[64];
	ssize_t n = ct_cgroup_read(dir, file, text, sizeof(text));

	if (n < 0)
		return (int)n;
	return parse_number(text, ret_value) ? 0 : -EIO;
}

bool ct_cgroup_find_key(const char *text, const char *key, uint64_t *ret_value)
{
	size_t length = strlen(key);

	while (*text) {
		size_t line = strcspn(text, "\n");

		if (line > length && !strncmp(text, key, length) && text[length] == ' ')
			return parse_number(text + length + 1, ret_value);
		text += line + (text[line] == '\n');
	}
	return false;
}

bool ct_cgroup_has_word(const char *list, const char *word, size_t length)
{
	while (*list) {
		size_t here = strcspn(list, " \n");

		if (length && here == length && !strncmp(list, word, length))
			return true;
		list += here;
		list += strspn(list, " \n");
	}
	return false;
}

bool ct_cgroup_is_v2(int dir)
{
	struct statfs fs;

	return fstatfs(dir, &fs) == 0 && fs.f_type == CGROUP2_SUPER_MAGIC;
}

enum ct_cgroup_layout ct_cgroup_layout_of(int root)
{
	int ct_autofd unified = -1, memory = -1;

	if (ct_cgroup_is_v2(root))
		return CT_CGROUP_UNIFIED;
	unified = openat(root, "unified", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (unified >= 0 && ct_cgroup_is_v2(unified))
		return CT_CGROUP_HYBRID;
	/* any of version 1's controllers; every kernel that has version 1 has one of these */
	memory = openat(root, "memory", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (memory < 0)
		memory = openat(root, "cpu", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return memory >= 0 ? CT_CGROUP_V1 : CT_CGROUP_NONE;
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

int ct_cgroup_top(enum ct_cgroup_layout *ret_layout)
{
	int ct_autofd root = open("/sys/fs/cgroup", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int unified;

	*ret_layout = CT_CGROUP_NONE;
	if (root < 0)
		return -errno;
	*ret_layout = ct_cgroup_layout_of(root);
	if (*ret_layout == CT_CGROUP_UNIFIED)
		return ct_take_fd(&root);
	if (*ret_layout != CT_CGROUP_HYBRID)
		return -ENOENT;
	unified = openat(root, "unified", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return unified < 0 ? -errno : unified;
}

/* The line of version 2 in /proc/PID/cgroup is "0::PATH". */
void ct_cgroup_path_of(const char *text, char *path, size_t size)
{
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n");

		if (!strncmp(line, "0::", 3)) {
			snprintf(path, size, "%.*s", (int)(length - 3), line + 3);
			return;
		}
		line += length + (line[length] == '\n');
	}
	snprintf(path, size, "/");
}

int ct_cgroup_read_self(pid_t pid, char *buf, size_t size, struct ct_err *err)
{
	char path[64] = "/proc/self/cgroup";
	int ct_autofd fd = -1;
	ssize_t n;

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s", path);
	n = ct_read_text(fd, buf, size);
	return n < 0 ? ct_fail_errno(err, (int)-n, "cannot read %s", path) : 0;
}

int ct_cgroup_open_below(int dir, const char *path)
{
	while (*path == '/')
		path++;
	return ct_path_try(dir, *path ? path : ".", O_RDONLY | O_DIRECTORY,
			   RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
}

/*
 * Delegated is what the kernel asks for, cgroups(7) "Delegating a hierarchy": the directory, its
 * cgroup.procs and its cgroup.subtree_control can be written.
 */
int ct_cgroup_check_delegated(int dir)
{
	static const char *const files[] = { ".", "cgroup.procs", "cgroup.subtree_control" };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		if (faccessat(dir, files[i], W_OK, AT_EACCESS) < 0)
			return -errno;
	}
	return 0;
}
