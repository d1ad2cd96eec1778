/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes are a container's.
 *
 * Runs in the command, as the user, and looks at the host's /proc only. The kernel is asked for the
 * number that a process has in the container's pid namespace, which no process can refuse
 * (ioctl_ns(2), NS_GET_TGID_IN_PIDNS, Linux 6.11); before that the link ns/pid says it, and where a
 * process lets nobody read that, its parent. Processes come and go meanwhile: what is gone is left
 * out, and a pid that was used again names a process that is looked at anew. Where the pid
 * namespace is another container's, too (a pod), the container's are those in its mount namespace.
 *
 *   exact   each number in /proc: NS_GET_TGID_IN_PIDNS is it a member, with which number inside?
 *   else    ns/pid is the container's; or its parent is a member, whatever it hides
 *   no pid namespace of its own (--pid host): members are those in its mount namespace
 *
 * A process that has made itself undumpable hides its ns/ links from its own user, not its parent.
 */
#include <cattach/top.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <linux/nsfs.h>

#include <cattach/copy.h>
#include <cattach/exec.h>
#include <cattach/fd.h>

#include "plan.h"
#include "record.h"
#include "runtime_parts.h"
#include "top_read.h"

#ifndef NS_GET_TGID_IN_PIDNS
#define NS_GET_TGID_IN_PIDNS _IOR(NSIO, 0x9, int)
#endif

struct all {
	struct ct_arena *arena;
	const struct ct_exec *exec;
	pid_t payload;
	bool own_pids;			/* the container has a pid namespace, not ours */
	bool shared;			/* which is others' as well: it was joined */
	bool exact;			/* else the kernel knows who is in it */
	struct stat space;		/* of that, or else of its mount namespace */
	bool host_space;		/* it has neither to itself: whose root is this mount */
	uint64_t root;
	struct ct_copy_map uids, gids;
	struct ct_top top;		/* everybody, at first */
	unsigned char *member;
	size_t capacity;
};

/* ---- one process ---- */

/* Is its root the container's? Where that is not known nobody's is. */
static bool has_root(const struct all *a, int process)
{
	struct statx st;

	return a->root && statx(process, "root", AT_NO_AUTOMOUNT, STATX_MNT_ID, &st) == 0 &&
	       st.stx_mask & STATX_MNT_ID && st.stx_mnt_id == a->root;
}

/* Is its namespace the container's? 1, 0, or -errno where it does not let us look. */
static int in_space(const struct all *a, int process)
{
	struct stat st;

	if (a->host_space)
		return has_root(a, process);
	if (fstatat(process, a->own_pids && !a->shared ? "ns/pid" : "ns/mnt", &st, 0) < 0)
		return -errno;
	return st.st_dev == a->space.st_dev && st.st_ino == a->space.st_ino;
}

/* Its number in the container, 0 when it has none; -ENOTTY: the kernel cannot say. */
static int number_inside(const struct all *a, pid_t pid)
{
	int r = ioctl(a->exec->places.fd[CT_PLACE_PID], NS_GET_TGID_IN_PIDNS, pid);

	if (r >= 0)
		return r;
	return errno == ESRCH ? 0 : -ENOTTY;
}

/* The payload itself is one, whatever can be read of it. */
static bool is_member(struct all *a, int process, struct ct_top_process *p)
{
	if (a->shared)
		p->inside = number_inside(a, p->pid);
	/* The kernel cannot say. */
	if (p->inside < 0)
		p->inside = 0;
	if (p->pid == a->payload && !a->exact)
		return true;
	if (!a->exact)
		return in_space(a, process) == 1;
	p->inside = number_inside(a, p->pid);
	return p->inside > 0;
}

/* On the heap, as it grows by doubling: an arena would keep all the old halves. */
static int append(struct all *a, const struct ct_top_process *p, bool member)
{
	if (a->top.count == a->capacity) {
		size_t capacity = a->capacity ? a->capacity * 2 : 256;
		struct ct_top_process *items = reallocarray(a->top.items, capacity, sizeof(*items));
		unsigned char *members;

		if (!items)
			return -ENOMEM;
		a->top.items = items;
		members = realloc(a->member, capacity);
		if (!members)
			return -ENOMEM;
		a->member = members;
		a->capacity = capacity;
	}
	a->top.items[a->top.count] = *p;
	a->member[a->top.count++] = member;
	return 0;
}

