/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last step: find the program, tie our life to the monitor's, cut capabilities, load the
 * filter, execve(2), and say exactly why when that fails.
 *
 * Runs in the child with its final ids. The order is what the kernel asks for: under no_new_privs
 * the filter comes last; without it loading needs CAP_SYS_ADMIN in the user namespace, so it comes
 * just before the final capset(2), which the filter must allow. Whatever can be done before it is,
 * so that a strict filter need not allow our calls. Exit codes: 127 not found, 126 found but not
 * executable, as docker and podman have them.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#include "child.h"

static int fail_exec(struct ct_err *err, int code, int exit, const char *path, const char *why)
{
	ct_fail(err, code, "%s: %s", path, why);
	return ct_exit_with(err, exit);
}

/* Put element number n of PATH and the name into buf: 1, or 0 when there are no more. */
static bool path_candidate(const char **rest, const char *name, char *buf, size_t size)
{
	const char *start = *rest, *end;
	int n;

	if (!start)
		return 0;
	end = strchrnul(start, ':');
	*rest = *end ? end + 1 : NULL;
	/* An empty element is the working directory. */
	n = snprintf(buf, size, "%.*s%s%s", (int)(end - start), start, end > start ? "/" : "./",
		     name);
	return n > 0 && (size_t)n < size ? 1 : path_candidate(rest, name, buf, size);
}

/*
 * Which file is meant: args[0] itself when it has a slash, else the first executable one in PATH.
 * Done before the filter is loaded, so that a strict filter need not allow the search.
 */
static int find_program(const struct ct_plan_process *p, char *buf, size_t size, struct ct_err *err)
{
	const char *name = p->args.items[0], *rest = p->path;
	char denied[PATH_MAX] = "";
	struct stat st;

	if (strchr(name, '/')) {
		if (strlen(name) >= size)
			return fail_exec(err, ENAMETOOLONG, CT_EXIT_NOT_FOUND, "command",
					 "name is too long");
		memcpy(buf, name, strlen(name) + 1);
		if (faccessat(AT_FDCWD, buf, X_OK, AT_EACCESS) < 0)
			return ct_exec_explain(buf, errno, err);
		/* Which would be said by execve(2): too late for who makes a container to start it later. */
		if (stat(buf, &st) == 0 && S_ISDIR(st.st_mode))
			return ct_exec_explain(buf, EACCES, err);
		return 0;
	}
	while (path_candidate(&rest, name, buf, size)) {
		if (stat(buf, &st) < 0 || S_ISDIR(st.st_mode))
			continue;
		if (faccessat(AT_FDCWD, buf, X_OK, AT_EACCESS) == 0)
			return 0;
		if (!denied[0])
			snprintf(denied, sizeof(denied), "%s", buf);
	}
	if (denied[0])
		return ct_exec_explain(denied, EACCES, err);
	ct_fail(err, ENOENT, "%s: not found in the container's PATH (%s)", name, p->path);
	return ct_exit_with(err, CT_EXIT_NOT_FOUND);
}

/* The payload must not outlive its monitor. A change of ids, or more capabilities than before, would
 * lose the signal; fewer do not. */
static int tie_to_monitor(const struct child *c, struct ct_err *err)
{
	struct pollfd hangup = { .fd = c->sync, .events = POLLRDHUP };

	if (c->plan->process.untied)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return ct_fail_errno(err, errno, "cannot tie the payload to its monitor");
	if (poll(&hangup, 1, 0) > 0)
		return ct_fail(err, ECANCELED, "the monitor went away");
	return 0;
}

static int load_filter(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	int r = 0;

	if (p->listener)
		r = ct_child_load_listened(c);
	else if (p->seccomp.length)
		r = ct_seccomp_load(&p->seccomp);
	if (r == 0)
		return 0;
	ct_fail_errno(err, -r, "cannot load the seccomp filter");
	return ct_wrap(err, "%s", p->seccomp_place);
}

