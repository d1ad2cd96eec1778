/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes and which children a cgroup has.
 *
 * Runs in commands and in the monitor with the caller's privileges and only reads. A list of pids
 * is true at the moment of reading only: whoever acts on it reads again until nothing is left.
 * Memory is bounded whatever a payload does; what the kernel says is passed on (ENODEV: the cgroup
 * is gone).
 */
#include "files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

int ct_cgroup_pids_open(int dir, struct ct_cgroup_pids *pids)
{
	char first;

	*pids = (struct ct_cgroup_pids){
		.fd = ct_cgroup_open_at(dir, "cgroup.procs", O_RDONLY),
	};
	if (pids->fd < 0)
		return pids->fd;
	/* The members of a threaded cgroup are threads, and only reading says so. */
	if (pread(pids->fd, &first, 1, 0) < 0 && errno == EOPNOTSUPP) {
		ct_fd_close(pids->fd);
		pids->fd = ct_cgroup_open_at(dir, "cgroup.threads", O_RDONLY);
	}
	return pids->fd < 0 ? pids->fd : 0;
}

static int next_byte(struct ct_cgroup_pids *pids)
{
	if (pids->at == pids->length) {
		ssize_t n = read(pids->fd, pids->buf, sizeof(pids->buf));

		if (n <= 0)
			return -1;
		pids->at = 0;
		pids->length = (size_t)n;
	}
	return (unsigned char)pids->buf[pids->at++];
}

pid_t ct_cgroup_pids_next(struct ct_cgroup_pids *pids)
{
	long pid = -1;
	int c;

	while ((c = next_byte(pids)) >= '0' && c <= '9')
		pid = (pid < 0 ? 0 : pid) * 10 + (c - '0');
	/* The kernel writes 0 for a process that is not in our pid namespace. */
	if (pid < 0)
		return 0;
	return pid == 0 || pid > INT32_MAX ? -1 : (pid_t)pid;
}

/* The first child among some entries of a directory. */
static bool find_child(int dir, const char *entries, size_t size, char *name)
{
	for (size_t at = 0; at < size;) {
		const struct dirent64 *entry = (const void *)(entries + at);
		struct stat st;

		at += entry->d_reclen;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
			continue;
		if (entry->d_type == DT_UNKNOWN &&
		    (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		     !S_ISDIR(st.st_mode)))
			continue;
		snprintf(name, 256, "%.255s", entry->d_name);
		return true;
	}
	return false;
}

/* getdents64(2), for the monitor calls this and does not allocate: readdir(3) would. */
int ct_cgroup_first_child(int dir, char *name)
{
	int ct_autofd fd = ct_cgroup_open_at(dir, ".", O_RDONLY | O_DIRECTORY);
	char entries[4096] __attribute__((aligned(__alignof__(struct dirent64))));
	ssize_t n;

	if (fd < 0)
		return fd;
	while ((n = getdents64(fd, entries, sizeof(entries))) > 0) {
		if (find_child(fd, entries, (size_t)n, name))
			return 1;
	}
	return n < 0 ? -errno : 0;
}
