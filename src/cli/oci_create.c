/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cattach oci create, run and start: a container from a bundle, for a caller who watches it.
 *
 * Runs in the command with the caller's rights. "create" leaves a process that waits, with the
 * caller's descriptors 0, 1 and 2; "start" lets it go on; "run" does both and, without --detach, follows
 * it to its end (oci_follow.c), and ends what it has left behind. May fail as ct_runtime_make() does:
 * 1; 255 from run when the command could not be started.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/log.h>
#include <cattach/num.h>
#include <cattach/proc.h>

#include "oci.h"
#include "oci_follow.h"
#include "preserve_fds.h"
#include "starting.h"

#define PATIENCE	5000	/* ms for the kernel to end what has got SIGKILL */

struct create_options {
	const char *bundle, *console_socket, *pid_file, *pidfd_socket, *preserve_fds, *config;
	bool no_pivot, no_new_keyring, detach, keep, no_subreaper;
};

#define OPTION(member) offsetof(struct create_options, member)

static const struct ct_option create_table[] = {
	{ "bundle", 'b', CT_OPTION_STRING, "DIR", OPTION(bundle), "The bundle (default: here)" },
	{ "config", 'f', CT_OPTION_STRING, "FILE", OPTION(config),
	  "Instead of the bundle's config.json" },
	{ "console-socket", 0, CT_OPTION_STRING, "PATH", OPTION(console_socket),
	  "Where the master of the terminal is sent to" },
	{ "pid-file", 'p', CT_OPTION_STRING, "FILE", OPTION(pid_file), "Gets the pid of the process" },
	{ "pidfd-socket", 0, CT_OPTION_STRING, "PATH", OPTION(pidfd_socket),
	  "Where a pidfd of the process is sent to" },
	{ "preserve-fds", 0, CT_OPTION_STRING, "N", OPTION(preserve_fds),
	  "Descriptors 3... that the process keeps" },
	{ "detach", 'd', CT_OPTION_BOOL, NULL, OPTION(detach), "run: do not wait for its end" },
	{ "keep", 0, CT_OPTION_BOOL, NULL, OPTION(keep), "run: do not delete it afterwards" },
	{ "no-pivot", 0, CT_OPTION_BOOL, NULL, OPTION(no_pivot), NULL },
	{ "no-new-keyring", 0, CT_OPTION_BOOL, NULL, OPTION(no_new_keyring), NULL },
	{ "no-subreaper", 0, CT_OPTION_BOOL, NULL, OPTION(no_subreaper), NULL },
	{ 0 },
};

/* Those of systemd's socket activation, when they are meant for us. */
static unsigned count_listening(void)
{
	const char *count = getenv("LISTEN_FDS"), *pid = getenv("LISTEN_PID");
	struct ct_err ignored;
	uint64_t fds = 0, who = 0;

	if (!count || !pid || ct_parse_u64(pid, 0, INT_MAX, &who, &ignored) < 0 ||
	    who != (uint64_t)getpid() || ct_parse_u64(count, 0, 1024, &fds, &ignored) < 0)
		return 0;
	return (unsigned)fds;
}

/* Those that the process keeps, before anything of ours is open: it would be among them. */
static int count_descriptors(const struct oci_call *call, struct ct_runtime_create *create,
			     struct ct_err *err)
{
	const struct create_options *o = call->options;
	unsigned count;

	create->listen_fds = count_listening();
	if (ct_check_fds(create->listen_fds, err) < 0)
		return ct_wrap(err, "LISTEN_FDS");
	if (ct_preserve_fds(o->preserve_fds, &count, err) < 0)
		return -err->code;
	create->preserve_fds = create->listen_fds + count;
	if (ct_check_fds(create->preserve_fds, err) < 0)
		return ct_wrap(err, "--preserve-fds");
	return 0;
}

/* What is asked for: the first step of all. */
static int choose(const struct oci_call *call, struct ct_runtime_create *ret_create, struct ct_err *err)
{
	const struct create_options *o = call->options;
	const char *manager = call->globals->cgroup_manager;

	*ret_create = (struct ct_runtime_create){
		.id = call->operands.items[0],
		.bundle = o->bundle ? o->bundle : ".",
		.config = o->config,
		.console_socket = o->console_socket,
		.pid_file = o->pid_file,
		.pidfd_socket = o->pidfd_socket,
		.rootless = ct_is_rootless(),
		.systemd = call->globals->systemd_cgroup || (manager && !strcmp(manager, "systemd")),
		.cgroups = manager && !strcmp(manager, "disabled") ? "disabled" : NULL,
	};
	return count_descriptors(call, ret_create, err);
}

static int make(const struct oci_call *call, const struct ct_runtime_create *asked, struct ct_store *store,
		struct ct_container *c, struct ct_ns_started *started, struct ct_err *err)
{
	struct ct_runtime_create create = *asked;
	struct ct_err no_cgroup = { 0 };
	int r = oci_open(call, true, store, err);

