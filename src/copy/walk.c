/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files, sent: the half of a copy that reads.
 *
 * Runs in the command for a source on the host, and for one in a container in a process within its
 * user and mount namespaces. The source itself is opened by its path (place.c); from there on every
 * step is one name below a descriptor, never through a link, so that the owner of the tree may
 * exchange directories and links as he likes and shows us nothing but his own tree. What is opened
 * is looked at again before it is read: only directories and regular files are.
 *
 * What cannot be read is reported and left out. Sockets and devices are, too, with a warning, and
 * the kernel's own file systems where they are mounted in the tree.
 *
 *   ct_copy_send_tree -> open_top          what the user named: links followed or not, as -L says
 *                     -> converse          SOURCE, TARGET, then
 *                        -> send_top -> send_directory -> send_children -> send_entry -.
 *                                           ^-----------------------------------------' by type
 *
 * A name is looked at (fstatat) and then opened; whatever it is by then, fstat(2) of the descriptor
 * is what counts.
 */
#include "parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

/* Not in every <linux/magic.h>. */
#define MQUEUE_MAGIC	0x19800202
#define BPF_MAGIC	0xcafe4a11
#define FUSECTL_MAGIC	0x65735543

struct walk {
	struct ct_copy_channel *channel;
	const struct ct_copy_source *source;
	uint8_t *buffer;		/* CT_COPY_DATA_MAX */
	struct ct_buf path;		/* of what is at hand, below the source, for messages */
	struct ct_links links;		/* device and inode of files that others may be linked to */
	uint32_t last_link;
	dev_t target_device;		/* the directory that all of it goes to */
	ino_t target_inode;
	unsigned depth;
};

/* maps: the ids of a container's user namespace, in which "root" is 0 whatever the host calls
 * it. */
void ct_copy_describe(struct ct_copy_message *m, const struct stat *st,
		      const struct ct_copy_map *maps)
{
	m->mode = st->st_mode & 07777;
	m->uid = maps ? ct_copy_map_in(&maps[0], st->st_uid) : st->st_uid;
	m->gid = maps ? ct_copy_map_in(&maps[1], st->st_gid) : st->st_gid;
	m->mtime = st->st_mtim.tv_sec;
	m->mtime_ns = (uint32_t)st->st_mtim.tv_nsec;
}

/* ---- reports ---- */

/* By the path as the user has named it, from the top on. */
static int report(struct walk *w, struct ct_err *what, bool warning, struct ct_err *err)
{
	ct_wrap(what, "%s%s", w->source->shown, ct_buf_text(&w->path));
	return ct_copy_report(w->channel, what, warning, err);
}

static int report_errno(struct walk *w, int code, const char *text, struct ct_err *err)
{
	struct ct_err what;

	ct_fail_errno(&what, code, "%s", text);
	return report(w, &what, false, err);
}

/* A warning: it does not make the exit code 125. */
static int report_skipped(struct walk *w, const char *what, struct ct_err *err)
{
	struct ct_err warning;

	ct_fail(&warning, EINVAL, "left out: it is %s", what);
	return report(w, &warning, true, err);
}

/* ---- files ---- */

/* The name was checked, so it fits (CT_COPY_NAME_MAX). */
static void set_name(struct ct_copy_message *m, const char *name)
{
	memcpy(m->name, name, strlen(name) + 1);
}

/* The link's number is told to the target with the file, and remembered here only when all of it
 * was sent: nothing is linked to half a file. */
static int send_opened(struct walk *w, struct ct_copy_message *m, int fd, const struct stat *st,
		       struct ct_err *err)
{
	const uint64_t key[] = { st->st_dev, st->st_ino };
	char shown[1024];
	bool broken = false;
	int r;

	ct_copy_describe(m, st, w->source->maps);
	m->size = (uint64_t)st->st_size;
	if (st->st_nlink > 1)
		m->link = ++w->last_link;
	r = ct_copy_send(w->channel, m, err);
	if (r == 0)
		r = ct_copy_send_xattrs(w->channel, fd, err);
	if (r < 0)
		return r;
	snprintf(shown, sizeof(shown), "%s%s", w->source->shown, ct_buf_text(&w->path));
	r = ct_copy_send_content(w->channel, fd, st, w->buffer, shown, &broken, err);
	if (r == 0 && m->link && !broken && ct_links_add(&w->links, key, sizeof(key), m->link) < 0)
		return ct_fail_nomem(err);
	return r;
}