/* Who is neither a member nor, as a child, may become one is not looked at. Names in /proc that
 * begin with a digit are processes. Of the others only stat is read, which everybody may: who its
 * parent is. */
static int look(struct all *a, int proc, const char *name)
{
	int ct_autofd process = openat(proc, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct ct_top_process p = { .pid = (pid_t)strtol(name, NULL, 10) };
	char text[4096];
	int inside, r;

	if (process < 0)
		return 0;
	if (is_member(a, process, &p)) {
		inside = p.inside;
		r = ct_top_read(a->arena, process, &p);
		if (inside)
			p.inside = inside;
		return r == 0 ? append(a, &p, true) : r == -ENOMEM ? r : 0;
	}
	if (a->exact || ct_top_read_text(process, "stat", text, sizeof(text)) <= 0)
		return 0;
	r = ct_top_parse_stat(a->arena, text, &p);
	return r == 0 ? append(a, &p, false) : r == -ENOMEM ? r : 0;
}

/* ---- all of them ---- */

static struct ct_top_process *find(const struct all *a, pid_t pid, size_t *ret_index)
{
	for (size_t i = 0; i < a->top.count; i++)
		if (a->top.items[i].pid == pid) {
			*ret_index = i;
			return &a->top.items[i];
		}
	return NULL;
}

/* What was only known as somebody's child: the same process still? started tells one process from
 * another that got its number since. */
static int complete(struct all *a, size_t index)
{
	struct ct_top_process p, *known = &a->top.items[index];
	char path[32];
	int ct_autofd process = -1;
	int r;

	if (known->args)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)known->pid);
	process = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	r = process < 0 ? -ESRCH : ct_top_read(a->arena, process, &p);
	if (r == 0 && p.started == known->started)
		*known = p;
	else
		a->member[index] = 0;
	return r == -ENOMEM ? r : 0;
}

/* Children of members, until there are no more. Again and again, since /proc lists by number, in
 * which a child may come before its parent. */
static int add_descendants(struct all *a)
{
	bool more = true;
	int r = 0;

	while (more) {
		more = false;
		for (size_t i = 0; i < a->top.count; i++) {
			size_t parent;

			if (a->member[i] || !find(a, a->top.items[i].parent, &parent) ||
			    !a->member[parent])
				continue;
			a->member[i] = 1;
			more = true;
		}
	}
	for (size_t i = 0; r == 0 && i < a->top.count; i++)
		if (a->member[i])
			r = complete(a, i);
	return r;
}

