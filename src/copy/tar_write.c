/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of files, written as a tar stream (pax): the sink for a target that is "-".
 *
 * Runs in the command. Owners stand in it as the container counts them. A file's header goes out
 * when its first data comes, because holes and attributes belong to it and come before. What fails:
 * whoever reads the stream is gone, or a file is not as long as it said at first, which the format
 * does not allow: it is filled up or cut, and reported.
 *
 *   FILE      archive_entry made, kept in w->entry        not written: its holes come next
 *   EXTENT, XATTR                         added to it
 *   DATA, CLOSE, or whatever comes next   put_header() writes it, then what belongs to it
 *
 * pax, restricted: plain ustar headers as far as they can say it, and extended ones for long names,
 * large sizes, holes and attributes. GNU tar, bsdtar and docker read it.
 */
#include "parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/arena.h>
#include <cattach/fd.h>

#include "tar_library.h"

struct writer {
	struct ct_copy_channel *channel;
	struct ct_tar_library lib;
	struct archive *archive;
	struct archive_entry *entry;	/* not written yet, or NULL */
	struct ct_copy_sink sink;
	const char *name;		/* of the thing at the top; empty: nothing stands for it */
	int fd;
	struct ct_err failure;		/* of write(2) */
	struct ct_buf path;
	size_t *lengths;		/* of path, before each directory that we are in */
	unsigned depth;
	char **links;			/* paths of files that others may be linked to */
	size_t link_count;
	uint64_t size, at;		/* of the file that is open: announced, written */
	bool changed;			/* and it turned out to be another */
};

/* ---- out ---- */

/* EPIPE: nobody reads any more, as in `... | head`; the command then ends with what a shell shows
 * for SIGPIPE. A short write is fine: libarchive calls again. */
static ssize_t write_some(struct archive *archive, void *arg, const void *buffer, size_t size)
{
	struct writer *w = arg;
	ssize_t n;

	(void)archive;
	for (;;) {
		if (ct_copy_poll(w->channel, w->fd, POLLOUT, &w->failure) < 0)
			return -1;
		n = write(w->fd, buffer, size);
		if (n >= 0)
			return n;
		if (errno == EINTR || errno == EAGAIN)
			continue;
		ct_fail_errno(&w->failure, errno, "cannot write the tar stream");
		if (errno == EPIPE)
			ct_exit_with(&w->failure, CT_EXIT_SIGNAL_BASE + SIGPIPE);
		return -1;
	}
}

/* What write(2) has said is better than what libarchive makes of it. */
static int fail_archive(struct writer *w, struct ct_err *err)
{
	const char *why = w->lib.archive_error_string(w->archive);

	if (!w->failure.code)
		return ct_fail(err, EIO, "cannot write the tar stream: %s",
			       why ? why : "no reason");
	*err = w->failure;
	return -err->code;
}

/* The header of what is at hand, if it is still due. */
static int put_header(struct writer *w, struct ct_err *err)
{
	int r;

	if (!w->entry)
		return 0;
	r = w->lib.archive_write_header(w->archive, w->entry);
	w->lib.archive_entry_free(ct_take(&w->entry));
	return r < CT_TAR_WARN ? fail_archive(w, err) : 0;
}

/* archive_write_data(3) may take a part only. */
static int put_bytes(struct writer *w, const char *data, uint64_t size, struct ct_err *err)
{
	while (size) {
		ssize_t n = w->lib.archive_write_data(w->archive, data, (size_t)size);

		if (n <= 0)
			return fail_archive(w, err);
		data += n;
		size -= (uint64_t)n;
		w->at += (uint64_t)n;
	}
	return 0;
}

/* The library wants the holes, too, and leaves them out again. Also what fills up a file that
 * turned out shorter: the header has promised a size. */
static int put_zeros(struct writer *w, uint64_t until, struct ct_err *err)
{
	static const char zeros[65536];
	int r = 0;

	while (r == 0 && w->at < until)
		r = put_bytes(w, zeros,
			      until - w->at < sizeof(zeros) ? until - w->at : sizeof(zeros), err);
	return r;
}

/* ---- entries ---- */

/* Paths have no "/" at their beginning: a stream is unpacked where its reader wants. */
static void push_path(struct writer *w, const char *name)
{
	if (w->path.length && *name)
		ct_buf_putc(&w->path, '/');
	ct_buf_puts(&w->path, name);
}

