/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts by descriptors only: a file system is made with fsopen(2) or cloned with open_tree(2),
 * gets its attributes while it is attached nowhere, and is moved onto a target that was opened
 * inside the root with openat2(2). There is no mount(2) with a path, and no "mount, then remount".
 *
 * Runs in the child as the container's root, before the pivot. The root file system is hostile:
 * its links are resolved inside it, and after each move the path must lead to what was moved.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/path.h>

#include "child.h"

#define CT_ATTR_AT_ONCE                                                                       \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |       \
	 MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)

/* The kernel's own words about a file system that it refused: "tmpfs: Unknown parameter 'x'". */
static int fail_with_log(int fs, int code, const char *type, const char *parameter,
			 struct ct_err *err)
{
	char line[256];
	ssize_t n = read(fs, line, sizeof(line) - 1);
	const char *text = line;

	if (n <= 0) {
		if (parameter)
			return ct_fail_errno(err, code, "%s: option \"%s\"", type, parameter);
		return ct_fail_errno(err, code, "cannot mount %s", type);
	}
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	/* Each message begins with its level: "e tmpfs: ...". */
	if (n > 2 && line[1] == ' ')
		text = line + 2;
	if (strncmp(text, type, strlen(type)) == 0)
		return ct_fail(err, code, "%s", text);
	return ct_fail(err, code, "%s: %s", type, text);
}

static int fail_unknown_type(const char *type, int code, struct ct_err *err)
{
	struct utsname kernel;

	if (code != ENODEV)
		return ct_fail_errno(err, code, "cannot mount %s", type);
	if (uname(&kernel) < 0)
		strcpy(kernel.release, "?");
	ct_fail(err, ENODEV, "%s: file system not known to kernel %s", type, kernel.release);
	if (strcmp(type, "bind") == 0)
		return ct_hint(err, "a bind mount needs the option bind or rbind");
	return -err->code;
}

static int set_parameter(int fs, const char *type, const char *parameter, struct ct_err *err)
{
	const char *equals = strchr(parameter, '=');
	char key[128];
	int r;

	if (!equals) {
		r = fsconfig(fs, FSCONFIG_SET_FLAG, parameter, NULL, 0);
	} else {
		size_t length = (size_t)(equals - parameter);

		if (length >= sizeof(key))
			return ct_fail(err, EINVAL, "%s: option name is too long", type);
		memcpy(key, parameter, length);
		key[length] = '\0';
		r = fsconfig(fs, FSCONFIG_SET_STRING, key, equals + 1, 0);
	}
	return r < 0 ? fail_with_log(fs, errno, type, parameter, err) : 0;
}

static int set_parameters(int fs, const char *type, const struct ct_strings *list,
			  struct ct_err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		int r = set_parameter(fs, type, list->items[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* extra is one more "key=value" for the file system, or NULL. */
static int new_mount(const char *type, const char *source, const struct ct_mount_options *options,
		     const char *extra, struct ct_err *err)
{
	int ct_autofd fs = fsopen(type, FSOPEN_CLOEXEC);
	uint64_t attributes = options->set | options->tree_set;
	int r, mount;

	if (fs < 0)
		return fail_unknown_type(type, errno, err);
	if (source && fsconfig(fs, FSCONFIG_SET_STRING, "source", source, 0) < 0)
		return fail_with_log(fs, errno, type, source, err);
	r = set_parameters(fs, type, &options->flags, err);
	if (r == 0)
		r = set_parameters(fs, type, &options->data, err);
	if (r == 0 && extra)
		r = set_parameter(fs, type, extra, err);
	if (r < 0)
		return r;
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return fail_with_log(fs, errno, type, NULL, err);
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)(attributes & CT_ATTR_AT_ONCE));
	if (mount < 0)
		return fail_with_log(fs, errno, type, NULL, err);
	return mount;
}

int ct_child_new_mount(const char *type, const char *source, const struct ct_mount_options *options,
		       struct ct_err *err)
{
	return new_mount(type, source, options, NULL, err);
}

static int set_attributes(int mount, unsigned flags, uint64_t set, uint64_t clear)
{
	struct mount_attr attr = { .attr_set = set, .attr_clr = clear };

	if (!set && !clear)
		return 0;
	if (mount_setattr(mount, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)) == 0)
		return 0;
	if (errno != EPERM || !clear)
		return -errno;
	/* Flags of the parent namespace are locked: the kernel lets nobody clear them here, and
	 * a container that gets the mount with more restrictions is what the host's owner wants. */
	attr.attr_clr = 0;
	attr.attr_set = set & ~(uint64_t)MOUNT_ATTR__ATIME;
	if (!attr.attr_set)
		return 0;
	return mount_setattr(mount, "", AT_EMPTY_PATH | flags, &attr, sizeof(attr)) < 0 ? -errno :
											  0;
}

