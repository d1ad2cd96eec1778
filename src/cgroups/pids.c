/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which processes and which children a cgroup has.
 *
 * Runs in commands and in the monitor with the caller's privileges and only reads. A list of pids is
 * true at the moment of reading only: whoever acts on it reads again until nothing is left. Memory
 * is bounded whatever a payload does; what the kernel says is passed on (ENODEV: the cgroup is gone).
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
		.fd = openat(dir, "cgroup.procs", O_RDONLY | O_NOFOLLOW | O_CLOEXEC),
	};
	if (pids->fd < 0)
		return -errno;
	/* The members of a threaded cgroup are threads, and only reading says so. */
	if (pread(pids->fd, &first, 1, 0) < 0 && errno == EOPNOTSUPP) {
		ct_fd_close(pids->fd);
		pids->fd = openat(dir, "cgroup.threads", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	}
	return pids->fd < 0 ? -errno : 0;
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

static bool is_directory(int dir, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int ct_cgroup_first_child(int dir, char *name)
{
	DIR ct_autodir *list = NULL;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	list = fdopendir(fd);
	if (!list) {
		ct_fd_close(fd);
		return -ENOMEM;
	}
	for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    !is_directory(dirfd(list), entry))
			continue;
		snprintf(name, 256, "%s", entry->d_name);
		return 1;
	}
	return 0;
}
