/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Safe paths: opening, and making, what a path names inside a root descriptor.
 *
 * Runs in the child that sets a container up (as root of its user namespace) and wherever a file
 * of a container is read. The container's files are hostile: any component may be a link to
 * anywhere and may be exchanged between two calls. So no path is ever resolved by our own code.
 * The kernel resolves it whole, from the root, each time, by openat2(2) with RESOLVE_IN_ROOT (".."
 * and absolute links stay inside) and RESOLVE_NO_MAGICLINKS (links of /proc lead nowhere). Making
 * something is one mkdirat or openat of one name in a directory whose descriptor was got that way,
 * and what was made is looked up again through the root; a loser of a race ends up somewhere else
 * inside the root, or with an error.
 *
 * May fail as open(2) and mkdir(2), with ENOSYS before Linux 5.6, and with EAGAIN when somebody
 * keeps renaming all the while. There is no fallback in user space: none is free of races.
 *
 *    ct_path_open       open what is there
 *    ct_path_make_dir   the same; a part that is missing is made, and looked up again from the root
 *    ct_path_make_file  the same, the last part a file
 *    ct_path_has_link   does any part lead elsewhere?
 */
#include <cattach/path.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>

#define TRIES_AGAIN	256	/* of one openat2; any rename on the machine may cost one */
#define TRIES_RACE	64	/* of one component that comes and goes */
#define LINKS_MAX	40	/* as the kernel has it */

int ct_path_try(int root, const char *path, int flags, uint64_t resolve)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = resolve | RESOLVE_NO_MAGICLINKS,
	};

	/* There is no mode to create with: that is for the functions below. */
	if ((flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE)
		return -EINVAL;
	/* The two exclude each other for the kernel, and each keeps the path inside. */
	if (!(resolve & RESOLVE_BENEATH))
		how.resolve |= RESOLVE_IN_ROOT;
	for (int i = 0; i < TRIES_AGAIN; i++) {
		int fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));

		if (fd >= 0)
			return fd;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
	}
	return -EAGAIN;
}

/* The error for a path that could not be opened; the text names it and the way out. */
static int fail_open(struct ct_err *err, int code, const char *path)
{
	switch (code) {
	case ENOSYS:
		ct_fail(err, code, "cannot open %s safely: openat2(2) is missing", path);
		return ct_hint(err, "Linux 5.6 or newer is needed, and a seccomp filter around "
			       "cattach must let openat2 through");
	case EPERM:
		ct_fail_errno(err, code, "cannot open %s", path);
		return ct_hint(err, "a seccomp filter around cattach may refuse openat2(2)");
	case ELOOP:
		ct_fail_errno(err, code, "cannot open %s", path);
		return ct_hint(err, "links that go round in a circle, or one of /proc's that would "
			       "lead out of the container's root");
	case EAGAIN:
		ct_fail(err, code, "cannot open %s: the path changed during setup", path);
		return ct_hint(err, "something keeps renaming files; stop it and try again");
	default:
		return ct_fail_errno(err, code, "cannot open %s", path);
	}
}

int ct_path_open(int root, const char *path, int flags, struct ct_err *err)
{
	int fd = ct_path_try(root, path, flags, 0);

	return fd < 0 ? fail_open(err, -fd, path) : fd;
}

/* 1 when one of the parts is a link. Only an answer of this moment: who relies on it opens with
 * RESOLVE_NO_SYMLINKS. */
