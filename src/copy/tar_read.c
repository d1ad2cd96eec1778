/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar stream, sent as if it were a directory: the source that is "-".
 *
 * Runs in the command. The stream has paths, a copy has directories in directories; so each path is
 * taken apart into names, and directories are left and entered until we are in the right one. "."
 * and empty names fall away, and a path with ".." in it is refused: what is not one name cannot be
 * said to the other half at all. Owners are numbers of the container's, as in any tar stream that
 * came out of one.
 *
 * What fails: a stream that is damaged, or is none. What it has besides files, directories, links
 * and FIFOs is left out, with a warning.
 *
 *   a/          ENTER a
 *   a/b/c       ENTER b, FILE c, DATA..., CLOSE        a/b is made, the stream need not have it
 *   d           LEAVE, LEAVE, FILE d
 *   a/e         ENTER a, FILE e                        entered again: taken as it is
 *   f -> a/e    HARDLINK to the number of "/a/e"
 *
 * r->path is where we are; it begins with a "/" that stands for the stream's top, and is empty
 * there.
 */
#include "parts.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "tar_library.h"

#define BLOCK 65536

struct reader {
	struct ct_copy_channel *channel;
	struct ct_tar_library lib;
	struct archive *archive;
	int fd;
	struct ct_err failure;		/* of read(2) */
	struct ct_buf path;		/* "/a/b": the directory that we are in */
	unsigned depth;			/* without the one that stands for the stream */
	struct ct_links links;		/* numbers of files, by path */
	uint32_t last_link;
	char block[BLOCK];
};

/* Called by libarchive, which has no idea of our signals: waiting is done here. What went wrong is
 * kept in r->failure, because of a callback libarchive only learns that it failed. */
static ssize_t read_some(struct archive *archive, void *arg, const void **ret_buffer)
{
	struct reader *r = arg;

	(void)archive;
	*ret_buffer = r->block;
	for (;;) {
		ssize_t n;

		if (ct_copy_poll(r->channel, r->fd, POLLIN, &r->failure) < 0)
			return -1;
		n = read(r->fd, r->block, sizeof(r->block));
		if (n >= 0)
			return n;
		if (errno != EINTR && errno != EAGAIN) {
			ct_fail_errno(&r->failure, errno, "cannot read the tar stream");
			return -1;
		}
	}
}

/* What read(2) has said is better than what libarchive makes of it. */
static int fail_archive(struct reader *r, struct ct_err *err)
{
	const char *why = r->lib.archive_error_string(r->archive);

	if (!r->failure.code)
		return ct_fail(err, EINVAL, "cannot read the tar stream: %s",
			       why ? why : "no reason");
	*err = r->failure;
	return -err->code;
}

/* ---- paths ---- */

/* The next name of a path: its length, and where it begins. 0: there is none. */
static size_t next_name(const char **path)
{
	for (;;) {
		size_t length;

		*path += strspn(*path, "/");
		length = strcspn(*path, "/");
		if (length != 1 || **path != '.')
			return length;
		*path += 1;
	}
}

/* "/a/b" of "./a//b/". An absolute path is one below the target, as with tar(1): leading slashes
 * fall away. */
static int normalize(const char *path, struct ct_buf *to, struct ct_err *err)
{
	size_t length;

	ct_buf_clear(to);
	while ((length = next_name(&path))) {
		if (!ct_copy_is_name(path, length))
			return ct_fail(err, EINVAL,
				       "the tar stream has a path that leads elsewhere");
		ct_buf_putc(to, '/');
		ct_buf_add(to, path, length);
		path += length;
	}
	return to->failed ? ct_fail_nomem(err) : 0;
}

static int send_leave(struct reader *r, struct ct_err *err)
{
	const struct ct_copy_message m = { .type = CT_COPY_LEAVE };

	r->path.length = (size_t)(strrchr(r->path.data, '/') - r->path.data);
	r->path.data[r->path.length] = '\0';
	r->depth--;
	return ct_copy_send(r->channel, &m, err);
}