	create.no_cgroup = &no_cgroup;
	if (r == 0)
		r = ct_runtime_make(store, call->arena, &create, c, started, err);
	if (r == 0 && no_cgroup.what[0])
		oci_note(call->globals, &no_cgroup);
	/* "run" may take days from here on. */
	if (r == 0)
		oci_write_warnings(call->globals);
	return r;
}

static int create_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_runtime_create create;
	struct ct_ns_started started;

	if (choose(call, &create, err) < 0 || make(call, &create, &store, &c, &started, err) < 0)
		return -err->code;
	ct_fd_close(started.pidfd);
	return 0;
}

/* ---- run ---- */

/*
 * With a pid namespace of its own the kernel has ended all of it by now, and in a cgroup deletion finds the
 * rest. With neither they are our children, whether or not the container is kept: one that has stopped
 * has no processes.
 */
static void end_orphans(const struct oci_call *call)
{
	const struct create_options *o = call->options;
	pid_t left = o->no_subreaper ? 0 : ct_orphans_end(PATIENCE);

	if (left > 0)
		ct_warn("process %d of container %s does not end, even by SIGKILL", (int)left,
			call->operands.items[0]);
}

static int finish(const struct oci_call *call, struct ct_store *store, struct ct_container *c, int code,
		  struct ct_err *err)
{
	const struct create_options *o = call->options;

	end_orphans(call);
	if (!o->keep && ct_runtime_delete(store, c, true, err) < 0)
		return -err->code;
	return code;
}

static int run_detached(const struct oci_call *call, const struct ct_runtime_create *create, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	struct ct_ns_started started;
	struct ct_err ignored;

	if (make(call, create, &store, &c, &started, err) < 0)
		return -err->code;
	ct_fd_close(started.pidfd);
	if (ct_runtime_start(&store, &c, err) == 0)
		return 0;
	ct_runtime_delete(&store, &c, true, &ignored);
	return -err->code;
}

/* Its process, which we are going to wait for, may have a terminal of ours. */
static int run_attended(const struct oci_call *call, const struct ct_runtime_create *asked,
			struct oci_follow *f, struct ct_err *err)
{
	struct ct_runtime_create create = *asked;
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	const struct create_options *o = call->options;
	struct ct_ns_started started;
	struct ct_ns_stdio stdio;
	struct ct_err ignored;
	int ct_autofd pidfd = -1;

	if (oci_follow_open(f, &stdio, err) < 0)
		return -err->code;
	/* As of create: pipes become its user's, who may open /dev/stdout. */
	stdio.borrowed = false;
	create.stdio = &stdio;
	if (make(call, &create, &store, &c, &started, err) < 0)
		return -err->code;
	pidfd = started.pidfd;
	/* Not before: what hooks have left behind by now is nobody's. */
	if (!o->no_subreaper)
		ct_orphans_adopt();
	if (oci_follow_start(f, started.terminal, err) == 0 && ct_runtime_start(&store, &c, err) == 0)
		return finish(call, &store, &c, oci_follow_wait(f, pidfd), err);
	ct_runtime_delete(&store, &c, true, &ignored);
	end_orphans(call);
	return -err->code;
}

static int run_handler(const struct oci_call *call, struct ct_err *err)
{
	const struct create_options *o = call->options;
	struct oci_follow oci_autofollow follow;
	struct ct_runtime_create create;

	oci_follow_init(&follow);
	if (choose(call, &create, err) < 0)
		return -err->code;
	return o->detach ? run_detached(call, &create, err) : run_attended(call, &create, &follow, err);
}

/* ---- start ---- */

static int start_handler(const struct oci_call *call, struct ct_err *err)
{
	struct ct_store ct_autostore store = CT_STORE_INIT;
	struct ct_container ct_autocontainer c = CT_CONTAINER_INIT;
	int r = oci_find(call, &store, &c, err);

	return r < 0 ? r : ct_runtime_start(&store, &c, err);
}

const struct oci_command oci_create = {
	.name = "create", .synopsis = "[OPTIONS] ID", .summary = "Make a container that waits for start",
	.options = create_table, .options_size = sizeof(struct create_options),
	.min_operands = 1, .max_operands = 1, .handler = create_handler,
};

const struct oci_command oci_run = {
	.name = "run", .synopsis = "[OPTIONS] ID", .summary = "Make a container, start it and wait for it",
	.options = create_table, .options_size = sizeof(struct create_options),
	.min_operands = 1, .max_operands = 1, .failed = OCI_EXIT_NOT_STARTED, .handler = run_handler,
};

const struct oci_command oci_start = {
	.name = "start", .synopsis = "ID", .summary = "Start a container that was created",
	.min_operands = 1, .max_operands = 1, .handler = start_handler,
};
