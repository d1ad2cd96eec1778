/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files, made again from messages: the half of a copy that writes.
 *
 * Runs in the command for a target on the host, with the caller's rights, and for one in a
 * container in a process within its user and mount namespaces. The path that the user named is
 * resolved once (place.c); all that follows is one name below a descriptor of a directory that we
 * made or found there, and no link is followed, whoever put it there in the meantime. Names have
 * been checked when they were decoded.
 *
 * The first failure ends it. Directories that were there already keep their owner, mode and time.
 *
 *   SOURCE    place.c finds the directory (base) and decide() the name (top), by docker's rules
 *   ENTER     mkdirat(2), or what is there; a level is pushed
 *   FILE      a temporary file in the directory that we are in; DATA, CLOSE (apply_file.c)
 *   SYMLINK, HARDLINK, FIFO     node(): under its name, or beside what has it, and renamed over
 *   LEAVE     owner, mode, time: last, since what is put into a directory changes its time
 *
 * Owners and set-id bits: see ct_copy_set_meta().
 */
#include "parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <linux/openat2.h>

#include <cattach/arena.h>
#include <cattach/fd.h>
#include <cattach/path.h>

#define LINKS_MAX (1u << 20)	/* files that others may be linked to */

struct level {
	int fd;
	bool made;			/* by us */
	size_t path_length;		/* of the path before it */
	struct ct_copy_message meta;
};

/* A file that was made, for others to be linked to it. */
struct linked {
	char *path;			/* from the base */
	dev_t device;
	ino_t inode;
};

struct apply {
	const struct ct_copy_target *target;
	struct ct_copy_sink sink;
	struct ct_copy_owner owner;
	int base;			/* the directory that it all goes to */
	char top[CT_COPY_NAME_MAX + 1];	/* name of the thing at the top; empty: base itself */
	struct level *levels;		/* CT_COPY_DEPTH of them */
	unsigned depth;
	struct ct_copy_file file;
	struct ct_buf path;		/* of what is at hand, from the base */
	size_t file_path;		/* length of it before the file that is open */
	bool as;			/* the target's path is the name of the thing at the top */
	struct linked *links;
	size_t link_count, link_capacity;
};

/* ---- where we are ---- */

/* The directory that we are in: of the level, or of the target itself. */
static int here(const struct apply *a)
{
	return a->depth ? a->levels[a->depth - 1].fd : a->base;
}

/* The name that an entry is to have: at the top the user's. */
static void name_entry(struct apply *a, struct ct_copy_message *m)
{
	if (!a->depth)
		memcpy(m->name, a->top, sizeof(m->name));
}

/* For messages, and for links to files that were copied before. */
static void push_path(struct apply *a, const char *name)
{
	if (a->path.length && *name)
		ct_buf_putc(&a->path, '/');
	ct_buf_puts(&a->path, name);
}

static void pop_path(struct apply *a, size_t length)
{
	a->path.length = length;
	if (a->path.data)
		a->path.data[length] = '\0';
}

/* ---- the beginning ---- */

/* Where does it go, by docker's rules? The table of those rules is in rules.c. t->name is what the
 * source is called where it comes from. */
static int decide(struct apply *a, const struct ct_copy_message *m, struct ct_copy_place *place,
		  struct ct_err *err)
{
	const struct ct_copy_target *t = a->target;
	const struct ct_copy_ends ends = {
		.source_directory = S_ISDIR(m->mode),
		.contents = (m->flags & CT_COPY_CONTENTS) || !t->name[0],
		.target_there = place->there || !place->name[0],
		.target_directory = !place->name[0],
		.target_slash = ct_copy_ends_with_slash(t->path) || ct_copy_means_contents(t->path),
		.target = t->shown,
	};
	enum ct_copy_where where;

	if (ct_copy_rule(&ends, &where, err) < 0)
		return -err->code;
	a->as = where == CT_COPY_AS;
	if (a->as)
		memcpy(a->top, place->name, sizeof(a->top));
	else if (where == CT_COPY_INTO)
		memcpy(a->top, t->name, sizeof(a->top));
	return 0;
}

