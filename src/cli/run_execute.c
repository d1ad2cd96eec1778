/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run: prepare the spec, create the container, start it through its monitor, then follow it in the
 * foreground or print its id.
 *
 * Runs in the CLI. Until ct_container_create() nothing exists on disk; when the start fails what
 * was created is forgotten, so that a container that never ran leaves nothing behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cattach/caps.h>
#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/num.h>

#include "cli.h"
#include "foreground.h"
#include "id_file.h"
#include "terminal.h"

/* Everything that one run holds while it starts. */
struct run {
	const struct ct_run_options *options;
	struct ct_arena *arena;
	struct ct_spec *spec;
	struct ct_meta meta;
	struct ct_store store;
	struct ct_container container;
	struct ct_session session;
	struct ct_id_file cidfile, pidfile;
	unsigned preserve_fds;
};

/* The user namespace of "unshare -r" has one id and no groups. */
static bool are_groups_denied(void)
{
	int ct_autofd fd = openat(AT_FDCWD, "/proc/self/setgroups", O_RDONLY | O_CLOEXEC);
	char text[8];

	return fd >= 0 && read(fd, text, sizeof(text)) >= 4 && memcmp(text, "deny", 4) == 0;
}

/* Root of a container that lacks what makes namespaces and brings up their loopback devices can do
 * no more than any user, nor can one with a single id: it needs a user namespace of its own. */
static bool is_rootless(void)
{
	return geteuid() != 0 || !ct_caps_have(CAP_SYS_ADMIN) || !ct_caps_have(CAP_NET_ADMIN) ||
	       are_groups_denied();
}

/* Before we open anything ourselves: the numbers from 3 on must be the caller's. */
static int check_preserved(struct run *run, struct ct_err *err)
{
	uint64_t count = 0;

	if (!run->options->preserve_fds)
		return 0;
	if (ct_parse_u64(run->options->preserve_fds, 0, 1024, &count, err) < 0)
		return ct_wrap(err, "--preserve-fds");
	for (unsigned i = 0; i < count; i++) {
		if (fcntl(3 + (int)i, F_GETFD) >= 0)
			continue;
		ct_fail(err, EBADF, "descriptor %u is not open", 3 + i);
		return ct_wrap(err, "--preserve-fds");
	}
	run->preserve_fds = (unsigned)count;
	return 0;
}

static int check_terminal(const struct ct_run_options *o, struct ct_err *err)
{
	if (!o->tty || !o->interactive || o->detach || isatty(STDIN_FILENO))
		return 0;
	ct_fail(err, ENOTTY, "the input device is not a TTY");
	ct_wrap(err, "--tty");
	return ct_hint(err, "leave out -t, or -i, or run in the background with -d");
}

/* docker's: the host name is the short id unless somebody said otherwise. */
static int set_host_name(struct run *run, struct ct_err *err)
{
	struct ct_spec *spec = run->spec;
	const char *short_id = ct_arena_strndup(run->arena, run->container.meta.id,
						CT_SHORT_ID_LENGTH);
	const struct ct_spec_namespace *uts = &spec->linux_.namespaces[CT_NS_UTS];
	const char *variable;

	if (!short_id)
		return ct_fail_nomem(err);
	if (!spec->hostname && uts->present && !uts->path)
		spec->hostname = short_id;
	if (run->meta.bundle || !spec->hostname)
		return 0;
	variable = ct_arena_printf(run->arena, "HOSTNAME=%s", spec->hostname);
	if (!variable || ct_strings_add(run->arena, &spec->process->env, variable) < 0)
		return ct_fail_nomem(err);
	return 0;
}

/* Before anything exists, so that a place that cannot be written is refused in time. */
static int open_files(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;

	if (o->cidfile && ct_id_file_open(&run->cidfile, o->cidfile, true, err) < 0)
		return ct_wrap(err, "--cidfile");
	if (o->pidfile && ct_id_file_open(&run->pidfile, o->pidfile, false, err) < 0)
		return ct_wrap(err, "--pidfile");
	return 0;
}

