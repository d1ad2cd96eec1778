/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a container has changed, found by two processes with a socket between them.
 *
 *   the visitor   in the container's user and mount namespaces (ns/visit.c): it has the container's
 *                 root and, brought along, the directory below the overlay, and compares the two
 *                 (diff_tree.c). The overlay's upper layer has no path, so there is no other way
 *   this one      on the host: tells its caller of each change as it comes in
 *
 * Seen from the same user namespace, owners of both trees are the same numbers. What crosses the
 * socket are records of a head and a path or an error; nothing of it is opened here. What may fail:
 * containers without an overlay or without a run, and the visitor's death.
 *
 *   command                               visitor
 *     the lower directory, by SCM_RIGHTS  -->
 *     <--  CHANGE kind, path ...              one for each difference, in order
 *     <--  REPORT error                       what could not be compared
 *     <--  DONE, with an error or without
 */
#include <cattach/diff.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cattach/buf.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>
#include <cattach/states.h>

#include "cp_open.h"
#include "diff_tree.h"
#include "lower.h"

#define GATHER 65536u	/* bytes on their way out, and in */

enum { RECORD_CHANGE, RECORD_REPORT, RECORD_DONE };

struct head {
	uint32_t type;
	uint32_t change;
	uint32_t size;		/* bytes that follow */
};

/* ---- in the container ---- */

struct sender {
	int socket;
	struct ct_buf out;
	const struct ct_strings *mounts;
};

static int flush(struct sender *s, struct ct_err *err)
{
	int r = s->out.failed ? -ENOMEM :
				ct_write_all(s->socket, ct_buf_text(&s->out), s->out.length);

	ct_buf_clear(&s->out);
	return r < 0 ? ct_fail_errno(err, -r, "cannot send") : 0;
}

/* Gathered: a tree with a hundred thousand changes would cost as many system calls. */
static int send_record(struct sender *s, uint32_t type, uint32_t change, const void *data,
		       size_t size, struct ct_err *err)
{
	const struct head head = { .type = type, .change = change, .size = (uint32_t)size };

	ct_buf_add(&s->out, &head, sizeof(head));
	ct_buf_add(&s->out, data, size);
	return s->out.failed || s->out.length >= GATHER ? flush(s, err) : 0;
}

static int send_change(enum ct_change change, const char *path, size_t length, void *arg,
		       struct ct_err *err)
{
	return send_record(arg, RECORD_CHANGE, change, path, length, err);
}

/* A struct ct_err as it is in memory: the other end is the same program, forked from it. */
static int send_report(const struct ct_err *what, void *arg, struct ct_err *err)
{
	return send_record(arg, RECORD_REPORT, 0, what, sizeof(*what), err);
}

/* One overlay over all, or a tmpfs with overlays and other things in it (src/ns/overlay.c)? The
 * container's root may have been replaced by the payload itself (pivot_root in there): then there
 * is nothing to be compared. */
static int look_at_root(int root, bool *ret_composed, struct ct_err *err)
{
	struct statfs fs;

	if (fstatfs(root, &fs) < 0)
		return ct_fail_errno(err, errno, "cannot look at the container's root");
	*ret_composed = (unsigned long)fs.f_type == TMPFS_MAGIC;
	if (!*ret_composed && (unsigned long)fs.f_type != OVERLAYFS_SUPER_MAGIC)
		return ct_fail(err, ESTALE, "its root is not the overlay any more that it was "
			       "started with");
	return 0;
}

/* The lower directory cannot be opened from inside: it is on the host, above the container's
 * root. */
static int compare(struct sender *s, int root, struct ct_err *err)
{
	struct ct_diff_trees trees = {
		.root = root, .mounts = *s->mounts, .held_max = CT_DIFF_HELD_MAX,
		.change = send_change, .report = send_report, .arg = s,
	};
	int ct_autofd lower = -1;
	char byte;
	ssize_t n = ct_recv(s->socket, &byte, 1, &lower);

	if (n != 1 || lower < 0)
		return ct_fail(err, EPROTO, "the directory below the overlay did not arrive");
	trees.lower = lower;
	if (look_at_root(root, &trees.composed, err) < 0)
		return -err->code;
	return ct_diff_trees(&trees, err);
}

