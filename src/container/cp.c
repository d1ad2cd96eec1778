/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying into a container and out of it: two processes with a socket between them.
 *
 *   this one      on the host, with the caller's rights: the host's path, or the tar stream
 *   the visitor   in the container's user and mount namespaces (ns/visit.c): the container's path,
 *                 which never leads out of its root; our own code, and nothing is executed
 *
 * Which of them is the source depends on the direction (src/copy). What crosses the socket are
 * names, contents and numbers of owners as the container counts them; this side knows the id maps
 * and translates. What may fail: everything that either half can say, and the visitor's death.
 */
#include <cattach/cp.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "cp_open.h"
#include "record.h"

#define END_TIME (2 * CT_SECOND)	/* for the visitor to clean up */

/* What the visitor knows, from before it was one. */
struct visit {
	const struct ct_cp *cp;
	const char *shown;		/* "web:/etc" */
	const char *name;		/* of the host's source */
	struct ct_copy_map maps[2];	/* uids, gids */
};

/* ---- in the container ---- */

/* Its errors go over the socket, as its stderr is nobody's. */
static int run_visitor(int root, int socket, void *arg)
{
	const struct visit *v = arg;
	struct ct_copy_channel ct_autochannel channel = CT_COPY_CHANNEL_INIT;
	const struct ct_copy_root at = { .fd = root, .confined = true };
	struct ct_copy_target target = {
		.root = at, .path = v->cp->path, .shown = v->shown, .owners = v->cp->archive,
	};
	const struct ct_copy_source source = {
		.root = at, .path = v->cp->path, .shown = v->shown, .follow = v->cp->follow,
	};
	struct ct_err err = { 0 };

	if (ct_copy_channel_open(&channel, socket, &err) < 0)
		return 1;
	if (v->cp->out)
		return ct_copy_send_tree(&channel, &source, &err) < 0;
	snprintf(target.name, sizeof(target.name), "%s", v->name);
	return ct_copy_receive_tree(&channel, &target, &err) < 0;
}

/* ---- on the host ---- */

/* The visitor's, which are the container's; for one that does not run, those that it would have. */
static int read_map(struct ct_arena *arena, pid_t pid, const char *name, struct ct_copy_map *map,
		    struct ct_err *err)
{
	const char *text;
	size_t size;
	char path[64];

	/* Our child, not reaped yet. Numbers on the right are as we see them. */
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if (ct_read_file_at(arena, AT_FDCWD, path, 16384, &text, &size, err) < 0)
		return -err->code;
	ct_copy_map_parse(text, map);
	return 0;
}

/* This side is the target: docker gives the files to the caller, with -a to whom they belong. */
static int run_out(struct ct_copy_channel *channel, const struct visit *v, struct ct_err *err)
{
	struct ct_copy_target target = {
		.root = { .fd = AT_FDCWD }, .path = v->cp->host, .shown = v->cp->host,
		.owners = v->cp->archive, .maps = v->maps,
	};

	/* Only root may give files away; for anybody else it is no news. */
	if (geteuid() != 0)
		target.owners = false;
	ct_copy_base_name("/", v->cp->path, target.name);
	if (!v->cp->host)
		return ct_copy_receive_tar(channel, ct_copy_means_contents(v->cp->path) ?
					   "" : target.name, v->cp->tar, err);
	return ct_copy_receive_tree(channel, &target, err);
}

static int run_in(struct ct_copy_channel *channel, const struct visit *v, struct ct_err *err)
{
	const struct ct_copy_source source = {
		.root = { .fd = AT_FDCWD }, .path = v->cp->host, .shown = v->cp->host,
		.follow = v->cp->follow, .maps = v->maps,
	};

	if (!v->cp->host)
		return ct_copy_send_tar(channel, v->cp->tar, err);
	return ct_copy_send_tree(channel, &source, err);
}

/* Closed, the socket tells the visitor to end; what does not hear it is stuck in a file system. */
static void finish_visitor(int pidfd)
{
	struct ct_exit status;

	if (ct_pidfd_await(pidfd, END_TIME) != 1)
		ct_pidfd_signal(pidfd, SIGKILL);
	ct_pidfd_wait(pidfd, &status);
}

/* The visitor's end is closed here at once, so that its death is the end of the stream. */
static int converse(struct visit *v, struct ct_arena *arena, const struct ct_ns_visit *visit,
		    int socket, uint64_t *ret_errors, struct ct_err *err)
{
	struct ct_copy_channel ct_autochannel channel = CT_COPY_CHANNEL_INIT;
	int ct_autofd pidfd = -1;
	pid_t pid;
	int r = ct_ns_visit(visit, &pid, &pidfd, err);

	close(visit->socket);
	channel.stop = v->cp->stop;
	channel.watch = v->cp->watch;
	if (r == 0)
		r = read_map(arena, pid, "uid_map", &v->maps[0], err);
	if (r == 0)
		r = read_map(arena, pid, "gid_map", &v->maps[1], err);
	if (r == 0)
		r = ct_copy_channel_open(&channel, socket, err);
	if (r == 0)
		r = v->cp->out ? run_out(&channel, v, err) : run_in(&channel, v, err);
	*ret_errors = channel.errors;
	if (channel.fd < 0)
		close(socket);
	ct_copy_channel_close(&channel);
	if (pidfd >= 0)
		finish_visitor(pidfd);
	return r;
}

/* A stream socket: contents are large, and a record of SOCK_SEQPACKET would be bounded by its
 * buffer. */
static int start(struct visit *v, struct ct_arena *arena, const struct ct_container *container,
		 const struct ct_cp_way *way, uint64_t *ret_errors, struct ct_err *err)
{
	struct ct_ns_visit visit = {
		.places = way->running ? &way->exec.places : NULL,
		.uid_map = &way->uid_map, .gid_map = &way->gid_map,
		.place = ct_container_label(container),
		.root = way->root, .run = run_visitor, .arg = v,
	};
	int pair[2];

	ct_cp_allow_descriptors();
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	visit.socket = pair[1];
	return converse(v, arena, &visit, pair[0], ret_errors, err);
}

/* The thing's name at the other end is found here for a host path, in the visitor for one of the
 * container. */
int ct_cp(struct ct_store *store, struct ct_arena *arena, const struct ct_container *container,
	  const struct ct_cp *cp, uint64_t *ret_errors, struct ct_err *err)
{
	struct ct_cp_way ct_autoway way = CT_CP_WAY_INIT;
	struct visit *v = ct_arena_alloc(arena, sizeof(*v));
	char cwd[4096] = "/", name[CT_COPY_NAME_MAX + 1] = "";

	if (!v)
		return ct_fail_nomem(err);
	if (!*cp->path)
		return ct_fail(err, EINVAL, "there is no path behind \"%s:\"",
			       ct_container_label(container));
	if (ct_cp_open(store, arena, container, cp->path, &way, err) < 0)
		return -err->code;
	if (!cp->out && cp->host) {
		/* Without a working directory "." has no name, and is taken for its contents. */
		if (!getcwd(cwd, sizeof(cwd)))
			strcpy(cwd, "/");
		ct_copy_base_name(cwd, cp->host, name);
	}
	v->cp = cp;
	v->name = name;
	v->shown = ct_arena_printf(arena, "%s:%s", ct_container_label(container), cp->path);
	if (!v->shown)
		return ct_fail_nomem(err);
	return start(v, arena, container, &way, ret_errors, err);
}
