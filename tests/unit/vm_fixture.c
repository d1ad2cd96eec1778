/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the suites vm_* share: resources as a container's options give them, converted and written
 * by the library, and children that use them up.
 */
#include "vm_fixture.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <check.h>

#include <cattach/proc.h>

#include "cgroup_fixture.h"
#include "cgroups/files.h"

static void explain(void)
{
	char line[1024] = "";

	ct_err_format(&real_err, line, sizeof(line));
	ck_abort_msg("%s", line);
}

void vm_make(const struct ct_cgroup_resources *resources)
{
	struct ct_cgroup_settings settings = { 0 };
	struct ct_arena arena;

	ck_assert_int_eq(ct_arena_open(&arena, &real_err), 0);
	if (ct_cgroup_convert(&arena, resources, &settings, &real_err) < 0)
		explain();
	real_make(0, &settings);
	ct_arena_close(&arena);
}

int vm_apply(const struct ct_cgroup_resources *resources)
{
	struct ct_cgroup_settings settings = { 0 };
	struct ct_arena arena;
	int ret;

	ck_assert_int_eq(ct_arena_open(&arena, &real_err), 0);
	ret = ct_cgroup_convert(&arena, resources, &settings, &real_err);
	if (ret == 0)
		ret = ct_cgroup_apply(real_cgroup.container, &settings, &real_err);
	ct_arena_close(&arena);
	return ret;
}

bool vm_is_full(void)
{
	const char *flavour = getenv("CT_FLAVOUR");

	return flavour && strcmp(flavour, "uml") != 0;
}

pid_t vm_child(int dir, int (*work)(long), long number)
{
	int pidfd = -1;
	pid_t pid = ct_clone(0, dir, SIGCHLD, &pidfd);

	if (pid == 0)
		_exit(work(number));
	ck_assert_int_gt(pid, 0);
	close(pidfd);
	return pid;
}

int vm_exit_status(pid_t pid)
{
	int status = 0;

	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_msg(WIFEXITED(status), "killed by signal %d", WTERMSIG(status));
	return WEXITSTATUS(status);
}

int vm_touch(long bytes)
{
	char *memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return 1;
	memset(memory, 1, (size_t)bytes);
	return 0;
}

int vm_hold(long bytes)
{
	if (vm_touch(bytes) != 0)
		return 1;
	for (;;)
		pause();
}

int vm_spin(long unused)
{
	(void)unused;
	for (volatile unsigned i = 0;; i++)
		;
}

struct ct_cgroup_stats vm_stats(void)
{
	struct ct_cgroup_stats stats;

	if (ct_cgroup_stats(real_cgroup.container, &stats, &real_err) < 0)
		explain();
	return stats;
}

const char *vm_file(const char *name)
{
	static char text[4096];

	ck_assert_msg(ct_cgroup_read(real_cgroup.container, name, text, sizeof(text)) >= 0,
		      "%s cannot be read", name);
	return text;
}