/* What cannot even be sent shows to the other side as an end of file. */
static int run_visitor(int root, int socket, void *arg)
{
	struct sender s = { .socket = socket, .mounts = arg };
	struct ct_err err = { 0 };
	bool failed = compare(&s, root, &err) < 0;

	if (send_record(&s, RECORD_DONE, 0, &err, failed ? sizeof(err) : 0, &err) == 0)
		failed = flush(&s, &err) < 0 || failed;
	return failed;
}

/* ---- on the host ---- */

struct receiver {
	int socket;
	const struct ct_diff *diff;
	const char *label;
	uint64_t errors;
	size_t start, end;		/* of what has come in and was not taken */
	char in[GATHER];
	char data[CT_DIFF_PATH_MAX + 1];
};

_Static_assert(sizeof(struct ct_err) < CT_DIFF_PATH_MAX, "an error fits where a path does");

/* Exactly size bytes: a stream socket gives them in any portions. */
static int take(struct receiver *r, void *to, size_t size, struct ct_err *err)
{
	char *at = to;

	while (size) {
		size_t part = r->end - r->start < size ? r->end - r->start : size;
		ssize_t n;

		memcpy(at, r->in + r->start, part);
		r->start += part;
		at += part;
		size -= part;
		if (!size)
			break;
		n = read(r->socket, r->in, sizeof(r->in));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ct_fail(err, EPIPE,
				       "the process that looked into the container ended "
				       "without a word");
		r->start = 0;
		r->end = (size_t)n;
	}
	return 0;
}

/* Its texts are made to end. */
static void take_error(const struct receiver *r, struct ct_err *what)
{
	memcpy(what, r->data, sizeof(*what));
	what->where[sizeof(what->where) - 1] = '\0';
	what->what[sizeof(what->what) - 1] = '\0';
	what->hint[sizeof(what->hint) - 1] = '\0';
	what->exit = CT_EXIT_FAILED;
	if (what->code <= 0 || what->code > 4095)
		what->code = EIO;
	ct_wrap(what, "%s", r->label);
}

/* The visitor runs among the container's files, so it is believed as little as they are. */
static int fail_order(struct ct_err *err)
{
	return ct_fail(err, EPROTO, "the process that looked into the container spoke out of turn");
}

/* 1: that was the last one. From within the container's reach, so its size is bounded, its kind
 * known, and a path has no NUL. */
static int take_record(struct receiver *r, struct ct_err *err)
{
	struct ct_err what;
	struct head head;

	if (take(r, &head, sizeof(head), err) < 0)
		return -err->code;
	if (head.size > CT_DIFF_PATH_MAX || take(r, r->data, head.size, err) < 0)
		return err->code ? -err->code : fail_order(err);
	r->data[head.size] = '\0';
	if (head.type == RECORD_CHANGE && head.change <= CT_CHANGE_DELETED &&
	    strlen(r->data) == head.size)
		return r->diff->change((enum ct_change)head.change, r->data, r->diff->arg, err);
	if (head.type == RECORD_DONE && !head.size)
		return 1;
	if ((head.type != RECORD_REPORT && head.type != RECORD_DONE) || head.size != sizeof(what))
		return fail_order(err);
	take_error(r, &what);
	if (head.type == RECORD_DONE) {
		*err = what;
		return -err->code;
	}
	r->errors++;
	r->diff->report(&what, r->diff->arg);
	return 0;
}

static int receive(struct receiver *r, int lower, struct ct_err *err)
{
	int n = ct_send(r->socket, "", 1, lower);

	if (n < 0)
		return ct_fail_errno(err, -n, "cannot send a directory");
	while ((n = take_record(r, err)) == 0)
		;
	return n < 0 ? n : 0;
}

/* Our copy of the visitor's end is closed, so that its death is an end of file here. */
static int converse(struct receiver *r, const struct ct_ns_visit *visit, int lower,
		    struct ct_err *err)
{
	struct ct_exit status;
	int ct_autofd pidfd = -1;
	pid_t pid;
	int n = ct_ns_visit(visit, &pid, &pidfd, err);