/* O_NONBLOCK and O_NOCTTY: in place of the file there may be a FIFO or a terminal by now, which
 * open(2) would wait for or make ours. Whoever has met an inode before sends a link to it. */
static int send_file(struct walk *w, int directory, const char *name, const struct stat *seen,
		     struct ct_copy_message *m, struct ct_err *err)
{
	const uint64_t key[] = { seen->st_dev, seen->st_ino };
	uint32_t link = seen->st_nlink > 1 ? ct_links_find(&w->links, key, sizeof(key)) : 0;
	int ct_autofd fd = -1;
	struct stat st;

	if (link) {
		*m = (struct ct_copy_message){ .type = CT_COPY_HARDLINK, .link = link };
		set_name(m, name);
		return ct_copy_send(w->channel, m, err);
	}
	fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return report_errno(w, errno, "cannot be opened", err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return report_errno(w, ESTALE, "became something else", err);
	m->type = CT_COPY_FILE;
	return send_opened(w, m, fd, &st, err);
}

/* n <= 0: the kernel has no links to nothing, and neither has a message. */
static int send_symlink(struct walk *w, int directory, const char *name,
			const struct ct_copy_message *m, struct ct_err *err)
{
	struct ct_copy_message link = *m;
	char target[PATH_MAX];
	ssize_t n = readlinkat(directory, name, target, sizeof(target) - 1);

	if (n <= 0)
		return report_errno(w, n < 0 ? errno : ENOENT, "cannot be read", err);
	link.type = CT_COPY_SYMLINK;
	link.mode = 0;
	link.data = target;
	link.data_size = (size_t)n;
	return ct_copy_send(w->channel, &link, err);
}

/* ---- directories ---- */

/* File systems that are the kernel talking, not somebody's files. Copied as empty directories: what
 * /proc has is made while it is read, and some of it never ends. */
static bool is_kernels(int fd)
{
	static const long types[] = {
		PROC_SUPER_MAGIC, SYSFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC,
		DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC, TRACEFS_MAGIC, SECURITYFS_MAGIC,
		EFIVARFS_MAGIC, MQUEUE_MAGIC, BPF_MAGIC, FUSECTL_MAGIC,
	};
	struct statfs fs;

	for (size_t i = 0; fstatfs(fd, &fs) == 0 && i < sizeof(types) / sizeof(types[0]); i++)
		if ((unsigned long)fs.f_type == (unsigned long)types[i])
			return true;
	return false;
}

static int send_entry(struct walk *w, int directory, dev_t device, const char *name,
		      struct ct_err *err);

/* Everything in a directory, whose descriptor stays the caller's. fdopendir(3) owns what it is
 * given, hence the duplicate. After a failure of ours path is not put back, for the copy is
 * over. */
static int send_children(struct walk *w, int fd, dev_t device, struct ct_err *err)
{
	size_t length = w->path.length;
	struct dirent *entry;
	int r = 0, copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR ct_autodir *dir = copy < 0 ? NULL : fdopendir(copy);

	if (!dir) {
		int code = errno;

		ct_fd_close(copy);
		return report_errno(w, code, "cannot be read", err);
	}
	while (r == 0 && (errno = 0, entry = readdir(dir))) {
		if (!ct_copy_is_name(entry->d_name, strlen(entry->d_name)))
			continue;
		if (!length || w->path.data[length - 1] != '/')
			ct_buf_putc(&w->path, '/');
		ct_buf_puts(&w->path, entry->d_name);
		if (w->path.failed)
			return ct_fail_nomem(err);
		r = send_entry(w, fd, device, entry->d_name, err);
		w->path.length = length;
		w->path.data[length] = '\0';
	}
	if (r == 0 && errno)
		r = report_errno(w, errno, "cannot be read to its end", err);
	return r;
}

/* The directory that m describes and fd is, between ENTER and LEAVE. Without the look at the target
 * a copy of a directory into itself would never end: device and inode came with TARGET. Depth is
 * bounded because each level is a stack frame and a descriptor. */
static int send_directory(struct walk *w, int fd, const struct stat *st, struct ct_copy_message *m,
			  bool hidden, struct ct_err *err)
{
	const struct ct_copy_message leave = { .type = CT_COPY_LEAVE };
	struct ct_err what;
	int r;

	if (st->st_dev == w->target_device && st->st_ino == w->target_inode) {
		ct_fail(&what, EINVAL, "left out: the copy itself goes there");
		return report(w, &what, false, err);
	}
	if (w->depth >= CT_COPY_DEPTH) {
		ct_fail(&what, ELOOP, "left out: more than %u directories deep", CT_COPY_DEPTH);
		return report(w, &what, false, err);
	}
	m->type = CT_COPY_ENTER;
	ct_copy_describe(m, st, w->source->maps);
	r = ct_copy_send(w->channel, m, err);
	if (r == 0)
		r = ct_copy_send_xattrs(w->channel, fd, err);
	w->depth++;
	if (r == 0 && !hidden)
		r = send_children(w, fd, st->st_dev, err);
	w->depth--;
	return r < 0 ? r : ct_copy_send(w->channel, &leave, err);
}

/* hidden: only where a mount begins; a directory of the kernel's that the user named himself is
 * copied. */
static int open_directory(struct walk *w, int directory, dev_t device, const char *name,
			  struct ct_copy_message *m, struct ct_err *err)
{
	struct stat st;
	int ct_autofd fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		return report_errno(w, errno, "cannot be opened", err);
	return send_directory(w, fd, &st, m, st.st_dev != device && is_kernels(fd), err);
}

/* AT_NO_AUTOMOUNT: a look must not mount a network's file system. */
static int send_entry(struct walk *w, int directory, dev_t device, const char *name,
		      struct ct_err *err)
{
	struct ct_copy_message m = { .type = CT_COPY_FIFO };
	struct stat st;