/* Device and inode of the directory go back to the source, which must not copy it into itself. */
static int apply_source(void *arg, const struct ct_copy_message *m,
			struct ct_copy_message *ret_target, struct ct_err *err)
{
	struct apply *a = arg;
	struct ct_copy_place place = { .directory = -1 };
	struct stat st;

	if (ct_copy_find_place(&a->target->root, a->target->path, &place, err) < 0)
		return ct_wrap(err, "%s", a->target->shown);
	a->base = place.directory;
	/* Nobody who names a device wants a file in its place. */
	if (place.special)
		return ct_fail(err, EINVAL, "%s is neither a file nor a directory",
			       a->target->shown);
	if (decide(a, m, &place, err) < 0)
		return -err->code;
	if (fstat(a->base, &st) < 0)
		return ct_fail_errno(err, errno, "cannot look at %s", a->target->shown);
	ret_target->size = st.st_dev;
	ret_target->offset = st.st_ino;
	return 0;
}

/* ---- directories ---- */

/* Make it, or take what is there if it is a directory. 0700 until it is complete: nobody else sees
 * what is half there. One that was there needs no permission to be read, only to be walked through:
 * O_PATH. */
static int make_directory(struct level *level, int parent, const char *name, struct ct_err *err)
{
	if (mkdirat(parent, name, 0700) == 0) {
		level->made = true;
		level->fd = openat(parent, name,
				   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} else if (errno == EEXIST) {
		level->fd = openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	} else {
		return ct_fail_errno(err, errno, "cannot be made");
	}
	if (level->fd >= 0)
		return 0;
	if (errno == ENOTDIR || errno == ELOOP)
		return ct_fail(err, ENOTDIR,
			       "is there and no directory, whose place one cannot take");
	return ct_fail_errno(err, errno, "cannot be opened");
}

/* An empty name at the top: "cp x/. y" puts what is in x into y, so base itself is the
 * directory. */
static int enter(struct apply *a, const struct ct_copy_message *m, struct ct_err *err)
{
	struct level level = { .fd = -1, .path_length = a->path.length, .meta = *m };
	int r = 0;

	push_path(a, m->name);
	if (!m->name[0]) {
		level.fd = fcntl(a->base, F_DUPFD_CLOEXEC, 0);
		if (level.fd < 0)
			return ct_fail_errno(err, errno, "cannot be opened");
	} else {
		r = make_directory(&level, here(a), m->name, err);
	}
	if (r == 0)
		a->levels[a->depth++] = level;
	return r;
}

/* One that was there already keeps what it has. */
static int leave(struct apply *a)
{
	struct level *level = &a->levels[--a->depth];

	if (level->made)
		ct_copy_set_meta(level->fd, &level->meta, &a->owner);
	ct_drop_fd(&level->fd);
	pop_path(a, level->path_length);
	return 0;
}

/* ---- links, pipes ---- */

/* The file that a number stands for, linked under a name: still the one that we made? 0, errno. The
 * file is found again by its path, through directories alone (RESOLVE_NO_SYMLINKS), and what was
 * linked is compared with what we made: in a container the name may be another's by now, and a link
 * to a file of somebody else's choice would be given away. */
static int link_file(struct apply *a, const struct ct_copy_message *m, const char *name)
{
	const struct linked *linked = &a->links[m->link - 1];
	const char *slash = strrchr(linked->path, '/');
	int length = slash ? (int)(slash - linked->path) : 1;
	char *above = NULL;
	int ct_autofd directory = -1;
	struct stat st;

	if (asprintf(&above, "%.*s", length, slash ? linked->path : ".") < 0)
		return ENOMEM;
	directory = ct_path_try(a->base, above, O_PATH | O_DIRECTORY, RESOLVE_NO_SYMLINKS);
	free(above);
	if (directory < 0)
		return -directory;
	if (linkat(directory, slash ? slash + 1 : linked->path, here(a), name, 0) < 0)
		return errno;
	if (fstatat(here(a), name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    st.st_dev == linked->device && st.st_ino == linked->inode)
		return 0;
	unlinkat(here(a), name, 0);
	return ESTALE;
}

/* 0 or an errno. */
static int make_node(struct apply *a, const struct ct_copy_message *m, const char *name)
{
	char text[4096];

	if (m->type == CT_COPY_HARDLINK)
		return link_file(a, m, name);
	if (m->type == CT_COPY_FIFO)
		return mkfifoat(here(a), name, m->mode & 01777) < 0 ? errno : 0;
	memcpy(text, m->data, m->data_size);
	text[m->data_size] = '\0';
	return symlinkat(text, here(a), name) < 0 ? errno : 0;
}

/* By name and without following: a link's own owner and time, and a FIFO cannot be opened without
 * waiting. */
static void set_node_meta(struct apply *a, const struct ct_copy_message *m, const char *name)
{
	const struct timespec times[] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = m->mtime, .tv_nsec = m->mtime_ns },
	};
	uint32_t uid, gid;

	if (m->type == CT_COPY_HARDLINK)
		return;		/* it is a file that has everything */
	if (ct_copy_owner_ids(&a->owner, m, &uid, &gid) &&
	    fchownat(here(a), name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		a->sink.warnings |= CT_COPY_NO_OWNERS;
	if (utimensat(here(a), name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return;		/* a time is not worth failing for */
}

/* Under its name when nobody has it; otherwise beside what is there, whose place it takes. A device
 * or a link under that name is replaced like a file, a directory is not (ct_copy_fail_over()). */
static int node(struct apply *a, const struct ct_copy_message *m, struct ct_err *err)
{
	char temporary[40];
	int code;

	if (m->type == CT_COPY_HARDLINK &&
	    (!m->link || m->link > a->link_count || !a->links[m->link - 1].path))
		return ct_fail(err, EPROTO, "is linked to a file that was not sent");
	code = make_node(a, m, m->name);
	if (code == 0)
		set_node_meta(a, m, m->name);
	if (code != EEXIST)
		return code ? ct_fail_errno(err, code, "cannot be made") : 0;
	ct_copy_temporary(temporary);
	code = make_node(a, m, temporary);
	if (code)
		return ct_fail_errno(err, code, "cannot be made");
	set_node_meta(a, m, temporary);
	if (renameat(here(a), temporary, here(a), m->name) < 0)
		code = errno;
	/* Two names of one file are not exchanged, and both stay. */
	unlinkat(here(a), temporary, 0);
	return code ? ct_copy_fail_over(code, err) : 0;
}

/* ---- files ---- */

/* Room for the file's number, which counts up. A number out of turn would be an index of the
 * sender's choice. */
static int expect_link(struct apply *a, uint32_t link, struct ct_err *err)
{
	if (link != a->link_count + 1 || link > LINKS_MAX)
		return ct_fail(err, EPROTO, "has too many links");
	if (a->link_count == a->link_capacity) {
		size_t capacity = a->link_capacity ? a->link_capacity * 2 : 64;
		struct linked *links = reallocarray(a->links, capacity, sizeof(*links));

		if (!links)
			return ct_fail_nomem(err);
		a->links = links;
		a->link_capacity = capacity;
	}
	a->links[a->link_count++] = (struct linked){ 0 };
	return 0;
}

/* With its inode, so that a link is made to this file and to nothing that has its name by then. */
static int remember_link(struct apply *a, const struct stat *st, struct ct_err *err)
{
	struct linked *linked = &a->links[a->link_count - 1];

	linked->path = strdup(ct_buf_text(&a->path));
	linked->device = st->st_dev;
	linked->inode = st->st_ino;
	return linked->path ? 0 : ct_fail_nomem(err);
}

/* Broken at the source: what was there before stays, for half of the new one is worth less. */
static int close_file(struct apply *a, const struct ct_copy_message *m, struct ct_err *err)
{
	struct ct_copy_file *file = &a->file;
	struct stat st = { 0 };
	int r = 0;

	if (m->flags & CT_COPY_BROKEN) {
		ct_copy_file_drop(file, here(a));
		return 0;
	}
	file->size = m->size;
	if (file->meta.link && fstat(file->fd, &st) < 0)
		return ct_fail_errno(err, errno, "cannot be looked at");
	r = ct_copy_file_close(file, here(a), &a->owner, err);
	return r < 0 || !file->meta.link ? r : remember_link(a, &st, err);
}

/* They come behind ENTER or FILE, before anything else (receive.c), so what is open is what is
 * meant. */
static int attribute(struct apply *a, const struct ct_copy_message *m)
{
	int fd = a->file.fd >= 0 ? a->file.fd : here(a);

	/* A directory that was there keeps what it has. */
	if (a->file.fd < 0 && !a->levels[a->depth - 1].made)
		return 0;
	if (fsetxattr(fd, m->name, m->data, m->data_size, 0) < 0)
		a->sink.warnings |= CT_COPY_NO_XATTRS;
	return 0;
}

/* ---- all of it ---- */

static int apply_one(struct apply *a, const struct ct_copy_message *m, struct ct_err *err)
{
	if (m->type == CT_COPY_ENTER)
		return enter(a, m, err);
	if (m->type == CT_COPY_FILE && m->link && expect_link(a, m->link, err) < 0)
		return -err->code;
	if (m->type == CT_COPY_FILE)
		return ct_copy_file_open(&a->file, here(a), m, err);
	if (m->type == CT_COPY_DATA)
		return ct_copy_file_data(&a->file, m, err);
	if (m->type == CT_COPY_CLOSE)
		return close_file(a, m, err);
	if (m->type == CT_COPY_XATTR)
		return attribute(a, m);
	/* Where the holes are shows by itself. */
	return m->type == CT_COPY_EXTENT ? 0 : node(a, m, err);
}

static bool is_entry(const struct ct_copy_message *m)
{
	return m->type == CT_COPY_FILE || m->type == CT_COPY_SYMLINK ||
	       m->type == CT_COPY_HARDLINK || m->type == CT_COPY_FIFO;
}

/* Where the user named the thing itself, its own name is in what he named already. */
static int fail_entry(const struct apply *a, struct ct_err *err)
{
	const char *path = ct_buf_text(&a->path), *shown = a->target->shown;

	if (a->as) {
		path += strcspn(path, "/");
		path += *path == '/';
	}
	return ct_wrap(err, "%s%s%s", shown, *path && !ct_copy_ends_with_slash(shown) ? "/" : "",
		       path);
}

/* From ct_copy_receive(), for each message that is in order. */
static int apply_entry(void *arg, const struct ct_copy_message *message, struct ct_err *err)
{
	struct apply *a = arg;
	struct ct_copy_message m = *message;
	size_t length = a->path.length;
	int r;

	if (m.type == CT_COPY_LEAVE)
		return leave(a);
	if (is_entry(&m) || m.type == CT_COPY_ENTER)
		name_entry(a, &m);
	if (is_entry(&m))
		push_path(a, m.name);
	if (a->path.failed)
		return ct_fail_nomem(err);
	r = apply_one(a, &m, err);
	if (r < 0)
		return fail_entry(a, err);
	/* An open file keeps its name in the path until it is closed. */
	if (m.type == CT_COPY_FILE)
		a->file_path = length;
	else if (m.type == CT_COPY_CLOSE)
		pop_path(a, a->file_path);
	else if (is_entry(&m))
		pop_path(a, length);
	return 0;
}

/* Also after a failure in the middle: directories that were begun get what they were to have. */
static void done(struct apply *a)
{
	ct_copy_file_drop(&a->file, here(a));
	while (a->depth)
		leave(a);
	for (size_t i = 0; i < a->link_count; i++)
		free(a->links[i].path);
	free(a->links);
	free(a->levels);
	ct_buf_done(&a->path);
	ct_fd_close(a->base);
}

/* umask 0: modes are what the source says, and set when a thing is complete. The process has one
 * thread and does nothing else meanwhile. */
int ct_copy_receive_tree(struct ct_copy_channel *channel, const struct ct_copy_target *target,
			 struct ct_err *err)
{
	struct apply a = {
		.target = target, .base = -1, .file = { .fd = -1 },
		.sink = { .source = apply_source, .entry = apply_entry },
		.owner = { .keep = target->owners, .maps = target->maps },
	};
	mode_t umask_before = umask(0);
	int r;

	a.sink.arg = &a;
	a.owner.warnings = &a.sink.warnings;
	a.levels = calloc(CT_COPY_DEPTH, sizeof(*a.levels));
	r = a.levels ? ct_copy_receive(channel, &a.sink, err) : ct_fail_nomem(err);
	done(&a);
	umask(umask_before);
	return r;
}