/* In a call of its own: unbindable must come last, and locked flags must not stop it. */
static int set_propagation(int mount, uint64_t propagation, bool tree, struct ct_err *err)
{
	struct mount_attr attr = { .propagation = propagation };
	unsigned flags = AT_EMPTY_PATH | (tree ? (unsigned)AT_RECURSIVE : 0);

	if (propagation && mount_setattr(mount, "", flags, &attr, sizeof(attr)) < 0)
		return ct_fail_errno(err, errno, "cannot set the mount's propagation");
	return 0;
}

int ct_child_set_attributes(int mount, const struct ct_mount_options *options, struct ct_err *err)
{
	int r = set_attributes(mount, 0, options->set, options->clear);

	if (r == 0)
		r = set_attributes(mount, AT_RECURSIVE, options->tree_set, options->tree_clear);
	if (r < 0)
		return ct_fail_errno(err, -r, "cannot set the mount's attributes");
	return set_propagation(mount, options->propagation, options->tree_propagation, err);
}

static int mount_id(int fd, uint64_t *ret_id)
{
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return -errno;
	if (!(st.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	*ret_id = st.stx_mnt_id;
	return 0;
}

/* Somebody with write access to the root may exchange directories under us: look once more. */
static int verify_place(struct child *c, int mount, const char *path, struct ct_err *err)
{
	int ct_autofd again = ct_path_open(c->root, path, O_PATH, err);
	uint64_t want, have;

	if (again < 0)
		return again;
	if (mount_id(mount, &want) < 0 || mount_id(again, &have) < 0)
		return ct_fail_errno(err, errno, "cannot identify the mount on %s", path);
	if (want != have)
		return ct_fail(err, ESTALE, "%s changed while the container was being set up", path);
	return 0;
}

/* Below these nothing may be a link, or a mount or a mask would land where the root wants it. */
static bool is_api_path(const char *path)
{
	static const char *const tops[] = { "/proc", "/sys", "/dev" };

	for (size_t i = 0; i < sizeof(tops) / sizeof(tops[0]); i++) {
		size_t n = strlen(tops[i]);

		if (strncmp(path, tops[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
			return true;
	}
	return false;
}

/* What is there already, as a rule; else it is made. */
static int open_target(struct child *c, const char *path, bool directory, struct ct_err *err)
{
	uint64_t resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
	int fd = ct_path_try(c->root, path, O_PATH,
			     resolve | (is_api_path(path) ? RESOLVE_NO_SYMLINKS : 0));

	if (fd >= 0)
		return fd;
	if (fd == -ELOOP && is_api_path(path))
		return ct_fail(err, ELOOP, "%s is a symbolic link in the root file system, or has "
			       "one on its way", path);
	if (fd != -ENOENT)
		return ct_fail_errno(err, -fd, "cannot open %s", path);
	return directory ? ct_path_make_dir(c->root, path, 0755, err) :
			   ct_path_make_file(c->root, path, 0644, err);
}

/*
 * The spec's check forbids mounts over /proc by their text. A link of the root file system must not
 * lead there all the same: programs that set up security would write into somebody's files.
 */
static int check_target(struct child *c, int target, const char *path, struct ct_err *err)
{
	struct statfs fs;
	int fd;

	if (is_api_path(path) || fstatfs(target, &fs) < 0 ||
	    (fs.f_type != PROC_SUPER_MAGIC && fs.f_type != SYSFS_MAGIC))
		return 0;
	fd = ct_path_try(c->root, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
	ct_fd_close(fd);
	if (fd != -ELOOP)
		return 0;
	return ct_fail(err, ELOOP, "%s leads into %s by a symbolic link of the root file system",
		       path, fs.f_type == PROC_SUPER_MAGIC ? "/proc" : "/sys");
}

static int fail_move(int target, const char *path, bool directory, int code, struct ct_err *err)
{
	struct stat st;

	/* move_mount(2) says EINVAL for it, among other things. */
	if ((code == ENOTDIR || code == EINVAL) && fstat(target, &st) == 0 &&
	    S_ISDIR(st.st_mode) != directory)
		return ct_fail(err, code, "%s is %s directory in the root file system, what is to "
			       "be mounted there is %s", path, directory ? "no" : "a",
			       directory ? "one" : "none");
	return ct_fail_errno(err, code, "cannot mount on %s", path);
}

/* What was there is covered now: nodes, links and terminals must not go where nobody sees them. */
static void forget_covered(struct child *c, const char *path)
{
	bool dev = strcmp(path, "/dev") == 0;

	if (dev)
		ct_drop_fd(&c->dev);
	if (dev || strcmp(path, "/dev/pts") == 0)
		ct_drop_fd(&c->pts);
}

int ct_child_place(struct child *c, int mount, const char *path, bool directory,
		   struct ct_err *err)
{
	unsigned flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
	int ct_autofd target = open_target(c, path, directory, err);

	if (target < 0)
		return target;
	if (check_target(c, target, path, err) < 0)
		return -err->code;
	if (move_mount(mount, "", target, "", flags) < 0)
		return fail_move(target, path, directory, errno, err);
	forget_covered(c, path);
	return verify_place(c, mount, path, err);
}

/* A tmpfs without a mode of its own gets that of the directory it hides. */
static const char *inherited_mode(int hidden, const struct ct_mount_options *options, char buf[32])
{
	struct stat st;

	for (size_t i = 0; i < options->data.count; i++)
		if (strncmp(options->data.items[i], "mode=", 5) == 0)
			return NULL;
	if (hidden < 0 || fstat(hidden, &st) < 0)
		return NULL;
	snprintf(buf, 32, "mode=%o", st.st_mode & 07777);
	return buf;
}

static int mount_tmpfs(struct child *c, const struct ct_plan_mount *m, struct ct_err *err)
{
	int ct_autofd hidden = ct_path_try(c->root, m->destination, O_PATH | O_DIRECTORY,
					   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
	struct ct_mount_options options = m->options;
	int ct_autofd mount = -1;
	char mode[32];
	int r;

	/* It is filled while it may still be written. */
	if (options.copy_up)
		options.set &= ~(uint64_t)MOUNT_ATTR_RDONLY;
	mount = new_mount(m->type, m->source.path, &options,
			  inherited_mode(hidden, &options, mode), err);
	if (mount < 0)
		return mount;
	if (m->options.copy_up && hidden >= 0) {
		r = ct_child_copy_up(hidden, mount, err);
		if (r < 0)
			return r;
	}
	r = ct_child_set_attributes(mount, &m->options, err);
	if (r == 0)
		r = ct_child_place(c, mount, m->destination, true, err);
	/* Ours alone until the program runs: nodes and links go there without a look at paths. */
	if (r == 0 && strcmp(m->destination, "/dev") == 0)
		c->dev = ct_take_fd(&mount);
	return r;
}

/*
 * The tty group counts only when it is mapped, and a user namespace that was joined shows that here
 * at the earliest. Terminals work without it.
 */
static int mount_devpts(struct child *c, const struct ct_plan_mount *m, struct ct_err *err)
{
	int mount = new_mount(m->type, m->source.path, &m->options, NULL, err);
	struct ct_mount_options options = m->options;
	const char *data[16];

	if (mount != -EINVAL || !ct_joins_user(c->plan))
		return mount;
	options.data = (struct ct_strings){ .items = data };
	for (size_t i = 0; i < m->options.data.count && i < sizeof(data) / sizeof(data[0]); i++)
		if (strcmp(m->options.data.items[i], "gid=5") != 0)
			data[options.data.count++] = m->options.data.items[i];
	*err = (struct ct_err){ 0 };
	return new_mount(m->type, m->source.path, &options, NULL, err);
}

static int mount_fs(struct child *c, const struct ct_plan_mount *m, struct ct_err *err)
{
	int ct_autofd mount = -1;
	int r;

	if (strcmp(m->type, "tmpfs") == 0)
		return mount_tmpfs(c, m, err);
	if (strcmp(m->type, "devpts") == 0)
		mount = mount_devpts(c, m, err);
	else
		mount = new_mount(m->type, m->source.path, &m->options, NULL, err);
	/* The kernel gives nobody a second one that shows what is covered in the first. */
	if (mount == -EPERM && c->plan->join_count && (c->plan->new_namespaces & CLONE_NEWUSER))
		ct_hint(err, "a new user namespace has no rights in namespaces that are joined; join "
			"their user namespace, too");
	else if (mount == -EPERM &&
		 (strcmp(m->type, "proc") == 0 || strcmp(m->type, "sysfs") == 0))
		ct_hint(err, CT_HINT_NESTED);
	if (mount < 0)
		return mount;
	/* Attributes are set already; propagation only if it was asked for. */
	if (m->options.propagation) {
		r = ct_child_set_attributes(mount, &m->options, err);
		if (r < 0)
			return r;
	}
	r = ct_child_place(c, mount, m->destination, true, err);
	if (r == 0 && strcmp(m->type, "devpts") == 0) {
		ct_drop_fd(&c->pts);
		c->pts = ct_take_fd(&mount);
	}
	return r;
}

static int mount_bind(struct child *c, size_t i, struct ct_err *err)
{
	const struct ct_plan_mount *m = &c->plan->mounts[i];
	int r = ct_child_clones_late(c->plan, m) ? ct_child_clone_source(c, i, err) : 0;

	if (r == 0)
		r = ct_child_set_attributes(c->sources[i], &m->options, err);
	/* Another mount follows the host, and this one did not ask for it, nor for all of them. */
	if (r == 0 && c->slaves && !m->options.propagation && !c->plan->root.propagation)
		r = set_propagation(c->sources[i], MS_PRIVATE, true, err);
	if (r < 0)
		return r;
	return ct_child_place(c, c->sources[i], m->destination, m->source.directory, err);
}

/* Is a tree cloned while the root is attached somewhere, perhaps within that tree? */
static bool clones_trees(const struct ct_plan *plan)
{
	for (size_t i = 0; i < plan->mount_count; i++) {
		const struct ct_plan_mount *m = &plan->mounts[i];

		if (!m->type && m->options.recursive && ct_child_clones_late(plan, m))
			return true;
	}
	return false;
}

static int mount_all(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->mount_count; i++) {
		const struct ct_plan_mount *m = &c->plan->mounts[i];
		int r = m->type ? mount_fs(c, m, err) : mount_bind(c, i, err);

		if (r < 0)
			return ct_wrap(err, "%s", m->place);
	}
	return 0;
}

/* A recursive clone leaves out what is unbindable and all below it: a container that has the host's "/"
 * does not find itself in there. */
int ct_child_mounts(struct child *c, struct ct_err *err)
{
	bool hide = clones_trees(c->plan);
	int r = hide ? set_propagation(c->root, MS_UNBINDABLE, false, err) : 0;

	if (r == 0)
		r = mount_all(c, err);
	if (r == 0 && hide)
		r = set_propagation(c->root, MS_PRIVATE, false, err);
	return r;
}

int ct_child_propagation(struct child *c, struct ct_err *err)
{
	for (size_t i = 0; i < c->plan->mount_count; i++) {
		const struct ct_plan_mount *m = &c->plan->mounts[i];

		if (!m->type && set_propagation(c->sources[i], m->options.propagation,
						m->options.tree_propagation, err) < 0)
			return ct_wrap(err, "%s", m->place);
	}
	return 0;
}