static int by_pid(const void *a, const void *b)
{
	const struct ct_top_process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The parent of the first process is 0 inside, though it has one on the host: the monitor. */
static void fill_inside(struct all *a, struct ct_top_process *p)
{
	size_t parent;
	struct ct_top_process *above = find(a, p->parent, &parent);

	if (!a->own_pids)
		p->inside = p->pid;
	p->inside_parent = above && a->member[parent] && p->pid != a->payload ? above->inside : 0;
	if (!a->own_pids)
		p->inside_parent = p->parent;
	p->inside_uid = ct_copy_map_in(&a->uids, p->uid);
	p->inside_gid = ct_copy_map_in(&a->gids, p->gid);
	p->inside_ruid = ct_copy_map_in(&a->uids, p->ruid);
	p->inside_rgid = ct_copy_map_in(&a->gids, p->rgid);
}

/* Only the members, in the arena. */
static int keep_members(struct all *a, struct ct_top *ret_top)
{
	size_t count = 0;

	for (size_t i = 0; i < a->top.count; i++)
		count += a->member[i];
	ret_top->items = ct_arena_calloc(a->arena, count + 1, sizeof(*ret_top->items));
	if (!ret_top->items)
		return -ENOMEM;
	ret_top->count = 0;
	for (size_t i = 0; i < a->top.count; i++)
		if (a->member[i])
			fill_inside(a, &a->top.items[i]);
	for (size_t i = 0; i < a->top.count; i++)
		if (a->member[i])
			ret_top->items[ret_top->count++] = a->top.items[i];
	qsort(ret_top->items, ret_top->count, sizeof(*ret_top->items), by_pid);
	return 0;
}

/* One pass over /proc: entries that begin with a digit are processes, proc(5). */
static int gather(struct all *a, struct ct_top *ret_top, struct ct_err *err)
{
	DIR ct_autodir *proc = opendir("/proc");
	struct dirent *entry;
	int r = 0;

	if (!proc)
		return ct_fail_errno(err, errno, "cannot open /proc");
	while (r == 0 && (entry = readdir(proc)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			r = look(a, dirfd(proc), entry->d_name);
	/* The kernel's answer is exact; what is only seen is completed by who is whose child. */
	if (r == 0 && !a->exact)
		r = add_descendants(a);
	if (r == 0)
		r = keep_members(a, ret_top);
	return r < 0 ? ct_fail_nomem(err) : 0;
}

/* Left empty, all ids are unknown inside, which shows as "?". */
static void read_map(const struct all *a, const char *name, struct ct_copy_map *map)
{
	char path[32], text[16384];
	int ct_autofd process = -1;

	snprintf(path, sizeof(path), "/proc/%d", (int)a->payload);
	process = openat(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (process >= 0 && ct_top_read_text(process, name, text, sizeof(text)) > 0)
		ct_copy_map_parse(text, map);
}

/* Where everybody of the host, or of a mount namespace that it has joined, would be one of the
 * container's. It may have gone to the host's by itself. */
static bool is_in_others_space(const struct all *a, bool attached)
{
	struct stat own;

	if (attached && (!a->own_pids || a->shared))
		return true;
	return !a->own_pids && (ct_inherits_mounts(a->exec->spec) ||
				(stat("/proc/self/ns/mnt", &own) == 0 &&
				 own.st_dev == a->space.st_dev && own.st_ino == a->space.st_ino));
}

/* -ENOTTY is a kernel that does not know the question (before 6.11). */
static int find_space(struct all *a, struct ct_err *err)
{
	const struct ct_exec *exec = a->exec;
	const struct ct_spec_namespace *spaces = exec->spec->linux_.namespaces;
	bool attached = spaces[CT_NS_MOUNT].path && ct_is_attached(exec->container, exec->spec);
	int mounts = exec->places.fd[CT_PLACE_MOUNT];
	struct stat own;

	if (stat("/proc/self/ns/pid", &own) < 0 ||
	    fstat(exec->places.fd[CT_PLACE_PID], &a->space) < 0)
		return ct_fail_errno(err, errno, "cannot look at the pid namespaces");
	a->own_pids = own.st_dev != a->space.st_dev || own.st_ino != a->space.st_ino;
	/* Those of the others are not its own; who sees its files is. */
	a->shared = a->own_pids && spaces[CT_NS_PID].path && spaces[CT_NS_MOUNT].present &&
		    (!spaces[CT_NS_MOUNT].path || attached);
	if ((!a->own_pids || a->shared) && fstat(mounts, &a->space) < 0)
		return ct_fail_errno(err, errno, "cannot look at the mount namespace");
	a->host_space = is_in_others_space(a, attached);
	if (a->host_space)
		a->root = ct_inherited_mount_id(exec->container, exec->spec, mounts);
	a->exact = a->own_pids && !a->shared && number_inside(a, a->payload) != -ENOTTY;
	read_map(a, "uid_map", &a->uids);
	read_map(a, "gid_map", &a->gids);
	return 0;
}

int ct_top(struct ct_store *store, struct ct_arena *arena, const struct ct_container *container,
	   struct ct_top *ret_top, struct ct_err *err)
{
	struct ct_exec ct_autoexec exec = CT_EXEC_INIT;
	struct all *a = ct_arena_alloc(arena, sizeof(*a));
	int r;

	if (!a)
		return ct_fail_nomem(err);
	a->arena = arena;
	a->exec = &exec;
	a->payload = container->status.pid;
	r = container->session_of ? 0 : ct_state_check(container, CT_ACT_TOP, err);
	if (r == 0)
		r = ct_exec_open_live(store, arena, container, &exec, err);
	if (r == 0)
		r = find_space(a, err);
	if (r == 0)
		r = gather(a, ret_top, err);
	free(a->top.items);
	free(a->member);
	return r;
}