	if (fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return report_errno(w, errno, "cannot be looked at", err);
	set_name(&m, name);
	ct_copy_describe(&m, &st, w->source->maps);
	switch (st.st_mode & S_IFMT) {
	case S_IFDIR:
		return open_directory(w, directory, device, name, &m, err);
	case S_IFREG:
		return send_file(w, directory, name, &st, &m, err);
	case S_IFLNK:
		return send_symlink(w, directory, name, &m, err);
	case S_IFIFO:
		return ct_copy_send(w->channel, &m, err);
	case S_IFSOCK:
		return report_skipped(w, "a socket", err);
	default:
		return report_skipped(w, "a device", err);
	}
}

/* ---- the source ---- */

/* What the source is, and the directory that has it; name is empty when it is a directory. */
struct top {
	int fd;				/* the directory itself, or the one above */
	char name[CT_COPY_NAME_MAX + 1];
	struct stat st;
};

/* Of the top a link is followed where docker follows it: its own path is the user's word. */
static int open_top_directory(const struct ct_copy_source *source, struct top *top,
			      struct ct_err *err)
{
	top->fd = ct_copy_open_at(&source->root, source->path, O_RDONLY | O_DIRECTORY);
	if (top->fd < 0)
		return ct_fail_errno(err, -top->fd, "cannot be opened");
	return fstat(top->fd, &top->st) < 0 ? ct_fail_errno(err, errno, "cannot be looked at") : 0;
}

/* Anything but a directory: by its name in the directory above, its last links followed or not. */
static int open_top_entry(const struct ct_copy_source *source, struct top *top,
			  struct ct_err *err)
{
	struct ct_copy_place place = { .directory = -1 };
	char parent[PATH_MAX];
	size_t end = strlen(source->path);