/* The bound is checked here for a message that says why; receive.c has it, too, against others. */
static int send_enter(struct reader *r, struct ct_copy_message *m, const char *name, size_t length,
		      struct ct_err *err)
{
	if (r->depth + 1 >= CT_COPY_DEPTH)
		return ct_fail(err, ELOOP, "more than %u directories deep", CT_COPY_DEPTH);
	m->type = CT_COPY_ENTER;
	memset(m->name, 0, sizeof(m->name));
	memcpy(m->name, name, length);
	ct_buf_putc(&r->path, '/');
	ct_buf_add(&r->path, name, length);
	r->depth++;
	return r->path.failed ? ct_fail_nomem(err) : ct_copy_send(r->channel, m, err);
}

/* Are we in this directory, or in one below it? */
static bool is_within(const struct reader *r, const char *path, size_t length)
{
	return r->path.length >= length && !memcmp(ct_buf_text(&r->path), path, length) &&
	       (r->path.length == length || r->path.data[length] == '/');
}

/* From where we are to the first length bytes of path. Up to the longest beginning that both paths
 * share, which must end at a "/", then down name by name. */
static int go_to(struct reader *r, const char *path, size_t length, struct ct_err *err)
{
	size_t common = length, at;
	int ret = 0;

	while (common && !is_within(r, path, common))
		while (common && path[--common] != '/')
			continue;
	while (ret == 0 && r->path.length > common)
		ret = send_leave(r, err);
	for (at = common; ret == 0 && at < length;) {
		/* Of now, as mkdir(1) would make it: the stream says nothing of it. */
		struct ct_copy_message m = { .mode = 0755, .mtime = time(NULL) };
		size_t size = strcspn(path + at + 1, "/");

		ret = send_enter(r, &m, path + at + 1, size, err);
		at += 1 + size;
	}
	return ret;
}

/* ---- entries ---- */

/* A number that is no id becomes "nobody's": the file is made, and belongs to whoever copies. */
static void describe(struct reader *r, struct archive_entry *e, struct ct_copy_message *m)
{
	int64_t uid = r->lib.archive_entry_uid(e), gid = r->lib.archive_entry_gid(e);
	long ns = r->lib.archive_entry_mtime_nsec(e);

	m->mode = r->lib.archive_entry_perm(e) & 07777;
	m->uid = uid < 0 || uid > UINT32_MAX ? CT_COPY_NO_ID : (uint32_t)uid;
	m->gid = gid < 0 || gid > UINT32_MAX ? CT_COPY_NO_ID : (uint32_t)gid;
	m->mtime = r->lib.archive_entry_mtime(e);
	m->mtime_ns = ns < 0 || ns > 999999999 ? 0 : (uint32_t)ns;
}

/* Those of the user only: security.* and trusted.* have a meaning for the kernel of this machine
 * that a stream from elsewhere must not set. */
static int send_xattrs(struct reader *r, struct archive_entry *e, struct ct_err *err)
{
	const char *name;
	const void *value;
	size_t size;
	int ret = 0;

	r->lib.archive_entry_xattr_reset(e);
	while (ret == 0 && r->lib.archive_entry_xattr_next(e, &name, &value, &size) == CT_TAR_OK) {
		struct ct_copy_message m = {
			.type = CT_COPY_XATTR, .data = value, .data_size = size,
		};

		if (strncmp(name, "user.", 5) != 0 || !name[5] || size > 65536 ||
		    strlen(name) > CT_COPY_NAME_MAX)
			continue;
		strcpy(m.name, name);
		ret = ct_copy_send(r->channel, &m, err);
	}
	return ret;
}

/* A block of libarchive may be of any size, a message not. */
static int send_block(struct reader *r, const char *data, size_t size, int64_t offset,
		      struct ct_err *err)
{
	while (size) {
		struct ct_copy_message m = {
			.type = CT_COPY_DATA, .offset = (uint64_t)offset, .data = data,
			.data_size = size < CT_COPY_DATA_MAX ? size : CT_COPY_DATA_MAX,
		};

		if (ct_copy_send(r->channel, &m, err) < 0)
			return -err->code;
		ct_copy_count(r->channel, m.data_size);
		data += m.data_size;
		size -= m.data_size;
		offset += (int64_t)m.data_size;
	}
	return 0;
}