int ct_path_has_link(int root, const char *path, struct ct_err *err)
{
	ct_autofd int fd = ct_path_try(root, path, O_PATH, RESOLVE_NO_SYMLINKS);

	if (fd >= 0 || fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	return fd == -ELOOP ? 1 : fail_open(err, -fd, path);
}

/* The error for something that is missing and could not be made. */
static int fail_make(struct ct_err *err, int code, const char *path)
{
	ct_fail_errno(err, code, "%s does not exist and cannot be made here", path);
	if (code == EROFS || code == EACCES || code == EPERM || code == EOVERFLOW)
		ct_hint(err, "make it in the root file system beforehand, or run with a throw-away "
			"overlay: ROOTFS:O");
	return -err->code;
}

/* A path that is being walked: what was looked up so far always starts at the root. */
struct walk {
	int root;
	char path[PATH_MAX];
	int links, races;	/* links replaced; tries to make the present component */
};

static int walk_start(struct walk *walk, int root, const char *path, struct ct_err *err)
{
	size_t length = strlen(path);

	if (!length || length >= sizeof(walk->path))
		return ct_fail_errno(err, length ? ENAMETOOLONG : ENOENT, "cannot open \"%s\"",
				     path);
	walk->root = root;
	walk->links = walk->races = 0;
	memcpy(walk->path, path, length + 1);
	return 0;
}

/*
 * A component is missing, or is a link to something that is missing. If a link: put its target in
 * its place, so that the target gets made, inside the root. The component is walk->path[at...end).
 *
 * Return: 1 when the path was changed, 0 when the component is no link.
 */
static int expand_link(struct walk *walk, int parent, size_t at, size_t end, struct ct_err *err)
{
	char name[NAME_MAX + 1], target[PATH_MAX], path[PATH_MAX];
	ssize_t n;
	int length;

	if (end - at >= sizeof(name))
		return ct_fail_errno(err, ENAMETOOLONG, "cannot open %s", walk->path);
	memcpy(name, walk->path + at, end - at);
	name[end - at] = '\0';
	n = readlinkat(parent, name, target, sizeof(target));
	if (n < 0)
		return 0;	/* no link, or gone: the caller's next call shows which */
	if (++walk->links > LINKS_MAX)
		return fail_open(err, ELOOP, walk->path);
	/* An absolute target starts at the root, another where the link is. */
	length = snprintf(path, sizeof(path), "%.*s%.*s%s",
			  n && target[0] == '/' ? 0 : (int)at, walk->path, (int)n, target,
			  walk->path + end);
	if ((size_t)length >= sizeof(path))
		return ct_fail_errno(err, ENAMETOOLONG, "cannot open %s", walk->path);
	memcpy(walk->path, path, (size_t)length + 1);
	return 1;
}

/* What is missing was made, by us or by somebody faster; if it goes away again, not for ever. */
static int raced(struct walk *walk, struct ct_err *err)
{
	return ++walk->races > TRIES_RACE ? fail_open(err, EAGAIN, walk->path) : 0;
}

/* The directory is missing at this component: make it in its parent. 1 link expanded, 0 made. */
static int make_component(struct walk *walk, int parent, size_t at, size_t end, mode_t mode,
			  struct ct_err *err)
{
	char rest = walk->path[end];
	int ret = expand_link(walk, parent, at, end, err);

	if (ret)
		return ret;
	walk->path[end] = '\0';
	if (mkdirat(parent, walk->path + at, mode) < 0 && errno != EEXIST)
		ret = fail_make(err, errno, walk->path);
	else
		ret = raced(walk, err);
	walk->path[end] = rest;
	return ret;
}

/* Open the path up to here from the root, as a directory: a descriptor or -errno. */
static int open_prefix(struct walk *walk, size_t end)
{
	char rest = walk->path[end];
	int fd;

	walk->path[end] = '\0';
	fd = ct_path_try(walk->root, walk->path, O_PATH | O_DIRECTORY, 0);
	walk->path[end] = rest;
	return fd;
}

/* The error for a prefix that cannot be opened: a file in the way is named, not the whole path. */
static int fail_prefix(struct walk *walk, size_t end, int code, struct ct_err *err)
{
	walk->path[end] = '\0';
	if (code == ENOTDIR)
		return ct_fail(err, code, "%s is not a directory", walk->path);
	return fail_open(err, code, walk->path);
}

/* Walk down the path, making what is missing. The descriptor of its end, or an error. */
static int walk_make(struct walk *walk, mode_t mode, struct ct_err *err)
{
	ct_autofd int parent = ct_path_try(walk->root, "/", O_PATH | O_DIRECTORY, 0);
	size_t at = 0, end;

	if (parent < 0)
		return fail_open(err, -parent, "/");
	while (at += strspn(walk->path + at, "/"), walk->path[at]) {
		int fd, ret;

		end = at + strcspn(walk->path + at, "/");
		fd = open_prefix(walk, end);
		if (fd >= 0) {
			ct_drop_fd(&parent);
			parent = fd;
			at = end;
			walk->races = 0;
			continue;
		}
		if (fd != -ENOENT)
			return fail_prefix(walk, end, -fd, err);
		ret = make_component(walk, parent, at, end, mode, err);
		if (ret < 0)
			return ret;
		/* Made: the same component is opened through the root now, whatever it became in
		 * between. Link: its target stands there and may begin at the root. */
		if (ret > 0) {
			ct_drop_fd(&parent);
			parent = ct_path_try(walk->root, "/", O_PATH | O_DIRECTORY, 0);
			if (parent < 0)
				return fail_open(err, -parent, "/");
			at = 0;
		}
	}
	return ct_take_fd(&parent);
}

/* mode is cut by the umask, as in mkdir(2). */
int ct_path_make_dir(int root, const char *path, mode_t mode, struct ct_err *err)
{
	int fd = ct_path_try(root, path, O_PATH | O_DIRECTORY, 0);
	struct walk walk;

	if (fd >= 0)
		return fd;	/* the usual case, in one call */
	if (fd != -ENOENT && fd != -ENOTDIR)
		return fail_open(err, -fd, path);
	if (walk_start(&walk, root, path, err) < 0)
		return -err->code;
	return walk_make(&walk, mode, err);
}

/* Open the file at the end of the path: a descriptor, -ENOENT, or an error that was filled. */
static int open_file(struct walk *walk, struct ct_err *err)
{
	ct_autofd int fd = ct_path_try(walk->root, walk->path, O_PATH, 0);
	struct stat st;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return -ENOENT;	/* making the directories will name a file in the way */
	if (fd < 0)
		return fail_open(err, -fd, walk->path);
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at %s", walk->path);
	if (S_ISDIR(st.st_mode))
		return ct_fail(err, EISDIR, "%s is a directory, a file is needed", walk->path);
	return ct_take_fd(&fd);
}

/* Make the directories above the last component, which starts at. Their descriptor, or an error. */
static int make_parent(struct walk *walk, size_t at, mode_t mode, struct ct_err *err)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%.*s", at ? "" : "/", (int)at, walk->path);
	return ct_path_make_dir(walk->root, path, mode, err);
}