	if (source->follow) {
		if (ct_copy_find_place(&source->root, source->path, &place, err) < 0)
			return -err->code;
		top->fd = place.directory;
		memcpy(top->name, place.name, sizeof(top->name));
	} else {
		while (end && source->path[end - 1] != '/')
			end--;
		if (!ct_copy_is_name(source->path + end, strlen(source->path + end)) ||
		    (size_t)snprintf(parent, sizeof(parent), "%.*s", (int)end, source->path) >=
			    sizeof(parent))
			return ct_fail_errno(err, ENOENT, "cannot be opened");
		memcpy(top->name, source->path + end, strlen(source->path + end) + 1);
		top->fd = ct_copy_open_at(&source->root, end ? parent : ".", O_PATH | O_DIRECTORY);
		if (top->fd < 0)
			return ct_fail_errno(err, -top->fd, "cannot be opened");
	}
	if (fstatat(top->fd, top->name, &top->st, AT_SYMLINK_NOFOLLOW) < 0)
		return ct_fail_errno(err, errno, "cannot be opened");
	return 0;
}

/* O_PATH first, to see what it is without opening it: a FIFO would wait for a writer. "x/" and
 * "x/." want a directory, and follow a link to it. */
static int open_top(const struct ct_copy_source *source, struct top *top, struct ct_err *err)
{
	bool slash = ct_copy_ends_with_slash(source->path) || ct_copy_means_contents(source->path);
	struct stat st;
	int ct_autofd fd = ct_copy_open_at(&source->root, source->path,
					   O_PATH | (source->follow || slash ? 0 : O_NOFOLLOW));

	if (fd < 0)
		return ct_fail_errno(err, -fd, "cannot be opened");
	if (fstat(fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot be looked at");
	if (S_ISDIR(st.st_mode))
		return open_top_directory(source, top, err);
	if (slash)
		return ct_fail_errno(err, ENOTDIR, "cannot be opened");
	if (S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode) || S_ISBLK(st.st_mode))
		return ct_fail(err, EINVAL, "is a %s, which cannot be copied",
			       S_ISSOCK(st.st_mode) ? "socket" : "device");
	return open_top_entry(source, top, err);
}

/* The names here are only to be names: the target has the one that it goes by (name_entry()). */
static int send_top(struct walk *w, const struct top *top, struct ct_err *err)
{
	struct ct_copy_message m = { .type = CT_COPY_ENTER, .name = "source" };

	if (S_ISDIR(top->st.st_mode))
		return send_directory(w, top->fd, &top->st, &m, false, err);
	return send_entry(w, top->fd, top->st.st_dev, top->name, err);
}

/* The target's device and inode come back: a directory that is copied into itself would never
 * end. */
static int converse(struct walk *w, const struct top *top, struct ct_err *err)
{
	struct ct_copy_message target;
	const struct ct_copy_message hello = {
		.type = CT_COPY_SOURCE, .mode = top->st.st_mode & S_IFMT,
		.flags = ct_copy_means_contents(w->source->path) ? CT_COPY_CONTENTS : 0,
	};

	if (ct_copy_begin(w->channel, &hello, &target, err) < 0)
		return -err->code;
	w->target_device = (dev_t)target.size;
	w->target_inode = (ino_t)target.offset;
	return send_top(w, top, err) < 0 ? ct_copy_lost(w->channel, err) : 0;
}

/* What cannot be opened is told in place of SOURCE, so that the target has nothing to undo. */
int ct_copy_send_tree(struct ct_copy_channel *channel, const struct ct_copy_source *source,
		      struct ct_err *err)
{
	struct walk w = { .channel = channel, .source = source };
	struct top top = { .fd = -1 };
	struct ct_err ignored;
	int r = open_top(source, &top, err);

	if (r < 0) {
		ct_wrap(err, "%s", source->shown);
		ct_copy_finish(channel, err, &ignored);
	} else {
		w.buffer = malloc(CT_COPY_DATA_MAX);
		r = w.buffer ? converse(&w, &top, err) : ct_fail_nomem(err);
		if (r == 0)
			r = ct_copy_finish(channel, NULL, err);
	}
	ct_fd_close(top.fd);
	free(w.buffer);
	ct_buf_done(&w.path);
	ct_links_done(&w.links);
	return r;
}