/* Blocks have offsets: what lies between two is a hole, and is not sent. */
static int send_data(struct reader *r, struct ct_err *err)
{
	const void *data;
	size_t size;
	int64_t offset;
	int ret, sent = 0;

	while (sent == 0 && (ret = r->lib.archive_read_data_block(r->archive, &data, &size,
								  &offset)) != CT_TAR_EOF) {
		if (ret < CT_TAR_WARN)
			return fail_archive(r, err);
		sent = send_block(r, data, size, offset, err);
	}
	return sent;
}

static int send_file(struct reader *r, struct archive_entry *e, struct ct_copy_message *m,
		     const struct ct_buf *path, struct ct_err *err)
{
	struct ct_copy_message close = { .type = CT_COPY_CLOSE };
	int64_t size = r->lib.archive_entry_size(e);

	close.size = size < 0 ? 0 : (uint64_t)size;
	m->type = CT_COPY_FILE;
	m->size = close.size;
	m->link = ++r->last_link;	/* any may be linked to later */
	if (ct_links_add(&r->links, path->data, path->length, m->link) < 0)
		return ct_fail_nomem(err);
	if (ct_copy_send(r->channel, m, err) < 0 || send_xattrs(r, e, err) < 0 ||
	    send_data(r, err) < 0)
		return -err->code;
	return ct_copy_send(r->channel, &close, err);
}

/* The target is named by its path in the stream, so it is looked up after the same cleaning; one
 * that was left out or comes later cannot be linked to. */
static int send_link(struct reader *r, struct ct_copy_message *m, const char *target,
		     struct ct_err *err)
{
	struct ct_buf ct_autobuf path = { 0 };

	if (normalize(target, &path, err) < 0)
		return -err->code;
	m->type = CT_COPY_HARDLINK;
	m->mode = 0;
	m->link = path.length ? ct_links_find(&r->links, path.data, path.length) : 0;
	if (!m->link)
		return ct_fail(err, EINVAL, "linked to %s, which does not stand before it", target);
	return ct_copy_send(r->channel, m, err);
}

/* Any text: where a link leads is nobody's business before somebody follows it, inside. */
static int send_symlink(struct reader *r, struct ct_copy_message *m, const char *target,
			struct ct_err *err)
{
	size_t length = target ? strlen(target) : 0;

	if (!length || length > 4095)
		return ct_fail(err, EINVAL, "a symbolic link to nothing");
	m->type = CT_COPY_SYMLINK;
	m->mode = 0;
	m->data = target;
	m->data_size = length;
	return ct_copy_send(r->channel, m, err);
}

/* A warning and no error: tar itself leaves out what it cannot make, and goes on. */
static int skip_entry(struct reader *r, const char *path, struct ct_err *err)
{
	struct ct_err what;

	ct_fail(&what, EINVAL, "left out: it is neither file, directory, link nor FIFO");
	ct_wrap(&what, "%s", path + 1);
	return ct_copy_report(r->channel, &what, true, err);
}

/* An entry that has a name, in the directory that it belongs to. */
static int send_named(struct reader *r, struct archive_entry *e, const struct ct_buf *path,
		      struct ct_err *err)
{
	size_t above = (size_t)(strrchr(path->data, '/') - path->data);
	const char *name = path->data + above + 1;
	const char *target = r->lib.archive_entry_hardlink(e);
	mode_t kind = r->lib.archive_entry_filetype(e);
	struct ct_copy_message m = { .type = CT_COPY_FIFO };

	if (go_to(r, path->data, above, err) < 0)
		return -err->code;
	describe(r, e, &m);
	memcpy(m.name, name, strlen(name));
	if (target)
		return send_link(r, &m, target, err);
	if (S_ISDIR(kind))
		return send_enter(r, &m, name, strlen(name), err) < 0 ? -err->code :
								       send_xattrs(r, e, err);
	if (S_ISREG(kind))
		return send_file(r, e, &m, path, err);
	if (S_ISLNK(kind))
		return send_symlink(r, &m, r->lib.archive_entry_symlink(e), err);
	return S_ISFIFO(kind) ? ct_copy_send(r->channel, &m, err) : skip_entry(r, path->data, err);
}

