/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel lets this caller do, by trying: a child in new user, mount and pid namespaces
 * maps its ids, attaches a tmpfs, an overlay on it and a proc, writes down what each try gave, and
 * ends, which undoes all of it. Asking /proc/sys is not enough: distributions forbid these things
 * in four different places, and some of them only when it comes to mounting.
 *
 * Runs in commands with the caller's privileges; the child makes system calls only. Fails when
 * there is no pipe or no process to be had.
 */
#include <cattach/probe.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cattach/fd.h>
#include <cattach/io.h>
#include <cattach/proc.h>

#ifndef LANDLOCK_CREATE_RULESET_VERSION
#define LANDLOCK_CREATE_RULESET_VERSION 1U
#endif

static int write_proc(const char *path, const char *text)
{
	int ct_autofd fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return errno;
	return write(fd, text, strlen(text)) < 0 ? errno : 0;
}

/* Map the caller's own ids to 0, as every unprivileged container does at least. */
static int map_ids(uid_t uid, gid_t gid)
{
	char line[32];
	int code = write_proc("/proc/self/setgroups", "deny");

	if (code)
		return code;
	snprintf(line, sizeof(line), "0 %u 1", uid);
	code = write_proc("/proc/self/uid_map", line);
	if (code)
		return code;
	snprintf(line, sizeof(line), "0 %u 1", gid);
	return write_proc("/proc/self/gid_map", line);
}

static int set_option(int fs, const char *key, const char *value)
{
	return fsconfig(fs, FSCONFIG_SET_STRING, key, value, 0) < 0 ? errno : 0;
}

/* Make the file system that was configured, as a mount without a place. */
static int create_mount(int fs, int *ret_mount)
{
	if (fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return errno;
	*ret_mount = fsmount(fs, FSMOUNT_CLOEXEC, 0);
	return *ret_mount < 0 ? errno : 0;
}

/*
 * A tmpfs attached on top of the root, by descriptor: paths still lead to the root below it, so
 * that nothing else changes. Becomes the working directory.
 */
static int try_tmpfs(void)
{
	int ct_autofd fs = fsopen("tmpfs", FSOPEN_CLOEXEC);
	int ct_autofd root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int ct_autofd mount = -1;
	int code;

	if (fs < 0 || root < 0)
		return errno;
	code = create_mount(fs, &mount);
	if (code)
		return code;
	/* what we mount must not reach the host, and cannot when its peers are cut off */
	if (mount_setattr(root, "", AT_EMPTY_PATH | AT_RECURSIVE,
			  &(struct mount_attr){ .propagation = MS_PRIVATE },
			  sizeof(struct mount_attr)) < 0)
		return errno;
	if (move_mount(mount, "", root, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return errno;
	return fchdir(mount) < 0 ? errno : 0;
}

/* An overlay of three directories in the working directory, which is the tmpfs. */
static int try_overlay(void)
{
	static const char *const parts[][2] = { { "lowerdir", "lower" },
						{ "upperdir", "upper" },
						{ "workdir", "work" } };
	int ct_autofd fs = fsopen("overlay", FSOPEN_CLOEXEC);
	int ct_autofd mount = -1;

	if (fs < 0)
		return errno;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		int code = mkdir(parts[i][1], 0700) < 0 ? errno : 0;

		if (!code)
			code = set_option(fs, parts[i][0], parts[i][1]);
		if (code)
			return code;
	}
	return create_mount(fs, &mount);
}

static int try_proc(void)
{
	int ct_autofd fs = fsopen("proc", FSOPEN_CLOEXEC);
	int ct_autofd mount = -1;

	return fs < 0 ? errno : create_mount(fs, &mount);
}

/* All of the child: results go through the pipe as they come, so that a crash loses only the rest. */
static void try_everything(uid_t uid, gid_t gid, int pipe_end)
{
	struct ct_ns_probe probe = {
		.mount = CT_PROBE_NOT_TRIED,
		.overlay = CT_PROBE_NOT_TRIED,
		.proc = CT_PROBE_NOT_TRIED,
	};

	probe.id_map = map_ids(uid, gid);
	if (!probe.id_map)
		probe.mount = try_tmpfs();
	if (!probe.id_map && !probe.mount) {
		probe.overlay = try_overlay();
		probe.proc = try_proc();
	}
	_exit(ct_write_all(pipe_end, &probe, sizeof(probe)) < 0);
}

/* The child's results, or that it could not give any. */
static int read_results(int pipe_end, struct ct_ns_probe *ret_probe, struct ct_err *err)
{
	ssize_t n;

	do {
		n = read(pipe_end, ret_probe, sizeof(*ret_probe));
	} while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(*ret_probe))
		return ct_fail(err, ECHILD, "the child that tries a user namespace died");
	return 0;
}

int ct_ns_probe(struct ct_ns_probe *ret_probe, struct ct_err *err)
{
	struct ct_ns_probe probe = {
		.id_map = CT_PROBE_NOT_TRIED,
		.mount = CT_PROBE_NOT_TRIED,
		.overlay = CT_PROBE_NOT_TRIED,
		.proc = CT_PROBE_NOT_TRIED,
	};
	int ct_autofd readable = -1, writable = -1, pidfd = -1;
	uid_t uid = geteuid();
	gid_t gid = getegid();
	struct ct_exit status;
	int ends[2], r = 0;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return ct_fail_errno(err, errno, "cannot make a pipe");
	readable = ends[0];
	writable = ends[1];
	pid = ct_clone(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID, -1, SIGCHLD, &pidfd);
	if (pid == 0)
		try_everything(uid, gid, writable);
	ct_drop_fd(&writable);
	if (pid < 0) {
		probe.user_ns = -pid;
	} else {
		r = read_results(readable, &probe, err);
		ct_pidfd_wait(pidfd, &status);
	}
	if (r == 0)
		*ret_probe = probe;
	return r;
}

/*
 * Ask for a call with arguments that it refuses: ENOSYS, or EPERM from a filter, says that it is
 * not there; anything else that it is.
 */
static int missing(long result)
{
	return result < 0 && (errno == ENOSYS || errno == EPERM) ? errno : 0;
}

void ct_kernel_probe(struct ct_kernel_probe *ret_probe)
{
	struct ct_kernel_probe probe = {0};
	uint32_t action = SECCOMP_RET_ERRNO;
	long abi;

	probe.clone3 = missing(syscall(SYS_clone3, NULL, 0));
	probe.openat2 = missing(syscall(SYS_openat2, -1, NULL, NULL, 0));
	/* the newest of the mount calls that we need, and one that looks at its flags first */
	probe.mount_api = missing(syscall(SYS_mount_setattr, -1, "", ~0U, NULL, 0));
	probe.pidfd = missing(syscall(SYS_pidfd_open, 0, 0));
	probe.seccomp_filter =
		syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	probe.landlock = abi > 0 ? (int)abi : 0;
	*ret_probe = probe;
}