static void pop_path(struct writer *w, size_t length)
{
	w->path.length = length;
	if (w->path.data)
		w->path.data[length] = '\0';
}

/* The thing at the top may have no name ("x/." was asked for): it is ".", as tar writes it. */
static int new_entry(struct writer *w, const struct ct_copy_message *m, mode_t kind,
		     struct ct_err *err)
{
	w->entry = w->lib.archive_entry_new();
	if (!w->entry || w->path.failed)
		return ct_fail_nomem(err);
	w->lib.archive_entry_set_pathname(w->entry, w->path.length ? ct_buf_text(&w->path) : ".");
	w->lib.archive_entry_set_filetype(w->entry, kind);
	w->lib.archive_entry_set_perm(w->entry, m->mode & 07777);
	w->lib.archive_entry_set_uid(w->entry, m->uid);
	w->lib.archive_entry_set_gid(w->entry, m->gid);
	w->lib.archive_entry_set_mtime(w->entry, (time_t)m->mtime, m->mtime_ns);
	w->lib.archive_entry_set_size(w->entry, 0);
	return 0;
}

static int put_directory(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	w->lengths[w->depth++] = w->path.length;
	push_path(w, m->name);
	return new_entry(w, m, S_IFDIR, err);
}

/* Links are told by numbers that count up from 1, in the order of the files, so an array will
 * do. */
static int open_file(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	w->size = m->size;
	w->at = 0;
	w->changed = false;
	if (new_entry(w, m, S_IFREG, err) < 0)
		return -err->code;
	w->lib.archive_entry_set_size(w->entry, (int64_t)m->size);
	if (!m->link)
		return 0;
	if (m->link != w->link_count + 1)
		return ct_copy_fail_order(err);
	/* Grown by doubling: the number says when. */
	if ((w->link_count & (w->link_count - 1)) == 0) {
		char **links = reallocarray(w->links, (w->link_count + 1) * 2, sizeof(*links));

		if (!links)
			return ct_fail_nomem(err);
		w->links = links;
	}
	w->links[w->link_count] = strdup(ct_buf_text(&w->path));
	return w->links[w->link_count++] ? 0 : ct_fail_nomem(err);
}

/* What a file has grown by since its header went out is cut off, and what it lost is filled up;
 * both are reported once, when it is closed. */
static int put_data(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	uint64_t size = m->data_size;
	int r;

	if (m->offset < w->at || m->offset >= w->size || size > w->size - m->offset) {
		w->changed = true;
		if (m->offset < w->at || m->offset >= w->size)
			return 0;
		size = w->size - m->offset;
	}
	r = put_zeros(w, m->offset, err);
	return r < 0 ? r : put_bytes(w, m->data, size, err);
}

/* The size stands in the header, which is written: what is missing becomes zeros, and is told. */
static int close_file(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	struct ct_err what;

	if (put_zeros(w, w->size, err) < 0)
		return -err->code;
	if (!w->changed && m->size == w->size)
		return 0;
	if (m->flags & CT_COPY_BROKEN)
		return 0;	/* reported already */
	ct_fail(&what, ESTALE, "changed its size while it was copied");
	ct_wrap(&what, "%s", ct_buf_text(&w->path));
	return ct_copy_report(w->channel, &what, false, err);
}

/* A hard link is an entry of the file's type without data. */
static int put_node(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	mode_t kind = m->type == CT_COPY_SYMLINK ? S_IFLNK :
		      m->type == CT_COPY_FIFO ? S_IFIFO : S_IFREG;
	char text[4096];

	if (new_entry(w, m, kind, err) < 0)
		return -err->code;
	if (m->type == CT_COPY_SYMLINK) {
		memcpy(text, m->data, m->data_size);
		text[m->data_size] = '\0';
		w->lib.archive_entry_set_symlink(w->entry, text);
		w->lib.archive_entry_set_perm(w->entry, 0777);
	} else if (m->type == CT_COPY_HARDLINK) {
		if (!m->link || m->link > w->link_count)
			return ct_copy_fail_order(err);
		w->lib.archive_entry_set_hardlink(w->entry, w->links[m->link - 1]);
	}
	return put_header(w, err);
}