/* The steps between which nothing else fits; see the order at the top. */
static int drop_privileges(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	int r;

	if (p->no_new_privileges && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return ct_fail_errno(err, errno, "cannot set no_new_privs");
	r = tie_to_monitor(c, err);
	if (r == 0)
		r = ct_child_limit_files(p, err);
	if (r < 0)
		return r;
	if (p->no_new_privileges) {
		r = p->has_caps ? ct_caps_apply(&p->caps, err) : 0;
		ct_sync_send(c->sync, SYNC_EXEC, NULL, -1);
		return r < 0 ? r : load_filter(c, err);
	}
	r = p->seccomp.length ? ct_caps_raise(err) : 0;
	ct_sync_send(c->sync, SYNC_EXEC, NULL, -1);
	if (r == 0)
		r = load_filter(c, err);
	return r == 0 && p->has_caps ? ct_caps_apply(&p->caps, err) : r;
}

/* The same for a hook, which has its own end to tell of and no monitor that it must not outlive. */
static int drop_like_program(void *arg, struct ct_err *err)
{
	struct child *c = arg;
	const struct ct_plan_process *p = &c->plan->process;
	int r = ct_child_limit_files(p, err);

	if (r < 0)
		return r;
	if (p->no_new_privileges) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return ct_fail_errno(err, errno, "cannot set no_new_privs");
		r = p->has_caps ? ct_caps_apply(&p->caps, err) : 0;
		return r < 0 ? r : load_filter(c, err);
	}
	r = p->seccomp.length ? ct_caps_raise(err) : 0;
	if (r == 0)
		r = load_filter(c, err);
	return r == 0 && p->has_caps ? ct_caps_apply(&p->caps, err) : r;
}

/* What only the starter knows: how much there is, and that there is a filter. */
static int explain(const struct ct_plan_process *p, const char *program, int code,
		   struct ct_err *err)
{
	size_t bytes = 0;

	if (code == EPERM && p->seccomp.length && !ct_exec_has_caps(program)) {
		ct_fail(err, EPERM, "%s: the seccomp profile stops the program before it starts "
			"(EPERM on execve)", program);
		return ct_wrap(err, "%s", p->seccomp_place);
	}
	if (code != E2BIG)
		return ct_exec_explain(program, code, err);
	for (size_t i = 0; i < p->args.count; i++)
		bytes += strlen(p->args.items[i]) + 1;
	for (size_t i = 0; i < p->env.count; i++)
		bytes += strlen(p->env.items[i]) + 1;
	ct_fail(err, E2BIG, "%s: argument list too long (%.1f MB)", program, (double)bytes / 1e6);
	ct_hint(err, "arguments and environment may take a quarter of the stack limit, and one of "
		"them 128 KiB");
	return ct_exit_with(err, CT_EXIT_NOT_EXECUTABLE);
}

/* argv of our init: its name, the descriptor for errors, the program, then the program's own. */
static void exec_init(struct child *c, const char *program)
{
	const struct ct_plan_process *p = &c->plan->process;
	const char **argv = p->init_args.items;
	char sync[16];

	snprintf(sync, sizeof(sync), "%d", c->sync);
	argv[1] = sync;
	argv[2] = program;
	fcntl(c->sync, F_SETFD, 0);
	execveat(c->init, "", (char *const *)argv, (char *const *)p->env.items, AT_EMPTY_PATH);
	fcntl(c->sync, F_SETFD, FD_CLOEXEC);
}

static int refuse_self(const struct child *c, const char *program, struct ct_err *err)
{
	if (!c->self_writable || !ct_exec_leads_to(program, &c->self))
		return 0;
	return fail_exec(err, EPERM, CT_EXIT_NOT_EXECUTABLE, program,
			 "leads to cattach itself, a program of the host");
}

static int look(const struct child *c, char *program, size_t size, struct ct_err *err)
{
	int r = find_program(&c->plan->process, program, size, err);

	return r < 0 ? r : refuse_self(c, program, err);
}

int ct_child_look(const struct child *c, struct ct_err *err)
{
	char program[4096];

	return look(c, program, sizeof(program), err);
}

int ct_child_exec(struct child *c, struct ct_err *err)
{
	const struct ct_plan_process *p = &c->plan->process;
	char program[4096];
	int r = look(c, program, sizeof(program), err);

	if (r == 0)
		r = ct_child_start_hooks(c, drop_like_program, err);
	if (r == 0)
		r = drop_privileges(c, err);
	if (r < 0)
		return r;
	if (c->init >= 0) {
		exec_init(c, program);
		return ct_fail_errno(err, errno, "cannot start the container's init");
	}
	execve(program, (char *const *)p->args.items, (char *const *)p->env.items);
	return explain(p, program, errno, err);
}
