/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small files that cgroups are driven by, for the files of this directory. cgroups(7).
 */
#ifndef CATTACH_CGROUPS_FILES_H
#define CATTACH_CGROUPS_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cattach/cgroup.h>

#define CT_CGROUP_OWN		"cattach-"		/* how a container's directory begins */
#define CT_CGROUP_AGAIN		"+"			/* "cattach-ID+1": while "cattach-ID" is in use */
#define CT_CGROUP_CALLERS	"cattach-callers"	/* for the processes of a crowded place */
/* Version 2 comes last in /proc/PID/cgroup, behind a line for every controller of version 1. */
#define CT_CGROUP_SELF		16384
#define CT_CGROUP_MADE		"user.cattach.made"	/* attribute of parents that we made */
#define CT_CGROUP_MARK		320	/* bytes of what is written on those with a name of their own */

/* Has the container of this cgroup a name of its own, so that it is no "container" in it? */
bool ct_cgroup_is_named(const char *path);

/* named.c: the mark of one of these, and its kind: 0, -ENODATA without one, or -errno. */
int ct_cgroup_read_mark(int dir, char text[CT_CGROUP_MARK], enum ct_cgroup_kind *ret_kind);

/* named.c: make plan->name in c->parent, or take it; *ret_ours: it goes, or is given back, when something
 * fails afterwards. -ENOENT without an error: the parent has gone. */
int ct_cgroup_make_named(const struct ct_cgroup_plan *plan, struct ct_cgroup *c, bool *ret_ours,
			 struct ct_err *err);

/* freeze.c: a process that is born in a frozen one would never get to say that it is; negative. */
int ct_cgroup_fail_frozen(struct ct_err *err, const char *path);

/* walk.c: visit a cgroup and each below it, the upper ones first. The sum of what visit() returns, or the
 * first that is negative; -ELOOP. */
int ct_cgroup_walk(int dir, int (*visit)(void *arg, int dir), void *arg);

/* make.c: the error for a directory that cannot be made; negative. */
int ct_cgroup_fail_make(struct ct_err *err, int code, const char *path);

/* remove.c: wait for its processes to end; with all, remove what is below it. */
int ct_cgroup_empty(const struct ct_cgroup *cgroup, unsigned timeout, bool all, struct ct_err *err);

/* A file or, with O_DIRECTORY, a child of a directory. What is ours and lacks our rights, which a payload
 * that is the same user has taken, gets them back. A descriptor or -errno. */
int ct_cgroup_open_at(int dir, const char *name, int flags);

/* Read a file whole by its name, cutting what does not fit, without the last newline: its length or
 * -errno. A file of another directory: -EINVAL. */
ssize_t ct_cgroup_read(int dir, const char *file, char *buf, size_t size);

/* One write of a whole value: 0 or -errno. */
int ct_cgroup_write(int dir, const char *file, const char *value);

/* A file that holds one number, or "max": 0 or -errno. */
int ct_cgroup_read_number(int dir, const char *file, uint64_t *ret_value);

/* The value of a line "KEY VALUE": is it there? Otherwise *ret_value is left alone. */
bool ct_cgroup_find_key(const char *text, const char *key, uint64_t *ret_value);

/* Is a word in a list that is separated by blanks? */
bool ct_cgroup_has_word(const char *list, const char *word, size_t length);

bool ct_cgroup_is_v2(int dir);

/* Which layout does the directory have that counts as /sys/fs/cgroup? */
enum ct_cgroup_layout ct_cgroup_layout_of(int root);

/* The top of version 2 on this host; a descriptor or -errno. */
int ct_cgroup_top(enum ct_cgroup_layout *ret_layout);

/* The path of version 2 in the text of /proc/PID/cgroup, "/" when it has none. */
void ct_cgroup_path_of(const char *text, char *path, size_t size);

/* The text of /proc/PID/cgroup, of our own for 0. */
int ct_cgroup_read_self(pid_t pid, char *buf, size_t size, struct ct_err *err);

/* A directory below another by openat2(2): no "..", no links, no other mount. -errno. */
int ct_cgroup_open_below(int dir, const char *path);

/* 0 when the kernel lets us make cgroups here and move processes into them, else -errno. */
int ct_cgroup_check_delegated(int dir);

/* The pids in cgroup.procs one by one, 0 at the end; a pid that we cannot see is -1. */
struct ct_cgroup_pids {
	int fd;
	size_t at, length;
	char buf[4096];
};

/* 0 or -errno; close ->fd when done. */
int ct_cgroup_pids_open(int dir, struct ct_cgroup_pids *pids);
pid_t ct_cgroup_pids_next(struct ct_cgroup_pids *pids);

/* Has the directory a child cgroup? Its name into 256 bytes: 1, 0 or -errno. */
int ct_cgroup_first_child(int dir, char *name);

/* SIGKILL everything in a cgroup and below without cgroup.kill: 0 or -errno. */
int ct_cgroup_kill_by_signals(int dir);

#endif