static int put_one(struct writer *w, const struct ct_copy_message *m, struct ct_err *err)
{
	if (m->type == CT_COPY_ENTER)
		return put_directory(w, m, err);
	if (m->type == CT_COPY_FILE)
		return open_file(w, m, err);
	if (m->type == CT_COPY_DATA)
		return put_data(w, m, err);
	if (m->type == CT_COPY_CLOSE)
		return close_file(w, m, err);
	if (m->type == CT_COPY_EXTENT && w->entry)
		w->lib.archive_entry_sparse_add_entry(w->entry, (int64_t)m->offset,
						      (int64_t)m->size);
	else if (m->type == CT_COPY_XATTR && w->entry)
		w->lib.archive_entry_xattr_add_entry(w->entry, m->name, m->data, m->data_size);
	else if (m->type != CT_COPY_EXTENT && m->type != CT_COPY_XATTR)
		return put_node(w, m, err);
	return 0;
}

/* The path is pushed before an entry and popped behind it: at once for what has no content, at
 * CLOSE for a file, at LEAVE for a directory. XATTR and EXTENT change what is at hand and move
 * nothing. */
static int write_entry(void *arg, const struct ct_copy_message *message, struct ct_err *err)
{
	struct writer *w = arg;
	struct ct_copy_message m = *message;
	bool within = m.type == CT_COPY_XATTR || m.type == CT_COPY_EXTENT;
	bool file = m.type == CT_COPY_DATA || m.type == CT_COPY_CLOSE || within;
	int r = within ? 0 : put_header(w, err);

	if (r < 0)
		return r;
	if (m.type == CT_COPY_LEAVE) {
		pop_path(w, w->lengths[--w->depth]);
		return 0;
	}
	if (!w->depth && !file)
		strncpy(m.name, w->name, CT_COPY_NAME_MAX);
	if (!file && m.type != CT_COPY_ENTER) {
		w->lengths[w->depth] = w->path.length;
		push_path(w, m.name);
	}
	r = put_one(w, &m, err);
	if (!(file || m.type == CT_COPY_FILE || m.type == CT_COPY_ENTER) || m.type == CT_COPY_CLOSE)
		pop_path(w, w->lengths[w->depth]);
	return r;
}

/* ---- all of it ---- */

static int write_source(void *arg, const struct ct_copy_message *m,
			struct ct_copy_message *ret_target, struct ct_err *err)
{
	(void)arg;
	(void)m;
	(void)ret_target;	/* no directory of anybody's */
	(void)err;
	return 0;
}

/* bytes_in_last_block 1: no filling up to 10 KiB, which belongs on tapes. */
static int open_archive(struct writer *w, struct ct_err *err)
{
	if (ct_tar_library_open(&w->lib, err) < 0)
		return -err->code;
	w->archive = w->lib.archive_write_new();
	w->lengths = calloc(CT_COPY_DEPTH + 1, sizeof(*w->lengths));
	if (!w->archive || !w->lengths)
		return ct_fail_nomem(err);
	if (w->lib.archive_write_set_format_pax_restricted(w->archive) < CT_TAR_WARN ||
	    w->lib.archive_write_set_bytes_in_last_block(w->archive, 1) < CT_TAR_WARN ||
	    w->lib.archive_write_open(w->archive, w, NULL, write_some, NULL) < CT_TAR_WARN)
		return fail_archive(w, err);
	return 0;
}

static void done(struct writer *w)
{
	if (w->entry)
		w->lib.archive_entry_free(w->entry);
	if (w->archive)
		w->lib.archive_write_free(w->archive);
	for (size_t i = 0; i < w->link_count; i++)
		free(w->links[i]);
	free(w->links);
	free(w->lengths);
	ct_buf_done(&w->path);
}

/* The blocks at the end, by which a reader knows that the stream is whole, are written only when it
 * is. */
int ct_copy_receive_tar(struct ct_copy_channel *channel, const char *name, int fd,
			struct ct_err *err)
{
	struct writer w = {
		.channel = channel, .name = name, .fd = fd,
		.sink = { .source = write_source, .entry = write_entry },
	};
	int r = open_archive(&w, err);

	w.sink.arg = &w;
	if (r == 0)
		r = ct_copy_receive(channel, &w.sink, err);
	if (r == 0 && w.lib.archive_write_close(w.archive) < CT_TAR_WARN)
		r = fail_archive(&w, err);
	/* Freeing it would end the stream as if all had gone well. */
	if (r < 0 && w.archive)
		w.lib.archive_write_fail(w.archive);
	done(&w);
	return r;
}