	close(visit->socket);
	if (n < 0)
		return n;
	n = receive(r, lower, err);
	/* It makes nothing that it would have to clean up. */
	ct_pidfd_signal(pidfd, SIGKILL);
	ct_pidfd_wait(pidfd, &status);
	return n;
}

/* "/data" of the container's mounts, which is not to be taken for a layer of a composed root. Only
 * those directly below the root: in a composed root each of its directories is a mount of ours, and
 * these are the exceptions. */
static int find_mounts(struct ct_arena *arena, const struct ct_spec *spec,
		       struct ct_strings *ret_mounts, struct ct_err *err)
{
	for (size_t i = 0; i < spec->mounts.count; i++) {
		const char *name = spec->mounts.items[i].destination;
		size_t length;

		name += strspn(name, "/");
		length = strcspn(name, "/");
		if (name[length + strspn(name + length, "/")])
			continue;
		name = ct_arena_strndup(arena, name, length);
		if (!name || ct_strings_add(arena, ret_mounts, name) < 0)
			return ct_fail_nomem(err);
	}
	return 0;
}

/* What is in ROOTFS itself shows nothing of how it was before. */
static int refuse_without_overlay(struct ct_arena *arena, const struct ct_container *c,
				  struct ct_err *err)
{
	const char *kind = c->meta.bundle ? "BUNDLE" : "ROOTFS";
	struct ct_spec *spec = NULL;
	struct ct_err ignored;

	if (ct_container_spec(c, arena, &spec, &ignored) == 0 && spec->root_readonly) {
		ct_fail(err, EINVAL,
			"container %s has %s for its root, read-only and without an overlay "
			"that would keep changes",
			ct_container_label(c), c->meta.rootfs);
		return ct_hint(err, "%s:O in place of %s, and writable", kind, kind);
	}
	ct_fail(err, EINVAL,
		"container %s writes to %s itself, there is nothing to compare it with",
		ct_container_label(c), c->meta.rootfs);
	return ct_hint(err, "%s:O in place of %s keeps its changes apart", kind, kind);
}

/* Only a running one: the upper layer is reached through the container's mount namespace alone. */
static int check(struct ct_arena *arena, const struct ct_container *c, struct ct_err *err)
{
	if (c->session_of)
		return ct_container_refuse_session(c, "compared", err);
	if (ct_state_check(c, CT_ACT_DIFF, err) < 0)
		return -err->code;
	if (!c->meta.overlay)
		return refuse_without_overlay(arena, c, err);
	return ct_state_is_live(c->state) ? 0 : ct_state_refuse(c, CT_ACT_DIFF, err);
}

/* A directory in a directory needs descriptors in both trees, hence ct_cp_allow_descriptors(). */
int ct_container_diff(struct ct_store *store, struct ct_arena *arena,
		      const struct ct_container *container, const struct ct_diff *diff,
		      uint64_t *ret_errors, struct ct_err *err)
{
	struct ct_exec ct_autoexec exec = CT_EXEC_INIT;
	struct receiver *r = ct_arena_calloc(arena, 1, sizeof(*r));
	struct ct_strings mounts = { 0 };
	struct ct_ns_visit visit = {
		.places = &exec.places, .place = ct_container_label(container),
		.run = run_visitor, .arg = &mounts,
	};
	int ct_autofd lower = -1, socket = -1;
	int pair[2], n;

	if (!r)
		return ct_fail_nomem(err);
	if (check(arena, container, err) < 0 ||
	    ct_exec_open_live(store, arena, container, &exec, err) < 0 ||
	    find_mounts(arena, exec.spec, &mounts, err) < 0)
		return -err->code;
	lower = ct_lower_open(container, err);
	if (lower < 0)
		return lower;
	ct_cp_allow_descriptors();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	socket = pair[0];
	visit.socket = pair[1];
	visit.root = exec.places.fd[CT_PLACE_ROOT];
	r->socket = socket;
	r->diff = diff;
	r->label = ct_container_label(container);
	n = converse(r, &visit, lower, err);
	*ret_errors = r->errors;
	return n;
}
