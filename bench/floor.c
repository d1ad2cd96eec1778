/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: the least program that gives a process the namespaces, the mounts and the devices of
 * "cattach run", and executes it. It is what a start cannot cost less than, to measure against.
 *
 *   floor ROOTFS COMMAND [ARG...]
 *
 * One process makes all seven namespaces with clone3 and waits; its child maps the one id that it
 * may, mounts and pivots with one system call for each thing (mount(2), paths below the rootfs:
 * quick, and safe only because the benchmark made the rootfs), and execs. No checks, no log, no
 * state, no limits on capabilities or system calls. Runs unprivileged. Any failure ends it, 125.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define FLAGS (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static void die(const char *what)
{
	fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void must(int result, const char *what)
{
	if (result < 0)
		die(what);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

/* The caller becomes root of the new user namespace; /proc is still the host's. */
static void map_ids(uid_t uid, gid_t gid)
{
	char text[64];

	snprintf(text, sizeof(text), "0 %u 1", uid);
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", text);
	snprintf(text, sizeof(text), "0 %u 1", gid);
	put("/proc/self/gid_map", text);
}

/* One node of the host's /dev, bound onto an empty file of our own. */
static void bind_node(const char *name)
{
	char host[64], here[64];
	int fd;

	snprintf(host, sizeof(host), "/dev/%s", name);
	snprintf(here, sizeof(here), "dev/%s", name);
	fd = open(here, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	must(fd, here);
	close(fd);
	must(mount(host, here, NULL, MS_BIND, NULL), here);
}

static void make_dev(void)
{
	static const char *const nodes[] = { "null", "zero", "full", "random", "urandom", "tty" };

	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"),
	     "dev");
	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++)
		bind_node(nodes[i]);
	must(mkdir("dev/pts", 0755), "dev/pts");
	must(mkdir("dev/shm", 01777), "dev/shm");
	must(mkdir("dev/mqueue", 0755), "dev/mqueue");
	must(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
	must(symlink("/proc/self/fd", "dev/fd"), "dev/fd");
	must(symlink("/proc/self/fd/0", "dev/stdin"), "dev/stdin");
	must(symlink("/proc/self/fd/1", "dev/stdout"), "dev/stdout");
	must(symlink("/proc/self/fd/2", "dev/stderr"), "dev/stderr");
	must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		   "newinstance,ptmxmode=0666,mode=0620"),
	     "dev/pts");
	must(mount("shm", "dev/shm", "tmpfs", FLAGS, "mode=1777,size=65536k"), "dev/shm");
	must(mount("mqueue", "dev/mqueue", "mqueue", FLAGS, NULL), "dev/mqueue");
}

/* What this kernel does not have (ENOENT) needs no mask. */
static void mask(const char *path, int directory)
{
	int result = directory ? mount("tmpfs", path, "tmpfs", FLAGS | MS_RDONLY, NULL) :
				 mount("/dev/null", path, NULL, MS_BIND, NULL);

	if (result < 0 && errno != ENOENT)
		die(path);
}

static void make_readonly(const char *path)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) < 0) {
		if (errno != ENOENT)
			die(path);
		return;
	}
	must(mount(NULL, path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY | FLAGS, NULL), path);
}

static void hide(void)
{
	static const char *const directories[] = {
		"proc/acpi", "proc/asound", "proc/scsi", "sys/devices/virtual/powercap",
		"sys/firmware", "sys/fs/selinux",
	};
	static const char *const files[] = {
		"proc/interrupts", "proc/kcore", "proc/keys", "proc/latency_stats",
		"proc/sched_debug", "proc/timer_list", "proc/timer_stats",
	};
	static const char *const readonly[] = {
		"proc/bus", "proc/fs", "proc/irq", "proc/sys", "proc/sysrq-trigger",
	};

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		mask(directories[i], 1);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		mask(files[i], 0);
	for (size_t i = 0; i < sizeof(readonly) / sizeof(readonly[0]); i++)
		make_readonly(readonly[i]);
}

static void mount_all(const char *rootfs)
{
	must(mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL), "/");
	must(mount(rootfs, rootfs, NULL, MS_BIND | MS_REC, NULL), rootfs);
	must(chdir(rootfs), rootfs);
	must(mount("proc", "proc", "proc", FLAGS, NULL), "proc");
	make_dev();
	must(mount("sysfs", "sys", "sysfs", FLAGS | MS_RDONLY, NULL), "sys");
	must(mount("cgroup2", "sys/fs/cgroup", "cgroup2", FLAGS | MS_RELATIME | MS_RDONLY, NULL),
	     "sys/fs/cgroup");
	hide();
	must((int)syscall(SYS_pivot_root, ".", "."), "pivot_root");
	must(umount2(".", MNT_DETACH), "umount");
	must(chdir("/"), "/");
}

int main(int argc, char **argv)
{
	static char *const environment[] = {
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", NULL,
	};
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC |
			 CLONE_NEWUTS | CLONE_NEWCGROUP,
		.exit_signal = SIGCHLD,
	};
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status;
	long pid;

	if (argc < 3) {
		fprintf(stderr, "usage: floor ROOTFS COMMAND [ARG...]\n");
		return 125;
	}
	pid = syscall(SYS_clone3, &args, sizeof(args));
	must((int)pid, "clone3");
	if (pid == 0) {
		map_ids(uid, gid);
		mount_all(argv[1]);
		execvpe(argv[2], argv + 2, environment);
		die(argv[2]);
	}
	must(waitpid((pid_t)pid, &status, 0), "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
