/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two directory trees, compared: what was added, changed and deleted.
 *
 * Runs in the visitor of diff, in the container's user and mount namespaces with the rights of its
 * root, and as the user in tests. Reads only. Both trees may be changed by somebody meanwhile, so
 * every step is one name below a descriptor, opened as O_PATH by openat2(2), through no link and
 * into no mount, and what is told of it is what that descriptor shows. A mount is not even asked
 * what it is: behind it may be a file system of the container's own that never answers.
 *
 * docker's rules: of a directory its mode and owner count and not its time; one in which something
 * was changed is changed; what is in an added one was added, and what was in a deleted one is not
 * told of. What neither tree lets us look at was not changed by the container either, whose root we
 * are. What may fail: everything else that cannot be read, which is reported and left out.
 *
 *   lower   root    what is told
 *   there   there   C, when is_same() says no                  (a directory's times do not count)
 *   -       there   A, and the same for everything in it
 *   there   -       D, and nothing of what was in it
 *   any of them     C of each directory above it, once, before it: tell_levels()
 *
 * The two sorted lists of names are walked like those of a merge, so the result is in order and
 * each name is opened once.
 */
#include "diff_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/path.h>

#define OVERFLOW_ID	65534u		/* what ids show as that are not mapped */

/* A directory in which we are. Whether it has changed may turn out later. */
struct level {
	struct level *above;
	int lower, root;	/* lower -1: everything in it is new */
	size_t length;		/* of its path */
	bool told;
};

struct walk {
	const struct ct_diff_trees *trees;
	struct ct_buf path;	/* of what is at hand: "/etc/passwd" */
	unsigned depth;
	size_t held;		/* as in struct ct_diff_trees */
};

/* One name in one of the trees. */
struct entry {
	int fd;			/* or -1 */
	int code;		/* why not: ENOENT, EXDEV for a mount, ... */
	struct stat st;
};

#define ENTRY_NONE { .fd = -1, .code = ENOENT }

/* ---- what is told ---- */

static void set_length(struct walk *w, size_t length)
{
	w->path.length = length;
	if (w->path.data)
		w->path.data[length] = '\0';
}

static int emit(const struct walk *w, enum ct_change change, size_t length, struct ct_err *err)
{
	return w->trees->change(change, ct_buf_text(&w->path), length, w->trees->arg, err);
}

/* From the top down, since recursion tells those above first. */
static int tell_levels(const struct walk *w, struct level *level, struct ct_err *err)
{
	if (level->told)
		return 0;
	level->told = true;
	if (tell_levels(w, level->above, err) < 0)
		return -err->code;
	return emit(w, CT_CHANGE_MODIFIED, level->length, err);
}

static int tell(const struct walk *w, struct level *level, enum ct_change change,
		struct ct_err *err)
{
	if (w->path.failed)
		return ct_fail_nomem(err);
	if (tell_levels(w, level, err) < 0)
		return -err->code;
	return emit(w, change, w->path.length, err);
}

static int report(const struct walk *w, struct ct_err *what, struct ct_err *err)
{
	ct_wrap(what, "%s", w->path.length ? ct_buf_text(&w->path) : "/");
	return w->trees->report(what, w->trees->arg, err);
}

/* Not inlined, nor is the next: an error is large, and directories are in directories. */
static __attribute__((noinline)) int report_errno(const struct walk *w, int code, const char *text,
						  struct ct_err *err)
{
	struct ct_err what;

	ct_fail_errno(&what, code, "%s", text);
	return report(w, &what, err);
}

/* Out of line: a struct ct_err on the stack of each level of the recursion would be the most of
 * it. */
static __attribute__((noinline)) int report_skipped(const struct walk *w, int code,
						    const char *why, struct ct_err *err)
{
	struct ct_err what;

	ct_fail(&what, code, "not compared: %s", why);
	return report(w, &what, err);
}

/* ---- names ---- */

struct names {
	struct ct_buf text;	/* one after the other, each with its NUL */
	const char **items;	/* sorted */
	size_t count;
	size_t held;
};

static void names_done(struct names *names)
{
	ct_buf_done(&names->text);
	free(names->items);
}

#define ct_autonames __attribute__((cleanup(names_done)))

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Pointers are taken only now: the text moves while it grows. */
static int sort_names(struct names *names)
{
	const char *at = ct_buf_text(&names->text);

	names->items = calloc(names->count + 1, sizeof(*names->items));
	if (!names->items || names->text.failed)
		return -ENOMEM;
	for (size_t i = 0; i < names->count; i++, at += strlen(at) + 1)
		names->items[i] = at;
	if (names->count)
		qsort(names->items, names->count, sizeof(*names->items), by_bytes);
	return 0;
}

/* How many there are is the container's choice, and how much memory they take is not. */
static int hold_name(struct walk *w, struct names *names, const char *name)
{
	size_t size = strlen(name) + 1;

	if (w->held + size + sizeof(name) > w->trees->held_max)
		return -E2BIG;
	w->held += size + sizeof(name);
	names->held += size + sizeof(name);
	names->count++;
	ct_buf_add(&names->text, name, size);
	return 0;
}

/* 0 or -errno; none where there is no directory. Opened again by ".", since what is held is O_PATH,
 * which cannot be read. */
static int read_names(struct walk *w, int directory, struct names *names)
{
	int fd = directory < 0 ?
			 -ENOENT :
			 ct_path_try(directory, ".", O_RDONLY | O_DIRECTORY, RESOLVE_BENEATH);
	DIR ct_autodir *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (directory < 0)
		return 0;
	if (!dir) {
		int code = fd < 0 ? -fd : errno;

		ct_fd_close(fd);
		return -code;
	}
	while ((errno = 0, entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (hold_name(w, names, entry->d_name) < 0)
			return -E2BIG;
	}
	return errno ? -errno : sort_names(names);
}

/* ---- entries ---- */

static void entry_done(struct entry *entry)
{
	ct_drop_fd(&entry->fd);
}

#define ct_autoentry __attribute__((cleanup(entry_done)))

/* RESOLVE_NO_XDEV makes a mount an EXDEV, without a question to whatever is behind it. */
static void open_entry(int directory, const char *name, uint64_t resolve, struct entry *entry)
{
	int fd = directory < 0 ? -ENOENT :
				 ct_path_try(directory, name, O_PATH | O_NOFOLLOW,
					     RESOLVE_BENEATH | resolve);

	entry_done(entry);
	entry->code = fd < 0 ? -fd : 0;
	if (fd < 0)
		return;
	entry->fd = fd;
	if (fstat(fd, &entry->st) < 0) {
		entry->code = errno;
		entry_done(entry);
	}
}

static bool is_there(const struct entry *entry)
{
	return entry->fd >= 0;
}

/* Its name is not there, as opposed to "could not be looked at". */
static bool is_gone(const struct entry *entry)
{
	return entry->code == ENOENT;
}

/* RESOLVE_NO_XDEV has refused it, openat2(2): something is mounted there. */
static bool is_mount(const struct entry *entry)
{
	return entry->code == EXDEV;
}

static bool is_directory(const struct entry *entry)
{
	return is_there(entry) && S_ISDIR(entry->st.st_mode);
}

static bool is_link(const struct entry *entry)
{
	return is_there(entry) && S_ISLNK(entry->st.st_mode);
}

/* Of the file system below an overlay: it has never shown. overlayfs(rst): a character device 0/0
 * hides what is below it. A lower directory may be an upper layer of somebody else's. */
static bool is_whiteout(const struct entry *entry)
{
	return is_there(entry) && S_ISCHR(entry->st.st_mode) && entry->st.st_rdev == 0;
}

/* Not inlined, for its texts would be on the stack once for each directory that we are in. */
static __attribute__((noinline)) bool same_target(const struct entry *a, const struct entry *b)
{
	char texts[2][PATH_MAX];
	ssize_t n = readlinkat(a->fd, "", texts[0], PATH_MAX);

	return n >= 0 && readlinkat(b->fd, "", texts[1], PATH_MAX) == n &&
	       !memcmp(texts[0], texts[1], (size_t)n);
}

/* By size and time, as docker compares: contents are not read. */
static bool same_content(const struct entry *a, const struct entry *b)
{
	const struct stat *x = &a->st, *y = &b->st;

	if (S_ISDIR(x->st_mode))
		return true;
	if ((S_ISCHR(x->st_mode) || S_ISBLK(x->st_mode)) && x->st_rdev != y->st_rdev)
		return false;
	return x->st_size == y->st_size && x->st_mtim.tv_sec == y->st_mtim.tv_sec &&
	       x->st_mtim.tv_nsec == y->st_mtim.tv_nsec && (!is_link(a) || same_target(a, b));
}

static bool is_same(const struct entry *a, const struct entry *b)
{
	return a->st.st_mode == b->st.st_mode && a->st.st_uid == b->st.st_uid &&
	       a->st.st_gid == b->st.st_gid && same_content(a, b);
}

/* ---- the walk ---- */

static int compare_children(struct walk *w, struct level *level, struct ct_err *err);

/* What is in a directory, whose own change, if there was one, was told. lower is -1 where nothing
 * of it was there. */
static int descend(struct walk *w, struct level *above, int lower, int root, bool told,
		   struct ct_err *err)
{
	struct level level = {
		.above = above,
		.lower = lower,
		.root = root,
		.length = w->path.length,
		.told = told,
	};
	int r;

	if (w->depth == CT_DIFF_DEPTH)
		return report_skipped(w, ELOOP, "more than 1000 directories deep", err);
	w->depth++;
	r = compare_children(w, &level, err);
	w->depth--;
	return r;
}

static int compare_both(struct walk *w, struct level *level, const struct entry *lower,
			const struct entry *root, bool same, struct ct_err *err)
{
	if (!same && tell(w, level, CT_CHANGE_MODIFIED, err) < 0)
		return -err->code;
	if (!is_directory(root))
		return 0;
	return descend(w, level, is_directory(lower) ? lower->fd : -1, root->fd, !same, err);
}

static int compare_added(struct walk *w, struct level *level, const struct entry *root,
			 struct ct_err *err)
{
	if (tell(w, level, CT_CHANGE_ADDED, err) < 0)
		return -err->code;
	return is_directory(root) ? descend(w, level, -1, root->fd, true, err) : 0;
}

/* The order matters: a mount is nobody's change; what neither side can show is equal; what one side
 * cannot show is an error, and only then is absence a change. */
static int compare_entries(struct walk *w, struct level *level, const struct entry *lower,
			   const struct entry *root, struct ct_err *err)
{
	if (is_mount(root))
		return 0;
	if (is_mount(lower))
		return report_skipped(w, EXDEV, "on the host something is mounted there", err);
	if (!is_there(lower) && !is_there(root) && lower->code == root->code)
		return is_gone(root) || root->code == EACCES ?
			       0 : report_errno(w, root->code, "cannot be looked at", err);
	if (!is_there(root) && !is_gone(root))
		return report_errno(w, root->code, "cannot be looked at", err);
	if (!is_there(lower) && !is_gone(lower))
		return report_errno(w, lower->code, "cannot be looked at on the host", err);
	if (is_gone(root))
		return tell(w, level, CT_CHANGE_DELETED, err);
	if (is_gone(lower))
		return compare_added(w, level, root, err);
	return compare_both(w, level, lower, root, is_same(lower, root), err);
}

static bool is_named_mount(const struct ct_diff_trees *trees, const char *name)
{
	for (size_t i = 0; i < trees->mounts.count; i++)
		if (!strcmp(trees->mounts.items[i], name))
			return true;
	return false;
}

static bool is_overlay(const struct entry *entry)
{
	struct statfs fs;

	return is_there(entry) && fstatfs(entry->fd, &fs) == 0 &&
	       (unsigned long)fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

/* The directory below an overlay of ours. Its owner was kept where it is mapped. */
static int compare_layer(struct walk *w, struct level *level, struct entry *lower,
			 const struct entry *root, struct ct_err *err)
{
	if (lower->st.st_uid == OVERFLOW_ID)
		lower->st.st_uid = root->st.st_uid;
	if (lower->st.st_gid == OVERFLOW_ID)
		lower->st.st_gid = root->st.st_gid;
	return compare_both(w, level, lower, root, is_same(lower, root), err);
}

/*
 * In a root that was composed. An overlay of ours is a mount, and so is what is bound read-only;
 * links were made again, with times of their own; directories that are no mounts were made empty.
 * What is not there may never have been (sockets, devices, what came later), unless it is a link.
 */
static int compare_top(struct walk *w, struct level *level, const char *name, struct entry *lower,
		       struct entry *root, struct ct_err *err)
{
	if (is_mount(root)) {
		if (is_named_mount(w->trees, name) || !is_directory(lower))
			return 0;
		open_entry(level->root, name, 0, root);
		return is_overlay(root) ? compare_layer(w, level, lower, root, err) : 0;
	}
	if (is_directory(root) && is_directory(lower))
		return descend(w, level, -1, root->fd, false, err);
	if (is_link(root) && is_link(lower))
		return same_target(lower, root) ? 0 : tell(w, level, CT_CHANGE_MODIFIED, err);
	if (is_gone(root) && !is_link(lower))
		return 0;
	return compare_entries(w, level, lower, root, err);
}

static int compare_name(struct walk *w, struct level *level, const char *name, bool below,
			struct ct_err *err)
{
	struct entry ct_autoentry lower = ENTRY_NONE, root = ENTRY_NONE;
	size_t length = w->path.length;
	int r;

	ct_buf_putc(&w->path, '/');
	ct_buf_puts(&w->path, name);
	if (w->path.failed)
		return ct_fail_nomem(err);
	if (below)
		open_entry(level->lower, name, RESOLVE_NO_XDEV, &lower);
	open_entry(level->root, name, RESOLVE_NO_XDEV, &root);
	if (is_whiteout(&lower)) {
		entry_done(&lower);
		lower.code = ENOENT;
	}
	r = w->trees->composed && w->depth == 1 ?
		    compare_top(w, level, name, &lower, &root, err) :
		    compare_entries(w, level, &lower, &root, err);
	set_length(w, length);
	return r;
}

/* Both lists at once, in the order of their bytes. */
static int compare_names(struct walk *w, struct level *level, const struct names *lower,
			 const struct names *root, struct ct_err *err)
{
	size_t i = 0, j = 0;
	int r = 0;

	while (r == 0 && (i < lower->count || j < root->count)) {
		int order = i == lower->count ? 1 : j == root->count ? -1 :
			    strcmp(lower->items[i], root->items[j]);
		const char *name = order <= 0 ? lower->items[i] : root->items[j];

		i += order <= 0;
		j += order >= 0;
		r = compare_name(w, level, name, order <= 0, err);
	}
	return r;
}

static int report_names(const struct walk *w, int code, const char *text, struct ct_err *err)
{
	if (code == E2BIG)
		return report_skipped(w, code, "more names than are held at once", err);
	return report_errno(w, code, text, err);
}

static int read_and_compare(struct walk *w, struct level *level, struct names *lower,
			    struct names *root, struct ct_err *err)
{
	int there = read_names(w, level->root, root), before = read_names(w, level->lower, lower);

	if (there == -ENOMEM || before == -ENOMEM)
		return ct_fail_nomem(err);
	if (there == -EACCES && before == -EACCES)
		return 0;
	/* A directory that was removed since. */
	if (there < 0 && there != -ENOENT)
		return report_names(w, -there, "cannot be read", err);
	if (before < 0 && before != -ENOENT)
		return report_names(w, -before, "cannot be read on the host", err);
	return compare_names(w, level, lower, root, err);
}

/* Names are held while a directory is walked, of all levels at once, so there is one bound for
 * all. */
static int compare_children(struct walk *w, struct level *level, struct ct_err *err)
{
	struct names ct_autonames lower = { .count = 0 }, root = { .count = 0 };
	int r = read_and_compare(w, level, &lower, &root, err);

	w->held -= lower.held + root.held;
	return r;
}

int ct_diff_trees(const struct ct_diff_trees *trees, struct ct_err *err)
{
	struct walk w = { .trees = trees };
	/* docker does not tell of the root itself. */
	int r = descend(&w, NULL, trees->lower, trees->root, true, err);

	ct_buf_done(&w.path);
	return r;
}