static int send_entry(struct reader *r, struct archive_entry *e, struct ct_err *err)
{
	const char *pathname = r->lib.archive_entry_pathname(e);
	struct ct_buf ct_autobuf path = { 0 };
	int ret;

	if (!pathname)
		return ct_fail(err, EINVAL, "the tar stream has an entry without a name");
	ret = normalize(pathname, &path, err);
	if (ret == 0 && path.length)	/* "./" is the target itself, which keeps what it has */
		ret = send_named(r, e, &path, err);
	return ret < 0 ? ct_wrap(err, "%s", pathname) : 0;
}

/* ---- all of it ---- */

/* CT_TAR_WARN is taken for success: a header with a field that libarchive does not know is still an
 * entry. */
static int send_entries(struct reader *r, struct ct_err *err)
{
	struct archive_entry *e;
	int ret, sent = 0;

	while (sent == 0 && (ret = r->lib.archive_read_next_header(r->archive, &e)) != CT_TAR_EOF) {
		if (ret < CT_TAR_WARN)
			return fail_archive(r, err);
		sent = send_entry(r, e, err);
	}
	return sent;
}

static int converse(struct reader *r, struct ct_err *err)
{
	const struct ct_copy_message hello = {
		.type = CT_COPY_SOURCE, .mode = S_IFDIR, .flags = CT_COPY_CONTENTS
	};
	const struct ct_copy_message top = { .type = CT_COPY_ENTER, .name = "tar", .mode = 0755 };
	const struct ct_copy_message leave = { .type = CT_COPY_LEAVE };
	struct ct_copy_message target;
	int ret;

	/* Where it goes is settled before a byte of the stream is taken. */
	if (ct_copy_begin(r->channel, &hello, &target, err) < 0)
		return -err->code;
	if (r->lib.archive_read_open(r->archive, r, NULL, read_some, NULL) < CT_TAR_WARN)
		return fail_archive(r, err);
	ret = ct_copy_send(r->channel, &top, err);
	if (ret == 0)
		ret = send_entries(r, err);
	while (ret == 0 && r->path.length)
		ret = send_leave(r, err);
	if (ret == 0)
		ret = ct_copy_send(r->channel, &leave, err);
	return ret < 0 ? ct_copy_lost(r->channel, err) : 0;
}

/* All filters that libarchive has (gzip, xz, zstd): docker takes compressed streams, too. */
static int open_archive(struct reader *r, struct ct_err *err)
{
	if (ct_tar_library_open(&r->lib, err) < 0)
		return -err->code;
	r->archive = r->lib.archive_read_new();
	if (!r->archive)
		return ct_fail_nomem(err);
	if (r->lib.archive_read_support_format_tar(r->archive) < CT_TAR_WARN ||
	    r->lib.archive_read_support_filter_all(r->archive) < CT_TAR_WARN)
		return fail_archive(r, err);
	return 0;
}

/* struct reader has a block of 64 KiB, too much for a stack. After EPIPE or a signal there is
 * nobody, or nothing, to be told. */
int ct_copy_send_tar(struct ct_copy_channel *channel, int fd, struct ct_err *err)
{
	struct reader ct_autofree *r = calloc(1, sizeof(*r));
	struct ct_err ignored;
	int ret;

	if (!r)
		return ct_fail_nomem(err);
	r->channel = channel;
	r->fd = fd;
	ret = open_archive(r, err);
	if (ret == 0)
		ret = converse(r, err);
	if (ret == 0)
		ret = ct_copy_finish(channel, NULL, err);
	else if (err->code != EPIPE && err->code != ECANCELED)
		ct_copy_finish(channel, err, &ignored);
	if (r->archive)
		r->lib.archive_read_free(r->archive);
	ct_buf_done(&r->path);
	ct_links_done(&r->links);
	return ret;
}
