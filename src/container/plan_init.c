/* SPDX-License-Identifier: Apache-2.0 */
/*
 * --init: the program that becomes pid 1 in the container is copied into a sealed memfd, so that
 * the container can neither find the file nor write to it, whatever it does to /proc/1/exe.
 *
 * Runs in the CLI. The program is found beside our own executable, then in ../libexec/cattach.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cattach/fd.h>

#include "plan.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

static const char *const places[] = { "cattach-init", "../libexec/cattach/cattach-init" };

static int open_program(struct ct_err *err)
{
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	int ct_autofd directory = -1;
	char *slash;

	if (n < 0)
		return ct_fail_errno(err, errno, "cannot find our own executable");
	exe[n] = '\0';
	slash = strrchr(exe, '/');
	if (slash)
		*slash = '\0';
	directory = openat(AT_FDCWD, exe, O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		int fd = openat(directory, places[i], O_RDONLY | O_CLOEXEC);

		if (fd >= 0)
			return fd;
	}
	ct_fail(err, ENOENT, "cattach-init is neither in %s nor in %s/../libexec/cattach", exe, exe);
	ct_wrap(err, "--init");
	return ct_hint(err, "make install puts it there");
}

static int copy_program(int program, int memfd, struct ct_err *err)
{
	struct stat st;
	off_t done = 0;

	if (fstat(program, &st) < 0)
		return ct_fail_errno(err, errno, "cannot examine cattach-init");
	while (done < st.st_size) {
		ssize_t n = sendfile(memfd, program, &done, (size_t)(st.st_size - done));

		if (n <= 0)
			return ct_fail_errno(err, n < 0 ? errno : EIO, "cannot copy cattach-init");
	}
	return 0;
}

static int sealed_copy(int program, struct ct_err *err)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	int ct_autofd fd = memfd_create("cattach-init", flags | MFD_EXEC);

	/* Kernels before 6.3 do not know the flag, and make every memfd executable. */
	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("cattach-init", flags);
	if (fd < 0)
		return ct_fail_errno(err, errno, "cannot make a memfd for cattach-init");
	if (copy_program(program, fd, err) < 0)
		return -err->code;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return ct_fail_errno(err, errno, "cannot seal cattach-init");
	return ct_take_fd(&fd);
}

static int plan_arguments(struct planning *p, struct ct_err *err)
{
	struct ct_plan_process *to = &p->plan->process;

	for (int i = 0; i < 3; i++)
		if (ct_strings_add(p->arena, &to->init_args, "cattach-init") < 0)
			return ct_fail_nomem(err);
	for (size_t i = 0; i < to->args.count; i++)
		if (ct_strings_add(p->arena, &to->init_args, to->args.items[i]) < 0)
			return ct_fail_nomem(err);
	return 0;
}

int ct_plan_init(struct planning *p, struct ct_err *err)
{
	int ct_autofd program = -1;

	if (!p->meta->init)
		return 0;
	program = open_program(err);
	if (program < 0)
		return program;
	p->plan->process.init = sealed_copy(program, err);
	if (p->plan->process.init < 0)
		return -err->code;
	return plan_arguments(p, err);
}
