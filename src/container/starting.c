/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container that exists: its configuration is read back, the monitor forked, its pid
 * file written. A container whose start fails is as it was before, so that it can be looked at,
 * repaired and started again.
 *
 * Runs in commands, with the caller's rights, and in children of keepers, with the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/caps.h>
#include <cattach/container.h>
#include <cattach/fd.h>
#include <cattach/io.h>

#include "record.h"

/* The user namespace of "unshare -r" has one id and no groups. */
static bool are_groups_denied(void)
{
	int ct_autofd fd = openat(AT_FDCWD, "/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	char text[8];

	return fd >= 0 && read(fd, text, sizeof(text)) >= 4 && memcmp(text, "deny", 4) == 0;
}

/* Capabilities count and not the uid: root in somebody's user namespace has them over that
 * alone. */
bool ct_is_rootless(void)
{
	return geteuid() != 0 || !ct_caps_have(CAP_SYS_ADMIN) || !ct_caps_have(CAP_NET_ADMIN) ||
	       are_groups_denied();
}

int ct_container_write_pid(const struct ct_container *container, struct ct_id_file *file,
		     struct ct_err *err)
{
	struct ct_status status;
	char text[16];

	if (ct_status_read(container->status_fd, &status, err) < 0)
		return -err->code;
	snprintf(text, sizeof(text), "%d", status.pid);
	return ct_id_file_write(file, text, err) < 0 ? ct_wrap(err, "--pidfile") : 0;
}

/* The file that the container was made with: written at each start. After the start, for it is the
 * payload's pid; a container whose file cannot be written runs on. */
static int write_own_pidfile(const struct ct_container *container, struct ct_err *err)
{
	struct ct_id_file file = CT_ID_FILE_INIT;
	int r;

	if (!container->meta.pidfile)
		return 0;
	if (ct_id_file_open(&file, container->meta.pidfile, false, err) < 0)
		return ct_wrap(err, "--pidfile");
	r = ct_container_write_pid(container, &file, err);
	if (r == 0)
		ct_id_file_keep(&file);
	ct_id_file_close(&file);
	return r;
}

static int start(struct ct_store *store, struct ct_arena *arena, struct ct_container *container,
		 struct ct_start_options *options, const struct ct_start_again *how,
		 struct ct_err *err)
{
	struct ct_session session = CT_SESSION_INIT;
	struct ct_strings warnings = { 0 };
	struct ct_spec *spec;
	int r = ct_container_spec(container, arena, &spec, err);

	if (r == 0)
		r = ct_container_set_hostname(&container->meta, arena, spec, err);
	if (r == 0)
		r = ct_sdnotify_prepare(&container->meta, arena, spec, err);
	options->warnings = &warnings;
	if (r == 0)
		r = ct_container_start(store, arena, container, spec, options, &session, err);
	options->warnings = NULL;
	if (r == 0 && how->warn)
		how->warn(&warnings);
	if (r == 0)
		ct_sdnotify_started(&container->meta, session.monitor_pid);
	ct_session_close(&session);
	return r;
}

/* *ret_sock is the client's end of a connection to the monitor; the other end goes with the
 * fork. */
int ct_container_start_again(struct ct_store *store, struct ct_container *container,
			     const struct ct_start_again *how, int *ret_sock, struct ct_err *err)
{
	/* Its own: the monitor unmaps it, and there may be many containers to start. */
	struct ct_arena ct_autoarena arena = { 0 };
	struct ct_start_options options = {
		.rootless = ct_is_rootless(), .rows = how->rows, .columns = how->columns,
		.client = -1, .keep = true, .kept = how->kept,
	};
	int pair[2] = { -1, -1 };
	int r = ct_container_reserve(container, how->kept, err);

	/* One that "run" made is from now on as good as one that "create" made. */
	if (r == 0)
		r = ct_container_complete(container, err);
	if (r == 0)
		r = ct_arena_open(&arena, err);
	if (r < 0)
		return r;
	if (ret_sock && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	options.client = pair[1];
	ct_container_start_options(&container->meta, &options);
	r = start(store, &arena, container, &options, how, err);
	ct_fd_close(pair[1]);
	if (r == 0)
		r = write_own_pidfile(container, err);
	if (r < 0)
		ct_fd_close(pair[0]);
	else if (ret_sock)
		*ret_sock = pair[0];
	return r;
}