static int write_pidfile(struct run *run, struct ct_err *err)
{
	struct ct_status status;
	char text[16];

	if (!run->options->pidfile)
		return 0;
	if (ct_status_read(run->container.status_fd, &status, err) < 0)
		return -err->code;
	snprintf(text, sizeof(text), "%d", status.pid);
	return ct_id_file_write(&run->pidfile, text, err) < 0 ? ct_wrap(err, "--pidfile") : 0;
}

static int start(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_start_options options = {
		.rootless = is_rootless(),
		.preserve_fds = run->preserve_fds,
		.client = -1,
	};
	int pair[2] = { -1, -1 }, r;

	if (!o->detach && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ct_fail_errno(err, errno, "cannot make a socket");
	options.client = pair[1];
	/* Ours, or what a bundle says where we have none. */
	if (run->meta.tty && !ct_terminal_caller_size(&options.rows, &options.columns)) {
		options.rows = run->spec->process->console_height;
		options.columns = run->spec->process->console_width;
	}
	r = ct_container_start(&run->store, run->arena, &run->container, run->spec, &options,
			       &run->session, err);
	ct_fd_close(pair[1]);
	if (r < 0) {
		ct_fd_close(pair[0]);
		return r;
	}
	run->session.channel = pair[0];
	return 0;
}

static int create_and_start(struct run *run, struct ct_err *err)
{
	int r = ct_container_create(&run->store, run->arena, &run->meta, run->spec,
				    &run->container, err);

	if (r < 0)
		return r;
	r = set_host_name(run, err);
	if (r == 0 && run->options->cidfile &&
	    ct_id_file_write(&run->cidfile, run->container.meta.id, err) < 0)
		r = ct_wrap(err, "--cidfile");
	if (r == 0)
		r = start(run, err);
	if (r < 0)
		ct_store_forget(&run->store, run->container.meta.id, run->container.meta.name);
	return r;
}

static int follow(struct run *run, struct ct_err *err)
{
	const struct ct_run_options *o = run->options;
	struct ct_foreground how = {
		.tty = run->meta.tty,
		.stdin_open = o->interactive,
		.sig_proxy = o->sig_proxy,
	};
	int r = write_pidfile(run, err);

	if (r < 0)
		return r;
	if (o->detach)
		return ct_print_line(run->container.meta.id, err);
	r = ct_foreground_run(&run->session, &how, err);
	return r < 0 ? ct_wrap(err, "%s", run->container.meta.name) : r;
}

static int execute(struct run *run, struct ct_err *err)
{
	bool rootless = is_rootless();
	int r = check_preserved(run, err);

	if (r == 0)
		r = check_terminal(run->options, err);
	if (r == 0)
		r = ct_run_prepare(run->options, rootless, run->arena, &run->spec, &run->meta, err);
	if (r == 0)
		r = ct_store_open(&run->store, err);
	if (r == 0)
		r = open_files(run, err);
	if (r < 0)
		return r;
	/* From here on a signal is meant for the payload, which may start at any moment. */
	if (!run->options->detach)
		ct_foreground_block(run->options->sig_proxy);
	r = create_and_start(run, err);
	if (r < 0)
		return r;
	ct_id_file_keep(&run->cidfile);
	ct_id_file_keep(&run->pidfile);
	return follow(run, err);
}

int cmd_run_execute(const struct ct_run_options *options, struct ct_arena *arena,
		    struct ct_err *err)
{
	struct run run = {
		.options = options, .arena = arena, .store = CT_STORE_INIT,
		.container = CT_CONTAINER_INIT, .session = CT_SESSION_INIT,
		.cidfile = CT_ID_FILE_INIT, .pidfile = CT_ID_FILE_INIT,
	};
	int r = execute(&run, err);

	ct_id_file_close(&run.cidfile);
	ct_id_file_close(&run.pidfile);
	ct_session_close(&run.session);
	ct_container_close(&run.container);
	ct_store_close(&run.store);
	return r;
}