/* Directories are as open as the file: who may read it may pass. Only the owner writes. */
static mode_t dir_mode(mode_t mode)
{
	return 0700 | (mode & 0044) | (mode & 0044) >> 2;
}

/*
 * Make the missing file, once. 0: look again, either it is there or a link was replaced by its
 * target; else an error.
 */
static int make_missing(struct walk *walk, mode_t mode, struct ct_err *err)
{
	size_t end = strlen(walk->path), at = end;
	ct_autofd int parent = -1, fd = -1;
	int ret;

	while (at && walk->path[at - 1] != '/')
		at--;
	if (at == end || !strcmp(walk->path + at, ".") || !strcmp(walk->path + at, ".."))
		return ct_fail(err, EISDIR, "%s names a directory, a file is needed", walk->path);
	parent = make_parent(walk, at, dir_mode(mode), err);
	if (parent < 0)
		return parent;
	ret = expand_link(walk, parent, at, end, err);
	if (ret)
		return ret < 0 ? ret : 0;
	fd = openat(parent, walk->path + at,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, mode);
	if (fd < 0 && errno != EEXIST)
		return fail_make(err, errno, walk->path);
	return raced(walk, err);
}

int ct_path_make_file(int root, const char *path, mode_t mode, struct ct_err *err)
{
	struct walk walk;
	int ret = walk_start(&walk, root, path, err);

	while (ret == 0) {
		/* Also after making it: what counts is what the root shows under this path. */
		int fd = open_file(&walk, err);

		if (fd != -ENOENT)
			return fd;
		ret = make_missing(&walk, mode, err);
	}
	return ret;
}
