/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing uid_map and gid_map of a process in a new user namespace. user_namespaces(7).
 *
 * A map of one line for the caller's own id can be written by the caller, for groups only after
 * setgroups is denied. A map with subordinate ranges needs newuidmap(1) and newgidmap(1), the only
 * helper programs on the start path; both run at the same time. Root writes any map itself.
 *
 * Runs in the monitor with the caller's rights. What may fail: helpers that refuse a range, whose
 * own words are shown.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>

#include "child.h"

#define MAX_LINES 340	/* kernel: UID_GID_MAP_MAX_EXTENTS */

static int write_file(pid_t pid, const char *name, const char *text, struct ct_err *err)
{
	char path[64];
	int ct_autofd fd = -1;
	int r;

	/* The process is our child and not reaped yet, so the number cannot mean another one. */
	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot open %s of the new process", name);
	r = ct_write_all(fd, text, strlen(text));
	return r < 0 ? ct_fail_errno(err, -r, "cannot write %s", name) : 0;
}

static int write_map(pid_t pid, const char *name, const struct ct_plan_ids *map, struct ct_err *err)
{
	char text[MAX_LINES * 33 + 1];
	size_t used = 0;

	if (map->count > MAX_LINES)
		return ct_fail(err, EINVAL, "%s: more than %d lines", name, MAX_LINES);
	text[0] = '\0';
	for (size_t i = 0; i < map->count; i++) {
		const struct ct_plan_id *m = &map->items[i];

		used += (size_t)snprintf(text + used, sizeof(text) - used, "%u %u %u\n", m->inside,
					 m->outside, m->count);
	}
	return write_file(pid, name, text, err);
}

/* One line for the caller's own id: the kernel lets the caller write it. */
static bool is_own_id(const struct ct_plan_ids *map, uint32_t own)
{
	return map->count == 1 && map->items[0].count == 1 && map->items[0].outside == own;
}

struct helper {
	const char *program;	/* "newuidmap" */
	pid_t pid;		/* 0: not started */
	int output;		/* what it says */
};

/* Where ct_id_helper_find() looks too: in PATH, or where every distribution has it. */
static int spawn_helper(struct helper *h, const posix_spawn_file_actions_t *actions,
			char *const argv[])
{
	static char *const environment[] = { "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
					     "LC_ALL=C", NULL };
	char path[64];
	int r = posix_spawnp(&h->pid, h->program, actions, NULL, argv, environment);

	if (r != ENOENT)
		return r;
	snprintf(path, sizeof(path), "/usr/bin/%s", h->program);
	return posix_spawn(&h->pid, path, actions, NULL, argv, environment);
}

static int start_helper(struct helper *h, pid_t target, const struct ct_plan_ids *map,
			struct ct_err *err)
{
	char numbers[MAX_LINES * 3 + 1][12];
	char *argv[MAX_LINES * 3 + 3];
	posix_spawn_file_actions_t actions;
	int pipe_fds[2], r;
	size_t n = 0;

	if (map->count > MAX_LINES)
		return ct_fail(err, EINVAL, "more than %d lines of id map", MAX_LINES);
	snprintf(numbers[0], sizeof(numbers[0]), "%d", target);
	argv[n++] = (char *)h->program;
	argv[n++] = numbers[0];
	for (size_t i = 0; i < map->count; i++) {
		const struct ct_plan_id *m = &map->items[i];
		uint32_t fields[3] = { m->inside, m->outside, m->count };

		for (size_t k = 0; k < 3; k++, n++) {
			snprintf(numbers[n - 1], sizeof(numbers[0]), "%u", fields[k]);
			argv[n] = numbers[n - 1];
		}
	}
	argv[n] = NULL;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
	posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 2);
	r = spawn_helper(h, &actions, argv);
	posix_spawn_file_actions_destroy(&actions);
	close(pipe_fds[1]);
	h->output = pipe_fds[0];
	if (r == 0)
		return 0;
	h->pid = 0;
	ct_fail_errno(err, r, "cannot run %s", h->program);
	return ct_hint(err, "apt install uidmap");
}

static int finish_helper(struct helper *h, struct ct_err *err)
{
	char said[256];
	ssize_t n = 0;
	int status = 0;

	if (!h->pid)
		return 0;
	/* Little is ever said, and the pipe ends with the helper. */
	while ((n = read(h->output, said, sizeof(said) - 1)) < 0 && errno == EINTR)
		continue;
	ct_drop_fd(&h->output);
	while (waitpid(h->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	said[n > 0 ? n : 0] = '\0';
	said[strcspn(said, "\n")] = '\0';
	if (said[0])
		ct_fail(err, EPERM, "the id map was refused: %s", said);
	else
		ct_fail(err, EPERM, "the id map was refused by %s (status %d)", h->program, status);
	return ct_hint(err, "cattach info shows the ranges of this user");
}

static int write_own_ids(pid_t pid, const struct ct_plan *plan, struct ct_err *err)
{
	int r = write_file(pid, "setgroups", "deny", err);

	if (r == 0)
		r = write_map(pid, "uid_map", &plan->uid_map, err);
	if (r == 0)
		r = write_map(pid, "gid_map", &plan->gid_map, err);
	return r;
}

static int write_by_helpers(pid_t pid, const struct ct_plan *plan, struct ct_err *err)
{
	struct helper uids = { .program = "newuidmap", .output = -1 };
	struct helper gids = { .program = "newgidmap", .output = -1 };
	struct ct_err second = { 0 };
	int r = start_helper(&uids, pid, &plan->uid_map, err);

	if (r == 0)
		r = start_helper(&gids, pid, &plan->gid_map, err);
	/* Both are reaped whatever happened; the first error is the one to tell. */
	if (finish_helper(&uids, r == 0 ? err : &second) < 0 && r == 0)
		r = -err->code;
	if (finish_helper(&gids, r == 0 ? err : &second) < 0 && r == 0)
		r = -err->code;
	return r;
}

int ct_maps_write(pid_t pid, const struct ct_plan *plan, struct ct_err *err)
{
	int r;

	/* CAP_SETUID and CAP_SETGID over the parent namespace: any map, and setgroups stays. */
	if (ct_caps_have(7) && ct_caps_have(6)) {
		r = write_map(pid, "uid_map", &plan->uid_map, err);
		return r < 0 ? r : write_map(pid, "gid_map", &plan->gid_map, err);
	}
	if (is_own_id(&plan->uid_map, geteuid()) && is_own_id(&plan->gid_map, getegid()))
		return write_own_ids(pid, plan, err);
	return write_by_helpers(pid, plan, err);
}
